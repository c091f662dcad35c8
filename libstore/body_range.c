/* body_range.c - changing a published body: a delta, or new chunk rows of a higher generation. */
#include "body.h"

#include <string.h>

static struct chunk_range chunks_of(const struct body_change *change)
{
    uint64_t end = change->data ? change->offset + change->size : change->record->size;

    return (struct chunk_range){ (uint32_t)(change->offset / CHUNK_DATA), (uint32_t)((end - 1) / CHUNK_DATA) };
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

static int patch_chunks(struct transaction *txn, struct snapshot *objects, const struct body_change *change)
{
    struct chunk_range range = chunks_of(change);
    const char *data = change->data;
    uint64_t size = change->size;
    int rc = STORE_OK;

    for (uint32_t chunk = range.first; chunk <= range.last && rc == STORE_OK; chunk++) {
        size_t at = chunk == range.first ? change->offset % CHUNK_DATA : 0;
        size_t part = size < CHUNK_DATA - at ? (size_t)size : CHUNK_DATA - at;
        rc = patch_chunk(txn, objects, change->record, change->version, chunk, at, data, part);
        data += part;
        size -= part;
    }
    return rc;
}

/* The chunk in which the body ends from now on. */
static int cut_chunk(struct transaction *txn, struct snapshot *objects, const struct body_change *change,
                     uint32_t chunk)
{
    char whole[CHUNK_DATA];
    uint64_t base;
    struct key key;
    size_t length, end = change->offset % CHUNK_DATA;
    int rc = body_whole_chunk(whole, &length, objects, &txn->view, change->record, chunk, &base);

    if (rc != STORE_OK)
        return rc;
    key_chunk(&key, change->record->body_id, chunk, change->version);
    return body_put_chunk(txn, &key, whole, length < end ? length : end, false);
}

/* Chunks behind the new end get a row without data, so that nothing of them comes back when the body grows
 * again, and readers of the old version know a chunk that was taken away from a hole. */
static int cut_chunks(struct transaction *txn, struct snapshot *objects, const struct body_change *change)
{
    const struct record *record = change->record;
    uint32_t chunk = (uint32_t)(change->offset / CHUNK_DATA), first = chunk, end = chunk;
    struct key key;
    int rc = STORE_OK;

    if (change->offset % CHUNK_DATA > 0)
        rc = cut_chunk(txn, objects, change, end++);
    while (rc == STORE_OK) {
        rc = body_extent(&first, &end, objects, &txn->view, record, end);
        if (first == end)
            break;
        for (chunk = first; chunk < end && rc == STORE_OK; chunk++) {
            key_chunk(&key, record->body_id, chunk, change->version);
            rc = body_put_chunk(txn, &key, "", 0, false);
        }
    }
    return rc;
}

static int write_change(struct transaction *txn, struct snapshot *objects, const struct body_change *change)
{
    struct chunk_range range = chunks_of(change);
    struct key marker;
    int rc = body_undo_unpublished(txn, change->record);

    if (rc == STORE_OK)
        rc = change->data ? patch_chunks(txn, objects, change) : cut_chunks(txn, objects, change);
    if (rc != STORE_OK)
        return rc;
    key_chunk(&marker, change->record->body_id, CHUNK_NONE, change->version);
    return engine_put(txn, key_slice(&marker), slice_of(&range, sizeof range));
}

/* What the change superseded can go once the record is published. */
static int mark_superseded(struct txn *txn, const struct body_change *change)
{
    struct chunk_range range = chunks_of(change);
    struct key key;

    key_garbage(&key, GARBAGE_RANGE, change->record->body_id);
    key_add_u64(&key, change->version);
    txn->garbage = true;
    return engine_put(&txn->engine, key_slice(&key), slice_of(&range, sizeof range));
}

static int rewrite_chunks(struct txn *txn, const struct body_change *change)
{
    struct transaction bodies;
    int rc = body_flush(txn); /* this one may be among them */

    if (rc == STORE_OK)
        rc = engine_begin(&bodies, txn->store->bodies);
    if (rc != STORE_OK)
        return rc;
    rc = body_check_room(&bodies, (change->data ? change->size : 0) + 2 * CHUNK_DATA);
    if (rc == STORE_OK)
        rc = write_change(&bodies, &txn->engine.view, change);
    if (rc == STORE_OK)
        rc = engine_commit(&bodies);
    else
        engine_abort(&bodies);
    return rc == STORE_OK ? mark_superseded(txn, change) : rc;
}

int body_change(struct txn *txn, const struct body_change *change)
{
    bool unpublished = false;
    int rc = STORE_OK;

    if (!change->data || !body_delta_fits(txn, change->size))
        return rewrite_chunks(txn, change);
    rc = body_has_unpublished(&unpublished, txn->store, change->record);
    if (rc != STORE_OK)
        return rc;
    return unpublished ? rewrite_chunks(txn, change)
                       : body_delta_put(txn, change->record->body_id, change->version, change->offset, change->data,
                                        change->size);
}
