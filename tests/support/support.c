/* support.c - a directory and a store for each test. */
#include "support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[1024];
static char *paths[256]; /* handed out by test_path and program */
static size_t path_count;
static store *opened;

void begin_test(void)
{
    const char *parent = getenv("TMPDIR");

    snprintf(directory, sizeof directory, "%s/libstore-test-XXXXXX", parent != NULL ? parent : "/tmp");
    cr_assert_not_null(mkdtemp(directory), "no directory %s", directory);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    remove(path); /* what cannot be removed now, tests/run.sh removes */
    return 0;
}

void end_test(void)
{
    close_store();
    if (directory[0] != '\0')
        nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    directory[0] = '\0';
    while (path_count > 0)
        free(paths[--path_count]);
}

const char *test_directory(void)
{
    return directory;
}

static const char *join(const char *folder, const char *name)
{
    char *path = NULL;

    cr_assert_lt(path_count, sizeof paths / sizeof paths[0], "too many paths in one test");
    cr_assert_geq(asprintf(&path, "%s/%s", folder, name), 0);
    paths[path_count++] = path;
    return path;
}

const char *test_path(const char *name)
{
    return join(directory, name);
}

const char *program(const char *name)
{
    const char *folder = getenv("STORE_BIN");

    return join(folder != NULL ? folder : "build", name);
}

store *test_store(void)
{
    if (opened == NULL)
        reopen_store(NULL);
    return opened;
}

store *reopen_store(const store_options *options)
{
    store_options usual = STORE_OPTIONS_INIT;

    usual.flags = STORE_OPEN_CREATE;
    close_store();
    assert_ok(store_open(&opened, test_path("store"), options != NULL ? options : &usual));
    return opened;
}

void close_store(void)
{
    store_close(opened);
    opened = NULL;
}
