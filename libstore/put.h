/* put.h - PUT inside a running transaction, for the verb itself and for streamed uploads. */
#ifndef STORE_PUT_H
#define STORE_PUT_H

#include "draft.h"

struct put {
    const char *location;
    enum node_kind kind; /* NODE_OBJECT or NODE_LINK */
    struct body_source body;
    const store_request *request;
    const struct draft *draft; /* made of the body beforehand; NULL: none */
};

/* Flags that PUT takes. */
#define PUT_FLAGS (STORE_REPLACE | STORE_NOREPLACE | STORE_INSERT | STORE_NOINSERT | STORE_PARENTS | STORE_PARTIAL | \
                   STORE_DRY_RUN | STORE_IF_MATCH_ANY | STORE_IF_NONE_MATCH_ANY | STORE_SET_META | TAKES_ID)

int put_run(struct txn *txn, const struct put *put, store_answer *answer);

/* Whether PUT would be refused whatever the body: for the beginning of an upload. `*typed`: the body
 * is JSON of a typed collection. */
int put_probe(struct view *view, const struct put *put, bool *typed);

/* Runs it as an operation of its own. */
int put_execute(store_answer *out, store *s, const struct put *put);

#endif
