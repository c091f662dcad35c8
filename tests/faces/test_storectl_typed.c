/* storectl on typed collections: define, put, patch, post, properties, and problems as people and
 * programs see them. */
#include "storectl_test.h"

static void begin(void)
{
    begin_storectl();
    define_people();
}

TestSuite(storectl_typed, .init = begin, .fini = end_storectl);

Test(storectl_typed, define_sets_and_shows)
{
    expect_out(PEOPLE "\n", "define", "/people");
    write_file(test_path("definition"), PEOPLE);
    expect(0, "define", "/others", test_path("definition"));
    expect_in(0, PEOPLE, "define", "/third", "-");
    expect_out(PEOPLE "\n", "define", "/third");
    expect_says(1, "no_collection", "define", "/x/y", "-d", PEOPLE);
    expect(0, "define", "/x/y", "-d", PEOPLE, "--parents");
    expect_says(0, "kind      typed collection\n", "stat", "/people");
}

Test(storectl_typed, define_refuses_what_is_not_implemented_and_what_does_not_conform)
{
    expect_says(1, "invalid_value", "define", "/t", "-d", "{\"order\":\"key\",\"frobnicate\":1}");
    expect(1, "define", "/t", "-d", "no json");
    expect(0, "put", "/plain/a", "-p", "-d", "no json");
    expect_says(1, "/plain/a", "define", "/plain", "-d", PEOPLE);
}

Test(storectl_typed, define_plain_takes_the_definition_away)
{
    expect_says(0, "(dry run)", "define", "/people", "--plain", "-n");
    expect(0, "define", "/people");
    expect(0, "define", "/people", "--plain");
    expect_says(1, "not_found", "define", "/people");
    expect(0, "put", "/people/anything", "-d", "bytes");
}

Test(storectl_typed, a_refused_body_shows_every_violation)
{
    expect(1, "put", "/people/eve", "-d", "{\"age\":\"old\",\"phone\":1}");
    assert_says("storectl: /people/eve: invalid_value: ");
    assert_says("\n  /age: ");
    assert_says("\n  /phone: ");
    expect_json(1, "put", "/people/eve", "-d", "{\"age\":\"old\",\"phone\":1}");
    assert_member("code", "invalid_value");
    assert_member("status", "422");
    cr_assert_eq(json_array_size(json_object_get(said_json, "errors")), 2);
}

Test(storectl_typed, a_duplicate_names_key_value_and_location)
{
    expect_says(1, "  conflicts with /people/ada (email = ada@x)\n", "put", "/people/eve", "-d",
                "{\"email\":\"ada@x\"}");
    expect_json(1, "put", "/people/eve", "-d", "{\"email\":\"ada@x\"}");
    assert_member("conflicts_with", "/people/ada");
}

Test(storectl_typed, put_replaces_only_when_told)
{
    expect_says(1, "key_conflict", "put", "/people/ada", "-d", "{}");
    expect(0, "put", "/people/ada", "-d", "{}", "--replace");
    expect_json(0, "get", "/people/ada");
    assert_member("email", "");
    assert_member("age", "0");
    expect_says(1, "key_required", "put", "/people", "-d", "{\"id\":\"x\"}");
    expect_says(1, "key_mismatch", "put", "/people/x", "-d", "{\"id\":\"y\"}");
    expect_says(1, "property_target", "put", "/people/ada/age", "-d", "1");
}

Test(storectl_typed, put_insert_and_partial_under_the_merge_policy)
{
    expect(0, "define", "/merging", "-d",
           "{\"order\":\"key\",\"key\":[\"id\"],\"put\":\"merge\",\"schema\":{\"type\":\"object\",\"properties\":"
           "{\"id\":{\"type\":\"integer\"},\"n\":{\"type\":\"integer\"}}}}");
    expect_says(1, "not_found", "put", "/merging/1", "-d", "{\"n\":1}");
    expect_says(0, "created", "put", "/merging/1", "-d", "{\"n\":1}", "--insert");
    expect(0, "put", "/merging", "-d", "{\"id\":2,\"n\":2}", "--insert");
    expect(1, "put", "/merging", "-d", "{\"id\":[1,9],\"n\":5}");
    expect_out("1", "get", "/merging/1/n");
    expect(1, "put", "/merging", "-d", "{\"id\":[1,9],\"n\":5}", "--partial");
    cr_assert_not_null(strstr(said.out, "updated /merging/1"), "%s", said.out);
    cr_assert_not_null(strstr(said.out, "failed /merging/9: not_found: "), "%s", said.out);
    expect_out("5", "get", "/merging/1/n");
    expect_json(1, "put", "/merging", "-d", "{\"id\":[1,9],\"n\":6}", "--partial");
    cr_assert_eq(json_array_size(json_object_get(said_json, "results")), 2);
}

Test(storectl_typed, patch_merges_or_applies_a_json_patch)
{
    expect_says(0, "updated /people/ada", "patch", "/people/ada", "-d", "{\"age\":37}");
    expect_out("37", "get", "/people/ada/age");
    expect_in(0, "[{\"op\":\"replace\",\"path\":\"/age\",\"value\":38}]", "patch", "--json-patch", "/people/ada");
    expect_out("38", "get", "/people/ada/age");
    expect_says(1, "precondition_failed", "patch", "--json-patch", "/people/ada", "-d",
                "[{\"op\":\"test\",\"path\":\"/age\",\"value\":1}]");
    expect(0, "patch", "/people/ada/age", "-d", "39");
    expect_out("39", "get", "/people/ada/age");
    expect_says(1, "not_found", "patch", "/people/eve", "-d", "{}");
    expect_says(0, "created", "patch", "/people/eve", "-d", "{\"email\":\"e@x\"}", "--insert");
    expect_says(1, "bad_body", "patch", "/people/ada", "-d", "{");
    expect_says(0, "(dry run)", "patch", "/people/ada", "-d", "{\"age\":1}", "-n");
    expect_out("39", "get", "/people/ada/age");
}

Test(storectl_typed, patch_of_many_keys_is_all_or_none_unless_partial)
{
    expect(1, "patch", "/people", "-d", "{\"id\":[\"ada\",\"zoe\"],\"age\":1}");
    expect_out("36", "get", "/people/ada/age");
    expect(1, "patch", "/people", "-d", "{\"id\":[\"ada\",\"zoe\"],\"age\":1}", "--partial");
    expect_out("1", "get", "/people/ada/age");
    expect(0, "patch", "/people", "-d", "{\"id\":[\"ada\",\"bob\"],\"age\":2}");
    cr_assert_not_null(strstr(said.out, "updated /people/bob"), "%s", said.out);
}

Test(storectl_typed, post_merges_or_inserts_each)
{
    expect(0, "post", "/people", "-d", "[{\"id\":\"ada\",\"age\":1},{\"id\":\"eve\",\"email\":\"e@x\"}]");
    cr_assert_not_null(strstr(said.out, "updated /people/ada"), "%s", said.out);
    cr_assert_not_null(strstr(said.out, "created /people/eve"), "%s", said.out);
    expect_out("\"ada@x\"", "get", "/people/ada/email");
    expect_says(1, "key_conflict", "post", "--noreplace", "/people", "-d", "{\"id\":\"ada\"}");
    expect_says(1, "not_found", "post", "--noinsert", "/people", "-d", "{\"id\":\"zoe\"}");
    expect_in(0, "{\"id\":\"zoe\",\"email\":\"z@x\"}", "post", "/people");
    expect_says(0, "(dry run)", "post", "/people", "-n", "-d", "{\"id\":\"yves\",\"email\":\"y@x\"}");
    expect(1, "get", "/people/yves");
    expect(1, "post", "--partial", "--noinsert", "/people", "-d", "[{\"id\":\"ada\",\"age\":7},{\"id\":\"q\"}]");
    expect_out("7", "get", "/people/ada/age");
}

Test(storectl_typed, post_to_a_plain_collection_picks_a_name)
{
    expect(0, "mkdir", "/plain");
    expect_json(0, "post", "/plain", "-d", "bytes", "--type", "text/plain");
    assert_member("outcome", "created");
    expect_out("bytes", "get", member("location"));
}

Test(storectl_typed, an_array_appends_to_a_collection_that_assigns_keys)
{
    expect(0, "define", "/log", "-d",
           "{\"order\":\"auto\",\"key\":[\"n\"],\"schema\":{\"type\":\"object\",\"properties\":"
           "{\"n\":{\"type\":\"integer\"},\"text\":{\"type\":\"string\"}}}}");
    expect(0, "put", "/log", "-d", "[{\"text\":\"a\"},{\"text\":\"b\"}]");
    expect_out("1\n2\n", "ls", "/log");
    expect_out("\"b\"", "get", "/log/2/text");
}

Test(storectl_typed, rm_of_a_property_returns_it_to_its_initial_state)
{
    expect_says(0, "updated /people/ada", "rm", "/people/ada/age");
    expect_out("0", "get", "/people/ada/age");
    expect_json(0, "stat", "/people/ada/age");
    assert_member("kind", "property");
}
