/* doc_write.c - a node's JSON text: verbatim where untouched, joined where an edit was made. */
#include <string.h>

#include "doc_private.h"

/* A member's name as JSON text; doc_node says where it is. */
static struct slice name_of(const struct doc_node *member)
{
    if (member->key_owned)
        return slice_text(member->key + member->key_size);
    return slice_of(member->key - 1, (size_t)member->key_size + 2);
}

static void write_name(const struct doc_node *member, struct buffer *out)
{
    struct slice name;

    if (!member->key)
        return;
    name = name_of(member);
    buffer_append(out, name.data, name.size);
    buffer_append(out, ":", 1);
}

static bool is_open(const struct doc_node *node)
{
    return node->changed && node->first != DOC_NONE;
}

void doc_write(const struct doc *doc, doc_id top, struct buffer *out)
{
    const struct doc_node *nodes = doc->nodes;
    doc_id id = top;

    for (;;) {
        const struct doc_node *node = &nodes[id];
        bool object = node->type == DOC_OBJECT;

        if (is_open(node)) {
            buffer_append(out, object ? "{" : "[", 1);
            id = node->first;
            write_name(&nodes[id], out);
            continue;
        }
        if (node->changed)
            buffer_append(out, object ? "{}" : "[]", 2);
        else
            buffer_append(out, node->text, node->text_size);
        while (id != top && nodes[id].next == DOC_NONE) {
            id = nodes[id].parent;
            buffer_append(out, nodes[id].type == DOC_OBJECT ? "}" : "]", 1);
        }
        if (id == top)
            break;
        id = nodes[id].next;
        buffer_append(out, ",", 1);
        write_name(&nodes[id], out);
    }
}

size_t doc_write_size(const struct doc *doc, doc_id top)
{
    size_t size = 0;

    for (doc_id id = top; id != DOC_NONE; id = doc_walk(doc, top, id, doc->nodes[id].changed)) {
        const struct doc_node *node = &doc->nodes[id];

        if (node->changed)
            size += node->count > 0 ? (size_t)node->count + 1 : 2; /* brackets, commas */
        else
            size += node->text_size;
        if (id != top && node->key)
            size += name_of(node).size + 1;
    }
    return size;
}
