/* post.c - POST: objects found by their key and merged, or inserted; a new object in a plain collection. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "amend.h"
#include "answer.h"
#include "put.h"
#include "verb.h"

#define POST_FLAGS (STORE_NOREPLACE | STORE_NOINSERT | STORE_PARTIAL | STORE_DRY_RUN | STORE_IF_MATCH_ANY | \
                    STORE_IF_NONE_MATCH_ANY | STORE_SET_META | TAKES_ID)

struct post_operation {
    struct operation operation;
    const char *location;
    struct slice body;
    struct doc doc;
    bool parsed;
    store_request request; /* as amend() is to see it: inserting */
    /* while it runs */
    struct slice parent;
    uint64_t scope;
    const struct definition *definition;
    doc_id at;
    char space[STORE_LOCATION_MAX + 1]; /* the location of the collection, when it was given from a base on */
};

static doc_id item_at(struct post_operation *op, size_t index)
{
    const struct doc_node *body = doc_at(&op->doc, op->doc.root);

    if (body->type != DOC_ARRAY)
        return op->doc.root;
    op->at = index == 0 ? body->first : doc_at(&op->doc, op->at)->next;
    return op->at;
}

/* An object without a key of its own is always a new one. */
static int insert_new(struct txn *txn, struct post_operation *op, struct amendment *amendment, store_result *result)
{
    struct key_value key = { .type = KEY_INTEGER };
    struct target target = { 0 };
    char name[STORE_NAME_MAX + 1];
    int rc;

    if (op->request.flags & STORE_NOINSERT)
        return problem(STORE_NOT_FOUND, "the object has no key, and nothing may be inserted");
    if (op->definition->order == ORDER_UNORDERED) {
        rc = node_unused_name(&target, name, txn, op->parent, op->scope, op->definition);
    } else {
        rc = node_next_auto(&key.integer, txn, op->scope);
        if (rc == STORE_OK)
            rc = tree_target_by_key(&target, op->parent, op->scope, op->definition, &key, name);
    }
    if (rc == STORE_OK)
        rc = conditions_check(&op->request, NULL);
    return rc == STORE_OK ? amend_insert(txn, &target, amendment, result) : rc;
}

static int post_item(void *context, struct txn *txn, size_t index, store_result *result)
{
    struct post_operation *op = context;
    struct key_value values[KEY_PARTS_MAX];
    struct target target = { 0 };
    char name[STORE_NAME_MAX + 1], prefix[32] = "";
    doc_id object = item_at(op, index);
    struct amendment amendment = { .kind = STORE_PATCH_MERGE, .doc = &op->doc, .node = object, .request = &op->request,
                                   .prefix = prefix };
    enum key_state state;
    int rc = typed_require_object(&op->doc, object);

    if (rc != STORE_OK)
        return rc;
    if (object != op->doc.root)
        snprintf(prefix, sizeof prefix, "/%zu", index);
    if (op->definition->order == ORDER_UNORDERED)
        return insert_new(txn, op, &amendment, result);
    state = typed_key(values, op->definition, &op->doc, object);
    if (state == KEY_ABSENT && op->definition->order == ORDER_AUTO)
        return insert_new(txn, op, &amendment, result);
    if (state != KEY_FOUND)
        return typed_key_problem(state, op->definition);
    rc = tree_target_by_key(&target, op->parent, op->scope, op->definition, values, name);
    return rc == STORE_OK ? amend(txn, &target, &amendment, result) : rc;
}

static void post_locate(void *context, size_t index, char *out)
{
    const struct post_operation *op = context;

    (void)index;
    tree_join(out, op->parent, slice_of("", 0));
}

static int post_typed(struct txn *txn, struct post_operation *op)
{
    struct many many = { 0, &op->request, op->operation.answer, post_item, post_locate, op };
    int rc = STORE_OK;

    if (!metadata_json_type(op->request.type))
        return problem(STORE_UNSUPPORTED_MEDIA_TYPE, "a typed collection takes JSON, not %s", op->request.type);
    if (!op->parsed)
        rc = typed_parse(&op->doc, op->body.data, op->body.size);
    if (rc != STORE_OK)
        return rc;
    op->parsed = true;
    if (doc_at(&op->doc, op->doc.root)->type != DOC_ARRAY)
        return post_item(op, txn, 0, &op->operation.answer->one);
    many.count = doc_at(&op->doc, op->doc.root)->count;
    if (many.count == 0)
        return problem(STORE_BAD_BODY, "the array of objects is empty");
    return many_run(txn, &many);
}

static int post_plain(struct txn *txn, struct post_operation *op)
{
    const struct body_source body = body_in_memory(op->body.data, op->body.size);
    const struct node_change change = { .kind = NODE_OBJECT, .body = &body, .request = &op->request };
    struct target target = { 0 };
    char name[STORE_NAME_MAX + 1];
    int rc = conditions_check(&op->request, NULL);

    if (rc == STORE_OK && op->request.flags & STORE_NOINSERT)
        rc = problem(STORE_NOT_FOUND, "POST to a plain collection always inserts");
    if (rc == STORE_OK)
        rc = node_unused_name(&target, name, txn, op->parent, op->scope, NULL);
    return rc == STORE_OK ? node_write(txn, &target, &change, &op->operation.answer->one) : rc;
}

/* The body is parsed before the queue if the collection is typed by now; it may be a long list. */
static void prepare(struct operation *operation, struct view *view)
{
    struct post_operation *op = (struct post_operation *)operation;
    const struct address address = request_address(op->location, &op->request);
    const struct definition *definition;
    struct location location;
    uint64_t scope;
    int rc = tree_collection_at(&scope, &definition, &location, op->space, view, &address);

    if (rc == STORE_OK && definition && metadata_json_type(op->request.type))
        op->parsed = typed_parse(&op->doc, op->body.data, op->body.size) == STORE_OK;
}

static int run(struct operation *operation, struct txn *txn)
{
    struct post_operation *op = (struct post_operation *)operation;
    const struct address address = request_address(op->location, &op->request);
    struct view view = view_of_txn(txn);
    struct location location;
    int rc;

    rc = tree_collection_at(&op->scope, &op->definition, &location, op->space, &view, &address);
    op->parent = location.text;
    if (rc == STORE_OK)
        rc = op->definition ? post_typed(txn, op) : post_plain(txn, op);
    if (rc < 0)
        problem_location(location.text.data ? location.text.data : op->location);
    return rc;
}

int store_post(store_answer *out, store *s, const char *location, const void *body, size_t size,
               const store_request *request)
{
    struct post_operation op = { .operation = { .prepare = prepare, .run = run, .guards = true },
                                 .location = location, .body = slice_of(body, size),
                                 .request = *request_or_default(request) };
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    rc = verb_check(&op.request, POST_FLAGS);
    op.request.flags |= STORE_INSERT; /* what POST is, unless noinsert forbids it */
    if (rc == STORE_OK)
        rc = verb_execute(out, s, &op.request, &op.operation);
    doc_release(&op.doc);
    return rc;
}
