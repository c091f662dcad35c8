/*
 * engine_lmdb_map.c - the memory map: how large it is, and the gate that keeps
 * this process's snapshots out while it moves.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "engine_lmdb.h"
#include "problem.h"

#define MAP_STEP ((size_t)1 << 20) /* sizes are multiples; also the smallest growth */
#define READERS_MAX 4094
#define GATE_PATIENCE_NS 2000000000
#define GATE_POLL_NS 50000

static bool fits(size_t size)
{
    void *place = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (place == MAP_FAILED)
        return false;
    munmap(place, size);
    return true;
}

/* The first of size, size/2, ... that leaves some address space to others, but at least `least`. */
static size_t fitting(size_t size, size_t least)
{
    least = (least + MAP_STEP - 1) / MAP_STEP * MAP_STEP;
    while (size > least && !fits(size + size / 2))
        size = size / 2 / MAP_STEP * MAP_STEP;
    return size > least ? size : least;
}

static size_t file_size(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && status.st_size > 0 ? (size_t)status.st_size : 0;
}

/* Names the unnamed database, which also makes LMDB choose its order of keys. */
static int open_database(MDB_env *env)
{
    MDB_txn *txn;
    MDB_dbi dbi;
    unsigned flags = 0;
    int rc;

    rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &dbi);
    if (!rc)
        rc = mdb_dbi_flags(txn, dbi, &flags);
    /* Files of other programs can have one with duplicates, where cursors work otherwise. */
    if (!rc && (dbi != MAIN_DBI || flags))
        rc = MDB_INVALID;
    mdb_txn_abort(txn);
    return rc;
}

static int open_once(MDB_env **out, const struct engine *engine, size_t map_size)
{
    const struct engine_options *options = &engine->options;
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;
    MDB_env *env;
    int rc;

    if (options->read_only)
        flags |= MDB_RDONLY;
    rc = mdb_env_create(&env);
    if (rc)
        return rc;
    rc = mdb_env_set_maxreaders(env, READERS_MAX);
    if (!rc)
        rc = mdb_env_set_mapsize(env, map_size);
    if (!rc)
        rc = mdb_env_open(env, engine->path, flags, options->file_mode);
    if (!rc)
        rc = open_database(env);
    if (rc)
        mdb_env_close(env);
    else
        *out = env;
    return rc;
}

int engine_lmdb_open_env(struct engine *engine, size_t map_size)
{
    size_t least, size = map_size;
    MDB_envinfo info;
    int rc;

    for (;;) {
        least = file_size(engine->path);
        size = fitting(size, least);
        rc = open_once(&engine->env, engine, size);
        /* Another process may have made the file larger in between, or taken our space. */
        if (rc == MDB_MAP_RESIZED)
            size = map_size;
        else if (rc == ENOMEM && size / 2 >= least && size > MAP_STEP)
            size /= 2;
        else
            break;
    }
    if (!rc)
        rc = mdb_env_info(engine->env, &info);
    if (!rc)
        engine->map_size = info.me_mapsize;
    return rc;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool somebody_inside(const struct engine *engine)
{
    if (atomic_load(&engine->outside))
        return true;
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        if (atomic_load(&engine->slots[i].busy))
            return true;
    }
    return false;
}

static void open_gate(struct engine *engine)
{
    atomic_store(&engine->closed, false);
    pthread_mutex_unlock(&engine->gate);
}

/* Snapshots are short, but somebody may hold one and wait for us: hence the end of patience. */
static int close_gate(struct engine *engine)
{
    const struct timespec poll = { 0, GATE_POLL_NS };
    uint64_t end = now_ns() + GATE_PATIENCE_NS;

    pthread_mutex_lock(&engine->gate);
    atomic_store(&engine->closed, true);
    while (somebody_inside(engine)) {
        if (now_ns() >= end) {
            open_gate(engine);
            return problem(STORE_BUSY, "the store's map must move, and open reads keep it in place");
        }
        nanosleep(&poll, NULL);
    }
    return STORE_OK;
}

static int reopen(struct engine *engine)
{
    engine_lmdb_empty_pool(engine, false);
    engine_lmdb_drop_pin(engine);
    if (engine->env)
        mdb_env_close(engine->env);
    engine->env = NULL;
    return engine_lmdb_open_env(engine, engine->map_size);
}

/* To `size`, or what the address space and the file make of it. Gate closed. */
static int move_map(struct engine *engine, size_t size)
{
    MDB_envinfo info;
    MDB_stat stat;
    size_t least;
    int rc;

    if (!engine->env)
        return reopen(engine);
    rc = mdb_env_info(engine->env, &info);
    if (!rc)
        rc = mdb_env_stat(engine->env, &stat);
    if (rc)
        return rc;
    least = (info.me_last_pgno + 1) * stat.ms_psize;
    if (size / 2 < least)
        size = least * 2 / MAP_STEP * MAP_STEP + MAP_STEP;
    size = fitting(size, least);
    rc = mdb_env_set_mapsize(engine->env, size);
    engine->map_size = size;
    /* LMDB has unmapped before it failed to map, and would not notice. */
    return rc ? reopen(engine) : 0;
}

bool engine_lmdb_curable(int rc)
{
    return rc == MDB_MAP_RESIZED || rc == MDB_PANIC;
}

int engine_lmdb_recover(struct engine *engine, int rc, unsigned generation)
{
    int code;

    if (atomic_load(&engine->generation) != generation)
        return STORE_OK;
    code = close_gate(engine);
    if (code)
        return code;
    rc = rc == MDB_MAP_RESIZED ? move_map(engine, engine->map_size) : reopen(engine);
    atomic_fetch_add(&engine->generation, 1);
    open_gate(engine);
    return rc ? engine_lmdb_problem(rc, "cannot map the store's file again") : STORE_OK;
}

size_t engine_lmdb_larger(const struct engine *engine)
{
    size_t size = atomic_load(&engine->map_size);
    size_t more = size < MAP_STEP ? MAP_STEP : size / MAP_STEP * MAP_STEP;

    for (; more; more = more / 2 / MAP_STEP * MAP_STEP) {
        if (more <= SIZE_MAX - size && fits(size + more))
            return size + more;
    }
    return 0;
}

int engine_lmdb_grow(struct engine *engine)
{
    size_t size = engine_lmdb_larger(engine);
    int code, rc;

    if (!size)
        return engine_lmdb_problem(MDB_MAP_FULL, "cannot grow");
    code = close_gate(engine);
    if (code)
        return code;
    rc = move_map(engine, size);
    atomic_fetch_add(&engine->generation, 1);
    open_gate(engine);
    return rc ? engine_lmdb_problem(rc, "cannot map the store's file again") : STORE_OK;
}
