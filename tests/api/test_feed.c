/* test_feed.c - the change feed: order, filter, gaps, waiting. */
#include "api_test.h"

#include <pthread.h>
#include <stdio.h>

static uint64_t empty; /* the version of the store before the test: it was made with a root */

static void begin(void)
{
    begin_api_test();
    assert_ok(store_last_version(&empty, test_store()));
}

TestSuite(feed, .init = begin, .fini = end_api_test);

static store_feed *follow(const char *location, uint64_t since)
{
    store_feed *feed = NULL;

    assert_ok(store_feed_open(&feed, test_store(), location, since));
    return feed;
}

/* Asserts the next change; `from` NULL if it is no move. The version grows from call to call. */
static void assert_change(store_feed *feed, store_outcome outcome, const char *location, const char *from)
{
    store_change change;

    assert_ok(store_feed_next(&change, feed, 0));
    cr_assert_eq(change.outcome, outcome, "%s of %s", store_outcome_name(change.outcome), change.location);
    cr_assert_str_eq(change.location, location);
    if (from)
        cr_assert_str_eq(change.from, from);
    else
        cr_assert_null(change.from);
    cr_assert_gt(change.time, 0);
}

static void assert_no_more(store_feed *feed)
{
    store_change change;

    assert_code(STORE_TIMEOUT, store_feed_next(&change, feed, 0));
}

Test(feed, tells_every_change_in_order)
{
    store_feed *feed;

    assert_ok(define("/people", PEOPLE));
    assert_ok(put("/a", "1", NULL));
    assert_ok(put("/a", "2", NULL));
    assert_ok(post("/people", J("[{'name':'ada'},{'name':'bob'}]"), NULL));
    assert_ok(patch("/people/ada", J("{'name':'eve'}"), NULL));
    assert_ok(relocate("/a", "/b", NULL));
    assert_ok(duplicate("/b", "/c", NULL));
    assert_ok(erase("/b", NULL));
    assert_ok(erase("/people/eve/age", NULL));
    feed = follow(NULL, empty);
    assert_change(feed, STORE_CREATED, "/people", NULL);
    assert_change(feed, STORE_CREATED, "/a", NULL);
    assert_change(feed, STORE_UPDATED, "/a", NULL);
    assert_change(feed, STORE_CREATED, "/people/ada", NULL);
    assert_change(feed, STORE_CREATED, "/people/bob", NULL);
    assert_change(feed, STORE_MOVED, "/people/eve", "/people/ada");
    assert_change(feed, STORE_MOVED, "/b", "/a");
    assert_change(feed, STORE_CREATED, "/c", NULL);
    assert_change(feed, STORE_DELETED, "/b", NULL);
    assert_change(feed, STORE_UPDATED, "/people/eve", NULL);
    assert_no_more(feed);
    store_feed_close(feed);
}

Test(feed, versions_are_those_of_the_answers)
{
    store_feed *feed;
    store_change change;
    uint64_t created, deleted;

    assert_ok(put("/a", "1", NULL));
    created = answered.one.version;
    assert_ok(erase("/a", NULL));
    deleted = answered.one.version;
    feed = follow("/", empty);
    assert_ok(store_feed_next(&change, feed, 0));
    cr_assert_eq(change.version, created);
    cr_assert_eq(change.kind, STORE_OBJECT);
    assert_ok(store_feed_next(&change, feed, 0));
    cr_assert_eq(change.version, deleted);
    store_feed_close(feed);
}

Test(feed, since_a_version_tells_what_came_after_it)
{
    store_feed *feed;
    uint64_t since, last;

    assert_ok(put("/a", "1", NULL));
    since = answered.one.version;
    assert_ok(put("/b", "1", NULL));
    assert_ok(store_last_version(&last, test_store()));
    feed = follow(NULL, since);
    assert_change(feed, STORE_CREATED, "/b", NULL);
    assert_no_more(feed);
    store_feed_close(feed);
    feed = follow(NULL, last);
    assert_no_more(feed);
    assert_ok(put("/c", "1", NULL));
    assert_change(feed, STORE_CREATED, "/c", NULL);
    store_feed_close(feed);
}

Test(feed, tells_nothing_of_what_failed_or_was_dry_or_aborted)
{
    store_feed *feed = follow(NULL, empty);
    store_txn *txn;

    assert_code(STORE_NOT_FOUND, erase("/a", NULL));
    assert_ok(put("/a", "1", WITH(.flags = STORE_DRY_RUN)));
    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(put("/a", "1", WITH(.txn = txn)));
    store_abort(txn);
    assert_no_more(feed);
    store_feed_close(feed);
}

Test(feed, of_a_location_tells_of_it_and_all_below)
{
    store_feed *feed;

    assert_ok(put("/c/d/a", "1", WITH(.flags = STORE_PARENTS)));
    assert_ok(put("/cc", "1", NULL));
    assert_ok(put("/c/b", "1", NULL));
    assert_ok(put("/x", "1", NULL));
    feed = follow("/c", empty);
    assert_change(feed, STORE_CREATED, "/c", NULL);
    assert_change(feed, STORE_CREATED, "/c/d", NULL);
    assert_change(feed, STORE_CREATED, "/c/d/a", NULL);
    assert_change(feed, STORE_CREATED, "/c/b", NULL);
    assert_no_more(feed);
    assert_ok(relocate("/x", "/c/x", NULL));
    assert_change(feed, STORE_MOVED, "/c/x", "/x");
    assert_ok(relocate("/c/x", "/y", NULL));
    assert_change(feed, STORE_MOVED, "/y", "/c/x");
    assert_ok(erase("/c", WITH(.flags = STORE_RECURSIVE)));
    assert_change(feed, STORE_DELETED, "/c", NULL);
    assert_no_more(feed);
    store_feed_close(feed);
}

Test(feed, a_change_above_a_location_concerns_it_too)
{
    store_feed *feed;

    assert_ok(put("/c/d/a", "1", WITH(.flags = STORE_PARENTS)));
    feed = follow("/c/d", answered.one.version);
    assert_ok(relocate("/c", "/e", NULL));
    assert_change(feed, STORE_MOVED, "/e", "/c");
    assert_ok(relocate("/e", "/c", NULL));
    assert_change(feed, STORE_MOVED, "/c", "/e");
    assert_ok(erase("/c", WITH(.flags = STORE_RECURSIVE)));
    assert_change(feed, STORE_DELETED, "/c", NULL);
    store_feed_close(feed);
}

Test(feed, of_metadata_and_definitions_are_updates)
{
    store_feed *feed;

    assert_ok(put("/c/a", "1", WITH(.flags = STORE_PARENTS)));
    feed = follow(NULL, answered.one.version);
    assert_ok(store_meta_set(NULL, test_store(), "/c/a", "m", "1", 1, NULL));
    assert_change(feed, STORE_UPDATED, "/c/a", NULL);
    assert_ok(erase("/c/a", NULL));
    assert_change(feed, STORE_DELETED, "/c/a", NULL);
    assert_ok(define("/c", PEOPLE));
    assert_change(feed, STORE_UPDATED, "/c", NULL);
    store_feed_close(feed);
}

Test(feed, a_transactions_changes_come_together_in_its_order)
{
    store_feed *feed = follow(NULL, empty);
    store_txn *txn;

    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(put("/b", "1", WITH(.txn = txn)));
    assert_ok(put("/a", "1", WITH(.txn = txn)));
    assert_no_more(feed);
    assert_ok(store_commit(txn));
    assert_change(feed, STORE_CREATED, "/b", NULL);
    assert_change(feed, STORE_CREATED, "/a", NULL);
    assert_no_more(feed);
    store_feed_close(feed);
}

Test(feed, survives_reopening)
{
    store_feed *feed;

    assert_ok(put("/a", "1", NULL));
    reopen_store(NULL);
    assert_ok(put("/b", "1", NULL));
    feed = follow(NULL, empty);
    assert_change(feed, STORE_CREATED, "/a", NULL);
    assert_change(feed, STORE_CREATED, "/b", NULL);
    store_feed_close(feed);
}

Test(feed, after_trimming_tells_the_gap_first)
{
    store_options options = STORE_OPTIONS_INIT;
    store_feed *feed;
    store_change change;
    char location[32];
    uint64_t lost, last = 0;

    options.flags = STORE_OPEN_CREATE;
    options.log_limit = 20;
    options.durability = STORE_DURABLE_RELAXED;
    reopen_store(&options);
    for (int i = 0; i < 3000; i++) {
        snprintf(location, sizeof location, "/%d", i % 10);
        assert_ok(put(location, "x", NULL));
    }
    feed = follow(NULL, 1);
    assert_ok(store_feed_next(&change, feed, 0));
    cr_assert_eq(change.outcome, STORE_GAP, "%s", store_outcome_name(change.outcome));
    lost = change.version;
    cr_assert_leq(lost, answered.one.version - 20, "it reaches back as far as was asked");
    cr_assert_gt(lost, 1);
    for (uint64_t expected = lost + 1; store_feed_next(&change, feed, 0) == STORE_OK; expected++) {
        cr_assert_eq(change.version, expected);
        cr_assert_eq(change.outcome, STORE_UPDATED);
        last = change.version;
    }
    cr_assert_eq(last, answered.one.version);
    store_feed_close(feed);
    feed = follow(NULL, lost);
    assert_ok(store_feed_next(&change, feed, 0));
    cr_assert_neq(change.outcome, STORE_GAP, "nothing after it was lost");
    store_feed_close(feed);
}

/* ------------------------------------------------------------------ waiting */

static void *put_one(void *unused)
{
    (void)unused;
    return store_put(NULL, test_store(), "/woken", "1", 1, NULL) == STORE_OK ? test_store() : NULL;
}

Test(feed, a_waiter_is_woken_by_another_thread)
{
    store_feed *feed = follow(NULL, empty);
    store_change change;
    pthread_t thread;
    void *done;

    cr_assert_eq(pthread_create(&thread, NULL, put_one, NULL), 0);
    assert_ok(store_feed_next(&change, feed, -1));
    cr_assert_str_eq(change.location, "/woken");
    cr_assert_eq(pthread_join(thread, &done), 0);
    cr_assert_not_null(done);
    store_feed_close(feed);
}

static void *stop(void *feed)
{
    store_feed_stop(feed);
    return NULL;
}

Test(feed, a_waiter_is_stopped_by_another_thread)
{
    store_feed *feed = follow(NULL, empty);
    store_change change;
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, stop, feed), 0);
    assert_code(STORE_END, store_feed_next(&change, feed, -1));
    cr_assert_eq(pthread_join(thread, NULL), 0);
    store_feed_close(feed);
}

Test(feed, a_wait_ends_after_its_time)
{
    store_feed *feed = follow("/elsewhere", empty);
    store_change change;

    assert_ok(put("/a", "1", NULL));
    assert_code(STORE_TIMEOUT, store_feed_next(&change, feed, 10));
    store_feed_close(feed);
}
