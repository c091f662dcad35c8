/* property.c - finding and setting a member or element by the names of a location. */
#include "property.h"

#include <stdlib.h>
#include <string.h>

#include "pointer.h"

static bool next_token(struct slice *token, struct slice *path)
{
    const char *begin, *end;

    if (path->size == 0)
        return false;
    begin = (const char *)path->data + 1;
    end = memchr(begin, '/', path->size - 1);
    if (!end)
        end = (const char *)path->data + path->size;
    *token = slice_of(begin, (size_t)(end - begin));
    *path = slice_of(end, (size_t)((const char *)path->data + path->size - end));
    return true;
}

static void step(struct property *at, struct doc *doc)
{
    at->element = false;
    if (at->parent == DOC_NONE)
        return;
    if (doc_at(doc, at->parent)->type == DOC_OBJECT) {
        at->node = doc_member(doc, at->parent, at->name, at->name_size);
    } else if (doc_at(doc, at->parent)->type == DOC_ARRAY) {
        at->element = true;
        at->index = pointer_index(at->name, at->name_size);
        if (at->index == SIZE_MAX)
            at->parent = DOC_NONE;
        else
            at->node = doc_element(doc, at->parent, at->index);
    } else {
        at->parent = DOC_NONE;
    }
}

bool property_find(struct property *out, struct doc *doc, doc_id object, struct slice path)
{
    struct slice token;

    *out = (struct property){ .node = object, .name = malloc(path.size + 1) };
    if (!out->name)
        return false;
    for (size_t depth = 0; next_token(&token, &path); depth++) {
        out->top = depth == 0;
        out->parent = out->node;
        out->node = DOC_NONE;
        out->name_size = pointer_decode(out->name, token.data, token.size);
        if (out->name_size == SIZE_MAX) { /* a '~' of its own stands for itself */
            memcpy(out->name, token.data, token.size);
            out->name_size = token.size;
        }
        step(out, doc);
    }
    return true;
}

void property_release(struct property *property)
{
    free(property->name);
    property->name = NULL;
}

struct slice property_initial(const struct property *property, const struct definition *definition)
{
    const struct schema_property *found = NULL;

    if (property->top)
        found = schema_property_find(definition->schema, property->name, property->name_size);
    return found ? found->initial : slice_of(NULL, 0);
}

bool property_set(struct doc *doc, const struct property *property, doc_id value)
{
    if (property->node != DOC_NONE)
        return doc_replace(doc, property->node, value);
    if (property->element)
        return doc_insert(doc, property->parent, doc_at(doc, property->parent)->count, value);
    return doc_set(doc, property->parent, property->name, property->name_size, value);
}
