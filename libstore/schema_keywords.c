/* schema_keywords.c - the keywords of JSON Schema as a table, and what each makes of its value.
 * docs/semantics.md lists them for users; a keyword that is not in the table is a fault. */
#include "schema_private.h"

#include <stdlib.h>

#define DIALECT "https://json-schema.org/draft/2020-12/schema"

static void *field_of(struct rule *rule, const struct keyword *keyword)
{
    return (char *)rule + keyword->field;
}

static struct slice key_of(const struct compiler *c, doc_id id)
{
    return slice_of(node_at(c, id)->key, node_at(c, id)->key_size);
}

/* --- keywords by the form of their values */

static void compile_annotation(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    (void)rule;
    compiler_expect(c, value, (unsigned)keyword->field);
}

static void compile_root_only(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    struct slice text = doc_string(c->doc, value);
    bool dialect = strcmp(keyword->name, "$schema") == 0;

    if (!compiler_expect(c, value, SCHEMA_STRING))
        return;
    if (rule->source != c->doc->root)
        report(&c->faults, value, NULL, "is allowed at the root of the schema only");
    else if (dialect && !slice_equal(text, slice_text(DIALECT)) && !slice_equal(text, slice_text(DIALECT "#")))
        report(&c->faults, value, NULL, "is another dialect than %s", DIALECT);
}

static void compile_count(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    uint64_t *field = field_of(rule, keyword);
    int64_t count;

    if (!compiler_expect(c, value, SCHEMA_INTEGER))
        return;
    if (doc_number_compare(slice_of(node_at(c, value)->text, node_at(c, value)->text_size), slice_text("0")) < 0)
        report(&c->faults, value, NULL, "must not be negative");
    else
        *field = doc_integer(c->doc, value, &count) ? (uint64_t)count : UINT64_MAX;
}

static void compile_number(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    struct slice *field = field_of(rule, keyword);

    if (!compiler_expect(c, value, SCHEMA_NUMBER))
        return;
    *field = slice_of(node_at(c, value)->text, node_at(c, value)->text_size);
    if (field == &rule->multiple_of && doc_number_compare(*field, slice_text("0")) <= 0)
        report(&c->faults, value, NULL, "must be greater than 0");
}

static void compile_boolean(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    bool *field = field_of(rule, keyword);

    if (compiler_expect(c, value, SCHEMA_BOOLEAN))
        *field = node_at(c, value)->type == DOC_TRUE;
}

static void compile_one(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    struct rule **field = field_of(rule, keyword);

    *field = compile_rule(c, value);
}

static void compile_list(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    struct rule_list *field = field_of(rule, keyword);
    struct rule **items;

    if (!compiler_expect(c, value, SCHEMA_ARRAY))
        return;
    if (node_at(c, value)->count == 0)
        report(&c->faults, value, NULL, "must not be empty");
    items = compiler_allocate(c, node_at(c, value)->count, sizeof(struct rule *));
    if (items == NULL)
        return;
    for (doc_id at = node_at(c, value)->first; at != DOC_NONE && !c->no_memory; at = node_at(c, at)->next)
        items[field->count++] = compile_rule(c, at);
    field->items = items;
}

static void compile_definitions(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    (void)rule;
    (void)keyword;
    if (!compiler_expect(c, value, SCHEMA_OBJECT))
        return;
    for (doc_id at = node_at(c, value)->first; at != DOC_NONE && !c->no_memory; at = node_at(c, at)->next)
        compile_rule(c, at);
}

/* --- keywords of names */

/* A list of names, each once. Slices into the schema's doc. */
static struct name_list read_names(struct compiler *c, doc_id value)
{
    struct name_list list = { 0 };
    struct names seen = { 0 };
    uint32_t count = node_at(c, value)->count;

    if (!compiler_expect(c, value, SCHEMA_ARRAY) || count == 0)
        return list;
    list.items = compiler_allocate(c, count, sizeof *list.items);
    c->no_memory |= !names_init(&seen, c->schema, count);
    for (doc_id at = node_at(c, value)->first; at != DOC_NONE && !c->no_memory; at = node_at(c, at)->next) {
        if (!compiler_expect(c, at, SCHEMA_STRING))
            continue;
        list.items[list.count] = doc_string(c->doc, at);
        names_add(&seen, list.items[list.count]);
        if (seen.count == list.count)
            report(&c->faults, at, NULL, "is in the list twice");
        else
            list.count++;
    }
    return list;
}

static void compile_properties(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    (void)keyword;
    if (!compiler_expect(c, value, SCHEMA_OBJECT))
        return;
    for (doc_id at = node_at(c, value)->first; at != DOC_NONE && !c->no_memory; at = node_at(c, at)->next)
        names_add(&rule->names, key_of(c, at))->rule = compile_rule(c, at);
}

static void compile_required(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    struct name_list list = read_names(c, value);

    (void)keyword;
    for (uint32_t i = 0; i < list.count; i++)
        names_add(&rule->names, list.items[i])->required = true;
    rule->names.required = list.count;
}

static void compile_dependent_required(struct compiler *c, struct rule *rule, doc_id value,
                                       const struct keyword *keyword)
{
    (void)keyword;
    if (!compiler_expect(c, value, SCHEMA_OBJECT))
        return;
    for (doc_id at = node_at(c, value)->first; at != DOC_NONE && !c->no_memory; at = node_at(c, at)->next)
        names_add(&rule->names, key_of(c, at))->dependents = read_names(c, at);
}

static void compile_dependent_schemas(struct compiler *c, struct rule *rule, doc_id value,
                                      const struct keyword *keyword)
{
    (void)keyword;
    if (!compiler_expect(c, value, SCHEMA_OBJECT))
        return;
    for (doc_id at = node_at(c, value)->first; at != DOC_NONE && !c->no_memory; at = node_at(c, at)->next)
        names_add(&rule->names, key_of(c, at))->dependent_rule = compile_rule(c, at);
}

/* --- keywords of patterns */

static const struct pattern *compile_expression(struct compiler *c, doc_id at, struct slice text)
{
    const struct pattern *pattern = NULL;
    char why[256];

    if (pattern_compile(&pattern, &c->schema->patterns, text, why, sizeof why))
        return pattern;
    if (why[0] == '\0')
        c->no_memory = true;
    else
        report(&c->faults, at, NULL, "%s", why);
    return NULL;
}

static void compile_pattern(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    (void)keyword;
    if (compiler_expect(c, value, SCHEMA_STRING))
        rule->pattern = compile_expression(c, value, doc_string(c->doc, value));
}

static void compile_pattern_properties(struct compiler *c, struct rule *rule, doc_id value,
                                       const struct keyword *keyword)
{
    struct pattern_rules *list = &rule->pattern_rules;

    (void)keyword;
    if (!compiler_expect(c, value, SCHEMA_OBJECT))
        return;
    list->items = compiler_allocate(c, node_at(c, value)->count, sizeof *list->items);
    for (doc_id at = node_at(c, value)->first; at != DOC_NONE && !c->no_memory; at = node_at(c, at)->next) {
        const struct pattern *pattern = compile_expression(c, at, key_of(c, at));
        struct rule *below = compile_rule(c, at);

        if (pattern != NULL)
            list->items[list->count++] = (struct pattern_rule){ .pattern = pattern, .rule = below };
    }
}

/* --- keywords of values */

static void compile_type(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    static const struct {
        const char *name;
        uint8_t types;
    } known[] = {
        { "null", SCHEMA_NULL },     { "boolean", SCHEMA_BOOLEAN }, { "integer", SCHEMA_INTEGER },
        { "string", SCHEMA_STRING }, { "array", SCHEMA_ARRAY },     { "object", SCHEMA_OBJECT },
        { "number", SCHEMA_NUMBER | SCHEMA_INTEGER },
    };
    struct name_list list = { .count = 1 };
    struct slice single;

    (void)keyword;
    if (node_at(c, value)->type == DOC_STRING) {
        single = doc_string(c->doc, value);
        list.items = &single;
    } else if (compiler_expect(c, value, SCHEMA_STRING | SCHEMA_ARRAY)) {
        list = read_names(c, value);
        if (node_at(c, value)->count == 0)
            report(&c->faults, value, NULL, "must not be empty");
    }
    rule->types = list.items == NULL ? SCHEMA_ANY : 0;
    for (uint32_t i = 0; list.items != NULL && i < list.count; i++) {
        char name[EXCERPT_SIZE];
        size_t k = 0;

        while (k < sizeof known / sizeof *known && !slice_equal(list.items[i], slice_text(known[k].name)))
            k++;
        if (k < sizeof known / sizeof *known)
            rule->types |= known[k].types;
        else
            report(&c->faults, value, NULL, "names a type that is none: %s", excerpt(name, list.items[i]));
    }
}

static int compare_hashes(const void *a, const void *b)
{
    const struct constant *x = a, *y = b;

    return (x->hash > y->hash) - (x->hash < y->hash);
}

static void compile_constants(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    struct constants *field = field_of(rule, keyword);
    bool single = field == &rule->one;
    doc_id at = single ? value : node_at(c, value)->first;
    uint64_t work = 0;

    if (!single && !compiler_expect(c, value, SCHEMA_ARRAY))
        return;
    if (!single && node_at(c, value)->count == 0)
        report(&c->faults, value, NULL, "must not be empty");
    field->source = value;
    field->items = compiler_allocate(c, single ? 1 : node_at(c, value)->count, sizeof *field->items);
    if (field->items == NULL)
        return;
    for (; at != DOC_NONE; at = single ? DOC_NONE : node_at(c, at)->next)
        field->items[field->count++] = (struct constant){ .hash = value_hash(c->doc, at, &work), .value = at };
    qsort(field->items, field->count, sizeof *field->items, compare_hashes);
}

static void compile_reference(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword)
{
    (void)keyword;
    if (compiler_expect(c, value, SCHEMA_STRING))
        rule->reference_source = value;
}

/* --- the table */

#define FIELD(name) offsetof(struct rule, name)

static const struct keyword keywords[] = {
    { "type", compile_type, 0, 0 },
    { "properties", compile_properties, 0, PART_OBJECT },
    { "required", compile_required, 0, PART_OBJECT },
    { "additionalProperties", compile_one, FIELD(additional), PART_OBJECT },
    { "patternProperties", compile_pattern_properties, 0, PART_OBJECT },
    { "propertyNames", compile_one, FIELD(property_names), PART_OBJECT },
    { "minProperties", compile_count, FIELD(min_properties), PART_OBJECT },
    { "maxProperties", compile_count, FIELD(max_properties), PART_OBJECT },
    { "dependentRequired", compile_dependent_required, 0, PART_OBJECT },
    { "dependentSchemas", compile_dependent_schemas, 0, PART_OBJECT },
    { "enum", compile_constants, FIELD(any), PART_VALUE },
    { "const", compile_constants, FIELD(one), PART_VALUE },
    { "minimum", compile_number, FIELD(minimum), PART_NUMBER },
    { "maximum", compile_number, FIELD(maximum), PART_NUMBER },
    { "exclusiveMinimum", compile_number, FIELD(exclusive_minimum), PART_NUMBER },
    { "exclusiveMaximum", compile_number, FIELD(exclusive_maximum), PART_NUMBER },
    { "multipleOf", compile_number, FIELD(multiple_of), PART_NUMBER },
    { "minLength", compile_count, FIELD(min_length), PART_STRING },
    { "maxLength", compile_count, FIELD(max_length), PART_STRING },
    { "pattern", compile_pattern, 0, PART_STRING },
    { "minItems", compile_count, FIELD(min_items), PART_ARRAY },
    { "maxItems", compile_count, FIELD(max_items), PART_ARRAY },
    { "items", compile_one, FIELD(items), PART_ARRAY },
    { "prefixItems", compile_list, FIELD(prefix), PART_ARRAY },
    { "uniqueItems", compile_boolean, FIELD(unique_items), PART_ARRAY },
    { "contains", compile_one, FIELD(contains), PART_ARRAY },
    { "minContains", compile_count, FIELD(min_contains), PART_ARRAY },
    { "maxContains", compile_count, FIELD(max_contains), PART_ARRAY },
    { "allOf", compile_list, FIELD(all_of), PART_APPLY },
    { "anyOf", compile_list, FIELD(any_of), PART_APPLY },
    { "oneOf", compile_list, FIELD(one_of), PART_APPLY },
    { "not", compile_one, FIELD(negated), PART_APPLY },
    { "if", compile_one, FIELD(condition), PART_APPLY },
    { "then", compile_one, FIELD(then), PART_APPLY },
    { "else", compile_one, FIELD(otherwise), PART_APPLY },
    { "$ref", compile_reference, 0, PART_APPLY },
    { "$defs", compile_definitions, 0, 0 },
    { "$schema", compile_root_only, 0, 0 },
    { "$id", compile_root_only, 0, 0 },
    { "$comment", compile_annotation, SCHEMA_STRING, 0 },
    { "title", compile_annotation, SCHEMA_STRING, 0 },
    { "description", compile_annotation, SCHEMA_STRING, 0 },
    { "default", compile_annotation, SCHEMA_ANY, 0 },
    { "examples", compile_annotation, SCHEMA_ARRAY, 0 },
    { "format", compile_annotation, SCHEMA_STRING, 0 },
    { "deprecated", compile_annotation, SCHEMA_BOOLEAN, 0 },
    { "readOnly", compile_annotation, SCHEMA_BOOLEAN, 0 },
    { "writeOnly", compile_annotation, SCHEMA_BOOLEAN, 0 },
    { "contentMediaType", compile_annotation, SCHEMA_STRING, 0 },
    { "contentEncoding", compile_annotation, SCHEMA_STRING, 0 },
};

const struct keyword *keyword_find(struct slice name)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (slice_equal(slice_text(keywords[i].name), name))
            return &keywords[i];
    return NULL;
}
