/*
 * curve_bounds.c - what must not grow: the time that opening takes, and the memory that streams and
 * listings need.
 */
#include <string.h>
#include <unistd.h>

#include "curve.h"
#include "memory.h"
#include "store.h"

enum { OPENINGS = 7 };

/* ---------------------------------------------------------------- opening */

/* Milliseconds that opening and then a GET took. */
static void open_once(double *open_ms, double *get_ms, const char *directory)
{
    uint64_t begin = now_ns(), opened, got;
    char key[KEY_MAX];
    size_t size;
    void *body;
    store *s;

    if (store_open(&s, directory, NULL) < 0)
        libstore_fail("store_open");
    opened = now_ns();
    key_make(key, 0);
    if (store_get(&body, &size, NULL, s, key, NULL) < 0)
        libstore_fail("store_get");
    got = now_ns();
    store_free(body);
    store_close(s);
    *open_ms = (double)(opened - begin) / 1e6;
    *get_ms = (double)(got - opened) / 1e6;
}

void curve_opening(struct by_count *out, struct database *db)
{
    double open_ms[OPENINGS], get_ms[OPENINGS];

    database_suspend(db);
    for (int i = 0; i < OPENINGS; i++)
        open_once(&open_ms[i], &get_ms[i], db->directory);
    database_resume(db);
    out->open_ms = median(open_ms, OPENINGS);
    out->first_get_ms = median(get_ms, OPENINGS);
}

/* ----------------------------------------------------------------- memory */

static const uint64_t body_size = (uint64_t)4 << 30;

/* MiB that this process grew by at most. */
static double growth(struct memory_watch *watch)
{
    memory_watch_end(watch);
    return watch->most - watch->before;
}

static double watch_put(struct worker *worker)
{
    struct value_stream stream = { .size = body_size };
    struct memory_watch watch;

    memory_watch_begin(&watch, getpid());
    worker->backend->upload(worker->session, "/people/body", &stream);
    return growth(&watch);
}

static double watch_get(struct worker *worker)
{
    struct value_stream stream = { .size = body_size };
    struct memory_watch watch;

    memory_watch_begin(&watch, getpid());
    worker->backend->download(worker->session, "/people/body", &stream);
    return growth(&watch);
}

static void count_one(void *payload, const char *name, size_t size, struct bytes value)
{
    (void)name;
    (void)size;
    (void)value;
    ++*(uint64_t *)payload;
}

static double watch_list(struct worker *worker, uint32_t objects, bool bodies)
{
    uint64_t seen = 0;
    struct memory_watch watch;
    double grown;

    memory_watch_begin(&watch, getpid());
    worker->backend->list(worker->session, NULL, 0, bodies, count_one, &seen);
    grown = growth(&watch);
    if (seen != objects)
        fail("wrong result: a listing of %u has %ju entries", objects, (uintmax_t)seen);
    return grown;
}

void curve_memory(struct memory_growth *out, struct database *db, uint32_t objects)
{
    struct worker *worker = worker_of(db, 0, 1);

    out->list = watch_list(worker, objects, false);
    out->list_bodies = watch_list(worker, objects, true);
    out->put_body = watch_put(worker);
    out->get_body = watch_get(worker);
}
