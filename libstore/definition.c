/* definition.c - a typed collection's definition: its JSON text checked as a whole, every fault at once,
 * and made into keys, policy and compiled schema. */
#include "definition.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pointer.h"
#include "problem.h"
#include "store.h"

struct parser {
    struct definition *definition;
    struct doc doc;
    doc_id order, key, put, unique, precondition, schema; /* values; DOC_NONE if absent */
    size_t faults;
    bool no_memory;
};

__attribute__((format(printf, 3, 4)))
static void fault(struct parser *p, const char *pointer, const char *format, ...)
{
    char detail[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    problem_violation(pointer, "%s", detail);
    p->faults++;
}

static const struct doc_node *node_at(const struct parser *p, doc_id id)
{
    return doc_at(&p->doc, id);
}

/* --- members */

static void read_members(struct parser *p)
{
    const struct {
        const char *name;
        doc_id *value;
    } members[] = {
        { "order", &p->order },   { "key", &p->key },
        { "put", &p->put },       { "unique", &p->unique },
        { "schema", &p->schema }, { "require_precondition", &p->precondition },
    };

    for (doc_id at = node_at(p, p->doc.root)->first; at != DOC_NONE; at = node_at(p, at)->next) {
        struct slice key = slice_of(node_at(p, at)->key, node_at(p, at)->key_size);
        struct buffer pointer = BUFFER_INIT;
        size_t i = 0;

        while (i < sizeof members / sizeof *members && !slice_equal(slice_text(members[i].name), key))
            i++;
        if (i < sizeof members / sizeof *members) {
            *members[i].value = at;
            continue;
        }
        pointer_append(&pointer, key.data, key.size);
        p->no_memory |= pointer.failed;
        fault(p, pointer.failed ? "" : pointer.data, "is no member of a definition");
        buffer_release(&pointer);
    }
}

/* The index of the string in a list of `count` words; 0, the default, after a fault or if it is absent. */
static unsigned read_word(struct parser *p, doc_id value, const char *pointer, const char *const words[3])
{
    unsigned i = 0;

    if (value == DOC_NONE)
        return 0;
    if (node_at(p, value)->type == DOC_STRING)
        while (i < 3 && !slice_equal(doc_string(&p->doc, value), slice_text(words[i])))
            i++;
    if (node_at(p, value)->type == DOC_STRING && i < 3)
        return i;
    fault(p, pointer, "must be \"%s\", \"%s\" or \"%s\"", words[0], words[1], words[2]);
    return 0;
}

static void read_policy(struct parser *p)
{
    static const char *const orders[] = { "key", "auto", "unordered" };
    static const char *const puts[] = { "create", "replace", "merge" };
    struct definition *d = p->definition;

    d->order = (enum definition_order)read_word(p, p->order, "/order", orders);
    d->put = (enum definition_put)read_word(p, p->put, "/put", puts);
    if (p->precondition == DOC_NONE)
        return;
    d->require_precondition = node_at(p, p->precondition)->type == DOC_TRUE;
    if (!d->require_precondition && node_at(p, p->precondition)->type != DOC_FALSE)
        fault(p, "/require_precondition", "must be a boolean");
}

static void read_schema(struct parser *p)
{
    doc_id type;

    if (p->schema == DOC_NONE) {
        fault(p, "/schema", "is required");
        return;
    }
    type = node_at(p, p->schema)->type == DOC_OBJECT ? doc_member(&p->doc, p->schema, "type", 4) : DOC_NONE;
    if (type != DOC_NONE && (node_at(p, type)->type != DOC_STRING ||
                             !slice_equal(doc_string(&p->doc, type), slice_text("object"))))
        fault(p, "/schema/type", "must be \"object\"");
    switch (schema_compile(&p->definition->schema, &p->doc, p->schema, "/schema")) {
    case STORE_OK:
        break;
    case STORE_NO_MEMORY:
        p->no_memory = true;
        break;
    default:
        p->faults++;
    }
}

/* --- keys */

/* Whether `schema.properties` names it, also in a schema that did not compile. */
static bool is_named(const struct parser *p, struct slice name)
{
    doc_id properties = DOC_NONE;

    if (p->schema != DOC_NONE && node_at(p, p->schema)->type == DOC_OBJECT)
        properties = doc_member(&p->doc, p->schema, "properties", strlen("properties"));
    return properties != DOC_NONE && node_at(p, properties)->type == DOC_OBJECT &&
           doc_member(&p->doc, properties, name.data, name.size) != DOC_NONE;
}

static bool key_type_of(unsigned types, enum key_type *out)
{
    static const struct {
        unsigned types;
        enum key_type type;
    } known[] = {
        { SCHEMA_INTEGER, KEY_INTEGER },
        { SCHEMA_STRING, KEY_STRING },
        { SCHEMA_BOOLEAN, KEY_BOOLEAN },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (types == known[i].types) {
            *out = known[i].type;
            return true;
        }
    return false;
}

/* One property of a key: appends it to `out`. */
static void read_column(struct parser *p, struct key_columns *out, doc_id column, const char *pointer,
                        bool nullable)
{
    const struct schema_property *property;
    struct slice name;
    enum key_type type;

    if (node_at(p, column)->type != DOC_STRING) {
        fault(p, pointer, "must be a string");
        return;
    }
    name = doc_string(&p->doc, column);
    if (!is_named(p, name)) {
        fault(p, pointer, "is no property that the schema names");
        return;
    }
    if (p->definition->schema == NULL)
        return;
    property = schema_property_find(p->definition->schema, name.data, name.size);
    for (size_t i = 0; i < out->count; i++)
        if (slice_equal(out->names[i], name)) {
            fault(p, pointer, "is in the key twice");
            return;
        }
    if (!key_type_of(nullable ? property->types & ~(unsigned)SCHEMA_NULL : property->types, &type)) {
        fault(p, pointer, "must be of exactly one of the types integer, string, boolean%s",
              nullable ? ", and may be null" : "");
        return;
    }
    out->names[out->count] = slice_of(property->name, property->name_size);
    out->types[out->count++] = type;
}

static void make_label(struct parser *p, struct key_columns *columns)
{
    struct buffer label = BUFFER_INIT;

    for (size_t i = 0; i < columns->count; i++) {
        buffer_text(&label, i > 0 ? "," : "");
        buffer_append(&label, columns->names[i].data, columns->names[i].size);
    }
    columns->label = buffer_detach(&label);
    p->no_memory |= columns->label == NULL;
}

/* A list of properties. `nullable`: they may be null. */
static void read_key(struct parser *p, struct key_columns *out, doc_id list, const char *pointer, bool nullable)
{
    uint32_t count = node_at(p, list)->count;
    size_t faults = p->faults, i = 0;
    char below[64];

    if (node_at(p, list)->type != DOC_ARRAY || count == 0 || count > KEY_PARTS_MAX) {
        fault(p, pointer, "must be an array of 1 to %d names of properties", KEY_PARTS_MAX);
        return;
    }
    for (doc_id at = node_at(p, list)->first; at != DOC_NONE; at = node_at(p, at)->next) {
        snprintf(below, sizeof below, "%s/%zu", pointer, i++);
        read_column(p, out, at, below, nullable);
    }
    if (p->faults == faults && p->definition->schema != NULL)
        make_label(p, out);
}

static void read_main_key(struct parser *p)
{
    struct definition *d = p->definition;

    if (d->order == ORDER_UNORDERED) {
        if (p->key != DOC_NONE)
            fault(p, "/key", "is not allowed in an unordered collection");
        return;
    }
    if (p->key == DOC_NONE) {
        fault(p, "/key", "is required");
        return;
    }
    read_key(p, &d->key, p->key, "/key", false);
    if (d->order == ORDER_AUTO && node_at(p, p->key)->type == DOC_ARRAY &&
        (node_at(p, p->key)->count > 1 || (d->key.count == 1 && d->key.types[0] != KEY_INTEGER)))
        fault(p, "/key", "must be one integer property: the order is auto");
}

static bool same_key(const struct key_columns *a, const struct key_columns *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!slice_equal(a->names[i], b->names[i]))
            return false;
    return true;
}

static void read_unique_keys(struct parser *p)
{
    struct definition *d = p->definition;

    if (p->unique == DOC_NONE)
        return;
    if (node_at(p, p->unique)->type != DOC_ARRAY || node_at(p, p->unique)->count > UNIQUE_MAX) {
        fault(p, "/unique", "must be an array of at most %d keys", UNIQUE_MAX);
        return;
    }
    for (doc_id at = node_at(p, p->unique)->first; at != DOC_NONE; at = node_at(p, at)->next) {
        struct key_columns *columns = &d->unique[d->unique_count];
        size_t faults = p->faults;
        char pointer[32];

        snprintf(pointer, sizeof pointer, "/unique/%zu", d->unique_count);
        d->unique_count++;
        read_key(p, columns, at, pointer, true);
        for (size_t i = 0; i + 1 < d->unique_count && p->faults == faults && columns->count > 0; i++)
            if (same_key(&d->unique[i], columns))
                fault(p, pointer, "is the same key as /unique/%zu", i);
    }
}

/* --- the whole */

static int parse(struct parser *p)
{
    struct definition *d = p->definition;
    struct doc_error error = { 0 };

    if (!doc_parse(&p->doc, d->text, d->text_size, &error)) {
        if (p->doc.no_memory)
            return problem(STORE_NO_MEMORY, "no memory for a definition");
        return problem(STORE_BAD_BODY, "the definition is no JSON: %s at byte %zu", error.detail, error.offset);
    }
    if (node_at(p, p->doc.root)->type != DOC_OBJECT) {
        fault(p, "", "must be an object");
        return problem(STORE_INVALID_VALUE, "the definition is no object");
    }
    read_members(p);
    read_policy(p);
    read_schema(p);
    read_main_key(p);
    read_unique_keys(p);
    if (p->no_memory) {
        problem_violations_clear();
        return problem(STORE_NO_MEMORY, "no memory for a definition");
    }
    if (p->faults > 0)
        return problem(STORE_INVALID_VALUE, "the definition has faults");
    return STORE_OK;
}

int definition_parse(struct definition **out, const char *text, size_t size)
{
    struct parser p = { .doc = DOC_INIT };
    int code;

    *out = NULL;
    problem_violations_clear();
    p.definition = calloc(1, sizeof *p.definition);
    if (p.definition == NULL)
        return problem(STORE_NO_MEMORY, "no memory for a definition");
    atomic_init(&p.definition->references, 1);
    p.definition->text = malloc(size + 1);
    if (p.definition->text == NULL) {
        code = problem(STORE_NO_MEMORY, "no memory for a definition");
        goto out;
    }
    memcpy(p.definition->text, text, size);
    p.definition->text[size] = '\0';
    p.definition->text_size = size;
    code = parse(&p);
out:
    doc_release(&p.doc);
    if (code == STORE_OK)
        *out = p.definition;
    else
        definition_release(p.definition);
    return code;
}

struct definition *definition_retain(struct definition *definition)
{
    atomic_fetch_add_explicit(&definition->references, 1, memory_order_relaxed);
    return definition;
}

void definition_release(struct definition *definition)
{
    if (definition == NULL || atomic_fetch_sub_explicit(&definition->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < UNIQUE_MAX; i++)
        free(definition->unique[i].label);
    free(definition->key.label);
    schema_free(definition->schema);
    free(definition->text);
    free(definition);
}

static bool read_value(struct doc *doc, doc_id id, struct key_value *out)
{
    enum doc_type type = (enum doc_type)doc_at(doc, id)->type;

    switch (out->type) {
    case KEY_INTEGER:
        return type == DOC_NUMBER && doc_integer(doc, id, &out->integer);
    case KEY_STRING:
        if (type != DOC_STRING)
            return false;
        out->string = doc_string(doc, id);
        return true;
    case KEY_BOOLEAN:
        out->integer = type == DOC_TRUE;
        return type == DOC_TRUE || type == DOC_FALSE;
    }
    return false;
}

enum key_state key_columns_read(const struct key_columns *columns, struct doc *doc, doc_id object,
                                struct key_value *out, size_t *column)
{
    enum key_state state = KEY_FOUND;

    for (size_t i = 0; i < columns->count; i++) {
        doc_id id = doc_member(doc, object, columns->names[i].data, columns->names[i].size);

        out[i] = (struct key_value){ .type = columns->types[i] };
        if (id == DOC_NONE || doc_at(doc, id)->type == DOC_NULL) {
            *column = state == KEY_FOUND ? i : *column;
            state = KEY_ABSENT;
        } else if (!read_value(doc, id, &out[i])) {
            *column = i;
            return KEY_WRONG;
        }
    }
    return state;
}

bool key_columns_value(struct key_value *out, enum key_type type, struct doc *doc, doc_id value)
{
    *out = (struct key_value){ .type = type };
    return read_value(doc, value, out);
}
