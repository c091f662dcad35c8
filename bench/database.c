/*
 * database.c - the databases that workloads run on: opened and filled when first needed, then kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"

static struct database *databases;

/* Reads every object once, so that its pages are in memory and mapped. */
static void warm(struct worker *worker)
{
    const struct dataset *set = worker->database->set;
    size_t size;

    for (uint32_t i = 0; i < set->count; i++) {
        if (!worker_expects(worker, i))
            continue;
        key_make(worker->key, i);
        worker->backend->get(worker->session, worker->key, worker->buffer, BLOCK_SIZE, &size);
    }
}

void database_settle(struct database *db)
{
    if (db->backend->sync)
        db->backend->sync(db->handle);
    if (db->backend->settle)
        db->backend->settle(db->handle);
}

static void fill(struct database *db)
{
    struct worker *worker = worker_of(db, 0, 1);

    if (db->set->fill)
        db->set->fill(worker);
    else
        worker_fill(worker, SHUFFLED);
    database_settle(db);
    warm(worker);
}

/* Takes the directory over. */
static struct database *database_open(const struct backend *backend, enum durability durability,
                                      const struct dataset *set, char *directory)
{
    struct database *db = allocate_zeroed(1, sizeof *db);

    if (mkdir(directory, 0700) != 0)
        fail("%s: %s", directory, strerror(errno));
    db->backend = backend;
    db->durability = durability;
    db->set = set;
    db->directory = directory;
    db->versions = allocate_zeroed(set->count, sizeof *db->versions);
    db->handle = backend->open(directory, durability);
    return db;
}

struct database *database_scratch(const struct database *like)
{
    return database_open(like->backend, like->durability, like->set, files_join(like->directory, "scratch"));
}

struct database *database_get(const struct backend *backend, enum durability durability,
                              const struct dataset *set, const struct options *options)
{
    struct database *db;
    char *directory;

    for (db = databases; db; db = db->next)
        if (db->backend == backend && db->durability == durability && db->set == set)
            return db;
    if (asprintf(&directory, "%s/%s-%s-%s", options->directory, backend->name,
                 durability == DURABLE ? "durable" : "relaxed", set->name) < 0)
        fail("no memory for a path");
    db = database_open(backend, durability, set, directory);
    fill(db);
    db->next = databases;
    databases = db;
    return db;
}

void database_suspend(struct database *db)
{
    for (int i = 0; i < THREADS_MAX; i++) {
        if (db->sessions[i])
            db->backend->session_close(db->sessions[i]);
        db->sessions[i] = NULL;
    }
    db->backend->close(db->handle);
}

void database_resume(struct database *db)
{
    db->handle = db->backend->open(db->directory, db->durability);
}

void database_close(struct database *db)
{
    database_suspend(db);
    files_remove(db->directory);
    free(db->directory);
    free(db->versions);
    free(db);
}

static bool is_used(const struct database *db, const struct workload **later)
{
    for (; *later; later++)
        for (unsigned e = 0; e < ENTRANTS_MAX && (*later)->entrants[e].backend; e++) {
            const struct entrant *entrant = &(*later)->entrants[e];

            if (entrant->backend == db->backend && entrant->durability == db->durability &&
                (entrant->set ? entrant->set : (*later)->set) == db->set)
                return true;
        }
    return false;
}

void database_close_unused(const struct workload **later)
{
    for (struct database **link = &databases; *link;) {
        struct database *db = *link;

        if (is_used(db, later)) {
            link = &db->next;
            continue;
        }
        *link = db->next;
        database_close(db);
    }
}

void database_close_all(void)
{
    database_close_unused(&(const struct workload *){ NULL });
}
