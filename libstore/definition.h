/*
 * definition.h - what a typed collection is defined as (SPEC 4): its order, its
 * keys, its policy, its schema. Immutable once parsed; counted references.
 */
#ifndef STORE_DEFINITION_H
#define STORE_DEFINITION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doc.h"
#include "keytext.h"
#include "schema.h"

enum definition_order { ORDER_KEY, ORDER_AUTO, ORDER_UNORDERED };
enum definition_put { PUT_CREATE, PUT_REPLACE, PUT_MERGE };

#define UNIQUE_MAX 16 /* unique keys of one definition */

/* A key: one to KEY_PARTS_MAX top-level properties. */
struct key_columns {
    size_t count;
    struct slice names[KEY_PARTS_MAX];    /* memory of the definition */
    enum key_type types[KEY_PARTS_MAX];
    char *label;                          /* "alpha_3" or "a,b": the names joined */
};

struct definition {
    uint64_t version;      /* of the collection when it got this definition; set by the caller */
    atomic_uint references;
    enum definition_order order;
    enum definition_put put;
    bool require_precondition;
    struct key_columns key; /* count 0 when unordered */
    size_t unique_count;
    struct key_columns unique[UNIQUE_MAX];
    struct schema *schema;
    char *text;            /* as it was given */
    size_t text_size;
};

/*
 * Parses and checks a definition's text. Errors, recorded as a problem with every
 * violation (pointers into the definition): bad_body (no JSON), invalid_value. Faults are: an
 * unknown member; a key of a property the schema does not name, or whose type is not
 * exactly one of integer, string, boolean (a unique key may also allow null: an object with
 * null there is not indexed); a property twice in one key; order `key` without `key`; order `auto` with other than
 * one integer key; order `unordered` with a key; the same unique key twice; no schema, or one
 * whose `type` is there and not "object"; a fault of the schema. Faults of keys that depend
 * on types are found once the schema has none. Defaults: order `key`, put `create`, no unique keys.
 */
int definition_parse(struct definition **out, const char *text, size_t size);
struct definition *definition_retain(struct definition *definition);
void definition_release(struct definition *definition); /* NULL is fine */

/* Takes a key's values from an object. KEY_FOUND, or KEY_ABSENT when a component is not
 * there (or null), KEY_WRONG when one has another type or is an integer beyond 64 bits
 * (`*column` says which). Strings are memory of the doc. */
enum key_state { KEY_FOUND, KEY_ABSENT, KEY_WRONG };
enum key_state key_columns_read(const struct key_columns *columns, struct doc *doc, doc_id object,
                                struct key_value *out, size_t *column);

/* One value as a key of this type; false if it is none. */
bool key_columns_value(struct key_value *out, enum key_type type, struct doc *doc, doc_id value);

#endif
