/*
 * typed.h - an object of a typed collection, its JSON text, the key of its
 * location, initial states, validation, the rows of its unique keys.
 */
#ifndef STORE_TYPED_H
#define STORE_TYPED_H

#include "doc.h"
#include "node.h"

/* Parses a body that must be JSON: bad_body. */
int typed_parse(struct doc *doc, const void *body, size_t size);
int typed_require_object(const struct doc *doc, doc_id node);

/* Makes the object's key properties those of its location: absent ones are filled in
 * (`*completed`), others must agree: key_mismatch. */
int typed_agree(struct doc *doc, doc_id object, const struct target *target, bool *completed);
/* Sets them, whatever they are (MOVE). */
int typed_set_key(struct doc *doc, doc_id object, const struct target *target);
/* Fills in the initial state of every property the object does not name. */
int typed_fill(struct doc *doc, doc_id object, const struct definition *definition, bool *completed);
/* invalid_value with every violation, their pointers behind `prefix`. */
int typed_validate(struct doc *doc, doc_id object, const struct definition *definition, const char *prefix);

/* The key of an object by its properties. KEY_ABSENT also for 0 in an auto collection. */
enum key_state typed_key(struct key_value *out, const struct definition *definition, struct doc *doc,
                         doc_id object);
/* The problem for a state that is not KEY_FOUND. */
int typed_key_problem(enum key_state state, const struct definition *definition);

/* The index rows of the object as it is stored. */
struct index_rows;
int typed_rows(struct index_rows *out, struct txn *txn, const struct target *target, const struct record *record);

/* Removes an object with its index rows. */
int typed_remove(struct txn *txn, const struct target *target, const struct record *record);

/* The body of a typed object, whole: borrowed from the record when inline, else in `space`. */
int typed_body(struct slice *out, struct buffer *space, const struct view *view, const struct record *record);
/* The same, parsed: corrupt if it is no JSON. */
int typed_read(struct doc *doc, struct buffer *space, const struct view *view, const struct record *record);

#endif
