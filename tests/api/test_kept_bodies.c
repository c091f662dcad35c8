/* test_kept_bodies.c - large bodies of an explicit transaction: in memory until it needs them or commits. */
#include <stdio.h>

#include "api_test.h"

TestSuite(kept_bodies, .init = begin_api_test, .fini = end_api_test);

enum { SIZE = 16384, MANY = 600 }; /* together more than the transaction keeps in memory */

static char bytes[SIZE + 1];

static store_txn *writing(void)
{
    store_txn *txn;

    assert_ok(store_begin(&txn, test_store(), false));
    return txn;
}

/* SIZE bytes that tell the number. */
static const char *text_of(int number)
{
    char mark[16];
    size_t size = (size_t)snprintf(mark, sizeof mark, "%08d", number);

    for (size_t at = 0; at < SIZE; at += size)
        memcpy(bytes + at, mark, size);
    return bytes;
}

static const char *place_of(int number)
{
    static char location[32];

    snprintf(location, sizeof location, "/%d", number);
    return location;
}

static int put_in(store_txn *txn, int number)
{
    return store_put(NULL, test_store(), place_of(number), text_of(number), SIZE, WITH(.txn = txn));
}

static void assert_number_in(store_txn *txn, const char *location, int number)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    size_t size;
    void *body;

    options.txn = txn;
    assert_ok(store_get(&body, &size, NULL, test_store(), location, &options));
    bool same = size == SIZE && memcmp(body, text_of(number), SIZE) == 0;
    store_free(body);
    cr_assert(same, "%s", location);
}

static store_stats stats(void)
{
    store_stats found;

    assert_ok(store_stats_get(&found, test_store()));
    return found;
}

Test(kept_bodies, share_one_commit)
{
    uint64_t before = stats().bodies_space.last_transaction;
    store_txn *txn = writing();

    for (int i = 0; i < 100; i++)
        assert_ok(put_in(txn, i));
    assert_ok(store_commit(txn));
    cr_assert_leq(stats().bodies_space.last_transaction - before, 2); /* one for their ids */
    for (int i = 0; i < 100; i++)
        assert_number_in(NULL, place_of(i), i);
}

Test(kept_bodies, can_be_more_than_memory_is_given_to)
{
    store_txn *txn = writing();

    for (int i = 0; i < MANY; i++)
        assert_ok(put_in(txn, i));
    assert_ok(store_commit(txn));
    for (int i = 0; i < MANY; i++)
        assert_number_in(NULL, place_of(i), i);
}

Test(kept_bodies, leave_nothing_when_the_transaction_is_aborted)
{
    store_txn *txn = writing();

    for (int i = 0; i < MANY; i++)
        assert_ok(put_in(txn, i));
    store_abort(txn);
    assert_missing("/0");
    cr_assert_eq(stats().staged_uploads, 0);
    assert_ok(put_in(NULL, 1));
    assert_number_in(NULL, "/1", 1);
}

static void read_by_get(store_txn *txn)
{
    assert_number_in(txn, "/1", 1);
}

static void read_by_view(store_txn *txn)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    store_view view;

    options.txn = txn;
    assert_ok(store_view_open(&view, test_store(), "/1", &options));
    cr_assert(view.size == SIZE && memcmp(view.body, text_of(1), SIZE) == 0);
    store_view_close(&view);
}

static void read_by_reader(store_txn *txn)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    static char back[SIZE];
    store_reader *reader;
    size_t got;

    options.txn = txn;
    assert_ok(store_reader_open(&reader, test_store(), "/1", &options));
    assert_ok(store_reader_read(&got, reader, back, SIZE));
    store_reader_close(reader);
    cr_assert(got == SIZE && memcmp(back, text_of(1), SIZE) == 0);
}

static void read_a_part(store_txn *txn)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    char part[8];
    size_t got;

    options.txn = txn;
    assert_ok(store_read(&got, test_store(), "/1", part, sizeof part, 4, &options));
    cr_assert(got == 8 && memcmp(part, "00010000", 8) == 0);
}

Test(kept_bodies, are_read_before_the_commit)
{
    static void (*const ways[])(store_txn *txn) = { read_by_get, read_by_view, read_by_reader, read_a_part };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        store_txn *txn = writing();
        assert_ok(put_in(txn, 1));
        assert_ok(put_in(txn, 2));
        ways[i](txn);
        assert_ok(put_in(txn, 3));
        assert_ok(store_commit(txn));
        for (int number = 1; number <= 3; number++)
            assert_number_in(NULL, place_of(number), number);
    }
}

Test(kept_bodies, are_copied_moved_patched_replaced_and_deleted_before_the_commit)
{
    store_txn *txn = writing();

    for (int i = 1; i <= 5; i++)
        assert_ok(put_in(txn, i));
    assert_ok(store_copy(NULL, test_store(), "/1", "/copy", WITH(.txn = txn)));
    assert_ok(store_move(NULL, test_store(), "/2", "/moved", WITH(.txn = txn)));
    assert_ok(store_patch_range(NULL, test_store(), "/3", 0, text_of(30), SIZE, WITH(.txn = txn)));
    assert_ok(store_put(NULL, test_store(), "/4", text_of(40), SIZE, WITH(.txn = txn, .flags = STORE_REPLACE)));
    assert_ok(store_delete(NULL, test_store(), "/5", WITH(.txn = txn)));
    assert_ok(store_commit(txn));
    assert_number_in(NULL, "/1", 1);
    assert_number_in(NULL, "/copy", 1);
    assert_number_in(NULL, "/moved", 2);
    assert_number_in(NULL, "/3", 30);
    assert_number_in(NULL, "/4", 40);
    assert_missing("/5");
}

Test(kept_bodies, of_a_verb_that_fails_or_runs_dry_go_and_the_others_stay)
{
    store_txn *txn = writing();

    assert_ok(put_in(txn, 1));
    assert_ok(store_put(NULL, test_store(), "/dry", text_of(9), SIZE, WITH(.txn = txn, .flags = STORE_DRY_RUN)));
    assert_code(STORE_PRECONDITION_FAILED,
                store_put(NULL, test_store(), "/refused", text_of(9), SIZE, WITH(.txn = txn, .flags = STORE_IF_MATCH_ANY)));
    assert_ok(put_in(txn, 2));
    assert_ok(store_commit(txn));
    assert_number_in(NULL, "/1", 1);
    assert_number_in(NULL, "/2", 2);
    assert_missing("/dry");
    assert_missing("/refused");
    cr_assert_eq(stats().garbage_bodies, 0);
}

Test(kept_bodies, come_by_a_writer_too)
{
    store_txn *txn = writing();
    store_writer *writer;

    for (int i = 0; i < 3; i++) {
        assert_ok(store_writer_open(&writer, test_store(), place_of(i), WITH(.txn = txn)));
        assert_ok(store_writer_write(writer, text_of(i), SIZE));
        assert_ok(store_writer_commit(NULL, writer));
        store_writer_close(writer);
    }
    assert_ok(store_commit(txn));
    for (int i = 0; i < 3; i++)
        assert_number_in(NULL, place_of(i), i);
}
