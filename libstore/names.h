/*
 * names.h - nodes with several names (docs/decisions/0021). The entry of each name is a record that only
 * says which node it is; the node's own record is the row 'I' of the store's scope, and behind it stands
 * a row for each name.
 */
#ifndef STORE_NAMES_H
#define STORE_NAMES_H

#include "buffer.h"
#include "tree.h"
#include "txn.h"

/* The key of the node's record. */
void names_node_key(struct key *out, uint64_t id);
/* The key of the row of one name; `entry` is the key of its entry. */
void names_row_key(struct key *out, uint64_t id, struct slice entry);
/* The key of the entry that the row of a name is about; false if it is no such row. */
bool names_entry_key(struct key *out, struct slice row);

/* How many names a node has by its record. */
uint64_t names_count(const struct record *record);
/* Appends that to the attributes of a record that is being built; they end with it. */
void names_append_count(struct buffer *section, uint64_t count);

/* Writes the node's record with another count. */
int names_recount(struct txn *txn, const struct record *record, uint64_t count);

/* The entry and the row of a name. */
int names_put(struct txn *txn, uint64_t id, uint64_t version, const struct key *entry);
/* The node at `existing` gets `entry` as another name, and a new version. */
int names_link(struct txn *txn, const struct target *existing, const struct record *record, const struct key *entry,
              uint64_t version);
/* One name becomes another; the entry of the former is the caller's to delete. */
int names_move(struct txn *txn, const struct record *record, const struct key *from, const struct key *to);
/* The node loses the name whose entry goes, and is gone itself with the last one. */
int names_drop(struct txn *txn, uint64_t id, struct slice entry);

/* A location of the node, into `out` (STORE_LOCATION_MAX + 1 bytes): ENGINE_ABSENT if it is none with several
 * names, not_found if all of them are in deleted collections. */
int names_location(char *out, struct view *view, uint64_t id);

#endif
