/*
 * tail.h - does another face's version continue the one that was given out? A version that only has more bytes at its end
 * does (tail -f), and so does one with the same bytes and other attributes. To tell, the last bytes of what was
 * given out are remembered when its content is dropped: a body of up to TAIL_MAX bytes as a whole.
 */
#ifndef FUSEFS_TAIL_H
#define FUSEFS_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "content.h"

#define TAIL_MAX 8192u /* every body that the store has inline is smaller */

/* All zero: nothing was given out. */
struct tail {
    bool seen;             /* it is known of which version bytes were given out: it had ... */
    uint64_t end;          /* ... this size ... */
    int64_t modified;      /* ... and time */
    uint64_t start;        /* of `data`, which goes up to the end */
    char *data;            /* owned; NULL: it could not be read any more */
};

/* A read gave these bytes of a body of `end` bytes. Those of a large body are remembered at once: when another face appends
 * much, the old end soon cannot be read any more. */
void tail_see(struct tail *tail, const char *data, size_t size, uint64_t offset, uint64_t end);
/* The content, of which bytes may have been given out, is to be dropped. */
void tail_keep(struct tail *tail, struct content *content, int64_t modified);
/* May whoever has read the version that was kept read on in this one? */
bool tail_continues(const struct tail *tail, struct content *content, int64_t modified);
/* Nothing was given out that matters. */
void tail_forget(struct tail *tail);

#endif
