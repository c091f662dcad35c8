/* walk.h - a collection's entries, on demand with all levels below, depth first, in constant memory a level. */
#ifndef STORECTL_WALK_H
#define STORECTL_WALK_H

#include <stdio.h>

#include "store.h"

struct walk_level {
    store_iter *iter;
    size_t length;   /* of the location the level lists */
    store_stat stat; /* of that collection; the first level has none */
};

struct walk {
    store *store;
    store_list_options options;
    bool deep, descend; /* descend: the last step was a collection to go into */
    struct walk_level *levels;
    size_t depth, room;
    size_t base; /* where the part below the first location begins */
    store_stat last;
    char location[STORE_LOCATION_MAX + STORE_NAME_MAX + 3];
};

/* One step; everything is borrowed until the next. */
struct walk_step {
    const char *name;
    const char *location; /* absolute */
    const char *relative; /* below the walk's first location */
    const store_stat *stat;
    bool leave;           /* a collection again, after all below it; only when deep */
};

/* Results are store codes, with the library's problem. `options` apply to every level. Release with
 * walk_close, also after an error. */
int walk_open(struct walk *walk, store *s, const char *location, const store_list_options *options, bool deep);
/* STORE_OK with the next step, STORE_END after the last. Collections that vanish meanwhile are left. */
int walk_next(struct walk_step *out, struct walk *walk);
/* Does not go into the collection that was the last step: it is not left either. */
void walk_prune(struct walk *walk);
void walk_close(struct walk *walk);

#endif
