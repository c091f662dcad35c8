/* test_verified.c - a reader verifies each row of its body once, also when deltas are merged into another row. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api_test.h"

TestSuite(verified, .init = begin_api_test, .fini = end_api_test, .timeout = 60);

/* The last chunk, too, is too large for a page that LMDB copies when something else in it changes. */
enum { CHUNK = 65512, CHUNKS = 5, SIZE = (CHUNKS - 1) * CHUNK + 10000, PAGE = 4096 };

static char model[SIZE]; /* what /a should be */

/* Where in a chunk its mark is, by which it is found in the file. */
enum { MARK_AT = 500 };

static const char *mark(int chunk)
{
    static char text[32];

    snprintf(text, sizeof text, "<chunk %d is marked by this>", chunk);
    return text;
}

static void put_model(void)
{
    unsigned seed = 5;

    for (size_t i = 0; i < SIZE; i++)
        model[i] = (char)rand_r(&seed);
    for (int i = 0; i < CHUNKS; i++)
        memcpy(model + (size_t)i * CHUNK + MARK_AT, mark(i), strlen(mark(i)));
    assert_ok(store_put(NULL, test_store(), "/a", model, SIZE, NULL));
}

static void write_at(size_t offset, const char *text)
{
    memcpy(model + offset, text, strlen(text));
    assert_ok(store_patch_range(NULL, test_store(), "/a", offset, text, strlen(text), NULL));
}

/* Changes a bit in the file of the bodies wherever this text is, or changes it back: its first byte is not looked
 * at. How often the text is there. */
static int flip(const char *text)
{
    char path[4096];
    struct stat file;
    size_t size = strlen(text) - 1;
    int fd, count = 0;

    snprintf(path, sizeof path, "%s/bodies.mdb", store_path(test_store()));
    fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &file) == 0);
    char *bytes = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert(bytes != MAP_FAILED);
    char *end = bytes + file.st_size;
    for (char *at = bytes + 1; (at = memmem(at, (size_t)(end - at), text + 1, size)); at += size, count++)
        at[-1] ^= 1;
    munmap(bytes, (size_t)file.st_size);
    close(fd);
    return count;
}

static store_reader *open_reader(void)
{
    store_reader *reader;

    assert_ok(store_reader_open(&reader, test_store(), "/a", NULL));
    return reader;
}

static int read_at(store_reader *reader, size_t offset)
{
    size_t got, left = SIZE - offset;
    char bytes[PAGE];

    assert_ok(store_reader_seek(reader, offset));
    int rc = store_reader_read(&got, reader, bytes, PAGE);
    if (rc == STORE_OK)
        cr_assert(got == (left < PAGE ? left : PAGE) && memcmp(bytes, model + offset, got) == 0, "at %zu", offset);
    return rc;
}

/* A reader that has read of chunk 0 more than once. */
static store_reader *open_and_read(void)
{
    store_reader *reader = open_reader();

    for (int i = 0; i < 3; i++)
        assert_ok(read_at(reader, 10000));
    return reader;
}

Test(verified, damage_is_found_in_what_was_not_read_yet)
{
    put_model();
    store_reader *reader = open_and_read();
    for (int chunk = 1; chunk < CHUNKS; chunk++) {
        size_t begin = (size_t)chunk * CHUNK;
        cr_assert_eq(flip(mark(chunk)), 1);
        for (int i = 0; i < 2; i++) /* nor is it forgotten */
            assert_code(STORE_CORRUPT, read_at(reader, begin + 900));
        assert_code(STORE_CORRUPT, read_at(reader, begin - 100));
        assert_ok(read_at(reader, 20000));
        flip(mark(chunk));
        assert_ok(read_at(reader, begin + 900));
    }
    store_reader_close(reader);
}

Test(verified, damage_of_what_was_verified_is_for_the_next_reader)
{
    put_model();
    store_reader *reader = open_and_read();
    cr_assert_eq(flip(mark(0)), 1);
    assert_ok(read_at(reader, 20000));
    store_reader_close(reader);
    reader = open_reader();
    for (int i = 0; i < 2; i++)
        assert_code(STORE_CORRUPT, read_at(reader, 20000));
    store_reader_close(reader);
    flip(mark(0));
}

/* The caretaker merges all when there are many: of another object, so that the reader's stays the newest. */
static void merge_deltas(void)
{
    assert_ok(store_put(NULL, test_store(), "/other", model, SIZE, NULL));
    for (size_t i = 0; i < 2500; i++)
        assert_ok(store_patch_range(NULL, test_store(), "/other", i, "x", 1, NULL));
}

Test(verified, a_row_that_deltas_were_merged_into_is_verified_anew)
{
    static const char delta[] = "{this was written later}";

    put_model();
    write_at(CHUNK + 700, delta);
    store_reader *reader = open_and_read();
    for (int i = 0; i < 2; i++)
        assert_ok(read_at(reader, CHUNK + 10000));
    cr_assert_eq(flip(delta), 0, "it is in the bodies already");
    merge_deltas();
    while (flip(delta) == 0)
        sched_yield();
    while (read_at(reader, CHUNK + 10000) == STORE_OK) /* until that is committed, too */
        sched_yield();
    assert_code(STORE_CORRUPT, read_at(reader, CHUNK + 10000));
    flip(delta);
    for (int i = 0; i < 2; i++)
        assert_ok(read_at(reader, CHUNK + 500));
    store_reader_close(reader);
}

Test(verified, reads_anywhere_are_right_before_and_after_a_merge)
{
    unsigned seed = 11;

    put_model();
    for (int i = 0; i < 30; i++)
        write_at((size_t)rand_r(&seed) % (SIZE - 20), "a few bytes");
    store_reader *reader = open_reader();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++)
            assert_ok(read_at(reader, (size_t)rand_r(&seed) % SIZE));
        if (round == 0)
            merge_deltas();
    }
    store_reader_close(reader);
}
