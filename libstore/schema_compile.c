/* schema_compile.c - a schema as JSON, and all schemas in it, to rules. */
#include "schema_private.h"

void *compiler_allocate(struct compiler *c, size_t count, size_t size)
{
    void *memory = count > 0 ? schema_alloc(c->schema, count, size) : NULL;

    c->no_memory |= count > 0 && memory == NULL;
    return memory;
}

bool compiler_expect(struct compiler *c, doc_id value, unsigned types)
{
    char names[EXCERPT_SIZE];
    unsigned type = value_type(c->doc, (struct subject){ .id = value });

    if (types & SCHEMA_NUMBER)
        types |= SCHEMA_INTEGER;
    if (!(types & type))
        report(&c->faults, value, NULL, "must be %s", type_names(names, types));
    return (types & type) != 0;
}

static struct rule *new_rule(struct compiler *c, doc_id id)
{
    struct rule *rule = compiler_allocate(c, 1, sizeof *rule);

    if (rule == NULL)
        return NULL;
    rule->types = SCHEMA_ANY;
    rule->source = id;
    rule->min_contains = 1;
    rule->max_properties = rule->max_length = rule->max_items = rule->max_contains = UINT64_MAX;
    if (c->newest == NULL)
        c->schema->rules = rule;
    else
        c->newest->next = rule;
    c->newest = rule;
    return rule;
}

/* Makes room for all names that a schema may bring. */
static void prepare_names(struct compiler *c, struct rule *rule, doc_id id)
{
    static const char *const naming[] = { "properties", "required", "dependentRequired", "dependentSchemas" };
    size_t count = 0;

    for (size_t i = 0; i < sizeof naming / sizeof *naming; i++) {
        doc_id value = doc_member(c->doc, id, naming[i], strlen(naming[i]));

        count += value != DOC_NONE ? node_at(c, value)->count : 0;
    }
    c->no_memory |= !names_init(&rule->names, c->schema, count);
}

static void compile_keywords(struct compiler *c, struct rule *rule, doc_id id)
{
    prepare_names(c, rule, id);
    for (doc_id at = node_at(c, id)->first; at != DOC_NONE && !c->no_memory; at = node_at(c, at)->next) {
        const struct doc_node *member = node_at(c, at);
        const struct keyword *keyword = keyword_find(slice_of(member->key, member->key_size));

        if (keyword == NULL) {
            report(&c->faults, at, NULL, "is no keyword that the store implements");
            continue;
        }
        rule->parts |= (uint8_t)keyword->part;
        keyword->compile(c, rule, at, keyword);
    }
}

struct rule *compile_rule(struct compiler *c, doc_id id)
{
    struct rule *rule = new_rule(c, id);

    if (rule == NULL || !compiler_expect(c, id, SCHEMA_OBJECT | SCHEMA_BOOLEAN))
        return rule;
    c->rule_of[id] = rule;
    if (node_at(c, id)->type != DOC_OBJECT) {
        rule->never = node_at(c, id)->type == DOC_FALSE;
        return rule;
    }
    if (++c->nesting > SCHEMA_NESTING_MAX)
        report(&c->faults, id, NULL, "is nested deeper than %d schemas", SCHEMA_NESTING_MAX);
    else
        compile_keywords(c, rule, id);
    c->nesting--;
    return rule;
}
