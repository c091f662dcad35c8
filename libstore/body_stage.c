/* body_stage.c - staged bodies: ids, the rows that say whose they are, commits of the bodies file, deleting. */
#include "body.h"

#include <stdlib.h>
#include <string.h>

#define STAGED_ROW 12                 /* u64 nonce, u32 slot */

struct unstaged {
    struct unstaged *next;
    uint64_t id;
    uint64_t commit; /* of the objects, not before the one that published it */
};

static void staged_key(struct key *key, uint64_t id)
{
    key_begin(key, 0, BODY_STAGED);
    key_add_u64(key, id);
}

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

/* Those whose publication no power failure undoes. */
static struct unstaged *take_unstaged(store *s)
{
    uint64_t durable = engine_durable(s->objects);
    struct unstaged *taken = NULL, **link = &s->unstaged;

    pthread_mutex_lock(&s->unstaged_lock);
    while (*link) {
        struct unstaged *item = *link;
        if (item->commit > durable) {
            link = &item->next;
            continue;
        }
        *link = item->next;
        item->next = taken;
        taken = item;
    }
    pthread_mutex_unlock(&s->unstaged_lock);
    return taken;
}

/* Never durable if it cannot be told. */
static uint64_t newest_commit(store *s)
{
    struct snapshot *snapshot;
    uint64_t commit;

    if (engine_snapshot(&snapshot, s->objects) != STORE_OK)
        return UINT64_MAX;
    commit = snapshot->id;
    engine_snapshot_end(snapshot);
    return commit;
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
    uint64_t commit = newest_commit(s);

    if (!item)
        return;
    pthread_mutex_lock(&s->unstaged_lock);
    *item = (struct unstaged){ s->unstaged, id, commit };
    s->unstaged = item;
    pthread_mutex_unlock(&s->unstaged_lock);
}

void body_unstage(store *s)
{
    struct unstaged *list;
    struct transaction txn;

    engine_sync(s->objects);
    list = take_unstaged(s);
    if (list && unstaging_allowed(s) && engine_begin(&txn, s->bodies) == STORE_OK) {
        if (delete_staging_rows(&txn, list) == STORE_OK)
            engine_commit(&txn);
        else
            engine_abort(&txn);
    }
    free_unstaged(list);
}

int body_claim(struct transaction *txn, uint64_t count, uint64_t *first)
{
    unsigned char row[8];
    struct slice value;
    struct key key;
    uint64_t next = 1;
    int rc;

    key_begin(&key, 0, BODY_NEXT);
    rc = engine_get(&txn->view, key_slice(&key), &value);
    if (rc < 0)
        return rc;
    if (rc == STORE_OK && value.size == 8)
        next = get_be64(value.data);
    *first = next;
    put_be64(row, next + count);
    return engine_put(txn, key_slice(&key), slice_of(row, sizeof row));
}

int body_mark_staged(struct transaction *txn, store *s, uint64_t id)
{
    unsigned char row[STAGED_ROW];
    struct key key;
    uint64_t nonce;
    uint32_t slot;

    shared_session(s->shared, &slot, &nonce);
    memcpy(row, &nonce, 8);
    memcpy(row + 8, &slot, 4);
    staged_key(&key, id);
    return engine_put(txn, key_slice(&key), slice_of(row, sizeof row));
}

int body_put_chunks(struct transaction *txn, uint64_t id, uint32_t chunk, const char *data, size_t size)
{
    struct key key;
    int rc = STORE_OK;

    for (size_t done = 0; done < size && rc == STORE_OK; chunk++) {
        size_t part = size - done < CHUNK_DATA ? size - done : CHUNK_DATA;
        key_chunk(&key, id, chunk, 0);
        rc = body_put_chunk(txn, &key, data + done, part, true);
        done += part;
    }
    return rc;
}

int body_check_room(struct transaction *txn, size_t size)
{
    return engine_scarce(txn, size + size / 8, true) ? problem(STORE_FULL, "the disk is all but full") : STORE_OK;
}

static int commit_once(store *s, size_t size, int (*write)(void *context, struct transaction *txn), void *context)
{
    struct unstaged *list = unstaging_allowed(s) ? take_unstaged(s) : NULL;
    struct transaction txn;
    int rc = engine_begin(&txn, s->bodies);

    if (rc == STORE_OK) {
        rc = body_check_room(&txn, size);
        if (rc == STORE_OK)
            rc = delete_staging_rows(&txn, list);
        if (rc == STORE_OK)
            rc = write(context, &txn);
        if (rc == STORE_OK)
            rc = engine_commit(&txn);
        else
            engine_abort(&txn);
    }
    free_unstaged(list);
    return rc;
}

/* The file may have outgrown its map; then the engine has made it larger: once more. */
int body_commit(store *s, size_t size, int (*write)(void *context, struct transaction *txn), void *context)
{
    int rc = commit_once(s, size, write, context);

    for (int tries = 0; rc == STORE_FULL && tries < 40 && engine_map_full(s->bodies); tries++)
        rc = commit_once(s, size, write, context);
    /* Pages that relaxed commits freed can be written to again when those are on the disk. */
    if (rc == STORE_FULL && s->relaxed && engine_sync(s->bodies) == STORE_OK)
        rc = commit_once(s, size, write, context);
    return rc;
}

/* Deletes up to `*left` of a body's rows; ENGINE_ABSENT when there were no more, and its staging row is gone too. */
static int delete_rows(struct transaction *txn, uint64_t id, size_t *left)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct key key;
    int rc = engine_cursor_open(&cursor, &txn->view);

    if (rc != STORE_OK)
        return rc;
    put_be64(key.bytes, id);
    key.size = 8;
    rc = engine_seek(&cursor, key_slice(&key), &found, &value);
    for (; rc == STORE_OK && key_has_prefix(found, &key) && *left > 0; --*left) {
        rc = engine_cursor_del(txn, &cursor);
        if (rc == STORE_OK)
            rc = engine_next(&cursor, &found, &value);
    }
    if (rc == STORE_OK && !key_has_prefix(found, &key))
        rc = ENGINE_ABSENT;
    engine_cursor_close(&cursor);
    if (rc != ENGINE_ABSENT)
        return rc;
    staged_key(&key, id);
    rc = engine_del(txn, key_slice(&key));
    return rc < 0 ? rc : ENGINE_ABSENT;
}

int body_delete_slice(store *s, const uint64_t *ids, size_t count, size_t *done)
{
    size_t finished = 0, left = BODY_DROP_SLICE;
    struct transaction txn;
    int rc = engine_begin(&txn, s->bodies);

    *done = 0;
    if (rc != STORE_OK)
        return rc;
    if (engine_scarce(&txn, BODY_DROP_ROOM, false))
        count = 1; /* the list of the pages of many would itself need pages */
    while (finished < count && (rc = delete_rows(&txn, ids[finished], &left)) == ENGINE_ABSENT)
        finished++;
    if (rc < 0) {
        engine_abort(&txn);
        return rc;
    }
    rc = engine_commit(&txn);
    if (rc == STORE_OK)
        *done = finished;
    return rc;
}

void body_drop(store *s, uint64_t id)
{
    size_t done = 0;

    while (done == 0 && body_delete_slice(s, &id, 1, &done) == STORE_OK)
        ;
}
