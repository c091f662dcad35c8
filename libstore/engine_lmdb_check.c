/*
 * engine_lmdb_check.c - the list of free pages, and the check of a file: its
 * keys in order, its pages each in one place.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine_lmdb.h"
#include "engine_lmdb_checkpoint.h"
#include "problem.h"

#define META_PAGES 2
#define NEWEST_TRIES 1000
#define FAULT_TEXT_MAX 200

int free_list_open(struct free_list *out, struct snapshot *snapshot)
{
    *out = (struct free_list){ 0 };
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): engine_snapshot() gave it */
    return mdb_cursor_open(snapshot->handle, FREE_DBI, &out->cursor);
}

int free_list_next(struct free_list *list)
{
    MDB_val key, data;
    size_t transaction;
    int rc;

    rc = mdb_cursor_get(list->cursor, &key, &data, MDB_NEXT);
    if (rc)
        return rc;
    if (key.mv_size != sizeof(size_t) || data.mv_size < sizeof(size_t))
        return MDB_CORRUPTED;
    memcpy(&transaction, key.mv_data, sizeof transaction);
    memcpy(&list->count, data.mv_data, sizeof list->count);
    if (list->count > data.mv_size / sizeof(size_t) - 1)
        return MDB_CORRUPTED;
    list->transaction = transaction;
    list->pages = (const unsigned char *)data.mv_data + sizeof(size_t);
    return 0;
}

void free_list_close(struct free_list *list)
{
    mdb_cursor_close(list->cursor);
}

size_t free_list_page(const struct free_list *list, size_t index)
{
    size_t page;

    memcpy(&page, list->pages + index * sizeof page, sizeof page);
    return page;
}

/* A process that was killed in the midst of a commit leaves a meta page that only the environment's description goes by;
 * the newest commit's own one says what is right. */
static bool describe_by_meta(MDB_envinfo *info, const struct engine *engine, uint64_t commit)
{
    struct meta_page meta;
    MDB_stat stat;

    if (!engine->checkpoints || mdb_env_stat(engine->env, &stat) != 0 ||
        checkpoints_read_meta(&meta, engine->checkpoints, commit, stat.ms_psize) != STORE_OK ||
        meta.magic != META_MAGIC || meta.commit != commit)
        return false;
    info->me_last_pgno = meta.last_page;
    info->me_last_txnid = commit;
    return true;
}

int engine_lmdb_newest(struct snapshot **out, MDB_envinfo *info, struct engine *engine)
{
    /* A commit shows in the environment's description before it shows in new snapshots: while it
     * is being synced there is no snapshot to match. */
    static const struct timespec pause = { .tv_nsec = 100000 };
    uint64_t seen = 0;
    int rc, code;

    for (unsigned tries = 0; tries < NEWEST_TRIES; tries++) {
        code = engine_snapshot(out, engine);
        if (code)
            return code;
        rc = mdb_env_info(engine->env, info);
        if (!rc && info->me_last_txnid == (*out)->id)
            return STORE_OK;
        if (tries == 0)
            seen = (*out)->id;
        if (!rc && tries == NEWEST_TRIES - 1 && seen == (*out)->id && describe_by_meta(info, engine, seen))
            return STORE_OK;
        engine_snapshot_end(*out);
        *out = NULL;
        if (rc)
            return engine_lmdb_problem(rc, "cannot describe the file");
        nanosleep(&pause, NULL);
    }
    return problem(STORE_BUSY, "commits come too fast to describe one");
}

struct check {
    struct snapshot *snapshot;
    int (*each)(const char *fault, void *payload);
    void *payload;
    bool ended; /* by `each` */
    size_t page_count;
    unsigned char *seen; /* a bit for each page that is free */
    uint64_t free_count;
};

__attribute__((format(printf, 2, 3))) static void fault(struct check *check, const char *format, ...)
{
    char text[FAULT_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check->ended = check->each(text, check->payload) != 0;
}

static void check_free_page(struct check *check, size_t page, uint64_t transaction)
{
    unsigned char bit = (unsigned char)(1u << page % 8);

    if (page < META_PAGES || page >= check->page_count) {
        fault(check, "page %zu is listed as free, and there is no such page (transaction %llu)", page,
              (unsigned long long)transaction);
        return;
    }
    if (check->seen[page / 8] & bit)
        fault(check, "page %zu is listed as free twice (transaction %llu)", page,
              (unsigned long long)transaction);
    check->seen[page / 8] |= bit;
}

static int check_free_list(struct check *check)
{
    struct free_list list;
    int rc;

    rc = free_list_open(&list, check->snapshot);
    while (!rc && !check->ended && (rc = free_list_next(&list)) == 0) {
        check->free_count += list.count;
        for (size_t i = 0; i < list.count && !check->ended; i++)
            check_free_page(check, free_list_page(&list, i), list.transaction);
    }
    free_list_close(&list);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static uint64_t pages_of(const MDB_stat *tree)
{
    return (uint64_t)tree->ms_branch_pages + tree->ms_leaf_pages + tree->ms_overflow_pages;
}

static int check_page_count(struct check *check)
{
    MDB_stat tree, list;
    uint64_t found;
    int rc;

    rc = mdb_stat(check->snapshot->handle, MAIN_DBI, &tree);
    if (!rc)
        rc = mdb_stat(check->snapshot->handle, FREE_DBI, &list);
    if (rc || check->ended)
        return rc;
    found = META_PAGES + pages_of(&tree) + pages_of(&list) + check->free_count;
    if (found < check->page_count)
        fault(check, "%llu pages are lost: neither used nor free",
              (unsigned long long)(check->page_count - found));
    else if (found > check->page_count)
        fault(check, "%llu pages more are used or free than the file has",
              (unsigned long long)(found - check->page_count));
    return 0;
}

static bool ascends(const unsigned char *last, size_t last_size, const MDB_val *key)
{
    size_t common = last_size < key->mv_size ? last_size : key->mv_size;
    int order = memcmp(last, key->mv_data, common);

    return order < 0 || (order == 0 && last_size < key->mv_size);
}

static int walk_keys(struct check *check, MDB_cursor *cursor, uint64_t *count)
{
    unsigned char last[ENGINE_KEY_MAX];
    size_t last_size = 0;
    MDB_val key, data;
    int rc;

    for (*count = 0; !check->ended; (*count)++) {
        rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
        if (rc)
            return rc == MDB_NOTFOUND ? 0 : rc;
        if (key.mv_size > sizeof last) {
            fault(check, "key %llu is longer than keys can be", (unsigned long long)*count);
            continue;
        }
        if (!ascends(last, last_size, &key))
            fault(check, "key %llu is not behind the one before it", (unsigned long long)*count);
        memcpy(last, key.mv_data, key.mv_size);
        last_size = key.mv_size;
    }
    return 0;
}

static int check_keys(struct check *check)
{
    MDB_cursor *cursor;
    MDB_stat tree;
    uint64_t count;
    int rc;

    rc = mdb_stat(check->snapshot->handle, MAIN_DBI, &tree);
    if (!rc)
        rc = mdb_cursor_open(check->snapshot->handle, MAIN_DBI, &cursor);
    if (rc)
        return rc;
    rc = walk_keys(check, cursor, &count);
    mdb_cursor_close(cursor);
    if (!rc && !check->ended && count != tree.ms_entries)
        fault(check, "%llu keys are there, %llu should be", (unsigned long long)count,
              (unsigned long long)tree.ms_entries);
    return rc;
}

/* What LMDB finds damaged itself is a fault as well. */
static int run(struct check *check, int (*part)(struct check *), const char *what)
{
    int rc = check->ended ? 0 : part(check);

    if (rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND) {
        fault(check, "%s: %s", what, mdb_strerror(rc));
        rc = 0;
    }
    return rc;
}

int engine_check(struct engine *engine, int (*each)(const char *fault, void *payload), void *payload)
{
    struct check check = { .each = each, .payload = payload };
    MDB_envinfo info;
    int rc = ENOMEM, code;

    code = engine_lmdb_newest(&check.snapshot, &info, engine);
    if (code)
        return code;
    check.page_count = info.me_last_pgno + 1;
    check.seen = calloc(1, check.page_count / 8 + 1);
    if (check.seen) {
        rc = run(&check, check_free_list, "the list of free pages");
        if (!rc)
            rc = run(&check, check_page_count, "the trees");
        if (!rc)
            rc = run(&check, check_keys, "the keys");
    }
    free(check.seen);
    engine_snapshot_end(check.snapshot);
    return rc ? engine_lmdb_problem(rc, "cannot check the file") : STORE_OK;
}
