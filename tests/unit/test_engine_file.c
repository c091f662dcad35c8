/* test_engine_file.c - an engine's file: opening, growing, full disks, other processes, administration. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"

#define MIB (1u << 20)
#define VALUE_SIZE 65520u
#define READER_COUNT 4

static char directory[] = "/tmp/engine_file.XXXXXX";
static char file[64], copy[64];
static struct engine *engine;

static void remove_file(const char *path)
{
    char lock[80];

    snprintf(lock, sizeof lock, "%s-lock", path);
    unlink(path);
    unlink(lock);
}

static void make_directory(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/data", directory);
    snprintf(copy, sizeof copy, "%s/copy", directory);
}

static void remove_directory(void)
{
    engine_close(engine);
    remove_file(file);
    remove_file(copy);
    rmdir(directory);
}

TestSuite(engine_file, .init = make_directory, .fini = remove_directory, .timeout = 60);

static void open_engine(uint64_t map_size)
{
    const struct engine_options options = { .create = true, .map_size = map_size };

    cr_assert_eq(engine_open(&engine, file, &options), STORE_OK);
}

static void reopen_engine(const char *path)
{
    const struct engine_options options = { 0 };

    engine_close(engine);
    cr_assert_eq(engine_open(&engine, path, &options), STORE_OK);
}

/* Puts `count` values under the numbers from `first` on, in one transaction. No assertion:
 * children and threads use it too. */
static int put_values(struct engine *to, unsigned first, unsigned count, size_t size)
{
    struct transaction txn;
    void *space;
    char key[16];
    int code;

    code = engine_begin(&txn, to);
    for (unsigned i = first; code == STORE_OK && i < first + count; i++) {
        snprintf(key, sizeof key, "%08u", i);
        code = engine_reserve(&txn, slice_text(key), size, true, &space);
        if (code == STORE_OK)
            memset(space, (int)i, size);
    }
    if (code == STORE_OK)
        return engine_commit(&txn);
    engine_abort(&txn);
    return code;
}

static bool has_value(struct snapshot *snapshot, unsigned number, size_t size)
{
    struct slice value;
    char key[16];

    snprintf(key, sizeof key, "%08u", number);
    if (engine_get(snapshot, slice_text(key), &value) != STORE_OK || value.size != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (((const unsigned char *)value.data)[i] != (unsigned char)number)
            return false;
    }
    return true;
}

static bool stored(unsigned number, size_t size)
{
    struct snapshot *snapshot;
    bool same;

    cr_assert_eq(engine_snapshot(&snapshot, engine), STORE_OK);
    same = has_value(snapshot, number, size);
    engine_snapshot_end(snapshot);
    return same;
}

static int count_fault(const char *fault, void *payload)
{
    cr_log_info("%s", fault);
    (*(int *)payload)++;
    return 0;
}

static int faults(void)
{
    int count = 0;

    cr_assert_eq(engine_check(engine, count_fault, &count), STORE_OK);
    return count;
}

Test(engine_file, only_create_makes_a_missing_file)
{
    const struct engine_options plain = { 0 }, reading = { .read_only = true };

    cr_assert_eq(engine_open(&engine, file, &plain), STORE_NOT_FOUND);
    cr_assert_eq(engine_open(&engine, file, &reading), STORE_NOT_FOUND);
    cr_assert_null(engine);
    cr_assert_eq(access(file, F_OK), -1);
}

Test(engine_file, a_new_file_has_the_mode_asked_for)
{
    const struct engine_options options = { .create = true, .file_mode = 0600 };
    struct stat status;

    cr_assert_eq(engine_open(&engine, file, &options), STORE_OK);
    cr_assert_eq(stat(file, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0600);
}

Test(engine_file, a_file_that_is_none_of_ours_is_corrupt)
{
    const struct engine_options options = { .create = true };
    char noise[8192];
    int fd = open(file, O_WRONLY | O_CREAT, 0600);

    memset(noise, 'x', sizeof noise);
    cr_assert_eq(write(fd, noise, sizeof noise), (ssize_t)sizeof noise);
    close(fd);
    cr_assert_eq(engine_open(&engine, file, &options), STORE_CORRUPT);
    cr_assert_null(engine);
}

Test(engine_file, opened_for_reading_only_it_refuses_to_write)
{
    const struct engine_options reading = { .read_only = true };
    struct transaction txn;

    open_engine(0);
    cr_assert_eq(put_values(engine, 1, 1, 10), STORE_OK);
    engine_close(engine);
    cr_assert_eq(engine_open(&engine, file, &reading), STORE_OK);
    cr_assert(stored(1, 10));
    cr_assert_eq(engine_begin(&txn, engine), STORE_READ_ONLY);
    cr_assert_eq(engine_sync(engine), STORE_OK);
    cr_assert_eq(faults(), 0);
}

Test(engine_file, without_address_space_it_takes_a_smaller_map)
{
    struct rlimit limit;
    struct store_space space;

    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("sanitizers need the address space");
#endif
    limit.rlim_cur = 1024u * MIB;
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    open_engine(0);
    cr_assert_eq(engine_space(engine, &space), STORE_OK);
    cr_assert_lt(space.map_bytes, limit.rlim_cur);
    cr_assert_geq(space.map_bytes, 64u * MIB);
    cr_assert_eq(put_values(engine, 0, 16, VALUE_SIZE), STORE_OK);
    cr_assert(stored(15, VALUE_SIZE));
}

/* How often the operation ran, as the layer above runs it. */
static int put_until_it_fits(unsigned first, unsigned count)
{
    int code, runs = 0;

    do {
        code = put_values(engine, first, count, VALUE_SIZE);
        runs++;
    } while (code == STORE_FULL && engine_map_full(engine));
    cr_assert_eq(code, STORE_OK);
    return runs;
}

Test(engine_file, a_map_that_is_full_grows_when_the_operation_runs_again)
{
    open_engine(MIB);
    cr_assert_eq(put_until_it_fits(0, 1), 1);
    cr_assert_eq(put_until_it_fits(1, 63), 4, "2 MiB, 4 MiB, 8 MiB");
    for (unsigned i = 0; i < 64; i++)
        cr_assert(stored(i, VALUE_SIZE));
    cr_assert_eq(faults(), 0);
}

Test(engine_file, a_transaction_whose_write_failed_only_aborts)
{
    struct transaction txn;
    struct slice value;
    void *space;

    open_engine(MIB);
    cr_assert_eq(put_values(engine, 0, 1, 10), STORE_OK);
    cr_assert_eq(engine_begin(&txn, engine), STORE_OK);
    cr_assert_eq(engine_put(&txn, slice_text("a"), slice_text("1")), STORE_OK);
    cr_assert_eq(engine_reserve(&txn, slice_text("b"), 2 * MIB, false, &space), STORE_FULL);
    cr_assert_null(space);
    cr_assert(txn.broken);
    cr_assert(engine_map_full(engine));
    cr_assert_eq(engine_put(&txn, slice_text("a"), slice_text("2")), STORE_FULL);
    cr_assert_eq(engine_del(&txn, slice_text("a")), STORE_FULL);
    cr_assert_eq(engine_savepoint(&txn), STORE_FULL);
    cr_assert_eq(engine_commit(&txn), STORE_FULL);
    cr_assert_eq(engine_begin(&txn, engine), STORE_OK, "it has ended");
    cr_assert_eq(engine_get(&txn.view, slice_text("a"), &value), ENGINE_ABSENT);
    engine_abort(&txn);
    cr_assert_not(engine_map_full(engine));
}

static atomic_bool finished;

static void *read_over_and_over(void *payload)
{
    struct snapshot *snapshot;
    bool *good = payload;

    for (*good = true; *good && !atomic_load(&finished);) {
        if (engine_snapshot(&snapshot, engine) != STORE_OK)
            *good = false;
        else
            *good = has_value(snapshot, 0, VALUE_SIZE);
        engine_snapshot_end(*good ? snapshot : NULL);
    }
    return NULL;
}

Test(engine_file, the_map_grows_under_readers_at_work)
{
    pthread_t threads[READER_COUNT];
    bool good[READER_COUNT];
    int runs = 0;

    open_engine(MIB);
    cr_assert_eq(put_until_it_fits(0, 1), 1);
    for (int i = 0; i < READER_COUNT; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_over_and_over, &good[i]), 0);
    for (unsigned i = 1; i < 256; i += 3)
        runs += put_until_it_fits(i, 3);
    atomic_store(&finished, true);
    for (int i = 0; i < READER_COUNT; i++)
        pthread_join(threads[i], NULL);
    cr_assert_geq(runs, 85 + 4);
    for (int i = 0; i < READER_COUNT; i++)
        cr_expect(good[i]);
    cr_assert(stored(255, VALUE_SIZE));
}

/* Makes the file larger than the map of an engine that others have. */
static int outgrow(struct engine *mine)
{
    if (put_values(mine, 100, 128, VALUE_SIZE) != STORE_OK)
        return 1;
    engine_close(mine);
    return 0;
}

static int die_reading(struct engine *mine)
{
    struct snapshot *snapshot;

    return engine_snapshot(&snapshot, mine) != STORE_OK;
}

/* The other process: it begins when told, with an engine of its own. */
static int work_when_told(int told, int (*work)(struct engine *mine))
{
    const struct engine_options options = { .create = true };
    struct engine *mine;
    char go;

    if (read(told, &go, 1) != 1)
        return 2;
    if (engine_open(&mine, file, &options) != STORE_OK)
        return 3;
    return work(mine);
}

/* Opens a small engine here, and lets another process work on its file until it ends. */
static void run_another_process(int (*work)(struct engine *mine))
{
    int tell[2], status;
    pid_t child;

    cr_assert_eq(pipe(tell), 0);
    child = fork();
    if (child == 0)
        _exit(work_when_told(tell[0], work));
    open_engine(MIB);
    cr_assert_eq(put_values(engine, 0, 1, 10), STORE_OK);
    cr_assert_eq(write(tell[1], "g", 1), 1);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 0);
    close(tell[0]);
    close(tell[1]);
}

Test(engine_file, a_reader_follows_a_file_that_outgrew_its_map)
{
    run_another_process(outgrow);
    cr_assert(stored(0, 10));
    cr_assert(stored(227, VALUE_SIZE));
}

Test(engine_file, a_writer_follows_a_file_that_outgrew_its_map)
{
    run_another_process(outgrow);
    cr_assert_eq(put_values(engine, 1, 1, 10), STORE_OK);
    cr_assert(stored(1, 10));
    cr_assert(stored(227, VALUE_SIZE));
    cr_assert_eq(faults(), 0);
}

static void limit_file_size(rlim_t more)
{
    struct rlimit limit;
    struct stat status;

    cr_assert_eq(stat(file, &status), 0);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = more == RLIM_INFINITY ? limit.rlim_max : (rlim_t)status.st_size + more;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(engine_file, a_full_disk_is_an_error_that_passes)
{
    signal(SIGXFSZ, SIG_IGN);
    open_engine(0);
    cr_assert_eq(put_values(engine, 0, 8, VALUE_SIZE), STORE_OK);
    limit_file_size(2 * VALUE_SIZE);
    cr_assert_eq(put_values(engine, 8, 64, VALUE_SIZE), STORE_FULL);
    cr_assert_not(engine_map_full(engine));
    cr_assert(stored(7, VALUE_SIZE));
    cr_assert_not(stored(8, VALUE_SIZE));
    cr_assert_eq(put_values(engine, 100, 1, 10), STORE_OK, "what still fits");
    cr_assert_eq(put_values(engine, 8, 64, VALUE_SIZE), STORE_FULL);
    limit_file_size(RLIM_INFINITY);
    cr_assert_eq(put_values(engine, 8, 64, VALUE_SIZE), STORE_OK);
    cr_assert(stored(71, VALUE_SIZE));
    cr_assert_eq(faults(), 0);
}

Test(engine_file, relaxed_commits_are_there_after_a_sync)
{
    const struct engine_options options = { .create = true, .checkpoints = true, .relaxed = true };

    cr_assert_eq(engine_open(&engine, file, &options), STORE_OK);
    cr_assert_eq(put_values(engine, 0, 3, 10), STORE_OK);
    cr_assert_eq(engine_sync(engine), STORE_OK);
    reopen_engine(file);
    cr_assert(stored(2, 10));
}

/* What a process leaves that is killed between writing its commit's meta page and telling the others. */
static void leave_half_told_commit(uint64_t commit)
{
    enum { PAGE = 4096, NUMBER_AT = 0, COMMIT_AT = 144 };
    unsigned char page[PAGE];
    uint64_t number = (commit + 1) & 1, next = commit + 1, found;
    int fd = open(file, O_RDWR);

    cr_assert_eq(pread(fd, page, PAGE, (off_t)((commit & 1) * PAGE)), PAGE);
    memcpy(&found, page + COMMIT_AT, sizeof found);
    cr_assert_eq(found, commit, "the meta page looks otherwise");
    memcpy(page + NUMBER_AT, &number, sizeof number);
    memcpy(page + COMMIT_AT, &next, sizeof next);
    cr_assert_eq(pwrite(fd, page, PAGE, (off_t)(number * PAGE)), PAGE);
    close(fd);
}

Test(engine_file, is_described_and_checked_beside_a_commit_that_was_killed)
{
    const struct engine_options options = { .create = true, .checkpoints = true };
    struct store_space before, beside;

    cr_assert_eq(engine_open(&engine, file, &options), STORE_OK);
    cr_assert_eq(put_values(engine, 0, 3, 10), STORE_OK);
    cr_assert_eq(engine_space(engine, &before), STORE_OK);
    leave_half_told_commit(before.last_transaction);
    cr_assert_eq(engine_space(engine, &beside), STORE_OK);
    cr_assert_eq(beside.last_transaction, before.last_transaction);
    cr_assert_eq(beside.used_bytes, before.used_bytes);
    cr_assert_eq(faults(), 0);
    cr_assert_eq(put_values(engine, 3, 3, 10), STORE_OK);
    cr_assert_eq(engine_space(engine, &beside), STORE_OK);
    cr_assert_eq(beside.last_transaction, before.last_transaction + 1);
}

Test(engine_file, what_was_deleted_is_reclaimable)
{
    struct store_space full, emptied;
    struct transaction txn;
    char key[16];

    open_engine(0);
    cr_assert_eq(put_values(engine, 0, 64, VALUE_SIZE), STORE_OK);
    cr_assert_eq(engine_space(engine, &full), STORE_OK);
    cr_assert_eq(full.entries, 64);
    cr_assert_geq(full.used_bytes, 64 * VALUE_SIZE);
    cr_assert_leq(full.used_bytes + full.reclaimable_bytes, full.file_bytes);
    cr_assert_eq(engine_begin(&txn, engine), STORE_OK);
    for (unsigned i = 0; i < 64; i++) {
        snprintf(key, sizeof key, "%08u", i);
        cr_assert_eq(engine_del(&txn, slice_text(key)), STORE_OK);
    }
    cr_assert_eq(engine_commit(&txn), STORE_OK);
    cr_assert_eq(engine_space(engine, &emptied), STORE_OK);
    cr_assert_eq(emptied.entries, 0);
    cr_assert_geq(emptied.reclaimable_bytes, 64 * VALUE_SIZE);
    cr_assert_eq(emptied.last_transaction, full.last_transaction + 1);
    cr_assert_gt(emptied.readers, 0);
    cr_assert_gt(emptied.readers_max, 1000);
    cr_assert_eq(faults(), 0);
}

Test(engine_file, a_reader_is_listed_with_what_it_pins)
{
    struct snapshot *old, *newer;
    store_reader_info *list = calloc(1, sizeof *list);
    size_t count = 1;

    open_engine(0);
    cr_assert_eq(put_values(engine, 0, 16, VALUE_SIZE), STORE_OK);
    cr_assert_eq(engine_snapshot(&old, engine), STORE_OK);
    cr_assert_eq(put_values(engine, 0, 16, VALUE_SIZE - 4096), STORE_OK);
    cr_assert_eq(engine_snapshot(&newer, engine), STORE_OK);
    cr_assert_eq(put_values(engine, 0, 1, 10), STORE_OK);
    cr_assert_eq(engine_readers(engine, true, &list, &count), STORE_OK);
    cr_assert_geq(count, 3);
    cr_assert_eq(list[0].pid, 0, "appended behind the first");
    cr_assert_eq(list[count - 2].transaction, old->id);
    cr_assert_eq(list[count - 2].lag, 2);
    cr_assert_geq(list[count - 2].pinned_bytes, 17 * (VALUE_SIZE - 4096));
    cr_assert_eq(list[count - 1].transaction, newer->id);
    cr_assert_eq(list[count - 1].lag, 1);
    cr_assert_geq(list[count - 1].pinned_bytes, VALUE_SIZE - 4096);
    cr_assert_eq(list[count - 1].pid, getpid());
    cr_assert(list[count - 1].alive && list[count - 1].bodies);
    free(list);
    engine_snapshot_end(old);
    engine_snapshot_end(newer);
}

Test(engine_file, readers_that_died_are_listed_and_cleared)
{
    store_reader_info *list = NULL;
    size_t count = 0;
    int cleared;

    run_another_process(die_reading);
    cr_assert_eq(engine_readers(engine, false, &list, &count), STORE_OK);
    cr_assert_gt(count, 0);
    cr_assert_neq(list[count - 1].pid, getpid());
    cr_assert_not(list[count - 1].alive);
    free(list);
    cr_assert_eq(engine_clear_readers(engine, &cleared), STORE_OK);
    cr_assert_eq(cleared, 1);
    cr_assert_eq(engine_clear_readers(engine, &cleared), STORE_OK);
    cr_assert_eq(cleared, 0);
}

Test(engine_file, a_copy_holds_everything)
{
    open_engine(0);
    cr_assert_eq(put_values(engine, 0, 32, VALUE_SIZE), STORE_OK);
    cr_assert_eq(put_values(engine, 0, 31, 10), STORE_OK);
    for (int compact = 0; compact <= 1; compact++) {
        cr_assert_eq(engine_copy(engine, copy, compact), STORE_OK);
        reopen_engine(copy);
        cr_assert(stored(30, 10));
        cr_assert(stored(31, VALUE_SIZE));
        cr_assert_eq(faults(), 0);
        reopen_engine(file);
        remove_file(copy);
    }
}

Test(engine_file, a_compact_copy_is_smaller)
{
    struct stat status;

    open_engine(0);
    cr_assert_eq(put_values(engine, 0, 64, VALUE_SIZE), STORE_OK);
    cr_assert_eq(put_values(engine, 0, 64, 10), STORE_OK);
    cr_assert_eq(engine_copy(engine, copy, true), STORE_OK);
    cr_assert_eq(stat(copy, &status), 0);
    cr_assert_lt(status.st_size, 64 * 1024);
}

Test(engine_file, a_copy_replaces_nothing_and_leaves_nothing_behind_when_it_fails)
{
    struct rlimit limit;
    char text[8] = "";
    int fd = open(copy, O_RDWR | O_CREAT, 0600);

    signal(SIGXFSZ, SIG_IGN);
    open_engine(0);
    cr_assert_eq(put_values(engine, 0, 32, VALUE_SIZE), STORE_OK);
    cr_assert_eq(write(fd, "mine", 4), 4);
    cr_assert_eq(engine_copy(engine, copy, false), STORE_KEY_CONFLICT);
    cr_assert_eq(pread(fd, text, sizeof text, 0), 4);
    close(fd);
    unlink(copy);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = MIB;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int compact = 0; compact <= 1; compact++) {
        cr_assert_eq(engine_copy(engine, copy, compact), STORE_FULL);
        cr_assert_eq(access(copy, F_OK), -1);
    }
}

/* LMDB's meta pages: where the number of the last page is, from the start of each. */
#define LAST_PAGE_OFFSET 136

Test(engine_file, check_finds_a_page_that_is_lost)
{
    struct store_space space;
    uint64_t last;
    int fd;

    open_engine(0);
    cr_assert_eq(put_values(engine, 0, 8, VALUE_SIZE), STORE_OK);
    cr_assert_eq(put_values(engine, 0, 1, 10), STORE_OK);
    cr_assert_eq(engine_space(engine, &space), STORE_OK);
    engine_close(engine);
    fd = open(file, O_RDWR);
    for (int meta = 0; meta < 2; meta++) {
        off_t place = (off_t)space.page_size * meta + LAST_PAGE_OFFSET;
        cr_assert_eq(pread(fd, &last, sizeof last, place), (ssize_t)sizeof last);
        last++;
        cr_assert_eq(pwrite(fd, &last, sizeof last, place), (ssize_t)sizeof last);
    }
    close(fd);
    engine = NULL;
    reopen_engine(file);
    cr_assert_eq(faults(), 1);
}
