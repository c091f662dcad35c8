/*
 * engine_lmdb_write.c - transactions that write, their savepoints, and what
 * happens when the file or its map is full.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "engine_lmdb.h"
#include "problem.h"

#define SAVEPOINTS_MAX 6
#define PAGE_USUAL 4096 /* bytes of a page, for an estimate */
#define CURE_TRIES 3
#define PROBE_BYTES (1 << 20)
#define MISSES_MAX 8

/* The engine whose map was too small, if that was this thread's last failure. */
static __thread const struct engine *map_full_in;

/* LMDB gives EIO for a short write, which is what a full disk or a limit makes of a long one. */
static int reason_of_short_write(struct engine *engine)
{
    struct rlimit limit;
    struct stat status;
    int fd;

    if (!engine->env || mdb_env_get_fd(engine->env, &fd) || fstat(fd, &status))
        return EIO;
    if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY
        && limit.rlim_cur <= (rlim_t)status.st_size + PROBE_BYTES)
        return EFBIG;
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, status.st_size, PROBE_BYTES)
        && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return errno;
    return EIO;
}

static int write_failed(struct transaction *txn, int rc, const char *doing)
{
    struct engine *engine = txn->view.engine;

    if (rc == EIO)
        rc = reason_of_short_write(engine);
    map_full_in = rc == MDB_MAP_FULL ? engine : NULL;
    if (map_full_in)
        atomic_store(&engine->map_full, true);
    txn->broken = true;
    txn->error = engine_lmdb_problem(rc, doing);
    return txn->error;
}

bool engine_map_full(struct engine *engine)
{
    return map_full_in == engine && engine_lmdb_larger(engine) > 0;
}

static int begin_writing(MDB_txn **out, struct engine *engine)
{
    unsigned generation;
    int rc, code;

    for (unsigned tries = 0;; tries++) {
        generation = atomic_load(&engine->generation);
        rc = engine->env ? mdb_txn_begin(engine->env, NULL, 0, out) : MDB_PANIC;
        if (!rc)
            return STORE_OK;
        if (!engine_lmdb_curable(rc) || tries == CURE_TRIES)
            return engine_lmdb_problem(rc, "cannot begin to write");
        code = engine_lmdb_recover(engine, rc, generation);
        if (code)
            return code;
    }
}

int engine_begin(struct transaction *out, struct engine *engine)
{
    int code = STORE_OK;
    MDB_txn *txn = NULL;

    *out = (struct transaction){ .view = { .engine = engine, .slot = SLOT_WRITER } };
    map_full_in = NULL;
    if (engine_forked(engine))
        return engine_lmdb_forked();
    if (engine->options.read_only)
        return problem(STORE_READ_ONLY, "the store is open for reading only");
    if (pthread_mutex_lock(&engine->writer))
        return problem(STORE_BAD_ARGUMENT, "this thread has a transaction open already");
    if (atomic_exchange(&engine->map_full, false))
        code = engine_lmdb_grow(engine);
    if (!code)
        code = begin_writing(&txn, engine);
    if (!code)
        code = engine_lmdb_guard(engine);
    if (code) {
        mdb_txn_abort(txn);
        pthread_mutex_unlock(&engine->writer);
        return code;
    }
    out->view.handle = txn;
    out->view.id = mdb_txn_id(txn);
    out->view.attachment = engine->attachment;
    return STORE_OK;
}

/* Hands the writer's place on; LMDB's transaction is gone. */
static void finish(struct transaction *txn)
{
    struct engine *engine = txn->view.engine;

    engine->attachment = txn->view.attachment;
    txn->view.attachment = NULL;
    txn->view.handle = NULL;
    txn->depth = 0;
    pthread_mutex_unlock(&engine->writer);
}

static MDB_txn *outermost(const struct transaction *txn)
{
    return txn->depth ? txn->stack[0] : txn->view.handle;
}

static int check_usable(const struct transaction *txn)
{
    if (!txn->view.handle)
        return problem(STORE_BAD_ARGUMENT, "the transaction has ended");
    if (txn->broken)
        return problem(txn->error, "an earlier write of this transaction failed");
    if (engine_forked(txn->view.engine))
        return engine_lmdb_forked();
    return STORE_OK;
}

void engine_abort(struct transaction *txn)
{
    if (!txn->view.handle || engine_forked(txn->view.engine))
        return;
    mdb_txn_abort(outermost(txn));
    finish(txn);
}

int engine_commit(struct transaction *txn)
{
    struct engine *engine = txn->view.engine;
    int code = check_usable(txn);
    bool unsynced;
    int rc;

    if (!code && txn->writes > 0)
        code = engine_lmdb_guard(engine);
    if (code || txn->writes == 0) {
        engine_abort(txn);
        return code;
    }
    unsynced = engine->unsynced;
    rc = mdb_txn_commit(outermost(txn));
    if (rc)
        code = write_failed(txn, rc, "cannot commit");
    finish(txn);
    return !code && unsynced ? engine_lmdb_unsynced(engine, txn->pages) : code;
}

int engine_savepoint(struct transaction *txn)
{
    MDB_txn *child;
    int rc, code;

    code = check_usable(txn);
    if (code)
        return code;
    if (txn->depth == SAVEPOINTS_MAX)
        return problem(STORE_BAD_ARGUMENT, "more than %d savepoints open", SAVEPOINTS_MAX);
    rc = mdb_txn_begin(txn->view.engine->env, txn->view.handle, 0, &child);
    if (rc)
        return write_failed(txn, rc, "cannot set a savepoint");
    txn->stack[txn->depth++] = txn->view.handle;
    txn->view.handle = child;
    return STORE_OK;
}

int engine_savepoint_keep(struct transaction *txn)
{
    int rc, code;

    code = check_usable(txn);
    if (code)
        return code;
    if (txn->depth == 0)
        return problem(STORE_BAD_ARGUMENT, "no savepoint is open");
    rc = mdb_txn_commit(txn->view.handle);
    txn->view.handle = txn->stack[--txn->depth];
    return rc ? write_failed(txn, rc, "cannot keep a savepoint") : STORE_OK;
}

void engine_savepoint_undo(struct transaction *txn)
{
    if (txn->depth == 0 || engine_forked(txn->view.engine))
        return;
    mdb_txn_abort(txn->view.handle);
    txn->view.handle = txn->stack[--txn->depth];
}

/* MDB_APPEND splits no page in halves, so keys in ascending order fill them: a third less space for
 * 1 KiB values, and less to write. Where the key is not past the end it costs a descent in vain,
 * so misses in a row make the tries rare. */
static int insert(struct transaction *txn, MDB_val *key, MDB_val *data, unsigned flags)
{
    struct appending *appending = &txn->view.engine->appending;
    int rc = MDB_KEYEXIST;

    if (appending->pause > 0) {
        appending->pause--;
    } else {
        rc = mdb_put(txn->view.handle, MAIN_DBI, key, data, flags | MDB_APPEND);
        if (rc != MDB_KEYEXIST)
            appending->misses = 0;
        else if (appending->misses < MISSES_MAX)
            appending->misses++;
        appending->pause = (1u << appending->misses) - 1;
    }
    return rc == MDB_KEYEXIST ? mdb_put(txn->view.handle, MAIN_DBI, key, data, flags) : rc;
}

static int put(struct transaction *txn, struct slice key, MDB_val *data, unsigned flags, bool append)
{
    MDB_val k = { .mv_size = key.size, .mv_data = (void *)key.data };
    int rc, code;

    code = check_usable(txn);
    if (code)
        return code;
    if (key.size == 0 || key.size > ENGINE_KEY_MAX)
        return problem(STORE_BAD_ARGUMENT, "a key of %zu bytes", key.size);
    rc = append ? insert(txn, &k, data, flags) : mdb_put(txn->view.handle, MAIN_DBI, &k, data, flags);
    if (rc)
        return write_failed(txn, rc, "cannot write");
    txn->writes++;
    txn->pages += 1 + data->mv_size / PAGE_USUAL;
    return STORE_OK;
}

int engine_put(struct transaction *txn, struct slice key, struct slice value)
{
    MDB_val data = { .mv_size = value.size, .mv_data = (void *)value.data };

    return put(txn, key, &data, 0, false);
}

int engine_reserve(struct transaction *txn, struct slice key, size_t size, bool append, void **space)
{
    MDB_val data = { .mv_size = size };
    int code = put(txn, key, &data, MDB_RESERVE, append);

    *space = code ? NULL : data.mv_data;
    return code;
}

int engine_del(struct transaction *txn, struct slice key)
{
    MDB_val k = { .mv_size = key.size, .mv_data = (void *)key.data };
    int rc, code;

    code = check_usable(txn);
    if (code)
        return code;
    if (key.size == 0)
        return ENGINE_ABSENT;
    rc = mdb_del(txn->view.handle, MAIN_DBI, &k, NULL);
    if (rc == MDB_NOTFOUND)
        return ENGINE_ABSENT;
    if (rc)
        return write_failed(txn, rc, "cannot delete");
    txn->writes++;
    txn->pages++;
    return STORE_OK;
}

int engine_cursor_del(struct transaction *txn, struct engine_cursor *cursor)
{
    int rc, code;

    code = check_usable(txn);
    if (code)
        return code;
    rc = mdb_cursor_del(cursor->handle, 0);
    if (rc == EINVAL || rc == MDB_NOTFOUND)
        return problem(STORE_BAD_ARGUMENT, "the cursor stands nowhere");
    if (rc)
        return write_failed(txn, rc, "cannot delete");
    txn->writes++;
    txn->pages++;
    return STORE_OK;
}
