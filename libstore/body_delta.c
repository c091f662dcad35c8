/*
 * body_delta.c - short range writes: deltas, rows in the objects file beside the record that publishes them. One
 * commit makes both durable. Reads lay them over their chunk, until the caretaker merges them into a row of it.
 */
#include "body.h"

#include <string.h>

#include "checksum.h"

#define DELTA_KEY (SCOPE_PREFIX + 20)
#define DELTA_HEADER 12   /* u64 checksum of the rest, u32 where in the chunk */
#define DELTA_MAX 8160    /* bytes of one range write: with header and key in two pages */
#define DELTAS_KEPT 4096  /* of a handle, before it rewrites chunks at once */
#define DELTAS_MERGED 2048 /* from here on the caretaker merges them; it does whenever it looks */
#define MERGE_CHUNKS 64   /* that one commit merges */

/* ------------------------------------------------------------------- rows */

static void delta_key(struct key *key, uint64_t id, uint32_t chunk, uint64_t generation)
{
    key_begin(key, SCOPE_STORE, KIND_DELTA);
    key_add_u64(key, id);
    put_be32(key->bytes + key->size, chunk);
    key->size += 4;
    key_add_u64(key, generation);
}

int body_delta_read(struct delta *out, struct slice key, struct slice value)
{
    const char *name = key.data, *row = value.data;
    uint64_t checksum;

    if (key.size == DELTA_KEY && value.size > DELTA_HEADER) {
        memcpy(&checksum, row, sizeof checksum);
        memcpy(&out->at, row + 8, sizeof out->at);
        out->id = get_be64(name + SCOPE_PREFIX);
        out->chunk = get_be32(name + SCOPE_PREFIX + 8);
        out->generation = get_be64(name + SCOPE_PREFIX + 12);
        out->data = slice_of(row + DELTA_HEADER, value.size - DELTA_HEADER);
        if (out->at <= CHUNK_DATA && out->data.size <= CHUNK_DATA - out->at &&
            checksum_of(row + 8, value.size - 8) == checksum)
            return STORE_OK;
    }
    return problem(STORE_CORRUPT, "a short range write is damaged");
}

static int put_delta(struct txn *txn, uint64_t id, uint32_t chunk, uint64_t generation, uint32_t at, const char *data,
                     size_t size)
{
    char row[DELTA_HEADER + DELTA_MAX];
    uint64_t checksum;
    struct key key;

    memcpy(row + 8, &at, sizeof at);
    memcpy(row + DELTA_HEADER, data, size);
    checksum = checksum_of(row + 8, DELTA_HEADER - 8 + size);
    memcpy(row, &checksum, sizeof checksum);
    delta_key(&key, id, chunk, generation);
    return engine_put(&txn->engine, key_slice(&key), slice_of(row, DELTA_HEADER + size));
}

bool body_delta_fits(const struct txn *txn, size_t size)
{
    return size <= DELTA_MAX && atomic_load(&txn->store->deltas) < DELTAS_KEPT;
}

int body_delta_put(struct txn *txn, uint64_t id, uint64_t generation, uint64_t offset, const char *data, size_t size)
{
    int rc = STORE_OK;

    while (size > 0 && rc == STORE_OK) {
        uint32_t at = (uint32_t)(offset % CHUNK_DATA);
        size_t part = size < CHUNK_DATA - at ? size : CHUNK_DATA - at;
        rc = put_delta(txn, id, (uint32_t)(offset / CHUNK_DATA), generation, at, data, part);
        offset += part;
        data += part;
        size -= part;
        if (atomic_fetch_add(&txn->store->deltas, 1) >= DELTAS_MERGED)
            txn->garbage = true;
    }
    return rc;
}

/* ---------------------------------------------------------------- reading */

/* Lays what of `delta` falls into the `size` bytes from `at` of its chunk over those at `to`. */
static void lay_over(char *to, size_t at, size_t size, const struct delta *delta)
{
    size_t from = delta->at > at ? delta->at : at;
    size_t delta_end = delta->at + delta->data.size;
    size_t end = delta_end < at + size ? delta_end : at + size;

    if (from < end)
        memcpy(to + (from - at), (const char *)delta->data.data + (from - delta->at), end - from);
}

int body_overlay(size_t *end, struct snapshot *objects, const struct record *record, uint32_t chunk,
                 uint64_t base, size_t at, char *to, size_t size)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct delta delta = { 0 };
    struct key key;
    int rc;

    *end = 0;
    if (base >= record->body_generation || record->body_generation <= GENERATION_SPARSE)
        return STORE_OK;
    rc = engine_cursor_open(&cursor, objects);
    if (rc != STORE_OK)
        return rc;
    delta_key(&key, record->body_id, chunk, base + 1);
    rc = engine_seek(&cursor, key_slice(&key), &found, &value);
    key.size -= 8; /* the chunk's */
    while (rc == STORE_OK && key_has_prefix(found, &key)) {
        rc = body_delta_read(&delta, found, value);
        if (rc != STORE_OK || delta.generation > record->body_generation)
            break;
        lay_over(to, at, size, &delta);
        *end = delta.at + delta.data.size > *end ? delta.at + delta.data.size : *end;
        rc = engine_next(&cursor, &found, &value);
    }
    engine_cursor_close(&cursor);
    return rc < 0 ? rc : STORE_OK;
}

int body_delta_next(uint32_t *out, struct snapshot *objects, const struct record *record, uint32_t chunk)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct delta delta = { 0 };
    struct key key;
    int rc;

    if (record->body_generation <= GENERATION_SPARSE)
        return STORE_OK;
    rc = engine_cursor_open(&cursor, objects);
    if (rc != STORE_OK)
        return rc;
    delta_key(&key, record->body_id, chunk, 0);
    rc = engine_seek(&cursor, key_slice(&key), &found, &value);
    key.size -= 12; /* the body's */
    while (rc == STORE_OK && key_has_prefix(found, &key)) {
        rc = body_delta_read(&delta, found, value);
        if (rc == STORE_OK && delta.generation <= record->body_generation) {
            *out = delta.chunk;
            break;
        }
        if (rc == STORE_OK)
            rc = engine_next(&cursor, &found, &value);
    }
    engine_cursor_close(&cursor);
    return rc < 0 ? rc : STORE_OK;
}

int body_delta_newer(bool *out, struct snapshot *objects, const struct record *record)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct key key;
    int rc = engine_cursor_open(&cursor, objects);

    if (rc != STORE_OK)
        return rc;
    delta_key(&key, record->body_id, 0, 0);
    key.size -= 12; /* the body's */
    rc = engine_seek(&cursor, key_slice(&key), &found, &value);
    while (rc == STORE_OK && !*out && found.size == DELTA_KEY && key_has_prefix(found, &key)) {
        *out = get_be64((const char *)found.data + SCOPE_PREFIX + 12) > record->body_generation;
        rc = engine_next(&cursor, &found, &value);
    }
    engine_cursor_close(&cursor);
    return rc < 0 ? rc : STORE_OK;
}

int body_whole_chunk(char *whole, size_t *size, struct snapshot *objects, struct snapshot *bodies,
                     const struct record *record, uint32_t chunk, uint64_t *base)
{
    struct slice old = { "", 0 };
    size_t end;
    int rc = body_chunk(&old, base, bodies, record, chunk);

    if (rc < 0)
        return rc;
    memcpy(whole, old.data, old.size);
    memset(whole + old.size, 0, CHUNK_DATA - old.size);
    rc = body_overlay(&end, objects, record, chunk, *base, 0, whole, CHUNK_DATA);
    *size = old.size > end ? old.size : end;
    return rc;
}

/* --------------------------------------------------------------- deleting */

/* Deletes a chunk's deltas that are not newer than `generation`; a body's when `chunk` is CHUNK_NONE. */
static int delete_deltas(struct txn *txn, uint64_t id, uint32_t chunk, uint64_t generation)
{
    struct key prefix, key;
    int rc = STORE_OK;

    delta_key(&prefix, id, chunk, 0);
    prefix.size -= chunk == CHUNK_NONE ? 12 : 8;
    while (rc == STORE_OK) {
        struct engine_cursor cursor;
        struct slice found, value;
        rc = engine_cursor_open(&cursor, &txn->engine.view);
        if (rc != STORE_OK)
            return rc;
        rc = engine_seek(&cursor, key_slice(&prefix), &found, &value);
        if (rc == STORE_OK && (!key_has_prefix(found, &prefix) || found.size != DELTA_KEY ||
                               get_be64((const char *)found.data + SCOPE_PREFIX + 12) > generation))
            rc = ENGINE_ABSENT;
        key.size = 0;
        if (rc == STORE_OK)
            key_add(&key, found.data, found.size);
        engine_cursor_close(&cursor);
        if (rc == STORE_OK)
            rc = engine_del(&txn->engine, key_slice(&key));
    }
    return rc < 0 ? rc : STORE_OK;
}

int body_forget_deltas(struct txn *txn, uint64_t id)
{
    return delete_deltas(txn, id, CHUNK_NONE, UINT64_MAX);
}

/* ---------------------------------------------------------------- merging */

/* One chunk, and its newest delta. */
struct merged {
    uint64_t id, generation;
    uint32_t chunk;
};

struct merge {
    struct snapshot *objects;
    struct merged chunks[MERGE_CHUNKS];
    size_t count;
};

/* Adds the chunk of a delta; false when there is no more room. Garbage goes with its body. */
static int add_chunk(struct merge *merge, const struct delta *delta, bool *room)
{
    struct merged *last = merge->count > 0 ? &merge->chunks[merge->count - 1] : NULL;
    uint64_t references;
    int rc;

    *room = true;
    if (last && last->id == delta->id && last->chunk == delta->chunk) {
        last->generation = delta->generation;
        return STORE_OK;
    }
    rc = body_references(&references, merge->objects, delta->id);
    if (rc != STORE_OK || references == 0)
        return rc;
    *room = merge->count < MERGE_CHUNKS;
    if (*room)
        merge->chunks[merge->count++] = (struct merged){ delta->id, delta->generation, delta->chunk };
    return STORE_OK;
}

static int list_chunks(struct merge *merge)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct delta delta = { 0 };
    struct key prefix;
    bool room = true;
    int rc = engine_cursor_open(&cursor, merge->objects);

    if (rc != STORE_OK)
        return rc;
    key_begin(&prefix, SCOPE_STORE, KIND_DELTA);
    rc = engine_seek(&cursor, key_slice(&prefix), &found, &value);
    while (rc == STORE_OK && room && key_has_prefix(found, &prefix)) {
        rc = body_delta_read(&delta, found, value);
        if (rc == STORE_OK)
            rc = add_chunk(merge, &delta, &room);
        if (rc == STORE_OK)
            rc = engine_next(&cursor, &found, &value);
    }
    engine_cursor_close(&cursor);
    return rc < 0 ? rc : STORE_OK;
}

/* Readers of versions between the rows that go and the one that comes find that theirs is gone. */
static int merge_chunk(struct transaction *txn, struct snapshot *objects, const struct merged *item)
{
    const struct record record = { .flags = RECORD_CHUNKED, .body_id = item->id, .body_generation = item->generation };
    char whole[CHUNK_DATA];
    uint64_t base;
    struct key key;
    size_t size;
    int rc = body_whole_chunk(whole, &size, objects, &txn->view, &record, item->chunk, &base);

    if (rc == STORE_PRECONDITION_FAILED) { /* a longer range write superseded it */
        problem_reset();
        return STORE_OK;
    }
    if (rc != STORE_OK || base == item->generation)
        return rc;
    key_chunk(&key, item->id, item->chunk, item->generation);
    rc = body_put_chunk(txn, &key, whole, size, false);
    return rc == STORE_OK ? body_delete_older(txn, item->id, item->chunk, item->generation) : rc;
}

static int write_merged(void *context, struct transaction *txn)
{
    const struct merge *merge = context;
    int rc = STORE_OK;

    for (size_t i = 0; i < merge->count && rc == STORE_OK; i++)
        rc = merge_chunk(txn, merge->objects, &merge->chunks[i]);
    return rc;
}

static int delete_merged(store *s, const struct merge *merge)
{
    struct txn txn = { .store = s };
    int rc = engine_begin(&txn.engine, s->objects);

    for (size_t i = 0; i < merge->count && rc == STORE_OK; i++)
        rc = delete_deltas(&txn, merge->chunks[i].id, merge->chunks[i].chunk, merge->chunks[i].generation);
    if (rc == STORE_OK)
        return engine_commit(&txn.engine);
    engine_abort(&txn.engine);
    return rc;
}

/* The deltas must be on the disk before rows that are older than they go: with relaxed durability they may not be. */
int body_merge_slice(store *s, bool *more)
{
    struct merge merge = { .count = 0 };
    int rc = engine_snapshot(&merge.objects, s->objects);

    *more = false;
    if (rc != STORE_OK)
        return rc;
    atomic_store(&s->deltas, 0);
    rc = list_chunks(&merge);
    if (rc == STORE_OK && merge.count > 0)
        rc = engine_sync(s->objects);
    if (rc == STORE_OK && merge.count > 0)
        rc = body_commit(s, merge.count * CHUNK_DATA, write_merged, &merge);
    engine_snapshot_end(merge.objects);
    if (rc == STORE_OK && merge.count > 0)
        rc = delete_merged(s, &merge);
    *more = merge.count == MERGE_CHUNKS;
    return rc;
}
