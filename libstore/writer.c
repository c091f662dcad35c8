/* writer.c - PUT and range PATCH as streams: staged as they come, published by the commit. */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "body.h"
#include "put.h"
#include "range.h"
#include "tree.h"
#include "txn.h"
#include "verb.h"

struct store_writer {
    store *store;
    char *location;        /* NULL: not told yet */
    store_request request; /* copies of the caller's, in `block` */
    void *block;
    bool range;
    uint64_t offset;       /* of a range */
    bool typed;            /* the body is gathered, to be checked as JSON */
    struct buffer gathered;
    struct body_writer body;
    bool published;
};

/* ------------------------------------------------- a copy of the request */

static size_t request_size(const store_request *request)
{
    size_t size = (request->if_match_count + request->if_none_match_count) * sizeof(uint64_t) +
                  request->meta_count * sizeof(store_meta) + sizeof(store_attributes) + 8;

    size += request->type ? strlen(request->type) + 1 : 0;
    for (size_t i = 0; i < request->meta_count; i++)
        size += strlen(request->meta[i].name) + 1 + request->meta[i].size;
    return size;
}

static void *take(char **at, const void *data, size_t size)
{
    void *copy = *at;

    if (size)
        memcpy(copy, data, size);
    *at += size;
    return copy;
}

/* Everything aligned comes first. */
static int copy_request(store_writer *writer, const store_request *request)
{
    store_request *copy = &writer->request;
    store_meta *meta;
    char *at = malloc(request_size(request));

    writer->block = at;
    if (!at)
        return problem(STORE_NO_MEMORY, "no memory for a writer");
    *copy = *request;
    copy->if_match = take(&at, request->if_match, request->if_match_count * sizeof(uint64_t));
    copy->if_none_match = take(&at, request->if_none_match, request->if_none_match_count * sizeof(uint64_t));
    copy->meta = meta = take(&at, request->meta, request->meta_count * sizeof *meta);
    if (request->attributes)
        copy->attributes = take(&at, request->attributes, sizeof *request->attributes);
    if (request->type)
        copy->type = take(&at, request->type, strlen(request->type) + 1);
    for (size_t i = 0; i < request->meta_count; i++) {
        meta[i].name = take(&at, request->meta[i].name, strlen(request->meta[i].name) + 1);
        meta[i].value = take(&at, request->meta[i].value, request->meta[i].size);
    }
    return STORE_OK;
}

/* Where it is to be published, and by which request; instead of what was said before. */
static int take_place(store_writer *writer, const char *location, const store_request *request)
{
    free(writer->location);
    free(writer->block);
    writer->location = strdup(location);
    writer->block = NULL;
    return writer->location ? copy_request(writer, request_or_default(request))
                            : problem(STORE_NO_MEMORY, "no memory for a writer");
}

/* ------------------------------------------------------------------- open */

static struct put put_of(const store_writer *writer)
{
    return (struct put){ .location = writer->location, .kind = NODE_OBJECT, .request = &writer->request };
}

static int check_writable(const store *s)
{
    return s->read_only ? problem(STORE_READ_ONLY, "the store is open for reading only") : STORE_OK;
}

static int probe(bool *typed, const store_writer *writer)
{
    struct put put = put_of(writer);
    const struct range_write range = { .location = writer->location, .offset = writer->offset,
                                       .request = &writer->request };
    struct view view;
    bool own;
    int rc = verb_check(&writer->request, writer->range ? RANGE_FLAGS : PUT_FLAGS);

    *typed = false;
    if (rc == STORE_OK)
        rc = check_writable(writer->store);
    if (rc != STORE_OK)
        return rc;
    rc = view_open(&view, &own, writer->store, writer->request.txn);
    if (rc != STORE_OK)
        return rc;
    rc = writer->range ? range_probe(&view, &range) : put_probe(&view, &put, typed);
    view_close(&view, own);
    return rc;
}

static int open_writer(store_writer **out, store *s, const char *location, bool range, uint64_t offset,
                       const store_request *request)
{
    store_writer *writer = calloc(1, sizeof *writer);
    int rc;

    *out = NULL;
    if (!writer)
        return problem(STORE_NO_MEMORY, "no memory for a writer");
    writer->store = s;
    writer->range = range;
    writer->offset = offset;
    body_writer_init(&writer->body, s);
    rc = location ? take_place(writer, location, request) : check_writable(s);
    if (rc == STORE_OK && location)
        rc = probe(&writer->typed, writer);
    if (rc != STORE_OK) {
        store_writer_close(writer);
        return rc;
    }
    *out = writer;
    return STORE_OK;
}

int store_writer_open(store_writer **out, store *s, const char *location, const store_request *request)
{
    store_enter();
    return open_writer(out, s, location, false, 0, request);
}

int store_writer_open_range(store_writer **out, store *s, const char *location, uint64_t offset,
                            const store_request *request)
{
    store_enter();
    return open_writer(out, s, location, true, offset, request);
}

/* ------------------------------------------------------- write and commit */

static int check_open(const store_writer *writer)
{
    return writer->published ? problem(STORE_BAD_ARGUMENT, "the writer has been committed") : STORE_OK;
}

int store_writer_write(store_writer *writer, const void *data, size_t size)
{
    int rc;

    store_enter();
    rc = check_open(writer);
    if (rc == STORE_OK && !writer->typed)
        rc = body_writer_write(&writer->body, data, size);
    else if (rc == STORE_OK && writer->gathered.size + size > STORE_JSON_MAX)
        rc = problem(STORE_TOO_LARGE, "a typed body has at most %u bytes", STORE_JSON_MAX);
    else if (rc == STORE_OK)
        buffer_append(&writer->gathered, data, size);
    if (rc == STORE_OK && writer->gathered.failed)
        rc = problem(STORE_NO_MEMORY, "no memory for a typed body");
    if (rc != STORE_OK)
        problem_location(writer->location);
    return rc;
}

int store_writer_write_at(store_writer *writer, uint64_t offset, const void *data, size_t size)
{
    int rc;

    store_enter();
    rc = check_open(writer);
    if (rc == STORE_OK && (writer->range || writer->typed))
        rc = problem(STORE_BAD_ARGUMENT, "a range and a typed object are written from their beginning to their end");
    if (rc == STORE_OK)
        rc = body_writer_write_at(&writer->body, offset, data, size);
    if (rc != STORE_OK)
        problem_location(writer->location);
    return rc;
}

static size_t read_gathered(const struct buffer *gathered, void *buffer, size_t capacity, uint64_t offset)
{
    size_t left = offset < gathered->size ? gathered->size - (size_t)offset : 0;
    size_t size = left < capacity ? left : capacity;

    if (size > 0)
        memcpy(buffer, gathered->data + offset, size);
    return size;
}

int store_writer_read(size_t *got, store_writer *writer, void *buffer, size_t capacity, uint64_t offset)
{
    int rc;

    store_enter();
    *got = 0;
    rc = check_open(writer);
    if (rc == STORE_OK && writer->range)
        rc = problem(STORE_BAD_ARGUMENT, "a range cannot be read back");
    if (rc == STORE_OK && writer->typed)
        *got = read_gathered(&writer->gathered, buffer, capacity, offset);
    else if (rc == STORE_OK)
        rc = body_writer_read(got, &writer->body, offset, buffer, capacity);
    if (rc != STORE_OK)
        problem_location(writer->location);
    return rc;
}

/* A body that stayed small was never staged, and is written with its record. */
static int finish(struct body_source *out, store_writer *writer)
{
    struct body_writer *body = &writer->body;
    size_t inline_max = writer->range ? RANGE_IN_PLACE : CHUNK_DATA;
    int rc;

    if (writer->typed) {
        *out = body_in_memory(writer->gathered.data, writer->gathered.size);
        return STORE_OK;
    }
    if (body->id == 0 && body->chunks == 0 && body->size <= inline_max) {
        *out = body_in_memory(body->pending.data, body->size);
        return STORE_OK;
    }
    rc = body_writer_finish(body);
    *out = (struct body_source){ .size = body->size, .staged = body->id, .sparse = body->sparse };
    return rc;
}

static int publish(store_answer *out, store_writer *writer)
{
    struct put put = put_of(writer);
    struct range_write range = { .location = writer->location, .offset = writer->offset, .request = &writer->request };
    int rc = finish(&put.body, writer);

    range.bytes = put.body;
    if (rc == STORE_OK)
        rc = writer->range ? range_execute(out, writer->store, &range) : put_execute(out, writer->store, &put);
    if (rc != STORE_OK)
        return rc;
    writer->published = true;
    /* The staged body of a range was copied from; that of a PUT is the object's now. */
    if (put.body.staged && !writer->range && !(writer->request.flags & STORE_DRY_RUN)) {
        txn_settle(writer->store, writer->request.txn, put.body.staged, true);
        writer->body.id = 0;
    }
    return STORE_OK;
}

int store_writer_commit(store_answer *out, store_writer *writer)
{
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    rc = check_open(writer);
    if (rc == STORE_OK && !writer->location)
        return problem(STORE_BAD_ARGUMENT, "the writer was opened without a location");
    if (rc == STORE_OK)
        rc = publish(out, writer);
    if (rc != STORE_OK)
        problem_location(writer->location);
    return rc;
}

/* A body that was staged before it was known to be for a typed collection comes back into memory. */
static int gather_staged(store_writer *writer)
{
    struct body_writer *body = &writer->body;
    size_t got;

    if (body->size > STORE_JSON_MAX)
        return problem(STORE_TOO_LARGE, "a typed body has at most %u bytes", STORE_JSON_MAX);
    if (!buffer_reserve(&writer->gathered, (size_t)body->size))
        return problem(STORE_NO_MEMORY, "no memory for a typed body");
    writer->gathered.size = (size_t)body->size;
    return body_writer_read(&got, body, 0, writer->gathered.data, writer->gathered.size);
}

/* The place now is the one to be published at; what was gathered as typed stays so. */
static int publish_there(store_answer *out, store_writer *writer)
{
    bool gathered = writer->typed, typed;
    int rc = probe(&typed, writer);

    if (rc != STORE_OK)
        return rc;
    if (typed && !gathered)
        rc = gather_staged(writer);
    writer->typed = typed || gathered;
    if (rc == STORE_OK)
        rc = publish(out, writer);
    if (!gathered)
        buffer_release(&writer->gathered);
    writer->typed = gathered;
    return rc;
}

int store_writer_commit_at(store_answer *out, store_writer *writer, const char *location, const store_request *request)
{
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    rc = check_open(writer);
    if (rc == STORE_OK && writer->range)
        rc = problem(STORE_BAD_ARGUMENT, "a range is published where it was opened");
    if (rc == STORE_OK)
        rc = take_place(writer, location, request);
    if (rc == STORE_OK)
        rc = publish_there(out, writer);
    if (rc != STORE_OK)
        problem_location(location);
    return rc;
}

void store_writer_close(store_writer *writer)
{
    if (!writer)
        return;
    body_writer_release(&writer->body, false);
    buffer_release(&writer->gathered);
    free(writer->location);
    free(writer->block);
    free(writer);
}
