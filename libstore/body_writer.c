/* body_writer.c - uploads: chunks written ahead of the transaction that publishes them. */
#include "body.h"

#include <string.h>

#define FLUSH_SIZE (128u * CHUNK_DATA) /* about 8 MiB: 0.93 of raw LMDB; with 4 MiB 0.89, with 16 less again */

/* --------------------------------------------------------------- flushing */

int body_writer_claim(uint64_t *id, const struct body_writer *writer, struct transaction *txn)
{
    int rc;

    *id = writer->id;
    if (*id != 0)
        return STORE_OK;
    rc = body_claim(txn, 1, id);
    return rc == STORE_OK ? body_mark_staged(txn, writer->store, *id) : rc;
}

/* What one transaction of an upload writes: whole chunks unless they are the last. */
struct piece {
    struct body_writer *writer;
    uint64_t id;
    const char *data;
    size_t size;
};

static int write_piece(void *context, struct transaction *txn)
{
    struct piece *piece = context;
    int rc = body_writer_claim(&piece->id, piece->writer, txn);

    return rc == STORE_OK ? body_put_chunks(txn, piece->id, piece->writer->chunks, piece->data, piece->size) : rc;
}

static int flush(struct body_writer *writer, const char *data, size_t size)
{
    struct piece piece = { writer, 0, data, size };
    int rc = body_commit(writer->store, size, write_piece, &piece);

    if (rc != STORE_OK)
        return rc;
    writer->id = piece.id;
    writer->chunks += (uint32_t)((size + CHUNK_DATA - 1) / CHUNK_DATA);
    return STORE_OK;
}

static int flush_pending(struct body_writer *writer)
{
    int rc = flush(writer, writer->pending.data, writer->pending.size);

    if (rc == STORE_OK)
        buffer_clear(&writer->pending);
    return rc;
}

/* ------------------------------------------------------ going on at the end */

void body_writer_init(struct body_writer *writer, store *s)
{
    *writer = (struct body_writer){ .store = s };
}

/* Puts it behind what is pending, and flushes that when it is enough. On an error nothing came in. */
static int gather(struct body_writer *writer, const char *data, size_t size)
{
    int rc = STORE_OK;

    if (!buffer_reserve(&writer->pending, size)) {
        writer->pending.failed = false;
        return problem(STORE_NO_MEMORY, "no memory for an upload");
    }
    buffer_append(&writer->pending, data, size);
    writer->size += size;
    if (writer->pending.size == FLUSH_SIZE)
        rc = flush_pending(writer);
    if (rc == STORE_OK)
        return STORE_OK;
    writer->pending.size -= size;
    writer->size -= size;
    return rc;
}

/* Straight from the caller's memory. */
static int flush_given(struct body_writer *writer, const char *data)
{
    int rc = flush(writer, data, FLUSH_SIZE);

    if (rc == STORE_OK)
        writer->size += FLUSH_SIZE;
    return rc;
}

/* After a finish the last chunk may be a part of one: it is pending again. */
static int reopen_end(struct body_writer *writer)
{
    size_t got, part = writer->size % CHUNK_DATA;
    int rc;

    if (part == 0 || (uint64_t)writer->chunks * CHUNK_DATA < writer->size)
        return STORE_OK;
    rc = body_rework_flush(writer);
    if (rc == STORE_OK && !buffer_reserve(&writer->pending, part)) {
        writer->pending.failed = false;
        rc = problem(STORE_NO_MEMORY, "no memory for an upload");
    }
    if (rc == STORE_OK)
        rc = body_writer_read(&got, writer, writer->size - part, writer->pending.data, part);
    if (rc != STORE_OK)
        return rc;
    writer->pending.size = part;
    writer->chunks--;
    return STORE_OK;
}

int body_writer_write(struct body_writer *writer, const void *data, size_t size)
{
    const char *from = data;
    int rc;

    if (size > BODY_MAX - writer->size)
        return problem(STORE_TOO_LARGE, "a body has at most %llu bytes", (unsigned long long)BODY_MAX);
    rc = reopen_end(writer);
    while (size > 0 && rc == STORE_OK) {
        size_t part = FLUSH_SIZE - writer->pending.size;
        part = size < part ? size : part;
        rc = part == FLUSH_SIZE ? flush_given(writer, from) : gather(writer, from, part);
        from += part;
        size -= part;
    }
    return rc;
}

/* Whole chunks of zeros are left out; their place is kept. */
int body_writer_skip(struct body_writer *writer, uint64_t size)
{
    static const char zeros[CHUNK_DATA];
    int rc;

    if (size > BODY_MAX - writer->size)
        return problem(STORE_TOO_LARGE, "a body has at most %llu bytes", (unsigned long long)BODY_MAX);
    rc = reopen_end(writer);
    while (size > 0 && rc == STORE_OK) {
        size_t filled = writer->pending.size % CHUNK_DATA;
        size_t part = size < CHUNK_DATA - filled ? (size_t)size : CHUNK_DATA - filled;
        uint64_t whole = filled == 0 ? size / CHUNK_DATA : 0;
        if (whole == 0) {
            rc = gather(writer, zeros, part);
            size -= part;
            continue;
        }
        if (writer->pending.size > 0)
            rc = flush_pending(writer);
        if (rc != STORE_OK)
            break;
        writer->chunks += (uint32_t)whole;
        writer->size += whole * CHUNK_DATA;
        writer->sparse = true;
        size -= whole * CHUNK_DATA;
    }
    return rc;
}

int body_writer_write_at(struct body_writer *writer, uint64_t offset, const void *data, size_t size)
{
    uint64_t left = offset < writer->size ? writer->size - offset : 0;
    size_t over = size < left ? size : (size_t)left;
    int rc = STORE_OK;

    if (offset > BODY_MAX || size > BODY_MAX - offset)
        return problem(STORE_TOO_LARGE, "a body has at most %llu bytes", (unsigned long long)BODY_MAX);
    if (size == 0)
        return STORE_OK;
    if (over > 0)
        rc = body_rework(writer, offset, data, over);
    if (rc == STORE_OK && offset > writer->size)
        rc = body_writer_skip(writer, offset - writer->size);
    return rc == STORE_OK && size > over ? body_writer_write(writer, (const char *)data + over, size - over) : rc;
}

int body_writer_finish(struct body_writer *writer)
{
    int rc = body_rework_flush(writer);

    if (rc == STORE_OK && (writer->pending.size > 0 || writer->id == 0))
        rc = flush_pending(writer);
    return rc;
}

void body_writer_release(struct body_writer *writer, bool keep)
{
    if (writer->id != 0 && !keep)
        body_drop(writer->store, writer->id);
    buffer_release(&writer->pending);
    buffer_release(&writer->reworked);
    writer->id = 0;
}

int body_stage(uint64_t *id, store *s, const void *data, size_t size)
{
    struct body_writer writer;
    int rc;

    body_writer_init(&writer, s);
    rc = body_writer_write(&writer, data, size);
    if (rc == STORE_OK)
        rc = body_writer_finish(&writer);
    *id = writer.id;
    body_writer_release(&writer, rc == STORE_OK);
    return rc;
}
