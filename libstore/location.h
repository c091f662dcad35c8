/* location.h - locations and names as text (SPEC 2). PURE: no I/O, no allocation. */
#ifndef STORE_LOCATION_H
#define STORE_LOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"
#include "store.h"

/* A checked location. All slices point into the text that was parsed. */
struct location {
    struct slice text;  /* without a trailing slash; "/" for the root */
    bool collection;    /* it had a trailing slash (or is the root): must be a collection */
    size_t names;       /* how many names; 0 for the root */
    size_t parent;      /* bytes of `text` before the last name's "/"; 0 right below the root */
};

/* Checks `text`; on error records the problem (bad_location; ENAMETOOLONG for
 * length) and returns its code. One pass. */
int location_parse(struct location *out, const char *text);

/* The first name of the rest of a location ("/people/ada" -> "people", rest "/ada").
 * False when `rest` is empty, or "/". */
bool location_next(struct slice *name, struct slice *rest);

/* Splits off the last name: "/people/ada" -> parent "/people", name "ada";
 * "/ada" -> parent "/", name "ada". False for the root. */
bool location_split(struct slice location, struct slice *parent, struct slice *name);

/* Checks one name: 1-255 bytes of UTF-8 without NUL and '/', not "." or "..".
 * NULL if it is one, else why not. */
const char *location_name_fault(const char *name, size_t size);

/* Is `inner` the same as `outer` or below it? Both without a trailing slash. */
bool location_within(struct slice inner, struct slice outer);

/* Appends "/name" to `text` (capacity STORE_LOCATION_MAX + 1) and ends it with a NUL;
 * `*size` is 0 or 1 for the root. False, and nothing changed, if it is too long. */
bool location_append(char *text, size_t *size, struct slice name);

/* Whether the bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, at most U+10FFFF. */
bool utf8_valid(const char *text, size_t size);

#endif
