/*
 * work_read.c - GET of bodies of several sizes, and listing.
 */
#include "bench.h"

enum { PAGE = 100 };

static void must_be_there(bool found, const struct worker *worker, uint32_t number)
{
    if (!found)
        fail("wrong result: %s has no object %u", worker->backend->name, number);
}

static bool step_view(struct worker *worker)
{
    uint32_t number = worker_pick(worker);
    struct bytes value;

    key_make(worker->key, number);
    must_be_there(worker->backend->view(worker->session, worker->key, &value), worker, number);
    worker_check(worker, number, value, false);
    worker->backend->view_end(worker->session);
    return true;
}

static bool step_get(struct worker *worker)
{
    uint32_t number = worker_pick(worker);
    size_t size;

    key_make(worker->key, number);
    must_be_there(worker->backend->get(worker->session, worker->key, worker->buffer, BLOCK_SIZE, &size), worker,
                  number);
    worker_check(worker, number, (struct bytes){ worker->buffer, size }, false);
    return true;
}

/* A listing that goes on: what it must show next. */
struct expected {
    const struct worker *worker;
    uint32_t next;
};

static void wrong_entry(const struct expected *expected, const char *name, size_t size)
{
    fail("wrong result: %s lists '%.*s' as number %u", expected->worker->backend->name, (int)size, name,
         expected->next);
}

/* Cheap enough to be done while the time is taken: a raw cursor takes 50 ns for an entry. */
static void visit_quickly(void *payload, const char *name, size_t name_size, struct bytes value)
{
    struct expected *expected = payload;

    if (value.size != expected->worker->database->set->size ||
        name[name_size - 1] != (char)('0' + expected->next % 10))
        wrong_entry(expected, name, name_size);
    if (value.data)
        worker_check(expected->worker, expected->next, value, false);
    expected->next++;
}

static void visit_thoroughly(void *payload, const char *name, size_t name_size, struct bytes value)
{
    struct expected *expected = payload;

    if (key_number(name, name_size) != expected->next)
        wrong_entry(expected, name, name_size);
    worker_check(expected->worker, expected->next, value, true);
    expected->next++;
}

/* Lists from the object `first` on. */
static void list(struct worker *worker, uint32_t first, uint32_t limit, bool bodies, visit_fn *visit)
{
    struct expected expected = { worker, first };
    uint32_t left = worker->database->set->count - first, wanted = limit && limit < left ? limit : left;

    if (first > 0)
        key_make(worker->key, first - 1);
    if (worker->backend->list(worker->session, first > 0 ? worker->key : NULL, limit, bodies, visit, &expected) !=
        wanted)
        fail("wrong result: %s lists %u entries instead of %u", worker->backend->name, expected.next - first,
             wanted);
}

static void check_list(struct worker *worker)
{
    list(worker, 0, 0, true, visit_thoroughly);
}

static bool step_list(struct worker *worker)
{
    list(worker, 0, 0, false, visit_quickly);
    return true;
}

static bool step_scan(struct worker *worker)
{
    list(worker, 0, 0, true, visit_quickly);
    return true;
}

static bool step_page(struct worker *worker)
{
    list(worker, worker_pick(worker), PAGE, false, visit_quickly);
    return true;
}

const struct workload work_read[] = {
    {
        .name = "get-view",
        .title = "GET, borrowed view",
        .set = &set_small,
        .entrants = { STORES_AND_FILES },
        .goals = { { .peer = "lmdb", .at_least = 0.80 } },
        .timed_each = 16,
        .step = step_view,
        .quick = true,
    },
    {
        .name = "get-2t",
        .title = "GET, copied, 2 threads",
        .set = &set_small,
        .entrants = { STORES_AND_FILES },
        .goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .threads = 2,
        .timed_each = 16,
        .step = step_get,
    },
    {
        .name = "get-16k",
        .title = "GET of 16 KiB, copied",
        .set = &set_16k,
        .entrants = { STORES_AND_FILES },
        .goals = { { .peer = "lmdb", .at_least = 0.85 } },
        .timed_each = 16,
        .step = step_get,
    },
    {
        .name = "get-1m",
        .title = "GET of 1 MiB, copied",
        .set = &set_1m,
        .entrants = { STORES_AND_FILES },
        .goals = { { .peer = "lmdb", .at_least = 0.80 } },
        .step = step_get,
    },
    {
        .name = "list",
        .title = "list all, names and sizes",
        .unit = "entries/s",
        .set = &set_small,
        .entrants = { STORES },
        .goals = { { .peer = "lmdb", .at_least = 0.5 } },
        .operations = SMALL_COUNT,
        .prepare = check_list,
        .step = step_list,
    },
    {
        .name = "scan",
        .title = "scan all, with bodies",
        .unit = "entries/s",
        .set = &set_small,
        .entrants = { STORES },
        .goals = { { .peer = "lmdb", .at_least = 0.5 } },
        .operations = SMALL_COUNT,
        .prepare = check_list,
        .step = step_scan,
    },
    {
        .name = "page",
        .title = "a page of 100",
        .unit = "pages/s",
        .set = &set_small,
        .entrants = { STORES },
        .goals = { { .peer = "lmdb", .at_least = 0.6 } },
        .step = step_page,
    },
    { .name = NULL },
};
