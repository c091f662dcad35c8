/* caretaker.c - the background thread: reclaiming in slices, sweeping, syncing. */
#include "caretaker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "body.h"
#include "hold.h"
#include "layout.h"
#include "names.h"
#include "record.h"

#define ROUND_MS 30000         /* between two sweeps when nothing happens */
#define RETRY_MS 1000          /* after a backup, a check or an error kept it from its work */
#define SYNC_MS 500            /* relaxed: well within the second that is promised */
#define CLOSE_NANOS 200000000  /* what the end of a handle may spend on garbage */
#define BATCH 256              /* garbage rows looked at in one go */
#define GATHER_MS 50           /* that garbage has to become many rows, which share their commits */
#define COLLECTION_SLICE 1000  /* rows of a deleted collection that one transaction deletes ... */
#define COLLECTION_SLICE_MIN 8 /* ... on a full disk, where each takes space before it gives any */

struct caretaker {
    store *store;
    pthread_mutex_t lock;
    pthread_cond_t poked;
    pthread_t thread;
    bool running, stop, garbage, behind;
    int64_t synced; /* when, by the thread itself */
};

/* One garbage row, copied out of its snapshot. */
struct garbage {
    struct key key;
    char kind;
    uint64_t id;
    struct superseded superseded; /* of a range write */
    int rows; /* of a collection, to delete in one transaction */
};

int caretaker_create(struct caretaker **out, store *s)
{
    struct caretaker *caretaker = calloc(1, sizeof *caretaker);

    if (!caretaker)
        return problem(STORE_NO_MEMORY, "no memory for a store");
    caretaker->store = s;
    pthread_mutex_init(&caretaker->lock, NULL);
    clock_condition(&caretaker->poked);
    *out = caretaker;
    return STORE_OK;
}

/* ---------------------------------------------------------------- garbage */

static bool read_garbage(struct garbage *out, struct slice found, struct slice value)
{
    const char *at = found.data;
    bool range = found.size == SCOPE_PREFIX + 17;

    if (found.size != SCOPE_PREFIX + 9 && !range)
        return false;
    out->key.size = 0;
    key_add(&out->key, found.data, found.size);
    out->kind = at[SCOPE_PREFIX];
    out->id = get_be64(at + SCOPE_PREFIX + 1);
    out->rows = COLLECTION_SLICE;
    return range == (out->kind == GARBAGE_RANGE) &&
           (!range || body_superseded_read(&out->superseded, out->id, get_be64(at + SCOPE_PREFIX + 9), value) == STORE_OK);
}

static int list_garbage(struct garbage *out, size_t *count, store *s)
{
    struct engine_cursor cursor;
    struct snapshot *snapshot;
    struct slice found, value;
    struct key prefix;
    int rc = engine_snapshot(&snapshot, s->objects);

    *count = 0;
    if (rc != STORE_OK)
        return rc;
    key_begin(&prefix, SCOPE_STORE, KIND_GARBAGE);
    rc = engine_cursor_open(&cursor, snapshot);
    if (rc == STORE_OK) {
        rc = engine_seek(&cursor, key_slice(&prefix), &found, &value);
        while (rc == STORE_OK && *count < BATCH && key_has_prefix(found, &prefix)) {
            if (read_garbage(&out[*count], found, value))
                ++*count;
            rc = engine_next(&cursor, &found, &value);
        }
        engine_cursor_close(&cursor);
    }
    engine_snapshot_end(snapshot);
    return rc < 0 ? rc : STORE_OK;
}

/* A row of a deleted collection: what it refers to becomes garbage in its turn. */
static int discard(struct txn *txn, struct slice key, struct slice value)
{
    struct record record;
    struct key row;

    if (((const char *)key.data)[8] != KIND_ENTRY || record_read(&record, value.data, value.size, false) != RECORD_OK)
        return STORE_OK;
    if (record.kind == NODE_COLLECTION) {
        key_garbage(&row, GARBAGE_COLLECTION, record.id);
        return engine_put(&txn->engine, key_slice(&row), slice_of("", 0));
    }
    if (record.kind == NODE_NAME)
        return names_drop(txn, record.id, key);
    return record.flags & RECORD_CHUNKED ? body_release(txn, record.body_id) : STORE_OK;
}

/* Deletes a slice of a scope's rows; ENGINE_ABSENT when none is left. One row at a time by
 * key: other rows are written in between, which moves cursors. */
static int empty_scope(struct txn *txn, uint64_t scope, int count)
{
    struct slice found, value;
    struct key prefix, key;
    int rc = STORE_OK;

    put_be64(prefix.bytes, scope);
    prefix.size = 8;
    for (int rows = 0; rows < count && rc == STORE_OK; rows++) {
        struct engine_cursor cursor;
        rc = engine_cursor_open(&cursor, &txn->engine.view);
        if (rc != STORE_OK)
            return rc;
        rc = engine_seek(&cursor, key_slice(&prefix), &found, &value);
        if (rc == STORE_OK && !key_has_prefix(found, &prefix))
            rc = ENGINE_ABSENT;
        if (rc == STORE_OK) {
            key.size = 0;
            key_add(&key, found.data, found.size);
            rc = discard(txn, found, value);
        }
        engine_cursor_close(&cursor);
        if (rc == STORE_OK)
            rc = engine_del(&txn->engine, key_slice(&key));
    }
    return rc;
}

/* One transaction of the caretaker's own on the objects file. `run` says how many of the rows are done with. */
static int own_transaction(store *s, int (*run)(struct txn *txn, const struct garbage *items, size_t *count),
                           const struct garbage *items, size_t *count)
{
    struct txn txn = { .store = s, .now = clock_now() };
    int rc = engine_begin(&txn.engine, s->objects);

    if (rc == STORE_OK)
        rc = run(&txn, items, count);
    if (rc == STORE_OK)
        return engine_commit(&txn.engine);
    engine_abort(&txn.engine);
    return rc;
}

static int forget_rows(struct txn *txn, const struct garbage *items, size_t *count)
{
    int rc = STORE_OK;

    for (size_t i = 0; i < *count && rc >= 0; i++) {
        if (items[i].kind == GARBAGE_BODY)
            rc = body_forget_deltas(txn, items[i].id);
        if (rc >= 0)
            rc = engine_del(&txn->engine, key_slice(&items[i].key));
    }
    return rc < 0 ? rc : STORE_OK;
}

static int collection_slice(struct txn *txn, const struct garbage *items, size_t *count)
{
    int rc = empty_scope(txn, items->id, items->rows);

    *count = rc == ENGINE_ABSENT;
    return rc == ENGINE_ABSENT ? forget_rows(txn, items, count) : rc;
}

/* The bodies at the head of the list, together: their chunks in one commit, their rows in another. */
static int reclaim_bodies(store *s, const struct garbage *items, size_t *count)
{
    uint64_t ids[BATCH];
    size_t bodies = 0;

    while (bodies < *count && items[bodies].kind == GARBAGE_BODY) {
        ids[bodies] = items[bodies].id;
        bodies++;
    }
    return body_delete_slice(s, ids, bodies, count);
}

/* The same for what range writes superseded. */
static int reclaim_ranges(store *s, struct garbage *items, size_t *count)
{
    struct superseded list[BATCH];
    size_t ranges = 0, done;
    int rc;

    for (; ranges < *count && items[ranges].kind == GARBAGE_RANGE; ranges++)
        list[ranges] = items[ranges].superseded;
    rc = body_delete_superseded(s, list, ranges, &done);
    if (rc == STORE_OK && done < ranges)
        items[done].superseded = list[done];
    *count = done;
    return rc;
}

/* One slice of work on the `*count` rows that are listed; how many of them are done with. */
static int reclaim_slice(store *s, struct garbage *items, size_t *count)
{
    int rc;

    switch (items->kind) {
    case GARBAGE_COLLECTION:
        return own_transaction(s, collection_slice, items, count);
    case GARBAGE_BODY:
        rc = reclaim_bodies(s, items, count);
        break;
    case GARBAGE_RANGE:
        rc = reclaim_ranges(s, items, count);
        break;
    default:
        *count = 1;
        return STORE_OK;
    }
    return rc == STORE_OK && *count > 0 ? own_transaction(s, forget_rows, items, count) : rc;
}

static bool smaller_slice(struct garbage *item)
{
    if (item->kind != GARBAGE_COLLECTION || item->rows <= COLLECTION_SLICE_MIN)
        return false;
    item->rows /= 5;
    return true;
}

static bool stopping(struct caretaker *caretaker)
{
    bool stop;

    pthread_mutex_lock(&caretaker->lock);
    stop = caretaker->stop;
    pthread_mutex_unlock(&caretaker->lock);
    return stop;
}

static bool is_behind(const store *s)
{
    return engine_behind(s->objects) || engine_behind(s->bodies);
}

/* Makes relaxed commits durable in time, also while there is much else to do. */
static void keep_up(struct caretaker *caretaker)
{
    store *s = caretaker->store;
    int64_t now = clock_monotonic();

    if (!s->relaxed || (now < caretaker->synced + SYNC_MS * 1000000LL && !is_behind(s)))
        return;
    caretaker->synced = now;
    engine_sync(s->objects); /* with it what its bodies are */
    engine_sync(s->bodies);
}

/* A moment for more garbage to come, unless the handle ends. */
static void gather(struct caretaker *caretaker)
{
    int64_t until = clock_monotonic() + GATHER_MS * 1000000LL;
    struct timespec deadline = { until / 1000000000, until % 1000000000 };

    pthread_mutex_lock(&caretaker->lock);
    while (!caretaker->stop && pthread_cond_timedwait(&caretaker->poked, &caretaker->lock, &deadline) == 0)
        ;
    pthread_mutex_unlock(&caretaker->lock);
}

/* Begins a slice of work on chunks: not when the time is over, nor while somebody keeps them. */
static bool begin_slice(struct caretaker *caretaker, int64_t until)
{
    if (until == 0 ? stopping(caretaker) : clock_monotonic() > until)
        return false;
    keep_up(caretaker);
    return shared_try_reclaim(caretaker->store->shared);
}

/* Reclaims what is listed; false if it was kept from it. */
static bool reclaim_listed(struct caretaker *caretaker, struct garbage *list, size_t count, int64_t until, int *rc)
{
    store *s = caretaker->store;

    for (size_t i = 0; i < count && *rc == STORE_OK;) {
        size_t done = count - i;
        if (!begin_slice(caretaker, until))
            return false;
        *rc = reclaim_slice(s, &list[i], &done);
        shared_end_reclaim(s->shared);
        if (*rc == STORE_OK)
            i += done;
        else if (*rc == STORE_FULL && smaller_slice(&list[i]))
            *rc = STORE_OK;
    }
    return true;
}

/* Merges short range writes into their chunks; false if it was kept from it. */
static bool merge(struct caretaker *caretaker, int64_t until)
{
    bool more = true;
    int rc = STORE_OK;

    while (more && rc == STORE_OK) {
        if (!begin_slice(caretaker, until))
            return false;
        rc = body_merge_slice(caretaker->store, &more);
        shared_end_reclaim(caretaker->store->shared);
    }
    return rc == STORE_OK;
}

/* Works until nothing is left (true), an error, or (at the handle's end) its time is over. */
static bool reclaim(struct caretaker *caretaker, int64_t until)
{
    struct garbage *list = calloc(BATCH, sizeof *list);
    size_t count = 0;
    int rc = list ? STORE_OK : STORE_NO_MEMORY;
    bool going = list != NULL;

    while (going) {
        if (until == 0 && count < BATCH)
            gather(caretaker);
        rc = list_garbage(list, &count, caretaker->store);
        if (rc == STORE_OK && count > 0)
            rc = engine_sync(caretaker->store->objects); /* relaxed: what made it garbage may not be durable */
        going = rc == STORE_OK && count > 0 && reclaim_listed(caretaker, list, count, until, &rc) && rc == STORE_OK;
    }
    free(list);
    return rc == STORE_OK && count == 0 && merge(caretaker, until);
}

/* --------------------------------------------------------------- sweeping */

/* The first staged upload behind `after` whose session died: 0 if there is none. */
static uint64_t abandoned(store *s, uint64_t after)
{
    struct engine_cursor cursor;
    struct snapshot *snapshot;
    struct slice found, value;
    struct key prefix, from;
    uint64_t id = 0;
    int rc;

    if (engine_snapshot(&snapshot, s->bodies) != STORE_OK)
        return 0;
    key_begin(&prefix, 0, BODY_STAGED);
    from = prefix;
    key_add_u64(&from, after + 1);
    rc = engine_cursor_open(&cursor, snapshot);
    if (rc == STORE_OK) {
        rc = engine_seek(&cursor, key_slice(&from), &found, &value);
        while (rc == STORE_OK && id == 0 && key_has_prefix(found, &prefix)) {
            uint64_t nonce = 0;
            uint32_t slot = 0;
            if (value.size == 12) {
                memcpy(&nonce, value.data, 8);
                memcpy(&slot, (const char *)value.data + 8, 4);
            }
            if (found.size == SCOPE_PREFIX + 8 && !shared_session_alive(s->shared, slot, nonce))
                id = get_be64((const char *)found.data + SCOPE_PREFIX);
            rc = engine_next(&cursor, &found, &value);
        }
        engine_cursor_close(&cursor);
    }
    engine_snapshot_end(snapshot);
    return id;
}

/* Abandoned means: neither published nor on its way out as garbage. */
static bool referred_to(store *s, uint64_t id)
{
    struct snapshot *snapshot;
    struct slice value;
    struct key key;
    uint64_t references = 0;
    int rc = engine_snapshot(&snapshot, s->objects);

    if (rc != STORE_OK)
        return true;
    rc = body_references(&references, snapshot, id);
    if (rc == STORE_OK && references == 0) {
        key_garbage(&key, GARBAGE_BODY, id);
        rc = engine_get(snapshot, key_slice(&key), &value);
    }
    engine_snapshot_end(snapshot);
    return references > 0 || rc != ENGINE_ABSENT;
}

static void sweep(struct caretaker *caretaker)
{
    store *s = caretaker->store;
    uint64_t id = 0;
    int cleared;

    engine_clear_readers(s->objects, &cleared);
    engine_clear_readers(s->bodies, &cleared);
    while (!stopping(caretaker) && (id = abandoned(s, id)) != 0) {
        if (referred_to(s, id))
            body_published(s, id);
        else
            body_drop(s, id);
    }
    body_unstage(s);
    hold_sweep(s);
    problem_reset();
}

/* ----------------------------------------------------------------- thread */

/* Sleeps until it is poked, or that time is over. */
static void rest(struct caretaker *caretaker, int64_t milliseconds)
{
    int64_t until = clock_monotonic() + milliseconds * 1000000LL;
    struct timespec deadline = { until / 1000000000, until % 1000000000 };

    while (!caretaker->stop && !caretaker->garbage && !caretaker->behind &&
           pthread_cond_timedwait(&caretaker->poked, &caretaker->lock, &deadline) == 0)
        ;
}

static void *work(void *argument)
{
    struct caretaker *caretaker = argument;
    store *s = caretaker->store;
    int64_t next_sweep = 0;
    bool left = false;

    pthread_mutex_lock(&caretaker->lock);
    while (!caretaker->stop) {
        bool garbage = caretaker->garbage || left;
        caretaker->garbage = caretaker->behind = false;
        pthread_mutex_unlock(&caretaker->lock);
        keep_up(caretaker);
        if (clock_monotonic() >= next_sweep) {
            next_sweep = clock_monotonic() + ROUND_MS * 1000000LL;
            sweep(caretaker);
            garbage = true; /* of processes that ended before they were done */
        }
        if (garbage)
            left = !reclaim(caretaker, 0);
        pthread_mutex_lock(&caretaker->lock);
        rest(caretaker, s->relaxed ? SYNC_MS : left ? RETRY_MS : ROUND_MS);
    }
    pthread_mutex_unlock(&caretaker->lock);
    return NULL;
}

void caretaker_poke(store *s, bool garbage)
{
    struct caretaker *caretaker = s->caretaker;

    if (!caretaker)
        return;
    pthread_mutex_lock(&caretaker->lock);
    caretaker->garbage |= garbage;
    caretaker->behind |= s->relaxed && is_behind(s);
    if (!caretaker->running && !caretaker->stop)
        caretaker->running = pthread_create(&caretaker->thread, NULL, work, caretaker) == 0;
    else if (garbage || caretaker->behind)
        pthread_cond_signal(&caretaker->poked);
    pthread_mutex_unlock(&caretaker->lock);
}

void caretaker_free(struct caretaker *caretaker)
{
    bool running;

    if (!caretaker)
        return;
    pthread_mutex_lock(&caretaker->lock);
    caretaker->stop = true;
    running = caretaker->running;
    pthread_cond_signal(&caretaker->poked);
    pthread_mutex_unlock(&caretaker->lock);
    if (running) {
        pthread_join(caretaker->thread, NULL);
        reclaim(caretaker, clock_monotonic() + CLOSE_NANOS);
    }
    pthread_mutex_destroy(&caretaker->lock);
    pthread_cond_destroy(&caretaker->poked);
    free(caretaker);
}
