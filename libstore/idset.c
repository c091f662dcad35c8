/* idset.c - a set of 64-bit ids: open addressing, at most three quarters full. */
#include "idset.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

/* Ids come in runs; this spreads them over the table (the finalizer of MurmurHash3). */
static uint64_t mix(uint64_t id)
{
    id ^= id >> 33;
    id *= 0xff51afd7ed558ccdULL;
    id ^= id >> 33;
    id *= 0xc4ceb9fe1a85ec53ULL;
    return id ^ id >> 33;
}

static uint64_t *slot_of(uint64_t *slots, size_t capacity, uint64_t id)
{
    size_t at = (size_t)mix(id) & (capacity - 1);

    while (slots[at] != 0 && slots[at] != id)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool grow(struct idset *set)
{
    size_t capacity = set->capacity ? 2 * set->capacity : FIRST_CAPACITY;
    uint64_t *slots = calloc(capacity, sizeof *slots);

    if (!slots)
        return false;
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i] != 0)
            *slot_of(slots, capacity, set->slots[i]) = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return true;
}

enum idset_answer idset_add(struct idset *set, uint64_t id)
{
    uint64_t *slot;
    bool known = set->has_zero;

    if (id == 0) {
        set->has_zero = true;
        return known ? IDSET_KNOWN : IDSET_NEW;
    }
    if (set->count >= set->capacity / 4 * 3 && !grow(set))
        return IDSET_NO_MEMORY;
    slot = slot_of(set->slots, set->capacity, id);
    if (*slot == id)
        return IDSET_KNOWN;
    *slot = id;
    set->count++;
    return IDSET_NEW;
}

bool idset_has(const struct idset *set, uint64_t id)
{
    if (id == 0)
        return set->has_zero;
    return set->capacity != 0 && *slot_of(set->slots, set->capacity, id) == id;
}

void idset_release(struct idset *set)
{
    free(set->slots);
    *set = (struct idset)IDSET_INIT;
}
