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

static int kind_clash(const struct record *existing)
{
    switch (existing->kind) {
    case NODE_COLLECTION:
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "there is a collection");
    case NODE_SPECIAL:
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "there is a special node: it has no body to replace");
    case NODE_OBJECT:
    case NODE_LINK:
    case NODE_NAME:
        break;
    }
    return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "there is an object, no collection");
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
    if (rc == STORE_OK && existing && existing->kind == NODE_SPECIAL && !node_renewed(existing, request))
        rc = kind_clash(existing);
    if (rc == STORE_OK && !existing && !rule.creates)
        rc = problem(STORE_NOT_FOUND, "there is no such object, and the request does not create one");
    return rc;
}

/* ------------------------------------------------------------------ typed */

/* The JSON of one object in a request. */
struct given {
    struct doc *doc;
    doc_id object;
    struct slice sent;  /* its text */
    const char *prefix; /* of violations' pointers: which of many; NULL: none */
    const store_request *request;
};

/* The object is what the body says, and its initial state where that says nothing. */
static int make_whole(struct draft *out, const struct target *target, const struct given *given)
{
    int rc = typed_require_object(given->doc, given->object);

    if (rc == STORE_OK && target->definition->key.count)
        rc = typed_agree(given->doc, given->object, target, &out->completed);
    if (rc == STORE_OK)
        rc = typed_fill(given->doc, given->object, target->definition, &out->completed);
    return rc == STORE_OK ? draft_make(out, target, given->doc, given->object, given->sent, given->prefix) : rc;
}

static int put_whole(struct txn *txn, const struct target *target, const struct record *old, const struct given *given,
                     store_result *result)
{
    const struct draft_place place = { .target = target, .old = old, .renews = true };
    struct draft draft = DRAFT_INIT;
    int rc = make_whole(&draft, target, given);

    if (rc == STORE_OK)
        rc = draft_publish(txn, &draft, &place, given->request, result);
    draft_release(&draft);
    return rc;
}

static int put_merged(struct txn *txn, const struct target *target, const struct record *old,
                      const struct given *given, store_result *result)
{
    const struct amendment amendment = { .kind = STORE_PATCH_MERGE, .doc = given->doc, .node = given->object,
                                         .request = given->request, .prefix = given->prefix };
    int rc = typed_require_object(given->doc, given->object);

    if (rc == STORE_OK)
        rc = old ? amend_existing(txn, target, old, &amendment, result)
                 : amend_insert(txn, target, &amendment, result);
    result->completed = true; /* what is kept is not what was sent */
    return rc;
}

/* What is at a typed target, as far as the request may have its way with it: ENGINE_ABSENT, or STORE_OK. */
static int find_permitted(struct record *old, struct view *view, const struct target *target,
                          const store_request *request)
{
    int found = tree_record(old, view, target), rc = found;

    if (found >= 0)
        rc = permit(target, found == STORE_OK ? old : NULL, request);
    return rc == STORE_OK ? found : rc;
}

static int put_typed(struct txn *txn, const struct target *target, const struct given *given, store_result *result)
{
    struct view view = view_of_txn(txn);
    struct record record;
    int rc = find_permitted(&record, &view, target, given->request);
    const struct record *old = rc == STORE_OK ? &record : NULL;

    if (rc < 0)
        return rc;
    return rule_of(target->definition, given->request).merges ? put_merged(txn, target, old, given, result)
                                                              : put_whole(txn, target, old, given, result);
}

/* A body that was staged came for a plain object, and is not in memory to be parsed. */
static int check_json(const struct put *put)
{
    if (!metadata_json_type(put->request->type))
        return problem(STORE_UNSUPPORTED_MEDIA_TYPE, "a typed collection takes JSON, not %s", put->request->type);
    if (put->body.staged)
        return problem(STORE_BUSY, "the collection was defined while the body was on its way: send it again");
    return STORE_OK;
}

static int check_typed_target(const struct target *target, const struct put *put)
{
    if (target->property.size > 0)
        return problem(STORE_PROPERTY_TARGET, "PUT is for whole objects; PATCH changes a property");
    if (target->location.collection)
        return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "a typed collection holds objects only");
    if (put->kind != NODE_OBJECT)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "a typed collection holds objects only");
    return check_json(put);
}

/* The draft was made of all of the body, so none of it is looked at again. */
static int put_draft(struct txn *txn, const struct target *target, const struct put *put, store_answer *answer)
{
    struct view view = view_of_txn(txn);
    struct record record;
    int rc = find_permitted(&record, &view, target, put->request);
    const struct draft_place place = { .target = target, .old = rc == STORE_OK ? &record : NULL, .renews = true };

    return rc < 0 ? rc : draft_publish(txn, put->draft, &place, put->request, &answer->one);
}

static int put_body(struct txn *txn, const struct target *target, const struct put *put, store_answer *answer)
{
    struct doc doc = DOC_INIT;
    struct given given = { .doc = &doc, .sent = slice_of(put->body.data, put->body.size), .request = put->request };
    int rc = typed_parse(&doc, put->body.data, put->body.size);

    given.object = doc.root;
    if (rc == STORE_OK)
        rc = put_typed(txn, target, &given, &answer->one);
    doc_release(&doc);
    return rc;
}

static int put_typed_object(struct txn *txn, const struct target *target, const struct put *put, store_answer *answer)
{
    int rc = check_typed_target(target, put);

    if (rc != STORE_OK)
        return rc;
    return put->draft && draft_fits(put->draft, target, NULL) ? put_draft(txn, target, put, answer)
                                                              : put_body(txn, target, put, answer);
}

/* ------------------------------------------------------------------ plain */

static int put_plain(struct txn *txn, const struct target *target, const struct put *put, struct record *existing,
                     store_answer *answer)
{
    struct node_change change = { .kind = put->kind, .old = existing, .body = &put->body, .request = put->request };
    bool another = existing && (existing->kind != put->kind || node_renewed(existing, put->request));
    int rc;

    if (target->location.collection)
        return existing ? kind_clash(existing)
                        : problem(STORE_NO_COLLECTION, "there is no such collection");
    rc = permit(target, existing, put->request);
    if (rc == STORE_OK && another) {
        rc = txn_guard(txn);
        if (rc == STORE_OK)
            rc = node_remove(txn, target, existing);
        change.old = NULL;
        change.replaces = true;
    }
    return rc == STORE_OK ? node_write(txn, target, &change, &answer->one) : rc;
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
    struct given given = { .doc = append->doc, .object = object, .prefix = prefix, .request = append->request };
    int rc = typed_require_object(append->doc, object);

    given.sent = one ? append->sent : slice_of(doc_at(append->doc, object)->text, doc_at(append->doc, object)->text_size);
    if (!one)
        snprintf(prefix, sizeof prefix, "/%zu", index);
    if (rc == STORE_OK)
        rc = assign(&target, &assigned, name, append, txn, object);
    if (rc != STORE_OK || !target.definition)
        return rc;
    /* Under a key of the store's choosing it is new, whatever the policy says of PUT to a location. */
    return assigned ? put_whole(txn, &target, NULL, &given, result) : put_typed(txn, &target, &given, result);
}

static void append_locate(void *context, size_t index, char *out)
{
    const struct append *append = context;

    (void)index; /* an object that was refused got no key */
    tree_join(out, append->parent, slice_of("", 0));
}

static int append_to(struct txn *txn, struct append *append, store_answer *answer)
{
    struct many many = { 0, append->request, answer, append_item, append_locate, append };

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
    int rc;

    if (!definition)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "there is a collection");
    rc = check_json(put);
    if (rc != STORE_OK)
        return rc;
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
        const struct amendment amendment = { .kind = STORE_PATCH_MERGE, .doc = &doc, .node = doc.root,
                                             .request = put->request };
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
    const struct address address = request_address(put->location, put->request);
    struct view view = view_of_txn(txn);
    struct target target;
    struct record existing;
    int rc = node_creatable(node_resolve(&target, txn, &address, put->request), &target);

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
        problem_location(tree_named(&target, &address));
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
    const struct address address = request_address(put->location, put->request);
    struct target target;
    struct record existing;
    int rc = node_creatable(tree_resolve_node(&target, view, &address), &target);

    *typed = false;
    if (rc == STORE_NO_COLLECTION && put->request->flags & STORE_PARENTS) {
        problem_reset();
        return STORE_OK;
    }
    if (rc == STORE_OK && target.definition) {
        *typed = true;
        rc = check_typed_target(&target, put);
        if (rc == STORE_OK)
            rc = find_permitted(&existing, view, &target, put->request);
    } else if (rc == STORE_OK) {
        rc = probe_plain(view, &target, put, typed);
    }
    if (rc < 0)
        problem_location(tree_named(&target, &address));
    return rc < 0 ? rc : STORE_OK;
}

/* --------------------------------------------------------------- the verb */

struct put_operation {
    struct operation operation;
    struct put put;
    struct draft draft;
};

/* A body that is to be the whole of a typed object is parsed, completed and checked before the queue. */
static void prepare(struct operation *operation, struct view *view)
{
    struct put_operation *op = (struct put_operation *)operation;
    const struct put *put = &op->put;
    const struct address address = request_address(put->location, put->request);
    struct doc doc = DOC_INIT;
    struct given given = { .doc = &doc, .sent = slice_of(put->body.data, put->body.size), .request = put->request };
    struct target target;
    int rc = tree_resolve(&target, view, &address);

    if (rc != STORE_OK || !target.definition || rule_of(target.definition, put->request).merges)
        return;
    rc = check_typed_target(&target, put);
    if (rc == STORE_OK)
        rc = typed_parse(&doc, put->body.data, put->body.size);
    given.object = doc.root;
    if (rc == STORE_OK)
        rc = make_whole(&op->draft, &target, &given);
    if (rc == STORE_OK)
        op->put.draft = &op->draft;
    doc_release(&doc);
}

static int run(struct operation *operation, struct txn *txn)
{
    struct put_operation *op = (struct put_operation *)operation;

    return put_run(txn, &op->put, operation->answer);
}

int put_execute(store_answer *out, store *s, const struct put *put)
{
    struct put_operation op = { .operation = { .prepare = prepare, .run = run, .guards = true }, .put = *put };
    int rc = verb_execute(out, s, put->request, &op.operation);

    draft_release(&op.draft);
    return rc;
}

/* A large body is staged before the queue: then the writer's lock is held for a single row. In a dry run
 * and to typed collections, which check it first, it is not; nor is one of a single chunk or in an explicit
 * transaction: such bodies share a commit (body_keep). */
static bool staged_ahead(const struct put *put)
{
    return put->body.size > CHUNK_DATA && !put->request->txn && !(put->request->flags & STORE_DRY_RUN);
}

static int execute_large(store_answer *out, store *s, struct put *put)
{
    bool own, typed = true;
    struct view view;
    int rc = view_open(&view, &own, s, put->request->txn);

    if (rc != STORE_OK)
        return rc;
    rc = put_probe(&view, put, &typed);
    view_close(&view, own);
    if (rc != STORE_OK || typed)
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
    return staged_ahead(put) ? execute_large(out, s, put) : put_execute(out, s, put);
}

int store_put(store_answer *out, store *s, const char *location, const void *body, size_t size,
              const store_request *request)
{
    struct put put = { .location = location, .kind = NODE_OBJECT, .body = body_in_memory(body, size),
                       .request = request_or_default(request) };

    store_enter();
    return checked_put(out, s, &put);
}

int store_put_link(store_answer *out, store *s, const char *location, const char *text, const store_request *request)
{
    struct put put = { .location = location, .kind = NODE_LINK, .body = body_in_memory(text, strlen(text)),
                       .request = request_or_default(request) };

    store_enter();
    if (put.body.size == 0 || put.body.size > STORE_LOCATION_MAX)
        return problem_os(STORE_BAD_ARGUMENT, ENAMETOOLONG, "the target of a link has 1 to %d bytes", STORE_LOCATION_MAX);
    return checked_put(out, s, &put);
}
