/*
 * engine.h - the seam: ordered byte keys, snapshots, transactions.
 *
 * engine_lmdb*.c are behind it, and the only files that know LMDB. A store
 * uses two engines: one for objects, one for bodies. Nothing here knows what a
 * key means.
 *
 * Values and keys that a call hands out are borrowed: until the snapshot ends,
 * and in a writing transaction until the next write. What a write is given must
 * not be borrowed from its own transaction.
 *
 * Errors are recorded as a problem and returned as store codes; ENGINE_ABSENT
 * and ENGINE_CONFLICT are answers, not errors, and record nothing.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"
#include "store.h"

#define ENGINE_ABSENT 3   /* no such key */
#define ENGINE_CONFLICT 4 /* commit: another writer came between; run the operation again.
                             LMDB never answers it; a test engine does */
#define ENGINE_KEY_MAX 511

struct engine;

/* A consistent view. A transaction is one too: pass &transaction->view. */
struct snapshot {
    struct engine *engine;
    void *handle;      /* the engine's */
    void *cursor;      /* the engine's, kept for speed */
    uint64_t id;       /* of the commit it shows; ascending */
    void *attachment;  /* what the layer above keeps with a pooled snapshot */
    unsigned slot;     /* the engine's */
};

struct transaction {
    struct snapshot view; /* id: of this commit */
    unsigned depth;       /* savepoints open */
    bool broken;          /* a write failed: only abort is left */
    uint64_t writes;      /* puts and deletes so far */
    uint64_t pages;       /* that they fill, about */
    void *stack[8];       /* the engine's */
    int error;            /* broken: the code of the write that failed */
};

struct engine_options {
    bool read_only;
    bool create;
    bool checkpoints; /* other processes may commit relaxed: keep a file of checkpoints */
    bool relaxed;     /* a commit does not wait for the disk; needs checkpoints */
    struct engine *refers_to; /* its commits refer to earlier ones of that engine, which is open as long: they are
                                 on disk before any of these counts as being there. NULL: to none */
    unsigned file_mode;
    uint64_t map_size;
    void (*attachment_free)(void *attachment); /* for pooled snapshots, at close */
};

/* Opens the file `path`; `path`-lock lies beside it. Never twice in one process.
 * After a power failure during relaxed commits the file goes back to the newest of them that the disk
 * has; for reading only that is an error.
 * Errors: not_found, denied, read_only, busy, full, unsupported_format, corrupt, io, no_memory. */
int engine_open(struct engine **out, const char *path, const struct engine_options *options);
void engine_close(struct engine *engine);
/* Whether it came here by fork(): then it is the parent's alone. */
bool engine_inherited(const struct engine *engine);

/* Snapshots are pooled and cheap (no system call); end each as soon as possible. */
int engine_snapshot(struct snapshot **out, struct engine *engine);
void engine_snapshot_end(struct snapshot *snapshot);

/* Waits for the writer's lock, shared by all processes. The transaction stays with the
 * thread that began it; it ends with a commit, whatever that answers, or an abort. Both
 * close every cursor, and an abort of what has ended does nothing. */
int engine_begin(struct transaction *out, struct engine *engine);
int engine_commit(struct transaction *txn);
void engine_abort(struct transaction *txn);
/* After STORE_FULL in this thread, before it begins another transaction on any engine:
 * whether only this engine's map was too small and can grow. Then abort and run the
 * operation again: the next engine_begin grows it. */
bool engine_map_full(struct engine *engine);
/* Whether writing `bytes` more would leave too little of the disk to delete anything: then only
 * what frees space should go on. A `modest` writer leaves the disk's last pages to other files, and
 * makes do with free ones inside its own. */
bool engine_scarce(struct transaction *txn, size_t bytes, bool modest);
/* Everything since a savepoint can be undone; they nest up to 6 deep. A cursor is used
 * and closed at the level it was opened at. */
int engine_savepoint(struct transaction *txn);
int engine_savepoint_keep(struct transaction *txn);
void engine_savepoint_undo(struct transaction *txn);

int engine_get(struct snapshot *snapshot, struct slice key, struct slice *value);
int engine_put(struct transaction *txn, struct slice key, struct slice value);
/* Puts a value of `size` bytes for the caller to fill in at *space before the next call.
 * `append` makes it faster, and the file denser, when the keys of several come in ascending order and
 * past all others; they need not. */
int engine_reserve(struct transaction *txn, struct slice key, size_t size, bool append, void **space);
/* STORE_OK or ENGINE_ABSENT. */
int engine_del(struct transaction *txn, struct slice key);

struct engine_cursor {
    struct snapshot *snapshot;
    void *handle;
};

int engine_cursor_open(struct engine_cursor *out, struct snapshot *snapshot);
void engine_cursor_close(struct engine_cursor *cursor);
/* To the first key >= `key`, the last key < `key`, the next, the one before. STORE_OK or
 * ENGINE_ABSENT: then seek before going on. An empty key seeks the first, and
 * engine_seek_before the last of all. */
int engine_seek(struct engine_cursor *cursor, struct slice key, struct slice *found, struct slice *value);
int engine_seek_before(struct engine_cursor *cursor, struct slice key, struct slice *found,
                       struct slice *value);
int engine_next(struct engine_cursor *cursor, struct slice *found, struct slice *value);
int engine_prev(struct engine_cursor *cursor, struct slice *found, struct slice *value);
/* Deletes where the cursor of a writing transaction stands; engine_next then gives the one after. */
int engine_cursor_del(struct transaction *txn, struct engine_cursor *cursor);

/* Makes every commit so far durable. With relaxed commits somebody must call it twice a second, and
 * when engine_behind says so: until then the pages of later commits are not used anew. */
int engine_sync(struct engine *engine);
bool engine_behind(const struct engine *engine);
/* Commits up to this id survive a power failure. */
uint64_t engine_durable(const struct engine *engine);
/* Whether a power failure cost commits, and nobody has forgotten it yet; then the layer above must
 * see to what must not happen twice. Forgetting makes every commit durable first. */
bool engine_rolled_back(const struct engine *engine);
int engine_forget_rollback(struct engine *engine);
/* Frees reader slots of processes that died; how many. */
int engine_clear_readers(struct engine *engine, int *cleared);
/* A consistent copy to the new file `path`, synced; `compact` leaves free pages out.
 * Nothing is left of it on failure. Errors: key_conflict (there is such a file), full, io. */
int engine_copy(struct engine *engine, const char *path, bool compact);
int engine_space(struct engine *engine, struct store_space *out);
/* Appends to *list, which grows by realloc; ordered by transaction. */
int engine_readers(struct engine *engine, bool bodies, store_reader_info **list, size_t *count);
/* Reads every key and the free list: keys ascend, no page is free twice, none is lost.
 * Calls `each` with a text for every fault; non-zero from it ends the check, which then
 * answers STORE_OK too. */
int engine_check(struct engine *engine, int (*each)(const char *fault, void *payload), void *payload);

#endif
