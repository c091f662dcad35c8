/* test_pointer.c - JSON Pointer, RFC 6901. */
#include <criterion/criterion.h>
#include <string.h>

#include "doc.h"
#include "pointer.h"

TestSuite(pointer, .timeout = 30);

/* RFC 6901 section 5. */
static const char example[] = "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
                              "\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}";

static const struct {
    const char *pointer;
    const char *value; /* NULL: nothing is there */
} finds[] = {
    { "", example },
    { "/foo", "[\"bar\",\"baz\"]" },
    { "/foo/0", "\"bar\"" },
    { "/foo/1", "\"baz\"" },
    { "/", "0" },
    { "/a~1b", "1" },
    { "/c%d", "2" },
    { "/e^f", "3" },
    { "/g|h", "4" },
    { "/i\\j", "5" },
    { "/k\"l", "6" },
    { "/ ", "7" },
    { "/m~0n", "8" },
    { "/foo/2", NULL },
    { "/foo/-", NULL },
    { "/foo/00", NULL },
    { "/foo/01", NULL },
    { "/foo/+1", NULL },
    { "/foo/ 1", NULL },
    { "/foo/1e0", NULL },
    { "/foo/", NULL },
    { "/foo/18446744073709551616", NULL },
    { "/foo/0/x", NULL },
    { "/foo/0/", NULL },
    { "/nothing", NULL },
    { "//", NULL },
    { "foo", NULL },
    { "/m~n", NULL },
    { "/m~2n", NULL },
    { "/m~", NULL },
    { "/a/b", NULL },
};

Test(pointer, finds_what_rfc_6901_says)
{
    struct doc doc = DOC_INIT;

    cr_assert(doc_parse(&doc, example, strlen(example), NULL));
    for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        doc_id id = pointer_find(&doc, doc.root, finds[i].pointer, strlen(finds[i].pointer));
        struct buffer b = BUFFER_INIT;

        cr_expect_eq(id != DOC_NONE, finds[i].value != NULL, "'%s'", finds[i].pointer);
        if (id != DOC_NONE && finds[i].value) {
            doc_write(&doc, id, &b);
            cr_expect_str_eq(b.data, finds[i].value, "'%s'", finds[i].pointer);
        }
        buffer_release(&b);
    }
    doc_release(&doc);
}

Test(pointer, tilde_one_is_decoded_before_tilde_zero_is_not_a_slash)
{
    static const char text[] = "{\"~1\":1,\"/\":2}";
    struct doc doc = DOC_INIT;
    doc_id id;
    int64_t value;

    cr_assert(doc_parse(&doc, text, strlen(text), NULL));
    id = pointer_find(&doc, doc.root, "/~01", 4);
    cr_assert(id != DOC_NONE && doc_integer(&doc, id, &value) && value == 1);
    id = pointer_find(&doc, doc.root, "/~1", 3);
    cr_assert(id != DOC_NONE && doc_integer(&doc, id, &value) && value == 2);
    doc_release(&doc);
}

static const struct {
    const char *token;
    const char *escaped;
} tokens[] = {
    { "", "/" },
    { "a", "/a" },
    { "a/b", "/a~1b" },
    { "m~n", "/m~0n" },
    { "~1", "/~01" },
    { "//~~", "/~1~1~0~0" },
    { "caf\xC3\xA9", "/caf\xC3\xA9" },
};

Test(pointer, escaping_and_decoding_are_inverse)
{
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        struct buffer b = BUFFER_INIT;
        char decoded[32];
        size_t size;

        pointer_append(&b, tokens[i].token, strlen(tokens[i].token));
        cr_expect_str_eq(b.data, tokens[i].escaped);
        cr_expect_eq(pointer_token(b.data, b.size), b.size - 1);
        size = pointer_decode(decoded, b.data + 1, b.size - 1);
        cr_expect_eq(size, strlen(tokens[i].token));
        cr_expect_arr_eq(decoded, tokens[i].token, size);
        buffer_release(&b);
    }
}

Test(pointer, a_tilde_must_be_followed_by_zero_or_one)
{
    char decoded[8];

    cr_assert_eq(pointer_decode(decoded, "~", 1), SIZE_MAX);
    cr_assert_eq(pointer_decode(decoded, "a~", 2), SIZE_MAX);
    cr_assert_eq(pointer_decode(decoded, "~2", 2), SIZE_MAX);
    cr_assert_eq(pointer_decode(decoded, "~~0", 3), SIZE_MAX);
}

Test(pointer, an_index_is_canonical_decimal)
{
    cr_assert_eq(pointer_index("0", 1), 0);
    cr_assert_eq(pointer_index("10", 2), 10);
    cr_assert_eq(pointer_index("123456789012345678", 18), 123456789012345678u);
    cr_assert_eq(pointer_index("", 0), SIZE_MAX);
    cr_assert_eq(pointer_index("00", 2), SIZE_MAX);
    cr_assert_eq(pointer_index("-1", 2), SIZE_MAX);
    cr_assert_eq(pointer_index("1x", 2), SIZE_MAX);
    cr_assert_eq(pointer_index("99999999999999999999", 20), SIZE_MAX);
}
