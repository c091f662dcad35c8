/* test_backup.c - store_backup and store_compact. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(backup, .init = begin_test, .fini = end_test, .timeout = 120);

static void put_large(store *s, const char *location, char byte)
{
    size_t size = 150000;
    char *body = malloc(size);
    store_request replace = STORE_REQUEST_INIT;

    cr_assert_not_null(body);
    memset(body, byte, size);
    replace.flags = STORE_REPLACE;
    assert_ok(store_put(NULL, s, location, body, size, &replace));
    free(body);
}

static void assert_clean(store *s)
{
    store_check_report report;

    assert_ok(store_check(&report, s, 0, NULL, NULL));
    cr_assert_eq(report.findings, 0, "%llu findings", (unsigned long long)report.findings);
}

/* Opens the copy, checks it, and compares one body. */
static void assert_copy(const char *path, const char *location, const char *text)
{
    store *copy;
    void *body;
    size_t size;

    assert_ok(store_open(&copy, path, NULL));
    assert_clean(copy);
    assert_ok(store_get(&body, &size, NULL, copy, location, NULL));
    cr_assert_str_eq(body, text);
    store_free(body);
    store_close(copy);
}

struct calls {
    int count, end_after;
    uint64_t done, total;
};

static int note_progress(uint64_t done, uint64_t total, void *payload)
{
    struct calls *calls = payload;

    cr_expect_geq(done, calls->done, "progress goes back");
    cr_expect_leq(done, total);
    calls->done = done;
    calls->total = total;
    return ++calls->count == calls->end_after;
}

Test(backup, a_backup_is_a_store_with_the_same_content)
{
    struct calls calls = { 0 };

    assert_ok(store_put(NULL, test_store(), "/a", "text", 4, NULL));
    put_large(test_store(), "/large", 'x');
    assert_ok(store_backup(test_store(), test_path("copy"), note_progress, &calls));
    cr_assert_eq(calls.count, 3);
    cr_assert_eq(calls.done, calls.total);
    cr_assert_gt(calls.done, 150000);
    assert_ok(store_delete(NULL, test_store(), "/a", NULL));
    assert_copy(test_path("copy"), "/a", "text");
}

Test(backup, a_store_opened_for_reading_can_be_backed_up)
{
    store_options options = STORE_OPTIONS_INIT;

    assert_ok(store_put(NULL, test_store(), "/a", "text", 4, NULL));
    options.flags = STORE_OPEN_READ_ONLY;
    assert_ok(store_backup(reopen_store(&options), test_path("copy"), NULL, NULL));
    assert_copy(test_path("copy"), "/a", "text");
}

Test(backup, an_existing_target_is_a_conflict_and_stays)
{
    struct stat st;

    cr_assert_eq(mkdir(test_path("copy"), 0700), 0);
    assert_code(STORE_KEY_CONFLICT, store_backup(test_store(), test_path("copy"), NULL, NULL));
    cr_assert_eq(stat(test_path("copy"), &st), 0);
    assert_code(STORE_KEY_CONFLICT, store_backup(test_store(), test_path("store"), NULL, NULL));
    assert_code(STORE_NOT_FOUND, store_backup(test_store(), test_path("no/copy"), NULL, NULL));
}

Test(backup, a_backup_that_is_given_up_leaves_nothing)
{
    for (int calls_made = 1; calls_made <= 3; calls_made++) {
        struct calls calls = { .end_after = calls_made };
        cr_assert_neq(store_backup(test_store(), test_path("copy"), note_progress, &calls), STORE_OK);
        cr_assert_neq(access(test_path("copy"), F_OK), 0, "call %d", calls_made);
    }
}

static atomic_bool stop;

static void *write_all_the_time(void *argument)
{
    store *s = argument;
    store_request replace = STORE_REQUEST_INIT;
    char *body = calloc(1, 200000);

    replace.flags = STORE_REPLACE;
    for (int i = 0; body && !atomic_load(&stop); i++) {
        char name[32];
        snprintf(name, sizeof name, "/%lx-%d", (unsigned long)pthread_self(), i % 5);
        cr_expect_eq(store_put(NULL, s, name, body, 200000, &replace), STORE_OK);
        cr_expect_eq(store_patch_range(NULL, s, name, 65000, "0123456789", 10, NULL), STORE_OK);
        if (i % 3 == 0)
            cr_expect_eq(store_delete(NULL, s, name, NULL), STORE_OK);
    }
    free(body);
    return NULL;
}

Test(backup, a_backup_under_writers_checks_clean)
{
    enum { WRITERS = 2, BACKUPS = 5 };
    pthread_t writers[WRITERS];
    store *s = test_store();

    assert_ok(store_put(NULL, s, "/kept", "text", 4, NULL));
    for (int i = 0; i < WRITERS; i++)
        cr_assert_eq(pthread_create(&writers[i], NULL, write_all_the_time, s), 0);
    for (int i = 0; i < BACKUPS; i++) {
        char name[16];
        snprintf(name, sizeof name, "copy%d", i);
        cr_expect_eq(store_backup(s, test_path(name), NULL, NULL), STORE_OK);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    for (int i = 0; i < BACKUPS; i++) {
        char name[16];
        snprintf(name, sizeof name, "copy%d", i);
        assert_copy(test_path(name), "/kept", "text");
    }
}

/* ---------------------------------------------------------------- compact */

static void fill_and_empty(void)
{
    char name[32];

    assert_ok(store_put(NULL, test_store(), "/kept", "text", 4, NULL));
    put_large(test_store(), "/large", 'y');
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "/gone%d", i);
        put_large(test_store(), name, 'z');
    }
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "/gone%d", i);
        assert_ok(store_delete(NULL, test_store(), name, NULL));
    }
}

Test(backup, compact_makes_the_store_smaller_and_keeps_everything)
{
    uint64_t before, after, version, same;
    struct stat st;

    fill_and_empty();
    assert_ok(store_last_version(&version, test_store()));
    close_store(); /* reclaims what was deleted */
    cr_assert_eq(chmod(test_path("store/objects.mdb"), 0600), 0);
    assert_ok(store_compact(test_path("store"), &before, &after));
    cr_assert_gt(before, 40u * 150000);
    cr_assert_lt(after, before / 4);
    cr_assert_eq(stat(test_path("store/objects.mdb"), &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_neq(access(test_path("store/objects.mdb.compact"), F_OK), 0);
    assert_body("/kept", "text");
    assert_ok(store_last_version(&same, test_store()));
    cr_assert_eq(version, same);
    assert_clean(test_store());
    put_large(test_store(), "/more", 'm');
    assert_clean(test_store());
}

Test(backup, a_store_without_bodies_can_be_compacted_again_and_again)
{
    uint64_t before, after;

    assert_ok(store_put(NULL, test_store(), "/a", "text", 4, NULL));
    close_store();
    for (int i = 0; i < 3; i++)
        assert_ok(store_compact(test_path("store"), &before, &after));
    assert_body("/a", "text");
    assert_clean(test_store());
}

Test(backup, what_a_crash_left_of_a_compaction_is_cleared_away)
{
    uint64_t before, after;
    FILE *stale;

    assert_ok(store_put(NULL, test_store(), "/a", "text", 4, NULL));
    close_store();
    stale = fopen(test_path("store/bodies.mdb.compact"), "w");
    cr_assert_not_null(stale);
    fputs("half a copy", stale);
    fclose(stale);
    assert_ok(store_open(&(store *){ NULL }, test_path("store"), NULL));
    assert_code(STORE_BUSY, store_compact(test_path("store"), &before, &after));
    store *again;
    assert_ok(store_open(&again, test_path("store"), NULL));
    store_close(again);
    store_close(again);
    assert_ok(store_compact(test_path("store"), &before, &after));
    cr_assert_neq(access(test_path("store/bodies.mdb.compact"), F_OK), 0);
    assert_body("/a", "text");
}

Test(backup, a_store_in_use_is_not_compacted)
{
    store_options options = STORE_OPTIONS_INIT;
    uint64_t before, after;

    test_store();
    assert_code(STORE_BUSY, store_compact(test_path("store"), &before, &after));
    cr_assert_eq(before, 0);
    options.flags = STORE_OPEN_READ_ONLY;
    reopen_store(&options);
    assert_code(STORE_BUSY, store_compact(test_path("store"), &before, &after));
    close_store();
    assert_ok(store_compact(test_path("store"), &before, &after));
}

Test(backup, a_directory_that_is_no_store_is_not_compacted)
{
    uint64_t before, after;

    cr_assert_eq(mkdir(test_path("other"), 0700), 0);
    assert_code(STORE_NOT_FOUND, store_compact(test_path("other"), &before, &after));
    cr_assert_eq(rmdir(test_path("other")), 0, "something was made in it");
    assert_code(STORE_NOT_FOUND, store_compact(test_path("nowhere"), &before, &after));
}
