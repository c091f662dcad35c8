/*
 * slow_sync.c - makes every sync slower; to be loaded with LD_PRELOAD.
 *
 * A virtual disk acknowledges a flush within microseconds and so hides what a
 * design pays for each one. This library adds STORE_BENCH_SYNC_DELAY_US
 * microseconds to each call that waits for the disk, and lets those calls of
 * a process pass one at a time, as if one disk served them in order:
 * fsync, fdatasync, msync(MS_SYNC), a sync_file_range that waits, and writes
 * to a descriptor opened with O_DSYNC or O_SYNC, which is how LMDB makes its
 * meta page durable.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 100 * 1000 }; /* more than a sleep is late: the kernel's timer slack is 50 us */

/* The functions of the C library that those below stand before. */
static struct {
    __typeof__(&fsync) fsync;
    __typeof__(&fdatasync) fdatasync;
    __typeof__(&msync) msync;
    __typeof__(&sync_file_range) sync_file_range;
    __typeof__(&write) write;
    __typeof__(&writev) writev;
    __typeof__(&pwrite) pwrite;
    __typeof__(&pwrite64) pwrite64;
    __typeof__(&pwritev) pwritev;
    __typeof__(&pwritev64) pwritev64;
} next;

static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;
static int64_t delay_ns;

static void prepare(void)
{
    next.fsync = dlsym(RTLD_NEXT, "fsync");
    next.fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    next.msync = dlsym(RTLD_NEXT, "msync");
    next.sync_file_range = dlsym(RTLD_NEXT, "sync_file_range");
    next.write = dlsym(RTLD_NEXT, "write");
    next.writev = dlsym(RTLD_NEXT, "writev");
    next.pwrite = dlsym(RTLD_NEXT, "pwrite");
    next.pwrite64 = dlsym(RTLD_NEXT, "pwrite64");
    next.pwritev = dlsym(RTLD_NEXT, "pwritev");
    next.pwritev64 = dlsym(RTLD_NEXT, "pwritev64");
    const char *text = getenv("STORE_BENCH_SYNC_DELAY_US");
    if (text)
        delay_ns = strtoll(text, NULL, 10) * 1000;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Sleeps most of the delay and spins the rest: never shorter, hardly longer. */
static void wait_delay(void)
{
    int64_t end = now_ns() + delay_ns;
    if (delay_ns > SPIN_NS) {
        int64_t wake = end - SPIN_NS;
        struct timespec until = { .tv_sec = wake / 1000000000, .tv_nsec = wake % 1000000000 };
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
            ;
    }
    while (now_ns() < end)
        ;
}

static bool writes_through(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_DSYNC); /* O_SYNC includes it */
}

/* The disk's turn for a call that waits for it; what it returns is for disk_end(). */
static bool disk_begin(bool waits)
{
    if (waits)
        pthread_mutex_lock(&disk);
    return waits;
}

/* Leaves the call's errno as it was. */
static void disk_end(bool waits)
{
    if (!waits)
        return;
    int kept = errno;
    wait_delay();
    pthread_mutex_unlock(&disk);
    errno = kept;
}

static bool begin_sync(bool waits)
{
    pthread_once(&prepared, prepare);
    return disk_begin(delay_ns > 0 && waits);
}

static bool begin_write(int fd)
{
    pthread_once(&prepared, prepare);
    return disk_begin(delay_ns > 0 && writes_through(fd));
}

int fsync(int fd)
{
    bool waits = begin_sync(true);
    int result = next.fsync(fd);
    disk_end(waits);
    return result;
}

int fdatasync(int fd)
{
    bool waits = begin_sync(true);
    int result = next.fdatasync(fd);
    disk_end(waits);
    return result;
}

int msync(void *address, size_t size, int flags)
{
    bool waits = begin_sync(flags & MS_SYNC);
    int result = next.msync(address, size, flags);
    disk_end(waits);
    return result;
}

int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags)
{
    bool waits = begin_sync(flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER));
    int result = next.sync_file_range(fd, offset, count, flags);
    disk_end(waits);
    return result;
}

ssize_t write(int fd, const void *data, size_t size)
{
    bool waits = begin_write(fd);
    ssize_t result = next.write(fd, data, size);
    disk_end(waits);
    return result;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    bool waits = begin_write(fd);
    ssize_t result = next.writev(fd, parts, count);
    disk_end(waits);
    return result;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    bool waits = begin_write(fd);
    ssize_t result = next.pwrite(fd, data, size, offset);
    disk_end(waits);
    return result;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    bool waits = begin_write(fd);
    ssize_t result = next.pwrite64(fd, data, size, offset);
    disk_end(waits);
    return result;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    bool waits = begin_write(fd);
    ssize_t result = next.pwritev(fd, parts, count, offset);
    disk_end(waits);
    return result;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    bool waits = begin_write(fd);
    ssize_t result = next.pwritev64(fd, parts, count, offset);
    disk_end(waits);
    return result;
}
