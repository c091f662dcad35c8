/*
 * splice.c - a range write or a resizing as a new body: copied together outside the transaction from the old one
 * and the bytes given, and published if nobody changed the object meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "range.h"
#include "verb.h"

#define SPLICE_TRIES 100
#define COPY_SIZE (16u * CHUNK_DATA)

/* A body to copy from: inline, chunked or absent. */
struct source {
    struct view view;    /* an explicit transaction's, else of no snapshot */
    struct record record;
    uint64_t begin, end; /* the run of bytes that was found last, with no hole in it */
    char small[RECORD_INLINE_MAX];
};

/* The old body as it is now. */
static int open_source(struct source *source, store *s, const struct range_write *write)
{
    const struct address address = request_address(write->location, write->request);
    struct record *record = &source->record;
    struct target target;
    struct view view;
    bool own;
    int rc = view_open(&view, &own, s, write->request->txn);

    if (rc != STORE_OK)
        return rc;
    rc = tree_find(record, &target, &view, &address);
    if (rc == STORE_NOT_FOUND) {
        problem_reset();
        *record = (struct record){ .flags = RECORD_INLINE };
        rc = STORE_OK;
    } else if (rc == STORE_OK && record->flags & RECORD_INLINE) {
        memcpy(source->small, record->body.data, record->size);
    }
    if (rc == STORE_OK)
        rc = body_settle(&view);
    source->view = own ? (struct view){ .store = s } : view;
    source->begin = source->end = 0;
    view_close(&view, own);
    return rc;
}

/* Sees to it that the last run found ends behind `from`, which is within the size. */
static int find_run(struct source *source, uint64_t from)
{
    int rc = STORE_OK;

    if (from < source->end)
        return STORE_OK;
    if (source->record.flags & RECORD_CHUNKED)
        rc = body_extent_at(&source->begin, &source->end, &source->view, &source->record, from);
    else
        source->end = source->record.size;
    return rc == STORE_END ? STORE_OK : rc; /* then both are the size */
}

static int copy_piece(struct body_writer *out, struct source *source, uint64_t from, size_t size, char *space)
{
    int rc;

    if (source->record.flags & RECORD_INLINE)
        return body_writer_write(out, source->small + from, size);
    rc = body_read_at(&source->view, &source->record, from, space, size);
    return rc == STORE_OK ? body_writer_write(out, space, size) : rc;
}

/* Copies [from, to); holes stay holes, and behind its end is one. */
static int copy_part(struct body_writer *out, struct source *source, uint64_t from, uint64_t to, char *space)
{
    uint64_t end = to < source->record.size ? to : source->record.size;
    int rc = STORE_OK;

    while (from < end && rc == STORE_OK) {
        uint64_t part;
        rc = find_run(source, from);
        if (rc != STORE_OK)
            return rc;
        if (from < source->begin) {
            part = (source->begin < end ? source->begin : end) - from;
            rc = body_writer_skip(out, part);
        } else {
            part = (source->end < end ? source->end : end) - from;
            part = part < COPY_SIZE ? part : COPY_SIZE;
            rc = copy_piece(out, source, from, (size_t)part, space);
        }
        from += part;
    }
    return rc == STORE_OK && from < to ? body_writer_skip(out, to - from) : rc;
}

static int copy_given(struct body_writer *out, store *s, const struct range_write *write, char *space)
{
    struct source staged = { .view = { .store = s },
                             .record = { .flags = RECORD_CHUNKED, .size = write->bytes.size,
                                         .body_id = write->bytes.staged } };

    if (!write->bytes.staged)
        return body_writer_write(out, write->bytes.data, write->bytes.size);
    return copy_part(out, &staged, 0, write->bytes.size, space);
}

/* `expected` is the version that it is made from. NEEDS_SPLICE: again, it was replaced meanwhile. */
static int splice(struct body_writer *out, uint64_t *expected, struct source *old, store *s,
                  const struct range_write *write, char *space)
{
    uint64_t end = write->offset + write->bytes.size;
    int rc = open_source(old, s, write);

    if (rc != STORE_OK)
        return rc;
    *expected = old->record.version;
    rc = copy_part(out, old, 0, write->offset, space);
    if (rc == STORE_OK && !write->resize)
        rc = copy_given(out, s, write, space);
    if (rc == STORE_OK && !write->resize && old->record.size > end)
        rc = copy_part(out, old, end, old->record.size, space);
    if (rc == STORE_PRECONDITION_FAILED)
        return NEEDS_SPLICE;
    return rc == STORE_OK ? body_writer_finish(out) : rc;
}

static int attempt(store_answer *out, struct range_operation *op, store *s, struct source *old, char *space)
{
    store_txn *txn = op->write->request->txn;
    struct body_writer body;
    bool published;
    int rc;

    body_writer_init(&body, s);
    rc = splice(&body, &op->expected, old, s, op->write, space);
    op->spliced = body.id;
    op->size = body.size;
    op->sparse = body.sparse;
    if (rc == STORE_OK)
        rc = verb_execute(out, s, op->write->request, &op->operation);
    published = rc == STORE_OK && !op->operation.dry_run;
    if (published)
        txn_settle(s, txn, body.id, true);
    body_writer_release(&body, published);
    return rc;
}

int splice_execute(store_answer *out, struct range_operation *op, store *s)
{
    struct source *old = malloc(sizeof *old);
    char *space = malloc(COPY_SIZE);
    int rc = old && space ? NEEDS_SPLICE : problem(STORE_NO_MEMORY, "no memory to write a range");

    for (int tries = 0; old && rc == NEEDS_SPLICE && tries < SPLICE_TRIES; tries++)
        rc = attempt(out, op, s, old, space);
    free(space);
    free(old);
    return rc == NEEDS_SPLICE ? problem(STORE_BUSY, "the object is being changed all the time") : rc;
}
