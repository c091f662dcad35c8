/* test_changes.c - many changes of large bodies in one transaction: one commit, right, and all or nothing. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_test.h"

TestSuite(changes, .init = begin_api_test, .fini = end_api_test, .timeout = 120);

enum { CHUNK = 65512, SIZE = 200 * CHUNK + 99, MIB = 1 << 20 };

static char *model, *saved;
static unsigned seed = 11;

static void put_model(void)
{
    model = malloc(SIZE);
    saved = malloc(SIZE);
    cr_assert(model && saved);
    for (size_t i = 0; i < SIZE; i++)
        model[i] = (char)(i * 13 + i / CHUNK);
    assert_ok(store_put(NULL, test_store(), "/a", model, SIZE, NULL));
}

static store_txn *begin(void)
{
    store_txn *txn;

    assert_ok(store_begin(&txn, test_store(), false));
    return txn;
}

static void write_in(store_txn *txn, size_t offset, size_t size)
{
    memset(model + offset, rand_r(&seed), size);
    assert_ok(store_patch_range(NULL, test_store(), "/a", offset, model + offset, size, WITH(.txn = txn)));
}

static void write_somewhere(store_txn *txn, size_t size)
{
    write_in(txn, (size_t)rand_r(&seed) % (SIZE - size), size);
}

static void assert_stream(store_txn *txn, const char *location, const char *expected)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    static char part[MIB];
    store_reader *reader;
    size_t got, at = 0;

    options.txn = txn;
    assert_ok(store_reader_open(&reader, test_store(), location, &options));
    do {
        assert_ok(store_reader_read(&got, reader, part, sizeof part));
        cr_assert(memcmp(part, expected + at, got) == 0, "within %zu bytes from %zu", got, at);
        at += got;
    } while (got > 0);
    store_reader_close(reader);
    cr_assert_eq(at, SIZE);
}

static void assert_model(void)
{
    assert_stream(NULL, "/a", model);
    reopen_store(NULL); /* what was superseded is reclaimed, what is short merged */
    assert_stream(NULL, "/a", model);
}

static uint64_t commits_of_bodies(void)
{
    store_stats stats;

    assert_ok(store_stats_get(&stats, test_store()));
    return stats.bodies_space.last_transaction;
}

static const size_t sizes[] = { 1, 4096, 8160, 8161, 16384, CHUNK, 2 * CHUNK, 300000, MIB, MIB + 1, 3 * MIB };
enum { SIZES = sizeof sizes / sizeof *sizes };

Test(changes, of_any_size_share_a_transaction)
{
    put_model();
    for (int round = 0; round < 3; round++) {
        store_txn *txn = begin();
        for (int i = 0; i < 60; i++)
            write_somewhere(txn, sizes[(size_t)rand_r(&seed) % SIZES]);
        assert_ok(store_commit(txn));
        assert_model();
    }
}

Test(changes, of_the_same_chunks_follow_each_other)
{
    store_txn *txn;

    put_model();
    txn = begin();
    for (int i = 0; i < 200; i++)
        write_in(txn, 5 * CHUNK + (size_t)rand_r(&seed) % CHUNK, sizes[(size_t)rand_r(&seed) % 6]);
    assert_ok(store_commit(txn));
    assert_model();
}

Test(changes, share_a_commit)
{
    uint64_t before;
    store_txn *txn;

    put_model();
    before = commits_of_bodies();
    txn = begin();
    for (size_t i = 0; i < 100; i++)
        write_in(txn, i * CHUNK + 5, 10000);
    assert_ok(store_commit(txn));
    cr_assert_leq(commits_of_bodies() - before, 2);
    assert_model();
}

Test(changes, are_seen_in_their_transaction)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    store_txn *txn;
    size_t size;
    void *body;

    put_model();
    txn = begin();
    for (int i = 0; i < 40; i++) {
        write_somewhere(txn, sizes[(size_t)rand_r(&seed) % SIZES]);
        if (i % 8)
            continue;
        options.txn = txn;
        assert_ok(store_get(&body, &size, NULL, test_store(), "/a", &options));
        cr_assert(size == SIZE && memcmp(body, model, SIZE) == 0);
        store_free(body);
        assert_stream(txn, "/a", model);
    }
    assert_ok(store_commit(txn));
    assert_model();
}

Test(changes, that_fail_or_run_dry_leave_the_others)
{
    static const char zeros[2 * CHUNK];
    store_txn *txn;

    put_model();
    txn = begin();
    for (int i = 0; i < 30; i++) {
        write_somewhere(txn, sizes[(size_t)rand_r(&seed) % SIZES]);
        assert_ok(store_patch_range(NULL, test_store(), "/a", (size_t)i * CHUNK, zeros, sizeof zeros,
                                    WITH(.txn = txn, .flags = STORE_DRY_RUN)));
        assert_code(STORE_PRECONDITION_FAILED,
                    store_patch_range(NULL, test_store(), "/a", (size_t)i * CHUNK, zeros, sizeof zeros,
                                      WITH(.txn = txn, .if_match = &(uint64_t){ 1 }, .if_match_count = 1)));
    }
    assert_ok(store_commit(txn));
    assert_model();
}

Test(changes, vanish_with_an_abort_also_when_they_were_many)
{
    put_model();
    memcpy(saved, model, SIZE);
    for (int round = 0; round < 3; round++) {
        store_txn *txn = begin();
        for (int i = 0; i < 40; i++)
            write_somewhere(txn, MIB);
        store_abort(txn);
        memcpy(model, saved, SIZE);
        write_somewhere(NULL, sizes[1 + 3 * round]);
        memcpy(saved, model, SIZE);
        assert_model();
    }
}

Test(changes, go_with_copies_sizes_and_attributes)
{
    const store_attributes attributes = { .mask = STORE_ATTR_MODIFIED | STORE_ATTR_MODE, .mode = 0640, .modified = 5 };
    store_txn *txn;
    uint64_t version;

    put_model();
    memcpy(saved, model, SIZE);
    version = version_of("/a");
    txn = begin();
    assert_ok(store_patch_range(NULL, test_store(), "/a", 7, memset(model + 7, 'x', 9), 9,
                                WITH(.txn = txn, .if_match = &version, .if_match_count = 1)));
    write_in(txn, 3 * CHUNK, CHUNK);
    memcpy(saved, model, SIZE);
    assert_ok(store_copy(NULL, test_store(), "/a", "/copy", WITH(.txn = txn)));
    write_in(txn, 4 * CHUNK, 2 * CHUNK); /* a body of its own from now on */
    write_in(txn, 9 * CHUNK + 5, 100);
    assert_ok(store_resize(NULL, test_store(), "/a", 100 * CHUNK + 50, WITH(.txn = txn)));
    assert_ok(store_resize(NULL, test_store(), "/a", SIZE, WITH(.txn = txn)));
    memset(model + 100 * CHUNK + 50, 0, SIZE - 100 * CHUNK - 50);
    write_in(txn, 150 * CHUNK, MIB);
    write_in(txn, 100 * CHUNK + 60, 20);
    assert_ok(store_set(NULL, test_store(), "/a", WITH(.txn = txn, .attributes = &attributes)));
    assert_ok(store_commit(txn));
    cr_assert(stat_of("/a").modified == 5 && stat_of("/a").mode == 0640);
    assert_stream(NULL, "/copy", saved);
    assert_model();
    assert_stream(NULL, "/copy", saved);
}

/* For ever: every chunk gets the same byte, another one in each transaction. */
static void stamp_for_ever(const char *path, int told)
{
    static char bytes[20000];
    store_txn *txn;
    store *s;
    bool fine = store_open(&s, path, NULL) == STORE_OK;

    for (int stamp = 1; fine; stamp = stamp % 100 + 1) {
        memset(bytes, stamp, sizeof bytes);
        fine = store_begin(&txn, s, false) == STORE_OK;
        for (size_t i = 0; fine && i < 200; i++)
            fine = store_patch_range(NULL, s, "/a", i * CHUNK + 100, bytes, i % 2 ? 300 : sizeof bytes,
                                     WITH(.txn = txn)) == STORE_OK;
        fine = fine && store_commit(txn) == STORE_OK && write(told, "", 1) == 1;
    }
    _exit(1);
}

static void assert_one_stamp(void)
{
    size_t size;
    char *body;

    assert_ok(store_get((void **)&body, &size, NULL, test_store(), "/a", NULL));
    cr_assert_eq(size, SIZE);
    for (size_t i = 0; i < 200; i++)
        cr_assert(body[i * CHUNK + 100] == body[100] && body[i * CHUNK + 399] == body[100], "chunk %zu", i);
    store_free(body);
}

Test(changes, are_all_there_or_none_when_their_process_is_killed)
{
    char path[4096], byte;
    int told[2], status;

    put_model();
    strcpy(path, store_path(test_store()));
    for (int round = 0; round < 5; round++) {
        close_store();
        cr_assert_eq(pipe(told), 0);
        pid_t child = fork();
        if (child == 0)
            stamp_for_ever(path, told[1]);
        close(told[1]);
        for (int i = 0; i <= round; i++)
            cr_assert_eq(read(told[0], &byte, 1), 1);
        usleep((useconds_t)rand_r(&seed) % 20000); /* somewhere in the next one */
        kill(child, SIGKILL);
        cr_assert_eq(waitpid(child, &status, 0), child);
        close(told[0]);
        reopen_store(NULL);
        assert_one_stamp();
    }
}
