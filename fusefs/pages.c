/* pages.c - a set of page numbers: bitmaps of 4,096 pages each where there are any, in order. */
#include "pages.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 64
#define BLOCK_PAGES (WORDS * 64)

struct pages_block {
    uint64_t number; /* of its first page, divided by BLOCK_PAGES */
    uint64_t bits[WORDS];
};

void pages_release(struct pages *pages)
{
    for (size_t i = 0; i < pages->count; i++)
        free(pages->blocks[i]);
    free(pages->blocks);
    *pages = (struct pages){ 0 };
}

/* The place of the first block that is not before `number`. */
static size_t place_of(const struct pages *pages, uint64_t number)
{
    size_t low = 0, high = pages->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pages->blocks[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool reserve(struct pages *pages)
{
    size_t capacity = pages->capacity ? 2 * pages->capacity : 8;
    struct pages_block **blocks;

    if (pages->count < pages->capacity)
        return true;
    blocks = realloc(pages->blocks, capacity * sizeof(struct pages_block *));
    if (!blocks)
        return false;
    pages->blocks = blocks;
    pages->capacity = capacity;
    return true;
}

/* Makes sure that there is a block `number`, which may be an empty one. */
static bool make_block(struct pages *pages, uint64_t number)
{
    size_t place = place_of(pages, number);
    struct pages_block *block;

    if (place < pages->count && pages->blocks[place]->number == number)
        return true;
    if (!reserve(pages))
        return false;
    block = calloc(1, sizeof *block);
    if (!block)
        return false;
    block->number = number;
    memmove(pages->blocks + place + 1, pages->blocks + place, (pages->count - place) * sizeof *pages->blocks);
    pages->blocks[place] = block;
    pages->count++;
    return true;
}

/* The bits of [first, end) that lie in word `word` of a block. */
static uint64_t mask_of(unsigned word, unsigned first, unsigned end)
{
    uint64_t mask = UINT64_MAX;

    if (first > word * 64)
        mask &= UINT64_MAX << (first - word * 64);
    if (end < word * 64 + 64)
        mask &= UINT64_MAX >> (word * 64 + 64 - end);
    return mask;
}

/* Sets or clears [first, end) of a block, which is not empty. */
static void mark(struct pages *pages, struct pages_block *block, unsigned first, unsigned end, bool on)
{
    for (unsigned word = first / 64; word <= (end - 1) / 64; word++) {
        uint64_t mask = mask_of(word, first, end), *bits = &block->bits[word];
        if (on)
            pages->total += (uint64_t)__builtin_popcountll(mask & ~*bits);
        else
            pages->total -= (uint64_t)__builtin_popcountll(mask & *bits);
        *bits = on ? *bits | mask : *bits & ~mask;
    }
}

/* Sets or clears [first, end) in the blocks that there are. */
static void mark_all(struct pages *pages, uint64_t first, uint64_t end, bool on)
{
    for (size_t i = place_of(pages, first / BLOCK_PAGES); i < pages->count && first < end; i++) {
        struct pages_block *block = pages->blocks[i];
        uint64_t begin = block->number * BLOCK_PAGES;
        if (begin >= end)
            return;
        mark(pages, block, first > begin ? (unsigned)(first - begin) : 0,
             end - begin < BLOCK_PAGES ? (unsigned)(end - begin) : BLOCK_PAGES, on);
    }
}

bool pages_add(struct pages *pages, uint64_t first, uint64_t end)
{
    if (first >= end)
        return true;
    for (uint64_t number = first / BLOCK_PAGES; number <= (end - 1) / BLOCK_PAGES; number++)
        if (!make_block(pages, number))
            return false;
    mark_all(pages, first, end, true);
    return true;
}

void pages_remove(struct pages *pages, uint64_t first, uint64_t end)
{
    mark_all(pages, first, end, false);
}

bool pages_has(const struct pages *pages, uint64_t page)
{
    size_t place = place_of(pages, page / BLOCK_PAGES);
    unsigned at = page % BLOCK_PAGES;

    return place < pages->count && pages->blocks[place]->number == page / BLOCK_PAGES &&
           pages->blocks[place]->bits[at / 64] >> at % 64 & 1;
}

/* The first page of the block at or behind `from` whose bit is not that of `skip` (of all ones or zeros);
 * BLOCK_PAGES: there is none. */
static unsigned scan(const struct pages_block *block, unsigned from, uint64_t skip)
{
    for (unsigned word = from / 64; word < WORDS; word++) {
        uint64_t bits = block->bits[word] ^ skip;
        if (word == from / 64)
            bits &= UINT64_MAX << from % 64;
        if (bits)
            return word * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return BLOCK_PAGES;
}

uint64_t pages_next(const struct pages *pages, uint64_t page)
{
    for (size_t i = place_of(pages, page / BLOCK_PAGES); i < pages->count; i++) {
        const struct pages_block *block = pages->blocks[i];
        uint64_t begin = block->number * BLOCK_PAGES;
        unsigned at = scan(block, page > begin ? (unsigned)(page - begin) : 0, 0);
        if (at < BLOCK_PAGES)
            return begin + at;
    }
    return PAGES_NONE;
}

uint64_t pages_next_absent(const struct pages *pages, uint64_t page)
{
    for (size_t i = place_of(pages, page / BLOCK_PAGES); i < pages->count; i++) {
        const struct pages_block *block = pages->blocks[i];
        uint64_t begin = block->number * BLOCK_PAGES;
        unsigned at;
        if (page < begin)
            return page;
        at = scan(block, (unsigned)(page - begin), UINT64_MAX);
        page = begin + at;
        if (at < BLOCK_PAGES)
            return page;
    }
    return page;
}
