/* test_checksum.c - the checksums on disk. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "checksum.h"

enum { SIZE_MOST = 9000 }; /* several of XXH3's blocks, and two pages */

static unsigned char *some_bytes(size_t size)
{
    unsigned char *bytes = malloc(size + 1);
    unsigned state = 1;

    cr_assert_not_null(bytes);
    for (size_t i = 0; i < size; i++) {
        state = state * 1103515245 + 12345;
        bytes[i] = (unsigned char)(state >> 16);
    }
    return bytes;
}

Test(checksum, is_xxh3_at_every_size)
{
    for (size_t size = 0; size <= SIZE_MOST; size++) {
        unsigned char *bytes = some_bytes(size); /* of just that size, for a sanitizer to see */
        cr_assert_eq(checksum_of(bytes, size), XXH3_64bits(bytes, size), "%zu bytes", size);
        free(bytes);
    }
}

Test(checksum, of_a_copy_is_that_of_what_was_copied)
{
    for (size_t size = 0; size <= SIZE_MOST; size++) {
        unsigned char *bytes = some_bytes(size), *copy = malloc(size + 1);
        cr_assert_not_null(copy);
        copy[size] = 0x5a;
        cr_assert_eq(checksum_copy(copy, bytes, size), XXH3_64bits(bytes, size), "%zu bytes", size);
        cr_assert_arr_eq(copy, bytes, size);
        cr_assert_eq(copy[size], 0x5a, "%zu bytes", size);
        free(copy);
        free(bytes);
    }
}

Test(checksum, needs_no_alignment)
{
    unsigned char *bytes = some_bytes(SIZE_MOST), *copy = malloc(SIZE_MOST);

    cr_assert_not_null(copy);
    for (size_t at = 0; at < 64; at++) {
        size_t size = SIZE_MOST - 2 * at;
        cr_assert_eq(checksum_of(bytes + at, size), XXH3_64bits(bytes + at, size), "at %zu", at);
        cr_assert_eq(checksum_copy(copy + 63 - at, bytes + at, size - 63), XXH3_64bits(bytes + at, size - 63),
                     "at %zu", at);
    }
    free(copy);
    free(bytes);
}
