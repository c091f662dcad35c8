/*
 * engine_lmdb.h - what the engine_lmdb*.c files share. No other file may
 * include it or lmdb.h.
 */
#ifndef STORE_ENGINE_LMDB_H
#define STORE_ENGINE_LMDB_H

#include <limits.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine.h"

/* LMDB's fixed numbers of its list of free pages and of the unnamed database, the only
 * one an engine has. */
#define FREE_DBI 0
#define MAIN_DBI 1

struct checkpoints;

#define SLOT_COUNT 128
/* What snapshot.slot says of those that lie in no slot. */
#define SLOT_ONCE UINT_MAX
#define SLOT_WRITER (UINT_MAX - 1)

/* A snapshot that is kept between uses, its LMDB transaction reset but not ended. */
struct slot {
    _Alignas(64) atomic_bool busy;
    struct snapshot snapshot;
};

struct engine {
    struct slot slots[SLOT_COUNT];
    MDB_env *env;            /* NULL after a reopening failed */
    _Atomic unsigned *mark;  /* in a page that reads 0 in a child after fork() */
    char *path;
    struct engine_options options;
    _Atomic size_t map_size;
    atomic_bool map_full;    /* the next engine_begin grows the map */
    pthread_mutex_t writer;  /* held by the thread that writes, around LMDB's own lock */
    void *attachment;        /* of the one writer */
    struct appending {       /* whether new keys lie past the end, of late; under the writer's lock */
        unsigned misses;     /* in a row */
        unsigned pause;      /* insertions before the next try */
    } appending;

    /* The gate: closed while the map moves, by a thread that holds `writer`. */
    atomic_bool closed;
    pthread_mutex_t gate;    /* held while closed */
    atomic_uint outside;     /* snapshots that lie in no slot */
    atomic_uint generation;  /* how often the map moved */
    struct checkpoints *checkpoints; /* NULL: no process commits relaxed */
    bool unsynced;           /* commits do not wait for the disk; under the writer's lock */
    struct room {            /* what engine_scarce last saw; under the writer's lock */
        uint64_t pages;      /* the file can still grow by, less what was asked for since */
        uint64_t size_limit; /* RLIMIT_FSIZE then */
        int64_t seen;        /* CLOCK_MONOTONIC_COARSE, ns */
    } room;
};

static inline bool engine_forked(const struct engine *engine)
{
    return atomic_load_explicit(engine->mark, memory_order_relaxed) == 0;
}

/* Records an LMDB or system error as a problem and returns its code. `doing` begins the
 * detail: "cannot read". */
int engine_lmdb_problem(int rc, const char *doing);
/* Records that `engine` came here by fork(). */
int engine_lmdb_forked(void);

/* Opens engine->env as large as the address space allows, from `map_size` down. An LMDB code. */
int engine_lmdb_open_env(struct engine *engine, size_t map_size);
/* Whether `rc` is cured by engine_lmdb_recover: another process made the file outgrow the
 * map, or the environment is beyond use until it is opened again. */
bool engine_lmdb_curable(int rc);
/* Cures it, unless the map has moved since `generation`. The caller holds `writer` and no
 * snapshot. A store code: busy when snapshots of this process stay in the way. */
int engine_lmdb_recover(struct engine *engine, int rc, unsigned generation);
/* Enlarges the map after MDB_MAP_FULL; under the same conditions. */
int engine_lmdb_grow(struct engine *engine);
/* The size engine_lmdb_grow would choose, 0 when there is none. */
size_t engine_lmdb_larger(const struct engine *engine);

/* With LMDB's lock of writers held, before anything is written and again before the commit: sees to it
 * that a power failure has a checkpoint to go back to, and decides whether the commit syncs. */
int engine_lmdb_guard(struct engine *engine);
/* After a commit of about so many pages that did not sync, the lock given back: waits for a checkpoint if it
 * must be durable, or if too much is not. */
int engine_lmdb_unsynced(struct engine *engine, uint64_t pages);
/* Whether readers of dead processes may be cleared: not where one may be all that keeps a checkpoint. */
bool engine_lmdb_may_clear(const struct engine *engine);
/* Before the environment is closed, by the holder of `writer`. */
void engine_lmdb_drop_pin(struct engine *engine);
/* At the end, before the environment is closed: leaves nothing to go back to if nobody else has it open. */
void engine_lmdb_close_checkpoints(struct engine *engine);

/* Ends every pooled snapshot; `forget` their attachments too. Nobody may be using one. */
void engine_lmdb_empty_pool(struct engine *engine, bool forget);

/* LMDB's list of free pages, one entry for each transaction that freed some, oldest first. */
struct free_list {
    MDB_cursor *cursor;
    uint64_t transaction;
    const unsigned char *pages; /* `count` page numbers, see free_list_page */
    size_t count;
};

/* These answer LMDB codes; free_list_next MDB_NOTFOUND after the last. Close whatever open said. */
int free_list_open(struct free_list *out, struct snapshot *snapshot);
int free_list_next(struct free_list *list);
void free_list_close(struct free_list *list);
size_t free_list_page(const struct free_list *list, size_t index);

/* A snapshot of the newest commit, with the environment's description of just that. */
int engine_lmdb_newest(struct snapshot **out, MDB_envinfo *info, struct engine *engine);

#endif
