/*
 * work_tree.c - a tree of 10,000 files as large as those of a program's source, in the hands of tar, cat
 * and rm.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount.h"
#include "process.h"

enum { FILES = 10000, FILES_EACH = 12, DIRECTORIES_EACH = 8 };

static void fill_nothing(struct worker *worker)
{
    (void)worker;
}

static void check_tree(struct worker *worker);

/* Nothing is known of it as objects. */
static const struct dataset set_tree = {
    .name = "tree", .count = 1, .size = 1, .fill = fill_nothing, .check = check_tree
};

/* -------------------------------------------------------------- the original */

static void must(bool fine, const char *path)
{
    if (!fine)
        fail("%s: %s", path, strerror(errno));
}

/* From 256 bytes to 64 KiB, most of them small: 10 KiB in the mean, 4 in the middle. */
static size_t size_of(uint32_t file)
{
    uint64_t state = file + 1;

    random_next(&state);
    return (size_t)(256 * exp2(8 * (double)(random_next(&state) >> 11) * 0x1p-53));
}

static void write_file(const char *path, uint32_t number)
{
    struct bytes value = value_of(number, 1, 0, size_of(number));
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    must(file >= 0 && write(file, value.data, value.size) == (ssize_t)value.size && close(file) == 0, path);
}

/* Directory `number` is in the directory (number - 1) / DIRECTORIES_EACH, number 0 is the tree. */
static char *directory_path(const char *tree, uint32_t number)
{
    char *parent, *path;

    if (number == 0)
        return files_join(tree, "");
    parent = directory_path(tree, (number - 1) / DIRECTORIES_EACH);
    if (asprintf(&path, "%sdirectory%u/", parent, number) < 0)
        fail("no memory for a path");
    free(parent);
    return path;
}

static void make_tree(const char *tree)
{
    for (uint32_t i = 0; i < FILES; i++) {
        char *directory = directory_path(tree, i / FILES_EACH), *path;

        if (i % FILES_EACH == 0)
            must(mkdir(directory, 0755) == 0, directory);
        if (asprintf(&path, "%sfile%u.c", directory, i) < 0)
            fail("no memory for a path");
        write_file(path, i);
        free(path);
        free(directory);
    }
}

/* The directory that has the tree and, as "tree.tar", the archive of it; made once for all file systems. */
static const char *original(const struct database *db)
{
    static char *directory;
    char *beside, *tree, *archive;

    if (directory)
        return directory;
    beside = files_join(db->directory, "..");
    directory = files_join(beside, "original");
    tree = files_join(directory, "tree");
    archive = files_join(directory, "tree.tar");
    must(mkdir(directory, 0700) == 0, directory);
    make_tree(tree);
    process_run((const char *const[]){ "tar", "-C", directory, "-cf", archive, "tree", NULL }, NULL);
    free(beside);
    free(tree);
    free(archive);
    return directory;
}

/* -------------------------------------------------------------- the workloads */

static char *tree_of(const struct worker *worker)
{
    return files_join(((const struct mount *)worker->session)->path, "people/tree");
}

static bool is_there(const struct worker *worker)
{
    char *tree = tree_of(worker);
    bool found = access(tree, F_OK) == 0;

    free(tree);
    return found;
}

/* Runs a command on the tree, and returns how many files it did in a second. */
static double timed(const char *const *arguments, const char *output)
{
    uint64_t begin = now_ns();

    process_run(arguments, output);
    return FILES / ((double)(now_ns() - begin) / 1e9);
}

static double unpack(struct worker *worker)
{
    char *archive = files_join(original(worker->database), "tree.tar");
    char *people = files_join(((const struct mount *)worker->session)->path, "people");
    double rate = timed((const char *const[]){ "tar", "-C", people, "-xf", archive, NULL }, NULL);

    free(archive);
    free(people);
    return rate;
}

static double remove_tree(struct worker *worker)
{
    char *tree = tree_of(worker);
    double rate = timed((const char *const[]){ "rm", "-r", tree, NULL }, NULL);

    free(tree);
    return rate;
}

static void check_tree(struct worker *worker)
{
    char *tree = tree_of(worker), *expected = files_join(original(worker->database), "tree");

    if (is_there(worker))
        process_run((const char *const[]){ "diff", "-r", expected, tree, NULL }, NULL);
    free(tree);
    free(expected);
}

static void prepare_unpack(struct worker *worker)
{
    original(worker->database);
    if (is_there(worker))
        remove_tree(worker);
}

static void prepare_remove(struct worker *worker)
{
    if (!is_there(worker))
        unpack(worker);
}

static void prepare_read(struct worker *worker)
{
    prepare_remove(worker);
    mount_again(worker);
}

static void measure_unpack(struct worker *worker, struct sample *sample)
{
    sample->value = unpack(worker);
}

/* As tar would read it: in the order of the directories, each file whole. */
static void measure_read(struct worker *worker, struct sample *sample)
{
    char *tree = tree_of(worker);

    sample->value =
        timed((const char *const[]){ "find", tree, "-type", "f", "-exec", "cat", "{}", "+", NULL }, NULL);
    free(tree);
}

static void measure_remove(struct worker *worker, struct sample *sample)
{
    sample->value = remove_tree(worker);
    if (is_there(worker))
        fail("wrong result: %s has the tree that was removed", worker->backend->name);
}

const struct workload work_tree[] = {
    {
        .name = "tree-unpack",
        .title = "tar x of 10,000 files",
        .unit = "files/s",
        .set = &set_tree,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 1 } },
        .rounds_max = 3,
        .quick = true,
        .prepare = prepare_unpack,
        .measure = measure_unpack,
    },
    {
        .name = "tree-read",
        .title = "cat of all, remounted",
        .unit = "files/s",
        .set = &set_tree,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 1.5 } },
        .rounds_max = 3,
        .quick = true,
        .prepare = prepare_read,
        .measure = measure_read,
    },
    {
        .name = "tree-remove",
        .title = "rm -r of all",
        .unit = "files/s",
        .set = &set_tree,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 2 } },
        .rounds_max = 3,
        .quick = true,
        .prepare = prepare_remove,
        .measure = measure_remove,
    },
    { .name = NULL },
};
