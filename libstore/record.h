/*
 * record.h - records on disk (docs/format.md). PURE: no I/O, no allocation.
 *
 * One record holds everything about a node, and a small body as well, so that
 * a GET is one descent and a PUT writes one value:
 *
 *   offset size
 *        0    1  format (1)
 *        1    1  kind (enum node_kind)
 *        2    2  flags (enum record_flags)
 *        4    4  mode
 *        8    8  id          the version of the node's creation
 *       16    8  version
 *       24    8  size        of the body
 *       32    8  created     ns since 1970 (signed)
 *       40    8  modified
 *       48    8  changed
 *       56    4  uid
 *       60    4  gid
 *       64    4  attributes  bytes of the attribute section
 *       68    4  reserved, 0
 *       72    8  checksum    XXH3-64 of bytes 0-71, exclusive-or XXH3-64 of the bytes from 80 on
 *       80    -  attributes: items of { u8 tag, u8 name size, u32 value size, name, value };
 *                in ascending order of (tag, name)
 *       80+a  -  inline body (RECORD_INLINE), or { u64 body, u64 generation } (RECORD_CHUNKED)
 *
 * Numbers are little-endian. A collection has no body part; a typed one has
 * RECORD_TYPED and its definition in a row of its own. Nor has a special node.
 * A name, one of several that a node has (names.h), is a header with the node's id.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

enum node_kind { NODE_COLLECTION = 1, NODE_OBJECT = 2, NODE_LINK = 3, NODE_SPECIAL = 4, NODE_NAME = 5 };

enum record_flags {
    RECORD_TYPED = 1 << 0,   /* collection with a definition */
    RECORD_INLINE = 1 << 1,
    RECORD_CHUNKED = 1 << 2,
};

enum attribute_tag {
    ATTRIBUTE_TYPE = 1, /* the media type; no name */
    ATTRIBUTE_META = 2, /* user metadata */
    ATTRIBUTE_POSIX = 3, /* struct posix; no name */
    ATTRIBUTE_NAMES = 4, /* how many names the node has, if it had several; no name */
};

/* What few nodes have of what POSIX keeps: a time of access that was set; what a special node is. */
enum posix_flags { POSIX_ACCESSED = 1 << 0, POSIX_SPECIAL = 1 << 1 };
struct posix {
    int64_t accessed;
    uint32_t special; /* S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK */
    uint64_t device;
    uint32_t flags;   /* which of them it has */
};

#define RECORD_FORMAT 1
#define RECORD_HEADER 80
/* Records up to two pages of LMDB stay out of the way of its free list (facts/perf.md
 * 4.11); bodies that do not fit are chunked. */
#define RECORD_INLINE_MAX 8176

struct record {
    enum node_kind kind;
    unsigned flags;
    uint32_t mode;
    uint64_t id, version, size;
    int64_t created, modified, changed;
    uint32_t uid, gid;
    struct slice attributes; /* encoded section */
    struct slice body;       /* inline bytes */
    uint64_t body_id, body_generation; /* chunked */
    bool named; /* found by one of several names: not in that name's entry, but in a row of its own. Not on disk */
};

enum record_state { RECORD_OK, RECORD_DAMAGED, RECORD_NEWER };

/* Bytes of the encoded record. */
size_t record_size(const struct record *record);
/* Encodes into `out` (record_size bytes). */
void record_write(void *out, const struct record *record);
/* Decodes; slices point into `bytes`. `verify` also compares the checksum. Whether the
 * attribute section is whole shows only when it is iterated. */
enum record_state record_read(struct record *out, const void *bytes, size_t size, bool verify);

/* The value of an attribute in an encoded section; false if it is not there. */
bool attribute_find(struct slice section, enum attribute_tag tag, struct slice name, struct slice *value);
/* Iterates: *position starts at 0. False at the end (*position is the section's size then)
 * or where the section is damaged. */
bool attribute_next(struct slice section, size_t *position, enum attribute_tag *tag, struct slice *name,
                    struct slice *value);
/* Appends one item to a section being built; items must come in ascending order;
 * a name has at most 255 bytes. */
struct buffer;
void attribute_append(struct buffer *out, enum attribute_tag tag, struct slice name, struct slice value);

/* What a section has of it: all zero if that is nothing. False if it is damaged. */
bool attribute_posix(struct posix *out, struct slice section);
/* Appends it unless there is nothing of it. */
void attribute_append_posix(struct buffer *out, const struct posix *posix);

#endif
