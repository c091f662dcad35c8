/*
 * files.c - directories of the benchmark: names in them, their size, their end; and failing.
 */
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* _exit: other threads may be at work, and what they use must not be torn down below them. */
_Noreturn void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    flockfile(stderr);
    fputs("\nbench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(1);
}

void *allocate(size_t size)
{
    void *memory = malloc(size);

    if (!memory)
        fail("no memory for %zu bytes", size);
    return memory;
}

void *allocate_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (!memory)
        fail("no memory for %zu times %zu bytes", count, size);
    return memory;
}

char *files_join(const char *directory, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s", directory, name) < 0)
        fail("no memory for a path");
    return path;
}

/* nftw() has no payload. */
static _Thread_local uint64_t disk_bytes;

static int count_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)path;
    (void)walk;
    if (type == FTW_F)
        disk_bytes += (uint64_t)stat->st_blocks * 512;
    return 0;
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

uint64_t files_disk_bytes(const char *directory)
{
    disk_bytes = 0;
    if (nftw(directory, count_entry, 16, FTW_PHYS) != 0)
        fail("%s: %s", directory, strerror(errno));
    return disk_bytes;
}

void files_remove(const char *directory)
{
    if (nftw(directory, remove_entry, 16, FTW_PHYS | FTW_DEPTH) != 0 && errno != ENOENT)
        fprintf(stderr, "bench: cannot remove %s: %s\n", directory, strerror(errno));
}
