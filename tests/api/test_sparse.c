/* test_sparse.c - bodies with holes: range writes beyond the end, undone ones, very large offsets. */
#include <string.h>

#include "api_test.h"

TestSuite(sparse, .init = begin_api_test, .fini = end_api_test, .timeout = 60);

enum { BODY = 100000, FAR = 1000000, BETWEEN = 300000 };

/* /a: BODY bytes of 'a', a gap, and "end" at FAR. */
static void make_hole(void)
{
    char *body = malloc(BODY);

    memset(body, 'a', BODY);
    assert_ok(store_put(fresh_answer(), test_store(), "/a", body, BODY, NULL));
    assert_ok(store_patch_range(fresh_answer(), test_store(), "/a", FAR, "end", 3, NULL));
    free(body);
}

static void assert_hole(void)
{
    size_t size;
    void *body;

    assert_ok(store_get(&body, &size, NULL, test_store(), "/a", NULL));
    cr_assert_eq(size, FAR + 3);
    for (size_t i = 0; i < FAR; i++)
        cr_assert_eq(((char *)body)[i], i < BODY ? 'a' : 0, "byte %zu", i);
    cr_assert_arr_eq((char *)body + FAR, "end", 3);
    store_free(body);
}

Test(sparse, a_gap_reads_as_zero_bytes)
{
    make_hole();
    assert_hole();
}

Test(sparse, a_dry_range_write_into_a_hole_leaves_the_object_readable)
{
    make_hole();
    assert_unchanged(store_patch_range(fresh_answer(), test_store(), "/a", BETWEEN, "x", 1,
                                       WITH(.flags = STORE_DRY_RUN)));
    assert_hole();
}

Test(sparse, an_aborted_range_write_into_a_hole_never_comes_to_light)
{
    store_txn *txn;

    make_hole();
    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(store_patch_range(fresh_answer(), test_store(), "/a", BETWEEN, "x", 1, WITH(.txn = txn)));
    assert_ok(store_patch_range(fresh_answer(), test_store(), "/a", BETWEEN + BODY, "y", 1, WITH(.txn = txn)));
    store_abort(txn);
    assert_hole();
    /* A later write elsewhere must not publish them either. */
    assert_ok(store_patch_range(fresh_answer(), test_store(), "/a", FAR, "end", 3, NULL));
    assert_hole();
}

Test(sparse, a_reading_transaction_sees_the_hole_that_was_filled_since)
{
    const store_get_options *options;
    store_get_options in_txn = STORE_GET_OPTIONS_INIT;
    char byte = 'x';
    size_t size;

    make_hole();
    assert_ok(store_begin(&in_txn.txn, test_store(), true));
    options = &in_txn;
    assert_ok(store_patch_range(fresh_answer(), test_store(), "/a", BETWEEN, "x", 1, NULL));
    assert_ok(store_read(&size, test_store(), "/a", &byte, 1, BETWEEN, options));
    cr_assert_eq(byte, 0);
    assert_ok(store_read(&size, test_store(), "/a", &byte, 1, BETWEEN, NULL));
    cr_assert_eq(byte, 'x');
    store_abort(in_txn.txn);
}

Test(sparse, a_small_object_grows_far_without_taking_the_space)
{
    const uint64_t far = 50000000000;
    store_stats stats;
    char bytes[3];
    size_t size;

    assert_ok(store_put(fresh_answer(), test_store(), "/b", "small", 5, NULL));
    assert_ok(store_patch_range(fresh_answer(), test_store(), "/b", far, "X", 1, NULL));
    cr_assert_eq(stat_of("/b").size, far + 1);
    assert_ok(store_read(&size, test_store(), "/b", bytes, 3, far - 1, NULL));
    cr_assert_eq(size, 2);
    cr_assert_arr_eq(bytes, "\0X", 2);
    assert_ok(store_read(&size, test_store(), "/b", bytes, 3, 3, NULL));
    cr_assert_arr_eq(bytes, "ll\0", 3);
    assert_ok(store_stats_get(&stats, test_store()));
    cr_assert_lt(stats.bodies_space.file_bytes, 10u << 20);
}

Test(sparse, a_range_beyond_what_a_body_can_be_is_too_large)
{
    make_hole();
    assert_refused(STORE_TOO_LARGE,
                   store_patch_range(fresh_answer(), test_store(), "/a", 400000000000000, "x", 1, NULL));
    assert_refused(STORE_TOO_LARGE, store_patch_range(fresh_answer(), test_store(), "/a", UINT64_MAX, "x", 1, NULL));
}
