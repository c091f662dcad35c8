/* property.h - what the rest of a location behind a typed object means ("/phones/0"). PURE. */
#ifndef STORE_PROPERTY_H
#define STORE_PROPERTY_H

#include "definition.h"
#include "doc.h"

struct property {
    doc_id parent;      /* the container; DOC_NONE if that is missing */
    doc_id node;        /* the value; DOC_NONE if it is missing */
    bool top;           /* directly in the object */
    bool element;       /* parent is an array */
    size_t index;       /* of the element */
    char *name;         /* of the member, decoded; owned */
    size_t name_size;
};

/* Looks the property up in `object`. False without memory. */
bool property_find(struct property *out, struct doc *doc, doc_id object, struct slice path);
void property_release(struct property *property);

/* The initial state of a top-level property that the schema names; {NULL, 0} for others. */
struct slice property_initial(const struct property *property, const struct definition *definition);

/* Puts `value` (detached) there. False without memory; the parent must exist. */
bool property_set(struct doc *doc, const struct property *property, doc_id value);

#endif
