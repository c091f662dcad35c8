/* test_buffer.c - bytes that grow, and JSON string escaping. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

TestSuite(buffer, .timeout = 30);

Test(buffer, appends_keep_order_and_end_with_nul)
{
    struct buffer b = BUFFER_INIT;

    buffer_text(&b, "one ");
    buffer_append(&b, "two\0three", 9);
    buffer_append(&b, NULL, 0);
    cr_assert_eq(b.size, 13);
    cr_assert_arr_eq(b.data, "one two\0three", 14);
    cr_assert_not(b.failed);
    buffer_release(&b);
    cr_assert_null(b.data);
}

Test(buffer, grows_byte_by_byte_to_any_size)
{
    struct buffer b = BUFFER_INIT;

    for (int i = 0; i < 100000; i++) {
        char c = (char)('a' + i % 26);

        buffer_append(&b, &c, 1);
        cr_assert_eq(b.data[b.size], '\0');
    }
    cr_assert_eq(b.size, 100000);
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(b.data[i], 'a' + i % 26);
    buffer_release(&b);
}

Test(buffer, formats_across_a_growth)
{
    struct buffer b = BUFFER_INIT;
    char expected[400];

    buffer_text(&b, "x");
    buffer_format(&b, "%s=%0300d", "n", 7);
    snprintf(expected, sizeof(expected), "xn=%0300d", 7);
    cr_assert_str_eq(b.data, expected);
    cr_assert_eq(b.size, strlen(expected));
    buffer_release(&b);
}

Test(buffer, reserved_room_takes_bytes_without_moving)
{
    struct buffer b = BUFFER_INIT;
    char *before;

    cr_assert(buffer_reserve(&b, 1000));
    before = b.data;
    for (int i = 0; i < 1000; i++)
        buffer_append(&b, "y", 1);
    cr_assert_eq(b.data, before);
    buffer_release(&b);
}

Test(buffer, a_size_that_overflows_is_remembered_as_failure)
{
    struct buffer b = BUFFER_INIT;

    buffer_text(&b, "abc");
    cr_assert_not(buffer_reserve(&b, SIZE_MAX - 2));
    cr_assert(b.failed);
    buffer_text(&b, "def");
    buffer_format(&b, "%d", 1);
    cr_assert_eq(b.size, 3, "later appends do nothing");
    cr_assert_null(buffer_detach(&b));
    cr_assert_not(b.failed, "detach leaves an empty buffer");
}

Test(buffer, clear_keeps_the_memory_and_forgets_the_failure)
{
    struct buffer b = BUFFER_INIT;
    size_t capacity;

    buffer_format(&b, "%0500d", 1);
    capacity = b.capacity;
    buffer_reserve(&b, SIZE_MAX);
    buffer_clear(&b);
    cr_assert_eq(b.size, 0);
    cr_assert_eq(b.capacity, capacity);
    cr_assert_not(b.failed);
    cr_assert_str_eq(b.data, "");
    buffer_release(&b);
}

Test(buffer, detach_gives_text_away_even_when_nothing_was_appended)
{
    struct buffer b = BUFFER_INIT;
    char *text = buffer_detach(&b);

    cr_assert_str_eq(text, "");
    free(text);
    buffer_text(&b, "mine");
    text = buffer_detach(&b);
    cr_assert_str_eq(text, "mine");
    cr_assert_null(b.data);
    cr_assert_eq(b.size, 0);
    free(text);
}

static const struct {
    const char *text;
    size_t size;
    const char *json;
} strings[] = {
    { "", 0, "\"\"" },
    { "plain", 5, "\"plain\"" },
    { "a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"" },
    { "\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"" },
    { "\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\"" },
    { "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"" },
    { "a\xFF" "b", 3, "\"a\xEF\xBF\xBD" "b\"" },
    { "\xC3", 1, "\"\xEF\xBF\xBD\"" },
    { "\xC0\xAF", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
    { "\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
    { "\xF4\x90\x80\x80!", 5, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD!\"" },
    { "\xE2\x82\"", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\\\"\"" },
};

Test(buffer, json_strings_are_escaped_and_always_utf8)
{
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        struct buffer b = BUFFER_INIT;

        buffer_json_string(&b, strings[i].text, strings[i].size);
        cr_expect_str_eq(b.data, strings[i].json, "case %zu: %s", i, b.data);
        buffer_release(&b);
    }
}
