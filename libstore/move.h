/*
 * move.h - what MOVE (move.c), COPY (copy.c) and the exchange of two nodes (exchange.c) share.
 */
#ifndef STORE_MOVE_H
#define STORE_MOVE_H

#include "draft.h"
#include "txn.h"

struct move_operation {
    struct operation operation;
    const char *from, *to;
    bool copies;
    const store_request *request;
};

/* Whether the node may stand at `to` at all: bad_argument, kind_conflict, property_target. */
int move_check(const struct target *from, const struct target *to, const struct record *record, bool copies);

/* The request that labels what leaves its typed collection as JSON, if it needed no label there; else
 * one that changes nothing. */
const store_request *move_label(const struct target *from, const struct target *to, const struct record *record);

/* What a body becomes in the typed collection of `to`: the key properties follow the location, absent
 * properties are filled in. `space` has to outlive the draft, and the record too. */
int move_draft(struct draft *out, struct buffer *space, struct txn *txn, const struct target *to,
               const struct record *record);

/* The answer when everything is as it is wanted already. */
int move_nothing(const struct target *to, const struct record *record, store_answer *answer);

/* COPY of a node that does not go into a typed collection, with all below it. */
int copy_node(struct txn *txn, const struct target *from, const struct target *to, const struct record *record,
              const struct move_operation *op);

/* MOVE with STORE_EXCHANGE. */
int exchange_run(struct txn *txn, const struct move_operation *op);

#endif
