/*
 * body_rework.c - an upload read back and written over before it is published. Chunks that are in the file already
 * come back into memory for that, a few at a time, and go into it again together.
 */
#include "body.h"

#include <string.h>

/* ---------------------------------------------------- what is in the file */

/* In bytes. */
static uint64_t flushed_size(const struct body_writer *writer)
{
    uint64_t chunks = (uint64_t)writer->chunks * CHUNK_DATA;

    return chunks < writer->size ? chunks : writer->size;
}

static size_t chunk_size(const struct body_writer *writer, uint32_t chunk)
{
    uint64_t rest = flushed_size(writer) - (uint64_t)chunk * CHUNK_DATA;

    return rest < CHUNK_DATA ? (size_t)rest : CHUNK_DATA;
}

static size_t reworked_count(const struct body_writer *writer)
{
    return writer->reworked.size / CHUNK_DATA;
}

static char *reworked_chunk(const struct body_writer *writer, size_t index)
{
    return writer->reworked.data + index * CHUNK_DATA;
}

/* Reads flushed bytes as they are in the file. */
static int read_file(const struct body_writer *writer, uint64_t offset, char *out, size_t size)
{
    const struct record record = { .flags = RECORD_CHUNKED, .size = writer->size, .body_id = writer->id,
                                   .body_generation = writer->sparse ? GENERATION_SPARSE : GENERATION_UPLOAD };
    struct snapshot *bodies;
    bool hole;
    int rc;

    if (writer->id == 0) { /* holes only, so far */
        memset(out, 0, size);
        return STORE_OK;
    }
    rc = engine_snapshot(&bodies, writer->store->bodies);
    if (rc != STORE_OK)
        return rc;
    rc = body_read(NULL, bodies, &record, offset, out, size, &hole);
    engine_snapshot_end(bodies);
    if (rc == STORE_OK && hole && !writer->sparse)
        rc = problem(STORE_CORRUPT, "a chunk of the upload %llu is missing", (unsigned long long)writer->id);
    return rc;
}

/* Lays what of a reworked chunk falls into [offset, offset + size) over the bytes at `out`. */
static void lay_reworked(const struct body_writer *writer, size_t index, uint64_t offset, char *out, size_t size)
{
    uint64_t begin = (uint64_t)writer->reworked_chunks[index] * CHUNK_DATA;
    uint64_t from = begin > offset ? begin : offset;
    uint64_t end = begin + CHUNK_DATA < offset + size ? begin + CHUNK_DATA : offset + size;

    if (from < end)
        memcpy(out + (from - offset), reworked_chunk(writer, index) + (from - begin), end - from);
}

int body_writer_read(size_t *got, struct body_writer *writer, uint64_t offset, void *out, size_t capacity)
{
    uint64_t left = offset < writer->size ? writer->size - offset : 0, flushed = flushed_size(writer);
    size_t size = left < capacity ? (size_t)left : capacity;
    size_t filed = offset >= flushed ? 0 : flushed - offset < size ? (size_t)(flushed - offset) : size;
    int rc = filed > 0 ? read_file(writer, offset, out, filed) : STORE_OK;

    *got = rc == STORE_OK ? size : 0;
    if (rc != STORE_OK)
        return rc;
    for (size_t i = 0; i < reworked_count(writer); i++)
        lay_reworked(writer, i, offset, out, filed);
    if (size > filed)
        memcpy((char *)out + filed, writer->pending.data + (offset + filed - flushed), size - filed);
    return STORE_OK;
}

/* ----------------------------------------------------------- writing over */

struct rework {
    const struct body_writer *writer;
    uint64_t id;
};

static int write_reworked(void *context, struct transaction *txn)
{
    struct rework *rework = context;
    const struct body_writer *writer = rework->writer;
    int rc = body_writer_claim(&rework->id, writer, txn);

    for (size_t i = 0; i < reworked_count(writer) && rc == STORE_OK; i++) {
        uint32_t chunk = writer->reworked_chunks[i];
        struct key key;
        key_chunk(&key, rework->id, chunk, GENERATION_UPLOAD);
        rc = body_put_chunk(txn, &key, reworked_chunk(writer, i), chunk_size(writer, chunk), false);
    }
    return rc;
}

int body_rework_flush(struct body_writer *writer)
{
    struct rework rework = { .writer = writer };
    int rc = STORE_OK;

    if (writer->reworked.size > 0)
        rc = body_commit(writer->store, writer->reworked.size, write_reworked, &rework);
    if (rc != STORE_OK || writer->reworked.size == 0)
        return rc;
    writer->id = rework.id;
    buffer_clear(&writer->reworked);
    return STORE_OK;
}

/* A flushed chunk, brought back into memory to be written over. */
static int load(char **out, struct body_writer *writer, uint32_t chunk)
{
    size_t count = reworked_count(writer);
    int rc = STORE_OK;

    for (size_t i = 0; i < count; i++)
        if (writer->reworked_chunks[i] == chunk) {
            *out = reworked_chunk(writer, i);
            return STORE_OK;
        }
    if (count == REWORKED_MAX)
        rc = body_rework_flush(writer);
    if (rc != STORE_OK)
        return rc;
    if (!buffer_reserve(&writer->reworked, CHUNK_DATA)) {
        writer->reworked.failed = false;
        return problem(STORE_NO_MEMORY, "no memory for an upload");
    }
    count = reworked_count(writer);
    *out = reworked_chunk(writer, count);
    rc = read_file(writer, (uint64_t)chunk * CHUNK_DATA, *out, chunk_size(writer, chunk));
    if (rc != STORE_OK)
        return rc;
    writer->reworked_chunks[count] = chunk;
    writer->reworked.size += CHUNK_DATA;
    return STORE_OK;
}

int body_rework(struct body_writer *writer, uint64_t offset, const char *data, size_t size)
{
    uint64_t flushed = flushed_size(writer);
    int rc = STORE_OK;

    while (size > 0 && offset < flushed && rc == STORE_OK) {
        uint32_t chunk = (uint32_t)(offset / CHUNK_DATA);
        size_t at = offset % CHUNK_DATA, length = chunk_size(writer, chunk) - at;
        size_t part = size < length ? size : length;
        char *whole = NULL;
        rc = load(&whole, writer, chunk);
        if (whole)
            memcpy(whole + at, data, part);
        offset += part;
        data += part;
        size -= part;
    }
    if (size > 0 && rc == STORE_OK)
        memcpy(writer->pending.data + (offset - flushed), data, size);
    return rc;
}
