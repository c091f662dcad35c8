/*
 * work_typed.c - typed collections: what validation, patches and unique keys cost.
 *
 * The values are documents of ten properties. What changes from version to version differs: all of
 * it, all but the unique key, or one number (for patches). The base of a PUT is libstore itself with
 * the same bytes in a collection that does not look at them.
 */
#include <pthread.h>
#include <string.h>

#include "bench.h"
#include "store.h"

enum {
    COUNT = 30000,   /* documents in a set */
    DOCUMENT = 1024, /* bytes of one ... */
    PATCHED = 2048,  /* ... and of one that is patched */
    LETTERS = 4096,
    LETTERS_STEP = 31,
};

#define PROPERTIES                                                                                   \
    "\"properties\":{\"id\":{\"type\":\"string\",\"pattern\":\"^[0-9]{16}$\"},"                      \
    "\"email\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":100},"                             \
    "\"born\":{\"type\":\"string\",\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\"},"                   \
    "\"level\":{\"enum\":[\"bronze\",\"silver\",\"gold\"]},\"active\":{\"type\":\"boolean\"},"       \
    "\"age\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":150},"                                  \
    "\"points\":{\"type\":\"integer\",\"minimum\":0},"                                               \
    "\"rate\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1},"                                    \
    "\"city\":{\"type\":\"string\",\"maxLength\":50},\"note\":{\"type\":\"string\",\"maxLength\":4000}}"

#define SCHEMA "\"schema\":{\"type\":\"object\",\"required\":[\"email\",\"points\"]," PROPERTIES "}"

static const char without_unique[] = "{\"key\":[\"id\"],\"put\":\"replace\"," SCHEMA "}";
static const char with_unique[] = "{\"key\":[\"id\"],\"put\":\"replace\",\"unique\":[[\"email\"]]," SCHEMA "}";

/* ------------------------------------------------------------- documents */

/* The version that each part of a document that changes has. */
struct parts {
    uint32_t email, points, note;
};

static char letters[LETTERS + PATCHED];

static void letters_fill(void)
{
    for (size_t i = 0; i < sizeof letters; i++)
        letters[i] = (char)('a' + (i * 7 + i / 26) % 26);
}

static char *add(char *at, const char *text)
{
    size_t size = strlen(text);

    memcpy(at, text, size);
    return at + size;
}

static char *add_digits(char *at, uint32_t value, int width)
{
    for (int i = width; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

/* {"points":1000000007} and longer documents write the number so: with no zero before it. */
static char *add_points(char *at, uint32_t version)
{
    return add_digits(add(at, "\"points\":1"), version, 9);
}

static struct bytes document(char *out, size_t size, uint32_t number, struct parts version)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const char end[] = "\"}";
    char *at = out;
    size_t note;

    pthread_once(&once, letters_fill);
    at = add_digits(add(at, "{\"id\":\"000000"), number, 10);
    at = add_digits(add(at, "\",\"email\":\"member-"), number, 10);
    at = add_digits(add(at, "."), version.email, 10);
    at = add(at, "@example.org\",\"born\":\"1984-02-29\",\"level\":\"silver\",\"active\":true,\"age\":36,");
    at = add(add_points(at, version.points), ",\"rate\":0.25,\"city\":\"Saint-Remy\",\"note\":\"");
    note = size - (size_t)(at - out) - strlen(end);
    memcpy(at, letters + (number + version.note) * LETTERS_STEP % LETTERS, note);
    memcpy(at + note, end, strlen(end));
    return (struct bytes){ out, size };
}

static struct bytes all_new(void *room, uint32_t number, uint32_t version)
{
    return document(room, DOCUMENT, number, (struct parts){ version, version, version });
}

static struct bytes email_kept(void *room, uint32_t number, uint32_t version)
{
    return document(room, DOCUMENT, number, (struct parts){ 0, version, version });
}

static struct bytes points_new(void *room, uint32_t number, uint32_t version)
{
    return document(room, PATCHED, number, (struct parts){ 0, version, 0 });
}

/* ------------------------------------------------------------------ sets */

static void define(struct worker *worker, const char *definition)
{
    if (store_define(NULL, libstore_handle(worker->session), "/people", definition, strlen(definition), NULL) < 0)
        libstore_fail("store_define");
    worker_fill(worker, SHUFFLED);
}

static void fill_typed(struct worker *worker)
{
    define(worker, without_unique);
}

static void fill_unique(struct worker *worker)
{
    define(worker, with_unique);
}

static const struct dataset plain = { .name = "json", .count = COUNT, .size = DOCUMENT, .value = all_new };
static const struct dataset typed = {
    .name = "typed", .count = COUNT, .size = DOCUMENT,
    .value = all_new, .fill = fill_typed,
};
static const struct dataset typed_kept = {
    .name = "typed-kept", .count = COUNT, .size = DOCUMENT,
    .value = email_kept, .fill = fill_typed,
};
static const struct dataset unique = {
    .name = "unique", .count = COUNT, .size = DOCUMENT,
    .value = all_new, .fill = fill_unique,
};
static const struct dataset unique_kept = {
    .name = "unique-kept", .count = COUNT, .size = DOCUMENT,
    .value = email_kept, .fill = fill_unique,
};
static const struct dataset patched = {
    .name = "patched", .count = COUNT, .size = PATCHED,
    .value = points_new, .fill = fill_typed,
};
static const struct dataset raw_2k = { .name = "2k", .count = COUNT, .size = PATCHED };

/* ----------------------------------------------------------------- steps */

static bool step_put(struct worker *worker)
{
    worker_put(worker, worker_pick(worker));
    return true;
}

static bool step_put_many(struct worker *worker)
{
    for (size_t i = 0; i < MANY; i++)
        worker->numbers[i] = worker_pick(worker);
    worker_put_many(worker, worker->numbers, MANY);
    return true;
}

/* Sets one number. */
static bool step_patch(struct worker *worker)
{
    uint32_t number = worker_pick(worker);
    char body[64], *at = add(body, "{");

    at = add(add_points(at, worker_next_version(worker, number)), "}");
    key_make(worker->key, number);
    if (store_patch(NULL, libstore_handle(worker->session), worker->key, STORE_PATCH_MERGE, body,
                    (size_t)(at - body), NULL) < 0)
        libstore_fail("store_patch");
    return true;
}

#define TYPED_AND_PLAIN                             \
    { { .backend = &backend_libstore, .set = &typed },  \
      { .backend = &backend_libstore, .set = &plain, .label = "plain" } }

const struct workload work_typed[] = {
    {
        .name = "put-typed-durable",
        .title = "typed PUT, durable",
        .entrants = TYPED_AND_PLAIN,
        .goals = { { "plain", VALUE, .at_least = 0.85 } },
        .step = step_put,
    },
    {
        .name = "put-typed-1000",
        .title = "typed PUT, 1,000 a transaction",
        .entrants = TYPED_AND_PLAIN,
        .goals = { { "plain", VALUE, .at_least = 0.70 } },
        .operations = MANY,
        .step = step_put_many,
    },
    {
        .name = "patch-durable",
        .title = "PATCH of 2 KiB, durable",
        .entrants = { { .backend = &backend_libstore, .set = &patched, .step = step_patch },
                      { .backend = &backend_lmdb, .set = &raw_2k } },
        .goals = { { "lmdb", VALUE, .at_least = 0.60 } },
        .slow_goals = { { "lmdb", VALUE, .at_least = 0.60 } },
        .step = step_put,
    },
    {
        .name = "patch-durable-8t",
        .title = "PATCH, 8 threads; lmdb: 1",
        .entrants = { { .backend = &backend_libstore, .set = &patched, .step = step_patch, .threads = 8 },
                      { .backend = &backend_lmdb, .set = &raw_2k } },
        .goals = { { "lmdb", VALUE, .at_least = 2.0 } },
        .slow_goals = { { "lmdb", VALUE, .at_least = 2.0 } },
        .step = step_put,
    },
    {
        .name = "put-unique-changed",
        .title = "PUT changing a unique key",
        .entrants = { { .backend = &backend_libstore, .set = &unique },
                      { .backend = &backend_libstore, .set = &typed, .label = "no unique key" } },
        .goals = { { "no unique key", VALUE, .at_least = 0.65 } },
        .step = step_put,
    },
    {
        .name = "put-unique-kept",
        .title = "PUT keeping a unique key",
        .entrants = { { .backend = &backend_libstore, .set = &unique_kept },
                      { .backend = &backend_libstore, .set = &typed_kept, .label = "no unique key" } },
        .goals = { { "no unique key", VALUE, .at_least = 0.95 } },
        .step = step_put,
    },
    { .name = NULL },
};
