/* test_content.c - the staged bytes of a file, compared with a plain buffer, in a real store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fusefs/content.h"
#include "support.h"

enum { KIB = 1 << 10, MIB = 1 << 20, MODEL_MAX = 4 * MIB };

static struct content_pool pool;

static void begin(void)
{
    begin_test();
    cr_assert_eq(content_pool_init(&pool, test_store()), 0);
}

/* Nobody may have kept any of the pool's memory. */
static void end(void)
{
    cr_assert_eq(pool.memory, 0);
    content_pool_release(&pool);
    end_test();
}

TestSuite(content, .init = begin, .fini = end, .timeout = 120);

#define WITH(...) (&(store_request){ .version = STORE_REQUEST_VERSION, __VA_ARGS__ })
#define REPLACE WITH(.flags = STORE_REPLACE)
#define assert_done(call)                                                           \
    do {                                                                            \
        int error_ = (call);                                                        \
        cr_assert_eq(error_, 0, "%s: %s", #call, strerror(error_));                 \
    } while (0)

/* ------------------------------------------------------------------- helpers */

static struct content *open_content(const char *name)
{
    struct content *content;
    store_reader *reader;

    assert_ok(store_reader_open(&reader, test_store(), name, NULL));
    assert_done(content_of(&content, &pool, reader));
    return content;
}

static struct content *new_content(void)
{
    struct content *content;

    assert_done(content_new(&content, &pool));
    return content;
}

static int publish(struct content *content, const char *name, const store_request *request)
{
    store_answer answer;
    int rc = content_publish(&answer, content, name, request);

    store_answer_clear(&answer);
    return rc;
}

static void put_bytes(const char *name, const void *body, size_t size)
{
    assert_ok(store_put(NULL, test_store(), name, body, size, REPLACE));
}

static void fill(char *to, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (char)(1 + (i * 31 + i / 4096 * 7 + seed * 101) % 255);
}

static void assert_stored(const char *name, const void *expected, size_t size)
{
    void *body;
    size_t got;

    assert_ok(store_get(&body, &got, NULL, test_store(), name, NULL));
    cr_assert_eq(got, size, "%s has %zu bytes, not %zu", name, got, size);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(((char *)body)[i], ((const char *)expected)[i], "%s differs at %zu", name, i);
    store_free(body);
}

/* ------------------------------------------------------------- random changes */

struct model {
    struct content *content;
    size_t size;
    char *bytes, *space; /* behind the size the bytes are zero */
};

static size_t below(size_t limit)
{
    return limit ? (size_t)random() % limit : 0;
}

/* Near to where one way ends and another begins. */
static size_t any_size(void)
{
    static const size_t borders[] = { 0, 4 * KIB, 64 * KIB, 65512, 128 * KIB, MIB, 2 * MIB, 3 * MIB };
    size_t border = borders[below(sizeof borders / sizeof *borders)];

    switch (below(4)) {
    case 0:
        return border;
    case 1:
        return border + below(5000);
    case 2:
        return border > 5000 ? border - below(5000) : below(5000);
    default:
        return below(3 * MIB);
    }
}

static size_t any_length(void)
{
    static const size_t most[] = { 1, 100, 4096, 10000, 130 * KIB, MIB };

    return 1 + below(most[below(sizeof most / sizeof *most)]);
}

/* Often where it ends, or at a page. */
static size_t any_offset(const struct model *model)
{
    switch (below(5)) {
    case 0:
    case 1:
        return model->size < 3 * MIB ? model->size : 0;
    case 2:
        return below(model->size + 1) & ~(size_t)4095;
    case 3:
        return any_size();
    default:
        return below(model->size + 1);
    }
}

static void write_random(struct model *model)
{
    size_t offset = any_offset(model), size = any_length();

    if (offset + size > MODEL_MAX)
        return;
    fill(model->bytes + offset, size, (unsigned)random());
    assert_done(content_write(model->content, model->bytes + offset, size, offset));
    model->size = offset + size > model->size ? offset + size : model->size;
}

static void resize_random(struct model *model)
{
    size_t size = below(3) ? any_size() : below(model->size + 1);

    if (size < model->size)
        memset(model->bytes + size, 0, model->size - size);
    assert_done(content_resize(model->content, size));
    model->size = size;
}

static void zero_random(struct model *model)
{
    size_t offset = any_offset(model), size = below(2) ? any_length() : any_size();
    size_t left = offset < model->size ? model->size - offset : 0;

    memset(model->bytes + offset, 0, size < left ? size : left);
    assert_done(content_zero(model->content, offset, size));
}

static void read_random(struct model *model)
{
    size_t offset = any_offset(model), size = any_length(), got;
    size_t left = offset < model->size ? model->size - offset : 0;

    assert_done(content_read(&got, model->content, model->space, size, offset));
    cr_assert_eq(got, size < left ? size : left);
    cr_assert(memcmp(model->space, model->bytes + offset, got) == 0, "%zu bytes from %zu", got, offset);
}

static void assert_same(const struct model *model)
{
    size_t got;

    cr_assert_eq(content_size(model->content), model->size);
    cr_assert_leq(content_allocated(model->content), model->size);
    assert_done(content_read(&got, model->content, model->space, MODEL_MAX, 0));
    cr_assert_eq(got, model->size);
    for (size_t i = 0; i < got; i++)
        cr_assert_eq(model->space[i], model->bytes[i], "differs at %zu of %zu", i, got);
}

/* Data and holes take turns up to the end, and holes are zero. */
static void assert_holes(const struct model *model)
{
    uint64_t data = 0, hole = 0;
    int error;

    while ((error = content_seek(&data, model->content, hole, true)) == 0) {
        for (uint64_t i = hole; i < data; i++)
            cr_assert_eq(model->bytes[i], 0, "a hole has data at %lu", (unsigned long)i);
        assert_done(content_seek(&hole, model->content, data, false));
        cr_assert(hole >= data && hole <= model->size); /* same: zeros that became a hole just now */
    }
    cr_assert_eq(error, ENXIO);
    for (uint64_t i = hole; i < model->size; i++)
        cr_assert_eq(model->bytes[i], 0, "the hole at the end has data at %lu", (unsigned long)i);
}

static void publish_random(struct model *model)
{
    uint64_t before = content_version(model->content);

    assert_ok(publish(model->content, "/a", REPLACE));
    cr_assert_not(content_changed(model->content));
    cr_assert_not(content_whole(model->content));
    cr_assert_gt(content_version(model->content), before);
    assert_stored("/a", model->bytes, model->size);
    if (below(2)) {
        content_free(model->content);
        model->content = open_content("/a");
    }
    assert_same(model);
    assert_holes(model);
}

/* Refused, because somebody else's conditions are given or the collection is not there; nothing changes. */
static void publish_in_vain(struct model *model)
{
    bool changed = content_changed(model->content);
    uint64_t version = content_version(model->content);

    cr_assert_lt(publish(model->content, "/no/where", REPLACE), 0);
    cr_assert_eq(content_changed(model->content), changed);
    cr_assert_eq(content_version(model->content), version);
    assert_same(model);
}

static void change_randomly(unsigned seed, size_t start, int steps)
{
    struct model model = { .bytes = calloc(1, MODEL_MAX + 4 * MIB), .space = malloc(MODEL_MAX) };

    cr_assert(model.bytes && model.space);
    srandom(seed);
    if (start > 0) {
        fill(model.bytes, start, seed);
        put_bytes("/a", model.bytes, start);
        model.content = open_content("/a");
        model.size = start;
    } else {
        model.content = new_content();
    }
    for (int step = 0; step < steps; step++) {
        size_t choice = below(100);
        if (choice < 50)
            write_random(&model);
        else if (choice < 58)
            resize_random(&model);
        else if (choice < 66)
            zero_random(&model);
        else if (choice < 96)
            read_random(&model);
        else if (choice < 99)
            publish_random(&model);
        else
            publish_in_vain(&model);
    }
    assert_same(&model);
    publish_random(&model);
    content_free(model.content);
    free(model.bytes);
    free(model.space);
}

Test(content, any_changes_of_a_new_body_are_what_is_published)
{
    for (unsigned seed = 1; seed <= 4; seed++)
        change_randomly(seed, 0, 300);
}

Test(content, any_changes_of_a_stored_body_are_what_is_published)
{
    static const size_t starts[] = { 100, 4096, 100000, 128 * KIB, 128 * KIB + 1, 300000, 2500000 };

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        change_randomly(10 + (unsigned)i, starts[i], 200);
}

Test(content, without_memory_everything_goes_through_temporary_files)
{
    pool.memory_max = 0;
    change_randomly(30, 0, 300);
    change_randomly(31, 5000, 200);
    change_randomly(32, 200000, 200);
}

/* ---------------------------------------------------------------------- cases */

Test(content, what_is_whole_and_what_has_changed)
{
    struct content *content = new_content();

    cr_assert(content_whole(content) && content_changed(content));
    cr_assert_eq(content_version(content), 0);
    assert_ok(publish(content, "/empty", WITH(.flags = STORE_NOREPLACE)));
    cr_assert_not(content_whole(content) || content_changed(content));
    assert_done(content_write(content, "a", 1, 0));
    cr_assert(content_changed(content) && !content_whole(content));
    assert_done(content_resize(content, 0));
    cr_assert(content_whole(content));
    content_free(content);
    content = open_content("/empty");
    cr_assert_not(content_whole(content) || content_changed(content));
    content_free(content);
}

/* Whether or not it fits into memory. */
static void assert_conflict(size_t size)
{
    char *body = calloc(1, size);
    struct content *one, *other;

    cr_assert_not_null(body);
    put_bytes("/a", body, size);
    one = open_content("/a");
    other = open_content("/a");
    assert_done(content_write(one, "one", 3, size - 10));
    assert_done(content_write(other, "other", 5, 10));
    assert_ok(publish(one, "/a", REPLACE));
    assert_code(STORE_PRECONDITION_FAILED, publish(other, "/a", REPLACE));
    cr_assert_eq(store_problem_last()->version, content_version(one));
    cr_assert(content_changed(other));
    memcpy(body + size - 10, "one", 3);
    assert_stored("/a", body, size);
    content_free(one);
    content_free(other);
    free(body);
}

Test(content, of_two_who_change_an_object_the_second_is_told)
{
    assert_conflict(1000);
    assert_conflict(300000);
    assert_conflict(20 * MIB);
}

Test(content, a_whole_body_replaces_whatever_is_there)
{
    struct content *content = new_content();

    put_bytes("/a", "old", 3);
    assert_done(content_write(content, "new", 3, 0));
    assert_code(STORE_KEY_CONFLICT, publish(content, "/a", WITH(.flags = STORE_NOREPLACE)));
    assert_ok(publish(content, "/a", REPLACE));
    assert_stored("/a", "new", 3);
    content_free(content);
}

/* Whichever way it is kept, it may be named at the end, and refused before. */
static void assert_goes_anywhere(size_t size)
{
    char *body = malloc(size);
    struct content *content = new_content();

    cr_assert_not_null(body);
    fill(body, size, 5);
    assert_done(content_write(content, body, size, 0));
    put_bytes("/taken", "1", 1);
    assert_code(STORE_KEY_CONFLICT, publish(content, "/taken", WITH(.flags = STORE_NOREPLACE)));
    assert_code(STORE_NO_COLLECTION, publish(content, "/no/where", REPLACE));
    cr_assert(content_changed(content) && content_whole(content));
    assert_ok(publish(content, "/free", REPLACE));
    assert_stored("/free", body, size);
    content_free(content);
    free(body);
}

Test(content, what_was_refused_can_be_published_elsewhere)
{
    assert_goes_anywhere(10);
    assert_goes_anywhere(200000);
    assert_goes_anywhere(20 * MIB);
    pool.memory_max = 0;
    assert_goes_anywhere(20 * MIB);
}

Test(content, attributes_come_with_the_body_however_it_is_published)
{
    static const size_t sizes[] = { 1000, 300000, 20 * MIB };
    const store_attributes attributes = { .mask = STORE_ATTR_MODE, .mode = 0640 };
    store_stat stat;
    uint64_t last, before;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *body = calloc(1, sizes[i]);
        struct content *content;
        cr_assert_not_null(body);
        put_bytes("/a", body, sizes[i]);
        content = open_content("/a");
        for (size_t at = 0; at < sizes[i]; at += 100000)
            assert_done(content_write(content, "x", 1, at));
        assert_done(content_resize(content, sizes[i] + 5000));
        assert_ok(store_stat_get(&stat, test_store(), "/a", NULL));
        before = stat.id;
        assert_ok(publish(content, "/a", WITH(.flags = STORE_REPLACE, .type = "text/x", .attributes = &attributes)));
        assert_ok(store_stat_get(&stat, test_store(), "/a", NULL));
        cr_assert_eq(stat.mode, 0640u);
        cr_assert_str_eq(stat.type, "text/x");
        cr_assert_eq(stat.size, sizes[i] + 5000);
        cr_assert_eq(stat.id, before);
        assert_ok(store_last_version(&last, test_store()));
        cr_assert_eq(stat.version, last);
        cr_assert_eq(content_version(content), last);
        content_free(content);
        free(body);
    }
}

Test(content, of_many_changed_pages_a_new_body_is_made)
{
    enum { SIZE = 40 * MIB };
    char *body = calloc(1, SIZE);
    struct content *content;

    cr_assert_not_null(body);
    put_bytes("/a", body, SIZE);
    content = open_content("/a");
    for (size_t at = 0; at + 5000 <= SIZE; at += 3 * 4096) {
        fill(body + at, 5000, (unsigned)at);
        assert_done(content_write(content, body + at, 5000, at));
    }
    assert_ok(publish(content, "/a", REPLACE));
    assert_stored("/a", body, SIZE);
    content_free(content);
    free(body);
}

Test(content, what_another_handle_of_the_mount_changed_beside_the_bytes_is_no_conflict)
{
    const store_attributes attributes = { .mask = STORE_ATTR_MODE, .mode = 0600 };
    struct content *content;
    store_answer answer;

    put_bytes("/a", "old", 3);
    content = open_content("/a");
    assert_done(content_write(content, "new", 3, 0));
    assert_ok(store_set(&answer, test_store(), "/a", WITH(.attributes = &attributes)));
    content_set_version(content, answer.one.version);
    store_answer_clear(&answer);
    assert_ok(publish(content, "/a", REPLACE));
    assert_stored("/a", "new", 3);
    content_free(content);
}

Test(content, a_typed_object_is_checked_whatever_its_size)
{
    static const char schema[] = "{\"key\":[\"name\"],\"schema\":{\"type\":\"object\",\"properties\":{"
                                 "\"name\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"},"
                                 "\"level\":{\"type\":\"integer\",\"default\":7}}}}";
    static const size_t sizes[] = { 10, 300000, 20 * MIB };
    char *json = malloc(21 * MIB);
    size_t got;

    cr_assert_not_null(json);
    assert_ok(store_define(NULL, test_store(), "/c", schema, strlen(schema), NULL));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct content *content = new_content();
        size_t size = (size_t)sprintf(json, "{\"name\":\"a\",\"text\":\"%0*d\"}", (int)sizes[i], 0);
        char end[20] = { 0 };
        assert_done(content_write(content, json, size - 1, 0));
        assert_code(STORE_BAD_BODY, publish(content, "/c/a", REPLACE));
        assert_done(content_write(content, "}", 1, size - 1));
        assert_ok(publish(content, "/c/a", REPLACE));
        assert_done(content_read(&got, content, end, 10, content_size(content) - 10));
        cr_assert_str_eq(end, "\"level\":7}", "it has the store's text: %s", end);
        assert_done(content_write(content, "8", 1, content_size(content) - 2));
        assert_ok(publish(content, "/c/a", REPLACE));
        content_free(content);
        content = open_content("/c/a");
        assert_done(content_read(&got, content, end, 2, content_size(content) - 2));
        cr_assert_eq(memcmp(end, "8}", 2), 0);
        content_free(content);
    }
    free(json);
}

Test(content, a_kept_version_outlives_its_object)
{
    enum { SIZE = 300000 };
    char *body = malloc(SIZE), *read = malloc(SIZE);
    struct content *content;
    size_t got;

    cr_assert(body && read);
    fill(body, SIZE, 1);
    put_bytes("/a", body, SIZE);
    content = open_content("/a");
    assert_done(content_write(content, "xyz", 3, 100000));
    memcpy(body + 100000, "xyz", 3);
    assert_done(content_keep(content));
    assert_ok(store_delete(NULL, test_store(), "/a", NULL));
    put_bytes("/a", "other", 5);
    assert_done(content_read(&got, content, read, SIZE, 0));
    cr_assert(got == SIZE && memcmp(body, read, SIZE) == 0);
    assert_code(STORE_PRECONDITION_FAILED, publish(content, "/a", REPLACE));
    content_free(content);
    free(body);
    free(read);
}

/* ---------------------------------------------------------------- very large */

Test(content, far_offsets_are_refused_or_cost_nothing)
{
    struct content *content = new_content();
    uint64_t at = 0;
    char byte;
    size_t got;

    cr_assert_eq(content_write(content, "x", 1, (uint64_t)1 << 62), EFBIG);
    cr_assert_eq(content_write(content, "x", 1, UINT64_MAX), EFBIG);
    cr_assert_eq(content_resize(content, (uint64_t)1 << 62), EFBIG);
    cr_assert_eq(content_size(content), 0);
    assert_done(content_zero(content, (uint64_t)1 << 62, (uint64_t)1 << 62));
    assert_done(content_read(&got, content, &byte, 1, (uint64_t)1 << 62));
    cr_assert_eq(got, 0);
    assert_done(content_resize(content, (uint64_t)1 << 40));
    assert_done(content_write(content, "x", 1, (uint64_t)1 << 39));
    cr_assert_lt(content_allocated(content), MIB);
    assert_done(content_zero(content, 0, ((uint64_t)1 << 39) - 1));
    assert_done(content_seek(&at, content, ((uint64_t)1 << 39) + 8192, false));
    cr_assert_eq(at, ((uint64_t)1 << 39) + 8192);
    assert_ok(publish(content, "/a", REPLACE));
    assert_done(content_read(&got, content, &byte, 1, (uint64_t)1 << 39));
    cr_assert(got == 1 && byte == 'x');
    assert_done(content_seek(&at, content, 0, true));
    cr_assert_gt(at, ((uint64_t)1 << 39) - MIB);
    assert_done(content_write(content, "y", 1, (uint64_t)1 << 38));
    assert_ok(publish(content, "/a", REPLACE));
    assert_done(content_read(&got, content, &byte, 1, (uint64_t)1 << 38));
    cr_assert(got == 1 && byte == 'y');
    content_free(content);
}

#ifdef __SANITIZE_ADDRESS__
enum { MEMORY_MAX = 512 << 10 }; /* it keeps freed memory aside */
#else
enum { MEMORY_MAX = 64 << 10 };
#endif

/* Anonymous memory of this process, in KiB. */
static long anonymous_memory(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[200];
    long size = 0;

    cr_assert_not_null(file);
    while (fgets(line, sizeof line, file))
        sscanf(line, "RssAnon: %ld", &size);
    fclose(file);
    return size;
}

Test(content, large_bodies_take_little_memory)
{
    char *piece = malloc(MIB);
    long before = anonymous_memory();

    cr_assert_not_null(piece);
    for (int round = 0; round < 2; round++) { /* a stream, then a temporary file */
        struct content *content = new_content();
        for (uint64_t at = 0; at < 200 * MIB; at += MIB) {
            memset(piece, (int)(at >> 20), MIB);
            assert_done(content_write(content, piece, MIB, at));
        }
        assert_done(content_write(content, "begin", 5, 0));
        cr_assert_lt(anonymous_memory() - before, MEMORY_MAX);
        assert_ok(publish(content, "/a", REPLACE));
        cr_assert_lt(anonymous_memory() - before, MEMORY_MAX);
        content_free(content);
        pool.memory_max = 0;
    }
    free(piece);
}
