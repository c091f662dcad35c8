/*
 * body_change.c - changes of published bodies that a transaction keeps in memory until it commits: however many
 * chunks they write, in however many places, they cost one commit of the bodies file, or one for every 16 MiB.
 */
#include "body.h"

#include <string.h>

#define PIECE_CHUNKS 16

/* Its bytes are in the buffer of all. */
struct kept_change {
    uint64_t id, generation, old_size; /* of the record before it */
    uint64_t version, offset, size;
    struct chunk_range chunks;
    bool cut, continued;
};

/* What writing it takes of the file, about. */
static uint64_t room_for(const struct body_change *change)
{
    struct chunk_range chunks = body_change_chunks(change);
    uint64_t count = (uint64_t)chunks.last - chunks.first + 1;

    return change->data ? count * CHUNK_DATA : CHUNK_DATA;
}

static int keep(struct txn *txn, const struct body_change *change, struct chunk_range whole, bool continued)
{
    const struct kept_change item = {
        .id = change->record->body_id, .generation = change->record->body_generation,
        .old_size = change->record->size, .version = change->version, .offset = change->offset,
        .size = change->data ? change->size : 0, .chunks = whole, .cut = !change->data, .continued = continued,
    };
    struct kept_bodies *kept = &txn->kept;
    uint64_t room = room_for(change);
    int rc = kept->changes_room + room > BODY_CHANGES_MAX ? body_flush(txn) : STORE_OK;

    if (rc != STORE_OK)
        return rc;
    if (!buffer_reserve(&kept->change_bytes, item.size) || !buffer_reserve(&kept->changes, sizeof item)) {
        kept->change_bytes.failed = kept->changes.failed = false;
        return problem(STORE_NO_MEMORY, "no memory for the changes of a transaction");
    }
    buffer_append(&kept->change_bytes, change->data, item.size);
    buffer_append(&kept->changes, &item, sizeof item);
    kept->changes_room += room;
    kept->changes_ever++;
    return STORE_OK;
}

int body_keep_change(struct txn *txn, const struct body_change *change)
{
    struct chunk_range whole = body_change_chunks(change);
    uint64_t end = change->offset + change->size;
    struct body_change piece = *change;
    int rc = STORE_OK;

    if (!change->data)
        return keep(txn, change, whole, false);
    while (piece.offset < end && rc == STORE_OK) {
        uint64_t limit = (piece.offset / CHUNK_DATA + PIECE_CHUNKS) * CHUNK_DATA;
        piece.size = (end < limit ? end : limit) - piece.offset;
        rc = keep(txn, &piece, whole, piece.offset > change->offset);
        piece.offset += piece.size;
        piece.data += piece.size;
    }
    return rc;
}

int body_write_kept_changes(const struct txn *owner, struct transaction *txn)
{
    const struct kept_bodies *kept = &owner->kept;
    const char *data = kept->change_bytes.data;
    struct snapshot objects = owner->engine.view;
    int rc = STORE_OK;

    for (size_t at = 0; at < kept->changes.size && rc == STORE_OK; at += sizeof(struct kept_change)) {
        struct kept_change item;
        memcpy(&item, kept->changes.data + at, sizeof item);
        const struct record record = { .flags = RECORD_CHUNKED, .size = item.old_size, .body_id = item.id,
                                       .body_generation = item.generation };
        const struct body_piece piece = {
            .change = { &record, item.version, item.offset, item.cut ? NULL : data, item.size },
            .chunks = item.chunks, .continued = item.continued, .since = owner->first_version,
        };
        rc = body_write_piece(txn, &objects, &piece);
        data += item.size;
    }
    return rc;
}
