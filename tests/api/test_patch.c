/* test_patch.c - PATCH: merge patch, JSON Patch, insertion, moving by the key, conditions of applying. */
#include "api_test.h"

TestSuite(patch_verb, .init = begin_api_test, .fini = end_api_test);

static void people(void)
{
    assert_ok(define("/people", PEOPLE));
    assert_ok(post("/people", J("[{'name':'ada','email':'a@x','age':36,'tags':['x','y'],"
                                "'home':{'city':'London','zip':'1'},'level':9},{'name':'bob','email':'b@x'}]"),
                                NULL));
}

/* ------------------------------------------------------------ merge patch */

Test(patch_verb, changes_only_what_it_names, .description = "O37")
{
    people();
    assert_updated("/people/ada", patch("/people/ada", J("{'age':37,'active':true}"), NULL));
    assert_json("/people/ada", "{'name':'ada','email':'a@x','age':37,'rate':0,'active':true,'tags':['x','y'],"
                               "'home':{'city':'London','zip':'1'},'level':9,'gone':null}");
}

Test(patch_verb, merges_objects_recursively_and_null_removes_a_nested_member, .description = "RFC 7396")
{
    people();
    assert_updated("/people/ada", patch("/people/ada", J("{'home':{'zip':null,'street':'x'}}"), NULL));
    assert_json("/people/ada/home", "{'city':'London','street':'x'}");
}

Test(patch_verb, null_returns_a_property_to_its_initial_state, .description = "O14 O37")
{
    people();
    assert_updated("/people/ada",
                   patch("/people/ada", J("{'level':null,'age':null,'tags':null,'home':null,'email':null}"),
                         NULL));
    assert_json("/people/ada", PERSON("ada"));
}

Test(patch_verb, an_array_inside_a_merge_patch_replaces_the_array, .description = "O22 RFC 7396")
{
    people();
    assert_updated("/people/ada", patch("/people/ada", J("{'tags':['z']}"), NULL));
    assert_json("/people/ada/tags", "['z']");
}

Test(patch_verb, of_a_missing_object_is_not_found, .description = "O36 P2")
{
    people();
    assert_refused(STORE_NOT_FOUND, patch("/people/eve", J("{'age':1}"), NULL));
    assert_refused(STORE_NOT_FOUND, patch("/nowhere/eve", J("{'age':1}"), NULL));
    assert_refused(STORE_NOT_FOUND, patch("/people/eve/age", "1", NULL));
    assert_refused(STORE_NOT_FOUND, json_patch("/people/eve", "[]", NULL));
}

Test(patch_verb, insert_creates_a_missing_object_from_the_initial_state_and_the_patch, .description = "O36")
{
    people();
    assert_created("/people/eve", patch("/people/eve", J("{'age':1,'level':null}"), WITH(.flags = STORE_INSERT)));
    assert_json("/people/eve", "{'name':'eve','email':null,'age':1,'rate':0,'active':false,'tags':[],'home':{},"
                               "'level':7,'gone':null}");
    assert_updated("/people/ada", patch("/people/ada", J("{'age':1}"), WITH(.flags = STORE_INSERT)));
    assert_json("/people/ada/level", "9");
}

Test(patch_verb, insert_wants_required_properties_like_put)
{
    assert_ok(define("/c", "{'key':['k'],'schema':{'required':['n'],'properties':{'k':{'type':'string'},"
                           "'n':{'type':'string'}}}}"));
    assert_refused(STORE_INVALID_VALUE, patch("/c/a", "{}", WITH(.flags = STORE_INSERT)));
    assert_created("/c/a", patch("/c/a", J("{'n':'x'}"), WITH(.flags = STORE_INSERT)));
}

Test(patch_verb, insert_of_an_object_with_another_key_is_a_key_mismatch)
{
    people();
    assert_refused(STORE_KEY_MISMATCH, patch("/people/eve", J("{'name':'zoe'}"), WITH(.flags = STORE_INSERT)));
    assert_created("/people/eve", patch("/people/eve", J("{'name':'eve'}"), WITH(.flags = STORE_INSERT)));
}

Test(patch_verb, is_atomic_and_validated_as_a_whole, .description = "P1 O23")
{
    people();
    assert_refused(STORE_INVALID_VALUE, patch("/people/ada", J("{'age':1,'level':'x','huh':1}"), NULL));
    cr_assert_eq(refusal_errors(), 2);
    cr_assert(refusal_points_to("/level"));
    cr_assert(refusal_points_to("/huh"));
}

Test(patch_verb, that_is_no_json_object_is_a_bad_body, .description = "P2")
{
    static const char *const bodies[] = { "", "{", "1", "null", "[]", "\"x\"" };

    people();
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_refused(STORE_BAD_BODY, patch("/people/ada", bodies[i], NULL));
}

Test(patch_verb, of_a_plain_object_is_an_unsupported_media_type)
{
    assert_created("/a", put("/a", "{}", WITH(.type = "application/json")));
    assert_refused(STORE_UNSUPPORTED_MEDIA_TYPE, patch("/a", J("{'x':1}"), NULL));
    assert_refused(STORE_UNSUPPORTED_MEDIA_TYPE, json_patch("/a", "[]", NULL));
}

Test(patch_verb, of_a_plain_collection_is_a_kind_conflict)
{
    assert_ok(make_collection("/c", NULL));
    assert_refused(STORE_KIND_CONFLICT, patch("/c", J("{'x':1}"), NULL));
    assert_refused(STORE_KIND_CONFLICT, patch("/", J("{'x':1}"), NULL));
}

Test(patch_verb, a_dry_run_changes_nothing)
{
    people();
    assert_unchanged(patch("/people/ada", J("{'age':1}"), WITH(.flags = STORE_DRY_RUN)));
    cr_assert_eq(answered.one.outcome, STORE_UPDATED);
    assert_unchanged(patch("/people/eve", J("{'age':1}"), WITH(.flags = STORE_DRY_RUN | STORE_INSERT)));
    cr_assert_eq(answered.one.outcome, STORE_CREATED);
}

Test(patch_verb, that_changes_nothing_is_still_an_update)
{
    people();
    assert_updated("/people/ada", patch("/people/ada", "{}", NULL));
}

/* ----------------------------------------------------------------- rekeying */

Test(patch_verb, of_the_key_moves_the_object, .description = "O38")
{
    uint64_t id;

    people();
    id = stat_of("/people/ada").id;
    assert_outcome(STORE_UPDATED, "/people/eve", patch("/people/ada", J("{'name':'eve'}"), NULL));
    assert_missing("/people/ada");
    assert_json("/people/eve/name", "'eve'");
    assert_json("/people/eve/age", "36");
    cr_assert_eq(stat_of("/people/eve").id, id, "it is the same node");
    assert_refused(STORE_KEY_CONFLICT, put("/people/zoe", J("{'email':'a@x'}"), NULL));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/people/eve", "its unique key came along");
}

Test(patch_verb, to_a_taken_key_is_a_key_conflict, .description = "O38")
{
    people();
    assert_refused(STORE_KEY_CONFLICT, patch("/people/ada", J("{'name':'bob','age':1}"), NULL));
    cr_assert_str_eq(refusal_text("key"), "name");
    cr_assert_str_eq(refusal_text("value"), "bob");
    cr_assert_str_eq(refusal_text("conflicts_with"), "/people/bob");
    assert_refused(STORE_KEY_CONFLICT, patch("/people/ada/name", J("'bob'"), NULL));
    assert_refused(STORE_KEY_CONFLICT, json_patch("/people/ada",
                                                  J("[{'op':'replace','path':'/name','value':'bob'}]"),
                                                  NULL));
}

Test(patch_verb, of_the_key_property_itself_moves_the_object)
{
    people();
    assert_ok(patch("/people/ada/name", J("'eve'"), NULL));
    assert_missing("/people/ada");
    assert_json("/people/eve/age", "36");
    assert_ok(json_patch("/people/eve", J("[{'op':'replace','path':'/name','value':'zoe'}]"), NULL));
    assert_missing("/people/eve");
    assert_json("/people/zoe/name", "'zoe'");
}

Test(patch_verb, to_a_taken_unique_key_is_a_key_conflict)
{
    people();
    assert_refused(STORE_KEY_CONFLICT, patch("/people/ada", J("{'email':'b@x'}"), NULL));
    cr_assert_str_eq(refusal_text("key"), "email");
    cr_assert_str_eq(refusal_text("conflicts_with"), "/people/bob");
    assert_updated("/people/ada", patch("/people/ada", J("{'email':'a@x'}"), NULL));
    assert_updated("/people/ada", patch("/people/ada", J("{'email':'c@x'}"), NULL));
    assert_updated("/people/bob", patch("/people/bob", J("{'email':'a@x'}"), NULL));
}

/* --------------------------------------------------------------- JSON Patch */

Test(patch_verb, a_json_patch_applies_its_operations_in_order, .description = "RFC 6902")
{
    people();
    assert_updated("/people/ada", json_patch("/people/ada", J("[{'op':'test','path':'/age','value':36.0},"
                                             "{'op':'add','path':'/tags/-','value':'z'},"
                                             "{'op':'remove','path':'/tags/0'},"
                                             "{'op':'replace','path':'/age','value':1},"
                                             "{'op':'copy','from':'/age','path':'/level'},"
                                             "{'op':'move','from':'/home/zip','path':'/home/code','extra':1}]"),
                                             NULL));
    assert_json("/people/ada/tags", "['y','z']");
    assert_json("/people/ada/level", "1");
    assert_json("/people/ada/home", "{'city':'London','code':'1'}");
}

Test(patch_verb, a_failed_test_of_a_json_patch_is_precondition_failed)
{
    people();
    assert_refused(STORE_PRECONDITION_FAILED,
                   json_patch("/people/ada", J("[{'op':'replace','path':'/age','value':1},"
                                               "{'op':'test','path':'/level','value':8}]"), NULL));
}

Test(patch_verb, a_json_patch_that_does_not_apply_is_an_invalid_value, .description = "P2")
{
    static const char *const patches[] = {
        "[{'op':'remove','path':'/home/none'}]",
        "[{'op':'replace','path':'/home/none','value':1}]",
        "[{'op':'add','path':'/tags/9','value':'x'}]",
        "[{'op':'add','path':'/tags/01','value':'x'}]",
        "[{'op':'move','from':'/home','path':'/home/city'}]",
        "[{'op':'copy','from':'/none','path':'/level'}]",
        "[{'op':'replace','path':'','value':[]}]",
        "[{'op':'add','path':'/huh','value':1}]",
        "[{'op':'replace','path':'/age','value':-1}]",
    };

    people();
    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++)
        assert_refused(STORE_INVALID_VALUE, json_patch("/people/ada", J(patches[i]), NULL));
}

Test(patch_verb, a_malformed_json_patch_is_a_bad_body, .description = "P2")
{
    static const char *const patches[] = {
        "{}", "1", "[1]", "[{}]", "[{'op':'add'}]", "[{'op':'add','path':'/age'}]",
        "[{'op':'jump','path':'/age'}]",
        "[{'op':'add','path':'age','value':1}]", "[{'op':'move','path':'/age'}]",
        "[{'op':'test','path':'/~2','value':1}]",
    };

    people();
    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++)
        assert_refused(STORE_BAD_BODY, json_patch("/people/ada", J(patches[i]), NULL));
}

Test(patch_verb, a_json_patch_with_insert_starts_from_the_initial_state)
{
    people();
    assert_created("/people/eve", json_patch("/people/eve", J("[{'op':'test','path':'/level','value':7},"
                                             "{'op':'replace','path':'/age','value':3}]"),
                                             WITH(.flags = STORE_INSERT)));
    assert_json("/people/eve/age", "3");
    assert_json("/people/eve/name", "'eve'");
}

/* --------------------------------------------------- range patch of a typed */

Test(patch_verb, a_range_patch_of_a_typed_object_is_an_unsupported_media_type)
{
    people();
    assert_refused(STORE_UNSUPPORTED_MEDIA_TYPE,
                   store_patch_range(NULL, test_store(), "/people/ada", 0, "{", 1, NULL));
    assert_refused(STORE_UNSUPPORTED_MEDIA_TYPE,
                   store_patch_range(NULL, test_store(), "/people/eve", 0, "{}", 2, WITH(.flags = STORE_INSERT)));
}

Test(patch_verb, cannot_label_a_typed_object_as_something_else_than_json)
{
    people();
    assert_refused(STORE_UNSUPPORTED_MEDIA_TYPE, patch("/people/ada", J("{'age':1}"), WITH(.type = "text/plain")));
    assert_refused(STORE_UNSUPPORTED_MEDIA_TYPE, patch("/people", J("{'name':['ada']}"),
                                                       WITH(.type = "text/plain")));
    assert_updated("/people/ada", patch("/people/ada", J("{'age':1}"), WITH(.type = "application/ld+json")));
    cr_assert_str_eq(stat_of("/people/ada").type, "application/ld+json");
}

Test(patch_verb, a_property_removed_by_a_json_patch_reads_as_its_initial_state)
{
    people();
    assert_updated("/people/ada", json_patch("/people/ada", J("[{'op':'remove','path':'/level'}]"), NULL));
    assert_json("/people/ada/level", "7");
    assert_refused(STORE_KEY_REQUIRED, json_patch("/people/ada", J("[{'op':'remove','path':'/name'}]"), NULL));
}
