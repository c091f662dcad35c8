/* doc.c - a doc's life and memory, and reading its nodes. */
#include "doc.h"

#include <stdlib.h>
#include <string.h>

#include "doc_private.h"

#define NODES_MIN 32u
#define NODES_KEPT 65536u /* doc_clear gives up more than these (4 MiB) */
#define BLOCK_MIN 4096u
#define BLOCK_MAX (1u << 20) /* where doubling stops; also the most that doc_clear keeps */

struct doc_block {
    struct doc_block *next;
    size_t used;
    size_t capacity;
    char data[];
};

static bool nodes_grow(struct doc *doc)
{
    uint32_t capacity = doc->capacity ? doc->capacity * 2 : NODES_MIN;
    struct doc_node *nodes;

    if (doc->count > DOC_NODES_MAX)
        goto failed;
    if (capacity > DOC_NODES_MAX + 1)
        capacity = DOC_NODES_MAX + 1;
    nodes = realloc(doc->nodes, capacity * sizeof(*nodes));
    if (!nodes)
        goto failed;
    if (doc->count == 0) {
        memset(&nodes[0], 0, sizeof(nodes[0]));
        doc->count = 1;
    }
    doc->nodes = nodes;
    doc->capacity = capacity;
    return true;
failed:
    doc->no_memory = true;
    return false;
}

doc_id doc_node_new(struct doc *doc, enum doc_type type)
{
    if (doc->count >= doc->capacity && !nodes_grow(doc))
        return DOC_NONE;
    doc->nodes[doc->count] = (struct doc_node){ .type = (uint8_t)type };
    return doc->count++;
}

char *doc_keep(struct doc *doc, size_t size)
{
    struct doc_block *block = doc->blocks;

    if (!block || block->capacity - block->used < size) {
        size_t capacity = block ? block->capacity * 2 : BLOCK_MIN;

        if (capacity > BLOCK_MAX)
            capacity = BLOCK_MAX;
        if (capacity < size)
            capacity = size;
        block = capacity < SIZE_MAX - sizeof(*block) ? malloc(sizeof(*block) + capacity) : NULL;
        if (!block) {
            doc->no_memory = true;
            return NULL;
        }
        *block = (struct doc_block){ .next = doc->blocks, .capacity = capacity };
        doc->blocks = block;
    }
    block->used += size;
    return block->data + block->used - size;
}

void doc_link_last(struct doc *doc, doc_id parent, doc_id child)
{
    struct doc_node *p = &doc->nodes[parent];
    struct doc_node *c = &doc->nodes[child];

    c->parent = parent;
    c->prev = p->last;
    c->next = DOC_NONE;
    if (p->last != DOC_NONE)
        doc->nodes[p->last].next = child;
    else
        p->first = child;
    p->last = child;
    p->count++;
}

static void blocks_free(struct doc_block *block)
{
    while (block) {
        struct doc_block *next = block->next;

        free(block);
        block = next;
    }
}

void doc_clear(struct doc *doc)
{
    struct doc_block *kept = doc->blocks;

    if (doc->capacity > NODES_KEPT) {
        free(doc->nodes);
        doc->nodes = NULL;
        doc->capacity = 0;
    }
    if (kept && kept->capacity <= BLOCK_MAX) {
        blocks_free(kept->next);
        kept->next = NULL;
        kept->used = 0;
    } else {
        blocks_free(kept);
        doc->blocks = NULL;
    }
    doc->count = doc->nodes ? 1 : 0;
    doc->root = DOC_NONE;
    doc->no_memory = false;
}

void doc_release(struct doc *doc)
{
    blocks_free(doc->blocks);
    free(doc->nodes);
    *doc = (struct doc)DOC_INIT;
}

doc_id doc_member(const struct doc *doc, doc_id object, const char *key, size_t key_size)
{
    doc_id id = doc->nodes[object].type == DOC_OBJECT ? doc->nodes[object].first : DOC_NONE;

    for (; id != DOC_NONE; id = doc->nodes[id].next) {
        const struct doc_node *node = &doc->nodes[id];

        if (node->key_size == key_size && memcmp(node->key, key, key_size) == 0)
            break;
    }
    return id;
}

doc_id doc_element(const struct doc *doc, doc_id array, size_t index)
{
    const struct doc_node *node = &doc->nodes[array];
    doc_id id;

    if (node->type != DOC_ARRAY || index >= node->count)
        return DOC_NONE;
    if (index < node->count / 2) {
        for (id = node->first; index > 0; index--)
            id = doc->nodes[id].next;
        return id;
    }
    for (id = node->last, index = node->count - 1 - index; index > 0; index--)
        id = doc->nodes[id].prev;
    return id;
}

struct slice doc_string(struct doc *doc, doc_id string)
{
    return slice_of(doc->nodes[string].value, doc->nodes[string].value_size);
}

doc_id doc_walk(const struct doc *doc, doc_id top, doc_id node, bool into)
{
    if (into && doc->nodes[node].first != DOC_NONE)
        return doc->nodes[node].first;
    while (node != top && doc->nodes[node].next == DOC_NONE)
        node = doc->nodes[node].parent;
    return node == top ? DOC_NONE : doc->nodes[node].next;
}
