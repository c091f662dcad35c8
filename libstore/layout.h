/*
 * layout.h - which rows the two files hold, and their keys (docs/format.md). PURE.
 *
 * objects.mdb: every key begins with its scope, 8 bytes big-endian, and a kind byte.
 *
 *   scope 0, the store itself
 *     'F'                         format row
 *     'G' 'B' body                a body nobody refers to any more
 *     'G' 'C' collection          a scope whose collection was deleted
 *     'G' 'R' body generation     chunk rows that a range write superseded
 *     'H' body nonce              a body that a session holds for readers
 *     'I' id                      the record of a node with several names
 *     'I' id collection name      one of them: of the collection's entry with that name
 *     'L' version                 change log: one commit's changes
 *     'N'                         the next id that store_reserve_ids gives out
 *     'P' body                    published body: how many records refer to it
 *     'W' body chunk(4) generation  a short range write that waits to be merged into its chunk
 *   scope N, the collection with id N (the root is 1)
 *     'A'                         auto order: the least key that may still be assigned
 *     'C'                         the collection itself: where its entry is, what happened to its entries
 *     'D'                         definition
 *     'E' key                     entry: the record of a node
 *     'U' index key               unique key -> entry key
 *
 * bodies.mdb:
 *     0(8) 'N'                    the next body id
 *     0(8) 'S' body               an upload that is not published yet: whose it is
 *     body chunk(4) ~generation   one chunk: checksum, data
 *     body FFFFFFFF ~generation   the chunks that a range write wrote
 */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include <stdint.h>
#include <string.h>

#include "slice.h"

#define SCOPE_STORE 0
#define ROOT_ID 1

#define KIND_FORMAT 'F'
#define KIND_GARBAGE 'G'
#define KIND_HOLD 'H'
#define KIND_NODE 'I'
#define KIND_LOG 'L'
#define KIND_NEXT_ID 'N'
#define KIND_PUBLISHED 'P'
#define KIND_DELTA 'W'
#define KIND_AUTO 'A'
#define KIND_COLLECTION 'C'
#define KIND_DEFINITION 'D'
#define KIND_ENTRY 'E'
#define KIND_UNIQUE 'U'

#define GARBAGE_BODY 'B'
#define GARBAGE_COLLECTION 'C'
#define GARBAGE_RANGE 'R'

#define BODY_NEXT 'N'
#define BODY_STAGED 'S'

#define SCOPE_PREFIX 9 /* scope and kind */

/* Bytes of body data in one chunk: with key, checksum and LMDB's page header a chunk fills
 * 16 pages exactly (facts/perf.md 4.4). */
#define CHUNK_DATA 65512u
#define CHUNK_CHECKSUM 8u
#define CHUNK_KEY 20u
#define CHUNK_NONE UINT32_MAX

/* A key being built. */
struct key {
    unsigned char bytes[520];
    size_t size;
};

static inline void put_be64(unsigned char *out, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(out, &value, sizeof value);
}

static inline uint64_t get_be64(const void *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof value);
    return __builtin_bswap64(value);
}

static inline void put_be32(unsigned char *out, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(out, &value, sizeof value);
}

static inline uint32_t get_be32(const void *in)
{
    uint32_t value;
    memcpy(&value, in, sizeof value);
    return __builtin_bswap32(value);
}

static inline struct slice key_slice(const struct key *key)
{
    return slice_of(key->bytes, key->size);
}

static inline void key_begin(struct key *key, uint64_t scope, char kind)
{
    put_be64(key->bytes, scope);
    key->bytes[8] = (unsigned char)kind;
    key->size = SCOPE_PREFIX;
}

static inline void key_add_u64(struct key *key, uint64_t value)
{
    put_be64(key->bytes + key->size, value);
    key->size += 8;
}

static inline void key_add_byte(struct key *key, unsigned char value)
{
    key->bytes[key->size++] = value;
}

/* The caller has checked that it fits. */
static inline void key_add(struct key *key, const void *data, size_t size)
{
    memcpy(key->bytes + key->size, data, size);
    key->size += size;
}

/* The least key behind every key that begins with `prefix` (whose scope is not all FF). */
static inline struct key key_after_prefix(const struct key *prefix)
{
    struct key after = *prefix;

    while (after.bytes[after.size - 1] == 0xFF)
        after.size--;
    after.bytes[after.size - 1]++;
    return after;
}

static inline bool key_has_prefix(struct slice key, const struct key *prefix)
{
    return key.size >= prefix->size && memcmp(key.data, prefix->bytes, prefix->size) == 0;
}

/* A garbage row's; a range's has its generation behind it. */
static inline void key_garbage(struct key *key, char kind, uint64_t id)
{
    key_begin(key, SCOPE_STORE, KIND_GARBAGE);
    key_add_byte(key, (unsigned char)kind);
    key_add_u64(key, id);
}

static inline void key_chunk(struct key *key, uint64_t body, uint32_t chunk, uint64_t generation)
{
    put_be64(key->bytes, body);
    put_be32(key->bytes + 8, chunk);
    put_be64(key->bytes + 12, ~generation);
    key->size = CHUNK_KEY;
}

#endif
