/* test_commit_at.c - a stream whose location is told, or told anew, when it is published. */
#include "api_test.h"

TestSuite(commit_at, .init = begin_api_test, .fini = end_api_test);

enum { LARGE = 3000000 };

static char *large_text(size_t size)
{
    char *text = malloc(size + 1);

    cr_assert_not_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 23);
    text[size] = '\0';
    return text;
}

/* A writer that has `text`, opened at `location`, which may be NULL. */
static store_writer *writer_of(const char *location, const char *text, size_t size)
{
    store_writer *writer;

    assert_ok(store_writer_open(&writer, test_store(), location, NULL));
    assert_ok(store_writer_write(writer, text, size));
    return writer;
}


Test(commit_at, a_stream_without_a_location_is_published_where_the_commit_says)
{
    static const size_t sizes[] = { 0, 100, 70000, LARGE };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *text = large_text(sizes[i]);
        store_writer *writer = writer_of(NULL, text, sizes[i]);
        assert_created("/a", store_writer_commit_at(fresh_answer(), writer, "/a", NULL));
        store_writer_close(writer);
        assert_body("/a", text);
        assert_ok(erase("/a", NULL));
        free(text);
    }
}

Test(commit_at, the_location_and_the_request_of_the_opening_are_forgotten)
{
    const store_attributes attributes = { .mask = STORE_ATTR_MODE, .mode = 0400 };
    store_writer *writer;
    store_stat stat;

    assert_ok(store_writer_open(&writer, test_store(), "/old", WITH(.flags = STORE_NOREPLACE, .type = "text/old")));
    assert_ok(store_writer_write(writer, "text", 4));
    assert_created("/new", store_writer_commit_at(fresh_answer(), writer, "/new",
                                                  WITH(.type = "text/new", .attributes = &attributes)));
    store_writer_close(writer);
    assert_code(STORE_NOT_FOUND, store_stat_get(&stat, test_store(), "/old", NULL));
    assert_ok(store_stat_get(&stat, test_store(), "/new", NULL));
    cr_assert_str_eq(stat.type, "text/new");
    cr_assert_eq(stat.mode, 0400u);
}

Test(commit_at, after_a_refusal_it_can_go_elsewhere)
{
    char *text = large_text(LARGE);
    store_writer *writer = writer_of(NULL, text, LARGE);

    assert_created("/taken", put("/taken", "1", NULL));
    assert_refused(STORE_KEY_CONFLICT, store_writer_commit_at(NULL, writer, "/taken", WITH(.flags = STORE_NOREPLACE)));
    assert_refused(STORE_NO_COLLECTION, store_writer_commit_at(NULL, writer, "/no/where", NULL));
    assert_refused(STORE_BAD_LOCATION, store_writer_commit_at(NULL, writer, "//", NULL));
    assert_body("/taken", "1");
    assert_created("/free", store_writer_commit_at(fresh_answer(), writer, "/free", NULL));
    assert_refused(STORE_BAD_ARGUMENT, store_writer_commit_at(NULL, writer, "/twice", NULL));
    store_writer_close(writer);
    assert_body("/free", text);
    free(text);
}

Test(commit_at, without_a_location_an_ordinary_commit_is_refused)
{
    store_writer *writer = writer_of(NULL, "1", 1);

    assert_refused(STORE_BAD_ARGUMENT, store_writer_commit(NULL, writer));
    assert_created("/a", store_writer_commit_at(fresh_answer(), writer, "/a", NULL));
    store_writer_close(writer);
}

Test(commit_at, a_range_stays_where_it_is)
{
    store_writer *writer;

    assert_created("/a", put("/a", "abc", NULL));
    assert_ok(store_writer_open_range(&writer, test_store(), "/a", 1, NULL));
    assert_refused(STORE_BAD_ARGUMENT, store_writer_commit_at(NULL, writer, "/b", NULL));
    store_writer_close(writer);
}

Test(commit_at, in_a_typed_collection_it_is_checked_as_any_other_body)
{
    char *text = large_text(LARGE), *json = malloc(LARGE + 100);
    store_writer *writer = writer_of(NULL, text, LARGE);

    assert_ok(define("/people", PEOPLE));
    assert_refused(STORE_BAD_BODY, store_writer_commit_at(NULL, writer, "/people/ada", NULL));
    assert_created("/plain", store_writer_commit_at(fresh_answer(), writer, "/plain", NULL));
    store_writer_close(writer);
    assert_body("/plain", text);
    cr_assert_not_null(json);
    sprintf(json, "{\"name\":\"ada\",\"home\":{\"text\":\"%s\"}}", text);
    writer = writer_of(NULL, json, strlen(json));
    assert_created("/people/ada", store_writer_commit_at(fresh_answer(), writer, "/people/ada", NULL));
    cr_assert(answered.one.completed);
    store_writer_close(writer);
    assert_refused(STORE_KEY_MISMATCH, put("/people/bob", json, NULL));
    free(json);
    free(text);
}

Test(commit_at, what_was_gathered_for_a_typed_collection_may_go_to_a_plain_one)
{
    char *text = large_text(LARGE);
    store_writer *writer;

    assert_ok(define("/people", PEOPLE));
    writer = writer_of("/people/ada", text, LARGE);
    assert_refused(STORE_BAD_BODY, store_writer_commit(NULL, writer));
    assert_created("/rejected", store_writer_commit_at(fresh_answer(), writer, "/rejected", NULL));
    store_writer_close(writer);
    assert_body("/rejected", text);
    free(text);
}
