/* content_overlay.c - pages that were written, in a temporary file without a name. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "content_private.h"

#define KEPT_PAGES 256                      /* the file of so many is not emptied */
#define DISK_RESERVE ((uint64_t)4 << 20)    /* left to the store: deleting takes a little space, too */
#define CREDIT_MAX ((uint64_t)64 << 20)

/* ----------------------------------------------------------- temporary file */

/* For file systems that cannot make a file without a name. */
static int open_and_unlink(store *s)
{
    char path[PATH_MAX];
    int file;

    if (snprintf(path, sizeof path, "%s/.storefs-XXXXXX", store_path(s)) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    return file;
}

static int open_file(struct overlay *overlay, const struct content_pool *pool)
{
    if (overlay->file >= 0)
        return 0;
    overlay->file = openat(pool->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (overlay->file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        overlay->file = open_and_unlink(pool->store);
    return overlay->file >= 0 ? 0 : errno;
}

/* Others use the disk at the same time: no more is given than a part of what is left. */
static int take_room(struct overlay *overlay, uint64_t size)
{
    struct statvfs disk;
    uint64_t left;

    if (overlay->credit < size && fstatvfs(overlay->file, &disk) == 0) {
        left = (uint64_t)disk.f_bavail * disk.f_frsize;
        if (left < size + DISK_RESERVE)
            return ENOSPC;
        left = (left - size - DISK_RESERVE) / 16;
        overlay->credit = size + (left < CREDIT_MAX ? left : CREDIT_MAX);
    }
    overlay->credit -= overlay->credit < size ? overlay->credit : size;
    return 0;
}

static int write_all(int file, const char *data, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(file, data, size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno == EDQUOT ? ENOSPC : errno;
        data += written;
        size -= (size_t)written;
        offset += (uint64_t)written;
    }
    return 0;
}

/* ------------------------------------------------------------------- pages */

static uint64_t page_behind(uint64_t offset)
{
    return (offset + PAGE - 1) / PAGE;
}

void overlay_release(struct overlay *overlay)
{
    if (overlay->file >= 0)
        close(overlay->file);
    overlay->file = -1;
    pages_release(&overlay->pages);
}

/* What is left in the file is never seen: a page is put in as a whole. */
void overlay_clear(struct overlay *overlay)
{
    if (overlay->pages.total > KEPT_PAGES)
        overlay_release(overlay);
    pages_release(&overlay->pages);
}

int overlay_read(const struct overlay *overlay, void *buffer, size_t size, uint64_t offset)
{
    char *to = buffer;

    while (size > 0) {
        ssize_t got = pread(overlay->file, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0) { /* pages of zeros may lie behind the file's end */
            memset(to, 0, size);
            return 0;
        }
        to += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

int overlay_write(struct overlay *overlay, const struct content_pool *pool, const void *data, size_t size,
                  uint64_t offset)
{
    uint64_t first = offset / PAGE, end = page_behind(offset + size);
    int error = open_file(overlay, pool);

    if (!error && pages_next_absent(&overlay->pages, first) < end)
        error = take_room(overlay, size);
    if (!error)
        error = write_all(overlay->file, data, size, offset);
    if (!error && !pages_add(&overlay->pages, first, end))
        error = ENOMEM;
    return error;
}

static int write_zeros(int file, uint64_t offset, uint64_t size)
{
    static const char zeros[64 << 10];
    int error = 0;

    for (size_t part; size > 0 && !error; size -= part) {
        part = size < sizeof zeros ? (size_t)size : sizeof zeros;
        error = write_all(file, zeros, part, offset);
        offset += part;
    }
    return error;
}

int overlay_zero(struct overlay *overlay, const struct content_pool *pool, uint64_t first, uint64_t end)
{
    off_t offset = (off_t)(first * PAGE), size = (off_t)((end - first) * PAGE);
    int error = open_file(overlay, pool);

    if (!error && fallocate(overlay->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size) < 0)
        error = errno == EOPNOTSUPP ? write_zeros(overlay->file, (uint64_t)offset, (uint64_t)size) : errno;
    if (!error && !pages_add(&overlay->pages, first, end))
        error = ENOMEM;
    return error;
}

/* A file system that does not know holes calls all of it data. */
void overlay_extent(bool *data, uint64_t *end, const struct overlay *overlay, uint64_t offset, uint64_t limit)
{
    off_t begin = lseek(overlay->file, (off_t)offset, SEEK_DATA), next;

    *data = begin == (off_t)offset || (begin < 0 && errno != ENXIO);
    next = *data ? lseek(overlay->file, (off_t)offset, SEEK_HOLE) : begin;
    *end = next < 0 || (uint64_t)next > limit ? limit : (uint64_t)next;
}
