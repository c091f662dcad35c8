/* verb.c - checking a request, executing its operation, giving the answer out or clearing it away. */
#include "verb.h"

#include "node.h"

int verb_check(const store_request *request, unsigned allowed)
{
    int rc = request_check(request, allowed);

    return rc == STORE_OK ? metadata_check(request) : rc;
}

int verb_execute(store_answer *out, store *s, const store_request *request, struct operation *op)
{
    store_answer unwanted = { 0 };
    int rc;

    op->dry_run = request->flags & STORE_DRY_RUN;
    op->answer = out ? out : &unwanted;
    *op->answer = (store_answer){ .dry_run = op->dry_run };
    rc = txn_execute(s, request->txn, op);
    if (rc != STORE_OK || !out)
        store_answer_clear(op->answer);
    op->answer = NULL;
    return rc;
}
