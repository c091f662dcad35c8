/* test_concurrency_processes.c - what one process learns of another: changes, collections that were
 * replaced, a handle that came through a fork. */
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "concurrency_test.h"

TestSuite(concurrency_processes, .init = begin_test, .fini = end_test);

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------- feeds */

enum { CHANGES = 50, PROMPT_MS = 500 }; /* a feed looks by itself once a second */

struct conversation {
    atomic_int answered; /* how many changes were seen */
    uint64_t since;
    _Atomic int64_t slowest;
};

static void make_changes(struct worker *w, struct conversation *talk)
{
    for (int i = 0; i < CHANGES; i++) {
        int64_t began = now_ms();
        demand(w, put_number(w->store, "/signal", i, NULL) == STORE_OK);
        while (talk->answered <= i && now_ms() - began < 20000)
            sched_yield();
        demand(w, talk->answered > i);
        int64_t took = now_ms() - began;
        if (took > talk->slowest)
            talk->slowest = took;
    }
}

static void see_changes(struct worker *w, struct conversation *talk)
{
    store_feed *feed;
    store_change change;

    demand(w, store_feed_open(&feed, w->store, "/signal", talk->since) == STORE_OK);
    for (int i = 0; i < CHANGES; i++) {
        int rc = store_feed_next(&change, feed, 20000);
        bool expected = rc == STORE_OK && change.outcome == (i == 0 ? STORE_CREATED : STORE_UPDATED);
        if (!expected)
            store_feed_close(feed);
        demand(w, expected);
        talk->answered = i + 1;
    }
    store_feed_close(feed);
}

static void talk(struct worker *w)
{
    if (w->index == 0)
        make_changes(w, w->memory);
    else
        see_changes(w, w->memory);
}

static void assert_prompt(size_t processes, size_t threads)
{
    struct conversation *conversation = shared_memory(sizeof *conversation);

    assert_ok(store_last_version(&conversation->since, test_store()));
    assert_crew(processes, threads, talk, conversation);
    cr_assert_lt(conversation->slowest, PROMPT_MS);
}

/* A handle that writes has a thread, and TSan knows no threads in a child of a fork. */
static void skip_under_tsan(void)
{
#ifdef __SANITIZE_THREAD__
    cr_skip_test("TSan does not follow threads of a forked child");
#endif
}

Test(concurrency_processes, a_change_wakes_a_waiting_thread_promptly)
{
    assert_prompt(0, 2);
}

Test(concurrency_processes, a_change_wakes_a_waiting_process_promptly)
{
    assert_prompt(2, 1);
}

/* Changes that readers of the log must all see, in order, none twice. */
static void follow_or_write(struct worker *w)
{
    char location[32];
    store_feed *feed;
    store_change change;
    uint64_t last = 0;
    int seen = 0, expected = (int)(w->count / 2) * CHANGES, rc = STORE_OK;

    if (w->index % 2 == 0) {
        for (int i = 0; i < CHANGES; i++) {
            snprintf(location, sizeof location, "/%zu-%d", w->index, i);
            demand(w, put_number(w->store, location, i, NULL) == STORE_OK);
        }
        return;
    }
    demand(w, store_feed_open(&feed, w->store, "/", 1) == STORE_OK);
    while (seen < expected && rc == STORE_OK) {
        rc = store_feed_next(&change, feed, 20000);
        seen += rc == STORE_OK && change.version > last;
        last = change.version;
    }
    store_feed_close(feed);
    demand(w, rc == STORE_OK);
}

Test(concurrency_processes, every_change_is_seen_once_and_in_order_by_all)
{
    assert_crew(2, 4, follow_or_write, NULL);
}

/* -------------------------------------------------- collections that change */

/* Two take turns: one replaces the collection, the other goes on writing below its name. */
static bool await(atomic_int *turn, int value)
{
    int64_t end = now_ms() + 20000;

    while (*turn != value && now_ms() < end)
        sched_yield();
    return *turn == value;
}

static void replace_collection(struct worker *w, atomic_int *turn)
{
    char old[32];

    for (int i = 0; i < 40; i++) {
        snprintf(old, sizeof old, "/old%d", i);
        demand(w, await(turn, 2 * i));
        if (i % 2 == 0)
            demand(w, store_delete(NULL, w->store, "/c", WITH(.flags = STORE_RECURSIVE)) == STORE_OK);
        else
            demand(w, store_move(NULL, w->store, "/c", old, NULL) == STORE_OK);
        demand(w, store_make_collection(NULL, w->store, "/c", NULL) == STORE_OK);
        *turn = 2 * i + 1;
    }
}

static void write_below(struct worker *w, atomic_int *turn)
{
    store_stat stat;
    char location[32];

    for (int i = 0; i < 40; i++) {
        demand(w, await(turn, 2 * i + 1));
        snprintf(location, sizeof location, "/c/%d", i - 1);
        demand(w, store_stat_get(&stat, w->store, location, NULL) == STORE_NOT_FOUND);
        snprintf(location, sizeof location, "/c/%d", i);
        demand(w, put_number(w->store, location, i, NULL) == STORE_OK);
        demand(w, number_at(w->store, location, NULL, NULL) == i);
        *turn = 2 * i + 2;
    }
}

static void replace_or_write(struct worker *w)
{
    if (w->index == 0)
        replace_collection(w, w->memory);
    else
        write_below(w, w->memory);
}

Test(concurrency_processes, a_collection_replaced_by_one_is_another_to_all)
{
    assert_ok(store_make_collection(NULL, test_store(), "/c", NULL));
    assert_crew(2, 1, replace_or_write, shared_memory(sizeof(atomic_int)));
    cr_assert_eq(number_at(test_store(), "/c/39", NULL, NULL), 39);
    assert_code(STORE_NOT_FOUND, store_stat_get(&(store_stat){ 0 }, test_store(), "/c/38", NULL));
}

/* Definitions too: what one process demands, another must not let through. */
static void redefine_or_put(struct worker *w)
{
    static const char *const definitions[2] = {
        "{\"key\":[\"k\"],\"put\":\"replace\",\"schema\":{\"type\":\"object\",\"properties\":{"
        "\"k\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}}}}",
        "{\"key\":[\"k\"],\"put\":\"replace\",\"schema\":{\"type\":\"object\",\"properties\":{"
        "\"k\":{\"type\":\"string\"},\"n\":{\"type\":\"string\"}}}}",
    };
    atomic_int *turn = w->memory;

    for (int i = 0; i < 30; i++) {
        const char *definition = definitions[i % 2];
        if (w->index == 0) {
            demand(w, await(turn, 2 * i));
            demand(w, store_define(NULL, w->store, "/d", definition, strlen(definition), NULL) == STORE_OK);
            *turn = 2 * i + 1;
            continue;
        }
        demand(w, await(turn, 2 * i + 1));
        bool text = i % 2;
        demand(w, put_text(w->store, "/d/a", text ? "{\"n\":\"x\"}" : "{\"n\":1}", NULL) == STORE_OK);
        demand(w, put_text(w->store, "/d/a", text ? "{\"n\":1}" : "{\"n\":\"x\"}", NULL) == STORE_INVALID_VALUE);
        demand(w, store_delete(NULL, w->store, "/d/a", NULL) == STORE_OK);
        *turn = 2 * i + 2;
    }
}

Test(concurrency_processes, a_definition_given_by_one_holds_for_all)
{
    assert_crew(2, 1, redefine_or_put, shared_memory(sizeof(atomic_int)));
}

/* -------------------------------------------------------------------- forks */

/* Runs in a child: 0, or the line that was wrong. */
static int child_status(int (*work)(store *s), store *s)
{
    int status;

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        _exit(work(s));
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int use_inherited(store *s)
{
    store_stat stat;
    store_txn *txn;
    store_answer answer;

    if (store_put(&answer, s, "/a", "2", 1, NULL) != STORE_BAD_ARGUMENT)
        return 1;
    if (store_stat_get(&stat, s, "/a", NULL) != STORE_BAD_ARGUMENT)
        return 2;
    if (store_begin(&txn, s, false) != STORE_BAD_ARGUMENT || store_begin(&txn, s, true) != STORE_BAD_ARGUMENT)
        return 3;
    if (store_sync(s) == STORE_OK)
        return 4;
    store_close(s);
    return 0;
}

static int open_again(store *inherited)
{
    store *s;
    char path[1024];

    snprintf(path, sizeof path, "%s", store_path(inherited));
    if (store_open(&s, path, NULL) != STORE_OK || s == inherited)
        return 1;
    if (store_put(NULL, s, "/child", "1", 1, NULL) != STORE_OK)
        return 2;
    store_close(s);
    store_close(inherited);
    return 0;
}

/* So that the handle has its background thread. */
static store *busy_store(void)
{
    char *large = calloc(1, 200000);

    assert_ok(store_put(NULL, test_store(), "/large", large, 200000, NULL));
    assert_ok(store_delete(NULL, test_store(), "/large", NULL));
    assert_ok(put_text(test_store(), "/a", "1", NULL));
    free(large);
    return test_store();
}

Test(concurrency_processes, a_handle_refuses_to_work_in_a_child)
{
    cr_assert_eq(child_status(use_inherited, busy_store()), 0);
    assert_ok(put_text(test_store(), "/a", "3", NULL));
    assert_body("/a", "3");
}

Test(concurrency_processes, a_child_opens_the_store_again)
{
    skip_under_tsan();
    cr_assert_eq(child_status(open_again, busy_store()), 0);
    assert_body("/child", "1");
    assert_ok(put_text(test_store(), "/a", "3", NULL));
}

Test(concurrency_processes, a_child_is_refused_even_when_the_parent_was_writing)
{
    store_txn *txn;

    assert_ok(store_begin(&txn, busy_store(), false));
    cr_assert_eq(child_status(use_inherited, test_store()), 0);
    assert_ok(put_text(test_store(), "/a", "4", WITH(.txn = txn)));
    assert_ok(store_commit(txn));
    assert_body("/a", "4");
}

/* ------------------------------------------------------ a file that outgrows */

static const store_options SMALL_MAP = { .version = STORE_OPTIONS_VERSION, .flags = STORE_OPEN_CREATE,
                                         .map_size = 1 << 20 };

enum { GROWTHS = 6, GROWTH = 3000000 };

/* Adds objects named by `who`, large and small ones; reads all that there are. */
static bool grow(store *s, const char *who, int round)
{
    char location[48], *body = malloc(GROWTH);
    bool ok;
    void *read = NULL;
    size_t size = 0;

    memset(body, 'a' + round, GROWTH);
    snprintf(location, sizeof location, "/%s-%d", who, round);
    ok = store_put(NULL, s, location, body, GROWTH, NULL) == STORE_OK;
    for (int i = 0; i < 400 && ok; i++) {
        snprintf(location, sizeof location, "/%s-%d-%d", who, round, i);
        ok = store_put(NULL, s, location, body, 2000, NULL) == STORE_OK;
    }
    for (int i = 0; i <= round && ok; i++) {
        snprintf(location, sizeof location, "/parent-%d", i);
        ok = store_get(&read, &size, NULL, s, location, NULL) == STORE_OK && size == GROWTH &&
             *(char *)read == 'a' + i;
        store_free(read);
    }
    free(body);
    return ok;
}

static int grow_round;

static int grow_in_child(store *inherited)
{
    store *s;

    if (store_open(&s, store_path(inherited), &SMALL_MAP) != STORE_OK)
        return 1;
    if (!grow(s, "child", grow_round))
        return 2;
    store_close(s);
    return 0;
}

Test(concurrency_processes, a_small_map_follows_a_file_that_another_process_made_larger)
{
    skip_under_tsan();
    store *s = reopen_store(&SMALL_MAP);

    for (grow_round = 0; grow_round < GROWTHS; grow_round++) {
        cr_assert(grow(s, "parent", grow_round), "round %d: %s", grow_round, store_problem_json());
        cr_assert_eq(child_status(grow_in_child, s), 0);
        cr_assert_eq(number_at(s, "/child-0-399", NULL, NULL), 0, "it can be read");
    }
}

/* --------------------------------------------------- the program beside us */

Test(concurrency_processes, a_program_and_this_process_share_a_store)
{
    const char *const put[] = { program("storectl"), "-s", test_path("store"), "put", "/b", "--data", "2", NULL };
    struct command_result result;
    store_feed *feed;
    store_change change;
    uint64_t since;

    assert_ok(store_last_version(&since, test_store()));
    assert_ok(store_feed_open(&feed, test_store(), "/b", since));
    run_command(&result, put, NULL);
    assert_status(0, &result);
    command_clear(&result);
    assert_ok(store_feed_next(&change, feed, 0));
    cr_assert_str_eq(change.location, "/b");
    store_feed_close(feed);
    assert_body("/b", "2");
}
