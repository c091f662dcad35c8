/*
 * checksum.c - XXH3-64, by xxhash. Where the processor has AVX2, which a program for every
 * x86-64 must not be compiled for, long inputs go through a loop of our own. PURE.
 */
#include "checksum.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What was copied is in the cache. */
static uint64_t checksum_copy_plain(void *to, const void *from, size_t size)
{
    if (size > 0)
        memcpy(to, from, size);
    return XXH3_64bits(to, size);
}

#if defined __x86_64__ && defined __GNUC__

#include <immintrin.h>
#include <stdbool.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE __attribute__((target("avx2"), always_inline)) static inline

/* XXH3 for more than 240 bytes, as its specification has it: stripes of 64 bytes go into eight
 * accumulators, each with a secret 8 bytes further on; after 16 they are scrambled. */
enum { LONG = 241, STRIPE = 64, BLOCK = 16 * STRIPE, SECRET_STEP = 8, SECRET_SCRAMBLE = 128,
       SECRET_LAST = 121, SECRET_MERGE = 11 };

/* How far ahead memory is asked for: a page. The processor's own prefetching ends where a page does. */
enum { AHEAD = 4096 };

struct accumulators {
    __m256i low, high;
};

AVX2_INLINE __m256i load(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

AVX2_INLINE __m256i accumulate(__m256i sum, __m256i data, const unsigned char *secret)
{
    __m256i keyed = _mm256_xor_si256(data, load(secret));
    __m256i product = _mm256_mul_epu32(keyed, _mm256_srli_epi64(keyed, 32));
    __m256i swapped = _mm256_shuffle_epi32(data, _MM_SHUFFLE(1, 0, 3, 2));

    return _mm256_add_epi64(_mm256_add_epi64(sum, swapped), product);
}

AVX2_INLINE __m256i scramble(__m256i sum, const unsigned char *secret)
{
    const __m256i prime = _mm256_set1_epi32((int)XXH_PRIME32_1);
    __m256i keyed = _mm256_xor_si256(_mm256_xor_si256(sum, _mm256_srli_epi64(sum, 47)), load(secret));
    __m256i high = _mm256_mul_epu32(_mm256_srli_epi64(keyed, 32), prime);

    return _mm256_add_epi64(_mm256_mul_epu32(keyed, prime), _mm256_slli_epi64(high, 32));
}

/* One stripe, which is also copied unless `to` is NULL. */
AVX2_INLINE struct accumulators stripe(struct accumulators sums, unsigned char *to, const unsigned char *from,
                                       const unsigned char *secret)
{
    __m256i low = load(from), high = load(from + STRIPE / 2);

    if (to) {
        _mm256_storeu_si256((__m256i *)to, low);
        _mm256_storeu_si256((__m256i *)(to + STRIPE / 2), high);
    }
    sums.low = accumulate(sums.low, low, secret);
    sums.high = accumulate(sums.high, high, secret + STRIPE / 2);
    return sums;
}

AVX2_INLINE struct accumulators stripes(struct accumulators sums, unsigned char *to, const unsigned char *from,
                                        size_t count, size_t left)
{
    for (size_t i = 0, at = 0; i < count; i++, at += STRIPE) {
        if (at + AHEAD < left)
            _mm_prefetch((const char *)from + at + AHEAD, _MM_HINT_T0);
        sums = stripe(sums, to ? to + at : NULL, from + at, XXH3_kSecret + i * SECRET_STEP);
    }
    return sums;
}

static uint64_t read64(const void *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof value);
    return value;
}

static uint64_t multiply_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t merge(const uint64_t sums[8], size_t size)
{
    uint64_t hash = size * XXH_PRIME64_1;

    for (size_t i = 0; i < 8; i += 2) {
        const unsigned char *secret = XXH3_kSecret + SECRET_MERGE + 8 * i;
        hash += multiply_fold(sums[i] ^ read64(secret), sums[i + 1] ^ read64(secret + 8));
    }
    hash ^= hash >> 37;
    hash *= UINT64_C(0x165667919E3779F9);
    return hash ^ hash >> 32;
}

AVX2_INLINE uint64_t long_checksum(unsigned char *to, const unsigned char *from, size_t size)
{
    uint64_t sums[8] = { XXH_PRIME32_3, XXH_PRIME64_1, XXH_PRIME64_2, XXH_PRIME64_3,
                         XXH_PRIME64_4, XXH_PRIME32_2, XXH_PRIME64_5, XXH_PRIME32_1 };
    struct accumulators in = { load(sums), load(sums + 4) };
    size_t done = 0;

    for (size_t at = 0; at < AHEAD && at < size; at += STRIPE)
        _mm_prefetch((const char *)from + at, _MM_HINT_T0);
    for (; size - done > BLOCK; done += BLOCK) {
        in = stripes(in, to ? to + done : NULL, from + done, BLOCK / STRIPE, size - done);
        in.low = scramble(in.low, XXH3_kSecret + SECRET_SCRAMBLE);
        in.high = scramble(in.high, XXH3_kSecret + SECRET_SCRAMBLE + STRIPE / 2);
    }
    in = stripes(in, to ? to + done : NULL, from + done, (size - done - 1) / STRIPE, size - done);
    /* The last stripe ends where the input does, whatever it repeats. */
    in = stripe(in, to ? to + size - STRIPE : NULL, from + size - STRIPE, XXH3_kSecret + SECRET_LAST);
    _mm256_storeu_si256((__m256i *)sums, in.low);
    _mm256_storeu_si256((__m256i *)(sums + 4), in.high);
    /* The compiler does not, and with dirty upper halves all SSE code that follows is slow. */
    _mm256_zeroupper();
    return merge(sums, size);
}

AVX2 static uint64_t checksum_avx2(const void *data, size_t size)
{
    return long_checksum(NULL, data, size);
}

AVX2 static uint64_t checksum_copy_avx2(void *to, const void *from, size_t size)
{
    return long_checksum(to, from, size);
}

static bool use_avx2(size_t size)
{
    return size >= LONG && __builtin_cpu_supports("avx2");
}

uint64_t checksum_of(const void *data, size_t size)
{
    return use_avx2(size) ? checksum_avx2(data, size) : XXH3_64bits(data, size);
}

uint64_t checksum_copy(void *to, const void *from, size_t size)
{
    return use_avx2(size) ? checksum_copy_avx2(to, from, size) : checksum_copy_plain(to, from, size);
}

#else

uint64_t checksum_of(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
}

uint64_t checksum_copy(void *to, const void *from, size_t size)
{
    return checksum_copy_plain(to, from, size);
}

#endif
