/* test_rework.c - a writer's bytes read back and written over before they are published; where a body has holes. */
#include "api_test.h"

TestSuite(rework, .init = begin_api_test, .fini = end_api_test, .timeout = 120);

enum { CHUNK = 65512, FLUSHED = 128 * CHUNK, SIZE = 3 * FLUSHED, MIB = 1 << 20 };

static char *model; /* what the writer was given */
static size_t model_size;
static unsigned seed = 7;

static store_writer *begin_writer(void)
{
    store_writer *writer;

    model = calloc(1, SIZE);
    cr_assert_not_null(model);
    model_size = 0;
    assert_ok(store_writer_open(&writer, test_store(), "/a", NULL));
    return writer;
}

static void write_at(store_writer *writer, size_t offset, size_t size)
{
    char *bytes = malloc(size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)rand_r(&seed);
    memcpy(model + offset, bytes, size);
    if (offset == model_size && seed % 2)
        assert_ok(store_writer_write(writer, bytes, size));
    else
        assert_ok(store_writer_write_at(writer, offset, bytes, size));
    model_size = model_size > offset + size ? model_size : offset + size;
    free(bytes);
}

static void assert_reads(store_writer *writer, size_t offset, size_t size)
{
    char *bytes = malloc(size);
    size_t left = offset < model_size ? model_size - offset : 0, got;

    assert_ok(store_writer_read(&got, writer, bytes, size, offset));
    cr_assert_eq(got, left < size ? left : size);
    cr_assert(memcmp(bytes, model + offset, got) == 0, "%zu bytes from %zu", size, offset);
    free(bytes);
}

static void publish(store_writer *writer)
{
    size_t size;
    void *body;

    assert_ok(store_writer_commit(fresh_answer(), writer));
    store_writer_close(writer);
    assert_ok(store_get(&body, &size, NULL, test_store(), "/a", NULL));
    cr_assert_eq(size, model_size);
    cr_assert(memcmp(body, model, size) == 0);
    store_free(body);
    free(model);
}

Test(rework, what_is_small_is_never_staged)
{
    store_writer *writer = begin_writer();

    write_at(writer, 0, 100);
    write_at(writer, 50, 100);
    write_at(writer, 300, 10);
    assert_reads(writer, 0, 1000);
    assert_reads(writer, 310, 10);
    publish(writer);
}

Test(rework, of_what_is_in_the_file_already)
{
    store_writer *writer = begin_writer();

    write_at(writer, 0, FLUSHED + 500000);
    write_at(writer, 10, 20);
    write_at(writer, CHUNK - 5, 10);
    write_at(writer, 2 * CHUNK, CHUNK);
    write_at(writer, FLUSHED - 5, 10);
    write_at(writer, FLUSHED + 499990, 20);
    assert_reads(writer, 0, SIZE);
    assert_reads(writer, CHUNK - 100, 200);
    publish(writer);
}

Test(rework, at_random_is_as_the_model_has_it)
{
    store_writer *writer = begin_writer();

    for (int i = 0; i < 600; i++) {
        size_t size = 1 + (size_t)rand_r(&seed) % (i % 50 == 0 ? MIB : 5000);
        size_t room = model_size + 3 * CHUNK < SIZE ? model_size + 3 * CHUNK : SIZE;
        size_t offset = i % 3 == 0 ? model_size : (size_t)rand_r(&seed) % room;
        write_at(writer, offset < SIZE - size ? offset : SIZE - size, size);
        assert_reads(writer, (size_t)rand_r(&seed) % (model_size + 10), 1 + (size_t)rand_r(&seed) % 200000);
    }
    for (size_t at = 0; at < SIZE - MIB; at += 3 * CHUNK) /* more chunks than it keeps */
        write_at(writer, at + 77, 100);
    assert_reads(writer, 0, SIZE);
    publish(writer);
}

Test(rework, holes_alone_make_a_body)
{
    store_writer *writer = begin_writer();
    uint64_t begin, end;
    store_reader *reader;

    write_at(writer, 10 * CHUNK, 1);
    assert_reads(writer, 0, SIZE);
    write_at(writer, 5 * CHUNK + 1, 1);
    assert_reads(writer, 0, SIZE);
    publish(writer);
    assert_ok(store_reader_open(&reader, test_store(), "/a", NULL));
    assert_ok(store_reader_extent(&begin, &end, reader, 0));
    cr_assert(begin == 5 * CHUNK && end == 6 * CHUNK, "%lu to %lu", begin, end);
    store_reader_close(reader);
}

Test(rework, a_refused_commit_may_be_followed_by_more)
{
    store_writer *writer = begin_writer();

    store_writer_close(writer);
    assert_created("/a", put("/a", "taken", NULL));
    assert_ok(store_writer_open(&writer, test_store(), "/a", WITH(.if_match = (uint64_t[]){ version_of("/a") },
                                                                  .if_match_count = 1)));
    write_at(writer, 0, 2 * CHUNK + 1000);
    assert_updated("/a", put("/a", "changed", WITH(.flags = STORE_REPLACE)));
    assert_code(STORE_PRECONDITION_FAILED, store_writer_commit(NULL, writer));
    write_at(writer, 2 * CHUNK + 1000, 5000);
    write_at(writer, 5 * CHUNK, 10);
    assert_reads(writer, 0, SIZE);
    assert_code(STORE_PRECONDITION_FAILED, store_writer_commit(NULL, writer));
    assert_reads(writer, 0, SIZE);
    store_writer_close(writer);
    assert_body("/a", "changed");
    free(model);
}

Test(rework, typed_objects_are_read_back_and_not_written_over)
{
    store_writer *writer;
    char text[8];
    size_t got;

    assert_ok(define("/people", PEOPLE));
    assert_ok(store_writer_open(&writer, test_store(), "/people/ada", NULL));
    assert_ok(store_writer_write(writer, "{}", 2));
    assert_ok(store_writer_read(&got, writer, text, sizeof text, 1));
    cr_assert(got == 1 && text[0] == '}');
    assert_code(STORE_BAD_ARGUMENT, store_writer_write_at(writer, 0, "[", 1));
    assert_ok(store_writer_commit(NULL, writer));
    assert_code(STORE_BAD_ARGUMENT, store_writer_read(&got, writer, text, sizeof text, 0));
    store_writer_close(writer);
}

Test(rework, ranges_go_from_their_beginning_to_their_end)
{
    store_writer *writer;
    char text[8];
    size_t got;

    assert_created("/a", put("/a", "0123456789", NULL));
    assert_ok(store_writer_open_range(&writer, test_store(), "/a", 3, NULL));
    assert_ok(store_writer_write(writer, "xyz", 3));
    assert_code(STORE_BAD_ARGUMENT, store_writer_read(&got, writer, text, sizeof text, 0));
    assert_code(STORE_BAD_ARGUMENT, store_writer_write_at(writer, 0, "x", 1));
    assert_ok(store_writer_commit(NULL, writer));
    store_writer_close(writer);
    assert_body("/a", "012xyz6789");
}

Test(rework, too_far_is_too_large_and_harms_nothing)
{
    store_writer *writer = begin_writer();

    write_at(writer, 0, 100);
    assert_code(STORE_TOO_LARGE, store_writer_write_at(writer, UINT64_MAX - 3, "x", 1));
    assert_code(STORE_TOO_LARGE, store_writer_write_at(writer, (uint64_t)1 << 50, "x", 1));
    assert_reads(writer, 0, 200);
    publish(writer);
}

/* ---------------------------------------------------------------- extents */

static void assert_extent(uint64_t from, uint64_t begin, uint64_t end)
{
    store_reader *reader;
    uint64_t first, last;
    int rc;

    assert_ok(store_reader_open(&reader, test_store(), "/a", NULL));
    rc = store_reader_extent(&first, &last, reader, from);
    cr_assert_eq(rc, begin < end ? STORE_OK : STORE_END);
    cr_assert(first == begin && last == end, "from %lu: %lu to %lu, not %lu to %lu", from, first, last, begin, end);
    store_reader_close(reader);
}

static void put_bytes(size_t size)
{
    char *body = calloc(1, size);

    assert_ok(store_put(NULL, test_store(), "/a", body, size, WITH(.flags = STORE_REPLACE)));
    free(body);
}

Test(rework, a_body_without_holes_is_one_extent)
{
    static const size_t sizes[] = { 100, 20000, 3 * CHUNK + 5 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        put_bytes(sizes[i]);
        for (int patched = 0; patched < 2; patched++) {
            assert_extent(0, 0, sizes[i]);
            assert_extent(99, 99, sizes[i]);
            assert_extent(sizes[i], sizes[i], sizes[i]);
            assert_extent(sizes[i] + 1, sizes[i], sizes[i]);
            assert_ok(store_patch_range(NULL, test_store(), "/a", 50, "x", 1, NULL));
        }
    }
    put_bytes(0);
    assert_extent(0, 0, 0);
}

Test(rework, holes_of_range_writes_lie_between_extents)
{
    char *body = calloc(1, MIB);

    put_bytes(CHUNK + 100);
    assert_ok(store_patch_range(NULL, test_store(), "/a", 10 * CHUNK + 5, "x", 1, NULL)); /* short: a delta */
    assert_ok(store_patch_range(NULL, test_store(), "/a", 20 * CHUNK, body, 2 * CHUNK, NULL));
    for (int merged = 0; merged < 2; merged++) {
        assert_extent(0, 0, 2 * CHUNK);
        assert_extent(2 * CHUNK, 10 * CHUNK, 11 * CHUNK);
        assert_extent(10 * CHUNK + 8, 10 * CHUNK + 8, 11 * CHUNK);
        assert_extent(11 * CHUNK, 20 * CHUNK, 22 * CHUNK);
        assert_extent(22 * CHUNK, 22 * CHUNK, 22 * CHUNK);
        reopen_store(NULL);
    }
    free(body);
}

Test(rework, extents_of_a_version_that_went_are_not_told)
{
    store_reader *reader;
    uint64_t begin, end;

    put_bytes(CHUNK + 100);
    assert_ok(store_patch_range(NULL, test_store(), "/a", 10 * CHUNK + 5, "x", 1, NULL));
    assert_ok(store_reader_open(&reader, test_store(), "/a", NULL));
    put_bytes(10);
    assert_code(STORE_PRECONDITION_FAILED, store_reader_extent(&begin, &end, reader, 0));
    store_reader_close(reader);
}

/* ------------------------------------------------------------------- room */

Test(rework, the_room_counts_pages_that_can_be_used_again)
{
    store_room before, after;

    assert_ok(store_room_get(&before, test_store()));
    cr_assert_gt(before.total_bytes, 0);
    cr_assert_geq(before.total_bytes, before.free_bytes);
    cr_assert_geq(before.free_bytes, before.available_bytes);
    cr_assert_gt(before.nodes, 0);
    for (int i = 0; i < 20; i++)
        put_bytes(MIB);
    assert_ok(store_room_get(&after, test_store()));
    cr_assert_geq(after.nodes, before.nodes);
}
