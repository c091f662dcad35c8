/*
 * values.c - the bytes that are stored, and the keys: made of the number and version of an object alone.
 */
#include <pthread.h>
#include <string.h>

#include "bench.h"

/* Each value is a piece of one pool of random bytes. Values begin at START_COUNT places in it, which fit
 * the cache of a core, so that to look at the expected bytes disturbs no one. */
enum { START_COUNT = 1 << 17, START_STEP = 8 };

static unsigned char pool[START_COUNT * START_STEP + BLOCK_SIZE];

static void pool_fill(void)
{
    uint64_t state = 0x9e3779b97f4a7c15;

    for (size_t at = 0; at < sizeof pool; at += sizeof state) {
        uint64_t word = random_next(&state);

        memcpy(pool + at, &word, sizeof word);
    }
}

/* xorshift64* by Vigna. */
uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1d;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

struct bytes value_of(uint32_t number, uint32_t version, uint32_t block, size_t size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t start = mix(((uint64_t)number << 32 | version) + ((uint64_t)block << 20)) % START_COUNT;

    if (size > BLOCK_SIZE)
        fail("a value of %zu bytes is more than a block", size);
    pthread_once(&once, pool_fill);
    return (struct bytes){ pool + start * START_STEP, size };
}

struct bytes value_piece(struct value_stream *stream, size_t max)
{
    uint64_t left = stream->size - stream->position;
    size_t offset = stream->position % BLOCK_SIZE, size = BLOCK_SIZE - offset;
    struct bytes block =
        value_of(stream->number, stream->version, (uint32_t)(stream->position / BLOCK_SIZE), BLOCK_SIZE);

    size = size < left ? size : (size_t)left;
    size = size < max ? size : max;
    stream->position += size;
    return (struct bytes){ (const char *)block.data + offset, size };
}

void value_take(struct value_stream *stream, void *out, size_t size)
{
    char *to = out;

    while (size > 0) {
        struct bytes piece = value_piece(stream, size);

        if (piece.size == 0)
            fail("a back end wants more bytes than a value has");
        memcpy(to, piece.data, piece.size);
        to += piece.size;
        size -= piece.size;
    }
}

void value_expect(struct value_stream *stream, const void *bytes, size_t size)
{
    const char *from = bytes;

    while (size > 0) {
        struct bytes piece = value_piece(stream, size);

        if (piece.size == 0 || memcmp(from, piece.data, piece.size) != 0)
            fail("wrong result: other bytes than were put in a body of %ju, near byte %ju",
                 (uintmax_t)stream->size, (uintmax_t)stream->position);
        from += piece.size;
        size -= piece.size;
    }
}

static const char prefix[] = "/people/";

enum { PREFIX_SIZE = sizeof prefix - 1, DIGITS = 16 };

/* By hand: snprintf would cost half as much as a GET. */
size_t key_make(char key[KEY_MAX], uint32_t number)
{
    memcpy(key, prefix, PREFIX_SIZE);
    for (int i = DIGITS; i-- > 0; number /= 10)
        key[PREFIX_SIZE + i] = (char)('0' + number % 10);
    key[PREFIX_SIZE + DIGITS] = '\0';
    return PREFIX_SIZE + DIGITS;
}

uint32_t key_number(const char *key, size_t size)
{
    uint32_t number = 0;

    if (size == PREFIX_SIZE + DIGITS && memcmp(key, prefix, PREFIX_SIZE) == 0) {
        key += PREFIX_SIZE;
        size = DIGITS;
    }
    if (size != DIGITS)
        fail("wrong result: an entry with the name '%.*s'", (int)size, key);
    for (size_t i = 0; i < DIGITS; i++) {
        if (key[i] < '0' || key[i] > '9')
            fail("wrong result: an entry with the name '%.*s'", (int)size, key);
        number = number * 10 + (uint32_t)(key[i] - '0');
    }
    return number;
}
