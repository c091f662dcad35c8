/* test_location.c - locations and names as text. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "location.h"
#include "problem.h"

static bool slice_is(struct slice slice, const char *text)
{
    return slice_equal(slice, slice_text(text));
}

static const struct {
    const char *text;
    const char *kept;
    size_t names;
    bool collection;
} good[] = {
    { "/", "/", 0, true },
    { "/people", "/people", 1, false },
    { "/people/", "/people", 1, true },
    { "/people/ada", "/people/ada", 2, false },
    { "/a/b/c/", "/a/b/c", 3, true },
    { "/...", "/...", 1, false },
    { "/.hidden/..b/a..", "/.hidden/..b/a..", 3, false },
    { "/a b/\t\n\x7f", "/a b/\t\n\x7f", 2, false },
    { "/100%/7|8", "/100%/7|8", 2, false },
    { "/\xC3\xA9/\xE2\x82\xAC/\xF0\x9F\x98\x80", "/\xC3\xA9/\xE2\x82\xAC/\xF0\x9F\x98\x80", 3, false },
    { "/\xF4\x8F\xBF\xBF/\xED\x9F\xBF/\xEE\x80\x80", "/\xF4\x8F\xBF\xBF/\xED\x9F\xBF/\xEE\x80\x80", 3, false },
};

Test(location, a_good_one_is_taken_apart)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct location location;
        cr_assert_eq(location_parse(&location, good[i].text), STORE_OK, "%s", good[i].text);
        cr_expect(slice_is(location.text, good[i].kept), "%s", good[i].text);
        cr_expect_eq(location.names, good[i].names, "%s", good[i].text);
        cr_expect_eq(location.collection, good[i].collection, "%s", good[i].text);
    }
}

Test(location, knows_where_the_parent_ends)
{
    static const struct {
        const char *text;
        size_t parent;
    } cases[] = { { "/", 0 }, { "/people", 0 }, { "/people/", 0 }, { "/people/ada", 7 }, { "/people/ada/", 7 },
                  { "/people/ada/phones", 11 } };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct location location;
        cr_assert_eq(location_parse(&location, cases[i].text), STORE_OK, "%s", cases[i].text);
        cr_expect_eq(location.parent, cases[i].parent, "%s", cases[i].text);
    }
}

/* Names are read eight bytes at a time: whatever ends one may stand anywhere among them. */
Test(location, a_name_ends_wherever_its_end_stands)
{
    for (size_t before = 1; before <= 24; before++) {
        for (size_t after = 1; after <= 24; after++) {
            struct location location;
            char text[64];
            snprintf(text, sizeof text, "/%.*s/%.*s", (int)before, "aaaaaaaaaaaaaaaaaaaaaaaa", (int)after,
                     "bbbbbbbbbbbbbbbbbbbbbbbb");
            cr_assert_eq(location_parse(&location, text), STORE_OK, "%s", text);
            cr_assert_eq(location.names, 2, "%s", text);
            cr_assert_eq(location.parent, before + 1, "%s", text);
            text[1 + before + after] = '\x80';
            cr_assert_eq(location_parse(&location, text), STORE_BAD_LOCATION, "%s", text);
            text[1 + before + after] = '/';
            cr_assert_eq(location_parse(&location, text), after == 1 ? STORE_BAD_LOCATION : STORE_OK, "%s", text);
        }
    }
}

static const char *const bad[] = {
    "", "people", " /people", "//", "/people//", "/people//ada", "//people", "/.", "/..", "/./", "/../a",
    "/a/./b", "/a/..", "/a/../", "/\x80", "/\xC0\xAF", "/\xC1\xBF", "/\xE0\x80\xAF", "/\xE0\x9F\xBF",
    "/\xED\xA0\x80", "/\xED\xBF\xBF", "/\xF0\x80\x80\x80", "/\xF0\x8F\xBF\xBF", "/\xF4\x90\x80\x80",
    "/\xF5\x80\x80\x80", "/\xFF", "/a\xC3", "/a\xC3/b", "/\xE2\x82", "/\xE2\x82/", "/\xF0\x9F\x98",
    "/\xF0\x9F\x98/x",
};

Test(location, a_bad_one_is_refused_and_named)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct location location;
        problem_reset();
        cr_assert_eq(location_parse(&location, bad[i]), STORE_BAD_LOCATION, "%s", bad[i]);
        cr_expect_eq(store_problem_last()->os_error, EINVAL, "%s", bad[i]);
        cr_expect_str_eq(store_problem_last()->location, bad[i]);
        cr_expect_eq(location.text.size, 0);
    }
    struct location location;
    cr_expect_eq(location_parse(&location, NULL), STORE_BAD_LOCATION);
}

/* "/" and names of `name_size` bytes, `size` bytes in all. */
static void fill(char *text, size_t size, size_t name_size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = i % (name_size + 1) == 0 ? '/' : 'x';
    text[size] = '\0';
}

static void expect_length(size_t size, size_t name_size, bool fits)
{
    char text[8192];
    struct location location;

    fill(text, size, name_size);
    problem_reset();
    int code = location_parse(&location, text);
    cr_expect_eq(code, fits ? STORE_OK : STORE_BAD_LOCATION, "%zu bytes, names of %zu", size, name_size);
    cr_expect_eq(store_problem_last()->os_error, fits ? 0 : ENAMETOOLONG);
}

Test(location, lengths_have_limits_and_an_errno_of_their_own)
{
    expect_length(256, 255, true);
    expect_length(257, 256, false);
    expect_length(4096, 255, true);
    expect_length(4097, 255, false);
    expect_length(8000, 255, false);
    expect_length(4096, 3000, false);
}

Test(location, names_come_one_by_one)
{
    struct slice rest = slice_text("/people/ada/x"), name;

    cr_assert(location_next(&name, &rest));
    cr_expect(slice_is(name, "people") && slice_is(rest, "/ada/x"));
    cr_assert(location_next(&name, &rest));
    cr_expect(slice_is(name, "ada"));
    cr_assert(location_next(&name, &rest));
    cr_expect(slice_is(name, "x") && rest.size == 0);
    cr_expect(!location_next(&name, &rest));
    rest = slice_text("/");
    cr_expect(!location_next(&name, &rest), "the root has no name");
}

Test(location, the_last_name_splits_off)
{
    struct slice parent, name;

    cr_assert(location_split(slice_text("/people/ada"), &parent, &name));
    cr_expect(slice_is(parent, "/people") && slice_is(name, "ada"));
    cr_assert(location_split(slice_text("/ada"), &parent, &name));
    cr_expect(slice_is(parent, "/") && slice_is(name, "ada"));
    cr_expect(!location_split(slice_text("/"), &parent, &name));
}

Test(location, splitting_and_appending_are_inverse)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char text[STORE_LOCATION_MAX + 1] = "";
        size_t size = 0;
        struct slice rest = slice_text(good[i].kept), name;
        while (location_next(&name, &rest))
            cr_assert(location_append(text, &size, name));
        cr_expect_str_eq(good[i].names == 0 ? "/" : text, good[i].kept);
    }
}

Test(location, appending_stops_at_the_limit_and_changes_nothing)
{
    char text[STORE_LOCATION_MAX + 1] = "/";
    char name[STORE_NAME_MAX + 1];
    size_t size = 1;

    memset(name, 'n', sizeof name);
    for (int i = 0; i < 16; i++)
        cr_assert(location_append(text, &size, slice_of(name, STORE_NAME_MAX)));
    cr_expect_eq(size, 4096);
    cr_expect(!location_append(text, &size, slice_of(name, 1)));
    cr_expect_eq(size, 4096);
    cr_expect_eq(strlen(text), 4096);
}

Test(location, within_means_the_same_or_below)
{
    static const struct {
        const char *inner, *outer;
        bool within;
    } table[] = {
        { "/a", "/", true },       { "/", "/", true },      { "/a", "/a", true },    { "/a/b", "/a", true },
        { "/ab", "/a", false },    { "/a", "/a/b", false }, { "/", "/a", false },    { "/b/a", "/a", false },
        { "/a/b/c", "/a/b", true }, { "/a/bc", "/a/b", false },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        cr_expect_eq(location_within(slice_text(table[i].inner), slice_text(table[i].outer)), table[i].within,
                     "%s in %s", table[i].inner, table[i].outer);
}

Test(location, a_name_is_checked_by_itself)
{
    char longest[STORE_NAME_MAX + 1];

    memset(longest, 'n', sizeof longest);
    cr_expect_null(location_name_fault("ada", 3));
    cr_expect_null(location_name_fault("...", 3));
    cr_expect_null(location_name_fault(longest, STORE_NAME_MAX));
    cr_expect_not_null(location_name_fault(longest, STORE_NAME_MAX + 1));
    cr_expect_not_null(location_name_fault("", 0));
    cr_expect_not_null(location_name_fault(".", 1));
    cr_expect_not_null(location_name_fault("..", 2));
    cr_expect_not_null(location_name_fault("a/b", 3));
    cr_expect_not_null(location_name_fault("/", 1));
    cr_expect_not_null(location_name_fault("a\0b", 3));
    cr_expect_not_null(location_name_fault("a\xC3", 2));
}

/* The definition of UTF-8, by encoding every code point. */
Test(location, utf8_is_what_encoding_every_code_point_gives)
{
    for (unsigned point = 0; point <= 0x10FFFF; point++) {
        unsigned char text[4];
        size_t size = 0;
        if (point < 0x80) {
            text[size++] = (unsigned char)point;
        } else if (point < 0x800) {
            text[size++] = (unsigned char)(0xC0 | point >> 6);
        } else if (point < 0x10000) {
            text[size++] = (unsigned char)(0xE0 | point >> 12);
            text[size++] = (unsigned char)(0x80 | (point >> 6 & 0x3F));
        } else {
            text[size++] = (unsigned char)(0xF0 | point >> 18);
            text[size++] = (unsigned char)(0x80 | (point >> 12 & 0x3F));
            text[size++] = (unsigned char)(0x80 | (point >> 6 & 0x3F));
        }
        if (point >= 0x80)
            text[size++] = (unsigned char)(0x80 | (point & 0x3F));
        cr_assert(!utf8_valid((char *)text + 1, size - 1) || size == 1, "U+%04X without its first byte", point);
        bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        cr_assert(size == 1 || !utf8_valid((char *)text, size - 1), "U+%04X cut short", point);
        cr_assert_eq(utf8_valid((char *)text, size), !surrogate, "U+%04X", point);
    }
}

Test(location, utf8_is_checked_behind_long_ascii_too)
{
    cr_expect(utf8_valid("", 0));
    cr_expect(utf8_valid("0123456789abcdef\xC3\xA9", 18));
    cr_expect(!utf8_valid("0123456789abcdef\xC3", 17));
    cr_expect(!utf8_valid("0123456\x80" "89abcdef", 16));
}
