/* body.c - staging bodies, counting references to them, reading them. */
#include "body.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FLUSH_SIZE (64u * CHUNK_DATA) /* about 4 MiB: what one transaction of an upload writes */
#define DROP_SLICE 512                /* chunks that one transaction deletes */
#define STAGED_ROW 12                 /* u64 nonce, u32 slot */

struct unstaged {
    struct unstaged *next;
    uint64_t id;
};

static void staged_key(struct key *key, uint64_t id)
{
    key_begin(key, 0, BODY_STAGED);
    key_add_u64(key, id);
}

/* ---------------------------------------------------------------- staging */

/* Deletes the staging rows of bodies published since, as part of a transaction that
 * is under way anyway. They are forgotten only when it has committed. */
static int delete_staging_rows(struct transaction *txn, const struct unstaged *list)
{
    struct key key;
    int rc = STORE_OK;

    for (; list && rc >= 0; list = list->next) {
        staged_key(&key, list->id);
        rc = engine_del(txn, key_slice(&key));
    }
    return rc < 0 ? rc : STORE_OK;
}

/* A backup copies the objects before the bodies. A body that was published in between must keep its
 * staging row, by which the copy knows it for one that nobody refers to. */
static bool unstaging_allowed(const store *s)
{
    return !shared_reclaim_held(s->shared);
}

static struct unstaged *take_unstaged(store *s)
{
    struct unstaged *list;

    pthread_mutex_lock(&s->unstaged_lock);
    list = s->unstaged;
    s->unstaged = NULL;
    pthread_mutex_unlock(&s->unstaged_lock);
    return list;
}

static void free_unstaged(struct unstaged *list)
{
    while (list) {
        struct unstaged *next = list->next;
        free(list);
        list = next;
    }
}

/* Without memory the row stays until the session ends: the sweep then sees that it was published. */
void body_published(store *s, uint64_t id)
{
    struct unstaged *item = malloc(sizeof *item);

    if (!item)
        return;
    pthread_mutex_lock(&s->unstaged_lock);
    *item = (struct unstaged){ s->unstaged, id };
    s->unstaged = item;
    pthread_mutex_unlock(&s->unstaged_lock);
}

void body_unstage(store *s)
{
    struct unstaged *list = take_unstaged(s);
    struct transaction txn;

    if (list && unstaging_allowed(s) && engine_begin(&txn, s->bodies) == STORE_OK) {
        if (delete_staging_rows(&txn, list) == STORE_OK)
            engine_commit(&txn);
        else
            engine_abort(&txn);
    }
    free_unstaged(list);
}

/* Takes the next id and marks it as this session's. */
static int claim(struct transaction *txn, store *s, uint64_t *id)
{
    unsigned char row[STAGED_ROW];
    struct slice value;
    struct key key;
    uint64_t nonce, next = 1;
    uint32_t slot;
    int rc;

    key_begin(&key, 0, BODY_NEXT);
    rc = engine_get(&txn->view, key_slice(&key), &value);
    if (rc < 0)
        return rc;
    if (rc == STORE_OK && value.size == 8)
        next = get_be64(value.data);
    put_be64(row, next + 1);
    rc = engine_put(txn, key_slice(&key), slice_of(row, 8));
    if (rc != STORE_OK)
        return rc;
    shared_session(s->shared, &slot, &nonce);
    memcpy(row, &nonce, 8);
    memcpy(row + 8, &slot, 4);
    staged_key(&key, next);
    *id = next;
    return engine_put(txn, key_slice(&key), slice_of(row, sizeof row));
}

static int put_chunk(struct transaction *txn, const struct key *key, const void *data, size_t size, bool append)
{
    uint64_t checksum = XXH3_64bits(data, size);
    unsigned char *row;
    void *space;
    int rc = engine_reserve(txn, key_slice(key), CHUNK_CHECKSUM + size, append, &space);

    if (rc != STORE_OK)
        return rc;
    row = space;
    memcpy(row, &checksum, CHUNK_CHECKSUM);
    memcpy(row + CHUNK_CHECKSUM, data, size);
    return STORE_OK;
}

static int write_chunks(struct transaction *txn, struct body_writer *writer, uint64_t id, const char *data, size_t size)
{
    uint32_t chunk = writer->chunks;
    struct key key;
    int rc = STORE_OK;

    for (size_t done = 0; done < size && rc == STORE_OK; chunk++) {
        size_t part = size - done < CHUNK_DATA ? size - done : CHUNK_DATA;
        key_chunk(&key, id, chunk, 0);
        rc = put_chunk(txn, &key, data + done, part, true);
        done += part;
    }
    return rc;
}

/* The last of the disk is left to what frees space. */
static int check_room(struct transaction *txn, size_t size)
{
    return engine_scarce(txn, size + size / 8, true) ? problem(STORE_FULL, "the disk is all but full") : STORE_OK;
}

/* One transaction: `size` bytes, whole chunks unless they are the last. */
static int flush(struct body_writer *writer, const char *data, size_t size)
{
    struct unstaged *list = unstaging_allowed(writer->store) ? take_unstaged(writer->store) : NULL;
    struct transaction txn;
    uint64_t id = writer->id;
    int rc = engine_begin(&txn, writer->store->bodies);

    if (rc == STORE_OK) {
        rc = check_room(&txn, size);
        if (rc == STORE_OK)
            rc = delete_staging_rows(&txn, list);
        if (rc == STORE_OK && id == 0)
            rc = claim(&txn, writer->store, &id);
        if (rc == STORE_OK)
            rc = write_chunks(&txn, writer, id, data, size);
        if (rc == STORE_OK)
            rc = engine_commit(&txn);
        else
            engine_abort(&txn);
    }
    free_unstaged(list);
    if (rc != STORE_OK)
        return rc;
    writer->id = id;
    writer->chunks += (uint32_t)((size + CHUNK_DATA - 1) / CHUNK_DATA);
    return STORE_OK;
}

/* The file may have outgrown its map; then the engine has made it larger: once more. */
static int flush_again(struct body_writer *writer, const char *data, size_t size)
{
    int rc = flush(writer, data, size);

    for (int tries = 0; rc == STORE_FULL && tries < 40 && engine_map_full(writer->store->bodies); tries++)
        rc = flush(writer, data, size);
    return rc;
}

void body_writer_init(struct body_writer *writer, store *s)
{
    *writer = (struct body_writer){ .store = s };
}

int body_writer_write(struct body_writer *writer, const void *data, size_t size)
{
    const char *from = data;
    int rc = STORE_OK;

    if (size > BODY_MAX - writer->size)
        return problem(STORE_TOO_LARGE, "a body has at most %llu bytes", (unsigned long long)BODY_MAX);
    writer->size += size;
    while (size > 0 && rc == STORE_OK) {
        size_t part = FLUSH_SIZE - writer->pending.size;
        if (writer->pending.size == 0 && size >= FLUSH_SIZE) {
            part = FLUSH_SIZE; /* straight from the caller's memory */
            rc = flush_again(writer, from, part);
        } else {
            part = size < part ? size : part;
            buffer_append(&writer->pending, from, part);
            if (writer->pending.failed)
                return problem(STORE_NO_MEMORY, "no memory for an upload");
            if (writer->pending.size == FLUSH_SIZE) {
                rc = flush_again(writer, writer->pending.data, FLUSH_SIZE);
                buffer_clear(&writer->pending);
            }
        }
        from += part;
        size -= part;
    }
    return rc;
}

/* Whole chunks of zeros are left out; their place is kept. */
int body_writer_skip(struct body_writer *writer, uint64_t size)
{
    static const char zeros[CHUNK_DATA];
    int rc = STORE_OK;

    while (size > 0 && rc == STORE_OK) {
        size_t filled = writer->pending.size % CHUNK_DATA;
        size_t part = size < CHUNK_DATA - filled ? (size_t)size : CHUNK_DATA - filled;
        uint64_t whole = filled == 0 ? size / CHUNK_DATA : 0;
        if (whole == 0) {
            rc = body_writer_write(writer, zeros, part);
            size -= part;
            continue;
        }
        if (writer->pending.size > 0)
            rc = flush_again(writer, writer->pending.data, writer->pending.size);
        buffer_clear(&writer->pending);
        writer->chunks += (uint32_t)whole;
        writer->size += whole * CHUNK_DATA;
        writer->sparse = true;
        size -= whole * CHUNK_DATA;
    }
    return rc;
}

int body_writer_finish(struct body_writer *writer)
{
    int rc = STORE_OK;

    if (writer->pending.size > 0 || writer->id == 0)
        rc = flush_again(writer, writer->pending.data, writer->pending.size);
    buffer_clear(&writer->pending);
    return rc;
}

void body_writer_release(struct body_writer *writer, bool keep)
{
    if (writer->id != 0 && !keep)
        body_drop(writer->store, writer->id);
    buffer_release(&writer->pending);
    writer->id = 0;
}

int body_stage(uint64_t *id, store *s, const void *data, size_t size)
{
    struct body_writer writer;
    int rc;

    body_writer_init(&writer, s);
    rc = body_writer_write(&writer, data, size);
    if (rc == STORE_OK)
        rc = body_writer_finish(&writer);
    *id = writer.id;
    body_writer_release(&writer, rc == STORE_OK);
    return rc;
}

/* Deletes up to a slice of a body's rows: ENGINE_ABSENT when none is left. */
static int drop_slice(store *s, uint64_t id)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct transaction txn;
    struct key key;
    int rc = engine_begin(&txn, s->bodies), chunks = 0;

    if (rc != STORE_OK)
        return rc;
    put_be64(key.bytes, id);
    key.size = 8;
    rc = engine_cursor_open(&cursor, &txn.view);
    if (rc == STORE_OK) {
        rc = engine_seek(&cursor, key_slice(&key), &found, &value);
        while (rc == STORE_OK && key_has_prefix(found, &key) && chunks++ < DROP_SLICE) {
            rc = engine_cursor_del(&txn, &cursor);
            if (rc == STORE_OK)
                rc = engine_next(&cursor, &found, &value);
        }
        if (rc == STORE_OK && !key_has_prefix(found, &key))
            rc = ENGINE_ABSENT;
        engine_cursor_close(&cursor);
    }
    if (rc == ENGINE_ABSENT) {
        staged_key(&key, id);
        rc = engine_del(&txn, key_slice(&key));
        rc = rc < 0 ? rc : ENGINE_ABSENT;
    }
    if (rc < 0) {
        engine_abort(&txn);
        return rc;
    }
    int committed = engine_commit(&txn);
    return committed == STORE_OK ? rc : committed;
}

int body_delete_slice(store *s, uint64_t id, bool *more)
{
    int rc = drop_slice(s, id);

    *more = rc == STORE_OK;
    return rc < 0 ? rc : STORE_OK;
}

void body_drop(store *s, uint64_t id)
{
    while (drop_slice(s, id) == STORE_OK)
        ;
}

/* ------------------------------------------------------------- references */

static void published_key(struct key *key, uint64_t id)
{
    key_begin(key, SCOPE_STORE, KIND_PUBLISHED);
    key_add_u64(key, id);
}

static int set_references(struct txn *txn, uint64_t id, uint64_t references)
{
    struct key key;

    published_key(&key, id);
    return engine_put(&txn->engine, key_slice(&key), slice_of(&references, sizeof references));
}

int body_references(uint64_t *out, struct snapshot *snapshot, uint64_t id)
{
    struct slice value;
    struct key key;
    int rc;

    *out = 0;
    published_key(&key, id);
    rc = engine_get(snapshot, key_slice(&key), &value);
    if (rc == ENGINE_ABSENT)
        return STORE_OK;
    if (rc == STORE_OK && value.size != sizeof *out)
        return problem(STORE_CORRUPT, "the row of body %llu is damaged", (unsigned long long)id);
    if (rc == STORE_OK)
        memcpy(out, value.data, sizeof *out);
    return rc;
}

int body_publish(struct txn *txn, uint64_t id)
{
    return set_references(txn, id, 1);
}

int body_retain(struct txn *txn, uint64_t id)
{
    uint64_t references;
    int rc = body_references(&references, &txn->engine.view, id);

    return rc == STORE_OK ? set_references(txn, id, references + 1) : rc;
}

int body_release(struct txn *txn, uint64_t id)
{
    uint64_t references;
    struct key key;
    int rc = body_references(&references, &txn->engine.view, id);

    if (rc != STORE_OK)
        return rc;
    if (references > 1)
        return set_references(txn, id, references - 1);
    published_key(&key, id);
    rc = engine_del(&txn->engine, key_slice(&key));
    if (rc < 0)
        return rc;
    key_begin(&key, SCOPE_STORE, KIND_GARBAGE);
    key_add_byte(&key, GARBAGE_BODY);
    key_add_u64(&key, id);
    txn->garbage = true;
    return engine_put(&txn->engine, key_slice(&key), slice_of("", 0));
}

/* ---------------------------------------------------------------- reading */

/* The newest row of a chunk not newer than `generation`. */
static int find_chunk(struct slice *row, struct snapshot *bodies, uint64_t id, uint32_t chunk, uint64_t generation)
{
    struct engine_cursor cursor;
    struct slice found;
    struct key key;
    int rc;

    key_chunk(&key, id, chunk, generation);
    if (generation == 0)
        return engine_get(bodies, key_slice(&key), row);
    rc = engine_cursor_open(&cursor, bodies);
    if (rc != STORE_OK)
        return rc;
    rc = engine_seek(&cursor, key_slice(&key), &found, row);
    if (rc == STORE_OK && (found.size != CHUNK_KEY || memcmp(found.data, key.bytes, 12) != 0))
        rc = ENGINE_ABSENT;
    engine_cursor_close(&cursor);
    return rc;
}

/*
 * No row is old enough. If a range write put a newer one, and its marker is gone, then what it
 * superseded was reclaimed: the version cannot be read any more. While the marker stands (the write was
 * not published, or not tidied up after yet) nothing was taken away: then it is a hole, as without any
 * newer row.
 */
static int absent_chunk(struct snapshot *bodies, uint64_t id, uint32_t chunk, uint64_t generation)
{
    struct engine_cursor cursor;
    struct slice found, row;
    struct key key, marker;
    bool newer;
    int rc = engine_cursor_open(&cursor, bodies);

    if (rc != STORE_OK)
        return rc;
    key_chunk(&key, id, chunk, generation);
    rc = engine_seek_before(&cursor, key_slice(&key), &found, &row);
    newer = rc == STORE_OK && found.size == CHUNK_KEY && memcmp(found.data, key.bytes, 12) == 0;
    if (newer)
        key_chunk(&marker, id, CHUNK_NONE, ~get_be64((const char *)found.data + 12));
    engine_cursor_close(&cursor);
    if (rc < 0 || !newer)
        return rc < 0 ? rc : ENGINE_ABSENT;
    rc = engine_get(bodies, key_slice(&marker), &row);
    if (rc == ENGINE_ABSENT)
        return body_gone();
    return rc == STORE_OK ? ENGINE_ABSENT : rc;
}

int body_gone(void)
{
    return problem(STORE_PRECONDITION_FAILED, "the version that was opened has been replaced or deleted");
}

/* Only a range write leaves holes. */
static int hole_allowed(const struct record *record)
{
    if (record->body_generation > 0)
        return STORE_OK;
    return problem(STORE_CORRUPT, "a chunk of body %llu is missing", (unsigned long long)record->body_id);
}

int body_confirm_hole(store *s, const struct record *record)
{
    struct snapshot *snapshot;
    uint64_t references;
    int rc = engine_snapshot(&snapshot, s->objects);

    if (rc != STORE_OK)
        return rc;
    rc = body_references(&references, snapshot, record->body_id);
    engine_snapshot_end(snapshot);
    if (rc != STORE_OK)
        return rc;
    return references > 0 ? hole_allowed(record) : body_gone();
}

int body_chunk(struct slice *data, struct snapshot *bodies, const struct record *record, uint32_t chunk)
{
    struct slice row;
    uint64_t checksum;
    int rc = find_chunk(&row, bodies, record->body_id, chunk, record->body_generation);

    if (rc == ENGINE_ABSENT)
        return absent_chunk(bodies, record->body_id, chunk, record->body_generation);
    if (rc != STORE_OK)
        return rc;
    if (row.size < CHUNK_CHECKSUM || row.size > CHUNK_CHECKSUM + CHUNK_DATA)
        return problem(STORE_CORRUPT, "chunk %u of body %llu has a wrong size", chunk,
                       (unsigned long long)record->body_id);
    *data = slice_of((const char *)row.data + CHUNK_CHECKSUM, row.size - CHUNK_CHECKSUM);
    memcpy(&checksum, row.data, sizeof checksum);
    if (XXH3_64bits(data->data, data->size) != checksum)
        return problem(STORE_CORRUPT, "chunk %u of body %llu is damaged: its checksum does not fit", chunk,
                       (unsigned long long)record->body_id);
    return STORE_OK;
}

int body_read(struct snapshot *bodies, const struct record *record, uint64_t offset, void *out, size_t size,
              bool *hole)
{
    char *to = out;

    *hole = false;
    while (size > 0) {
        uint32_t chunk = (uint32_t)(offset / CHUNK_DATA);
        size_t at = offset % CHUNK_DATA;
        size_t part = size < CHUNK_DATA - at ? size : CHUNK_DATA - at;
        struct slice data = { "", 0 };
        size_t have;
        int rc = body_chunk(&data, bodies, record, chunk);

        if (rc < 0)
            return rc;
        if (rc == ENGINE_ABSENT)
            *hole = true;
        have = data.size > at ? data.size - at : 0;
        have = have < part ? have : part;
        if (have)
            memcpy(to, (const char *)data.data + at, have);
        memset(to + have, 0, part - have);
        to += part;
        offset += part;
        size -= part;
    }
    return STORE_OK;
}

int body_read_at(const struct view *view, const struct record *record, uint64_t offset, void *out, size_t size)
{
    struct snapshot *bodies = view->bodies;
    bool hole;
    int rc = STORE_OK;

    if (bodies) { /* as old as the record: nothing was reclaimed */
        rc = body_read(bodies, record, offset, out, size, &hole);
        return rc == STORE_OK && hole ? hole_allowed(record) : rc;
    }
    rc = engine_snapshot(&bodies, view->store->bodies);
    if (rc != STORE_OK)
        return rc;
    rc = body_read(bodies, record, offset, out, size, &hole);
    engine_snapshot_end(bodies);
    return rc == STORE_OK && hole ? body_confirm_hole(view->store, record) : rc;
}

/* ------------------------------------------------------------ range write */

/* The chunks [first, last] that one range write wrote. */
struct range {
    uint32_t first, last;
};

/* Deletes the rows of a range write that was never published, and its marker. */
static int undo_range(struct transaction *txn, uint64_t id, uint64_t generation, struct range range)
{
    struct key key;
    int rc = STORE_OK;

    for (uint32_t chunk = range.first; chunk <= range.last && rc >= 0; chunk++) {
        key_chunk(&key, id, chunk, generation);
        rc = engine_del(txn, key_slice(&key));
    }
    if (rc < 0)
        return rc;
    key_chunk(&key, id, CHUNK_NONE, generation);
    rc = engine_del(txn, key_slice(&key));
    return rc < 0 ? rc : STORE_OK;
}

/* Markers newer than the record are of range writes whose publication failed: their rows must not
 * come to light with this one's. The newest marker comes first. */
static int undo_unpublished(struct transaction *txn, const struct record *record)
{
    struct slice found, row;
    struct engine_cursor cursor;
    struct key key;
    int rc;

    key_chunk(&key, record->body_id, CHUNK_NONE, UINT64_MAX);
    for (;;) {
        uint64_t generation = 0;
        struct range range;
        rc = engine_cursor_open(&cursor, &txn->view);
        if (rc != STORE_OK)
            return rc;
        rc = engine_seek(&cursor, key_slice(&key), &found, &row);
        if (rc == STORE_OK && found.size == CHUNK_KEY && row.size == sizeof range &&
            memcmp(found.data, key.bytes, 12) == 0) {
            generation = ~get_be64((const char *)found.data + 12);
            memcpy(&range, row.data, sizeof range);
        }
        engine_cursor_close(&cursor);
        if (rc < 0 || generation <= record->body_generation)
            return rc < 0 ? rc : STORE_OK;
        rc = undo_range(txn, record->body_id, generation, range);
        if (rc != STORE_OK)
            return rc;
    }
}

static int patch_chunk(struct transaction *txn, const struct record *record, uint64_t version, uint32_t chunk,
                       size_t at, const char *data, size_t size)
{
    char whole[CHUNK_DATA];
    struct slice old = { "", 0 };
    struct key key;
    size_t length;
    int rc = body_chunk(&old, &txn->view, record, chunk);

    if (rc < 0)
        return rc;
    memcpy(whole, old.data, old.size);
    if (old.size < at)
        memset(whole + old.size, 0, at - old.size);
    memcpy(whole + at, data, size);
    length = old.size > at + size ? old.size : at + size;
    key_chunk(&key, record->body_id, chunk, version);
    return put_chunk(txn, &key, whole, length, false);
}

static struct range chunks_of(uint64_t offset, size_t size)
{
    return (struct range){ (uint32_t)(offset / CHUNK_DATA), (uint32_t)((offset + size - 1) / CHUNK_DATA) };
}

static int patch_chunks(struct transaction *txn, const struct record *record, uint64_t version, uint64_t offset,
                        const char *data, size_t size)
{
    struct range range = chunks_of(offset, size);
    struct key marker;
    int rc = undo_unpublished(txn, record);

    for (uint32_t chunk = range.first; chunk <= range.last && rc == STORE_OK; chunk++) {
        size_t at = chunk == range.first ? offset % CHUNK_DATA : 0;
        size_t part = size < CHUNK_DATA - at ? size : CHUNK_DATA - at;
        rc = patch_chunk(txn, record, version, chunk, at, data, part);
        data += part;
        size -= part;
    }
    if (rc != STORE_OK)
        return rc;
    key_chunk(&marker, record->body_id, CHUNK_NONE, version);
    return engine_put(txn, key_slice(&marker), slice_of(&range, sizeof range));
}

/* What the range write superseded can go once the record is published. */
static int mark_superseded(struct txn *txn, uint64_t id, uint64_t version, uint64_t offset, size_t size)
{
    struct range range = chunks_of(offset, size);
    struct key key;

    key_begin(&key, SCOPE_STORE, KIND_GARBAGE);
    key_add_byte(&key, GARBAGE_RANGE);
    key_add_u64(&key, id);
    key_add_u64(&key, version);
    txn->garbage = true;
    return engine_put(&txn->engine, key_slice(&key), slice_of(&range, sizeof range));
}

/* The rows of one chunk older than `generation`. */
static int delete_older(struct transaction *txn, uint64_t id, uint32_t chunk, uint64_t generation)
{
    struct engine_cursor cursor;
    struct slice found, row;
    struct key key;
    int rc = engine_cursor_open(&cursor, &txn->view);

    if (rc != STORE_OK)
        return rc;
    key_chunk(&key, id, chunk, generation - 1);
    rc = engine_seek(&cursor, key_slice(&key), &found, &row);
    while (rc == STORE_OK && found.size == CHUNK_KEY && memcmp(found.data, key.bytes, 12) == 0) {
        rc = engine_cursor_del(txn, &cursor);
        if (rc == STORE_OK)
            rc = engine_next(&cursor, &found, &row);
    }
    engine_cursor_close(&cursor);
    return rc < 0 ? rc : STORE_OK;
}

int body_delete_superseded(store *s, uint64_t id, uint64_t generation, struct slice row)
{
    struct transaction txn;
    struct range range;
    struct key key;
    int rc;

    if (row.size != sizeof range)
        return problem(STORE_CORRUPT, "the garbage row of body %llu is damaged", (unsigned long long)id);
    memcpy(&range, row.data, sizeof range);
    rc = engine_begin(&txn, s->bodies);
    if (rc != STORE_OK)
        return rc;
    for (uint32_t chunk = range.first; chunk <= range.last && rc == STORE_OK; chunk++)
        rc = delete_older(&txn, id, chunk, generation);
    if (rc == STORE_OK) {
        key_chunk(&key, id, CHUNK_NONE, generation);
        rc = engine_del(&txn, key_slice(&key));
    }
    if (rc < 0) {
        engine_abort(&txn);
        return rc;
    }
    return engine_commit(&txn);
}

int body_patch(struct txn *txn, const struct record *record, uint64_t version, uint64_t offset, const void *data,
               size_t size)
{
    struct transaction bodies;
    int rc = engine_begin(&bodies, txn->store->bodies);

    if (rc != STORE_OK)
        return rc;
    rc = check_room(&bodies, size + 2 * CHUNK_DATA);
    if (rc == STORE_OK)
        rc = patch_chunks(&bodies, record, version, offset, data, size);
    if (rc == STORE_OK)
        rc = engine_commit(&bodies);
    else
        engine_abort(&bodies);
    if (rc == STORE_OK)
        rc = mark_superseded(txn, record->body_id, version, offset, size);
    return rc;
}
