/*
 * work_read.c - GET of bodies of several sizes, and listing.
 */
#include "bench.h"

/* In the order of the columns. */
#define EVERYBODY                                                                                                  \
    { { &backend_libstore }, { &backend_lmdb }, { &backend_sqlite }, { &backend_rocksdb }, { &backend_files } }

static bool step_view(struct worker *worker)
{
    uint32_t number = worker_pick(worker);
    struct bytes value;

    key_make(worker->key, number);
    if (!worker->backend->view(worker->session, worker->key, &value))
        fail("wrong result: %s has no object %u", worker->backend->name, number);
    worker_check(worker, number, value, false);
    worker->backend->view_end(worker->session);
    return true;
}

static bool step_get(struct worker *worker)
{
    uint32_t number = worker_pick(worker);
    struct bytes value = { worker->buffer, 0 };

    key_make(worker->key, number);
    if (!worker->backend->get(worker->session, worker->key, worker->buffer, BLOCK_SIZE, &value.size))
        fail("wrong result: %s has no object %u", worker->backend->name, number);
    worker_check(worker, number, value, false);
    return true;
}

const struct workload work_read[] = {
    {
        .name = "get-view",
        .title = "GET, borrowed view",
        .set = &set_small,
        .entrants = EVERYBODY,
        .goals = { { .peer = "lmdb", .at_least = 0.80 } },
        .timed_each = 16,
        .step = step_view,
        .quick = true,
    },
    {
        .name = "get-2t",
        .title = "GET, copied, 2 threads",
        .set = &set_small,
        .entrants = EVERYBODY,
        .goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .threads = 2,
        .timed_each = 16,
        .step = step_get,
    },
    {
        .name = "get-16k",
        .title = "GET of 16 KiB, copied",
        .set = &set_16k,
        .entrants = EVERYBODY,
        .goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .timed_each = 16,
        .step = step_get,
    },
    {
        .name = "get-1m",
        .title = "GET of 1 MiB, copied",
        .set = &set_1m,
        .entrants = EVERYBODY,
        .goals = { { .peer = "lmdb", .at_least = 0.80 } },
        .step = step_get,
    },
    { .name = NULL },
};
