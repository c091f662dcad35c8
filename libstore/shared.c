/* shared.c - the mapped file "live" and the locks on it. */
#include "shared.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "filelock.h"
#include "problem.h"

#define SESSIONS 1024u
#define LOCK_OPEN 0          /* byte ranges, far apart from each other's meaning */
#define LOCK_RECLAIM 1
#define LOCK_CREATE 2
#define LOCK_SESSION 4096    /* + slot */

static const char MAGIC[8] = "storelv1";

struct live {
    char magic[8];
    alignas(64) _Atomic uint64_t namespace_commit;
    alignas(64) _Atomic uint32_t wake;
    alignas(64) _Atomic uint64_t nonces[SESSIONS];
};

struct shared {
    int fd;
    bool read_only;
    struct live *live;
    uint32_t slot;
    uint64_t nonce;
};

/* Writes real blocks, so that touching the mapping can never meet a full disk. */
static int fill(int fd)
{
    struct live *blank = calloc(1, sizeof *blank);
    ssize_t written;
    int error;

    if (!blank)
        return problem(STORE_NO_MEMORY, "no memory for the live file");
    memcpy(blank->magic, MAGIC, sizeof MAGIC);
    errno = 0;
    written = pwrite(fd, blank, sizeof *blank, 0);
    error = errno;
    free(blank);
    if (written == (ssize_t)sizeof(struct live))
        return STORE_OK;
    if (written >= 0 || error == ENOSPC || error == EDQUOT || error == EFBIG)
        return problem(STORE_FULL, "no space for the live file");
    return problem_os(STORE_IO, error, "live file: %s", strerror(error));
}

static int prepare(struct shared *shared)
{
    struct stat st;
    int rc = STORE_OK;

    if (fstat(shared->fd, &st) != 0)
        return problem_os(STORE_IO, errno, "live file: %s", strerror(errno));
    if (st.st_size >= (off_t)sizeof(struct live))
        return STORE_OK;
    if (shared->read_only)
        return STORE_END; /* nobody writes: nothing to share */
    if (file_lock(shared->fd, F_WRLCK, LOCK_CREATE, true) != 0)
        return problem_os(STORE_IO, errno, "lock of the live file: %s", strerror(errno));
    if (fstat(shared->fd, &st) == 0 && st.st_size < (off_t)sizeof(struct live))
        rc = fill(shared->fd);
    file_lock(shared->fd, F_UNLCK, LOCK_CREATE, false);
    return rc;
}

static int take_session(struct shared *shared)
{
    if (getrandom(&shared->nonce, sizeof shared->nonce, 0) != (ssize_t)sizeof shared->nonce)
        return problem_os(STORE_IO, errno, "getrandom: %s", strerror(errno));
    for (uint32_t slot = 0; slot < SESSIONS; slot++) {
        if (file_lock(shared->fd, F_WRLCK, LOCK_SESSION + (off_t)slot, false) != 0)
            continue;
        shared->slot = slot;
        atomic_store(&shared->live->nonces[slot], shared->nonce);
        return STORE_OK;
    }
    return problem(STORE_BUSY, "all %u sessions of the store are taken", SESSIONS);
}

static int map(struct shared *shared)
{
    int protection = shared->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    void *live = mmap(NULL, sizeof(struct live), protection, MAP_SHARED, shared->fd, 0);

    if (live == MAP_FAILED)
        return problem_os(STORE_NO_MEMORY, errno, "mapping the live file: %s", strerror(errno));
    shared->live = live;
    if (memcmp(shared->live->magic, MAGIC, sizeof MAGIC) != 0)
        return problem(STORE_UNSUPPORTED_FORMAT, "the live file is of another version");
    return STORE_OK;
}

int shared_open(struct shared **out, const char *directory, bool read_only, bool exclusive, unsigned file_mode)
{
    char path[PATH_MAX];
    struct shared *shared = calloc(1, sizeof *shared);
    int rc;

    *out = NULL;
    if (!shared)
        return problem(STORE_NO_MEMORY, "no memory for a store");
    shared->fd = -1;
    shared->read_only = read_only;
    snprintf(path, sizeof path, "%s/live", directory);
    shared->fd = open(path, (read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC | O_NOFOLLOW, file_mode);
    if (shared->fd < 0) {
        rc = read_only ? STORE_OK : problem_os(errno == EROFS ? STORE_READ_ONLY : STORE_DENIED, errno,
                                               "%s: %s", path, strerror(errno));
        goto out;
    }
    if (file_lock(shared->fd, exclusive ? F_WRLCK : F_RDLCK, LOCK_OPEN, false) != 0) {
        rc = problem(STORE_BUSY, exclusive ? "the store is open elsewhere"
                                           : "the store is open elsewhere, for one user alone");
        goto out;
    }
    rc = prepare(shared);
    if (rc == STORE_OK)
        rc = map(shared);
    else if (rc == STORE_END)
        rc = STORE_OK;
    if (rc == STORE_OK && !read_only)
        rc = take_session(shared);
out:
    if (rc == STORE_OK)
        *out = shared;
    else
        shared_close(shared);
    return rc;
}

void shared_close(struct shared *shared)
{
    if (!shared)
        return;
    if (shared->live)
        munmap(shared->live, sizeof(struct live));
    if (shared->fd >= 0)
        close(shared->fd);
    free(shared);
}

void shared_session(const struct shared *shared, uint32_t *slot, uint64_t *nonce)
{
    *slot = shared->slot;
    *nonce = shared->nonce;
}

bool shared_session_alive(struct shared *shared, uint32_t slot, uint64_t nonce)
{
    if (slot >= SESSIONS || atomic_load(&shared->live->nonces[slot]) != nonce)
        return false;
    return (slot == shared->slot && nonce == shared->nonce) ||
           file_locked(shared->fd, LOCK_SESSION + (off_t)slot);
}

uint64_t shared_namespace(const struct shared *shared)
{
    return shared->live ? atomic_load_explicit(&shared->live->namespace_commit, memory_order_acquire) : 0;
}

void shared_namespace_set(struct shared *shared, uint64_t commit)
{
    atomic_store(&shared->live->namespace_commit, commit);
}

uint32_t shared_wake_word(const struct shared *shared)
{
    return shared->live ? atomic_load_explicit(&shared->live->wake, memory_order_acquire) : 0;
}

void shared_wake(struct shared *shared)
{
    if (!shared->live)
        return;
    if (!shared->read_only)
        atomic_fetch_add(&shared->live->wake, 1);
    syscall(SYS_futex, &shared->live->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void shared_wait(struct shared *shared, uint32_t seen, int timeout_ms)
{
    struct timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };

    if (shared->live)
        syscall(SYS_futex, &shared->live->wake, FUTEX_WAIT, seen, &timeout, NULL, 0);
    else
        nanosleep(&timeout, NULL);
}

bool shared_try_reclaim(struct shared *shared)
{
    return file_lock(shared->fd, F_WRLCK, LOCK_RECLAIM, false) == 0;
}

void shared_end_reclaim(struct shared *shared)
{
    file_lock(shared->fd, F_UNLCK, LOCK_RECLAIM, false);
}

bool shared_reclaim_held(const struct shared *shared)
{
    return file_locked(shared->fd, LOCK_RECLAIM);
}

int shared_hold_reclaim(int *out, const char *directory)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/live", directory);
    *out = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*out < 0)
        return errno == ENOENT ? STORE_OK : problem_os(STORE_IO, errno, "%s: %s", path, strerror(errno));
    if (file_lock(*out, F_RDLCK, LOCK_RECLAIM, true) == 0)
        return STORE_OK;
    close(*out);
    *out = -1;
    return problem_os(STORE_IO, errno, "lock of the live file: %s", strerror(errno));
}
