/* test_doc.c - JSON texts: what is accepted, what nodes say, what edits leave alone. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "store.h"

TestSuite(doc, .timeout = 60);

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TEXT(text) { (text), sizeof(text) - 1 }

static struct doc doc;
static struct buffer out;

static void release_all(void)
{
    doc_release(&doc);
    buffer_release(&out);
}

static doc_id parse(const char *text)
{
    struct doc_error error = { 0 };

    cr_assert(doc_parse(&doc, text, strlen(text), &error), "%s: %s at %zu", text, error.detail, error.offset);
    return doc.root;
}

static doc_id parse_more(const char *text)
{
    doc_id id = doc_parse_more(&doc, text, strlen(text), NULL);

    cr_assert_neq(id, DOC_NONE, "%s", text);
    return id;
}

static const char *written(doc_id id)
{
    buffer_clear(&out);
    doc_write(&doc, id, &out);
    cr_assert_not(out.failed);
    cr_assert_eq(out.size, doc_write_size(&doc, id));
    return out.data;
}

static doc_id member(doc_id object, const char *key)
{
    return doc_member(&doc, object, key, strlen(key));
}

/* --- RFC 8259 */

static const struct slice accepted[] = {
    TEXT("null"), TEXT("true"), TEXT("false"), TEXT("\"\""), TEXT("[]"), TEXT("{}"), TEXT("0"), TEXT("-0"),
    TEXT(" [] "), TEXT("\t\n\r [\t\n\r ] \t\n\r "), TEXT("[[]]"), TEXT("[ 4]"), TEXT("[1\n]"),
    TEXT("[\"a\" , 1]"), TEXT("[null, 1, \"1\", {}]"), TEXT("[1,null,null,null,2]"), TEXT("{\"a\":[]}"),
    TEXT("{\"\":0}"), TEXT("{\"a\":\"b\"}"), TEXT("{\"a\":\"b\",\"c\":\"d\"}"),
    TEXT("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"), TEXT("{\"foo\\u0000bar\": 42}"),
    TEXT("{\"a\":1,\"A\":2}"), TEXT("{\n\"a\": \"b\"\n}"), TEXT("123"), TEXT("-1"), TEXT("-123"), TEXT("1.5"),
    TEXT("0.1"), TEXT("123.456789"), TEXT("0e1"), TEXT("0e+1"), TEXT("1E22"), TEXT("1E-2"), TEXT("1E+2"),
    TEXT("1e0"), TEXT("123e45"), TEXT("123.456e78"), TEXT("-0.0e-0"), TEXT("1e-999999999"),
    TEXT("0e999999999999999999999999"), TEXT("1e0000000000000000000000001"), TEXT("1.7976931348623157e308"),
    TEXT("-1.7976931348623158e308"), TEXT("1.79769313486231570e+308"),
    TEXT("0.00000000000000000000000000000000000000000000000000000000000000000000000000000000001"),
    TEXT("123456789012345678901234567890123456789012345678901234567890.000000000000000000000000000001"),
    TEXT("\"a\\\"b\""), TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\\u0060\\u012a\\u12AB\""),
    TEXT("\"\\uD834\\uDd1e\""), TEXT("\"\\uDBFF\\uDFFE\""), TEXT("\"\\ud83d\\ude39\\ud83d\\udc8d\""),
    TEXT("\"\\u0000\""), TEXT("\"\\uFFFF\""), TEXT("\"\\\\u0000\""), TEXT("\"\\\\n\""), TEXT("\"/* */ //\""),
    TEXT("\"\x7f\""), TEXT("\"\xC2\x80\""), TEXT("\"\xC3\xA9\""), TEXT("\"\xE2\x82\xAC\""),
    TEXT("\"\xE0\xA0\x80\""), TEXT("\"\xED\x9F\xBF\""), TEXT("\"\xEE\x80\x80\""), TEXT("\"\xEF\xBF\xBF\""),
    TEXT("\"\xEF\xBB\xBF\""), TEXT("\"\xF0\x90\x80\x80\""), TEXT("\"\xF4\x8F\xBF\xBF\""),
    TEXT("\"\xE2\x80\xA8\xE2\x80\xA9\""), TEXT("\"1234567\xC3\xA9" "12345678901234\\n\""),
};

static const struct slice rejected[] = {
    TEXT(""), TEXT(" "), TEXT("\xEF\xBB\xBF{}"), TEXT("\xEF\xBB\xBF"), TEXT("nul"), TEXT("nulll"),
    TEXT("Null"), TEXT("True"), TEXT("tru"), TEXT("fals"), TEXT("truefalse"), TEXT("NaN"), TEXT("Infinity"),
    TEXT("-Infinity"), TEXT("[NaN]"), TEXT("undefined"), TEXT("'a'"), TEXT("a"), TEXT("1 2"), TEXT("[] []"),
    TEXT("{}{}"), TEXT("[]]"), TEXT("{}}"), TEXT("[1]x"), TEXT("{\"a\":true} // comment"), TEXT("/**/1"),
    TEXT("\0"), TEXT("[\0]"), TEXT("1\0"), TEXT("[\f]"), TEXT("\v1"), TEXT("\xC2\xA0" "1"),
    TEXT("\xE2\x81\xA0[]"), TEXT("["), TEXT("[1"), TEXT("[1,"), TEXT("[,1]"), TEXT("[1,]"), TEXT("[1,,2]"),
    TEXT("[,]"), TEXT("[1 2]"), TEXT("[1:2]"), TEXT("[1}"), TEXT("[\"a\""), TEXT("[\"\": 1]"), TEXT("[*]"),
    TEXT("[[]"), TEXT("]"), TEXT("{"), TEXT("}"), TEXT("{]"), TEXT("{\"a\""), TEXT("{\"a\":"),
    TEXT("{\"a\":1"), TEXT("{\"a\":1,"), TEXT("{\"a\":1,}"), TEXT("{,\"a\":1}"), TEXT("{\"a\":1,,\"b\":2}"),
    TEXT("{\"a\" 1}"), TEXT("{\"a\",1}"), TEXT("{\"a\"::1}"), TEXT("{a:1}"), TEXT("{1:1}"), TEXT("{null:1}"),
    TEXT("{'a':1}"), TEXT("{[]:1}"), TEXT("{\"a\":1 \"b\":2}"), TEXT("{\"a\":1]"), TEXT("{\"a\":}"),
    TEXT("{\"a\"}"), TEXT("{\"a\":1,\"b\"}"), TEXT("-"), TEXT("+1"), TEXT("++1"), TEXT("--1"), TEXT("-a"),
    TEXT("- 1"), TEXT("01"), TEXT("-01"), TEXT("00"), TEXT("-00.5"), TEXT("1."), TEXT("-1."), TEXT(".5"),
    TEXT("-.5"), TEXT("1.e1"), TEXT("0.e1"), TEXT("1e"), TEXT("1E+"), TEXT("1e-"), TEXT("1eE2"), TEXT("0e+-1"),
    TEXT("1.2.3"), TEXT("1e1.5"), TEXT("0x1F"), TEXT("1_000"), TEXT("1a"), TEXT("1+2"), TEXT("\xEF\xBC\x91"),
    TEXT("1e400"), TEXT("-1e309"), TEXT("1.7976931348623159e308"),
    TEXT("0.4e00669999999999999999999999999999999999999999"), TEXT("1e-1000000000000000000"), TEXT("\""),
    TEXT("\"a"), TEXT("\"\\\""), TEXT("\"\\"), TEXT("\"\\a\""), TEXT("\"\\x00\""), TEXT("\"\\'\""),
    TEXT("\"\\0\""), TEXT("\"\\U0041\""), TEXT("\"\\u\""), TEXT("\"\\u00\""), TEXT("\"\\u004\""),
    TEXT("\"\\u00G0\""), TEXT("\"\\u 041\""), TEXT("\"\\u004"), TEXT("\"a\nb\""), TEXT("\"a\tb\""),
    TEXT("\"\x1f\""), TEXT("\"a\0b\""), TEXT("\"1234567\n12345678\""), TEXT("\"\\uD800\""),
    TEXT("\"\\uD800\\n\""), TEXT("\"\\uD800\\u0041\""), TEXT("\"\\uD800\\uD800\""), TEXT("\"\\uDC00\""),
    TEXT("\"\\uDC00\\uD800\""), TEXT("\"\\uD834\\uDd\""), TEXT("\"\\uD800\\"), TEXT("\"\\uD800\\u\""),
    TEXT("{\"\\uD800\":1}"), TEXT("\"\x80\""), TEXT("\"\xFF\""), TEXT("\"\xC0\xAF\""), TEXT("\"\xC1\xBF\""),
    TEXT("\"\xC3\""), TEXT("\"\xC3\x28\""), TEXT("\"\xE0\x80\x80\""), TEXT("\"\xE0\x9F\xBF\""),
    TEXT("\"\xE2\x82\""), TEXT("\"\xE2\x28\xA1\""), TEXT("\"\xED\xA0\x80\""), TEXT("\"\xED\xBF\xBF\""),
    TEXT("\"\xF0\x80\x80\x80\""), TEXT("\"\xF0\x8F\xBF\xBF\""), TEXT("\"\xF0\x9F\x98\""),
    TEXT("\"\xF4\x90\x80\x80\""), TEXT("\"\xF5\x80\x80\x80\""), TEXT("\"\xF8\x88\x80\x80\x80\""),
    TEXT("\"\xE2\x82"), TEXT("\xC3\xA9"), TEXT("[\"\xC3\xA9\xFF\"]"), TEXT("{\"a\":1,\"a\":2}"),
    TEXT("{\"a\":1,\"\\u0061\":2}"), TEXT("[{\"\":1,\"\":1}]"), TEXT("{\"a\":{},\"b\":1,\"a\":{}}"),
};

/* A copy that ends where its memory ends, for the address sanitizer to watch. */
static bool parses(struct slice text, struct doc_error *error)
{
    char *exact = malloc(text.size + (text.size == 0));
    bool parsed;

    if (text.size > 0)
        memcpy(exact, text.data, text.size);
    parsed = doc_parse(&doc, exact, text.size, error);
    if (parsed) {
        cr_expect_eq(out.size, 0);
        doc_write(&doc, doc.root, &out);
        cr_expect(memmem(text.data, text.size, out.data, out.size) != NULL, "written as it was read");
        buffer_clear(&out);
    }
    free(exact);
    return parsed;
}

Test(doc, accepts_what_rfc_8259_does, .fini = release_all)
{
    for (size_t i = 0; i < COUNT(accepted); i++) {
        struct doc_error error = { 0 };

        cr_expect(parses(accepted[i], &error), "%zu: %s: %s at %zu", i, (const char *)accepted[i].data,
                  error.detail, error.offset);
    }
}

Test(doc, rejects_everything_else, .fini = release_all)
{
    for (size_t i = 0; i < COUNT(rejected); i++) {
        struct doc_error error = { 0 };

        cr_expect_not(parses(rejected[i], &error), "%zu: %s", i, (const char *)rejected[i].data);
        cr_expect_not_null(error.detail);
        cr_expect_leq(error.offset, rejected[i].size);
        cr_expect_not(doc.no_memory);
    }
}

Test(doc, no_beginning_of_a_container_is_a_document, .fini = release_all)
{
    static const char text[] = "{\"a\\u00e9\":[1.5e3,\"\\ud83d\\ude00\xC3\xA9\",{\"b\":null}],\"c\":-0.1}";

    for (size_t size = 0; size < strlen(text); size++)
        cr_expect_not(parses(slice_of(text, size), NULL), "%zu", size);
    cr_assert(parses(slice_text(text), NULL));
}

Test(doc, an_error_says_where_and_what, .fini = release_all)
{
    static const struct {
        const char *text;
        size_t offset;
    } faults[] = {
        { "{\"a\":1,}", 7 }, { "[1 2]", 3 }, { "[\"abc\\q\"]", 5 }, { "[1, 1e999]", 4 }, { "\"ab\xFF\"", 3 },
        { "[1] x", 4 }, { "{\"a\":1,\"a\":2}", 11 }, { "[tru]", 1 },
    };

    for (size_t i = 0; i < COUNT(faults); i++) {
        struct doc_error error;

        cr_expect_not(doc_parse(&doc, faults[i].text, strlen(faults[i].text), &error));
        cr_expect_eq(error.offset, faults[i].offset, "%s: %s at %zu", faults[i].text, error.detail, error.offset);
    }
}

static void nest(struct buffer *text, size_t depth, const char *open, const char *close)
{
    buffer_clear(text);
    for (size_t i = 0; i < depth; i++)
        buffer_text(text, open);
    buffer_text(text, "1");
    for (size_t i = 0; i < depth; i++)
        buffer_text(text, close);
}

/* Strings are scanned by eight bytes: what is special is found at each place of them, before any text. */
Test(doc, every_byte_of_a_string_is_looked_at, .fini = release_all)
{
    static const char *const refused[] = { "\n", "\x1f", "\x80", "\xff", "\\x", "\\u12" };
    static const char *const taken[] = { " ", "\x7f", "~", "\\\"", "\\\\", "\xc3\xa9", "\xf0\x9f\x98\x80" };
    struct doc_error error = { 0 };
    char text[64];

    for (int before = 0; before < 18; before++)
        for (int after = 0; after < 18; after++) {
            for (size_t i = 0; i < COUNT(refused); i++) {
                snprintf(text, sizeof text, "\"%.*s%s%.*s\"", before, "abcdefghijklmnopqr", refused[i], after,
                         "zyxwvutsrqponmlkji");
                cr_assert_not(doc_parse(&doc, text, strlen(text), &error), "%s", text);
                cr_assert_eq(error.offset, (size_t)before + 1, "%s at %zu", text, error.offset);
            }
            for (size_t i = 0; i < COUNT(taken); i++) {
                snprintf(text, sizeof text, "\"%.*s%s%.*s\"", before, "abcdefghijklmnopqr", taken[i], after,
                         "zyxwvutsrqponmlkji");
                doc_id string = parse(text);
                size_t escapes = taken[i][0] == '\\';
                cr_assert_eq(doc_string(&doc, string).size, strlen(text) - 2 - escapes, "%s", text);
            }
        }
}

Test(doc, nesting_is_limited, .fini = release_all)
{
    struct buffer text = BUFFER_INIT;
    struct doc_error error;

    nest(&text, STORE_DEPTH_MAX, "[", "]");
    cr_assert(doc_parse(&doc, text.data, text.size, &error));
    nest(&text, STORE_DEPTH_MAX, "{\"a\":", "}");
    cr_assert(doc_parse(&doc, text.data, text.size, &error));
    nest(&text, STORE_DEPTH_MAX + 1, "[", "]");
    cr_assert_not(doc_parse(&doc, text.data, text.size, &error));
    cr_assert_eq(error.offset, STORE_DEPTH_MAX);
    nest(&text, 1000000, "[", "]");
    cr_assert_not(doc_parse(&doc, text.data, text.size, &error));
    buffer_release(&text);
}

static void many_members(struct buffer *text, int count, const char *last)
{
    buffer_clear(text);
    buffer_text(text, "{");
    for (int i = 0; i < count; i++)
        buffer_format(text, "\"k%d\":%d,", i, i);
    buffer_format(text, "\"%s\":0}", last);
}

Test(doc, a_duplicate_among_a_million_members_is_found_quickly, .fini = release_all)
{
    static const int counts[] = { 1, 11, 12, 13, 50, 1000000 };
    struct buffer text = BUFFER_INIT;

    for (size_t i = 0; i < COUNT(counts); i++) {
        many_members(&text, counts[i], "other");
        cr_expect(doc_parse(&doc, text.data, text.size, NULL), "%d", counts[i]);
        cr_expect_eq(doc_at(&doc, doc.root)->count, (uint32_t)counts[i] + 1);
        many_members(&text, counts[i], "k\\u0030");
        cr_expect_not(doc_parse(&doc, text.data, text.size, NULL), "%d", counts[i]);
    }
    buffer_release(&text);
}

/* --- reading */

Test(doc, nodes_have_their_text_their_links_and_their_names, .fini = release_all)
{
    doc_id root = parse(" {\"a\": [ 1 , \"x\" ], \"\\u0062\":{ } }");
    doc_id a = member(root, "a");
    doc_id b = member(root, "b");

    cr_assert_eq(doc_at(&doc, root)->count, 2);
    cr_assert_eq(doc_at(&doc, root)->parent, DOC_NONE);
    cr_assert_str_eq(written(root), "{\"a\": [ 1 , \"x\" ], \"\\u0062\":{ } }");
    cr_assert_str_eq(written(a), "[ 1 , \"x\" ]");
    cr_assert_str_eq(written(b), "{ }");
    cr_assert_eq(doc_at(&doc, a)->next, b);
    cr_assert_eq(doc_at(&doc, b)->prev, a);
    cr_assert_eq(doc_at(&doc, b)->parent, root);
    cr_assert_eq(doc_at(&doc, doc_element(&doc, a, 0))->type, DOC_NUMBER);
    cr_assert_eq(doc_at(&doc, doc_element(&doc, a, 1))->type, DOC_STRING);
    cr_assert_eq(doc_element(&doc, a, 2), DOC_NONE);
    cr_assert_eq(doc_element(&doc, root, 0), DOC_NONE);
    cr_assert_eq(member(root, "c"), DOC_NONE);
    cr_assert_eq(member(a, "c"), DOC_NONE);
}

Test(doc, every_element_is_found_by_its_index, .fini = release_all)
{
    doc_id root = parse("[0,1,2,3,4,5,6]");

    for (int64_t i = 0; i < 7; i++) {
        int64_t value = -1;

        cr_assert(doc_integer(&doc, doc_element(&doc, root, (size_t)i), &value));
        cr_assert_eq(value, i);
    }
}

Test(doc, strings_are_decoded, .fini = release_all)
{
    static const struct {
        const char *json;
        struct slice value;
    } strings[] = {
        { "\"\"", TEXT("") }, { "\"plain\"", TEXT("plain") },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", TEXT("\"\\/\b\f\n\r\t") }, { "\"a\\u0000b\"", TEXT("a\0b") },
        { "\"\\u00e9\\u20AC\\uFFFF\"", TEXT("\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBF") },
        { "\"x\\ud83d\\ude00y\\uDBFF\\uDFFF\"", TEXT("x\xF0\x9F\x98\x80y\xF4\x8F\xBF\xBF") },
        { "\"\\\\u0041\"", TEXT("\\u0041") },
    };

    for (size_t i = 0; i < COUNT(strings); i++)
        cr_expect(slice_equal(doc_string(&doc, parse(strings[i].json)), strings[i].value), "%s", strings[i].json);
}

Test(doc, names_with_nul_are_told_apart, .fini = release_all)
{
    doc_id root = parse("{\"a\":1,\"a\\u0000\":2,\"a\\u0000b\":3}");
    int64_t value;

    cr_assert(doc_integer(&doc, doc_member(&doc, root, "a\0", 2), &value) && value == 2);
    cr_assert(doc_integer(&doc, doc_member(&doc, root, "a\0b", 3), &value) && value == 3);
    cr_assert(doc_integer(&doc, doc_member(&doc, root, "a", 1), &value) && value == 1);
}

Test(doc, a_doc_is_reused_after_success_and_failure, .fini = release_all)
{
    for (int i = 0; i < 1000; i++) {
        parse("{\"a\\n\":[1,2,3,\"\\u0041\"]}");
        cr_assert_not(doc_parse(&doc, "{\"a\":[1", 7, NULL));
        cr_assert_eq(doc.root, DOC_NONE);
    }
    doc_clear(&doc);
    doc_clear(&doc);
    parse("7");
}

/* --- equality */

Test(doc, values_are_equal_by_meaning, .fini = release_all)
{
    static const struct {
        const char *a;
        const char *b;
        bool equal;
    } pairs[] = {
        { "{\"a\":1,\"b\":[true,null]}", "{ \"b\":[ true,null ], \"\\u0061\":1.0 }", true },
        { "\"\\u00e9\"", "\"\xC3\xA9\"", true }, { "[1,2]", "[2,1]", false }, { "[1,2]", "[1,2,3]", false },
        { "{\"a\":1}", "{\"a\":1,\"b\":2}", false }, { "{\"a\":1}", "{\"b\":1}", false },
        { "true", "false", false }, { "1", "\"1\"", false }, { "null", "false", false }, { "[]", "{}", false },
        { "[[],{}]", "[[],{}]", true },
    };
    struct doc other = DOC_INIT;

    for (size_t i = 0; i < COUNT(pairs); i++) {
        parse(pairs[i].a);
        cr_assert(doc_parse(&other, pairs[i].b, strlen(pairs[i].b), NULL));
        cr_expect_eq(doc_equal(&doc, doc.root, &other, other.root), pairs[i].equal, "pair %zu", i);
        cr_expect_eq(doc_equal(&other, other.root, &doc, doc.root), pairs[i].equal, "pair %zu", i);
    }
    doc_release(&other);
}

Test(doc, large_objects_are_compared_quickly, .fini = release_all)
{
    struct buffer text = BUFFER_INIT;
    struct doc other = DOC_INIT;

    many_members(&text, 300000, "z");
    cr_assert(doc_parse(&doc, text.data, text.size, NULL));
    cr_assert(doc_parse(&other, text.data, text.size, NULL));
    cr_assert(doc_equal(&doc, doc.root, &other, other.root));
    cr_assert(doc_set(&other, other.root, "k299999", 7, doc_new_integer(&other, 1)));
    cr_assert_not(doc_equal(&doc, doc.root, &other, other.root));
    doc_release(&other);
    buffer_release(&text);
}

/* --- edits */

Test(doc, an_edit_leaves_other_text_alone, .fini = release_all)
{
    doc_id root = parse("{ \"n\" : 10.00 , \"\\u0061\" : { \"x\" : [ 1 , 2 ] , \"y\" : 1 } , \"z\" : [ ] }");
    doc_id a = member(root, "a");

    cr_assert(doc_set(&doc, a, "y", 1, parse_more("2.50")));
    cr_assert_str_eq(written(root), "{\"n\":10.00,\"\\u0061\":{\"x\":[ 1 , 2 ],\"y\":2.50},\"z\":[ ]}");
    cr_assert(doc_set(&doc, root, "new \"\n", 6, doc_new_container(&doc, DOC_ARRAY)));
    cr_assert_str_eq(written(root),
                     "{\"n\":10.00,\"\\u0061\":{\"x\":[ 1 , 2 ],\"y\":2.50},\"z\":[ ],\"new \\\"\\n\":[]}");
    cr_assert_eq(member(root, "new \"\n"), doc_at(&doc, root)->last);
}

Test(doc, removed_members_leave_first_middle_and_last_in_order, .fini = release_all)
{
    doc_id root = parse("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}");

    doc_remove(&doc, member(root, "b"));
    cr_assert_str_eq(written(root), "{\"a\":1,\"c\":3,\"d\":4}");
    doc_remove(&doc, member(root, "d"));
    cr_assert_str_eq(written(root), "{\"a\":1,\"c\":3}");
    doc_remove(&doc, member(root, "a"));
    cr_assert_str_eq(written(root), "{\"c\":3}");
    doc_remove(&doc, member(root, "c"));
    cr_assert_str_eq(written(root), "{}");
    cr_assert_eq(doc_at(&doc, root)->count, 0);
    cr_assert(doc_set(&doc, root, "e", 1, parse_more("[ 5 ]")));
    cr_assert_str_eq(written(root), "{\"e\":[ 5 ]}");
}

Test(doc, elements_are_inserted_replaced_and_moved, .fini = release_all)
{
    doc_id root = parse("[1,[2]]");
    doc_id inner = doc_element(&doc, root, 1);

    cr_assert(doc_insert(&doc, root, 0, doc_new_integer(&doc, INT64_MIN)));
    cr_assert(doc_insert(&doc, root, 2, doc_new_string(&doc, "a\"b", 3)));
    cr_assert(doc_insert(&doc, root, 4, parse_more("null")));
    cr_assert_str_eq(written(root), "[-9223372036854775808,1,\"a\\\"b\",[2],null]");
    cr_assert(doc_replace(&doc, doc_element(&doc, inner, 0), parse_more("{}")));
    doc_remove(&doc, inner);
    cr_assert(doc_insert(&doc, root, 0, inner));
    cr_assert_str_eq(written(root), "[[{}],-9223372036854775808,1,\"a\\\"b\",null]");
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(doc_at(&doc, doc_element(&doc, root, i))->parent, root);
    cr_assert(slice_equal(doc_string(&doc, doc_element(&doc, root, 3)), slice_text("a\"b")));
}

Test(doc, the_root_can_be_replaced, .fini = release_all)
{
    doc_id old = parse("{\"a\":1}");

    cr_assert(doc_replace(&doc, old, parse_more("[ 1 ]")));
    cr_assert_str_eq(written(doc.root), "[ 1 ]");
    cr_assert_str_eq(written(old), "{\"a\":1}");
}

Test(doc, a_copy_is_independent, .fini = release_all)
{
    doc_id root = parse("{\"a\":{\"\\u0062\":[1,{\"c\":[]}],\"d\":\"\\n\"},\"e\":2}");
    doc_id copy = doc_copy(&doc, &doc, member(root, "a"));

    cr_assert_str_eq(written(copy), "{\"\\u0062\":[1,{\"c\":[]}],\"d\":\"\\n\"}");
    cr_assert_null(doc_at(&doc, copy)->key);
    cr_assert(doc_insert(&doc, member(copy, "b"), 0, doc_new_integer(&doc, 0)));
    cr_assert_str_eq(written(copy), "{\"\\u0062\":[0,1,{\"c\":[]}],\"d\":\"\\n\"}");
    cr_assert_str_eq(written(root), "{\"a\":{\"\\u0062\":[1,{\"c\":[]}],\"d\":\"\\n\"},\"e\":2}");
    cr_assert(doc_set(&doc, root, "f", 1, doc_copy(&doc, &doc, copy)));
    cr_assert_str_eq(written(member(root, "f")), written(copy));
}

Test(doc, a_copy_outlives_the_doc_it_came_from, .fini = release_all)
{
    static const char text[] = "{\"k\\t\":\"v\\n\"}";
    struct doc from = DOC_INIT;
    doc_id copy;

    cr_assert(doc_parse(&from, text, strlen(text), NULL));
    cr_assert(doc_set(&from, from.root, "s", 1, doc_new_string(&from, "plain", 5)));
    cr_assert(doc_set(&from, from.root, "i\n", 2, doc_new_integer(&from, 42)));
    parse("{}");
    copy = doc_copy(&doc, &from, from.root);
    doc_release(&from);
    cr_assert_neq(copy, DOC_NONE);
    cr_assert_str_eq(written(copy), "{\"k\\t\":\"v\\n\",\"s\":\"plain\",\"i\\n\":42}");
    cr_assert(slice_equal(doc_string(&doc, member(copy, "k\t")), slice_text("v\n")));
    cr_assert(slice_equal(doc_string(&doc, member(copy, "s")), slice_text("plain")));
}

Test(doc, a_walk_visits_every_node_in_document_order, .fini = release_all)
{
    doc_id root = parse("[[1,[2]],{\"a\":3,\"b\":[]},4]");
    size_t inner = 0;
    size_t all = 0;

    for (doc_id id = root; id != DOC_NONE; id = doc_walk(&doc, root, id, true))
        all++;
    for (doc_id id = root; id != DOC_NONE; id = doc_walk(&doc, root, id, id == root))
        inner++;
    cr_assert_eq(all, 9);
    cr_assert_eq(inner, 4);
    cr_assert_eq(doc_walk(&doc, doc_element(&doc, root, 2), doc_element(&doc, root, 2), true), DOC_NONE);
}
