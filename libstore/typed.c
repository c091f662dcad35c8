/* typed.c - objects of typed collections: parsing, completing, validating, reading back. */
#include "typed.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "change.h"
#include "index.h"

static int no_memory(void)
{
    return problem(STORE_NO_MEMORY, "no memory for a JSON document");
}

int typed_parse(struct doc *doc, const void *body, size_t size)
{
    struct doc_error error = { 0 };

    if (size > STORE_JSON_MAX)
        return problem(STORE_TOO_LARGE, "a typed body has at most %u bytes", STORE_JSON_MAX);
    if (size == 0)
        return problem(STORE_BAD_BODY, "the body is empty: it must be JSON");
    if (doc_parse(doc, body, size, &error))
        return STORE_OK;
    if (doc->no_memory)
        return no_memory();
    return problem(STORE_BAD_BODY, "the body is no JSON: %s at byte %zu", error.detail, error.offset);
}

int typed_require_object(const struct doc *doc, doc_id node)
{
    if (doc_at(doc, node)->type == DOC_OBJECT)
        return STORE_OK;
    return problem(STORE_BAD_BODY, "the body must be a JSON object");
}

/* -------------------------------------------------------------------- key */

static doc_id new_value(struct doc *doc, const struct key_value *value)
{
    struct doc_error error;

    switch (value->type) {
    case KEY_INTEGER:
        return doc_new_integer(doc, value->integer);
    case KEY_STRING:
        return doc_new_string(doc, value->string.data, value->string.size);
    case KEY_BOOLEAN:
        break;
    }
    return value->integer ? doc_parse_more(doc, "true", 4, &error) : doc_parse_more(doc, "false", 5, &error);
}

static bool equal_value(struct doc *doc, doc_id node, const struct key_value *value)
{
    const struct doc_node *at = doc_at(doc, node);
    int64_t integer;

    switch (value->type) {
    case KEY_INTEGER:
        return at->type == DOC_NUMBER && doc_integer(doc, node, &integer) && integer == value->integer;
    case KEY_STRING:
        return at->type == DOC_STRING && slice_equal(doc_string(doc, node), value->string);
    case KEY_BOOLEAN:
        break;
    }
    return at->type == (value->integer ? DOC_TRUE : DOC_FALSE);
}

static bool is_zero(const struct doc *doc, doc_id node)
{
    int64_t integer;

    return doc_at(doc, node)->type == DOC_NUMBER && doc_integer(doc, node, &integer) && integer == 0;
}

static int set_column(struct doc *doc, doc_id object, struct slice name, const struct key_value *value)
{
    doc_id node = new_value(doc, value);

    if (node == DOC_NONE || !doc_set(doc, object, name.data, name.size, node))
        return no_memory();
    return STORE_OK;
}

int typed_set_key(struct doc *doc, doc_id object, const struct target *target)
{
    const struct key_columns *columns = &target->definition->key;
    int rc = STORE_OK;

    for (size_t i = 0; i < columns->count && rc == STORE_OK; i++) {
        doc_id node = doc_member(doc, object, columns->names[i].data, columns->names[i].size);
        if (node == DOC_NONE || !equal_value(doc, node, &target->values[i]))
            rc = set_column(doc, object, columns->names[i], &target->values[i]);
    }
    return rc;
}

int typed_agree(struct doc *doc, doc_id object, const struct target *target, bool *completed)
{
    const struct definition *definition = target->definition;
    const struct key_columns *columns = &definition->key;
    int rc = STORE_OK;

    for (size_t i = 0; i < columns->count && rc == STORE_OK; i++) {
        struct slice name = columns->names[i];
        doc_id node = doc_member(doc, object, name.data, name.size);
        bool assign = node == DOC_NONE || (definition->order == ORDER_AUTO && is_zero(doc, node) &&
                                           target->values[i].integer != 0);
        if (assign) {
            rc = set_column(doc, object, name, &target->values[i]);
            *completed = true;
        } else if (!equal_value(doc, node, &target->values[i])) {
            rc = problem(STORE_KEY_MISMATCH, "the body's %.*s is not that of the location", (int)name.size,
                         (const char *)name.data);
        }
    }
    return rc;
}

enum key_state typed_key(struct key_value *out, const struct definition *definition, struct doc *doc,
                         doc_id object)
{
    size_t column;
    enum key_state state = key_columns_read(&definition->key, doc, object, out, &column);

    if (state == KEY_FOUND && definition->order == ORDER_AUTO && out[0].integer == 0)
        return KEY_ABSENT;
    return state;
}

int typed_key_problem(enum key_state state, const struct definition *definition)
{
    if (state == KEY_WRONG)
        return problem(STORE_INVALID_VALUE, "the key (%s) has a value that is no key", definition->key.label);
    return problem(STORE_KEY_REQUIRED, "the key (%s) is missing", definition->key.label);
}

/* ----------------------------------------------------- state and validity */

int typed_fill(struct doc *doc, doc_id object, const struct definition *definition, bool *completed)
{
    size_t count = schema_property_count(definition->schema);
    struct doc_error error;

    for (size_t i = 0; i < count; i++) {
        const struct schema_property *property = schema_property(definition->schema, i);
        doc_id value;
        if (property->required || doc_member(doc, object, property->name, property->name_size) != DOC_NONE)
            continue;
        value = doc_parse_more(doc, property->initial.data, property->initial.size, &error);
        if (value == DOC_NONE || !doc_set(doc, object, property->name, property->name_size, value))
            return no_memory();
        *completed = true;
    }
    return STORE_OK;
}

int typed_validate(struct doc *doc, doc_id object, const struct definition *definition, const char *prefix)
{
    size_t count;
    int rc;

    problem_violations_clear();
    rc = schema_validate(definition->schema, doc, object, prefix);
    if (rc == STORE_NO_MEMORY)
        return no_memory();
    if (rc == STORE_OK)
        return STORE_OK;
    count = problem_violation_count();
    return problem(STORE_INVALID_VALUE, "the object does not conform to its schema: %zu %s", count,
                   count == 1 ? "violation" : "violations");
}

/* -------------------------------------------------------------- as stored */

int typed_body(struct slice *out, struct buffer *space, const struct view *view, const struct record *record)
{
    int rc;

    if (!(record->flags & RECORD_CHUNKED)) {
        *out = record->body;
        return STORE_OK;
    }
    buffer_clear(space);
    if (!buffer_reserve(space, record->size))
        return no_memory();
    rc = body_read_at(view, record, 0, space->data, record->size);
    *out = slice_of(space->data, record->size);
    return rc;
}

int typed_read(struct doc *doc, struct buffer *space, const struct view *view, const struct record *record)
{
    struct slice text = { NULL, 0 };
    int rc = typed_body(&text, space, view, record);

    if (rc == STORE_OK)
        rc = typed_parse(doc, text.data, text.size);
    return rc == STORE_BAD_BODY ? problem(STORE_CORRUPT, "a typed object's body is no JSON") : rc;
}

int typed_rows(struct index_rows *out, struct txn *txn, const struct target *target, const struct record *record)
{
    struct buffer space = BUFFER_INIT;
    struct doc doc = DOC_INIT;
    struct view view = view_of_txn(txn);
    int rc;

    *out = (struct index_rows){ 0 };
    if (target->definition->unique_count == 0)
        return STORE_OK;
    rc = typed_read(&doc, &space, &view, record);
    if (rc == STORE_OK)
        rc = index_rows_of(out, target->definition, target->scope, &doc, doc.root);
    doc_release(&doc);
    buffer_release(&space);
    return rc;
}

int typed_remove(struct txn *txn, const struct target *target, const struct record *record)
{
    struct index_rows old = { 0 };
    int rc = typed_rows(&old, txn, target, record);

    if (rc == STORE_OK)
        rc = node_remove(txn, target, record);
    if (rc == STORE_OK && old.count)
        rc = index_update(txn, &old, index_entry(target), NULL, slice_of(NULL, 0));
    index_rows_release(&old);
    return rc;
}
