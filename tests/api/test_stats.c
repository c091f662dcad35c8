/* test_stats.c - store_stats_get and store_readers. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(stats, .init = begin_test, .fini = end_test, .timeout = 60);

static store_stats stats_now(void)
{
    store_stats stats;

    assert_ok(store_stats_get(&stats, test_store()));
    return stats;
}

Test(stats, a_new_store_holds_its_root)
{
    store_stats stats = stats_now();

    cr_assert_eq(stats.collections, 1);
    cr_assert_eq(stats.objects, 0);
    cr_assert_eq(stats.body_bytes, 0);
    cr_assert_eq(stats.changes, 1);
    cr_assert_eq(stats.oldest_change, 1);
    cr_assert_eq(stats.last_version, 1);
    cr_assert_gt(stats.objects_space.file_bytes, 0);
    cr_assert_gt(stats.objects_space.page_size, 0);
}

Test(stats, every_kind_of_node_is_counted)
{
    static const char definition[] = "{\"key\":[\"k\"],\"unique\":[[\"u\"]],\"schema\":{\"type\":\"object\","
                                     "\"properties\":{\"k\":{\"type\":\"string\"},\"u\":{\"type\":\"string\"}}}}";
    char *large = calloc(1, 200000);
    store_stats stats;

    cr_assert_not_null(large);
    assert_ok(store_make_collection(NULL, test_store(), "/c", NULL));
    assert_ok(store_put(NULL, test_store(), "/c/small", "12345", 5, NULL));
    assert_ok(store_put(NULL, test_store(), "/c/large", large, 200000, NULL));
    assert_ok(store_copy(NULL, test_store(), "/c/large", "/c/shared", NULL));
    assert_ok(store_put_link(NULL, test_store(), "/c/link", "to", NULL));
    assert_ok(store_define(NULL, test_store(), "/t", definition, sizeof definition - 1, NULL));
    assert_ok(store_put(NULL, test_store(), "/t/a", "{\"u\":\"1\"}", 9, NULL));
    assert_ok(store_put(NULL, test_store(), "/t/b", "{\"u\":\"2\"}", 9, NULL));
    free(large);
    stats = stats_now();
    cr_assert_eq(stats.collections, 3);
    cr_assert_eq(stats.typed_collections, 1);
    cr_assert_eq(stats.objects, 5);
    cr_assert_eq(stats.links, 1);
    cr_assert_eq(stats.inline_objects, 4);
    cr_assert_eq(stats.chunked_objects, 2);
    cr_assert_eq(stats.chunks, 4);
    cr_assert_eq(stats.index_entries, 2);
    cr_assert_gt(stats.body_bytes, 400000);
    cr_assert_geq(stats.changes, 9);
    cr_assert_eq(stats.staged_uploads, 0);
    cr_assert_gt(stats.bodies_space.overflow_pages, 0);
}

Test(stats, what_was_deleted_does_not_count)
{
    store_request recursive = STORE_REQUEST_INIT;
    store_stats stats;

    recursive.flags = STORE_RECURSIVE;
    assert_ok(store_make_collection(NULL, test_store(), "/c", NULL));
    assert_ok(store_make_collection(NULL, test_store(), "/c/d", NULL));
    assert_ok(store_put(NULL, test_store(), "/c/d/o", "1", 1, NULL));
    assert_ok(store_delete(NULL, test_store(), "/c", &recursive));
    stats = stats_now();
    cr_assert_eq(stats.collections, 1);
    cr_assert_eq(stats.objects, 0);
    cr_assert_leq(stats.garbage_collections, 2);
}

Test(stats, an_upload_under_way_is_staged)
{
    static char part[1 << 20];
    store_writer *writer;

    assert_ok(store_writer_open(&writer, test_store(), "/upload", NULL));
    for (int i = 0; i < 12; i++)
        assert_ok(store_writer_write(writer, part, sizeof part));
    cr_assert_eq(stats_now().staged_uploads, 1);
    assert_ok(store_writer_commit(NULL, writer));
    store_writer_close(writer);
    cr_assert_eq(stats_now().staged_uploads, 0);
    cr_assert_eq(stats_now().chunked_objects, 1);
}

Test(stats, a_transaction_that_reads_is_listed_with_its_lag)
{
    store_reader_info *readers;
    size_t count;
    store_txn *txn;
    bool found = false;

    assert_ok(store_begin(&txn, test_store(), true));
    for (int i = 0; i < 3; i++)
        assert_ok(store_put(NULL, test_store(), "/a", "1", 1, NULL));
    assert_ok(store_readers(&readers, &count, test_store()));
    for (size_t i = 0; i < count; i++)
        found |= !readers[i].bodies && readers[i].pid == getpid() && readers[i].lag >= 3 && readers[i].alive;
    cr_assert(found, "%zu readers, none is this transaction", count);
    store_free(readers);
    store_abort(txn);
}
