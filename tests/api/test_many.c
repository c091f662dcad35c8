/* test_many.c - many at once: lists of keys, arrays, all or none, partial with a report of each (SPEC 3). */
#include "api_test.h"

#include <stdio.h>

TestSuite(many, .init = begin_api_test, .fini = end_api_test);

#define USERS(put)                                                                              \
    "{'key':['id'],'put':'" put "','unique':[['email']],'schema':{'properties':{'id':{'type':'integer'}," \
    "'email':{'type':['string','null'],'default':null},'url':{'type':'string'},"               \
    "'n':{'type':'integer','maximum':9}}}}"

static void users(const char *definition)
{
    assert_ok(define("/users", definition));
    assert_ok(post("/users", J("[{'id':1},{'id':2},{'id':3,'n':5}]"), NULL));
}

/* What result number `i` says: its key as the last name of its location. */
static void assert_result(size_t i, store_outcome outcome, int code, const char *location)
{
    const store_result *result = &answered.many[i];

    cr_assert_eq(result->code, code, "result %zu is %s", i, store_code_name(result->code));
    cr_assert_eq(result->outcome, outcome, "result %zu", i);
    cr_assert_str_eq(result->location, location, "result %zu", i);
    if (code == STORE_OK) {
        cr_assert_null(result->problem);
        cr_assert_eq(result->version, version_of(location));
        return;
    }
    json_t *problem = json_loads(result->problem, 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(problem, "code")), store_code_name(code));
    cr_assert_eq(json_integer_value(json_object_get(problem, "status")), store_code_http(code, 0));
    json_decref(problem);
}

/* ---------------------------------------------------------- a list of keys */

Test(many, patch_with_a_list_of_keys_applies_one_change_to_each, .description = "B3")
{
    users(USERS("create"));
    assert_ok(patch("/users", J("{'id':[1,3,2],'url':'u'}"), NULL));
    cr_assert_eq(answered.count, 3);
    cr_assert_eq(answered.failed, 0);
    assert_result(0, STORE_UPDATED, STORE_OK, "/users/1");
    assert_result(1, STORE_UPDATED, STORE_OK, "/users/3");
    assert_result(2, STORE_UPDATED, STORE_OK, "/users/2");
    assert_json("/users/3", "{'id':3,'email':null,'url':'u','n':5}");
    assert_json("/users/1/url", "'u'");
}

Test(many, patch_with_one_key_is_about_one)
{
    users(USERS("create"));
    assert_updated("/users/2", patch("/users", J("{'id':2,'url':'u'}"), NULL));
    cr_assert_eq(answered.count, 0);
}

Test(many, put_with_a_list_of_keys_needs_the_policy_merge, .description = "B3 B1")
{
    users(USERS("create"));
    assert_refused(STORE_KEY_REQUIRED, put("/users", J("{'id':[1,2],'url':'u'}"), NULL));
    assert_ok(define("/users", USERS("merge")));
    assert_ok(put("/users", J("{'id':[1,2],'url':'u'}"), NULL));
    cr_assert_eq(answered.count, 2);
    assert_json("/users/2/url", "'u'");
    assert_json("/users/3/url", "''");
}

Test(many, one_missing_key_fails_all, .description = "B4 B5")
{
    users(USERS("merge"));
    assert_refused(STORE_NOT_FOUND, patch("/users", J("{'id':[1,9,2],'url':'u'}"), NULL));
    cr_assert_str_eq(refusal_text("location"), "/users/9");
    assert_refused(STORE_NOT_FOUND, put("/users", J("{'id':[1,9,2],'url':'u'}"), NULL));
    assert_ok(patch("/users", J("{'id':[1,9],'url':'u'}"), WITH(.flags = STORE_INSERT)));
    assert_result(1, STORE_CREATED, STORE_OK, "/users/9");
}

Test(many, a_list_of_no_keys_or_wrong_ones_is_refused)
{
    users(USERS("merge"));
    assert_refused(STORE_KEY_REQUIRED, patch("/users", J("{'id':[],'url':'u'}"), NULL));
    assert_refused(STORE_KEY_REQUIRED, patch("/users", J("{'url':'u'}"), NULL));
    assert_refused(STORE_INVALID_VALUE, patch("/users", J("{'id':[1,'x'],'url':'u'}"), NULL));
    assert_refused(STORE_BAD_BODY, patch("/users", J("[1]"), NULL));
    assert_ok(define("/two", "{'key':['a','b'],'schema':{'properties':{'a':{'type':'integer'},"
                             "'b':{'type':'integer'}}}}"));
    assert_refused(STORE_KEY_REQUIRED, patch("/two", J("{'a':[1,2]}"), NULL));
}

Test(many, a_change_that_would_repeat_a_unique_key_fails_all)
{
    users(USERS("merge"));
    assert_refused(STORE_KEY_CONFLICT, patch("/users", J("{'id':[1,2],'email':'same'}"), NULL));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/users/1");
    assert_updated("/users/1", patch("/users", J("{'id':1,'email':'same'}"), NULL));
}

/* ------------------------------------------------- Buzz' table: all, partial, none */

Test(many, with_partial_all_may_succeed, .description = "B4 all")
{
    users(USERS("merge"));
    assert_ok(put("/users", J("{'id':[1,2,3],'url':'u'}"), WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.count, 3);
    cr_assert_eq(answered.failed, 0);
}

Test(many, with_partial_some_fail_alone_and_are_reported, .description = "B4 B8 partial")
{
    users(USERS("merge"));
    assert_ok(put("/users", J("{'id':[1,9,3],'url':'u'}"), WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.count, 3);
    cr_assert_eq(answered.failed, 1);
    assert_result(0, STORE_UPDATED, STORE_OK, "/users/1");
    assert_result(1, STORE_NOTHING, STORE_NOT_FOUND, "/users/9");
    assert_result(2, STORE_UPDATED, STORE_OK, "/users/3");
    cr_assert_str_eq(answered.one.location, "/users/1");
    assert_missing("/users/9");
    assert_json("/users/3/url", "'u'");
}

Test(many, with_partial_none_may_succeed, .description = "B4 none")
{
    users(USERS("merge"));
    assert_unchanged(put("/users", J("{'id':[8,9],'url':'u'}"), WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.count, 2);
    cr_assert_eq(answered.failed, 2);
    assert_result(0, STORE_NOTHING, STORE_NOT_FOUND, "/users/8");
    assert_result(1, STORE_NOTHING, STORE_NOT_FOUND, "/users/9");
}

Test(many, with_partial_a_refused_change_leaves_its_object_as_it_was)
{
    uint64_t version;

    users(USERS("create"));
    version = version_of("/users/2");
    assert_ok(patch("/users", J("{'id':[1,2],'email':'same'}"), WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.failed, 1);
    assert_result(0, STORE_UPDATED, STORE_OK, "/users/1");
    cr_assert_eq(answered.many[1].code, STORE_KEY_CONFLICT);
    cr_assert_eq(version_of("/users/2"), version);
    assert_json("/users/2/email", "null");
}

/* ------------------------------------------------------------------ arrays */

Test(many, post_of_an_array_with_partial_reports_each, .description = "B8")
{
    users(USERS("create"));
    assert_ok(post("/users", J("[{'id':1,'n':1},{'id':4,'n':99},{'id':5},{'n':1},{'id':3,'huh':1}]"),
                   WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.count, 5);
    cr_assert_eq(answered.failed, 3);
    assert_result(0, STORE_UPDATED, STORE_OK, "/users/1");
    cr_assert_eq(answered.many[1].code, STORE_INVALID_VALUE);
    assert_result(2, STORE_CREATED, STORE_OK, "/users/5");
    cr_assert_eq(answered.many[3].code, STORE_KEY_REQUIRED);
    cr_assert_eq(answered.many[4].code, STORE_INVALID_VALUE);
    assert_missing("/users/4");
    assert_names("1 2 3 5", "/users", NULL);
    assert_json("/users/3/n", "5");
}

Test(many, post_with_partial_and_noinsert_or_noreplace_reports_the_refused_ones, .description = "O41")
{
    users(USERS("create"));
    assert_ok(post("/users", J("[{'id':1,'n':1},{'id':7}]"), WITH(.flags = STORE_PARTIAL | STORE_NOREPLACE)));
    assert_result(0, STORE_NOTHING, STORE_KEY_CONFLICT, answered.many[0].location);
    assert_result(1, STORE_CREATED, STORE_OK, "/users/7");
    assert_ok(post("/users", J("[{'id':1,'n':1},{'id':8}]"), WITH(.flags = STORE_PARTIAL | STORE_NOINSERT)));
    assert_result(0, STORE_UPDATED, STORE_OK, "/users/1");
    cr_assert_eq(answered.many[1].code, STORE_NOT_FOUND);
}

Test(many, an_appended_array_with_partial_numbers_what_succeeds)
{
    assert_ok(define("/notes", "{'order':'auto','key':['id'],'schema':{'properties':{'id':{'type':'integer'},"
                               "'t':{'type':'string'}}}}"));
    assert_ok(put("/notes", J("[{'t':'a'},{'t':1},{'t':'c'},5]"), WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.failed, 2);
    assert_result(0, STORE_CREATED, STORE_OK, "/notes/1");
    cr_assert_eq(answered.many[1].code, STORE_INVALID_VALUE);
    assert_result(2, STORE_CREATED, STORE_OK, "/notes/2");
    cr_assert_eq(answered.many[3].code, STORE_BAD_BODY);
    assert_names("1 2", "/notes", NULL);
}

Test(many, a_partial_dry_run_reports_and_changes_nothing)
{
    users(USERS("merge"));
    assert_unchanged(put("/users", J("{'id':[1,9],'url':'u'}"), WITH(.flags = STORE_PARTIAL | STORE_DRY_RUN)));
    cr_assert_eq(answered.failed, 1);
    cr_assert(answered.dry_run);
    cr_assert_eq(answered.many[0].outcome, STORE_UPDATED);
    cr_assert_eq(answered.many[1].code, STORE_NOT_FOUND);
}

/* -------------------------------------------------------------- the answer */

Test(many, the_answer_as_json_has_key_outcome_and_problem_of_each)
{
    char *text;
    json_t *json, *results;

    users(USERS("merge"));
    assert_ok(put("/users", J("{'id':[1,9],'url':'u'}"), WITH(.flags = STORE_PARTIAL)));
    assert_ok(store_answer_json(&text, &answered));
    json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    store_free(text);
    cr_assert_eq(json_integer_value(json_object_get(json, "failed")), 1);
    results = json_object_get(json, "results");
    cr_assert_eq(json_array_size(results), 2);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(results, 0), "key")), "1");
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(results, 0), "outcome")), "updated");
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(results, 1), "key")), "9");
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(json_array_get(results, 1), "problem"),
                                                       "code")),
                     "not_found");
    json_decref(json);
}

Test(many, the_answer_about_one_is_outcome_location_and_version, .description = "O45")
{
    char *text, version[17], expected[128];

    assert_created("/a", put("/a", "1", NULL));
    assert_ok(store_answer_json(&text, &answered));
    snprintf(expected, sizeof expected, "{\"outcome\":\"created\",\"location\":\"/a\",\"version\":\"%s\"}",
             store_version_text(version, answered.one.version));
    cr_assert_str_eq(text, expected);
    store_free(text);
}

Test(many, versions_as_text_are_16_hex_digits_and_back)
{
    static const char *const bad[] = { "", "0", "00000000000000A1", "00000000000000a1 ", "0x000000000000a1",
                                       "g000000000000000" };
    char text[17];
    uint64_t version;

    cr_assert_str_eq(store_version_text(text, 0xa1), "00000000000000a1");
    cr_assert(store_version_parse(&version, text));
    cr_assert_eq(version, 0xa1);
    cr_assert_str_eq(store_version_text(text, UINT64_MAX), "ffffffffffffffff");
    cr_assert(store_version_parse(&version, text));
    cr_assert_eq(version, UINT64_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(store_version_parse(&version, bad[i]), "%s", bad[i]);
}

Test(many, a_thousand_objects_are_one_request)
{
    json_t *array = json_array();
    char *body;

    users(USERS("create"));
    for (int i = 1; i <= 1000; i++)
        json_array_append_new(array, json_pack("{s:i, s:i}", "id", i, "n", i % 10));
    body = json_dumps(array, JSON_COMPACT);
    assert_ok(post("/users", body, NULL));
    cr_assert_eq(answered.count, 1000);
    assert_json("/users/1000", "{'id':1000,'email':null,'url':'','n':0}");
    json_object_set_new(json_array_get(array, 999), "n", json_integer(10));
    free(body);
    body = json_dumps(array, JSON_COMPACT);
    assert_refused(STORE_INVALID_VALUE, post("/users", body, NULL));
    cr_assert(refusal_points_to("/999/n"));
    free(body);
    json_decref(array);
}

Test(many, unique_keys_are_looked_at_object_by_object)
{
    users(USERS("create"));
    assert_ok(post("/users", J("[{'id':1,'email':'a'},{'id':2,'email':'b'}]"), NULL));
    assert_refused(STORE_KEY_CONFLICT, post("/users", J("[{'id':1,'email':'b'},{'id':2,'email':'a'}]"), NULL));
    assert_ok(post("/users", J("[{'id':1,'email':null},{'id':2,'email':'a'},{'id':1,'email':'b'}]"), NULL));
    assert_json("/users/1/email", "'b'");
    assert_json("/users/2/email", "'a'");
}
