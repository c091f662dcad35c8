/* content_layers.c - a body too large for memory: the overlay's pages over the lower layer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "content_private.h"
#include "fs.h"

/* The number of a page's first byte; of the first one behind all files for PAGES_NONE. */
static uint64_t begin_of(uint64_t page)
{
    return page < CONTENT_MAX / PAGE ? page * PAGE : CONTENT_MAX;
}

static uint64_t page_at_or_behind(uint64_t offset)
{
    return (offset + PAGE - 1) / PAGE;
}

/* Is the byte in the overlay, and up to which offset are all? */
static bool in_overlay(uint64_t *end, const struct content *content, uint64_t offset)
{
    const struct pages *pages = &content->overlay.pages;
    bool has = pages_has(pages, offset / PAGE);

    *end = begin_of(has ? pages_next_absent(pages, offset / PAGE) : pages_next(pages, offset / PAGE));
    return has;
}

int layers_read(struct content *content, void *buffer, size_t size, uint64_t offset)
{
    char *to = buffer;
    int error = 0;

    for (size_t part; size > 0 && !error; size -= part) {
        uint64_t end;
        bool over = in_overlay(&end, content, offset);
        part = end - offset < size ? (size_t)(end - offset) : size;
        error = over ? overlay_read(&content->overlay, to, part, offset)
                     : lower_read(&content->lower, to, part, offset);
        to += part;
        offset += part;
    }
    return error;
}

/* ------------------------------------------------------------------- write */

/* Within one page, which is filled from below when it is new in the overlay. */
static int put_part(struct content *content, const void *data, size_t size, uint64_t offset)
{
    uint64_t begin = offset - offset % PAGE;
    char page[PAGE];
    int error;

    if (pages_has(&content->overlay.pages, offset / PAGE))
        return overlay_write(&content->overlay, content->pool, data, size, offset);
    error = lower_read(&content->lower, page, PAGE, begin);
    if (error)
        return error;
    memcpy(page + (offset - begin), data, size);
    return overlay_write(&content->overlay, content->pool, page, PAGE, begin);
}

int layers_put(struct content *content, const void *data, size_t size, uint64_t offset)
{
    const char *from = data;
    int error = 0;

    for (size_t part; size > 0 && !error; size -= part) {
        size_t at = offset % PAGE;
        if (at == 0 && size >= PAGE) {
            part = size - size % PAGE;
            error = overlay_write(&content->overlay, content->pool, from, part, offset);
        } else {
            part = size < PAGE - at ? size : PAGE - at;
            error = put_part(content, from, part, offset);
        }
        from += part;
        offset += part;
    }
    return error;
}

/* What goes on at the end of a stream goes to it, unless the overlay has bytes there. */
int layers_write(struct content *content, const void *data, size_t size, uint64_t offset)
{
    struct lower *lower = &content->lower;

    if (lower_takes(lower, offset, size) && pages_next(&content->overlay.pages, lower->shown / PAGE) == PAGES_NONE)
        return lower_write(lower, data, size, offset);
    return layers_put(content, data, size, offset);
}

/* -------------------------------------------------------- truncate and zero */

/* [offset, end) within one page, unless there are zeros already. */
static int zero_part(struct content *content, uint64_t offset, uint64_t end)
{
    static const char zeros[PAGE];

    if (offset >= end || (offset >= content->lower.shown && !pages_has(&content->overlay.pages, offset / PAGE)))
        return 0;
    return put_part(content, zeros, (size_t)(end - offset), offset);
}

int layers_resize(struct content *content, uint64_t size)
{
    uint64_t first = page_at_or_behind(size);
    int error;

    if (size >= content->size)
        return 0;
    error = pages_has(&content->overlay.pages, size / PAGE) ? zero_part(content, size, first * PAGE) : 0;
    if (error)
        return error;
    if (content->lower.shown > size)
        content->lower.shown = size;
    pages_remove(&content->overlay.pages, first, CONTENT_MAX / PAGE);
    return 0;
}

/* Pages that nothing shows through need no place in the overlay. */
static int zero_pages(struct content *content, uint64_t first, uint64_t end)
{
    uint64_t shown = page_at_or_behind(content->lower.shown);
    uint64_t middle = shown < first ? first : shown < end ? shown : end;
    int error = first < middle ? overlay_zero(&content->overlay, content->pool, first, middle) : 0;

    if (!error)
        pages_remove(&content->overlay.pages, middle, end);
    return error;
}

int layers_zero(struct content *content, uint64_t offset, uint64_t end)
{
    uint64_t first = page_at_or_behind(offset), last = end / PAGE;
    int error;

    if (offset < content->lower.shown && end >= content->lower.shown)
        content->lower.shown = offset;
    if (end == content->size)
        last = page_at_or_behind(end); /* behind the end are zeros anyway */
    error = zero_part(content, offset, first * PAGE < end ? first * PAGE : end);
    if (!error && first < last)
        error = zero_pages(content, first, last);
    if (!error && last >= first)
        error = zero_part(content, last * PAGE, end);
    return error;
}

/* ------------------------------------------------------------------- holes */

int layers_extent(bool *data, uint64_t *end, struct content *content, uint64_t offset)
{
    bool over = in_overlay(end, content, offset);
    uint64_t limit = *end < content->size ? *end : content->size;

    if (!over)
        return lower_extent(data, end, &content->lower, offset, limit);
    overlay_extent(data, end, &content->overlay, offset, limit);
    return 0;
}

/* ---------------------------------------------------------------- collapse */

static int copy_extent(struct lower *to, struct content *content, uint64_t offset, uint64_t end, char *slice)
{
    int error = 0;

    for (size_t part; offset < end && !error; offset += part) {
        part = end - offset < SLICE ? (size_t)(end - offset) : SLICE;
        error = layers_read(content, slice, part, offset);
        if (!error)
            error = lower_write(to, slice, part, offset);
    }
    return error;
}

/* Holes stay holes, but for the last byte. */
static int copy_all(struct lower *to, struct content *content, char *slice)
{
    uint64_t end;
    bool data;
    int error = 0;

    for (uint64_t offset = 0; offset < content->size && !error; offset = end) {
        error = layers_extent(&data, &end, content, offset);
        if (!error && data)
            error = copy_extent(to, content, offset, end, slice);
    }
    if (!error && to->size < content->size)
        error = lower_write(to, "", 1, content->size - 1);
    return error;
}

int layers_collapse(struct content *content)
{
    struct lower stream = { 0 };
    char *slice = malloc(SLICE);
    int error = slice ? lower_begin_stream(&stream, content->pool) : ENOMEM;

    if (!error)
        error = copy_all(&stream, content, slice);
    free(slice);
    if (error) {
        lower_release(&stream, content->pool);
        return error;
    }
    lower_release(&content->lower, content->pool);
    content->lower = stream;
    overlay_clear(&content->overlay);
    return 0;
}

void layers_release(struct content *content)
{
    lower_release(&content->lower, content->pool);
    overlay_release(&content->overlay);
}
