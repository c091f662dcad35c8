/*
 * amend.h - changing parts of typed objects: what PATCH, POST and a merging PUT
 * have in common.
 */
#ifndef STORE_AMEND_H
#define STORE_AMEND_H

#include "draft.h"
#include "many.h"
#include "typed.h"

/* A patch, parsed. */
struct amendment {
    store_patch_kind kind;
    struct doc *doc;
    doc_id node;
    const store_request *request;
    bool removes;       /* DELETE of a property: there is no node */
    bool may_move;      /* PATCH may change the key; POST may not */
    const char *prefix; /* of violations' pointers; NULL: none */
    const struct draft *draft; /* what it makes of the object, made beforehand; NULL: none */
};

/* Applies it to the object at `target` (or to target->property of it), whose record is `old`. */
int amend_existing(struct txn *txn, const struct target *target, const struct record *old,
                   const struct amendment *amendment, store_result *result);
/* Drafts what amend_existing would write, if there is an object and its key stays. Says nothing of errors. */
void amend_prepare(struct draft *out, struct view *view, const struct target *target,
                   const struct amendment *amendment);
/* Creates the object from its initial state and the patch. */
int amend_insert(struct txn *txn, const struct target *target, const struct amendment *amendment,
                 store_result *result);
/* One or the other, by whether it exists and what the request's flags allow; checks its conditions. */
int amend(struct txn *txn, const struct target *target, const struct amendment *amendment, store_result *result);

/* A merge patch that brings its key, or a list of keys, sent to a collection. */
int amend_collection(struct txn *txn, struct slice parent, uint64_t scope, const struct definition *definition,
                     const struct amendment *amendment, store_answer *answer);

#endif
