/* idset.h - a set of 64-bit ids that grows. PURE: no I/O. */
#ifndef STORE_IDSET_H
#define STORE_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idset {
    uint64_t *slots; /* 0: free */
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    bool has_zero;
};

#define IDSET_INIT { 0 }

enum idset_answer { IDSET_NEW, IDSET_KNOWN, IDSET_NO_MEMORY };

/* Puts `id` into the set and says whether it was there before. */
enum idset_answer idset_add(struct idset *set, uint64_t id);
bool idset_has(const struct idset *set, uint64_t id);
void idset_release(struct idset *set);

#endif
