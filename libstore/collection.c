/* collection.c - making collections, and defining typed ones (SPEC 4). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "change.h"
#include "index.h"
#include "typed.h"
#include "verb.h"

#define MAKE_FLAGS (STORE_PARENTS | STORE_DRY_RUN | STORE_IF_NONE_MATCH_ANY | STORE_SET_META | TAKES_ID)
#define DEFINE_FLAGS (STORE_PARENTS | STORE_DRY_RUN | STORE_IF_MATCH_ANY | STORE_IF_NONE_MATCH_ANY | TAKES_ID)

struct collection_operation {
    struct operation operation;
    const char *location;
    struct definition *definition; /* define: the new one; NULL makes it plain */
    const store_request *request;
};

/* ------------------------------------------------------------------- make */

static int nothing_done(store_result *result, const struct target *target, const struct record *existing)
{
    char location[STORE_LOCATION_MAX + 1];
    int rc = tree_location(location, target);

    return rc == STORE_OK ? result_set(result, STORE_NOTHING, existing->version, location, false) : rc;
}

static int run_make(struct operation *operation, struct txn *txn)
{
    struct collection_operation *op = (struct collection_operation *)operation;
    const struct address address = request_address(op->location, op->request);
    struct view view;
    struct target target;
    struct record existing;
    int rc;

    rc = node_creatable(node_resolve(&target, txn, &address, op->request), &target);
    view = view_of_txn(txn);
    if (rc == STORE_OK)
        rc = tree_record(&existing, &view, &target);
    if (rc == STORE_OK && existing.kind == NODE_COLLECTION && op->request->flags & STORE_PARENTS)
        rc = nothing_done(&op->operation.answer->one, &target, &existing);
    else if (rc == STORE_OK)
        rc = op->request->flags & STORE_IF_NONE_MATCH_ANY ? conditions_check(op->request, &existing)
                                                          : node_taken(&target);
    else if (rc == ENGINE_ABSENT)
        rc = node_make_collection(txn, &target, op->request, &op->operation.answer->one);
    if (rc < 0)
        problem_location(tree_named(&target, &address));
    return rc;
}

static int execute(struct collection_operation *op, store_answer *out, store *s, unsigned flags)
{
    int rc = verb_check(op->request, flags);

    if (out)
        *out = (store_answer){ 0 };
    return rc == STORE_OK ? verb_execute(out, s, op->request, &op->operation) : rc;
}

int store_make_collection(store_answer *out, store *s, const char *location, const store_request *request)
{
    struct collection_operation op = { .operation = { .run = run_make }, .location = location,
                                       .request = request_or_default(request) };

    store_enter();
    return execute(&op, out, s, MAKE_FLAGS);
}

/* ----------------------------------------------------------------- define */

/* The move of a collection's objects from one way of keeping them to another. */
struct change_over {
    struct txn *txn;
    uint64_t scope;
    struct slice location;
    const struct definition *before; /* NULL: plain */
    const struct definition *after;
    size_t offenders;
    struct buffer faults; /* of the offenders: location NUL detail NUL */
};

#define FAULTS_MAX (1u << 20) /* bytes of them that are kept */

static void offend(struct change_over *over, const char *name, int code)
{
    const struct store_problem *found = store_problem_last();
    char location[STORE_LOCATION_MAX + 1] = "";

    over->offenders++;
    if (over->faults.size > FAULTS_MAX || tree_join(location, over->location, slice_text(name)) != STORE_OK)
        return;
    buffer_append(&over->faults, location, strlen(location) + 1);
    buffer_text(&over->faults, store_code_name(code));
    for (size_t i = 0; i < found->violation_count; i++)
        buffer_format(&over->faults, ": %s %s", found->violations[i].pointer, found->violations[i].detail);
    if (found->violation_count == 0)
        buffer_format(&over->faults, ": %s", found->detail);
    buffer_append(&over->faults, "", 1);
}

/* One violation for each offender: its location, and what is wrong with it. */
static int report_offenders(const struct change_over *over)
{
    const char *at = over->faults.data, *end = at + over->faults.size;

    problem_violations_clear();
    while (at && at < end) {
        const char *detail = at + strlen(at) + 1;
        problem_violation(at, "%s", detail);
        at = detail + strlen(detail) + 1;
    }
    return problem(STORE_INVALID_VALUE, "%zu of the collection's objects %s not conform to the definition",
                   over->offenders, over->offenders == 1 ? "does" : "do");
}

/* What the new definition makes of one object: its new row, and its index rows. */
static int convert(struct change_over *over, const struct target *from, const char *name, const struct record *record)
{
    struct target to = { 0 };
    struct index_rows rows = { 0 };
    struct buffer space = BUFFER_INIT;
    struct doc doc = DOC_INIT;
    struct view view = view_of_txn(over->txn);
    struct slice text;
    bool lacking = false, held;
    int rc = tree_target_in(&to, over->location, over->scope, over->after, slice_text(name));

    if (rc == STORE_NOT_FOUND)
        rc = problem(STORE_KEY_MISMATCH, "its name is no key");
    if (rc == STORE_OK && record->kind != NODE_OBJECT)
        rc = problem(STORE_KIND_CONFLICT, "it is no object, or has several names");
    if (rc == STORE_OK)
        rc = typed_body(&text, &space, &view, record);
    if (rc == STORE_OK)
        rc = typed_parse(&doc, text.data, text.size);
    if (rc == STORE_OK)
        rc = typed_require_object(&doc, doc.root);
    if (rc == STORE_OK && over->after->key.count)
        rc = typed_agree(&doc, doc.root, &to, &lacking);
    if (rc == STORE_OK && lacking)
        rc = problem(STORE_KEY_REQUIRED, "its body lacks the key (%s)", over->after->key.label);
    if (rc == STORE_OK)
        rc = typed_validate(&doc, doc.root, over->after, "");
    if (rc == STORE_OK)
        rc = index_rows_of(&rows, over->after, over->scope, &doc, doc.root);
    if (rc == STORE_OK)
        rc = index_check(&held, over->txn, &to, &rows, slice_of(NULL, 0));
    if (rc == STORE_OK && !slice_equal(key_slice(&from->key), key_slice(&to.key))) {
        rc = node_rewrite(over->txn, &to.key, record, record->version);
        if (rc == STORE_OK)
            rc = engine_del(&over->txn->engine, key_slice(&from->key));
    }
    if (rc == STORE_OK)
        rc = index_update(over->txn, NULL, slice_of(NULL, 0), &rows, index_entry(&to));
    index_rows_release(&rows);
    doc_release(&doc);
    buffer_release(&space);
    return rc;
}

/* Becoming plain: the key text becomes the name. */
static int make_plain(struct change_over *over, const struct target *from, const char *name,
                      const struct record *record)
{
    static const store_request json = { .version = STORE_REQUEST_VERSION, .type = "application/json" };
    struct target to = { 0 };
    struct slice type;
    int rc = tree_target_in(&to, over->location, over->scope, NULL, slice_text(name));

    if (rc != STORE_OK)
        return rc;
    if (!attribute_find(record->attributes, ATTRIBUTE_TYPE, slice_of("", 0), &type)) {
        struct buffer section = BUFFER_INIT;
        struct record labelled = *record;
        rc = metadata_build(&section, record->attributes, &json);
        labelled.attributes = slice_of(section.data, section.size);
        if (rc == STORE_OK)
            rc = node_rewrite(over->txn, &to.key, &labelled, record->version);
        buffer_release(&section);
    } else {
        rc = node_rewrite(over->txn, &to.key, record, record->version);
    }
    if (rc == STORE_OK && !slice_equal(key_slice(&from->key), key_slice(&to.key)))
        rc = engine_del(&over->txn->engine, key_slice(&from->key));
    return rc < 0 ? rc : STORE_OK;
}

/* One entry; what is wrong with it is noted and the others are looked at as well. */
static int change_entry(struct change_over *over, struct slice found, struct slice value)
{
    struct target from = { 0 };
    struct record record;
    char name[STORE_NAME_MAX + 1];
    size_t size;
    int rc = tree_entry_name(name, &size, over->before, slice_of((const char *)found.data + SCOPE_PREFIX,
                                                                found.size - SCOPE_PREFIX));

    if (rc != STORE_OK)
        return rc;
    key_add(&from.key, found.data, found.size);
    if (record_read(&record, value.data, value.size, true) != RECORD_OK)
        return problem(STORE_CORRUPT, "the record of %s is damaged", name);
    rc = over->after ? convert(over, &from, name, &record) : make_plain(over, &from, name, &record);
    if (rc == STORE_OK || rc <= STORE_FULL)
        return rc;
    offend(over, name, rc);
    return STORE_OK;
}

/* All keys of the scope's entries first: rows are written and deleted while they are gone through. */
static int list_entries(struct buffer *out, struct txn *txn, uint64_t scope, char kind)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct key prefix;
    int rc = engine_cursor_open(&cursor, &txn->engine.view);

    if (rc != STORE_OK)
        return rc;
    key_begin(&prefix, scope, kind);
    rc = engine_seek(&cursor, key_slice(&prefix), &found, &value);
    while (rc == STORE_OK && key_has_prefix(found, &prefix)) {
        uint16_t size = (uint16_t)found.size;
        buffer_append(out, &size, sizeof size);
        buffer_append(out, found.data, found.size);
        rc = engine_next(&cursor, &found, &value);
    }
    engine_cursor_close(&cursor);
    if (out->failed)
        return problem(STORE_NO_MEMORY, "no memory to go through a collection");
    return rc < 0 ? rc : STORE_OK;
}

static struct slice listed_key(const struct buffer *list, size_t *at)
{
    uint16_t size;
    struct slice key;

    memcpy(&size, list->data + *at, sizeof size);
    key = slice_of(list->data + *at + sizeof size, size);
    *at += sizeof size + size;
    return key;
}

static int drop_rows(struct txn *txn, uint64_t scope, char kind)
{
    struct buffer list = BUFFER_INIT;
    int rc = list_entries(&list, txn, scope, kind);

    for (size_t at = 0; rc >= 0 && at < list.size;)
        rc = engine_del(&txn->engine, listed_key(&list, &at));
    buffer_release(&list);
    return rc < 0 ? rc : STORE_OK;
}

static int change_entries(struct change_over *over)
{
    struct buffer list = BUFFER_INIT;
    struct slice value;
    int rc = drop_rows(over->txn, over->scope, KIND_UNIQUE);

    if (rc == STORE_OK)
        rc = list_entries(&list, over->txn, over->scope, KIND_ENTRY);
    for (size_t at = 0; rc == STORE_OK && at < list.size;) {
        struct slice key = listed_key(&list, &at);
        rc = engine_get(&over->txn->engine.view, key, &value);
        if (rc == STORE_OK)
            rc = change_entry(over, key, value);
    }
    buffer_release(&list);
    if (rc == STORE_OK && over->offenders > 0)
        rc = report_offenders(over);
    buffer_release(&over->faults);
    return rc;
}

static int write_definition(struct txn *txn, uint64_t scope, const struct definition *definition, uint64_t version)
{
    struct key key;
    void *space;
    int rc;

    key_begin(&key, scope, KIND_DEFINITION);
    if (!definition) {
        rc = engine_del(&txn->engine, key_slice(&key));
        return rc < 0 ? rc : STORE_OK;
    }
    rc = engine_reserve(&txn->engine, key_slice(&key), sizeof version + definition->text_size, false, &space);
    if (rc != STORE_OK)
        return rc;
    memcpy(space, &version, sizeof version);
    memcpy((char *)space + sizeof version, definition->text, definition->text_size);
    return STORE_OK;
}

/* The collection's record, made if it is absent. */
static int find_or_make(struct record *out, bool *made, const struct target *target, struct txn *txn,
                        const struct collection_operation *op)
{
    const struct node_change empty = { .kind = NODE_COLLECTION, .request = op->request, .silent = true };
    struct view view = view_of_txn(txn);
    int rc = tree_record(out, &view, target);

    *made = rc == ENGINE_ABSENT;
    if (rc == STORE_OK && out->kind != NODE_COLLECTION)
        return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "there is an object, no collection");
    if (rc != ENGINE_ABSENT)
        return rc == STORE_OK ? conditions_check(op->request, out) : rc;
    rc = conditions_check(op->request, NULL);
    if (rc == STORE_OK && !op->definition)
        rc = problem(STORE_NOT_FOUND, "there is no such collection");
    if (rc == STORE_OK)
        rc = node_write(txn, target, &empty, NULL);
    return rc == STORE_OK ? tree_record(out, &view, target) : rc;
}

static int define(struct txn *txn, const struct target *target, struct collection_operation *op)
{
    struct change_over over = { .txn = txn, .location = target->location.text, .after = op->definition };
    struct node_change change = { .kind = NODE_COLLECTION, .flags = op->definition ? RECORD_TYPED : 0,
                                  .request = op->request };
    struct view view = view_of_txn(txn);
    struct record record;
    bool made;
    int rc = find_or_make(&record, &made, target, txn, op);

    if (rc == STORE_OK)
        rc = tree_collection(&over.scope, &over.before, &view, target->location.text);
    if (rc == STORE_OK && (over.before || over.after))
        rc = change_entries(&over);
    if (rc == STORE_OK && (!op->definition || op->definition->order != ORDER_AUTO))
        rc = drop_rows(txn, over.scope, KIND_AUTO);
    if (rc == STORE_OK)
        rc = tree_record(&record, &view, target);
    if (rc == STORE_OK) {
        change.old = &record;
        change.made = made;
        change.version = txn->next_version;
        rc = write_definition(txn, over.scope, op->definition, txn_version(txn));
    }
    if (rc == STORE_OK)
        rc = tree_record(&record, &view, target);
    if (rc == STORE_OK)
        rc = node_write(txn, target, &change, &op->operation.answer->one);
    tree_changed(txn);
    return rc;
}

static int run_define(struct operation *operation, struct txn *txn)
{
    struct collection_operation *op = (struct collection_operation *)operation;
    const struct address address = request_address(op->location, op->request);
    struct target target;
    int rc;

    rc = node_creatable(node_resolve(&target, txn, &address, op->request), &target);
    if (rc == STORE_OK && target.definition)
        rc = problem(STORE_KIND_CONFLICT, "a typed collection holds objects only");
    if (rc == STORE_OK)
        rc = define(txn, &target, op);
    if (rc < 0)
        problem_location(tree_named(&target, &address));
    return rc;
}

int store_define(store_answer *out, store *s, const char *location, const char *definition, size_t size,
                 const store_request *request)
{
    struct collection_operation op = { .operation = { .run = run_define }, .location = location,
                                       .request = request_or_default(request) };
    int rc = STORE_OK;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    if (definition)
        rc = definition_parse(&op.definition, definition, size);
    if (rc == STORE_OK)
        rc = execute(&op, out, s, DEFINE_FLAGS);
    else
        problem_location(location);
    definition_release(op.definition);
    return rc;
}
