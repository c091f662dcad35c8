/* json_text.h - JSON as text, for bodies that must stay the bytes they were: find, cut out, make compact. */
#ifndef STORECTL_JSON_TEXT_H
#define STORECTL_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Numbers of any size are fine where only the text is kept. */
#define JSON_TEXT_FLAGS (JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

/* Takes the white space off both ends of any text. */
void json_trim(const char **text, size_t *size);

/* Where an array's elements are cut out of valid text. */
struct json_elements {
    const char *at, *end;
};

/* Finds the array in `text`, whose tree is `root`: at the JSON Pointer `pointer`, or, when that is NULL, the
 * text itself, or the one member that is an array. False when there is none. */
bool json_elements_find(struct json_elements *out, const char *text, size_t size, const json_t *root,
                        const char *pointer);
/* The next element; false after the last. */
bool json_elements_next(const char **element, size_t *size, struct json_elements *elements);

/* The text of the member `name` of the object `text`, whose tree is `root`; false when there is none. */
bool json_member_text(const char **value, size_t *value_size, const char *text, size_t size, const json_t *root,
                      const char *name);

/* Copies valid text without the white space between its tokens; returns the size, at most `size`.
 * `out` may be `text`. */
size_t json_compact(char *out, const char *text, size_t size);

#endif
