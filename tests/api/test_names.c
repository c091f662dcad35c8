/* test_names.c - store_link: several names for one node. */
#include <sys/stat.h>

#include "api_test.h"

TestSuite(names, .init = begin_api_test, .fini = end_api_test);

static int name(const char *existing, const char *location, const store_request *request)
{
    return store_link(fresh_answer(), test_store(), existing, location, request);
}

/* /a and /d/b are one object. */
static void two_names(void)
{
    assert_created("/a", put("/a", "one", WITH(.type = "text/x")));
    assert_created("/d/b", name("/a", "/d/b", WITH(.flags = STORE_PARENTS)));
}

static void assert_same_node(const char *a, const char *b, uint64_t links)
{
    store_stat first = stat_of(a), second = stat_of(b);

    cr_assert_eq(first.id, second.id);
    cr_assert_eq(first.version, second.version);
    cr_assert_eq(first.changed, second.changed);
    cr_assert_eq(first.links, links);
    cr_assert_eq(second.links, links);
}

static char *large_text(void)
{
    char *text = calloc(1, 200001);

    cr_assert_not_null(text);
    memset(text, 'x', 200000);
    return text;
}

Test(names, a_second_name_is_the_same_node)
{
    store_stat before;

    assert_created("/a", put("/a", "one", WITH(.type = "text/x")));
    before = stat_of("/a");
    cr_assert_eq(before.links, 1);
    assert_created("/b", name("/a", "/b", NULL));
    assert_same_node("/a", "/b", 2);
    cr_assert_eq(stat_of("/b").id, before.id);
    cr_assert_eq(stat_of("/b").modified, before.modified);
    cr_assert_gt(stat_of("/b").version, before.version);
    assert_body("/b", "one");
    cr_assert_str_eq(stat_of("/b").type, "text/x");
    assert_created("/c", name("/b", "/c", NULL));
    assert_same_node("/a", "/c", 3);
    assert_names("a b c", "/", NULL);
}

Test(names, what_is_done_at_one_shows_at_all)
{
    const store_attributes attributes = { .mask = STORE_ATTR_MODE, .mode = 0600 };
    char *large = large_text(), *text;
    void *value;
    size_t size;

    two_names();
    assert_updated("/d/b", put("/d/b", "two", NULL));
    assert_body("/a", "two");
    assert_updated("/a", put("/a", large, NULL));
    assert_body("/d/b", large);
    assert_updated("/d/b", store_patch_range(fresh_answer(), test_store(), "/d/b", 100000, "yyy", 3, NULL));
    memcpy(large + 100000, "yyy", 3);
    assert_body("/a", large);
    assert_updated("/d/b", store_resize(fresh_answer(), test_store(), "/d/b", 150000, NULL));
    large[150000] = '\0';
    assert_body("/a", large);
    assert_updated("/a", store_resize(fresh_answer(), test_store(), "/a", 3, NULL));
    assert_body("/d/b", "xxx");
    assert_updated("/a", put("/a", "small", NULL));
    text = body_text("/d/b");
    cr_assert_str_eq(text, "small");
    free(text);
    assert_updated("/a", store_set(fresh_answer(), test_store(), "/a", WITH(.attributes = &attributes)));
    cr_assert_eq(stat_of("/d/b").mode, 0600);
    assert_updated("/d/b", store_meta_set(fresh_answer(), test_store(), "/d/b", "color", "red", 3, NULL));
    assert_ok(store_meta_get(&value, &size, test_store(), "/a", "color", NULL));
    cr_assert_str_eq((char *)value, "red");
    store_free(value);
    assert_same_node("/a", "/d/b", 2);
    free(large);
}

Test(names, listings_show_the_node)
{
    store_iter *iter;
    store_entry entry;

    two_names();
    assert_ok(store_iter_open(&iter, test_store(), "/d", LIST(.bodies = true)));
    assert_ok(store_iter_next(&entry, iter));
    cr_assert_str_eq(entry.name, "b");
    cr_assert_eq(entry.stat->kind, STORE_OBJECT);
    cr_assert_eq(entry.stat->links, 2);
    cr_assert_eq(entry.stat->id, stat_of("/a").id);
    cr_assert_str_eq((const char *)entry.body, "one");
    store_iter_close(iter);
}

Test(names, delete_takes_one_away_and_the_last_with_the_node)
{
    char *large = large_text();
    uint64_t version;

    two_names();
    assert_updated("/a", put("/a", large, NULL));
    version = stat_of("/a").version;
    assert_deleted("/a", erase("/a", NULL));
    assert_body("/d/b", large);
    cr_assert_eq(stat_of("/d/b").links, 1);
    cr_assert_eq(stat_of("/d/b").version, version);
    assert_created("/c", name("/d/b", "/c", NULL));
    assert_same_node("/d/b", "/c", 2);
    assert_deleted("/c", erase("/c", NULL));
    assert_deleted("/d/b", erase("/d/b", NULL));
    assert_names("d", "/", NULL);
    free(large);
}

Test(names, of_links_and_special_nodes)
{
    assert_ok(store_put_link(fresh_answer(), test_store(), "/link", "target", NULL));
    assert_created("/link2", name("/link", "/link2", NULL));
    cr_assert_eq(stat_of("/link2").kind, STORE_LINK);
    assert_body("/link2", "target");
    assert_ok(store_put_special(fresh_answer(), test_store(), "/tty", S_IFCHR, 1025, NULL));
    assert_created("/tty2", name("/tty", "/tty2", NULL));
    cr_assert_eq(stat_of("/tty2").device, 1025);
    assert_same_node("/tty", "/tty2", 2);
    assert_deleted("/tty", erase("/tty", NULL));
    assert_deleted("/tty2", erase("/tty2", NULL));
}

Test(names, what_cannot_have_another_is_refused)
{
    uint64_t other = 1;

    two_names();
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", "{}", NULL));
    assert_refused(STORE_NOT_FOUND, name("/x", "/y", NULL));
    assert_refused(STORE_KEY_CONFLICT, name("/a", "/d/b", NULL));
    assert_refused(STORE_KEY_CONFLICT, name("/a", "/a", NULL));
    assert_refused(STORE_KEY_CONFLICT, name("/a", "/d", NULL));
    assert_refused(STORE_KIND_CONFLICT, name("/d", "/e", NULL));
    assert_refused(STORE_KIND_CONFLICT, name("/a", "/e/", NULL));
    assert_refused(STORE_KIND_CONFLICT, name("/a/", "/e", NULL));
    assert_refused(STORE_KIND_CONFLICT, name("/a", "/people/bob", NULL));
    assert_refused(STORE_KIND_CONFLICT, name("/people/ada", "/e", NULL));
    assert_refused(STORE_PROPERTY_TARGET, name("/people/ada/name", "/e", NULL));
    assert_refused(STORE_NO_COLLECTION, name("/a", "/x/y", NULL));
    assert_refused(STORE_BAD_ARGUMENT, name("/a", "/", NULL));
    assert_refused(STORE_BAD_ARGUMENT, name("/a", "/e", WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_PRECONDITION_FAILED, name("/a", "/e", WITH(.if_match = &other, .if_match_count = 1)));
    assert_unchanged(name("/a", "/e", WITH(.flags = STORE_DRY_RUN)));
}

Test(names, have_no_place_in_a_typed_collection)
{
    assert_ok(define("/people", PEOPLE));
    assert_created("/p/ada", put("/p/ada", J("{'name':'ada'}"), WITH(.flags = STORE_PARENTS)));
    assert_created("/p/bob", put("/p/bob", J(PERSON("bob")), NULL));
    assert_created("/other", name("/p/bob", "/other", NULL));
    assert_refused(STORE_INVALID_VALUE, define("/p", PEOPLE));
    assert_refused(STORE_KIND_CONFLICT, relocate("/p/bob", "/people/bob", NULL));
    assert_created("/people/bob", duplicate("/p/bob", "/people/bob", NULL));
    assert_refused(STORE_KIND_CONFLICT, relocate("/p/bob", "/people/bob", WITH(.flags = STORE_EXCHANGE)));
    assert_same_node("/p/bob", "/other", 2);
}

Test(names, move_changes_one_of_them)
{
    two_names();
    assert_created("/c", relocate("/a", "/c", NULL));
    assert_missing("/a");
    assert_same_node("/c", "/d/b", 2);
    assert_created("/e", relocate("/d", "/e", NULL));
    assert_same_node("/c", "/e/b", 2);
    assert_body("/e/b", "one");
    assert_updated("/e/b", put("/e/b", "two", NULL));
    assert_body("/c", "two");
}

Test(names, move_onto_another_of_the_same_node_does_nothing)
{
    two_names();
    assert_refused(STORE_KEY_CONFLICT, relocate("/a", "/d/b", NULL));
    assert_unchanged(relocate("/a", "/d/b", WITH(.flags = STORE_REPLACE)));
    assert_unchanged(relocate("/a", "/d/b", WITH(.flags = STORE_EXCHANGE)));
}

Test(names, what_replaces_one_leaves_the_others)
{
    two_names();
    assert_created("/x", put("/x", "x", NULL));
    assert_outcome(STORE_UPDATED, "/a", relocate("/x", "/a", WITH(.flags = STORE_REPLACE)));
    assert_body("/a", "x");
    assert_body("/d/b", "one");
    cr_assert_eq(stat_of("/d/b").links, 1);
    assert_created("/c", name("/d/b", "/c", NULL));
    assert_outcome(STORE_UPDATED, "/c", store_put_link(fresh_answer(), test_store(), "/c", "target", NULL));
    cr_assert_eq(stat_of("/c").kind, STORE_LINK);
    cr_assert_eq(stat_of("/c").links, 1);
    assert_body("/d/b", "one");
    cr_assert_eq(stat_of("/d/b").links, 1);
}

Test(names, trade_places_with_another_node)
{
    two_names();
    assert_created("/x", put("/x", "x", NULL));
    assert_ok(relocate("/d/b", "/x", WITH(.flags = STORE_EXCHANGE)));
    assert_body("/d/b", "x");
    assert_same_node("/a", "/x", 2);
    assert_created("/y", name("/d/b", "/y", NULL));
    assert_ok(relocate("/y", "/x", WITH(.flags = STORE_EXCHANGE)));
    assert_same_node("/a", "/y", 2);
    assert_same_node("/d/b", "/x", 2);
}

Test(names, copies_are_nodes_of_their_own)
{
    two_names();
    assert_created("/d/c", name("/a", "/d/c", NULL));
    assert_created("/copy", duplicate("/a", "/copy", NULL));
    cr_assert_eq(stat_of("/copy").links, 1);
    cr_assert_neq(stat_of("/copy").id, stat_of("/a").id);
    assert_created("/e", duplicate("/d", "/e", NULL));
    cr_assert_neq(stat_of("/e/b").id, stat_of("/e/c").id);
    cr_assert_eq(stat_of("/e/b").links, 1);
    cr_assert_str_eq(stat_of("/e/b").type, "text/x");
    assert_outcome(STORE_UPDATED, "/d/b", duplicate("/a", "/d/b", WITH(.flags = STORE_REPLACE)));
    assert_same_node("/a", "/d/c", 2);
    cr_assert_eq(stat_of("/d/b").links, 1);
}

Test(names, a_recursive_delete_takes_those_below_away)
{
    char *large = large_text();

    two_names();
    assert_updated("/a", put("/a", large, NULL));
    assert_created("/d/c", name("/a", "/d/c", NULL));
    assert_created("/d/e/only", put("/d/e/only", "x", WITH(.flags = STORE_PARENTS)));
    assert_created("/d/e/only2", name("/d/e/only", "/d/e/only2", NULL));
    assert_deleted("/d", erase("/d", WITH(.flags = STORE_RECURSIVE)));
    assert_body("/a", large);
    reopen_store(NULL); /* closing it reclaims what was deleted */
    assert_body("/a", large);
    cr_assert_eq(stat_of("/a").links, 1);
    assert_deleted("/a", erase("/a", NULL));
    free(large);
}

Test(names, many_of_one_node)
{
    char location[64];

    assert_created("/a", put("/a", "one", NULL));
    assert_ok(make_collection("/d", NULL));
    for (int i = 0; i < 500; i++) {
        snprintf(location, sizeof location, "/d/%d", i);
        assert_ok(name("/a", location, NULL));
    }
    assert_same_node("/a", "/d/499", 501);
    assert_updated("/d/250", put("/d/250", "two", NULL));
    assert_body("/d/0", "two");
    for (int i = 0; i < 500; i++) {
        snprintf(location, sizeof location, "/d/%d", i);
        assert_ok(erase(location, NULL));
    }
    cr_assert_eq(stat_of("/a").links, 1);
}

Test(names, a_node_is_found_by_its_id_when_the_name_is_another)
{
    char *location;
    uint64_t id, other;

    two_names();
    id = stat_of("/a").id;
    assert_created("/x", put("/x", "x", NULL));
    other = stat_of("/x").id;
    assert_deleted("/a", erase("/a", NULL));
    assert_ok(store_location_of(&location, test_store(), id, NULL));
    cr_assert_str_eq(location, "/d/b");
    store_free(location);
    assert_outcome(STORE_UPDATED, "/d/b", put("/a", "two", WITH(.if_id = id)));
    assert_outcome(STORE_UPDATED, "/d/b", put("/x", "three", WITH(.if_id = id)));
    assert_outcome(STORE_UPDATED, "/d/b", store_patch_range(fresh_answer(), test_store(), "/gone/a", 0, "T", 1,
                                                           WITH(.if_id = id)));
    assert_outcome(STORE_UPDATED, "/d/b", store_meta_set(fresh_answer(), test_store(), "/a", "color", "red", 3,
                                                        WITH(.if_id = id)));
    assert_body("/d/b", "Three");
    assert_body("/x", "x");
    assert_created("/c", name("/a", "/c", WITH(.if_id = id)));
    assert_same_node("/c", "/d/b", 2);
    assert_refused(STORE_PRECONDITION_FAILED, put("/c", "no", WITH(.if_id = other)));
}

Test(names, delete_and_move_are_about_the_name_whatever_the_id)
{
    uint64_t id;

    two_names();
    id = stat_of("/a").id;
    assert_created("/x", put("/x", "x", NULL));
    assert_refused(STORE_PRECONDITION_FAILED, erase("/x", WITH(.if_id = id)));
    assert_refused(STORE_NOT_FOUND, erase("/gone", WITH(.if_id = id)));
    assert_refused(STORE_PRECONDITION_FAILED, relocate("/x", "/y", WITH(.if_id = id)));
    assert_deleted("/a", erase("/a", WITH(.if_id = id)));
    assert_created("/y", relocate("/d/b", "/y", WITH(.if_id = id)));
}

Test(names, a_node_in_deleted_collections_only_is_not_found_by_its_id)
{
    char *location;
    uint64_t id;
    store_txn *txn;

    assert_created("/d/a", put("/d/a", "1", WITH(.flags = STORE_PARENTS)));
    assert_created("/d/b", name("/d/a", "/d/b", NULL));
    id = stat_of("/d/a").id;
    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(store_delete(NULL, test_store(), "/d", WITH(.txn = txn, .flags = STORE_RECURSIVE)));
    assert_code(STORE_NOT_FOUND, store_location_of(&location, test_store(), id,
                                                   &(store_get_options){ .version = 1, .txn = txn }));
    assert_code(STORE_NO_COLLECTION, store_put(NULL, test_store(), "/d/a", "2", 1, WITH(.txn = txn, .if_id = id)));
    assert_ok(store_commit(txn));
}

Test(names, a_transaction_undoes_them)
{
    store_txn *txn;
    char *before;

    two_names();
    before = whole_store();
    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(store_link(NULL, test_store(), "/a", "/c", WITH(.txn = txn)));
    assert_ok(store_delete(NULL, test_store(), "/a", WITH(.txn = txn)));
    assert_code(STORE_KEY_CONFLICT, store_link(NULL, test_store(), "/c", "/d/b", WITH(.txn = txn)));
    assert_ok(store_delete(NULL, test_store(), "/d/b", WITH(.txn = txn)));
    assert_ok(store_delete(NULL, test_store(), "/c", WITH(.txn = txn)));
    store_abort(txn);
    assert_still(before, "an aborted transaction");
}

Test(names, are_counted_once_and_followed_by_name)
{
    store_change change;
    store_feed *feed;
    store_stats stats;
    uint64_t last;

    assert_created("/a", put("/a", "one", NULL));
    assert_ok(store_last_version(&last, test_store()));
    assert_created("/b", name("/a", "/b", NULL));
    assert_ok(store_stats_get(&stats, test_store()));
    cr_assert_eq(stats.objects, 1);
    cr_assert_eq(stats.body_bytes, 3);
    assert_ok(store_feed_open(&feed, test_store(), NULL, last));
    assert_ok(store_feed_next(&change, feed, 0));
    cr_assert_eq(change.outcome, STORE_CREATED);
    cr_assert_eq(change.kind, STORE_OBJECT);
    cr_assert_str_eq(change.location, "/b");
    store_feed_close(feed);
}
