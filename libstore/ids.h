/* ids.h - ids of nodes that were given out before the nodes are made. */
#ifndef STORE_IDS_H
#define STORE_IDS_H

#include "layout.h"
#include "txn.h"

/* The first id that is reserved: far beyond the versions that the other ids are. */
#define ID_RESERVED (UINT64_C(1) << 52)

/* The next id to be reserved. */
int id_next(uint64_t *out, struct snapshot *snapshot);
int id_next_set(struct txn *txn, uint64_t next);

/* bad_argument unless the id was reserved. */
int id_check(struct txn *txn, uint64_t id);

/* After commits were lost: ids that they may have reserved are skipped. */
int id_restart(struct txn *txn);

#endif
