/*
 * curve_bounds.c - what must not grow: the time that opening takes, and the memory that streams and
 * listings need. Memory is what the process has of its own (RssAnon): the pages of mapped files are the
 * system's, which takes them back when it needs them.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "curve.h"
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

/* A thread that looks, while another works, how large the process's own memory becomes. */
struct watch {
    pthread_t thread;
    atomic_bool ended;
    double before, most; /* MiB */
};

static double anonymous_mib(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;

    if (!file)
        fail("cannot read /proc/self/status");
    while (kib < 0 && fgets(line, sizeof line, file))
        sscanf(line, "RssAnon: %ld kB", &kib);
    fclose(file);
    if (kib < 0)
        fail("/proc/self/status has no RssAnon");
    return (double)kib / 1024;
}

static void *watch_main(void *opaque)
{
    static const struct timespec pause = { .tv_nsec = 2000000 };
    struct watch *watch = opaque;

    while (!watch->ended) {
        double now = anonymous_mib();

        watch->most = now > watch->most ? now : watch->most;
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void watch_begin(struct watch *watch)
{
    *watch = (struct watch){ .before = anonymous_mib() };
    errno = pthread_create(&watch->thread, NULL, watch_main, watch);
    if (errno != 0)
        fail("cannot start a thread: %s", strerror(errno));
}

/* MiB that it grew by at most. */
static double watch_end(struct watch *watch)
{
    watch->ended = true;
    pthread_join(watch->thread, NULL);
    return watch->most - watch->before;
}

static double watch_put(struct worker *worker)
{
    struct value_stream stream = { .size = body_size };
    struct watch watch;

    watch_begin(&watch);
    worker->backend->upload(worker->session, "/people/body", &stream);
    return watch_end(&watch);
}

static double watch_get(struct worker *worker)
{
    struct value_stream stream = { .size = body_size };
    struct watch watch;

    watch_begin(&watch);
    worker->backend->download(worker->session, "/people/body", &stream);
    return watch_end(&watch);
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
    struct watch watch;
    double growth;

    watch_begin(&watch);
    worker->backend->list(worker->session, NULL, 0, bodies, count_one, &seen);
    growth = watch_end(&watch);
    if (seen != objects)
        fail("wrong result: a listing of %u has %ju entries", objects, (uintmax_t)seen);
    return growth;
}

void curve_memory(struct memory_growth *out, struct database *db, uint32_t objects)
{
    struct worker *worker = worker_of(db, 0, 1);

    out->list = watch_list(worker, objects, false);
    out->list_bodies = watch_list(worker, objects, true);
    out->put_body = watch_put(worker);
    out->get_body = watch_get(worker);
}
