/* test_move.c - MOVE and COPY: objects, links, subtrees, into, within and out of typed collections. */
#include "api_test.h"

TestSuite(move, .init = begin_api_test, .fini = end_api_test);

static const store_meta color = { "color", "red", 3 };

static void people(void)
{
    assert_ok(define("/people", PEOPLE));
    assert_ok(post("/people", J("[{'name':'ada','email':'a@x','age':36},{'name':'bob','email':'b@x'}]"), NULL));
}

static void tree(void)
{
    assert_created("/t/sub/a", put("/t/sub/a", "1", WITH(.flags = STORE_PARENTS)));
    assert_created("/t/b", put("/t/b", "2", NULL));
    assert_ok(define("/t/people", PEOPLE));
    assert_created("/t/people/ada", put("/t/people/ada", J("{'email':'a@x'}"), NULL));
}

Test(move, an_object_keeps_body_type_metadata_and_identity)
{
    store_stat before, after;
    void *value;
    size_t size;

    assert_created("/a", put("/a", "1", WITH(.type = "text/x", .flags = STORE_SET_META, .meta = &color,
                                             .meta_count = 1)));
    before = stat_of("/a");
    assert_created("/b", relocate("/a", "/b", NULL));
    after = stat_of("/b");
    assert_missing("/a");
    assert_body("/b", "1");
    cr_assert_str_eq(after.type, "text/x");
    cr_assert_eq(after.id, before.id);
    cr_assert_gt(after.version, before.version);
    cr_assert_eq(after.modified, before.modified);
    assert_ok(store_meta_get(&value, &size, test_store(), "/b", "color", NULL));
    cr_assert_str_eq((char *)value, "red");
    store_free(value);
}

Test(move, onto_an_existing_name_needs_replace)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_created("/b", put("/b", "2", NULL));
    assert_refused(STORE_KEY_CONFLICT, relocate("/a", "/b", NULL));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/b");
    assert_refused(STORE_KEY_CONFLICT, duplicate("/a", "/b", NULL));
    assert_refused(STORE_KEY_CONFLICT, relocate("/a", "/b", WITH(.flags = STORE_NOREPLACE)));
    assert_outcome(STORE_UPDATED, "/b", relocate("/a", "/b", WITH(.flags = STORE_REPLACE)));
    assert_body("/b", "1");
    assert_missing("/a");
    assert_created("/c", put("/c", "3", NULL));
    assert_outcome(STORE_UPDATED, "/c", duplicate("/b", "/c", WITH(.flags = STORE_REPLACE)));
    assert_body("/c", "1");
    assert_body("/b", "1");
}

Test(move, of_what_is_missing_is_not_found)
{
    assert_refused(STORE_NOT_FOUND, relocate("/a", "/b", NULL));
    assert_refused(STORE_NOT_FOUND, duplicate("/x/a", "/b", NULL));
}

Test(move, without_a_parent_is_no_collection_unless_parents_is_given)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_refused(STORE_NO_COLLECTION, relocate("/a", "/x/y/a", NULL));
    assert_created("/x/y/a", relocate("/a", "/x/y/a", WITH(.flags = STORE_PARENTS)));
    assert_created("/z/b", duplicate("/x/y/a", "/z/b", WITH(.flags = STORE_PARENTS)));
}

Test(move, a_copy_is_a_node_of_its_own)
{
    assert_created("/a", put("/a", "1", WITH(.type = "text/x", .flags = STORE_SET_META, .meta = &color,
                                             .meta_count = 1)));
    assert_created("/b", duplicate("/a", "/b", NULL));
    cr_assert_neq(stat_of("/b").id, stat_of("/a").id);
    cr_assert_str_eq(stat_of("/b").type, "text/x");
    assert_updated("/b", put("/b", "2", NULL));
    assert_body("/a", "1");
    assert_deleted("/a", erase("/a", NULL));
    assert_body("/b", "2");
}

Test(move, a_copy_of_a_large_object_outlives_the_original)
{
    size_t size = 300000;
    char *bytes = malloc(size), *back;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)('a' + i % 23);
    assert_ok(store_put(NULL, test_store(), "/a", bytes, size, NULL));
    assert_created("/b", duplicate("/a", "/b", NULL));
    assert_ok(store_patch_range(NULL, test_store(), "/a", 100000, "XYZ", 3, NULL));
    assert_deleted("/a", erase("/a", NULL));
    reopen_store(NULL);
    back = body_text("/b");
    cr_assert_eq(strlen(back), size);
    cr_assert_arr_eq(back, bytes, size);
    free(back);
    free(bytes);
}

Test(move, a_collection_takes_all_below_it_along)
{
    tree();
    assert_created("/u", relocate("/t", "/u", NULL));
    assert_missing("/t");
    assert_missing("/t/sub/a");
    assert_body("/u/sub/a", "1");
    cr_assert(stat_of("/u/people").typed);
    assert_json("/u/people/ada/email", "'a@x'");
    assert_refused(STORE_KEY_CONFLICT, put("/u/people/bob", J("{'email':'a@x'}"), NULL));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/u/people/ada");
}

Test(move, a_copied_collection_is_independent_with_its_definitions_and_keys)
{
    tree();
    assert_created("/u", duplicate("/t", "/u", NULL));
    assert_body("/t/sub/a", "1");
    assert_body("/u/sub/a", "1");
    assert_refused(STORE_KEY_CONFLICT, put("/u/people/bob", J("{'email':'a@x'}"), NULL));
    cr_assert_str_eq(refusal_text("conflicts_with"), "/u/people/ada");
    assert_deleted("/t", erase("/t", WITH(.flags = STORE_RECURSIVE)));
    assert_json("/u/people/ada/email", "'a@x'");
    assert_body("/u/b", "2");
}

Test(move, a_collection_cannot_go_into_itself)
{
    tree();
    assert_refused(STORE_BAD_ARGUMENT, relocate("/t", "/t/sub/t", NULL));
    assert_refused(STORE_BAD_ARGUMENT, duplicate("/t", "/t/x", NULL));
    assert_refused(STORE_BAD_ARGUMENT, relocate("/", "/x", NULL));
    assert_refused(STORE_BAD_ARGUMENT, duplicate("/", "/x", NULL));
}

Test(move, a_collection_replaces_only_an_empty_collection)
{
    tree();
    assert_ok(make_collection("/empty", NULL));
    assert_created("/full/x", put("/full/x", "1", WITH(.flags = STORE_PARENTS)));
    assert_created("/o", put("/o", "1", NULL));
    assert_refused(STORE_NOT_EMPTY, relocate("/t", "/full", WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_KIND_CONFLICT, relocate("/t", "/o", WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_KIND_CONFLICT, relocate("/o", "/empty", WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_KIND_CONFLICT, relocate("/o", "/new/", NULL));
    assert_outcome(STORE_UPDATED, "/empty", relocate("/t", "/empty", WITH(.flags = STORE_REPLACE)));
    assert_body("/empty/b", "2");
}

Test(move, within_a_typed_collection_the_key_properties_follow_the_location)
{
    people();
    assert_created("/people/eve", relocate("/people/ada", "/people/eve", NULL));
    assert_json("/people/eve/name", "'eve'");
    assert_json("/people/eve/age", "36");
    assert_refused(STORE_KEY_CONFLICT, relocate("/people/eve", "/people/bob", NULL));
    assert_outcome(STORE_UPDATED, "/people/bob", relocate("/people/eve", "/people/bob",
                                                          WITH(.flags = STORE_REPLACE)));
    assert_json("/people/bob/name", "'bob'");
    assert_json("/people/bob/email", "'a@x'");
    assert_names("bob", "/people", NULL);
}

Test(move, a_copy_within_a_typed_collection_must_not_repeat_a_unique_key)
{
    people();
    assert_refused(STORE_KEY_CONFLICT, duplicate("/people/ada", "/people/eve", NULL));
    cr_assert_str_eq(refusal_text("key"), "email");
    assert_updated("/people/ada", patch("/people/ada", J("{'email':null}"), NULL));
    assert_created("/people/eve", duplicate("/people/ada", "/people/eve", NULL));
    assert_json("/people/eve/age", "36");
    assert_json("/people/ada/name", "'ada'");
}

Test(move, to_a_name_that_is_no_key_is_a_bad_location)
{
    assert_ok(define("/n", "{'key':['id'],'schema':{'properties':{'id':{'type':'integer'}}}}"));
    assert_created("/n/1", put("/n/1", "{}", NULL));
    assert_refused(STORE_BAD_LOCATION, relocate("/n/1", "/n/x", NULL));
    assert_refused(STORE_BAD_LOCATION, duplicate("/n/1", "/n/01", NULL));
    assert_refused(STORE_NOT_FOUND, relocate("/n/x", "/n/2", NULL));
}

Test(move, into_a_typed_collection_is_validated_and_completed)
{
    people();
    assert_created("/ok", put("/ok", J("{'age':5}"), NULL));
    assert_created("/bad", put("/bad", J("{'age':'x'}"), NULL));
    assert_created("/text", put("/text", "no json", NULL));
    assert_refused(STORE_INVALID_VALUE, relocate("/bad", "/people/bad", NULL));
    assert_refused(STORE_BAD_BODY, duplicate("/text", "/people/text", NULL));
    assert_created("/people/eve", relocate("/ok", "/people/eve", NULL));
    assert_json("/people/eve", "{'name':'eve','email':null,'age':5,'rate':0,'active':false,'tags':[],'home':{},"
                               "'level':7,'gone':null}");
    assert_missing("/ok");
    assert_ok(make_collection("/c", NULL));
    assert_refused(STORE_KIND_CONFLICT, relocate("/c", "/people/c", NULL));
}

Test(move, out_of_a_typed_collection_leaves_json_and_frees_the_keys)
{
    people();
    assert_created("/ada.json", relocate("/people/ada", "/ada.json", NULL));
    cr_assert_str_eq(stat_of("/ada.json").type, "application/json");
    assert_json("/ada.json", "{'name':'ada','email':'a@x','age':36,'rate':0,'active':false,'tags':[],'home':{},"
                             "'level':7,'gone':null}");
    assert_created("/people/eve", put("/people/eve", J("{'email':'a@x'}"), NULL));
    assert_created("/bob.json", duplicate("/people/bob", "/bob.json", NULL));
    cr_assert_str_eq(stat_of("/bob.json").type, "application/json");
    assert_json("/people/bob/email", "'b@x'");
}

Test(move, a_property_is_refused)
{
    people();
    assert_refused(STORE_PROPERTY_TARGET, relocate("/people/ada/age", "/x", NULL));
    assert_created("/x", put("/x", "1", NULL));
    assert_refused(STORE_PROPERTY_TARGET, duplicate("/x", "/people/ada/age", NULL));
}

Test(move, to_its_own_place_changes_nothing)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_unchanged(relocate("/a", "/a", WITH(.flags = STORE_REPLACE)));
    assert_body("/a", "1");
}

Test(move, a_link_moves_as_a_link)
{
    assert_ok(store_put_link(fresh_answer(), test_store(), "/l", "target", NULL));
    assert_created("/m", relocate("/l", "/m", NULL));
    cr_assert_eq(stat_of("/m").kind, STORE_LINK);
    assert_created("/n", duplicate("/m", "/n", NULL));
    assert_body("/n", "target");
}

Test(move, conditions_are_those_of_the_source)
{
    uint64_t version, other = 1;

    assert_created("/a", put("/a", "1", NULL));
    version = answered.one.version;
    assert_refused(STORE_PRECONDITION_FAILED, relocate("/a", "/b", WITH(.if_match = &other, .if_match_count = 1)));
    assert_created("/b", relocate("/a", "/b", WITH(.if_match = &version, .if_match_count = 1)));
}

Test(move, a_dry_run_changes_nothing)
{
    tree();
    assert_unchanged(relocate("/t", "/u", WITH(.flags = STORE_DRY_RUN)));
    cr_assert_eq(answered.one.outcome, STORE_CREATED);
    assert_unchanged(duplicate("/t", "/u", WITH(.flags = STORE_DRY_RUN)));
    assert_refused(STORE_KEY_CONFLICT, relocate("/t/b", "/t/sub", WITH(.flags = STORE_DRY_RUN)));
}
