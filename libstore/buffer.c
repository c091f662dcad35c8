/* buffer.c - bytes that grow by doubling, and JSON string escaping. */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define CAPACITY_MIN 64

static bool buffer_grow(struct buffer *b, size_t more)
{
    size_t capacity = b->capacity < CAPACITY_MIN ? CAPACITY_MIN : b->capacity;
    size_t needed;
    char *data;

    if (__builtin_add_overflow(b->size, more, &needed) || __builtin_add_overflow(needed, 1, &needed))
        goto failed;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    data = realloc(b->data, capacity);
    if (!data)
        goto failed;
    b->data = data;
    b->capacity = capacity;
    return true;
failed:
    b->failed = true;
    return false;
}

bool buffer_reserve(struct buffer *b, size_t more)
{
    if (b->failed)
        return false;
    /* capacity > size once there is memory: the NUL has its place */
    if (b->capacity > 0 && more < b->capacity - b->size)
        return true;
    return buffer_grow(b, more);
}

void buffer_append(struct buffer *b, const void *data, size_t size)
{
    if (!buffer_reserve(b, size))
        return;
    if (size > 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    b->data[b->size] = '\0';
}

void buffer_text(struct buffer *b, const char *text)
{
    buffer_append(b, text, strlen(text));
}

void buffer_format(struct buffer *b, const char *format, ...)
{
    va_list arguments;
    va_list again;
    int size;

    va_start(arguments, format);
    va_copy(again, arguments);
    size = vsnprintf(NULL, 0, format, arguments);
    if (size < 0)
        b->failed = true;
    else if (buffer_reserve(b, (size_t)size)) {
        vsnprintf(b->data + b->size, (size_t)size + 1, format, again);
        b->size += (size_t)size;
    }
    va_end(again);
    va_end(arguments);
}

/* The escape of an ASCII character in a JSON string, or NULL if it stands for itself. */
static const char *escape_of(char c)
{
    static const char *const controls[0x20] = {
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
        "\\b",     "\\t",     "\\n",     "\\u000b", "\\f",     "\\r",     "\\u000e", "\\u000f",
        "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017",
        "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
    };

    if ((unsigned char)c < 0x20)
        return controls[(unsigned char)c];
    if (c == '"')
        return "\\\"";
    return c == '\\' ? "\\\\" : NULL;
}

void buffer_json_string(struct buffer *b, const char *text, size_t size)
{
    size_t kept = 0; /* everything before it is in the buffer */
    size_t at = 0;

    buffer_append(b, "\"", 1);
    while (at < size) {
        size_t bytes = utf8_sequence(text + at, size - at);
        const char *instead = bytes == 0 ? "\xEF\xBF\xBD" : escape_of(text[at]);

        if (instead) {
            buffer_append(b, text + kept, at - kept);
            buffer_text(b, instead);
            bytes = 1;
            kept = at + 1;
        }
        at += bytes;
    }
    if (at > kept)
        buffer_append(b, text + kept, at - kept);
    buffer_append(b, "\"", 1);
}

void buffer_clear(struct buffer *b)
{
    b->size = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

char *buffer_detach(struct buffer *b)
{
    char *data = NULL;

    buffer_append(b, NULL, 0);
    if (!b->failed) {
        data = b->data;
        b->data = NULL;
    }
    buffer_release(b);
    return data;
}

void buffer_release(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer)BUFFER_INIT;
}
