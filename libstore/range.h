/* range.h - writing a range of a plain object's bytes, and setting its size. */
#ifndef STORE_RANGE_H
#define STORE_RANGE_H

#include "node.h"

#define RANGE_FLAGS (STORE_INSERT | STORE_NOINSERT | STORE_PARENTS | STORE_DRY_RUN | STORE_IF_MATCH_ANY | \
                     STORE_IF_NONE_MATCH_ANY | STORE_SET_META | TAKES_ID)
#define RANGE_IN_PLACE (1u << 20) /* longer ranges are spliced into a new body */
#define NEEDS_SPLICE STORE_END    /* an operation's answer: not in place */

/* The bytes for [offset, offset + bytes.size). */
struct range_write {
    const char *location;
    uint64_t offset;
    struct body_source bytes;
    const store_request *request;
    bool resize; /* there are none: the body ends at `offset` from now on */
};

struct range_operation {
    struct operation operation;
    const struct range_write *write;
    uint64_t spliced;  /* the new body; 0: try in place */
    uint64_t size;     /* its size */
    bool sparse;
    uint64_t expected; /* the version it was made from; 0: there was nothing */
};

/* Whether it would be refused whatever the bytes: for the beginning of a stream. */
int range_probe(struct view *view, const struct range_write *write);
/* Executes an operation that could not be done in place. */
int splice_execute(store_answer *out, struct range_operation *op, store *s);
int range_execute(store_answer *out, store *s, const struct range_write *write);

#endif
