/* location.c - locations and names as text (SPEC 2). PURE. */
#include "location.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "problem.h"
#include "utf8.h"

static const char too_long[] = "a name has at most 255 bytes";

/* Skips ASCII eight bytes at a time. */
static const char *skip_ascii(const char *p, const char *end)
{
    uint64_t word;

    while ((size_t)(end - p) >= sizeof word) {
        memcpy(&word, p, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        p += sizeof word;
    }
    return p;
}

bool utf8_valid(const char *text, size_t size)
{
    const char *p = text, *end = text + size;

    while ((p = skip_ascii(p, end)) < end) {
        size_t length = utf8_sequence(p, (size_t)(end - p));
        if (length == 0)
            return false;
        p += length;
    }
    return true;
}

/* Marks (0x80) the first byte of a word that is '/', NUL, or no ASCII; perhaps others behind it. */
static uint64_t mark_stops(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t slashes = word ^ ones * '/'; /* zero where there is one */

    return (((word - ones) & ~word) | ((slashes - ones) & ~slashes) | word) & highs;
}

/* To the first byte that is '/', NUL or no ASCII, eight at a time. */
static const char *skip_plain(const char *p, const char *end)
{
    uint64_t word, stops;

    for (; (size_t)(end - p) >= sizeof word; p += sizeof word) {
        memcpy(&word, p, sizeof word);
        stops = mark_stops(le64toh(word));
        if (stops)
            return p + __builtin_ctzll(stops) / 8;
    }
    while (p < end && (signed char)*p > 0 && *p != '/')
        p++;
    return p;
}

/* The end of the name that starts at `p`: at a '/', a NUL, a byte that is no UTF-8, or `end`. */
static const char *name_end(const char *p, const char *end)
{
    while ((p = skip_plain(p, end)) < end) {
        size_t length = *p == '/' || *p == '\0' ? 0 : utf8_sequence(p, (size_t)(end - p));
        if (length == 0)
            break;
        p += length;
    }
    return p;
}

/* Why the bytes from `name` to where name_end stopped are no name; NULL if they are one. */
static const char *name_fault(const char *name, const char *stop, const char *end)
{
    size_t size = (size_t)(stop - name);

    if (stop < end && *stop != '/')
        return *stop == '\0' ? "a name has no NUL" : "a name is UTF-8";
    if (size == 0)
        return "a name is not empty";
    if (size > STORE_NAME_MAX)
        return too_long;
    if (name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.')))
        return "\".\" and \"..\" are no names";
    return NULL;
}

const char *location_name_fault(const char *name, size_t size)
{
    const char *stop = name_end(name, name + size);
    const char *fault = name_fault(name, stop, name + size);

    if (fault == NULL && stop < name + size)
        return "a name has no \"/\"";
    return fault;
}

static int refuse(const char *text, int os_error, const char *fault)
{
    problem_os(STORE_BAD_LOCATION, os_error, "no location: %s", fault);
    problem_location(text);
    return STORE_BAD_LOCATION;
}

int location_parse(struct location *out, const char *text)
{
    *out = (struct location){ 0 };
    if (text == NULL || text[0] != '/')
        return refuse(text, EINVAL, "it begins with \"/\"");
    size_t size = strnlen(text, STORE_LOCATION_MAX + 1);
    if (size > STORE_LOCATION_MAX)
        return refuse(text, ENAMETOOLONG, "it has at most 4096 bytes");

    const char *p = text, *end = text + size;
    size_t names = 0, parent = 0;
    while (end - p > 1) {
        const char *name = p + 1;
        parent = (size_t)(p - text);
        p = name_end(name, end);
        const char *fault = name_fault(name, p, end);
        if (fault != NULL)
            return refuse(text, fault == too_long ? ENAMETOOLONG : EINVAL, fault);
        names++;
    }
    /* What is left is nothing, or one slash: the root or a trailing one. */
    out->collection = p < end;
    out->text = slice_of(text, names == 0 ? 1 : (size_t)(p - text));
    out->parent = parent;
    out->names = names;
    return STORE_OK;
}

bool location_next(struct slice *name, struct slice *rest)
{
    if (rest->size <= 1)
        return false;
    const char *start = (const char *)rest->data + 1;
    size_t left = rest->size - 1;
    const char *slash = memchr(start, '/', left);
    size_t size = slash == NULL ? left : (size_t)(slash - start);

    *name = slice_of(start, size);
    *rest = slice_of(start + size, left - size);
    return true;
}

bool location_split(struct slice location, struct slice *parent, struct slice *name)
{
    const char *text = location.data;
    const char *slash = location.size > 1 ? memrchr(text, '/', location.size) : NULL;

    if (slash == NULL)
        return false;
    *parent = slice_of(text, slash == text ? 1 : (size_t)(slash - text));
    *name = slice_of(slash + 1, location.size - (size_t)(slash + 1 - text));
    return true;
}

bool location_within(struct slice inner, struct slice outer)
{
    if (outer.size == 1)
        return true;
    if (inner.size < outer.size || memcmp(inner.data, outer.data, outer.size) != 0)
        return false;
    return inner.size == outer.size || ((const char *)inner.data)[outer.size] == '/';
}

bool location_append(char *text, size_t *size, struct slice name)
{
    size_t at = *size > 1 ? *size : 0;

    if (name.size > STORE_LOCATION_MAX || at + 1 + name.size > STORE_LOCATION_MAX)
        return false;
    text[at++] = '/';
    memcpy(text + at, name.data, name.size);
    *size = at + name.size;
    text[*size] = '\0';
    return true;
}
