/* backup.c - whole copies of a store: a backup while it is in use, a compact one in its place. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "store_private.h"

#define DIRECTORY_MODE 0770
#define COMPACT_SUFFIX ".compact"

static const char *const file_names[2] = { OBJECTS_FILE, BODIES_FILE };

/* ------------------------------------------------------------------ files */

static int join(char out[PATH_MAX], const char *directory, const char *name, const char *suffix)
{
    if (snprintf(out, PATH_MAX, "%s/%s%s", directory, name, suffix) >= PATH_MAX)
        return problem(STORE_BAD_ARGUMENT, "the path is too long");
    return STORE_OK;
}

static int file_size(uint64_t *out, const char *directory, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    int rc = join(path, directory, name, "");

    if (rc == STORE_OK && stat(path, &st) != 0)
        rc = directory_problem(errno, path);
    *out = rc == STORE_OK ? (uint64_t)st.st_size : 0;
    return rc;
}

static int both_sizes(uint64_t *out, const char *directory)
{
    uint64_t objects, bodies;
    int rc = file_size(&objects, directory, OBJECTS_FILE);

    if (rc == STORE_OK)
        rc = file_size(&bodies, directory, BODIES_FILE);
    *out = rc == STORE_OK ? objects + bodies : 0;
    return rc;
}

/* ----------------------------------------------------------------- backup */

struct backup {
    store *store;
    const char *target;
    int (*progress)(uint64_t done, uint64_t total, void *payload);
    void *payload;
    uint64_t done, total;
};

static int tell(const struct backup *backup)
{
    /* The files may have grown, or been copied without their last free pages. */
    uint64_t total = backup->total > backup->done ? backup->total : backup->done;

    if (backup->progress && backup->progress(backup->done, total, backup->payload) != 0)
        return problem(STORE_BUSY, "the backup was given up");
    return STORE_OK;
}

static int copy_file(struct backup *backup, struct engine *engine, const char *name)
{
    char path[PATH_MAX];
    uint64_t size;
    int rc = join(path, backup->target, name, "");

    if (rc == STORE_OK)
        rc = engine_copy(engine, path, false);
    if (rc == STORE_OK)
        rc = file_size(&size, backup->target, name);
    if (rc == STORE_OK)
        backup->done += size;
    return rc;
}

/*
 * The objects first, then the bodies: everything that the copied objects refer to was in the bodies
 * file before. That it still is when the bodies are copied is what the reclaim lock is for: while it
 * is held shared, no process's caretaker deletes chunks. Bodies that come meanwhile are copied too;
 * in the backup they are unpublished uploads of a session that is gone, and are swept away.
 */
static int copy_files(struct backup *backup)
{
    store *s = backup->store;
    int hold, rc;

    rc = shared_hold_reclaim(&hold, s->path);
    if (rc != STORE_OK)
        return rc;
    rc = tell(backup);
    if (rc == STORE_OK)
        rc = copy_file(backup, s->objects, OBJECTS_FILE);
    if (rc == STORE_OK)
        rc = tell(backup);
    if (rc == STORE_OK)
        rc = copy_file(backup, s->bodies, BODIES_FILE);
    if (hold >= 0)
        close(hold);
    if (rc != STORE_OK)
        return rc;
    backup->total = backup->done;
    return tell(backup);
}

static void remove_files(const char *directory)
{
    char path[PATH_MAX];

    for (int i = 0; i < 2; i++)
        if (snprintf(path, sizeof path, "%s/%s", directory, file_names[i]) < (int)sizeof path)
            unlink(path);
    rmdir(directory);
}

int store_backup(store *s, const char *target, int (*progress)(uint64_t done, uint64_t total, void *payload),
                 void *payload)
{
    struct backup backup = { .store = s, .target = target, .progress = progress, .payload = payload };
    int rc;

    store_enter();
    rc = both_sizes(&backup.total, s->path);
    if (rc != STORE_OK)
        return rc;
    if (mkdir(target, DIRECTORY_MODE) != 0)
        return errno == EEXIST ? problem(STORE_KEY_CONFLICT, "the target exists: %s", target)
                               : directory_problem(errno, target);
    rc = copy_files(&backup);
    if (rc == STORE_OK)
        rc = directory_sync(target);
    if (rc == STORE_OK)
        rc = directory_sync_parent(target);
    if (rc != STORE_OK)
        remove_files(target);
    return rc;
}

/* ---------------------------------------------------------------- compact */

/* The copy belongs to whom the original did. */
static int take_after(const char *copy, const struct stat *original)
{
    if (chmod(copy, original->st_mode & 07777) != 0)
        return directory_problem(errno, copy);
    if (geteuid() == 0 && chown(copy, original->st_uid, original->st_gid) != 0)
        return directory_problem(errno, copy);
    return STORE_OK;
}

/* Writes NAME.compact, whole and on disk. */
static int make_compact(const char *directory, const char *name)
{
    /* Opening and closing it alone leaves no checkpoint to go back to, which the new file could not. */
    struct engine_options options = { .checkpoints = true };
    char path[PATH_MAX], copy[PATH_MAX];
    struct engine *engine;
    struct stat st;
    int rc = join(path, directory, name, "");

    if (rc == STORE_OK)
        rc = join(copy, directory, name, COMPACT_SUFFIX);
    if (rc == STORE_OK && stat(path, &st) != 0)
        rc = directory_problem(errno, path);
    if (rc == STORE_OK && unlink(copy) != 0 && errno != ENOENT) /* a crash's */
        rc = directory_problem(errno, copy);
    if (rc != STORE_OK)
        return rc;
    options.file_mode = st.st_mode & 0777;
    rc = engine_open(&engine, path, &options);
    if (rc != STORE_OK)
        return rc;
    rc = engine_copy(engine, copy, true);
    engine_close(engine);
    return rc == STORE_OK ? take_after(copy, &st) : rc;
}

static int put_in_place(const char *directory, const char *name)
{
    char path[PATH_MAX], copy[PATH_MAX];
    int rc = join(path, directory, name, "");

    if (rc == STORE_OK)
        rc = join(copy, directory, name, COMPACT_SUFFIX);
    if (rc == STORE_OK && rename(copy, path) != 0)
        rc = directory_problem(errno, path);
    return rc;
}

static void remove_copies(const char *directory)
{
    char copy[PATH_MAX];

    for (int i = 0; i < 2; i++)
        if (snprintf(copy, sizeof copy, "%s/%s" COMPACT_SUFFIX, directory, file_names[i]) < (int)sizeof copy)
            unlink(copy);
}

/* Each copy has the same content as its original, so a crash between the two renames leaves a whole
 * store as well; LMDB's lock files stay, for they say nothing about a file that nobody has open. */
static int compact(const char *directory)
{
    int rc = STORE_OK;

    for (int i = 0; i < 2 && rc == STORE_OK; i++)
        rc = make_compact(directory, file_names[i]);
    for (int i = 0; i < 2 && rc == STORE_OK; i++)
        rc = put_in_place(directory, file_names[i]);
    if (rc == STORE_OK)
        rc = directory_sync(directory);
    if (rc != STORE_OK)
        remove_copies(directory);
    return rc;
}

int store_compact(const char *path, uint64_t *before, uint64_t *after)
{
    struct shared *shared;
    uint64_t size;
    int rc;

    store_enter();
    *before = *after = 0;
    rc = both_sizes(&size, path); /* nothing is made in a directory that is no store */
    if (rc == STORE_OK)
        rc = shared_open(&shared, path, false, true, 0660);
    if (rc != STORE_OK)
        return rc;
    rc = both_sizes(&size, path);
    if (rc == STORE_OK)
        rc = compact(path);
    if (rc == STORE_OK) {
        *before = size;
        rc = both_sizes(after, path);
        /* Commits count from one again: what is remembered of earlier ones would seem to come. */
        shared_namespace_set(shared, 0);
    }
    shared_close(shared);
    if (rc != STORE_OK)
        *before = *after = 0;
    return rc;
}
