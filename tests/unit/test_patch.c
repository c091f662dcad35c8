/* test_patch.c - JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "patch.h"
#include "store.h"

TestSuite(patch, .timeout = 60);

static struct doc doc;
static struct doc patch;
static struct doc wanted;
static struct buffer text;
static struct buffer patch_text;

static void release_all(void)
{
    doc_release(&doc);
    doc_release(&patch);
    doc_release(&wanted);
    buffer_release(&text);
    buffer_release(&patch_text);
}

static void parse(struct doc *into, const char *json)
{
    struct doc_error error;

    cr_assert(doc_parse(into, json, strlen(json), &error), "%s: %s", json, error.detail);
}

/* The doc's text, after it was checked against its size and parsed again. */
static const char *written(void)
{
    struct doc again = DOC_INIT;

    buffer_clear(&text);
    doc_write(&doc, doc.root, &text);
    cr_assert_not(text.failed);
    cr_assert_eq(doc_write_size(&doc, doc.root), text.size);
    cr_assert(doc_parse(&again, text.data, text.size, NULL), "%s", text.data);
    cr_assert(doc_equal(&doc, doc.root, &again, again.root));
    doc_release(&again);
    return text.data;
}

static const char *merged(const char *target, const char *with, patch_initial initial)
{
    parse(&doc, target);
    parse(&patch, with);
    cr_assert(patch_merge(&doc, &patch, patch.root, initial, NULL));
    return written();
}

/* --- RFC 7396 */

static const struct {
    const char *target;
    const char *patch;
    const char *result;
} merges[] = {
    /* appendix A */
    { "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
    { "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
    { "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
    { "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
    { "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
    { "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
    { "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}" },
    { "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
    { "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
    { "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
    { "{\"a\":\"foo\"}", "null", "null" },
    { "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
    { "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
    { "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
    { "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
    /* beyond it */
    { "{\"a\":1}", "{\"a\":{\"x\":null,\"y\":[null]}}", "{\"a\":{\"y\":[null]}}" },
    { "3", "{}", "{}" },
    { "{\"a\":10.00, \"b\" : [ 1.50 ] ,\"c\":1e2}", "{\"c\":2.0}", "{\"a\":10.00,\"b\":[ 1.50 ],\"c\":2.0}" },
    { "{ \"a\" : { \"b\" : 1 } }", "{\"a\":{}}", "{ \"a\" : { \"b\" : 1 } }" },
    { "{ \"a\" : 1 }", "{\"absent\":null}", "{ \"a\" : 1 }" },
    { "{\"\\u0061\":1,\"b\":2}", "{\"b\":3,\"\\u0063\":4}", "{\"\\u0061\":1,\"b\":3,\"\\u0063\":4}" },
    { "{\"\\u0061\":1}", "{\"a\":2}", "{\"\\u0061\":2}" },
    { "{\"a\":1,\"\":2}", "{\"a\":5,\"\":null}", "{\"a\":5}" },
    { "{\"a\\u0000b\":1,\"a\":2}", "{\"a\\u0000b\":3}", "{\"a\\u0000b\":3,\"a\":2}" },
};

Test(patch, merge_gives_the_results_of_rfc_7396, .fini = release_all)
{
    for (size_t i = 0; i < sizeof(merges) / sizeof(merges[0]); i++)
        cr_expect_str_eq(merged(merges[i].target, merges[i].patch, NULL), merges[i].result, "case %zu: %s", i,
                         text.data);
}

static struct slice initial_of(const void *context, const char *key, size_t size)
{
    (void)context;
    if (slice_equal(slice_of(key, size), slice_text("n")))
        return slice_text("0.00");
    if (slice_equal(slice_of(key, size), slice_text("o")))
        return slice_text("{ \"x\" : [] }");
    return slice_of(NULL, 0);
}

Test(patch, null_at_the_top_level_restores_the_initial_state, .fini = release_all)
{
    cr_assert_str_eq(merged("{\"n\":5,\"o\":1,\"z\":2}", "{\"n\":null,\"o\":null,\"z\":null}", initial_of),
                     "{\"n\":0.00,\"o\":{ \"x\" : [] }}");
    cr_assert_str_eq(merged("{\"k\":1}", "{\"n\":null}", initial_of), "{\"k\":1,\"n\":0.00}");
    cr_assert_str_eq(merged("{\"k\":{\"n\":1}}", "{\"k\":{\"n\":null}}", initial_of), "{\"k\":{}}");
    cr_assert_str_eq(merged("[]", "{\"n\":null}", initial_of), "{\"n\":0.00}");
}

Test(patch, a_merged_doc_does_not_need_the_patch_doc_any_more, .fini = release_all)
{
    merged("{}", "{\"k\\n\":{\"\\u0041\":[\"v\\t\",\"w\"]}}", NULL);
    doc_release(&patch);
    cr_assert_str_eq(written(), "{\"k\\n\":{\"\\u0041\":[\"v\\t\",\"w\"]}}");
}

/* {"<prefix>0":0,...} */
static void many_members(struct buffer *out, const char *prefix, int from, int to)
{
    buffer_clear(out);
    for (int i = from; i < to; i++)
        buffer_format(out, "%s\"%s%d\":%d", i == from ? "{" : ",", prefix, i, i);
    buffer_text(out, "}");
}

Test(patch, merging_many_members_into_many_is_not_quadratic, .fini = release_all)
{
    struct buffer other = BUFFER_INIT;

    many_members(&patch_text, "k", 0, 200000);
    many_members(&other, "k", 100000, 300000);
    cr_assert(doc_parse(&doc, patch_text.data, patch_text.size, NULL));
    cr_assert(doc_parse(&patch, other.data, other.size, NULL));
    cr_assert(patch_merge(&doc, &patch, patch.root, NULL, NULL));
    cr_assert_eq(doc_at(&doc, doc.root)->count, 300000);
    parse(&doc, "{}");
    cr_assert(patch_merge(&doc, &patch, patch.root, NULL, NULL));
    cr_assert_eq(doc_at(&doc, doc.root)->count, 200000);
    buffer_release(&other);
}

/* --- RFC 6902 */

static bool apply(const char *target, const char *operations, struct patch_failure *failure)
{
    parse(&doc, target);
    parse(&patch, operations);
    return patch_json(&doc, &patch, patch.root, failure);
}

static const struct {
    const char *target;
    const char *patch;
    const char *result;
} applied[] = {
    /* appendix A.1 to A.8, A.10, A.11, A.14, A.16 */
    { "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
      "{\"foo\":\"bar\",\"baz\":\"qux\"}" },
    { "{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
      "{\"foo\":[\"bar\",\"qux\",\"baz\"]}" },
    { "{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]", "{\"foo\":\"bar\"}" },
    { "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
      "{\"foo\":[\"bar\",\"baz\"]}" },
    { "{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
      "{\"baz\":\"boo\",\"foo\":\"bar\"}" },
    { "{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
      "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
      "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}" },
    { "{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
      "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
      "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}" },
    { "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
      "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
      "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}" },
    { "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
      "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}" },
    { "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
      "{\"foo\":\"bar\",\"baz\":\"qux\"}" },
    { "{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]", "{\"/\":9,\"~1\":10}" },
    { "{\"foo\":[\"bar\"]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
      "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}" },
    /* beyond it */
    { "{ \"a\" : 1 }", "[]", "{ \"a\" : 1 }" },
    { "{\"a\":1,\"b\":2}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":3}]", "{\"a\":3,\"b\":2}" },
    { "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":[7]}]", "[7]" },
    { "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":null}]", "null" },
    { "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"\"}]", "{\"b\":1}" },
    { "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}" },
    { "{\"a\":1,\"ab\":2}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/ab\"}]", "{\"ab\":1}" },
    { "{\"a\":[1,2]}", "[{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a/0\"}]", "{\"a\":[{\"a\":[1,2]},1,2]}" },
    { "{\"a\": [1.0] }", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"},"
                         "{\"op\":\"add\",\"path\":\"/a/0\",\"value\":0}]", "{\"a\":[0,1.0],\"b\":[1.0]}" },
    { "[]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":1},{\"op\":\"add\",\"path\":\"/0\",\"value\":0},"
            "{\"op\":\"add\",\"path\":\"/2\",\"value\":2}]", "[0,1,2]" },
    { "{}", "[{\"op\":\"add\",\"path\":\"/a~1b\\n\",\"value\":1}]", "{\"a/b\\n\":1}" },
    { "{}", "[{\"op\":\"add\",\"path\":\"/\",\"value\":1}]", "{\"\":1}" },
    { "{\"a\":{\"x\":10,\"y\":[1]}}",
      "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"y\":[1.0],\"x\":1e1}}]", "{\"a\":{\"x\":10,\"y\":[1]}}" },
    { "{\"-\":1}", "[{\"op\":\"replace\",\"path\":\"/-\",\"value\":2}]", "{\"-\":2}" },
    { "{\"a\":null}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}" },
    { "{\"a\":1.00}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":2.50}]", "{\"a\":1.00,\"b\":2.50}" },
};

Test(patch, json_patch_gives_the_results_of_rfc_6902, .fini = release_all)
{
    for (size_t i = 0; i < sizeof(applied) / sizeof(applied[0]); i++) {
        struct patch_failure failure;

        cr_expect(apply(applied[i].target, applied[i].patch, &failure), "case %zu: %s", i, failure.detail);
        cr_expect_str_eq(written(), applied[i].result, "case %zu: %s", i, text.data);
    }
}

static const struct {
    const char *target;
    const char *patch;
    int code;
    size_t operation;
} refused[] = {
    /* appendix A.9, A.12, A.15; A.13 (twice the same member) is refused by the parser */
    { "{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]",
      STORE_PRECONDITION_FAILED, 0 },
    { "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]", STORE_INVALID_VALUE, 0 },
    { "{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]",
      STORE_PRECONDITION_FAILED, 0 },
    /* no patch at all; found before anything is applied */
    { "{}", "{}", STORE_BAD_BODY, 0 },
    { "{}", "[1]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"path\":\"/a\",\"value\":1}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":1,\"path\":\"/a\",\"value\":1}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"ADD\",\"path\":\"/a\",\"value\":1}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"add\",\"value\":1}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"add\",\"path\":null,\"value\":1}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"add\",\"path\":\"/~2\",\"value\":1}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"add\",\"path\":\"/~\",\"value\":1}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"replace\",\"path\":\"\"}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"test\",\"path\":\"\"}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"move\",\"path\":\"/a\"}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"copy\",\"path\":\"/a\",\"from\":\"b\"}]", STORE_BAD_BODY, 0 },
    { "{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1},{\"op\":\"nop\",\"path\":\"\"}]", STORE_BAD_BODY, 1 },
    /* does not apply */
    { "{}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", STORE_INVALID_VALUE, 0 },
    { "{}", "[{\"op\":\"remove\",\"path\":\"\"}]", STORE_INVALID_VALUE, 0 },
    { "{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "[1]", "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "[1]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", STORE_INVALID_VALUE, 0 },
    { "[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "[1]", "[{\"op\":\"add\",\"path\":\"/00\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "[1,2]", "[{\"op\":\"add\",\"path\":\"/01\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "[1]", "[{\"op\":\"add\",\"path\":\"/-1\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "[1]", "[{\"op\":\"add\",\"path\":\"/1e0\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "[1]", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "[1]", "[{\"op\":\"add\",\"path\":\"/18446744073709551615\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "{\"a\":\"s\"}", "[{\"op\":\"add\",\"path\":\"/a/0\",\"value\":1}]", STORE_INVALID_VALUE, 0 },
    { "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", STORE_INVALID_VALUE, 0 },
    { "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"\",\"path\":\"/a\"}]", STORE_INVALID_VALUE, 0 },
    { "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/b\",\"path\":\"/c\"}]", STORE_INVALID_VALUE, 0 },
    { "{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"/b\",\"path\":\"/c\"}]", STORE_INVALID_VALUE, 0 },
    { "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/a\"},{\"op\":\"remove\",\"path\":\"/a\"}]",
      STORE_INVALID_VALUE, 1 },
    /* a failed test */
    { "{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", STORE_PRECONDITION_FAILED, 0 },
    { "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1.0000000000000000001}]",
      STORE_PRECONDITION_FAILED, 0 },
    { "[1,2]", "[{\"op\":\"test\",\"path\":\"\",\"value\":[2,1]}]", STORE_PRECONDITION_FAILED, 0 },
    { "[1,2]", "[{\"op\":\"test\",\"path\":\"\",\"value\":[1,2,3]}]", STORE_PRECONDITION_FAILED, 0 },
};

Test(patch, json_patch_refuses_with_the_right_code, .fini = release_all)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct patch_failure failure;

        cr_expect_not(apply(refused[i].target, refused[i].patch, &failure), "case %zu", i);
        cr_expect_eq(failure.code, refused[i].code, "case %zu: %s", i, failure.detail);
        cr_expect_eq(failure.operation, refused[i].operation, "case %zu", i);
        cr_expect_not_null(failure.detail, "case %zu", i);
    }
}

/* [operation, operation, ...] */
static void repeat(const char *operation, int times)
{
    buffer_clear(&patch_text);
    for (int i = 0; i < times; i++)
        buffer_format(&patch_text, "%s%s", i == 0 ? "[" : ",", operation);
    buffer_text(&patch_text, "]");
}

Test(patch, more_than_ten_thousand_operations_are_no_patch, .fini = release_all)
{
    struct patch_failure failure;

    repeat("{\"op\":\"add\",\"path\":\"/-\",\"value\":1}", PATCH_OPERATIONS_MAX);
    cr_assert(apply("[]", patch_text.data, &failure));
    cr_assert_eq(doc_at(&doc, doc.root)->count, PATCH_OPERATIONS_MAX);
    repeat("{\"op\":\"add\",\"path\":\"/-\",\"value\":1}", PATCH_OPERATIONS_MAX + 1);
    cr_assert_not(apply("[]", patch_text.data, &failure));
    cr_assert_eq(failure.code, STORE_BAD_BODY);
}

Test(patch, copies_that_double_the_document_end_too_large, .fini = release_all)
{
    struct patch_failure failure;

    repeat("{\"op\":\"copy\",\"from\":\"\",\"path\":\"/-\"}", 100);
    cr_assert_not(apply("[[],[],[],[],[],[],[],[]]", patch_text.data, &failure));
    cr_assert_eq(failure.code, STORE_TOO_LARGE);
}

Test(patch, copies_of_a_long_string_end_too_large, .fini = release_all)
{
    struct patch_failure failure;
    char *target = malloc(1000001);

    memset(target, ' ', 1000000);
    target[0] = '[';
    memcpy(target + 999990, "\"x\"]", 5);
    repeat("{\"op\":\"copy\",\"from\":\"/0\",\"path\":\"/-\"}", 60);
    cr_assert(apply(target, patch_text.data, &failure));
    repeat("{\"op\":\"copy\",\"from\":\"\",\"path\":\"/0\"}", 60);
    cr_assert_not(apply(target, patch_text.data, &failure));
    cr_assert_eq(failure.code, STORE_TOO_LARGE, "white space counts: it would be written");
    free(target);
}

/* [[...[]...]] and a patch that copies the whole into its innermost array. */
static bool nest_twice(size_t depth, struct patch_failure *failure)
{
    struct buffer nested = BUFFER_INIT;
    bool patched;

    for (size_t i = 0; i < depth; i++)
        buffer_text(&nested, "[");
    for (size_t i = 0; i < depth; i++)
        buffer_text(&nested, "]");
    buffer_clear(&patch_text);
    buffer_text(&patch_text, "[{\"op\":\"copy\",\"from\":\"\",\"path\":\"");
    for (size_t i = 0; i < depth; i++)
        buffer_text(&patch_text, "/0");
    buffer_text(&patch_text, "\"}]");
    patched = apply(nested.data, patch_text.data, failure);
    if (patched)
        written();
    buffer_release(&nested);
    return patched;
}

Test(patch, a_result_nested_too_deep_is_too_large, .fini = release_all)
{
    struct patch_failure failure;

    cr_assert(nest_twice(STORE_DEPTH_MAX / 2, &failure));
    cr_assert_not(nest_twice(STORE_DEPTH_MAX / 2 + 1, &failure));
    cr_assert_eq(failure.code, STORE_TOO_LARGE);
}

Test(patch, searches_among_many_members_are_limited, .fini = release_all)
{
    struct buffer members = BUFFER_INIT;
    struct patch_failure failure;

    many_members(&members, "k", 0, 1000000);
    repeat("{\"op\":\"test\",\"path\":\"/k0\",\"value\":0}", 201);
    cr_assert_not(apply(members.data, patch_text.data, &failure));
    cr_assert_eq(failure.code, STORE_TOO_LARGE);
    repeat("{\"op\":\"test\",\"path\":\"/k0\",\"value\":0}", 199);
    cr_assert(apply(members.data, patch_text.data, &failure));
    buffer_release(&members);
}
