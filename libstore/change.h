/*
 * change.h - the change log: one row for each commit (more for large ones),
 * keyed by its first version, so that writing it is one appended put.
 *
 * Row: u8 format, i64 time, u64 last version used by the commit, then items of
 * { u64 version, u8 outcome, u8 kind, u16 location size, u16 from size, location,
 * from }. Little-endian. The log is also the version counter: the next version
 * is one more than the last that its last row names.
 */
#ifndef STORE_CHANGE_H
#define STORE_CHANGE_H

#include "slice.h"
#include "txn.h"

/* Notes a change of the running transaction. `from` is for STORE_MOVED only, else empty. */
int change_note(struct txn *txn, uint64_t version, store_outcome outcome, store_kind kind, const char *location,
                const char *from);

/* Writes the noted changes as rows, and trims the log now and then. */
int change_log(struct txn *txn);

/* After commits were lost: versions that they may have used are skipped, and the log begins anew, so
 * that whoever follows it learns that it must look at everything again. */
int change_restart(struct txn *txn);

/* The last version any committed transaction used; 0 in an empty store. */
int change_last_version(uint64_t *out, struct snapshot *snapshot);

/* Reading rows, for the feed and for check. */
struct change_row {
    int64_t time;
    uint64_t last_version;
    struct slice items;
};
struct change_item {
    uint64_t version;
    store_outcome outcome;
    store_kind kind;
    struct slice location, from;
};
bool change_row_read(struct change_row *out, struct slice row);
/* Takes the first item off `row->items`: 1, 0 at the end, -1 if it is damaged. */
int change_item_next(struct change_item *out, struct change_row *row);

#endif
