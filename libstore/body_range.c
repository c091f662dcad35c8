/* body_range.c - writing a range of a published body: a delta, or new chunk rows of a higher generation. */
#include <string.h>

#include "body.h"

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

/* The newest range write that wrote chunks of the body: its generation (0: none) and what it wrote. */
static int newest_range(uint64_t *generation, struct range *range, struct snapshot *bodies, uint64_t id)
{
    struct engine_cursor cursor;
    struct slice found, row;
    struct key key;
    int rc = engine_cursor_open(&cursor, bodies);

    *generation = 0;
    if (rc != STORE_OK)
        return rc;
    key_chunk(&key, id, CHUNK_NONE, UINT64_MAX);
    rc = engine_seek(&cursor, key_slice(&key), &found, &row);
    if (rc == STORE_OK && found.size == CHUNK_KEY && row.size == sizeof *range &&
        memcmp(found.data, key.bytes, 12) == 0) {
        *generation = ~get_be64((const char *)found.data + 12);
        memcpy(range, row.data, sizeof *range);
    }
    engine_cursor_close(&cursor);
    return rc < 0 ? rc : STORE_OK;
}

/* Markers newer than the record are of range writes whose publication failed: their rows must not
 * come to light with this one's. */
static int undo_unpublished(struct transaction *txn, const struct record *record)
{
    uint64_t generation;
    struct range range;
    int rc = newest_range(&generation, &range, &txn->view, record->body_id);

    while (rc == STORE_OK && generation > record->body_generation) {
        rc = undo_range(txn, record->body_id, generation, range);
        if (rc == STORE_OK)
            rc = newest_range(&generation, &range, &txn->view, record->body_id);
    }
    return rc;
}

/* Whether there are some: then no delta may publish a newer generation before they are undone. */
static int has_unpublished(bool *out, store *s, const struct record *record)
{
    struct snapshot *bodies;
    uint64_t generation;
    struct range range;
    int rc = engine_snapshot(&bodies, s->bodies);

    if (rc != STORE_OK)
        return rc;
    rc = newest_range(&generation, &range, bodies, record->body_id);
    engine_snapshot_end(bodies);
    *out = generation > record->body_generation;
    return rc;
}

static int patch_chunk(struct transaction *txn, struct snapshot *objects, const struct record *record, uint64_t version,
                       uint32_t chunk, size_t at, const char *data, size_t size)
{
    char whole[CHUNK_DATA];
    uint64_t base;
    struct key key;
    size_t length;
    int rc = body_whole_chunk(whole, &length, objects, &txn->view, record, chunk, &base);

    if (rc != STORE_OK)
        return rc;
    memcpy(whole + at, data, size);
    length = length > at + size ? length : at + size;
    key_chunk(&key, record->body_id, chunk, version);
    return body_put_chunk(txn, &key, whole, length, false);
}

static struct range chunks_of(uint64_t offset, size_t size)
{
    return (struct range){ (uint32_t)(offset / CHUNK_DATA), (uint32_t)((offset + size - 1) / CHUNK_DATA) };
}

static int patch_chunks(struct transaction *txn, struct snapshot *objects, const struct record *record,
                        uint64_t version, uint64_t offset, const char *data, size_t size)
{
    struct range range = chunks_of(offset, size);
    struct key marker;
    int rc = undo_unpublished(txn, record);

    for (uint32_t chunk = range.first; chunk <= range.last && rc == STORE_OK; chunk++) {
        size_t at = chunk == range.first ? offset % CHUNK_DATA : 0;
        size_t part = size < CHUNK_DATA - at ? size : CHUNK_DATA - at;
        rc = patch_chunk(txn, objects, record, version, chunk, at, data, part);
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

    key_garbage(&key, GARBAGE_RANGE, id);
    key_add_u64(&key, version);
    txn->garbage = true;
    return engine_put(&txn->engine, key_slice(&key), slice_of(&range, sizeof range));
}

int body_delete_older(struct transaction *txn, uint64_t id, uint32_t chunk, uint64_t generation)
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
        rc = body_delete_older(&txn, id, chunk, generation);
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

static int rewrite_chunks(struct txn *txn, const struct record *record, uint64_t version, uint64_t offset,
                          const void *data, size_t size)
{
    struct transaction bodies;
    int rc = body_flush(txn); /* this one may be among them */

    if (rc == STORE_OK)
        rc = engine_begin(&bodies, txn->store->bodies);
    if (rc != STORE_OK)
        return rc;
    rc = body_check_room(&bodies, size + 2 * CHUNK_DATA);
    if (rc == STORE_OK)
        rc = patch_chunks(&bodies, &txn->engine.view, record, version, offset, data, size);
    if (rc == STORE_OK)
        rc = engine_commit(&bodies);
    else
        engine_abort(&bodies);
    if (rc == STORE_OK)
        rc = mark_superseded(txn, record->body_id, version, offset, size);
    return rc;
}

int body_patch(struct txn *txn, const struct record *record, uint64_t version, uint64_t offset, const void *data,
               size_t size)
{
    bool unpublished = false;
    int rc = STORE_OK;

    if (!body_delta_fits(txn, size))
        return rewrite_chunks(txn, record, version, offset, data, size);
    rc = has_unpublished(&unpublished, txn->store, record);
    if (rc != STORE_OK)
        return rc;
    return unpublished ? rewrite_chunks(txn, record, version, offset, data, size)
                       : body_delta_put(txn, record->body_id, version, offset, data, size);
}
