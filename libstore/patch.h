/* patch.h - the two patch formats, applied to a doc. PURE. */
#ifndef STORE_PATCH_H
#define STORE_PATCH_H

#include "doc.h"

/* What null does to a top-level member in a typed object: the text of the initial state of
 * property `key` (which must outlive the doc), or {NULL, 0} to remove it. */
typedef struct slice (*patch_initial)(const void *context, const char *key, size_t key_size);

/*
 * RFC 7396: applies `patch` (a node of another doc, whose text must outlive
 * `doc`) to doc->root. With `initial` (may be NULL) a null at the top level
 * sets the member to its initial state. False only without memory or beyond
 * DOC_NODES_MAX (doc->no_memory).
 */
bool patch_merge(struct doc *doc, struct doc *patch_doc, doc_id patch, patch_initial initial,
                 const void *context);

struct patch_failure {
    int code;           /* bad_body: no patch; invalid_value: does not apply;
                           precondition_failed: a test failed, or its target is not there;
                           too_large: beyond the limits below; no_memory */
    size_t operation;   /* index into the patch's array */
    const char *detail; /* constant text */
};

#define PATCH_OPERATIONS_MAX 10000
/* Members and elements that all searches of one patch may pass: two or three seconds. */
#define PATCH_WORK_MAX 200000000u

/*
 * RFC 6902: applies the array `patch` to doc->root, all or nothing for the
 * caller: after a failure the doc is to be thrown away. The whole patch is
 * checked for its form (bad_body) before the first operation is applied; the
 * root can be replaced but not removed.
 *
 * Operations are O(document) each, and `copy` can double a document each time,
 * so there are limits, all of them too_large: PATCH_WORK_MAX; copies of
 * STORE_JSON_MAX bytes together; DOC_NODES_MAX; a result nested deeper than
 * STORE_DEPTH_MAX. More than PATCH_OPERATIONS_MAX operations are bad_body.
 */
bool patch_json(struct doc *doc, struct doc *patch_doc, doc_id patch, struct patch_failure *failure);

#endif
