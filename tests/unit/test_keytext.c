/* test_keytext.c - key values, key text and key bytes, and the bijections between them. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keytext.h"
#include "location.h"

enum { ROOM = 4096 };

#define INTEGER(n) { KEY_INTEGER, (n), { NULL, 0 } }
#define STRING(text) { KEY_STRING, 0, { (text), sizeof(text) - 1 } }
#define BOOLEAN(n) { KEY_BOOLEAN, (n), { NULL, 0 } }

static const struct {
    const char *text;
    size_t count;
    struct key_value values[3];
} forms[] = {
    { "0", 1, { INTEGER(0) } },
    { "7", 1, { INTEGER(7) } },
    { "-1", 1, { INTEGER(-1) } },
    { "9223372036854775807", 1, { INTEGER(INT64_MAX) } },
    { "-9223372036854775808", 1, { INTEGER(INT64_MIN) } },
    { "true", 1, { BOOLEAN(1) } },
    { "false", 1, { BOOLEAN(0) } },
    { "ada", 1, { STRING("ada") } },
    { "a.b.", 1, { STRING("a.b.") } },
    { "%2E", 1, { STRING(".") } },
    { "%2E.", 1, { STRING("..") } },
    { "%2Eprofile", 1, { STRING(".profile") } },
    { "100%25", 1, { STRING("100%") } },
    { "%2541", 1, { STRING("%41") } },
    { "a%7Cb", 1, { STRING("a|b") } },
    { "a%2Fb", 1, { STRING("a/b") } },
    { "a%00b", 1, { STRING("a\0b") } },
    { "%00", 1, { STRING("\0") } },
    { "%25%7C%2F%00.", 1, { STRING("%|/\0.") } },
    { "caf\xC3\xA9 \xF0\x9F\x98\x80", 1, { STRING("caf\xC3\xA9 \xF0\x9F\x98\x80") } },
    { "\x01\x7f", 1, { STRING("\x01\x7f") } },
    { "7|a%7Cb|true", 3, { INTEGER(7), STRING("a|b"), BOOLEAN(1) } },
    { "|", 2, { STRING(""), STRING("") } },
    { "||", 3, { STRING(""), STRING(""), STRING("") } },
    { "a|", 2, { STRING("a"), STRING("") } },
    { "|%2E", 2, { STRING(""), STRING(".") } },
    { "%2E|%2E.", 2, { STRING("."), STRING("..") } },
};

static bool same(const struct key_value *a, const struct key_value *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i].type != b[i].type || a[i].integer != b[i].integer || !slice_equal(a[i].string, b[i].string))
            return false;
    return true;
}

static void types_of(enum key_type *types, const struct key_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        types[i] = values[i].type;
}

Test(keytext, values_have_one_text_and_it_parses_back)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char text[ROOM], scratch[ROOM];
        enum key_type types[KEY_PARTS_MAX];
        struct key_value parsed[KEY_PARTS_MAX];

        size_t size = key_text_write(text, sizeof text, forms[i].values, forms[i].count);
        cr_assert_eq(size, strlen(forms[i].text), "%s", forms[i].text);
        cr_expect_str_eq(text, forms[i].text);
        types_of(types, forms[i].values, forms[i].count);
        cr_assert(key_text_parse(parsed, types, forms[i].count, text, size, scratch), "%s", text);
        cr_expect(same(parsed, forms[i].values, forms[i].count), "%s", text);
        cr_expect_null(location_name_fault(text, size), "a key's text is a name: %s", text);
    }
}

Test(keytext, an_integer_has_no_second_spelling)
{
    static const char *const wrong[] = {
        "", "007", "+7", "-0", "00", "-", "--1", "7 ", " 7", "7.0", "1e3", "0x7", "-01", "seven",
        "9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999999",
        "%37", "7|", "7|8",
    };
    enum key_type type = KEY_INTEGER;
    struct key_value value;
    char scratch[ROOM];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect(!key_text_parse(&value, &type, 1, wrong[i], strlen(wrong[i]), scratch), "%s", wrong[i]);
}

Test(keytext, a_boolean_has_no_second_spelling)
{
    static const char *const wrong[] = { "", "True", "1", "0", "tru", "truee", "%74rue" };
    enum key_type type = KEY_BOOLEAN;
    struct key_value value;
    char scratch[ROOM];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect(!key_text_parse(&value, &type, 1, wrong[i], strlen(wrong[i]), scratch), "%s", wrong[i]);
}

Test(keytext, a_string_has_no_second_spelling)
{
    static const struct slice wrong[] = {
        { "", 0 },       { "%", 1 },      { "%2", 2 },     { "a%", 2 },     { "%41", 3 },   { "%2e", 3 },
        { "%7c", 3 },    { "%2f", 3 },    { "%zz", 3 },    { ".", 1 },      { "..", 2 },    { ".a", 2 },
        { "a%2E", 4 },   { "a/b", 3 },    { "a|b", 3 },    { "a\0b", 3 },   { "\xC3", 1 },  { "\xED\xA0\x80", 3 },
        { "%C3%A9", 6 }, { "%2E%2E", 6 }, { "a%20b", 5 },  { "%25%", 4 },
    };
    enum key_type type = KEY_STRING;
    struct key_value value;
    char scratch[ROOM];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect(!key_text_parse(&value, &type, 1, wrong[i].data, wrong[i].size, scratch), "%.*s",
                  (int)wrong[i].size, (const char *)wrong[i].data);
}

Test(keytext, a_compound_key_has_exactly_its_components)
{
    static const enum key_type types[] = { KEY_STRING, KEY_INTEGER };
    static const char *const wrong[] = { "", "a", "a|", "a|b", "a|1|", "a|1|2", "|", ".|1" };
    struct key_value values[2];
    char scratch[ROOM];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect(!key_text_parse(values, types, 2, wrong[i], strlen(wrong[i]), scratch), "%s", wrong[i]);
    cr_expect(key_text_parse(values, types, 2, "|1", 2, scratch));
}

Test(keytext, nothing_is_written_beyond_the_capacity)
{
    static const struct key_value values[] = { STRING("a|b"), INTEGER(-12) };
    char text[16];
    unsigned char bytes[16];

    for (size_t capacity = 0; capacity <= 10; capacity++) {
        memset(text, '#', sizeof text);
        size_t size = key_text_write(text, capacity, values, 2);
        cr_expect_eq(size, capacity >= 10 ? 9 : SIZE_MAX, "capacity %zu", capacity);
        cr_expect_eq(text[capacity], '#');
    }
    for (size_t capacity = 0; capacity <= 13; capacity++) {
        memset(bytes, '#', sizeof bytes);
        size_t size = key_bytes_write(bytes, capacity, values, 2);
        cr_expect_eq(size, capacity >= 13 ? 13 : SIZE_MAX, "capacity %zu", capacity);
        cr_expect_eq(bytes[capacity], '#');
    }
}

/* The format itself, byte by byte: it cannot drift. */
Test(keytext, bytes_are_those_of_the_format)
{
    static const struct key_value values[] = { INTEGER(-2), STRING("a\0b"), BOOLEAN(1) };
    static const unsigned char expected[] = {
        0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 'a', 0x00, 0xff, 'b', 0x00, 0x00, 0x01,
    };
    unsigned char bytes[64];

    size_t size = key_bytes_write(bytes, sizeof bytes, values, 3);
    cr_assert_eq(size, sizeof expected);
    cr_expect_eq(memcmp(bytes, expected, size), 0);
}

Test(keytext, damaged_bytes_are_refused)
{
    static const struct {
        enum key_type type;
        struct slice bytes;
    } table[] = {
        { KEY_INTEGER, { "\x80\0\0\0\0\0\0", 7 } }, { KEY_BOOLEAN, { "", 0 } },
        { KEY_BOOLEAN, { "\x02", 1 } },             { KEY_STRING, { "", 0 } },
        { KEY_STRING, { "a", 1 } },                 { KEY_STRING, { "a\0", 2 } },
        { KEY_STRING, { "a\0\x01", 3 } },           { KEY_STRING, { "a\0\xff", 3 } },
        { KEY_STRING, { "\xff\0\0", 3 } },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct key_value value;
        char scratch[16];
        size_t used;
        cr_expect(!key_bytes_parse(&value, &table[i].type, 1, table[i].bytes.data, table[i].bytes.size, scratch,
                                   &used), "row %zu", i);
    }
}

/* In the order that SPEC 2 gives them. */
static const struct key_value integers[] = {
    INTEGER(INT64_MIN), INTEGER(INT64_MIN + 1), INTEGER(-4294967297), INTEGER(-256), INTEGER(-255), INTEGER(-2),
    INTEGER(-1), INTEGER(0), INTEGER(1), INTEGER(9), INTEGER(10), INTEGER(255), INTEGER(256), INTEGER(65536),
    INTEGER(4294967296), INTEGER(INT64_MAX - 1), INTEGER(INT64_MAX),
};

static const struct key_value strings[] = {
    STRING(""), STRING("\0"), STRING("\0\0"), STRING("\0\x01"), STRING("\0a"), STRING("\x01"), STRING("\x01\0"),
    STRING("%"), STRING("."), STRING(".."), STRING("/"), STRING("A"), STRING("a"), STRING("a\0"),
    STRING("a\0\0"), STRING("a\0b"), STRING("a\x01"), STRING("aa"), STRING("ab"), STRING("b"), STRING("|"),
    STRING("\x7f"), STRING("\xC3\xA9"), STRING("\xEF\xBF\xBF"), STRING("\xF0\x90\x80\x80"),
};

static void expect_ascending(const struct key_value *values, size_t count)
{
    unsigned char a[64], b[64];

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            size_t left = key_bytes_write(a, sizeof a, &values[i], 1);
            size_t right = key_bytes_write(b, sizeof b, &values[j], 1);
            int order = memcmp(a, b, left < right ? left : right);
            if (order == 0 && i != j)
                cr_expect_fail("one encoding is a prefix of another: %zu, %zu", i, j);
            cr_expect_eq((order > 0) - (order < 0), (i > j) - (i < j), "%zu, %zu", i, j);
        }
    }
}

Test(keytext, integers_sort_by_value)
{
    expect_ascending(integers, sizeof integers / sizeof integers[0]);
}

Test(keytext, strings_sort_by_code_point)
{
    expect_ascending(strings, sizeof strings / sizeof strings[0]);
}

Test(keytext, false_sorts_before_true)
{
    static const struct key_value booleans[] = { BOOLEAN(0), BOOLEAN(1) };

    expect_ascending(booleans, 2);
}

/* The laws, over all triples of these. */
static const char *const firsts[] = {
    "", "a", ".", "..", "%", "%25", "|", "||", "/", "a/b|c%", "0", "true", "\x01", "\xC3\xA9", "a.", "%7C", "\x7f",
};
static const int64_t middles[] = { INT64_MIN, -4294967296, -10, -1, 0, 1, 7, 255, 256, 1000000, INT64_MAX };
static const char *const lasts[] = { "", "a", ".", "..", "%", "|", "/", "\xF0\x9F\x98\x80", "%00" };

static void expect_round_trips(const char *first, int64_t middle, const char *last)
{
    const struct key_value values[] = {
        { KEY_STRING, 0, slice_text(first) }, INTEGER(middle), { KEY_STRING, 0, slice_text(last) },
    };
    static const enum key_type types[] = { KEY_STRING, KEY_INTEGER, KEY_STRING };
    struct key_value parsed[3];
    char text[256], scratch[256];
    unsigned char bytes[256];
    size_t used;

    size_t size = key_text_write(text, sizeof text, values, 3);
    cr_assert_neq(size, SIZE_MAX);
    cr_assert(key_text_parse(parsed, types, 3, text, size, scratch), "%s", text);
    cr_assert(same(parsed, values, 3), "%s", text);
    size = key_bytes_write(bytes, sizeof bytes, values, 3);
    cr_assert(key_bytes_parse(parsed, types, 3, bytes, size, scratch, &used), "%s", text);
    cr_assert(used == size && same(parsed, values, 3), "%s", text);
}

Test(keytext, every_form_leads_back)
{
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++)
        for (size_t j = 0; j < sizeof middles / sizeof middles[0]; j++)
            for (size_t k = 0; k < sizeof lasts / sizeof lasts[0]; k++)
                expect_round_trips(firsts[i], middles[j], lasts[k]);
}

/* Pseudo-random text: whatever parses is written back as it was. */
Test(keytext, text_that_parses_is_the_text_of_its_values)
{
    static const char alphabet[] = "%|/.0257CEFa-\xC3\xA9";
    static const enum key_type types[][2] = {
        { KEY_STRING, KEY_STRING }, { KEY_INTEGER, KEY_STRING }, { KEY_STRING, KEY_BOOLEAN },
    };
    uint32_t seed = 12345;
    size_t parsed_count = 0;

    for (int round = 0; round < 300000; round++) {
        char text[16], scratch[16], again[64];
        struct key_value values[2];
        size_t size = 1 + (seed >> 16) % 12;
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        size_t count = 1 + (seed >> 20) % 2;
        if (!key_text_parse(values, types[round % 3], count, text, size, scratch))
            continue;
        parsed_count++;
        size_t written = key_text_write(again, sizeof again, values, count);
        cr_assert(written == size && memcmp(again, text, size) == 0, "%.*s", (int)size, text);
    }
    cr_expect_gt(parsed_count, 1000, "the text is random, but not hopeless: %zu", parsed_count);
}
