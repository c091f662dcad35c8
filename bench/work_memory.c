/*
 * work_memory.c - the memory that the server of storefs needs: when the kernel knows a million files, and
 * while a large file is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory.h"
#include "mount.h"

/* ------------------------------------------------------------- known files */

enum { KNOWN = 1000000, KNOWN_SIZE = 100 };

/* Into the store itself, which takes seconds; through the mount it would take minutes. */
static void fill_known(struct worker *worker)
{
    char *store = files_join(worker->database->directory, "back");
    void *db, *session;

    database_suspend(worker->database);
    db = backend_libstore.open(store, RELAXED);
    session = backend_libstore.session_open(db);
    for (uint32_t i = 0; i < KNOWN; i += MANY) {
        for (uint32_t j = 0; j < MANY; j++) {
            key_make((char *)worker->items[j].key, i + j);
            worker->items[j].value = value_of(i + j, 1, 0, KNOWN_SIZE);
        }
        backend_libstore.put_many(session, worker->items, MANY);
    }
    backend_libstore.session_close(session);
    backend_libstore.close(db);
    free(store);
    database_resume(worker->database);
}

/* The files are not objects of the set: nobody shall read a million of them to see that they are right. */
static void check_nothing(struct worker *worker)
{
    (void)worker;
}

static const struct dataset set_known = {
    .name = "known", .count = 1, .size = 1, .fill = fill_known, .check = check_nothing
};

static void look_at_all(const struct mount *mount)
{
    struct stat found;
    char key[KEY_MAX];

    for (uint32_t i = 0; i < KNOWN; i++) {
        key_make(key, i);
        if (fstatat(mount->root, key + 1, &found, AT_SYMLINK_NOFOLLOW) != 0)
            fail("stat %s: %s", key, strerror(errno));
        if (found.st_size != KNOWN_SIZE)
            fail("wrong result: %s has a size of %jd", key, (intmax_t)found.st_size);
    }
}

static void measure_known(struct worker *worker, struct sample *sample)
{
    const struct mount *mount = worker->session;

    look_at_all(mount);
    sample->value = memory_own_mib(mount->server);
}

/* What is resident in the strict sense. The kernel knows the files still. */
static void measure_resident(struct worker *worker, struct sample *sample)
{
    const struct mount *mount = worker->session;

    sample->value = memory_resident_mib(mount->server);
}

/* ------------------------------------------------------------ a large file */

static const uint64_t large_size = (uint64_t)4 << 30;

static void fill_nothing(struct worker *worker)
{
    (void)worker;
}

static const struct dataset set_large = {
    .name = "large", .count = 1, .size = 1, .fill = fill_nothing, .check = check_nothing
};

static void measure_write(struct worker *worker, struct sample *sample)
{
    static const char key[] = "/people/large";
    const struct mount *mount = worker->session;
    struct value_stream written = { .size = large_size }, expected = written;
    struct memory_watch watch;

    memory_watch_begin(&watch, mount->server);
    worker->backend->upload(worker->session, key, &written);
    memory_watch_end(&watch);
    worker->backend->download(worker->session, key, &expected);
    sample->value = watch.most;
}

/* -------------------------------------------------------------- the table */

#define STOREFS { .backend = &mount_storefs, .durability = RELAXED }

const struct workload work_memory[] = {
    {
        .name = "memory-known",
        .title = "own memory, 1 M files known",
        .unit = "MiB",
        .set = &set_known,
        .entrants = { STOREFS },
        .goals = { { .at_most = 400 } },
        .rounds_max = 1,
        .measure = measure_known,
    },
    {
        .name = "memory-known-resident",
        .title = "the same and the store's pages",
        .unit = "MiB",
        .set = &set_known,
        .entrants = { STOREFS },
        .goals = { { .at_most = 400 } },
        .rounds_max = 1,
        .measure = measure_resident,
    },
    {
        .name = "memory-write",
        .title = "own memory, writing 4 GiB",
        .unit = "MiB",
        .set = &set_large,
        .entrants = { STOREFS },
        .goals = { { .at_most = 128 } },
        .rounds_max = 1,
        .measure = measure_write,
    },
    { .name = NULL },
};
