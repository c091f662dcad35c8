/* delete.c - DELETE of objects, properties and collections. */
#include "amend.h"
#include "answer.h"
#include "change.h"
#include "typed.h"
#include "verb.h"

#define DELETE_FLAGS (STORE_RECURSIVE | STORE_DRY_RUN | STORE_IF_MATCH_ANY | STORE_IF_NONE_MATCH_ANY)

struct delete_operation {
    struct operation operation;
    const char *location;
    const store_request *request;
};

/* A property returns to its initial state. */
static int reset_property(struct txn *txn, const struct target *target, const struct record *record,
                          const struct delete_operation *op)
{
    const struct amendment amendment = { .kind = STORE_PATCH_MERGE, .request = op->request, .removes = true };

    return amend_existing(txn, target, record, &amendment, &op->operation.answer->one);
}

static int delete_node(struct txn *txn, const struct target *target, const struct record *record,
                       const struct delete_operation *op)
{
    enum node_kind kind = record->kind;
    char location[STORE_LOCATION_MAX + 1];
    uint64_t version = txn_version(txn);
    int rc = tree_location(location, target);

    if (rc == STORE_OK && kind == NODE_COLLECTION && !(op->request->flags & STORE_RECURSIVE))
        rc = node_check_empty(&txn->engine.view, record->id, location);
    /* What can run out of memory comes before the write: see txn_guard. */
    if (rc == STORE_OK)
        rc = change_note(txn, version, STORE_DELETED, node_kind_of(kind), location, NULL);
    if (rc == STORE_OK)
        rc = result_set(&op->operation.answer->one, STORE_DELETED, version, location, false);
    if (rc != STORE_OK)
        return rc;
    return target->definition ? typed_remove(txn, target, record) : node_remove(txn, target, record);
}

static int run(struct operation *operation, struct txn *txn)
{
    struct delete_operation *op = (struct delete_operation *)operation;
    struct address address = request_address(op->location, op->request);
    struct view view = view_of_txn(txn);
    struct target target;
    struct record record;
    int rc;

    address.name_counts = true;
    rc = tree_find(&record, &target, &view, &address);
    if (rc == STORE_NOT_FOUND && conditions_any(op->request)) {
        int failed = conditions_check(op->request, NULL);
        rc = failed == STORE_OK ? problem(rc, "there is nothing to delete") : failed;
    }
    if (rc == STORE_OK)
        rc = conditions_check(op->request, &record);
    if (rc == STORE_OK)
        rc = conditions_demand(target.definition, op->request);
    if (rc == STORE_OK && target.scope == SCOPE_STORE)
        rc = problem(STORE_BAD_ARGUMENT, "the root cannot be deleted");
    if (rc == STORE_OK)
        rc = target.property.size > 0 ? reset_property(txn, &target, &record, op)
                                      : delete_node(txn, &target, &record, op);
    if (rc < 0)
        problem_location(tree_named(&target, &address));
    return rc;
}

int store_delete(store_answer *out, store *s, const char *location, const store_request *request)
{
    struct delete_operation op = { .operation = { .run = run, .frees = true, .guards = true }, .location = location,
                                   .request = request_or_default(request) };
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    rc = verb_check(op.request, DELETE_FLAGS);
    return rc == STORE_OK ? verb_execute(out, s, op.request, &op.operation) : rc;
}
