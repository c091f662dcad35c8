/* many.h - a request about many objects: all or none, or with STORE_PARTIAL each alone. */
#ifndef STORE_MANY_H
#define STORE_MANY_H

#include "txn.h"

struct many {
    size_t count;
    const store_request *request;
    store_answer *answer;
    /* Does item `index` and fills in its result. */
    int (*item)(void *context, struct txn *txn, size_t index, store_result *result);
    /* Where item `index` is, for its problem; `out` holds STORE_LOCATION_MAX + 1 bytes. */
    void (*locate)(void *context, size_t index, char *out);
    void *context;
};

int many_run(struct txn *txn, const struct many *many);

#endif
