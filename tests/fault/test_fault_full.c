/* test_fault_full.c - a full disk, a fault while a store opens, a fault of the background thread. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "fault.h"
#include "script.h"
#include "support.h"

TestSuite(fault_full, .init = begin_test, .fini = end_test);

enum { BODY = 300000, PLACES = 400 };

static char body[BODY];

static int put_numbered(const char *prefix, int number, size_t size)
{
    char location[64];

    snprintf(location, sizeof location, "/%s%d", prefix, number);
    memset(body, 'a' + number % 26, sizeof body);
    return store_put(NULL, test_store(), location, body, size, NULL);
}

/* How many fit before the first is refused. */
static int put_until_full(const char *prefix, size_t size)
{
    for (int i = 0; i < PLACES * 20; i++) {
        int rc = put_numbered(prefix, i, size);
        if (rc == STORE_OK)
            continue;
        cr_assert_eq(rc, STORE_FULL, "%s%d: %s", prefix, i, store_problem_json());
        return i;
    }
    cr_assert_fail("the disk never was full");
    return 0;
}

static void assert_all_readable(const char *prefix, int count, size_t size)
{
    for (int i = 0; i < count; i++) {
        char location[64];
        void *read;
        size_t got;
        snprintf(location, sizeof location, "/%s%d", prefix, i);
        assert_ok(store_get(&read, &got, NULL, test_store(), location, NULL));
        memset(body, 'a' + i % 26, size);
        bool same = got == size && memcmp(read, body, size) == 0;
        store_free(read);
        cr_assert(same, "%s", location);
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int no_finding(const store_finding *finding, void *payload)
{
    (void)payload;
    cr_assert_fail("%s: %s", finding->kind, finding->detail);
    return 0;
}

/* What was deleted is reclaimed in the background, so a PUT may have to be tried for a while. */
static void assert_put_works_again(const char *prefix, int number, size_t size)
{
    int64_t end = now_ms() + 20000;
    int rc;

    while ((rc = put_numbered(prefix, number, size)) == STORE_FULL && now_ms() < end)
        ;
    assert_ok(rc);
}

static void delete_numbered(const char *prefix, int from, int to)
{
    char location[64];

    for (int i = from; i < to; i++) {
        snprintf(location, sizeof location, "/%s%d", prefix, i);
        assert_ok(store_delete(NULL, test_store(), location, NULL));
    }
}

/* Full with large bodies, then with small ones; reads and deletions go on; then all does. */
static void fill_and_free(void)
{
    store_check_report report;
    int large = put_until_full("large", BODY), small = put_until_full("small", 500);

    cr_assert(large > 2 && small > 2);
    assert_all_readable("large", large, BODY);
    assert_all_readable("small", small, 500);
    cr_assert_eq(put_numbered("large", PLACES, BODY), STORE_FULL);
    delete_numbered("large", 1, large);
    delete_numbered("small", small / 4, small);
    for (int i = 1; i < large / 2; i++)
        assert_put_works_again("again", i, BODY);
    assert_all_readable("large", 1, BODY);
    assert_all_readable("small", small / 4, 500);
    assert_ok(store_check(&report, test_store(), 0, no_finding, NULL));
    reopen_store(NULL);
    assert_all_readable("small", small / 4, 500);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit = { bytes, RLIM_INFINITY };

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(fault_full, a_limit_of_the_file_size_is_a_full_disk)
{
    test_store();
    limit_files(6 << 20);
    fill_and_free();
    limit_files(RLIM_INFINITY);
    assert_ok(put_numbered("last", 1, BODY));
}

Test(fault_full, a_tree_is_deleted_and_reclaimed_on_a_full_disk)
{
    const store_request recursive = { .version = STORE_REQUEST_VERSION, .flags = STORE_RECURSIVE };
    int64_t end = now_ms() + 60000;
    store_stats stats;
    store_change change;
    store_feed *feed;

    assert_ok(store_make_collection(NULL, test_store(), "/tree", NULL));
    limit_files(6 << 20);
    cr_assert_gt(put_until_full("tree/", 700), 1000);
    assert_ok(store_delete(NULL, test_store(), "/tree", &recursive));
    assert_ok(store_feed_open(&feed, test_store(), "/after", 2));
    do { /* counting holds a snapshot, and with it the pages that reclaiming is short of */
        assert_code(STORE_TIMEOUT, store_feed_next(&change, feed, 100));
        assert_ok(store_stats_get(&stats, test_store()));
    } while (stats.garbage_collections > 0 && now_ms() < end);
    store_feed_close(feed);
    cr_assert_eq(stats.garbage_collections, 0);
    assert_put_works_again("after", 0, 700);
}

enum { SMALL_PUTS = 300, LARGE = 60000 };

static atomic_bool small_done;

static void *put_large_bodies(void *argument)
{
    static char large[LARGE];
    char location[64];
    _Atomic int *refused = argument;
    int rc = STORE_OK;

    for (int i = 0; !small_done; i++) {
        snprintf(location, sizeof location, "/large%d", i);
        rc = store_put(NULL, test_store(), location, large, sizeof large, NULL);
        *refused += rc == STORE_FULL;
        if (rc != STORE_OK && rc != STORE_FULL)
            break;
    }
    return rc == STORE_OK || rc == STORE_FULL ? NULL : "a large body";
}

/* They share the groups of those who are refused. */
Test(fault_full, small_bodies_are_put_when_there_is_no_room_for_large_ones)
{
    const char *failed[2];
    pthread_t threads[2];
    _Atomic int refused[2] = { 0 };

    test_store();
    limit_files(6 << 20);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, put_large_bodies, &refused[i]), 0);
    while (refused[0] == 0 || refused[1] == 0)
        sched_yield();
    for (int i = 0; i < SMALL_PUTS; i++)
        assert_ok(put_numbered("small", i, 100));
    small_done = true;
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], (void **)&failed[i]);
        cr_expect_null(failed[i]);
    }
}

static void unmount_and_end(void)
{
    char path[1024];

    close_store();
    snprintf(path, sizeof path, "%s/store", test_directory());
    umount2(path, MNT_DETACH);
    end_test();
}

Test(fault_full, a_small_disk_is_full, .fini = unmount_and_end)
{
    const char *path = test_path("store");

    cr_assert_eq(mkdir(path, 0700), 0);
    if (mount("tmpfs", path, "tmpfs", 0, "size=8m") != 0)
        cr_skip_test("no mount here: %s", strerror(errno));
    fill_and_free();
}

/* ------------------------------------------------------------- range writes */

/* Its chunks may be in the bodies file, newer than the record, until they are undone. */
Test(fault_full, a_range_write_that_failed_does_not_show_with_a_shorter_one)
{
    static char written[20000];
    bool failed = true;
    size_t got;

    memset(written, 'B', sizeof written);
    for (unsigned nth = 1; failed; nth++) {
        assert_ok(put_numbered("large", 0, 200000));
        fault_arm(FAULT_STORAGE, nth, false, EIO);
        int rc = store_patch_range(NULL, test_store(), "/large0", 0, written, sizeof written, NULL);
        failed = fault_disarm();
        assert_ok(store_patch_range(NULL, test_store(), "/large0", 100000, "C", 1, NULL));
        assert_ok(store_read(&got, test_store(), "/large0", body, BODY, 0, NULL));
        for (size_t i = 0; i < got; i++)
            cr_assert_eq(body[i], i == 100000 ? 'C' : rc == STORE_OK && i < sizeof written ? 'B' : 'a',
                         "call %u: byte %zu is %c", nth, i, body[i]);
    }
}

/* --------------------------------------------------------------------- open */

static int open_and_close(const char *path, unsigned flags)
{
    store_options options = STORE_OPTIONS_INIT;
    store *s;
    int rc;

    options.flags = flags;
    rc = store_open(&s, path, &options);
    if (rc == STORE_OK)
        store_close(s);
    return rc;
}

static void fail_open(enum fault_kind kind, bool for_ever, int error, int expected)
{
    char path[1024];
    bool failed = true;

    snprintf(path, sizeof path, "%s", test_path("store"));
    for (unsigned nth = 1; failed; nth++) {
        fault_arm(kind, nth, for_ever, error);
        int rc = open_and_close(path, STORE_OPEN_CREATE);
        failed = fault_disarm();
        cr_assert(rc == STORE_OK || (failed && rc == expected), "call %u: %s", nth, store_problem_json());
        cr_assert_eq(open_and_close(path, STORE_OPEN_CREATE), STORE_OK, "after call %u: %s", nth, store_problem_json());
        if (nth % 2) /* half of them open what is there */
            script_remove(path);
    }
}

Test(fault_full, any_allocation_of_open_may_fail)
{
    fail_open(FAULT_MEMORY, false, 0, STORE_NO_MEMORY);
    fail_open(FAULT_MEMORY, true, 0, STORE_NO_MEMORY);
}

Test(fault_full, any_storage_call_of_open_may_fail)
{
    fail_open(FAULT_STORAGE, false, ENOSPC, STORE_FULL);
    fail_open(FAULT_STORAGE, true, EDOM, STORE_IO);
}

/* --------------------------------------------------------- background thread */

Test(fault_full, what_the_background_thread_could_not_do_it_does_later)
{
    int64_t end = now_ms() + 20000;
    store_stats stats;

    fault_others(EDOM);
    for (int i = 0; i < 10; i++)
        assert_ok(put_numbered("x", 0, BODY)); /* garbage each time */
    assert_ok(store_stats_get(&stats, test_store()));
    cr_assert_gt(stats.garbage_bodies, 0);
    fault_others(0);
    while (stats.garbage_bodies > 0 && now_ms() < end)
        assert_ok(store_stats_get(&stats, test_store()));
    cr_assert_eq(stats.garbage_bodies, 0);
}
