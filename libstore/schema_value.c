/* schema_value.c - JSON values hashed, for const, enum and uniqueItems, and what a rule is applied to. */
#include "schema_private.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_DEPTH_MAX 1024 /* what lies deeper is left out: only the comparison gets slower */
#define EXPONENT_MAX 1000000000000000000

struct hashing {
    struct doc *doc;
    uint64_t work;
    unsigned depth;
};

static uint64_t mix(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

uint64_t value_hash_string(struct slice text)
{
    return mix(DOC_STRING, XXH3_64bits(text.data, text.size));
}

/* The exponent part of a number's text, saturated. */
static int64_t read_exponent(const char *at, const char *end)
{
    int64_t value = 0;
    bool negative = at < end && *at == '-';

    for (; at < end; at++)
        if (*at >= '0' && *at <= '9' && value < EXPONENT_MAX / 10)
            value = value * 10 + (*at - '0');
    return negative ? -value : value;
}

/* Hashes sign, significant digits and exponent, so that 1, 1.0 and 10e-1 come out the same. */
static uint64_t hash_number(struct slice text)
{
    const char *at = text.data, *end = at + text.size;
    uint64_t hash = *at == '-' ? 3 : 5, significant = hash;
    int64_t exponent = 0, zeros = 0; /* zeros: since the last significant digit */
    bool fraction = false, started = false;

    for (at += *at == '-'; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        exponent -= fraction;
        zeros++;
        if (*at == '0' && !started)
            continue;
        hash = mix(hash, (uint64_t)*at);
        if (*at == '0')
            continue;
        started = true;
        significant = hash;
        zeros = 0;
    }
    if (!started)
        return mix(DOC_NUMBER, 0);
    exponent += zeros + (at < end ? read_exponent(at + 1, end) : 0);
    return mix(mix(DOC_NUMBER, significant), (uint64_t)exponent);
}

static uint64_t hash_node(struct hashing *h, doc_id id);

static uint64_t hash_container(struct hashing *h, const struct doc_node *node)
{
    uint64_t hash = mix(node->type, node->count);

    if (h->depth == HASH_DEPTH_MAX)
        return hash;
    h->depth++;
    for (doc_id at = node->first; at != DOC_NONE; at = doc_at(h->doc, at)->next) {
        struct slice key = slice_of(doc_at(h->doc, at)->key, doc_at(h->doc, at)->key_size);
        uint64_t value = hash_node(h, at);

        hash = node->type == DOC_ARRAY ? mix(hash, value) : hash + mix(value_hash_string(key), value);
    }
    h->depth--;
    return hash;
}

static uint64_t hash_node(struct hashing *h, doc_id id)
{
    const struct doc_node *node = doc_at(h->doc, id);

    h->work += 1 + node->key_size / 64;
    switch ((enum doc_type)node->type) {
    case DOC_NUMBER:
        h->work += node->text_size / 16;
        return hash_number(slice_of(node->text, node->text_size));
    case DOC_STRING:
        h->work += node->text_size / 64;
        return value_hash_string(doc_string(h->doc, id));
    case DOC_ARRAY:
    case DOC_OBJECT:
        return hash_container(h, node);
    case DOC_NULL:
    case DOC_FALSE:
    case DOC_TRUE:
        break;
    }
    return mix(node->type, 0);
}

uint64_t value_hash(struct doc *doc, doc_id id, uint64_t *work)
{
    struct hashing h = { .doc = doc };
    uint64_t hash = hash_node(&h, id);

    *work += h.work;
    return hash;
}

unsigned value_type(const struct doc *doc, struct subject subject)
{
    static const uint8_t types[] = {
        [DOC_NULL] = SCHEMA_NULL,     [DOC_FALSE] = SCHEMA_BOOLEAN, [DOC_TRUE] = SCHEMA_BOOLEAN,
        [DOC_NUMBER] = SCHEMA_NUMBER, [DOC_STRING] = SCHEMA_STRING, [DOC_ARRAY] = SCHEMA_ARRAY,
        [DOC_OBJECT] = SCHEMA_OBJECT,
    };
    const struct doc_node *node = doc_at(doc, subject.id);

    if (subject.name)
        return SCHEMA_STRING;
    return node->type == DOC_NUMBER && node->integer ? SCHEMA_INTEGER : types[node->type];
}

struct slice value_string(struct doc *doc, struct subject subject)
{
    const struct doc_node *node = doc_at(doc, subject.id);

    return subject.name ? slice_of(node->key, node->key_size) : doc_string(doc, subject.id);
}
