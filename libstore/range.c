/*
 * range.c - PATCH by a range of bytes, in one of three ways: small objects are
 * rewritten in their record; a short range of a chunked body replaces the
 * touched chunks; else a new body is spliced together outside the
 * transaction, and published if nobody changed the object meanwhile.
 */
#include "range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "body.h"
#include "verb.h"

#define NEEDS_SPLICE STORE_END /* an operation's answer: not in place */
#define SPLICE_TRIES 100
#define COPY_SIZE (16u * CHUNK_DATA)

struct range_operation {
    struct operation operation;
    const struct range_write *write;
    uint64_t spliced;  /* the new body; 0: try in place */
    uint64_t size;     /* its size */
    bool sparse;
    uint64_t expected; /* the version it was made from; 0: there was nothing */
};

static uint64_t new_size(const struct range_write *write, uint64_t size)
{
    uint64_t end = write->offset + write->bytes.size;

    return write->bytes.size == 0 || size > end ? size : end;
}

static int permit(const struct target *target, const struct record *existing, const struct range_write *write)
{
    const store_request *request = write->request;
    int rc = conditions_check(request, existing);

    if (rc != STORE_OK)
        return rc;
    if (target->definition)
        return problem(STORE_UNSUPPORTED_MEDIA_TYPE, "an object of a typed collection is patched as JSON");
    if (!existing && (!(request->flags & STORE_INSERT) || request->flags & STORE_NOINSERT))
        return problem(STORE_NOT_FOUND, "there is no such object");
    if (existing && existing->kind != NODE_OBJECT)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "it is no object");
    if (!existing && target->location.collection)
        return problem(STORE_NO_COLLECTION, "there is no such collection");
    return STORE_OK;
}

int range_probe(struct view *view, const struct range_write *write)
{
    const struct address address = request_address(write->location, write->request);
    struct target target;
    struct record existing;
    int rc = node_creatable(tree_resolve(&target, view, &address), &target);

    if (rc == STORE_NO_COLLECTION && !(write->request->flags & STORE_INSERT)) {
        rc = problem(STORE_NOT_FOUND, "there is nothing to patch");
    } else if (rc == STORE_NO_COLLECTION && write->request->flags & STORE_PARENTS) {
        problem_reset();
        return STORE_OK;
    }
    if (rc == STORE_OK)
        rc = tree_record(&existing, view, &target);
    if (rc >= 0)
        rc = permit(&target, rc == STORE_OK ? &existing : NULL, write);
    if (rc < 0)
        problem_location(tree_named(&target, &address));
    return rc;
}

/* --------------------------------------------------------------- in place */

static int rewrite_inline(struct txn *txn, const struct target *target, const struct record *existing,
                          struct range_operation *op)
{
    const struct range_write *write = op->write;
    uint64_t size = new_size(write, existing ? existing->size : 0);
    char whole[RECORD_INLINE_MAX] = { 0 };
    const struct body_source body = body_in_memory(whole, size);
    const struct node_change change = { .kind = NODE_OBJECT, .old = existing, .body = &body,
                                        .request = write->request };

    if (existing)
        memcpy(whole, existing->body.data, existing->size);
    if (write->bytes.size)
        memcpy(whole + write->offset, write->bytes.data, write->bytes.size);
    return node_write(txn, target, &change, &op->operation.answer->one);
}

static int replace_chunks(struct txn *txn, const struct target *target, const struct record *existing,
                          struct range_operation *op)
{
    const struct range_write *write = op->write;
    struct node_change change = { .kind = NODE_OBJECT, .old = existing, .request = write->request,
                                  .grown = new_size(write, existing->size), .version = txn->next_version };
    struct view view = view_of_txn(txn);
    struct record record = *existing;
    uint64_t references;
    int rc = body_references(&references, &txn->engine.view, existing->body_id);

    if (rc != STORE_OK)
        return rc;
    if (references > 1)
        return NEEDS_SPLICE; /* a COPY shares the chunks */
    txn_version(txn);
    if (write->bytes.size)
        rc = body_patch(txn, &record, change.version, write->offset, write->bytes.data, write->bytes.size);
    if (rc == STORE_OK)
        rc = tree_record(&record, &view, target); /* a write moves what is borrowed */
    change.old = &record;
    return rc == STORE_OK ? node_write(txn, target, &change, &op->operation.answer->one) : rc;
}

static bool fits_inline(const struct record *existing, const struct range_write *write)
{
    uint64_t attributes = existing ? existing->attributes.size : 1024;

    if (existing && !(existing->flags & RECORD_INLINE))
        return false;
    return new_size(write, existing ? existing->size : 0) + attributes + RECORD_HEADER <= RECORD_INLINE_MAX;
}

static int in_place(struct txn *txn, const struct target *target, const struct record *existing,
                    struct range_operation *op)
{
    if (op->write->bytes.staged)
        return NEEDS_SPLICE;
    if (fits_inline(existing, op->write))
        return rewrite_inline(txn, target, existing, op);
    if (existing && existing->flags & RECORD_CHUNKED && op->write->bytes.size <= RANGE_IN_PLACE)
        return replace_chunks(txn, target, existing, op);
    return NEEDS_SPLICE;
}

static int run(struct operation *operation, struct txn *txn)
{
    struct range_operation *op = (struct range_operation *)operation;
    const struct address address = request_address(op->write->location, op->write->request);
    const struct body_source spliced = { NULL, op->size, op->spliced, op->sparse };
    struct node_change change = { .kind = NODE_OBJECT, .body = &spliced, .request = op->write->request };
    struct view view;
    struct target target;
    struct record existing;
    bool exists;
    int rc;

    rc = node_creatable(node_resolve(&target, txn, &address, op->write->request), &target);
    if (rc == STORE_NO_COLLECTION && !(op->write->request->flags & STORE_INSERT))
        rc = problem(STORE_NOT_FOUND, "there is nothing to patch");
    view = view_of_txn(txn);
    if (rc == STORE_OK)
        rc = tree_record(&existing, &view, &target);
    exists = rc == STORE_OK;
    if (rc >= 0)
        rc = permit(&target, exists ? &existing : NULL, op->write);
    if (rc == STORE_OK && !op->spliced) {
        rc = in_place(txn, &target, exists ? &existing : NULL, op);
    } else if (rc == STORE_OK && (exists ? existing.version : 0) != op->expected) {
        rc = NEEDS_SPLICE;
    } else if (rc == STORE_OK) {
        change.old = exists ? &existing : NULL;
        rc = node_write(txn, &target, &change, &op->operation.answer->one);
    }
    if (rc < 0)
        problem_location(tree_named(&target, &address));
    return rc;
}

/* ----------------------------------------------------------------- splice */

/* Copies [from, to) of a body (inline, chunked or absent, zero beyond its end) to the new one. */
static int copy_part(struct body_writer *out, store *s, const struct record *record, uint64_t from, uint64_t to,
                     char *space)
{
    int rc = STORE_OK;

    while (from < to && rc == STORE_OK) {
        size_t part = to - from < COPY_SIZE ? (size_t)(to - from) : COPY_SIZE;
        uint64_t have = record->size > from ? record->size - from : 0;
        size_t real = have < part ? (size_t)have : part;
        memset(space + real, 0, part - real);
        if (real == 0)
            return body_writer_skip(out, to - from);
        if (record->flags & RECORD_INLINE)
            memcpy(space, (const char *)record->body.data + from, real);
        else
            rc = body_read_at(&(struct view){ .store = s }, record, from, space, real);
        if (rc == STORE_OK)
            rc = body_writer_write(out, space, part);
        from += part;
    }
    return rc;
}

static int copy_given(struct body_writer *out, store *s, const struct range_write *write, char *space)
{
    const struct record staged = { .flags = RECORD_CHUNKED, .size = write->bytes.size,
                                   .body_id = write->bytes.staged };

    if (!write->bytes.staged)
        return body_writer_write(out, write->bytes.data, write->bytes.size);
    return copy_part(out, s, &staged, 0, staged.size, space);
}

/* The old body as it is now; an inline one is copied to `small`. */
static int read_old(struct record *out, char *small, store *s, const struct range_write *write)
{
    const struct address address = request_address(write->location, write->request);
    struct target target;
    struct view view;
    bool own;
    int rc = view_open(&view, &own, s, write->request->txn);

    if (rc != STORE_OK)
        return rc;
    rc = tree_find(out, &target, &view, &address);
    if (rc == STORE_NOT_FOUND) {
        problem_reset();
        *out = (struct record){ .flags = RECORD_INLINE };
        rc = STORE_OK;
    } else if (rc == STORE_OK && out->flags & RECORD_INLINE) {
        memcpy(small, out->body.data, out->size);
        out->body.data = small;
    }
    if (rc == STORE_OK)
        rc = body_settle(&view);
    view_close(&view, own);
    return rc;
}

static int splice(struct body_writer *out, uint64_t *expected, store *s, const struct range_write *write, char *space)
{
    char small[RECORD_INLINE_MAX];
    struct record old = { 0 };
    uint64_t end = write->offset + write->bytes.size;
    int rc = read_old(&old, small, s, write);

    *expected = old.version;
    if (rc == STORE_OK)
        rc = copy_part(out, s, &old, 0, write->offset, space);
    if (rc == STORE_OK)
        rc = copy_given(out, s, write, space);
    if (rc == STORE_OK)
        rc = copy_part(out, s, &old, end, old.size > end ? old.size : end, space);
    return rc == STORE_OK ? body_writer_finish(out) : rc;
}

/* Optimistic: again when somebody else changed the object, or reclaimed what was being read. */
static int splice_and_publish(store_answer *out, struct range_operation *op, store *s)
{
    char *space = malloc(COPY_SIZE);
    int rc = NEEDS_SPLICE;

    if (!space)
        return problem(STORE_NO_MEMORY, "no memory to write a range");
    for (int tries = 0; rc == NEEDS_SPLICE && tries < SPLICE_TRIES; tries++) {
        struct body_writer body;
        body_writer_init(&body, s);
        rc = splice(&body, &op->expected, s, op->write, space);
        op->spliced = body.id;
        op->size = body.size;
        op->sparse = body.sparse;
        if (rc == STORE_OK)
            rc = verb_execute(out, s, op->write->request, &op->operation);
        else if (rc == STORE_PRECONDITION_FAILED)
            rc = NEEDS_SPLICE;
        if (rc == STORE_OK && !op->operation.dry_run)
            txn_settle(s, op->write->request->txn, body.id, true);
        body_writer_release(&body, rc == STORE_OK && !op->operation.dry_run);
    }
    free(space);
    return rc == NEEDS_SPLICE ? problem(STORE_BUSY, "the object is being changed all the time") : rc;
}

int range_execute(store_answer *out, store *s, const struct range_write *write)
{
    struct range_operation op = { .operation = { .run = run }, .write = write };
    int rc;

    if (out)
        *out = (store_answer){ 0 };
    if (write->bytes.size > BODY_MAX || write->offset > BODY_MAX - write->bytes.size) {
        rc = problem(STORE_TOO_LARGE, "an object has at most %llu bytes", (unsigned long long)BODY_MAX);
        problem_location(write->location);
        return rc;
    }
    rc = verb_execute(out, s, write->request, &op.operation);
    return rc == NEEDS_SPLICE ? splice_and_publish(out, &op, s) : rc;
}

int store_patch_range(store_answer *out, store *s, const char *location, uint64_t offset, const void *body, size_t size,
                      const store_request *request)
{
    const struct range_write write = { location, offset, body_in_memory(body, size), request_or_default(request) };
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    rc = verb_check(write.request, RANGE_FLAGS);
    return rc == STORE_OK ? range_execute(out, s, &write) : rc;
}
