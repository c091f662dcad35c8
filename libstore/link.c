/* link.c - another name for a node. */
#include <errno.h>

#include "answer.h"
#include "change.h"
#include "collection_row.h"
#include "names.h"
#include "node.h"
#include "verb.h"

#define LINK_FLAGS (STORE_NOREPLACE | STORE_PARENTS | STORE_DRY_RUN | STORE_IF_MATCH_ANY | STORE_IF_NONE_MATCH_ANY | \
                    TAKES_TO_BASE)

struct link_operation {
    struct operation operation;
    const char *existing, *location;
    const store_request *request;
};

static int check_existing(const struct target *target, const struct record *record, const store_request *request)
{
    if (target->property.size > 0)
        return problem(STORE_PROPERTY_TARGET, "only whole objects have several names");
    if (record->kind == NODE_COLLECTION)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "a collection has one name");
    if (target->definition)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "an object of a typed collection has one name");
    return conditions_check(request, record);
}

static int check_name(struct txn *txn, const struct target *target)
{
    struct view view = view_of_txn(txn);
    struct record taken;
    int rc;

    if (target->scope == SCOPE_STORE)
        return problem(STORE_BAD_ARGUMENT, "the root is no name for anything else");
    if (target->definition)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "in a typed collection objects have one name");
    if (target->location.collection)
        return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "the name is not that of a collection");
    rc = tree_record(&taken, &view, target);
    if (rc == STORE_OK)
        return node_taken(target);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

static int add_name(struct txn *txn, const struct target *existing, const struct record *record,
                    const struct target *name, store_result *result)
{
    char location[STORE_LOCATION_MAX + 1];
    uint64_t version = txn_version(txn);
    int rc = tree_location(location, name);

    if (rc == STORE_OK)
        rc = change_note(txn, version, STORE_CREATED, node_kind_of(record->kind), location, NULL);
    if (rc == STORE_OK)
        rc = result_set(result, STORE_CREATED, version, location, false);
    if (rc == STORE_OK)
        rc = collection_touch(txn, name->scope, 0);
    return rc == STORE_OK ? names_link(txn, existing, record, &name->key, version) : rc;
}

static int run(struct operation *operation, struct txn *txn)
{
    struct link_operation *op = (struct link_operation *)operation;
    const struct address origin = request_address(op->existing, op->request);
    const struct address goal = { .location = op->location, .base = op->request->to_base };
    struct view view = view_of_txn(txn);
    struct target existing, name;
    struct record record;
    int rc = tree_find(&record, &existing, &view, &origin);

    if (rc == STORE_OK)
        rc = check_existing(&existing, &record, op->request);
    if (rc != STORE_OK) {
        problem_location(tree_named(&existing, &origin));
        return rc;
    }
    rc = node_creatable(node_resolve(&name, txn, &goal, op->request), &name);
    if (rc == STORE_OK)
        rc = check_name(txn, &name);
    if (rc == STORE_OK) {
        view = view_of_txn(txn);
        rc = tree_record(&record, &view, &existing); /* again: making parents moves what is borrowed */
    }
    if (rc == STORE_OK)
        rc = add_name(txn, &existing, &record, &name, &op->operation.answer->one);
    if (rc < 0)
        problem_location(tree_named(&name, &goal));
    return rc;
}

int store_link(store_answer *out, store *s, const char *existing, const char *location, const store_request *request)
{
    struct link_operation op = { .operation = { .run = run }, .existing = existing, .location = location,
                                 .request = request_or_default(request) };
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    rc = verb_check(op.request, LINK_FLAGS);
    return rc == STORE_OK ? verb_execute(out, s, op.request, &op.operation) : rc;
}
