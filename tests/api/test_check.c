/* test_check.c - store_check as a caller sees it: a store that is whole has no findings. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(check, .init = begin_test, .fini = end_test, .timeout = 120);

static const char *const key_definition =
    "{\"order\":\"key\",\"key\":[\"code\"],\"unique\":[[\"name\"],[\"a\",\"b\"]],\"schema\":{\"type\":\"object\","
    "\"properties\":{\"code\":{\"type\":\"string\"},\"name\":{\"type\":[\"string\",\"null\"]},"
    "\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"boolean\"}}}}";
static const char *const auto_definition =
    "{\"order\":\"auto\",\"key\":[\"id\"],\"schema\":{\"type\":\"object\",\"properties\":"
    "{\"id\":{\"type\":\"integer\"},\"text\":{\"type\":\"string\"}}}}";
static const char *const unordered_definition =
    "{\"order\":\"unordered\",\"schema\":{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}}}}";

/* Shows the findings as they come, so that a failing test says what they were. */
static int show(const store_finding *finding, void *payload)
{
    int *count = payload;

    cr_log_info("%s %s: %s%s", finding->kind, finding->location ? finding->location : "-", finding->detail,
                finding->repaired ? " (repaired)" : "");
    ++*count;
    return 0;
}

static store_check_report check_clean(unsigned flags)
{
    store_check_report report;
    int count = 0;

    assert_ok(store_check(&report, test_store(), flags, show, &count));
    cr_assert_eq(report.findings, 0, "%d findings", count);
    cr_assert_eq(count, 0);
    return report;
}

static void put(const char *location, const void *body, size_t size)
{
    assert_ok(store_put(NULL, test_store(), location, body, size, NULL));
}

static void put_text(const char *location, const char *text)
{
    put(location, text, strlen(text));
}

static void make(const char *location)
{
    assert_ok(store_make_collection(NULL, test_store(), location, NULL));
}

static void define(const char *location, const char *definition)
{
    assert_ok(store_define(NULL, test_store(), location, definition, strlen(definition), NULL));
}

static void fill_plain(void)
{
    static const store_meta meta[] = { { "colour", "red", 3 }, { "a", "", 0 } };
    store_request request = STORE_REQUEST_INIT;
    size_t size = 300000;
    char *large = malloc(size);

    cr_assert_not_null(large);
    memset(large, 'x', size);
    make("/plain");
    make("/plain/below");
    put_text("/plain/small", "small");
    put_text("/plain/empty", "");
    put("/plain/large", large, size);
    request.flags = STORE_SET_META;
    request.meta = meta;
    request.meta_count = 2;
    request.type = "text/plain";
    assert_ok(store_put(NULL, test_store(), "/plain/below/labelled", "1", 1, &request));
    assert_ok(store_put_link(NULL, test_store(), "/plain/link", "small", NULL));
    assert_ok(store_copy(NULL, test_store(), "/plain/large", "/plain/shared", NULL));
    put("/plain/ranged", large, size);
    assert_ok(store_patch_range(NULL, test_store(), "/plain/ranged", 70000, "range", 5, NULL));
    assert_ok(store_patch_range(NULL, test_store(), "/plain/ranged", 70002, "again", 5, NULL));
    assert_ok(store_patch_range(NULL, test_store(), "/plain/ranged", 900000, "far beyond", 10, NULL));
    free(large);
}

static void fill_typed(void)
{
    static const char uno[] = "{\"name\":\"Uno\",\"a\":1,\"b\":false}";
    store_request replace = STORE_REQUEST_INIT;
    char body[2000], name[1001];

    define("/typed", key_definition);
    put_text("/typed/one", "{\"name\":\"One\",\"a\":1,\"b\":true}");
    put_text("/typed/two", "{\"name\":null,\"a\":2,\"b\":true}");
    put_text("/typed/a%7Cb", "{\"name\":\"Three\",\"a\":-3,\"b\":false}");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(body, sizeof body, "{\"name\":\"%s\",\"a\":4,\"b\":false}", name);
    put_text("/typed/long", body);
    replace.flags = STORE_REPLACE;
    assert_ok(store_put(NULL, test_store(), "/typed/one", uno, strlen(uno), &replace));
    assert_ok(store_move(NULL, test_store(), "/typed/two", "/typed/zwei", NULL));
    define("/auto", auto_definition);
    put_text("/auto", "[{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":\"c\"}]");
    assert_ok(store_delete(NULL, test_store(), "/auto/3", NULL));
    define("/unordered", unordered_definition);
    put_text("/unordered", "[{\"text\":\"a\"},{\"text\":\"b\"}]");
}

static void fill_large_typed(void)
{
    size_t size = 200000;
    char *body = malloc(size + 100);
    int head;

    cr_assert_not_null(body);
    head = snprintf(body, 100, "{\"text\":\"");
    memset(body + head, 't', size);
    memcpy(body + head + size, "\"}", 3);
    put_text("/auto", body);
    free(body);
}

static void fill_moved(void)
{
    store_request recursive = STORE_REQUEST_INIT;

    recursive.flags = STORE_RECURSIVE;
    assert_ok(store_copy(NULL, test_store(), "/plain", "/copy", NULL));
    assert_ok(store_copy(NULL, test_store(), "/typed", "/copy/typed", NULL));
    assert_ok(store_copy(NULL, test_store(), "/typed/one", "/copy/one", NULL));
    assert_ok(store_move(NULL, test_store(), "/copy", "/moved", NULL));
    assert_ok(store_delete(NULL, test_store(), "/moved/below", &recursive));
    assert_ok(store_delete(NULL, test_store(), "/moved/large", NULL));
    assert_ok(store_copy(NULL, test_store(), "/moved", "/deleted", NULL));
    assert_ok(store_delete(NULL, test_store(), "/deleted", &recursive));
}

static void fill_store(void)
{
    fill_plain();
    fill_typed();
    fill_large_typed();
    fill_moved();
}

Test(check, a_new_store_has_no_finding)
{
    store_check_report report = check_clean(0);

    cr_assert_eq(report.collections, 1);
    cr_assert_eq(report.objects, 0);
    cr_assert_eq(report.changes, 1);
}

Test(check, a_store_with_everything_has_no_finding)
{
    store_check_report report;

    fill_store();
    report = check_clean(0);
    cr_assert_eq(report.collections, 8);
    cr_assert_gt(report.objects, 20);
    cr_assert_geq(report.chunks, 14);
    cr_assert_eq(report.index_entries, 14); /* 7 of each /typed: one name is null */
    cr_assert_gt(report.changes, 20);
    check_clean(STORE_CHECK_SHALLOW);
}

Test(check, a_store_that_was_opened_again_has_no_finding)
{
    store_options options = STORE_OPTIONS_INIT;

    fill_store();
    reopen_store(NULL);
    check_clean(0);
    options.flags = STORE_OPEN_READ_ONLY;
    reopen_store(&options);
    check_clean(0);
}

Test(check, a_definition_that_was_taken_away_leaves_nothing)
{
    fill_typed();
    assert_ok(store_define(NULL, test_store(), "/typed", NULL, 0, NULL));
    assert_ok(store_define(NULL, test_store(), "/auto", NULL, 0, NULL));
    check_clean(0);
    define("/typed", key_definition);
    define("/auto", auto_definition);
    check_clean(0);
}

Test(check, an_upload_under_way_is_no_finding)
{
    static char part[1 << 20];
    store_writer *writer;

    assert_ok(store_writer_open(&writer, test_store(), "/upload", NULL));
    for (int i = 0; i < 12; i++)
        assert_ok(store_writer_write(writer, part, sizeof part));
    check_clean(0);
    assert_ok(store_writer_commit(NULL, writer));
    store_writer_close(writer);
    check_clean(0);
}

Test(check, a_repair_of_a_whole_store_changes_nothing)
{
    store_options options = STORE_OPTIONS_INIT;
    uint64_t before, after;

    fill_store();
    options.flags = STORE_OPEN_EXCLUSIVE;
    reopen_store(&options);
    assert_ok(store_last_version(&before, test_store()));
    check_clean(STORE_CHECK_REPAIR);
    assert_ok(store_last_version(&after, test_store()));
    cr_assert_eq(before, after);
}

Test(check, a_repair_needs_the_store_for_itself)
{
    store_check_report report;

    assert_code(STORE_BUSY, store_check(&report, test_store(), STORE_CHECK_REPAIR, NULL, NULL));
    assert_code(STORE_BAD_ARGUMENT, store_check(&report, test_store(), 1u << 30, NULL, NULL));
    assert_ok(store_check(NULL, test_store(), 0, NULL, NULL));
}

static atomic_bool stop;

static void *write_all_the_time(void *argument)
{
    static const char small[] = "small";
    store *s = argument;
    char *large = calloc(1, 200000);
    store_request replace = STORE_REQUEST_INIT;

    replace.flags = STORE_REPLACE;
    for (int i = 0; large && !atomic_load(&stop); i++) {
        char name[32];
        snprintf(name, sizeof name, "/w%d", i % 7);
        cr_expect_eq(i % 3 ? store_put(NULL, s, name, large, 200000, &replace)
                           : store_put(NULL, s, name, small, sizeof small, &replace), STORE_OK);
        if (i % 5 == 0)
            cr_expect_eq(store_delete(NULL, s, name, NULL), STORE_OK);
        if (i % 4 == 1)
            cr_expect_eq(store_patch_range(NULL, s, name, 65000, "0123456789", 10, NULL), STORE_OK);
    }
    free(large);
    return NULL;
}

Test(check, writers_at_work_make_no_finding)
{
    store *s = test_store();
    pthread_t writer;
    int findings = 0;

    cr_assert_eq(pthread_create(&writer, NULL, write_all_the_time, s), 0);
    for (int i = 0; i < 40; i++)
        cr_expect_eq(store_check(NULL, s, 0, show, &findings), STORE_OK);
    atomic_store(&stop, true);
    pthread_join(writer, NULL);
    cr_assert_eq(findings, 0);
}
