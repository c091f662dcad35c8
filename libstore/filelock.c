/*
 * filelock.c - open file description locks: they belong to the descriptor, so they work between
 * threads' descriptors and across pid namespaces, and they end with their holder.
 */
#include "filelock.h"

#include <errno.h>

int file_lock(int fd, short type, off_t at, bool wait)
{
    struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
    int rc;

    do
        rc = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &range);
    while (rc != 0 && errno == EINTR);
    return rc;
}

bool file_locked(int fd, off_t at)
{
    struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

    return fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}
