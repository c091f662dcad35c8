/*
 * script.h - a store with something of everything in it, one step for every public function, and the
 * state of a store as text.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "store.h"

struct step {
    const char *name;
    int (*run)(store *s);
    bool partial; /* may change a part, and says so */
};

extern const struct step SCRIPT[];
extern const size_t SCRIPT_SIZE;

/* Fills an empty store. */
int script_prepare(store *s);

/* What all can see of the store, with versions if wanted, times never. NULL when it cannot be read.
 * The caller frees it. */
char *script_state(store *s, bool versions);

/* Removes a directory of files. */
void script_remove(const char *path);

#endif
