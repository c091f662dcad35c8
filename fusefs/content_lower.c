/* content_lower.c - what lies under the overlay: a version that the store has, or a stream of unpublished chunks. */
#include <errno.h>
#include <string.h>

#include "content_private.h"
#include "fs.h"

void lower_set_reader(struct lower *lower, store_reader *reader)
{
    uint64_t size = store_reader_stat(reader)->size;

    *lower = (struct lower){ .reader = reader, .size = size, .shown = size };
}

int lower_begin_stream(struct lower *lower, struct content_pool *pool)
{
    store_writer *writer;
    int error = errno_of(store_writer_open(&writer, pool->store, NULL, NULL));

    if (error)
        return error;
    atomic_fetch_add(&pool->memory, STREAM_MEMORY);
    *lower = (struct lower){ .writer = writer, .counted = true };
    return 0;
}

void lower_release(struct lower *lower, struct content_pool *pool)
{
    if (lower->writer)
        pool_give(pool, STREAM_MEMORY);
    store_writer_close(lower->writer);
    store_reader_close(lower->reader);
    *lower = (struct lower){ 0 };
}

static int read_shown(struct lower *lower, char *buffer, size_t size, uint64_t offset)
{
    int rc = lower->reader ? store_reader_seek(lower->reader, offset) : STORE_OK;

    if (!lower->reader && !lower->writer)
        return ESTALE;
    for (size_t done = 0, got; done < size && rc == STORE_OK; done += got) {
        rc = lower->reader ? store_reader_read(&got, lower->reader, buffer + done, size - done)
                           : store_writer_read(&got, lower->writer, buffer + done, size - done, offset + done);
        if (rc == STORE_OK && got == 0)
            return EIO;
    }
    return errno_of(rc);
}

int lower_read(struct lower *lower, void *buffer, size_t size, uint64_t offset)
{
    uint64_t left = offset < lower->shown ? lower->shown - offset : 0;
    size_t part = left < size ? (size_t)left : size;

    memset((char *)buffer + part, 0, size - part);
    return part > 0 ? read_shown(lower, buffer, part, offset) : 0;
}

/* After a write that failed the stream may have some of its bytes behind those shown: to be written over at once. */
bool lower_takes(const struct lower *lower, uint64_t offset, size_t size)
{
    if (!lower->writer || offset < lower->shown)
        return false;
    return lower->shown == lower->size || (offset == lower->shown && offset + size >= lower->size);
}

int lower_write(struct lower *lower, const void *data, size_t size, uint64_t offset)
{
    int error = errno_of(store_writer_write_at(lower->writer, offset, data, size));

    if (offset + size > lower->size)
        lower->size = offset + size;
    if (error)
        return error;
    lower->shown = lower->size;
    lower->allocated += size;
    return 0;
}

/* -------------------------------------------------------------------- holes */

static uint64_t count_allocated(store_reader *reader)
{
    uint64_t begin, end = 0, sum = 0;

    while (store_reader_extent(&begin, &end, reader, end) == STORE_OK)
        sum += end - begin;
    return sum;
}

uint64_t lower_allocated(struct lower *lower)
{
    if (!lower->counted && lower->reader)
        lower->allocated = count_allocated(lower->reader);
    lower->counted = true;
    return lower->allocated < lower->shown ? lower->allocated : lower->shown;
}

/* Of a stream it is not known where holes were left. */
int lower_extent(bool *data, uint64_t *end, struct lower *lower, uint64_t offset, uint64_t limit)
{
    uint64_t shown = lower->shown < limit ? lower->shown : limit, begin = offset;
    int rc = STORE_OK;

    *data = false;
    *end = limit;
    if (offset >= lower->shown)
        return 0;
    *end = shown;
    if (lower->reader)
        rc = store_reader_extent(&begin, end, lower->reader, offset);
    if (rc < 0)
        return errno_of(rc);
    *data = rc == STORE_OK && begin <= offset;
    if (!*data)
        *end = begin;
    if (*end > shown)
        *end = shown;
    return 0;
}
