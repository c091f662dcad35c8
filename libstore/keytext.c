/* keytext.c - key values <-> key text <-> order-preserving bytes. PURE. */
#include "keytext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "location.h"

static const char *const boolean_text[] = { "false", "true" };

/* The digit pair behind '%' of a byte that is written escaped; NULL for every other byte. */
static const char *escape_of(char byte, bool first)
{
    switch (byte) {
    case '%': return "25";
    case '|': return "7C";
    case '/': return "2F";
    case '\0': return "00";
    case '.': return first ? "2E" : NULL;
    default: return NULL;
    }
}

static bool parse_integer(int64_t *out, const char *text, size_t size)
{
    bool negative = size > 0 && text[0] == '-';
    size_t i = negative;
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative;

    if (i == size || (text[i] == '0' && size > 1))
        return false;
    for (; i < size; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9 || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static bool parse_boolean(int64_t *out, const char *text, size_t size)
{
    for (int64_t value = 0; value <= 1; value++) {
        if (size == strlen(boolean_text[value]) && memcmp(text, boolean_text[value], size) == 0) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* The byte that "%XX" at `text` stands for, if that is how the byte is written. */
static bool parse_escape(char *out, const char *text, size_t size, bool first)
{
    static const char escaped[] = { '%', '|', '/', '\0', '.' };

    for (size_t i = 0; size >= 3 && i < sizeof escaped; i++) {
        const char *digits = escape_of(escaped[i], first);
        if (digits != NULL && memcmp(text + 1, digits, 2) == 0) {
            *out = escaped[i];
            return true;
        }
    }
    return false;
}

/* Decodes a component into `out` only if it has escapes; `*out` moves past what it took. */
static bool parse_string(struct slice *string, const char *text, size_t size, char **out)
{
    char *start = *out, *p = start;

    if (!utf8_valid(text, size))
        return false;
    for (size_t i = 0; i < size; p++) {
        bool first = i == 0;
        if (text[i] == '%') {
            if (!parse_escape(p, text + i, size - i, first))
                return false;
            i += 3;
        } else if (escape_of(text[i], first) != NULL) {
            return false;
        } else {
            *p = text[i++];
        }
    }
    *string = slice_of(start, (size_t)(p - start));
    *out = p;
    return true;
}

static bool parse_component(struct key_value *out, enum key_type type, const char *text, size_t size,
                            char **scratch)
{
    *out = (struct key_value){ .type = type };
    switch (type) {
    case KEY_INTEGER: return parse_integer(&out->integer, text, size);
    case KEY_BOOLEAN: return parse_boolean(&out->integer, text, size);
    case KEY_STRING: return parse_string(&out->string, text, size, scratch);
    }
    return false;
}

bool key_text_parse(struct key_value *out, const enum key_type *types, size_t count, const char *text,
                    size_t size, char *scratch)
{
    if (size == 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *bar = size > 0 ? memchr(text, '|', size) : NULL;
        size_t length = bar == NULL ? size : (size_t)(bar - text);
        bool last = i + 1 == count;
        if (last != (bar == NULL) || !parse_component(&out[i], types[i], text, length, &scratch))
            return false;
        text += last ? length : length + 1;
        size -= last ? length : length + 1;
    }
    return count > 0;
}

/* Bytes into a room of fixed size. What does not fit sets `full`. */
struct output {
    char *data;
    size_t size;
    size_t capacity;
    bool full;
};

static void put(struct output *out, const void *data, size_t size)
{
    out->full |= size > out->capacity - out->size;
    if (out->full || size == 0)
        return;
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

static void put_string_text(struct output *out, struct slice string)
{
    const char *text = string.data;

    for (size_t i = 0; i < string.size; i++) {
        const char *digits = escape_of(text[i], i == 0);
        put(out, digits != NULL ? "%" : &text[i], 1);
        if (digits != NULL)
            put(out, digits, 2);
    }
}

static void put_component_text(struct output *out, const struct key_value *value)
{
    char digits[24];

    switch (value->type) {
    case KEY_INTEGER:
        put(out, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, value->integer));
        break;
    case KEY_BOOLEAN:
        put(out, boolean_text[value->integer != 0], strlen(boolean_text[value->integer != 0]));
        break;
    case KEY_STRING:
        put_string_text(out, value->string);
        break;
    }
}

size_t key_text_write(char *out, size_t capacity, const struct key_value *values, size_t count)
{
    struct output text = { out, 0, capacity, false };

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(&text, "|", 1);
        put_component_text(&text, &values[i]);
    }
    put(&text, "", 1);
    return text.full ? SIZE_MAX : text.size - 1;
}

static void put_integer_bytes(struct output *out, int64_t value)
{
    uint64_t bits = (uint64_t)value ^ UINT64_C(1) << 63;
    unsigned char bytes[8];

    for (int i = 7; i >= 0; i--, bits >>= 8)
        bytes[i] = (unsigned char)bits;
    put(out, bytes, sizeof bytes);
}

static void put_string_bytes(struct output *out, struct slice string)
{
    const char *p = string.data;
    size_t left = string.size;

    while (left > 0) {
        const char *nul = memchr(p, '\0', left);
        size_t run = nul == NULL ? left : (size_t)(nul - p);
        put(out, p, run);
        if (nul == NULL)
            break;
        put(out, "\x00\xFF", 2);
        p = nul + 1;
        left -= run + 1;
    }
    put(out, "\x00\x00", 2);
}

size_t key_bytes_write(unsigned char *out, size_t capacity, const struct key_value *values, size_t count)
{
    struct output bytes = { (char *)out, 0, capacity, false };

    for (size_t i = 0; i < count; i++) {
        switch (values[i].type) {
        case KEY_INTEGER:
            put_integer_bytes(&bytes, values[i].integer);
            break;
        case KEY_BOOLEAN:
            put(&bytes, values[i].integer != 0 ? "\x01" : "\x00", 1);
            break;
        case KEY_STRING:
            put_string_bytes(&bytes, values[i].string);
            break;
        }
    }
    return bytes.full ? SIZE_MAX : bytes.size;
}

/* Each reads one component and returns its bytes; 0: damaged. */
static size_t read_integer(int64_t *out, const unsigned char *bytes, size_t size)
{
    uint64_t bits = 0;

    if (size < 8)
        return 0;
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | bytes[i];
    *out = (int64_t)(bits ^ UINT64_C(1) << 63);
    return 8;
}

static size_t read_boolean(int64_t *out, const unsigned char *bytes, size_t size)
{
    if (size == 0 || bytes[0] > 1)
        return 0;
    *out = bytes[0];
    return 1;
}

static size_t read_string(struct slice *out, const unsigned char *bytes, size_t size, char **scratch)
{
    char *start = *scratch, *p = start;
    size_t at = 0;

    for (;;) {
        const unsigned char *nul = memchr(bytes + at, 0, size - at);
        if (nul == NULL || nul + 1 == bytes + size)
            return 0;
        size_t run = (size_t)(nul - bytes) - at;
        memcpy(p, bytes + at, run);
        p += run;
        at += run + 2;
        if (nul[1] == 0)
            break;
        if (nul[1] != 0xFF)
            return 0;
        *p++ = '\0';
    }
    *out = slice_of(start, (size_t)(p - start));
    *scratch = p;
    return utf8_valid(start, out->size) ? at : 0;
}

bool key_bytes_parse(struct key_value *out, const enum key_type *types, size_t count, const void *bytes,
                     size_t size, char *scratch, size_t *used)
{
    const unsigned char *p = bytes;
    size_t at = 0;

    *used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t taken = 0;
        out[i] = (struct key_value){ .type = types[i] };
        switch (types[i]) {
        case KEY_INTEGER: taken = read_integer(&out[i].integer, p + at, size - at); break;
        case KEY_BOOLEAN: taken = read_boolean(&out[i].integer, p + at, size - at); break;
        case KEY_STRING: taken = read_string(&out[i].string, p + at, size - at, &scratch); break;
        }
        if (taken == 0)
            return false;
        at += taken;
    }
    *used = at;
    return true;
}
