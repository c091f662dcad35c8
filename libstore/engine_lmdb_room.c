/*
 * engine_lmdb_room.c - how much a file can still take. LMDB writes anew what it changes, so a
 * deletion needs pages before it frees any: on a disk filled to the brim nothing could be deleted.
 */
#include <stdint.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>

#include "engine_lmdb.h"

#define RESERVED_PAGES 64 /* what deleting and reclaiming get by with ... */
#define PLENTY_PAGES 262144 /* 1 GiB with pages of 4 KiB */
#define PLENTY_NANOS 500000000
#define RESERVED_MIN 8    /* ... in a large file, and in the smallest */

/* The pages by which the file can grow: unlimited when nobody can tell. */
static uint64_t growth(const struct engine *engine, size_t page_size)
{
    uint64_t used, bytes = UINT64_MAX;
    struct rlimit limit;
    struct statvfs disk;
    MDB_envinfo info;
    int fd;

    if (!engine->env || mdb_env_get_fd(engine->env, &fd) || mdb_env_info(engine->env, &info))
        return UINT64_MAX;
    if (!fstatvfs(fd, &disk))
        bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    used = (info.me_last_pgno + 1) * page_size;
    if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY) {
        uint64_t left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
        bytes = left < bytes ? left : bytes;
    }
    return bytes / page_size;
}

/* The free pages inside the file, counted up to `enough`. */
static uint64_t free_pages(struct engine *engine, uint64_t enough)
{
    struct free_list list;
    struct snapshot *snapshot;
    uint64_t pages = 0;

    if (engine_snapshot(&snapshot, engine) != STORE_OK)
        return enough;
    if (free_list_open(&list, snapshot) == 0)
        while (pages < enough && free_list_next(&list) == 0)
            pages += list.count;
    free_list_close(&list);
    engine_snapshot_end(snapshot);
    return pages;
}

static int64_t coarse_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Asking the file system costs as much as a tenth of a durable commit: where there was plenty a moment
 * ago, there is enough now. */
static bool plenty(struct engine *engine, uint64_t needed)
{
    struct room *room = &engine->room;
    struct rlimit limit;

    if (room->pages < PLENTY_PAGES + needed || coarse_now() - room->seen > PLENTY_NANOS)
        return false;
    if (getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur != room->size_limit)
        return false;
    room->pages -= needed + RESERVED_PAGES;
    return true;
}

static uint64_t look(struct engine *engine, size_t page_size)
{
    struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

    getrlimit(RLIMIT_FSIZE, &limit);
    engine->room = (struct room){ growth(engine, page_size), limit.rlim_cur, coarse_now() };
    return engine->room.pages;
}

/* What a deletion may write anew: never more than a part of what a small file has. */
static uint64_t reserve(uint64_t used)
{
    uint64_t part = RESERVED_MIN + used / 8;

    return part < RESERVED_PAGES ? part : RESERVED_PAGES;
}

bool engine_scarce(struct transaction *txn, size_t bytes, bool modest)
{
    struct engine *engine = txn->view.engine;
    uint64_t needed, grows, free, all;
    MDB_envinfo info;
    MDB_stat stat;

    if (!txn->view.handle || mdb_env_stat(engine->env, &stat) || mdb_env_info(engine->env, &info))
        return false;
    needed = bytes / stat.ms_psize;
    if (plenty(engine, needed))
        return false;
    grows = look(engine, stat.ms_psize);
    if (grows >= RESERVED_PAGES + needed)
        return false;
    if (modest) { /* twice as much: runs of pages may be in the way */
        needed *= 2;
        grows = 0;
    }
    free = free_pages(engine, RESERVED_PAGES + needed);
    all = info.me_last_pgno + 1;
    return free + grows < reserve(all > free ? all - free : 0) + needed;
}
