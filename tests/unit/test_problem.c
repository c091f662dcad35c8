/* test_problem.c - the last error of a thread, the table of codes, problem JSON. */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "problem.h"

/* SPEC 5, copied by hand: a slip in the library's table shows here. */
static const struct {
    const char *name;
    int code, os_error, http;
} spec[] = {
    { "bad_location", STORE_BAD_LOCATION, EINVAL, 400 },
    { "bad_argument", STORE_BAD_ARGUMENT, EINVAL, 400 },
    { "bad_body", STORE_BAD_BODY, EINVAL, 400 },
    { "invalid_value", STORE_INVALID_VALUE, EINVAL, 422 },
    { "key_mismatch", STORE_KEY_MISMATCH, EINVAL, 409 },
    { "key_conflict", STORE_KEY_CONFLICT, EEXIST, 409 },
    { "key_required", STORE_KEY_REQUIRED, EISDIR, 409 },
    { "property_target", STORE_PROPERTY_TARGET, EPERM, 405 },
    { "not_found", STORE_NOT_FOUND, ENOENT, 404 },
    { "no_collection", STORE_NO_COLLECTION, ENOENT, 409 },
    { "kind_conflict", STORE_KIND_CONFLICT, EISDIR, 409 },
    { "not_empty", STORE_NOT_EMPTY, ENOTEMPTY, 409 },
    { "precondition_failed", STORE_PRECONDITION_FAILED, ESTALE, 412 },
    { "precondition_required", STORE_PRECONDITION_REQUIRED, EPERM, 428 },
    { "unsupported_media_type", STORE_UNSUPPORTED_MEDIA_TYPE, EINVAL, 415 },
    { "too_large", STORE_TOO_LARGE, EFBIG, 413 },
    { "full", STORE_FULL, ENOSPC, 507 },
    { "read_only", STORE_READ_ONLY, EROFS, 403 },
    { "denied", STORE_DENIED, EACCES, 403 },
    { "busy", STORE_BUSY, EAGAIN, 503 },
    { "corrupt", STORE_CORRUPT, EIO, 500 },
    { "io", STORE_IO, EIO, 500 },
    { "no_memory", STORE_NO_MEMORY, ENOMEM, 500 },
    { "unsupported_format", STORE_UNSUPPORTED_FORMAT, EPROTO, 500 },
};

static json_t *json_of_problem(void)
{
    json_error_t error;
    json_t *value = json_loads(store_problem_json(), 0, &error);

    cr_assert_not_null(value, "problem JSON does not parse: %s at %d", error.text, error.position);
    return value;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "(absent)" : text;
}

Test(problem, every_code_has_the_name_errno_and_status_of_the_specification)
{
    for (size_t i = 0; i < sizeof spec / sizeof spec[0]; i++) {
        cr_expect_str_eq(store_code_name(spec[i].code), spec[i].name);
        cr_expect_eq(store_code_from_name(spec[i].name), spec[i].code, "%s", spec[i].name);
        cr_expect_eq(store_code_errno(spec[i].code, 0), spec[i].os_error, "%s", spec[i].name);
        cr_expect_eq(store_code_http(spec[i].code, 0), spec[i].http, "%s", spec[i].name);
        cr_expect_gt(strlen(store_code_title(spec[i].code)), 0);
    }
    cr_expect_eq(sizeof spec / sizeof spec[0], -STORE_UNSUPPORTED_FORMAT);
}

Test(problem, a_code_with_two_errnos_follows_the_problem)
{
    cr_expect_eq(store_code_errno(STORE_BAD_LOCATION, ENAMETOOLONG), ENAMETOOLONG);
    cr_expect_eq(store_code_http(STORE_BAD_LOCATION, ENAMETOOLONG), 414);
    cr_expect_eq(store_code_errno(STORE_KIND_CONFLICT, ENOTDIR), ENOTDIR);
    cr_expect_eq(store_code_http(STORE_KIND_CONFLICT, ENOTDIR), 409);
    cr_expect_eq(store_code_errno(STORE_IO, ENODEV), EIO);
}

Test(problem, an_unknown_code_is_io_and_an_unknown_name_is_none)
{
    cr_expect_str_eq(store_code_name(-1000), "io");
    cr_expect_str_eq(store_code_name(-25), "io");
    cr_expect_str_eq(store_code_name(77), "io");
    cr_expect_eq(store_code_errno(-1000, 0), EIO);
    cr_expect_eq(store_code_from_name("nonsense"), STORE_OK);
    cr_expect_eq(store_code_from_name(NULL), STORE_OK);
}

Test(problem, a_version_is_sixteen_lower_case_digits_both_ways)
{
    static const char *const wrong[] = {
        "", "1", "00000000000000A1", "000000000000000g", "00000000000000a1 ", "0x000000000000a1",
        "000000000000000a1",
    };
    char text[17];
    uint64_t version = 7;

    cr_expect_str_eq(store_version_text(text, 0xa1), "00000000000000a1");
    cr_expect(store_version_parse(&version, text) && version == 0xa1);
    cr_expect_str_eq(store_version_text(text, UINT64_MAX), "ffffffffffffffff");
    cr_expect(store_version_parse(&version, text) && version == UINT64_MAX);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect(!store_version_parse(&version, wrong[i]) && version == 0, "%s", wrong[i]);
}

Test(problem, outcomes_and_kinds_have_names)
{
    static const char *const outcomes[] = { "nothing", "created", "updated", "deleted", "moved", "gap" };
    static const char *const kinds[] = { "collection", "object", "link", "property" };

    for (int i = STORE_NOTHING; i <= STORE_GAP; i++)
        cr_expect_str_eq(store_outcome_name((store_outcome)i), outcomes[i]);
    for (int i = STORE_COLLECTION; i <= STORE_PROPERTY; i++)
        cr_expect_str_eq(store_kind_name((store_kind)i), kinds[i - 1]);
}

Test(problem, the_two_answers_that_are_no_errors_have_names_too)
{
    cr_expect_str_eq(store_code_name(STORE_END), "end");
    cr_expect_str_eq(store_code_name(STORE_TIMEOUT), "timeout");
    cr_expect_eq(store_code_errno(STORE_END, 0), 0);
    cr_expect_eq(store_code_http(STORE_TIMEOUT, 0), 200);
}

Test(problem, there_is_none_before_the_first_error_and_after_a_reset)
{
    cr_expect_eq(store_problem_last()->code, STORE_OK);
    json_decref(json_of_problem());
    problem(STORE_NOT_FOUND, "nothing at %s", "/x");
    problem_violation("/a", "odd");
    problem_reset();
    cr_expect_eq(store_problem_last()->code, STORE_OK);
    cr_expect_eq(problem_violation_count(), 0);
    json_t *value = json_of_problem();
    cr_expect_eq(json_integer_value(json_object_get(value, "status")), 200);
    json_decref(value);
}

Test(problem, every_part_is_kept_and_shown_as_json)
{
    int code = problem(STORE_KEY_CONFLICT, "\"%s\" is taken", "AUT");
    problem_location("/countries/AU");
    problem_location("/somewhere/else");
    problem_conflict("alpha_3", "AUT", "/countries/AT");
    problem_version(0xa1);

    const store_problem *last = store_problem_last();
    cr_assert_eq(code, STORE_KEY_CONFLICT);
    cr_expect_eq(last->code, STORE_KEY_CONFLICT);
    cr_expect_str_eq(last->detail, "\"AUT\" is taken");
    cr_expect_str_eq(last->location, "/countries/AU");
    cr_expect_str_eq(last->key, "alpha_3");
    cr_expect_str_eq(last->value, "AUT");
    cr_expect_str_eq(last->conflicts_with, "/countries/AT");
    cr_expect_eq(last->version, 0xa1);
    cr_expect_str_eq(store_problem_json(),
        "{\"type\":\"urn:libstore:problem:key_conflict\",\"title\":\"Key is taken\",\"status\":409,"
        "\"detail\":\"\\\"AUT\\\" is taken\",\"code\":\"key_conflict\",\"location\":\"/countries/AU\","
        "\"key\":\"alpha_3\",\"value\":\"AUT\",\"conflicts_with\":\"/countries/AT\","
        "\"version\":\"00000000000000a1\"}");
}

Test(problem, json_follows_what_is_added_later)
{
    problem(STORE_PRECONDITION_FAILED, "changed");
    json_decref(json_of_problem());
    problem_version(5);
    json_t *value = json_of_problem();
    cr_expect_str_eq(member(value, "version"), "0000000000000005");
    json_decref(value);
}

Test(problem, a_new_error_drops_what_the_one_before_left)
{
    problem_violations_clear();
    problem_violation("/a", "is no integer");
    problem_os(STORE_INVALID_VALUE, 0, "one fault");
    problem_location("/a");
    problem_conflict("k", "v", "/w");
    problem_version(9);
    problem(STORE_NOT_FOUND, "after: %s", store_problem_last()->detail);

    const store_problem *last = store_problem_last();
    cr_expect_str_eq(last->detail, "after: one fault");
    cr_expect_null(last->location);
    cr_expect_null(last->key);
    cr_expect_null(last->conflicts_with);
    cr_expect_eq(last->version, 0);
    cr_expect_eq(last->violation_count, 0);
}

Test(problem, violations_found_before_the_error_are_kept)
{
    problem(STORE_NOT_FOUND, "an older error");
    problem_violations_clear();
    problem_violation("/a", "is no %s", "integer");
    problem_violation("/b~1c/0", "is too long");
    cr_expect_eq(problem_violation_count(), 2);
    problem(STORE_INVALID_VALUE, "2 faults");

    json_t *value = json_of_problem();
    json_t *errors = json_object_get(value, "errors");
    cr_assert_eq(json_array_size(errors), 2);
    cr_expect_str_eq(member(json_array_get(errors, 0), "detail"), "is no integer");
    cr_expect_str_eq(member(json_array_get(errors, 1), "pointer"), "/b~1c/0");
    cr_expect_null(json_object_get(value, "errors_dropped"));
    json_decref(value);
}

Test(problem, more_violations_than_fit_are_counted)
{
    problem_violations_clear();
    for (int i = 0; i < 1000; i++)
        problem_violation("/a", "fault %d", i);
    problem(STORE_INVALID_VALUE, "many");

    const store_problem *last = store_problem_last();
    cr_expect_eq(last->violation_count, 256);
    cr_expect_eq(last->violations_dropped, 744);
    cr_expect_eq(problem_violation_count(), 1000);
    json_t *value = json_of_problem();
    cr_expect_eq(json_integer_value(json_object_get(value, "errors_dropped")), 744);
    json_decref(value);
}

Test(problem, text_of_any_length_is_cut_at_a_character)
{
    char text[20001];

    for (size_t i = 0; i + 3 <= 20000; i += 2)
        memcpy(text + i, "\xC3\xA9", 3);
    problem(STORE_INVALID_VALUE, "x%s", text);
    problem_location(text);
    json_t *value = json_of_problem();
    cr_expect_eq(strlen(member(value, "detail")), 1023, "%zu", strlen(member(value, "detail")));
    cr_expect_null(strstr(member(value, "detail"), "\xEF\xBF\xBD"));
    cr_expect_null(strstr(member(value, "location"), "\xEF\xBF\xBD"));
    json_decref(value);
}

Test(problem, json_is_whole_even_when_every_text_is_hostile)
{
    char text[20001];

    memset(text, 1, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    problem_violations_clear();
    for (int i = 0; i < 300; i++)
        problem_violation(text, "%s", text);
    problem(STORE_INVALID_VALUE, "%s", text);
    problem_location(text);
    problem_conflict(text, text, text);
    problem_version(UINT64_MAX);

    json_t *value = json_of_problem();
    size_t shown = json_array_size(json_object_get(value, "errors"));
    cr_expect_gt(shown, 0);
    cr_expect_eq((json_int_t)shown + json_integer_value(json_object_get(value, "errors_dropped")), 300);
    cr_expect_eq(strlen(member(value, "conflicts_with")), 4096);
    json_decref(value);
}

Test(problem, bytes_that_are_no_utf8_become_replacement_characters)
{
    problem(STORE_BAD_LOCATION, "a\xFFz \xC3");
    problem_location("/\xED\xA0\x80");
    json_t *value = json_of_problem();
    cr_expect_str_eq(member(value, "detail"), "a\xEF\xBF\xBDz \xEF\xBF\xBD");
    cr_expect_str_eq(member(value, "location"), "/\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    json_decref(value);
}

static void *fail_elsewhere(void *unused)
{
    (void)unused;
    problem(STORE_BUSY, "of another thread");
    return NULL;
}

Test(problem, each_thread_has_its_own)
{
    pthread_t thread;

    problem(STORE_NOT_FOUND, "mine");
    cr_assert_eq(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    cr_expect_str_eq(store_problem_last()->detail, "mine");
}

static void *fail_for(void *asker)
{
    problem(STORE_BUSY, "the leader's own");
    struct problem *before = problem_redirect(asker);
    problem_reset();
    problem(STORE_KEY_CONFLICT, "the asker's");
    problem_redirect(before);
    return (void *)(store_problem_last()->code == STORE_BUSY ? "kept" : NULL);
}

Test(problem, an_error_met_on_behalf_of_another_thread_is_the_other_threads)
{
    pthread_t thread;
    void *kept = NULL;
    struct problem *mine = problem_of_thread();

    cr_assert_not_null(mine);
    cr_assert_eq(pthread_create(&thread, NULL, fail_for, mine), 0);
    pthread_join(thread, &kept);
    cr_expect_not_null(kept);
    cr_expect_str_eq(store_problem_last()->detail, "the asker's");
}
