/* doc_index.c - members of a large object by name: a hash table with open addressing. The
 * hash is keyed with the process's own secret, so that no sender can make names collide. */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <xxhash.h>

#include "doc_private.h"

/* From how many searches, and from how many members (with those that searches in vain may
 * lead to), a hash is faster than comparing names one by one. */
#define SEARCHES_WORTH 8
#define MEMBERS_WORTH 40

/* The kernel gives each process 16 random bytes: no I/O, no state. */
static uint64_t secret(void)
{
    const void *random = (const void *)getauxval(AT_RANDOM);
    uint64_t seed = 0;

    if (random)
        memcpy(&seed, random, sizeof(seed));
    return seed * 0x9E3779B97F4A7C15u;
}

bool doc_index_init(struct doc_index *index, uint32_t members)
{
    uint32_t slots = 32;

    while (slots / 2 < members)
        slots *= 2;
    index->mask = slots - 1;
    index->seed = secret();
    index->slots = calloc(slots, sizeof(*index->slots));
    return index->slots != NULL;
}

/* The slot of a name: its member's, or the empty one where it would be. */
static doc_id *slot_of(const struct doc_index *index, const struct doc *doc, const char *key, size_t size)
{
    uint64_t at = XXH3_64bits_withSeed(key, size, index->seed);

    for (;; at++) {
        doc_id *slot = &index->slots[at & index->mask];
        const struct doc_node *member = &doc->nodes[*slot];

        if (*slot == DOC_NONE)
            return slot;
        /* one that was removed since has no name any more */
        if (member->key && member->key_size == size && memcmp(member->key, key, size) == 0)
            return slot;
    }
}

doc_id doc_index_add(struct doc_index *index, const struct doc *doc, doc_id member)
{
    doc_id *slot = slot_of(index, doc, doc->nodes[member].key, doc->nodes[member].key_size);

    if (*slot != DOC_NONE)
        return *slot;
    *slot = member;
    return DOC_NONE;
}

void doc_index_open(struct doc_index *index, const struct doc *doc, doc_id object, uint32_t searches)
{
    uint32_t count = doc->nodes[object].count;

    *index = (struct doc_index){ 0 };
    if (searches < SEARCHES_WORTH || count + searches < MEMBERS_WORTH || !doc_index_init(index, count))
        return;
    for (doc_id id = doc->nodes[object].first; id != DOC_NONE; id = doc->nodes[id].next)
        doc_index_add(index, doc, id);
}

doc_id doc_index_find(const struct doc_index *index, const struct doc *doc, doc_id object, const char *key,
                      size_t size)
{
    return index->slots ? *slot_of(index, doc, key, size) : doc_member(doc, object, key, size);
}

void doc_index_release(struct doc_index *index)
{
    free(index->slots);
    index->slots = NULL;
}
