/* check_references.c - the store's own rows: published bodies and their counts, garbage. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "hold.h"

/* ------------------------------------------------------- published bodies */

static int ascending(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static uint64_t reference(const struct check *check, size_t index)
{
    uint64_t body;

    memcpy(&body, check->references.data + index * sizeof body, sizeof body);
    return body;
}

static size_t reference_count(const struct check *check)
{
    return check->references.size / sizeof(uint64_t);
}

static void published_key(struct key *key, uint64_t body)
{
    key_begin(key, SCOPE_STORE, KIND_PUBLISHED);
    key_add_u64(key, body);
}

/* A body in use must not be reclaimed. */
static int check_unused(struct check *check, uint64_t body)
{
    bool repaired = false;
    struct key key;
    int rc;

    key_garbage(&key, GARBAGE_BODY, body);
    rc = check_row_exists(check->objects, &key);
    if (rc != STORE_OK)
        return rc < 0 ? rc : STORE_OK;
    rc = check_del(check, key_slice(&key), &repaired);
    return rc == STORE_OK ? check_finding(check, "garbage_referenced", NULL, repaired,
                                          "body %llu is to be reclaimed and is in use",
                                          (unsigned long long)body) : rc;
}

/* `counted` records refer to the body, its row says `published`. When a record could not be read the
 * count may be too small, so it is only ever raised. */
static int check_count(struct check *check, uint64_t body, uint64_t published, uint64_t counted)
{
    bool repaired = false;
    struct key key;
    int rc = STORE_OK;

    if (published == counted)
        return counted ? check_unused(check, body) : STORE_OK;
    published_key(&key, body);
    if (counted > published || (!check->damaged && counted > 0))
        rc = check_put(check, key_slice(&key), slice_of(&counted, sizeof counted), &repaired);
    if (rc == STORE_OK && counted > 0)
        rc = check_unused(check, body);
    return rc == STORE_OK ? check_finding(check, "published_count", NULL, repaired,
                                          "%llu records and holds refer to body %llu, which counts %llu",
                                          (unsigned long long)counted, (unsigned long long)body,
                                          (unsigned long long)published) : rc;
}

static int check_unreferenced(struct check *check, uint64_t body)
{
    bool repaired = false;
    struct key key;
    int rc = STORE_OK;

    if (!check->damaged) {
        key_garbage(&key, GARBAGE_BODY, body);
        rc = check_put(check, key_slice(&key), slice_of("", 0), &repaired);
        published_key(&key, body);
        if (rc == STORE_OK)
            rc = check_del(check, key_slice(&key), &repaired);
    }
    return rc == STORE_OK ? check_finding(check, "published_unreferenced", NULL, repaired,
                                          "no record refers to the published body %llu",
                                          (unsigned long long)body) : rc;
}

/* Takes the references to the body at `*index`, and counts them. */
static uint64_t take_references(const struct check *check, size_t *index, uint64_t body)
{
    uint64_t count = 0;

    while (*index < reference_count(check) && reference(check, *index) == body) {
        ++*index;
        count++;
    }
    return count;
}

/* The bodies before `limit` that records refer to, and that have no row. */
static int check_unpublished(struct check *check, size_t *index, uint64_t limit)
{
    int rc = STORE_OK;

    while (rc == STORE_OK && *index < reference_count(check) && reference(check, *index) < limit) {
        uint64_t body = reference(check, *index);
        rc = check_count(check, body, 0, take_references(check, index, body));
    }
    return rc;
}

static int check_published(struct check *check, const struct check_rows *rows, size_t *index)
{
    uint64_t body, published = 0, counted;
    int rc;

    if (rows->at.size != SCOPE_PREFIX + 8)
        return STORE_OK; /* reported with the unknown rows */
    body = get_be64(rows->at.bytes + SCOPE_PREFIX);
    rc = check_unpublished(check, index, body);
    if (rc != STORE_OK)
        return rc;
    if (rows->value.size == sizeof published)
        memcpy(&published, rows->value.data, sizeof published);
    counted = take_references(check, index, body);
    return counted == 0 ? check_unreferenced(check, body) : check_count(check, body, published, counted);
}

/* What sessions hold is referred to as well. */
static int add_holds(struct check *check)
{
    struct check_rows rows;
    struct hold_row hold;
    struct key prefix;
    int rc;

    key_begin(&prefix, SCOPE_STORE, KIND_HOLD);
    check_rows_begin(&rows, check, &prefix);
    while ((rc = check_rows_next(&rows)) == STORE_OK)
        if (hold_read(&hold, key_slice(&rows.at), rows.value))
            buffer_append(&check->references, &hold.body, sizeof hold.body);
    check_rows_end(&rows);
    if (check->references.failed)
        return check_no_memory();
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

int check_references(struct check *check)
{
    struct check_rows rows;
    struct key prefix;
    size_t index = 0;
    int rc = add_holds(check);

    if (rc != STORE_OK)
        return rc;
    if (check->references.size > 0)
        qsort(check->references.data, reference_count(check), sizeof(uint64_t), ascending);
    key_begin(&prefix, SCOPE_STORE, KIND_PUBLISHED);
    check_rows_begin(&rows, check, &prefix);
    while ((rc = check_rows_next(&rows)) == STORE_OK) {
        rc = check_published(check, &rows, &index);
        if (rc != STORE_OK)
            break;
    }
    check_rows_end(&rows);
    return rc == ENGINE_ABSENT ? check_unpublished(check, &index, UINT64_MAX) : rc;
}

/* -------------------------------------------------------------- all rows */

static bool garbage_whole(const struct key *key, size_t value_size)
{
    size_t rest = key->size - SCOPE_PREFIX - 1;

    switch (key->bytes[SCOPE_PREFIX]) {
    case GARBAGE_BODY:
    case GARBAGE_COLLECTION:
        return rest == 8;
    case GARBAGE_RANGE:
        return rest == 16 && value_size == 8;
    default:
        return false;
    }
}

static int check_garbage(struct check *check, const struct check_rows *rows)
{
    bool repaired = false;
    int rc;

    if (rows->at.size > SCOPE_PREFIX && garbage_whole(&rows->at, rows->value.size))
        return STORE_OK;
    /* It keeps the caretaker from what comes behind it. */
    rc = check_del(check, key_slice(&rows->at), &repaired);
    return rc == STORE_OK ? check_finding(check, "garbage_damaged", NULL, repaired,
                                          "a row that says what is to be reclaimed cannot be read") : rc;
}

/* A short range write that is not merged yet: of a body that there is, if only to be reclaimed. */
static int check_delta(struct check *check, const struct check_rows *rows)
{
    bool repaired = false;
    struct delta delta = { 0 };
    struct key key;
    int rc = body_delta_read(&delta, key_slice(&rows->at), rows->value);

    if (rc != STORE_OK) {
        problem_reset();
        return check_finding(check, "chunk_damaged", NULL, false, "a short range write is damaged");
    }
    published_key(&key, delta.id);
    rc = check_row_exists(check->objects, &key);
    if (rc == ENGINE_ABSENT) {
        key_garbage(&key, GARBAGE_BODY, delta.id);
        rc = check_row_exists(check->objects, &key);
    }
    if (rc != ENGINE_ABSENT)
        return rc;
    rc = check_del(check, key_slice(&rows->at), &repaired);
    return rc == STORE_OK ? check_finding(check, "chunk_unreferenced", NULL, repaired,
                                          "a short range write into body %llu, which there is not",
                                          (unsigned long long)delta.id) : rc;
}

/* A hold that cannot be read is nobody's: no sweep would give it up. */
static int check_hold(struct check *check, const struct check_rows *rows)
{
    bool repaired = false;
    struct hold_row hold;
    int rc;

    if (hold_read(&hold, key_slice(&rows->at), rows->value))
        return STORE_OK;
    rc = check_del(check, key_slice(&rows->at), &repaired);
    return rc == STORE_OK ? check_finding(check, "hold_damaged", NULL, repaired,
                                          "a row that says who holds a body cannot be read") : rc;
}

static int check_store_row(struct check *check, const struct check_rows *rows)
{
    size_t size = rows->at.size;
    char kind = size >= SCOPE_PREFIX ? (char)rows->at.bytes[8] : '\0';

    switch (kind) {
    case KIND_GARBAGE:
        return check_garbage(check, rows);
    case KIND_FORMAT:
    case KIND_NEXT_ID:
    case KIND_ENTRY:
        if (size == SCOPE_PREFIX)
            return STORE_OK;
        break;
    case KIND_NODE:
        if (size == SCOPE_PREFIX + 8 || size > SCOPE_PREFIX + 16)
            return STORE_OK;
        break;
    case KIND_LOG:
        return STORE_OK;
    case KIND_HOLD:
        return check_hold(check, rows);
    case KIND_DELTA:
        return check_delta(check, rows);
    case KIND_PUBLISHED:
        if (size == SCOPE_PREFIX + 8)
            return STORE_OK;
        break;
    default:
        break;
    }
    return check_finding(check, "row_unknown", NULL, false,
                         "a row of the store itself, %zu bytes of key, kind %02x", size, (unsigned char)kind);
}

int check_store_rows(struct check *check)
{
    struct check_rows rows;
    struct key prefix;
    int rc;

    put_be64(prefix.bytes, SCOPE_STORE);
    prefix.size = 8;
    check_rows_begin(&rows, check, &prefix);
    while ((rc = check_rows_next(&rows)) == STORE_OK) {
        rc = check_store_row(check, &rows);
        if (rc != STORE_OK)
            break;
    }
    check_rows_end(&rows);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}
