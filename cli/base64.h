/* base64.h - RFC 4648 section 4, for bytes that JSON text cannot carry. */
#ifndef STORECTL_BASE64_H
#define STORECTL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* NUL-terminated text, to be released with free; NULL without memory. */
char *base64_encode(const void *bytes, size_t size);
/* The bytes of `text` (with its padding, nothing else in between), to be released with
 * free; NULL, with *size 0, when it is no base64 or without memory. */
void *base64_decode(size_t *size, const char *text, size_t length);

#endif
