/* body_read.c - reading bodies: the row of a chunk, whether it is whole, its deltas over it. */
#include "body.h"

#include <stdlib.h>
#include <string.h>

#include "checksum.h"

#define VERIFIED_MAX (128u << 10) /* chunks that a reader remembers: 1 MiB, for the first 8 GiB of a body */

/* The newest row of a chunk not newer than `*generation`, which becomes its own. */
static int find_chunk(struct slice *row, struct snapshot *bodies, uint64_t id, uint32_t chunk, uint64_t *generation)
{
    struct engine_cursor cursor;
    struct slice found;
    struct key key;
    int rc;

    key_chunk(&key, id, chunk, *generation);
    if (*generation == 0)
        return engine_get(bodies, key_slice(&key), row);
    rc = engine_cursor_open(&cursor, bodies);
    if (rc != STORE_OK)
        return rc;
    rc = engine_seek(&cursor, key_slice(&key), &found, row);
    if (rc == STORE_OK && (found.size != CHUNK_KEY || memcmp(found.data, key.bytes, 12) != 0))
        rc = ENGINE_ABSENT;
    *generation = rc == STORE_OK ? ~get_be64((const char *)found.data + 12) : 0;
    engine_cursor_close(&cursor);
    return rc;
}

/*
 * No row is old enough. If a range write put a newer one, and its marker is gone, then what it
 * superseded was reclaimed: the version cannot be read any more. While the marker stands (the write was
 * not published, or not tidied up after yet) nothing was taken away: then it is a hole, as without any
 * newer row.
 */
int body_absent_chunk(struct snapshot *bodies, uint64_t id, uint32_t chunk, uint64_t generation)
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

int body_confirm_hole(const struct view *view, const struct record *record)
{
    struct snapshot *snapshot = view->snapshot;
    uint64_t references;
    int rc = view->txn ? STORE_OK : engine_snapshot(&snapshot, view->store->objects);

    if (rc != STORE_OK)
        return rc;
    rc = body_references(&references, snapshot, record->body_id);
    if (!view->txn)
        engine_snapshot_end(snapshot);
    if (rc != STORE_OK)
        return rc;
    return references > 0 ? hole_allowed(record) : body_gone();
}

struct chunk {
    struct slice data;
    uint64_t checksum;   /* still to be compared */
    uint64_t generation; /* of its row */
};

static int chunk_at(struct chunk *out, struct snapshot *bodies, const struct record *record, uint32_t chunk)
{
    struct slice row;
    int rc;

    *out = (struct chunk){ { "", 0 }, 0, record->body_generation };
    rc = find_chunk(&row, bodies, record->body_id, chunk, &out->generation);
    if (rc == ENGINE_ABSENT)
        return body_absent_chunk(bodies, record->body_id, chunk, record->body_generation);
    if (rc != STORE_OK)
        return rc;
    if (row.size < CHUNK_CHECKSUM || row.size > CHUNK_CHECKSUM + CHUNK_DATA)
        return problem(STORE_CORRUPT, "chunk %u of body %llu has a wrong size", chunk,
                       (unsigned long long)record->body_id);
    out->data = slice_of((const char *)row.data + CHUNK_CHECKSUM, row.size - CHUNK_CHECKSUM);
    memcpy(&out->checksum, row.data, CHUNK_CHECKSUM);
    return STORE_OK;
}

static int damaged_chunk(const struct record *record, uint32_t chunk)
{
    return problem(STORE_CORRUPT, "chunk %u of body %llu is damaged: its checksum does not fit", chunk,
                   (unsigned long long)record->body_id);
}

int body_chunk(struct slice *data, uint64_t *generation, struct snapshot *bodies, const struct record *record,
               uint32_t chunk)
{
    struct chunk found;
    int rc = chunk_at(&found, bodies, record, chunk);

    *generation = found.generation;
    if (rc == STORE_OK && checksum_of(found.data.data, found.data.size) != found.checksum)
        return damaged_chunk(record, chunk);
    if (rc == STORE_OK)
        *data = found.data;
    return rc;
}

/* ------------------------------------------------------------ verified rows */

void body_verified_init(struct body_verified *verified, const struct record *record)
{
    uint64_t chunks = (record->size + CHUNK_DATA - 1) / CHUNK_DATA;
    uint32_t count = chunks < VERIFIED_MAX ? (uint32_t)chunks : VERIFIED_MAX;

    verified->rows = calloc(count, sizeof *verified->rows);
    verified->count = verified->rows ? count : 0;
}

void body_verified_release(struct body_verified *verified)
{
    free(verified->rows);
    *verified = (struct body_verified){ 0 };
}

static bool is_verified(const struct body_verified *verified, uint32_t chunk, uint64_t generation)
{
    return verified && chunk < verified->count && verified->rows[chunk] == generation + 1;
}

static void take_note(struct body_verified *verified, uint32_t chunk, uint64_t generation)
{
    if (verified && chunk < verified->count)
        verified->rows[chunk] = generation + 1;
}

/* ---------------------------------------------------------------- copying */

struct source {
    struct snapshot *objects, *bodies;
    const struct record *record;
    struct body_verified *verified; /* NULL: nothing is remembered */
};

/* Copies `size` bytes from `at` on, once all of the chunk is known to be whole. The usual chunk is copied from its
 * beginning to its end: in the same pass. */
static int copy_verified(char *to, const struct chunk *from, const struct source *source, uint32_t chunk, size_t at,
                         size_t size)
{
    const char *data = from->data.data;
    bool known = is_verified(source->verified, chunk, from->generation);
    bool whole = size == from->data.size;
    uint64_t checksum = from->checksum;

    if (!known)
        checksum = whole ? checksum_copy(to, data, size) : checksum_of(data, from->data.size);
    if (checksum != from->checksum)
        return damaged_chunk(source->record, chunk);
    if (size > 0 && (known || !whole))
        memcpy(to, data + at, size);
    take_note(source->verified, chunk, from->generation);
    return STORE_OK;
}

/* Bytes [at, at + size) of one chunk, with its deltas. */
static int read_in_chunk(const struct source *source, uint32_t chunk, size_t at, char *to, size_t size, bool *hole)
{
    struct chunk found;
    size_t have, end;
    int rc = chunk_at(&found, source->bodies, source->record, chunk);

    have = found.data.size > at ? found.data.size - at : 0;
    have = have < size ? have : size;
    if (rc == STORE_OK)
        rc = copy_verified(to, &found, source, chunk, at, have);
    if (rc < 0)
        return rc;
    if (rc == ENGINE_ABSENT)
        *hole = true;
    memset(to + have, 0, size - have);
    return body_overlay(&end, source->objects, source->record, chunk, found.generation, at, to, size);
}

static int read_source(const struct source *source, uint64_t offset, void *out, size_t size, bool *hole)
{
    char *to = out;
    int rc = STORE_OK;

    *hole = false;
    while (size > 0 && rc == STORE_OK) {
        size_t at = offset % CHUNK_DATA;
        size_t part = size < CHUNK_DATA - at ? size : CHUNK_DATA - at;
        rc = read_in_chunk(source, (uint32_t)(offset / CHUNK_DATA), at, to, part, hole);
        to += part;
        offset += part;
        size -= part;
    }
    return rc;
}

int body_read(struct snapshot *objects, struct snapshot *bodies, const struct record *record, uint64_t offset,
              void *out, size_t size, bool *hole)
{
    return read_source(&(struct source){ objects, bodies, record, NULL }, offset, out, size, hole);
}

/* In snapshots that are taken now, unless the view has one of the objects. */
static int read_apart(const struct view *view, struct source *source, uint64_t offset, void *out, size_t size,
                      bool *hole)
{
    bool own = !source->objects && source->record->body_generation > GENERATION_SPARSE;
    int rc = own ? engine_snapshot(&source->objects, view->store->objects) : STORE_OK;

    if (rc != STORE_OK)
        return rc;
    rc = engine_snapshot(&source->bodies, view->store->bodies);
    if (rc == STORE_OK) {
        rc = read_source(source, offset, out, size, hole);
        engine_snapshot_end(source->bodies);
    }
    if (own)
        engine_snapshot_end(source->objects);
    return rc;
}

int body_read_again(const struct view *view, const struct record *record, struct body_verified *verified,
                    uint64_t offset, void *out, size_t size)
{
    struct source source = { view->snapshot, view->bodies, record, verified };
    bool hole;
    int rc = body_settle(view);

    if (rc != STORE_OK)
        return rc;
    if (view->bodies) { /* as old as the record: nothing was reclaimed */
        rc = read_source(&source, offset, out, size, &hole);
        return rc == STORE_OK && hole ? hole_allowed(record) : rc;
    }
    rc = read_apart(view, &source, offset, out, size, &hole);
    return rc == STORE_OK && hole ? body_confirm_hole(view, record) : rc;
}

int body_read_at(const struct view *view, const struct record *record, uint64_t offset, void *out, size_t size)
{
    return body_read_again(view, record, NULL, offset, out, size);
}
