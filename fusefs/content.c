/* content.c - the bytes of an open file: which way they are kept, and what is asked of either way. */
#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content_private.h"
#include "fs.h"

#define POOL_MEMORY ((size_t)64 << 20)

/* -------------------------------------------------------------------- life */

int content_pool_init(struct content_pool *pool, store *s)
{
    *pool = (struct content_pool){ .store = s, .memory_max = POOL_MEMORY };
    pool->directory = open(store_path(s), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    return pool->directory >= 0 ? 0 : errno;
}

void content_pool_release(struct content_pool *pool)
{
    if (pool->directory >= 0)
        close(pool->directory);
    pool->directory = -1;
}

static struct content *make_content(struct content_pool *pool)
{
    struct content *content = calloc(1, sizeof *content);

    if (content) {
        content->pool = pool;
        content->overlay.file = -1;
    }
    return content;
}

int content_new(struct content **out, struct content_pool *pool)
{
    struct content *content = *out = make_content(pool);

    if (!content)
        return ENOMEM;
    content->in_memory = content->whole = content->changed = true;
    return 0;
}

int content_of(struct content **out, struct content_pool *pool, store_reader *reader)
{
    struct content *content = *out = make_content(pool);

    if (!content) {
        store_reader_close(reader);
        return ENOMEM;
    }
    lower_set_reader(&content->lower, reader);
    content->size = content->lower.size;
    content->version = store_reader_stat(reader)->version;
    return 0;
}

void content_free(struct content *content)
{
    if (!content)
        return;
    memory_release(&content->memory, content->pool);
    layers_release(content);
    free(content);
}

/* ------------------------------------------------------------------ answers */

uint64_t content_size(const struct content *content)
{
    return content->size;
}

uint64_t content_allocated(struct content *content)
{
    uint64_t sum;

    if (content->in_memory)
        return content->size;
    sum = lower_allocated(&content->lower) + content->overlay.pages.total * PAGE;
    return sum < content->size ? sum : content->size;
}

bool content_changed(const struct content *content)
{
    return content->changed;
}

uint64_t content_version(const struct content *content)
{
    return content->version;
}

void content_set_version(struct content *content, uint64_t version)
{
    content->version = version;
}

bool content_whole(const struct content *content)
{
    return content->whole;
}

/* ------------------------------------------------------ from one way to another */

/* A small version is loaded as a whole, if there is memory for it. */
static int load(struct content *content, uint64_t size)
{
    uint64_t needed = size > content->size ? size : content->size;
    int error;

    if (content->overlay.pages.total > 0 || !content->lower.reader || content->lower.shown < content->lower.size)
        return 0;
    if (!memory_reserve(&content->memory, content->pool, needed))
        return 0;
    error = content->size > 0 ? layers_read(content, content->memory.data, content->size, 0) : 0;
    if (error) {
        memory_release(&content->memory, content->pool);
        return error;
    }
    content->memory.size = content->size;
    content->in_memory = true;
    layers_release(content);
    return 0;
}

/* What was in memory goes to the store as the beginning of a stream, or to a temporary file if there are
 * streams enough. */
static int spill(struct content *content)
{
    struct memory *memory = &content->memory;
    int error = 0;

    if (pool_take(content->pool, STREAM_MEMORY)) {
        pool_give(content->pool, STREAM_MEMORY);
        error = lower_begin_stream(&content->lower, content->pool);
    }
    if (!error && memory->size > 0)
        error = layers_write(content, memory->data, memory->size, 0);
    if (error) {
        layers_release(content);
        return error;
    }
    memory_release(memory, content->pool);
    content->in_memory = false;
    return 0;
}

/* Before bytes up to `size` are written, or the content gets that size. */
static int prepare(struct content *content, uint64_t size)
{
    if (!content->in_memory)
        return load(content, size);
    return memory_reserve(&content->memory, content->pool, size) ? 0 : spill(content);
}

/* ----------------------------------------------------------- read and write */

int content_read(size_t *got, struct content *content, void *buffer, size_t size, uint64_t offset)
{
    uint64_t left = offset < content->size ? content->size - offset : 0;
    size_t part = left < size ? (size_t)left : size;
    int error = 0;

    if (part > 0 && content->in_memory)
        memcpy(buffer, content->memory.data + offset, part);
    else if (part > 0)
        error = layers_read(content, buffer, part, offset);
    *got = error ? 0 : part;
    return error;
}

int content_write(struct content *content, const void *data, size_t size, uint64_t offset)
{
    uint64_t end = offset + size;
    int error;

    if (size == 0)
        return 0;
    if (offset > CONTENT_MAX || size > CONTENT_MAX - offset)
        return EFBIG;
    error = prepare(content, end);
    if (error)
        return error;
    if (content->in_memory) {
        memcpy(content->memory.data + offset, data, size);
        memory_resize(&content->memory, end > content->size ? end : content->size);
    } else {
        error = layers_write(content, data, size, offset);
    }
    if (error)
        return error;
    content->size = end > content->size ? end : content->size;
    content->changed = true;
    return 0;
}

/* Nothing of what was there is of use any more. */
static void empty(struct content *content)
{
    layers_release(content);
    if (content->in_memory)
        memory_resize(&content->memory, 0);
    content->in_memory = content->whole = true;
}

int content_resize(struct content *content, uint64_t size)
{
    int error = 0;

    if (size > CONTENT_MAX)
        return EFBIG;
    if (size == 0)
        empty(content);
    else
        error = prepare(content, size);
    if (error)
        return error;
    if (content->in_memory)
        memory_resize(&content->memory, size);
    else
        error = layers_resize(content, size);
    if (error)
        return error;
    content->size = size;
    content->changed = true;
    return 0;
}

int content_zero(struct content *content, uint64_t offset, uint64_t size)
{
    uint64_t left = offset < content->size ? content->size - offset : 0;
    uint64_t part = left < size ? left : size;
    int error;

    if (part == 0)
        return 0;
    error = prepare(content, content->size);
    if (error)
        return error;
    if (content->in_memory)
        memset(content->memory.data + offset, 0, part);
    else
        error = layers_zero(content, offset, offset + part);
    content->changed |= !error;
    return error;
}

/* -------------------------------------------------------------------- holes */

static int extent(bool *data, uint64_t *end, struct content *content, uint64_t offset)
{
    if (!content->in_memory)
        return layers_extent(data, end, content, offset);
    *data = true;
    *end = content->size;
    return 0;
}

int content_seek(uint64_t *out, struct content *content, uint64_t offset, bool data)
{
    uint64_t end;
    bool is_data;

    while (offset < content->size) {
        int error = extent(&is_data, &end, content, offset);
        if (error)
            return error;
        if (is_data == data) {
            *out = offset;
            return 0;
        }
        offset = end;
    }
    *out = content->size;
    return data || offset > content->size ? ENXIO : 0;
}

int content_keep(struct content *content)
{
    return content->lower.reader ? errno_of(store_reader_keep(content->lower.reader)) : 0;
}
