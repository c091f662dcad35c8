/* test_txn_explicit.c - explicit transactions, what undoing one leaves behind, and group commit. */
#include <pthread.h>
#include <stdio.h>

#include "concurrency_test.h"

TestSuite(txn_explicit, .init = begin_test, .fini = end_test);

static void assert_readable(const char *location)
{
    store_stat stat;

    assert_ok(store_stat_get(&stat, test_store(), location, NULL));
}

static void assert_absent(const char *location)
{
    store_stat stat;

    assert_code(STORE_NOT_FOUND, store_stat_get(&stat, test_store(), location, NULL));
}

static store_txn *begin(bool read_only)
{
    store_txn *txn = NULL;

    assert_ok(store_begin(&txn, test_store(), read_only));
    return txn;
}

/* ------------------------------------------------------- one thread's view */

Test(txn_explicit, sees_its_own_changes_and_nobody_else_does_before_the_commit)
{
    store_txn *txn = begin(false);
    store_stat stat;

    assert_ok(put_text(test_store(), "/a", "1", WITH(.txn = txn)));
    cr_assert_eq(number_at(test_store(), "/a", NULL, txn), 1);
    assert_absent("/a");
    assert_ok(store_commit(txn));
    assert_ok(store_stat_get(&stat, test_store(), "/a", NULL));
}

Test(txn_explicit, a_verb_that_fails_leaves_the_transaction_as_it_was)
{
    store_txn *txn = begin(false);

    assert_ok(put_text(test_store(), "/a", "1", WITH(.txn = txn)));
    assert_code(STORE_PRECONDITION_FAILED,
                put_text(test_store(), "/b/c", "1", WITH(.txn = txn, .flags = STORE_PARENTS | STORE_IF_MATCH_ANY)));
    assert_code(STORE_NO_COLLECTION, put_text(test_store(), "/b/c", "1", WITH(.txn = txn)));
    assert_ok(put_text(test_store(), "/d", "1", WITH(.txn = txn)));
    assert_ok(store_commit(txn));
    assert_readable("/a");
    assert_readable("/d");
    assert_absent("/b");
}

Test(txn_explicit, a_second_one_in_the_same_thread_is_busy)
{
    store_txn *txn = begin(false), *second;

    assert_code(STORE_BUSY, store_begin(&second, test_store(), false));
    cr_assert_null(second);
    assert_code(STORE_BUSY, put_text(test_store(), "/outside", "1", NULL));
    assert_ok(put_text(test_store(), "/inside", "1", WITH(.txn = txn)));
    assert_ok(store_commit(txn));
    assert_absent("/outside");
    assert_ok(put_text(test_store(), "/outside", "1", NULL));
}

Test(txn_explicit, a_reading_one_goes_with_a_writing_one)
{
    store_txn *reading = begin(true), *writing = begin(false);

    assert_ok(put_text(test_store(), "/a", "1", WITH(.txn = writing)));
    assert_code(STORE_READ_ONLY, put_text(test_store(), "/b", "1", WITH(.txn = reading)));
    assert_ok(store_commit(writing));
    cr_assert_eq(number_at(test_store(), "/a", NULL, reading), -1, "its snapshot is older");
    store_abort(reading);
}

Test(txn_explicit, a_reading_one_keeps_one_snapshot_of_large_bodies)
{
    char *body = malloc(1 << 20);
    store_txn *txn;
    void *read;
    size_t size;

    memset(body, 'a', 1 << 20);
    assert_ok(store_put(NULL, test_store(), "/large", body, 1 << 20, NULL));
    txn = begin(true);
    for (char c = 'b'; c <= 'h'; c++) { /* each makes the one before it garbage */
        memset(body, c, 1 << 20);
        assert_ok(store_put(NULL, test_store(), "/large", body, 1 << 20, NULL));
    }
    assert_ok(store_delete(NULL, test_store(), "/large", NULL));
    assert_ok(store_get(&read, &size, NULL, test_store(), "/large", WITHIN(txn)));
    memset(body, 'a', 1 << 20);
    cr_assert(size == 1 << 20 && memcmp(read, body, size) == 0);
    store_free(read);
    store_abort(txn);
    free(body);
}

Test(txn_explicit, aborting_leaves_the_problem_as_it_was)
{
    store_txn *txn = begin(false);

    assert_code(STORE_NO_COLLECTION, put_text(test_store(), "/c/a", "1", WITH(.txn = txn)));
    store_abort(txn);
    cr_assert_eq(store_problem_last()->code, STORE_NO_COLLECTION);
    cr_assert_str_eq(store_problem_last()->location, "/c/a");
}

/* ------------------------------------------- what an undo must not leave over */

Test(txn_explicit, what_an_aborted_one_made_is_no_parent_for_later_puts)
{
    store_txn *txn = begin(false);

    assert_ok(store_make_collection(NULL, test_store(), "/c", WITH(.txn = txn)));
    assert_ok(put_text(test_store(), "/c/a", "1", WITH(.txn = txn)));
    store_abort(txn);
    assert_code(STORE_NO_COLLECTION, put_text(test_store(), "/c/a", "1", NULL));
    assert_ok(store_make_collection(NULL, test_store(), "/c", NULL));
    assert_ok(put_text(test_store(), "/c/a", "1", NULL));
    assert_readable("/c/a");
}

Test(txn_explicit, parents_of_a_refused_put_are_no_parents_for_later_ones)
{
    assert_code(STORE_PRECONDITION_FAILED,
                put_text(test_store(), "/b/c/d", "1", WITH(.flags = STORE_PARENTS | STORE_IF_MATCH_ANY)));
    assert_code(STORE_NO_COLLECTION, put_text(test_store(), "/b/c/d", "1", NULL));
}

Test(txn_explicit, parents_of_a_dry_run_are_no_parents_for_later_puts)
{
    assert_ok(put_text(test_store(), "/b/c/d", "1", WITH(.flags = STORE_PARENTS | STORE_DRY_RUN)));
    assert_code(STORE_NO_COLLECTION, put_text(test_store(), "/b/c/d", "1", NULL));
}

Test(txn_explicit, versions_of_an_aborted_one_are_given_to_the_next)
{
    uint64_t before, after;
    store_txn *txn = begin(false);

    assert_ok(store_last_version(&before, test_store()));
    assert_ok(put_text(test_store(), "/a", "1", WITH(.txn = txn)));
    store_abort(txn);
    assert_ok(store_last_version(&after, test_store()));
    cr_assert_eq(after, before);
    assert_ok(put_text(test_store(), "/a", "1", NULL));
    number_at(test_store(), "/a", &after, NULL);
    cr_assert_gt(after, before);
}

/* ------------------------------------------------------------- many threads */

static void *use_foreign_transaction(void *txn)
{
    store_stat stat;
    int put = put_text(test_store(), "/a", "1", WITH(.txn = txn));
    int get = store_stat_get(&stat, test_store(), "/", WITHIN(txn));
    int commit = store_commit(txn);

    return (void *)(intptr_t)(put == STORE_BAD_ARGUMENT && get == STORE_BAD_ARGUMENT && commit == STORE_BAD_ARGUMENT);
}

Test(txn_explicit, belongs_to_the_thread_that_began_it)
{
    store_txn *txn = begin(false);
    pthread_t thread;
    void *refused;

    assert_ok(put_text(test_store(), "/mine", "1", WITH(.txn = txn)));
    cr_assert_eq(pthread_create(&thread, NULL, use_foreign_transaction, txn), 0);
    pthread_join(thread, &refused);
    cr_assert_not_null(refused);
    assert_ok(store_commit(txn));
    assert_readable("/mine");
}

/* Each moves one unit between two accounts, or gives up half way. */
static void transfer(struct worker *w)
{
    for (int i = 0; i < 60; i++) {
        store_txn *txn;
        demand(w, store_begin(&txn, w->store, false) == STORE_OK);
        long a = number_at(w->store, "/a", NULL, txn), b = number_at(w->store, "/b", NULL, txn);
        bool ok = a + b == 1000 && put_number(w->store, "/a", a - 1, WITH(.txn = txn)) == STORE_OK &&
                  (i % 3 == 0 || put_number(w->store, "/b", b + 1, WITH(.txn = txn)) == STORE_OK);
        if (!ok || i % 3 == 0)
            store_abort(txn);
        demand(w, ok);
        if (i % 3 != 0)
            demand(w, store_commit(txn) == STORE_OK);
        demand(w, put_number(w->store, "/other", i, NULL) == STORE_OK);
    }
}

static void audit(struct worker *w)
{
    for (int i = 0; i < 500; i++) {
        store_txn *txn;
        demand(w, store_begin(&txn, w->store, true) == STORE_OK);
        long sum = number_at(w->store, "/a", NULL, txn) + number_at(w->store, "/b", NULL, txn);
        demand(w, store_commit(txn) == STORE_OK);
        demand(w, sum == 1000);
    }
}

static void transfer_or_audit(struct worker *w)
{
    if (w->index % 3 == 2)
        audit(w);
    else
        transfer(w);
}

static void assert_transfers(size_t processes, size_t threads)
{
    assert_ok(put_number(test_store(), "/a", 1000, NULL));
    assert_ok(put_number(test_store(), "/b", 0, NULL));
    assert_crew(processes, threads, transfer_or_audit, NULL);
    cr_assert_eq(number_at(test_store(), "/b", NULL, NULL), 4 * 40);
    cr_assert_eq(number_at(test_store(), "/a", NULL, NULL), 1000 - 4 * 40);
}

Test(txn_explicit, is_all_or_nothing_to_the_threads_that_read)
{
    assert_transfers(0, 6);
}

Test(txn_explicit, is_all_or_nothing_to_the_processes_that_read)
{
    assert_transfers(2, 3);
}

/* ------------------------------------------------------------- group commit */

enum { GROUP_PUTS = 100 };

static void put_own(struct worker *w)
{
    char location[48];

    for (int i = 0; i < GROUP_PUTS; i++) {
        snprintf(location, sizeof location, "/%zu-%d", w->index, i);
        demand(w, put_number(w->store, location, i, NULL) == STORE_OK);
    }
}

static uint64_t last_commit(void)
{
    store_stats stats;

    assert_ok(store_stats_get(&stats, test_store()));
    return stats.objects_space.last_transaction;
}

Test(txn_explicit, concurrent_puts_share_commits)
{
    uint64_t before, commits;

    test_store();
    before = last_commit();
    assert_crew(0, 8, put_own, NULL);
    commits = last_commit() - before;
    cr_assert_lt(commits, 8 * GROUP_PUTS / 2, "%lu commits", (unsigned long)commits);
}

/* Large bodies do so in both files. */
static void put_large(struct worker *w)
{
    char location[48], body[16384];

    memset(body, (int)('a' + w->index), sizeof body);
    for (int i = 0; i < GROUP_PUTS; i++) {
        snprintf(location, sizeof location, "/%zu-%d", w->index, i);
        demand(w, store_put(NULL, w->store, location, body, sizeof body, NULL) == STORE_OK);
    }
}

Test(txn_explicit, concurrent_puts_of_large_bodies_share_commits)
{
    store_stats before, after;

    assert_ok(store_stats_get(&before, test_store()));
    assert_crew(0, 8, put_large, NULL);
    assert_ok(store_stats_get(&after, test_store()));
    cr_assert_lt(after.objects_space.last_transaction - before.objects_space.last_transaction, 8 * GROUP_PUTS / 2);
    cr_assert_lt(after.bodies_space.last_transaction - before.bodies_space.last_transaction, 8 * GROUP_PUTS / 2);
}

/* One of a group is refused after it had written: the others must not notice. */
static void put_or_be_refused(struct worker *w)
{
    const store_request *refused = WITH(.flags = STORE_PARENTS | STORE_IF_MATCH_ANY);
    char location[48];

    for (int i = 0; i < GROUP_PUTS; i++) {
        if (w->index % 2 == 0) {
            demand(w, put_text(w->store, "/no/such/thing", "1", refused) == STORE_PRECONDITION_FAILED);
            continue;
        }
        snprintf(location, sizeof location, "/%zu-%d", w->index, i);
        demand(w, put_number(w->store, location, i, NULL) == STORE_OK);
        demand(w, number_at(w->store, location, NULL, NULL) == i);
    }
}

Test(txn_explicit, a_refused_put_leaves_its_group_unharmed)
{
    char location[48];

    assert_crew(0, 8, put_or_be_refused, NULL);
    assert_absent("/no");
    for (int i = 0; i < 4 * GROUP_PUTS; i++) {
        snprintf(location, sizeof location, "/%d-%d", i / GROUP_PUTS * 2 + 1, i % GROUP_PUTS);
        cr_assert_eq(number_at(test_store(), location, NULL, NULL), i % GROUP_PUTS, "%s", location);
    }
}
