/* test_properties.c - properties as locations: GET, PATCH, DELETE, arrays, initial states (SPEC 1, 3). */
#include "api_test.h"

TestSuite(properties, .init = begin_api_test, .fini = end_api_test);

static void ada(void)
{
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", J("{'email':'a@x','age':36,'rate':10.00,'active':true,"
                                                       "'tags':['x','y','z'],'level':9,"
                                                       "'home':{'city':'London','a/b':1,'m~n':2,'':3,"
                                                       "'deep':[[1,{'k':null}]]}}"), NULL));
}

Test(properties, get_answers_the_bare_value, .description = "O25")
{
    static const struct {
        const char *location, *value;
    } cases[] = {
        { "/people/ada/email", "'a@x'" },       { "/people/ada/age", "36" },
        { "/people/ada/active", "true" },       { "/people/ada/tags", "['x','y','z']" },
        { "/people/ada/tags/0", "'x'" },        { "/people/ada/home/city", "'London'" },
        { "/people/ada/home/a~1b", "1" },       { "/people/ada/home/m~0n", "2" },
        { "/people/ada/home/deep/0/1/k", "null" }, { "/people/ada/gone", "null" },
        { "/people/ada/name", "'ada'" },
    };
    store_stat stat;

    ada();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_json(cases[i].location, cases[i].value);
        stat = stat_of(cases[i].location);
        cr_assert_eq(stat.kind, STORE_PROPERTY);
        cr_assert_eq(stat.version, version_of("/people/ada"), "it has its object's version");
        cr_assert_str_eq(stat.type, "application/json");
    }
    assert_body("/people/ada/rate", "10.00");
    cr_assert_eq(stat_of("/people/ada/rate").size, 5);
}

Test(properties, that_are_not_there_are_not_found)
{
    static const char *const locations[] = {
        "/people/ada/none", "/people/ada/tags/3", "/people/ada/tags/-", "/people/ada/tags/01",
        "/people/ada/tags/-1",
        "/people/ada/home/none", "/people/ada/age/x", "/people/ada/email/0", "/people/bob/age",
        "/people/ada/gone/x",
    };
    store_stat stat;

    ada();
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        assert_refused(STORE_NOT_FOUND, store_stat_get(&stat, test_store(), locations[i], NULL));
        assert_refused(STORE_NOT_FOUND, erase(locations[i], NULL));
    }
}

Test(properties, a_plain_objects_members_are_no_locations)
{
    store_stat stat;

    assert_created("/a", put("/a", J("{'x':1}"), WITH(.type = "application/json")));
    assert_refused(STORE_KIND_CONFLICT, store_stat_get(&stat, test_store(), "/a/x", NULL));
}

Test(properties, patch_takes_the_bare_value, .description = "O37")
{
    ada();
    assert_updated("/people/ada", patch("/people/ada/age", "37", NULL));
    assert_json("/people/ada/age", "37");
    assert_json("/people/ada/level", "9");
    assert_updated("/people/ada", patch("/people/ada/email", J("'b@x'"), NULL));
    assert_updated("/people/ada", patch("/people/ada/home/city", J("'Paris'"), NULL));
    assert_json("/people/ada/home/city", "'Paris'");
    assert_json("/people/ada/home/a~1b", "1");
    assert_refused(STORE_INVALID_VALUE, patch("/people/ada/age", J("'x'"), NULL));
    cr_assert(refusal_points_to("/age"));
    assert_refused(STORE_BAD_BODY, patch("/people/ada/age", "", NULL));
    assert_refused(STORE_BAD_BODY, patch("/people/ada/age", "1 2", NULL));
}

Test(properties, patch_with_null_gives_the_initial_state, .description = "O14 O37")
{
    ada();
    assert_updated("/people/ada", patch("/people/ada/level", "null", NULL));
    assert_json("/people/ada/level", "7");
    assert_updated("/people/ada", patch("/people/ada/email", "null", NULL));
    assert_json("/people/ada/email", "null");
    assert_updated("/people/ada", patch("/people/ada/home/city", "null", NULL));
    assert_missing("/people/ada/home/city");
}

Test(properties, patch_of_an_object_property_merges, .description = "RFC 7396")
{
    ada();
    assert_updated("/people/ada", patch("/people/ada/home", J("{'city':null,'zip':'1'}"), NULL));
    assert_missing("/people/ada/home/city");
    assert_json("/people/ada/home/zip", "'1'");
    assert_json("/people/ada/home/a~1b", "1");
}

Test(properties, patch_adds_a_member_of_an_object_property)
{
    ada();
    assert_updated("/people/ada", patch("/people/ada/home/street", J("'x'"), NULL));
    assert_json("/people/ada/home/street", "'x'");
    assert_refused(STORE_INVALID_VALUE, patch("/people/ada/unknown", "1", NULL));
    assert_refused(STORE_NOT_FOUND, patch("/people/ada/age/x", "1", NULL));
    assert_refused(STORE_NOT_FOUND, patch("/people/ada/home/none/x", "1", NULL));
}

/* ------------------------------------------------------------------ arrays */

Test(properties, a_shorter_array_sets_the_first_elements_and_leaves_the_rest, .description = "O22")
{
    ada();
    assert_updated("/people/ada", patch("/people/ada/tags", J("['1']"), NULL));
    assert_json("/people/ada/tags", "['1','y','z']");
    assert_updated("/people/ada", patch("/people/ada/tags", "[]", NULL));
    assert_json("/people/ada/tags", "['1','y','z']");
    assert_updated("/people/ada", patch("/people/ada/tags", J("['a','b','c']"), NULL));
    assert_json("/people/ada/tags", "['a','b','c']");
}

Test(properties, an_array_longer_than_the_schema_allows_is_an_error, .description = "O13 O22")
{
    ada();
    assert_refused(STORE_INVALID_VALUE, patch("/people/ada/tags", J("['a','b','c','d']"), NULL));
    cr_assert(refusal_points_to("/tags"));
    assert_updated("/people/ada", erase("/people/ada/tags", NULL));
    assert_updated("/people/ada", patch("/people/ada/tags", J("['a','b']"), NULL));
    assert_json("/people/ada/tags", "['a','b']");
}

Test(properties, an_element_is_a_location_too)
{
    ada();
    assert_updated("/people/ada", patch("/people/ada/tags/1", J("'Y'"), NULL));
    assert_json("/people/ada/tags", "['x','Y','z']");
    assert_updated("/people/ada", erase("/people/ada/tags/0", NULL));
    assert_json("/people/ada/tags", "['Y','z']");
    assert_updated("/people/ada", patch("/people/ada/tags/2", J("'w'"), NULL));
    assert_json("/people/ada/tags", "['Y','z','w']");
    assert_refused(STORE_INVALID_VALUE, patch("/people/ada/tags/3", J("'v'"), NULL));
    assert_refused(STORE_NOT_FOUND, patch("/people/ada/tags/5", J("'v'"), NULL));
    assert_updated("/people/ada", patch("/people/ada/home/deep/0/0", "null", NULL));
    assert_json("/people/ada/home/deep", "[[null,{'k':null}]]");
}

/* ------------------------------------------------------------------ delete */

Test(properties, delete_returns_a_property_to_its_initial_state, .description = "O43")
{
    ada();
    assert_updated("/people/ada", erase("/people/ada/level", NULL));
    assert_json("/people/ada/level", "7");
    assert_updated("/people/ada", erase("/people/ada/tags", NULL));
    assert_json("/people/ada/tags", "[]");
    assert_updated("/people/ada", erase("/people/ada/home/city", NULL));
    assert_missing("/people/ada/home/city");
    assert_updated("/people/ada", erase("/people/ada/home", NULL));
    assert_json("/people/ada/home", "{}");
    assert_updated("/people/ada", erase("/people/ada/email", NULL));
    assert_created("/people/bob", put("/people/bob", J("{'email':'a@x'}"), NULL));
}

Test(properties, delete_of_the_key_is_refused_because_it_would_be_empty)
{
    ada();
    assert_refused(STORE_INVALID_VALUE, erase("/people/ada/name", NULL));
}

Test(properties, delete_of_a_required_property_gives_its_initial_state_if_that_conforms)
{
    assert_ok(define("/c", "{'key':['k'],'schema':{'required':['a','b'],'properties':{'k':{'type':'string'},"
                           "'a':{'type':'string'},'b':{'type':'string','minLength':1}}}}"));
    assert_created("/c/x", put("/c/x", J("{'a':'1','b':'2'}"), NULL));
    assert_updated("/c/x", erase("/c/x/a", NULL));
    assert_json("/c/x/a", "''");
    assert_refused(STORE_INVALID_VALUE, erase("/c/x/b", NULL));
}

/* ----------------------------------------------------------- initial states */

Test(properties, have_the_initial_states_of_the_contract, .description = "O14")
{
    assert_ok(define("/c", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'},'i':{'type':'integer'},"
                           "'n':{'type':'number'},'s':{'type':'string'},'b':{'type':'boolean'},"
                           "'a':{'type':'array'},"
                           "'o':{'type':'object'},'z':{'type':'null'},'sz':{'type':['string','null']},"
                           "'iz':{'type':['null','integer']},'d':{'type':'integer','default':5},"
                           "'e':{'type':'object','default':{'x':[1]}}}}}"));
    assert_created("/c/x", put("/c/x", "{}", NULL));
    assert_json("/c/x", "{'k':'x','i':0,'n':0,'s':'','b':false,'a':[],'o':{},'z':null,'sz':'','iz':0,'d':5,"
                        "'e':{'x':[1]}}");
}

Test(properties, a_json_patch_of_a_property_is_relative_to_it)
{
    ada();
    assert_updated("/people/ada", json_patch("/people/ada/tags", J("[{'op':'remove','path':'/0'},"
                                             "{'op':'add','path':'/-','value':'w'}]"), NULL));
    assert_json("/people/ada/tags", "['y','z','w']");
    assert_updated("/people/ada", json_patch("/people/ada/home", J("[{'op':'replace','path':'/city','value':1}]"),
                                             NULL));
    assert_json("/people/ada/home/city", "1");
}

Test(properties, the_whole_store_sees_one_version_for_an_object_and_its_properties)
{
    uint64_t before;

    ada();
    before = version_of("/people/ada/age");
    assert_updated("/people/ada", patch("/people/ada/level", "1", NULL));
    cr_assert_gt(version_of("/people/ada/age"), before);
}
