/* range.h - writing a range of a plain object's bytes. */
#ifndef STORE_RANGE_H
#define STORE_RANGE_H

#include "node.h"

#define RANGE_FLAGS (STORE_INSERT | STORE_NOINSERT | STORE_PARENTS | STORE_DRY_RUN | STORE_IF_MATCH_ANY | \
                     STORE_IF_NONE_MATCH_ANY | STORE_SET_META | TAKES_ID)
#define RANGE_IN_PLACE (1u << 20) /* longer ranges are spliced into a new body */

/* The bytes for [offset, offset + bytes.size). */
struct range_write {
    const char *location;
    uint64_t offset;
    struct body_source bytes;
    const store_request *request;
};

/* Whether it would be refused whatever the bytes: for the beginning of a stream. */
int range_probe(struct view *view, const struct range_write *write);
int range_execute(store_answer *out, store *s, const struct range_write *write);

#endif
