/* test_listing.c - iterators: order, prefix, after, limit, reverse, where, order_by; changes meanwhile. */
#include "api_test.h"

#include <stdio.h>

TestSuite(listing, .init = begin_api_test, .fini = end_api_test);

static void integers(void)
{
    static const char *const keys[] = { "10", "9", "-1", "0", "100", "-9223372036854775808",
                                        "9223372036854775807" };
    char location[64];

    assert_ok(define("/n", "{'key':['id'],'schema':{'properties':{'id':{'type':'integer'}}}}"));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(location, sizeof location, "/n/%s", keys[i]);
        assert_ok(put(location, "{}", NULL));
    }
}

Test(listing, integers_are_ordered_by_value)
{
    integers();
    assert_names("-9223372036854775808 -1 0 9 10 100 9223372036854775807", "/n", NULL);
    assert_names("9223372036854775807 100 10 9 0 -1 -9223372036854775808", "/n", LIST(.reverse = true));
}

Test(listing, after_is_by_value_and_need_not_exist)
{
    integers();
    assert_names("10 100 9223372036854775807", "/n", LIST(.after = "9"));
    assert_names("10 100", "/n", LIST(.after = "9", .limit = 2));
    assert_names("100 9223372036854775807", "/n", LIST(.after = "50"));
    assert_names("9 0 -1 -9223372036854775808", "/n", LIST(.after = "10", .reverse = true));
    assert_names("", "/n", LIST(.after = "9223372036854775807"));
}

Test(listing, strings_are_ordered_by_code_point)
{
    assert_ok(define("/s", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'}}}}"));
    assert_ok(post("/s", J("[{'k':'b'},{'k':'a'},{'k':'B'},{'k':'aa'},{'k':'\\u00e4'},{'k':'\\uD83D\\uDC18'},"
                           "{'k':'\\uFFFD'},"
                           "{'k':'a/b'},{'k':'a.b'},{'k':'.x'}]"), NULL));
    assert_names("%2Ex B a a.b a%2Fb aa b \xc3\xa4 \xef\xbf\xbd \xf0\x9f\x90\x98", "/s", NULL);
}

Test(listing, compound_keys_are_ordered_component_by_component)
{
    assert_ok(define("/c", "{'key':['s','n'],'schema':{'properties':{'s':{'type':'string'},"
                           "'n':{'type':'integer'}}}}"));
    assert_ok(post("/c", J("[{'s':'b','n':-1},{'s':'a','n':10},{'s':'a','n':9},{'s':'aa','n':1},{'s':'','n':5},"
                           "{'s':'a|','n':0}]"), NULL));
    assert_names("|5 a|9 a|10 aa|1 a%7C|0 b|-1", "/c", NULL);
    assert_names("a%7C|0 b|-1", "/c", LIST(.after = "aa|1"));
    assert_names("aa|1 a%7C|0 b|-1", "/c", LIST(.after = "a|11"));
}

Test(listing, booleans_are_false_then_true)
{
    assert_ok(define("/b", "{'key':['on'],'schema':{'properties':{'on':{'type':'boolean'}}}}"));
    assert_ok(post("/b", J("[{'on':true},{'on':false}]"), NULL));
    assert_names("false true", "/b", NULL);
}

static void words(void)
{
    static const char *const names[] = { "apple", "ape", "bee", "beetle", "\xc3\xa4pfel", "B", "ap" };
    char location[64];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(location, sizeof location, "/w/%s", names[i]);
        assert_ok(put(location, names[i], WITH(.flags = STORE_PARENTS)));
    }
}

Test(listing, plain_collections_are_ordered_by_name_bytewise)
{
    words();
    assert_names("B ap ape apple bee beetle \xc3\xa4pfel", "/w", NULL);
    assert_names("\xc3\xa4pfel beetle bee apple ape ap B", "/w", LIST(.reverse = true));
    assert_names("w", "/", NULL);
}

Test(listing, prefix_after_limit_and_reverse_go_together)
{
    words();
    assert_names("ap ape apple", "/w", LIST(.prefix = "ap"));
    assert_names("ap", "/w", LIST(.prefix = "ap", .limit = 1));
    assert_names("ape apple", "/w", LIST(.prefix = "ap", .after = "ap"));
    assert_names("ape", "/w", LIST(.prefix = "ap", .after = "ap", .limit = 1));
    assert_names("ape ap", "/w", LIST(.prefix = "ap", .after = "apple", .reverse = true));
    assert_names("apple ape ap", "/w", LIST(.prefix = "ap", .reverse = true));
    assert_names("", "/w", LIST(.prefix = "zz"));
    assert_names("", "/w", LIST(.prefix = "bee", .after = "c"));
    assert_names("bee beetle", "/w", LIST(.prefix = "bee", .after = "a"));
}

Test(listing, prefix_of_a_string_key_is_of_its_text)
{
    assert_ok(define("/s", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'}}}}"));
    assert_ok(post("/s", J("[{'k':'ab'},{'k':'abc'},{'k':'b'},{'k':'a/b'}]"), NULL));
    assert_names("ab abc", "/s", LIST(.prefix = "ab"));
    assert_names("a%2Fb", "/s", LIST(.prefix = "a%2F"));
}

Test(listing, entries_tell_kind_size_version_and_body)
{
    store_iter *iter;
    store_entry entry;

    assert_created("/c/a", put("/c/a", "12345", WITH(.flags = STORE_PARENTS, .type = "text/x")));
    assert_ok(make_collection("/c/sub", NULL));
    assert_ok(store_iter_open(&iter, test_store(), "/c", LIST(.bodies = true)));
    assert_ok(store_iter_next(&entry, iter));
    cr_assert_str_eq(entry.name, "a");
    cr_assert_eq(entry.stat->kind, STORE_OBJECT);
    cr_assert_eq(entry.stat->size, 5);
    cr_assert_str_eq(entry.stat->type, "text/x");
    cr_assert_eq(entry.body_size, 5);
    cr_assert_arr_eq((const char *)entry.body, "12345", 5);
    cr_assert_null(entry.index_key);
    assert_ok(store_iter_next(&entry, iter));
    cr_assert_eq(entry.stat->kind, STORE_COLLECTION);
    cr_assert_null(entry.body);
    cr_assert_eq(store_iter_next(&entry, iter), STORE_END);
    cr_assert_eq(store_iter_next(&entry, iter), STORE_END);
    store_iter_close(iter);
}

Test(listing, a_body_beyond_body_max_is_left_out)
{
    store_iter *iter;
    store_entry entry;

    assert_created("/a", put("/a", "12345", NULL));
    assert_created("/b", put("/b", "1234", NULL));
    assert_ok(store_iter_open(&iter, test_store(), "/", LIST(.bodies = true, .body_max = 4)));
    assert_ok(store_iter_next(&entry, iter));
    cr_assert_null(entry.body);
    assert_ok(store_iter_next(&entry, iter));
    cr_assert_not_null(entry.body);
    store_iter_close(iter);
}

Test(listing, of_no_collection_is_refused)
{
    store_iter *iter = NULL;

    assert_created("/a", put("/a", "1", NULL));
    assert_refused(STORE_NOT_FOUND, store_iter_open(&iter, test_store(), "/none", NULL));
    assert_refused(STORE_KIND_CONFLICT, store_iter_open(&iter, test_store(), "/a", NULL));
    cr_assert_null(iter);
}

/* -------------------------------------------------------------- unique keys */

static void countries(void)
{
    assert_ok(define("/c", "{'key':['a2'],'unique':[['num'],['region','rank']],'schema':{'properties':{"
                           "'a2':{'type':'string'},'num':{'type':'integer'},'region':{'type':'string'},"
                           "'rank':{'type':'integer'},'note':{'type':'string'}}}}"));
    assert_ok(post("/c", J("[{'a2':'DE','num':276,'region':'eu','rank':2},{'a2':'FR','num':250,'region':'eu',"
                           "'rank':1},"
                           "{'a2':'BR','num':76,'region':'sa','rank':1},{'a2':'IT','num':380,'region':'eu',"
                           "'rank':10}]"),
                   NULL));
}

Test(listing, order_by_a_unique_key)
{
    store_iter *iter;
    store_entry entry;

    countries();
    assert_names("BR DE FR IT", "/c", NULL);
    assert_names("BR FR DE IT", "/c", LIST(.order_by = "num"));
    assert_names("FR DE IT BR", "/c", LIST(.order_by = "region,rank"));
    assert_names("BR IT DE FR", "/c", LIST(.order_by = "region,rank", .reverse = true));
    assert_names("DE IT", "/c", LIST(.order_by = "num", .after = "250"));
    assert_names("IT BR", "/c", LIST(.order_by = "region,rank", .after = "eu|2"));
    assert_ok(store_iter_open(&iter, test_store(), "/c", LIST(.order_by = "region,rank")));
    assert_ok(store_iter_next(&entry, iter));
    cr_assert_str_eq(entry.index_key, "eu|1");
    store_iter_close(iter);
}

Test(listing, where_finds_by_a_key_or_the_first_properties_of_one)
{
    static const store_field num = { "num", "276" }, region = { "region", "eu" }, a2 = { "a2", "BR" },
                             none = { "num", "1" };
    static const store_field both[] = { { "rank", "1" }, { "region", "eu" } };

    countries();
    assert_names("DE", "/c", LIST(.where = &num, .where_count = 1));
    assert_names("BR", "/c", LIST(.where = &a2, .where_count = 1));
    assert_names("FR DE IT", "/c", LIST(.where = &region, .where_count = 1));
    assert_names("FR", "/c", LIST(.where = both, .where_count = 2));
    assert_names("", "/c", LIST(.where = &none, .where_count = 1));
    assert_names("IT DE FR", "/c", LIST(.where = &region, .where_count = 1, .reverse = true));
    assert_names("FR DE", "/c", LIST(.where = &region, .where_count = 1, .limit = 2));
}

Test(listing, where_and_order_by_without_such_a_key_are_bad_arguments)
{
    static const store_field note = { "note", "x" }, rank = { "rank", "1" };
    store_iter *iter = NULL;

    countries();
    assert_ok(make_collection("/plain", NULL));
    assert_refused(STORE_BAD_ARGUMENT,
                   store_iter_open(&iter, test_store(), "/c", LIST(.where = &note, .where_count = 1)));
    assert_refused(STORE_BAD_ARGUMENT,
                   store_iter_open(&iter, test_store(), "/c", LIST(.where = &rank, .where_count = 1)));
    assert_refused(STORE_BAD_ARGUMENT, store_iter_open(&iter, test_store(), "/c", LIST(.order_by = "note")));
    assert_refused(STORE_BAD_ARGUMENT, store_iter_open(&iter, test_store(), "/plain", LIST(.order_by = "name")));
    cr_assert_null(iter);
}

/* ------------------------------------------------------- while it changes */

static void numbered(int count)
{
    char location[64];
    store_txn *txn;

    assert_ok(make_collection("/m", NULL));
    assert_ok(store_begin(&txn, test_store(), false));
    for (int i = 0; i < count; i++) {
        snprintf(location, sizeof location, "/m/%06d", i);
        assert_ok(store_put(NULL, test_store(), location, "x", 1, WITH(.txn = txn)));
    }
    assert_ok(store_commit(txn));
}

Test(listing, thousands_of_entries_come_once_each_in_order)
{
    store_iter *iter;
    store_entry entry;
    char expected[16];
    int count = 0;

    numbered(5000);
    assert_ok(store_iter_open(&iter, test_store(), "/m", NULL));
    for (; store_iter_next(&entry, iter) == STORE_OK; count++) {
        snprintf(expected, sizeof expected, "%06d", count);
        cr_assert_str_eq(entry.name, expected);
    }
    cr_assert_eq(count, 5000);
    store_iter_close(iter);
    assert_ok(store_iter_open(&iter, test_store(), "/m", LIST(.reverse = true)));
    for (; store_iter_next(&entry, iter) == STORE_OK;) {
        snprintf(expected, sizeof expected, "%06d", --count);
        cr_assert_str_eq(entry.name, expected);
    }
    cr_assert_eq(count, 0);
    store_iter_close(iter);
}

Test(listing, entries_that_go_meanwhile_neither_repeat_nor_skip_others)
{
    store_iter *iter;
    store_entry entry;
    char location[64], last[16] = "";
    int count = 0;

    numbered(3000);
    assert_ok(store_iter_open(&iter, test_store(), "/m", NULL));
    while (store_iter_next(&entry, iter) == STORE_OK) {
        cr_assert_gt(strcmp(entry.name, last), 0);
        snprintf(last, sizeof last, "%s", entry.name);
        count++;
        if (count % 100 == 1) { /* what was seen goes, something before it comes */
            snprintf(location, sizeof location, "/m/%s", last);
            assert_ok(erase(location, NULL));
            snprintf(location, sizeof location, "/m/%s", "000000a");
            assert_ok(put(location, "y", NULL));
        }
    }
    store_iter_close(iter);
    cr_assert_geq(count, 3000);
}

Test(listing, in_a_read_only_transaction_shows_one_snapshot)
{
    store_txn *txn;

    words();
    assert_ok(store_begin(&txn, test_store(), true));
    assert_names("B ap ape apple bee beetle \xc3\xa4pfel", "/w", LIST(.txn = txn));
    assert_ok(erase("/w/ap", NULL));
    assert_created("/w/new", put("/w/new", "1", NULL));
    assert_names("B ap ape apple bee beetle \xc3\xa4pfel", "/w", LIST(.txn = txn));
    store_abort(txn);
    assert_names("B ape apple bee beetle new \xc3\xa4pfel", "/w", NULL);
}

Test(listing, after_what_is_no_key_is_a_bad_argument)
{
    store_iter *iter = NULL;

    integers();
    assert_refused(STORE_BAD_ARGUMENT, store_iter_open(&iter, test_store(), "/n", LIST(.after = "x")));
    assert_refused(STORE_BAD_ARGUMENT, store_iter_open(&iter, test_store(), "/n", LIST(.after = "007")));
    cr_assert_null(iter);
    assert_names("10 100", "/n", LIST(.prefix = "1"));
    assert_names("-1 -9223372036854775808", "/n", LIST(.prefix = "-", .reverse = true));
}
