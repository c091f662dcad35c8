/* test_prepared.c - typed requests are made ready before they wait for the writer's lock: whatever
 * happens until they get it, they answer and do what they would have, had they begun only then. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "api_test.h"
#include "concurrency_test.h"

TestSuite(prepared, .init = begin_api_test, .fini = end_api_test);

#define ITEMS(more) "{'key':['id'],'put':'replace','unique':[['code']],'schema':{'type':'object',"              \
                    "'properties':{'id':{'type':'string'},'code':{'type':['integer','null'],'default':null},"   \
                    "'a':{'type':'integer','maximum':9},'b':{'type':'integer','maximum':9}" more "}}}"

/* ----------------------------------------------- a request behind a transaction */

/* A request that another thread makes while this one has a transaction open. */
struct late {
    int (*request)(const struct late *late, store_answer *out);
    const char *location, *body;
    const store_request *options;
    store_answer answer;
    store_txn *txn;
    int code;
    char problem[2000], location_made[100];
    pthread_t thread;
};

static int late_put(const struct late *late, store_answer *out)
{
    return store_put(out, test_store(), late->location, late->body, strlen(late->body), late->options);
}

static int late_patch(const struct late *late, store_answer *out)
{
    return store_patch(out, test_store(), late->location, STORE_PATCH_MERGE, late->body, strlen(late->body),
                       late->options);
}

static int late_post(const struct late *late, store_answer *out)
{
    return store_post(out, test_store(), late->location, late->body, strlen(late->body), late->options);
}

static void *make_request(void *argument)
{
    struct late *late = argument;

    late->code = late->request(late, &late->answer);
    snprintf(late->problem, sizeof late->problem, "%s", store_problem_json());
    return NULL;
}

static struct late late;

/* Begins a transaction, and the request, which is ready soon and then waits for it. */
static store_request *before(int (*request)(const struct late *late, store_answer *out), const char *location,
                             const char *body, const store_request *options)
{
    static store_request within;

    late = (struct late){ .request = request, .location = location, .body = J(body), .options = options };
    assert_ok(store_begin(&late.txn, test_store(), false));
    cr_assert_eq(pthread_create(&late.thread, NULL, make_request, &late), 0);
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    within = (store_request)STORE_REQUEST_INIT;
    within.txn = late.txn;
    return &within;
}

/* Commits the transaction; then the request goes on. */
static void after(int code)
{
    assert_ok(store_commit(late.txn));
    pthread_join(late.thread, NULL);
    if (late.answer.one.location)
        snprintf(late.location_made, sizeof late.location_made, "%s", late.answer.one.location);
    store_answer_clear(&late.answer);
    cr_assert_eq(late.code, code, "%s, not %s: %s", store_code_name(late.code), store_code_name(code), late.problem);
}

static void define_within(const store_request *within, const char *location, const char *definition)
{
    assert_ok(store_define(NULL, test_store(), location, J(definition), strlen(J(definition)), within));
}

static void begin_items(void)
{
    assert_ok(define("/items", ITEMS("")));
}

/* --------------------------------------------------------------------- PUT */

Test(prepared, a_put_is_completed_by_the_definition_there_is_when_it_is_written)
{
    begin_items();
    store_request *within = before(late_put, "/items/x", "{'a':1}", NULL);
    define_within(within, "/items", ITEMS(",'c':{'type':'integer','default':5}"));
    after(STORE_OK);
    assert_json("/items/x", "{'id':'x','code':null,'a':1,'b':0,'c':5}");
}

Test(prepared, a_put_is_checked_against_the_definition_there_is_when_it_is_written)
{
    begin_items();
    store_request *within = before(late_put, "/items/x", "{'a':1}", NULL);
    define_within(within, "/items", ITEMS(",'c':{'type':'integer'}},'required':['c'],'$defs':{"));
    after(STORE_INVALID_VALUE);
    cr_assert(strstr(late.problem, "/c"), "%s", late.problem);
    assert_missing("/items/x");
}

Test(prepared, a_put_that_its_first_definition_refuses_may_conform_to_the_next)
{
    begin_items();
    store_request *within = before(late_put, "/items/x", "{'c':1}", NULL);
    define_within(within, "/items", ITEMS(",'c':{'type':'integer'}"));
    after(STORE_OK);
    assert_json("/items/x", "{'id':'x','code':null,'a':0,'b':0,'c':1}");
}

Test(prepared, a_put_goes_to_the_collection_that_has_come_to_its_location)
{
    begin_items();
    store_request *within = before(late_put, "/items/x", "{'code':3}", NULL);
    assert_ok(relocate("/items", "/old", within));
    define_within(within, "/items", ITEMS(""));
    after(STORE_OK);
    assert_missing("/old/x");
    assert_json("/items/x", "{'id':'x','code':3,'a':0,'b':0}");
}

Test(prepared, a_put_goes_to_a_copy_of_the_collection_with_the_same_definition)
{
    begin_items();
    store_request *within = before(late_put, "/items/x", "{'code':3}", NULL);
    assert_ok(duplicate("/items", "/copy", within));
    assert_ok(relocate("/items", "/old", within));
    assert_ok(relocate("/copy", "/items", within));
    after(STORE_OK);
    assert_refused(STORE_KEY_CONFLICT, put("/items/y", J("{'code':3}"), NULL));
    assert_ok(put("/old/y", J("{'code':3}"), NULL));
}

Test(prepared, a_put_to_a_collection_that_became_plain_keeps_its_bytes)
{
    begin_items();
    store_request *within = before(late_put, "/items/x", "{'a' : 99}", NULL);
    assert_ok(store_define(NULL, test_store(), "/items", NULL, 0, within));
    after(STORE_OK);
    assert_body("/items/x", "{\"a\" : 99}");
}

Test(prepared, a_put_of_any_bytes_to_a_collection_that_became_typed_is_no_json)
{
    assert_ok(make_collection("/items", NULL));
    store_request *within = before(late_put, "/items/x", "bytes", NULL);
    define_within(within, "/items", ITEMS(""));
    after(STORE_BAD_BODY);
}

Test(prepared, a_put_meets_the_unique_keys_there_are_when_it_is_written)
{
    begin_items();
    store_request *within = before(late_put, "/items/x", "{'code':3}", NULL);
    assert_ok(put("/items/y", J("{'code':3}"), within));
    after(STORE_KEY_CONFLICT);
    cr_assert(strstr(late.problem, "\"value\":\"3\",\"conflicts_with\":\"/items/y\""), "%s", late.problem);
}

Test(prepared, a_put_may_take_a_unique_key_that_was_given_up_meanwhile)
{
    begin_items();
    assert_ok(put("/items/y", J("{'code':3}"), NULL));
    store_request *within = before(late_put, "/items/x", "{'code':3}", NULL);
    assert_ok(put("/items/y", J("{'code':4}"), within));
    after(STORE_OK);
    assert_json("/items/x", "{'id':'x','code':3,'a':0,'b':0}");
}

Test(prepared, a_condition_of_a_put_is_about_the_version_it_replaces)
{
    begin_items();
    assert_ok(put("/items/x", J("{'a':1}"), NULL));
    uint64_t version = version_of("/items/x");
    store_request *within = before(late_put, "/items/x", "{'a':2}", WITH(.if_match = &version, .if_match_count = 1));
    assert_ok(put("/items/x", J("{'a':3}"), within));
    after(STORE_PRECONDITION_FAILED);
    assert_json("/items/x", "{'id':'x','code':null,'a':3,'b':0}");
}

Test(prepared, a_failed_condition_is_told_before_what_is_wrong_with_the_body)
{
    begin_items();
    assert_ok(put("/items/x", J("{'a':1}"), NULL));
    assert_refused(STORE_PRECONDITION_FAILED,
                   put("/items/x", J("{'a':'no number'}"), WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    assert_refused(STORE_KEY_CONFLICT, put("/items/x", J("{'a':'no number'}"), WITH(.flags = STORE_NOREPLACE)));
    assert_refused(STORE_NOT_FOUND, put("/items/y", J("{'a':'no number'}"), WITH(.flags = STORE_NOINSERT)));
}

/* Uploads to `location`, where `definition` gets in between. */
static void upload_and_define(const char *location, const char *collection, const char *definition)
{
    static const char bytes[100000];
    store_writer *writer;

    assert_ok(store_writer_open(&writer, test_store(), location, NULL));
    assert_ok(store_writer_write(writer, bytes, sizeof bytes));
    assert_ok(define(collection, definition));
    assert_refused(STORE_BUSY, store_writer_commit(NULL, writer));
    store_writer_close(writer);
}

Test(prepared, an_upload_to_a_collection_that_became_typed_is_to_be_sent_again)
{
    assert_ok(make_collection("/items", NULL));
    upload_and_define("/items/x", "/items", ITEMS(""));
}

Test(prepared, an_upload_to_what_became_a_typed_collection_is_to_be_sent_again)
{
    upload_and_define("/box", "/box", "{'order':'auto','key':['n'],'schema':{'properties':{'n':{'type':'integer'}}}}");
}

/* ------------------------------------------------------------------- PATCH */

Test(prepared, a_patch_keeps_what_others_changed_meanwhile)
{
    begin_items();
    assert_ok(put("/items/x", J("{'a':1,'b':1,'code':1}"), NULL));
    store_request *within = before(late_patch, "/items/x", "{'a':2}", NULL);
    assert_ok(patch("/items/x", J("{'b':2,'code':2}"), within));
    after(STORE_OK);
    assert_json("/items/x", "{'id':'x','code':2,'a':2,'b':2}");
    assert_created("/items/y", put("/items/y", J("{'code':1}"), NULL));
}

Test(prepared, a_patch_of_an_object_deleted_meanwhile_finds_nothing)
{
    begin_items();
    assert_ok(put("/items/x", J("{'a':1}"), NULL));
    store_request *within = before(late_patch, "/items/x", "{'a':2}", NULL);
    assert_ok(erase("/items/x", within));
    after(STORE_NOT_FOUND);
    assert_missing("/items/x");
}

Test(prepared, a_patch_is_of_the_object_that_stands_there_when_it_is_written)
{
    begin_items();
    assert_ok(put("/items/x", J("{'a':1,'b':1}"), NULL));
    store_request *within = before(late_patch, "/items/x", "{'a':2}", NULL);
    assert_ok(erase("/items/x", within));
    assert_ok(put("/items/x", J("{'b':7}"), within));
    after(STORE_OK);
    assert_json("/items/x", "{'id':'x','code':null,'a':2,'b':7}");
}

Test(prepared, a_patch_that_did_not_conform_at_first_may_conform_when_it_is_written)
{
    begin_items();
    assert_ok(put("/items/x", "{}", NULL));
    store_request *within = before(late_patch, "/items/x", "{'a':50}", NULL);
    define_within(within, "/items", "{'key':['id'],'schema':{'properties':{'id':{'type':'string'},'a':{},'b':{},"
                                    "'code':{}}}}");
    after(STORE_OK);
    assert_json("/items/x", "{'id':'x','code':null,'a':50,'b':0}");
}

Test(prepared, a_patch_that_conformed_at_first_is_refused_when_it_no_longer_does)
{
    begin_items();
    assert_ok(put("/items/x", J("{'a':5}"), NULL));
    store_request *within = before(late_patch, "/items/x", "{'b':9}", NULL);
    define_within(within, "/items", ITEMS("},'not':{'properties':{'b':{'const':9}}"));
    after(STORE_INVALID_VALUE);
    assert_json("/items/x", "{'id':'x','code':null,'a':5,'b':0}");
}

Test(prepared, a_patch_of_the_key_moves_the_object_as_it_is_by_then)
{
    begin_items();
    assert_ok(put("/items/x", J("{'a':1,'code':1}"), NULL));
    store_request *within = before(late_patch, "/items/x", "{'id':'y'}", NULL);
    assert_ok(patch("/items/x", J("{'a':2}"), within));
    after(STORE_OK);
    assert_names("y", "/items", NULL);
    assert_json("/items/y", "{'id':'y','code':1,'a':2,'b':0}");
    assert_refused(STORE_KEY_CONFLICT, put("/items/z", J("{'code':1}"), NULL));
}

Test(prepared, a_condition_of_a_patch_is_about_the_version_it_changes)
{
    begin_items();
    assert_ok(put("/items/x", J("{'a':1}"), NULL));
    uint64_t version = version_of("/items/x");
    store_request *within = before(late_patch, "/items/x", "{'a':2}", WITH(.if_match = &version, .if_match_count = 1));
    assert_ok(patch("/items/x", J("{'b':2}"), within));
    after(STORE_PRECONDITION_FAILED);
}

Test(prepared, a_patch_of_a_property_keeps_what_others_changed_meanwhile)
{
    assert_ok(define("/people", PEOPLE));
    assert_ok(put("/people/ada", J("{'tags':['one','two']}"), NULL));
    store_request *within = before(late_patch, "/people/ada/tags/0", "'first'", NULL);
    assert_ok(patch("/people/ada/tags", J("['uno','dos','tres']"), within));
    after(STORE_OK);
    assert_json("/people/ada/tags", "['first','dos','tres']");
}

/* -------------------------------------------------------------------- POST */

Test(prepared, a_post_merges_with_what_is_there_when_it_is_written)
{
    begin_items();
    store_request *within = before(late_post, "/items", "[{'id':'x','a':1},{'id':'y','a':1}]", NULL);
    assert_ok(put("/items/x", J("{'b':2}"), within));
    after(STORE_OK);
    assert_json("/items/x", "{'id':'x','code':null,'a':1,'b':2}");
    assert_json("/items/y", "{'id':'y','code':null,'a':1,'b':0}");
}

Test(prepared, a_post_to_a_collection_that_became_plain_keeps_its_bytes)
{
    begin_items();
    store_request *within = before(late_post, "/items", "[ {'id':'x'} ]", NULL);
    assert_ok(store_define(NULL, test_store(), "/items", NULL, 0, within));
    after(STORE_OK);
    cr_assert_eq(stat_of(late.location_made).size, strlen(J("[ {'id':'x'} ]")));
}

Test(prepared, a_post_to_a_collection_that_became_typed_is_checked)
{
    assert_ok(make_collection("/items", NULL));
    store_request *within = before(late_post, "/items", "{'id':'x','a':10}", NULL);
    define_within(within, "/items", ITEMS(""));
    after(STORE_INVALID_VALUE);
    assert_names("", "/items", NULL);
}

/* ------------------------------------------------------------------- crews */

enum { PATCHES = 60, FLIPS = 40 };

/* Each worker counts in a member of its own. */
static void patch_own_member(struct worker *w)
{
    char body[40];

    for (int i = 1; i <= PATCHES; i++) {
        int size = snprintf(body, sizeof body, "{\"m%zu\":%d}", w->index, i);
        demand(w, store_patch(NULL, w->store, "/shared/x", STORE_PATCH_MERGE, body, (size_t)size, NULL) == STORE_OK);
    }
}

static void assert_no_patch_is_lost(size_t processes, size_t threads)
{
    size_t count = (processes ? processes : 1) * threads;
    char *body;

    assert_ok(define("/shared", "{'key':['id'],'schema':{'properties':{'id':{'type':'string'}},"
                                "'additionalProperties':{'type':'integer'}}}"));
    assert_ok(put("/shared/x", "{}", NULL));
    assert_crew(processes, threads, patch_own_member, NULL);
    body = body_text("/shared/x");
    for (size_t i = 0; i < count; i++) {
        char member[40];
        snprintf(member, sizeof member, "\"m%zu\":%d", i, PATCHES);
        cr_assert(strstr(body, member), "%s is not in %s", member, body);
    }
    free(body);
}

Test(prepared, patches_of_eight_threads_to_one_object_lose_nothing)
{
    assert_no_patch_is_lost(0, 8);
}

Test(prepared, patches_of_several_processes_to_one_object_lose_nothing)
{
    assert_no_patch_is_lost(3, 2);
}

/* The first worker defines the collection anew again and again; the others' objects have the member of
 * the definition that was in force, and of no other. */
static void put_while_it_is_defined(struct worker *w)
{
    static const char *const definitions[] = { ITEMS(",'odd':{'type':'integer'}"), ITEMS(",'even':{'type':'integer'}") };
    atomic_int *done = w->memory;
    char location[40], *body;
    size_t size;

    for (int i = 0; w->index == 0 && i < FLIPS; i++) {
        const char *definition = J(definitions[i % 2]);
        store_txn *txn;
        demand(w, store_begin(&txn, w->store, false) == STORE_OK);
        bool ok = store_delete(NULL, w->store, "/items", WITH(.txn = txn, .flags = STORE_RECURSIVE)) == STORE_OK &&
                  store_define(NULL, w->store, "/items", definition, strlen(definition), WITH(.txn = txn)) == STORE_OK;
        demand(w, ok);
        demand(w, store_commit(txn) == STORE_OK);
    }
    if (w->index == 0)
        ++*done;
    for (int i = 0; w->index > 0 && !*done; i++) {
        snprintf(location, sizeof location, "/items/%zu-%d", w->index, i);
        demand(w, store_put(NULL, w->store, location, "{}", 2, NULL) == STORE_OK);
        int rc = store_get((void **)&body, &size, NULL, w->store, location, NULL);
        demand(w, rc == STORE_OK || rc == STORE_NOT_FOUND);
        demand(w, rc != STORE_OK || !strstr(body, "odd") != !strstr(body, "even"));
        if (rc == STORE_OK)
            store_free(body);
    }
}

Test(prepared, every_put_conforms_to_the_definition_in_force)
{
    begin_items();
    assert_ok(define("/items", ITEMS(",'odd':{'type':'integer'}")));
    assert_crew(0, 4, put_while_it_is_defined, shared_memory(sizeof(atomic_int)));
}
