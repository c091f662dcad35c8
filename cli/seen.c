/* What a tree's nodes with several names were called first: a hash table from node to name. */
#include "seen.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64u

struct seen_node {
    uint64_t a, b;
    char *name; /* NULL: free */
};

/* Where the node is, or the free place where it would be. There is always one. */
static struct seen_node *place_of(const struct seen *seen, uint64_t a, uint64_t b)
{
    uint64_t hash = (a * 0x9E3779B97F4A7C15u) ^ (b * 0xC2B2AE3D27D4EB4Fu);
    size_t at = (size_t)(hash >> 32) & (seen->room - 1);

    while (seen->nodes[at].name && (seen->nodes[at].a != a || seen->nodes[at].b != b))
        at = (at + 1) & (seen->room - 1);
    return &seen->nodes[at];
}

static bool grow(struct seen *seen)
{
    struct seen larger = {.room = seen->room ? 2 * seen->room : ROOM_MIN, .count = seen->count};

    larger.nodes = calloc(larger.room, sizeof *larger.nodes);
    if (!larger.nodes)
        return false;
    for (size_t i = 0; i < seen->room; i++)
        if (seen->nodes[i].name)
            *place_of(&larger, seen->nodes[i].a, seen->nodes[i].b) = seen->nodes[i];
    free(seen->nodes);
    *seen = larger;
    return true;
}

const char *seen_find(const struct seen *seen, uint64_t a, uint64_t b)
{
    return seen->room ? place_of(seen, a, b)->name : NULL;
}

bool seen_add(struct seen *seen, uint64_t a, uint64_t b, const char *name)
{
    char *copy = 2 * seen->count < seen->room || grow(seen) ? strdup(name) : NULL;

    if (!copy)
        return false;
    *place_of(seen, a, b) = (struct seen_node){a, b, copy};
    seen->count++;
    return true;
}

void seen_release(struct seen *seen)
{
    for (size_t i = 0; i < seen->room; i++)
        free(seen->nodes[i].name);
    free(seen->nodes);
    *seen = (struct seen){0};
}
