/*
 * worker.c - what a workload does with objects, and the check of every value that comes back.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* In database.versions: the object is not there now, but had the version in the other bits. */
#define ABSENT (1u << 31)

enum { SAMPLE = 200 };

/* A prime that no count of objects here has as a factor: steps of it go through all of them. */
enum { SHUFFLE = 7919 };

struct worker *worker_of(struct database *database, unsigned index, unsigned threads)
{
    static struct worker workers[THREADS_MAX];
    struct worker *worker = &workers[index];

    if (!worker->buffer) {
        char(*keys)[KEY_MAX] = allocate_zeroed(MANY, sizeof *keys);

        worker->buffer = allocate_zeroed(1, BLOCK_SIZE);
        worker->made = allocate_zeroed(1, BLOCK_SIZE);
        worker->items = allocate_zeroed(MANY, sizeof *worker->items);
        worker->numbers = allocate_zeroed(MANY, sizeof *worker->numbers);
        worker->latency = histogram_new();
        worker->random = 88172645463325252 + index;
        for (int i = 0; i < MANY; i++)
            worker->items[i].key = keys[i];
    }
    if (!database->sessions[index])
        database->sessions[index] = database->backend->session_open(database->handle);
    worker->database = database;
    worker->backend = database->backend;
    worker->session = database->sessions[index];
    worker->index = index;
    worker->threads = threads;
    worker->cursor = 0;
    worker->steps = 0;
    return worker;
}

uint32_t worker_pick(struct worker *worker)
{
    uint32_t share = worker->database->set->count / worker->threads;

    return (uint32_t)((random_next(&worker->random) >> 32) * share >> 32) * worker->threads + worker->index;
}

uint32_t worker_next_version(struct worker *worker, uint32_t number)
{
    uint32_t *version = &worker->database->versions[number];

    *version = (*version & ~ABSENT) + 1;
    return *version;
}

void worker_forget(struct worker *worker, uint32_t number)
{
    worker->database->versions[number] |= ABSENT;
}

bool worker_expects(const struct worker *worker, uint32_t number)
{
    uint32_t version = worker->database->versions[number];

    return version != 0 && !(version & ABSENT);
}

static struct bytes set_value(const struct dataset *set, void *room, uint32_t number, uint32_t version)
{
    return set->value ? set->value(room, number, version) : value_of(number, version, 0, set->size);
}

void worker_put(struct worker *worker, uint32_t number)
{
    uint32_t version = worker_next_version(worker, number);

    key_make(worker->key, number);
    worker->backend->put(worker->session, worker->key,
                         set_value(worker->database->set, worker->made, number, version));
}

/* Fills in worker->items with the next versions of objects. */
static void items_make(struct worker *worker, const uint32_t *numbers, size_t count)
{
    const struct dataset *set = worker->database->set;

    for (size_t i = 0; i < count; i++) {
        struct item *item = &worker->items[i];
        uint32_t version = worker_next_version(worker, numbers[i]);

        key_make((char *)item->key, numbers[i]);
        item->value = set_value(set, worker->made + i * set->size, numbers[i], version);
    }
}

void worker_put_many(struct worker *worker, const uint32_t *numbers, size_t count)
{
    items_make(worker, numbers, count);
    worker->backend->put_many(worker->session, worker->items, count);
}

void worker_append_many(struct worker *worker, const uint32_t *numbers, size_t count)
{
    if (!worker->backend->append_many) {
        worker_put_many(worker, numbers, count);
        return;
    }
    items_make(worker, numbers, count);
    worker->backend->append_many(worker->session, worker->items, count);
}

void worker_check(const struct worker *worker, uint32_t number, struct bytes value, bool whole)
{
    const struct database *db = worker->database;
    uint32_t version = db->versions[number] & ~ABSENT;
    struct bytes expected = set_value(db->set, worker->made, number, version);

    if (value.size != expected.size || memcmp(value.data, expected.data, whole ? value.size : 8) != 0)
        fail("wrong result: %s gave other bytes than were put at object %u, version %u", db->backend->name,
             number, version);
}

void worker_check_one(struct worker *worker, uint32_t number)
{
    size_t size;
    bool found;

    key_make(worker->key, number);
    found = worker->backend->get(worker->session, worker->key, worker->buffer, BLOCK_SIZE, &size);
    if (found != worker_expects(worker, number))
        fail("wrong result: in %s object %u is %s", worker->backend->name, number,
             found ? "there, but was deleted" : "gone");
    if (found)
        worker_check(worker, number, (struct bytes){ worker->buffer, size }, true);
}

void worker_check_sample(struct worker *worker)
{
    const struct dataset *set = worker->database->set;

    if (set->check) {
        set->check(worker);
        return;
    }
    for (uint32_t i = 0; i < SAMPLE && i < set->count; i++)
        worker_check_one(worker, worker_pick(worker));
}

uint32_t shuffled(const struct dataset *set, uint32_t i)
{
    return (uint32_t)((uint64_t)i * SHUFFLE % set->count);
}

/* Puts the waiting numbers. */
static void flush(struct worker *worker, size_t *waiting, enum order order)
{
    if (order == ASCENDING)
        worker_append_many(worker, worker->numbers, *waiting);
    else
        worker_put_many(worker, worker->numbers, *waiting);
    *waiting = 0;
}

void worker_fill(struct worker *worker, enum order order)
{
    const struct dataset *set = worker->database->set;
    size_t many = BLOCK_SIZE / set->size < MANY ? BLOCK_SIZE / set->size : MANY, waiting = 0;

    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t number = order == SHUFFLED ? shuffled(set, i) : i;

        if (worker_expects(worker, number))
            continue;
        worker->numbers[waiting++] = number;
        if (waiting == many)
            flush(worker, &waiting, order);
    }
    if (waiting > 0)
        flush(worker, &waiting, order);
}
