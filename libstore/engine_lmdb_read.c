/*
 * engine_lmdb_read.c - the pool of snapshots, reading, and cursors. A snapshot
 * costs an LMDB renewal and one exchange on a cache line of its own.
 */
#include <stdlib.h>
#include <time.h>

#include "engine_lmdb.h"
#include "problem.h"

#define WRITER_PATIENCE_S 5
#define CURE_TRIES 3

/* The slot this thread used last; threads start apart. */
static __thread unsigned hint = UINT_MAX;

static unsigned first_hint(void)
{
    static atomic_uint threads;

    return atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % SLOT_COUNT;
}

static struct snapshot *outside_pool(struct engine *engine)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (!snapshot)
        return NULL;
    snapshot->engine = engine;
    snapshot->slot = SLOT_ONCE;
    atomic_fetch_add(&engine->outside, 1);
    return snapshot;
}

/* A free slot's snapshot, or one outside the pool. Sequential consistency pairs with
 * close_gate: either we see it closed, or it sees us. */
static struct snapshot *enter(struct engine *engine)
{
    if (hint == UINT_MAX)
        hint = first_hint();
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        unsigned index = (hint + i) % SLOT_COUNT;
        struct slot *slot = &engine->slots[index];

        if (!atomic_load_explicit(&slot->busy, memory_order_relaxed) && !atomic_exchange(&slot->busy, true)) {
            hint = index;
            return &slot->snapshot;
        }
    }
    return outside_pool(engine);
}

static void leave(struct snapshot *snapshot)
{
    struct engine *engine = snapshot->engine;

    if (snapshot->slot < SLOT_COUNT) {
        atomic_store_explicit(&engine->slots[snapshot->slot].busy, false, memory_order_release);
        return;
    }
    free(snapshot);
    atomic_fetch_sub(&engine->outside, 1);
}

static int begin_reading(MDB_txn **out, struct engine *engine)
{
    int rc;

    if (!engine->env)
        return MDB_PANIC;
    rc = mdb_txn_begin(engine->env, NULL, MDB_RDONLY, out);
    if (rc != MDB_READERS_FULL)
        return rc;
    rc = mdb_reader_check(engine->env, NULL);
    return rc ? rc : mdb_txn_begin(engine->env, NULL, MDB_RDONLY, out);
}

static inline int renew(struct snapshot *snapshot)
{
    MDB_txn *txn = snapshot->handle;
    int rc;

    if (txn) {
        rc = mdb_txn_renew(txn);
    } else {
        rc = begin_reading(&txn, snapshot->engine);
        snapshot->handle = rc ? NULL : txn;
    }
    if (!rc)
        snapshot->id = mdb_txn_id(txn);
    return rc;
}

static void wait_at_gate(struct engine *engine)
{
    pthread_mutex_lock(&engine->gate);
    pthread_mutex_unlock(&engine->gate);
}

static int recover(struct engine *engine, int rc, unsigned generation)
{
    struct timespec end;
    int code;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += WRITER_PATIENCE_S;
    if (pthread_mutex_clocklock(&engine->writer, CLOCK_MONOTONIC, &end))
        return problem(STORE_BUSY, "the store's map must move, and a writer keeps it in place");
    code = engine_lmdb_recover(engine, rc, generation);
    pthread_mutex_unlock(&engine->writer);
    return code;
}

int engine_snapshot(struct snapshot **out, struct engine *engine)
{
    struct snapshot *snapshot;
    unsigned generation, tries = 0;
    int rc, code;

    *out = NULL;
    if (engine_forked(engine))
        return engine_lmdb_forked();
    for (;;) {
        snapshot = enter(engine);
        if (!snapshot)
            return problem(STORE_NO_MEMORY, "no memory for a snapshot");
        if (atomic_load(&engine->closed)) {
            leave(snapshot);
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): leave() frees no snapshot of the engine's own */
            wait_at_gate(engine);
            continue;
        }
        generation = atomic_load_explicit(&engine->generation, memory_order_relaxed);
        rc = renew(snapshot);
        if (!rc) {
            *out = snapshot;
            return STORE_OK;
        }
        leave(snapshot);
        if (!engine_lmdb_curable(rc) || ++tries > CURE_TRIES)
            return engine_lmdb_problem(rc, "cannot begin to read");
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): as above */
        code = recover(engine, rc, generation);
        if (code)
            return code;
    }
}

static void end_handles(struct snapshot *snapshot)
{
    if (snapshot->cursor)
        mdb_cursor_close(snapshot->cursor);
    mdb_txn_abort(snapshot->handle);
    snapshot->cursor = NULL;
    snapshot->handle = NULL;
}

static void forget_attachment(struct snapshot *snapshot)
{
    void (*attachment_free)(void *) = snapshot->engine->options.attachment_free;

    if (snapshot->attachment && attachment_free)
        attachment_free(snapshot->attachment);
    snapshot->attachment = NULL;
}

void engine_snapshot_end(struct snapshot *snapshot)
{
    if (!snapshot || engine_forked(snapshot->engine))
        return;
    if (snapshot->slot < SLOT_COUNT) {
        mdb_txn_reset(snapshot->handle);
    } else {
        end_handles(snapshot);
        forget_attachment(snapshot);
    }
    leave(snapshot);
}

void engine_lmdb_empty_pool(struct engine *engine, bool forget)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        struct snapshot *snapshot = &engine->slots[i].snapshot;

        end_handles(snapshot);
        if (forget)
            forget_attachment(snapshot);
    }
}

static MDB_val val_of(struct slice slice)
{
    return (MDB_val){ .mv_size = slice.size, .mv_data = (void *)slice.data };
}

/* What an LMDB look-up answered, with what it found. */
static int found_or(int rc, MDB_val key, MDB_val data, struct slice *found, struct slice *value)
{
    if (rc == MDB_NOTFOUND)
        return ENGINE_ABSENT;
    if (rc)
        return engine_lmdb_problem(rc, "cannot read");
    if (found)
        *found = slice_of(key.mv_data, key.mv_size);
    if (value)
        *value = slice_of(data.mv_data, data.mv_size);
    return STORE_OK;
}

int engine_get(struct snapshot *snapshot, struct slice key, struct slice *value)
{
    MDB_val k = val_of(key), data;

    if (key.size == 0)
        return ENGINE_ABSENT;
    return found_or(mdb_get(snapshot->handle, MAIN_DBI, &k, &data), k, data, NULL, value);
}

int engine_cursor_open(struct engine_cursor *out, struct snapshot *snapshot)
{
    MDB_cursor *cursor = snapshot->cursor;
    int rc;

    *out = (struct engine_cursor){ 0 };
    snapshot->cursor = NULL;
    if (cursor)
        rc = mdb_cursor_renew(snapshot->handle, cursor);
    else
        rc = mdb_cursor_open(snapshot->handle, MAIN_DBI, &cursor);
    if (rc) {
        if (cursor)
            mdb_cursor_close(cursor);
        return engine_lmdb_problem(rc, "cannot open a cursor");
    }
    *out = (struct engine_cursor){ snapshot, cursor };
    return STORE_OK;
}

void engine_cursor_close(struct engine_cursor *cursor)
{
    struct snapshot *snapshot = cursor->snapshot;

    if (!cursor->handle)
        return;
    /* LMDB renews only cursors that read. */
    if (snapshot->slot < SLOT_COUNT && !snapshot->cursor)
        snapshot->cursor = cursor->handle;
    else
        mdb_cursor_close(cursor->handle);
    cursor->handle = NULL;
}

static int move(struct engine_cursor *cursor, MDB_cursor_op op, struct slice *found, struct slice *value)
{
    MDB_val key, data;
    int rc = mdb_cursor_get(cursor->handle, &key, &data, op);

    return found_or(rc, key, data, found, value);
}

int engine_seek(struct engine_cursor *cursor, struct slice key, struct slice *found, struct slice *value)
{
    MDB_val k = val_of(key), data;
    int rc;

    if (key.size == 0)
        return move(cursor, MDB_FIRST, found, value);
    rc = mdb_cursor_get(cursor->handle, &k, &data, MDB_SET_RANGE);
    return found_or(rc, k, data, found, value);
}

int engine_seek_before(struct engine_cursor *cursor, struct slice key, struct slice *found,
                       struct slice *value)
{
    MDB_val k = val_of(key), data;
    int rc = MDB_NOTFOUND;

    if (key.size > 0)
        rc = mdb_cursor_get(cursor->handle, &k, &data, MDB_SET_RANGE);
    if (rc == MDB_NOTFOUND)
        return move(cursor, MDB_LAST, found, value);
    if (rc)
        return engine_lmdb_problem(rc, "cannot read");
    return move(cursor, MDB_PREV, found, value);
}

int engine_next(struct engine_cursor *cursor, struct slice *found, struct slice *value)
{
    return move(cursor, MDB_NEXT, found, value);
}

int engine_prev(struct engine_cursor *cursor, struct slice *found, struct slice *value)
{
    return move(cursor, MDB_PREV, found, value);
}
