/* seen.h - what a tree's nodes with several names were called first. */
#ifndef STORECTL_SEEN_H
#define STORECTL_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen_node;
struct seen {
    struct seen_node *nodes; /* open addressing; `room` is a power of two or 0 */
    size_t count, room;
};

/* The name that was added for the node, borrowed; NULL if there is none. A node is two numbers. */
const char *seen_find(const struct seen *seen, uint64_t a, uint64_t b);
/* Keeps a copy of its first name. False without memory. */
bool seen_add(struct seen *seen, uint64_t a, uint64_t b, const char *name);
void seen_release(struct seen *seen);

#endif
