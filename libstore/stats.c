/* stats.c - what is in a store, and who reads it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "buffer.h"
#include "change.h"
#include "idset.h"
#include "layout.h"
#include "record.h"
#include "store_private.h"

struct count {
    store_stats *out;
    struct snapshot *objects, *bodies;
    struct buffer pending; /* u64 ids of collections still to be counted */
    struct idset seen;
};

static int no_memory(void)
{
    return problem(STORE_NO_MEMORY, "no memory to count");
}

/* Calls `each` for every row whose key begins with `prefix`. */
static int each_row(struct count *count, struct snapshot *snapshot, const struct key *prefix,
                    int (*each)(struct count *count, struct slice key, struct slice value))
{
    struct engine_cursor cursor;
    struct slice found, value;
    int rc = engine_cursor_open(&cursor, snapshot);

    if (rc != STORE_OK)
        return rc;
    rc = engine_seek(&cursor, key_slice(prefix), &found, &value);
    while (rc == STORE_OK && key_has_prefix(found, prefix)) {
        rc = each(count, found, value);
        if (rc == STORE_OK)
            rc = engine_next(&cursor, &found, &value);
    }
    engine_cursor_close(&cursor);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

/* ---------------------------------------------------------------- objects */

static int count_collection(struct count *count, const struct record *record)
{
    count->out->collections++;
    count->out->typed_collections += (record->flags & RECORD_TYPED) != 0;
    switch (idset_add(&count->seen, record->id)) {
    case IDSET_NO_MEMORY:
        return no_memory();
    case IDSET_KNOWN: /* damaged: it would be counted for ever */
        return STORE_OK;
    case IDSET_NEW:
        break;
    }
    buffer_append(&count->pending, &record->id, sizeof record->id);
    return count->pending.failed ? no_memory() : STORE_OK;
}

static int count_entry(struct count *count, struct slice value)
{
    struct record record;

    if (record_read(&record, value.data, value.size, false) != RECORD_OK)
        return STORE_OK;
    switch (record.kind) {
    case NODE_COLLECTION:
        return count_collection(count, &record);
    case NODE_OBJECT:
        count->out->objects++;
        break;
    case NODE_LINK:
        count->out->links++;
        break;
    case NODE_SPECIAL:
        count->out->specials++;
        return STORE_OK;
    case NODE_NAME: /* the node is counted by its own row */
        return STORE_OK;
    }
    count->out->body_bytes += record.size;
    if (record.flags & RECORD_CHUNKED)
        count->out->chunked_objects++;
    else
        count->out->inline_objects++;
    return STORE_OK;
}

static int collection_row(struct count *count, struct slice key, struct slice value)
{
    char kind = key.size >= SCOPE_PREFIX ? ((const char *)key.data)[8] : '\0';

    if (kind == KIND_ENTRY)
        return count_entry(count, value);
    count->out->index_entries += kind == KIND_UNIQUE;
    return STORE_OK;
}

static int count_change(struct count *count, struct slice key, struct slice value)
{
    uint64_t first = get_be64((const char *)key.data + SCOPE_PREFIX);
    struct change_item item;
    struct change_row row;

    if (!change_row_read(&row, value))
        return STORE_OK;
    if (count->out->oldest_change == 0)
        count->out->oldest_change = first;
    count->out->last_version = row.last_version;
    while (change_item_next(&item, &row) == 1)
        count->out->changes++;
    return STORE_OK;
}

static int store_row(struct count *count, struct slice key, struct slice value)
{
    const char *bytes = key.data;

    if (key.size < SCOPE_PREFIX)
        return STORE_OK;
    if (bytes[8] == KIND_ENTRY && key.size == SCOPE_PREFIX)
        return count_entry(count, value); /* the root */
    if (bytes[8] == KIND_NODE && key.size == SCOPE_PREFIX + 8)
        return count_entry(count, value);
    if (bytes[8] == KIND_LOG && key.size == SCOPE_PREFIX + 8)
        return count_change(count, key, value);
    if (bytes[8] == KIND_GARBAGE && key.size > SCOPE_PREFIX) {
        count->out->garbage_bodies += bytes[SCOPE_PREFIX] == GARBAGE_BODY;
        count->out->garbage_collections += bytes[SCOPE_PREFIX] == GARBAGE_COLLECTION;
    }
    return STORE_OK;
}

/* From the root down: rows of deleted collections do not count. */
static int count_objects(struct count *count)
{
    struct key prefix = { .size = 8 };
    uint64_t id;
    int rc;

    put_be64(prefix.bytes, SCOPE_STORE);
    rc = each_row(count, count->objects, &prefix, store_row);
    while (rc == STORE_OK && count->pending.size > 0) {
        count->pending.size -= sizeof id;
        memcpy(&id, count->pending.data + count->pending.size, sizeof id);
        put_be64(prefix.bytes, id);
        rc = each_row(count, count->objects, &prefix, collection_row);
    }
    return rc;
}

/* ----------------------------------------------------------------- bodies */

/* The staging row of a body that is published already goes with the next upload. */
static int count_staged(struct count *count, uint64_t body)
{
    struct slice value;
    struct key key;
    int rc;

    key_begin(&key, SCOPE_STORE, KIND_PUBLISHED);
    key_add_u64(&key, body);
    rc = engine_get(count->objects, key_slice(&key), &value);
    count->out->staged_uploads += rc == ENGINE_ABSENT;
    return rc < 0 ? rc : STORE_OK;
}

static int body_row(struct count *count, struct slice key, struct slice value)
{
    const char *bytes = key.data;

    (void)value;
    if (key.size == CHUNK_KEY)
        count->out->chunks += get_be32(bytes + 8) != CHUNK_NONE;
    else if (key.size == SCOPE_PREFIX + 8 && get_be64(bytes) == 0 && bytes[8] == BODY_STAGED)
        return count_staged(count, get_be64(bytes + SCOPE_PREFIX));
    return STORE_OK;
}

/* ------------------------------------------------------------------ stats */

static int count_all(struct count *count, store *s)
{
    const struct key all = { .size = 0 };
    int rc = engine_snapshot(&count->objects, s->objects);

    if (rc == STORE_OK)
        rc = engine_snapshot(&count->bodies, s->bodies);
    if (rc == STORE_OK)
        rc = count_objects(count);
    if (rc == STORE_OK)
        rc = each_row(count, count->bodies, &all, body_row);
    if (count->bodies)
        engine_snapshot_end(count->bodies);
    if (count->objects)
        engine_snapshot_end(count->objects);
    buffer_release(&count->pending);
    idset_release(&count->seen);
    return rc;
}

int store_stats_get(store_stats *out, store *s)
{
    struct count count = { .out = out };
    int rc;

    store_enter();
    *out = (store_stats){ 0 };
    rc = count_all(&count, s);
    if (rc == STORE_OK)
        rc = engine_space(s->objects, &out->objects_space);
    if (rc == STORE_OK)
        rc = engine_space(s->bodies, &out->bodies_space);
    if (rc != STORE_OK)
        *out = (store_stats){ 0 };
    return rc;
}

/* ------------------------------------------------------------------- room */

/* Pages of the files that can be used again, and how many rows the objects have. */
static int reusable(uint64_t *bytes, uint64_t *rows, store *s)
{
    struct store_space objects, bodies;
    int rc = engine_space(s->objects, &objects);

    if (rc == STORE_OK)
        rc = engine_space(s->bodies, &bodies);
    if (rc != STORE_OK)
        return rc;
    *bytes = objects.reclaimable_bytes + bodies.reclaimable_bytes;
    *rows = objects.entries;
    return STORE_OK;
}

int store_room_get(store_room *out, store *s)
{
    struct statvfs disk;
    uint64_t pages, rows;
    int rc;

    store_enter();
    *out = (store_room){ 0 };
    rc = reusable(&pages, &rows, s);
    if (rc != STORE_OK)
        return rc;
    if (statvfs(s->path, &disk))
        return problem_os(STORE_IO, errno, "the room on the disk: %s", strerror(errno));
    *out = (store_room){
        .total_bytes = (uint64_t)disk.f_blocks * disk.f_frsize,
        .free_bytes = (uint64_t)disk.f_bfree * disk.f_frsize + pages,
        .available_bytes = (uint64_t)disk.f_bavail * disk.f_frsize + pages,
        .nodes = rows,
    };
    return STORE_OK;
}

/* ---------------------------------------------------------------- readers */

int store_readers(store_reader_info **out, size_t *count, store *s)
{
    int rc, cleared;

    store_enter();
    *out = NULL;
    *count = 0;
    rc = engine_readers(s->objects, false, out, count);
    if (rc == STORE_OK)
        rc = engine_readers(s->bodies, true, out, count);
    if (rc == STORE_OK)
        rc = engine_clear_readers(s->objects, &cleared);
    if (rc == STORE_OK)
        rc = engine_clear_readers(s->bodies, &cleared);
    if (rc == STORE_OK)
        return STORE_OK;
    free(*out);
    *out = NULL;
    *count = 0;
    return rc;
}
