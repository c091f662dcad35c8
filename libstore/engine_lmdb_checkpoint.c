/*
 * engine_lmdb_checkpoint.c - the file of checkpoints: its two slots, what is shared by the mapped
 * first page, and going back after a power failure. When checkpoints are made is in _relaxed.c.
 */
#include "engine_lmdb_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "directory.h"
#include "engine_lmdb.h"
#include "filelock.h"
#include "problem.h"

#define BOOT_FILE "/proc/sys/kernel/random/boot_id"
#define BYTE_USE 0       /* shared by all who have the file open; exclusive to set it right */
#define BYTE_RELAXED 1   /* shared by processes that commit relaxed */
#define BYTE_MAKING 2     /* exclusive: who makes a checkpoint */
#define SLOT_PLACE 4096  /* the state has a page of its own, which the kernel may write any time */
#define SLOT_STEP 4096
#define FILE_SIZE (SLOT_PLACE + 2 * SLOT_STEP)
#define SETTLE_TRIES 5000
#define SETTLE_PAUSE_NS 1000000
#define ROOT_NONE SIZE_MAX
/* No power failure loses so many commits: ids of commits are not given out twice. */
#define COMMITS_LOST (UINT64_C(1) << 32)

static const char STATE_MAGIC[8] = "storecs1";
static const char SLOT_MAGIC[8] = "storecp1";

static int failed(const char *doing)
{
    return engine_lmdb_problem(errno, doing);
}

/* Without /proc it is "". */
static void read_boot(char out[BOOT_SIZE])
{
    int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t size = 0;

    memset(out, 0, BOOT_SIZE);
    if (fd < 0)
        return;
    size = read(fd, out, BOOT_SIZE - 1);
    close(fd);
    out[size > 0 ? strcspn(out, "\n") : 0] = '\0';
}

static bool read_whole(int fd, void *out, size_t size, off_t at)
{
    return pread(fd, out, size, at) == (ssize_t)size;
}

static int write_whole(int fd, const void *data, size_t size, off_t at)
{
    ssize_t written = pwrite(fd, data, size, at);

    if (written == (ssize_t)size)
        return STORE_OK;
    return engine_lmdb_problem(written < 0 ? errno : ENOSPC, "cannot write a checkpoint");
}

/* ------------------------------------------------------------------ slots */

static off_t slot_place(uint64_t sequence)
{
    return SLOT_PLACE + (off_t)(sequence & 1) * SLOT_STEP;
}

static uint64_t slot_checksum(const struct checkpoint_slot *slot)
{
    return XXH3_64bits(slot, offsetof(struct checkpoint_slot, checksum));
}

static bool read_slot(struct checkpoint_slot *out, int fd, uint64_t sequence)
{
    return read_whole(fd, out, sizeof *out, slot_place(sequence)) &&
           memcmp(out->magic, SLOT_MAGIC, sizeof SLOT_MAGIC) == 0 && out->checksum == slot_checksum(out);
}

/* The newer of the whole slots. One that was torn by a power failure had not been relied upon. */
static void newest_slot(struct checkpoint_slot *out, int fd)
{
    struct checkpoint_slot slots[2];
    bool whole[2] = { read_slot(&slots[0], fd, 0), read_slot(&slots[1], fd, 1) };

    *out = (struct checkpoint_slot){ .sequence = 0 };
    for (int i = 0; i < 2; i++)
        if (whole[i] && slots[i].sequence >= out->sequence)
            *out = slots[i];
}

/* In place of the older slot, as the one behind `sequence`. */
static int write_slot(int fd, struct checkpoint_slot *slot, uint64_t sequence)
{
    int rc;

    memcpy(slot->magic, SLOT_MAGIC, sizeof SLOT_MAGIC);
    slot->sequence = sequence + 1;
    slot->checksum = slot_checksum(slot);
    rc = write_whole(fd, slot, sizeof *slot, slot_place(slot->sequence));
    if (rc == STORE_OK && fdatasync(fd) != 0)
        rc = failed("cannot sync a checkpoint");
    return rc;
}

static int hash_root(uint64_t *hash, int data, const struct meta_page *meta, int tree)
{
    size_t size = meta->trees[0].page_size, root = meta->trees[tree].root;
    bool whole = true;
    void *page;

    if (root == ROOT_NONE)
        return STORE_OK;
    page = calloc(1, size);
    if (!page)
        return engine_lmdb_problem(ENOMEM, "cannot read a root");
    whole = read_whole(data, page, size, (off_t)(root * size));
    *hash = XXH3_64bits_withSeed(page, size, *hash);
    free(page);
    return whole ? STORE_OK : problem(STORE_CORRUPT, "the store's file is too short");
}

static int hash_roots(uint64_t *hash, int data, const struct meta_page *meta)
{
    int rc;

    *hash = 0;
    rc = hash_root(hash, data, meta, 0);
    return rc == STORE_OK ? hash_root(hash, data, meta, 1) : rc;
}

/* --------------------------------------------------------------- recovery */

/* Both meta pages become that of the checkpoint. Doing it again, after a crash in between, is as good. */
static int put_back(int data, struct meta_page meta)
{
    size_t size = meta.trees[0].page_size;
    int rc = STORE_OK;

    meta.commit += COMMITS_LOST;
    for (size_t i = 0; i < 2 && rc == STORE_OK; i++) {
        meta.number = i;
        rc = write_whole(data, &meta, sizeof meta, (off_t)(i * size));
    }
    if (rc == STORE_OK && fdatasync(data) != 0)
        rc = failed("cannot sync the store's file");
    return rc;
}

static int go_back(const struct checkpoint_slot *slot, const char *path)
{
    int data = open(path, O_RDWR | O_CLOEXEC), rc;
    uint64_t roots;

    if (data < 0)
        return failed("cannot open the store's file");
    rc = hash_roots(&roots, data, &slot->meta);
    if (rc == STORE_OK && roots != slot->roots)
        rc = problem(STORE_CORRUPT, "%s" CHECKPOINT_SUFFIX " is of another file than %s: if that comes from a backup, "
                     "remove the former", path, path);
    if (rc == STORE_OK)
        rc = put_back(data, slot->meta);
    close(data);
    return rc;
}

/* The state is right for this kernel, and nothing failed under it. Who cannot tell the kernel believes
 * those who have the file open. */
static bool settled(int fd, const char *boot)
{
    struct checkpoint_state state;

    if (!read_whole(fd, &state, sizeof state, 0) || memcmp(state.magic, STATE_MAGIC, sizeof STATE_MAGIC) != 0)
        return false;
    return (boot[0] == '\0' || strncmp(state.boot, boot, sizeof state.boot) == 0) && !state.failed;
}

static int write_state(int fd, const char *boot, const struct checkpoint_slot *slot)
{
    struct checkpoint_state state = { .commit = COMMIT_CLEAN, .sequence = slot->sequence,
                                      .rolled_back = slot->rolled_back };
    struct stat st;

    memcpy(state.magic, STATE_MAGIC, sizeof STATE_MAGIC);
    memcpy(state.boot, boot, BOOT_SIZE);
    if (fstat(fd, &st) != 0)
        return failed("cannot look at the file of checkpoints");
    /* Real blocks: neither the mapping nor a slot may ever meet a full disk. */
    if (st.st_size < FILE_SIZE) {
        static const char zeros[FILE_SIZE];
        int rc = write_whole(fd, zeros, sizeof zeros, 0);
        if (rc != STORE_OK)
            return rc;
    }
    return write_whole(fd, &state, sizeof state, 0);
}

/* What a power failure left is set right. Nobody else has the file open. */
static int settle(int fd, const char *path, const char *boot)
{
    struct checkpoint_slot slot;
    int rc = STORE_OK;

    newest_slot(&slot, fd);
    if (slot.dirty && boot[0] == '\0')
        return problem(STORE_IO, "whether there was a power failure cannot be told without " BOOT_FILE);
    if (slot.dirty) {
        rc = go_back(&slot, path);
        slot.dirty = false;
        slot.rolled_back = true;
        if (rc == STORE_OK)
            rc = write_slot(fd, &slot, slot.sequence);
    }
    return rc == STORE_OK ? write_state(fd, boot, &slot) : rc;
}

/* Takes the lock of a user; the first one sets right what is not. */
static int settle_and_use(int fd, const char *path, const char *boot)
{
    const struct timespec pause = { 0, SETTLE_PAUSE_NS };
    int rc = STORE_OK;

    for (int tries = 0; tries < SETTLE_TRIES; tries++) {
        if (file_lock(fd, F_WRLCK, BYTE_USE, false) == 0) {
            if (boot[0] == '\0' || !settled(fd, boot))
                rc = settle(fd, path, boot);
            if (rc == STORE_OK && file_lock(fd, F_RDLCK, BYTE_USE, false) != 0)
                rc = failed("cannot lock the file of checkpoints");
            return rc;
        }
        if (file_lock(fd, F_RDLCK, BYTE_USE, true) != 0)
            return failed("cannot lock the file of checkpoints");
        if (settled(fd, boot))
            return STORE_OK;
        file_lock(fd, F_UNLCK, BYTE_USE, false);
        nanosleep(&pause, NULL);
    }
    return problem(STORE_BUSY, "a disk error, or another kernel: close the store everywhere, then open it again");
}

/* Of the slots alone: without writing nothing can be set right. */
static int check_for_reading(int fd, const char *boot)
{
    struct checkpoint_slot slot;

    if (file_lock(fd, F_RDLCK, BYTE_USE, true) != 0)
        return failed("cannot lock the file of checkpoints");
    newest_slot(&slot, fd);
    if ((boot[0] && settled(fd, boot)) || !slot.dirty)
        return STORE_OK;
    return problem(STORE_READ_ONLY, "there was a power failure: the store must be opened for writing once");
}

/* ---------------------------------------------------------- open and close */

static int map_state(struct checkpoints *checkpoints)
{
    void *state = mmap(NULL, sizeof(struct checkpoint_state), PROT_READ | PROT_WRITE, MAP_SHARED, checkpoints->fd, 0);

    if (state == MAP_FAILED)
        return failed("cannot map the file of checkpoints");
    checkpoints->state = state;
    return STORE_OK;
}

/* A name that is lost with the power would be missed by who opens the store then. */
static int open_file(int *fd, const char *name, unsigned file_mode)
{
    *fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*fd >= 0)
        return STORE_OK;
    *fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, file_mode);
    return *fd < 0 ? failed("cannot open the file of checkpoints") : directory_sync_parent(name);
}

static int open_for_reading(const char *name, const char *boot, int *fd)
{
    *fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd >= 0)
        return check_for_reading(*fd, boot);
    return errno == ENOENT ? STORE_OK : failed("cannot open the file of checkpoints");
}

static int open_for_writing(struct checkpoints *checkpoints, const char *name, const char *path, unsigned file_mode,
                            const char *boot)
{
    int rc = open_file(&checkpoints->fd, name, file_mode);

    if (rc == STORE_OK)
        rc = settle_and_use(checkpoints->fd, path, boot);
    return rc == STORE_OK ? map_state(checkpoints) : rc;
}

int checkpoints_open(struct checkpoints **out, const char *path, bool read_only, unsigned file_mode)
{
    struct checkpoints *checkpoints = calloc(1, sizeof *checkpoints);
    char name[PATH_MAX], boot[BOOT_SIZE];
    int rc;

    *out = NULL;
    if (!checkpoints)
        return engine_lmdb_problem(ENOMEM, "cannot open the store");
    *checkpoints = (struct checkpoints){ .fd = -1, .data = -1, .pinned = PINNED_NONE };
    pthread_mutex_init(&checkpoints->lock, NULL);
    read_boot(boot);
    if (snprintf(name, sizeof name, "%s" CHECKPOINT_SUFFIX, path) >= (int)sizeof name)
        rc = engine_lmdb_problem(ENAMETOOLONG, "cannot open the file of checkpoints");
    else if (read_only)
        rc = open_for_reading(name, boot, &checkpoints->fd);
    else
        rc = open_for_writing(checkpoints, name, path, file_mode, boot);
    if (rc == STORE_OK)
        *out = checkpoints;
    else
        checkpoints_close(checkpoints);
    return rc;
}

bool checkpoints_possible(const struct checkpoints *checkpoints)
{
    return checkpoints && checkpoints->state && checkpoints->state->boot[0];
}

int checkpoints_attach(struct checkpoints *checkpoints, const char *path)
{
    checkpoints->data = open(path, O_RDONLY | O_CLOEXEC);
    return checkpoints->data < 0 ? failed("cannot open the store's file") : STORE_OK;
}

void checkpoints_close(struct checkpoints *checkpoints)
{
    if (!checkpoints)
        return;
    if (checkpoints->state)
        munmap(checkpoints->state, sizeof(struct checkpoint_state));
    if (checkpoints->data >= 0)
        close(checkpoints->data);
    if (checkpoints->fd >= 0)
        close(checkpoints->fd);
    pthread_mutex_destroy(&checkpoints->lock);
    free(checkpoints);
}

/* ------------------------------------------------------------------ locks */

bool checkpoints_alone(struct checkpoints *checkpoints)
{
    return file_lock(checkpoints->fd, F_WRLCK, BYTE_USE, false) == 0;
}

int checkpoints_announce(struct checkpoints *checkpoints)
{
    if (file_lock(checkpoints->fd, F_RDLCK, BYTE_RELAXED, true) != 0)
        return failed("cannot lock the file of checkpoints");
    return STORE_OK;
}

bool checkpoints_announced(const struct checkpoints *checkpoints)
{
    return file_locked(checkpoints->fd, BYTE_RELAXED);
}

int checkpoints_lock(struct checkpoints *checkpoints)
{
    int rc = STORE_OK;

    pthread_mutex_lock(&checkpoints->lock);
    if (file_lock(checkpoints->fd, F_WRLCK, BYTE_MAKING, true) != 0) {
        rc = failed("cannot lock the file of checkpoints");
        pthread_mutex_unlock(&checkpoints->lock);
    }
    return rc;
}

void checkpoints_unlock(struct checkpoints *checkpoints)
{
    file_lock(checkpoints->fd, F_UNLCK, BYTE_MAKING, false);
    pthread_mutex_unlock(&checkpoints->lock);
}

/* ---------------------------------------------------------------- writing */

static int write_next(struct checkpoints *checkpoints, struct checkpoint_slot *slot)
{
    struct checkpoint_state *state = checkpoints->state;
    int rc;

    slot->rolled_back = atomic_load(&state->rolled_back);
    rc = write_slot(checkpoints->fd, slot, atomic_load(&state->sequence));
    if (rc == STORE_OK)
        atomic_store(&state->sequence, slot->sequence);
    return rc;
}

/* Once it has failed the kernel may have dropped the pages: a later success would mean nothing. */
static int sync_data(const struct checkpoints *checkpoints)
{
    int rc;

    if (fdatasync(checkpoints->data) == 0)
        return STORE_OK;
    rc = failed("cannot sync the store's file");
    atomic_store(&checkpoints->state->failed, true);
    return rc;
}

int checkpoints_write(struct checkpoints *checkpoints, const struct meta_page *meta)
{
    struct checkpoint_slot slot = { .dirty = true, .meta = *meta };
    int rc = sync_data(checkpoints);

    if (rc == STORE_OK)
        rc = hash_roots(&slot.roots, checkpoints->data, meta);
    return rc == STORE_OK ? write_next(checkpoints, &slot) : rc;
}

int checkpoints_write_clean(struct checkpoints *checkpoints)
{
    struct checkpoint_slot slot = { .dirty = false };
    int rc = sync_data(checkpoints);

    return rc == STORE_OK ? write_next(checkpoints, &slot) : rc;
}

int checkpoints_forget_rollback(struct checkpoints *checkpoints)
{
    struct checkpoint_slot slot;

    if (!read_slot(&slot, checkpoints->fd, atomic_load(&checkpoints->state->sequence)))
        slot = (struct checkpoint_slot){ .dirty = false };
    atomic_store(&checkpoints->state->rolled_back, false);
    return write_next(checkpoints, &slot);
}

int checkpoints_read_meta(struct meta_page *out, const struct checkpoints *checkpoints, uint64_t commit,
                          size_t page_size)
{
    if (!read_whole(checkpoints->data, out, sizeof *out, (off_t)((commit & 1) * page_size)))
        return failed("cannot read the meta page");
    return STORE_OK;
}
