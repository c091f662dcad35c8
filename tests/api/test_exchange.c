/* test_exchange.c - MOVE with STORE_EXCHANGE: two nodes trade places. */
#include "api_test.h"

TestSuite(exchange, .init = begin_api_test, .fini = end_api_test);

static int exchange(const char *a, const char *b)
{
    return relocate(a, b, WITH(.flags = STORE_EXCHANGE));
}

static void people(void)
{
    assert_ok(define("/people", PEOPLE));
    assert_ok(post("/people", J("[{'name':'ada','email':'a@x','age':36},{'name':'bob','email':'b@x'}]"), NULL));
}

Test(exchange, two_objects_keep_identity_body_and_type)
{
    store_stat a, b;

    assert_created("/a", put("/a", "1", WITH(.type = "text/x")));
    assert_created("/c/b", put("/c/b", "22", WITH(.flags = STORE_PARENTS)));
    a = stat_of("/a");
    b = stat_of("/c/b");
    assert_outcome(STORE_UPDATED, "/c/b", exchange("/a", "/c/b"));
    cr_assert_eq(answered.one.version, version_of("/c/b"));
    assert_body("/c/b", "1");
    assert_body("/a", "22");
    cr_assert_str_eq(stat_of("/c/b").type, "text/x");
    cr_assert_eq(stat_of("/c/b").id, a.id);
    cr_assert_eq(stat_of("/a").id, b.id);
    cr_assert_gt(stat_of("/a").version, b.version);
    cr_assert_eq(stat_of("/a").modified, b.modified);
}

Test(exchange, of_large_bodies_copies_none)
{
    size_t size = 300000;
    char *large = calloc(1, size);

    memset(large, 'x', size - 1);
    assert_created("/a", put("/a", large, NULL));
    large[0] = 'y';
    assert_created("/b", put("/b", large, NULL));
    assert_ok(exchange("/a", "/b"));
    assert_body("/a", large);
    large[0] = 'x';
    assert_body("/b", large);
    free(large);
}

Test(exchange, a_collection_and_an_object_take_what_is_below_along)
{
    assert_created("/d/sub/x", put("/d/sub/x", "1", WITH(.flags = STORE_PARENTS)));
    assert_created("/e/f", put("/e/f", "2", WITH(.flags = STORE_PARENTS)));
    assert_ok(exchange("/d/", "/e/f"));
    assert_body("/e/f/sub/x", "1");
    assert_body("/d", "2");
    assert_ok(exchange("/d", "/e"));
    assert_body("/d/f/sub/x", "1");
    assert_body("/e", "2");
}

Test(exchange, typed_collections_trade_places_with_their_definitions)
{
    people();
    assert_ok(make_collection("/other", NULL));
    assert_created("/other/x", put("/other/x", "1", NULL));
    assert_ok(exchange("/people", "/other"));
    assert_body("/people/x", "1");
    assert_json("/other/ada/age", "36");
    assert_refused(STORE_KEY_CONFLICT, put("/other/cyd", J("{'email':'a@x'}"), NULL));
}

Test(exchange, what_is_missing_is_not_found)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_refused(STORE_NOT_FOUND, exchange("/a", "/b"));
    assert_refused(STORE_NOT_FOUND, exchange("/b", "/a"));
    assert_refused(STORE_NOT_FOUND, exchange("/a", "/x/b"));
}

Test(exchange, a_collection_does_not_go_into_itself)
{
    assert_created("/d/e/a", put("/d/e/a", "1", WITH(.flags = STORE_PARENTS)));
    assert_refused(STORE_BAD_ARGUMENT, exchange("/d", "/d/e"));
    assert_refused(STORE_BAD_ARGUMENT, exchange("/d/e/a", "/d"));
    assert_refused(STORE_BAD_ARGUMENT, exchange("/", "/d"));
    assert_refused(STORE_BAD_ARGUMENT, exchange("/d", "/"));
}

Test(exchange, with_itself_changes_nothing)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_unchanged(exchange("/a", "/a"));
}

Test(exchange, takes_neither_replace_nor_parents_and_copy_not_at_all)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_created("/b", put("/b", "2", NULL));
    assert_refused(STORE_BAD_ARGUMENT, relocate("/a", "/b", WITH(.flags = STORE_EXCHANGE | STORE_REPLACE)));
    assert_refused(STORE_BAD_ARGUMENT, relocate("/a", "/b", WITH(.flags = STORE_EXCHANGE | STORE_NOREPLACE)));
    assert_refused(STORE_BAD_ARGUMENT, relocate("/a", "/b", WITH(.flags = STORE_EXCHANGE | STORE_PARENTS)));
    assert_refused(STORE_BAD_ARGUMENT, duplicate("/a", "/b", WITH(.flags = STORE_EXCHANGE)));
}

Test(exchange, within_a_typed_collection_the_keys_follow_and_unique_values_stay)
{
    people();
    assert_outcome(STORE_UPDATED, "/people/bob", exchange("/people/ada", "/people/bob"));
    assert_json("/people/bob/name", "'bob'");
    assert_json("/people/bob/email", "'a@x'");
    assert_json("/people/bob/age", "36");
    assert_json("/people/ada/email", "'b@x'");
    assert_refused(STORE_KEY_CONFLICT, put("/people/cyd", J("{'email':'a@x'}"), NULL));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/people/bob");
}

Test(exchange, a_unique_key_with_the_name_in_it_is_no_conflict_of_the_two)
{
    assert_ok(define("/p", "{'key':['name'],'unique':[['name','group']],'schema':{'type':'object','properties':{"
                           "'name':{'type':'string'},'group':{'type':'integer'},'n':{'type':'integer'}}}}"));
    assert_ok(post("/p", J("[{'name':'a','group':1,'n':1},{'name':'b','group':1,'n':2}]"), NULL));
    assert_ok(exchange("/p/a", "/p/b"));
    assert_json("/p/b", "{'name':'b','group':1,'n':1}");
    assert_json("/p/a", "{'name':'a','group':1,'n':2}");
}

Test(exchange, between_a_typed_and_a_plain_collection_both_conform_where_they_go)
{
    people();
    assert_created("/doc", put("/doc", J("{'email':'d@x','age':5}"), NULL));
    assert_outcome(STORE_UPDATED, "/doc", exchange("/people/ada", "/doc"));
    assert_json("/people/ada/name", "'ada'");
    assert_json("/people/ada/age", "5");
    assert_json("/people/ada/level", "7");
    assert_json("/doc", "{'name':'ada','email':'a@x','age':36,'rate':0,'active':false,'tags':[],'home':{},"
                        "'level':7,'gone':null}");
    cr_assert_str_eq(stat_of("/doc").type, "application/json");
    assert_ok(post("/people", J("{'name':'cyd','email':'a@x'}"), NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/people/eve", J("{'email':'d@x'}"), NULL));
}

Test(exchange, what_does_not_conform_where_it_goes_is_refused)
{
    people();
    assert_ok(define("/numbers", "{'key':['name'],'schema':{'type':'object','properties':{"
                                 "'name':{'type':'string'},'n':{'type':'integer'}}}}"));
    assert_created("/numbers/one", put("/numbers/one", J("{'n':1}"), NULL));
    assert_created("/text", put("/text", "no JSON", NULL));
    assert_ok(store_put_link(fresh_answer(), test_store(), "/link", "text", NULL));
    assert_refused(STORE_INVALID_VALUE, exchange("/numbers/one", "/people/ada"));
    assert_refused(STORE_BAD_BODY, exchange("/text", "/people/ada"));
    assert_refused(STORE_BAD_BODY, exchange("/people/ada", "/text"));
    assert_refused(STORE_KIND_CONFLICT, exchange("/link", "/people/ada"));
    assert_refused(STORE_KIND_CONFLICT, exchange("/people/ada", "/numbers"));
    assert_refused(STORE_PROPERTY_TARGET, exchange("/people/ada/email", "/text"));
    assert_created("/people/zoe", put("/people/zoe", J("{'email':'z@x'}"), NULL));
    assert_created("/taken", put("/taken", J("{'email':'z@x'}"), NULL));
    assert_refused(STORE_KEY_CONFLICT, exchange("/taken", "/people/ada"));
}

Test(exchange, conditions_are_those_of_the_first)
{
    uint64_t version, other = 1;

    assert_created("/a", put("/a", "1", NULL));
    version = answered.one.version;
    assert_created("/b", put("/b", "2", NULL));
    assert_refused(STORE_PRECONDITION_FAILED, relocate("/a", "/b", WITH(.flags = STORE_EXCHANGE, .if_match = &other,
                                                                        .if_match_count = 1)));
    assert_ok(relocate("/a", "/b", WITH(.flags = STORE_EXCHANGE, .if_match = &version, .if_match_count = 1)));
}

Test(exchange, a_dry_run_changes_nothing)
{
    people();
    assert_unchanged(relocate("/people/ada", "/people/bob", WITH(.flags = STORE_EXCHANGE | STORE_DRY_RUN)));
    cr_assert_eq(answered.one.outcome, STORE_UPDATED);
}

Test(exchange, the_log_says_moved_twice)
{
    store_change change;
    store_feed *feed;
    uint64_t last;

    assert_created("/a", put("/a", "1", NULL));
    assert_created("/b", put("/b", "2", NULL));
    assert_ok(store_last_version(&last, test_store()));
    assert_ok(exchange("/a", "/b"));
    assert_ok(store_feed_open(&feed, test_store(), NULL, last));
    assert_ok(store_feed_next(&change, feed, 0));
    cr_assert_eq(change.outcome, STORE_MOVED);
    cr_assert_str_eq(change.from, "/a");
    cr_assert_str_eq(change.location, "/b");
    assert_ok(store_feed_next(&change, feed, 0));
    cr_assert_eq(change.outcome, STORE_MOVED);
    cr_assert_str_eq(change.from, "/b");
    cr_assert_str_eq(change.location, "/a");
    store_feed_close(feed);
}
