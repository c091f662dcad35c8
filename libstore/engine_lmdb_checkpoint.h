/*
 * engine_lmdb_checkpoint.h - the file of checkpoints beside an engine's file: what is on disk
 * whatever happens, and the way back to it.
 *
 * A relaxed commit is in the kernel's memory only. A killed process loses nothing by that, but after a
 * power failure the engine's file is a mixture of old and new pages. A checkpoint is a commit all of
 * whose pages are on disk and are not used anew while it is the newest checkpoint, together with a
 * copy of its meta page here. Opening the file after a power failure puts that meta page back.
 */
#ifndef STORE_ENGINE_LMDB_CHECKPOINT_H
#define STORE_ENGINE_LMDB_CHECKPOINT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKPOINT_SUFFIX "-checkpoint"
#define BOOT_SIZE 40

/* What checkpoint_state.commit is when it is no checkpoint's: every commit is on disk, nothing is to be
 * put back; and: a process is about to change which of the two holds, or died doing so. */
#define COMMIT_CLEAN UINT64_MAX
#define COMMIT_UNSETTLED (UINT64_MAX - 1)
#define PINNED_NONE UINT64_MAX

/* What the processes that have the file open share. Means nothing under another kernel than `boot`. */
struct checkpoint_state {
    char magic[8];
    char boot[BOOT_SIZE];      /* the kernel's id of this boot, a string; "" if unknown: then nobody commits relaxed */
    _Atomic uint64_t commit;   /* of the newest checkpoint, or as above */
    _Atomic uint64_t sequence; /* of the slot that was last seen to be on disk */
    _Atomic uint64_t pages;    /* written since the newest checkpoint, about */
    _Atomic uint64_t allowed;  /* pages that may be, before writers wait; 0 is not known yet */
    atomic_bool failed;        /* the disk did not take something: nobody may write */
    atomic_bool rolled_back;   /* commits were lost, and who must know does not yet */
};

/* LMDB 0.9's meta page, which lmdb.h does not show; it is the same for every file of its format 1. */
struct meta_tree {
    uint32_t page_size; /* in the first tree */
    uint16_t flags, depth;
    size_t branches, leaves, overflows, entries, root;
};

#define META_MAGIC 0xBEEFC0DE

struct meta_page {
    size_t number;
    uint16_t unused, flags;
    uint32_t bounds;
    uint32_t magic, version;
    size_t address, map_size;
    struct meta_tree trees[2];
    size_t last_page, commit;
};

/* The two slots in the file are written in turn, so that one is always whole. */
struct checkpoint_slot {
    char magic[8];
    uint64_t sequence;
    uint32_t dirty;        /* there is a checkpoint to go back to */
    uint32_t rolled_back;
    uint64_t roots;        /* checksum of the roots' pages: is the meta page of this very file? */
    struct meta_page meta;
    uint64_t checksum;     /* XXH3 of all before */
};

struct checkpoints {
    int fd;                         /* of the file of checkpoints */
    int data;                       /* of the engine's file, to read and sync it */
    struct checkpoint_state *state; /* mapped; NULL for reading only */
    pthread_mutex_t lock;           /* with a lock on the file: one checkpoint is made at a time */
    void *pin;                      /* a reader of LMDB's that keeps the pages of a checkpoint */
    _Atomic uint64_t pinned;        /* its commit, or PINNED_NONE */
};

/* Opens or makes PATH-checkpoint, before the engine's file `path` is opened. Goes back to the newest
 * checkpoint if there was a power failure; for reading only that is an error. Errors: read_only, busy,
 * corrupt (the file is of another engine's file), io, full, denied, no_memory. */
int checkpoints_open(struct checkpoints **out, const char *path, bool read_only, unsigned file_mode);
/* Whether power failures can be told from other ends, which a relaxed commit relies on. */
bool checkpoints_possible(const struct checkpoints *checkpoints);
/* Once `path` is there. */
int checkpoints_attach(struct checkpoints *checkpoints, const char *path);
void checkpoints_close(struct checkpoints *checkpoints);

/* Whether nobody else has the file open; then nobody can before this is closed. */
bool checkpoints_alone(struct checkpoints *checkpoints);
/* Says that this process commits relaxed, until it ends; whether any other says so. */
int checkpoints_announce(struct checkpoints *checkpoints);
bool checkpoints_announced(const struct checkpoints *checkpoints);

int checkpoints_lock(struct checkpoints *checkpoints);
void checkpoints_unlock(struct checkpoints *checkpoints);
/* Under the lock. The slot's meta page belongs to the engine's file, whose pages are synced first. */
int checkpoints_write(struct checkpoints *checkpoints, const struct meta_page *meta);
/* Under the lock: there is nothing to go back to. The engine's file is synced first. */
int checkpoints_write_clean(struct checkpoints *checkpoints);
/* Under the lock: forgets that commits were lost. */
int checkpoints_forget_rollback(struct checkpoints *checkpoints);
/* Reads the meta page of a commit. */
int checkpoints_read_meta(struct meta_page *out, const struct checkpoints *checkpoints, uint64_t commit,
                          size_t page_size);

#endif
