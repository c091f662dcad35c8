/* test_post.c - POST: found by their keys and merged, or inserted; noreplace and noinsert; plain collections. */
#include "api_test.h"

TestSuite(post, .init = begin_api_test, .fini = end_api_test);

#define NOTES                                                                                   \
    "{'order':'auto','key':['id'],'schema':{'properties':{'id':{'type':'integer'},'t':{'type':'string'}}}}"

static void people(void)
{
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", post("/people", J("{'name':'ada','email':'a@x','age':36,'level':9}"), NULL));
}

Test(post, a_missing_object_is_inserted_with_its_initial_state, .description = "O40")
{
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", post("/people", J("{'name':'ada'}"), NULL));
    assert_json("/people/ada", PERSON("ada"));
}

Test(post, an_existing_object_is_merged, .description = "O40")
{
    people();
    assert_updated("/people/ada", post("/people/", J("{'name':'ada','age':null,'home':{'city':'x'}}"), NULL));
    assert_json("/people/ada/age", "0");
    assert_json("/people/ada/level", "9");
    assert_json("/people/ada/home", "{'city':'x'}");
    assert_json("/people/ada/email", "'a@x'");
}

Test(post, of_an_array_answers_each_in_order, .description = "O40")
{
    people();
    assert_ok(post("/people", J("[{'name':'bob'},{'name':'ada','age':1},{'name':'abe'}]"), NULL));
    cr_assert_eq(answered.count, 3);
    cr_assert_eq(answered.failed, 0);
    cr_assert_eq(answered.many[0].outcome, STORE_CREATED);
    cr_assert_str_eq(answered.many[0].location, "/people/bob");
    cr_assert_eq(answered.many[1].outcome, STORE_UPDATED);
    cr_assert_eq(answered.many[2].outcome, STORE_CREATED);
    assert_names("abe ada bob", "/people", NULL);
}

Test(post, with_noreplace_an_existing_object_fails_the_whole_request, .description = "O41")
{
    people();
    assert_refused(STORE_KEY_CONFLICT, post("/people", J("{'name':'ada'}"), WITH(.flags = STORE_NOREPLACE)));
    assert_refused(STORE_KEY_CONFLICT, post("/people", J("[{'name':'bob'},{'name':'ada'},{'name':'eve'}]"),
                                            WITH(.flags = STORE_NOREPLACE)));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/people/ada");
    assert_ok(post("/people", J("[{'name':'bob'},{'name':'eve'}]"), WITH(.flags = STORE_NOREPLACE)));
    assert_names("ada bob eve", "/people", NULL);
}

Test(post, with_noinsert_a_missing_object_fails_the_whole_request, .description = "O41")
{
    people();
    assert_refused(STORE_NOT_FOUND, post("/people", J("{'name':'bob'}"), WITH(.flags = STORE_NOINSERT)));
    assert_refused(STORE_NOT_FOUND, post("/people", J("[{'name':'ada','age':1},{'name':'bob'}]"),
                                         WITH(.flags = STORE_NOINSERT)));
    assert_updated("/people/ada", post("/people", J("{'name':'ada','age':1}"), WITH(.flags = STORE_NOINSERT)));
}

Test(post, without_the_key_is_key_required)
{
    people();
    assert_refused(STORE_KEY_REQUIRED, post("/people", J("{'age':1}"), NULL));
    assert_refused(STORE_KEY_REQUIRED, post("/people", J("[{'name':'bob'},{'age':1}]"), NULL));
    assert_refused(STORE_KEY_REQUIRED, post("/people", J("{'name':null}"), NULL));
}

Test(post, to_an_object_or_property_is_a_kind_conflict, .description = "O39")
{
    people();
    assert_refused(STORE_KIND_CONFLICT, post("/people/ada", J("{'name':'ada'}"), NULL));
    assert_refused(STORE_KIND_CONFLICT, post("/people/ada/tags", J("['x']"), NULL));
    assert_created("/plain", put("/plain", "1", NULL));
    assert_refused(STORE_KIND_CONFLICT, post("/plain", "1", NULL));
}

Test(post, to_a_missing_collection_is_refused)
{
    assert_refused(STORE_NOT_FOUND, post("/none", J("{'name':'ada'}"), NULL));
}

Test(post, cannot_change_a_main_key, .description = "O42")
{
    assert_ok(define("/c", "{'key':['a','b'],'schema':{'properties':{'a':{'type':'string'},"
                           "'b':{'type':'string'}}}}"));
    assert_created("/c/x|y", post("/c", J("{'a':'x','b':'y'}"), NULL));
    assert_created("/c/x|z", post("/c", J("{'a':'x','b':'z'}"), NULL));
    assert_names("x|y x|z", "/c", NULL);
}

Test(post, one_fault_among_many_leaves_all_as_it_was, .description = "O35 O41")
{
    people();
    assert_refused(STORE_INVALID_VALUE, post("/people", J("[{'name':'ada','age':1},{'name':'bob','age':'x'}]"),
                                             NULL));
    cr_assert(refusal_points_to("/1/age"));
    assert_refused(STORE_KEY_CONFLICT, post("/people", J("[{'name':'bob'},{'name':'eve','email':'a@x'}]"), NULL));
    cr_assert_str_eq(refusal_text("key"), "email");
    assert_refused(STORE_KEY_CONFLICT,
                   post("/people", J("[{'name':'bob','email':'n@x'},{'name':'eve','email':'n@x'}]"), NULL));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/people/bob", "it conflicts with one of the same request");
}

Test(post, the_same_key_twice_is_inserted_and_merged)
{
    people();
    assert_ok(post("/people", J("[{'name':'bob','age':1},{'name':'bob','level':2}]"), NULL));
    cr_assert_eq(answered.many[0].outcome, STORE_CREATED);
    cr_assert_eq(answered.many[1].outcome, STORE_UPDATED);
    assert_json("/people/bob/age", "1");
    assert_json("/people/bob/level", "2");
}

Test(post, a_body_that_is_neither_object_nor_array_of_objects_is_a_bad_body)
{
    static const char *const bodies[] = { "", "1", "null", "[]", "[1]", "[{\"name\":\"x\"},null]", "{" };

    people();
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_refused(STORE_BAD_BODY, post("/people", bodies[i], NULL));
}

Test(post, of_another_media_type_to_a_typed_collection_is_unsupported)
{
    people();
    assert_refused(STORE_UNSUPPORTED_MEDIA_TYPE, post("/people", J("{'name':'b'}"), WITH(.type = "text/csv")));
}

Test(post, to_an_auto_collection_assigns_absent_and_zero_keys_and_merges_others, .description = "O17 B9")
{
    assert_ok(define("/notes", NOTES));
    assert_created("/notes/1", post("/notes", J("{'t':'a'}"), NULL));
    assert_created("/notes/2", post("/notes", J("{'id':0,'t':'b'}"), NULL));
    assert_updated("/notes/1", post("/notes", J("{'id':1,'t':'c'}"), NULL));
    assert_json("/notes/1", "{'id':1,'t':'c'}");
    assert_created("/notes/9", post("/notes", J("{'id':9}"), NULL));
    assert_refused(STORE_NOT_FOUND, post("/notes", "{}", WITH(.flags = STORE_NOINSERT)));
    assert_created("/notes/10", post("/notes", "{}", WITH(.flags = STORE_NOREPLACE)));
}

Test(post, to_an_unordered_collection_always_inserts)
{
    assert_ok(define("/log", "{'order':'unordered','schema':{'properties':{'t':{'type':'string'}}}}"));
    assert_ok(post("/log", J("[{'t':'a'},{'t':'a'}]"), NULL));
    cr_assert_eq(answered.count, 2);
    cr_assert_str_neq(answered.many[0].location, answered.many[1].location);
    assert_refused(STORE_NOT_FOUND, post("/log", J("{'t':'a'}"), WITH(.flags = STORE_NOINSERT)));
}

Test(post, of_bytes_to_a_plain_collection_makes_an_object_with_a_name_of_the_stores)
{
    assert_ok(make_collection("/box", NULL));
    assert_ok(post("/box", "bytes", WITH(.type = "text/plain")));
    cr_assert_eq(answered.one.outcome, STORE_CREATED);
    cr_assert_eq(strncmp(answered.one.location, "/box/", 5), 0);
    assert_body(answered.one.location, "bytes");
    cr_assert_str_eq(stat_of(answered.one.location).type, "text/plain");
    char *first = strdup(answered.one.location);
    assert_ok(post("/box", "bytes", NULL));
    cr_assert_str_neq(answered.one.location, first);
    free(first);
    assert_ok(post("/", "at the root", NULL));
    assert_body(answered.one.location, "at the root");
}

Test(post, a_dry_run_changes_nothing)
{
    people();
    assert_unchanged(post("/people", J("[{'name':'bob'},{'name':'ada','age':1}]"), WITH(.flags = STORE_DRY_RUN)));
    cr_assert(answered.dry_run);
    cr_assert_eq(answered.many[0].outcome, STORE_CREATED);
    cr_assert_eq(answered.many[1].outcome, STORE_UPDATED);
    assert_refused(STORE_KEY_CONFLICT,
                   post("/people", J("{'name':'ada'}"), WITH(.flags = STORE_DRY_RUN | STORE_NOREPLACE)));
}
