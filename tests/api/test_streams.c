/* test_streams.c - bodies as streams: written, read, sought, patched by ranges, replaced while being read. */
#include "api_test.h"

#include <stdio.h>

TestSuite(streams, .init = begin_api_test, .fini = end_api_test, .timeout = 120);

/* Byte `i` of the body `seed`: no two bodies agree anywhere for long. */
static char byte_of(unsigned seed, size_t i)
{
    uint32_t x = (uint32_t)(i / 4) * 2654435761u + seed * 40503u;

    x ^= x >> 15;
    x *= 2246822519u;
    return (char)(x >> (8 * (i % 4)));
}

static char *make_body(unsigned seed, size_t size)
{
    char *body = malloc(size + 1);

    cr_assert_not_null(body);
    for (size_t i = 0; i < size; i++)
        body[i] = byte_of(seed, i);
    return body;
}

/* Writes it in pieces of up to `piece` bytes, and commits. */
static void write_stream(const char *location, const char *body, size_t size, size_t piece)
{
    store_writer *writer;

    store_answer_clear(&answered);
    assert_ok(store_writer_open(&writer, test_store(), location, NULL));
    for (size_t at = 0; at < size; at += piece)
        assert_ok(store_writer_write(writer, body + at, size - at < piece ? size - at : piece));
    assert_ok(store_writer_commit(fresh_answer(), writer));
    store_writer_close(writer);
}

static void assert_bytes(const char *location, const char *expected, size_t size)
{
    store_reader *reader;
    char buffer[10000];
    size_t at = 0, got;

    assert_ok(store_reader_open(&reader, test_store(), location, NULL));
    cr_assert_eq(store_reader_stat(reader)->size, size);
    do {
        assert_ok(store_reader_read(&got, reader, buffer, sizeof buffer));
        cr_assert_leq(at + got, size);
        cr_assert_eq(memcmp(buffer, expected + at, got), 0, "%s differs after byte %zu", location, at);
        at += got;
    } while (got > 0);
    cr_assert_eq(at, size);
    store_reader_close(reader);
}

/* Sizes around everything that may matter. */
static const size_t sizes[] = { 0, 1, 100, 1500, 2000, 3900, 4096, 8192, 10000, 65511, 65512, 65513, 65536,
                                131024, 131025,
                                1000000 };

Test(streams, of_any_size_are_kept_as_written)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *body = make_body((unsigned)i, sizes[i]), location[32];
        snprintf(location, sizeof location, "/s%zu", sizes[i]);
        write_stream(location, body, sizes[i], 7001);
        cr_assert_eq(answered.one.outcome, STORE_CREATED);
        cr_assert_str_eq(answered.one.location, location);
        cr_assert_eq(answered.one.version, version_of(location));
        assert_bytes(location, body, sizes[i]);
        free(body);
    }
}

Test(streams, bodies_put_whole_read_the_same)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *body = make_body((unsigned)i, sizes[i]);
        assert_ok(store_put(NULL, test_store(), "/a", body, sizes[i], NULL));
        assert_bytes("/a", body, sizes[i]);
        free(body);
    }
}

Test(streams, of_20_mib_survive_reopening)
{
    size_t size = 20 << 20;
    char *body = make_body(1, size), part[1000];
    size_t got;

    write_stream("/big", body, size, 1 << 20);
    reopen_store(NULL);
    assert_bytes("/big", body, size);
    assert_ok(store_read(&got, test_store(), "/big", part, sizeof part, size - 500, NULL));
    cr_assert_eq(got, 500);
    cr_assert_eq(memcmp(part, body + size - 500, got), 0);
    free(body);
}

Test(streams, are_visible_at_commit_and_not_before)
{
    char *body = make_body(1, 200000);
    store_writer *writer;

    assert_created("/a", put("/a", "old", NULL));
    for (int i = 0; i < 2; i++) {
        const char *location = i ? "/new" : "/a";
        char *before = whole_store();
        assert_ok(store_writer_open(&writer, test_store(), location, NULL));
        assert_ok(store_writer_write(writer, body, 200000));
        assert_still(before, store_writer_write);
        assert_ok(store_writer_commit(NULL, writer));
        store_writer_close(writer);
        assert_bytes(location, body, 200000);
    }
    free(body);
}

Test(streams, closed_without_commit_leave_everything_as_it_was)
{
    char *body = make_body(1, 300000), *before;
    store_writer *writer;

    assert_created("/a", put("/a", "old", NULL));
    before = whole_store();
    assert_ok(store_writer_open(&writer, test_store(), "/a", NULL));
    assert_ok(store_writer_write(writer, body, 300000));
    store_writer_close(writer);
    assert_ok(store_writer_open(&writer, test_store(), "/b", WITH(.flags = STORE_PARENTS)));
    store_writer_close(writer);
    assert_still(before, store_writer_close);
    free(body);
}

Test(streams, check_conditions_policy_and_parents_at_open)
{
    store_writer *writer = NULL;

    assert_created("/a", put("/a", "old", NULL));
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", "{}", NULL));
    assert_refused(STORE_PRECONDITION_FAILED,
                   store_writer_open(&writer, test_store(), "/a", WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    assert_refused(STORE_KEY_CONFLICT, store_writer_open(&writer, test_store(), "/a",
                                                         WITH(.flags = STORE_NOREPLACE)));
    assert_refused(STORE_KEY_CONFLICT, store_writer_open(&writer, test_store(), "/people/ada", NULL));
    assert_refused(STORE_NO_COLLECTION, store_writer_open(&writer, test_store(), "/x/y", NULL));
    assert_refused(STORE_KEY_REQUIRED, store_writer_open(&writer, test_store(), "/people", NULL));
    assert_refused(STORE_PROPERTY_TARGET, store_writer_open(&writer, test_store(), "/people/ada/age", NULL));
    assert_refused(STORE_KIND_CONFLICT, store_writer_open(&writer, test_store(), "/", NULL));
    assert_refused(STORE_BAD_LOCATION, store_writer_open(&writer, test_store(), "//", NULL));
    cr_assert_null(writer);
}

Test(streams, check_conditions_again_at_commit)
{
    store_writer *writer;
    char *body = make_body(1, 100000);

    assert_ok(store_writer_open(&writer, test_store(), "/a", WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    assert_ok(store_writer_write(writer, body, 100000));
    assert_created("/a", put("/a", "faster", NULL));
    assert_refused(STORE_PRECONDITION_FAILED, store_writer_commit(NULL, writer));
    assert_deleted("/a", erase("/a", NULL));
    assert_ok(store_writer_commit(NULL, writer));
    store_writer_close(writer);
    assert_bytes("/a", body, 100000);
    free(body);
}

Test(streams, to_typed_collections_are_validated_at_commit)
{
    store_writer *writer;

    assert_ok(define("/people", PEOPLE));
    assert_ok(store_writer_open(&writer, test_store(), "/people/ada", NULL));
    assert_ok(store_writer_write(writer, "{\"age\"", 6));
    assert_ok(store_writer_write(writer, ":\"x\"}", 5));
    assert_refused(STORE_INVALID_VALUE, store_writer_commit(NULL, writer));
    cr_assert(refusal_points_to("/age"));
    store_writer_close(writer);
    assert_missing("/people/ada");
    assert_ok(store_writer_open(&writer, test_store(), "/people/ada", NULL));
    assert_ok(store_writer_write(writer, "{\"age\":7}", 9));
    assert_ok(store_writer_commit(NULL, writer));
    store_writer_close(writer);
    assert_json("/people/ada/age", "7");
}

Test(streams, make_parents_and_keep_type_and_metadata)
{
    const store_meta item = { "m", "v", 1 };
    store_writer *writer;
    char *body = make_body(1, 70000);

    assert_ok(store_writer_open(&writer, test_store(), "/x/y", WITH(.flags = STORE_PARENTS | STORE_SET_META,
                                .type = "text/x", .meta = &item, .meta_count = 1)));
    assert_ok(store_writer_write(writer, body, 70000));
    assert_ok(store_writer_commit(NULL, writer));
    store_writer_close(writer);
    cr_assert_str_eq(stat_of("/x/y").type, "text/x");
    write_stream("/x/y", body, 60000, 60000);
    cr_assert_str_eq(stat_of("/x/y").type, "text/x");
    cr_assert_eq(answered.one.outcome, STORE_UPDATED);
    free(body);
}

/* ------------------------------------------------------------------ reading */

Test(streams, can_be_read_from_any_position)
{
    static const size_t positions[] = { 0, 1, 65511, 65512, 65513, 131023, 131024, 199999, 200000, 5000000 };
    size_t size = 200000, got;
    char *body = make_body(3, size), buffer[300];
    store_reader *reader;

    write_stream("/a", body, size, 50000);
    assert_ok(store_reader_open(&reader, test_store(), "/a", NULL));
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        size_t at = positions[i], left = at < size ? size - at : 0;
        size_t expected = left < sizeof buffer ? left : sizeof buffer;
        size_t sum = 0;
        assert_ok(store_reader_seek(reader, at));
        do {
            assert_ok(store_reader_read(&got, reader, buffer + sum, sizeof buffer - sum));
            sum += got;
        } while (got > 0 && sum < sizeof buffer);
        cr_assert_eq(sum, expected);
        cr_assert_eq(memcmp(buffer, body + at, expected), 0, "at %zu", at);
        assert_ok(store_read(&got, test_store(), "/a", buffer, sizeof buffer, at, NULL));
        cr_assert_eq(got, expected);
        cr_assert_eq(memcmp(buffer, body + at, expected), 0, "at %zu", at);
    }
    store_reader_close(reader);
    free(body);
}

Test(streams, of_a_property_are_its_json_value)
{
    store_reader *reader;
    char buffer[32];
    size_t got;

    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", J("{'rate':10.00}"), NULL));
    assert_ok(store_reader_open(&reader, test_store(), "/people/ada/rate", NULL));
    assert_ok(store_reader_read(&got, reader, buffer, sizeof buffer));
    cr_assert_eq(got, 5);
    cr_assert_arr_eq(buffer, "10.00", 5);
    store_reader_close(reader);
}

/* Reads on; true if all the rest was that of the version opened, false if it ended with ESTALE. */
static bool reads_on(store_reader *reader, const char *old, size_t at, size_t size)
{
    char buffer[5000];
    size_t got;
    int rc;

    while ((rc = store_reader_read(&got, reader, buffer, sizeof buffer)) == STORE_OK && got > 0) {
        cr_assert_leq(at + got, size);
        cr_assert_eq(memcmp(buffer, old + at, got), 0, "bytes of another version after %zu", at);
        at += got;
    }
    cr_assert(rc == STORE_OK || rc == STORE_PRECONDITION_FAILED, "%s", store_code_name(rc));
    if (rc == STORE_OK)
        cr_assert_eq(at, size, "the end came early");
    return rc == STORE_OK;
}

static void replace_under(size_t old_size, size_t new_size, bool delete, bool many)
{
    char *old = make_body(1, old_size), *new = make_body(2, new_size), buffer[1000];
    store_reader *reader;
    size_t got;

    write_stream("/a", old, old_size, 100000);
    assert_ok(store_reader_open(&reader, test_store(), "/a", NULL));
    assert_ok(store_reader_read(&got, reader, buffer, sizeof buffer));
    cr_assert_eq(memcmp(buffer, old, got), 0);
    for (int i = 0; i < (many ? 20 : 1); i++)
        assert_ok(delete ? erase("/a", NULL) : store_put(NULL, test_store(), "/a", new, new_size, NULL));
    reads_on(reader, old, got, old_size);
    store_reader_close(reader);
    if (delete)
        assert_missing("/a");
    else
        assert_bytes("/a", new, new_size);
    free(old);
    free(new);
}

Test(streams, replaced_while_read_give_one_version_or_estale)
{
    replace_under(500000, 500000, false, false);
    replace_under(500000, 100, false, true);
    replace_under(2000, 500000, false, false);
    replace_under(500000, 500001, false, true);
}

Test(streams, deleted_while_read_give_one_version_or_estale)
{
    replace_under(500000, 0, true, false);
    replace_under(1500, 0, true, false);
}

Test(streams, patched_by_range_while_read_give_one_version_or_estale)
{
    size_t size = 400000, got;
    char *old = make_body(1, size), buffer[100], *patch = make_body(9, 1000);
    store_reader *reader;

    write_stream("/a", old, size, size);
    assert_ok(store_reader_open(&reader, test_store(), "/a", NULL));
    assert_ok(store_reader_read(&got, reader, buffer, sizeof buffer));
    assert_ok(store_patch_range(NULL, test_store(), "/a", 300000, patch, 1000, NULL));
    reads_on(reader, old, got, size);
    store_reader_close(reader);
    memcpy(old + 300000, patch, 1000);
    assert_bytes("/a", old, size);
    free(old);
    free(patch);
}

/* -------------------------------------------------------------- range patch */

static const struct {
    size_t size, offset, length;
} ranges[] = {
    { 10, 3, 4 },                 /* within, inline */
    { 10, 10, 5 },                /* appended */
    { 10, 20, 5 },                /* behind a gap */
    { 0, 0, 7 },                  /* of nothing */
    { 0, 100, 7 },                /* a gap from the start */
    { 1000, 500, 5000 },          /* inline to chunked */
    { 1000, 100000, 10 },         /* inline to chunked behind a gap of chunks */
    { 200000, 10, 20 },           /* within a chunk */
    { 200000, 0, 65512 },         /* exactly a chunk */
    { 200000, 65512, 65512 },
    { 200000, 65500, 30 },        /* across two */
    { 200000, 60000, 140000 },    /* across all */
    { 200000, 199990, 10 },       /* to the end */
    { 200000, 199990, 100 },      /* over the end */
    { 200000, 200000, 1 },        /* at the end */
    { 131024, 131024, 1 },        /* at the end of full chunks */
    { 200000, 500000, 1 },        /* behind a gap of whole chunks */
    { 200000, 1000, 0 },          /* nothing */
};

Test(streams, a_range_patch_writes_the_bytes_it_says_and_no_others)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        size_t size = ranges[i].size, offset = ranges[i].offset, length = ranges[i].length;
        size_t end = length && offset + length > size ? offset + length : size;
        char *body = calloc(1, end + 1), *old = make_body(1, size), *patch = make_body(2, length);
        assert_ok(store_put(NULL, test_store(), "/a", old, size, WITH(.type = "text/x")));
        uint64_t version = version_of("/a");
        memcpy(body, old, size);
        memcpy(body + offset * (length > 0), patch, length);
        assert_ok(store_patch_range(fresh_answer(), test_store(), "/a", offset, patch, length, NULL));
        cr_assert_eq(answered.one.outcome, STORE_UPDATED);
        cr_assert_eq(answered.one.version, version_of("/a"));
        cr_assert_gt(version_of("/a"), version);
        assert_bytes("/a", body, end);
        cr_assert_str_eq(stat_of("/a").type, "text/x");
        store_answer_clear(&answered);
        free(body);
        free(old);
        free(patch);
    }
}

Test(streams, many_range_patches_keep_a_body_whole)
{
    size_t size = 300000;
    char *body = make_body(1, size), *patch = make_body(7, 3000);
    unsigned random = 1;

    write_stream("/a", body, size, size);
    for (int i = 0; i < 100; i++) {
        random = random * 1103515245 + 12345;
        size_t offset = (random >> 8) % (size - 3000), length = (random >> 4) % 3000;
        memcpy(body + offset, patch, length);
        assert_ok(store_patch_range(NULL, test_store(), "/a", offset, patch, length, NULL));
    }
    assert_bytes("/a", body, size);
    reopen_store(NULL);
    assert_bytes("/a", body, size);
    free(body);
    free(patch);
}

Test(streams, a_range_patch_of_a_missing_object_needs_insert)
{
    assert_refused(STORE_NOT_FOUND, store_patch_range(NULL, test_store(), "/a", 0, "x", 1, NULL));
    assert_refused(STORE_NOT_FOUND, store_patch_range(NULL, test_store(), "/x/a", 0, "x", 1, NULL));
    assert_ok(store_patch_range(fresh_answer(), test_store(), "/a", 3, "x", 1, WITH(.flags = STORE_INSERT)));
    cr_assert_eq(answered.one.outcome, STORE_CREATED);
    assert_bytes("/a", "\0\0\0x", 4);
}

Test(streams, a_range_patch_of_a_collection_is_a_kind_conflict)
{
    assert_ok(make_collection("/c", NULL));
    assert_refused(STORE_KIND_CONFLICT, store_patch_range(NULL, test_store(), "/c", 0, "x", 1, NULL));
}

Test(streams, a_dry_range_patch_changes_nothing)
{
    assert_created("/a", put("/a", "12345", NULL));
    assert_unchanged(store_patch_range(NULL, test_store(), "/a", 1, "x", 1, WITH(.flags = STORE_DRY_RUN)));
}

Test(streams, a_range_beyond_all_sizes_is_too_large)
{
    assert_created("/a", put("/a", "12345", NULL));
    assert_refused(STORE_TOO_LARGE, store_patch_range(NULL, test_store(), "/a", UINT64_MAX - 1, "xyz", 3, NULL));
}

Test(streams, a_range_can_be_written_as_a_stream)
{
    size_t size = 300000, length = 150000;
    char *body = make_body(1, size), *patch = make_body(2, length), *before;
    store_writer *writer;

    write_stream("/a", body, size, size);
    before = whole_store();
    assert_ok(store_writer_open_range(&writer, test_store(), "/a", 100001, NULL));
    for (size_t at = 0; at < length; at += 30000)
        assert_ok(store_writer_write(writer, patch + at, 30000));
    assert_still(before, store_writer_write);
    assert_ok(store_writer_commit(fresh_answer(), writer));
    store_writer_close(writer);
    memcpy(body + 100001, patch, length);
    assert_bytes("/a", body, size);
    free(body);
    free(patch);
}

/* --------------------------------------------------------------------- views */

Test(streams, a_view_keeps_what_it_opened)
{
    size_t size = 150000;
    char *body = make_body(1, size);
    store_view small, large;

    assert_created("/s", put("/s", "small", NULL));
    write_stream("/l", body, size, size);
    assert_ok(store_view_open(&small, test_store(), "/s", NULL));
    assert_ok(store_view_open(&large, test_store(), "/l", NULL));
    cr_assert_eq(small.version, version_of("/s"));
    assert_updated("/s", put("/s", "SMALL", NULL));
    assert_deleted("/l", erase("/l", NULL));
    cr_assert_eq(small.size, 5);
    cr_assert_arr_eq((const char *)small.body, "small", 5);
    cr_assert_eq(large.size, size);
    cr_assert_eq(memcmp(large.body, body, size), 0);
    store_view_close(&small);
    store_view_close(&large);
    free(body);
}

Test(streams, a_range_of_what_takes_none_is_refused_at_commit_at_the_latest)
{
    static const struct {
        const char *location;
        int code;
    } cases[] = {
        { "/none", STORE_NOT_FOUND },
        { "/x/none", STORE_NOT_FOUND },
        { "/people/ada", STORE_UNSUPPORTED_MEDIA_TYPE },
        { "/people", STORE_KIND_CONFLICT },
    };

    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", "{}", NULL));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        store_writer *writer = NULL;
        int rc = store_writer_open_range(&writer, test_store(), cases[i].location, 1, NULL);
        if (rc == STORE_OK) {
            assert_ok(store_writer_write(writer, "x", 1));
            assert_refused(cases[i].code, store_writer_commit(NULL, writer));
        } else {
            cr_assert_eq(rc, cases[i].code);
        }
        store_writer_close(writer);
    }
}

Test(streams, written_in_a_transaction_are_published_by_it)
{
    char *body = make_body(1, 200000);
    store_writer *writer;
    store_txn *txn;

    for (int commits = 0; commits < 2; commits++) {
        assert_ok(store_begin(&txn, test_store(), false));
        assert_ok(store_writer_open(&writer, test_store(), "/a", WITH(.txn = txn)));
        assert_ok(store_writer_write(writer, body, 200000));
        assert_ok(store_writer_commit(NULL, writer));
        store_writer_close(writer);
        assert_missing("/a");
        if (commits)
            assert_ok(store_commit(txn));
        else
            store_abort(txn);
    }
    assert_bytes("/a", body, 200000);
    free(body);
}

Test(streams, to_an_auto_collection_append_objects_and_arrays)
{
    store_writer *writer;

    assert_ok(define("/notes", "{'order':'auto','key':['id'],'schema':{'properties':{'id':{'type':'integer'}}}}"));
    assert_ok(store_writer_open(&writer, test_store(), "/notes", NULL));
    assert_ok(store_writer_write(writer, "[{},", 4));
    assert_ok(store_writer_write(writer, "{}]", 3));
    assert_ok(store_writer_commit(fresh_answer(), writer));
    store_writer_close(writer);
    cr_assert_eq(answered.count, 2);
    assert_names("1 2", "/notes", NULL);
}

Test(streams, a_gap_in_a_chunked_body_costs_no_space)
{
    char *body = make_body(1, 200000), last[4];
    uint64_t end = (uint64_t)1 << 40;
    size_t got;

    write_stream("/a", body, 200000, 200000);
    assert_ok(store_patch_range(NULL, test_store(), "/a", end, "x", 1, NULL));
    cr_assert_eq(stat_of("/a").size, end + 1);
    assert_ok(store_read(&got, test_store(), "/a", last, sizeof last, end - 3, NULL));
    cr_assert_eq(got, 4);
    cr_assert_arr_eq(last, "\0\0\0x", 4);
    assert_deleted("/a", erase("/a", NULL));
    free(body);
}
