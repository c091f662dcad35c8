/* utf8.h - the one place that knows well-formed UTF-8 (RFC 3629). PURE. */
#ifndef STORE_UTF8_H
#define STORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool utf8_continues(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Bytes of the sequence that begins at `text`: 1 to 4, or 0 if it is malformed, overlong,
 * a surrogate, beyond U+10FFFF or cut off by `size`, which is at least 1. */
static inline size_t utf8_sequence(const char *text, size_t size)
{
    const unsigned char *s = (const unsigned char *)text;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xC2 || size < 2 || !utf8_continues(s[1]))
        return 0;
    if (s[0] < 0xE0)
        return 2;
    if (size < 3 || !utf8_continues(s[2]))
        return 0;
    if (s[0] < 0xF0)
        return (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ? 0 : 3;
    if (size < 4 || !utf8_continues(s[3]) || s[0] > 0xF4)
        return 0;
    return (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F) ? 0 : 4;
}

/* Writes a code point that is no surrogate; how many bytes (at most 4). */
static inline size_t utf8_write(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

#endif
