/* schema_link.c - what can only be done when all rules are there: $ref, loops, the narrowed types,
 * the top-level properties with their initial states. */
#include "schema_private.h"

#include <stdlib.h>

#include "pointer.h"

/* --- $ref */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes the percent-encoding of a URI's fragment. SIZE_MAX: it is none. */
static size_t decode_fragment(char *out, const char *text, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] != '%') {
            out[used++] = text[i];
            continue;
        }
        if (size - i < 3 || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
            return SIZE_MAX;
        out[used++] = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
        i += 2;
    }
    return used;
}

static void resolve(struct compiler *c, struct rule *rule)
{
    struct slice text = doc_string(c->doc, rule->reference_source);
    const char *from = text.data;
    size_t size = 0;
    doc_id target = DOC_NONE;
    char *pointer = malloc(text.size + 1), name[EXCERPT_SIZE];

    if (pointer == NULL) {
        c->no_memory = true;
        return;
    }
    if (text.size > 0)
        size = decode_fragment(pointer, from + 1, text.size - 1);
    if (text.size == 0 || from[0] != '#' || size == SIZE_MAX || (size > 0 && pointer[0] != '/')) {
        report(&c->faults, rule->reference_source, NULL, "is neither \"#\" nor \"#/...\" within the schema");
        goto out;
    }
    target = pointer_find(c->doc, c->doc->root, pointer, size);
    if (target == DOC_NONE || c->rule_of[target] == NULL)
        report(&c->faults, rule->reference_source, NULL, "points at no schema: %s", excerpt(name, text));
    else
        rule->reference = c->rule_of[target];
out:
    free(pointer);
}

/* --- loops and types: rules for one and the same value are visited depth first */

static void visit(struct compiler *c, struct rule *rule, unsigned depth);

static void visit_edge(struct compiler *c, struct rule *rule, struct rule *below, unsigned depth)
{
    doc_id source = below != NULL && below == rule->reference ? rule->reference_source : rule->source;

    if (below == NULL)
        return;
    if (below->visit == VISIT_OPEN) {
        c->cyclic = true;
        report(&c->faults, source, NULL, "comes back to the same schema for the same value");
        return;
    }
    if (below->visit == VISIT_NONE && depth < SCHEMA_CHAIN_MAX)
        visit(c, below, depth + 1);
    if (below->visit == VISIT_NONE || below->height + 1 > SCHEMA_CHAIN_MAX) {
        c->cyclic = true;
        report(&c->faults, source, NULL, "applies more than %d schemas to one value, each by another",
               SCHEMA_CHAIN_MAX);
    } else if (below->height + 1 > rule->height) {
        rule->height = (uint16_t)(below->height + 1);
    }
}

static void visit_list(struct compiler *c, struct rule *rule, const struct rule_list *list, unsigned depth)
{
    for (uint32_t i = 0; i < list->count; i++)
        visit_edge(c, rule, list->items[i], depth);
}

static unsigned constant_types(const struct compiler *c, const struct constants *constants)
{
    unsigned types = 0;

    for (uint32_t i = 0; i < constants->count; i++)
        types |= value_type(c->doc, (struct subject){ .id = constants->items[i].value });
    return types & SCHEMA_NUMBER ? types | SCHEMA_INTEGER : types;
}

static void narrow(const struct compiler *c, struct rule *rule)
{
    unsigned types = rule->never ? 0 : rule->types;

    if (rule->one.source != DOC_NONE)
        types &= constant_types(c, &rule->one);
    if (rule->any.source != DOC_NONE)
        types &= constant_types(c, &rule->any);
    if (rule->reference != NULL)
        types &= rule->reference->narrowed;
    for (uint32_t i = 0; i < rule->all_of.count; i++)
        types &= rule->all_of.items[i] != NULL ? rule->all_of.items[i]->narrowed : SCHEMA_ANY;
    rule->narrowed = (uint8_t)types;
}

static void visit(struct compiler *c, struct rule *rule, unsigned depth)
{
    rule->visit = VISIT_OPEN;
    visit_edge(c, rule, rule->reference, depth);
    visit_edge(c, rule, rule->negated, depth);
    visit_edge(c, rule, rule->condition, depth);
    visit_edge(c, rule, rule->then, depth);
    visit_edge(c, rule, rule->otherwise, depth);
    visit_list(c, rule, &rule->all_of, depth);
    visit_list(c, rule, &rule->any_of, depth);
    visit_list(c, rule, &rule->one_of, depth);
    for (uint32_t i = 0; i < rule->names.count; i++)
        visit_edge(c, rule, rule->names.items[i].dependent_rule, depth);
    narrow(c, rule);
    rule->visit = VISIT_DONE;
}

/* --- top-level properties */

/* The keyword's value in a schema; DOC_NONE too if that is a boolean. */
static doc_id keyword_of(const struct compiler *c, const struct rule *rule, const char *name)
{
    if (node_at(c, rule->source)->type != DOC_OBJECT)
        return DOC_NONE;
    return doc_member(c->doc, rule->source, name, strlen(name));
}

static struct slice empty_value(unsigned types)
{
    static const struct {
        unsigned type;
        const char *text;
    } empty[] = {
        { SCHEMA_STRING, "\"\"" }, { SCHEMA_INTEGER, "0" }, { SCHEMA_BOOLEAN, "false" },
        { SCHEMA_ARRAY, "[]" },    { SCHEMA_OBJECT, "{}" },
    };

    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        if (types & empty[i].type)
            return slice_text(empty[i].text);
    return slice_text("null");
}

static void describe_property(struct compiler *c, struct schema_property *out, const struct name *name,
                              uint64_t *budget)
{
    doc_id initial = keyword_of(c, name->rule, "default");

    out->name = name->text.data;
    out->name_size = name->text.size;
    out->types = name->rule->narrowed;
    out->required = name->required;
    out->has_default = initial != DOC_NONE;
    if (initial == DOC_NONE) {
        out->initial = empty_value(out->types);
        return;
    }
    out->initial = slice_of(node_at(c, initial)->text, node_at(c, initial)->text_size);
    /* A loop would be walked until the budget ends. */
    if (!c->cyclic && !run_rule(c->schema, name->rule, c->doc, initial, &c->faults, budget))
        c->no_memory = true;
}

static void list_properties(struct compiler *c)
{
    struct schema *schema = c->schema;
    doc_id properties = keyword_of(c, schema->root, "properties");
    uint64_t budget = SCHEMA_WORK;

    if (properties == DOC_NONE || node_at(c, properties)->type != DOC_OBJECT ||
        node_at(c, properties)->count == 0)
        return;
    schema->properties = schema_alloc(schema, node_at(c, properties)->count, sizeof *schema->properties);
    c->no_memory |= schema->properties == NULL;
    for (doc_id at = node_at(c, properties)->first; at != DOC_NONE && !c->no_memory; at = node_at(c, at)->next) {
        struct name *name = names_find(&schema->root->names, node_at(c, at)->key, node_at(c, at)->key_size);

        name->property = (uint32_t)schema->property_count++;
        describe_property(c, &schema->properties[name->property], name, &budget);
    }
}

/* An object of the store has the properties that its schema names, unless the schema says more. */
static void close_root(struct compiler *c)
{
    struct rule *root = c->schema->root;
    struct rule *nothing;

    if (node_at(c, root->source)->type != DOC_OBJECT || root->additional != NULL)
        return;
    nothing = schema_alloc(c->schema, 1, sizeof *nothing);
    if (nothing == NULL) {
        c->no_memory = true;
        return;
    }
    nothing->never = true;
    root->additional = nothing;
    root->parts |= PART_OBJECT;
}

void link_rules(struct compiler *c)
{
    for (struct rule *rule = c->schema->rules; rule != NULL && !c->no_memory; rule = rule->next)
        if (rule->reference_source != DOC_NONE)
            resolve(c, rule);
    for (struct rule *rule = c->schema->rules; rule != NULL; rule = rule->next)
        if (rule->visit == VISIT_NONE)
            visit(c, rule, 0);
    close_root(c);
    if (!c->no_memory)
        list_properties(c);
}
