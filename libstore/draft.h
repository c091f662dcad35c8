/*
 * draft.h - the next state of a typed object, ready to be written: complete, valid, as text, with its
 * index rows. Making one asks nothing of a transaction, so the caller's thread can do it before it
 * waits for the writer's lock (struct operation, prepare). Inside the transaction it is
 * published if it still fits; else another is made there.
 */
#ifndef STORE_DRAFT_H
#define STORE_DRAFT_H

#include "index.h"
#include "node.h"

struct draft {
    uint64_t definition;     /* version of the definition it conforms to; 0: there is no draft */
    uint64_t scope;          /* the collection */
    uint64_t base;           /* version of the object it was made from; 0: it replaces whatever is there */
    struct slice text;       /* the body: as it was sent, or in `space` */
    struct buffer space;
    struct index_rows rows;
    struct index_rows former; /* of `base`; count 0: not known */
    bool completed;           /* the body is not what was sent */
};

#define DRAFT_INIT { 0 }

/*
 * Checks `object` against the definition of target's collection, and takes its text and its index rows;
 * then the doc may go. `sent` is the text as the caller sent it, kept byte for byte unless the doc
 * was changed; it has to outlive the draft. invalid_value with every violation, their pointers
 * behind `prefix`; too_large.
 */
int draft_make(struct draft *out, const struct target *target, struct doc *doc, doc_id object, struct slice sent,
               const char *prefix);
void draft_release(struct draft *draft);

/* Whether it is what would be made now at `target`, where the record is `old` (NULL: none). */
bool draft_fits(const struct draft *draft, const struct target *target, const struct record *old);

/* Where a draft is published: `old` is the object's record now, NULL to create it; `from` is where that
 * stands when the object moves, else NULL. */
struct draft_place {
    const struct target *target;
    const struct record *old;
    const struct target *from;
    bool renews; /* PUT: a request that names another id replaces the node, not only its body */
};
/* Writes object and index rows: key_conflict when a unique key is taken. */
int draft_publish(struct txn *txn, const struct draft *draft, const struct draft_place *place,
                  const store_request *request, store_result *result);

#endif
