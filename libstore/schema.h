/*
 * schema.h - JSON Schema (2020-12 vocabulary, the keywords of docs/semantics.md),
 * compiled once per definition, validating nodes of a doc. No I/O.
 *
 * A keyword that is neither implemented nor an annotation ($schema and $id at the
 * root, $comment, title, description, examples, deprecated, readOnly,
 * writeOnly, contentMediaType, contentEncoding, format, default) is an error;
 * so is a $schema other than the 2020-12 one.
 * `pattern`, `patternProperties`: PCRE2 close to ECMA-262: unanchored, UTF-8, "$" is the
 * very end, \d and \w are ASCII, at most 4 KiB. Steps are limited, so that no pattern takes
 * exponential time; hitting a limit is a violation, even within `not`.
 * `$ref`: "#", "#/..." within the definition; a loop that consumes nothing is
 * an error at compile time; recursion is bounded by the document's depth, and
 * the work of one validation by a budget (10 million steps and 64 for each node of
 * the document); exceeding it is a violation.
 * The names of the top-level `properties` (and patternProperties) alone count for the top-level
 * additionalProperties: those in branches of allOf, anyOf or behind $ref do not.
 *
 * A compiled schema is immutable: any number of threads may validate with it.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "doc.h"

struct schema;

/* Bits for the types a property allows. */
enum schema_types {
    SCHEMA_NULL = 1 << 0,
    SCHEMA_BOOLEAN = 1 << 1,
    SCHEMA_INTEGER = 1 << 2,
    SCHEMA_NUMBER = 1 << 3, /* implies SCHEMA_INTEGER */
    SCHEMA_STRING = 1 << 4,
    SCHEMA_ARRAY = 1 << 5,
    SCHEMA_OBJECT = 1 << 6,
    SCHEMA_ANY = (1 << 7) - 1,
};

/* A top-level property. All text belongs to the schema. */
struct schema_property {
    const char *name;
    size_t name_size;
    unsigned types;     /* enum schema_types, from `type`, `const`, `enum`, `$ref`, allOf */
    bool required;
    bool has_default;     /* in its own schema; not one behind $ref or in allOf */
    struct slice initial; /* JSON text: `default`, else the empty value of the type; a
                             property of several types takes the first of
                             "" 0 false [] {} null that it allows */
};

/*
 * Compiles doc node `root` (an object, or true). At the top level an absent
 * additionalProperties means false. Records every fault as a violation (pointer
 * below `base`, e.g. "/schema/properties/a/pattern") and returns
 * STORE_INVALID_VALUE or STORE_NO_MEMORY without calling problem(). A `default` of a top-level
 * property that its own schema refuses is a fault. A `true` root allows everything.
 */
int schema_compile(struct schema **out, struct doc *doc, doc_id root, const char *base);
void schema_free(struct schema *schema);

size_t schema_property_count(const struct schema *schema);
const struct schema_property *schema_property(const struct schema *schema, size_t index);
/* By name; NULL if the schema does not name it in `properties`. */
const struct schema_property *schema_property_find(const struct schema *schema, const char *name, size_t size);

/*
 * Validates node `node`: 0 if it conforms; else STORE_INVALID_VALUE with every violation
 * recorded by problem_violation (pointers relative to `node`, prefixed by `prefix`), or
 * STORE_NO_MEMORY. Does not call problem().
 */
int schema_validate(const struct schema *schema, struct doc *doc, doc_id node, const char *prefix);

#endif
