/* doc_edit.c - edits: nodes relinked, and the containers whose text is stale then, marked. */
#include "doc_private.h"

/* Marks a container and all around it: their text is stale. Where one is marked already,
 * those around it are too. */
static void mark_changed(struct doc *doc, doc_id id)
{
    for (; id != DOC_NONE && !doc->nodes[id].changed; id = doc->nodes[id].parent)
        doc->nodes[id].changed = true;
}

static void detach(struct doc_node *node)
{
    node->parent = node->next = node->prev = DOC_NONE;
    node->key = NULL;
    node->key_size = 0;
    node->key_owned = false;
}

void doc_remove(struct doc *doc, doc_id id)
{
    struct doc_node *node = &doc->nodes[id];
    struct doc_node *parent = &doc->nodes[node->parent];

    if (id == doc->root)
        doc->root = DOC_NONE;
    if (node->parent == DOC_NONE)
        return;
    *(node->prev != DOC_NONE ? &doc->nodes[node->prev].next : &parent->first) = node->next;
    *(node->next != DOC_NONE ? &doc->nodes[node->next].prev : &parent->last) = node->prev;
    parent->count--;
    mark_changed(doc, node->parent);
    detach(node);
}

bool doc_replace(struct doc *doc, doc_id old, doc_id value)
{
    struct doc_node *from = &doc->nodes[old];
    struct doc_node *to = &doc->nodes[value];
    struct doc_node *parent = &doc->nodes[from->parent];

    if (old == doc->root)
        doc->root = value;
    if (from->parent == DOC_NONE)
        return true;
    to->parent = from->parent;
    to->next = from->next;
    to->prev = from->prev;
    to->key = from->key;
    to->key_size = from->key_size;
    to->key_owned = from->key_owned;
    *(to->prev != DOC_NONE ? &doc->nodes[to->prev].next : &parent->first) = value;
    *(to->next != DOC_NONE ? &doc->nodes[to->next].prev : &parent->last) = value;
    mark_changed(doc, to->parent);
    detach(from);
    return true;
}

bool doc_insert(struct doc *doc, doc_id array, size_t index, doc_id value)
{
    doc_id behind = doc_element(doc, array, index);
    struct doc_node *node = &doc->nodes[value];

    mark_changed(doc, array);
    if (behind == DOC_NONE) {
        doc_link_last(doc, array, value);
        return true;
    }
    node->parent = array;
    node->next = behind;
    node->prev = doc->nodes[behind].prev;
    *(node->prev != DOC_NONE ? &doc->nodes[node->prev].next : &doc->nodes[array].first) = value;
    doc->nodes[behind].prev = value;
    doc->nodes[array].count++;
    return true;
}

static bool add_member(struct doc *doc, doc_id object, doc_id value, const char *key, uint32_t key_size,
                       bool owned)
{
    struct doc_node *node = &doc->nodes[value];

    if (!key)
        return false;
    node->key = key;
    node->key_size = key_size;
    node->key_owned = owned;
    doc_link_last(doc, object, value);
    mark_changed(doc, object);
    return true;
}

bool doc_set(struct doc *doc, doc_id object, const char *key, size_t key_size, doc_id value)
{
    doc_id old = doc_member(doc, object, key, key_size);
    struct buffer text = BUFFER_INIT;
    const char *name = NULL;
    uint32_t name_size = 0;

    if (old != DOC_NONE)
        return doc_replace(doc, old, value);
    buffer_json_string(&text, key, key_size);
    if (text.failed || text.size >= UINT32_MAX)
        doc->no_memory = true;
    else
        name = doc_keep_name(doc, text.data, text.size, &name_size);
    buffer_release(&text);
    return add_member(doc, object, value, name, name_size, true);
}

bool doc_add_named(struct doc *doc, doc_id object, const struct doc *from, doc_id named, doc_id value)
{
    const char *key = doc_share_name(doc, from, named);

    return add_member(doc, object, value, key, from->nodes[named].key_size, from->nodes[named].key_owned);
}
