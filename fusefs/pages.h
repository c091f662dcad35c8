/*
 * pages.h - a set of page numbers: which pages of a file were written. PURE.
 *
 * It takes a bit for each page near one that is in the set, and nothing for regions without any, so that
 * a set of few pages of a file of many TiB is small.
 */
#ifndef FUSEFS_PAGES_H
#define FUSEFS_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGES_NONE UINT64_MAX

struct pages_block;

struct pages {
    struct pages_block **blocks; /* ascending */
    size_t count, capacity;
    uint64_t total;              /* pages in the set */
};

/* An empty one is all zero. */
void pages_release(struct pages *pages);

/* [first, end) come in. False: no memory; then it is as it was. */
bool pages_add(struct pages *pages, uint64_t first, uint64_t end);
/* [first, end) go. */
void pages_remove(struct pages *pages, uint64_t first, uint64_t end);

bool pages_has(const struct pages *pages, uint64_t page);
/* The first page at or behind `page` that is in the set (PAGES_NONE: none is), or that is not. */
uint64_t pages_next(const struct pages *pages, uint64_t page);
uint64_t pages_next_absent(const struct pages *pages, uint64_t page);

#endif
