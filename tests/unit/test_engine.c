/* test_engine.c - snapshots, transactions, savepoints and cursors through engine.h. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"

#define READER_COUNT 200

static char directory[] = "/tmp/engine.XXXXXX";
static char file[64], lock_file[64];
static struct engine *engine;
static int freed_attachments;

static void count_attachment(void *attachment)
{
    (void)attachment;
    freed_attachments++;
}

static void open_engine(void)
{
    const struct engine_options options = { .create = true, .attachment_free = count_attachment };

    cr_assert_not_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/data", directory);
    snprintf(lock_file, sizeof lock_file, "%s/data-lock", directory);
    cr_assert_eq(engine_open(&engine, file, &options), STORE_OK);
}

static void close_engine(void)
{
    engine_close(engine);
    unlink(file);
    unlink(lock_file);
    rmdir(directory);
}

TestSuite(engine, .init = open_engine, .fini = close_engine, .timeout = 60);

static struct transaction begin(void)
{
    struct transaction txn;

    cr_assert_eq(engine_begin(&txn, engine), STORE_OK);
    return txn;
}

static void put(struct transaction *txn, const char *key, const char *value)
{
    cr_assert_eq(engine_put(txn, slice_text(key), slice_text(value)), STORE_OK);
}

static bool has(struct snapshot *snapshot, const char *key, const char *expected)
{
    struct slice value;
    int code = engine_get(snapshot, slice_text(key), &value);

    return expected ? code == STORE_OK && slice_equal(value, slice_text(expected)) : code == ENGINE_ABSENT;
}

static bool stored(const char *key, const char *expected)
{
    struct snapshot *snapshot;
    bool same;

    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    same = has(snapshot, key, expected);
    engine_snapshot_end(snapshot);
    return same;
}

static void store_one(const char *key, const char *value)
{
    struct transaction txn = begin();

    put(&txn, key, value);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
}

Test(engine, a_snapshot_keeps_what_it_saw)
{
    struct snapshot *before, *after;

    store_one("a", "1");
    cr_assert_eq(engine_snapshot(&before, engine), STORE_OK);
    store_one("a", "2");
    cr_assert_eq(engine_snapshot(&after, engine), STORE_OK);
    cr_assert(has(before, "a", "1"));
    cr_assert(has(after, "a", "2"));
    cr_assert_lt(before->id, after->id);
    engine_snapshot_end(before);
    engine_snapshot_end(after);
}

Test(engine, a_transaction_sees_its_own_writes_and_nobody_else_does)
{
    struct transaction txn = begin();

    put(&txn, "a", "1");
    cr_assert(has(&txn.view, "a", "1"));
    cr_assert(stored("a", NULL));
    engine_abort(&txn);
    cr_assert(stored("a", NULL));
    engine_abort(&txn);
    cr_assert_eq(engine_put(&txn, slice_text("a"), slice_text("1")), STORE_BAD_ARGUMENT);
    cr_assert_eq(engine_commit(&txn), STORE_BAD_ARGUMENT);
}

Test(engine, a_commit_has_the_id_its_transaction_announced)
{
    struct transaction txn = begin();
    struct snapshot *snapshot;
    uint64_t id = txn.view.id;

    put(&txn, "a", "1");
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    cr_assert_eq(snapshot->id, id);
    engine_snapshot_end(snapshot);
}

Test(engine, a_commit_without_writes_makes_no_version)
{
    struct transaction txn = begin();
    uint64_t id = txn.view.id;

    cr_assert_eq(engine_del(&txn, slice_text("a")), ENGINE_ABSENT);
    cr_assert_eq(txn.writes, 0);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    txn = begin();
    cr_assert_eq(txn.view.id, id);
    engine_abort(&txn);
}

Test(engine, a_thread_that_begins_twice_is_told_so)
{
    struct transaction txn = begin(), second;

    cr_assert_eq(engine_begin(&second, engine), STORE_BAD_ARGUMENT);
    put(&txn, "a", "1");
    cr_assert_eq(engine_commit(&txn), STORE_OK);
}

Test(engine, undoing_a_savepoint_takes_back_what_came_after_it)
{
    struct transaction txn = begin();

    put(&txn, "a", "1");
    cr_assert_eq(engine_savepoint(&txn), STORE_OK);
    put(&txn, "a", "2");
    cr_assert_eq(engine_savepoint(&txn), STORE_OK);
    put(&txn, "b", "3");
    cr_assert_eq(engine_savepoint_keep(&txn), STORE_OK);
    cr_assert(has(&txn.view, "a", "2") && has(&txn.view, "b", "3"));
    engine_savepoint_undo(&txn);
    cr_assert(has(&txn.view, "a", "1") && has(&txn.view, "b", NULL));
    cr_assert_eq(engine_savepoint(&txn), STORE_OK);
    put(&txn, "c", "4");
    cr_assert_eq(engine_savepoint_keep(&txn), STORE_OK);
    cr_assert_eq(txn.depth, 0);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert(stored("a", "1") && stored("b", NULL) && stored("c", "4"));
}

Test(engine, savepoints_nest_six_deep)
{
    struct transaction txn = begin();
    char key[2] = "0";

    for (int i = 0; i < 6; i++) {
        cr_assert_eq(engine_savepoint(&txn), STORE_OK);
        key[0] = (char)('0' + i);
        put(&txn, key, "x");
    }
    cr_assert_eq(engine_savepoint(&txn), STORE_BAD_ARGUMENT);
    cr_assert_not(txn.broken);
    engine_savepoint_undo(&txn);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert(stored("4", "x") && stored("5", NULL));
    txn = begin();
    cr_assert_eq(engine_savepoint_keep(&txn), STORE_BAD_ARGUMENT);
    cr_assert_eq(engine_savepoint(&txn), STORE_OK);
    put(&txn, "6", "x");
    engine_abort(&txn);
    cr_assert(stored("6", NULL));
}

Test(engine, reserved_space_is_filled_in_by_the_caller)
{
    struct transaction txn = begin();
    void *space;

    cr_assert_eq(engine_reserve(&txn, slice_text("b"), 3, true, &space), STORE_OK);
    memcpy(space, "two", 3);
    cr_assert_eq(engine_reserve(&txn, slice_text("a"), 3, true, &space), STORE_OK, "not past the end");
    memcpy(space, "one", 3);
    cr_assert_eq(engine_reserve(&txn, slice_text("b"), 5, true, &space), STORE_OK, "overwriting");
    memcpy(space, "three", 5);
    cr_assert_eq(engine_reserve(&txn, slice_text("c"), 200000, false, &space), STORE_OK);
    memset(space, 'c', 200000);
    cr_assert_eq(txn.writes, 4);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert(stored("a", "one") && stored("b", "three"));
}

/* The leaf pages of 3,000 rows of 1,000 bytes, put in ascending order but for every `stray`th. */
static uint64_t leaf_pages_of_rows(unsigned stray)
{
    struct transaction txn = begin();
    struct store_space space;
    char key[16];
    void *row;

    for (unsigned i = 0; i < 3000; i++) {
        bool strays = stray && i % stray == 0;
        snprintf(key, sizeof key, "%c%06u", strays ? 'a' : 'b', strays ? 3000 - i : i);
        cr_assert_eq(engine_reserve(&txn, slice_text(key), 1000, true, &row), STORE_OK);
        memset(row, 'x', 1000);
    }
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert_eq(engine_space(engine, &space), STORE_OK);
    cr_assert_eq(space.entries, 3000);
    return space.leaf_pages;
}

Test(engine, rows_in_ascending_order_fill_their_pages)
{
    cr_assert_eq(leaf_pages_of_rows(0), 750, "four to a page");
}

Test(engine, rows_in_ascending_order_fill_their_pages_again_after_others_came)
{
    cr_assert_leq(leaf_pages_of_rows(50), 900);
}

Test(engine, keys_have_one_to_511_bytes)
{
    struct transaction txn = begin();
    char key[ENGINE_KEY_MAX + 1];
    struct slice value = slice_text("x");

    memset(key, 'k', sizeof key);
    cr_assert_eq(engine_put(&txn, slice_of(key, sizeof key), value), STORE_BAD_ARGUMENT);
    cr_assert_eq(engine_put(&txn, slice_of(key, 0), value), STORE_BAD_ARGUMENT);
    cr_assert_not(txn.broken);
    cr_assert_eq(engine_put(&txn, slice_of(key, ENGINE_KEY_MAX), value), STORE_OK);
    cr_assert_eq(engine_get(&txn.view, slice_of(key, ENGINE_KEY_MAX), &value), STORE_OK);
    cr_assert_eq(engine_get(&txn.view, slice_of(key, sizeof key), &value), ENGINE_ABSENT);
    cr_assert_eq(engine_get(&txn.view, slice_of(key, 0), &value), ENGINE_ABSENT);
    cr_assert_eq(engine_del(&txn, slice_of(key, ENGINE_KEY_MAX)), STORE_OK);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
}

/* In a store of b, d, f. NULL: none. */
static const struct {
    const char *key, *seek, *before;
} seeks[] = {
    { "", "b", "f" },  { "a", "b", NULL }, { "b", "b", NULL }, { "c", "d", "b" },
    { "d", "d", "b" }, { "e", "f", "d" },  { "f", "f", "d" },  { "g", NULL, "f" },
};

static void expect_found(int code, struct slice found, const char *expected, const char *key)
{
    cr_expect_eq(code, expected ? STORE_OK : ENGINE_ABSENT, "seeking \"%s\"", key);
    if (expected && code == STORE_OK)
        cr_expect(slice_equal(found, slice_text(expected)), "seeking \"%s\"", key);
}

static void expect_seeks(struct snapshot *snapshot)
{
    struct engine_cursor cursor;
    struct slice found, value;
    int code;

    for (size_t i = 0; i < sizeof seeks / sizeof *seeks; i++) {
        cr_assert_eq(engine_cursor_open(&cursor, snapshot), STORE_OK);
        code = engine_seek(&cursor, slice_text(seeks[i].key), &found, &value);
        expect_found(code, found, seeks[i].seek, seeks[i].key);
        code = engine_seek_before(&cursor, slice_text(seeks[i].key), &found, &value);
        expect_found(code, found, seeks[i].before, seeks[i].key);
        engine_cursor_close(&cursor);
    }
}

Test(engine, a_cursor_seeks_both_ways)
{
    struct transaction txn = begin();
    struct snapshot *snapshot;

    put(&txn, "b", "1");
    put(&txn, "d", "2");
    put(&txn, "f", "3");
    expect_seeks(&txn.view);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    expect_seeks(snapshot);
    engine_snapshot_end(snapshot);
}

Test(engine, a_cursor_in_an_empty_store_finds_nothing)
{
    struct engine_cursor cursor, second;
    struct snapshot *snapshot;

    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    cr_assert_eq(engine_cursor_open(&cursor, snapshot), STORE_OK);
    cr_assert_eq(engine_cursor_open(&second, snapshot), STORE_OK);
    cr_assert_eq(engine_seek(&cursor, slice_text(""), NULL, NULL), ENGINE_ABSENT);
    cr_assert_eq(engine_seek(&cursor, slice_text("a"), NULL, NULL), ENGINE_ABSENT);
    cr_assert_eq(engine_seek_before(&cursor, slice_text(""), NULL, NULL), ENGINE_ABSENT);
    cr_assert_eq(engine_next(&second, NULL, NULL), ENGINE_ABSENT);
    cr_assert_eq(engine_prev(&second, NULL, NULL), ENGINE_ABSENT);
    engine_cursor_close(&cursor);
    engine_cursor_close(&second);
    engine_snapshot_end(snapshot);
}

static void put_numbers(int count)
{
    struct transaction txn = begin();
    char key[16];

    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%06d", i);
        put(&txn, key, key);
    }
    cr_assert_eq(engine_commit(&txn), STORE_OK);
}

static int number_of(struct slice key)
{
    char text[16] = "";

    memcpy(text, key.data, key.size < sizeof text ? key.size : sizeof text - 1);
    return atoi(text);
}

Test(engine, a_cursor_walks_in_order_and_back)
{
    struct engine_cursor cursor;
    struct snapshot *snapshot;
    struct slice found, value;
    int i;

    put_numbers(5000);
    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    cr_assert_eq(engine_cursor_open(&cursor, snapshot), STORE_OK);
    for (i = 0; engine_next(&cursor, &found, &value) == STORE_OK; i++)
        cr_assert(number_of(found) == i && number_of(value) == i);
    cr_assert_eq(i, 5000);
    cr_assert_eq(engine_seek_before(&cursor, slice_text(""), &found, NULL), STORE_OK);
    for (i = 4999; number_of(found) == i && engine_prev(&cursor, &found, NULL) == STORE_OK; i--)
        ;
    cr_assert_eq(i, 0);
    engine_cursor_close(&cursor);
    engine_snapshot_end(snapshot);
}

Test(engine, deleting_at_a_cursor_goes_on_with_the_key_after)
{
    struct transaction txn;
    struct engine_cursor cursor;
    struct slice found;
    int code, seen = 0;

    put_numbers(5000);
    txn = begin();
    cr_assert_eq(engine_cursor_open(&cursor, &txn.view), STORE_OK);
    cr_assert_eq(engine_cursor_del(&txn, &cursor), STORE_BAD_ARGUMENT, "before it stands anywhere");
    for (code = engine_seek(&cursor, slice_text(""), &found, NULL); code == STORE_OK;
         code = engine_next(&cursor, &found, NULL), seen++) {
        cr_assert_eq(number_of(found), seen);
        if (seen % 100 != 7)
            cr_assert_eq(engine_cursor_del(&txn, &cursor), STORE_OK);
    }
    cr_assert_eq(code, ENGINE_ABSENT);
    cr_assert_eq(seen, 5000);
    engine_cursor_close(&cursor);
    cr_assert_eq(txn.writes, 4950);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert(stored("000007", "000007") && stored("004907", "004907") && stored("000008", NULL));
}

Test(engine, an_attachment_stays_with_its_slot)
{
    struct snapshot *snapshot;
    struct transaction txn;
    int mark;

    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    snapshot->attachment = &mark;
    engine_snapshot_end(snapshot);
    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    cr_assert_eq(snapshot->attachment, &mark);
    engine_snapshot_end(snapshot);
    txn = begin();
    cr_assert_null(txn.view.attachment);
    txn.view.attachment = &mark;
    engine_abort(&txn);
    txn = begin();
    cr_assert_eq(txn.view.attachment, &mark);
    engine_abort(&txn);
    cr_assert_eq(freed_attachments, 0);
    engine_close(engine);
    engine = NULL;
    cr_assert_eq(freed_attachments, 2);
}

Test(engine, snapshots_beyond_the_pool_free_their_attachments)
{
    static struct snapshot *snapshots[READER_COUNT];

    store_one("a", "1");
    for (int i = 0; i < READER_COUNT; i++) {
        cr_assert_eq(engine_snapshot(&snapshots[i], engine), STORE_OK);
        snapshots[i]->attachment = &snapshots[i];
    }
    store_one("a", "2");
    for (int i = 0; i < READER_COUNT; i++) {
        cr_assert(has(snapshots[i], "a", "1"));
        engine_snapshot_end(snapshots[i]);
    }
    cr_assert_gt(freed_attachments, 0);
    engine_close(engine);
    engine = NULL;
    cr_assert_eq(freed_attachments, READER_COUNT);
}

static pthread_barrier_t all_hold_one;

static void *hold_a_snapshot(void *payload)
{
    struct snapshot *snapshot;
    bool *good = payload;

    if (engine_snapshot(&snapshot, engine) != STORE_OK)
        snapshot = NULL;
    pthread_barrier_wait(&all_hold_one);
    *good = snapshot && has(snapshot, "a", "1");
    engine_snapshot_end(snapshot);
    return NULL;
}

Test(engine, two_hundred_threads_hold_snapshots_at_once)
{
    static pthread_t threads[READER_COUNT];
    static bool good[READER_COUNT];

    store_one("a", "1");
    cr_assert_eq(pthread_barrier_init(&all_hold_one, NULL, READER_COUNT), 0);
    for (int i = 0; i < READER_COUNT; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, hold_a_snapshot, &good[i]), 0);
    for (int i = 0; i < READER_COUNT; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&all_hold_one);
    for (int i = 0; i < READER_COUNT; i++)
        cr_expect(good[i]);
}

/* What a child sees of an engine, a snapshot and a transaction of its parent: 0, or which was wrong. */
static int use_after_fork(struct snapshot *snapshot, struct transaction *txn)
{
    struct snapshot *another;
    struct transaction second;

    if (engine_snapshot(&another, engine) != STORE_BAD_ARGUMENT)
        return 1;
    if (engine_begin(&second, engine) != STORE_BAD_ARGUMENT)
        return 2;
    if (engine_put(txn, slice_text("a"), slice_text("child")) != STORE_BAD_ARGUMENT)
        return 3;
    if (engine_commit(txn) != STORE_BAD_ARGUMENT)
        return 4;
    engine_abort(txn);
    engine_snapshot_end(snapshot);
    engine_close(engine);
    return 0;
}

Test(engine, a_child_after_fork_is_refused_and_harms_nothing)
{
    struct snapshot *snapshot;
    struct transaction txn;
    int status;
    pid_t child;

    store_one("a", "1");
    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    txn = begin();
    put(&txn, "a", "2");
    child = fork();
    if (child == 0)
        _exit(use_after_fork(snapshot, &txn));
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 0);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert(has(snapshot, "a", "1"));
    engine_snapshot_end(snapshot);
    cr_assert(stored("a", "2"));
}
