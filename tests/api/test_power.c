/*
 * test_power.c - relaxed durability, and a store after a power failure.
 *
 * The failure is a copy of the store's files, taken between two checkpoints and opened as if the machine
 * had been started since. (What a disk can make of the pages is in tests/unit/test_engine_relaxed.c.)
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define BOOT_AT 8 /* in the file of checkpoints: the id of the boot */
#define LARGE 300000
#define PATCHED_AT 70000

static const char *failed; /* the copy */
static store *after;

static void begin_relaxed(void)
{
    store_options options = STORE_OPTIONS_INIT;

    begin_test();
    options.flags = STORE_OPEN_CREATE;
    options.durability = STORE_DURABLE_RELAXED;
    reopen_store(&options);
    failed = test_path("failed");
}

static void end_relaxed(void)
{
    store_close(after);
    end_test();
}

TestSuite(power, .init = begin_relaxed, .fini = end_relaxed, .timeout = 120);

static char *read_file(size_t *size, const char *name)
{
    char path[400], *bytes;
    struct stat st;
    FILE *from;

    snprintf(path, sizeof path, "%s/%s", store_path(test_store()), name);
    from = fopen(path, "r");
    cr_assert(from && fstat(fileno(from), &st) == 0);
    *size = (size_t)st.st_size;
    bytes = malloc(*size + 1);
    cr_assert_eq(fread(bytes, 1, *size, from), *size);
    fclose(from);
    return bytes;
}

static void write_file(const char *name, char *bytes, size_t size)
{
    char path[400];
    FILE *to;

    snprintf(path, sizeof path, "%s/%s", failed, name);
    to = fopen(path, "w");
    cr_assert(to && fwrite(bytes, 1, size, to) == size);
    fclose(to);
    free(bytes);
}

static void copy_file(const char *name)
{
    size_t size;
    char *bytes = read_file(&size, name);

    write_file(name, bytes, size);
}

static const char *const checkpoints[] = { "objects.mdb-checkpoint", "bodies.mdb-checkpoint" };

/* A file of checkpoints as another kernel sees it. False if it is another one than `before` by now: the slots, not what
 * processes share. */
static bool copy_checkpoint(const char *name, const char *before, size_t size)
{
    size_t again;
    char *now = read_file(&again, name);
    bool same = size == again && memcmp(before + 4096, now + 4096, size - 4096) == 0;

    now[BOOT_AT] ^= 1;
    write_file(name, now, again);
    return same;
}

/* False if a checkpoint was made meanwhile: then the copies do not belong together. */
static bool try_fail_power(void)
{
    size_t sizes[2];
    char *before[2];
    bool same = true;

    for (int i = 0; i < 2; i++)
        before[i] = read_file(&sizes[i], checkpoints[i]);
    mkdir(failed, 0700);
    copy_file("objects.mdb");
    copy_file("bodies.mdb");
    copy_file("live");
    for (int i = 0; i < 2; i++) {
        same &= copy_checkpoint(checkpoints[i], before[i], sizes[i]);
        free(before[i]);
    }
    return same;
}

static void put_large(store *s, const char *location, int number)
{
    char *body = malloc(LARGE);
    store_request request = STORE_REQUEST_INIT;

    memset(body, number, LARGE);
    request.flags = STORE_REPLACE;
    assert_ok(store_put(NULL, s, location, body, LARGE, &request));
    free(body);
}

/* But for a range write, which is there whole or not at all. */
static void assert_uniform(store *s, const char *location)
{
    char *body;
    size_t size;

    assert_ok(store_get((void **)&body, &size, NULL, s, location, NULL));
    cr_assert_eq(size, LARGE);
    if (memcmp(body + PATCHED_AT, "xyz", 3) == 0)
        memset(body + PATCHED_AT, body[0], 3);
    cr_assert_eq(memcmp(body, body + 1, size - 1), 0, "a mixture");
    store_free(body);
}

static int show(const store_finding *finding, void *unused)
{
    (void)unused;
    cr_log_error("%s %s: %s", finding->kind, finding->location ? finding->location : "-", finding->detail);
    return 0;
}

static void assert_clean(store *s)
{
    store_check_report report;

    assert_ok(store_check(&report, s, 0, show, NULL));
    cr_assert_eq(report.findings, 0);
}

/* Everything that touches the bodies file: what replaces, patches and deletes large bodies. */
static uint64_t work(int number)
{
    store_answer answer = { 0 };
    store_request request = STORE_REQUEST_INIT;
    uint64_t version;

    request.flags = STORE_REPLACE;
    put_large(test_store(), "/replaced", 1 + number % 100);
    put_large(test_store(), "/deleted", 1);
    assert_ok(store_delete(NULL, test_store(), "/deleted", NULL));
    assert_ok(store_patch_range(NULL, test_store(), "/patched", PATCHED_AT, "xyz", 3, NULL));
    assert_ok(store_patch_range(NULL, test_store(), "/patched", PATCHED_AT, "\1\1\1", 3, NULL));
    assert_ok(store_put(&answer, test_store(), "/last", &number, sizeof number, &request));
    version = answer.one.version;
    store_answer_clear(&answer);
    return version;
}

static int last_number(store *s)
{
    void *body;
    size_t size;
    int number = 0;

    if (store_get(&body, &size, NULL, s, "/last", NULL) != STORE_OK)
        return 0;
    cr_assert_eq(size, sizeof number);
    memcpy(&number, body, sizeof number);
    store_free(body);
    return number;
}

/* The first thing that a follower hears who had heard everything. */
static store_outcome next_heard(store *s, uint64_t since)
{
    store_feed *feed;
    store_change change;

    assert_ok(store_feed_open(&feed, s, "/", since));
    assert_ok(store_feed_next(&change, feed, 0));
    store_feed_close(feed);
    return change.outcome;
}

static void await_reclaimed(store *s)
{
    const struct timespec pause = { 0, 20000000 };
    store_stats stats;

    for (int tries = 0; tries < 500; tries++) {
        assert_ok(store_stats_get(&stats, s));
        if (stats.staged_uploads + stats.garbage_bodies + stats.garbage_collections == 0)
            return;
        nanosleep(&pause, NULL);
    }
    cr_assert_fail("%lu uploads, %lu bodies left", (unsigned long)stats.staged_uploads,
                   (unsigned long)stats.garbage_bodies);
}

Test(power, a_store_is_whole_after_a_failure_and_lacks_the_newest_changes_at_most)
{
    int number = 0, lost = 0;

    put_large(test_store(), "/patched", 1);
    for (int round = 0; round < 15; round++) {
        uint64_t version;
        int synced;
        do {
            work(++number);
            assert_ok(store_sync(test_store()));
            synced = number;
            for (int i = 0; i < round; i++)
                work(++number);
            version = work(++number);
        } while (!try_fail_power());
        assert_ok(store_open(&after, failed, NULL));
        cr_assert_geq(last_number(after), synced);
        cr_assert_leq(last_number(after), number);
        lost += last_number(after) < number;
        assert_uniform(after, "/replaced");
        assert_clean(after);
        cr_assert_eq(next_heard(after, version), STORE_GAP, "who heard of what was lost must look again");
        await_reclaimed(after);
        assert_clean(after);
        assert_uniform(after, "/patched");
        store_close(after);
        after = NULL;
    }
    cr_assert_gt(lost, 0, "nothing was tested");
}

Test(power, a_version_that_was_lost_is_not_given_out_again)
{
    store_answer answer = { 0 };
    uint64_t version;

    put_large(test_store(), "/patched", 1);
    do {
        assert_ok(store_sync(test_store()));
        version = work(1);
    } while (!try_fail_power());
    assert_ok(store_open(&after, failed, NULL));
    assert_ok(store_put(&answer, after, "/new", "1", 1, NULL));
    cr_assert_gt(answer.one.version, version);
    store_answer_clear(&answer);
}

Test(power, a_relaxed_store_can_be_compacted_and_copied)
{
    uint64_t before, size;
    store *copy;

    put_large(test_store(), "/patched", 1);
    work(7);
    assert_ok(store_backup(test_store(), failed, NULL, NULL));
    assert_ok(store_open(&copy, failed, NULL));
    cr_assert_eq(last_number(copy), 7);
    assert_clean(copy);
    store_close(copy);
    work(8);
    close_store();
    assert_ok(store_compact(test_path("store"), &before, &size));
    cr_assert_eq(last_number(reopen_store(NULL)), 8);
    assert_clean(test_store());
}
