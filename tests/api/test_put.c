/* test_put.c - PUT: every row of SPEC 3 for it, under each policy, with each flag. */
#include "api_test.h"

#include <stdio.h>

TestSuite(put, .init = begin_api_test, .fini = end_api_test);

#define ADA                                                                                     \
    "{'name':'ada','email':'a@x','age':36,'rate':1.5,'active':true,'tags':['x'],"              \
    "'home':{'city':'London'},'level':9,'gone':null}"

static void people(void)
{
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", J(ADA), NULL));
}

/* A /people with this policy, and ada in it. */
static void people_by(const char *policy)
{
    char text[2048];

    snprintf(text, sizeof text, "{'put':'%s',%s", policy, &PEOPLE[1]);
    assert_ok(define("/people", text));
    assert_ok(post("/people", J(ADA), NULL));
}

/* ------------------------------------------------------------------ plain */

Test(put, plain_bytes_are_kept_as_sent, .description = "H3 H4")
{
    static const char bytes[] = "a\0b\xff\n {\"x\": 10.00 }";
    store_stat stat;
    void *body;
    size_t size;

    assert_ok(store_put(fresh_answer(), test_store(), "/a", bytes, sizeof bytes, WITH(.type = "text/x-odd")));
    cr_assert_not(answered.one.completed);
    assert_ok(store_get(&body, &size, &stat, test_store(), "/a", NULL));
    cr_assert_eq(size, sizeof bytes);
    cr_assert_arr_eq((char *)body, bytes, sizeof bytes);
    cr_assert_str_eq(stat.type, "text/x-odd");
    cr_assert_eq(stat.size, sizeof bytes);
    store_free(body);
}

Test(put, a_missing_plain_object_is_created_with_and_without_replace, .description = "H1 O32")
{
    assert_created("/a", put("/a", "1", NULL));
    assert_created("/b", put("/b", "2", WITH(.flags = STORE_REPLACE)));
    assert_body("/a", "1");
    assert_body("/b", "2");
}

Test(put, an_existing_plain_object_is_replaced_by_default, .description = "H1 H8")
{
    assert_created("/a", put("/a", "1", WITH(.type = "text/plain")));
    assert_updated("/a", put("/a", "2", NULL));
    assert_body("/a", "2");
    cr_assert_str_eq(stat_of("/a").type, "text/plain", "no type keeps the old one");
    assert_updated("/a", put("/a", "2", NULL));
    assert_body("/a", "2");
}

Test(put, an_object_without_a_type_has_one_nevertheless)
{
    assert_created("/a", put("/a", "1", NULL));
    cr_assert(stat_of("/a").type[0]);
}

Test(put, noreplace_refuses_an_existing_plain_object_and_creates_a_missing_one)
{
    assert_created("/a", put("/a", "1", WITH(.flags = STORE_NOREPLACE)));
    assert_refused(STORE_KEY_CONFLICT, put("/a", "2", WITH(.flags = STORE_NOREPLACE)));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/a");
    assert_body("/a", "1");
}

Test(put, noinsert_refuses_a_missing_object_and_replaces_an_existing_plain_one)
{
    assert_refused(STORE_NOT_FOUND, put("/a", "1", WITH(.flags = STORE_NOINSERT)));
    assert_created("/a", put("/a", "1", NULL));
    assert_updated("/a", put("/a", "2", WITH(.flags = STORE_NOINSERT)));
}

Test(put, an_empty_body_makes_an_empty_plain_object, .description = "D2")
{
    assert_created("/a", put("/a", "", NULL));
    cr_assert_eq(stat_of("/a").size, 0);
    assert_body("/a", "");
}

Test(put, a_version_grows_and_is_never_used_again, .description = "C9")
{
    uint64_t first, second;

    assert_created("/a", put("/a", "1", NULL));
    first = answered.one.version;
    assert_deleted("/a", erase("/a", NULL));
    assert_created("/a", put("/a", "1", NULL));
    second = answered.one.version;
    cr_assert_gt(second, first);
    assert_created("/b", put("/b", "1", NULL));
    cr_assert_gt(answered.one.version, second);
}

Test(put, over_a_plain_collection_is_a_kind_conflict)
{
    assert_ok(make_collection("/c", NULL));
    assert_refused(STORE_KIND_CONFLICT, put("/c", "1", NULL));
    assert_refused(STORE_KIND_CONFLICT, put("/c", "1", WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_KIND_CONFLICT, put("/", "1", NULL));
}

Test(put, below_an_object_is_a_kind_conflict)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_refused(STORE_KIND_CONFLICT, put("/a/b", "1", NULL));
    assert_refused(STORE_KIND_CONFLICT, put("/a/b", "1", WITH(.flags = STORE_PARENTS)));
    assert_refused(STORE_KIND_CONFLICT, put("/a/", "1", NULL));
}

Test(put, without_a_parent_collection_is_no_collection)
{
    assert_refused(STORE_NO_COLLECTION, put("/x/y/z", "1", NULL));
    assert_refused(STORE_NO_COLLECTION, put("/x/", "1", NULL));
}

Test(put, parents_makes_the_collections_above)
{
    assert_created("/x/y/z", put("/x/y/z", "1", WITH(.flags = STORE_PARENTS)));
    cr_assert_eq(stat_of("/x").kind, STORE_COLLECTION);
    cr_assert_not(stat_of("/x/y").typed);
    assert_created("/x/y/w", put("/x/y/w", "2", WITH(.flags = STORE_PARENTS)));
    assert_names("w z", "/x/y", NULL);
}

Test(put, a_refused_put_makes_no_parents)
{
    assert_refused(STORE_PRECONDITION_FAILED,
                   put("/x/y", "1", WITH(.flags = STORE_PARENTS | STORE_IF_MATCH_ANY)));
    assert_missing("/x");
}

Test(put, a_link_is_kept_and_read_as_its_target)
{
    assert_ok(store_put_link(fresh_answer(), test_store(), "/l", "../else where", NULL));
    cr_assert_eq(answered.one.outcome, STORE_CREATED);
    cr_assert_eq(stat_of("/l").kind, STORE_LINK);
    assert_body("/l", "../else where");
    assert_ok(define("/people", PEOPLE));
    assert_refused(STORE_KIND_CONFLICT, store_put_link(NULL, test_store(), "/people/l", "x", NULL));
}

Test(put, of_bytes_over_a_link_replaces_the_link)
{
    assert_ok(store_put_link(fresh_answer(), test_store(), "/l", "x", NULL));
    assert_updated("/l", put("/l", "1", NULL));
    cr_assert_eq(stat_of("/l").kind, STORE_OBJECT);
    assert_body("/l", "1");
}

/* ------------------------------------------------------------------ typed */

Test(put, a_missing_typed_object_is_created_and_completed, .description = "O32 O28")
{
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/eve", put("/people/eve", "{}", NULL));
    cr_assert(answered.one.completed, "its body is not what was sent");
    assert_json("/people/eve", PERSON("eve"));
    cr_assert_str_eq(stat_of("/people/eve").type, "application/json");
    assert_created("/people/bob", put("/people/bob", J("{'age':1}"), WITH(.flags = STORE_REPLACE)));
}

Test(put, a_typed_body_that_names_every_property_is_kept_byte_for_byte, .description = "H4")
{
    const char *body = J("{ 'rate' : 10.00, 'name':'\\u0061da',\n'email':null, 'age':1,'active':false,'tags':[ ],"
                         "\t'home':{}, 'level':7, 'gone':null }");

    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", body, NULL));
    cr_assert_not(answered.one.completed);
    assert_body("/people/ada", body);
}

Test(put, an_existing_typed_object_is_a_key_conflict_without_replace, .description = "O30 O35")
{
    people();
    assert_refused(STORE_KEY_CONFLICT, put("/people/ada", J("{'age':1}"), NULL));
    cr_assert_str_eq(refusal_text("key"), "name");
    cr_assert_str_eq(refusal_text("value"), "ada");
    cr_assert_str_eq(refusal_text("conflicts_with"), "/people/ada");
}

Test(put, replace_returns_unnamed_properties_to_their_initial_state, .description = "O31")
{
    people();
    assert_updated("/people/ada", put("/people/ada", J("{'age':1}"), WITH(.flags = STORE_REPLACE)));
    assert_json("/people/ada",
                "{'name':'ada','email':null,'age':1,'rate':0,'active':false,'tags':[],'home':{},'level':7,"
                "'gone':null}");
}

Test(put, replace_twice_gives_the_same_state, .description = "H8")
{
    char *first, *second;

    people();
    assert_ok(put("/people/ada", J("{'age':1}"), WITH(.flags = STORE_REPLACE)));
    first = body_text("/people/ada");
    assert_updated("/people/ada", put("/people/ada", J("{'age':1}"), WITH(.flags = STORE_REPLACE)));
    second = body_text("/people/ada");
    cr_assert_str_eq(first, second);
    free(first);
    free(second);
}

Test(put, initial_states_are_filled_in_at_the_top_level_only)
{
    assert_ok(define("/c", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'},'o':{'type':'object',"
                           "'properties':{'inner':{'type':'string','default':'x'}}}}}}"));
    assert_created("/c/a", put("/c/a", J("{'o':{}}"), NULL));
    assert_json("/c/a", "{'k':'a','o':{}}");
}

Test(put, a_required_property_is_never_filled_in)
{
    assert_ok(define("/c", "{'key':['k'],'schema':{'required':['n','k'],'properties':{'k':{'type':'string'},"
                           "'n':{'type':'string','default':'x'}}}}"));
    assert_refused(STORE_INVALID_VALUE, put("/c/a", "{}", NULL));
    assert_created("/c/a", put("/c/a", J("{'n':''}"), NULL));
    assert_json("/c/a", "{'k':'a','n':''}");
}

Test(put, a_property_that_the_schema_does_not_name_is_an_error, .description = "O23 B5")
{
    people();
    assert_refused(STORE_INVALID_VALUE, put("/people/bob", J("{'agee':1}"), NULL));
    cr_assert(refusal_points_to("/agee"));
    assert_missing("/people/bob");
}

Test(put, additional_properties_are_kept_where_the_schema_allows_them, .description = "O23")
{
    assert_ok(define("/c", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'}},"
                           "'additionalProperties':true}}"));
    assert_created("/c/a", put("/c/a", J("{'more':[1]}"), NULL));
    assert_json("/c/a", "{'k':'a','more':[1]}");
}

Test(put, the_key_in_the_body_must_be_that_of_the_location, .description = "O34")
{
    people();
    assert_refused(STORE_KEY_MISMATCH, put("/people/bob", J("{'name':'eve'}"), NULL));
    assert_refused(STORE_KEY_MISMATCH, put("/people/ada", J("{'name':'eve'}"), WITH(.flags = STORE_REPLACE)));
    assert_created("/people/bob", put("/people/bob", J("{'name':'bob'}"), NULL));
}

Test(put, the_order_of_members_is_free, .description = "O24")
{
    people();
    assert_created("/people/bob", put("/people/bob", J("{'age':3,'email':'b@x','name':'bob'}"), NULL));
    assert_created("/people/eve", put("/people/eve", J("{'name':'eve','age':3,'email':'e@x'}"), NULL));
}

Test(put, a_body_that_is_no_json_object_is_a_bad_body, .description = "O20 O21")
{
    static const char *const bodies[] = { "", "x", "{", "{name:1}", "{\"name\":\"a\",}", "[]", "1", "null", "{}x",
                                          "{\"age\":1,\"age\":2}", "{\"name\":\"\xff\"}" };

    people();
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_refused(STORE_BAD_BODY, put("/people/bob", bodies[i], NULL));
    assert_refused(STORE_BAD_BODY, put("/people/ada", "", WITH(.flags = STORE_REPLACE)));
}

Test(put, only_json_goes_to_a_typed_collection, .description = "H7")
{
    people();
    assert_refused(STORE_UNSUPPORTED_MEDIA_TYPE, put("/people/bob", "{}", WITH(.type = "text/plain")));
    assert_created("/people/bob", put("/people/bob", "{}", WITH(.type = "application/problem+json")));
}

Test(put, a_unique_key_that_is_taken_is_a_key_conflict)
{
    people();
    assert_refused(STORE_KEY_CONFLICT, put("/people/bob", J("{'email':'a@x'}"), NULL));
    cr_assert_str_eq(refusal_text("key"), "email");
    cr_assert_str_eq(refusal_text("value"), "a@x");
    cr_assert_str_eq(refusal_text("conflicts_with"), "/people/ada");
    assert_updated("/people/ada", put("/people/ada", J("{'email':'a@x'}"), WITH(.flags = STORE_REPLACE)));
}

Test(put, to_a_property_is_refused, .description = "O28")
{
    people();
    assert_refused(STORE_PROPERTY_TARGET, put("/people/ada/age", "1", NULL));
    assert_refused(STORE_PROPERTY_TARGET, put("/people/ada/age", "1", WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_PROPERTY_TARGET, put("/people/eve/age", "1", NULL));
}

Test(put, of_a_collection_into_a_typed_one_is_a_kind_conflict)
{
    people();
    assert_refused(STORE_KIND_CONFLICT, put("/people/bob/", "{}", NULL));
    assert_refused(STORE_KIND_CONFLICT, make_collection("/people/bob", NULL));
}

Test(put, a_name_that_is_no_key_text_is_a_bad_location)
{
    assert_ok(define("/n", "{'key':['id'],'schema':{'properties':{'id':{'type':'integer'}}}}"));
    assert_refused(STORE_BAD_LOCATION, put("/n/007", "{}", NULL));
    assert_refused(STORE_BAD_LOCATION, put("/n/x", "{}", NULL));
    assert_created("/n/7", put("/n/7", "{}", NULL));
}

/* --------------------------------------------------------------- policies */

Test(put, under_the_policy_replace_an_existing_object_is_replaced)
{
    people_by("replace");
    assert_updated("/people/ada", put("/people/ada", J("{'age':2}"), NULL));
    assert_json("/people/ada/level", "7");
    assert_json("/people/ada/age", "2");
    assert_created("/people/bob", put("/people/bob", "{}", NULL));
}

Test(put, under_the_policy_merge_an_existing_object_is_merged, .description = "B2")
{
    people_by("merge");
    assert_updated("/people/ada", put("/people/ada", J("{'age':2,'home':{'zip':'1'}}"), NULL));
    assert_json("/people/ada/level", "9");
    assert_json("/people/ada/age", "2");
    assert_json("/people/ada/home", "{'city':'London','zip':'1'}");
}

Test(put, under_the_policy_merge_a_missing_object_is_not_found_unless_insert_is_given, .description = "B1")
{
    people_by("merge");
    assert_refused(STORE_NOT_FOUND, put("/people/bob", J("{'age':2}"), NULL));
    assert_created("/people/bob", put("/people/bob", J("{'age':2}"), WITH(.flags = STORE_INSERT)));
    assert_json("/people/bob/level", "7");
}

Test(put, an_explicit_flag_or_condition_overrides_the_policy)
{
    static const char *const policies[] = { "create", "replace", "merge" };

    for (size_t i = 0; i < 3; i++) {
        if (i > 0)
            assert_ok(erase("/people", WITH(.flags = STORE_RECURSIVE)));
        people_by(policies[i]);
        assert_refused(STORE_KEY_CONFLICT, put("/people/ada", "{}", WITH(.flags = STORE_NOREPLACE)));
        assert_created("/people/bob", put("/people/bob", J("{'age':1}"), WITH(.flags = STORE_NOREPLACE)));
        assert_updated("/people/ada", put("/people/ada", J("{'level':1}"), WITH(.flags = STORE_REPLACE)));
        assert_json("/people/ada/age", "0");
        assert_updated("/people/ada", put("/people/ada", J("{'age':5}"), WITH(.flags = STORE_IF_MATCH_ANY)));
        assert_json("/people/ada/level", "7");
        assert_created("/people/eve", put("/people/eve", J("{'age':1}"), WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    }
}

/* --------------------------------------------------------- to a collection */

Test(put, to_a_keyed_collection_wants_the_key_whatever_the_body_says, .description = "O33")
{
    static const char *const bodies[] = { "{\"name\":\"bob\"}", "[{\"name\":\"bob\"}]", "{}", "x", "" };

    people();
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_refused(STORE_KEY_REQUIRED, put("/people", bodies[i], NULL));
        assert_refused(STORE_KEY_REQUIRED, put("/people/", bodies[i], WITH(.flags = STORE_REPLACE)));
    }
}

Test(put, under_the_policy_merge_the_body_may_bring_the_key, .description = "B1")
{
    people_by("merge");
    assert_updated("/people/ada", put("/people", J("{'name':'ada','age':1}"), NULL));
    assert_json("/people/ada/level", "9");
    assert_refused(STORE_KEY_REQUIRED, put("/people", J("{'age':1}"), NULL));
    assert_refused(STORE_NOT_FOUND, put("/people", J("{'name':'bob','age':1}"), NULL));
}

#define NOTES                                                                                   \
    "{'order':'auto','key':['id'],'schema':{'properties':{'id':{'type':'integer'},'t':{'type':'string'}}}}"

Test(put, to_an_auto_collection_appends_and_numbers, .description = "O17 O33")
{
    assert_ok(define("/notes", NOTES));
    assert_created("/notes/1", put("/notes", J("{'t':'a'}"), NULL));
    cr_assert(answered.one.completed);
    assert_created("/notes/2", put("/notes/", J("{'id':0,'t':'b'}"), NULL));
    assert_json("/notes/1", "{'id':1,'t':'a'}");
    assert_json("/notes/2", "{'id':2,'t':'b'}");
}

Test(put, an_array_to_an_auto_collection_is_appended_in_order, .description = "O34")
{
    assert_ok(define("/notes", NOTES));
    assert_ok(put("/notes", J("[{'t':'a'},{'t':'b'},{'t':'c'}]"), NULL));
    cr_assert_eq(answered.count, 3);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(answered.many[i].outcome, STORE_CREATED);
        cr_assert_eq(answered.many[i].version, version_of(answered.many[i].location));
    }
    cr_assert_str_eq(answered.one.location, "/notes/1");
    cr_assert_str_eq(answered.many[2].location, "/notes/3");
    assert_json("/notes/3/t", "'c'");
}

Test(put, of_an_array_is_all_or_none, .description = "O35")
{
    assert_ok(define("/notes", NOTES));
    assert_refused(STORE_INVALID_VALUE, put("/notes", J("[{'t':'a'},{'t':1},{'t':'c'}]"), NULL));
    cr_assert(refusal_points_to("/1/t"));
    assert_names("", "/notes", NULL);
}

Test(put, an_auto_key_is_never_assigned_again, .description = "O17")
{
    assert_ok(define("/notes", NOTES));
    assert_created("/notes/1", put("/notes", "{}", NULL));
    assert_created("/notes/2", put("/notes", "{}", NULL));
    assert_deleted("/notes/2", erase("/notes/2", NULL));
    assert_created("/notes/3", put("/notes", "{}", NULL));
    assert_created("/notes/10", put("/notes/10", "{}", NULL));
    assert_deleted("/notes/10", erase("/notes/10", NULL));
    reopen_store(NULL);
    assert_created("/notes/11", put("/notes", "{}", NULL));
}

Test(put, an_object_that_brings_a_taken_auto_key_is_a_key_conflict)
{
    assert_ok(define("/notes", NOTES));
    assert_created("/notes/5", put("/notes", J("{'id':5}"), NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/notes", J("{'id':5}"), NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/notes", J("[{'t':'x'},{'id':5}]"), NULL));
    assert_created("/notes/6", put("/notes", "{}", NULL));
}

Test(put, an_auto_collection_at_the_end_of_its_keys_still_lets_go)
{
    assert_ok(define("/notes", NOTES));
    assert_created("/notes/1", put("/notes", "{}", NULL));
    assert_created("/notes/9223372036854775807", put("/notes/9223372036854775807", "{}", NULL));
    assert_refused(STORE_INVALID_VALUE, put("/notes", "{}", NULL));
    assert_deleted("/notes/1", erase("/notes/1", NULL));
    assert_created("/notes/-5", relocate("/notes/9223372036854775807", "/notes/-5", NULL));
    assert_refused(STORE_INVALID_VALUE, put("/notes", "{}", NULL));
}

#define LOG "{'order':'unordered','schema':{'properties':{'t':{'type':'string'}}}}"

Test(put, to_an_unordered_collection_appends_under_an_opaque_name, .description = "O33")
{
    char first[64];

    assert_ok(define("/log", LOG));
    assert_ok(put("/log", J("{'t':'a'}"), NULL));
    cr_assert_eq(strncmp(answered.one.location, "/log/", 5), 0);
    snprintf(first, sizeof first, "%s", answered.one.location);
    assert_json(first, "{'t':'a'}");
    assert_ok(put("/log", J("[{'t':'b'},{}]"), NULL));
    cr_assert_eq(answered.count, 2);
    cr_assert_str_neq(answered.many[0].location, answered.many[1].location);
    cr_assert_str_neq(answered.many[0].location, first);
    assert_json(answered.many[1].location, "{'t':''}");
}

Test(put, an_unordered_collection_takes_a_name_of_the_clients)
{
    assert_ok(define("/log", LOG));
    assert_created("/log/mine", put("/log/mine", J("{'t':'a'}"), NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/log/mine", J("{'t':'b'}"), NULL));
}

/* ---------------------------------------------------------------- dry run */

Test(put, a_dry_run_answers_what_would_happen_and_changes_nothing)
{
    people();
    assert_unchanged(put("/people/bob", "{}", WITH(.flags = STORE_DRY_RUN)));
    cr_assert(answered.dry_run);
    cr_assert_eq(answered.one.outcome, STORE_CREATED);
    cr_assert_str_eq(answered.one.location, "/people/bob");
    assert_unchanged(put("/people/ada", "{}", WITH(.flags = STORE_DRY_RUN | STORE_REPLACE)));
    cr_assert_eq(answered.one.outcome, STORE_UPDATED);
    assert_refused(STORE_KEY_CONFLICT, put("/people/ada", "{}", WITH(.flags = STORE_DRY_RUN)));
    assert_refused(STORE_INVALID_VALUE, put("/people/bob", J("{'age':'x'}"), WITH(.flags = STORE_DRY_RUN)));
    assert_unchanged(put("/x/y", "1", WITH(.flags = STORE_DRY_RUN | STORE_PARENTS)));
}

Test(put, a_flag_that_does_not_apply_is_a_bad_argument, .description = "O11")
{
    assert_refused(STORE_BAD_ARGUMENT, put("/a", "1", WITH(.flags = STORE_RECURSIVE)));
    assert_refused(STORE_BAD_ARGUMENT, put("/a", "1", WITH(.flags = 1u << 30)));
    assert_refused(STORE_BAD_ARGUMENT, put("/a", "1", WITH(.flags = STORE_REPLACE | STORE_NOREPLACE)));
}

Test(put, a_jansson_value_is_a_body_too)
{
    json_t *value = json_pack("{s:s, s:i}", "name", "bob", "age", 3);

    people();
    assert_ok(store_put_json(fresh_answer(), test_store(), "/people/bob", value, NULL));
    assert_json("/people/bob/age", "3");
    assert_ok(store_put_json(fresh_answer(), test_store(), "/plain", value, NULL));
    assert_json("/plain", "{'name':'bob','age':3}");
    json_decref(value);
}

Test(put, nesting_beyond_the_limit_is_a_bad_body)
{
    enum { DEEP = STORE_DEPTH_MAX };
    char body[2 * DEEP + 64];
    size_t at;

    people();
    for (int depth = DEEP - 2; depth <= DEEP + 2; depth += 4) { /* the object and `home` come on top */
        at = (size_t)sprintf(body, "{\"home\":{\"a\":");
        memset(body + at, '[', (size_t)depth);
        memset(body + at + depth, ']', (size_t)depth);
        strcpy(body + at + 2 * depth, "}}");
        if (depth < DEEP)
            assert_created("/people/deep", put("/people/deep", body, NULL));
        else
            assert_refused(STORE_BAD_BODY, put("/people/deeper", body, NULL));
    }
}

Test(put, refused_for_its_location_makes_no_parents)
{
    people();
    assert_refused(STORE_BAD_LOCATION, put("/p/q/..", "1", WITH(.flags = STORE_PARENTS)));
    assert_refused(STORE_NO_COLLECTION, put("/p/q/", "1", WITH(.flags = STORE_PARENTS)));
    assert_refused(STORE_PROPERTY_TARGET, put("/people/new/deep/x", "1", WITH(.flags = STORE_PARENTS)));
}
