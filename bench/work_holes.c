/*
 * work_holes.c - a store that mixes small objects and large bodies, after half of the small ones went.
 *
 * LMDB looks for a run of free pages by going through the whole list of free ones, so that in a file
 * full of holes of one page each put of a longer value takes milliseconds. Bodies must not feel it.
 */
#include "bench.h"

enum {
    SMALL = 400000,
    SMALL_SIZE = 3000, /* one to a page: each that is deleted leaves a hole of one page */
    BODIES_64K = 512,
    BODIES_1M = 64,
    FIRST_64K = SMALL,
    FIRST_1M = FIRST_64K + BODIES_64K,
    OBJECTS = FIRST_1M + BODIES_1M,
};

/* The small ones come first. */
static struct bytes value(void *room, uint32_t number, uint32_t version)
{
    size_t size = number < FIRST_64K ? SMALL_SIZE : number < FIRST_1M ? 64 << 10 : 1 << 20;

    (void)room;
    return value_of(number, version, 0, size);
}

static void put_small(struct worker *worker, uint32_t first)
{
    for (uint32_t i = 0; i < MANY; i++) {
        key_make((char *)worker->items[i].key, first + i);
        worker->items[i].value = value(NULL, first + i, worker_next_version(worker, first + i));
    }
    worker->backend->put_many(worker->session, worker->items, MANY);
}

/* Every second one. */
static void delete_small(struct worker *worker, uint32_t first)
{
    const char *keys[MANY / 2];

    for (uint32_t i = 0; i < MANY / 2; i++) {
        keys[i] = worker->items[i].key;
        key_make((char *)keys[i], first + 2 * i);
        worker_forget(worker, first + 2 * i);
    }
    worker->backend->delete_many(worker->session, keys, MANY / 2);
}

static void fill_full(struct worker *worker)
{
    for (uint32_t first = 0; first < SMALL; first += MANY)
        put_small(worker, first);
    for (uint32_t number = FIRST_64K; number < OBJECTS; number++)
        worker_put(worker, number);
}

static void fill_with_holes(struct worker *worker)
{
    fill_full(worker);
    for (uint32_t first = 0; first < SMALL; first += MANY)
        delete_small(worker, first);
}

static uint32_t pick(struct worker *worker, uint32_t first, uint32_t count)
{
    return first + (uint32_t)((random_next(&worker->random) >> 32) * count >> 32);
}

static bool step_64k(struct worker *worker)
{
    worker_put(worker, pick(worker, FIRST_64K, BODIES_64K));
    return true;
}

static bool step_1m(struct worker *worker)
{
    worker_put(worker, pick(worker, FIRST_1M, BODIES_1M));
    return true;
}

static const struct dataset full = {
    .name = "full", .count = OBJECTS, .size = BLOCK_SIZE,
    .value = value, .fill = fill_full,
};
static const struct dataset holes = {
    .name = "holes", .count = OBJECTS, .size = BLOCK_SIZE,
    .value = value, .fill = fill_with_holes,
};

#define AFTER_AND_BEFORE                                                    \
    {                                                                       \
        { .backend = &backend_libstore, .set = &holes },                    \
        { .backend = &backend_libstore, .set = &full, .label = "before" },  \
        { .backend = &backend_lmdb, .set = &holes, .label = "lmdb after" }, \
        { .backend = &backend_lmdb, .set = &full, .label = "lmdb before" }, \
    }

const struct workload work_holes[] = {
    {
        .name = "put-64k-holes",
        .title = "PUT of 64 KiB among holes",
        .entrants = AFTER_AND_BEFORE,
        .goals = { { "before", P99, .at_most = 2 } },
        .step = step_64k,
    },
    {
        .name = "put-1m-holes",
        .title = "PUT of 1 MiB among holes",
        .entrants = AFTER_AND_BEFORE,
        .goals = { { "before", P99, .at_most = 2 } },
        .step = step_1m,
    },
    { .name = NULL },
};
