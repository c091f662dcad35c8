/*
 * collection_row.h - the row that a collection has in its own scope, beside its record in the scope of
 * the collection above: from an id it leads up to the location (docs/decisions/0019).
 */
#ifndef STORE_COLLECTION_ROW_H
#define STORE_COLLECTION_ROW_H

#include "tree.h"
#include "txn.h"

struct collection_row {
    uint64_t parent;         /* where its entry is: a collection's id, SCOPE_STORE for the root */
    int64_t time;            /* when an entry last came or went, or COLLECTION_UNTOUCHED */
    uint64_t subcollections; /* how many of its entries are collections */
    struct slice name;       /* the entry's key behind scope and kind; borrowed */
};

#define COLLECTION_UNTOUCHED INT64_MIN /* nothing did since it was made, or its time set */

/* STORE_OK, ENGINE_ABSENT or an error. */
int collection_row_get(struct collection_row *out, struct snapshot *snapshot, uint64_t id);
int collection_row_put(struct txn *txn, uint64_t id, const struct collection_row *row);
/* The same with what a writing transaction has not written yet. */
int collection_row_now(struct collection_row *out, const struct view *view, uint64_t id);

/* The row of a collection that is made with `entry` as the key of its record. */
int collection_row_make(struct txn *txn, uint64_t id, const struct key *entry);
/* It has another entry now. */
int collection_row_move(struct txn *txn, uint64_t id, const struct key *entry);

/* To be called by whoever writes or deletes an entry of `scope`, before that: `subcollections` is 1 when a
 * collection comes, -1 when one goes, else 0. The row is written once, by the end of the transaction. */
int collection_touch(struct txn *txn, uint64_t scope, int subcollections);
/* The collection's time was set: it counts until it is touched again. */
int collection_set_time(struct txn *txn, uint64_t id);
/* Writes the rows of all collections that were touched. */
int collection_flush(struct txn *txn);

/*
 * The location of collection `id`, into `space` (STORE_LOCATION_MAX + 1 bytes): "" for the root. Every
 * collection on the way has to be there still: else not_found. `record` is its record.
 */
int collection_location(struct slice *out, struct record *record, char *space, struct view *view, uint64_t id);
/* That of an entry by its key, into `out` (STORE_LOCATION_MAX + 1 bytes); not_found likewise. */
int collection_entry_location(char *out, struct view *view, struct slice key);

#endif
