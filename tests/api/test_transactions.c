/* test_transactions.c - several verbs in one transaction, failing ones among them, abort, snapshots. */
#include "api_test.h"

#include <pthread.h>

TestSuite(transactions, .init = begin_api_test, .fini = end_api_test);

static store_txn *writing(void)
{
    store_txn *txn = NULL;

    assert_ok(store_begin(&txn, test_store(), false));
    return txn;
}

static store_txn *reading(void)
{
    store_txn *txn = NULL;

    assert_ok(store_begin(&txn, test_store(), true));
    return txn;
}

#define IN(txn_) (&(store_get_options){ .version = STORE_GET_OPTIONS_VERSION, .txn = (txn_) })

/* The body as this transaction sees it, "(none)" if there is none. */
static void assert_body_in(store_txn *txn, const char *location, const char *expected)
{
    void *body = NULL;
    size_t size;
    int rc = store_get(&body, &size, NULL, test_store(), location, IN(txn));

    if (rc == STORE_OK)
        cr_assert_str_eq((char *)body, expected);
    else
        cr_assert_str_eq("(none)", expected);
    store_free(body);
}

Test(transactions, several_verbs_are_visible_together_at_commit)
{
    store_txn *txn;

    assert_ok(define("/people", PEOPLE));
    assert_created("/old", put("/old", "1", NULL));
    char *before = whole_store();
    txn = writing();
    assert_ok(put("/a", "1", WITH(.txn = txn)));
    assert_ok(put("/a", "2", WITH(.txn = txn)));
    assert_ok(make_collection("/c", WITH(.txn = txn)));
    assert_ok(put("/c/b", "3", WITH(.txn = txn)));
    assert_ok(post("/people", J("{'name':'ada','email':'a@x'}"), WITH(.txn = txn)));
    assert_ok(patch("/people/ada", J("{'age':5}"), WITH(.txn = txn)));
    assert_ok(relocate("/old", "/new", WITH(.txn = txn)));
    assert_ok(erase("/a", WITH(.txn = txn)));
    assert_still(before, store_begin);
    assert_ok(store_commit(txn));
    assert_missing("/a");
    assert_missing("/old");
    assert_body("/c/b", "3");
    assert_body("/new", "1");
    assert_json("/people/ada/age", "5");
}

Test(transactions, see_their_own_changes_and_others_do_not)
{
    store_txn *txn;

    assert_created("/a", put("/a", "1", NULL));
    txn = writing();
    assert_ok(put("/a", "2", WITH(.txn = txn)));
    assert_ok(put("/b", "3", WITH(.txn = txn)));
    assert_body_in(txn, "/a", "2");
    assert_body_in(txn, "/b", "3");
    assert_body("/a", "1");
    assert_missing("/b");
    assert_names("a b", "/", LIST(.txn = txn));
    assert_names("a", "/", NULL);
    assert_ok(store_commit(txn));
    assert_body("/a", "2");
}

Test(transactions, a_verb_that_fails_leaves_the_rest)
{
    store_txn *txn;

    assert_ok(define("/people", PEOPLE));
    txn = writing();
    assert_ok(post("/people", J("{'name':'ada','email':'a@x'}"), WITH(.txn = txn)));
    assert_code(STORE_KEY_CONFLICT, put("/people/bob", J("{'email':'a@x'}"), WITH(.txn = txn)));
    assert_code(STORE_INVALID_VALUE, post("/people", J("[{'name':'eve'},{'name':'zoe','age':'x'}]"),
                                          WITH(.txn = txn)));
    assert_code(STORE_NOT_FOUND, erase("/people/none", WITH(.txn = txn)));
    assert_code(STORE_KIND_CONFLICT, put("/people/x/", "1", WITH(.txn = txn)));
    assert_code(STORE_PRECONDITION_FAILED,
                put("/x/y", "1", WITH(.txn = txn, .flags = STORE_PARENTS | STORE_IF_MATCH_ANY)));
    assert_names("ada", "/people", LIST(.txn = txn));
    assert_names("people", "/", LIST(.txn = txn));
    assert_ok(post("/people", J("{'name':'bob','email':'b@x'}"), WITH(.txn = txn)));
    assert_ok(store_commit(txn));
    assert_names("ada bob", "/people", NULL);
    assert_names("people", "/", NULL);
}

Test(transactions, that_are_aborted_leave_nothing)
{
    static char large[200000];
    char *before;
    store_txn *txn;

    assert_ok(define("/people", PEOPLE));
    assert_created("/a", put("/a", "1", NULL));
    before = whole_store();
    txn = writing();
    assert_ok(put("/a", "2", WITH(.txn = txn)));
    assert_ok(store_put(NULL, test_store(), "/large", large, sizeof large, WITH(.txn = txn)));
    assert_ok(make_collection("/c", WITH(.txn = txn)));
    assert_ok(put("/c/x", "1", WITH(.txn = txn)));
    assert_ok(erase("/people", WITH(.txn = txn)));
    store_abort(txn);
    assert_still(before, store_abort);
    assert_created("/people/ada", put("/people/ada", "{}", NULL));
    assert_refused(STORE_NO_COLLECTION, put("/c/x", "1", NULL));
    store_abort(NULL);
}

Test(transactions, may_define_and_use_a_collection)
{
    store_txn *txn = writing();
    const char *text = J(PEOPLE);

    assert_ok(store_define(NULL, test_store(), "/people", text, strlen(text), WITH(.txn = txn)));
    assert_ok(put("/people/ada", J("{'age':1}"), WITH(.txn = txn)));
    assert_code(STORE_INVALID_VALUE, put("/people/bob", J("{'age':'x'}"), WITH(.txn = txn)));
    store_abort(txn);
    assert_missing("/people");
    txn = writing();
    assert_ok(make_collection("/people", WITH(.txn = txn)));
    assert_ok(put("/people/any", "bytes", WITH(.txn = txn)));
    assert_ok(store_commit(txn));
    assert_body("/people/any", "bytes");
}

Test(transactions, may_hold_large_bodies)
{
    static char large[500000];
    store_txn *txn = writing();
    char *back;

    memset(large, 'x', sizeof large - 1);
    assert_ok(store_put(NULL, test_store(), "/l", large, sizeof large - 1, WITH(.txn = txn)));
    assert_body_in(txn, "/l", large);
    assert_ok(store_patch_range(NULL, test_store(), "/l", 100000, "YYY", 3, WITH(.txn = txn)));
    memcpy(large + 100000, "YYY", 3);
    assert_body_in(txn, "/l", large);
    assert_ok(store_commit(txn));
    back = body_text("/l");
    cr_assert_str_eq(back, large);
    free(back);
}

Test(transactions, conditions_see_what_the_transaction_did)
{
    uint64_t version;
    store_txn *txn;

    assert_created("/a", put("/a", "1", NULL));
    version = answered.one.version;
    txn = writing();
    assert_ok(put("/a", "2", WITH(.txn = txn, .if_match = &version, .if_match_count = 1)));
    assert_code(STORE_PRECONDITION_FAILED,
                put("/a", "3", WITH(.txn = txn, .if_match = &version, .if_match_count = 1)));
    assert_ok(erase("/a", WITH(.txn = txn)));
    assert_ok(put("/a", "4", WITH(.txn = txn, .flags = STORE_IF_NONE_MATCH_ANY)));
    assert_ok(store_commit(txn));
    assert_body("/a", "4");
}

Test(transactions, a_dry_run_inside_changes_nothing_and_the_rest_goes_on)
{
    store_txn *txn = writing();

    assert_ok(put("/a", "1", WITH(.txn = txn)));
    assert_ok(put("/a", "2", WITH(.txn = txn, .flags = STORE_DRY_RUN)));
    cr_assert_eq(answered.one.outcome, STORE_UPDATED);
    assert_body_in(txn, "/a", "1");
    assert_ok(put("/b", "1", WITH(.txn = txn)));
    assert_ok(store_commit(txn));
    assert_body("/a", "1");
    assert_body("/b", "1");
}

Test(transactions, read_only_ones_are_one_snapshot)
{
    store_txn *txn;

    assert_ok(define("/people", PEOPLE));
    assert_created("/a", put("/a", "1", NULL));
    txn = reading();
    assert_updated("/a", put("/a", "2", NULL));
    assert_created("/b", put("/b", "1", NULL));
    assert_deleted("/people", erase("/people", NULL));
    assert_body_in(txn, "/a", "1");
    assert_body_in(txn, "/b", "(none)");
    assert_names("a people", "/", LIST(.txn = txn));
    store_abort(txn);
    assert_body("/a", "2");
    txn = reading();
    assert_body_in(txn, "/a", "2");
    assert_ok(store_commit(txn));
}

Test(transactions, read_only_ones_refuse_to_write)
{
    store_txn *txn = reading();

    assert_code(STORE_READ_ONLY, put("/a", "1", WITH(.txn = txn)));
    store_abort(txn);
    assert_missing("/a");
}

Test(transactions, an_empty_one_commits)
{
    char *before = whole_store();

    assert_ok(store_commit(writing()));
    assert_still(before, store_commit);
}

static void *put_in_another_thread(void *location)
{
    return store_put(NULL, test_store(), location, "other", 5, NULL) == STORE_OK ? location : NULL;
}

Test(transactions, other_writers_wait_until_the_end)
{
    store_txn *txn = writing();
    pthread_t thread;
    void *done;

    cr_assert_eq(pthread_create(&thread, NULL, put_in_another_thread, "/a"), 0);
    assert_ok(put("/a", "mine", WITH(.txn = txn, .flags = STORE_IF_NONE_MATCH_ANY)));
    assert_body_in(txn, "/a", "mine");
    assert_ok(store_commit(txn));
    cr_assert_eq(pthread_join(thread, &done), 0);
    cr_assert_not_null(done);
    assert_body("/a", "other");
}

Test(transactions, every_verb_gives_its_version_in_order)
{
    store_txn *txn = writing();
    uint64_t first, second, last;

    assert_ok(put("/a", "1", WITH(.txn = txn)));
    first = answered.one.version;
    assert_ok(put("/b", "1", WITH(.txn = txn)));
    second = answered.one.version;
    assert_ok(store_commit(txn));
    cr_assert_gt(second, first);
    cr_assert_eq(version_of("/a"), first);
    cr_assert_eq(version_of("/b"), second);
    assert_ok(store_last_version(&last, test_store()));
    cr_assert_eq(last, second);
}

/* What has written before it fails is undone alone, whichever way it was run. */
Test(transactions, a_verb_that_fails_half_way_leaves_the_others_as_they_were)
{
    store_txn *txn;

    assert_ok(define("/notes", "{'order':'auto','key':['id'],'schema':{'properties':{'id':{'type':'integer'},"
                               "'t':{'type':'string'}}}}"));
    txn = writing();
    assert_ok(put("/a", "1", WITH(.txn = txn)));
    assert_code(STORE_INVALID_VALUE, put("/notes/", J("[{'t':'1'},{'t':2}]"), WITH(.txn = txn)));
    assert_code(STORE_PRECONDITION_FAILED,
                put("/b/c", "1", WITH(.txn = txn, .flags = STORE_PARENTS | STORE_IF_MATCH_ANY)));
    assert_ok(put("/notes/", J("[{'t':'1'},{'t':2}]"), WITH(.txn = txn, .flags = STORE_PARTIAL)));
    assert_ok(put("/notes/", J("{'t':'3'}"), WITH(.txn = txn)));
    assert_ok(put("/d/e", "1", WITH(.txn = txn, .flags = STORE_PARENTS)));
    assert_ok(erase("/d/e", WITH(.txn = txn)));
    assert_body_in(txn, "/a", "1");
    assert_ok(store_commit(txn));
    assert_body("/a", "1");
    assert_code(STORE_NOT_FOUND, erase("/b", NULL));
    assert_json("/notes/1/t", "'1'");
    assert_json("/notes/2/t", "'3'");
    assert_code(STORE_NOT_FOUND, erase("/notes/3", NULL));
    assert_code(STORE_NOT_FOUND, erase("/d/e", NULL));
}
