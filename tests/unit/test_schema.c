/* test_schema.c - the keywords one by one, faults of schemas, limits, initial states. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "problem.h"
#include "schema.h"
#include "store.h"

/* A schema for property "v", a value of it, and where and how it is refused (NULL: it is not). */
struct row {
    const char *schema;
    const char *value;
    const char *pointer;
    const char *detail; /* NULL: any */
};

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows), __LINE__)

static int compile(struct schema **out, const char *text, const char *base)
{
    struct doc doc = DOC_INIT;
    struct doc_error error;
    int code;

    cr_assert(doc_parse(&doc, text, strlen(text), &error), "%s: %s", error.detail, text);
    problem_violations_clear();
    code = schema_compile(out, &doc, doc.root, base);
    doc_release(&doc);
    return code;
}

static struct schema *compiled(const char *text)
{
    struct schema *schema = NULL;
    int code = compile(&schema, text, "");
    const store_problem *p = store_problem_last();

    cr_assert_eq(code, STORE_OK, "%s %s: %s", p->violation_count ? p->violations[0].pointer : "",
                 p->violation_count ? p->violations[0].detail : "", text);
    return schema;
}

/* Validates `text`; the violations are in store_problem_last(). */
static int validate(const struct schema *schema, const char *text, const char *prefix)
{
    struct doc doc = DOC_INIT;
    struct doc_error error;
    int code;

    cr_assert(doc_parse(&doc, text, strlen(text), &error), "%s: %s", error.detail, text);
    problem_violations_clear();
    code = schema_validate(schema, &doc, doc.root, prefix);
    doc_release(&doc);
    return code;
}

static int check(const char *schema_text, const char *text)
{
    struct schema *schema = compiled(schema_text);
    int code = validate(schema, text, "");

    schema_free(schema);
    return code;
}

static void check_row(const struct row *row, int line)
{
    const store_problem *p = store_problem_last();
    char schema[4096], value[4096];
    int code;

    snprintf(schema, sizeof schema, "{\"properties\": {\"v\": %s}}", row->schema);
    snprintf(value, sizeof value, "{\"v\": %s}", row->value);
    code = check(schema, value);
    p = store_problem_last();
    if (row->pointer == NULL) {
        cr_assert_eq(code, STORE_OK, "line %d: %s refuses %s: %s %s", line, row->schema, row->value,
                     p->violation_count > 0 ? p->violations[0].pointer : "",
                     p->violation_count > 0 ? p->violations[0].detail : "");
        return;
    }
    cr_assert_eq(code, STORE_INVALID_VALUE, "line %d: %s takes %s", line, row->schema, row->value);
    cr_assert_eq(p->violation_count, 1, "line %d: %s and %s: %zu violations", line, row->schema, row->value,
                 p->violation_count);
    cr_assert_str_eq(p->violations[0].pointer, row->pointer, "line %d: %s and %s: %s", line, row->schema,
                     row->value, p->violations[0].pointer);
    if (row->detail != NULL)
        cr_assert_str_eq(p->violations[0].detail, row->detail, "line %d: %s and %s: %s", line, row->schema,
                         row->value, p->violations[0].detail);
}

static void check_rows(const struct row *rows, size_t count, int line)
{
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i], line);
}

/* A text of `count` times `unit` between `head` and `tail`; the caller frees it. */
static char *repeated(const char *head, const char *unit, size_t count, const char *tail)
{
    struct buffer text = BUFFER_INIT;

    buffer_text(&text, head);
    for (size_t i = 0; i < count; i++)
        buffer_text(&text, unit);
    buffer_text(&text, tail);
    return buffer_detach(&text);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- keywords */

Test(schema, type_names_one_type_or_several)
{
    static const struct row rows[] = {
        { "{\"type\":\"string\"}", "\"\"", NULL, NULL },
        { "{\"type\":\"string\"}", "12", "/v", "is 12, must be a string" },
        { "{\"type\":\"integer\"}", "1", NULL, NULL },
        { "{\"type\":\"integer\"}", "1.0", NULL, NULL },
        { "{\"type\":\"integer\"}", "1e3", NULL, NULL },
        { "{\"type\":\"integer\"}", "1.5", "/v", "is 1.5, must be an integer" },
        { "{\"type\":\"integer\"}", "\"1\"", "/v", "is \"1\", must be an integer" },
        { "{\"type\":\"number\"}", "1", NULL, NULL },
        { "{\"type\":\"number\"}", "1.5", NULL, NULL },
        { "{\"type\":\"number\"}", "null", "/v", "is null, must be a number" },
        { "{\"type\":\"boolean\"}", "true", NULL, NULL },
        { "{\"type\":\"boolean\"}", "0", "/v", "is 0, must be a boolean" },
        { "{\"type\":\"null\"}", "null", NULL, NULL },
        { "{\"type\":\"null\"}", "false", "/v", "is false, must be null" },
        { "{\"type\":\"array\"}", "[]", NULL, NULL },
        { "{\"type\":\"array\"}", "{\"a\":1}", "/v", "is an object, must be an array" },
        { "{\"type\":\"object\"}", "{}", NULL, NULL },
        { "{\"type\":\"object\"}", "[1]", "/v", "is an array, must be an object" },
        { "{\"type\":[\"string\",\"null\"]}", "null", NULL, NULL },
        { "{\"type\":[\"string\",\"null\"]}", "1", "/v", "is 1, must be a string or null" },
        { "{\"type\":[\"integer\",\"string\",\"null\"]}", "[]", "/v",
          "is an array, must be a string, an integer or null" },
        { "{\"type\":[\"integer\",\"number\"]}", "1.5", NULL, NULL },
        { "{\"type\":[\"integer\"]}", "1.5", "/v", NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, boolean_schemas_allow_everything_or_nothing)
{
    static const struct row rows[] = {
        { "true", "{\"a\":[1]}", NULL, NULL },
        { "{}", "12", NULL, NULL },
        { "false", "1", "/v", "is not allowed by the schema" },
    };

    CHECK_ROWS(rows);
}

Test(schema, const_and_enum_compare_by_value)
{
    static const struct row rows[] = {
        { "{\"const\":2}", "2.0", NULL, NULL },
        { "{\"const\":2}", "3", "/v", "is 3, must be 2" },
        { "{\"const\":2}", "\"2\"", "/v", "is \"2\", must be 2" },
        { "{\"const\":-2.0}", "-2", NULL, NULL },
        { "{\"const\":0.0}", "-0", NULL, NULL },
        { "{\"const\":1e3}", "1000", NULL, NULL },
        { "{\"const\":100}", "10", "/v", NULL },
        { "{\"const\":0.1}", "1", "/v", NULL },
        { "{\"const\":9007199254740992}", "9007199254740993", "/v", NULL },
        { "{\"const\":false}", "0", "/v", NULL },
        { "{\"const\":[false]}", "[0]", "/v", NULL },
        { "{\"const\":{\"a\":false}}", "{\"a\":0}", "/v", NULL },
        { "{\"const\":0}", "false", "/v", NULL },
        { "{\"const\":1}", "true", "/v", NULL },
        { "{\"const\":null}", "null", NULL, NULL },
        { "{\"const\":null}", "0", "/v", NULL },
        { "{\"const\":\"a\\u0062\"}", "\"ab\"", NULL, NULL },
        { "{\"const\":\"hello\\u0000there\"}", "\"hello\\u0000there\"", NULL, NULL },
        { "{\"const\":\"hello\\u0000there\"}", "\"hellothere\"", "/v", NULL },
        { "{\"const\":{\"foo\":\"bar\",\"baz\":[1,{}]}}", "{\"baz\":[1.0,{}],\"foo\":\"bar\"}", NULL, NULL },
        { "{\"const\":{\"foo\":\"bar\"}}", "{\"foo\":\"bar\",\"x\":1}", "/v",
          "is an object, must be {\"foo\":\"bar\"}" },
        { "{\"const\":[1,2]}", "[2,1]", "/v", NULL },
        { "{\"enum\":[1,2,3]}", "3", NULL, NULL },
        { "{\"enum\":[1,2,3]}", "4", "/v", "is 4, must be one of [1,2,3]" },
        { "{\"enum\":[0]}", "false", "/v", NULL },
        { "{\"enum\":[false]}", "0", "/v", NULL },
        { "{\"enum\":[[0]]}", "[false]", "/v", NULL },
        { "{\"enum\":[6,\"foo\",[],true,{\"foo\":12}]}", "{\"foo\":12.0}", NULL, NULL },
        { "{\"enum\":[6,\"foo\",[],true,{\"foo\":12}]}", "{\"foo\":false}", "/v", NULL },
        { "{\"enum\":[6,null]}", "null", NULL, NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, numbers_are_compared_as_exact_decimals)
{
    static const struct row rows[] = {
        { "{\"minimum\":1.1}", "1.1", NULL, NULL },
        { "{\"minimum\":1.1}", "0.6", "/v", "is 0.6, must be at least 1.1" },
        { "{\"minimum\":-2}", "-2.0000001", "/v", NULL },
        { "{\"minimum\":5}", "\"x\"", NULL, NULL },
        { "{\"maximum\":3.0}", "3", NULL, NULL },
        { "{\"maximum\":3}", "3.5", "/v", "is 3.5, must be at most 3" },
        { "{\"maximum\":18446744073709551615}", "18446744073709551616", "/v", NULL },
        { "{\"exclusiveMinimum\":1.1}", "1.1", "/v", "is 1.1, must be greater than 1.1" },
        { "{\"exclusiveMinimum\":1.1}", "1.2", NULL, NULL },
        { "{\"exclusiveMaximum\":3}", "3.0", "/v", "is 3.0, must be less than 3" },
        { "{\"exclusiveMaximum\":3}", "2.9999999999999999999", NULL, NULL },
        { "{\"multipleOf\":2}", "10", NULL, NULL },
        { "{\"multipleOf\":2}", "7", "/v", "is 7, must be a multiple of 2" },
        { "{\"multipleOf\":1.5}", "4.5", NULL, NULL },
        { "{\"multipleOf\":0.01}", "19.99", NULL, NULL },
        { "{\"multipleOf\":0.01}", "1.10", NULL, NULL },
        { "{\"multipleOf\":0.0001}", "0.0075", NULL, NULL },
        { "{\"multipleOf\":0.0001}", "0.00751", "/v", "is 0.00751, must be a multiple of 0.0001" },
        { "{\"multipleOf\":0.01}", "0", NULL, NULL },
        { "{\"multipleOf\":0.5}", "1e308", NULL, NULL },
        { "{\"multipleOf\":2}", "\"x\"", NULL, NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, lengths_are_code_points)
{
    static const struct row rows[] = {
        { "{\"minLength\":2}", "\"fo\"", NULL, NULL },
        { "{\"minLength\":2}", "\"f\"", "/v", "is shorter than 2 characters" },
        { "{\"minLength\":2}", "\"\xF0\x9F\x92\xA9\"", "/v", NULL },
        { "{\"minLength\":2}", "\"\\ud83d\\udca9\"", "/v", NULL },
        { "{\"minLength\":2.0}", "\"f\"", "/v", NULL },
        { "{\"minLength\":2}", "1", NULL, NULL },
        { "{\"maxLength\":2}", "\"\xF0\x9F\x92\xA9\xF0\x9F\x92\xA9\"", NULL, NULL },
        { "{\"maxLength\":2}", "\"foo\"", "/v", "is longer than 2 characters" },
        { "{\"maxLength\":2}", "\"\xC3\xA4\xC3\xB6\xC3\xBC\"", "/v", NULL },
        { "{\"maxLength\":0}", "\"\"", NULL, NULL },
        { "{\"maxLength\":1e40}", "\"f\"", NULL, NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, patterns_are_ecma_like_and_unanchored)
{
    static const struct row rows[] = {
        { "{\"pattern\":\"^[A-Z]{2}$\"}", "\"DE\"", NULL, NULL },
        { "{\"pattern\":\"^[A-Z]{2}$\"}", "\"DEU\"", "/v", "does not match the pattern ^[A-Z]{2}$" },
        { "{\"pattern\":\"^[A-Z]{2}$\"}", "\"DE\\n\"", "/v", NULL },
        { "{\"pattern\":\"^[A-Z]{2}$\"}", "12", NULL, NULL },
        { "{\"pattern\":\"a+\"}", "\"xxaayy\"", NULL, NULL },
        { "{\"pattern\":\"\"}", "\"\"", NULL, NULL },
        { "{\"pattern\":\"^.$\"}", "\"\xF0\x9F\x92\xA9\"", NULL, NULL },
        { "{\"pattern\":\"^\\\\d+$\"}", "\"42\"", NULL, NULL },
        { "{\"pattern\":\"^\\\\d$\"}", "\"\xDF\x80\"", "/v", NULL },
        { "{\"pattern\":\"^\\\\w$\"}", "\"\xC3\xA9\"", "/v", NULL },
        { "{\"pattern\":\"^\\\\p{L}$\"}", "\"\xC3\xA9\"", NULL, NULL },
        { "{\"pattern\":\"^\\\\u00e9$\"}", "\"\xC3\xA9\"", NULL, NULL },
        { "{\"pattern\":\"^\\\\u{1F4A9}$\"}", "\"\xF0\x9F\x92\xA9\"", NULL, NULL },
        { "{\"pattern\":\"^a[^]b$\"}", "\"a\\nb\"", NULL, NULL },
        { "{\"pattern\":\"^(?:(a)|b)\\\\1c$\"}", "\"bc\"", NULL, NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, arrays_are_checked_by_position_and_count)
{
    static const struct row rows[] = {
        { "{\"minItems\":1}", "[]", "/v", "has 0 elements, must have at least 1" },
        { "{\"maxItems\":2}", "[1,2,3]", "/v", "has 3 elements, must have at most 2" },
        { "{\"maxItems\":2}", "\"abc\"", NULL, NULL },
        { "{\"items\":{\"type\":\"integer\"}}", "[1,\"x\",3]", "/v/1", "is \"x\", must be an integer" },
        { "{\"items\":false}", "[]", NULL, NULL },
        { "{\"items\":false}", "[1]", "/v/0", "is not allowed by the schema" },
        { "{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", "[1,\"x\",true]", NULL, NULL },
        { "{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", "[1]", NULL, NULL },
        { "{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", "[1,2]", "/v/1", NULL },
        { "{\"prefixItems\":[{\"type\":\"string\"}],\"items\":{\"type\":\"integer\"}}", "[\"x\",2,3]", NULL,
          NULL },
        { "{\"prefixItems\":[{\"type\":\"string\"}],\"items\":{\"type\":\"integer\"}}", "[\"x\",\"y\"]",
          "/v/1", NULL },
        { "{\"prefixItems\":[{}],\"items\":false}", "[1,2]", "/v/1", NULL },
        { "{\"allOf\":[{\"prefixItems\":[{\"minimum\":3}]}],\"items\":{\"minimum\":5}}", "[3,5]", "/v/0", NULL },
        { "{\"items\":{\"items\":{\"type\":\"null\"}}}", "[[null],[null,0]]", "/v/1/1", NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, contains_counts_matching_elements)
{
    static const struct row rows[] = {
        { "{\"contains\":{\"minimum\":5}}", "[3,4,5]", NULL, NULL },
        { "{\"contains\":{\"minimum\":5}}", "[2,3,4]", "/v",
          "holds 0 elements that contains asks for, must hold at least 1" },
        { "{\"contains\":{\"minimum\":5}}", "[]", "/v", NULL },
        { "{\"contains\":{\"minimum\":5}}", "{}", NULL, NULL },
        { "{\"contains\":true}", "[\"foo\"]", NULL, NULL },
        { "{\"contains\":false}", "[\"foo\"]", "/v", NULL },
        { "{\"contains\":{\"if\":false,\"else\":true}}", "[\"foo\"]", NULL, NULL },
        { "{\"contains\":{\"const\":1},\"minContains\":0}", "[]", NULL, NULL },
        { "{\"contains\":{\"const\":1},\"minContains\":0,\"maxContains\":1}", "[1,1]", "/v",
          "holds 2 elements that contains asks for, must hold at most 1" },
        { "{\"contains\":{\"const\":1},\"minContains\":2}", "[1,2]", "/v", NULL },
        { "{\"contains\":{\"const\":1},\"minContains\":2}", "[1,2,1]", NULL, NULL },
        { "{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,2,1]", "/v", NULL },
        { "{\"contains\":{\"const\":1},\"maxContains\":1,\"minContains\":3}", "[1,1]", "/v", NULL },
        { "{\"minContains\":2,\"maxContains\":1}", "[1]", NULL, NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, unique_items_compares_by_value)
{
    static const struct row rows[] = {
        { "{\"uniqueItems\":true}", "[1,2]", NULL, NULL },
        { "{\"uniqueItems\":true}", "[1,2,1]", "/v", "holds the same value twice, at 0 and at 2" },
        { "{\"uniqueItems\":true}", "[1.0,1.00,1]", "/v", NULL },
        { "{\"uniqueItems\":true}", "[1,10e-1]", "/v", NULL },
        { "{\"uniqueItems\":true}", "[0,-0.0]", "/v", NULL },
        { "{\"uniqueItems\":true}", "[10,1,100,0.1,-1]", NULL, NULL },
        { "{\"uniqueItems\":true}", "[0,false]", NULL, NULL },
        { "{\"uniqueItems\":true}", "[1,true]", NULL, NULL },
        { "{\"uniqueItems\":true}", "[[0],[false]]", NULL, NULL },
        { "{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1.0}]", "/v", NULL },
        { "{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"a\":2,\"b\":1}]", NULL, NULL },
        { "{\"uniqueItems\":true}", "[\"a\\u0062\",\"ab\"]", "/v", NULL },
        { "{\"uniqueItems\":true}", "[[],{},\"\",null]", NULL, NULL },
        { "{\"uniqueItems\":false}", "[1,1]", NULL, NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, objects_are_checked_by_name_and_count)
{
    static const struct row rows[] = {
        { "{\"required\":[\"a\",\"b\"]}", "{\"b\":1}", "/v/a", "is required" },
        { "{\"required\":[\"a/b~\"]}", "{}", "/v/a~1b~0", "is required" },
        { "{\"required\":[\"__proto__\"],\"properties\":{\"a\":{}}}", "{\"a\":1}", "/v/__proto__", NULL },
        { "{\"required\":[\"a\"]}", "[]", NULL, NULL },
        { "{\"minProperties\":1}", "{}", "/v", "has 0 properties, must have at least 1" },
        { "{\"maxProperties\":1}", "{\"a\":1,\"b\":2}", "/v", "has 2 properties, must have at most 1" },
        { "{\"properties\":{\"a~/b\":{\"type\":\"null\"}}}", "{\"a~/b\":1}", "/v/a~0~1b", NULL },
        { "{\"properties\":{\"a\":false}}", "{\"b\":1}", NULL, NULL },
        { "{\"properties\":{\"a\":{}}}", "{\"x\":1}", NULL, NULL },
        { "{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"a\":1,\"x\":2}", "/v/x",
          "is not allowed by the schema" },
        { "{\"additionalProperties\":{\"type\":\"boolean\"}}", "{\"x\":1}", "/v/x", "is 1, must be a boolean" },
        { "{\"allOf\":[{\"properties\":{\"a\":{}}}],\"additionalProperties\":{\"type\":\"boolean\"}}",
          "{\"a\":1}", "/v/a", NULL },
        { "{\"required\":[\"a\"],\"additionalProperties\":false}", "{\"a\":1}", "/v/a", NULL },
        { "{\"patternProperties\":{\"^f.*o\":{\"type\":\"integer\"}}}", "{\"foo\":1,\"fooo\":\"x\"}",
          "/v/fooo", NULL },
        { "{\"patternProperties\":{\"^x-\":{}},\"additionalProperties\":false}", "{\"x-a\":1,\"y\":1}", "/v/y",
          NULL },
        { "{\"properties\":{\"foo\":{\"maxItems\":3}},\"patternProperties\":{\"f.o\":{\"minItems\":2}}}",
          "{\"foo\":[1]}", "/v/foo", NULL },
        { "{\"propertyNames\":{\"maxLength\":3}}", "{\"abc\":1,\"abcd\":2}", "/v/abcd",
          "its name is longer than 3 characters" },
        { "{\"propertyNames\":{\"pattern\":\"^a+$\"}}", "{\"b/c\":1}", "/v/b~1c",
          "its name does not match the pattern ^a+$" },
        { "{\"propertyNames\":{\"enum\":[\"a\",\"b\"]}}", "{\"a\":1,\"b\":2}", NULL, NULL },
        { "{\"propertyNames\":{\"enum\":[\"a\",\"b\"]}}", "{\"c\":1}", "/v/c",
          "its name is c, must be one of [\"a\",\"b\"]" },
        { "{\"propertyNames\":{\"type\":\"integer\"}}", "{\"1\":1}", "/v/1", "its name is 1, must be an integer" },
        { "{\"propertyNames\":{\"not\":{\"const\":\"a\"}}}", "{\"a\":1}", "/v/a",
          "its name conforms to the schema of not" },
        { "{\"propertyNames\":false}", "{}", NULL, NULL },
        { "{\"dependentRequired\":{\"a\":[\"b\",\"c\"]}}", "{\"a\":1,\"b\":2}", "/v/c", "is required beside a" },
        { "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"c\":1}", NULL, NULL },
        { "{\"dependentSchemas\":{\"a\":{\"maxProperties\":1}}}", "{\"a\":1,\"b\":2}", "/v", NULL },
        { "{\"dependentSchemas\":{\"a\":false}}", "{\"b\":2}", NULL, NULL },
        { "{\"properties\":{\"a\":{\"type\":\"string\"}},\"dependentSchemas\":{\"b\":{\"required\":[\"a\"]}}}",
          "{\"b\":2}", "/v/a", NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, schemas_are_combined)
{
    static const struct row rows[] = {
        { "{\"allOf\":[{\"minimum\":2},{\"maximum\":4}]}", "3", NULL, NULL },
        { "{\"allOf\":[{\"minimum\":2},{\"maximum\":4}]}", "5", "/v", "is 5, must be at most 4" },
        { "{\"anyOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "2.5", NULL, NULL },
        { "{\"anyOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "\"x\"", NULL, NULL },
        { "{\"anyOf\":[{\"maximum\":1},{\"minimum\":5}]}", "2", "/v", "conforms to none of the schemas of anyOf" },
        { "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\",\"pattern\":\"^a\"}]}", "\"b\"", "/v",
          "does not match the pattern ^a" },
        { "{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "1", NULL, NULL },
        { "{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "3", "/v",
          "conforms to more than one of the schemas of oneOf" },
        { "{\"oneOf\":[{\"type\":\"boolean\"},{\"type\":\"null\"}]}", "3", "/v",
          "conforms to none of the schemas of oneOf" },
        { "{\"not\":{\"type\":\"integer\"}}", "1", "/v", "conforms to the schema of not" },
        { "{\"not\":{\"type\":\"integer\"}}", "\"1\"", NULL, NULL },
        { "{\"not\":{\"not\":{\"type\":\"integer\"}}}", "1", NULL, NULL },
        { "{\"if\":{\"exclusiveMaximum\":0},\"then\":{\"minimum\":-10},\"else\":{\"multipleOf\":2}}", "-1",
          NULL, NULL },
        { "{\"if\":{\"exclusiveMaximum\":0},\"then\":{\"minimum\":-10},\"else\":{\"multipleOf\":2}}", "-100", "/v",
          "is -100, must be at least -10" },
        { "{\"if\":{\"exclusiveMaximum\":0},\"then\":{\"minimum\":-10},\"else\":{\"multipleOf\":2}}", "3", "/v",
          "is 3, must be a multiple of 2" },
        { "{\"then\":false,\"else\":false}", "1", NULL, NULL },
        { "{\"if\":{\"const\":0}}", "1", NULL, NULL },
    };

    CHECK_ROWS(rows);
}

Test(schema, absent_additional_properties_means_false_at_the_top_only)
{
    cr_assert_eq(check("{\"properties\":{\"a\":{}}}", "{\"a\":{\"any\":1}}"), STORE_OK);
    cr_assert_eq(check("{\"properties\":{\"a\":{}}}", "{\"b\":1}"), STORE_INVALID_VALUE);
    cr_assert_str_eq(store_problem_last()->violations[0].pointer, "/b");
    cr_assert_eq(check("{\"additionalProperties\":true}", "{\"b\":1}"), STORE_OK);
    cr_assert_eq(check("{\"patternProperties\":{\"^b\":true}}", "{\"b\":1}"), STORE_OK);
    cr_assert_eq(check("{\"allOf\":[{\"properties\":{\"b\":{}}}]}", "{\"b\":1}"), STORE_INVALID_VALUE);
    cr_assert_eq(check("{}", "{}"), STORE_OK);
    cr_assert_eq(check("true", "{\"b\":1}"), STORE_OK);
}

Test(schema, annotations_are_accepted_and_ignored)
{
    cr_assert_eq(check("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"urn:x\","
                       "\"$comment\":\"c\",\"title\":\"t\",\"description\":\"d\",\"examples\":[1],"
                       "\"properties\":{\"v\":{\"format\":\"email\",\"deprecated\":true,\"readOnly\":false,"
                       "\"writeOnly\":false,\"contentMediaType\":\"text/plain\",\"contentEncoding\":\"base64\"}}}",
                       "{\"v\":\"no mail\"}"),
                 STORE_OK);
}

/* --- $ref */

Test(schema, ref_resolves_escaped_pointers)
{
    static const char schema[] =
        "{\"$defs\":{\"a~b\":{\"type\":\"integer\"},\"a/b\":{\"type\":\"integer\"},\"a%b\":{\"type\":\"integer\"},"
        "\"chain\":{\"$ref\":\"#/$defs/a~1b\",\"maximum\":9}},"
        "\"properties\":{\"t\":{\"$ref\":\"#/$defs/a~0b\"},\"s\":{\"$ref\":\"#/$defs/a~1b\"},"
        "\"p\":{\"$ref\":\"#/$defs/a%25b\"},\"o\":{\"$ref\":\"#/properties/t\"},"
        "\"c\":{\"$ref\":\"#/%24defs/chain\"}}}";

    cr_assert_eq(check(schema, "{\"t\":1,\"s\":1,\"p\":1,\"o\":1,\"c\":1}"), STORE_OK);
    cr_assert_eq(check(schema, "{\"t\":\"\",\"s\":\"\",\"p\":\"\",\"o\":\"\",\"c\":10}"), STORE_INVALID_VALUE);
    cr_assert_eq(store_problem_last()->violation_count, 5);
    cr_assert_str_eq(store_problem_last()->violations[4].pointer, "/c");
    cr_assert_str_eq(store_problem_last()->violations[4].detail, "is 10, must be at most 9");
}

Test(schema, a_property_named_ref_is_no_reference)
{
    cr_assert_eq(check("{\"properties\":{\"$ref\":{\"type\":\"string\"}}}", "{\"$ref\":\"a\"}"), STORE_OK);
    cr_assert_eq(check("{\"properties\":{\"$ref\":{\"type\":\"string\"}}}", "{\"$ref\":2}"), STORE_INVALID_VALUE);
}

Test(schema, a_tree_refers_to_itself)
{
    static const char schema[] = "{\"type\":\"object\",\"required\":[\"n\"],"
                                 "\"properties\":{\"n\":{\"type\":\"integer\"},"
                                 "\"below\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}}}";

    cr_assert_eq(check(schema, "{\"n\":1,\"below\":[{\"n\":2,\"below\":[]},{\"n\":3}]}"), STORE_OK);
    cr_assert_eq(check(schema, "{\"n\":1,\"below\":[{\"n\":2,\"below\":[{\"n\":\"x\"},{\"m\":1}]}]}"),
                 STORE_INVALID_VALUE);
    cr_assert_eq(store_problem_last()->violation_count, 3);
    cr_assert_str_eq(store_problem_last()->violations[0].pointer, "/below/0/below/0/n");
    cr_assert_str_eq(store_problem_last()->violations[1].pointer, "/below/0/below/1/m");
    cr_assert_str_eq(store_problem_last()->violations[2].pointer, "/below/0/below/1/n");
}

Test(schema, a_tree_as_deep_as_a_document_may_be_is_fine)
{
    struct buffer text = BUFFER_INIT;

    for (int i = 0; i < STORE_DEPTH_MAX - 1; i++)
        buffer_text(&text, "{\"a\":");
    buffer_text(&text, "{}");
    for (int i = 0; i < STORE_DEPTH_MAX - 1; i++)
        buffer_text(&text, "}");
    cr_assert_eq(check("{\"properties\":{\"a\":{\"allOf\":[{\"$ref\":\"#\"}]}}}", text.data), STORE_OK);
    buffer_release(&text);
}

/* --- faults of a schema */

static const struct fault {
    const char *schema;
    const char *pointer;
    const char *detail; /* NULL: any */
} faults[] = {
    { "[]", "/s", "must be an object or true" },
    { "false", "/s", "must be an object or true" },
    { "{\"unevaluatedProperties\":false}", "/s/unevaluatedProperties", "is no keyword that the store implements" },
    { "{\"properties\":{\"a\":{\"typ\":1}}}", "/s/properties/a/typ", NULL },
    { "{\"$anchor\":\"a\"}", "/s/$anchor", NULL },
    { "{\"type\":\"text\"}", "/s/type", "names a type that is none: text" },
    { "{\"type\":[]}", "/s/type", "must not be empty" },
    { "{\"type\":[\"string\",\"string\"]}", "/s/type/1", "is in the list twice" },
    { "{\"type\":1}", "/s/type", "must be a string or an array" },
    { "{\"properties\":[]}", "/s/properties", "must be an object" },
    { "{\"properties\":{\"a\":1}}", "/s/properties/a", "must be a boolean or an object" },
    { "{\"required\":\"a\"}", "/s/required", "must be an array" },
    { "{\"required\":[1]}", "/s/required/0", "must be a string" },
    { "{\"required\":[\"a\",\"a\"]}", "/s/required/1", NULL },
    { "{\"additionalProperties\":[]}", "/s/additionalProperties", NULL },
    { "{\"patternProperties\":{\"(\":true}}", "/s/patternProperties/(", NULL },
    { "{\"patternProperties\":1}", "/s/patternProperties", NULL },
    { "{\"propertyNames\":1}", "/s/propertyNames", NULL },
    { "{\"minProperties\":-1}", "/s/minProperties", "must not be negative" },
    { "{\"maxProperties\":1.5}", "/s/maxProperties", "must be an integer" },
    { "{\"enum\":1}", "/s/enum", "must be an array" },
    { "{\"enum\":[]}", "/s/enum", "must not be empty" },
    { "{\"minimum\":\"1\"}", "/s/minimum", "must be a number" },
    { "{\"maximum\":null}", "/s/maximum", NULL },
    { "{\"exclusiveMinimum\":true}", "/s/exclusiveMinimum", NULL },
    { "{\"exclusiveMaximum\":true}", "/s/exclusiveMaximum", NULL },
    { "{\"multipleOf\":0}", "/s/multipleOf", "must be greater than 0" },
    { "{\"multipleOf\":-0.5}", "/s/multipleOf", NULL },
    { "{\"minLength\":\"1\"}", "/s/minLength", NULL },
    { "{\"maxLength\":-1}", "/s/maxLength", NULL },
    { "{\"pattern\":1}", "/s/pattern", NULL },
    { "{\"pattern\":\"[\"}", "/s/pattern", NULL },
    { "{\"minItems\":-1}", "/s/minItems", NULL },
    { "{\"maxItems\":[]}", "/s/maxItems", NULL },
    { "{\"items\":[{}]}", "/s/items", "must be a boolean or an object" },
    { "{\"prefixItems\":[]}", "/s/prefixItems", "must not be empty" },
    { "{\"prefixItems\":[1]}", "/s/prefixItems/0", NULL },
    { "{\"uniqueItems\":1}", "/s/uniqueItems", "must be a boolean" },
    { "{\"contains\":1}", "/s/contains", NULL },
    { "{\"minContains\":-1}", "/s/minContains", NULL },
    { "{\"maxContains\":\"\"}", "/s/maxContains", NULL },
    { "{\"dependentRequired\":{\"a\":\"b\"}}", "/s/dependentRequired/a", NULL },
    { "{\"dependentRequired\":[]}", "/s/dependentRequired", NULL },
    { "{\"dependentSchemas\":{\"a\":[]}}", "/s/dependentSchemas/a", NULL },
    { "{\"allOf\":[]}", "/s/allOf", NULL },
    { "{\"anyOf\":{}}", "/s/anyOf", NULL },
    { "{\"oneOf\":[0]}", "/s/oneOf/0", NULL },
    { "{\"not\":[]}", "/s/not", NULL },
    { "{\"if\":1}", "/s/if", NULL },
    { "{\"then\":1}", "/s/then", NULL },
    { "{\"else\":1}", "/s/else", NULL },
    { "{\"$defs\":[]}", "/s/$defs", NULL },
    { "{\"$defs\":{\"a/b\":1}}", "/s/$defs/a~1b", NULL },
    { "{\"$ref\":1}", "/s/$ref", NULL },
    { "{\"$ref\":\"\"}", "/s/$ref", "is neither \"#\" nor \"#/...\" within the schema" },
    { "{\"$ref\":\"other#/a\"}", "/s/$ref", NULL },
    { "{\"$ref\":\"#name\"}", "/s/$ref", NULL },
    { "{\"$ref\":\"#/%zz\"}", "/s/$ref", NULL },
    { "{\"$ref\":\"#/$defs/a\"}", "/s/$ref", "points at no schema: #/$defs/a" },
    { "{\"properties\":{\"a\":{\"$ref\":\"#/properties\"}}}", "/s/properties/a/$ref", NULL },
    { "{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", "/s/$schema", NULL },
    { "{\"properties\":{\"a\":{\"$id\":\"x\"}}}", "/s/properties/a/$id",
      "is allowed at the root of the schema only" },
    { "{\"title\":1}", "/s/title", NULL },
    { "{\"format\":1}", "/s/format", NULL },
    { "{\"examples\":1}", "/s/examples", NULL },
    { "{\"deprecated\":\"no\"}", "/s/deprecated", NULL },
    { "{\"$ref\":\"#\"}", "/s/$ref", "comes back to the same schema for the same value" },
    { "{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"}]}}}",
      "/s/$defs/b/allOf/0/$ref", NULL },
    { "{\"$defs\":{\"a\":{\"not\":{\"if\":{\"$ref\":\"#/$defs/a\"}}}}}", "/s/$defs/a/not/if/$ref", NULL },
    { "{\"dependentSchemas\":{\"a\":{\"$ref\":\"#\"}}}", "/s/dependentSchemas/a/$ref", NULL },
    { "{\"properties\":{\"a\":{\"type\":\"string\",\"default\":1}}}", "/s/properties/a/default",
      "is 1, must be a string" },
    { "{\"properties\":{\"a\":{\"items\":{\"minimum\":1},\"default\":[1,0]}}}", "/s/properties/a/default/1",
      NULL },
};

Test(schema, every_fault_of_a_schema_is_found_where_it_is)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct schema *schema;
        int code = compile(&schema, faults[i].schema, "/s");
        const store_problem *p = store_problem_last();

        cr_assert_eq(code, STORE_INVALID_VALUE, "%s", faults[i].schema);
        cr_assert_null(schema);
        cr_assert_eq(p->violation_count, 1, "%s: %zu faults, %s %s", faults[i].schema, p->violation_count,
                     p->violations[0].pointer, p->violations[0].detail);
        cr_assert_str_eq(p->violations[0].pointer, faults[i].pointer, "%s: %s", faults[i].schema,
                         p->violations[0].pointer);
        if (faults[i].detail != NULL)
            cr_assert_str_eq(p->violations[0].detail, faults[i].detail, "%s: %s", faults[i].schema,
                             p->violations[0].detail);
    }
}

Test(schema, all_faults_are_reported_at_once)
{
    struct schema *schema;

    cr_assert_eq(compile(&schema,
                         "{\"type\":\"objekt\",\"nonsense\":1,\"properties\":{\"a\":{\"pattern\":\"(\","
                         "\"minimum\":\"\"},"
                         "\"b\":{\"$ref\":\"#/x\"},\"c\":{\"type\":\"string\",\"default\":0}},"
                         "\"allOf\":[{\"not\":3}]}",
                         ""),
                 STORE_INVALID_VALUE);
    cr_assert_eq(store_problem_last()->violation_count, 7);
}

Test(schema, a_default_of_a_property_below_the_top_is_only_an_annotation)
{
    cr_assert_eq(check("{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"string\",\"default\":1}}}}}",
                       "{}"),
                 STORE_OK);
}

/* --- details */

Test(schema, every_violation_is_reported)
{
    struct schema *schema = compiled("{\"required\":[\"a\",\"b\"],\"properties\":{\"a\":{},\"b\":{},"
                                     "\"c\":{\"type\":\"array\","
                                     "\"minItems\":3,\"items\":{\"type\":\"integer\",\"minimum\":0,"
                                     "\"multipleOf\":2}}}}");
    static const char *const pointers[] = { "/p/x", "/p/c", "/p/c/0", "/p/c/0", "/p/c/1", "/p/a", "/p/b" };
    const store_problem *p;

    cr_assert_eq(validate(schema, "{\"x\":1,\"c\":[-1,\"\"]}", "/p"), STORE_INVALID_VALUE);
    p = store_problem_last();
    cr_assert_eq(p->violation_count, sizeof pointers / sizeof *pointers);
    for (size_t i = 0; i < p->violation_count; i++)
        cr_assert_str_eq(p->violations[i].pointer, pointers[i]);
    schema_free(schema);
}

Test(schema, long_values_are_cut_between_characters)
{
    char *value = repeated("{\"v\":\"", "\xC3\xA4", 100, "\"}");
    const char *detail;

    cr_assert_eq(check("{\"properties\":{\"v\":{\"type\":\"integer\"}}}", value), STORE_INVALID_VALUE);
    detail = store_problem_last()->violations[0].detail;
    cr_assert_eq(strncmp(detail, "is \"\xC3\xA4", 6), 0);
    cr_assert_str_eq(strstr(detail, "\xE2\x80\xA6"), "\xE2\x80\xA6, must be an integer");
    cr_assert_eq((strstr(detail, "\xE2\x80\xA6") - detail) % 2, 0, "cut within a character: %s", detail);
    free(value);
}

/* --- hostile input */

Test(schema, catastrophic_patterns_end_quickly_as_a_violation)
{
    static const char *const patterns[] = {
        "^(a+)+$", "(a+)+$", "(a|aa)+$", "^(a|a)*$", "^((a*)*)*$", "(x+x+)+y|a*a*a*a*b",
    };
    char *value = repeated("{\"v\":\"", "a", 5000, "!\"}");
    double start = seconds();

    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char schema[128];

        snprintf(schema, sizeof schema, "{\"properties\":{\"v\":{\"pattern\":\"%s\"}}}", patterns[i]);
        cr_assert_eq(check(schema, value), STORE_INVALID_VALUE, "%s", patterns[i]);
    }
    cr_assert_lt(seconds() - start, 5.0);
    free(value);
}

Test(schema, a_pattern_at_its_limit_is_a_violation_even_within_not)
{
    char *value = repeated("{\"v\":\"", "a", 40, "!\"}");

    cr_assert_eq(check("{\"properties\":{\"v\":{\"not\":{\"pattern\":\"^(a+)+$\"}}}}", value),
                 STORE_INVALID_VALUE);
    cr_assert_str_eq(store_problem_last()->violations[0].detail,
                     "takes too much work to match with the pattern ^(a+)+$");
    cr_assert_str_eq(store_problem_last()->violations[0].pointer, "/v");
    free(value);
}

Test(schema, many_catastrophic_matches_share_one_budget)
{
    char *value = repeated("{\"v\":[", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\",", 3000, "\"a\"]}");
    double start = seconds();

    cr_assert_eq(check("{\"properties\":{\"v\":{\"items\":{\"pattern\":\"^(a+)+$\"}}}}", value),
                 STORE_INVALID_VALUE);
    cr_assert_lt(seconds() - start, 10.0);
    free(value);
}

Test(schema, long_texts_match_harmless_patterns)
{
    char *value = repeated("{\"v\":\"", "abc ", 250000, "xyz\"}");

    cr_assert_eq(check("{\"properties\":{\"v\":{\"pattern\":\"xyz\"}}}", value), STORE_OK);
    cr_assert_eq(check("{\"properties\":{\"v\":{\"pattern\":\"^[a-z ]*$\"}}}", value), STORE_OK);
    free(value);
    value = repeated("{\"v\":\"", "abc ", 20000, "xyz\"}");
    cr_assert_eq(check("{\"properties\":{\"v\":{\"pattern\":\"^(?:[a-c]+ )+xyz$\"}}}", value), STORE_OK);
    free(value);
}

Test(schema, unique_items_of_a_long_array_are_quick)
{
    struct buffer text = BUFFER_INIT;
    double start = seconds();

    buffer_text(&text, "{\"v\":[");
    for (int i = 0; i < 200000; i++)
        buffer_format(&text, "{\"n\":%d},", i);
    buffer_text(&text, "{\"n\":77.0}]}");
    cr_assert_eq(check("{\"properties\":{\"v\":{\"uniqueItems\":true}}}", text.data), STORE_INVALID_VALUE);
    cr_assert_str_eq(store_problem_last()->violations[0].detail,
                     "holds the same value twice, at 77 and at 200000");
    cr_assert_lt(seconds() - start, 5.0);
    buffer_release(&text);
}

Test(schema, exponential_schemas_run_out_of_budget)
{
    struct buffer text = BUFFER_INIT;
    double start = seconds();

    buffer_text(&text, "{\"properties\":{\"v\":{\"$ref\":\"#/$defs/d0\"}},\"$defs\":{");
    for (int i = 0; i < 60; i++)
        buffer_format(&text, "\"d%d\":{\"allOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"$ref\":\"#/$defs/d%d\"}]},",
                      i, i + 1, i + 1);
    buffer_text(&text, "\"d60\":{\"type\":\"integer\"}}}");
    cr_assert_eq(check(text.data, "{\"v\":1}"), STORE_INVALID_VALUE);
    cr_assert_str_eq(store_problem_last()->violations[0].detail, "takes too much work to validate");
    cr_assert_lt(seconds() - start, 5.0);
    buffer_release(&text);
}

Test(schema, exponential_schemas_run_out_of_budget_within_not_too)
{
    struct buffer text = BUFFER_INIT;

    buffer_text(&text, "{\"properties\":{\"v\":{\"not\":{\"$ref\":\"#/$defs/d0\"}}},\"$defs\":{");
    for (int i = 0; i < 50; i++)
        buffer_format(&text, "\"d%d\":{\"allOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"$ref\":\"#/$defs/d%d\"}]},",
                      i, i + 1, i + 1);
    buffer_text(&text, "\"d50\":true}}");
    cr_assert_eq(check(text.data, "{\"v\":1}"), STORE_INVALID_VALUE);
    buffer_release(&text);
}

Test(schema, deep_schemas_and_long_chains_are_faults)
{
    char *deep = repeated("", "{\"items\":", 129, "{}");
    struct buffer text = BUFFER_INIT;
    struct schema *schema;

    buffer_text(&text, deep);
    for (int i = 0; i < 129; i++)
        buffer_text(&text, "}");
    cr_assert_eq(compile(&schema, text.data, ""), STORE_INVALID_VALUE);
    cr_assert_eq(store_problem_last()->violation_count, 1);
    cr_assert_str_eq(store_problem_last()->violations[0].detail, "is nested deeper than 128 schemas");
    buffer_clear(&text);
    buffer_text(&text, "{\"$defs\":{\"d5000\":true");
    for (int i = 4999; i >= 0; i--)
        buffer_format(&text, ",\"d%d\":{\"$ref\":\"#/$defs/d%d\"}", i, i + 1);
    buffer_text(&text, "}}");
    cr_assert_eq(compile(&schema, text.data, ""), STORE_INVALID_VALUE);
    buffer_release(&text);
    free(deep);
}

Test(schema, long_patterns_are_faults)
{
    char *text = repeated("{\"properties\":{\"v\":{\"pattern\":\"", "a", 4097, "\"}}}");
    struct schema *schema;

    cr_assert_eq(compile(&schema, text, ""), STORE_INVALID_VALUE);
    cr_assert_str_eq(store_problem_last()->violations[0].detail, "is longer than 4096 bytes");
    free(text);
}

Test(schema, floods_of_violations_end_quickly)
{
    char *value = repeated("{\"v\":[", "1,", 500000, "1]}");
    double start = seconds();

    cr_assert_eq(check("{\"properties\":{\"v\":{\"items\":{\"type\":\"string\"}}}}", value), STORE_INVALID_VALUE);
    cr_assert_lt(seconds() - start, 5.0);
    free(value);
}

/* --- top-level properties */

static const struct {
    const char *schema;
    unsigned types;
    const char *initial;
} states[] = {
    { "{\"type\":\"string\"}", SCHEMA_STRING, "\"\"" },
    { "{\"type\":\"integer\"}", SCHEMA_INTEGER, "0" },
    { "{\"type\":\"number\"}", SCHEMA_NUMBER | SCHEMA_INTEGER, "0" },
    { "{\"type\":\"boolean\"}", SCHEMA_BOOLEAN, "false" },
    { "{\"type\":\"array\"}", SCHEMA_ARRAY, "[]" },
    { "{\"type\":\"object\"}", SCHEMA_OBJECT, "{}" },
    { "{\"type\":\"null\"}", SCHEMA_NULL, "null" },
    { "{}", SCHEMA_ANY, "\"\"" },
    { "true", SCHEMA_ANY, "\"\"" },
    { "false", 0, "null" },
    { "{\"type\":[\"null\",\"integer\"]}", SCHEMA_NULL | SCHEMA_INTEGER, "0" },
    { "{\"type\":[\"null\",\"object\",\"array\"]}", SCHEMA_NULL | SCHEMA_OBJECT | SCHEMA_ARRAY, "[]" },
    { "{\"type\":[\"boolean\",\"number\"]}", SCHEMA_BOOLEAN | SCHEMA_NUMBER | SCHEMA_INTEGER, "0" },
    { "{\"type\":\"string\",\"default\":\"\\u00e9\"}", SCHEMA_STRING, "\"\\u00e9\"" },
    { "{\"default\":{\"a\": 1.50}}", SCHEMA_ANY, "{\"a\": 1.50}" },
    { "{\"type\":[\"string\",\"null\"],\"default\":null}", SCHEMA_STRING | SCHEMA_NULL, "null" },
    { "{\"const\":1.0}", SCHEMA_INTEGER, "0" },
    { "{\"const\":1.5}", SCHEMA_NUMBER | SCHEMA_INTEGER, "0" },
    { "{\"enum\":[\"a\",null]}", SCHEMA_STRING | SCHEMA_NULL, "\"\"" },
    { "{\"type\":\"string\",\"enum\":[\"a\",null]}", SCHEMA_STRING, "\"\"" },
    { "{\"$ref\":\"#/$defs/i\"}", SCHEMA_INTEGER, "0" },
    { "{\"$ref\":\"#/$defs/n\",\"type\":[\"boolean\",\"integer\"]}", SCHEMA_INTEGER, "0" },
    { "{\"allOf\":[{\"type\":[\"string\",\"null\",\"array\"]},{\"type\":[\"array\",\"null\"]}]}",
      SCHEMA_ARRAY | SCHEMA_NULL, "[]" },
};

Test(schema, properties_have_types_and_initial_states)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        const struct schema_property *property;
        struct schema *schema;
        char text[512];

        snprintf(text, sizeof text, "{\"$defs\":{\"i\":{\"type\":\"integer\"},\"n\":{\"type\":\"number\"}},"
                 "\"properties\":{\"v\":%s}}", states[i].schema);
        schema = compiled(text);
        property = schema_property_find(schema, "v", 1);
        cr_assert_not_null(property);
        cr_assert_eq(property->types, states[i].types, "%s: %x", states[i].schema, property->types);
        cr_assert(slice_equal(property->initial, slice_text(states[i].initial)), "%s: %.*s", states[i].schema,
                  (int)property->initial.size, (const char *)property->initial.data);
        cr_assert_eq(property->has_default, strstr(states[i].schema, "default") != NULL);
        schema_free(schema);
    }
}

Test(schema, properties_come_in_the_order_of_the_schema)
{
    struct schema *schema = compiled("{\"required\":[\"c\",\"x\"],\"additionalProperties\":true,"
                                     "\"properties\":{\"a\":{},\"b\":{\"default\":1},\"c\":{}}}");

    cr_assert_eq(schema_property_count(schema), 3);
    cr_assert_eq(memcmp(schema_property(schema, 0)->name, "a", 1), 0);
    cr_assert_eq(schema_property(schema, 2), schema_property_find(schema, "c", 1));
    cr_assert(schema_property(schema, 2)->required);
    cr_assert_not(schema_property(schema, 0)->required);
    cr_assert(schema_property(schema, 1)->has_default);
    cr_assert_null(schema_property_find(schema, "x", 1));
    cr_assert_null(schema_property_find(schema, "y", 1));
    schema_free(schema);
    schema = compiled("true");
    cr_assert_eq(schema_property_count(schema), 0);
    cr_assert_null(schema_property_find(schema, "y", 1));
    schema_free(schema);
}
