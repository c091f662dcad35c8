/* schema_names.c - the member names one schema knows, as a hash table: one look-up a member. */
#include "schema_private.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint32_t hash_name(const struct names *names, struct slice text)
{
    return (uint32_t)XXH3_64bits_withSeed(text.data, text.size, names->seed);
}

/* The slot of the name, or the free one where it belongs. */
static struct name_slot *find_slot(const struct names *names, struct slice text, uint32_t hash)
{
    uint32_t at = hash & names->mask;

    for (; names->slots[at].name != 0; at = (at + 1) & names->mask)
        if (names->slots[at].hash == hash && slice_equal(names->items[names->slots[at].name - 1].text, text))
            break;
    return &names->slots[at];
}

bool names_init(struct names *names, struct schema *schema, size_t count)
{
    size_t slots = 4;

    if (count == 0)
        return true;
    while (slots < 2 * count)
        slots *= 2;
    names->items = schema_alloc(schema, count, sizeof *names->items);
    names->slots = schema_alloc(schema, slots, sizeof *names->slots);
    names->seed = schema->seed;
    names->mask = (uint32_t)(slots - 1);
    return names->items != NULL && names->slots != NULL;
}

struct name *names_add(struct names *names, struct slice text)
{
    uint32_t hash = hash_name(names, text);
    struct name_slot *slot = find_slot(names, text, hash);

    if (slot->name == 0) {
        names->items[names->count].text = text;
        *slot = (struct name_slot){ .hash = hash, .name = ++names->count };
    }
    return &names->items[slot->name - 1];
}

struct name *names_find(const struct names *names, const char *text, size_t size)
{
    struct slice name = slice_of(text, size);
    const struct name_slot *slot;

    if (names->count == 0)
        return NULL;
    slot = find_slot(names, name, hash_name(names, name));
    return slot->name != 0 ? &names->items[slot->name - 1] : NULL;
}

struct name *names_find_next(const struct names *names, uint32_t *next, const char *text, size_t size)
{
    struct name *found = *next < names->count ? &names->items[*next] : NULL;

    if (found == NULL || found->text.size != size || memcmp(found->text.data, text, size) != 0)
        found = names_find(names, text, size);
    if (found != NULL)
        *next = (uint32_t)(found - names->items) + 1;
    return found;
}
