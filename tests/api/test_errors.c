/* test_errors.c - every code a caller can provoke, with its complete problem JSON (SPEC 5). */
#include "api_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(errors, .init = begin_api_test, .fini = end_api_test);

/* SPEC 5, the table itself. */
static const struct {
    int code;
    const char *name;
    int os_error, http;
} table[] = {
    { STORE_BAD_LOCATION, "bad_location", EINVAL, 400 },
    { STORE_BAD_ARGUMENT, "bad_argument", EINVAL, 400 },
    { STORE_BAD_BODY, "bad_body", EINVAL, 400 },
    { STORE_INVALID_VALUE, "invalid_value", EINVAL, 422 },
    { STORE_KEY_MISMATCH, "key_mismatch", EINVAL, 409 },
    { STORE_KEY_CONFLICT, "key_conflict", EEXIST, 409 },
    { STORE_KEY_REQUIRED, "key_required", EISDIR, 409 },
    { STORE_PROPERTY_TARGET, "property_target", EPERM, 405 },
    { STORE_NOT_FOUND, "not_found", ENOENT, 404 },
    { STORE_NO_COLLECTION, "no_collection", ENOENT, 409 },
    { STORE_KIND_CONFLICT, "kind_conflict", EISDIR, 409 },
    { STORE_NOT_EMPTY, "not_empty", ENOTEMPTY, 409 },
    { STORE_PRECONDITION_FAILED, "precondition_failed", ESTALE, 412 },
    { STORE_PRECONDITION_REQUIRED, "precondition_required", EPERM, 428 },
    { STORE_UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", EINVAL, 415 },
    { STORE_TOO_LARGE, "too_large", EFBIG, 413 },
    { STORE_FULL, "full", ENOSPC, 507 },
    { STORE_READ_ONLY, "read_only", EROFS, 403 },
    { STORE_DENIED, "denied", EACCES, 403 },
    { STORE_BUSY, "busy", EAGAIN, 503 },
    { STORE_CORRUPT, "corrupt", EIO, 500 },
    { STORE_IO, "io", EIO, 500 },
    { STORE_NO_MEMORY, "no_memory", ENOMEM, 500 },
    { STORE_UNSUPPORTED_FORMAT, "unsupported_format", EPROTO, 500 },
};

Test(errors, codes_have_the_names_errnos_and_statuses_of_the_contract)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        cr_assert_str_eq(store_code_name(table[i].code), table[i].name);
        cr_assert_eq(store_code_from_name(table[i].name), table[i].code);
        cr_assert_eq(store_code_errno(table[i].code, 0), table[i].os_error, "%s", table[i].name);
        cr_assert_eq(store_code_http(table[i].code, 0), table[i].http, "%s", table[i].name);
        cr_assert(store_code_title(table[i].code)[0]);
    }
    cr_assert_eq(store_code_errno(STORE_BAD_LOCATION, ENAMETOOLONG), ENAMETOOLONG);
    cr_assert_eq(store_code_http(STORE_BAD_LOCATION, ENAMETOOLONG), 414);
    cr_assert_eq(store_code_errno(STORE_KIND_CONFLICT, ENOTDIR), ENOTDIR);
    cr_assert_eq(store_code_from_name("ok"), STORE_OK);
    cr_assert_eq(store_code_from_name("huh"), STORE_OK);
}

/* Refused, and the problem is about this location. */
#define assert_refused_at(code, where, call)                                                    \
    do {                                                                                       \
        assert_refused(code, call);                                                            \
        cr_assert_str_eq(refusal_text("location"), (where));                                   \
    } while (0)

Test(errors, name_the_location_of_the_request)
{
    store_stat stat;
    void *body;
    size_t size;

    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", "{}", NULL));
    assert_created("/c/a", put("/c/a", "1", WITH(.flags = STORE_PARENTS)));
    assert_refused_at(STORE_BAD_LOCATION, "/a//b", put("/a//b", "1", NULL));
    assert_refused_at(STORE_BAD_BODY, "/people/bob", put("/people/bob", "", NULL));
    assert_refused_at(STORE_INVALID_VALUE, "/people/bob", put("/people/bob", J("{'age':'x'}"), NULL));
    assert_refused_at(STORE_KEY_MISMATCH, "/people/bob", put("/people/bob", J("{'name':'x'}"), NULL));
    assert_refused_at(STORE_KEY_CONFLICT, "/people/ada", put("/people/ada", "{}", NULL));
    assert_refused_at(STORE_KEY_REQUIRED, "/people", put("/people", "{}", NULL));
    assert_refused_at(STORE_PROPERTY_TARGET, "/people/ada/age", put("/people/ada/age", "1", NULL));
    assert_refused_at(STORE_NOT_FOUND, "/none", store_stat_get(&stat, test_store(), "/none", NULL));
    assert_refused_at(STORE_NOT_FOUND, "/x/y", store_get(&body, &size, NULL, test_store(), "/x/y", NULL));
    assert_refused_at(STORE_NOT_FOUND, "/people/ada/huh",
                      store_get(&body, &size, NULL, test_store(), "/people/ada/huh", NULL));
    assert_refused_at(STORE_NO_COLLECTION, "/x/y", put("/x/y", "1", NULL));
    assert_refused_at(STORE_KIND_CONFLICT, "/c", put("/c", "1", NULL));
    assert_refused_at(STORE_KIND_CONFLICT, "/c/a/b", put("/c/a/b", "1", NULL));
    assert_refused_at(STORE_NOT_EMPTY, "/c", erase("/c", NULL));
    assert_refused_at(STORE_PRECONDITION_FAILED, "/c/a", put("/c/a", "1", WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    assert_refused_at(STORE_UNSUPPORTED_MEDIA_TYPE, "/c/a", patch("/c/a", "{}", NULL));
}

Test(errors, key_conflict_names_key_value_and_holder)
{
    assert_ok(define("/c", "{'key':['a','b'],'unique':[['n']],'schema':{'properties':{'a':{'type':'string'},"
                           "'b':{'type':'integer'},'n':{'type':'integer'}}}}"));
    assert_created("/c/x|1", put("/c/x|1", J("{'n':-5}"), NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/c/x|1", "{}", NULL));
    cr_assert_str_eq(refusal_text("key"), "a,b");
    cr_assert_str_eq(refusal_text("value"), "x|1");
    cr_assert_str_eq(refusal_text("conflicts_with"), "/c/x|1");
    cr_assert_str_eq(refusal_text("location"), "/c/x|1");
    assert_refused(STORE_KEY_CONFLICT, put("/c/y|1", J("{'n':-5}"), NULL));
    cr_assert_str_eq(refusal_text("key"), "n");
    cr_assert_str_eq(refusal_text("value"), "-5");
    cr_assert_str_eq(refusal_text("conflicts_with"), "/c/x|1");
    cr_assert_str_eq(refusal_text("location"), "/c/y|1");
}

Test(errors, invalid_value_names_every_violation_at_once)
{
    const store_problem *problem;

    assert_ok(define("/people", PEOPLE));
    assert_refused(STORE_INVALID_VALUE,
                   put("/people/bob", J("{'age':-1,'rate':'x','tags':['a',2,'c','d'],'home':[],'a/b~':1,"
                                        "'gone':0}"), NULL));
    cr_assert(refusal_points_to("/age"));
    cr_assert(refusal_points_to("/rate"));
    cr_assert(refusal_points_to("/tags"));
    cr_assert(refusal_points_to("/tags/1"));
    cr_assert(refusal_points_to("/home"));
    cr_assert(refusal_points_to("/a~1b~0"));
    cr_assert(refusal_points_to("/gone"));
    cr_assert_eq(refusal_errors(), 7);
    assert_code(STORE_INVALID_VALUE, put("/people/bob", J("{'age':-1,'rate':'x'}"), NULL));
    problem = store_problem_last();
    cr_assert_eq(problem->violation_count, 2);
    cr_assert_eq(problem->violations_dropped, 0);
}

Test(errors, thousands_of_violations_are_cut_and_counted)
{
    char *body = malloc(100000), *at = body;

    assert_ok(define("/a", "{'key':['k'],'schema':{'properties':{'k':{'type':'string'},'l':{'type':'array',"
                           "'items':{'type':'string'}}}}}"));
    at += sprintf(at, "{\"l\":[0");
    for (int i = 1; i < 5000; i++)
        at += sprintf(at, ",%d", i);
    sprintf(at, "]}");
    assert_refused(STORE_INVALID_VALUE, put("/a/x", body, NULL));
    cr_assert_geq(refusal_errors(), 10);
    cr_assert(json_is_object(refused));
    assert_code(STORE_INVALID_VALUE, put("/a/x", body, NULL));
    cr_assert_geq(store_problem_last()->violation_count + store_problem_last()->violations_dropped, 1000);
    free(body);
}

Test(errors, precondition_failed_tells_the_current_version)
{
    char text[17];

    assert_created("/a", put("/a", "1", NULL));
    store_version_text(text, answered.one.version);
    assert_refused(STORE_PRECONDITION_FAILED, put("/a", "2", WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    cr_assert_str_eq(refusal_text("version"), text);
    assert_refused(STORE_PRECONDITION_FAILED, put("/b", "2", WITH(.flags = STORE_IF_MATCH_ANY)));
    cr_assert_null(json_object_get(refused, "version"), "there is none");
}

Test(errors, are_forgotten_by_the_next_success)
{
    assert_code(STORE_NOT_FOUND, erase("/a", NULL));
    cr_assert_eq(store_problem_last()->code, STORE_NOT_FOUND);
    assert_ok(put("/a", "1", NULL));
    cr_assert_eq(store_problem_last()->code, STORE_OK);
    cr_assert_null(store_problem_last()->detail);
}

Test(errors, hostile_text_in_a_location_is_escaped_in_the_json)
{
    const char *location = "/\"q\\\x01\n\xc3\xa4";

    assert_refused_at(STORE_NOT_FOUND, location, erase(location, NULL));
    assert_refused(STORE_BAD_LOCATION, erase("/\xff\xfe", NULL));
}

Test(errors, kind_conflict_has_the_errno_of_its_direction)
{
    assert_ok(make_collection("/c", NULL));
    assert_created("/a", put("/a", "1", NULL));
    assert_code(STORE_KIND_CONFLICT, put("/c", "1", NULL));
    cr_assert_eq(store_code_errno(STORE_KIND_CONFLICT, store_problem_last()->os_error), EISDIR);
    assert_code(STORE_KIND_CONFLICT, put("/a/b", "1", NULL));
    cr_assert_eq(store_code_errno(STORE_KIND_CONFLICT, store_problem_last()->os_error), ENOTDIR);
}

/* ---------------------------------------------------------- the store itself */

Test(errors, a_store_open_for_reading_is_read_only)
{
    store_options options = STORE_OPTIONS_INIT;
    store_writer *writer;
    store_txn *txn;

    assert_created("/a", put("/a", "1", NULL));
    assert_ok(define("/people", PEOPLE));
    options.flags = STORE_OPEN_READ_ONLY;
    reopen_store(&options);
    assert_body("/a", "1");
    assert_refused(STORE_READ_ONLY, put("/a", "2", NULL));
    assert_refused(STORE_READ_ONLY, patch("/people/x", "{}", WITH(.flags = STORE_INSERT)));
    assert_refused(STORE_READ_ONLY, post("/people", J("{'name':'x'}"), NULL));
    assert_refused(STORE_READ_ONLY, erase("/a", NULL));
    assert_refused(STORE_READ_ONLY, relocate("/a", "/b", NULL));
    assert_refused(STORE_READ_ONLY, duplicate("/a", "/b", NULL));
    assert_refused(STORE_READ_ONLY, make_collection("/c", NULL));
    assert_refused(STORE_READ_ONLY, define("/people", PEOPLE));
    assert_refused(STORE_READ_ONLY, store_patch_range(NULL, test_store(), "/a", 0, "x", 1, NULL));
    assert_refused(STORE_READ_ONLY, store_set(NULL, test_store(), "/a", WITH(.type = "text/x")));
    assert_refused(STORE_READ_ONLY, store_meta_set(NULL, test_store(), "/a", "m", "1", 1, NULL));
    assert_refused(STORE_READ_ONLY, store_writer_open(&writer, test_store(), "/b", NULL));
    assert_refused(STORE_READ_ONLY, store_begin(&txn, test_store(), false));
}

Test(errors, opening_tells_what_is_wrong)
{
    store_options create = STORE_OPTIONS_INIT;
    store *s = NULL;
    FILE *file;

    create.flags = STORE_OPEN_CREATE;
    assert_code(STORE_NOT_FOUND, store_open(&s, test_path("none"), NULL));
    cr_assert_null(s);
    cr_assert_eq(mkdir(test_path("other"), 0777), 0);
    assert_code(STORE_NOT_FOUND, store_open(&s, test_path("other"), NULL));
    file = fopen(test_path("other/something"), "w");
    cr_assert_not_null(file);
    fclose(file);
    assert_code(STORE_KIND_CONFLICT, store_open(&s, test_path("other"), &create));
    assert_code(STORE_KIND_CONFLICT, store_open(&s, test_path("other/something"), &create));
    assert_code(STORE_NOT_FOUND, store_open(&s, test_path("no/such/parent"), &create));
    cr_assert_null(s);
}

Test(errors, an_exclusively_opened_store_is_busy)
{
    store_options options = STORE_OPTIONS_INIT;
    store *again = NULL;

    options.flags = STORE_OPEN_EXCLUSIVE;
    assert_ok(put("/a", "1", NULL));
    assert_code(STORE_BUSY, store_open(&again, test_path("store"), &options));
    cr_assert_null(again);
    reopen_store(&options);
    assert_body("/a", "1");
    assert_code(STORE_BUSY, store_open(&again, test_path("store"), NULL));
    cr_assert_null(again);
}

Test(errors, opening_twice_gives_the_same_handle)
{
    store *again = NULL;

    assert_ok(put("/a", "1", NULL));
    assert_ok(store_open(&again, test_path("store"), NULL));
    cr_assert_eq(again, test_store());
    store_close(again);
    assert_body("/a", "1");
}

Test(errors, too_large_is_said_before_anything_is_kept)
{
    size_t size = (size_t)STORE_JSON_MAX + 1;
    char *body = malloc(size + 1);
    store_meta large = { "m", body, STORE_META_MAX + 1 };

    memset(body, ' ', size);
    body[size] = '\0';
    assert_ok(define("/people", PEOPLE));
    assert_refused(STORE_TOO_LARGE, put("/people/ada", body, NULL));
    assert_refused(STORE_TOO_LARGE,
                   put("/a", "1", WITH(.flags = STORE_SET_META, .meta = &large, .meta_count = 1)));
    free(body);
}

Test(errors, a_request_of_a_newer_library_is_a_bad_argument)
{
    store_request request = STORE_REQUEST_INIT;

    request.version = 99;
    assert_refused(STORE_BAD_ARGUMENT, put("/a", "1", &request));
    request.version = 0;
    assert_refused(STORE_BAD_ARGUMENT, erase("/a", &request));
}
