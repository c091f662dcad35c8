/*
 * test_memory.c - streams and listings need the same memory for much as for little.
 *
 * What counts is the memory of the process's own (RssAnon): the pages of the mapped files are the
 * system's, which takes them back when it needs them.
 */
#include "api_test.h"

#include <stdio.h>

static void begin_memory_test(void)
{
    begin_api_test();
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("the sanitizer keeps what was freed");
#endif
}

TestSuite(memory, .init = begin_memory_test, .fini = end_api_test, .timeout = 120);

enum {
    MIB = 1 << 20,
    GROWTH_MAX = 32 * MIB,
    BODY_PIECES = 256, /* of 1 MiB each */
    OBJECTS = 100000,
    PER_TRANSACTION = 10000,
};

static long anonymous_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;

    cr_assert_not_null(file);
    while (kib < 0 && fgets(line, sizeof line, file))
        sscanf(line, "RssAnon: %ld kB", &kib);
    fclose(file);
    cr_assert_geq(kib, 0, "the kernel does not tell RssAnon");
    return kib * 1024;
}

static void assert_flat(long before, const char *what)
{
    long growth = anonymous_bytes() - before;

    cr_assert_lt(growth, GROWTH_MAX, "memory grew by %ld KiB %s", growth / 1024, what);
}

static void write_large(const char *location, char *piece)
{
    store_writer *writer;
    long before = anonymous_bytes();

    assert_ok(store_writer_open(&writer, test_store(), location, NULL));
    for (int i = 0; i < BODY_PIECES; i++) {
        memset(piece, i, MIB);
        assert_ok(store_writer_write(writer, piece, MIB));
        assert_flat(before, "while a body was written");
    }
    assert_ok(store_writer_commit(NULL, writer));
    store_writer_close(writer);
    assert_flat(before, "when a body was committed");
}

static void read_large(const char *location, char *piece)
{
    store_reader *reader;
    size_t got, at = 0;
    long before = anonymous_bytes();

    assert_ok(store_reader_open(&reader, test_store(), location, NULL));
    while (store_reader_read(&got, reader, piece, MIB) == STORE_OK && got > 0) {
        cr_assert_eq((unsigned char)piece[0], at / MIB);
        cr_assert_eq((unsigned char)piece[got - 1], (at + got - 1) / MIB);
        at += got;
        assert_flat(before, "while a body was read");
    }
    cr_assert_eq(at, (size_t)BODY_PIECES * MIB);
    store_reader_close(reader);
}

Test(memory, is_flat_while_a_large_body_is_written_and_read)
{
    char *piece = malloc(MIB);

    cr_assert_not_null(piece);
    memset(piece, 0, MIB);
    write_large("/large", piece);
    read_large("/large", piece);
    free(piece);
}

static void fill_collection(const char *collection)
{
    store_request request = STORE_REQUEST_INIT;
    char location[64];

    for (int i = 0; i < OBJECTS; i++) {
        if (i % PER_TRANSACTION == 0)
            assert_ok(store_begin(&request.txn, test_store(), false));
        int size = snprintf(location, sizeof location, "%s/%06d", collection, i);
        assert_ok(store_put(NULL, test_store(), location, location, (size_t)size, &request));
        if (i % PER_TRANSACTION == PER_TRANSACTION - 1)
            assert_ok(store_commit(request.txn));
    }
}

static void list_all(const char *collection, const store_list_options *options)
{
    store_iter *iter;
    store_entry entry;
    int rc, count = 0;
    long before = anonymous_bytes();

    assert_ok(store_iter_open(&iter, test_store(), collection, options));
    while ((rc = store_iter_next(&entry, iter)) == STORE_OK) {
        cr_assert_eq(atoi(entry.name), count);
        if (++count % 1000 == 0)
            assert_flat(before, "while a collection was listed");
    }
    assert_code(STORE_END, rc);
    cr_assert_eq(count, OBJECTS);
    store_iter_close(iter);
}

Test(memory, is_flat_while_a_large_collection_is_listed)
{
    store_options relaxed = STORE_OPTIONS_INIT;

    relaxed.flags = STORE_OPEN_CREATE;
    relaxed.durability = STORE_DURABLE_RELAXED;
    reopen_store(&relaxed);
    assert_ok(store_make_collection(NULL, test_store(), "/many", NULL));
    fill_collection("/many");
    list_all("/many", NULL);
    list_all("/many", LIST(.bodies = true));
}
