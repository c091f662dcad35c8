/* test_definition.c - definitions: SPEC's example, every fault of one, key values read from objects. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "definition.h"
#include "problem.h"
#include "store.h"

/* SPEC 4. */
static const char example[] =
    "{ \"order\": \"key\", \"key\": [\"alpha_2\"], \"put\": \"create\", \"unique\": [[\"alpha_3\"],"
    " [\"numeric\"]],\n"
    "  \"require_precondition\": false,\n"
    "  \"schema\": { \"type\": \"object\", \"required\": [\"name\"], \"properties\": {\n"
    "      \"alpha_2\": {\"type\": \"string\", \"pattern\": \"^[A-Z]{2}$\"},"
    " \"alpha_3\": {\"type\": \"string\"},\n"
    "      \"numeric\": {\"type\": \"string\"}, \"name\": {\"type\": \"string\"}, "
    "\"flag\": {\"type\": \"string\", \"default\": \"\"} } } }";

/* The member `schema`, with a property of each kind. */
#define PROPERTIES                                                                              \
    "\"schema\":{\"type\":\"object\",\"properties\":{\"i\":{\"type\":\"integer\"},"             \
    "\"s\":{\"type\":\"string\"},\"b\":{\"type\":\"boolean\"},\"n\":{\"type\":\"number\"},"     \
    "\"in\":{\"type\":[\"integer\",\"null\"]},\"is\":{\"type\":[\"integer\",\"string\"]},"      \
    "\"any\":{},\"z\":{\"type\":\"null\"},\"a\":{\"type\":\"array\"}}}"

static struct definition *parsed(const char *text)
{
    struct definition *definition = NULL;
    int code = definition_parse(&definition, text, strlen(text));
    const store_problem *p = store_problem_last();

    cr_assert_eq(code, STORE_OK, "%s: %s %s", text, p->violation_count ? p->violations[0].pointer : "",
                 p->violation_count ? p->violations[0].detail : "");
    return definition;
}

Test(definition, the_example_of_the_contract_parses)
{
    struct definition *d = parsed(example);

    cr_assert_eq(d->order, ORDER_KEY);
    cr_assert_eq(d->put, PUT_CREATE);
    cr_assert_not(d->require_precondition);
    cr_assert_eq(d->key.count, 1);
    cr_assert(slice_equal(d->key.names[0], slice_text("alpha_2")));
    cr_assert_eq(d->key.types[0], KEY_STRING);
    cr_assert_str_eq(d->key.label, "alpha_2");
    cr_assert_eq(d->unique_count, 2);
    cr_assert_str_eq(d->unique[0].label, "alpha_3");
    cr_assert_str_eq(d->unique[1].label, "numeric");
    cr_assert_eq(schema_property_count(d->schema), 5);
    cr_assert_eq(d->text_size, strlen(example));
    cr_assert_str_eq(d->text, example);
    definition_release(d);
}

Test(definition, members_have_defaults)
{
    struct definition *d = parsed("{\"key\":[\"i\",\"s\",\"b\"]," PROPERTIES "}");

    cr_assert_eq(d->order, ORDER_KEY);
    cr_assert_eq(d->put, PUT_CREATE);
    cr_assert_eq(d->unique_count, 0);
    cr_assert_eq(d->key.count, 3);
    cr_assert_eq(d->key.types[0], KEY_INTEGER);
    cr_assert_eq(d->key.types[2], KEY_BOOLEAN);
    cr_assert_str_eq(d->key.label, "i,s,b");
    definition_release(d);
}

Test(definition, every_member_is_read)
{
    struct definition *d = parsed("{\"order\":\"auto\",\"key\":[\"i\"],\"put\":\"merge\","
                                  "\"unique\":[[\"in\"],[\"s\",\"b\"]],"
                                  "\"require_precondition\":true," PROPERTIES "}");

    cr_assert_eq(d->order, ORDER_AUTO);
    cr_assert_eq(d->put, PUT_MERGE);
    cr_assert(d->require_precondition);
    cr_assert_eq(d->unique[0].types[0], KEY_INTEGER);
    cr_assert_str_eq(d->unique[1].label, "s,b");
    definition_release(d);
    d = parsed("{\"order\":\"unordered\",\"put\":\"replace\"," PROPERTIES "}");
    cr_assert_eq(d->order, ORDER_UNORDERED);
    cr_assert_eq(d->put, PUT_REPLACE);
    cr_assert_eq(d->key.count, 0);
    definition_release(d);
}

Test(definition, the_last_release_frees)
{
    struct definition *d = parsed(example);

    cr_assert_eq(definition_retain(d), d);
    definition_release(d);
    cr_assert_str_eq(d->key.label, "alpha_2");
    definition_release(d);
    definition_release(NULL);
}

static const struct {
    const char *text;
    const char *pointer;
    const char *detail; /* NULL: any */
} faults[] = {
    { "[]", "", "must be an object" },
    { "{\"key\":[\"i\"],\"keys/all\":1," PROPERTIES "}", "/keys~1all", "is no member of a definition" },
    { "{\"order\":\"name\",\"key\":[\"i\"]," PROPERTIES "}", "/order",
      "must be \"key\", \"auto\" or \"unordered\"" },
    { "{\"order\":1,\"key\":[\"i\"]," PROPERTIES "}", "/order", NULL },
    { "{\"put\":\"patch\",\"key\":[\"i\"]," PROPERTIES "}", "/put",
      "must be \"create\", \"replace\" or \"merge\"" },
    { "{\"require_precondition\":0,\"key\":[\"i\"]," PROPERTIES "}", "/require_precondition",
      "must be a boolean" },
    { "{" PROPERTIES "}", "/key", "is required" },
    { "{\"order\":\"auto\"," PROPERTIES "}", "/key", "is required" },
    { "{\"key\":\"i\"," PROPERTIES "}", "/key", "must be an array of 1 to 8 names of properties" },
    { "{\"key\":[]," PROPERTIES "}", "/key", NULL },
    { "{\"key\":[\"i\",\"i\",\"i\",\"i\",\"i\",\"i\",\"i\",\"i\",\"i\"]," PROPERTIES "}", "/key", NULL },
    { "{\"key\":[\"i\",1]," PROPERTIES "}", "/key/1", "must be a string" },
    { "{\"key\":[\"x\"]," PROPERTIES "}", "/key/0", "is no property that the schema names" },
    { "{\"key\":[\"i\",\"s\",\"i\"]," PROPERTIES "}", "/key/2", "is in the key twice" },
    { "{\"key\":[\"n\"]," PROPERTIES "}", "/key/0",
      "must be of exactly one of the types integer, string, boolean" },
    { "{\"key\":[\"in\"]," PROPERTIES "}", "/key/0", NULL },
    { "{\"key\":[\"is\"]," PROPERTIES "}", "/key/0", NULL },
    { "{\"key\":[\"any\"]," PROPERTIES "}", "/key/0", NULL },
    { "{\"key\":[\"a\"]," PROPERTIES "}", "/key/0", NULL },
    { "{\"order\":\"auto\",\"key\":[\"s\"]," PROPERTIES "}", "/key",
      "must be one integer property: the order is auto" },
    { "{\"order\":\"auto\",\"key\":[\"i\",\"s\"]," PROPERTIES "}", "/key", NULL },
    { "{\"order\":\"unordered\",\"key\":[\"i\"]," PROPERTIES "}", "/key",
      "is not allowed in an unordered collection" },
    { "{\"key\":[\"i\"],\"unique\":\"s\"," PROPERTIES "}", "/unique", "must be an array of at most 16 keys" },
    { "{\"key\":[\"i\"],\"unique\":[\"s\"]," PROPERTIES "}", "/unique/0", NULL },
    { "{\"key\":[\"i\"],\"unique\":[[\"s\"],[\"is\"]]," PROPERTIES "}", "/unique/1/0",
      "must be of exactly one of the types integer, string, boolean, and may be null" },
    { "{\"key\":[\"i\"],\"unique\":[[\"z\"]]," PROPERTIES "}", "/unique/0/0", NULL },
    { "{\"key\":[\"i\"],\"unique\":[[\"s\"],[\"b\"],[\"s\"]]," PROPERTIES "}", "/unique/2",
      "is the same key as /unique/0" },
    { "{\"order\":\"unordered\"}", "/schema", "is required" },
    { "{\"order\":\"unordered\",\"schema\":1}", "/schema", "must be an object or true" },
    { "{\"order\":\"unordered\",\"schema\":{\"type\":\"array\"}}", "/schema/type", "must be \"object\"" },
    { "{\"order\":\"unordered\",\"schema\":{\"type\":[\"object\"]}}", "/schema/type", NULL },
    { "{\"order\":\"unordered\",\"schema\":{\"properties\":{\"a/b\":{\"max\":1}}}}", "/schema/properties/a~1b/max",
      "is no keyword that the store implements" },
};

Test(definition, every_fault_is_found_where_it_is)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct definition *d;
        int code = definition_parse(&d, faults[i].text, strlen(faults[i].text));
        const store_problem *p = store_problem_last();

        cr_assert_eq(code, STORE_INVALID_VALUE, "%s", faults[i].text);
        cr_assert_null(d);
        cr_assert_eq(p->code, STORE_INVALID_VALUE);
        cr_assert_eq(p->violation_count, 1, "%s: %zu faults", faults[i].text, p->violation_count);
        cr_assert_str_eq(p->violations[0].pointer, faults[i].pointer, "%s: %s", faults[i].text,
                         p->violations[0].pointer);
        if (faults[i].detail != NULL)
            cr_assert_str_eq(p->violations[0].detail, faults[i].detail, "%s: %s", faults[i].text,
                             p->violations[0].detail);
    }
}

Test(definition, all_faults_are_reported_at_once)
{
    static const char text[] = "{\"order\":\"x\",\"put\":1,\"extra\":2,\"key\":[\"nope\"],"
                               "\"unique\":[[\"s\"],[3]],"
                               "\"schema\":{\"type\":\"object\",\"strange\":1,"
                               "\"properties\":{\"s\":{\"minimum\":\"\"}}}}";
    struct definition *d;

    cr_assert_eq(definition_parse(&d, text, strlen(text)), STORE_INVALID_VALUE);
    cr_assert_eq(store_problem_last()->violation_count, 7);
}

Test(definition, text_that_is_no_json_is_a_bad_body)
{
    static const char *const texts[] = { "", "{", "{\"key\":[\"a\"],\"key\":[\"b\"]}", "nope", "{} {}" };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct definition *d;

        cr_assert_eq(definition_parse(&d, texts[i], strlen(texts[i])), STORE_BAD_BODY, "%s", texts[i]);
        cr_assert_null(d);
        cr_assert_eq(store_problem_last()->violation_count, 0);
    }
}

static const struct {
    const char *object;
    enum key_state state;
    size_t column;
} readings[] = {
    { "{\"i\":7,\"s\":\"a\\u0000\\u00e9\",\"b\":true}", KEY_FOUND, 0 },
    { "{\"i\":7.0,\"s\":\"\",\"b\":false}", KEY_FOUND, 0 },
    { "{\"i\":-9223372036854775808,\"s\":\"\",\"b\":false}", KEY_FOUND, 0 },
    { "{\"s\":\"\",\"b\":false}", KEY_ABSENT, 0 },
    { "{\"i\":1,\"s\":null,\"b\":false}", KEY_ABSENT, 1 },
    { "{\"i\":1}", KEY_ABSENT, 1 },
    { "{\"i\":9223372036854775808,\"s\":\"\",\"b\":false}", KEY_WRONG, 0 },
    { "{\"i\":1.5,\"s\":\"\",\"b\":false}", KEY_WRONG, 0 },
    { "{\"i\":1,\"s\":2,\"b\":false}", KEY_WRONG, 1 },
    { "{\"i\":null,\"s\":\"\",\"b\":\"true\"}", KEY_WRONG, 2 },
};

Test(definition, key_values_are_read_from_objects)
{
    struct definition *d = parsed("{\"key\":[\"i\",\"s\",\"b\"]," PROPERTIES "}");

    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        struct key_value values[KEY_PARTS_MAX];
        struct doc doc = DOC_INIT;
        struct doc_error error;
        size_t column = 0;

        cr_assert(doc_parse(&doc, readings[i].object, strlen(readings[i].object), &error));
        cr_assert_eq(key_columns_read(&d->key, &doc, doc.root, values, &column), readings[i].state, "%s",
                     readings[i].object);
        cr_assert_eq(column, readings[i].column, "%s", readings[i].object);
        if (i == 0) {
            cr_assert_eq(values[0].integer, 7);
            cr_assert(slice_equal(values[1].string, slice_of("a\0\xC3\xA9", 4)));
            cr_assert_eq(values[2].integer, 1);
            cr_assert_eq(values[2].type, KEY_BOOLEAN);
        }
        doc_release(&doc);
    }
    definition_release(d);
}
