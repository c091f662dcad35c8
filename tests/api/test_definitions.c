/* test_definitions.c - definitions: orders, keys, policies, schemas; defining what is not empty (SPEC 4). */
#include "api_test.h"

#include <stdio.h>

TestSuite(definitions, .init = begin_api_test, .fini = end_api_test);

/* SPEC 4. */
#define COUNTRIES                                                                               \
    "{ 'order': 'key', 'key': ['alpha_2'], 'put': 'create', 'unique': [['alpha_3'], ['numeric']],\n" \
    "  'require_precondition': false,\n"                                                        \
    "  'schema': { 'type': 'object', 'required': ['name'], 'properties': {\n"                  \
    "      'alpha_2': {'type': 'string', 'pattern': '^[A-Z]{2}$'}, 'alpha_3': {'type': 'string'},\n" \
    "      'numeric': {'type': 'string'}, 'name': {'type': 'string'}, \n" \
    "      'flag': {'type': 'string', 'default': ''} } } }"

#define KEYED(more) "{'key':['k']" more ",'schema':{'properties':{'k':{'type':'string'},'n':{'type':'integer'}}}}"

static char *definition_of(const char *location)
{
    char *text = NULL;
    size_t size;

    assert_ok(store_definition_get(&text, &size, test_store(), location, NULL));
    cr_assert_eq(size, strlen(text));
    return text;
}

static void assert_definition(const char *location, const char *expected)
{
    char *text = definition_of(location);

    cr_assert_str_eq(text, J(expected));
    store_free(text);
}

Test(definitions, the_example_of_the_contract_works)
{
    assert_ok(define("/countries", COUNTRIES));
    cr_assert_eq(answered.one.outcome, STORE_CREATED);
    cr_assert_str_eq(answered.one.location, "/countries");
    assert_definition("/countries", COUNTRIES);
    cr_assert(stat_of("/countries").typed);
    assert_created("/countries/DE", put("/countries/DE", J("{'alpha_3':'DEU','numeric':'276','name':'Germany'}"),
                                        NULL));
    assert_json("/countries/DE", "{'alpha_2':'DE','alpha_3':'DEU','numeric':'276','name':'Germany','flag':''}");
    assert_refused(STORE_INVALID_VALUE, put("/countries/de", J("{'alpha_3':'x','numeric':'1','name':'g'}"), NULL));
    cr_assert(refusal_points_to("/alpha_2"));
    assert_refused(STORE_INVALID_VALUE, put("/countries/FR", J("{'alpha_3':'FRA','numeric':'250'}"), NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/countries/FR", J("{'alpha_3':'FRA','numeric':'276','name':'F'}"),
                                           NULL));
    cr_assert_str_eq(refusal_text("key"), "numeric");
    cr_assert_str_eq(refusal_text("value"), "276");
    cr_assert_str_eq(refusal_text("conflicts_with"), "/countries/DE");
}

Test(definitions, of_a_missing_collection_makes_it, .description = "O16")
{
    assert_ok(define("/a", KEYED("")));
    cr_assert_eq(answered.one.outcome, STORE_CREATED);
    cr_assert_eq(answered.one.version, version_of("/a"));
    assert_refused(STORE_NO_COLLECTION, define("/x/a", KEYED("")));
    assert_ok(store_define(NULL, test_store(), "/x/a", J(KEYED("")), strlen(KEYED("")),
                           WITH(.flags = STORE_PARENTS)));
    cr_assert(stat_of("/x/a").typed);
    cr_assert_not(stat_of("/x").typed);
}

Test(definitions, of_an_empty_plain_collection_makes_it_typed)
{
    assert_ok(make_collection("/a", NULL));
    assert_ok(define("/a", KEYED("")));
    cr_assert_eq(answered.one.outcome, STORE_UPDATED);
    assert_created("/a/x", put("/a/x", "{}", NULL));
}

Test(definitions, of_an_object_is_a_kind_conflict)
{
    assert_created("/o", put("/o", "1", NULL));
    assert_refused(STORE_KIND_CONFLICT, define("/o", KEYED("")));
    assert_ok(define("/a", KEYED("")));
    assert_created("/a/x", put("/a/x", "{}", NULL));
    assert_refused(STORE_KIND_CONFLICT, define("/a/x", KEYED("")));
}

Test(definitions, of_a_plain_collection_do_not_exist)
{
    char *text;
    size_t size;

    assert_ok(make_collection("/a", NULL));
    assert_refused(STORE_NOT_FOUND, store_definition_get(&text, &size, test_store(), "/a", NULL));
    assert_refused(STORE_NOT_FOUND, store_definition_get(&text, &size, test_store(), "/none", NULL));
}

Test(definitions, every_fault_is_named_at_once)
{
    assert_refused(STORE_INVALID_VALUE,
                   define("/a", "{'order':'random','key':['none'],'put':'maybe','unique':[[]],'huh':1,"
                                "'schema':{'properties':{'k':{'type':'text'}},'unknownKeyword':1}}"));
    cr_assert(refusal_points_to("/order"));
    cr_assert(refusal_points_to("/put"));
    cr_assert(refusal_points_to("/huh"));
    cr_assert(refusal_points_to("/key/0"));
    cr_assert(refusal_points_to("/unique/0"));
    cr_assert(refusal_points_to("/schema/properties/k/type"));
    cr_assert(refusal_points_to("/schema/unknownKeyword"));
    assert_missing("/a");
    assert_refused(STORE_BAD_BODY, define("/a", "{'key'"));
    assert_refused(STORE_INVALID_VALUE, define("/a", "[]"));
    assert_refused(STORE_INVALID_VALUE, define("/a", "{}"));
}

Test(definitions, the_root_may_be_defined_when_it_conforms)
{
    assert_ok(define("/", KEYED("")));
    assert_created("/x", put("/x", "{}", NULL));
    assert_json("/x", "{'k':'x','n':0}");
    assert_refused(STORE_KIND_CONFLICT, make_collection("/c", NULL));
}

/* ------------------------------------------------------------- redefining */

Test(definitions, a_collection_that_does_not_conform_names_each_offender)
{
    assert_ok(make_collection("/a", NULL));
    assert_created("/a/good", put("/a/good", J("{'k':'good','n':1}"), NULL));
    assert_created("/a/bad", put("/a/bad", J("{'k':'bad','n':'x'}"), NULL));
    assert_created("/a/odd", put("/a/odd", "no json", NULL));
    assert_created("/a/more", put("/a/more", J("{'k':'more','n':1,'z':2}"), NULL));
    assert_created("/a/nokey", put("/a/nokey", J("{'n':1}"), NULL));
    assert_created("/a/other", put("/a/other", J("{'k':'another','n':1}"), NULL));
    assert_refused(STORE_INVALID_VALUE, define("/a", KEYED("")));
    cr_assert_eq(refusal_errors(), 5);
    cr_assert(refusal_points_to("/a/nokey"));
    cr_assert(refusal_points_to("/a/other"));
    cr_assert(refusal_points_to("/a/bad"));
    cr_assert(refusal_points_to("/a/odd"));
    cr_assert(refusal_points_to("/a/more"));
    cr_assert_not(stat_of("/a").typed);
}

Test(definitions, a_collection_that_conforms_becomes_typed_and_indexed)
{
    assert_ok(make_collection("/a", NULL));
    assert_created("/a/x", put("/a/x", J("{'k':'x','n':1}"), NULL));
    assert_created("/a/y", put("/a/y", J("{'k':'y','n':2}"), NULL));
    assert_ok(define("/a", KEYED(",'unique':[['n']]")));
    cr_assert_eq(answered.one.outcome, STORE_UPDATED);
    assert_refused(STORE_KEY_CONFLICT, put("/a/z", J("{'n':2}"), NULL));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/a/y");
    assert_body("/a/x", J("{'k':'x','n':1}"));
}

Test(definitions, duplicates_of_a_new_unique_key_are_refused)
{
    assert_ok(define("/a", KEYED("")));
    assert_created("/a/x", put("/a/x", J("{'n':1}"), NULL));
    assert_created("/a/y", put("/a/y", J("{'n':1}"), NULL));
    assert_refused(STORE_INVALID_VALUE, define("/a", KEYED(",'unique':[['n']]")));
    cr_assert_eq(refusal_errors(), 1);
    cr_assert(refusal_points_to("/a/y"));
    assert_definition("/a", KEYED(""));
    assert_updated("/a/y", patch("/a/y", J("{'n':2}"), NULL));
    assert_ok(define("/a", KEYED(",'unique':[['n']]")));
    assert_refused(STORE_KEY_CONFLICT, patch("/a/y", J("{'n':1}"), NULL));
}

Test(definitions, a_dropped_unique_key_no_longer_conflicts)
{
    assert_ok(define("/a", KEYED(",'unique':[['n']]")));
    assert_created("/a/x", put("/a/x", J("{'n':1}"), NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/a/y", J("{'n':1}"), NULL));
    assert_ok(define("/a", KEYED("")));
    assert_created("/a/y", put("/a/y", J("{'n':1}"), NULL));
}

Test(definitions, another_key_is_refused_where_names_would_have_to_change)
{
    const char *by_number = "{'key':['n'],'schema':{'properties':{'k':{'type':'string'},'n':{'type':'integer'}}}}";

    assert_ok(define("/a", KEYED("")));
    assert_created("/a/x", put("/a/x", J("{'n':30}"), NULL));
    assert_refused(STORE_INVALID_VALUE, define("/a", by_number));
    cr_assert(refusal_points_to("/a/x"));
    assert_outcome(STORE_UPDATED, "/a/30", patch("/a/x", J("{'k':'30'}"), NULL));
    assert_ok(define("/a", by_number));
    assert_names("30", "/a", NULL);
    assert_created("/a/4", put("/a/4", "{}", NULL));
    assert_names("4 30", "/a", NULL);
}

Test(definitions, a_looser_schema_lets_more_in_and_a_stricter_one_less)
{
    assert_ok(define("/a", KEYED("")));
    assert_created("/a/x", put("/a/x", J("{'n':1}"), NULL));
    assert_ok(define("/a", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'},'n':{}}}}"));
    assert_created("/a/y", put("/a/y", J("{'n':'text'}"), NULL));
    assert_refused(STORE_INVALID_VALUE, define("/a", KEYED("")));
    cr_assert(refusal_points_to("/a/y"));
    assert_deleted("/a/y", erase("/a/y", NULL));
    assert_ok(define("/a", KEYED("")));
    assert_refused(STORE_INVALID_VALUE, put("/a/y", J("{'n':'text'}"), NULL));
}

Test(definitions, a_collection_with_a_collection_in_it_cannot_be_defined)
{
    assert_ok(make_collection("/a", NULL));
    assert_ok(make_collection("/a/sub", NULL));
    assert_refused(STORE_INVALID_VALUE, define("/a", KEYED("")));
    cr_assert(refusal_points_to("/a/sub"));
}

Test(definitions, of_null_makes_a_collection_plain_again)
{
    assert_ok(define("/a", KEYED(",'unique':[['n']]")));
    assert_created("/a/x", put("/a/x", J("{'n':1}"), NULL));
    assert_ok(store_define(fresh_answer(), test_store(), "/a", NULL, 0, NULL));
    cr_assert_not(stat_of("/a").typed);
    assert_json("/a/x", "{'k':'x','n':1}");
    cr_assert_str_eq(stat_of("/a/x").type, "application/json");
    assert_created("/a/any", put("/a/any", "any bytes", NULL));
    assert_refused(STORE_INVALID_VALUE, define("/a", KEYED("")));
    cr_assert(refusal_points_to("/a/any"));
}

Test(definitions, plain_again_keeps_names_that_were_keys)
{
    assert_ok(define("/n", "{'key':['id'],'schema':{'properties':{'id':{'type':'integer'}}}}"));
    assert_created("/n/10", put("/n/10", "{}", NULL));
    assert_created("/n/9", put("/n/9", "{}", NULL));
    assert_names("9 10", "/n", NULL);
    assert_ok(store_define(NULL, test_store(), "/n", NULL, 0, NULL));
    assert_names("10 9", "/n", NULL);
    assert_json("/n/10", "{'id':10}");
    assert_ok(define("/n", "{'key':['id'],'schema':{'properties':{'id':{'type':'integer'}}}}"));
    assert_names("9 10", "/n", NULL);
}

Test(definitions, a_dry_run_changes_nothing)
{
    const char *text = J(KEYED(""));

    assert_ok(make_collection("/a", NULL));
    assert_created("/a/x", put("/a/x", J("{'k':'x','n':1}"), NULL));
    assert_unchanged(store_define(NULL, test_store(), "/a", text, strlen(text), WITH(.flags = STORE_DRY_RUN)));
    assert_unchanged(store_define(NULL, test_store(), "/new", text, strlen(text), WITH(.flags = STORE_DRY_RUN)));
    assert_created("/a/y", put("/a/y", "no json", NULL));
    assert_refused(STORE_INVALID_VALUE,
                   store_define(NULL, test_store(), "/a", text, strlen(text), WITH(.flags = STORE_DRY_RUN)));
}

Test(definitions, survive_reopening)
{
    assert_ok(define("/a", KEYED(",'unique':[['n']]")));
    assert_created("/a/x", put("/a/x", J("{'n':1}"), NULL));
    reopen_store(NULL);
    assert_definition("/a", KEYED(",'unique':[['n']]"));
    assert_refused(STORE_KEY_CONFLICT, put("/a/y", J("{'n':1}"), NULL));
}

/* ------------------------------------------------------------ unique keys */

Test(definitions, compound_unique_keys_conflict_only_as_a_whole)
{
    assert_ok(define("/a", "{'key':['k'],'unique':[['s','n']],'schema':{'properties':{'k':{'type':'string'},"
                           "'s':{'type':['string','null'],'default':null},'n':{'type':'integer'}}}}"));
    assert_created("/a/1", put("/a/1", J("{'s':'x','n':1}"), NULL));
    assert_created("/a/2", put("/a/2", J("{'s':'x','n':2}"), NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/a/3", J("{'s':'x','n':2}"), NULL));
    cr_assert_str_eq(refusal_text("key"), "s,n");
    cr_assert_str_eq(refusal_text("value"), "x|2");
    cr_assert_str_eq(refusal_text("conflicts_with"), "/a/2");
    assert_created("/a/3", put("/a/3", J("{'n':2}"), NULL));
    assert_created("/a/4", put("/a/4", J("{'n':2}"), NULL));
}

Test(definitions, objects_are_found_by_any_of_their_keys)
{
    char *location = NULL;

    assert_ok(define("/countries", COUNTRIES));
    assert_ok(post("/countries", J("[{'alpha_2':'DE','alpha_3':'DEU','numeric':'276','name':'Germany'},"
                                   "{'alpha_2':'FR','alpha_3':'FRA','numeric':'250','name':'France'}]"), NULL));
    static const struct {
        store_field field;
        int code;
    } cases[] = {
        { { "alpha_3", "DEU" }, STORE_OK },        { { "numeric", "276" }, STORE_OK },
        { { "alpha_2", "DE" }, STORE_OK },         { { "alpha_3", "XXX" }, STORE_NOT_FOUND },
        { { "name", "Germany" }, STORE_BAD_ARGUMENT }, { { "huh", "1" }, STORE_BAD_ARGUMENT },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_code(cases[i].code, store_find(&location, test_store(), "/countries", &cases[i].field, 1, NULL));
        if (cases[i].code == STORE_OK)
            cr_assert_str_eq(location, "/countries/DE");
        else
            cr_assert_null(location);
        store_free(location);
    }
}

Test(definitions, very_long_unique_values_are_told_apart)
{
    static char body[9000], value[4001];

    assert_ok(define("/a", "{'key':['k'],'unique':[['s']],'schema':{'properties':{'k':{'type':'string'},"
                           "'s':{'type':'string'}}}}"));
    memset(value, 'v', 4000);
    snprintf(body, sizeof body, "{\"s\":\"%s1\"}", value);
    assert_created("/a/1", put("/a/1", body, NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/a/2", body, NULL));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/a/1");
    snprintf(body, sizeof body, "{\"s\":\"%s2\"}", value);
    assert_created("/a/2", put("/a/2", body, NULL));
    assert_deleted("/a/1", erase("/a/1", NULL));
    snprintf(body, sizeof body, "{\"s\":\"%s1\"}", value);
    assert_created("/a/3", put("/a/3", body, NULL));
}

/* --------------------------------------------------- required preconditions */

Test(definitions, require_precondition_refuses_unconditional_changes, .description = "C8")
{
    uint64_t version;

    assert_ok(define("/a", KEYED(",'put':'replace','require_precondition':true")));
    assert_created("/a/x", put("/a/x", J("{'n':1}"), NULL));
    version = answered.one.version;
    assert_refused(STORE_PRECONDITION_REQUIRED, put("/a/x", J("{'n':2}"), NULL));
    assert_refused(STORE_PRECONDITION_REQUIRED, put("/a/x", J("{'n':2}"), WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_PRECONDITION_REQUIRED, patch("/a/x", J("{'n':2}"), NULL));
    assert_refused(STORE_PRECONDITION_REQUIRED, patch("/a/x/n", "2", NULL));
    assert_refused(STORE_PRECONDITION_REQUIRED, post("/a", J("{'k':'x','n':2}"), NULL));
    assert_refused(STORE_PRECONDITION_REQUIRED, erase("/a/x", NULL));
    assert_refused(STORE_PRECONDITION_REQUIRED, erase("/a/x/n", NULL));
    assert_refused(STORE_PRECONDITION_REQUIRED, relocate("/a/x", "/a/y", NULL));
    assert_updated("/a/x", put("/a/x", J("{'n':2}"), WITH(.if_match = &version, .if_match_count = 1)));
    assert_updated("/a/x", patch("/a/x", J("{'n':3}"), WITH(.flags = STORE_IF_MATCH_ANY)));
    assert_deleted("/a/x", erase("/a/x", WITH(.flags = STORE_IF_MATCH_ANY)));
}
