/* test_concurrency.c - writers in several threads and processes: what SPEC 3 promises of one request
 * holds of many at once. */
#include <stdio.h>

#include "concurrency_test.h"

TestSuite(concurrency, .init = begin_test, .fini = end_test);

static const char COUNTERS[] =
    "{\"order\":\"auto\",\"key\":[\"id\"],\"schema\":{\"type\":\"object\",\"properties\":{"
    "\"id\":{\"type\":\"integer\"},\"by\":{\"type\":\"integer\"}}}}";

static const char PEOPLE[] =
    "{\"key\":[\"name\"],\"unique\":[[\"email\"]],\"put\":\"replace\",\"schema\":{\"type\":\"object\","
    "\"properties\":{\"name\":{\"type\":\"string\"},\"email\":{\"type\":[\"string\",\"null\"],\"default\":null}}}}";

static void define(const char *location, const char *definition)
{
    assert_ok(store_define(NULL, test_store(), location, definition, strlen(definition), NULL));
}

/* ---------------------------------------------------------- PUT, once only */

enum { PLACES = 100 };

struct race {
    atomic_int winners[PLACES];
};

static void race_to_create(struct worker *w, const store_request *request, int refusal)
{
    struct race *race = w->memory;
    char location[32], text[32];

    for (int i = 0; i < PLACES; i++) {
        snprintf(location, sizeof location, "/place%d", i);
        snprintf(text, sizeof text, "%zu", w->index);
        int rc = put_text(w->store, location, text, request);
        demand(w, rc == STORE_OK || rc == refusal);
        if (rc == STORE_OK)
            demand(w, number_at(w->store, location, NULL, NULL) == (long)w->index);
        race->winners[i] += rc == STORE_OK;
    }
}

static void put_noreplace(struct worker *w)
{
    race_to_create(w, WITH(.flags = STORE_NOREPLACE), STORE_KEY_CONFLICT);
}

static void put_if_none_match(struct worker *w)
{
    race_to_create(w, WITH(.flags = STORE_IF_NONE_MATCH_ANY), STORE_PRECONDITION_FAILED);
}

static void assert_one_winner_each(size_t processes, size_t threads, void (*work)(struct worker *w))
{
    struct race *race = shared_memory(sizeof *race);

    assert_crew(processes, threads, work, race);
    for (int i = 0; i < PLACES; i++)
        cr_assert_eq(race->winners[i], 1, "%d created /place%d", race->winners[i], i);
}

Test(concurrency, exactly_one_thread_creates_an_object)
{
    assert_one_winner_each(0, 8, put_noreplace);
}

Test(concurrency, exactly_one_thread_creates_under_if_none_match)
{
    assert_one_winner_each(0, 8, put_if_none_match);
}

Test(concurrency, exactly_one_process_creates_an_object)
{
    assert_one_winner_each(3, 2, put_noreplace);
}

Test(concurrency, exactly_one_process_creates_under_if_none_match)
{
    assert_one_winner_each(3, 2, put_if_none_match);
}

/* ------------------------------------------------------------- lost updates */

enum { INCREMENTS = 100 };

static void increment_if_match(struct worker *w)
{
    for (int done = 0; done < INCREMENTS;) {
        uint64_t version;
        long number = number_at(w->store, "/counter", &version, NULL);
        demand(w, number >= 0);
        int rc = put_number(w->store, "/counter", number + 1, WITH(.if_match = &version, .if_match_count = 1));
        demand(w, rc == STORE_OK || rc == STORE_PRECONDITION_FAILED);
        done += rc == STORE_OK;
    }
}

static void increment_in_transaction(struct worker *w)
{
    for (int done = 0; done < INCREMENTS; done++) {
        store_txn *txn;
        demand(w, store_begin(&txn, w->store, false) == STORE_OK);
        long number = number_at(w->store, "/counter", NULL, txn);
        int rc = put_number(w->store, "/counter", number + 1, WITH(.txn = txn));
        if (rc != STORE_OK)
            store_abort(txn);
        demand(w, rc == STORE_OK);
        demand(w, store_commit(txn) == STORE_OK);
    }
}

static void assert_all_counted(size_t processes, size_t threads, void (*work)(struct worker *w))
{
    size_t count = (processes ? processes : 1) * threads;

    assert_ok(put_number(test_store(), "/counter", 0, NULL));
    assert_crew(processes, threads, work, NULL);
    cr_assert_eq(number_at(test_store(), "/counter", NULL, NULL), (long)count * INCREMENTS);
}

Test(concurrency, no_thread_loses_an_update_under_if_match)
{
    assert_all_counted(0, 6, increment_if_match);
}

Test(concurrency, no_process_loses_an_update_under_if_match)
{
    assert_all_counted(3, 2, increment_if_match);
}

Test(concurrency, transactions_of_threads_follow_each_other)
{
    assert_all_counted(0, 6, increment_in_transaction);
}

Test(concurrency, transactions_of_processes_follow_each_other)
{
    assert_all_counted(3, 2, increment_in_transaction);
}

/* ---------------------------------------------------------------- auto keys */

enum { APPENDS = 50, APPENDED = 4 * APPENDS }; /* one, then three together */

static void append_objects(struct worker *w)
{
    atomic_int *seen = w->memory;
    store_answer answer;

    for (int i = 0; i < APPENDS; i++) {
        demand(w, store_put(&answer, w->store, "/log", "{\"by\":1}", 8, NULL) == STORE_OK);
        seen[atoi(answer.one.location + 5)]++;
        store_answer_clear(&answer);
        demand(w, store_put(&answer, w->store, "/log", "[{},{},{}]", 10, NULL) == STORE_OK);
        int first = atoi(answer.many[0].location + 5);
        for (int k = 0; k < 3; k++) {
            demand(w, atoi(answer.many[k].location + 5) == first + k);
            seen[first + k]++;
        }
        store_answer_clear(&answer);
    }
}

static void assert_keys_without_gap(size_t processes, size_t threads)
{
    size_t count = (processes ? processes : 1) * threads * APPENDED;
    atomic_int *seen = shared_memory((count + 1) * sizeof *seen);
    store_iter *iter;
    store_entry entry;
    size_t listed = 0;

    define("/log", COUNTERS);
    assert_crew(processes, threads, append_objects, seen);
    for (size_t i = 1; i <= count; i++)
        cr_assert_eq(seen[i], 1, "key %zu was given %d times", i, seen[i]);
    assert_ok(store_iter_open(&iter, test_store(), "/log", NULL));
    while (store_iter_next(&entry, iter) == STORE_OK)
        cr_assert_eq((size_t)atoi(entry.name), ++listed);
    store_iter_close(iter);
    cr_assert_eq(listed, count);
}

Test(concurrency, threads_get_auto_keys_without_gap_or_double)
{
    assert_keys_without_gap(0, 6);
}

Test(concurrency, processes_get_auto_keys_without_gap_or_double)
{
    assert_keys_without_gap(3, 2);
}

/* -------------------------------------------------------------- unique keys */

enum { EMAILS = 5, CLAIMS = 200 };

/* Everybody wants everybody's address, in an order of their own. */
static void claim_emails(struct worker *w)
{
    char location[32], body[64], email[3] = "e?";
    unsigned seed = (unsigned)w->index + 1;

    snprintf(location, sizeof location, "/people/p%zu", w->index);
    snprintf(body, sizeof body, "{\"name\":\"p%zu\"}", w->index);
    demand(w, put_text(w->store, location, body, NULL) == STORE_OK);
    for (int i = 0; i < CLAIMS; i++) {
        email[1] = (char)('0' + rand_r(&seed) % EMAILS);
        snprintf(body, sizeof body, "{\"email\":\"%s\"}", email);
        int rc = store_patch(NULL, w->store, location, STORE_PATCH_MERGE, body, strlen(body), NULL);
        demand(w, rc == STORE_OK || rc == STORE_KEY_CONFLICT);
        if (rc != STORE_OK)
            continue;
        char *holder;
        demand(w, store_find(&holder, w->store, "/people", &(store_field){ "email", email }, 1, NULL) == STORE_OK);
        bool mine = strcmp(holder, location) == 0;
        store_free(holder);
        demand(w, mine);
    }
}

/* Each address is held by whoever the index names, and by nobody else. */
static void assert_addresses_unique(void)
{
    store_list_options options = STORE_LIST_OPTIONS_INIT;
    store_iter *iter;
    store_entry entry;
    int holders[EMAILS] = { 0 };

    options.bodies = true;
    assert_ok(store_iter_open(&iter, test_store(), "/people", &options));
    while (store_iter_next(&entry, iter) == STORE_OK) {
        const char *email = memmem(entry.body, entry.body_size, "\"email\":\"e", 10);
        if (email != NULL)
            holders[email[10] - '0']++;
    }
    store_iter_close(iter);
    for (int i = 0; i < EMAILS; i++)
        cr_assert_leq(holders[i], 1, "%d objects hold e%d", holders[i], i);
}

Test(concurrency, no_two_threads_hold_one_unique_key)
{
    define("/people", PEOPLE);
    assert_crew(0, 6, claim_emails, NULL);
    assert_addresses_unique();
}

Test(concurrency, no_two_processes_hold_one_unique_key)
{
    define("/people", PEOPLE);
    assert_crew(3, 2, claim_emails, NULL);
    assert_addresses_unique();
}

/* --------------------------------------------------- parents, moves, names */

static void put_with_parents(struct worker *w)
{
    char location[64];

    for (int i = 0; i < 20; i++) {
        snprintf(location, sizeof location, "/deep%d/er/est/%zu", i, w->index);
        demand(w, put_number(w->store, location, i, WITH(.flags = STORE_PARENTS)) == STORE_OK);
        demand(w, number_at(w->store, location, NULL, NULL) == i);
    }
}

Test(concurrency, parents_are_made_once_by_many_at_once)
{
    char location[64];

    assert_crew(3, 2, put_with_parents, NULL);
    for (int i = 0; i < 20 * 6; i++) {
        snprintf(location, sizeof location, "/deep%d/er/est/%d", i / 6, i % 6);
        cr_assert_eq(number_at(test_store(), location, NULL, NULL), i / 6, "%s", location);
    }
}

static void move_away(struct worker *w)
{
    struct race *race = w->memory;
    char from[32], to[32];

    for (int i = 0; i < PLACES; i++) {
        snprintf(from, sizeof from, "/from/%d", i);
        snprintf(to, sizeof to, "/to/%d-%zu", i, w->index);
        int rc = store_move(NULL, w->store, from, to, NULL);
        demand(w, rc == STORE_OK || rc == STORE_NOT_FOUND);
        race->winners[i] += rc == STORE_OK;
    }
}

Test(concurrency, an_object_is_moved_by_exactly_one)
{
    struct race *race = shared_memory(sizeof *race);
    char location[32];

    assert_ok(store_make_collection(NULL, test_store(), "/from", NULL));
    assert_ok(store_make_collection(NULL, test_store(), "/to", NULL));
    for (int i = 0; i < PLACES; i++) {
        snprintf(location, sizeof location, "/from/%d", i);
        assert_ok(put_number(test_store(), location, i, NULL));
    }
    assert_crew(2, 3, move_away, race);
    for (int i = 0; i < PLACES; i++)
        cr_assert_eq(race->winners[i], 1);
    assert_ok(store_delete(NULL, test_store(), "/from", NULL)); /* it is empty */
}

static void post_bodies(struct worker *w)
{
    store_answer answer;

    for (int i = 0; i < 30; i++) {
        demand(w, store_post(&answer, w->store, "/inbox", "x", 1, NULL) == STORE_OK);
        demand(w, answer.one.outcome == STORE_CREATED);
        store_answer_clear(&answer);
    }
}

Test(concurrency, names_that_the_store_picks_are_never_picked_twice)
{
    store_iter *iter;
    store_entry entry;
    int listed = 0;

    assert_ok(store_make_collection(NULL, test_store(), "/inbox", NULL));
    assert_crew(3, 2, post_bodies, NULL);
    assert_ok(store_iter_open(&iter, test_store(), "/inbox", NULL));
    while (store_iter_next(&entry, iter) == STORE_OK)
        listed++;
    store_iter_close(iter);
    cr_assert_eq(listed, 6 * 30);
}
