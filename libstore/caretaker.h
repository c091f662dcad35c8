/*
 * caretaker.h - the one thread of a handle that works in the background: it
 * frees the chunks and rows of what was deleted, in slices, drops uploads of
 * sessions that died, clears dead readers, and with relaxed durability syncs
 * twice a second. It is started by the first write.
 */
#ifndef STORE_CARETAKER_H
#define STORE_CARETAKER_H

#include <stdbool.h>

#include "store_private.h"

int caretaker_create(struct caretaker **out, store *s);
/* There is garbage, or (relaxed) something to sync. Starts the thread if need be. */
void caretaker_poke(store *s, bool garbage);
/* Lets it finish the work at hand, some of what is left, and ends it. */
void caretaker_free(struct caretaker *caretaker);

#endif
