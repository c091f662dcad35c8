/* test_collection_times.c - what a collection tells of its entries: when they came and went, how many collections. */
#include "api_test.h"

TestSuite(collection_times, .init = begin_api_test, .fini = end_api_test);

#define LONG_AGO INT64_C(1000000000)

static int set_modified(const char *location, int64_t time, store_txn *txn)
{
    const store_attributes attributes = { .mask = STORE_ATTR_MODIFIED, .modified = time };

    return store_set(NULL, test_store(), location, WITH(.attributes = &attributes, .txn = txn));
}

/* A collection that was modified long ago, as far as one can see. */
static void make_old(const char *location)
{
    assert_ok(make_collection(location, WITH(.flags = STORE_PARENTS)));
    assert_ok(set_modified(location, LONG_AGO, NULL));
}

static bool is_old(const char *location)
{
    return stat_of(location).modified == LONG_AGO;
}

/* Asserts that a call touches /c: its time, and nothing else of it. */
#define assert_touches(call)                                                                    \
    do {                                                                                       \
        assert_ok(set_modified("/c", LONG_AGO, NULL));                                         \
        store_stat before_ = stat_of("/c");                                                    \
        assert_ok(call);                                                                       \
        store_stat now_ = stat_of("/c");                                                       \
        cr_assert_gt(now_.modified, before_.changed, "%s: the time", #call);                   \
        cr_assert_eq(now_.changed, now_.modified);                                             \
        cr_assert_eq(now_.version, before_.version, "%s: the version", #call);                 \
    } while (0)

#define assert_keeps(call)                                                                      \
    do {                                                                                       \
        assert_ok(set_modified("/c", LONG_AGO, NULL));                                         \
        assert_ok(call);                                                                       \
        cr_assert(is_old("/c"), "%s touches the collection", #call);                           \
    } while (0)

Test(collection_times, entries_that_come_and_go_show)
{
    uint64_t id;

    make_old("/c");
    assert_ok(make_collection("/d", NULL));
    assert_touches(put("/c/x", "1", NULL));
    assert_touches(relocate("/c/x", "/c/y", NULL));
    assert_touches(relocate("/c/y", "/d/y", NULL));
    assert_touches(relocate("/d/y", "/c/y", NULL));
    assert_touches(duplicate("/c/y", "/c/z", NULL));
    assert_touches(erase("/c/z", NULL));
    assert_touches(post("/c", "1", NULL));
    assert_touches(make_collection("/c/e", NULL));
    assert_touches(store_put_link(NULL, test_store(), "/c/l", "y", NULL));
    assert_touches(relocate("/c/y", "/d", WITH(.flags = STORE_EXCHANGE)));
    assert_ok(put("/p", "1", NULL));
    assert_touches(relocate("/p", "/c/l", WITH(.flags = STORE_REPLACE)));
    assert_ok(store_reserve_ids(&id, test_store(), 1));
    assert_touches(put("/c/l", "1", WITH(.id = id)));
    assert_touches(erase("/c/e", NULL));
}

Test(collection_times, entries_that_change_do_not_show)
{
    make_old("/c");
    assert_created("/c/x", put("/c/x", "1", NULL));
    assert_keeps(put("/c/x", "2", NULL));
    assert_keeps(store_patch_range(NULL, test_store(), "/c/x", 0, "3", 1, NULL));
    assert_keeps(store_set(NULL, test_store(), "/c/x", WITH(.type = "text/plain")));
    assert_keeps(put("/c/y", "2", WITH(.flags = STORE_DRY_RUN)));
    assert_keeps(duplicate("/c/x", "/x", NULL));
    assert_keeps(erase("/x", NULL));
    assert_code(STORE_KEY_CONFLICT, put("/c/x", "2", WITH(.flags = STORE_NOREPLACE)));
    cr_assert(is_old("/c"));
}

Test(collection_times, a_typed_collection_has_them_too)
{
    assert_ok(define("/c", PEOPLE));
    assert_touches(put("/c/ada", "{}", NULL));
    assert_keeps(patch("/c/ada/age", "1", NULL));
    assert_keeps(put("/c/ada", "{}", WITH(.flags = STORE_REPLACE)));
    assert_touches(patch("/c/ada", J("{'name':'bob'}"), NULL));
    assert_touches(erase("/c/bob", NULL));
    assert_ok(define("/c", "{'schema':{'type':'object','properties':{'name':{'type':'string'}}},'key':['name']}"));
}

Test(collection_times, the_root_has_them_too)
{
    assert_ok(set_modified("/", LONG_AGO, NULL));
    cr_assert(is_old("/"));
    assert_created("/x", put("/x", "1", NULL));
    cr_assert_gt(stat_of("/").modified, LONG_AGO);
    cr_assert_eq(stat_of("/").links, 2);
    assert_ok(make_collection("/c", NULL));
    cr_assert_eq(stat_of("/").links, 3);
}

Test(collection_times, a_time_that_was_set_holds_until_the_next_entry)
{
    int64_t future = stat_of("/").created + INT64_C(3600000000000);
    store_stat stat;

    make_old("/c");
    assert_created("/c/x", put("/c/x", "1", NULL));
    assert_ok(set_modified("/c", future, NULL));
    stat = stat_of("/c");
    cr_assert_eq(stat.modified, future);
    cr_assert_lt(stat.changed, future, "that it was set is now");
    assert_created("/c/y", put("/c/y", "1", NULL));
    cr_assert_lt(stat_of("/c").modified, future);
    assert_ok(set_modified("/c", -5, NULL));
    cr_assert_eq(stat_of("/c").modified, -5);
    assert_created("/d", relocate("/c", "/d", NULL));
    cr_assert_eq(stat_of("/d").modified, -5, "what moves was not modified");
}

Test(collection_times, subcollections_are_counted)
{
    assert_ok(make_collection("/c/d", WITH(.flags = STORE_PARENTS)));
    assert_ok(make_collection("/c/e", NULL));
    assert_created("/c/x", put("/c/x", "1", NULL));
    cr_assert_eq(stat_of("/c").links, 4);
    cr_assert_eq(stat_of("/c/x").links, 1);
    assert_created("/f", relocate("/c/d", "/f", NULL));
    cr_assert_eq(stat_of("/c").links, 3);
    cr_assert_eq(stat_of("/").links, 4);
    assert_created("/g", duplicate("/c", "/g", NULL));
    cr_assert_eq(stat_of("/g").links, 3);
    assert_ok(relocate("/c/x", "/f", WITH(.flags = STORE_EXCHANGE)));
    cr_assert_eq(stat_of("/c").links, 4);
    cr_assert_eq(stat_of("/").links, 4);
    assert_ok(relocate("/c/e", "/c/x", WITH(.flags = STORE_REPLACE)));
    cr_assert_eq(stat_of("/c").links, 3);
    assert_ok(erase("/c", WITH(.flags = STORE_RECURSIVE)));
    cr_assert_eq(stat_of("/").links, 3);
    assert_ok(define("/g/t", PEOPLE));
    cr_assert_eq(stat_of("/g").links, 4);
    cr_assert_eq(stat_of("/g/t").links, 2);
}

Test(collection_times, a_listing_shows_them)
{
    store_entry entry;
    store_iter *iter;

    make_old("/c");
    assert_ok(make_collection("/c/d", NULL));
    assert_ok(store_iter_open(&iter, test_store(), "/", NULL));
    assert_ok(store_iter_next(&entry, iter));
    cr_assert_eq(entry.stat->links, 3);
    cr_assert_eq(entry.stat->modified, stat_of("/c").modified);
    cr_assert_gt(entry.stat->modified, LONG_AGO);
    store_iter_close(iter);
}

Test(collection_times, a_transaction_sees_its_own_and_writes_them_once)
{
    store_stat stat;
    store_txn *txn;

    make_old("/c");
    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(store_make_collection(NULL, test_store(), "/c/d", WITH(.txn = txn)));
    assert_ok(store_make_collection(NULL, test_store(), "/e", WITH(.txn = txn)));
    assert_ok(store_make_collection(NULL, test_store(), "/c/f", WITH(.txn = txn)));
    assert_ok(store_stat_get(&stat, test_store(), "/c", &(store_get_options){ .version = 1, .txn = txn }));
    cr_assert_eq(stat.links, 4);
    assert_code(STORE_KEY_CONFLICT, store_make_collection(NULL, test_store(), "/c/f", WITH(.txn = txn)));
    assert_ok(store_make_collection(NULL, test_store(), "/c/g", WITH(.txn = txn, .flags = STORE_DRY_RUN)));
    assert_ok(set_modified("/c", LONG_AGO, txn));
    assert_ok(store_make_collection(NULL, test_store(), "/h", WITH(.txn = txn)));
    cr_assert_eq(stat_of("/c").links, 2, "others see nothing of it");
    assert_ok(store_commit(txn));
    cr_assert_eq(stat_of("/c").links, 4);
    cr_assert(is_old("/c"), "the time was set last");
    cr_assert_eq(stat_of("/").links, 5);
}

Test(collection_times, what_fails_for_itself_counts_nothing)
{
    assert_ok(define("/c", PEOPLE));
    assert_ok(set_modified("/c", LONG_AGO, NULL));
    assert_ok(post("/c", J("[{'name':'ada','age':'none'}]"), WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.failed, 1);
    cr_assert(is_old("/c"));
    assert_ok(post("/c", J("[{'name':'ada','age':'none'},{'name':'bob'}]"), WITH(.flags = STORE_PARTIAL)));
    cr_assert(!is_old("/c"));
}
