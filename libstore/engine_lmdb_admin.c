/*
 * engine_lmdb_admin.c - looking after a file while it is in use: space,
 * readers, copies.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_lmdb.h"
#include "problem.h"

#define COPY_TRIES 3

int engine_clear_readers(struct engine *engine, int *cleared)
{
    struct snapshot *snapshot;
    int rc, code;

    *cleared = 0;
    if (!engine_lmdb_may_clear(engine))
        return STORE_OK;
    code = engine_snapshot(&snapshot, engine);
    if (code)
        return code;
    rc = mdb_reader_check(engine->env, cleared);
    engine_snapshot_end(snapshot);
    return rc ? engine_lmdb_problem(rc, "cannot clear readers") : STORE_OK;
}

static int copy_once(struct engine *engine, int fd, bool compact)
{
    struct snapshot *snapshot;
    int rc, code;

    code = engine_snapshot(&snapshot, engine);
    if (code)
        return code;
    rc = mdb_env_copyfd2(engine->env, fd, compact ? MDB_CP_COMPACT : 0);
    engine_snapshot_end(snapshot);
    if (rc == MDB_MAP_RESIZED)
        return ENGINE_CONFLICT;
    return rc ? engine_lmdb_problem(rc, "cannot copy") : STORE_OK;
}

int engine_copy(struct engine *engine, const char *path, bool compact)
{
    int fd, code = ENGINE_CONFLICT;

    if (engine_forked(engine))
        return engine_lmdb_forked();
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, engine->options.file_mode);
    if (fd < 0)
        return engine_lmdb_problem(errno, "cannot make the copy");
    for (unsigned tries = 0; code == ENGINE_CONFLICT && tries < COPY_TRIES; tries++)
        code = copy_once(engine, fd, compact);
    if (code == ENGINE_CONFLICT)
        code = engine_lmdb_problem(MDB_MAP_RESIZED, "cannot copy");
    if (!code && fsync(fd))
        code = engine_lmdb_problem(errno, "cannot sync the copy");
    if (close(fd) && !code)
        code = engine_lmdb_problem(errno, "cannot finish the copy");
    if (code)
        unlink(path);
    return code;
}

/* A line of mdb_reader_list: process, thread, and "-" or the transaction it reads. */
static bool parse_reader(const char *line, store_reader_info *out)
{
    long pid;
    size_t thread, transaction = 0;

    if (sscanf(line, "%ld %zx %zu", &pid, &thread, &transaction) < 2)
        return false;
    *out = (store_reader_info){ .pid = pid, .transaction = transaction };
    return true;
}

static int count_reader(const char *line, void *payload)
{
    store_reader_info reader;
    unsigned *count = payload;

    if (parse_reader(line, &reader))
        (*count)++;
    return 0;
}

static int free_pages(struct snapshot *snapshot, uint64_t *pages)
{
    struct free_list list;
    int rc;

    *pages = 0;
    rc = free_list_open(&list, snapshot);
    while (!rc && (rc = free_list_next(&list)) == 0)
        *pages += list.count;
    free_list_close(&list);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int measure(struct snapshot *snapshot, const MDB_envinfo *info, struct store_space *out)
{
    MDB_env *env = snapshot->engine->env;
    MDB_stat tree;
    struct stat file;
    uint64_t pages;
    int fd, rc;

    rc = mdb_stat(snapshot->handle, MAIN_DBI, &tree);
    if (!rc)
        rc = free_pages(snapshot, &pages);
    if (!rc)
        rc = mdb_env_get_fd(env, &fd);
    if (rc)
        return rc;
    if (fstat(fd, &file))
        return errno;
    *out = (struct store_space){
        .file_bytes = (uint64_t)file.st_size,
        .used_bytes = (info->me_last_pgno + 1 - pages) * tree.ms_psize,
        .reclaimable_bytes = pages * tree.ms_psize,
        .entries = tree.ms_entries,
        .depth = tree.ms_depth,
        .branch_pages = tree.ms_branch_pages,
        .leaf_pages = tree.ms_leaf_pages,
        .overflow_pages = tree.ms_overflow_pages,
        .page_size = tree.ms_psize,
        .last_transaction = info->me_last_txnid,
        .map_bytes = info->me_mapsize,
        .readers_max = info->me_maxreaders,
    };
    mdb_reader_list(env, count_reader, &out->readers);
    return 0;
}

int engine_space(struct engine *engine, struct store_space *out)
{
    struct snapshot *snapshot;
    MDB_envinfo info;
    int rc, code;

    *out = (struct store_space){ 0 };
    code = engine_lmdb_newest(&snapshot, &info, engine);
    if (code)
        return code;
    rc = measure(snapshot, &info, out);
    engine_snapshot_end(snapshot);
    return rc ? engine_lmdb_problem(rc, "cannot measure the file") : STORE_OK;
}

struct reader_list {
    store_reader_info *items;
    size_t count, capacity;
};

static int add_reader(const char *line, void *payload)
{
    struct reader_list *list = payload;
    store_reader_info reader, *items;
    size_t capacity;

    if (!parse_reader(line, &reader))
        return 0;
    if (list->count == list->capacity) {
        capacity = list->capacity ? list->capacity * 2 : 64;
        items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return -1;
        list->items = items;
        list->capacity = capacity;
    }
    reader.alive = kill((pid_t)reader.pid, 0) == 0 || errno == EPERM;
    list->items[list->count++] = reader;
    return 0;
}

static int by_transaction(const void *left, const void *right)
{
    const store_reader_info *a = left, *b = right;

    return (a->transaction > b->transaction) - (a->transaction < b->transaction);
}

/* The readers are ordered by transaction; those before `first` read nothing. */
static int count_pinned(struct reader_list *readers, size_t first, struct snapshot *snapshot,
                        uint64_t page_size)
{
    struct free_list list;
    size_t behind = first;
    int rc;

    rc = free_list_open(&list, snapshot);
    /* What a transaction freed is kept for the readers up to it: give it to the newest of
     * them, and then to each what the next one has. */
    while (!rc && (rc = free_list_next(&list)) == 0) {
        while (behind < readers->count && readers->items[behind].transaction <= list.transaction)
            behind++;
        if (behind > first)
            readers->items[behind - 1].pinned_bytes += list.count * page_size;
    }
    free_list_close(&list);
    for (size_t i = readers->count; i > first + 1; i--)
        readers->items[i - 2].pinned_bytes += readers->items[i - 1].pinned_bytes;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int describe_readers(struct reader_list *readers, struct snapshot *snapshot)
{
    MDB_stat tree;
    size_t first = 0;
    int rc;

    if (readers->count)
        qsort(readers->items, readers->count, sizeof *readers->items, by_transaction);
    while (first < readers->count && readers->items[first].transaction == 0)
        first++;
    for (size_t i = first; i < readers->count; i++) {
        store_reader_info *reader = &readers->items[i];
        reader->lag = snapshot->id > reader->transaction ? snapshot->id - reader->transaction : 0;
    }
    rc = mdb_stat(snapshot->handle, MAIN_DBI, &tree);
    return rc ? rc : count_pinned(readers, first, snapshot, tree.ms_psize);
}

static int append_readers(store_reader_info **list, size_t *count, const struct reader_list *more)
{
    store_reader_info *joined;

    if (more->count == 0)
        return 0;
    joined = realloc(*list, (*count + more->count) * sizeof *joined);
    if (!joined)
        return ENOMEM;
    for (size_t i = 0; i < more->count; i++)
        joined[*count + i] = more->items[i];
    *list = joined;
    *count += more->count;
    return 0;
}

int engine_readers(struct engine *engine, bool bodies, store_reader_info **list, size_t *count)
{
    struct reader_list readers = { 0 };
    struct snapshot *snapshot;
    int rc, code;

    code = engine_snapshot(&snapshot, engine);
    if (code)
        return code;
    /* Our own snapshot would be listed: let go of it in between. */
    mdb_txn_reset(snapshot->handle);
    rc = mdb_reader_list(engine->env, add_reader, &readers) < 0 ? ENOMEM : 0;
    engine_snapshot_end(snapshot);
    if (rc)
        goto out;
    code = engine_snapshot(&snapshot, engine);
    if (code)
        goto out;
    for (size_t i = 0; i < readers.count; i++)
        readers.items[i].bodies = bodies;
    rc = describe_readers(&readers, snapshot);
    engine_snapshot_end(snapshot);
    if (!rc)
        rc = append_readers(list, count, &readers);
out:
    free(readers.items);
    return rc ? engine_lmdb_problem(rc, "cannot list the readers") : code;
}
