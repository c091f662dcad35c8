/* test_conditions.c - preconditions: If-Match, If-None-Match, If-Unmodified-Since on every writing verb. */
#include "api_test.h"


#define MATCH(version) WITH(.if_match = (const uint64_t[]){ version }, .if_match_count = 1)
#define NONE_MATCH(version) WITH(.if_none_match = (const uint64_t[]){ version }, .if_none_match_count = 1)

static uint64_t current, other;

static void begin(void)
{
    begin_api_test();
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", J("{'age':36}"), NULL));
    other = answered.one.version;
    assert_updated("/people/ada", patch("/people/ada", J("{'age':37}"), NULL));
    current = answered.one.version;
    assert_created("/plain", put("/plain", "1", NULL));
}

TestSuite(conditions, .init = begin, .fini = end_api_test);

Test(conditions, if_none_match_any_refuses_what_exists_and_creates_what_is_missing, .description = "C4")
{
    assert_refused(STORE_PRECONDITION_FAILED, put("/people/ada", "{}", WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    cr_assert_eq(strtoull(refusal_text("version"), NULL, 16), current, "it tells the current version");
    assert_refused(STORE_PRECONDITION_FAILED, put("/plain", "2", WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    assert_created("/people/bob", put("/people/bob", "{}", WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    assert_created("/new", put("/new", "2", WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
}

Test(conditions, if_match_updates_the_version_it_names_only, .description = "C2 C7")
{
    assert_refused(STORE_PRECONDITION_FAILED, put("/people/ada", "{}", MATCH(other)));
    cr_assert_eq(strtoull(refusal_text("version"), NULL, 16), current);
    assert_updated("/people/ada", put("/people/ada", "{}", MATCH(current)));
    assert_refused(STORE_PRECONDITION_FAILED, put("/people/ada", "{}", MATCH(current)));
}

Test(conditions, if_match_with_several_versions_wants_one_of_them, .description = "C6")
{
    const uint64_t both[] = { other, current };

    assert_updated("/people/ada", put("/people/ada", "{}", WITH(.if_match = both, .if_match_count = 2)));
    assert_refused(STORE_PRECONDITION_FAILED,
                   put("/people/ada", "{}", WITH(.if_match = both, .if_match_count = 2)));
}

Test(conditions, if_match_any_updates_what_exists_and_refuses_what_is_missing, .description = "C3")
{
    assert_updated("/people/ada", put("/people/ada", J("{'age':1}"), WITH(.flags = STORE_IF_MATCH_ANY)));
    assert_refused(STORE_PRECONDITION_FAILED, put("/people/bob", "{}", WITH(.flags = STORE_IF_MATCH_ANY)));
    assert_refused(STORE_PRECONDITION_FAILED, put("/new", "1", WITH(.flags = STORE_IF_MATCH_ANY)));
    assert_refused(STORE_PRECONDITION_FAILED, put("/new", "1", MATCH(current)));
}

Test(conditions, if_match_on_a_missing_target_fails_for_every_verb, .description = "C3")
{
    const store_request *any = WITH(.flags = STORE_IF_MATCH_ANY);

    assert_refused(STORE_PRECONDITION_FAILED, patch("/people/bob", "{}", any));
    assert_refused(STORE_PRECONDITION_FAILED,
                   patch("/people/bob", "{}", WITH(.flags = STORE_IF_MATCH_ANY | STORE_INSERT)));
    assert_refused(STORE_PRECONDITION_FAILED, erase("/people/bob", any));
    assert_refused(STORE_PRECONDITION_FAILED, erase("/none", any));
    assert_refused(STORE_PRECONDITION_FAILED, post("/people", J("{'name':'bob'}"), any));
}

Test(conditions, if_none_match_with_a_version_refuses_that_version, .description = "C4")
{
    assert_refused(STORE_PRECONDITION_FAILED, put("/people/ada", "{}", NONE_MATCH(current)));
    assert_updated("/people/ada", put("/people/ada", "{}", NONE_MATCH(other)));
    assert_created("/people/bob", put("/people/bob", "{}", NONE_MATCH(other)));
}

Test(conditions, hold_for_patch_and_delete_too, .description = "C5")
{
    assert_refused(STORE_PRECONDITION_FAILED, patch("/people/ada", J("{'age':1}"), MATCH(other)));
    assert_refused(STORE_PRECONDITION_FAILED, patch("/people/ada/age", "1", MATCH(other)));
    assert_refused(STORE_PRECONDITION_FAILED, json_patch("/people/ada", "[]", MATCH(other)));
    assert_refused(STORE_PRECONDITION_FAILED, erase("/people/ada", MATCH(other)));
    assert_refused(STORE_PRECONDITION_FAILED, erase("/people/ada/age", MATCH(other)));
    assert_refused(STORE_PRECONDITION_FAILED,
                   store_patch_range(NULL, test_store(), "/plain", 0, "x", 1, MATCH(other)));
    assert_updated("/people/ada", patch("/people/ada/age", "1", MATCH(current)));
    assert_refused(STORE_PRECONDITION_FAILED, erase("/people/ada", MATCH(current)));
    assert_deleted("/people/ada", erase("/people/ada", MATCH(version_of("/people/ada"))));
}

Test(conditions, hold_for_metadata_and_definitions)
{
    assert_refused(STORE_PRECONDITION_FAILED, store_set(NULL, test_store(), "/plain",
                   WITH(.type = "text/x", .if_match = &other, .if_match_count = 1)));
    assert_refused(STORE_PRECONDITION_FAILED,
                   store_meta_set(NULL, test_store(), "/plain", "a", "1", 1, MATCH(other)));
    assert_refused(STORE_PRECONDITION_FAILED,
                   store_define(NULL, test_store(), "/people", J(PEOPLE), strlen(PEOPLE), MATCH(current)));
}

Test(conditions, are_checked_before_the_policy)
{
    assert_refused(STORE_PRECONDITION_FAILED,
                   put("/people/ada", "{}", WITH(.flags = STORE_NOREPLACE, .if_match = &other,
                                                 .if_match_count = 1)));
    assert_refused(STORE_KEY_CONFLICT,
                   put("/people/ada", "{}", WITH(.flags = STORE_NOREPLACE, .if_match = &current,
                                                 .if_match_count = 1)));
}

Test(conditions, if_unmodified_since_compares_whole_seconds, .description = "C1")
{
    int64_t modified = stat_of("/people/ada").modified / 1000000000;

    assert_refused(STORE_PRECONDITION_FAILED,
                   put("/people/ada", "{}", WITH(.if_unmodified_since = modified - 10)));
    assert_updated("/people/ada", put("/people/ada", "{}", WITH(.if_unmodified_since = modified + 10)));
    assert_created("/people/bob", put("/people/bob", "{}", WITH(.if_unmodified_since = modified - 10)));
}

Test(conditions, if_match_makes_if_unmodified_since_irrelevant, .description = "C1")
{
    assert_updated("/people/ada",
                   put("/people/ada", "{}",
                       WITH(.if_match = &current, .if_match_count = 1, .if_unmodified_since = 1000)));
}

Test(conditions, to_the_same_store_reopened_hold_as_before, .description = "C9")
{
    reopen_store(NULL);
    cr_assert_eq(version_of("/people/ada"), current);
    assert_refused(STORE_PRECONDITION_FAILED, put("/people/ada", "{}", MATCH(other)));
    assert_updated("/people/ada", put("/people/ada", "{}", MATCH(current)));
}
