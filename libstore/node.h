/*
 * node.h - what the verbs share: conditions, metadata, writing and removing a
 * node's row, making the collections above it.
 */
#ifndef STORE_NODE_H
#define STORE_NODE_H

#include "buffer.h"
#include "record.h"
#include "tree.h"
#include "txn.h"

/* The bytes of a new body: in memory, or staged as a chunked body already. */
struct body_source {
    const void *data;
    uint64_t size;
    uint64_t staged; /* 0: in memory */
    bool sparse;     /* staged with holes */
};

static inline struct body_source body_in_memory(const void *data, uint64_t size)
{
    return (struct body_source){ .data = data, .size = size };
}

/* RFC 9110 13: checks a request's conditions; `existing` is NULL when the target is missing. */
int conditions_check(const store_request *request, const struct record *existing);
/* Does the request have any? */
bool conditions_any(const store_request *request);
/* precondition_required if the collection wants a condition for changing what exists. */
int conditions_demand(const struct definition *definition, const store_request *request);

/* Checks type, metadata and attributes of a request, before anything is written. */
int metadata_check(const store_request *request);
/* The attribute section of a node: what the request sets, else what `old` has. */
int metadata_build(struct buffer *out, struct slice old, const store_request *request);
/* The user metadata of a section, in one block to be freed, with room for `spare` items more. */
int metadata_copy(store_meta **items, size_t *count, struct slice section, size_t spare);
/* Is this a media type that a typed collection takes? NULL is. */
bool metadata_json_type(const char *type);

/* Resolves in a running transaction; with STORE_PARENTS makes the collections that are missing. */
int node_resolve(struct target *out, struct txn *txn, const struct address *address, const store_request *request);

/* Passes a code of resolving `target` on; that its name is no key (not_found, for reading) becomes
 * bad_location. */
int node_creatable(int code, const struct target *target);

/*
 * Writes the node's record as its next version: `old` is its record now, or
 * NULL to create one. `body` NULL keeps the old body. Takes care of the body's
 * references, the change log and the result. `old` may be borrowed.
 */
struct node_change {
    enum node_kind kind;
    unsigned flags;                /* RECORD_TYPED for a typed collection */
    const struct record *old;
    struct slice attributes;       /* that a new node has beside those the request sets */
    const struct body_source *body;
    const store_request *request;
    bool completed;                /* for the result */
    const struct target *from;     /* where it was, when the log is to say moved; else NULL */
    bool made;                     /* `old` is of this transaction, and silent: it is created all the same */
    bool replaces;                 /* without `old`: another node made room, so that for the world it is updated */
    bool silent;                   /* no entry in the change log (below a copied collection) */
    uint64_t version;              /* of a range write; 0: the next */
    bool resized;                  /* by a range write: the body that stays has ... */
    uint64_t size, generation;     /* ... this size and generation now */
};
int node_write(struct txn *txn, const struct target *target, const struct node_change *change, store_result *result);

/* Whether a PUT names another id than that of the node that is there: then a new one takes its place. */
static inline bool node_renewed(const struct record *existing, const store_request *request)
{
    return request->id && existing->id != request->id;
}

/* The key_conflict of a target that exists already. */
int node_taken(const struct target *target);

/* Writes an existing record under another key, unchanged but for version and times (MOVE). */
int node_rewrite(struct txn *txn, const struct key *key, const struct record *record, uint64_t version);
/* Writes it as another node with the same content under `key`; a chunked body is shared (COPY). `*id` is
 * the id that it is to have, or 0, and then the one that it got. */
int node_duplicate(struct txn *txn, const struct key *key, const struct record *record, uint64_t *id,
                   uint64_t *version);

/* Removes the row and what it refers to; in an auto collection its key stays used. */
int node_remove(struct txn *txn, const struct target *target, const struct record *record);
/* Removes only the row: the node goes on elsewhere, and whoever sees to that touches the collections. */
int node_unlink(struct txn *txn, const struct target *target);

int node_make_collection(struct txn *txn, const struct target *target, const store_request *request,
                         store_result *result);
/* not_empty unless the collection has no entries. */
int node_check_empty(struct snapshot *snapshot, uint64_t collection, const char *location);

/* A name of the store's own choosing that nobody took: the next version's text, into `name`
 * (STORE_NAME_MAX + 1 bytes). */
int node_unused_name(struct target *out, char *name, struct txn *txn, struct slice parent, uint64_t scope,
                     const struct definition *definition);
/* The next key of an auto collection. */
int node_next_auto(int64_t *out, struct txn *txn, uint64_t scope);

/* What the record is, for the change log and for stat. */
store_kind node_kind_of(enum node_kind kind);

#endif
