/* test_json_scan.c - a scanner of JSON in pieces: as libstore's parser, never stricter. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "fusefs/json_scan.h"
#include "store.h"

TestSuite(json_scan, .timeout = 60);

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TEXT(text) { (text), sizeof(text) - 1 }

enum verdict { HOPELESS, UNFINISHED, COMPLETE };

static enum verdict verdict_of(const char *text, size_t size)
{
    struct json_scan *scan = json_scan_new();
    enum verdict verdict = HOPELESS;

    cr_assert_not_null(scan);
    if (json_scan_feed(scan, text, size))
        verdict = json_scan_complete(scan) ? COMPLETE : UNFINISHED;
    else
        cr_assert_not(json_scan_complete(scan));
    json_scan_free(scan);
    return verdict;
}

/* How many bytes may be fed before the answer is no. */
static size_t hope_of(struct slice text)
{
    struct json_scan *scan = json_scan_new();
    const char *data = text.data;
    size_t at = 0;

    while (at < text.size && json_scan_feed(scan, data + at, 1))
        at++;
    if (at < text.size)
        cr_assert_not(json_scan_feed(scan, " ", 1), "there is no way back");
    json_scan_free(scan);
    return at;
}

static const struct slice complete[] = {
    TEXT("null"), TEXT("true"), TEXT("false"), TEXT("\"\""), TEXT("[]"), TEXT("{}"), TEXT("0"), TEXT("-0"),
    TEXT("\t\n\r [\t\n\r ] \t\n\r "), TEXT("{ \"a\" : [ 1 , 2.5e-3 , { } ] , \"b\" : null }"), TEXT("10"),
    TEXT("1.5"), TEXT("1E+2 "), TEXT("0e0"), TEXT("[0,-1,true,false,null,\"\"]"), TEXT("\"\\u00e9\\\\\\\"\""),
    TEXT("\"\\ud83d\\ude00\\uDBFF\\uDFFF\\ud7ff\\ue000\""), TEXT("\"\x7f\xC2\x80\xE0\xA0\x80\xED\x9F\xBF\""),
    TEXT("\"\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""), TEXT("{\"a\":1,\"a\":2}"),
};

static const struct slice unfinished[] = {
    TEXT(""), TEXT(" "), TEXT("nul"), TEXT("\""), TEXT("\"\\"), TEXT("\"\\u12"), TEXT("\"\\ud83d"),
    TEXT("\"\xE2\x82"), TEXT("["), TEXT("[1"), TEXT("[1,"), TEXT("{"), TEXT("{\"a\""), TEXT("{\"a\":"),
    TEXT("{\"a\":1,"), TEXT("-"), TEXT("1."), TEXT("1e"), TEXT("1e+"), TEXT("[[]"),
};

/* The last byte is the first that cannot be mended. */
static const struct slice hopeless[] = {
    TEXT("\xEF"), TEXT("N"), TEXT("nulL"), TEXT("truef"), TEXT("'"), TEXT("1 2"), TEXT("[] ["), TEXT("[]]"),
    TEXT("{}}"), TEXT("[,"), TEXT("[1,]"), TEXT("[1 2"), TEXT("[1:"), TEXT("[1}"), TEXT("{]"), TEXT("{,"),
    TEXT("{\"a\":1,}"), TEXT("{\"a\" 1"), TEXT("{\"a\"}"), TEXT("{\"a\":}"), TEXT("{a"), TEXT("{1"), TEXT("{\"a\":1]"),
    TEXT("]"), TEXT("+"), TEXT("--"), TEXT("01"), TEXT("-00"), TEXT("1.e"), TEXT("1.."), TEXT("1e1."), TEXT("1ee"),
    TEXT("1a"), TEXT("\"\\a"), TEXT("\"\\U"), TEXT("\"\\u00g"), TEXT("\"\n"), TEXT("\"\x1f"), TEXT("\"\0"),
    TEXT("\"\\udc"), TEXT("\"\\ud800\""), TEXT("\"\\ud800\\n"), TEXT("\"\\ud800\\u0"), TEXT("\"\\ud800\\ud8"),
    TEXT("\"\x80"), TEXT("\"\xC0"), TEXT("\"\xC1"), TEXT("\"\xC3("), TEXT("\"\xE0\x9F"), TEXT("\"\xED\xA0"),
    TEXT("\"\xF0\x8F"), TEXT("\"\xF4\x90"), TEXT("\"\xF5"), TEXT("\"\xE2\x82\""), TEXT("\0"), TEXT("[\f"),
};

Test(json_scan, whole_documents_are_complete)
{
    for (size_t i = 0; i < COUNT(complete); i++)
        cr_expect_eq(verdict_of(complete[i].data, complete[i].size), COMPLETE, "%zu: %s", i,
                     (const char *)complete[i].data);
}

Test(json_scan, beginnings_are_neither_complete_nor_refused)
{
    for (size_t i = 0; i < COUNT(unfinished); i++)
        cr_expect_eq(verdict_of(unfinished[i].data, unfinished[i].size), UNFINISHED, "%zu: %s", i,
                     (const char *)unfinished[i].data);
}

Test(json_scan, the_first_byte_that_cannot_be_mended_is_refused)
{
    for (size_t i = 0; i < COUNT(hopeless); i++)
        cr_expect_eq(hope_of(hopeless[i]), hopeless[i].size - 1, "%zu: %s", i, (const char *)hopeless[i].data);
}

Test(json_scan, nesting_may_be_as_deep_as_the_store_allows)
{
    struct json_scan *scan = json_scan_new();

    for (int i = 0; i < STORE_DEPTH_MAX; i++)
        cr_assert(json_scan_feed(scan, i % 3 ? "[" : "{\"\":", i % 3 ? 1 : 4));
    cr_assert(json_scan_feed(scan, "0", 1));
    for (int i = STORE_DEPTH_MAX; i > 0; i--) {
        cr_assert_not(json_scan_complete(scan));
        cr_assert(json_scan_feed(scan, (i - 1) % 3 ? "]" : "}", 1), "%d", i);
    }
    cr_assert(json_scan_complete(scan));
    json_scan_free(scan);

    scan = json_scan_new();
    for (int i = 0; i < STORE_DEPTH_MAX; i++)
        cr_assert(json_scan_feed(scan, "[", 1));
    cr_assert_not(json_scan_feed(scan, "[", 1));
    json_scan_free(scan);
}

/* --- against the parser: whatever it accepts must pass, in any pieces */

static uint64_t seed = 0x9E3779B97F4A7C15u;

static unsigned below(unsigned limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % limit;
}

struct text {
    char data[4096];
    size_t size;
};

static void add(struct text *text, const char *piece)
{
    size_t size = strlen(piece);

    if (text->size + size > sizeof text->data)
        return;
    memcpy(text->data + text->size, piece, size);
    text->size += size;
}

static void add_value(struct text *text, unsigned depth)
{
    static const char *const scalars[] = {
        "null", "true", "false", "0", "-1", "12.50", "1e9", "-0.0E-5", "\"\"", "\"plain text, rather long\"",
        "\"\\u00e9\\ud83d\\ude00\\n\"", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"", " 7 ", "\n\"x\"\t",
    };
    static const char *const names[] = { "\"a\":", "\"b\" : ", "\"\\u0041\":", "\"\xC3\xA9\":", "\"\":" };
    bool object = below(2);
    unsigned count = below(4);

    if (depth == 0 || below(3) == 0) {
        add(text, scalars[below(COUNT(scalars))]);
        return;
    }
    add(text, object ? "{" : "[");
    for (unsigned i = 0; i < count; i++) {
        add(text, i ? "," : " ");
        if (object)
            add(text, names[(i + below(2)) % COUNT(names)]);
        add_value(text, depth - 1);
    }
    add(text, object ? "}" : "]");
}

static void mutate(struct text *text)
{
    static const char bytes[] = "\"\\{}[],:0123456789eE+-.u dDaA89cCfF\n\x80\xBF\xC3\xE0\xED\xF0\xF4tnl/";

    for (unsigned i = below(3); i > 0 && text->size > 1; i--) {
        size_t at = below((unsigned)text->size);

        switch (below(3)) {
        case 0:
            text->data[at] = bytes[below(sizeof bytes - 1)];
            break;
        case 1:
            memmove(text->data + at, text->data + at + 1, text->size - at - 1);
            text->size--;
            break;
        default:
            text->size = at + 1;
        }
    }
}

static enum verdict verdict_in_pieces(const struct text *text)
{
    struct json_scan *scan = json_scan_new();
    enum verdict verdict = HOPELESS;
    size_t at = 0;

    while (at < text->size) {
        size_t size = 1 + below(below(2) ? 4 : 64);

        size = size < text->size - at ? size : text->size - at;
        if (!json_scan_feed(scan, text->data + at, size))
            break;
        at += size;
    }
    if (at == text->size)
        verdict = json_scan_complete(scan) ? COMPLETE : UNFINISHED;
    json_scan_free(scan);
    return verdict;
}

Test(json_scan, what_the_store_reads_is_never_refused)
{
    struct doc doc = DOC_INIT;
    unsigned good = 0, bad = 0;

    for (int i = 0; i < 200000; i++) {
        struct doc_error error = { 0 };
        struct text text = { .size = 0 };
        enum verdict verdict;

        add_value(&text, 5);
        mutate(&text);
        verdict = verdict_in_pieces(&text);
        if (doc_parse(&doc, text.data, text.size, &error)) {
            cr_assert_eq(verdict, COMPLETE, "%.*s", (int)text.size, text.data);
            good++;
        } else if (verdict == COMPLETE) {
            /* What the scanner leaves to the parser. */
            cr_assert(strstr(error.detail, "two members") || strstr(error.detail, "out of range"), "%s: %.*s",
                      error.detail, (int)text.size, text.data);
        } else {
            bad++;
        }
    }
    doc_release(&doc);
    cr_assert_gt(good, 10000);
    cr_assert_gt(bad, 10000);
}
