/* many.c - running the items of a request about many objects. */
#include "many.h"

#include "answer.h"

#include <string.h>

struct item {
    const struct many *many;
    size_t index;
};

static int run_item(void *context, struct txn *txn)
{
    const struct item *item = context;
    const struct many *many = item->many;

    return many->item(many->context, txn, item->index, &many->answer->many[item->index]);
}

int many_run(struct txn *txn, const struct many *many)
{
    bool partial = many->request->flags & STORE_PARTIAL;
    char location[STORE_LOCATION_MAX + 1];
    int rc = many->request->id ? problem(STORE_BAD_ARGUMENT, "many objects cannot have one id")
                               : answer_many(many->answer, many->count);

    if (rc == STORE_OK)
        rc = txn_guard(txn);
    for (size_t i = 0; i < many->count && rc == STORE_OK; i++) {
        struct item item = { many, i };
        rc = partial ? txn_attempt(txn, run_item, &item) : run_item(&item, txn);
        if (rc == STORE_OK)
            continue;
        many->locate(many->context, i, location);
        problem_location(location);
        /* A store that fails fails as a whole; what is wrong with one object is its own affair. */
        if (partial && rc > STORE_FULL && !txn->engine.broken) {
            rc = result_fail(&many->answer->many[i], rc, location);
            problem_reset();
        }
    }
    return rc == STORE_OK ? answer_finish(many->answer) : rc;
}
