/* test_resize.c - setting the size of an object's body: what is cut off is gone, what is added is zero. */
#include "api_test.h"

TestSuite(resize, .init = begin_api_test, .fini = end_api_test, .timeout = 120);

enum { CHUNK = 65512, MOST = 40 * CHUNK };

static char model[MOST];
static size_t model_size;
static unsigned seed = 3;

static void fill(char *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (char)(1 + rand_r(&seed) % 250);
}

static void put_model(size_t size)
{
    fill(model, size);
    model_size = size;
    assert_ok(store_put(NULL, test_store(), "/a", model, size, WITH(.flags = STORE_REPLACE)));
}

static void resize_in(store_txn *txn, size_t size)
{
    assert_ok(store_resize(fresh_answer(), test_store(), "/a", size, WITH(.txn = txn)));
    cr_assert_eq(answered.one.outcome, STORE_UPDATED);
    if (size > model_size)
        memset(model + model_size, 0, size - model_size);
    model_size = size;
}

static void resize(size_t size)
{
    resize_in(NULL, size);
}

static void write_in(store_txn *txn, size_t offset, size_t size)
{
    if (offset > model_size)
        memset(model + model_size, 0, offset - model_size);
    fill(model + offset, size);
    model_size = model_size > offset + size ? model_size : offset + size;
    assert_ok(store_patch_range(NULL, test_store(), "/a", offset, model + offset, size, WITH(.txn = txn)));
}

static void assert_model_in(store_txn *txn)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    size_t size;
    void *body;

    options.txn = txn;
    assert_ok(store_get(&body, &size, NULL, test_store(), "/a", &options));
    cr_assert_eq(size, model_size);
    for (size_t i = 0; i < size; i++)
        cr_assert(((char *)body)[i] == model[i], "byte %zu of %zu", i, size);
    store_free(body);
}

static void assert_model(void)
{
    assert_model_in(NULL);
}

/* Sizes around everything that may matter. */
static const size_t sizes[] = { 0, 1, 7000, 9000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7, 19 * CHUNK + 5,
                                MOST };
enum { SIZES = sizeof sizes / sizeof *sizes };

Test(resize, from_any_size_to_any)
{
    for (size_t i = 0; i < SIZES * SIZES; i++) {
        put_model(sizes[i / SIZES]);
        resize(sizes[i % SIZES]);
        cr_assert_eq(answered.one.version, version_of("/a"));
        assert_model();
    }
}

Test(resize, what_was_cut_off_never_comes_back)
{
    for (size_t i = 0; i < SIZES; i++) {
        put_model(MOST);
        resize(sizes[i]);
        resize(MOST);
        assert_model();
        write_in(NULL, MOST - 100, 100);
        write_in(NULL, 10 * CHUNK + 5, 100);
        reopen_store(NULL); /* what is superseded goes */
        assert_model();
    }
}

Test(resize, short_range_writes_that_were_cut_off_neither)
{
    put_model(10 * CHUNK);
    for (int round = 0; round < 2; round++) {
        write_in(NULL, 4 * CHUNK - 50, 100);
        write_in(NULL, 7 * CHUNK + 50, 100);
        write_in(NULL, 30 * CHUNK, 10); /* a chunk of nothing else */
        resize(4 * CHUNK - 10);
        resize(35 * CHUNK);
        assert_model();
        if (round == 0)
            reopen_store(NULL);
        assert_model();
    }
}

static void random_step(store_txn *txn)
{
    size_t size = 1 + (size_t)rand_r(&seed) % (rand_r(&seed) % 5 == 0 ? 3 * CHUNK : 6000);

    if (rand_r(&seed) % 4 == 0)
        resize_in(txn, (size_t)rand_r(&seed) % MOST);
    else
        write_in(txn, (size_t)rand_r(&seed) % (MOST - size), size);
}

Test(resize, at_random_with_range_writes)
{
    put_model(5 * CHUNK);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 25; i++) {
            random_step(NULL);
            assert_model();
        }
        reopen_store(NULL);
        assert_model();
    }
}

Test(resize, at_random_in_one_transaction)
{
    store_txn *txn;

    put_model(5 * CHUNK);
    for (int round = 0; round < 10; round++) {
        assert_ok(store_begin(&txn, test_store(), false));
        for (int i = 0; i < 20; i++) {
            random_step(txn);
            if (i % (round + 1) == 3)
                assert_model_in(txn);
        }
        assert_ok(store_commit(txn));
        assert_model();
        if (round % 2)
            reopen_store(NULL);
        assert_model();
    }
}

Test(resize, of_a_copy_or_its_original_is_its_own)
{
    char *before = malloc(MOST);
    size_t size;
    void *body;

    put_model(MOST);
    memcpy(before, model, MOST);
    for (int round = 0; round < 2; round++) {
        assert_ok(store_copy(NULL, test_store(), "/a", "/copy", WITH(.flags = STORE_REPLACE)));
        resize(round ? MOST : 30 * CHUNK + 1);
        write_in(NULL, 50, 100);
        assert_model();
        assert_ok(store_get(&body, &size, NULL, test_store(), "/copy", NULL));
        cr_assert(size == MOST - (size_t)round * (MOST - 30 * CHUNK - 1) && memcmp(body, before, size) == 0);
        store_free(body);
        memcpy(before, model, MOST);
    }
    free(before);
}

Test(resize, takes_no_space)
{
    store_stats stats;

    put_model(10);
    resize((size_t)30 * CHUNK);
    assert_ok(store_resize(NULL, test_store(), "/a", (uint64_t)1 << 40, NULL));
    cr_assert_eq(stat_of("/a").size, (uint64_t)1 << 40);
    assert_ok(store_resize(NULL, test_store(), "/a", (uint64_t)1 << 39, NULL));
    assert_ok(store_stats_get(&stats, test_store()));
    cr_assert_lt(stats.bodies_space.used_bytes, 1 << 20);
}

Test(resize, leaves_open_readers_their_version_or_says_that_it_went)
{
    char *before = malloc(MOST), *back = malloc(MOST);
    store_reader *reader;
    size_t got;
    int rc;

    put_model(MOST);
    memcpy(before, model, MOST);
    for (int round = 0; round < 2; round++) {
        assert_ok(store_reader_open(&reader, test_store(), "/a", NULL));
        resize(20 * CHUNK);
        rc = store_reader_read(&got, reader, back, MOST);
        cr_assert(rc == STORE_PRECONDITION_FAILED || (rc == STORE_OK && got == MOST && memcmp(back, before, MOST) == 0));
        store_reader_close(reader);
        resize(MOST);
        memcpy(before, model, MOST);
    }
    free(before);
    free(back);
}

Test(resize, sets_times_and_attributes_also_to_the_same_size)
{
    static const size_t both[] = { 10, 3 * CHUNK };
    const store_attributes attributes = { .mask = STORE_ATTR_MODE | STORE_ATTR_MODIFIED, .mode = 0600, .modified = 77 };

    for (int i = 0; i < 2; i++) {
        put_model(both[i]);
        store_stat before = stat_of("/a");
        resize(both[i]);
        cr_assert_gt(stat_of("/a").modified, before.modified);
        assert_ok(store_resize(NULL, test_store(), "/a", both[i] - 1, WITH(.attributes = &attributes)));
        cr_assert(stat_of("/a").mode == 0600 && stat_of("/a").modified == 77);
        assert_ok(store_patch_range(NULL, test_store(), "/a", 1, "x", 1,
                                    WITH(.attributes = &(store_attributes){ .mask = STORE_ATTR_MODIFIED, .modified = 88 })));
        cr_assert(stat_of("/a").mode == 0600 && stat_of("/a").modified == 88);
    }
}

Test(resize, is_refused_where_there_is_no_plain_object)
{
    assert_ok(make_collection("/c", NULL));
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", "{}", NULL));
    put_model(100);
    assert_refused(STORE_NOT_FOUND, store_resize(NULL, test_store(), "/none", 3, NULL));
    assert_refused(STORE_NOT_FOUND, store_resize(NULL, test_store(), "/none/a", 3, NULL));
    assert_refused(STORE_KIND_CONFLICT, store_resize(NULL, test_store(), "/c", 3, NULL));
    assert_refused(STORE_UNSUPPORTED_MEDIA_TYPE, store_resize(NULL, test_store(), "/people/ada", 3, NULL));
    assert_refused(STORE_TOO_LARGE, store_resize(NULL, test_store(), "/a", (uint64_t)1 << 50, NULL));
    assert_refused(STORE_PRECONDITION_FAILED,
                   store_resize(NULL, test_store(), "/a", 3, WITH(.if_match = &(uint64_t){ 1 }, .if_match_count = 1)));
    assert_unchanged(store_resize(NULL, test_store(), "/a", 30000, WITH(.flags = STORE_DRY_RUN)));
    put_model(MOST);
    assert_unchanged(store_resize(NULL, test_store(), "/a", 30 * CHUNK, WITH(.flags = STORE_DRY_RUN)));
    resize(30 * CHUNK + 1);
    assert_model();
}
