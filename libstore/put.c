/* put.c - PUT: the policy of the collection, the flags and the conditions decide (SPEC 3). */
#include "put.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "amend.h"
#include "answer.h"
#include "body.h"
#include "typed.h"
#include "verb.h"

/* What a PUT may do to an object that exists, and whether it may make one. */
struct rule {
    bool replaces, merges, creates;
};

static struct rule rule_of(const struct definition *definition, const store_request *request)
{
    enum definition_put policy = definition ? definition->put : PUT_REPLACE;
    struct rule rule = { .replaces = policy == PUT_REPLACE, .merges = policy == PUT_MERGE, .creates = true };

    if (request->flags & STORE_REPLACE || conditions_any(request))
        rule = (struct rule){ .replaces = true, .creates = true };
    if (request->flags & STORE_NOREPLACE)
        rule = (struct rule){ .creates = true };
    if (rule.merges && !(request->flags & STORE_INSERT))
        rule.creates = false;
    if (request->flags & STORE_NOINSERT)
        rule.creates = false;
    return rule;
}

/* Whether the rule and the conditions let the request have its way with what is there. */
static int permit(const struct target *target, const struct record *existing, const store_request *request)
{
    struct rule rule = rule_of(target->definition, request);
    int rc = conditions_check(request, existing);

    if (rc == STORE_OK && existing && !rule.replaces && !rule.merges)
        rc = node_taken(target);
    if (rc == STORE_OK && existing)
        rc = conditions_demand(target->definition, request);
    if (rc == STORE_OK && !existing && !rule.creates)
        rc = problem(STORE_NOT_FOUND, "there is no such object, and the request does not create one");
    return rc;
}

/* ------------------------------------------------------------------ typed */

/* The whole of the object is what the body says, or the initial state. */
static int put_whole(struct txn *txn, const struct target *target, const struct record *old,
                     const struct typed_write *given, store_result *result)
{
    struct typed_write write = *given;
    int rc = typed_require_object(write.doc, write.object);

    write.old = old;
    if (rc == STORE_OK && target->definition->key.count)
        rc = typed_agree(write.doc, write.object, target, &write.completed);
    if (rc == STORE_OK)
        rc = typed_fill(write.doc, write.object, target->definition, &write.completed);
    return rc == STORE_OK ? typed_write(txn, target, &write, result) : rc;
}

static int put_typed(struct txn *txn, const struct target *target, const struct typed_write *write,
                     store_result *result)
{
    const struct amendment amendment = { STORE_PATCH_MERGE, write->doc, write->object, write->request, false, false,
                                         write->prefix };
    struct view view = view_of_txn(txn);
    struct record old;
    int rc = tree_record(&old, &view, target);
    bool exists = rc == STORE_OK;

    if (rc < 0)
        return rc;
    rc = permit(target, exists ? &old : NULL, write->request);
    if (rc != STORE_OK)
        return rc;
    if (!rule_of(target->definition, write->request).merges)
        return put_whole(txn, target, exists ? &old : NULL, write, result);
    rc = typed_require_object(write->doc, write->object);
    if (rc != STORE_OK)
        return rc;
    rc = exists ? amend_existing(txn, target, &old, &amendment, result)
                : amend_insert(txn, target, &amendment, result);
    result->completed = true; /* what is kept is not what was sent */
    return rc;
}

static int check_typed_target(const struct target *target, const struct put *put)
{
    if (target->property.size > 0)
        return problem(STORE_PROPERTY_TARGET, "PUT is for whole objects; PATCH changes a property");
    if (target->location.collection)
        return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "a typed collection holds objects only");
    if (put->kind != NODE_OBJECT)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "a typed collection holds objects only");
    if (!metadata_json_type(put->request->type))
        return problem(STORE_UNSUPPORTED_MEDIA_TYPE, "a typed collection takes JSON, not %s", put->request->type);
    return STORE_OK;
}

static int put_typed_object(struct txn *txn, const struct target *target, const struct put *put, store_answer *answer)
{
    struct doc doc = DOC_INIT;
    struct typed_write write = { .doc = &doc, .request = put->request, .sent = slice_of(put->body.data, put->body.size) };
    int rc = check_typed_target(target, put);

    if (rc == STORE_OK)
        rc = typed_parse(&doc, put->body.data, put->body.size);
    write.object = doc.root;
    if (rc == STORE_OK)
        rc = put_typed(txn, target, &write, &answer->one);
    doc_release(&doc);
    return rc;
}

/* ------------------------------------------------------------------ plain */

static int kind_clash(const struct record *existing)
{
    if (existing->kind == NODE_COLLECTION)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "there is a collection");
    return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "there is an object, no collection");
}

static int put_plain(struct txn *txn, const struct target *target, const struct put *put, struct record *existing,
                     store_answer *answer)
{
    struct node_change change = { .kind = put->kind, .old = existing, .body = &put->body, .request = put->request };
    int rc;

    if (target->location.collection)
        return existing ? kind_clash(existing)
                        : problem(STORE_NO_COLLECTION, "there is no such collection");
    rc = permit(target, existing, put->request);
    if (rc == STORE_OK && existing && existing->kind != put->kind) {
        /* a link becomes an object: another node */
        rc = txn_guard(txn);
        if (rc == STORE_OK)
            rc = node_remove(txn, target, existing);
        change.old = NULL;
    }
    if (rc == STORE_OK)
        rc = node_write(txn, target, &change, &answer->one);
    if (rc == STORE_OK && existing)
        answer->one.outcome = STORE_UPDATED;
    return rc;
}

/* --------------------------------------------------------- to a collection */

struct append {
    struct slice parent;
    uint64_t scope;
    const struct definition *definition;
    struct doc *doc;
    doc_id body, at;
    const store_request *request;
    struct slice sent; /* the whole body when it is one object */
};

/* Items are asked for in order: each is the sibling of the one before. */
static doc_id item_at(struct append *append, size_t index)
{
    const struct doc_node *body = doc_at(append->doc, append->body);

    if (body->type != DOC_ARRAY)
        return append->body;
    append->at = index == 0 ? body->first : doc_at(append->doc, append->at)->next;
    return append->at;
}

/* The key an appended object gets: its own, or the next. */
static int assign(struct target *target, bool *assigned, char *name, const struct append *append, struct txn *txn,
                  doc_id object)
{
    struct key_value value = { .type = KEY_INTEGER };
    enum key_state state;
    int rc;

    *assigned = true;
    if (append->definition->order == ORDER_UNORDERED)
        return node_unused_name(target, name, txn, append->parent, append->scope, append->definition);
    state = typed_key(&value, append->definition, append->doc, object);
    if (state == KEY_WRONG)
        return typed_key_problem(state, append->definition);
    *assigned = state == KEY_ABSENT;
    rc = *assigned ? node_next_auto(&value.integer, txn, append->scope) : STORE_OK;
    if (rc != STORE_OK)
        return rc;
    return tree_target_by_key(target, append->parent, append->scope, append->definition, &value, name);
}

static int append_item(void *context, struct txn *txn, size_t index, store_result *result)
{
    struct append *append = context;
    struct target target = { 0 };
    char name[STORE_NAME_MAX + 1], prefix[32] = "";
    doc_id object = item_at(append, index);
    bool one = object == append->body, assigned;
    struct typed_write write = { .doc = append->doc, .object = object, .request = append->request, .prefix = prefix };
    int rc = typed_require_object(append->doc, object);

    write.sent = one ? append->sent : slice_of(doc_at(append->doc, object)->text, doc_at(append->doc, object)->text_size);
    if (!one)
        snprintf(prefix, sizeof prefix, "/%zu", index);
    if (rc == STORE_OK)
        rc = assign(&target, &assigned, name, append, txn, object);
    if (rc != STORE_OK || !target.definition)
        return rc;
    /* Under a key of the store's choosing it is new, whatever the policy says of PUT to a location. */
    return assigned ? put_whole(txn, &target, NULL, &write, result) : put_typed(txn, &target, &write, result);
}

static void append_locate(void *context, size_t index, char *out)
{
    const struct append *append = context;

    (void)index; /* an object that was refused got no key */
    tree_join(out, append->parent, slice_of("", 0));
}

static int append_to(struct txn *txn, struct append *append, store_answer *answer)
{
    struct many many = { 0, append->request->flags & STORE_PARTIAL, answer, append_item, append_locate, append };

    append->body = append->doc->root;
    if (doc_at(append->doc, append->body)->type != DOC_ARRAY)
        return append_item(append, txn, 0, &answer->one);
    many.count = doc_at(append->doc, append->body)->count;
    if (many.count == 0)
        return problem(STORE_BAD_BODY, "the array of objects is empty");
    return many_run(txn, &many);
}

static bool explicit_rule(const store_request *request)
{
    return request->flags & (STORE_REPLACE | STORE_NOREPLACE) || conditions_any(request);
}

/* Refused whatever the body says. */
static int check_collection_target(const struct definition *definition, const struct put *put)
{
    if (!definition)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "there is a collection");
    if (!metadata_json_type(put->request->type))
        return problem(STORE_UNSUPPORTED_MEDIA_TYPE, "a typed collection takes JSON, not %s", put->request->type);
    if (definition->order == ORDER_KEY && (definition->put != PUT_MERGE || explicit_rule(put->request)))
        return problem(STORE_KEY_REQUIRED, "the location must end with the object's key (%s)", definition->key.label);
    return definition->order == ORDER_KEY ? STORE_OK : conditions_check(put->request, NULL);
}

static int put_collection(struct txn *txn, struct slice location, const struct put *put, store_answer *answer)
{
    const struct definition *definition;
    struct doc doc = DOC_INIT;
    struct view view = view_of_txn(txn);
    uint64_t id;
    int rc = tree_collection(&id, &definition, &view, location);

    if (rc == STORE_OK)
        rc = check_collection_target(definition, put);
    if (rc == STORE_OK)
        rc = typed_parse(&doc, put->body.data, put->body.size);
    if (rc == STORE_OK && definition->order == ORDER_KEY) {
        const struct amendment amendment = { STORE_PATCH_MERGE, &doc, doc.root, put->request, false, false, NULL };
        rc = amend_collection(txn, location, id, definition, &amendment, answer);
    } else if (rc == STORE_OK) {
        struct append append = { location, id, definition, &doc, DOC_NONE, DOC_NONE, put->request,
                                 slice_of(put->body.data, put->body.size) };
        rc = append_to(txn, &append, answer);
    }
    doc_release(&doc);
    return rc;
}

/* ------------------------------------------------------------------- both */

int put_run(struct txn *txn, const struct put *put, store_answer *answer)
{
    struct view view = view_of_txn(txn);
    struct target target;
    struct record existing;
    int rc = node_creatable(node_resolve(&target, txn, put->location, put->request));

    if (rc != STORE_OK)
        goto out;
    if (target.definition) {
        rc = put_typed_object(txn, &target, put, answer);
        goto out;
    }
    view = view_of_txn(txn);
    rc = tree_record(&existing, &view, &target);
    if (rc == STORE_OK && existing.kind == NODE_COLLECTION)
        rc = put_collection(txn, target.location.text, put, answer);
    else if (rc >= 0)
        rc = put_plain(txn, &target, put, rc == STORE_OK ? &existing : NULL, answer);
out:
    if (rc < 0)
        problem_location(put->location);
    return rc;
}

static int probe_plain(struct view *view, const struct target *target, const struct put *put, bool *typed)
{
    const struct definition *definition;
    struct record existing;
    uint64_t id;
    int rc = tree_record(&existing, view, target);

    if (rc < 0)
        return rc;
    if (rc == STORE_OK && existing.kind == NODE_COLLECTION) {
        rc = tree_collection(&id, &definition, view, target->location.text);
        *typed = rc == STORE_OK && definition;
        return rc == STORE_OK ? check_collection_target(definition, put) : rc;
    }
    if (target->location.collection)
        return rc == STORE_OK ? kind_clash(&existing) : problem(STORE_NO_COLLECTION, "there is no such collection");
    return permit(target, rc == STORE_OK ? &existing : NULL, put->request);
}

int put_probe(struct view *view, const struct put *put, bool *typed)
{
    struct target target;
    struct record existing;
    int rc = node_creatable(tree_resolve(&target, view, put->location));

    *typed = false;
    if (rc == STORE_NO_COLLECTION && put->request->flags & STORE_PARENTS) {
        problem_reset();
        return STORE_OK;
    }
    if (rc == STORE_OK && target.definition) {
        *typed = true;
        rc = check_typed_target(&target, put);
        if (rc == STORE_OK)
            rc = tree_record(&existing, view, &target);
        if (rc >= 0)
            rc = permit(&target, rc == STORE_OK ? &existing : NULL, put->request);
    } else if (rc == STORE_OK) {
        rc = probe_plain(view, &target, put, typed);
    }
    if (rc < 0)
        problem_location(put->location);
    return rc;
}

/* --------------------------------------------------------------- the verb */

struct put_operation {
    struct operation operation;
    struct put put;
};

static int run(struct operation *operation, struct txn *txn)
{
    struct put_operation *op = (struct put_operation *)operation;

    return put_run(txn, &op->put, operation->answer);
}

int put_execute(store_answer *out, store *s, const struct put *put)
{
    struct put_operation op = { .operation = { .run = run, .guards = true }, .put = *put };

    return verb_execute(out, s, put->request, &op.operation);
}

/* A body too large for its record is staged before the queue: then the writer's lock is held for a
 * single row. In a dry run and to typed collections, which check it first, it is not. */
static int execute_large(store_answer *out, store *s, struct put *put)
{
    bool own, typed = true;
    struct view view;
    int rc = view_open(&view, &own, s, put->request->txn);

    if (rc != STORE_OK)
        return rc;
    rc = put_probe(&view, put, &typed);
    view_close(&view, own);
    if (rc != STORE_OK || typed || put->request->flags & STORE_DRY_RUN)
        return rc == STORE_OK ? put_execute(out, s, put) : rc;
    rc = body_stage(&put->body.staged, s, put->body.data, put->body.size);
    if (rc != STORE_OK)
        return rc;
    rc = put_execute(out, s, put);
    txn_settle(s, put->request->txn, put->body.staged, rc == STORE_OK);
    return rc;
}

static int checked_put(store_answer *out, store *s, struct put *put)
{
    int rc = verb_check(put->request, PUT_FLAGS);

    if (out)
        *out = (store_answer){ 0 };
    if (rc == STORE_OK && s->read_only)
        rc = problem(STORE_READ_ONLY, "the store is open for reading only");
    if (rc != STORE_OK)
        return rc;
    return put->body.size > RECORD_INLINE_MAX - RECORD_HEADER ? execute_large(out, s, put) : put_execute(out, s, put);
}

int store_put(store_answer *out, store *s, const char *location, const void *body, size_t size,
              const store_request *request)
{
    struct put put = { location, NODE_OBJECT, body_in_memory(body, size), request_or_default(request) };

    store_enter();
    return checked_put(out, s, &put);
}

int store_put_link(store_answer *out, store *s, const char *location, const char *text, const store_request *request)
{
    struct put put = { location, NODE_LINK, body_in_memory(text, strlen(text)), request_or_default(request) };

    store_enter();
    if (put.body.size == 0 || put.body.size > STORE_LOCATION_MAX)
        return problem_os(STORE_BAD_ARGUMENT, ENAMETOOLONG, "the target of a link has 1 to %d bytes", STORE_LOCATION_MAX);
    return checked_put(out, s, &put);
}
