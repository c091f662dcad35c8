/*
 * engine_lmdb_relaxed.c - commits that do not wait for the disk, and the checkpoints that make good
 * for it.
 *
 * As long as a checkpoint is the newest, nobody may use its pages anew. LMDB leaves alone what the
 * oldest reader can see, so a reader pins them: each process that commits relaxed has one, of a
 * checkpoint it made itself, and replaces it with the next. A process that waits for the disk has
 * none: while others are relaxed it looks for any reader that is old enough, when it begins to write
 * and again when it commits. (A reader cannot become older.) Readers of dead processes count until they
 * are cleared. Left open is one case: a transaction of more than 131,071 pages, of which LMDB writes
 * some before the commit, by a process that waits for the disk, while the last relaxed process
 * dies, another one dies just as it changes LMDB's table of readers, and then the power fails.
 *
 * Locks are taken in this order: LMDB's lock of writers, that of checkpoints. Making a checkpoint
 * needs the second only; to begin and to end with checkpoints needs both. With them the engine that
 * this one refers to may be synced, which takes its locks; never the other way round.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "engine_lmdb.h"
#include "engine_lmdb_checkpoint.h"
#include "problem.h"

#define POSITION_TRIES 10000
#define COMMIT_PAGES 6    /* what a commit writes besides the pages of its rows */
/* What may be written before writers wait for a checkpoint: as much as the disk took in this time at
 * the last one. A commit waits for the one under way and then for its own: twice that. */
#define SYNC_NANOS 400000000
#define PAGES_MIN 1024    /* 4 MiB */
#define PAGES_MAX 32768   /* 128 MiB: the file grows by about three times that */

static struct checkpoint_state *state_of(const struct engine *engine)
{
    return engine->checkpoints ? engine->checkpoints->state : NULL;
}

static bool is_checkpoint(uint64_t commit)
{
    return commit != COMMIT_CLEAN && commit != COMMIT_UNSETTLED;
}

static int check_sound(const struct checkpoint_state *state)
{
    return atomic_load(&state->failed) ? problem(STORE_IO, "the disk failed to take changes: close the store everywhere")
                                       : STORE_OK;
}

/* --------------------------------------------------------------- position */

static int end_reader(MDB_txn **reader, int rc)
{
    mdb_txn_abort(*reader);
    *reader = NULL;
    return rc;
}

/*
 * A reader of the newest commit, and that commit's meta page. The page is read from the file while
 * others commit: commit N writes page N & 1, so nobody wrote it since if N is still the newest.
 */
static int take_position(MDB_txn **reader, struct meta_page *meta, struct engine *engine)
{
    MDB_stat stat;
    int rc = mdb_env_stat(engine->env, &stat), code;

    if (!rc)
        rc = mdb_txn_begin(engine->env, NULL, MDB_RDONLY, reader);
    for (int tries = 0; !rc && tries < POSITION_TRIES; tries++) {
        size_t commit = mdb_txn_id(*reader);
        code = checkpoints_read_meta(meta, engine->checkpoints, commit, stat.ms_psize);
        if (code)
            return end_reader(reader, code);
        mdb_txn_reset(*reader);
        rc = mdb_txn_renew(*reader);
        if (!rc && mdb_txn_id(*reader) == commit && meta->commit == commit && meta->magic == META_MAGIC)
            return STORE_OK;
    }
    code = engine_lmdb_problem(rc ? rc : EAGAIN, "cannot take the position of a checkpoint");
    return *reader ? end_reader(reader, code) : code;
}

/* In place of the one we had. */
static void replace_pin(struct checkpoints *checkpoints, MDB_txn *reader, uint64_t commit)
{
    atomic_store(&checkpoints->pinned, commit);
    mdb_txn_abort(checkpoints->pin);
    checkpoints->pin = reader;
}

void engine_lmdb_drop_pin(struct engine *engine)
{
    if (engine->checkpoints)
        replace_pin(engine->checkpoints, NULL, PINNED_NONE);
}

/* ------------------------------------------------------------- checkpoints */

static int64_t monotonic_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The disk took `pages` since `began`. Few say nothing of its speed. */
static void learn_speed(struct checkpoint_state *state, uint64_t pages, int64_t began)
{
    int64_t took = monotonic_now() - began + 1;
    uint64_t allowed = pages * SYNC_NANOS / (uint64_t)took;

    if (pages < PAGES_MIN)
        return;
    if (allowed < PAGES_MIN)
        allowed = PAGES_MIN;
    atomic_store(&state->allowed, allowed < PAGES_MAX ? allowed : PAGES_MAX);
}

static uint64_t allowed_pages(const struct checkpoint_state *state)
{
    uint64_t allowed = atomic_load_explicit(&state->allowed, memory_order_relaxed);

    return allowed ? allowed : PAGES_MIN;
}

/* What the commits so far refer to. */
static int sync_referred(const struct engine *engine)
{
    return engine->options.refers_to ? engine_sync(engine->options.refers_to) : STORE_OK;
}

/* Under the lock: the newest commit becomes a checkpoint, and its pin ours if we are to have one. */
static int make_checkpoint(struct engine *engine, bool keep_pin)
{
    struct checkpoints *checkpoints = engine->checkpoints;
    struct checkpoint_state *state = checkpoints->state;
    struct meta_page meta = { .commit = 0 };
    int64_t began = monotonic_now();
    MDB_txn *reader = NULL;
    uint64_t pages;
    int rc = take_position(&reader, &meta, engine);

    if (rc)
        return rc;
    pages = atomic_exchange(&state->pages, 0);
    rc = sync_referred(engine);
    if (!rc)
        rc = checkpoints_write(checkpoints, &meta);
    if (rc)
        return end_reader(&reader, rc);
    learn_speed(state, pages, began);
    atomic_store(&state->commit, meta.commit);
    if (keep_pin)
        replace_pin(checkpoints, reader, meta.commit);
    else
        mdb_txn_abort(reader);
    return STORE_OK;
}

/* Whether a power failure spares the commit, and we pin nothing older. */
static bool covered(const struct engine *engine, uint64_t commit)
{
    const struct checkpoints *checkpoints = engine->checkpoints;
    uint64_t newest = atomic_load(&checkpoints->state->commit);

    if (newest == COMMIT_CLEAN)
        return true;
    return newest != COMMIT_UNSETTLED && newest >= commit && atomic_load(&checkpoints->pinned) >= commit;
}

static int cover(struct engine *engine, uint64_t commit)
{
    struct checkpoints *checkpoints = engine->checkpoints;
    int rc;

    if (covered(engine, commit))
        return STORE_OK;
    rc = checkpoints_lock(checkpoints);
    if (rc)
        return rc;
    rc = check_sound(checkpoints->state);
    if (!rc && !covered(engine, commit))
        rc = make_checkpoint(engine, checkpoints->pin != NULL);
    checkpoints_unlock(checkpoints);
    return rc;
}


/* ------------------------------------------------- beginning and ending with it */

/* Under both locks, as what follows. Who dies in between leaves the mark, and nobody writes before
 * somebody has done it again. */
static int enter(struct engine *engine)
{
    int rc = checkpoints_announce(engine->checkpoints);

    if (rc)
        return rc;
    atomic_store(&engine->checkpoints->state->commit, COMMIT_UNSETTLED);
    return make_checkpoint(engine, true);
}

static int leave(struct engine *engine)
{
    struct checkpoint_state *state = engine->checkpoints->state;
    int rc;

    atomic_store(&state->commit, COMMIT_UNSETTLED);
    rc = sync_referred(engine);
    if (!rc)
        rc = checkpoints_write_clean(engine->checkpoints);
    if (rc)
        return rc;
    atomic_store(&state->commit, COMMIT_CLEAN);
    engine_lmdb_drop_pin(engine);
    mdb_reader_check(engine->env, NULL);
    return STORE_OK;
}

struct old_reader {
    uint64_t commit;
    bool found;
};

static int look_at_reader(const char *line, void *payload)
{
    struct old_reader *old = payload;
    uint64_t commit;

    if (sscanf(line, "%*d %*x %" SCNu64, &commit) == 1 && commit <= old->commit)
        old->found = true;
    return 0;
}

static bool pinned_by_anybody(const struct engine *engine, uint64_t commit)
{
    struct old_reader old = { .commit = commit };

    mdb_reader_list(engine->env, look_at_reader, &old);
    return old.found;
}

/* Whether we may write. */
static bool ready(const struct engine *engine)
{
    const struct checkpoints *checkpoints = engine->checkpoints;
    uint64_t commit = atomic_load(&checkpoints->state->commit);

    if (engine->options.relaxed)
        return is_checkpoint(commit) && atomic_load(&checkpoints->pinned) != PINNED_NONE;
    if (commit == COMMIT_CLEAN)
        return true;
    return is_checkpoint(commit) && checkpoints_announced(checkpoints) && pinned_by_anybody(engine, commit);
}

int engine_lmdb_guard(struct engine *engine)
{
    struct checkpoint_state *state = state_of(engine);
    int rc = STORE_OK;

    if (!state)
        return STORE_OK;
    if (!ready(engine)) {
        rc = checkpoints_lock(engine->checkpoints);
        if (rc)
            return rc;
        rc = engine->options.relaxed ? enter(engine) : leave(engine);
        checkpoints_unlock(engine->checkpoints);
    }
    if (!rc)
        rc = check_sound(state);
    if (rc)
        return rc;
    engine->unsynced = atomic_load(&state->commit) != COMMIT_CLEAN;
    rc = mdb_env_set_flags(engine->env, MDB_NOSYNC, engine->unsynced);
    return rc ? engine_lmdb_problem(rc, "cannot begin to write") : STORE_OK;
}

int engine_lmdb_unsynced(struct engine *engine, uint64_t pages)
{
    struct checkpoint_state *state = state_of(engine);
    uint64_t behind;
    int rc;

    behind = atomic_fetch_add(&state->pages, pages + COMMIT_PAGES) + pages + COMMIT_PAGES;
    if (engine->options.relaxed && behind < allowed_pages(state))
        return STORE_OK;
    rc = engine_sync(engine);
    /* Whoever waits for the disk is told that nothing has changed: so it must be taken back. */
    if (rc && !engine->options.relaxed)
        atomic_store(&state->failed, true);
    return engine->options.relaxed ? STORE_OK : rc;
}

bool engine_lmdb_may_clear(const struct engine *engine)
{
    const struct checkpoint_state *state = state_of(engine);

    return !state || atomic_load(&state->commit) == COMMIT_CLEAN ||
           atomic_load(&engine->checkpoints->pinned) != PINNED_NONE;
}

/* Nobody else has the file open, so nobody is in the way. */
static int leave_alone(struct engine *engine)
{
    MDB_txn *writer;
    int rc = mdb_txn_begin(engine->env, NULL, 0, &writer), code;

    if (rc)
        return engine_lmdb_problem(rc, "cannot end with checkpoints");
    code = checkpoints_lock(engine->checkpoints);
    if (!code) {
        code = leave(engine);
        checkpoints_unlock(engine->checkpoints);
    }
    mdb_txn_abort(writer);
    return code;
}

void engine_lmdb_close_checkpoints(struct engine *engine)
{
    struct checkpoint_state *state = state_of(engine);

    if (state && engine->env && atomic_load(&state->commit) != COMMIT_CLEAN && !atomic_load(&state->failed)) {
        /* What fails here leaves the mark, and is done again by who writes next. */
        if (checkpoints_alone(engine->checkpoints))
            leave_alone(engine);
        else if (engine->checkpoints->pin)
            engine_sync(engine);
    }
    engine_lmdb_drop_pin(engine);
    checkpoints_close(engine->checkpoints);
    engine->checkpoints = NULL;
}

/* ------------------------------------------------------------------ engine.h */

int engine_sync(struct engine *engine)
{
    struct snapshot *snapshot;
    int rc;

    if (!state_of(engine))
        return STORE_OK;
    /* It says what is the newest commit, and keeps the environment open. */
    rc = engine_snapshot(&snapshot, engine);
    if (rc)
        return rc;
    rc = cover(engine, snapshot->id);
    engine_snapshot_end(snapshot);
    return rc;
}

bool engine_behind(const struct engine *engine)
{
    const struct checkpoint_state *state = state_of(engine);

    return state && atomic_load_explicit(&state->pages, memory_order_relaxed) >= allowed_pages(state) / 4;
}

uint64_t engine_durable(const struct engine *engine)
{
    const struct checkpoint_state *state = state_of(engine);
    uint64_t commit = state ? atomic_load(&state->commit) : COMMIT_CLEAN;

    return commit == COMMIT_UNSETTLED ? 0 : commit;
}

bool engine_rolled_back(const struct engine *engine)
{
    const struct checkpoint_state *state = state_of(engine);

    return state && atomic_load(&state->rolled_back);
}

int engine_forget_rollback(struct engine *engine)
{
    struct checkpoints *checkpoints = engine->checkpoints;
    int rc = engine_sync(engine);

    if (!rc)
        rc = checkpoints_lock(checkpoints);
    if (rc)
        return rc;
    rc = checkpoints_forget_rollback(checkpoints);
    checkpoints_unlock(checkpoints);
    return rc;
}
