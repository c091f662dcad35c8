/* record.c - records on disk: header, attributes, inline body. PURE. */
#include "record.h"

#include <endian.h>
#include <string.h>

#include "buffer.h"
#include "checksum.h"

enum { CHECKSUM_AT = 72, CHUNKED_SIZE = 16, ITEM_SIZE = 6, POSIX_SIZE = 24 };

_Static_assert(CHECKSUM_AT + 8 == RECORD_HEADER, "the checksum ends the header");

static unsigned char *put16(unsigned char *p, uint16_t value)
{
    value = htole16(value);
    return (unsigned char *)memcpy(p, &value, sizeof value) + sizeof value;
}

static unsigned char *put32(unsigned char *p, uint32_t value)
{
    value = htole32(value);
    return (unsigned char *)memcpy(p, &value, sizeof value) + sizeof value;
}

static unsigned char *put64(unsigned char *p, uint64_t value)
{
    value = htole64(value);
    return (unsigned char *)memcpy(p, &value, sizeof value) + sizeof value;
}

static uint16_t get16(const unsigned char *p)
{
    uint16_t value;

    memcpy(&value, p, sizeof value);
    return le16toh(value);
}

static uint32_t get32(const unsigned char *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof value);
    return le32toh(value);
}

static uint64_t get64(const unsigned char *p)
{
    uint64_t value;

    memcpy(&value, p, sizeof value);
    return le64toh(value);
}

/* Two hashes instead of one over a copy with the field zeroed. */
static uint64_t checksum(const unsigned char *bytes, size_t size)
{
    return checksum_of(bytes, CHECKSUM_AT) ^ checksum_of(bytes + RECORD_HEADER, size - RECORD_HEADER);
}

/* Copies a slice, which may be {NULL, 0}. */
static unsigned char *put_slice(unsigned char *p, struct slice slice)
{
    if (slice.size > 0)
        memcpy(p, slice.data, slice.size);
    return p + slice.size;
}

size_t record_size(const struct record *record)
{
    size_t size = RECORD_HEADER + record->attributes.size;

    if (record->flags & RECORD_INLINE)
        size += record->body.size;
    if (record->flags & RECORD_CHUNKED)
        size += CHUNKED_SIZE;
    return size;
}

void record_write(void *out, const struct record *record)
{
    unsigned char *bytes = out, *p = bytes;

    *p++ = RECORD_FORMAT;
    *p++ = (unsigned char)record->kind;
    p = put16(p, (uint16_t)record->flags);
    p = put32(p, record->mode);
    p = put64(p, record->id);
    p = put64(p, record->version);
    p = put64(p, record->size);
    p = put64(p, (uint64_t)record->created);
    p = put64(p, (uint64_t)record->modified);
    p = put64(p, (uint64_t)record->changed);
    p = put32(p, record->uid);
    p = put32(p, record->gid);
    p = put32(p, (uint32_t)record->attributes.size);
    put32(p, 0);
    p = put_slice(bytes + RECORD_HEADER, record->attributes);
    if (record->flags & RECORD_INLINE)
        p = put_slice(p, record->body);
    if (record->flags & RECORD_CHUNKED)
        p = put64(put64(p, record->body_id), record->body_generation);
    put64(bytes + CHECKSUM_AT, checksum(bytes, (size_t)(p - bytes)));
}

static bool has_body(enum node_kind kind)
{
    return kind == NODE_OBJECT || kind == NODE_LINK;
}

/* Whether kind, flags and the sizes fit together; sets what follows the header. */
static bool read_parts(struct record *out, const unsigned char *bytes, size_t size)
{
    size_t attributes = get32(bytes + 64), left = size - RECORD_HEADER;

    if (get32(bytes + 68) != 0 || attributes > left)
        return false;
    out->attributes = slice_of(bytes + RECORD_HEADER, attributes);
    bytes += RECORD_HEADER + attributes;
    left -= attributes;
    switch (out->flags) {
    case 0:
        return !has_body(out->kind) && left == 0 && (out->kind != NODE_NAME || attributes == 0);
    case RECORD_TYPED:
        return out->kind == NODE_COLLECTION && left == 0;
    case RECORD_INLINE:
        out->body = slice_of(bytes, left);
        return has_body(out->kind) && left == out->size;
    case RECORD_CHUNKED:
        if (!has_body(out->kind) || left != CHUNKED_SIZE)
            return false;
        out->body_id = get64(bytes);
        out->body_generation = get64(bytes + 8);
        return true;
    default:
        return false;
    }
}

enum record_state record_read(struct record *out, const void *bytes, size_t size, bool verify)
{
    const unsigned char *p = bytes;

    *out = (struct record){ 0 };
    if (size > 0 && p[0] > RECORD_FORMAT)
        return RECORD_NEWER;
    if (size < RECORD_HEADER || p[0] != RECORD_FORMAT || p[1] < NODE_COLLECTION || p[1] > NODE_NAME)
        return RECORD_DAMAGED;
    if (verify && get64(p + CHECKSUM_AT) != checksum(p, size))
        return RECORD_DAMAGED;
    out->kind = (enum node_kind)p[1];
    out->flags = get16(p + 2);
    out->mode = get32(p + 4);
    out->id = get64(p + 8);
    out->version = get64(p + 16);
    out->size = get64(p + 24);
    out->created = (int64_t)get64(p + 32);
    out->modified = (int64_t)get64(p + 40);
    out->changed = (int64_t)get64(p + 48);
    out->uid = get32(p + 56);
    out->gid = get32(p + 60);
    return read_parts(out, p, size) ? RECORD_OK : RECORD_DAMAGED;
}

bool attribute_next(struct slice section, size_t *position, enum attribute_tag *tag, struct slice *name,
                    struct slice *value)
{
    const unsigned char *p = (const unsigned char *)section.data + *position;
    size_t left = section.size - *position;

    if (left < ITEM_SIZE || left - ITEM_SIZE < p[1])
        return false;
    size_t name_size = p[1], value_size = get32(p + 2);
    if (left - ITEM_SIZE - name_size < value_size)
        return false;
    *tag = (enum attribute_tag)p[0];
    *name = slice_of(p + ITEM_SIZE, name_size);
    *value = slice_of(p + ITEM_SIZE + name_size, value_size);
    *position += ITEM_SIZE + name_size + value_size;
    return true;
}

bool attribute_find(struct slice section, enum attribute_tag tag, struct slice name, struct slice *value)
{
    size_t position = 0;
    enum attribute_tag found;
    struct slice found_name, found_value;

    while (attribute_next(section, &position, &found, &found_name, &found_value)) {
        if (found > tag)
            break;
        if (found == tag && slice_equal(found_name, name)) {
            *value = found_value;
            return true;
        }
    }
    return false;
}

void attribute_append(struct buffer *out, enum attribute_tag tag, struct slice name, struct slice value)
{
    unsigned char head[ITEM_SIZE] = { (unsigned char)tag, (unsigned char)name.size };

    put32(head + 2, (uint32_t)value.size);
    buffer_append(out, head, sizeof head);
    buffer_append(out, name.data, name.size);
    buffer_append(out, value.data, value.size);
}

bool attribute_posix(struct posix *out, struct slice section)
{
    struct slice value;
    const unsigned char *p;

    *out = (struct posix){ 0 };
    if (!attribute_find(section, ATTRIBUTE_POSIX, slice_of("", 0), &value))
        return true;
    if (value.size != POSIX_SIZE)
        return false;
    p = value.data;
    out->accessed = (int64_t)get64(p);
    out->special = get32(p + 8);
    out->device = get64(p + 12);
    out->flags = get32(p + 20);
    return true;
}

void attribute_append_posix(struct buffer *out, const struct posix *posix)
{
    unsigned char value[POSIX_SIZE];

    if (!posix->flags)
        return;
    put32(put64(put32(put64(value, (uint64_t)posix->accessed), posix->special), posix->device), posix->flags);
    attribute_append(out, ATTRIBUTE_POSIX, slice_of("", 0), slice_of(value, sizeof value));
}
