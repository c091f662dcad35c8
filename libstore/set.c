/* set.c - changing what is kept beside a body: type, metadata, attributes. */
#include <string.h>

#include "answer.h"
#include "node.h"
#include "verb.h"

#define SET_FLAGS (STORE_DRY_RUN | STORE_IF_MATCH_ANY | STORE_IF_NONE_MATCH_ANY | STORE_SET_META)
#define META_FLAGS (STORE_NOREPLACE | STORE_NOINSERT | STORE_DRY_RUN | STORE_IF_MATCH_ANY | STORE_IF_NONE_MATCH_ANY)

struct set_operation {
    struct operation operation;
    const char *location;
    const store_request *request;
    const store_meta *item; /* meta_set: the one; its value NULL removes it */
};

static int rewrite(struct txn *txn, const struct target *target, const struct record *record,
                   const struct set_operation *op, const store_request *request)
{
    const struct node_change change = { .kind = record->kind, .flags = record->flags & RECORD_TYPED, .old = record,
                                        .request = request };

    return node_write(txn, target, &change, &op->operation.answer->one);
}

/* All the metadata with one item changed. `items` has room for one more than there are. */
static int change_item(store_meta *items, size_t *count, const store_meta *item, unsigned flags)
{
    size_t at = 0;

    while (at < *count && strcmp(items[at].name, item->name) != 0)
        at++;
    if (at < *count && flags & STORE_NOREPLACE)
        return problem(STORE_KEY_CONFLICT, "there is metadata %s already", item->name);
    if (at == *count && (flags & STORE_NOINSERT || !item->value))
        return problem(STORE_NOT_FOUND, "there is no metadata %s", item->name);
    if (!item->value) {
        items[at] = items[--*count];
        return STORE_OK;
    }
    items[at] = *item;
    if (at == *count)
        ++*count;
    return STORE_OK;
}

static int write_item(struct txn *txn, const struct target *target, const struct record *record,
                      const struct set_operation *op)
{
    store_request request = *op->request;
    store_meta *items;
    size_t count;
    int rc = metadata_copy(&items, &count, record->attributes, 1);

    if (rc == STORE_OK)
        rc = change_item(items, &count, op->item, op->request->flags);
    request.flags |= STORE_SET_META;
    request.meta = items;
    request.meta_count = count;
    if (rc == STORE_OK)
        rc = metadata_check(&request);
    if (rc == STORE_OK)
        rc = rewrite(txn, target, record, op, &request);
    store_free(items);
    return rc;
}

static int run(struct operation *operation, struct txn *txn)
{
    struct set_operation *op = (struct set_operation *)operation;
    const struct address address = request_address(op->location, op->request);
    struct view view = view_of_txn(txn);
    struct target target;
    struct record record;
    int rc;

    rc = tree_find(&record, &target, &view, &address);
    if (rc == STORE_OK && target.property.size > 0)
        rc = problem(STORE_PROPERTY_TARGET, "a property has no metadata of its own");
    if (rc == STORE_OK)
        rc = conditions_check(op->request, &record);
    if (rc == STORE_OK)
        rc = conditions_demand(target.definition, op->request);
    if (rc == STORE_OK && target.definition && !metadata_json_type(op->request->type))
        rc = problem(STORE_UNSUPPORTED_MEDIA_TYPE, "a typed collection takes JSON, not %s", op->request->type);
    if (rc == STORE_OK)
        rc = op->item ? write_item(txn, &target, &record, op) : rewrite(txn, &target, &record, op, op->request);
    if (rc < 0)
        problem_location(tree_named(&target, &address));
    return rc;
}

static int execute(struct set_operation *op, store_answer *out, store *s, unsigned flags)
{
    int rc = verb_check(op->request, flags);

    if (out)
        *out = (store_answer){ 0 };
    return rc == STORE_OK ? verb_execute(out, s, op->request, &op->operation) : rc;
}

int store_set(store_answer *out, store *s, const char *location, const store_request *request)
{
    struct set_operation op = { .operation = { .run = run }, .location = location,
                                .request = request_or_default(request) };

    store_enter();
    return execute(&op, out, s, SET_FLAGS);
}

int store_meta_set(store_answer *out, store *s, const char *location, const char *name, const void *value, size_t size,
                   const store_request *request)
{
    const store_meta item = { name, value, size };
    struct set_operation op = { .operation = { .run = run }, .location = location,
                                .request = request_or_default(request), .item = &item };

    store_enter();
    return execute(&op, out, s, META_FLAGS);
}
