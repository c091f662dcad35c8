/* ids.c - reserving ids for nodes to be created. */
#include "ids.h"

#include <string.h>

#include "queue.h"

#define COUNT_MAX (UINT64_C(1) << 32)   /* in one call */
#define ID_END (UINT64_C(1) << 63)      /* no store lives so long */
#define RESTART_SKIP (UINT64_C(1) << 33) /* more than the commits that can be lost will have reserved */

static struct key next_key(void)
{
    struct key key;

    key_begin(&key, SCOPE_STORE, KIND_NEXT_ID);
    return key;
}

int id_next(uint64_t *out, struct snapshot *snapshot)
{
    struct key key = next_key();
    struct slice value;
    int rc = engine_get(snapshot, key_slice(&key), &value);

    *out = ID_RESERVED;
    if (rc != STORE_OK)
        return rc == ENGINE_ABSENT ? STORE_OK : rc;
    if (value.size != sizeof *out)
        return problem(STORE_CORRUPT, "the row with the next id is damaged");
    memcpy(out, value.data, sizeof *out);
    return STORE_OK;
}

int id_next_set(struct txn *txn, uint64_t next)
{
    struct key key = next_key();

    return engine_put(&txn->engine, key_slice(&key), slice_of(&next, sizeof next));
}

int id_check(struct txn *txn, uint64_t id)
{
    uint64_t next;
    int rc = id_next(&next, &txn->engine.view);

    if (rc == STORE_OK && (id < ID_RESERVED || id >= next))
        rc = problem(STORE_BAD_ARGUMENT, "the id %016llx was not reserved", (unsigned long long)id);
    return rc;
}

int id_restart(struct txn *txn)
{
    uint64_t next;
    int rc = id_next(&next, &txn->engine.view);

    return rc == STORE_OK ? id_next_set(txn, next + RESTART_SKIP) : rc;
}

struct reservation {
    struct operation operation;
    uint64_t count, first;
};

static int run(struct operation *operation, struct txn *txn)
{
    struct reservation *op = (struct reservation *)operation;
    int rc = id_next(&op->first, &txn->engine.view);

    if (rc == STORE_OK && op->first > ID_END - op->count)
        rc = problem(STORE_FULL, "there are no ids left");
    return rc == STORE_OK ? id_next_set(txn, op->first + op->count) : rc;
}

int store_reserve_ids(uint64_t *first, store *s, uint64_t count)
{
    struct reservation op = { .operation = { .run = run }, .count = count };
    int rc;

    store_enter();
    *first = 0;
    if (count == 0 || count > COUNT_MAX)
        return problem(STORE_BAD_ARGUMENT, "between 1 and 2^32 ids can be reserved at a time");
    rc = txn_execute(s, NULL, &op.operation);
    if (rc == STORE_OK)
        *first = op.first;
    return rc;
}
