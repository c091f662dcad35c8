/* test_keep.c - versions that a reader keeps, whatever becomes of the object. */
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_test.h"

TestSuite(keep, .init = begin_api_test, .fini = end_api_test, .timeout = 60);

enum { CHUNK = 65512, SIZE = 10 * CHUNK + 77 };

static char first[SIZE], bytes[SIZE];

static void put_first(void)
{
    for (size_t i = 0; i < SIZE; i++)
        first[i] = (char)(i * 31 + i / CHUNK);
    assert_ok(store_put(NULL, test_store(), "/a", first, SIZE, WITH(.flags = STORE_REPLACE)));
}

static store_reader *open_reader(void)
{
    store_reader *reader;

    assert_ok(store_reader_open(&reader, test_store(), "/a", NULL));
    return reader;
}

static store_reader *keep_first(void)
{
    store_reader *reader = open_reader();

    assert_ok(store_reader_keep(reader));
    return reader;
}

static void assert_reads_first(store_reader *reader)
{
    size_t got;

    assert_ok(store_reader_seek(reader, 0));
    assert_ok(store_reader_read(&got, reader, bytes, SIZE));
    cr_assert(got == SIZE && memcmp(bytes, first, SIZE) == 0);
}

static int write_at(size_t offset, size_t size)
{
    static const char zeros[SIZE];

    return store_patch_range(NULL, test_store(), "/a", offset, zeros, size, NULL);
}

static store_stats stats(void)
{
    store_stats found;

    assert_ok(store_stats_get(&found, test_store()));
    return found;
}

/* Until the caretaker has reclaimed all but so many chunks. */
static void await_chunks(uint64_t chunks)
{
    while (stats().chunks > chunks)
        sched_yield();
    cr_assert_eq(stats().chunks, chunks);
}

static void delete_it(void)
{
    assert_ok(erase("/a", NULL));
}

static void replace_it(void)
{
    assert_ok(put("/a", "new", WITH(.flags = STORE_REPLACE)));
}

static void write_a_little(void)
{
    assert_ok(write_at(3 * CHUNK + 5, 100));
}

static void write_much(void)
{
    assert_ok(write_at(3 * CHUNK + 5, 2 * CHUNK));
}

static void cut_it(void)
{
    assert_ok(store_resize(NULL, test_store(), "/a", 7 * CHUNK + 5, NULL));
    assert_ok(store_resize(NULL, test_store(), "/a", SIZE, NULL));
}

static void move_it(void)
{
    assert_ok(relocate("/a", "/b", NULL));
    assert_ok(put("/a", "another", NULL));
}

static void copy_and_change_it(void)
{
    assert_ok(duplicate("/a", "/b", NULL));
    write_a_little();
    write_much();
    assert_ok(erase("/b", NULL));
    write_a_little();
    write_much();
}

static void (*const changes[])(void) = { delete_it, replace_it, write_a_little, write_much, cut_it, move_it,
                                         copy_and_change_it };
enum { CHANGES = sizeof changes / sizeof *changes };

Test(keep, a_kept_version_stays_readable_whatever_happens)
{
    for (size_t i = 0; i < CHANGES; i++) {
        put_first();
        store_reader *reader = keep_first();
        changes[i]();
        if (version_of("/b"))
            assert_ok(erase("/b", NULL));
        assert_reads_first(reader);
        if (version_of("/a"))
            assert_ok(erase("/a", NULL));
        await_chunks(11); /* what is not kept */
        assert_reads_first(reader);
        store_reader_close(reader);
        await_chunks(0);
    }
}

Test(keep, also_with_range_writes_before_it)
{
    put_first();
    assert_ok(store_patch_range(NULL, test_store(), "/a", 100, first + 100, 50, NULL));
    assert_ok(store_patch_range(NULL, test_store(), "/a", CHUNK, first + CHUNK, 2 * CHUNK, NULL));
    assert_ok(store_patch_range(NULL, test_store(), "/a", CHUNK + 9, first + CHUNK + 9, 50, NULL));
    store_reader *reader = keep_first();
    write_a_little();
    write_much();
    assert_reads_first(reader);
    delete_it();
    await_chunks(11);
    assert_reads_first(reader);
    store_reader_close(reader);
}

Test(keep, several_readers_keep_one_version)
{
    store_reader *one, *two;

    put_first();
    one = keep_first();
    two = keep_first();
    assert_ok(store_reader_keep(one));
    delete_it();
    store_reader_close(one);
    assert_reads_first(two);
    store_reader_close(two);
    await_chunks(0);
}

Test(keep, what_was_changed_already_cannot_be_kept)
{
    for (size_t i = 0; i < CHANGES; i++) {
        put_first();
        store_reader *reader = open_reader();
        changes[i]();
        assert_code(changes[i] == move_it ? STORE_OK : STORE_PRECONDITION_FAILED, store_reader_keep(reader));
        store_reader_close(reader);
        if (version_of("/b"))
            assert_ok(erase("/b", NULL));
    }
}

Test(keep, nor_when_what_the_change_superseded_was_reclaimed)
{
    static void (*const writes[])(void) = { write_a_little, write_much };

    for (int i = 0; i < 2; i++) {
        put_first();
        store_reader *reader = open_reader();
        writes[i]();
        while (writes[i] == write_much && stats().chunks > 11)
            sched_yield();
        assert_code(STORE_PRECONDITION_FAILED, store_reader_keep(reader));
        store_reader_close(reader);
    }
}

Test(keep, a_dry_or_aborted_change_is_none)
{
    store_txn *txn;

    put_first();
    store_reader *reader = open_reader();
    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(store_patch_range(NULL, test_store(), "/a", 0, first, 2 * CHUNK, WITH(.txn = txn)));
    assert_code(STORE_BUSY, store_reader_keep(reader));
    store_abort(txn);
    assert_ok(store_reader_keep(reader));
    write_a_little();
    assert_reads_first(reader);
    store_reader_close(reader);
}

Test(keep, a_small_body_is_kept_without_writing)
{
    store_reader *reader;
    uint64_t before;
    char text[8];
    size_t got;

    assert_created("/a", put("/a", "small", NULL));
    reader = open_reader();
    before = stats().objects_space.last_transaction;
    assert_ok(store_reader_keep(reader));
    cr_assert_eq(stats().objects_space.last_transaction, before);
    delete_it();
    assert_ok(store_reader_read(&got, reader, text, sizeof text));
    cr_assert(got == 5 && memcmp(text, "small", 5) == 0);
    store_reader_close(reader);
}

Test(keep, what_a_process_held_is_given_up_when_it_dies)
{
    char path[4096];
    int status;
    pid_t child;

    put_first();
    strcpy(path, store_path(test_store()));
    close_store();
    child = fork();
    if (child == 0) {
        store_reader *reader;
        store *s;
        bool fine = store_open(&s, path, NULL) == STORE_OK && store_reader_open(&reader, s, "/a", NULL) == STORE_OK &&
                    store_reader_keep(reader) == STORE_OK && store_delete(NULL, s, "/a", NULL) == STORE_OK;
        _exit(fine ? 0 : 1);
    }
    cr_assert(waitpid(child, &status, 0) == child && status == 0);
    reopen_store(NULL);
    await_chunks(0);
}
