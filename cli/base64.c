/* base64 both ways. */
#include "base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *bytes, size_t size)
{
    const unsigned char *in = bytes;
    char *text = size < SIZE_MAX / 2 ? malloc((size + 2) / 3 * 4 + 1) : NULL;
    char *out = text;

    if (!text)
        return NULL;
    for (size_t at = 0; at < size; at += 3) {
        size_t left = size - at;
        uint32_t group = (uint32_t)in[at] << 16;
        group |= left > 1 ? (uint32_t)in[at + 1] << 8 : 0;
        group |= left > 2 ? in[at + 2] : 0;
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[group & 63] : '=';
    }
    *out = '\0';
    return text;
}

/* The 24 bits of four digits, the last `padding` of which are "="; -1 when they are none. */
static int32_t decode_group(const char *text, size_t padding)
{
    int32_t group = 0;

    for (size_t i = 0; i < 4; i++) {
        const char *digit = i < 4 - padding ? memchr(digits, text[i], 64) : digits;
        if (!digit)
            return -1;
        group = group << 6 | (int32_t)(digit - digits);
    }
    return group;
}

void *base64_decode(size_t *size, const char *text, size_t length)
{
    unsigned char *bytes = length % 4 == 0 ? malloc(length / 4 * 3 + 1) : NULL;
    size_t used = 0;

    *size = 0;
    for (size_t at = 0; bytes && at < length; at += 4) {
        size_t padding = 0;
        if (at + 4 == length && text[at + 3] == '=')
            padding = text[at + 2] == '=' ? 2 : 1;
        int32_t group = decode_group(text + at, padding);
        if (group < 0) {
            free(bytes);
            return NULL;
        }
        for (size_t i = 0; i < 3 - padding; i++)
            bytes[used++] = (unsigned char)(group >> (16 - 8 * i));
    }
    *size = bytes ? used : 0;
    return bytes;
}
