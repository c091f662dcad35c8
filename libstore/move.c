/* move.c - MOVE and COPY of objects, links and whole collections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "change.h"
#include "draft.h"
#include "index.h"
#include "typed.h"
#include "verb.h"

#define MOVE_FLAGS (STORE_REPLACE | STORE_NOREPLACE | STORE_PARENTS | STORE_DRY_RUN | STORE_IF_MATCH_ANY | \
                    STORE_IF_NONE_MATCH_ANY)

struct move_operation {
    struct operation operation;
    const char *from, *to;
    bool copies;
    const store_request *request;
};

/* What a moved or copied JSON object is labelled as when it leaves its typed collection. */
static const store_request json_request = { .version = STORE_REQUEST_VERSION, .type = "application/json" };

/* ----------------------------------------------------------------- target */

static int check_ends(const struct target *from, const struct target *to, enum node_kind kind)
{
    if (from->property.size > 0 || to->property.size > 0)
        return problem(STORE_PROPERTY_TARGET, "only whole objects and collections are moved and copied");
    if (from->scope == SCOPE_STORE || to->scope == SCOPE_STORE)
        return problem(STORE_BAD_ARGUMENT, "the root can be neither moved nor replaced");
    if (kind == NODE_COLLECTION && location_within(to->location.text, from->location.text))
        return problem(STORE_BAD_ARGUMENT, "a collection cannot go into itself");
    if (to->definition && kind != NODE_OBJECT)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "a typed collection holds objects only");
    if (to->location.collection && kind != NODE_COLLECTION)
        return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "the target must be a collection");
    return STORE_OK;
}

/* Makes room at the target: with `replace`, what is there goes. */
static int clear_target(struct txn *txn, const struct target *to, enum node_kind kind, const store_request *request,
                        bool *replaced)
{
    bool replace = request->flags & STORE_REPLACE;
    struct view view = view_of_txn(txn);
    struct record existing;
    char location[STORE_LOCATION_MAX + 1];
    int rc = tree_record(&existing, &view, to);

    *replaced = rc == STORE_OK;
    if (rc != STORE_OK)
        return rc == ENGINE_ABSENT ? STORE_OK : rc;
    if (!replace)
        return node_taken(to);
    rc = conditions_demand(to->definition, request);
    if (rc != STORE_OK)
        return rc;
    if (kind == NODE_COLLECTION && existing.kind != NODE_COLLECTION)
        return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "the target is no collection");
    if (kind != NODE_COLLECTION && existing.kind == NODE_COLLECTION)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "the target is a collection");
    rc = tree_location(location, to);
    if (rc == STORE_OK && existing.kind == NODE_COLLECTION)
        rc = node_check_empty(&txn->engine.view, existing.id, location);
    if (rc != STORE_OK)
        return rc;
    return to->definition ? typed_remove(txn, to, &existing) : node_remove(txn, to, &existing);
}

/* ---------------------------------------------------------------- objects */

/* What a copy takes over from its source beside the body. `items` is to be freed. */
static int inherit(store_request *request, store_attributes *attributes, store_meta **items, char *type,
                   const struct record *record)
{
    struct slice found;
    int rc = metadata_copy(items, &request->meta_count, record->attributes, 0);

    *attributes = (store_attributes){ .mask = STORE_ATTR_MODE | STORE_ATTR_OWNER | STORE_ATTR_GROUP,
                                      .mode = record->mode, .uid = record->uid, .gid = record->gid };
    request->flags = STORE_SET_META;
    request->meta = *items;
    request->attributes = attributes;
    if (attribute_find(record->attributes, ATTRIBUTE_TYPE, slice_of("", 0), &found) && found.size <= STORE_TYPE_MAX) {
        memcpy(type, found.data, found.size);
        type[found.size] = '\0';
        if (metadata_json_type(type))
            request->type = type;
    }
    return rc;
}

/* Into a typed collection: the key properties follow the location, absent properties are filled in. */
static int into_typed(struct txn *txn, const struct target *from, const struct target *to, const struct record *record,
                      const struct move_operation *op)
{
    const struct draft_place place = { .target = to, .old = op->copies ? NULL : record,
                                       .from = op->copies ? NULL : from };
    struct draft draft = DRAFT_INIT;
    struct buffer space = BUFFER_INIT;
    struct doc doc = DOC_INIT;
    struct view view = view_of_txn(txn);
    struct slice text;
    store_request request = STORE_REQUEST_INIT;
    store_attributes attributes;
    store_meta *items = NULL;
    char type[STORE_TYPE_MAX + 1];
    int rc = typed_body(&text, &space, &view, record);

    if (rc == STORE_OK && op->copies)
        rc = inherit(&request, &attributes, &items, type, record);

    if (rc == STORE_OK)
        rc = typed_parse(&doc, text.data, text.size);
    if (rc == STORE_OK)
        rc = typed_require_object(&doc, doc.root);
    if (rc == STORE_OK && to->definition->key.count)
        rc = typed_set_key(&doc, doc.root, to);
    if (rc == STORE_OK)
        rc = typed_fill(&doc, doc.root, to->definition, &draft.completed);
    if (rc == STORE_OK)
        rc = draft_make(&draft, to, &doc, doc.root, text, NULL);
    if (rc == STORE_OK)
        rc = draft_publish(txn, &draft, &place, &request, &op->operation.answer->one);
    free(items);
    draft_release(&draft);
    doc_release(&doc);
    buffer_release(&space);
    return rc;
}

/* What needed no label in its typed collection is JSON outside of it, too. */
static bool needs_label(const struct target *from, const struct record *record)
{
    struct slice type;

    return from->definition && !attribute_find(record->attributes, ATTRIBUTE_TYPE, slice_of("", 0), &type);
}

static int move_plain(struct txn *txn, const struct target *from, const struct target *to, const struct record *record,
                      const struct move_operation *op)
{
    const struct node_change change = { .kind = record->kind, .old = record, .from = from,
                                        .request = needs_label(from, record) ? &json_request : &request_default };
    struct index_rows rows = { 0 };
    int rc = from->definition ? typed_rows(&rows, txn, from, record) : STORE_OK;

    if (rc == STORE_OK)
        rc = node_write(txn, to, &change, &op->operation.answer->one);
    if (rc == STORE_OK)
        rc = node_unlink(txn, from);
    if (rc == STORE_OK)
        rc = index_update(txn, &rows, slice_of(NULL, 0), NULL, slice_of(NULL, 0));
    index_rows_release(&rows);
    return rc;
}

static int announce(struct txn *txn, const struct target *from, const struct target *to, enum node_kind kind,
                    uint64_t version, store_result *result)
{
    char location[STORE_LOCATION_MAX + 1], origin[STORE_LOCATION_MAX + 1] = "";
    int rc = tree_location(location, to);

    if (rc == STORE_OK && from)
        rc = tree_location(origin, from);
    if (rc == STORE_OK)
        rc = change_note(txn, version, from ? STORE_MOVED : STORE_CREATED, node_kind_of(kind), location,
                         from ? origin : NULL);
    return rc == STORE_OK ? result_set(result, STORE_CREATED, version, location, false) : rc;
}

/* ------------------------------------------------------------ collections */

static int move_collection(struct txn *txn, const struct target *from, const struct target *to,
                           const struct record *record, const struct move_operation *op)
{
    uint64_t version = txn_version(txn);
    int rc = node_rewrite(txn, to, record, version);

    if (rc == STORE_OK)
        rc = node_unlink(txn, from);
    txn->namespace_changed = true;
    tree_cache_clear(txn->cache);
    return rc == STORE_OK ? announce(txn, from, to, NODE_COLLECTION, version, &op->operation.answer->one) : rc;
}

/* Collections whose rows are still to be copied. */
struct pending {
    uint64_t from, to;
    struct pending *next;
};

static int push(struct pending **list, uint64_t from, uint64_t to)
{
    struct pending *item = malloc(sizeof *item);

    if (!item)
        return problem(STORE_NO_MEMORY, "no memory to copy a collection");
    *item = (struct pending){ from, to, *list };
    *list = item;
    return STORE_OK;
}

/* One row of a collection's scope, to the scope of its copy. */
static int copy_row(struct txn *txn, uint64_t scope, struct slice key, struct slice value, struct pending **list)
{
    struct buffer row = BUFFER_INIT;
    struct record record;
    struct key target;
    uint64_t id;
    int rc;

    target.size = 0;
    key_add(&target, key.data, key.size);
    put_be64(target.bytes, scope);
    if (target.bytes[8] != KIND_ENTRY) {
        buffer_append(&row, value.data, value.size); /* a write may move what is borrowed */
        rc = row.failed ? problem(STORE_NO_MEMORY, "no memory to copy a row")
                        : engine_put(&txn->engine, key_slice(&target), slice_of(row.data, row.size));
        buffer_release(&row);
        return rc;
    }
    if (record_read(&record, value.data, value.size, true) != RECORD_OK)
        return problem(STORE_CORRUPT, "a record below the collection is damaged");
    rc = node_duplicate(txn, &target, &record, &id);
    return rc == STORE_OK && record.kind == NODE_COLLECTION ? push(list, record.id, id) : rc;
}

static int copy_scope(struct txn *txn, uint64_t from, uint64_t to, struct pending **list)
{
    struct slice found = { 0 }, value;
    struct engine_cursor cursor;
    struct key prefix, at;
    int rc = STORE_OK;

    put_be64(prefix.bytes, from);
    prefix.size = 8;
    at = prefix;
    while (rc == STORE_OK) {
        /* Anew for each row: the copies go into the same tree. */
        rc = engine_cursor_open(&cursor, &txn->engine.view);
        if (rc != STORE_OK)
            break;
        rc = engine_seek(&cursor, key_slice(&at), &found, &value);
        if (rc == STORE_OK && !key_has_prefix(found, &prefix))
            rc = ENGINE_ABSENT;
        if (rc == STORE_OK) {
            at.size = 0;
            key_add(&at, found.data, found.size);
            key_add_byte(&at, 0); /* the next possible key */
            rc = copy_row(txn, to, found, value, list);
        }
        engine_cursor_close(&cursor);
    }
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

static int copy_below(struct txn *txn, uint64_t from, uint64_t to)
{
    struct pending *list = NULL;
    int rc = push(&list, from, to);

    while (list) {
        struct pending item = *list;
        free(list);
        list = item.next;
        if (rc == STORE_OK)
            rc = copy_scope(txn, item.from, item.to, &list);
    }
    return rc;
}

/* Also of an object or link into a plain collection: the same without anything below. */
static int copy_node(struct txn *txn, const struct target *from, const struct target *to, const struct record *record,
                     const struct move_operation *op)
{
    struct record twin = *record;
    struct buffer section = BUFFER_INIT;
    uint64_t source = record->id, id;
    int rc = STORE_OK;

    if (needs_label(from, record)) {
        rc = metadata_build(&section, record->attributes, &json_request);
        twin.attributes = slice_of(section.data, section.size);
    }
    if (rc == STORE_OK)
        rc = node_duplicate(txn, &to->key, &twin, &id);
    buffer_release(&section);
    if (rc == STORE_OK)
        rc = announce(txn, NULL, to, twin.kind, id, &op->operation.answer->one);
    return rc == STORE_OK && twin.kind == NODE_COLLECTION ? copy_below(txn, source, id) : rc;
}

/* --------------------------------------------------------------- the verb */

static int relocate(struct txn *txn, const struct target *from, const struct target *to, const struct record *record,
                    const struct move_operation *op)
{
    if (to->definition)
        return into_typed(txn, from, to, record, op);
    if (op->copies)
        return copy_node(txn, from, to, record, op);
    if (record->kind == NODE_COLLECTION)
        return move_collection(txn, from, to, record, op);
    return move_plain(txn, from, to, record, op);
}

static int same_place(const struct target *to, const struct record *record, store_answer *answer)
{
    char location[STORE_LOCATION_MAX + 1];
    int rc = tree_location(location, to);

    return rc == STORE_OK ? result_set(&answer->one, STORE_UPDATED, record->version, location, false) : rc;
}

static int run(struct operation *operation, struct txn *txn)
{
    struct move_operation *op = (struct move_operation *)operation;
    struct view view = view_of_txn(txn);
    struct target from, to;
    struct record record;
    bool replaced = false;
    int rc;

    rc = tree_find(&record, &from, &view, op->from);
    if (rc == STORE_OK)
        rc = conditions_check(op->request, &record);
    if (rc == STORE_OK && !op->copies)
        rc = conditions_demand(from.definition, op->request);
    if (rc != STORE_OK) {
        problem_location(op->from);
        return rc;
    }
    rc = node_creatable(node_resolve(&to, txn, op->to, op->request));
    if (rc == STORE_OK)
        rc = check_ends(&from, &to, record.kind);
    if (rc == STORE_OK && slice_equal(key_slice(&from.key), key_slice(&to.key)))
        return same_place(&to, &record, op->operation.answer);
    if (rc == STORE_OK)
        rc = clear_target(txn, &to, record.kind, op->request, &replaced);
    if (rc == STORE_OK) {
        view = view_of_txn(txn);
        rc = tree_record(&record, &view, &from); /* again: writes move what is borrowed */
    }
    if (rc == STORE_OK)
        rc = relocate(txn, &from, &to, &record, op);
    if (rc == STORE_OK)
        op->operation.answer->one.outcome = replaced ? STORE_UPDATED : STORE_CREATED;
    if (rc < 0)
        problem_location(op->to);
    return rc;
}

static int relocate_verb(store_answer *out, store *s, const char *from, const char *to, const store_request *request,
                         bool copies)
{
    struct move_operation op = { .operation = { .run = run }, .from = from, .to = to, .copies = copies,
                                 .request = request_or_default(request) };
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    rc = verb_check(op.request, MOVE_FLAGS);
    return rc == STORE_OK ? verb_execute(out, s, op.request, &op.operation) : rc;
}

int store_move(store_answer *out, store *s, const char *from, const char *to, const store_request *request)
{
    return relocate_verb(out, s, from, to, request, false);
}

int store_copy(store_answer *out, store *s, const char *from, const char *to, const store_request *request)
{
    return relocate_verb(out, s, from, to, request, true);
}
