/* test_delete.c - DELETE of objects, collections, properties; what stays behind. */
#include "api_test.h"

#include <stdio.h>

TestSuite(delete, .init = begin_api_test, .fini = end_api_test);

Test(delete, removes_a_plain_object, .description = "O43 D8")
{
    uint64_t version;

    assert_created("/a", put("/a", "1", NULL));
    version = answered.one.version;
    assert_deleted("/a", erase("/a", NULL));
    cr_assert_gt(answered.one.version, version, "the version is that of the deletion");
    assert_names("", "/", NULL);
}

Test(delete, of_nothing_is_not_found, .description = "O43")
{
    assert_refused(STORE_NOT_FOUND, erase("/a", NULL));
    assert_refused(STORE_NOT_FOUND, erase("/a/b/c", NULL));
    assert_ok(define("/people", PEOPLE));
    assert_refused(STORE_NOT_FOUND, erase("/people/ada", NULL));
    assert_refused(STORE_NOT_FOUND, erase("/people/ada/age", NULL));
}

Test(delete, of_a_collection_with_members_is_not_empty_unless_recursive, .description = "O18 B10")
{
    assert_created("/c/d/a", put("/c/d/a", "1", WITH(.flags = STORE_PARENTS)));
    assert_refused(STORE_NOT_EMPTY, erase("/c", NULL));
    assert_refused(STORE_NOT_EMPTY, erase("/c/d/", NULL));
    assert_deleted("/c", erase("/c", WITH(.flags = STORE_RECURSIVE)));
    assert_missing("/c/d");
    assert_missing("/c/d/a");
}

Test(delete, of_an_empty_collection_needs_no_flag)
{
    assert_ok(make_collection("/c", NULL));
    assert_deleted("/c", erase("/c/", NULL));
    assert_ok(define("/people", PEOPLE));
    assert_deleted("/people", erase("/people", NULL));
}

Test(delete, an_object_with_recursive_is_deleted_too)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_deleted("/a", erase("/a", WITH(.flags = STORE_RECURSIVE)));
}

Test(delete, of_the_root_is_a_bad_argument)
{
    assert_refused(STORE_BAD_ARGUMENT, erase("/", NULL));
    assert_refused(STORE_BAD_ARGUMENT, erase("/", WITH(.flags = STORE_RECURSIVE)));
}

Test(delete, a_trailing_slash_insists_on_a_collection)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_refused(STORE_KIND_CONFLICT, erase("/a/", NULL));
}

Test(delete, a_typed_object_frees_its_keys)
{
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", J("{'email':'a@x'}"), NULL));
    assert_deleted("/people/ada", erase("/people/ada", NULL));
    assert_created("/people/bob", put("/people/bob", J("{'email':'a@x'}"), NULL));
    assert_created("/people/ada", put("/people/ada", "{}", NULL));
}

Test(delete, a_recursively_deleted_collection_can_be_made_anew_and_is_empty)
{
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", J("{'email':'a@x'}"), NULL));
    assert_deleted("/people", erase("/people", WITH(.flags = STORE_RECURSIVE)));
    assert_missing("/people/ada");
    assert_ok(make_collection("/people", NULL));
    cr_assert_not(stat_of("/people").typed);
    assert_names("", "/people", NULL);
    assert_deleted("/people", erase("/people", NULL));
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/bob", put("/people/bob", J("{'email':'a@x'}"), NULL));
}

Test(delete, thousands_below_a_collection_go_with_it)
{
    char location[64];

    assert_ok(make_collection("/c", NULL));
    for (int i = 0; i < 3000; i += 1000) {
        store_txn *txn;
        assert_ok(store_begin(&txn, test_store(), false));
        for (int j = i; j < i + 1000; j++) {
            snprintf(location, sizeof location, "/c/%d", j);
            assert_ok(store_put(NULL, test_store(), location, "x", 1, WITH(.txn = txn)));
        }
        assert_ok(store_commit(txn));
    }
    assert_deleted("/c", erase("/c", WITH(.flags = STORE_RECURSIVE)));
    reopen_store(NULL);
    assert_missing("/c/7");
    assert_names("", "/", NULL);
}

Test(delete, a_dry_run_changes_nothing)
{
    assert_created("/c/a", put("/c/a", "1", WITH(.flags = STORE_PARENTS)));
    assert_unchanged(erase("/c/a", WITH(.flags = STORE_DRY_RUN)));
    cr_assert_eq(answered.one.outcome, STORE_DELETED);
    assert_unchanged(erase("/c", WITH(.flags = STORE_DRY_RUN | STORE_RECURSIVE)));
    assert_refused(STORE_NOT_EMPTY, erase("/c", WITH(.flags = STORE_DRY_RUN)));
}

Test(delete, a_flag_of_other_verbs_is_a_bad_argument, .description = "O43")
{
    assert_created("/a", put("/a", "1", NULL));
    assert_refused(STORE_BAD_ARGUMENT, erase("/a", WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_BAD_ARGUMENT, erase("/a", WITH(.flags = STORE_INSERT)));
}
