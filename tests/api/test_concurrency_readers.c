/* test_concurrency_readers.c - readers among writers see the old or the new, never a mixture. Every body
 * is filled with one byte, and every writer writes another one. */
#include <stdio.h>

#include "concurrency_test.h"

TestSuite(concurrency_readers, .init = begin_test, .fini = end_test);

enum {
    INLINE = 700,
    ONE_CHUNK = 40000,
    CHUNKED = 3000000,
    PATCHED = 300000, /* short enough to be patched in place */
    JSON_SMALL = 600,
    JSON_LARGE = 200000,
};

static const struct scenario {
    const char *location;
    size_t size;
    bool json;    /* a string of the byte */
    bool patched; /* written by a range PATCH of the whole */
    int versions; /* that each writer writes */
} SCENARIOS[] = {
    { "/inline", INLINE, false, false, 300 },
    { "/chunk", ONE_CHUNK, false, false, 150 },
    { "/chunks", CHUNKED, false, false, 12 },
    { "/patched", PATCHED, false, true, 60 },
    { "/typed/small", JSON_SMALL, true, false, 200 },
    { "/typed/large", JSON_LARGE, true, false, 60 },
};

enum { SCENARIO_COUNT = sizeof SCENARIOS / sizeof *SCENARIOS };

static const char TYPED[] = "{\"key\":[\"k\"],\"put\":\"replace\",\"schema\":{\"type\":\"object\",\"properties\":{"
                            "\"k\":{\"type\":\"string\"},\"v\":{\"type\":\"string\"}}}}";
#define JSON_HEAD "{\"v\":\""
#define JSON_TAIL(location) "\",\"k\":\"%s\"}", strrchr(location, '/') + 1

struct reading {
    atomic_int writing; /* writers that are not done */
    const struct scenario *scenario;
};

static size_t fill(char *body, const struct scenario *scenario, char byte)
{
    if (!scenario->json) {
        memset(body, byte, scenario->size);
        return scenario->size;
    }
    memcpy(body, JSON_HEAD, strlen(JSON_HEAD));
    memset(body + strlen(JSON_HEAD), byte, scenario->size);
    char *end = body + strlen(JSON_HEAD) + scenario->size;
    return (size_t)(end + sprintf(end, JSON_TAIL(scenario->location)) - body);
}

/* Whether these bytes, `offset` into a body, are of one version; *byte is its, or 0 when not known yet. */
static bool uniform(const struct scenario *scenario, const char *bytes, size_t size, size_t offset, char *byte)
{
    size_t first = scenario->json ? strlen(JSON_HEAD) : 0;

    for (size_t i = 0; i < size; i++) {
        if (offset + i < first || offset + i >= first + scenario->size)
            continue;
        if (*byte == 0)
            *byte = bytes[i];
        if (bytes[i] != *byte)
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------- writers */

static int write_version(struct worker *w, const struct scenario *scenario, char *body, char byte)
{
    size_t size = fill(body, scenario, byte);

    if (scenario->patched)
        return store_patch_range(NULL, w->store, scenario->location, 0, body, size, NULL);
    return store_put(NULL, w->store, scenario->location, body, size, WITH(.flags = STORE_REPLACE));
}

static void write_versions(struct worker *w, const struct scenario *scenario, char *body)
{
    for (int i = 0; i < scenario->versions; i++)
        demand(w, write_version(w, scenario, body, (char)('a' + (i * 7 + (int)w->index * 3) % 26)) == STORE_OK);
}

/* ---------------------------------------------------------------- readers */

static void read_by_get(struct worker *w, const struct scenario *scenario)
{
    void *body;
    size_t size;
    char byte = 0;
    int rc = store_get(&body, &size, NULL, w->store, scenario->location, NULL);

    demand(w, rc == STORE_OK);
    bool whole = uniform(scenario, body, size, 0, &byte);
    store_free(body);
    demand(w, size >= scenario->size && whole);
}

static void read_by_view(struct worker *w, const struct scenario *scenario)
{
    store_view view;
    char byte = 0;
    int rc = store_view_open(&view, w->store, scenario->location, NULL);

    demand(w, rc == STORE_OK);
    bool whole = uniform(scenario, view.body, view.size, 0, &byte);
    size_t size = view.size;
    store_view_close(&view);
    demand(w, size >= scenario->size && whole);
}

static void read_part(struct worker *w, const struct scenario *scenario, char *body)
{
    size_t size;
    char byte = 0;
    int rc = store_read(&size, w->store, scenario->location, body, scenario->size, 0, NULL);

    demand(w, rc == STORE_OK);
    demand(w, uniform(scenario, body, size, 0, &byte));
}

/* In pieces: the version it opened to the end, or precondition_failed. */
static void read_by_stream(struct worker *w, const struct scenario *scenario, char *body)
{
    store_reader *reader;
    size_t got = 1, offset = 0, piece = scenario->size / 7 + 1;
    char byte = 0;
    bool whole = true;
    int rc = store_reader_open(&reader, w->store, scenario->location, NULL);

    demand(w, rc == STORE_OK);
    while (rc == STORE_OK && got > 0 && whole) {
        rc = store_reader_read(&got, reader, body, piece);
        whole = rc != STORE_OK || uniform(scenario, body, got, offset, &byte);
        offset += got;
    }
    bool complete = rc != STORE_OK || offset == store_reader_stat(reader)->size;
    store_reader_close(reader);
    demand(w, rc == STORE_OK || rc == STORE_PRECONDITION_FAILED);
    demand(w, whole);
    demand(w, complete);
}

static void read_versions(struct worker *w, const struct reading *reading, char *body)
{
    for (unsigned i = 0; reading->writing > 0 && w->fault[0] == '\0'; i++) {
        switch ((i + w->index) % 4) {
        case 0:
            read_by_get(w, reading->scenario);
            break;
        case 1:
            read_by_view(w, reading->scenario);
            break;
        case 2:
            read_by_stream(w, reading->scenario, body);
            break;
        default:
            read_part(w, reading->scenario, body);
        }
    }
}

/* Every other one writes. */
static void read_or_write(struct worker *w)
{
    struct reading *reading = w->memory;
    char *body = malloc(reading->scenario->size + 100);

    if (w->index % 2 == 0) {
        write_versions(w, reading->scenario, body);
        reading->writing--;
    } else {
        read_versions(w, reading, body);
    }
    free(body);
}

static void assert_never_mixed(size_t processes, size_t threads)
{
    struct reading *reading = shared_memory(sizeof *reading);
    char *body = malloc(CHUNKED + 100);

    assert_ok(store_define(NULL, test_store(), "/typed", TYPED, strlen(TYPED), NULL));
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        size_t size = fill(body, &SCENARIOS[i], 'z');
        assert_ok(store_put(NULL, test_store(), SCENARIOS[i].location, body, size, NULL));
        reading->scenario = &SCENARIOS[i];
        reading->writing = (int)((processes ? processes : 1) * threads / 2);
        assert_crew(processes, threads, read_or_write, reading);
    }
    free(body);
}

Test(concurrency_readers, a_body_is_never_mixed_among_threads)
{
    assert_never_mixed(0, 4);
}

Test(concurrency_readers, a_body_is_never_mixed_among_processes)
{
    assert_never_mixed(2, 2);
}

/* ---------------------------------------------------------------- listings */

enum { FIXED = 400 };

/* Odd names come and go, even ones stay. */
static void come_and_go(struct worker *w)
{
    char location[32];

    for (int round = 0; round < 3; round++) {
        for (int i = 1; i < FIXED; i += 2) {
            snprintf(location, sizeof location, "/many/%04d", i);
            demand(w, put_text(w->store, location, "x", NULL) == STORE_OK);
        }
        for (int i = 1; i < FIXED; i += 2) {
            snprintf(location, sizeof location, "/many/%04d", i);
            demand(w, store_delete(NULL, w->store, location, NULL) == STORE_OK);
        }
    }
}

/* Every even name once, in order, whatever else is seen. */
static void list_all(struct worker *w, bool reverse)
{
    store_list_options options = STORE_LIST_OPTIONS_INIT;
    store_iter *iter;
    store_entry entry;
    int last = reverse ? FIXED : -1, even = 0, rc;
    bool ordered = true;

    options.reverse = reverse;
    demand(w, store_iter_open(&iter, w->store, "/many", &options) == STORE_OK);
    while ((rc = store_iter_next(&entry, iter)) == STORE_OK) {
        int number = atoi(entry.name);
        ordered = ordered && (reverse ? number < last : number > last);
        even += number % 2 == 0;
        last = number;
    }
    store_iter_close(iter);
    demand(w, rc == STORE_END);
    demand(w, ordered);
    demand(w, even == FIXED / 2);
}

static void list_or_change(struct worker *w)
{
    struct reading *reading = w->memory;

    if (w->index == 0) {
        come_and_go(w);
        reading->writing--;
        return;
    }
    for (int i = 0; reading->writing > 0 && w->fault[0] == '\0'; i++)
        list_all(w, i % 2);
}

static void assert_listed_once(size_t processes, size_t threads)
{
    struct reading *reading = shared_memory(sizeof *reading);
    char location[32];

    assert_ok(store_make_collection(NULL, test_store(), "/many", NULL));
    for (int i = 0; i < FIXED; i += 2) {
        snprintf(location, sizeof location, "/many/%04d", i);
        assert_ok(put_text(test_store(), location, "x", NULL));
    }
    reading->writing = 1;
    assert_crew(processes, threads, list_or_change, reading);
}

Test(concurrency_readers, a_listing_neither_skips_nor_repeats_among_threads)
{
    assert_listed_once(0, 3);
}

Test(concurrency_readers, a_listing_neither_skips_nor_repeats_among_processes)
{
    assert_listed_once(3, 1);
}
