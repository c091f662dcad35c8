/* pointer.h - JSON Pointer, RFC 6901. PURE. */
#ifndef STORE_POINTER_H
#define STORE_POINTER_H

#include "doc.h"

/* Writes one reference token, escaped, behind a "/" to `out`. */
void pointer_append(struct buffer *out, const char *token, size_t size);

/* Decodes a token ("a~1b" -> "a/b") into `out` (at least `size` bytes). The length, or
 * SIZE_MAX if a '~' is followed by neither 0 nor 1. */
size_t pointer_decode(char *out, const char *token, size_t size);

/* Array index of a token: digits without leading zeros. SIZE_MAX: it is none. */
size_t pointer_index(const char *token, size_t size);

/* The node `text` points at from `root`, or DOC_NONE. `text` is "" or begins with '/'. */
doc_id pointer_find(struct doc *doc, doc_id root, const char *text, size_t size);

/* Size of the first token of `text`, which begins with '/'; the token is behind that. */
size_t pointer_token(const char *text, size_t size);

/* The member or element that one token, still escaped, names; DOC_NONE if there is none,
 * or without memory (doc->no_memory). */
doc_id pointer_step(struct doc *doc, doc_id node, const char *token, size_t size);

#endif
