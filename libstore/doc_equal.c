/* doc_equal.c - equality of JSON values. Recursion is bounded by the shallower of the two,
 * which STORE_DEPTH_MAX bounds. */
#include <string.h>

#include "doc_private.h"

static struct slice text_of(const struct doc_node *node)
{
    return slice_of(node->text, node->text_size);
}

static bool arrays_equal(struct doc *a, doc_id x, struct doc *b, doc_id y)
{
    doc_id i = a->nodes[x].first;
    doc_id j = b->nodes[y].first;

    while (i != DOC_NONE && j != DOC_NONE) {
        if (!doc_equal(a, i, b, j))
            return false;
        i = a->nodes[i].next;
        j = b->nodes[j].next;
    }
    return i == j;
}

static bool objects_equal(struct doc *a, doc_id x, struct doc *b, doc_id y)
{
    struct doc_index index;
    bool equal = true;

    /* Without memory for an index it is slow, not wrong. */
    doc_index_open(&index, b, y, a->nodes[x].count);
    for (doc_id i = a->nodes[x].first; i != DOC_NONE && equal; i = a->nodes[i].next) {
        doc_id j = doc_index_find(&index, b, y, a->nodes[i].key, a->nodes[i].key_size);

        equal = j != DOC_NONE && doc_equal(a, i, b, j);
    }
    doc_index_release(&index);
    return equal;
}

bool doc_equal(struct doc *a, doc_id x, struct doc *b, doc_id y)
{
    const struct doc_node *m = &a->nodes[x];
    const struct doc_node *n = &b->nodes[y];

    if (m->type != n->type)
        return false;
    switch ((enum doc_type)m->type) {
    case DOC_NULL:
    case DOC_FALSE:
    case DOC_TRUE:
        return true;
    case DOC_NUMBER:
        return doc_number_compare(text_of(m), text_of(n)) == 0;
    case DOC_STRING:
        return slice_equal(doc_string(a, x), doc_string(b, y));
    case DOC_ARRAY:
        return m->count == n->count && arrays_equal(a, x, b, y);
    case DOC_OBJECT:
        return m->count == n->count && objects_equal(a, x, b, y);
    }
    return false;
}
