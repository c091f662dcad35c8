/* test_deltas.c - short range writes into large bodies: kept beside the record, merged into the chunks later. */
#include <stdio.h>

#include "api_test.h"

TestSuite(deltas, .init = begin_api_test, .fini = end_api_test);

enum { CHUNK = 65512, SIZE = 5 * CHUNK + 100, MORE = 20000, SHORT = 8000 };

static char model[SIZE + MORE]; /* what /large should be */
static size_t model_size;
static unsigned seed = 1;

static void put_model(size_t size)
{
    for (size_t i = 0; i < size; i++)
        model[i] = (char)('a' + rand_r(&seed) % 26);
    model_size = size;
    assert_ok(store_put(NULL, test_store(), "/large", model, size, WITH(.flags = STORE_REPLACE)));
}

static int write_at(size_t offset, size_t size, store_txn *txn)
{
    static char bytes[3 * CHUNK];

    memset(bytes, 'A' + rand_r(&seed) % 26, size);
    memcpy(model + offset, bytes, size);
    model_size = model_size > offset + size ? model_size : offset + size;
    return store_patch_range(NULL, test_store(), "/large", offset, bytes, size, WITH(.txn = txn));
}

static void write_somewhere(size_t longest, store_txn *txn)
{
    size_t size = 1 + (size_t)rand_r(&seed) % longest;

    assert_ok(write_at((size_t)rand_r(&seed) % (SIZE + MORE - size), size, txn));
}

static bool is_model(store_txn *txn)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    size_t size;
    void *body;

    options.txn = txn;
    assert_ok(store_get(&body, &size, NULL, test_store(), "/large", &options));
    bool same = size == model_size && memcmp(body, model, size) == 0;
    store_free(body);
    return same;
}

static uint64_t last_commit_of_bodies(void)
{
    store_stats stats;

    assert_ok(store_stats_get(&stats, test_store()));
    return stats.bodies_space.last_transaction;
}

/* The end of a handle merges them. */
static void assert_model_now_and_merged(void)
{
    cr_assert(is_model(NULL));
    reopen_store(NULL);
    cr_assert(is_model(NULL), "merged");
}

Test(deltas, are_read_and_merged_wherever_they_were_written)
{
    put_model(SIZE);
    for (int round = 0; round < 5; round++) {
        uint64_t before = last_commit_of_bodies();
        for (int i = 0; i < 60; i++)
            write_somewhere(SHORT, NULL);
        cr_assert_lt(last_commit_of_bodies(), before + 30, "a commit of the bodies for each");
        assert_model_now_and_merged();
        cr_assert_gt(last_commit_of_bodies(), before, "nothing was merged");
    }
}

Test(deltas, go_with_long_range_writes_in_any_order)
{
    put_model(SIZE);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20; i++)
            write_somewhere(i % 3 == 0 ? 2 * CHUNK : SHORT, NULL);
        assert_model_now_and_merged();
    }
}

Test(deltas, need_not_be_merged_to_be_many)
{
    store_txn *txn;

    put_model(SIZE);
    assert_ok(store_begin(&txn, test_store(), false));
    for (int i = 0; i < 5000; i++)
        write_somewhere(10, txn);
    cr_assert(is_model(txn));
    assert_ok(store_commit(txn));
    assert_model_now_and_merged();
}

Test(deltas, fill_holes)
{
    put_model(20000);
    model_size = 3 * CHUNK + 7;
    memset(model + 20000, 0, model_size - 20000);
    assert_ok(write_at(model_size, 10, NULL)); /* far behind the end */
    assert_ok(write_at(CHUNK + 100, 50, NULL));
    assert_ok(write_at(2 * CHUNK - 5, 10, NULL));
    assert_model_now_and_merged();
}

Test(deltas, show_in_views_readers_and_parts)
{
    store_reader *reader;
    store_view view;
    size_t got;
    char part[30];

    put_model(20000);
    assert_ok(write_at(100, 10, NULL));
    assert_ok(store_view_open(&view, test_store(), "/large", NULL));
    cr_assert(view.size == 20000 && memcmp(view.body, model, 20000) == 0);
    store_view_close(&view);
    assert_ok(store_reader_open(&reader, test_store(), "/large", NULL));
    assert_ok(store_reader_seek(reader, 95));
    assert_ok(store_reader_read(&got, reader, part, sizeof part));
    cr_assert(got == 30 && memcmp(part, model + 95, 30) == 0);
    store_reader_close(reader);
    assert_ok(store_read(&got, test_store(), "/large", part, sizeof part, 105, NULL));
    cr_assert(got == 30 && memcmp(part, model + 105, 30) == 0);
}

Test(deltas, of_later_versions_are_not_seen_by_an_open_reader)
{
    static char before[SIZE], read[SIZE];
    store_reader *reader;
    size_t got, at = 0;
    int rc = STORE_OK;

    put_model(SIZE);
    assert_ok(write_at(70000, 100, NULL));
    memcpy(before, model, SIZE);
    assert_ok(store_reader_open(&reader, test_store(), "/large", NULL));
    while (rc == STORE_OK && at < SIZE) {
        assert_ok(write_at(at + 20, 100, NULL));
        rc = store_reader_read(&got, reader, read + at, 60000);
        at += rc == STORE_OK ? got : 0;
    }
    store_reader_close(reader);
    cr_assert(rc == STORE_OK || rc == STORE_PRECONDITION_FAILED);
    cr_assert(memcmp(read, before, at) == 0, "a mixture of versions");
    cr_assert(is_model(NULL));
}

Test(deltas, of_a_snapshot_stay_readable_while_newer_ones_are_merged)
{
    static char before[SIZE];
    store_get_options options = STORE_GET_OPTIONS_INIT;
    store_txn *txn;
    size_t size;
    void *body;

    put_model(SIZE);
    assert_ok(write_at(70000, 100, NULL));
    memcpy(before, model, SIZE);
    assert_ok(store_begin(&txn, test_store(), true));
    for (int i = 0; i < 2500; i++) /* more than the caretaker leaves alone */
        assert_ok(write_at((size_t)rand_r(&seed) % (SIZE - 5), 5, NULL));
    options.txn = txn;
    assert_ok(store_get(&body, &size, NULL, test_store(), "/large", &options));
    cr_assert(size == SIZE && memcmp(body, before, SIZE) == 0);
    store_free(body);
    store_abort(txn);
    assert_model_now_and_merged();
}

Test(deltas, of_a_copy_or_its_original_are_its_own)
{
    static char before[SIZE];
    char *copy;

    put_model(SIZE);
    assert_ok(write_at(500, 100, NULL));
    memcpy(before, model, SIZE);
    assert_ok(store_copy(NULL, test_store(), "/large", "/copy", NULL));
    assert_ok(write_at(700, 100, NULL));
    for (int i = 0; i < 2; i++) {
        copy = body_text("/copy");
        cr_assert(memcmp(copy, before, SIZE) == 0);
        free(copy);
        assert_model_now_and_merged();
    }
}

Test(deltas, vanish_with_an_abort_and_with_their_body)
{
    static char before[SIZE];
    store_txn *txn;

    put_model(SIZE);
    assert_ok(write_at(10, 20, NULL));
    memcpy(before, model, SIZE);
    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(write_at(40, 20, txn));
    cr_assert(is_model(txn));
    store_abort(txn);
    memcpy(model, before, SIZE);
    cr_assert(is_model(NULL));
    assert_ok(store_delete(NULL, test_store(), "/large", NULL));
    put_model(SIZE);
    assert_model_now_and_merged(); /* the end of the test checks the store for what is left over */
}
