/* body_extent.c - which parts of a body are there, and which are holes. */
#include "body.h"

struct scan {
    struct snapshot *objects;
    const struct record *record;
    struct engine_cursor rows;
    uint32_t chunks; /* of the body: where the scan ends */
};

/* The row of a chunk that the record sees; `*at` is the chunk that was found, `chunk` or one behind it. */
static int seek_row(uint32_t *at, uint64_t *generation, struct slice *row, struct scan *scan, uint32_t chunk,
                    uint64_t newest)
{
    struct slice found;
    struct key key;
    int rc;

    *at = scan->chunks;
    key_chunk(&key, scan->record->body_id, chunk, newest);
    rc = engine_seek(&scan->rows, key_slice(&key), &found, row);
    key.size = 8;
    if (rc != STORE_OK || !key_has_prefix(found, &key) || found.size != CHUNK_KEY)
        return rc < 0 ? rc : STORE_OK;
    *generation = ~get_be64((const char *)found.data + 12);
    chunk = get_be32((const char *)found.data + 8);
    *at = chunk < scan->chunks ? chunk : scan->chunks;
    return STORE_OK;
}

/* The first chunk from `chunk` on with a row that has data: scan->chunks if there is none. */
static int next_row(uint32_t *out, struct scan *scan, struct snapshot *bodies, uint32_t chunk)
{
    const struct record *record = scan->record;
    uint64_t generation = 0;
    struct slice row = { "", 0 };
    int rc = STORE_OK;

    for (*out = scan->chunks; chunk < scan->chunks && rc == STORE_OK; chunk++) {
        uint32_t at, seen;
        rc = seek_row(&at, &generation, &row, scan, chunk, UINT64_MAX);
        if (rc != STORE_OK || at == scan->chunks)
            return rc;
        chunk = seen = at;
        if (generation > record->body_generation)
            rc = seek_row(&seen, &generation, &row, scan, at, record->body_generation);
        if (rc == STORE_OK && seen != at)
            rc = body_absent_chunk(bodies, record->body_id, at, record->body_generation);
        else if (rc == STORE_OK && row.size > CHUNK_CHECKSUM)
            *out = at;
        if (*out == at)
            break;
        rc = rc == ENGINE_ABSENT ? STORE_OK : rc;
    }
    return rc;
}

/* The first chunk from `chunk` on of which anything is kept. */
static int next_kept(uint32_t *out, struct scan *scan, struct snapshot *bodies, uint32_t chunk)
{
    uint32_t delta = scan->chunks;
    int rc = next_row(out, scan, bodies, chunk);

    if (rc == STORE_OK && *out != chunk)
        rc = body_delta_next(&delta, scan->objects, scan->record, chunk);
    *out = delta < *out ? delta : *out;
    return rc;
}

int body_extent(uint32_t *first, uint32_t *end, struct snapshot *objects, struct snapshot *bodies,
                const struct record *record, uint32_t chunk, uint32_t most)
{
    struct scan scan = { .objects = objects, .record = record,
                         .chunks = (uint32_t)((record->size + CHUNK_DATA - 1) / CHUNK_DATA) };
    uint32_t next;
    int rc = engine_cursor_open(&scan.rows, bodies);

    *first = *end = scan.chunks;
    if (rc != STORE_OK)
        return rc;
    rc = next_kept(first, &scan, bodies, chunk);
    *end = next = *first;
    while (rc == STORE_OK && next == *end && *end < scan.chunks && *end - *first < most) {
        ++*end;
        rc = next_kept(&next, &scan, bodies, *end);
    }
    engine_cursor_close(&scan.rows);
    return rc;
}

/* The objects' snapshot first: the bodies' must not be older. */
static int find_extent(uint32_t *first, uint32_t *end, const struct view *view, const struct record *record,
                       uint32_t chunk, uint32_t most)
{
    struct snapshot *objects = view->snapshot, *bodies = view->bodies;
    int rc = objects ? STORE_OK : engine_snapshot(&objects, view->store->objects);

    if (rc != STORE_OK)
        return rc;
    if (!bodies)
        rc = engine_snapshot(&bodies, view->store->bodies);
    if (rc == STORE_OK)
        rc = body_extent(first, end, objects, bodies, record, chunk, most);
    if (bodies && !view->bodies)
        engine_snapshot_end(bodies);
    if (!view->snapshot)
        engine_snapshot_end(objects);
    return rc;
}

int body_extent_at(uint64_t *begin, uint64_t *end, const struct view *view, const struct record *record,
                   uint64_t offset)
{
    uint32_t chunk = (uint32_t)(offset / CHUNK_DATA), first = chunk, behind = chunk;
    uint64_t size = record->size;
    int rc;

    *begin = *end = size;
    if (offset >= size)
        return STORE_END;
    if (record->body_generation == GENERATION_UPLOAD) { /* there are no holes */
        *begin = offset;
        return STORE_OK;
    }
    rc = body_settle(view);
    if (rc == STORE_OK)
        rc = find_extent(&first, &behind, view, record, chunk, CHUNK_NONE);
    if (rc == STORE_OK && !view->bodies)
        rc = body_confirm_hole(view, record);
    if (rc != STORE_OK)
        return rc;
    *begin = first == chunk ? offset : (uint64_t)first * CHUNK_DATA;
    *end = (uint64_t)behind * CHUNK_DATA;
    *begin = *begin < size ? *begin : size;
    *end = *end < size ? *end : size;
    return *begin < size ? STORE_OK : STORE_END;
}

int body_more_kept(bool *out, const struct view *view, const struct record *record, uint32_t chunk, uint32_t limit)
{
    uint32_t first = chunk, end = chunk, count = 0;
    int rc = body_settle(view);

    while (rc == STORE_OK && count <= limit) {
        rc = find_extent(&first, &end, view, record, end, limit + 1 - count);
        if (rc != STORE_OK || first == end)
            break;
        count += end - first;
    }
    *out = count > limit;
    return rc;
}
