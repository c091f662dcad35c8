/*
 * test_engine_relaxed.c - commits that do not wait for the disk: what a power failure leaves of them.
 *
 * A power failure is made here out of copies. Since the last sync each page on the disk may be as it was
 * then, or as any later write made it. So a disk is put together of pages chosen at random from copies of
 * the file, with the file of checkpoints as if of an earlier boot, and opened elsewhere.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"

#define PAGE 4096u
#define KEYS 60u
#define VALUE_MAX 3000u
#define COPIES 4
#define SLOTS_AT 4096 /* in the file of checkpoints, one page each */
#define BOOT_AT 8
#define FAILED_AT 80

static char directory[] = "/tmp/engine_relaxed.XXXXXX";
static char file[64], disk[64];
static struct engine *engine;

static char *with_suffix(char out[96], const char *path, const char *suffix)
{
    snprintf(out, 96, "%s%s", path, suffix);
    return out;
}

static void remove_files(const char *path)
{
    char name[96];

    unlink(path);
    unlink(with_suffix(name, path, "-lock"));
    unlink(with_suffix(name, path, "-checkpoint"));
}

static void make_directory(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/data", directory);
    snprintf(disk, sizeof disk, "%s/disk", directory);
}

static void remove_directory(void)
{
    engine_close(engine);
    remove_files(file);
    remove_files(disk);
    rmdir(directory);
}

TestSuite(engine_relaxed, .init = make_directory, .fini = remove_directory, .timeout = 120);

static const struct engine_options relaxed = { .create = true, .checkpoints = true, .relaxed = true };
static const struct engine_options durable = { .create = true, .checkpoints = true };
static const struct engine_options reading = { .read_only = true, .checkpoints = true };

/* ---------------------------------------------------------------- the work */

static unsigned mixed(unsigned a, unsigned b)
{
    unsigned x = a * 2654435761u ^ (b + 1) * 2246822519u;

    x ^= x >> 15;
    x *= 3266489917u;
    return x ^ x >> 13;
}

/* What commit `number` does to the table: which keys get its number, or 0 for none. */
static void apply(unsigned table[KEYS], unsigned number)
{
    for (unsigned i = 0; i < 1 + mixed(number, 0) % 8; i++)
        table[mixed(number, 3 * i + 1) % KEYS] = mixed(number, 3 * i + 2) % 4 ? number : 0;
}

static size_t value_size(unsigned key, unsigned number)
{
    return sizeof number + mixed(key, number) % (VALUE_MAX - sizeof number);
}

static int write_key(struct transaction *txn, unsigned key, unsigned number)
{
    unsigned value[VALUE_MAX / sizeof(unsigned) + 1];
    char name[16];
    int rc;

    snprintf(name, sizeof name, "%04u", key);
    for (size_t i = 0; i < sizeof value / sizeof *value; i++)
        value[i] = number;
    if (number)
        return engine_put(txn, slice_text(name), slice_of(value, value_size(key, number)));
    rc = engine_del(txn, slice_text(name));
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

/* The key "last" has the number of the commit. */
static int commit_number(struct engine *to, unsigned number)
{
    unsigned before[KEYS], after[KEYS];
    struct transaction txn;
    int rc = engine_begin(&txn, to);

    memset(before, 0xff, sizeof before);
    memcpy(after, before, sizeof after);
    apply(after, number);
    for (unsigned key = 0; key < KEYS && rc == STORE_OK; key++)
        if (after[key] != before[key])
            rc = write_key(&txn, key, after[key]);
    if (rc == STORE_OK)
        rc = engine_put(&txn, slice_text("last"), slice_of(&number, sizeof number));
    if (rc == STORE_OK)
        return engine_commit(&txn);
    engine_abort(&txn);
    return rc;
}

static unsigned last_number(struct engine *from)
{
    struct snapshot *snapshot;
    struct slice value;
    unsigned number = 0;

    cr_assert_eq(engine_snapshot(&snapshot, from), STORE_OK);
    if (engine_get(snapshot, slice_text("last"), &value) == STORE_OK)
        memcpy(&number, value.data, sizeof number);
    engine_snapshot_end(snapshot);
    return number;
}

static bool same_value(struct slice value, unsigned key, unsigned number)
{
    unsigned first;

    if (value.size != value_size(key, number))
        return false;
    memcpy(&first, value.data, sizeof first);
    return first == number;
}

static int print_fault(const char *fault, void *count)
{
    fprintf(stderr, "%s\n", fault);
    ++*(int *)count;
    return 0;
}

/* It holds just what the commits up to its last make. */
static void assert_whole(struct engine *from)
{
    unsigned table[KEYS] = { 0 }, last = last_number(from);
    struct snapshot *snapshot;
    int faults = 0;

    for (unsigned number = 1; number <= last; number++)
        apply(table, number);
    cr_assert_eq(engine_snapshot(&snapshot, from), STORE_OK);
    for (unsigned key = 0; key < KEYS; key++) {
        struct slice value;
        char name[16];
        int rc;
        snprintf(name, sizeof name, "%04u", key);
        rc = engine_get(snapshot, slice_text(name), &value);
        cr_assert_eq(rc, table[key] ? STORE_OK : ENGINE_ABSENT, "key %u at %u", key, last);
        cr_assert(rc != STORE_OK || same_value(value, key, table[key]), "key %u at %u", key, last);
    }
    engine_snapshot_end(snapshot);
    cr_assert_eq(engine_check(from, print_fault, &faults), STORE_OK);
    cr_assert_eq(faults, 0, "at %u", last);
}

/* -------------------------------------------------------- the power failure */

struct copy {
    char *bytes;
    size_t size;
};

static struct copy copies[COPIES]; /* the first is what surely is on the disk */
static int copy_count;

static struct copy read_copy(const char *path)
{
    struct copy copy;
    struct stat st;
    int fd = open(path, O_RDONLY);

    cr_assert(fd >= 0 && fstat(fd, &st) == 0);
    copy = (struct copy){ malloc((size_t)st.st_size), (size_t)st.st_size };
    cr_assert_eq(read(fd, copy.bytes, copy.size), (ssize_t)copy.size);
    close(fd);
    return copy;
}

static void write_copy(const char *path, struct copy copy)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, copy.bytes, copy.size), (ssize_t)copy.size);
    close(fd);
    free(copy.bytes);
}

/* Everything so far is on the disk. */
static void all_on_disk(void)
{
    for (int i = 0; i < copy_count; i++)
        free(copies[i].bytes);
    copies[0] = read_copy(file);
    copy_count = 1;
}

static void may_be_on_disk(void)
{
    if (copy_count < COPIES)
        copies[copy_count++] = read_copy(file);
}

static struct copy mix(unsigned seed)
{
    const struct copy *longest = &copies[copy_count - 1]; /* the file never shrinks */
    struct copy out = { calloc(1, longest->size), longest->size };

    for (size_t page = 0; page < out.size / PAGE; page++) {
        const struct copy *from = &copies[mixed(seed, (unsigned)page) % (unsigned)copy_count];
        if ((page + 1) * PAGE <= from->size)
            memcpy(out.bytes + page * PAGE, from->bytes + page * PAGE, PAGE);
    }
    return out;
}

/* The file of checkpoints is as it is, as if of another boot; one slot may be torn. */
static void fail_power(unsigned seed, int torn)
{
    char name[96];
    struct copy checkpoints = read_copy(with_suffix(name, file, "-checkpoint"));

    remove_files(disk);
    checkpoints.bytes[BOOT_AT] ^= 1;
    if (torn >= 0)
        memset(checkpoints.bytes + SLOTS_AT + torn * (int)PAGE + 40, 0x55, 64);
    write_copy(with_suffix(name, disk, "-checkpoint"), checkpoints);
    write_copy(disk, mix(seed));
}

/* Opens what the power failure left, and goes on with it. */
static void assert_recovers(unsigned at_least)
{
    struct engine *recovered;
    unsigned last;

    cr_assert_eq(engine_open(&recovered, disk, &durable), STORE_OK, "%s", store_problem_last()->detail);
    cr_assert(engine_rolled_back(recovered));
    last = last_number(recovered);
    cr_assert_geq(last, at_least);
    assert_whole(recovered);
    for (unsigned number = last + 1; number < last + 4; number++)
        cr_assert_eq(commit_number(recovered, number), STORE_OK);
    assert_whole(recovered);
    engine_close(recovered);
}

static void open_relaxed(void)
{
    cr_assert_eq(engine_open(&engine, file, &relaxed), STORE_OK);
}

Test(engine_relaxed, a_power_failure_leaves_the_newest_checkpoint)
{
    unsigned number = 0, synced;

    open_relaxed();
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned end = number + mixed(round, 77) % 20; number < end;)
            cr_assert_eq(commit_number(engine, ++number), STORE_OK);
        cr_assert_eq(engine_sync(engine), STORE_OK);
        synced = number;
        all_on_disk();
        for (unsigned end = number + 1 + mixed(round, 78) % 60; number < end;) {
            cr_assert_eq(commit_number(engine, ++number), STORE_OK);
            if (mixed(number, 79) % 10 == 0)
                may_be_on_disk();
        }
        may_be_on_disk();
        for (unsigned seed = 0; seed < 6 && synced; seed++) {
            fail_power(mixed(round, seed), -1);
            assert_recovers(synced);
        }
    }
}

static int newest_slot(void)
{
    char name[96];
    struct copy checkpoints = read_copy(with_suffix(name, file, "-checkpoint"));
    uint64_t sequences[2];

    for (int i = 0; i < 2; i++)
        memcpy(&sequences[i], checkpoints.bytes + SLOTS_AT + i * (int)PAGE + 8, 8);
    free(checkpoints.bytes);
    return sequences[1] > sequences[0];
}

Test(engine_relaxed, a_torn_slot_leaves_the_checkpoint_before)
{
    unsigned number = 0, synced;

    open_relaxed();
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned end = number + 1 + mixed(round, 77) % 20; number < end;)
            cr_assert_eq(commit_number(engine, ++number), STORE_OK);
        cr_assert_eq(engine_sync(engine), STORE_OK);
        synced = number;
        all_on_disk();
        for (unsigned end = number + 1 + mixed(round, 78) % 30; number < end;)
            cr_assert_eq(commit_number(engine, ++number), STORE_OK);
        may_be_on_disk();
        cr_assert_eq(engine_sync(engine), STORE_OK);
        fail_power(round, newest_slot());
        assert_recovers(synced);
    }
}

/* ------------------------------------------------------------- two processes */

static int orders[2], reports[2];
static pid_t child;

static void work_in_child(void)
{
    struct engine *own;
    unsigned number = 0, target;
    bool ok = engine_open(&own, file, &relaxed) == STORE_OK;

    while (read(orders[0], &target, sizeof target) == sizeof target) {
        for (number = last_number(own); ok && number < target;)
            ok = commit_number(own, ++number) == STORE_OK;
        if (write(reports[1], &ok, sizeof ok) != sizeof ok)
            break;
    }
    _exit(0);
}

/* A process that commits relaxed up to the number it is told, and syncs nothing. */
static void start_child(void)
{
    cr_assert(pipe(orders) == 0 && pipe(reports) == 0);
    child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        close(orders[1]);
        work_in_child();
    }
    close(orders[0]);
}

static void child_commits(unsigned target)
{
    bool ok = false;

    cr_assert_eq(write(orders[1], &target, sizeof target), (ssize_t)sizeof target);
    cr_assert_eq(read(reports[0], &ok, sizeof ok), (ssize_t)sizeof ok);
    cr_assert(ok);
}

static void kill_child(void)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(orders[1]);
}

Test(engine_relaxed, a_commit_that_waits_for_the_disk_survives_though_others_do_not_wait)
{
    unsigned number = 0, certain;

    start_child();
    child_commits(++number);
    cr_assert_eq(engine_open(&engine, file, &durable), STORE_OK);
    for (unsigned round = 0; round < 60; round++) {
        child_commits(number += mixed(round, 5) % 10);
        cr_assert_eq(commit_number(engine, ++number), STORE_OK);
        certain = number;
        all_on_disk();
        child_commits(number += mixed(round, 6) % 10);
        may_be_on_disk();
        child_commits(number += mixed(round, 7) % 10);
        may_be_on_disk();
        fail_power(round, -1);
        assert_recovers(certain);
    }
    kill_child();
}

/* Nobody keeps the pages of the newest checkpoint any more. */
Test(engine_relaxed, a_process_that_waits_for_the_disk_takes_over_from_one_that_was_killed)
{
    unsigned number = 0;

    for (unsigned round = 0; round < 10; round++) {
        start_child();
        child_commits(number += 20);
        cr_assert_eq(engine_open(&engine, file, &durable), STORE_OK);
        cr_assert_lt(engine_durable(engine), UINT64_MAX);
        kill_child();
        cr_assert_eq(last_number(engine), number, "a killed process loses nothing");
        cr_assert_eq(commit_number(engine, ++number), STORE_OK);
        cr_assert_eq(engine_durable(engine), UINT64_MAX, "nothing is left to go back to");
        assert_whole(engine);
        engine_close(engine);
        engine = NULL;
    }
}

Test(engine_relaxed, a_relaxed_process_takes_over_from_one_that_was_killed)
{
    unsigned number = 0, synced;

    for (unsigned round = 0; round < 20; round++) {
        start_child();
        child_commits(number += 1 + mixed(round, 1) % 20);
        open_relaxed();
        if (round % 2)
            kill_child();
        cr_assert_eq(commit_number(engine, ++number), STORE_OK);
        if (round % 2 == 0)
            kill_child();
        cr_assert_eq(engine_sync(engine), STORE_OK);
        synced = number;
        all_on_disk();
        for (unsigned end = number + 30; number < end;)
            cr_assert_eq(commit_number(engine, ++number), STORE_OK);
        may_be_on_disk();
        fail_power(round, -1);
        assert_recovers(synced);
        assert_whole(engine);
        engine_close(engine);
        engine = NULL;
    }
}

/* The readers of dead processes are cleared while a transaction runs that relied on one. */
Test(engine_relaxed, a_pin_that_goes_during_a_transaction_is_noticed_before_it_commits)
{
    struct transaction txn;
    MDB_env *env;
    int dead = 0;

    start_child();
    child_commits(20);
    cr_assert_eq(engine_open(&engine, file, &durable), STORE_OK);
    cr_assert_eq(engine_begin(&txn, engine), STORE_OK);
    cr_assert_lt(engine_durable(engine), UINT64_MAX);
    kill_child();
    env = mdb_txn_env(txn.view.handle);
    cr_assert_eq(mdb_reader_check(env, &dead), 0);
    cr_assert_geq(dead, 1);
    cr_assert_eq(engine_put(&txn, slice_text("one"), slice_text("1")), STORE_OK);
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert_eq(engine_durable(engine), UINT64_MAX);
}

/* --------------------------------------------------------------- opening */

Test(engine_relaxed, the_last_to_close_leaves_nothing_to_go_back_to)
{
    open_relaxed();
    cr_assert_eq(commit_number(engine, 1), STORE_OK);
    cr_assert_lt(engine_durable(engine), UINT64_MAX);
    engine_close(engine);
    all_on_disk();
    fail_power(1, -1);
    cr_assert_eq(engine_open(&engine, disk, &reading), STORE_OK);
    cr_assert_eq(last_number(engine), 1);
    cr_assert_not(engine_rolled_back(engine));
}

Test(engine_relaxed, a_store_after_a_power_failure_is_not_opened_for_reading_only)
{
    open_relaxed();
    cr_assert_eq(commit_number(engine, 1), STORE_OK);
    all_on_disk();
    fail_power(1, -1);
    engine_close(engine);
    cr_assert_eq(engine_open(&engine, disk, &reading), STORE_READ_ONLY);
    cr_assert_eq(engine_open(&engine, disk, &durable), STORE_OK);
    engine_close(engine);
    cr_assert_eq(engine_open(&engine, disk, &reading), STORE_OK);
}

/* What the kernel did not get to the disk it may have dropped: later commits could not be trusted. */
Test(engine_relaxed, nobody_writes_after_a_sync_failed_until_the_file_is_opened_again)
{
    char name[96];
    int fd;

    open_relaxed();
    for (unsigned number = 1; number <= 3; number++)
        cr_assert_eq(commit_number(engine, number), STORE_OK);
    cr_assert_eq(engine_sync(engine), STORE_OK);
    cr_assert_eq(commit_number(engine, 4), STORE_OK);
    fd = open(with_suffix(name, file, "-checkpoint"), O_WRONLY);
    cr_assert_eq(pwrite(fd, "\1", 1, FAILED_AT), 1);
    close(fd);
    cr_assert_eq(commit_number(engine, 5), STORE_IO);
    cr_assert_eq(engine_sync(engine), STORE_IO);
    cr_assert_eq(last_number(engine), 4, "reading goes on");
    engine_close(engine);
    cr_assert_eq(engine_open(&engine, file, &durable), STORE_OK);
    cr_assert_eq(last_number(engine), 3, "what is on the disk for certain");
    cr_assert(engine_rolled_back(engine));
    cr_assert_eq(commit_number(engine, 4), STORE_OK);
    assert_whole(engine);
}

Test(engine_relaxed, lost_commits_are_remembered_until_they_are_forgotten)
{
    open_relaxed();
    cr_assert_not(engine_rolled_back(engine));
    for (unsigned number = 1; number <= 3; number++)
        cr_assert_eq(commit_number(engine, number), STORE_OK);
    all_on_disk();
    fail_power(1, -1);
    engine_close(engine);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(engine_open(&engine, disk, i ? &relaxed : &durable), STORE_OK);
        cr_assert(engine_rolled_back(engine));
        cr_assert_eq(commit_number(engine, last_number(engine) + 1), STORE_OK);
        engine_close(engine);
    }
    cr_assert_eq(engine_open(&engine, disk, &relaxed), STORE_OK);
    cr_assert_eq(commit_number(engine, last_number(engine) + 1), STORE_OK);
    cr_assert_eq(engine_forget_rollback(engine), STORE_OK);
    engine_close(engine);
    cr_assert_eq(engine_open(&engine, disk, &durable), STORE_OK);
    cr_assert_not(engine_rolled_back(engine));
    assert_whole(engine);
}

Test(engine_relaxed, commits_after_a_power_failure_have_ids_of_their_own)
{
    struct snapshot *snapshot;
    uint64_t before;

    open_relaxed();
    for (unsigned number = 1; number <= 30; number++)
        cr_assert_eq(commit_number(engine, number), STORE_OK);
    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    before = snapshot->id;
    engine_snapshot_end(snapshot);
    all_on_disk();
    fail_power(1, -1);
    engine_close(engine);
    cr_assert_eq(engine_open(&engine, disk, &durable), STORE_OK);
    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    cr_assert_gt(snapshot->id, before);
    engine_snapshot_end(snapshot);
}

Test(engine_relaxed, a_checkpoint_of_another_file_is_refused)
{
    char name[96], other[96];

    open_relaxed();
    for (unsigned number = 1; number <= 30; number++)
        cr_assert_eq(commit_number(engine, number), STORE_OK);
    cr_assert_eq(engine_sync(engine), STORE_OK);
    cr_assert_eq(engine_copy(engine, disk, true), STORE_OK);
    {
        struct copy checkpoints = read_copy(with_suffix(name, file, "-checkpoint"));
        checkpoints.bytes[BOOT_AT] ^= 1;
        write_copy(with_suffix(other, disk, "-checkpoint"), checkpoints);
    }
    engine_close(engine);
    cr_assert_eq(engine_open(&engine, disk, &durable), STORE_CORRUPT);
    unlink(other);
    cr_assert_eq(engine_open(&engine, disk, &durable), STORE_OK);
    assert_whole(engine);
}

/* A file that only grows would mean that no page is used anew. */
Test(engine_relaxed, pages_are_used_anew_after_each_checkpoint)
{
    struct store_space space;

    open_relaxed();
    for (unsigned number = 1; number <= 5000; number++) {
        cr_assert_eq(commit_number(engine, number), STORE_OK);
        if (number % 100 == 0)
            cr_assert_eq(engine_sync(engine), STORE_OK);
    }
    cr_assert_eq(engine_space(engine, &space), STORE_OK);
    cr_assert_lt(space.file_bytes, 20u << 20, "%lu bytes", (unsigned long)space.file_bytes);
}

Test(engine_relaxed, a_writer_that_is_far_ahead_of_the_disk_waits_for_it)
{
    struct snapshot *snapshot;
    unsigned number = 0;
    uint64_t newest;

    open_relaxed();
    while (number < 6000 || !engine_behind(engine))
        cr_assert_eq(commit_number(engine, ++number), STORE_OK);
    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    newest = snapshot->id;
    engine_snapshot_end(snapshot);
    cr_assert_gt(engine_durable(engine), newest - 5000);
    cr_assert_eq(engine_sync(engine), STORE_OK);
    cr_assert_geq(engine_durable(engine), newest);
    cr_assert_not(engine_behind(engine));
}
