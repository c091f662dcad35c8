/*
 * hold.h - versions that are kept for a reader: a held body counts as referred to, so that nothing of it is
 * reclaimed, and a range write makes a new body. A row for each body and session says who holds it.
 */
#ifndef STORE_HOLD_H
#define STORE_HOLD_H

#include "body.h"

/* Holds the body of `record` as the record sees it, in a transaction of its own. precondition_failed if it was
 * changed or went. */
int hold_take(store *s, const struct record *record);
/* What cannot be given up now is when the session ends. */
int hold_give_up(store *s, uint64_t body);
/* The caretaker's: gives up what dead sessions held. */
int hold_sweep(store *s);

struct hold_row {
    uint64_t body, nonce;
    uint32_t slot, count; /* of the session; how often it holds the body */
};
/* False if it is no such row. */
bool hold_read(struct hold_row *out, struct slice key, struct slice value);

#endif
