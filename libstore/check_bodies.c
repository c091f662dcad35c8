/* check_bodies.c - chunks: those of a record's body, and those that are nobody's. */
#include "check.h"

#include <string.h>

#include "body.h"
#include "checksum.h"

#define DROP_SLICE 1000 /* rows that one transaction deletes */

/* ------------------------------------------------------ a record's chunks */

struct body_state {
    struct check *check;
    const struct record *record;
    const char *location;
    uint64_t chunks;       /* that it should have */
    uint64_t next;         /* the chunk that should come next */
    uint64_t missing;      /* so far, and the first of them */
    uint64_t first_missing;
    uint32_t chunk;        /* whose live row was seen ... */
    uint64_t generation;   /* ... and its generation */
    bool live;
};

/* A row of no use: noted to be deleted once the objects' repair is committed. */
static int useless(struct body_state *state, struct slice key, const char *why)
{
    struct check *check = state->check;

    if (check->repair)
        buffer_append(&check->drops, key.data, CHUNK_KEY);
    if (check->drops.failed)
        return check_no_memory();
    return check_finding(check, "chunk_unreferenced", state->location, check->repair, "body %llu: %s",
                         (unsigned long long)state->record->body_id, why);
}

static void count_missing(struct body_state *state, uint64_t until)
{
    if (until <= state->next)
        return;
    if (state->missing == 0)
        state->first_missing = state->next;
    state->missing += until - state->next;
}

/* Whether the superseded rows and the marker of a range write are known to be garbage. */
static int superseded_known(const struct body_state *state, uint64_t generation)
{
    struct key key;

    key_garbage(&key, GARBAGE_RANGE, state->record->body_id);
    key_add_u64(&key, generation);
    return check_row_exists(state->check->objects, &key);
}

static int check_marker(struct body_state *state, struct slice key, size_t size, uint64_t generation)
{
    int rc = ENGINE_ABSENT;

    /* One newer than the record is of a range write that is not published, or never was. */
    if (size == 8 && generation > state->record->body_generation)
        return STORE_OK;
    if (size == 8)
        rc = superseded_known(state, generation);
    return rc == ENGINE_ABSENT ? useless(state, key, "a range write's marker was left over") : rc;
}

static int check_live(struct body_state *state, struct slice row, uint32_t chunk)
{
    const struct record *record = state->record;
    uint64_t begin = (uint64_t)chunk * CHUNK_DATA, checksum;
    uint64_t extent = record->size > begin ? record->size - begin : 0;
    size_t data = row.size - CHUNK_CHECKSUM;

    if (row.size < CHUNK_CHECKSUM || data > CHUNK_DATA)
        return check_finding(state->check, "chunk_damaged", state->location, false, "chunk %u has a wrong size",
                             chunk);
    extent = extent < CHUNK_DATA ? extent : CHUNK_DATA;
    /* Only a range write can leave a chunk shorter than it reads, the rest as zero. */
    if (data > extent || (data < extent && record->body_generation == 0))
        return check_finding(state->check, "body_size", state->location, false,
                             "chunk %u has %zu bytes, of a body of %llu", chunk, data,
                             (unsigned long long)record->size);
    if (state->check->shallow)
        return STORE_OK;
    memcpy(&checksum, row.data, sizeof checksum);
    if (checksum_of((const char *)row.data + CHUNK_CHECKSUM, data) == checksum)
        return STORE_OK;
    return check_finding(state->check, "chunk_damaged", state->location, false,
                         "chunk %u: its checksum does not fit", chunk);
}

static int check_chunk(struct body_state *state, struct slice key, struct slice row)
{
    uint32_t chunk = get_be32((const char *)key.data + 8);
    uint64_t generation = ~get_be64((const char *)key.data + 12);
    struct key marker;
    int rc;

    if (chunk == CHUNK_NONE)
        return check_marker(state, key, row.size, generation);
    if (generation > state->record->body_generation) {
        key_chunk(&marker, state->record->body_id, CHUNK_NONE, generation);
        rc = check_row_exists(state->check->bodies, &marker);
        return rc == ENGINE_ABSENT ? useless(state, key, "a chunk is newer than its record") : rc;
    }
    if (state->live && state->chunk == chunk) {
        rc = superseded_known(state, state->generation);
        state->generation = generation;
        return rc == ENGINE_ABSENT ? useless(state, key, "a chunk was superseded and left over") : rc;
    }
    state->live = true;
    state->chunk = chunk;
    state->generation = generation;
    count_missing(state, chunk);
    state->next = (uint64_t)chunk + 1;
    return check_live(state, row, chunk);
}

static int check_chunks(struct body_state *state)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct key prefix;
    int rc = engine_cursor_open(&cursor, state->check->bodies);

    if (rc != STORE_OK)
        return rc;
    put_be64(prefix.bytes, state->record->body_id);
    prefix.size = 8;
    rc = engine_seek(&cursor, key_slice(&prefix), &found, &value);
    while (rc == STORE_OK && key_has_prefix(found, &prefix)) {
        if (found.size == CHUNK_KEY) /* others are reported with the file's rows */
            rc = check_chunk(state, found, value);
        if (rc == STORE_OK)
            rc = engine_next(&cursor, &found, &value);
    }
    engine_cursor_close(&cursor);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

/* A body that copies share is read with the first of them. */
static int read_before(bool *out, struct check *check, uint64_t body)
{
    uint64_t references;
    enum idset_answer answer = IDSET_NEW;
    int rc = body_references(&references, check->objects, body);

    if (rc == STORE_CORRUPT)
        rc = STORE_OK; /* reported with the published bodies */
    else if (rc == STORE_OK && references > 1)
        answer = idset_add(&check->verified, body);
    *out = answer == IDSET_KNOWN;
    return answer == IDSET_NO_MEMORY ? check_no_memory() : rc;
}

int check_body(struct check *check, const struct record *record, const char *location)
{
    struct body_state state = { .check = check, .record = record, .location = location };
    bool known;
    int rc = read_before(&known, check, record->body_id);

    if (rc != STORE_OK || known)
        return rc;
    if (record->body_id == 0 || record->size > (uint64_t)CHUNK_NONE * CHUNK_DATA)
        return check_finding(check, "body_size", location, false, "a body of %llu bytes cannot be",
                             (unsigned long long)record->size);
    state.chunks = (record->size + CHUNK_DATA - 1) / CHUNK_DATA;
    rc = check_chunks(&state);
    if (rc != STORE_OK)
        return rc;
    count_missing(&state, state.chunks);
    /* What a range write beyond the end leaves out reads as zero. */
    if (state.missing == 0 || record->body_generation != 0)
        return STORE_OK;
    return check_finding(check, "chunk_missing", location, false,
                         "%llu of %llu chunks are missing, the first is %llu", (unsigned long long)state.missing,
                         (unsigned long long)state.chunks, (unsigned long long)state.first_missing);
}

/* ----------------------------------------------------------- the whole file */

struct file_state {
    struct check *check;
    struct snapshot *objects; /* newer than the bodies': see referred_to */
    uint64_t body;            /* whose rows are being passed */
    uint64_t next_body;       /* that the file gives away */
    uint64_t last_body;       /* seen in either file */
    struct buffer unreferenced;
};

/*
 * Published, to be reclaimed, or staged? A body whose staging row is gone was published by a commit
 * before that, so a snapshot of the objects that is newer than the bodies' must know it; and as
 * nothing is reclaimed meanwhile, it still does.
 */
static int referred_to(struct file_state *state, uint64_t body)
{
    struct key key;
    int rc;

    key_begin(&key, SCOPE_STORE, KIND_PUBLISHED);
    key_add_u64(&key, body);
    rc = check_row_exists(state->objects, &key);
    if (rc == ENGINE_ABSENT) {
        key_garbage(&key, GARBAGE_BODY, body);
        rc = check_row_exists(state->objects, &key);
    }
    if (rc == ENGINE_ABSENT) {
        key_begin(&key, 0, BODY_STAGED);
        key_add_u64(&key, body);
        rc = check_row_exists(state->check->bodies, &key);
    }
    return rc;
}

static int check_new_body(struct file_state *state, uint64_t body)
{
    struct check *check = state->check;
    bool dropped = check->repair && !check->damaged; /* a record that cannot be read may have been its own */
    int rc = referred_to(state, body);

    state->body = body;
    state->last_body = body > state->last_body ? body : state->last_body;
    if (rc != ENGINE_ABSENT)
        return rc;
    if (dropped)
        buffer_append(&state->unreferenced, &body, sizeof body);
    if (state->unreferenced.failed)
        return check_no_memory();
    return check_finding(check, "chunk_unreferenced", NULL, dropped,
                         "body %llu is neither published, nor staged, nor to be reclaimed",
                         (unsigned long long)body);
}

static int check_own_row(struct file_state *state, struct slice key, struct slice value)
{
    char kind = key.size >= SCOPE_PREFIX ? ((const char *)key.data)[8] : '\0';

    if (kind == BODY_NEXT && key.size == SCOPE_PREFIX && value.size == 8) {
        state->next_body = get_be64(value.data);
        return STORE_OK;
    }
    if (kind == BODY_STAGED && key.size == SCOPE_PREFIX + 8 && value.size == 12)
        return STORE_OK;
    return check_finding(state->check, "row_unknown", NULL, false,
                         "a row of the bodies file, %zu bytes of key, kind %02x", key.size, (unsigned char)kind);
}

static int check_row(struct file_state *state, struct slice key, struct slice value)
{
    uint64_t body = key.size >= 8 ? get_be64(key.data) : 0;
    int rc = STORE_OK;

    if (body == 0)
        return check_own_row(state, key, value);
    if (body != state->body)
        rc = check_new_body(state, body);
    if (rc != STORE_OK)
        return rc;
    if (key.size != CHUNK_KEY)
        return check_finding(state->check, "row_unknown", NULL, false, "body %llu has a row with %zu bytes of key",
                             (unsigned long long)body, key.size);
    state->check->report->chunks += get_be32((const char *)key.data + 8) != CHUNK_NONE;
    return STORE_OK;
}

static int check_rows(struct file_state *state)
{
    struct engine_cursor cursor;
    struct slice found, value;
    int rc = engine_cursor_open(&cursor, state->check->bodies);

    if (rc != STORE_OK)
        return rc;
    rc = engine_seek(&cursor, slice_of("", 0), &found, &value);
    while (rc == STORE_OK) {
        rc = check_row(state, found, value);
        if (rc == STORE_OK)
            rc = engine_next(&cursor, &found, &value);
    }
    engine_cursor_close(&cursor);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

/* ---------------------------------------------------------------- mending */

/* Deletes rows that were noted, a slice of them in one transaction. */
static int drop_slice(struct check *check, const char *keys, size_t count)
{
    struct transaction txn;
    int rc = engine_begin(&txn, check->store->bodies);

    if (rc != STORE_OK)
        return rc;
    for (size_t i = 0; i < count && rc >= 0; i++)
        rc = engine_del(&txn, slice_of(keys + i * CHUNK_KEY, CHUNK_KEY));
    if (rc >= 0)
        return engine_commit(&txn);
    engine_abort(&txn);
    return rc;
}

static int drop_rows(struct check *check)
{
    size_t count = check->drops.size / CHUNK_KEY;
    int rc = STORE_OK;

    for (size_t at = 0; at < count && rc == STORE_OK; at += DROP_SLICE)
        rc = drop_slice(check, check->drops.data + at * CHUNK_KEY,
                        count - at < DROP_SLICE ? count - at : DROP_SLICE);
    return rc;
}

static int drop_bodies(struct check *check, const struct buffer *list)
{
    uint64_t body;
    int rc = STORE_OK;

    for (size_t at = 0; at < list->size && rc == STORE_OK; at += sizeof body) {
        size_t done = 0;
        memcpy(&body, list->data + at, sizeof body);
        while (done == 0 && rc == STORE_OK)
            rc = body_delete_slice(check->store, &body, 1, &done);
    }
    return rc;
}

static int raise_next(struct check *check, uint64_t next)
{
    unsigned char row[8];
    struct transaction txn;
    struct key key;
    int rc = engine_begin(&txn, check->store->bodies);

    if (rc != STORE_OK)
        return rc;
    key_begin(&key, 0, BODY_NEXT);
    put_be64(row, next);
    rc = engine_put(&txn, key_slice(&key), slice_of(row, sizeof row));
    if (rc == STORE_OK)
        return engine_commit(&txn);
    engine_abort(&txn);
    return rc;
}

/* An id that was given away must not be given again. */
static int check_next(struct file_state *state)
{
    struct check *check = state->check;
    uint64_t body;
    int rc = STORE_OK;

    for (size_t at = 0; at < check->references.size; at += sizeof body) {
        memcpy(&body, check->references.data + at, sizeof body);
        state->last_body = body > state->last_body ? body : state->last_body;
    }
    if (state->last_body < state->next_body || (state->last_body == 0 && state->next_body == 0))
        return STORE_OK;
    if (check->repair)
        rc = raise_next(check, state->last_body + 1);
    return rc == STORE_OK ? check_finding(check, "body_next", NULL, check->repair,
                                          "the next body would be %llu, and there is a body %llu",
                                          (unsigned long long)state->next_body,
                                          (unsigned long long)state->last_body) : rc;
}

int check_bodies(struct check *check)
{
    struct file_state state = { .check = check };
    int rc = engine_snapshot(&state.objects, check->store->objects), dropped;

    if (rc != STORE_OK)
        return rc;
    rc = check_rows(&state);
    engine_snapshot_end(state.objects);
    if (rc == STORE_OK)
        rc = check_next(&state);
    if (rc >= 0 && check->repair) {
        dropped = drop_rows(check);
        if (dropped == STORE_OK)
            dropped = drop_bodies(check, &state.unreferenced);
        rc = dropped == STORE_OK ? rc : dropped;
    }
    buffer_release(&state.unreferenced);
    return rc;
}
