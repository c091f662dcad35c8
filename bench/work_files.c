/*
 * work_files.c - ten thousand files of 1 KiB in one directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount.h"
#include "process.h"

enum { COUNT = 10000, SIZE = 1024 };

static void check_all(struct worker *worker)
{
    for (uint32_t i = 0; i < COUNT; i++)
        worker_check_one(worker, i);
}

static void fill_nothing(struct worker *worker)
{
    (void)worker;
}

static void fill(struct worker *worker)
{
    worker_fill(worker, ASCENDING);
}

static const struct dataset set_files = { .name = "files", .count = COUNT, .size = SIZE, .fill = fill };
/* Comes and goes; so all of it is read and compared after each slice. */
static const struct dataset set_passing = {
    .name = "passing", .count = COUNT, .size = SIZE, .fill = fill_nothing, .check = check_all
};

/* -------------------------------------------------------- creating, removing */

/* Removes the next file, and says whether there was another. */
static bool step_unlink(struct worker *worker)
{
    uint32_t number = worker->cursor++;

    if (number == COUNT)
        return false;
    worker_forget(worker, number);
    key_make(worker->key, number);
    if (!worker->backend->delete(worker->session, worker->key))
        fail("wrong result: %s has no file %u to remove", worker->backend->name, number);
    return true;
}

static void remove_all(struct worker *worker)
{
    if (worker_expects(worker, 0))
        while (step_unlink(worker))
            ;
}

static bool step_create(struct worker *worker)
{
    if (worker->cursor == COUNT)
        return false;
    worker_put(worker, worker->cursor++);
    return true;
}

/* ------------------------------------------------------------------ looking */

static bool step_read(struct worker *worker)
{
    if (worker->cursor == COUNT)
        return false;
    worker_check_one(worker, worker->cursor++);
    return true;
}

static bool step_stat(struct worker *worker)
{
    const struct mount *mount = worker->session;
    struct stat found;

    if (worker->cursor == COUNT)
        return false;
    key_make(worker->key, worker->cursor++);
    if (fstatat(mount->root, worker->key + 1, &found, AT_SYMLINK_NOFOLLOW) != 0)
        fail("stat %s: %s", worker->key, strerror(errno));
    if (found.st_size != SIZE)
        fail("wrong result: %s has a size of %jd", worker->key, (intmax_t)found.st_size);
    return true;
}

/* The lines about files: "-rw-r--r-- 1 ...". */
static uint32_t count_files(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[256];
    uint32_t count = 0;

    while (file && fgets(line, sizeof line, file))
        count += line[0] == '-';
    if (!file || fclose(file) != 0)
        fail("%s: %s", path, strerror(errno));
    return count;
}

static void measure_ls(struct worker *worker, struct sample *sample)
{
    const struct mount *mount = worker->session;
    char *people = files_join(mount->path, "people");
    char *listing = files_join(worker->database->directory, "listing");
    uint64_t begin = now_ns();

    process_run((const char *const[]){ "ls", "-lR", people, NULL }, listing);
    sample->value = COUNT / ((double)(now_ns() - begin) / 1e9);
    if (count_files(listing) != COUNT)
        fail("wrong result: ls shows %u files of %s", count_files(listing), worker->backend->name);
    free(people);
    free(listing);
}

/* ----------------------------------------------------------------- renaming */

/* Gives all files another name, and then their own again. */
static bool step_rename(struct worker *worker)
{
    const struct mount *mount = worker->session;
    bool back = worker->cursor >= COUNT;
    char other[KEY_MAX + 8];

    if (worker->cursor == 2 * COUNT)
        return false;
    key_make(worker->key, worker->cursor++ % COUNT);
    snprintf(other, sizeof other, "%s.moved", worker->key);
    if (renameat(mount->root, (back ? other : worker->key) + 1, mount->root, (back ? worker->key : other) + 1) != 0)
        fail("rename %s: %s", worker->key, strerror(errno));
    return true;
}

/* -------------------------------------------------------------- the table */

const struct workload work_files[] = {
    {
        .name = "create",
        .title = "create, write, close 1 KiB",
        .set = &set_passing,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 1.5 } },
        .to_the_end = true,
        .rounds_max = 3,
        .quick = true,
        .prepare = remove_all,
        .step = step_create,
    },
    {
        .name = "unlink",
        .title = "unlink",
        .set = &set_passing,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 2 } },
        .to_the_end = true,
        .rounds_max = 3,
        .quick = true,
        .prepare = fill,
        .step = step_unlink,
    },
    {
        .name = "create-fsync",
        .title = "create, write, fsync, close",
        .set = &set_passing,
        .entrants = { MOUNTS(DURABLE) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 1 } },
        .to_the_end = true,
        .rounds_max = 3,
        .prepare = remove_all,
        .step = step_create,
    },
    {
        .name = "read",
        .title = "open, read, close, remounted",
        .set = &set_files,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 1.5 } },
        .to_the_end = true,
        .quick = true,
        .prepare = mount_again,
        .step = step_read,
    },
    {
        .name = "stat",
        .title = "stat, remounted",
        .set = &set_files,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 1.5 } },
        .to_the_end = true,
        .quick = true,
        .prepare = mount_again,
        .step = step_stat,
    },
    {
        .name = "ls",
        .title = "ls -lR, remounted",
        .unit = "files/s",
        .set = &set_files,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 1.5 } },
        .quick = true,
        .prepare = mount_again,
        .measure = measure_ls,
    },
    {
        .name = "rename",
        .title = "rename",
        .set = &set_files,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 1.5 } },
        .to_the_end = true,
        .quick = true,
        .step = step_rename,
    },
    { .name = NULL },
};
