/*
 * curve.c - "cost stays flat": what an operation takes in libstore and in raw LMDB, as the number of
 * objects grows from 10^4 to 10^7.
 *
 * One database of each is filled step by step, in the order of the keys. At each step both have short
 * slices in turn, and the figure is the median of theirs.
 */
#include <string.h>

#include "curve.h"

enum {
    OBJECTS_MAX = 10000000,
    OBJECT_SIZE = 100,
    ROUNDS = 5,
    PUTS_TOGETHER = 100,  /* in a transaction */
    LIST_LIMIT = 100000,
    SLICE_NS = 300000000, /* of one operation of one store */
};

static void fill_nothing(struct worker *worker)
{
    (void)worker;
}

static const struct dataset set_curve = {
    .name = "curve", .count = OBJECTS_MAX, .size = OBJECT_SIZE, .fill = fill_nothing
};

const struct backend *const curve_stores[CURVE_STORES] = { &backend_libstore, &backend_lmdb };

static uint32_t pick(struct worker *worker, uint32_t count)
{
    return (uint32_t)((random_next(&worker->random) >> 32) * count >> 32);
}

/* One step among the first `count` objects; returns how many operations it was. */
typedef uint32_t step_fn(struct worker *worker, uint32_t count);

static uint32_t get(struct worker *worker, uint32_t number)
{
    struct bytes value = { worker->buffer, 0 };

    key_make(worker->key, number);
    if (!worker->backend->get(worker->session, worker->key, worker->buffer, BLOCK_SIZE, &value.size))
        fail("wrong result: %s has no object %u", worker->backend->name, number);
    worker_check(worker, number, value, true);
    return 1;
}

static uint32_t step_get(struct worker *worker, uint32_t count)
{
    return get(worker, pick(worker, count));
}

/* The same work for the processor, without the waits for memory that no cache has. */
static uint32_t step_get_next(struct worker *worker, uint32_t count)
{
    return get(worker, worker->cursor++ % count);
}

static uint32_t step_put(struct worker *worker, uint32_t count)
{
    worker_put(worker, pick(worker, count));
    return 1;
}

static uint32_t step_put_many(struct worker *worker, uint32_t count)
{
    for (int i = 0; i < PUTS_TOGETHER; i++)
        worker->numbers[i] = pick(worker, count);
    worker_put_many(worker, worker->numbers, PUTS_TOGETHER);
    return PUTS_TOGETHER;
}

static void expect_next(void *payload, const char *name, size_t size, struct bytes value)
{
    uint32_t *expected = payload;

    (void)value;
    if (key_number(name, size) != *expected)
        fail("wrong result: a listing leaves out object %u", *expected);
    ++*expected;
}

static uint32_t step_list(struct worker *worker, uint32_t count)
{
    uint32_t limit = count < LIST_LIMIT ? count : LIST_LIMIT, first = pick(worker, count - limit + 1);
    uint32_t expected = first;

    key_make(worker->key, first - 1);
    worker->backend->list(worker->session, first > 0 ? worker->key : NULL, limit, false, expect_next, &expected);
    if (expected != first + limit)
        fail("wrong result: a listing of %u has %u entries", limit, expected - first);
    return limit;
}

/* Microseconds an operation. */
static double run_slice(struct worker *worker, step_fn *step, uint32_t count)
{
    uint64_t begin = now_ns(), spent, done = 0;

    do {
        done += step(worker, count);
        spent = now_ns() - begin;
    } while (spent < SLICE_NS);
    return (double)spent / 1e3 / (double)done;
}

static void run_slices(double out[CURVE_STORES], struct database *const databases[], step_fn *step, uint32_t count)
{
    double slices[CURVE_STORES][ROUNDS];

    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < CURVE_STORES; i++) {
            int s = (i + round) % CURVE_STORES;
            slices[s][round] = run_slice(worker_of(databases[s], 0, 1), step, count);
        }
    for (int s = 0; s < CURVE_STORES; s++)
        out[s] = median(slices[s], ROUNDS);
}

static void grow(struct worker *worker, uint32_t from, uint32_t to)
{
    for (uint32_t number = from; number < to; number += MANY) {
        for (uint32_t i = 0; i < MANY; i++)
            worker->numbers[i] = number + i;
        worker_append_many(worker, worker->numbers, MANY);
    }
    database_settle(worker->database);
}

static void measure_costs(struct by_count *out, struct database *const databases[])
{
    static step_fn *const steps[] = { step_get, step_get_next, step_put, step_put_many, step_list };
    double us[sizeof steps / sizeof *steps][CURVE_STORES], disk_mib[CURVE_STORES];

    for (int s = 0; s < CURVE_STORES; s++)
        disk_mib[s] = (double)files_disk_bytes(databases[s]->directory) / (1 << 20);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        run_slices(us[i], databases, steps[i], out->objects);
    for (int s = 0; s < CURVE_STORES; s++)
        out->cost[s] = (struct count_cost){ us[0][s], us[1][s], us[2][s], us[3][s], us[4][s], disk_mib[s] };
}

static void measure_counts(struct curve *curve, const struct options *options)
{
    struct database *databases[CURVE_STORES];
    uint32_t before = 0, objects = 10000;

    for (int s = 0; s < CURVE_STORES; s++)
        databases[s] = database_get(curve_stores[s], DURABLE, &set_curve, options);
    for (int i = 0; i < CURVE_COUNTS; i++, before = objects, objects *= 10) {
        curve->counts[i].objects = objects;
        for (int s = 0; s < CURVE_STORES; s++)
            grow(worker_of(databases[s], 0, 1), before, objects);
        measure_costs(&curve->counts[i], databases);
        curve_opening(&curve->counts[i], databases[0]);
    }
    curve_memory(&curve->memory, databases[0], OBJECTS_MAX);
}

int run_curve(const struct options *options)
{
    static struct curve curve;

    machine_look(&curve.machine, options->directory);
    measure_counts(&curve, options);
    database_close_all();
    curve_bodies(curve.sizes, options);
    database_close_all();
    curve_report(&curve, options);
    return 0;
}
