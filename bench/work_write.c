/*
 * work_write.c - PUT and DELETE of small objects, alone and many in one transaction.
 */
#include "bench.h"

#define EVERYBODY                                                                                                  \
    { { &backend_libstore }, { &backend_lmdb }, { &backend_sqlite }, { &backend_rocksdb }, { &backend_files } }

static bool step_put(struct worker *worker)
{
    worker_put(worker, worker_pick(worker));
    return true;
}

const struct workload work_write[] = {
    {
        .name = "put-durable",
        .title = "PUT, durable",
        .set = &set_small,
        .entrants = EVERYBODY,
        .goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .slow_goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .step = step_put,
        .quick = true,
    },
    { .name = NULL },
};
