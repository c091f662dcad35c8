/*
 * curve_bodies.c - what PUT and GET of a body take, as it grows from 100 bytes to 1 GiB.
 */
#include <string.h>

#include "curve.h"

enum {
    ROUNDS = 3,
    SLICE_NS = 200000000, /* a slice has one operation at least */
    KEYS = 16,            /* bodies of at most a block: objects that take turns */
};

static const struct dataset set_bodies = { .name = "bodies", .count = KEYS, .size = 100 };

/* The body that is put and read next. */
struct body {
    uint64_t bytes;
    uint32_t number, version;
};

static struct value_stream stream_of(const struct body *body)
{
    return (struct value_stream){ .size = body->bytes, .number = body->number, .version = body->version };
}

static void put_body(struct worker *worker, struct body *body)
{
    struct value_stream stream;

    body->version++;
    key_make(worker->key, body->number);
    if (body->bytes <= BLOCK_SIZE) {
        worker->backend->put(worker->session, worker->key, value_of(body->number, body->version, 0, body->bytes));
        return;
    }
    stream = stream_of(body);
    worker->backend->upload(worker->session, worker->key, &stream);
}

/* Compares every byte. */
static void get_body(struct worker *worker, struct body *body)
{
    struct value_stream stream = stream_of(body);
    size_t size;

    key_make(worker->key, body->number);
    if (body->bytes > BLOCK_SIZE) {
        worker->backend->download(worker->session, worker->key, &stream);
        return;
    }
    if (!worker->backend->get(worker->session, worker->key, worker->buffer, BLOCK_SIZE, &size))
        fail("wrong result: %s has no object %u", worker->backend->name, body->number);
    if (size != body->bytes)
        fail("wrong result: a body of %ju bytes has %zu", (uintmax_t)body->bytes, size);
    value_expect(&stream, worker->buffer, size);
}

/* Microseconds an operation. */
static double run_slice(struct worker *worker, struct body *bodies, size_t count,
                        void (*operation)(struct worker *worker, struct body *body))
{
    uint64_t begin = now_ns(), spent, done = 0;

    do {
        operation(worker, &bodies[done++ % count]);
        spent = now_ns() - begin;
    } while (spent < SLICE_NS);
    return (double)spent / 1e3 / (double)done;
}

static void measure_size(struct by_size *out, struct database *const databases[])
{
    struct body bodies[CURVE_STORES][KEYS];
    double put[CURVE_STORES][ROUNDS], get[CURVE_STORES][ROUNDS];
    size_t count = out->bytes <= BLOCK_SIZE ? KEYS : 1;

    for (int s = 0; s < CURVE_STORES; s++)
        for (uint32_t i = 0; i < count; i++) {
            bodies[s][i] = (struct body){ .bytes = out->bytes, .number = i };
            put_body(worker_of(databases[s], 0, 1), &bodies[s][i]);
        }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < CURVE_STORES; i++) {
            int s = (i + round) % CURVE_STORES;
            struct worker *worker = worker_of(databases[s], 0, 1);

            put[s][round] = run_slice(worker, bodies[s], count, put_body);
            get[s][round] = run_slice(worker, bodies[s], count, get_body);
        }
    for (int s = 0; s < CURVE_STORES; s++)
        out->cost[s] = (struct size_cost){ median(put[s], ROUNDS), median(get[s], ROUNDS) };
}

void curve_bodies(struct by_size sizes[CURVE_SIZES], const struct options *options)
{
    static const uint64_t bytes[CURVE_SIZES] = {
        100, 1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20, 100 << 20, 1 << 30,
    };
    struct database *databases[CURVE_STORES];

    for (int s = 0; s < CURVE_STORES; s++)
        databases[s] = database_get(curve_stores[s], DURABLE, &set_bodies, options);
    for (int i = 0; i < CURVE_SIZES; i++) {
        sizes[i].bytes = bytes[i];
        measure_size(&sizes[i], databases);
    }
}
