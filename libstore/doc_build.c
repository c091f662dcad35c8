/* doc_build.c - nodes that come from no text of the doc: copies, new values, kept names. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doc_private.h"

const char *doc_keep_name(struct doc *doc, const char *text, size_t size, uint32_t *key_size)
{
    char *key = doc_keep(doc, size + size + 1);
    size_t decoded;

    if (!key)
        return NULL;
    decoded = doc_decode(key, text + 1, size - 2);
    memcpy(key + decoded, text, size);
    key[decoded + size] = '\0';
    *key_size = (uint32_t)decoded;
    return key;
}

const char *doc_share_name(struct doc *doc, const struct doc *from, doc_id named)
{
    const struct doc_node *node = &from->nodes[named];
    const char *text = node->key + node->key_size;
    uint32_t size;

    if (from == doc || !node->key_owned)
        return node->key;
    return doc_keep_name(doc, text, strlen(text), &size);
}

static const char *keep_copy(struct doc *doc, const char *data, size_t size)
{
    char *copy = doc_keep(doc, size);

    return copy && size > 0 ? memcpy(copy, data, size) : copy;
}

/* Gives node `id`, copied from another doc, its own copy of what is in that doc's blocks. */
static bool own_texts(struct doc *doc, doc_id id)
{
    struct doc_node *node = &doc->nodes[id];

    if (node->text_owned) {
        node->text = keep_copy(doc, node->text, node->text_size);
        if (node->type == DOC_STRING && node->text && !node->escaped)
            node->value = node->text + 1;
    }
    if (node->escaped)
        node->value = keep_copy(doc, node->value, node->value_size);
    return node->text && (node->value || node->type != DOC_STRING);
}

/* A detached copy of one node, without its children. */
static doc_id copy_node(struct doc *doc, const struct doc *from, doc_id node)
{
    doc_id id = doc_node_new(doc, DOC_NULL);
    struct doc_node *copy;

    if (id == DOC_NONE)
        return DOC_NONE;
    copy = &doc->nodes[id];
    *copy = from->nodes[node];
    copy->parent = copy->next = copy->prev = copy->first = copy->last = DOC_NONE;
    copy->count = 0;
    copy->key = NULL;
    copy->key_size = 0;
    copy->key_owned = false;
    return from == doc || own_texts(doc, id) ? id : DOC_NONE;
}

/* Copies a child under the copy of its parent. */
static doc_id copy_child(struct doc *doc, const struct doc *from, doc_id child, doc_id parent)
{
    doc_id id = copy_node(doc, from, child);
    struct doc_node *copy = &doc->nodes[id];

    if (id == DOC_NONE)
        return DOC_NONE;
    doc_link_last(doc, parent, id);
    if (!from->nodes[child].key)
        return id;
    copy->key = doc_share_name(doc, from, child);
    copy->key_size = from->nodes[child].key_size;
    copy->key_owned = from->nodes[child].key_owned;
    return copy->key ? id : DOC_NONE;
}

doc_id doc_copy(struct doc *doc, const struct doc *from, doc_id top)
{
    doc_id root = copy_node(doc, from, top);
    doc_id copy = root; /* of `id`, while both walk in step */
    doc_id id = top;

    while (copy != DOC_NONE) {
        doc_id next = from->nodes[id].first;

        if (next == DOC_NONE) {
            for (; id != top && from->nodes[id].next == DOC_NONE; id = from->nodes[id].parent)
                copy = doc->nodes[copy].parent;
            if (id == top)
                return root;
            next = from->nodes[id].next;
            copy = doc->nodes[copy].parent;
        }
        copy = copy_child(doc, from, next, copy);
        id = next;
    }
    return DOC_NONE;
}

doc_id doc_new_string(struct doc *doc, const char *text, size_t size)
{
    struct buffer json = BUFFER_INIT;
    doc_id id = DOC_NONE;
    const char *kept = NULL;
    char *value;

    buffer_json_string(&json, text, size);
    if (json.failed || json.size >= UINT32_MAX)
        doc->no_memory = true;
    else
        kept = keep_copy(doc, json.data, json.size);
    if (!kept)
        goto out;
    value = doc_keep(doc, json.size);
    if (!value)
        goto out;
    id = doc_node_new(doc, DOC_STRING);
    if (id == DOC_NONE)
        goto out;
    doc->nodes[id].text = kept;
    doc->nodes[id].text_size = (uint32_t)json.size;
    doc->nodes[id].text_owned = true;
    doc->nodes[id].escaped = true; /* `value` has memory of its own */
    doc->nodes[id].value = value;
    doc->nodes[id].value_size = (uint32_t)doc_decode(value, kept + 1, json.size - 2);
out:
    buffer_release(&json);
    return id;
}

doc_id doc_new_integer(struct doc *doc, int64_t value)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%" PRId64, value);
    const char *kept = keep_copy(doc, text, (size_t)size);
    doc_id id = kept ? doc_node_new(doc, DOC_NUMBER) : DOC_NONE;

    if (id == DOC_NONE)
        return DOC_NONE;
    doc->nodes[id].text = kept;
    doc->nodes[id].text_size = (uint32_t)size;
    doc->nodes[id].text_owned = true;
    doc->nodes[id].integer = true;
    return id;
}

doc_id doc_new_container(struct doc *doc, enum doc_type type)
{
    doc_id id = doc_node_new(doc, type);

    if (id == DOC_NONE)
        return DOC_NONE;
    doc->nodes[id].text = type == DOC_OBJECT ? "{}" : "[]";
    doc->nodes[id].text_size = 2;
    return id;
}
