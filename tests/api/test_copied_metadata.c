/* test_copied_metadata.c - what COPY and merging answers take along or leave out. */
#include <string.h>

#include "api_test.h"

TestSuite(copied_metadata, .init = begin_api_test, .fini = end_api_test);

static const store_meta colour = { "colour", "blue", 4 };

static void assert_colour(const char *location)
{
    size_t size;
    void *value;

    assert_ok(store_meta_get(&value, &size, test_store(), location, "colour", NULL));
    cr_assert_eq(size, 4);
    cr_assert_arr_eq(value, "blue", 4);
    store_free(value);
}

Test(copied_metadata, goes_with_a_copy_into_a_typed_collection)
{
    assert_ok(define("/people", PEOPLE));
    assert_ok(put("/ada", J("{'name':'ada'}"), WITH(.flags = STORE_SET_META, .meta = &colour, .meta_count = 1)));
    assert_created("/people/ada", duplicate("/ada", "/people/ada", NULL));
    assert_colour("/people/ada");
}

Test(copied_metadata, goes_with_a_copy_out_of_a_typed_collection_that_stays_labelled_json)
{
    assert_ok(define("/people", PEOPLE));
    assert_ok(put("/people/ada", "{}", WITH(.flags = STORE_SET_META, .meta = &colour, .meta_count = 1)));
    assert_created("/ada", duplicate("/people/ada", "/ada", NULL));
    assert_colour("/ada");
    cr_assert_str_eq(stat_of("/ada").type, "application/json");
}

Test(copied_metadata, a_large_typed_object_copied_out_is_labelled_json)
{
    enum { NOTE = 100000 };
    char *body = malloc(NOTE + 32);

    assert_ok(define("/notes", "{'order':'auto','key':['id'],'schema':{'type':'object','properties':"
                               "{'id':{'type':'integer'},'text':{'type':'string'}}}}"));
    sprintf(body, "{\"text\":\"%0*d\"}", NOTE, 0);
    assert_ok(put("/notes/1", body, NULL));
    assert_created("/note", duplicate("/notes/1", "/note", NULL));
    cr_assert_str_eq(stat_of("/note").type, "application/json");
    free(body);
}

Test(copied_metadata, a_merging_put_says_that_it_did_not_keep_the_bytes_sent)
{
    assert_ok(define("/people", "{'key':['name'],'put':'merge','schema':{'type':'object','properties':"
                                "{'name':{'type':'string'},'age':{'type':'integer'}}}}"));
    assert_ok(put("/people/ada", J("{'age':1}"), WITH(.flags = STORE_INSERT)));
    assert_updated("/people/ada", put("/people/ada", J("{'name':'ada','age':2}"), NULL));
    cr_assert(answered.one.completed);
}

Test(copied_metadata, appending_creates_whatever_the_policy)
{
    assert_ok(define("/log", "{'order':'unordered','put':'merge','schema':{'type':'object','properties':"
                             "{'text':{'type':'string'}}}}"));
    assert_ok(put("/log", J("{'text':'one'}"), NULL));
    cr_assert_eq(answered.one.outcome, STORE_CREATED);
}

Test(copied_metadata, what_wants_a_precondition_is_not_replaced_by_a_move_without)
{
    assert_ok(define("/people", "{'key':['name'],'require_precondition':true,'schema':{'type':'object','properties':"
                                "{'name':{'type':'string'}}}}"));
    assert_ok(put("/people/ada", "{}", NULL));
    assert_ok(put("/x", J("{'name':'ada'}"), NULL));
    assert_refused(STORE_PRECONDITION_REQUIRED,
                   relocate("/x", "/people/ada", WITH(.flags = STORE_REPLACE)));
}
