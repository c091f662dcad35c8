/* operation.h - one line of a batch: a verb with its arguments as a JSON object. */
#ifndef STORECTL_OPERATION_H
#define STORECTL_OPERATION_H

#include <jansson.h>

#include "command.h"

#define OPERATION_VERSIONS 32

struct operation {
    const struct operation_verb *verb;
    const char *location;
    const char *to;      /* move, copy */
    const char *target;  /* put of a symbolic link */
    const void *body;    /* NULL: none given */
    size_t size;
    bool json_patch, range;
    uint64_t offset;
    store_request request;
    uint64_t versions[OPERATION_VERSIONS];
    store_meta *meta;
    void *decoded; /* a body that was base64 */
    json_t *tree;
};

/* Reads one line. False with the reason in `why` when it is none. Borrows `text`; release with
 * operation_release, also after false. */
bool operation_parse(struct operation *out, const char *text, size_t size, char *why, size_t why_size);
/* Runs it in operation->request.txn; a store code. */
int operation_run(store_answer *answer, store *s, const struct operation *operation);
void operation_release(struct operation *operation);

#endif
