/* body_rows.c - deleting the chunk rows of changes of a published body: those never published, those superseded. */
#include <string.h>

#include "body.h"

/* ------------------------------------------------------ rows of some chunks */

/* Goes through the chunk rows of a body, ascending by chunk, the newest row of each first. */
struct walk {
    struct engine_cursor cursor;
    uint64_t id, generation;
    uint32_t chunk;
};

/* STORE_OK with a row, ENGINE_ABSENT behind those of chunk `last`. */
static int walk_read(struct walk *walk, int rc, struct slice found, uint32_t last)
{
    if (rc != STORE_OK)
        return rc;
    if (found.size != CHUNK_KEY || get_be64(found.data) != walk->id)
        return ENGINE_ABSENT;
    walk->chunk = get_be32((const char *)found.data + 8);
    walk->generation = ~get_be64((const char *)found.data + 12);
    return walk->chunk <= last ? STORE_OK : ENGINE_ABSENT;
}

static int walk_first(struct walk *walk, struct snapshot *bodies, uint64_t id, struct chunk_range range)
{
    struct slice found, row;
    struct key key;
    int rc = engine_cursor_open(&walk->cursor, bodies);

    if (rc != STORE_OK)
        return rc;
    walk->id = id;
    key_chunk(&key, id, range.first, UINT64_MAX);
    rc = walk_read(walk, engine_seek(&walk->cursor, key_slice(&key), &found, &row), found, range.last);
    if (rc < 0)
        engine_cursor_close(&walk->cursor);
    return rc;
}

static int walk_next(struct walk *walk, struct chunk_range range)
{
    struct slice found, row;

    return walk_read(walk, engine_next(&walk->cursor, &found, &row), found, range.last);
}

/* ----------------------------------------------------------------- undoing */

/* Deletes the rows of a change that was never published, and its marker. */
static int undo_range(struct transaction *txn, uint64_t id, uint64_t generation, struct chunk_range range)
{
    struct walk walk;
    struct key key;
    int rc = walk_first(&walk, &txn->view, id, range);

    if (rc < 0)
        return rc;
    while (rc == STORE_OK) {
        if (walk.generation == generation)
            rc = engine_cursor_del(txn, &walk.cursor);
        if (rc == STORE_OK)
            rc = walk_next(&walk, range);
    }
    engine_cursor_close(&walk.cursor);
    if (rc < 0)
        return rc;
    key_chunk(&key, id, CHUNK_NONE, generation);
    rc = engine_del(txn, key_slice(&key));
    return rc < 0 ? rc : STORE_OK;
}

/* The newest change that wrote chunks of the body: its generation (0: none) and what it wrote. */
static int newest_range(uint64_t *generation, struct chunk_range *range, struct snapshot *bodies, uint64_t id)
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

int body_undo_unpublished(struct transaction *txn, const struct record *record)
{
    uint64_t generation;
    struct chunk_range range;
    int rc = newest_range(&generation, &range, &txn->view, record->body_id);

    while (rc == STORE_OK && generation > record->body_generation) {
        rc = undo_range(txn, record->body_id, generation, range);
        if (rc == STORE_OK)
            rc = newest_range(&generation, &range, &txn->view, record->body_id);
    }
    return rc;
}

int body_has_unpublished(bool *out, store *s, const struct record *record)
{
    struct snapshot *bodies;
    uint64_t generation;
    struct chunk_range range;
    int rc = engine_snapshot(&bodies, s->bodies);

    if (rc != STORE_OK)
        return rc;
    rc = newest_range(&generation, &range, bodies, record->body_id);
    engine_snapshot_end(bodies);
    *out = generation > record->body_generation;
    return rc;
}

/* ---------------------------------------------------------------- changes */

static int row_exists(bool *out, struct snapshot *snapshot, const struct key *key)
{
    struct slice value;
    int rc = engine_get(snapshot, key_slice(key), &value);

    *out = rc == STORE_OK;
    return rc < 0 ? rc : STORE_OK;
}

/* A newer row is of a change that was published, unless the marker of that stands and it is not known for what
 * it superseded. */
static int change_published(bool *out, struct txn *txn, struct snapshot *bodies, uint64_t id, uint64_t generation)
{
    bool marked;
    struct key key;
    int rc;

    key_chunk(&key, id, CHUNK_NONE, generation);
    rc = row_exists(&marked, bodies, &key);
    key_garbage(&key, GARBAGE_RANGE, id);
    key_add_u64(&key, generation);
    if (rc == STORE_OK)
        rc = row_exists(out, &txn->engine.view, &key);
    *out = *out || !marked;
    return rc;
}

static int newer_rows(bool *out, struct txn *txn, struct snapshot *bodies, const struct record *record)
{
    const struct chunk_range all = { 0, CHUNK_NONE };
    struct walk walk;
    int rc = walk_first(&walk, bodies, record->body_id, all);

    if (rc < 0)
        return rc;
    while (rc == STORE_OK && !*out) {
        if (walk.generation > record->body_generation)
            rc = change_published(out, txn, bodies, record->body_id, walk.generation);
        if (rc == STORE_OK)
            rc = walk_next(&walk, all);
    }
    engine_cursor_close(&walk.cursor);
    return rc < 0 ? rc : STORE_OK;
}

int body_changed_since(bool *out, struct txn *txn, const struct record *record)
{
    struct snapshot *bodies;
    int rc = body_flush(txn);

    *out = false;
    if (rc == STORE_OK)
        rc = body_delta_newer(out, &txn->engine.view, record);
    if (rc != STORE_OK || *out)
        return rc;
    rc = engine_snapshot(&bodies, txn->store->bodies);
    if (rc != STORE_OK)
        return rc;
    rc = newer_rows(out, txn, bodies, record);
    engine_snapshot_end(bodies);
    return rc;
}

/* -------------------------------------------------------------- reclaiming */

int body_superseded_read(struct superseded *out, uint64_t id, uint64_t generation, struct slice row)
{
    *out = (struct superseded){ .id = id, .generation = generation };
    if (row.size != sizeof out->chunks)
        return ENGINE_ABSENT;
    memcpy(&out->chunks, row.data, sizeof out->chunks);
    return STORE_OK;
}

int body_delete_older(struct transaction *txn, uint64_t id, uint32_t chunk, uint64_t generation)
{
    const struct chunk_range range = { chunk, chunk };
    struct walk walk;
    int rc = walk_first(&walk, &txn->view, id, range);

    if (rc < 0)
        return rc;
    while (rc == STORE_OK) {
        if (walk.generation < generation)
            rc = engine_cursor_del(txn, &walk.cursor);
        if (rc == STORE_OK)
            rc = walk_next(&walk, range);
    }
    engine_cursor_close(&walk.cursor);
    return rc < 0 ? rc : STORE_OK;
}

/* Deletes up to `*left` rows that are older than the change's own row of their chunk: STORE_OK when there are no
 * more, and ENGINE_ABSENT when the rest, from item->chunks on, has to wait. */
static int delete_superseded(struct transaction *txn, struct superseded *item, size_t *left)
{
    uint32_t written = CHUNK_NONE;
    struct walk walk;
    struct key key;
    int rc = walk_first(&walk, &txn->view, item->id, item->chunks);

    if (rc < 0)
        return rc;
    while (rc == STORE_OK) {
        if (walk.generation == item->generation)
            written = walk.chunk;
        if (walk.generation < item->generation && walk.chunk == written) {
            if (*left == 0)
                break;
            --*left;
            rc = engine_cursor_del(txn, &walk.cursor);
        }
        if (rc == STORE_OK)
            rc = walk_next(&walk, item->chunks);
    }
    engine_cursor_close(&walk.cursor);
    if (rc == STORE_OK) {
        item->chunks.first = walk.chunk;
        return ENGINE_ABSENT;
    }
    key_chunk(&key, item->id, CHUNK_NONE, item->generation);
    rc = rc < 0 ? rc : engine_del(txn, key_slice(&key));
    return rc < 0 ? rc : STORE_OK;
}

int body_delete_superseded(store *s, struct superseded *items, size_t count, size_t *done)
{
    size_t finished = 0, left = BODY_DROP_SLICE;
    struct transaction txn;
    int rc = engine_begin(&txn, s->bodies);

    *done = 0;
    if (rc != STORE_OK)
        return rc;
    if (engine_scarce(&txn, BODY_DROP_ROOM, false))
        count = 1; /* the list of the pages of many would itself need pages */
    while (rc == STORE_OK && finished < count) {
        rc = delete_superseded(&txn, &items[finished], &left);
        finished += rc == STORE_OK;
    }
    if (rc < 0) {
        engine_abort(&txn);
        return rc;
    }
    rc = engine_commit(&txn);
    if (rc == STORE_OK)
        *done = finished;
    return rc;
}
