/*
 * queue.h - the writers of a handle wait here for their turn. The thread at the
 * head leads: it runs the operations of all who wait in one transaction (group
 * commit) and gives each its code. An explicit transaction owns the queue
 * while it is open.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "txn.h"

int queue_create(struct queue **out);
void queue_free(struct queue *queue);

/* Runs the operation in a transaction, perhaps together with others'; its code. */
int queue_execute(store *s, struct operation *op);

/* Waits for the queue to belong to this thread alone; busy if it does already. */
int queue_own(struct queue *queue);
void queue_disown(struct queue *queue);

/* --- one transaction, as the queue and explicit transactions run it (txn.c) */

int txn_open(struct txn *txn, store *s);
/* Writes the change log, commits, wakes who waits. Ends it, whatever the code. */
int txn_close(struct txn *txn);
void txn_cancel(struct txn *txn);

/* What an operation that fails must not leave behind in the transaction. */
struct txn_mark {
    uint64_t next_version;
    size_t changes;
    size_t touches;
    struct touch last_touch; /* if there are any: later ones are added to it */
    size_t staged;
    size_t kept_changes, kept_change_bytes;
    unsigned flushes;
    uint64_t writes;
};
struct txn_mark txn_mark(const struct txn *txn);
void txn_back_to(struct txn *txn, const struct txn_mark *mark);

/* An operation, as a context for txn_behind_savepoint. */
int txn_run_operation(void *context, struct txn *txn);
/* Undone if it fails, or if `undo` (a dry run). */
int txn_behind_savepoint(struct txn *txn, int (*run)(void *context, struct txn *txn), void *context, bool undo);

/* One operation of an explicit transaction: on failure, or in a dry run, all it did is undone. */
int txn_run_alone(struct txn *txn, struct operation *op);

/* The map of a file was full and has been made larger, or can be: the same again will do. */
bool txn_grown(store *s);
/* full for an operation that frees nothing when the disk is scarce. */
int txn_refuse(const struct operation *op, bool scarce);
#define OPERATION_BYTES 16384 /* what an operation takes of the file, generously */

#endif
