/* index.h - the rows of a collection's unique keys. */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "definition.h"
#include "layout.h"
#include "tree.h"
#include "txn.h"

/* One object's row for one unique key. */
struct index_row {
    bool present;      /* false: a component is null or absent, the object is not indexed by it */
    struct key key;
    char *overflow;    /* encoded key when it does not fit into a row's key; owned */
    size_t overflow_size;
};

/* One for each unique key; owned. */
struct index_rows {
    size_t count;
    struct index_row *rows;
};

/* What rows name their object by: its entry key's part behind scope and kind. */
static inline struct slice index_entry(const struct target *target)
{
    return slice_of(target->key.bytes + SCOPE_PREFIX, target->key.size - SCOPE_PREFIX);
}

/* The rows that `object` has, or would have. invalid_value if a component has a wrong type. */
int index_rows_of(struct index_rows *out, const struct definition *definition, uint64_t scope, struct doc *doc,
                  doc_id object);
void index_rows_release(struct index_rows *rows);

/*
 * key_conflict if another object than the one at `entry` (empty: none) holds one of the rows. `*held`:
 * that object holds them all, so that they are the ones it has, and nothing need be known of its body.
 */
int index_check(bool *held, struct txn *txn, const struct target *target, const struct index_rows *rows,
                struct slice entry);

/* From the rows of the object as it was (at key `old_entry`) to those it has now; either may be
 * NULL. What did not change is not touched. */
int index_update(struct txn *txn, const struct index_rows *old, struct slice old_entry,
                 const struct index_rows *rows, struct slice entry);

/* Encodes a search key of the first `count` columns of a unique key. invalid_value if too long. */
int index_prefix(struct key *out, const struct definition *definition, size_t index, uint64_t scope,
                 const struct key_value *values, size_t count);

/* The entry key that an index row refers to; false if it is damaged. */
bool index_row_read(struct slice *entry, struct slice *overflow, struct slice value);

#endif
