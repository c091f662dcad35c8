/*
 * keytext.h - the three forms of a key, and the bijections between them.
 * PURE: no I/O, no allocation.
 *
 *   values  {7, "a|b", true}     what the object's key properties hold
 *   text    7|a%7Cb|true         the name in a location (SPEC 2)
 *   bytes   order-preserving     memcmp orders as SPEC 2 orders the values:
 *                                integers by value, strings by code point,
 *                                false before true, components left to right
 *
 * Bytes of a component: an integer is 8 bytes, big-endian, the sign bit
 * flipped; a boolean is 1 byte, 0 or 1; a string is its bytes with 00 written
 * 00 FF, ended by 00 00 (so no encoding is a prefix of another).
 * docs/format.md has the same; a change here is a change of the format.
 */
#ifndef STORE_KEYTEXT_H
#define STORE_KEYTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

enum key_type { KEY_INTEGER, KEY_STRING, KEY_BOOLEAN };

#define KEY_PARTS_MAX 8     /* components of one key */
#define KEY_TEXT_MAX 255    /* bytes of a main key's text: it is a name */

struct key_value {
    enum key_type type;
    int64_t integer;     /* KEY_INTEGER; 0 or 1 for KEY_BOOLEAN */
    struct slice string; /* KEY_STRING: UTF-8, may hold NUL */
};

/* Text -> values. `scratch` receives the strings, decoded (at least `size` bytes). Only
 * canonical text is a key: "007", "+7", "-0", "%41", "%2e", a raw leading '.', an integer
 * beyond 64 bits, no text at all are not. False: it is no key. */
bool key_text_parse(struct key_value *out, const enum key_type *types, size_t count, const char *text,
                    size_t size, char *scratch);

/* Values -> text, NUL-terminated. The length, or SIZE_MAX if it needs more than
 * `capacity` - 1 bytes. The inverse of key_text_parse, but for a single empty string: its
 * text is empty, and no name. */
size_t key_text_write(char *out, size_t capacity, const struct key_value *values, size_t count);

/* Values -> bytes. The length, or SIZE_MAX if it needs more than `capacity` bytes. */
size_t key_bytes_write(unsigned char *out, size_t capacity, const struct key_value *values, size_t count);

/* Bytes -> values, strings into `scratch` (at least `size` bytes). `*used` is how many bytes
 * the `count` components took. False: damaged. */
bool key_bytes_parse(struct key_value *out, const enum key_type *types, size_t count, const void *bytes,
                     size_t size, char *scratch, size_t *used);

#endif
