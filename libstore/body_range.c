/* body_range.c - changing a published body: a delta, or new chunk rows of a higher generation. */
#include "body.h"

#include <string.h>

struct chunk_range body_change_chunks(const struct body_change *change)
{
    uint64_t end = change->data ? change->offset + change->size : change->record->size;

    return (struct chunk_range){ (uint32_t)(change->offset / CHUNK_DATA), (uint32_t)((end - 1) / CHUNK_DATA) };
}

/* Writes a chunk anew; its last row, of generation `base`, goes if the same transaction wrote it: nobody saw it. */
static int replace_chunk(struct transaction *txn, const struct body_piece *piece, uint32_t chunk, uint64_t base,
                         const char *data, size_t size)
{
    const struct body_change *change = &piece->change;
    struct key key;
    int rc;

    key_chunk(&key, change->record->body_id, chunk, change->version);
    rc = body_put_chunk(txn, &key, data, size, false);
    if (rc != STORE_OK || base < piece->since || base == change->version)
        return rc;
    key_chunk(&key, change->record->body_id, chunk, base);
    rc = engine_del(txn, key_slice(&key));
    return rc < 0 ? rc : STORE_OK;
}

static int patch_chunk(struct transaction *txn, struct snapshot *objects, const struct body_piece *piece,
                       uint32_t chunk, size_t at, const char *data, size_t size)
{
    char whole[CHUNK_DATA];
    uint64_t base;
    size_t length;
    int rc;

    if (size == CHUNK_DATA)
        return replace_chunk(txn, piece, chunk, GENERATION_UPLOAD, data, size);
    rc = body_whole_chunk(whole, &length, objects, &txn->view, piece->change.record, chunk, &base);
    if (rc != STORE_OK)
        return rc;
    memcpy(whole + at, data, size);
    length = length > at + size ? length : at + size;
    return replace_chunk(txn, piece, chunk, base, whole, length);
}

static int patch_chunks(struct transaction *txn, struct snapshot *objects, const struct body_piece *piece)
{
    const struct body_change *change = &piece->change;
    struct chunk_range range = body_change_chunks(change);
    const char *data = change->data;
    uint64_t size = change->size;
    int rc = STORE_OK;

    for (uint32_t chunk = range.first; chunk <= range.last && rc == STORE_OK; chunk++) {
        size_t at = chunk == range.first ? change->offset % CHUNK_DATA : 0;
        size_t part = size < CHUNK_DATA - at ? (size_t)size : CHUNK_DATA - at;
        rc = patch_chunk(txn, objects, piece, chunk, at, data, part);
        data += part;
        size -= part;
    }
    return rc;
}

/* The chunk in which the body ends from now on. */
static int cut_chunk(struct transaction *txn, struct snapshot *objects, const struct body_piece *piece,
                     uint32_t chunk)
{
    char whole[CHUNK_DATA];
    uint64_t base;
    size_t length, end = piece->change.offset % CHUNK_DATA;
    int rc = body_whole_chunk(whole, &length, objects, &txn->view, piece->change.record, chunk, &base);

    return rc == STORE_OK ? replace_chunk(txn, piece, chunk, base, whole, length < end ? length : end) : rc;
}

/* Chunks behind the new end get a row without data, so that nothing of them comes back when the body grows
 * again, and readers of the old version know a chunk that was taken away from a hole. */
static int cut_chunks(struct transaction *txn, struct snapshot *objects, const struct body_piece *piece)
{
    const struct body_change *change = &piece->change;
    const struct record *record = change->record;
    uint32_t chunk = (uint32_t)(change->offset / CHUNK_DATA), first = chunk, end = chunk;
    struct key key;
    int rc = STORE_OK;

    if (change->offset % CHUNK_DATA > 0)
        rc = cut_chunk(txn, objects, piece, end++);
    while (rc == STORE_OK) {
        rc = body_extent(&first, &end, objects, &txn->view, record, end, CHUNK_NONE);
        if (first == end)
            break;
        for (chunk = first; chunk < end && rc == STORE_OK; chunk++) {
            key_chunk(&key, record->body_id, chunk, change->version);
            rc = body_put_chunk(txn, &key, "", 0, false);
        }
    }
    return rc;
}

int body_write_piece(struct transaction *txn, struct snapshot *objects, const struct body_piece *piece)
{
    const struct body_change *change = &piece->change;
    struct key marker;
    int rc = piece->continued ? STORE_OK : body_undo_unpublished(txn, change->record);

    if (rc == STORE_OK)
        rc = change->data ? patch_chunks(txn, objects, piece) : cut_chunks(txn, objects, piece);
    if (rc != STORE_OK)
        return rc;
    key_chunk(&marker, change->record->body_id, CHUNK_NONE, change->version);
    return engine_put(txn, key_slice(&marker), slice_of(&piece->chunks, sizeof piece->chunks));
}

/* What the change superseded can go once the record is published. */
static int mark_superseded(struct txn *txn, const struct body_change *change)
{
    struct chunk_range range = body_change_chunks(change);
    struct key key;

    key_garbage(&key, GARBAGE_RANGE, change->record->body_id);
    key_add_u64(&key, change->version);
    txn->garbage = true;
    return engine_put(&txn->engine, key_slice(&key), slice_of(&range, sizeof range));
}

static int rewrite_chunks(struct txn *txn, const struct body_change *change)
{
    int rc = body_keep_change(txn, change);

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
