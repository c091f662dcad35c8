/*
 * range.c - PATCH by a range of bytes, and setting the size, in one of three ways: small objects are
 * rewritten in their record; of a chunked body the touched chunks are replaced; else a new body is spliced
 * together (splice.c).
 */
#include "range.h"

#include <errno.h>
#include <string.h>

#include "answer.h"
#include "body.h"
#include "verb.h"

#define RESIZE_FLAGS (STORE_DRY_RUN | STORE_IF_MATCH_ANY | STORE_IF_NONE_MATCH_ANY | STORE_SET_META)
#define CUT_MAX 16 /* chunks that are cut off for each that is kept: to copy a few is less work than to cut off many */

static uint64_t new_size(const struct range_write *write, uint64_t size)
{
    uint64_t end = write->offset + write->bytes.size;

    if (write->resize)
        return write->offset;
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
    int rc = node_creatable(tree_resolve_node(&target, view, &address), &target);

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
    uint64_t old = existing && existing->size < size ? existing->size : size;
    char whole[RECORD_INLINE_MAX] = { 0 };
    const struct body_source body = body_in_memory(whole, size);
    const struct node_change change = { .kind = NODE_OBJECT, .old = existing, .body = &body,
                                        .request = write->request };
    struct view view = view_of_txn(txn);
    int rc = STORE_OK;

    if (existing && existing->flags & RECORD_CHUNKED)
        rc = body_read_at(&view, existing, 0, whole, old);
    else if (existing)
        memcpy(whole, existing->body.data, old);
    if (rc != STORE_OK)
        return rc;
    if (write->bytes.size)
        memcpy(whole + write->offset, write->bytes.data, write->bytes.size);
    return node_write(txn, target, &change, &op->operation.answer->one);
}

/* Changes the body that only `record` refers to, as the version in `change`. */
static int replace_chunks(struct txn *txn, const struct target *target, const struct record *record,
                          struct node_change change, struct range_operation *op)
{
    const struct body_change body = { .record = record, .version = change.version, .offset = op->write->offset,
                                      .data = op->write->bytes.data, .size = op->write->bytes.size };
    struct record existing = *record;
    struct view view = view_of_txn(txn);
    int rc = body_change(txn, &body);

    if (rc == STORE_OK)
        rc = tree_record(&existing, &view, target); /* a write moves what is borrowed */
    change.old = &existing;
    change.generation = change.version;
    return rc == STORE_OK ? node_write(txn, target, &change, &op->operation.answer->one) : rc;
}

/* Whether to cut the body off at `size`, or to copy what is kept. */
static int worth_cutting(bool *out, struct txn *txn, const struct record *record, uint64_t size)
{
    uint32_t kept = (uint32_t)(size / CHUNK_DATA);
    uint64_t limit = CUT_MAX * ((uint64_t)kept + 1);
    struct view view = view_of_txn(txn);
    bool more = true;
    int rc = STORE_OK;

    *out = (record->size - size) / CHUNK_DATA <= limit;
    if (*out || record->body_generation == GENERATION_UPLOAD)
        return STORE_OK;
    rc = body_more_kept(&more, &view, record, kept, (uint32_t)limit); /* holes cost nothing */
    *out = !more;
    return rc;
}

static int change_chunked(struct txn *txn, const struct target *target, const struct record *existing,
                          struct range_operation *op)
{
    const struct range_write *write = op->write;
    uint64_t size = new_size(write, existing->size), references;
    struct node_change change = { .kind = NODE_OBJECT, .old = existing, .request = write->request, .resized = true,
                                  .size = size, .generation = existing->body_generation };
    bool in_place = true;
    int rc;

    if (size > existing->size && change.generation == GENERATION_UPLOAD)
        change.generation = GENERATION_SPARSE;
    if (write->bytes.size == 0 && size >= existing->size)
        return node_write(txn, target, &change, &op->operation.answer->one);
    rc = body_references(&references, &txn->engine.view, existing->body_id);
    if (rc == STORE_OK && size < existing->size)
        rc = worth_cutting(&in_place, txn, existing, size);
    if (rc != STORE_OK)
        return rc;
    if (references > 1 || !in_place)
        return NEEDS_SPLICE; /* a COPY shares the chunks, or there are few to copy */
    change.version = txn_version(txn);
    return replace_chunks(txn, target, existing, change, op);
}

static bool fits_inline(const struct record *existing, const struct range_write *write)
{
    uint64_t attributes = existing ? existing->attributes.size : 1024;

    if (existing && !(existing->flags & RECORD_INLINE) && !write->resize)
        return false;
    return new_size(write, existing ? existing->size : 0) + attributes + RECORD_HEADER <= RECORD_INLINE_MAX;
}

/* A longer range makes a new body outside the transaction, unless that goes on anyhow. */
static bool short_enough(const struct record *existing, const struct range_write *write)
{
    return write->bytes.size <= (write->request->txn ? existing->size / 2 : RANGE_IN_PLACE) ||
           write->bytes.size <= RANGE_IN_PLACE;
}

static int in_place(struct txn *txn, const struct target *target, const struct record *existing,
                    struct range_operation *op)
{
    if (op->write->bytes.staged)
        return NEEDS_SPLICE;
    if (fits_inline(existing, op->write))
        return rewrite_inline(txn, target, existing, op);
    if (existing && existing->flags & RECORD_CHUNKED && short_enough(existing, op->write))
        return change_chunked(txn, target, existing, op);
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
    return rc == NEEDS_SPLICE ? splice_execute(out, &op, s) : rc;
}

static int execute(store_answer *out, store *s, const struct range_write *write, unsigned flags)
{
    int rc = verb_check(write->request, flags);

    if (out)
        *out = (store_answer){ 0 };
    return rc == STORE_OK ? range_execute(out, s, write) : rc;
}

int store_patch_range(store_answer *out, store *s, const char *location, uint64_t offset, const void *body, size_t size,
                      const store_request *request)
{
    const struct range_write write = { .location = location, .offset = offset, .bytes = body_in_memory(body, size),
                                       .request = request_or_default(request) };

    store_enter();
    return execute(out, s, &write, RANGE_FLAGS);
}

int store_resize(store_answer *out, store *s, const char *location, uint64_t size, const store_request *request)
{
    const struct range_write write = { .location = location, .offset = size, .request = request_or_default(request),
                                       .resize = true };

    store_enter();
    return execute(out, s, &write, RESIZE_FLAGS);
}
