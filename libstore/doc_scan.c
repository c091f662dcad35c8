/* doc_scan.c - strings and numbers of JSON text: where they end, whether they are well formed. */
#include <endian.h>
#include <string.h>

#include "doc_private.h"
#include "utf8.h"

/* Of 8 bytes, the first in the lowest place: bit 7 of the first that is a quote, a backslash, a control
 * character or not ASCII. Bits above it mean nothing; 0 if there is none. */
static uint64_t find_special(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t highs = ones * 0x80;
    uint64_t quote = bytes ^ (ones * '"');
    uint64_t backslash = bytes ^ (ones * '\\');

    return (bytes | (bytes - ones * 0x20) | (quote - ones) | (backslash - ones)) & highs;
}

static bool is_special(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\' || c >= 0x80;
}

/* To the next byte that a string does not hold as it is and alone, or the end. */
static const char *skip_plain(const char *at, const char *end)
{
    uint64_t bytes, special;

    for (; end - at >= 8; at += 8) {
        memcpy(&bytes, at, 8);
        special = find_special(le64toh(bytes));
        if (special)
            return at + __builtin_ctzll(special) / 8;
    }
    while (at < end && !is_special((unsigned char)*at))
        at++;
    return at;
}

/* Four hexadecimal digits, or UINT32_MAX. */
static uint32_t hex4(const char *at, const char *end)
{
    uint32_t value = 0;

    if (end - at < 4)
        return UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        uint32_t digit;

        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return UINT32_MAX;
        value = value << 4 | digit;
    }
    return value;
}

static bool is_high(uint32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* From a backslash to behind its escape. */
static const char *scan_escape(const char *at, const char *end, const char **detail)
{
    uint32_t unit;

    if (end - at < 2 || !memchr("\"\\/bfnrtu", at[1], 9)) {
        *detail = "unknown escape in a string";
        return NULL;
    }
    if (at[1] != 'u')
        return at + 2;
    unit = hex4(at + 2, end);
    if (unit == UINT32_MAX) {
        *detail = "\\u without four hexadecimal digits";
        return NULL;
    }
    if (!is_high(unit) && !is_low(unit))
        return at + 6;
    if (is_low(unit) || end - at < 12 || at[6] != '\\' || at[7] != 'u' || !is_low(hex4(at + 8, end))) {
        *detail = "escaped surrogate without its pair";
        return NULL;
    }
    return at + 12;
}

const char *doc_scan_string(const char *at, const char *end, bool *escaped, const char **fault,
                            const char **detail)
{
    const char *next;
    size_t size;

    *escaped = false;
    for (at = skip_plain(at, end); at < end; at = skip_plain(at, end)) {
        *fault = at;
        if (*at == '"') {
            return at + 1;
        } else if (*at == '\\') {
            *escaped = true;
            next = scan_escape(at, end, detail);
            if (!next)
                return NULL;
            at = next;
        } else if ((unsigned char)*at < 0x20) {
            *detail = "control character in a string";
            return NULL;
        } else {
            size = utf8_sequence(at, (size_t)(end - at));
            if (size == 0) {
                *detail = "text is not UTF-8";
                return NULL;
            }
            at += size;
        }
    }
    *fault = end;
    *detail = "string without its closing quote";
    return NULL;
}

static char unescaped(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

size_t doc_decode(char *out, const char *text, size_t size)
{
    const char *end = text + size;
    char *to = out;

    while (text < end) {
        const char *escape = memchr(text, '\\', (size_t)(end - text));
        size_t plain = (size_t)((escape ? escape : end) - text);
        uint32_t unit;

        memcpy(to, text, plain);
        to += plain;
        text += plain;
        if (!escape)
            break;
        if (text[1] != 'u') {
            *to++ = unescaped(text[1]);
            text += 2;
            continue;
        }
        unit = hex4(text + 2, end);
        text += 6;
        if (is_high(unit)) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (hex4(text + 2, end) - 0xDC00);
            text += 6;
        }
        to += utf8_write(to, unit);
    }
    return (size_t)(to - out);
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Fraction and exponent, of which either may be absent; NULL if one has no digits. */
static const char *scan_tail(const char *at, const char *end, const char **fault)
{
    const char *digits;

    if (at < end && *at == '.') {
        digits = at + 1;
        at = skip_digits(digits, end);
        if (at == digits)
            goto no_digits;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        digits = at + 1;
        if (digits < end && (*digits == '+' || *digits == '-'))
            digits++;
        at = skip_digits(digits, end);
        if (at == digits)
            goto no_digits;
    }
    return at;
no_digits:
    *fault = at;
    return NULL;
}

const char *doc_scan_number(const char *at, const char *end, bool *integer, const char **fault,
                            const char **detail)
{
    const char *number = at;
    const char *digits = *at == '-' ? at + 1 : at;
    struct decimal d;

    at = skip_digits(digits, end);
    *fault = at;
    *detail = "number without digits";
    if (at == digits)
        return NULL;
    if (*digits == '0' && at - digits > 1) {
        *detail = "number with a leading zero";
        return NULL;
    }
    *integer = true;
    if ((at == end || (*at != '.' && *at != 'e' && *at != 'E')) && at - digits <= 300)
        return at;
    at = scan_tail(at, end, fault);
    if (!at)
        return NULL;
    *fault = number;
    *detail = "number out of range";
    if (!decimal_read(&d, slice_of(number, (size_t)(at - number))) || decimal_overflows(&d))
        return NULL;
    *integer = decimal_is_integer(&d);
    return at;
}
