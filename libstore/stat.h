/* stat.h - what reading functions share. */
#ifndef STORE_STAT_H
#define STORE_STAT_H

#include "node.h"

/* What a record says, as the public struct. `typed`: its collection is. */
void stat_fill(store_stat *out, const struct record *record, bool typed);
/* The same of a collection, too, with what its own row says. */
int stat_node(store_stat *out, const struct view *view, const struct record *record, bool typed);

/* A property's value as text: its part of the body, or its initial state when the object was stored before
 * the schema named it. */
int property_text(struct buffer *out, const struct target *target, const struct view *view,
                  const struct record *record);
/* kind_conflict for a collection. */
int no_body(const struct record *record);

/* The defaults for NULL; bad_argument for a version this library does not know. */
int get_options_check(const store_get_options **options);

/* Whether a reading call that answered `*code` is to be done again in `*pin`, which the caller unpins: the
 * object was replaced between its two snapshots, and chunks of it were reclaimed. What the caller's own
 * transaction cannot read is gone. Without a pin `*code` says why. */
bool pin_overtaken(store_txn **pin, int *code, store *s, const store_get_options *options);

#endif
