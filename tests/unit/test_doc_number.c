/* test_doc_number.c - numbers by their decimal text. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"

TestSuite(doc_number, .timeout = 30);

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct doc doc;

static void release_all(void)
{
    doc_release(&doc);
}

static doc_id parse(const char *text)
{
    cr_assert(doc_parse(&doc, text, strlen(text), NULL), "%s", text);
    return doc.root;
}

static const struct {
    const char *text;
    bool integer;
    bool fits;
    int64_t value;
} integers[] = {
    { "0", true, true, 0 }, { "-0", true, true, 0 }, { "0.000", true, true, 0 },
    { "0e999999999999", true, true, 0 }, { "1.0", true, true, 1 }, { "1e3", true, true, 1000 },
    { "10E-1", true, true, 1 }, { "1.50e1", true, true, 15 }, { "-2.500e+2", true, true, -250 },
    { "1200e-2", true, true, 12 }, { "0.001e3", true, true, 1 },
    { "9223372036854775807", true, true, INT64_MAX }, { "-9223372036854775808", true, true, INT64_MIN },
    { "9223372036854775807.000", true, true, INT64_MAX }, { "9223372036854775808", true, false, 0 },
    { "-9223372036854775809", true, false, 0 }, { "18446744073709551616", true, false, 0 },
    { "9999999999999999999", true, false, 0 }, { "1e19", true, false, 0 }, { "1e300", true, false, 0 },
    { "1.5", false, false, 0 }, { "1e-1", false, false, 0 }, { "10.01", false, false, 0 },
    { "1e-999999999", false, false, 0 }, { "12345678901234567890.5", false, false, 0 },
    { "1.00000000000000000000000000000000001", false, false, 0 },
};

Test(doc_number, integers_are_known_by_their_value, .fini = release_all)
{
    for (size_t i = 0; i < COUNT(integers); i++) {
        doc_id id = parse(integers[i].text);
        int64_t value = 0;

        cr_expect_eq(doc_at(&doc, id)->integer, integers[i].integer, "%s", integers[i].text);
        cr_expect_eq(doc_integer(&doc, id, &value), integers[i].fits, "%s", integers[i].text);
        cr_expect_eq(value, integers[i].value, "%s", integers[i].text);
    }
    cr_assert_not(doc_integer(&doc, parse("\"1\""), &(int64_t){ 0 }));
}

Test(doc_number, reals_are_the_nearest_double, .fini = release_all)
{
    static const char *const reals[] = {
        "0", "0.1", "-1.5e3", "3.141592653589793", "123456789012345678901234567890", "1e-320", "4.9e-324",
        "2.2250738585072011e-308", "1.7976931348623157e308", "9007199254740993", "0.000001e6", "1e22",
        "9007199254740992.99999999999999999999999999999999999",
    };
    struct buffer long_text = BUFFER_INIT;

    for (size_t i = 0; i < COUNT(reals); i++)
        cr_expect_eq(doc_real(&doc, parse(reals[i])), strtod(reals[i], NULL), "%s", reals[i]);
    cr_assert_eq(doc_real(&doc, parse("1e-999999999")), 0.0);
    buffer_text(&long_text, "9007199254740993.");
    for (int i = 0; i < 5000; i++)
        buffer_text(&long_text, "0");
    buffer_text(&long_text, "1");
    cr_assert_eq(doc_real(&doc, parse(long_text.data)), 9007199254740994.0, "the last digit breaks the tie");
    buffer_release(&long_text);
}

static const struct {
    const char *less;
    const char *more;
} ordered[] = {
    { "1", "2" }, { "-2", "-1" }, { "-1", "0" }, { "0", "1e-999999999" }, { "-1e-999999999", "-0" },
    { "9", "10" }, { "0.1", "0.10000000000000000000000000000000000001" }, { "1e-999999999", "1.1e-999999999" },
    { "1e-999999999", "1e-999999998" }, { "-1e300", "-1e299" },
    { "123456789012345678901", "123456789012345678902" }, { "9007199254740992", "9007199254740993" },
    { "0.09", "0.1" }, { "99e-1", "1e1" },
};

Test(doc_number, numbers_compare_by_exact_value)
{
    for (size_t i = 0; i < COUNT(ordered); i++) {
        struct slice less = slice_text(ordered[i].less);
        struct slice more = slice_text(ordered[i].more);

        cr_expect_lt(doc_number_compare(less, more), 0, "%s %s", ordered[i].less, ordered[i].more);
        cr_expect_gt(doc_number_compare(more, less), 0, "%s %s", ordered[i].less, ordered[i].more);
        cr_expect_eq(doc_number_compare(less, less), 0);
    }
}

Test(doc_number, equal_numbers_may_be_written_differently)
{
    static const char *const same[][2] = {
        { "10", "1e1" }, { "10", "10.00" }, { "0", "-0.0e5" }, { "0.001", "1E-3" }, { "-120", "-1.2e2" },
        { "100e-2", "1" }, { "1e-999999999", "10e-1000000000" }, { "0e-999999999999999999999", "0" },
    };

    for (size_t i = 0; i < COUNT(same); i++)
        cr_expect_eq(doc_number_compare(slice_text(same[i][0]), slice_text(same[i][1])), 0, "%s", same[i][0]);
}

static const struct {
    const char *number;
    const char *divisor;
    bool multiple;
} multiples[] = {
    { "0.3", "0.1", true }, { "19.99", "0.01", true }, { "0.35", "0.1", false }, { "10", "3", false },
    { "9", "3", true }, { "-9", "3", true }, { "0", "7", true }, { "1e300", "1e-5", true },
    { "1e300", "7", false }, { "1e300", "1e300", true }, { "1e-5", "1e300", false }, { "4.5", "1.5", true },
    { "1e3", "8", true }, { "100", "8", false }, { "0.0075", "0.00025", true },
    { "123456789012345678901234567890123456789012345678901234567890", "10", true },
    { "3000000000000000000000000000000000003", "1000000000000000000000000000000000001", true },
    { "1e-999999999", "1e-999999999", true }, { "1", "1e-999999999", true }, { "3", "7e-999999999", false },
    { "9999999999999999999999999999999999999", "9999999999999999999999999999999999999", true },
    { "99999999999999999999999999999999999980000000000000000000000000000000000001",
      "9999999999999999999999999999999999999", true },
    { "99999999999999999999999999999999999980000000000000000000000000000000000002",
      "9999999999999999999999999999999999999", false },
};

Test(doc_number, multiples_are_decimal)
{
    for (size_t i = 0; i < COUNT(multiples); i++)
        cr_expect_eq(doc_number_multiple(slice_text(multiples[i].number), slice_text(multiples[i].divisor)),
                     multiples[i].multiple, "%s %s", multiples[i].number, multiples[i].divisor);
}
