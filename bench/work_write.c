/*
 * work_write.c - PUT (replacing) and DELETE of small objects, alone and many in one transaction.
 */
#include "bench.h"

static bool step_put(struct worker *worker)
{
    worker_put(worker, worker_pick(worker));
    return true;
}

static bool step_put_many(struct worker *worker)
{
    for (int i = 0; i < MANY; i++)
        worker->numbers[i] = worker_pick(worker);
    worker_put_many(worker, worker->numbers, MANY);
    return true;
}

static void put_back(struct worker *worker)
{
    worker_fill(worker, SHUFFLED);
}

/* Picks objects that are there, and notes them as deleted. False when a slice has deleted half of all
 * (some stores are that fast): to find one by chance would soon take longer than to delete it. */
static bool pick_deleted(struct worker *worker, int count)
{
    if (worker->cursor + (uint32_t)count > worker->database->set->count / 2)
        return false;
    worker->cursor += (uint32_t)count;
    for (int i = 0; i < count; i++) {
        do
            worker->numbers[i] = worker_pick(worker);
        while (!worker_expects(worker, worker->numbers[i]));
        worker_forget(worker, worker->numbers[i]);
    }
    return true;
}

static bool step_delete(struct worker *worker)
{
    if (!pick_deleted(worker, 1))
        return false;
    key_make(worker->key, worker->numbers[0]);
    if (!worker->backend->delete(worker->session, worker->key))
        fail("wrong result: %s has no object %u to delete", worker->backend->name, worker->numbers[0]);
    return true;
}

static bool step_delete_many(struct worker *worker)
{
    const char *keys[MANY];

    if (!pick_deleted(worker, MANY))
        return false;
    for (int i = 0; i < MANY; i++) {
        key_make((char *)worker->items[i].key, worker->numbers[i]);
        keys[i] = worker->items[i].key;
    }
    worker->backend->delete_many(worker->session, keys, MANY);
    return true;
}

const struct workload work_write[] = {
    {
        .name = "put-durable",
        .title = "PUT, durable",
        .set = &set_small,
        .entrants = { STORES_AND_FILES, SQLITE_NOROWID },
        .goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .slow_goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .step = step_put,
        .quick = true,
    },
    {
        .name = "put-durable-8t",
        .title = "PUT, durable, 8 threads",
        .set = &set_small,
        .entrants = { STORES_AND_FILES },
        .goals = { { .peer = "lmdb", .at_least = 2.5 } },
        .slow_goals = { { .peer = "lmdb", .at_least = 6 }, { .peer = "lmdb", .of = P99, .at_most = 0.1 } },
        .threads = 8,
        .step = step_put,
        .quick = true,
    },
    {
        .name = "put-1000",
        .title = "PUT, 1,000 a transaction",
        .set = &set_small,
        .entrants = { STORES, SQLITE_NOROWID },
        .goals = { { .peer = "lmdb", .at_least = 0.80 }, { .peer = "sqlite", .at_least = 1 } },
        .operations = MANY,
        .step = step_put_many,
        .quick = true,
    },
    {
        .name = "put-relaxed",
        .title = "PUT, relaxed (lmdb: durable)",
        .set = &set_small,
        .entrants = { { .backend = &backend_libstore, .durability = RELAXED },
                      { .backend = &backend_lmdb, .durability = DURABLE },
                      { .backend = &backend_sqlite, .durability = RELAXED },
                      { .backend = &backend_rocksdb, .durability = RELAXED },
                      { .backend = &backend_files, .durability = RELAXED, .not_quick = true } },
        .goals = { { .peer = "lmdb", .at_least = 5 }, { .peer = "sqlite", .at_least = 1 } },
        .seconds = 1,
        .step = step_put,
        .quick = true,
    },
    {
        .name = "delete-durable",
        .title = "DELETE, durable",
        .set = &set_small,
        .entrants = { STORES_AND_FILES },
        .goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .slow_goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .prepare = put_back,
        .step = step_delete,
    },
    {
        .name = "delete-1000",
        .title = "DELETE, 1,000 a transaction",
        .set = &set_small,
        .entrants = { STORES },
        .goals = { { .peer = "lmdb", .at_least = 0.75 } },
        .operations = MANY,
        .prepare = put_back,
        .step = step_delete_many,
    },
    {
        .name = "delete-1m",
        .title = "DELETE of 1 MiB, durable",
        .set = &set_1m,
        .entrants = { STORES },
        .prepare = put_back,
        .step = step_delete,
    },
    { .name = NULL },
};
