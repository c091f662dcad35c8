/*
 * tree_cache.h - the collections that were resolved last, remembered with a snapshot's slot by their
 * location and by their id, with their definitions. tree.h has its life.
 */
#ifndef STORE_TREE_CACHE_H
#define STORE_TREE_CACHE_H

#include "tree.h"

/* A collection. What is found stays until the next one is added. */
struct cached {
    char *path; /* its location, "" for the root; NULL: the slot is free */
    size_t size;
    uint64_t id;
    struct definition *definition; /* NULL if it is plain */
};

/* NULL if it is not remembered. */
struct cached *cache_find(struct tree_cache *cache, struct slice path);
struct cached *cache_find_id(const struct tree_cache *cache, uint64_t id);
/* Takes over the reference to `definition`, also when it fails for lack of memory. */
int cache_add(struct cached **out, struct tree_cache *cache, struct slice path, uint64_t id,
              struct definition *definition);

/* The definition of a typed collection: compiled already, or compiled now. corrupt if it has none. */
int load_definition(struct definition **out, struct view *view, uint64_t collection);

#endif
