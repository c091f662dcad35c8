/* slice.h - a run of bytes that somebody else owns. */
#ifndef STORE_SLICE_H
#define STORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const void *data;
    size_t size;
};

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){ data, size };
}

static inline struct slice slice_text(const char *text)
{
    return (struct slice){ text, strlen(text) };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return false;
    return a.size == 0 || (a.data && b.data && memcmp(a.data, b.data, a.size) == 0);
}

#endif
