/* buffer.h - bytes that grow. PURE: no I/O.
 * A failed allocation is remembered in `failed`; later appends do nothing, so a
 * caller checks once, at the end. */
#ifndef STORE_BUFFER_H
#define STORE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data; /* NUL-terminated once anything was appended; owned */
    size_t size;
    size_t capacity;
    bool failed;
};

#define BUFFER_INIT { 0 }

/* Makes room for `more` bytes behind the end; false (and `failed`) without memory. */
bool buffer_reserve(struct buffer *b, size_t more);
void buffer_append(struct buffer *b, const void *data, size_t size);
void buffer_text(struct buffer *b, const char *text);
__attribute__((format(printf, 2, 3))) void buffer_format(struct buffer *b, const char *format, ...);
/* Appends `text` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD. */
void buffer_json_string(struct buffer *b, const char *text, size_t size);
/* Empties it and keeps the memory. */
void buffer_clear(struct buffer *b);
/* Gives the memory away: the caller frees it. NULL if it failed. Leaves BUFFER_INIT. */
char *buffer_detach(struct buffer *b);
void buffer_release(struct buffer *b);

#endif
