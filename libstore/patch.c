/* patch.c - PATCH of typed objects, their properties, and many of them by a list of keys. */
#include "patch.h"

#include <errno.h>
#include <string.h>

#include "amend.h"
#include "answer.h"
#include "verb.h"

#define PATCH_FLAGS (STORE_INSERT | STORE_NOINSERT | STORE_PARENTS | STORE_PARTIAL | STORE_DRY_RUN | \
                     STORE_IF_MATCH_ANY | STORE_IF_NONE_MATCH_ANY | STORE_SET_META | TAKES_ID)

struct patch_operation {
    struct operation operation;
    const char *location;
    struct doc doc; /* the patch; never changed by a run */
    struct draft draft; /* what prepare() made of it */
    store_patch_kind kind;
    const store_request *request;
};

static int patch_plain(struct txn *txn, const struct target *target, const struct patch_operation *op,
                       const struct amendment *amendment)
{
    const struct definition *definition;
    struct view view = view_of_txn(txn);
    struct record record;
    uint64_t id;
    int rc = tree_record(&record, &view, target);

    if (rc == ENGINE_ABSENT)
        return problem(STORE_NOT_FOUND, "there is nothing to patch");
    if (rc != STORE_OK)
        return rc;
    if (record.kind == NODE_SPECIAL)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "there is a special node: it has no body");
    if (record.kind != NODE_COLLECTION)
        return problem(STORE_UNSUPPORTED_MEDIA_TYPE, "a plain object is patched by a range of bytes");
    rc = tree_collection(&id, &definition, &view, target->location.text);
    if (rc == STORE_OK && !definition)
        rc = problem_os(STORE_KIND_CONFLICT, EISDIR, "there is a plain collection");
    if (rc == STORE_OK)
        rc = amend_collection(txn, target->location.text, id, definition, amendment, op->operation.answer);
    return rc;
}

static struct amendment amendment_of(struct patch_operation *op)
{
    return (struct amendment){ .kind = op->kind, .doc = &op->doc, .node = op->doc.root, .request = op->request,
                               .may_move = true, .draft = &op->draft };
}

/* An object is merged, and the result checked, before the queue. It is published if no other change came
 * in between, else merged once more, under the writer's lock. */
static void prepare(struct operation *operation, struct view *view)
{
    struct patch_operation *op = (struct patch_operation *)operation;
    const struct address address = request_address(op->location, op->request);
    const struct amendment amendment = amendment_of(op);
    struct target target;

    if (tree_resolve(&target, view, &address) == STORE_OK && target.definition && !target.location.collection)
        amend_prepare(&op->draft, view, &target, &amendment);
}

static int run(struct operation *operation, struct txn *txn)
{
    struct patch_operation *op = (struct patch_operation *)operation;
    const struct address address = request_address(op->location, op->request);
    const struct amendment amendment = amendment_of(op);
    struct target target;
    int rc;

    rc = node_resolve(&target, txn, &address, op->request);
    if (rc == STORE_NO_COLLECTION && !(op->request->flags & STORE_INSERT))
        rc = problem(STORE_NOT_FOUND, "there is nothing to patch");
    if (rc == STORE_OK && target.definition && target.location.collection)
        rc = problem_os(STORE_KIND_CONFLICT, ENOTDIR, "a typed collection holds objects only");
    if (rc == STORE_OK)
        rc = target.definition ? amend(txn, &target, &amendment, &op->operation.answer->one)
                               : patch_plain(txn, &target, op, &amendment);
    if (rc < 0)
        problem_location(tree_named(&target, &address));
    return rc;
}

int store_patch(store_answer *out, store *s, const char *location, store_patch_kind kind, const void *body,
                size_t size, const store_request *request)
{
    struct patch_operation op = { .operation = { .prepare = prepare, .run = run, .guards = true },
                                  .location = location, .kind = kind,
                                  .request = request_or_default(request) };
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    rc = verb_check(op.request, PATCH_FLAGS);
    if (rc == STORE_OK && kind != STORE_PATCH_MERGE && kind != STORE_PATCH_JSON)
        rc = problem(STORE_BAD_ARGUMENT, "there is no patch of kind %d", (int)kind);
    if (rc == STORE_OK && !metadata_json_type(op.request->type))
        rc = problem(STORE_UNSUPPORTED_MEDIA_TYPE, "a typed object is JSON, not %s", op.request->type);
    if (rc == STORE_OK)
        rc = typed_parse(&op.doc, body, size);
    if (rc == STORE_OK)
        rc = verb_execute(out, s, op.request, &op.operation);
    else
        problem_location(location);
    draft_release(&op.draft);
    doc_release(&op.doc);
    return rc;
}
