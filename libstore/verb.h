/* verb.h - what every writing verb does around its operation. */
#ifndef STORE_VERB_H
#define STORE_VERB_H

#include "txn.h"

/* Checks the caller's request: flags beyond `allowed`, type, metadata, attributes. */
int verb_check(const store_request *request, unsigned allowed);

/* Executes the operation for a checked request. On success the answer is in `out`, which may be NULL if
 * nobody wants it; on failure that is empty. */
int verb_execute(store_answer *out, store *s, const store_request *request, struct operation *op);

#endif
