/* patch_merge.c - JSON Merge Patch, RFC 7396. Recursion is as deep as the patch, which
 * STORE_DEPTH_MAX bounds. */
#include "doc_private.h"
#include "patch.h"

struct merge {
    struct doc *doc;
    struct doc *patch;
    patch_initial initial; /* NULL below the top level */
    const void *context;
};

static bool merge_object(const struct merge *m, doc_id object, doc_id patch);

/* Puts `value` in the place of `old`, or adds it under the name of `named` in the patch. */
static bool put_member(const struct merge *m, doc_id object, doc_id old, doc_id named, doc_id value)
{
    if (value == DOC_NONE)
        return false;
    if (old != DOC_NONE)
        return doc_replace(m->doc, old, value);
    return doc_add_named(m->doc, object, m->patch, named, value);
}

static bool merge_null(const struct merge *m, doc_id object, doc_id old, doc_id named)
{
    const struct doc_node *name = &m->patch->nodes[named];
    struct slice text = { 0 };

    if (m->initial)
        text = m->initial(m->context, name->key, name->key_size);
    if (text.data)
        return put_member(m, object, old, named, doc_parse_more(m->doc, text.data, text.size, NULL));
    if (old != DOC_NONE)
        doc_remove(m->doc, old);
    return true;
}

static bool merge_child(const struct merge *m, doc_id object, doc_id old, doc_id named)
{
    const struct merge below = { .doc = m->doc, .patch = m->patch };
    doc_id target = old;

    if (old == DOC_NONE || m->doc->nodes[old].type != DOC_OBJECT) {
        target = doc_new_container(m->doc, DOC_OBJECT);
        if (!put_member(m, object, old, named, target))
            return false;
    }
    return merge_object(&below, target, named);
}

static bool merge_object(const struct merge *m, doc_id object, doc_id patch)
{
    struct doc_index index;
    bool merged = true;

    doc_index_open(&index, m->doc, object, m->patch->nodes[patch].count);
    for (doc_id id = m->patch->nodes[patch].first; id != DOC_NONE && merged; id = m->patch->nodes[id].next) {
        const struct doc_node *node = &m->patch->nodes[id];
        doc_id old = doc_index_find(&index, m->doc, object, node->key, node->key_size);

        if (node->type == DOC_NULL)
            merged = merge_null(m, object, old, id);
        else if (node->type == DOC_OBJECT)
            merged = merge_child(m, object, old, id);
        else
            merged = put_member(m, object, old, id, doc_copy(m->doc, m->patch, id));
    }
    doc_index_release(&index);
    return merged;
}

bool patch_merge(struct doc *doc, struct doc *patch_doc, doc_id patch, patch_initial initial,
                 const void *context)
{
    const struct merge m = { .doc = doc, .patch = patch_doc, .initial = initial, .context = context };
    bool object = patch_doc->nodes[patch].type == DOC_OBJECT;

    if (!object || doc->nodes[doc->root].type != DOC_OBJECT) {
        doc_id root = object ? doc_new_container(doc, DOC_OBJECT) : doc_copy(doc, patch_doc, patch);

        if (root == DOC_NONE)
            return false;
        doc_replace(doc, doc->root, root);
    }
    return !object || merge_object(&m, doc->root, patch);
}
