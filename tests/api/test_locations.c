/* test_locations.c - locations and key text as a caller of the library meets them (SPEC 2). */
#include "api_test.h"

#include <errno.h>
#include <stdio.h>

TestSuite(locations, .init = begin_api_test, .fini = end_api_test);

/* A name of `size` times the letter n, after `head`. Borrowed until the next. */
static const char *long_name(const char *head, size_t size)
{
    static char text[STORE_LOCATION_MAX + 64];
    size_t at = strlen(head);

    memcpy(text, head, at);
    memset(text + at, 'n', size);
    text[at + size] = '\0';
    return text;
}

Test(locations, what_is_no_location_is_refused_by_every_verb, .description = "O9")
{
    static const char *const bad[] = { "", "a", "a/b", "//", "/a//b", "//a", "/a//", "/.", "/..", "/a/./b",
                                       "/a/../b",
                                       "/a/..", "/\xff", "/\xc0\xaf", "/a\xed\xa0\x80", "/\xf4\x90\x80\x80" };
    store_stat stat;
    void *body;
    size_t size;

    assert_created("/a", put("/a", "1", NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_refused(STORE_BAD_LOCATION, put(bad[i], "1", WITH(.flags = STORE_PARENTS)));
        assert_refused(STORE_BAD_LOCATION, patch(bad[i], "{}", NULL));
        assert_refused(STORE_BAD_LOCATION, post(bad[i], "{}", NULL));
        assert_refused(STORE_BAD_LOCATION, erase(bad[i], NULL));
        assert_refused(STORE_BAD_LOCATION, relocate("/a", bad[i], NULL));
        assert_refused(STORE_BAD_LOCATION, duplicate(bad[i], "/b", NULL));
        assert_refused(STORE_BAD_LOCATION, make_collection(bad[i], NULL));
        assert_refused(STORE_BAD_LOCATION, define(bad[i], PEOPLE));
        assert_refused(STORE_BAD_LOCATION, store_stat_get(&stat, test_store(), bad[i], NULL));
        assert_refused(STORE_BAD_LOCATION, store_get(&body, &size, NULL, test_store(), bad[i], NULL));
    }
}

Test(locations, a_null_location_is_refused)
{
    store_stat stat;

    assert_refused(STORE_BAD_LOCATION, store_put(NULL, test_store(), NULL, "1", 1, NULL));
    assert_refused(STORE_BAD_LOCATION, store_stat_get(&stat, test_store(), NULL, NULL));
}

Test(locations, names_of_255_bytes_are_names_and_longer_ones_are_too_long)
{
    assert_ok(put(long_name("/", 255), "1", NULL));
    assert_body(long_name("/", 255), "1");
    assert_code(STORE_BAD_LOCATION, put(long_name("/", 256), "1", NULL));
    cr_assert_eq(store_code_errno(STORE_BAD_LOCATION, store_problem_last()->os_error), ENAMETOOLONG);
    cr_assert_eq(store_code_http(STORE_BAD_LOCATION, store_problem_last()->os_error), 414);
    assert_code(STORE_BAD_LOCATION, put("/a//b", "1", NULL));
    cr_assert_eq(store_code_http(STORE_BAD_LOCATION, store_problem_last()->os_error), 400);
}

Test(locations, of_4096_bytes_are_locations_and_longer_ones_are_too_long)
{
    char location[STORE_LOCATION_MAX + 8] = "";
    size_t size = 0;

    while (size < STORE_LOCATION_MAX) {
        memset(location + size, 'd', 128);
        location[size] = '/';
        size += 128;
    }
    cr_assert_eq(strlen(location), STORE_LOCATION_MAX);
    assert_ok(put(location, "1", WITH(.flags = STORE_PARENTS)));
    cr_assert_str_eq(answered.one.location, location);
    assert_body(location, "1");
    strcat(location, "d");
    assert_code(STORE_BAD_LOCATION, put(location, "1", WITH(.flags = STORE_PARENTS)));
    cr_assert_eq(store_code_errno(STORE_BAD_LOCATION, store_problem_last()->os_error), ENAMETOOLONG);
}

Test(locations, names_are_any_other_utf_8)
{
    static const char *const names[] = { "/...", "/.a", "/a b", "/a%2Fb", "/*", "/\"q\"", "/\\", "/\xc3\xa4",
                                         "/a\xcc\x88",
                                         "/\xf0\x9f\x90\x98", "/\x01\x7f", "/a|b", "/~", "/-" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_created(names[i], put(names[i], names[i], NULL));
        assert_body(names[i], names[i]);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_body(names[i], names[i]);
}

Test(locations, a_trailing_slash_insists_on_a_collection)
{
    store_stat stat;

    assert_created("/a", put("/a", "1", NULL));
    assert_ok(make_collection("/c/", NULL));
    cr_assert_str_eq(answered.one.location, "/c");
    assert_ok(store_stat_get(&stat, test_store(), "/c/", NULL));
    cr_assert_eq(stat.kind, STORE_COLLECTION);
    assert_code(STORE_KIND_CONFLICT, store_stat_get(&stat, test_store(), "/a/", NULL));
    cr_assert_eq(store_code_errno(STORE_KIND_CONFLICT, store_problem_last()->os_error), ENOTDIR);
    assert_refused(STORE_KIND_CONFLICT, put("/a/", "2", NULL));
    assert_refused(STORE_NO_COLLECTION, put("/new/", "2", NULL));
}

Test(locations, a_name_is_an_object_or_a_collection_never_both)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_ok(make_collection("/c", NULL));
    assert_refused(STORE_KEY_CONFLICT, make_collection("/a", NULL));
    assert_refused(STORE_KEY_CONFLICT, make_collection("/c", NULL));
    assert_refused(STORE_KIND_CONFLICT, put("/c", "1", NULL));
    assert_refused(STORE_KIND_CONFLICT, define("/a", PEOPLE));
    assert_unchanged(make_collection("/c", WITH(.flags = STORE_PARENTS)));
    cr_assert_eq(answered.one.outcome, STORE_NOTHING);
}

Test(locations, the_root_is_a_plain_collection)
{
    store_stat root = stat_of("/");
    void *body;
    size_t size;

    cr_assert_eq(root.kind, STORE_COLLECTION);
    cr_assert_not(root.typed);
    assert_refused(STORE_KIND_CONFLICT, store_get(&body, &size, NULL, test_store(), "/", NULL));
}

/* ---------------------------------------------------------------- key text */

Test(locations, integer_keys_have_one_spelling, .description = "O7")
{
    static const char *const bad[] = { "007", "+7", "-0", "7.0", "1e3", " 7", "7 ", "x", "9223372036854775808",
                                       "-9223372036854775809" };
    static const char *const good[] = { "0", "7", "-7", "9223372036854775807", "-9223372036854775808" };
    char location[64];
    store_stat stat;

    assert_ok(define("/n", "{'key':['id'],'schema':{'properties':{'id':{'type':'integer'}}}}"));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(location, sizeof location, "/n/%s", good[i]);
        assert_created(location, put(location, "{}", NULL));
        strcat(location, "/id");
        assert_json(location, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(location, sizeof location, "/n/%s", bad[i]);
        assert_refused(STORE_BAD_LOCATION, put(location, "{}", WITH(.flags = STORE_REPLACE)));
        assert_refused(STORE_NOT_FOUND, store_stat_get(&stat, test_store(), location, NULL));
        assert_refused(STORE_NOT_FOUND, erase(location, NULL));
        assert_refused(STORE_NOT_FOUND, patch(location, "{}", NULL));
    }
}

static const struct {
    const char *text, *json;
} strings[] = {
    { "plain", "'plain'" },        { "a%2Fb", "'a/b'" },       { "%2E", "'.'" },   { "%2E.", "'..'" },
    { "%2Ehidden", "'.hidden'" },  { "a.b", "'a.b'" },         { "%25", "'%'" },   { "a%7Cb", "'a|b'" },
    { "nul%00nul", "'nul\\u0000nul'" }, { "007", "'007'" },    { "\xc3\xa4", "'\xc3\xa4'" },
    { " ", "' '" },                { "%2541", "'%41'" },
};

Test(locations, string_keys_and_key_text_are_a_bijection)
{
    char location[64], body[64];

    assert_ok(define("/s", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'}}}}"));
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        snprintf(location, sizeof location, "/s/%s", strings[i].text);
        assert_created(location, put(location, "{}", NULL));
        snprintf(body, sizeof body, "{'k':%s}", strings[i].json);
        assert_json(location, body);
        assert_outcome(STORE_UPDATED, location, post("/s", J(body), NULL));
    }
}

Test(locations, a_string_key_in_another_spelling_is_no_key)
{
    static const char *const bad[] = { "%41", "%2e", "%2f", "%", "%2", "%zz", ".hidden", "a|b", "a%2Eb", "...",
                                       "%20" };
    char location[64];
    store_stat stat;

    assert_ok(define("/s", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'}}}}"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(location, sizeof location, "/s/%s", bad[i]);
        assert_refused(STORE_BAD_LOCATION, put(location, "{}", NULL));
        assert_refused(STORE_NOT_FOUND, store_stat_get(&stat, test_store(), location, NULL));
    }
}

Test(locations, boolean_keys_are_true_and_false)
{
    assert_ok(define("/b", "{'key':['on'],'schema':{'properties':{'on':{'type':'boolean'}}}}"));
    assert_created("/b/true", put("/b/true", "{}", NULL));
    assert_created("/b/false", post("/b", J("{'on':false}"), NULL));
    assert_json("/b/true", "{'on':true}");
    assert_refused(STORE_BAD_LOCATION, put("/b/True", "{}", NULL));
    assert_refused(STORE_BAD_LOCATION, put("/b/1", "{}", NULL));
}

Test(locations, a_compound_key_joins_its_components, .description = "O7")
{
    assert_ok(define("/c", "{'key':['s','n','b'],'schema':{'properties':{'s':{'type':'string'},"
                           "'n':{'type':'integer'},'b':{'type':'boolean'}}}}"));
    assert_created("/c/a%7Cb|-3|true", put("/c/a%7Cb|-3|true", "{}", NULL));
    assert_json("/c/a%7Cb|-3|true", "{'s':'a|b','n':-3,'b':true}");
    assert_created("/c/|0|false", post("/c", J("{'s':'','n':0,'b':false}"), NULL));
    assert_json("/c/|0|false/s", "''");
    assert_refused(STORE_BAD_LOCATION, put("/c/a|3", "{}", NULL));
    assert_refused(STORE_BAD_LOCATION, put("/c/a|3|true|x", "{}", NULL));
    assert_refused(STORE_BAD_LOCATION, put("/c/a|03|true", "{}", NULL));
    assert_refused(STORE_KEY_MISMATCH, put("/c/a|3|true", J("{'n':4}"), NULL));
}

Test(locations, a_key_whose_text_is_no_name_is_an_invalid_value)
{
    char body[5000];

    assert_ok(define("/s", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'}}}}"));
    assert_refused(STORE_INVALID_VALUE, post("/s", J("{'k':''}"), NULL));
    snprintf(body, sizeof body, "{\"k\":\"%s\"}", long_name("", 256));
    assert_refused(STORE_INVALID_VALUE, post("/s", body, NULL));
    assert_refused(STORE_INVALID_VALUE, post("/s", J("{'k':7}"), NULL));
    snprintf(body, sizeof body, "{\"k\":\"%s\"}", long_name("", 255));
    assert_ok(post("/s", body, NULL));
}

Test(locations, the_library_finds_the_location_of_a_body)
{
    char *location = NULL;
    const char *body = J("{'s':'a/b','n':5}");

    assert_ok(define("/c", "{'key':['s','n'],'schema':{'properties':{'s':{'type':'string'},"
                           "'n':{'type':'integer'}}}}"));
    assert_ok(store_locate(&location, test_store(), "/c", body, strlen(body), NULL));
    cr_assert_str_eq(location, "/c/a%2Fb|5");
    store_free(location);
    assert_refused(STORE_KEY_REQUIRED, store_locate(&location, test_store(), "/c", "{}", 2, NULL));
    cr_assert_null(location);
    assert_refused(STORE_BAD_BODY, store_locate(&location, test_store(), "/c", "[", 1, NULL));
}
