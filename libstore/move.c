/* move.c - MOVE and COPY: what may go where, making room, into and out of typed collections. */
#include "move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "index.h"
#include "typed.h"
#include "verb.h"

#define COPY_FLAGS (STORE_REPLACE | STORE_NOREPLACE | STORE_PARENTS | STORE_DRY_RUN | STORE_IF_MATCH_ANY | \
                    STORE_IF_NONE_MATCH_ANY | TAKES_ID | TAKES_TO_BASE)
#define MOVE_FLAGS ((COPY_FLAGS & ~TAKES_ID) | STORE_EXCHANGE)

/* ----------------------------------------------------------------- target */

int move_check(const struct target *from, const struct target *to, const struct record *record, bool copies)
{
    if (from->property.size > 0 || to->property.size > 0)
        return problem(STORE_PROPERTY_TARGET, "only whole objects and collections are moved and copied");
    if (from->scope == SCOPE_STORE || to->scope == SCOPE_STORE)
        return problem(STORE_BAD_ARGUMENT, "the root can be neither moved nor replaced");
    if (record->kind == NODE_COLLECTION && location_within(to->location.text, from->location.text))
        return problem(STORE_BAD_ARGUMENT, "a collection cannot go into itself");
    if (to->definition && record->kind != NODE_OBJECT)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "a typed collection holds objects only");
    if (to->definition && record->named && !copies)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "in a typed collection objects have one name");
    return STORE_OK;
}

/* Whether a MOVE goes onto the node itself: its own place, or with `replace` another name of it. */
static int goes_nowhere(bool *nowhere, struct txn *txn, const struct target *from, const struct target *to,
                        const struct record *record, const struct move_operation *op)
{
    struct view view = view_of_txn(txn);
    struct record there;
    int rc;

    *nowhere = slice_equal(key_slice(&from->key), key_slice(&to->key));
    if (*nowhere || !record->named || op->copies || !(op->request->flags & STORE_REPLACE))
        return STORE_OK;
    rc = tree_record(&there, &view, to);
    *nowhere = rc == STORE_OK && there.id == record->id;
    return rc < 0 ? rc : STORE_OK;
}

int move_nothing(const struct target *to, const struct record *record, store_answer *answer)
{
    char location[STORE_LOCATION_MAX + 1];
    int rc = tree_location(location, to);

    return rc == STORE_OK ? result_set(&answer->one, STORE_UPDATED, record->version, location, false) : rc;
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

/* --------------------------------------------------- into typed collections */

int move_draft(struct draft *out, struct buffer *space, struct txn *txn, const struct target *to,
               const struct record *record)
{
    struct doc doc = DOC_INIT;
    struct view view = view_of_txn(txn);
    struct slice text;
    int rc = typed_body(&text, space, &view, record);

    if (rc == STORE_OK)
        rc = typed_parse(&doc, text.data, text.size);
    if (rc == STORE_OK)
        rc = typed_require_object(&doc, doc.root);
    if (rc == STORE_OK && to->definition->key.count)
        rc = typed_set_key(&doc, doc.root, to);
    if (rc == STORE_OK)
        rc = typed_fill(&doc, doc.root, to->definition, &out->completed);
    if (rc == STORE_OK)
        rc = draft_make(out, to, &doc, doc.root, text, NULL);
    doc_release(&doc);
    return rc;
}

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

static int into_typed(struct txn *txn, const struct target *from, const struct target *to, const struct record *record,
                      const struct move_operation *op)
{
    const struct draft_place place = { .target = to, .old = op->copies ? NULL : record,
                                       .from = op->copies ? NULL : from };
    struct draft draft = DRAFT_INIT;
    struct buffer space = BUFFER_INIT;
    store_request request = STORE_REQUEST_INIT;
    store_attributes attributes;
    store_meta *items = NULL;
    char type[STORE_TYPE_MAX + 1];
    int rc = op->copies ? inherit(&request, &attributes, &items, type, record) : STORE_OK;

    request.id = op->request->id;
    if (rc == STORE_OK)
        rc = move_draft(&draft, &space, txn, to, record);
    if (rc == STORE_OK)
        rc = draft_publish(txn, &draft, &place, &request, &op->operation.answer->one);
    free(items);
    draft_release(&draft);
    buffer_release(&space);
    return rc;
}

/* --------------------------------------------------- into plain collections */

const store_request *move_label(const struct target *from, const struct target *to, const struct record *record)
{
    static const store_request json = { .version = STORE_REQUEST_VERSION, .type = "application/json" };
    struct slice type;

    if (!from->definition || to->definition || record->kind != NODE_OBJECT ||
        attribute_find(record->attributes, ATTRIBUTE_TYPE, slice_of("", 0), &type))
        return &request_default;
    return &json;
}

static int into_plain(struct txn *txn, const struct target *from, const struct target *to, const struct record *record,
                      store_result *result)
{
    const struct node_change change = { .kind = record->kind, .flags = record->flags & RECORD_TYPED, .old = record,
                                        .from = from, .request = move_label(from, to, record) };
    struct index_rows rows = { 0 };
    int rc = from->definition ? typed_rows(&rows, txn, from, record) : STORE_OK;

    if (rc == STORE_OK)
        rc = node_write(txn, to, &change, result);
    if (rc == STORE_OK)
        rc = node_unlink(txn, from);
    if (rc == STORE_OK)
        rc = index_update(txn, &rows, slice_of(NULL, 0), NULL, slice_of(NULL, 0));
    if (change.kind == NODE_COLLECTION)
        tree_changed(txn);
    index_rows_release(&rows);
    return rc;
}

/* --------------------------------------------------------------- the verb */

static int relocate(struct txn *txn, const struct target *from, const struct target *to, const struct record *record,
                    const struct move_operation *op)
{
    if (to->definition)
        return into_typed(txn, from, to, record, op);
    return op->copies ? copy_node(txn, from, to, record, op)
                      : into_plain(txn, from, to, record, &op->operation.answer->one);
}

static int run(struct operation *operation, struct txn *txn)
{
    struct move_operation *op = (struct move_operation *)operation;
    struct address origin = request_address(op->from, op->request);
    const struct address goal = { .location = op->to, .base = op->request->to_base };
    struct view view = view_of_txn(txn);
    struct target from, to;
    struct record record;
    bool nowhere, replaced = false;
    int rc;

    origin.name_counts = !op->copies;
    rc = tree_find(&record, &from, &view, &origin);
    if (rc == STORE_OK)
        rc = conditions_check(op->request, &record);
    if (rc == STORE_OK && !op->copies)
        rc = conditions_demand(from.definition, op->request);
    if (rc != STORE_OK) {
        problem_location(tree_named(&from, &origin));
        return rc;
    }
    rc = node_creatable(node_resolve(&to, txn, &goal, op->request), &to);
    if (rc == STORE_OK)
        rc = move_check(&from, &to, &record, op->copies);
    if (rc == STORE_OK && to.location.collection && record.kind != NODE_COLLECTION)
        rc = problem_os(STORE_KIND_CONFLICT, ENOTDIR, "the target must be a collection");
    if (rc == STORE_OK)
        rc = goes_nowhere(&nowhere, txn, &from, &to, &record, op);
    if (rc == STORE_OK && nowhere)
        return move_nothing(&to, &record, op->operation.answer);
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
        problem_location(tree_named(&to, &goal));
    return rc;
}

static int run_exchange(struct operation *operation, struct txn *txn)
{
    const struct move_operation *op = (struct move_operation *)operation;

    return exchange_run(txn, op);
}

static int execute(struct move_operation *op, store_answer *out, store *s, unsigned flags)
{
    int rc = verb_check(op->request, flags);

    if (out)
        *out = (store_answer){ 0 };
    if (rc == STORE_OK && op->request->flags & STORE_EXCHANGE &&
        op->request->flags & (STORE_REPLACE | STORE_NOREPLACE | STORE_PARENTS))
        rc = problem(STORE_BAD_ARGUMENT, "an exchange neither replaces nor makes anything");
    return rc == STORE_OK ? verb_execute(out, s, op->request, &op->operation) : rc;
}

int store_move(store_answer *out, store *s, const char *from, const char *to, const store_request *request)
{
    struct move_operation op = { .from = from, .to = to, .request = request_or_default(request) };

    store_enter();
    op.operation.run = op.request->flags & STORE_EXCHANGE ? run_exchange : run;
    return execute(&op, out, s, MOVE_FLAGS);
}

int store_copy(store_answer *out, store *s, const char *from, const char *to, const store_request *request)
{
    struct move_operation op = { .operation = { .run = run }, .from = from, .to = to, .copies = true,
                                 .request = request_or_default(request) };

    store_enter();
    return execute(&op, out, s, COPY_FLAGS);
}
