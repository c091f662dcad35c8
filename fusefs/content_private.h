/*
 * content_private.h - how a content keeps its bytes: whole in memory, or as two layers.
 *
 * The lower layer is a version that the store has, or a stream of unpublished chunks, or nothing. It shows as far
 * as `shown`, less than its size after a truncation; behind that are zero bytes. The overlay is a temporary
 * file with the pages that were written since, at their offsets in the file. A page in the overlay is there as a
 * whole, and what of it lies behind the content's end is zero; no page behind the end is in it.
 */
#ifndef FUSEFS_CONTENT_PRIVATE_H
#define FUSEFS_CONTENT_PRIVATE_H

#include "content.h"
#include "pages.h"

#define PAGE ((size_t)4096)
#define SMALL_MAX ((size_t)128 << 10)     /* a body up to this size is kept in memory */
#define STREAM_MEMORY ((size_t)12 << 20)  /* what a store_writer keeps in memory, about */
#define SLICE ((size_t)1 << 20)           /* what is moved at once */
#define CONTENT_MAX ((uint64_t)1 << 47)   /* less than the store's own limit of a body */

/* ------------------------------------------------- memory (content_memory.c) */

/* Takes `size` bytes of the pool's memory; false: there are not as many left. */
bool pool_take(struct content_pool *pool, size_t size);
void pool_give(struct content_pool *pool, size_t size);

/* A whole body. */
struct memory {
    char *data;
    size_t size, capacity; /* behind the size are zero bytes */
};

/* Makes room for `size` bytes, if they are few enough and the pool has them. */
bool memory_reserve(struct memory *memory, struct content_pool *pool, uint64_t size);
/* Sets the size; there must be room. */
void memory_resize(struct memory *memory, size_t size);
void memory_release(struct memory *memory, struct content_pool *pool);

/* ------------------------------------------------ lower layer (content_lower.c) */

struct lower {
    store_reader *reader; /* a version, which has `size` bytes ... */
    store_writer *writer; /* ... or a stream, which has at most as many. Neither, and shown > 0: it cannot be read any more */
    uint64_t size, shown;
    uint64_t allocated;   /* bytes of it that are kept, as far as they are counted */
    bool counted;
};

void lower_set_reader(struct lower *lower, store_reader *reader);
/* Begins a stream; its memory is accounted, whether or not there is as much. */
int lower_begin_stream(struct lower *lower, struct content_pool *pool);
void lower_release(struct lower *lower, struct content_pool *pool);
/* Fills all of `buffer`: what is not shown is zero. */
int lower_read(struct lower *lower, void *buffer, size_t size, uint64_t offset);
/* Can these bytes be written to the end of the stream, or behind it? */
bool lower_takes(const struct lower *lower, uint64_t offset, size_t size);
/* Writes them to a stream, of which all is shown, or which takes them. */
int lower_write(struct lower *lower, const void *data, size_t size, uint64_t offset);
uint64_t lower_allocated(struct lower *lower);
/* Is the byte at `offset` kept, and up to which offset (at most `limit`) is it the same with all behind it? */
int lower_extent(bool *data, uint64_t *end, struct lower *lower, uint64_t offset, uint64_t limit);

/* ---------------------------------------------------- overlay (content_overlay.c) */

struct overlay {
    int file;        /* -1: there is none yet */
    uint64_t credit; /* bytes that can come before the disk is asked again for its room */
    struct pages pages;
};

void overlay_release(struct overlay *overlay);
/* All pages go; the file is kept for others unless it is large. */
void overlay_clear(struct overlay *overlay);
/* Reads from pages that are in it. */
int overlay_read(const struct overlay *overlay, void *buffer, size_t size, uint64_t offset);
/* Writes whole pages, or parts of pages that are in it. */
int overlay_write(struct overlay *overlay, const struct content_pool *pool, const void *data, size_t size,
                  uint64_t offset);
/* Puts in pages of zeros, [first, end). */
int overlay_zero(struct overlay *overlay, const struct content_pool *pool, uint64_t first, uint64_t end);
/* Has the temporary file a hole at `offset`, and where does that or the data end (at most `limit`)? */
void overlay_extent(bool *data, uint64_t *end, const struct overlay *overlay, uint64_t offset, uint64_t limit);

/* ------------------------------------------------------ both (content_layers.c) */

struct content {
    struct content_pool *pool;
    uint64_t size;
    uint64_t version;
    bool changed, whole;
    bool in_memory;          /* then the rest is empty, else `memory` is */
    struct memory memory;
    struct lower lower;
    struct overlay overlay;
};

/* Fills all of `buffer`, which lies within the content. */
int layers_read(struct content *content, void *buffer, size_t size, uint64_t offset);
int layers_write(struct content *content, const void *data, size_t size, uint64_t offset);
/* Writes to the overlay, although the stream might take it. */
int layers_put(struct content *content, const void *data, size_t size, uint64_t offset);
int layers_resize(struct content *content, uint64_t size);
/* [offset, end) within the size become zero. */
int layers_zero(struct content *content, uint64_t offset, uint64_t end);
/* Is the byte at `offset` data, and where does that, or the hole, end (at most the size; it may go on in the same way)? */
int layers_extent(bool *data, uint64_t *end, struct content *content, uint64_t offset);
/* The lower layer becomes a stream of all the bytes, the overlay empty. */
int layers_collapse(struct content *content);
void layers_release(struct content *content);

#endif
