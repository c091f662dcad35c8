/*
 * txn.h - how writes happen: every verb is an operation, run inside one engine
 * transaction, alone or together with the operations of other threads that
 * wait at the same time (group commit).
 *
 * An operation may be run more than once (the group it was in failed, the map
 * grew, the engine saw a conflict): run() starts from scratch every time.
 */
#ifndef STORE_TXN_H
#define STORE_TXN_H

#include "buffer.h"
#include "engine.h"
#include "store_private.h"

struct tree_cache;
struct view;

/* What waits in memory for the end of a transaction, to be written to the bodies file (body_kept.c). */
struct kept_bodies {
    struct buffer bytes;        /* one body after another */
    struct buffer bodies;       /* the id and size of each */
    struct buffer change_bytes; /* of changes of published bodies (body_change.c) */
    struct buffer changes;
    uint64_t changes_room;      /* what they take of the file */
    uint64_t changes_ever;      /* those written already as well */
    unsigned flushes;
};

/* That entries of a collection came or went (collection_row.c). */
struct touch {
    uint64_t scope;
    int64_t subcollections; /* how many more of them there are */
    int64_t time;
    uint64_t order;         /* among the others */
};

/* A writing transaction with what the operations need beside the engine's. */
struct txn {
    store *store;
    struct transaction engine;
    struct tree_cache *cache;
    uint64_t next_version;
    uint64_t first_version;
    int64_t now;
    struct buffer changes;    /* encoded, not yet in the log */
    struct buffer touches;    /* not yet in the rows of their collections */
    bool namespace_changed;   /* cached resolutions of other snapshots are stale */
    bool garbage;             /* there is something to reclaim */
    bool unguarded;           /* what the operation does could not be undone alone: see txn_guard */
    bool guarded;             /* behind the operation's own savepoint */
    uint64_t *staged;         /* bodies written inside the transaction: dropped unless it commits */
    size_t staged_count, staged_capacity;
    struct kept_bodies kept;  /* those of them that are not in the bodies file yet */
};

struct operation {
    /* What can be done before the queue, in the caller's thread, on a snapshot of its own; NULL: nothing.
     * It promises nothing: run() has to do with whatever it left, and tells what is wrong. */
    void (*prepare)(struct operation *op, struct view *view);
    int (*run)(struct operation *op, struct txn *txn);
    bool dry_run;
    store_answer *answer;    /* emptied before each run; NULL if it has none */
    bool frees;              /* goes on when the disk is all but full */
    bool guards;             /* calls txn_guard where it needs to: most of its runs need no savepoint */
    int code;                /* of the last run */
    struct problem *problem; /* of the thread that waits for it */
};

/* Runs the operation in `explicit` (behind a savepoint) or, if that is NULL, in a transaction of its
 * own, perhaps together with other threads' operations. Its run()'s code. */
int txn_execute(store *s, store_txn *explicit_txn, struct operation *op);

/* The next version. Never fails; versions of an aborted transaction were never used. */
uint64_t txn_version(struct txn *txn);

/* Remembers a body written inside the transaction: dropped unless that commits. */
int txn_staged(struct txn *txn, uint64_t body);
/* What becomes of a body staged before a verb that has ended: published, with the explicit transaction
 * if there is one, or dropped. */
void txn_settle(store *s, store_txn *explicit_txn, uint64_t body, bool published);

/* A snapshot for reading: the explicit transaction's, or a new one. `own` says whether it is to be ended. */
int txn_snapshot(struct snapshot **out, bool *own, store *s, store_txn *explicit_txn);

/* A reading transaction inside the library, for one call: both files as of one commit, so that no chunk
 * of what is read can be reclaimed meanwhile. */
int txn_pin(store_txn **out, store *s);
void txn_unpin(store_txn *txn);

/* The bodies that a reading transaction sees; NULL for any other, and for none. */
struct snapshot *txn_bodies(const store_txn *explicit_txn);

/* What writes in an explicit transaction; NULL for one that only reads, and for none. */
struct txn *txn_of(store_txn *explicit_txn);

/* Is it there, and does it write? */
bool txn_writes(const store_txn *explicit_txn);

/* To be called by an operation that `guards` before it writes what a later failure of its own would
 * have to undo. Where all is checked before the first write nothing is needed, and the savepoint, the
 * dearest part of a small write in an explicit transaction, is saved. Should the operation fail after an
 * unguarded write all the same (the store is damaged), the transaction is left fit for an abort only. */
int txn_guard(struct txn *txn);

/* Runs `op` behind a savepoint of a running transaction: on failure all it did is undone (partial). */
int txn_attempt(struct txn *txn, int (*run)(void *context, struct txn *txn), void *context);

#endif
