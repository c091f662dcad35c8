/* reader.c - a body as a stream, or a part of it: one version, no snapshot held. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "hold.h"
#include "stat.h"
#include "tree.h"
#include "txn.h"

struct store_reader {
    store *store;
    store_stat stat;
    struct record record; /* of a chunked body: its slices mean nothing */
    uint64_t position;
    char *body;           /* whole, when it is not chunked; owned */
    bool held;
    bool begun; /* something was read */
    struct body_verified verified;
};

/* A property or an inline body is small: it is kept. */
static int keep_body(store_reader *reader, const char *location, const store_get_options *options)
{
    size_t size;
    void *body;
    int rc = store_get(&body, &size, &reader->stat, reader->store, location, options);

    reader->body = body;
    return rc;
}

/* Whether the transaction has changed the body itself: a stream, which may outlive it, would not see that. */
static bool changed_within(const struct view *view, const struct record *record)
{
    return view->txn && record->body_generation >= view->txn->first_version;
}

static int open_reader(store_reader *reader, const char *location, const store_get_options *options)
{
    const struct address address = get_address(location, options);
    struct target target;
    struct view view;
    bool own;
    int rc = view_open(&view, &own, reader->store, options->txn);

    if (rc != STORE_OK)
        return rc;
    rc = tree_find(&reader->record, &target, &view, &address);
    if (rc == STORE_OK && reader->record.flags & RECORD_CHUNKED && target.property.size == 0 &&
        !changed_within(&view, &reader->record))
        stat_fill(&reader->stat, &reader->record, target.definition);
    else if (rc == STORE_OK)
        rc = ENGINE_ABSENT;
    if (rc == STORE_OK)
        rc = body_settle(&view);
    view_close(&view, own);
    return rc == ENGINE_ABSENT ? keep_body(reader, location, options) : rc;
}

int store_reader_open(store_reader **out, store *s, const char *location, const store_get_options *options)
{
    store_reader *reader;
    int rc;

    store_enter();
    *out = NULL;
    rc = get_options_check(&options);
    if (rc != STORE_OK)
        return rc;
    reader = calloc(1, sizeof *reader);
    if (!reader)
        return problem(STORE_NO_MEMORY, "no memory for a reader");
    reader->store = s;
    rc = open_reader(reader, location, options);
    if (rc != STORE_OK) {
        problem_location(location);
        free(reader);
        return rc;
    }
    *out = reader;
    return STORE_OK;
}

const store_stat *store_reader_stat(const store_reader *reader)
{
    return &reader->stat;
}

/* Whoever reads once needs no memory of what was verified. */
static int read_chunks(store_reader *reader, void *buffer, size_t size)
{
    if (reader->begun && !reader->verified.rows)
        body_verified_init(&reader->verified, &reader->record);
    reader->begun = true;
    return body_read_again(&(struct view){ .store = reader->store }, &reader->record, &reader->verified,
                           reader->position, buffer, size);
}

int store_reader_read(size_t *got, store_reader *reader, void *buffer, size_t capacity)
{
    uint64_t left = reader->position < reader->stat.size ? reader->stat.size - reader->position : 0;
    size_t size = left < capacity ? (size_t)left : capacity;
    int rc = STORE_OK;

    store_enter();
    *got = 0;
    if (size == 0)
        return STORE_OK;
    if (reader->body)
        memcpy(buffer, reader->body + reader->position, size);
    else
        rc = read_chunks(reader, buffer, size);
    if (rc != STORE_OK)
        return rc;
    reader->position += size;
    *got = size;
    return STORE_OK;
}

int store_reader_seek(store_reader *reader, uint64_t offset)
{
    store_enter();
    reader->position = offset;
    return STORE_OK;
}

/* ---------------------------------------------------------------- extents */

int store_reader_extent(uint64_t *begin, uint64_t *end, store_reader *reader, uint64_t offset)
{
    int rc;

    store_enter();
    *begin = *end = reader->stat.size;
    if (!reader->body) {
        rc = body_extent_at(begin, end, &(struct view){ .store = reader->store }, &reader->record, offset);
        if (rc < 0)
            *begin = *end = 0;
        return rc;
    }
    *begin = offset < *end ? offset : *end;
    return *begin < *end ? STORE_OK : STORE_END;
}

int store_reader_keep(store_reader *reader)
{
    int rc;

    store_enter();
    if (reader->body || reader->held)
        return STORE_OK;
    rc = hold_take(reader->store, &reader->record);
    reader->held = rc == STORE_OK;
    return rc;
}

void store_reader_close(store_reader *reader)
{
    if (!reader)
        return;
    if (reader->held)
        hold_give_up(reader->store, reader->record.body_id);
    body_verified_release(&reader->verified);
    free(reader->body);
    free(reader);
}

/* ------------------------------------------------------------- one part */

static int read_part(size_t *size, struct view *view, const struct address *address, void *buffer, size_t capacity,
                     uint64_t offset)
{
    struct target target;
    struct record record;
    uint64_t left;
    int rc = tree_find(&record, &target, view, address);

    if (rc == STORE_OK)
        rc = no_body(&record);
    if (rc != STORE_OK)
        return rc;
    if (target.property.size > 0)
        return ENGINE_ABSENT; /* by way of a reader */
    left = offset < record.size ? record.size - offset : 0;
    *size = left < capacity ? (size_t)left : capacity;
    if (*size == 0)
        return STORE_OK;
    if (record.flags & RECORD_CHUNKED)
        return body_read_at(view, &record, offset, buffer, *size);
    memcpy(buffer, (const char *)record.body.data + offset, *size);
    return STORE_OK;
}

static int read_property(size_t *size, store *s, const char *location, void *buffer, size_t capacity, uint64_t offset,
                         const store_get_options *options)
{
    store_reader *reader;
    int rc = store_reader_open(&reader, s, location, options);

    if (rc != STORE_OK || !reader)
        return rc;
    reader->position = offset;
    rc = store_reader_read(size, reader, buffer, capacity);
    store_reader_close(reader);
    return rc;
}

static int read_in(size_t *size, store *s, const struct address *address, void *buffer, size_t capacity,
                   uint64_t offset, store_txn *txn)
{
    struct view view;
    bool own;
    int rc = view_open(&view, &own, s, txn);

    if (rc != STORE_OK)
        return rc;
    rc = read_part(size, &view, address, buffer, capacity, offset);
    view_close(&view, own);
    return rc;
}

int store_read(size_t *size, store *s, const char *location, void *buffer, size_t capacity, uint64_t offset,
               const store_get_options *options)
{
    struct address address;
    store_txn *pin;
    int rc;

    store_enter();
    *size = 0;
    rc = get_options_check(&options);
    address = get_address(location, options);
    if (rc == STORE_OK)
        rc = read_in(size, s, &address, buffer, capacity, offset, options->txn);
    if (pin_overtaken(&pin, &rc, s, options)) {
        rc = read_in(size, s, &address, buffer, capacity, offset, pin);
        txn_unpin(pin);
    }
    if (rc == ENGINE_ABSENT)
        return read_property(size, s, location, buffer, capacity, offset, options);
    if (rc < 0) {
        *size = 0;
        problem_location(location);
    }
    return rc;
}
