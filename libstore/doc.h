/*
 * doc.h - a JSON document kept as text, read through an index of its nodes.
 *
 * Why not a jansson tree: bodies are kept as sent ("10.00" stays "10.00"), a
 * PATCH must leave what it does not name byte for byte alone, and jansson's
 * load + dump is slower than the whole durable write (facts: 42 MiB/s against
 * 1 GiB/s for a scanner). So: one pass checks RFC 8259 strictly and records a
 * node for each value: its type, its text, its links. Edits relink nodes;
 * writing copies untouched text verbatim.
 *
 * PURE: no I/O. Text is borrowed: it must outlive the doc. Allocation failure
 * sets `no_memory` and makes the call fail. A doc belongs to one thread while
 * it is parsed or edited; any number of threads may read it (doc_equal too)
 * when nobody does.
 *
 * Refused beyond RFC 8259's grammar (SPEC: hostile input): duplicate names in
 * one object, lone surrogates (escaped or not), invalid UTF-8, a byte order
 * mark, nesting deeper than STORE_DEPTH_MAX, numbers whose value overflows a
 * double or whose exponent has more than 18 digits, more than DOC_NODES_MAX
 * values, texts of 4 GiB. Escaped NUL is allowed.
 */
#ifndef STORE_DOC_H
#define STORE_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "slice.h"

enum doc_type { DOC_NULL, DOC_FALSE, DOC_TRUE, DOC_NUMBER, DOC_STRING, DOC_ARRAY, DOC_OBJECT };

/* Index of a node in its doc; DOC_NONE is no node. */
typedef uint32_t doc_id;
#define DOC_NONE 0u

#define DOC_NODES_MAX 10000000u /* nodes of one doc, those that edits detached included */

/* 64 bytes, one cache line. */
struct doc_node {
    uint8_t type;        /* enum doc_type */
    bool integer : 1;    /* DOC_NUMBER: mathematically an integer (1, 1.0, 1e3) */
    bool escaped : 1;    /* DOC_STRING: its text holds escapes */
    bool changed : 1;    /* container: an edit was made in it or below: `text` is stale */
    bool key_owned : 1;  /* `key` is in the doc's blocks, its JSON text and a NUL behind it */
    bool text_owned : 1; /* `text` is in the doc's blocks */
    doc_id parent;       /* DOC_NONE for a root */
    doc_id next;         /* next sibling */
    doc_id prev;
    doc_id first; /* first member or element */
    doc_id last;
    uint32_t count; /* of members or elements */
    uint32_t key_size;
    const char *key;   /* member's name, decoded; may hold NUL; NULL if not a member */
    const char *text;  /* the value as written, from its first to its last byte */
    const char *value; /* DOC_STRING: decoded; see doc_string */
    uint32_t text_size;
    uint32_t value_size;
};

struct doc {
    struct doc_node *nodes; /* nodes[0] is unused */
    uint32_t count;         /* nodes in use, with nodes[0] */
    uint32_t capacity;
    doc_id root;
    struct doc_block *blocks; /* decoded strings and texts the doc owns */
    bool no_memory;
};

struct doc_error {
    size_t offset;      /* byte of the text */
    const char *detail; /* constant text */
};

#define DOC_INIT { 0 }

/* Parses one document. False: see `error` (detail) or doc->no_memory. The doc may be
 * used again for another text after doc_clear. */
bool doc_parse(struct doc *doc, const char *text, size_t size, struct doc_error *error);
/* Parses a further text into the same doc, as a detached tree. DOC_NONE on failure. */
doc_id doc_parse_more(struct doc *doc, const char *text, size_t size, struct doc_error *error);
/* Forgets all nodes, keeps the memory (but for that of an unusually big document). */
void doc_clear(struct doc *doc);
void doc_release(struct doc *doc);

static inline const struct doc_node *doc_at(const struct doc *doc, doc_id id)
{
    return &doc->nodes[id];
}

/* The member of this name, or the element at this index; DOC_NONE if there is none. */
doc_id doc_member(const struct doc *doc, doc_id object, const char *key, size_t key_size);
doc_id doc_element(const struct doc *doc, doc_id array, size_t index);
/* A string's value, decoded; memory of the doc or of its text. Cannot fail. */
struct slice doc_string(struct doc *doc, doc_id string);
/* A number's value as int64_t; false if it is no integer or does not fit. */
bool doc_integer(const struct doc *doc, doc_id number, int64_t *out);
double doc_real(const struct doc *doc, doc_id number);

/* Equal as JSON values: numbers by exact value, objects without order, strings decoded.
 * The two may be of different docs. */
bool doc_equal(struct doc *a, doc_id x, struct doc *b, doc_id y);
/* <0, 0, >0: two number texts by exact decimal value (any length, any exponent). */
int doc_number_compare(struct slice a, struct slice b);
/* Whether `number` is an exact multiple of the positive number `divisor`. Exact for a
 * divisor of at most 37 significant digits, in double beyond that. */
bool doc_number_multiple(struct slice number, struct slice divisor);

/* --- edits. Each keeps text of untouched nodes verbatim. False: no memory, or the doc
 * would have more than DOC_NODES_MAX nodes (no_memory is set then, too). */

/* Sets or adds member `key` (copied) of `object` to the detached node `value`. */
bool doc_set(struct doc *doc, doc_id object, const char *key, size_t key_size, doc_id value);
/* Takes a node out of its parent; it is detached then. */
void doc_remove(struct doc *doc, doc_id node);
/* Puts the detached `value` before the element at `index` (index = count appends). */
bool doc_insert(struct doc *doc, doc_id array, size_t index, doc_id value);
/* Puts the detached `value` in the place (and under the name) of `old`; works for the root. */
bool doc_replace(struct doc *doc, doc_id old, doc_id value);
/* A detached deep copy of a node, within the doc or from another (whose text must outlive
 * it). Text is shared, not copied. DOC_NONE without memory. */
doc_id doc_copy(struct doc *doc, const struct doc *from, doc_id node);
/* New detached nodes. */
doc_id doc_new_string(struct doc *doc, const char *text, size_t size);
doc_id doc_new_integer(struct doc *doc, int64_t value);
doc_id doc_new_container(struct doc *doc, enum doc_type type);

/* Appends the node's JSON text to `out`: verbatim where untouched, else its members
 * joined without white space. */
void doc_write(const struct doc *doc, doc_id node, struct buffer *out);

/* Bytes that doc_write would append. */
size_t doc_write_size(const struct doc *doc, doc_id node);

/* The node behind `node` in document order, below `top`; its children come first if
 * `into`. DOC_NONE at the end. So a walk of any depth needs no stack. */
doc_id doc_walk(const struct doc *doc, doc_id top, doc_id node, bool into);

#endif
