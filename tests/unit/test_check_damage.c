/*
 * test_check_damage.c - what store_check finds in a store that was damaged behind its back,
 * and what a repair makes of it. (store_check on a store that is whole: tests/api/test_check.c.)
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checksum.h"
#include "layout.h"
#include "record.h"
#include "store_private.h"

#define MAX 64

struct found {
    char kind[32], location[64];
    bool repaired;
};

static struct found findings[MAX];
static size_t finding_count;

static const char definition[] = "{\"key\":[\"k\"],\"unique\":[[\"u\"]],\"schema\":{\"type\":\"object\","
                                 "\"properties\":{\"k\":{\"type\":\"string\"},\"u\":{\"type\":\"string\"}}}}";
static const char auto_definition[] = "{\"order\":\"auto\",\"key\":[\"id\"],\"schema\":{\"type\":\"object\","
                                      "\"properties\":{\"id\":{\"type\":\"integer\"}}}}";

static void put_text(const char *location, const char *text)
{
    assert_ok(store_put(NULL, test_store(), location, text, strlen(text), NULL));
}

/* /c/o small, /c/big three chunks, /c/d/deep, /t typed with a and b, /n auto with 1. */
static void begin_damage(void)
{
    store_options options = STORE_OPTIONS_INIT;
    size_t size = 2 * CHUNK_DATA + 1000;
    char *big = calloc(1, size);

    begin_test();
    options.flags = STORE_OPEN_CREATE | STORE_OPEN_EXCLUSIVE;
    reopen_store(&options);
    assert_ok(store_make_collection(NULL, test_store(), "/c", NULL));
    assert_ok(store_make_collection(NULL, test_store(), "/c/d", NULL));
    put_text("/c/o", "object");
    put_text("/c/d/deep", "deep");
    cr_assert_not_null(big);
    assert_ok(store_put(NULL, test_store(), "/c/big", big, size, NULL));
    free(big);
    assert_ok(store_define(NULL, test_store(), "/t", definition, sizeof definition - 1, NULL));
    put_text("/t/a", "{\"u\":\"one\"}");
    put_text("/t/b", "{\"u\":\"two\"}");
    assert_ok(store_define(NULL, test_store(), "/n", auto_definition, sizeof auto_definition - 1, NULL));
    put_text("/n", "{}");
}

TestSuite(check_damage, .init = begin_damage, .fini = end_test, .timeout = 60);

/* ------------------------------------------------------------- the damage */

static struct engine *objects(void)
{
    return test_store()->objects;
}

static struct engine *bodies(void)
{
    return test_store()->bodies;
}

static void raw_put(struct engine *engine, const struct key *key, const void *data, size_t size)
{
    struct transaction txn;

    assert_ok(engine_begin(&txn, engine));
    assert_ok(engine_put(&txn, key_slice(key), slice_of(data, size)));
    assert_ok(engine_commit(&txn));
}

static void raw_del(struct engine *engine, const struct key *key)
{
    struct transaction txn;

    assert_ok(engine_begin(&txn, engine));
    assert_ok(engine_del(&txn, key_slice(key)));
    assert_ok(engine_commit(&txn));
}

/* A copy of the row, to be freed. */
static char *raw_get(struct engine *engine, const struct key *key, size_t *size)
{
    struct snapshot *snapshot;
    struct slice value;
    char *copy;

    assert_ok(engine_snapshot(&snapshot, engine));
    assert_ok(engine_get(snapshot, key_slice(key), &value));
    copy = malloc(value.size + 1);
    cr_assert_not_null(copy);
    memcpy(copy, value.data, value.size);
    *size = value.size;
    engine_snapshot_end(snapshot);
    return copy;
}

static uint64_t id_of(const char *location)
{
    store_stat stat;

    assert_ok(store_stat_get(&stat, test_store(), location, NULL));
    return stat.id;
}

static struct key entry(const char *collection, const char *name, size_t size)
{
    struct key key;

    key_begin(&key, id_of(collection), KIND_ENTRY);
    key_add(&key, name, size);
    return key;
}

static struct key plain_entry(const char *collection, const char *name)
{
    return entry(collection, name, strlen(name));
}

/* Of /t: a string component ends with 00 00. */
static struct key typed_entry(const char *name)
{
    return entry("/t", name, strlen(name) + 2);
}

static struct key unique_row(const char *value)
{
    struct key key;

    key_begin(&key, id_of("/t"), KIND_UNIQUE);
    key_add_byte(&key, 0);
    key_add(&key, value, strlen(value) + 2);
    return key;
}

static struct key store_row(char kind, uint64_t number)
{
    struct key key;

    key_begin(&key, SCOPE_STORE, kind);
    key_add_u64(&key, number);
    return key;
}

static struct key garbage_row(char kind, uint64_t number)
{
    struct key key;

    key_begin(&key, SCOPE_STORE, KIND_GARBAGE);
    key_add_byte(&key, (unsigned char)kind);
    key_add_u64(&key, number);
    return key;
}

static void flip_byte(struct engine *engine, const struct key *key, size_t at)
{
    size_t size;
    char *row = raw_get(engine, key, &size);

    cr_assert_lt(at, size);
    row[at] ^= 1;
    raw_put(engine, key, row, size);
    free(row);
}

/* Rewrites a record, with a right checksum. */
static void change_record(const struct key *key, void (*change)(struct record *record))
{
    size_t size;
    char *row = raw_get(objects(), key, &size), *changed;
    struct record record;

    cr_assert_eq(record_read(&record, row, size, true), RECORD_OK);
    change(&record);
    changed = malloc(record_size(&record));
    cr_assert_not_null(changed);
    record_write(changed, &record);
    raw_put(objects(), key, changed, record_size(&record));
    free(changed);
    free(row);
}

static struct record big_record(void)
{
    struct key key = plain_entry("/c", "big");
    struct record record;
    size_t size;
    char *row = raw_get(objects(), &key, &size);

    cr_assert_eq(record_read(&record, row, size, true), RECORD_OK);
    free(row);
    cr_assert(record.flags & RECORD_CHUNKED);
    return record;
}

static struct key chunk_row(uint32_t chunk, uint64_t generation)
{
    struct key key;

    key_chunk(&key, big_record().body_id, chunk, generation);
    return key;
}

/* ------------------------------------------------------------ the findings */

static int note(const store_finding *finding, void *payload)
{
    struct found *found = &findings[finding_count];

    (void)payload;
    cr_log_info("%s %s: %s%s", finding->kind, finding->location ? finding->location : "-", finding->detail,
                finding->repaired ? " (repaired)" : "");
    cr_assert_lt(finding_count, (size_t)MAX);
    snprintf(found->kind, sizeof found->kind, "%s", finding->kind);
    snprintf(found->location, sizeof found->location, "%s", finding->location ? finding->location : "-");
    found->repaired = finding->repaired;
    finding_count++;
    return 0;
}

static void run_check(unsigned flags)
{
    store_check_report report;

    finding_count = 0;
    assert_ok(store_check(&report, test_store(), flags, note, NULL));
    cr_assert_eq(report.findings, finding_count);
}

static bool finds(const char *kind, const char *location, bool repaired)
{
    for (size_t i = 0; i < finding_count; i++)
        if (strcmp(findings[i].kind, kind) == 0 && strcmp(findings[i].location, location) == 0 &&
            findings[i].repaired == repaired)
            return true;
    return false;
}

static void show_findings(void)
{
    for (size_t i = 0; i < finding_count; i++)
        cr_log_error("found: %s %s %s", findings[i].kind, findings[i].location,
                     findings[i].repaired ? "(repaired)" : "");
}

#define assert_finds(kind, location, repaired)                                                 \
    do {                                                                                       \
        if (!finds((kind), (location), (repaired)))                                            \
            show_findings();                                                                   \
        cr_assert(finds((kind), (location), (repaired)), "no %s of %s", (kind), (location));   \
    } while (0)

#define assert_clean()                                                                         \
    do {                                                                                       \
        run_check(0);                                                                          \
        show_findings();                                                                       \
        cr_assert_eq(finding_count, 0, "%zu findings", finding_count);                         \
    } while (0)

/* One finding, which a repair mends: then all is well, and the store can be written to. */
#define assert_mended(kind, location) assert_all_mended(kind, location, 1)

/* So many findings, of which this is one. */
#define assert_all_mended(kind, location, count)                                               \
    do {                                                                                       \
        run_check(0);                                                                          \
        assert_finds((kind), (location), false);                                               \
        cr_assert_eq(finding_count, (count), "%zu findings", finding_count);                   \
        run_check(STORE_CHECK_REPAIR);                                                         \
        assert_finds((kind), (location), true);                                                \
        assert_clean();                                                                        \
        put_text("/after", "the repair");                                                      \
        assert_clean();                                                                        \
    } while (0)

/* One finding, which stays. */
#define assert_beyond_repair(kind, location)                                                   \
    do {                                                                                       \
        run_check(0);                                                                          \
        assert_finds((kind), (location), false);                                               \
        cr_assert_eq(finding_count, 1, "%zu findings", finding_count);                         \
        run_check(STORE_CHECK_REPAIR);                                                         \
        assert_finds((kind), (location), false);                                               \
    } while (0)

/* ---------------------------------------------------------------- records */

Test(check_damage, an_undamaged_store_is_clean)
{
    assert_clean();
}

Test(check_damage, a_flipped_bit_in_a_record_is_found)
{
    struct key key = plain_entry("/c", "o");

    flip_byte(objects(), &key, 30);
    assert_beyond_repair("record_damaged", "/c/o");
}

Test(check_damage, a_record_of_a_later_format_is_found)
{
    struct key key = plain_entry("/c", "o");
    size_t size;
    char *row = raw_get(objects(), &key, &size);

    row[0] = RECORD_FORMAT + 1;
    raw_put(objects(), &key, row, size);
    free(row);
    assert_beyond_repair("record_newer", "/c/o");
}

static void break_attributes(struct record *record)
{
    record->attributes = slice_of("\001\000\377\377", 4);
}

Test(check_damage, attributes_that_are_cut_off_are_found)
{
    struct key key = plain_entry("/c", "o");

    change_record(&key, break_attributes);
    assert_beyond_repair("attributes_damaged", "/c/o");
}

Test(check_damage, a_name_that_is_none_is_found)
{
    struct key key = plain_entry("/c", "o"), bad = plain_entry("/c", "a/b");
    size_t size;
    char *row = raw_get(objects(), &key, &size);

    raw_put(objects(), &bad, row, size);
    raw_del(objects(), &key);
    free(row);
    assert_beyond_repair("key_damaged", "/c");
}

static void take_id_of_root(struct record *record)
{
    record->id = ROOT_ID;
}

Test(check_damage, two_nodes_of_one_id_are_found)
{
    struct key key = plain_entry("/c", "o");

    change_record(&key, take_id_of_root);
    assert_beyond_repair("id_duplicate", "/c/o");
}

static void take_late_version(struct record *record)
{
    record->version = 1000;
}

Test(check_damage, a_version_beyond_the_log_is_mended_by_raising_it)
{
    struct key key = plain_entry("/c", "o");
    uint64_t last;

    change_record(&key, take_late_version);
    assert_mended("version_beyond_log", "/c/o");
    assert_ok(store_last_version(&last, test_store()));
    cr_assert_gt(last, 1000);
}

static void become_link(struct record *record)
{
    record->kind = NODE_LINK;
}

Test(check_damage, a_link_in_a_typed_collection_is_found)
{
    struct key key = typed_entry("a\0");

    change_record(&key, become_link);
    run_check(0);
    assert_finds("kind_conflict", "/t/a", false);
}

Test(check_damage, a_root_without_record_is_made_anew)
{
    struct key key;

    key_begin(&key, SCOPE_STORE, KIND_ENTRY);
    raw_del(objects(), &key);
    run_check(0);
    assert_finds("root_damaged", "/", false);
    run_check(STORE_CHECK_REPAIR);
    assert_finds("root_damaged", "/", true);
    assert_clean();
    assert_body("/c/o", "object");
}

/* ------------------------------------------------------------ definitions */

static struct key scope_row(const char *collection, char kind)
{
    struct key key;

    key_begin(&key, id_of(collection), kind);
    return key;
}

Test(check_damage, a_missing_definition_is_found)
{
    struct key key = scope_row("/n", KIND_DEFINITION);

    raw_del(objects(), &key);
    assert_beyond_repair("definition_missing", "/n");
}

Test(check_damage, a_damaged_definition_is_found)
{
    struct key key = scope_row("/t", KIND_DEFINITION);

    flip_byte(objects(), &key, 8);
    assert_beyond_repair("definition_damaged", "/t");
}

Test(check_damage, a_definition_in_a_plain_collection_goes)
{
    struct key key = scope_row("/c", KIND_DEFINITION);

    raw_put(objects(), &key, "definition", 10);
    assert_mended("row_unknown", "/c");
}

Test(check_damage, a_floor_that_cannot_be_read_goes)
{
    struct key key = scope_row("/n", KIND_AUTO);

    raw_put(objects(), &key, "1", 1);
    assert_mended("auto_floor", "/n");
}

static void break_json(struct record *record)
{
    record->body = slice_of("{\"k\":\"a\",\"u\":1}", 15);
    record->size = 15;
}

static void take_other_key(struct record *record)
{
    record->body = slice_of("{\"k\":\"z\",\"u\":\"one\"}", 19);
    record->size = 19;
}

static void become_no_json(struct record *record)
{
    record->body = slice_of("{\"k\":", 5);
    record->size = 5;
}

Test(check_damage, objects_that_do_not_conform_are_found)
{
    static void (*const changes[])(struct record *) = { break_json, take_other_key, become_no_json };
    struct key key = typed_entry("a\0");

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        change_record(&key, changes[i]);
        run_check(0);
        assert_finds("schema_violation", "/t/a", false);
    }
}

/* ---------------------------------------------------------------- indexes */

Test(check_damage, a_missing_index_row_comes_back)
{
    struct key key = unique_row("one\0");
    static const store_field field = { "u", "one" };
    char *location;

    raw_del(objects(), &key);
    assert_mended("index_missing", "/t/a");
    assert_ok(store_find(&location, test_store(), "/t", &field, 1, NULL));
    cr_assert_str_eq(location, "/t/a");
    store_free(location);
}

Test(check_damage, an_index_row_of_no_object_goes)
{
    struct key key = unique_row("three\0");

    raw_put(objects(), &key, "\003\000c\000\000", 5);
    assert_mended("index_dangling", "/t");
}

Test(check_damage, an_index_row_of_the_wrong_object_is_put_right)
{
    struct key key = unique_row("one\0");

    raw_put(objects(), &key, "\003\000b\000\000", 5); /* /t/b has "two" */
    assert_mended("index_mismatch", "/t/a");
}

Test(check_damage, an_index_row_with_a_value_nobody_has_goes)
{
    struct key key = unique_row("three\0");

    raw_put(objects(), &key, "\003\000b\000\000", 5);
    assert_mended("index_mismatch", "/t");
}

static void become_one(struct record *record)
{
    record->body = slice_of("{\"k\":\"b\",\"u\":\"one\"}", 19);
    record->size = 19;
}

Test(check_damage, two_objects_with_one_unique_key_are_beyond_repair)
{
    struct key key = typed_entry("b\0");

    change_record(&key, become_one);
    run_check(STORE_CHECK_REPAIR);
    assert_finds("index_mismatch", "/t/b", false);
    assert_body("/t/a", "{\"u\":\"one\",\"k\":\"a\"}");
}

Test(check_damage, index_rows_are_found_in_bulk)
{
    char location[16], body[32], value[16];
    struct key key;

    for (int i = 0; i < 50; i++) {
        memset(value, 0, sizeof value);
        snprintf(value, sizeof value, "v%02d", i);
        snprintf(location, sizeof location, "/t/x%02d", i);
        snprintf(body, sizeof body, "{\"u\":\"%s\"}", value);
        put_text(location, body);
        key = unique_row(value);
        if (i % 2)
            raw_del(objects(), &key);
    }
    run_check(STORE_CHECK_REPAIR);
    cr_assert_eq(finding_count, 25);
    assert_finds("index_missing", "/t/x01", true);
    assert_clean();
}

/* ----------------------------------------------------------------- bodies */

Test(check_damage, a_flipped_bit_in_a_chunk_is_found)
{
    struct key key = chunk_row(1, 0);

    flip_byte(bodies(), &key, 5000);
    assert_beyond_repair("chunk_damaged", "/c/big");
    run_check(STORE_CHECK_SHALLOW);
    cr_assert_eq(finding_count, 0);
}

Test(check_damage, a_missing_chunk_is_found)
{
    struct key key = chunk_row(1, 0);

    raw_del(bodies(), &key);
    assert_beyond_repair("chunk_missing", "/c/big");
}

Test(check_damage, a_missing_last_chunk_is_found)
{
    struct key key = chunk_row(2, 0);

    raw_del(bodies(), &key);
    assert_beyond_repair("chunk_missing", "/c/big");
}

static void grow(struct record *record)
{
    record->size++;
}

static void shrink(struct record *record)
{
    record->size = 10;
}

Test(check_damage, a_body_of_another_size_than_its_record_says_is_found)
{
    struct key key = plain_entry("/c", "big");

    change_record(&key, grow);
    assert_beyond_repair("body_size", "/c/big");
    change_record(&key, shrink);
    run_check(0);
    assert_finds("body_size", "/c/big", false);
}

Test(check_damage, what_a_range_write_left_out_is_no_damage)
{
    assert_ok(store_patch_range(NULL, test_store(), "/c/big", 10 * CHUNK_DATA, "far", 3, NULL));
    assert_clean();
}

Test(check_damage, chunks_that_a_range_write_never_published_are_no_damage)
{
    struct key row = chunk_row(1, 1u << 20), marker = chunk_row(CHUNK_NONE, 1u << 20);

    raw_put(bodies(), &row, "checksumdata", 12);
    raw_put(bodies(), &marker, "\001\000\000\000\001\000\000\000", 8);
    assert_clean();
    raw_del(bodies(), &marker);
    assert_mended("chunk_unreferenced", "/c/big");
}

Test(check_damage, superseded_chunks_that_are_no_garbage_go)
{
    static const char longer[10000]; /* than what is kept as a delta */
    struct key garbage;
    int hold;

    assert_ok(shared_hold_reclaim(&hold, test_store()->path)); /* the caretaker would be faster */
    assert_ok(store_patch_range(NULL, test_store(), "/c/big", 10, longer, sizeof longer, NULL));
    assert_clean();
    garbage = garbage_row(GARBAGE_RANGE, big_record().body_id);
    key_add_u64(&garbage, big_record().body_generation);
    raw_del(objects(), &garbage);
    run_check(0);
    assert_finds("chunk_unreferenced", "/c/big", false);
    cr_assert_eq(finding_count, 2, "the old row and the range's marker");
    run_check(STORE_CHECK_REPAIR);
    cr_assert_eq(finding_count, 2);
    assert_clean();
    close(hold);
}

static struct key delta_row(uint64_t body)
{
    struct key key;

    key_begin(&key, SCOPE_STORE, KIND_DELTA);
    key_add_u64(&key, body);
    key_add(&key, "\0\0\0\0", 4);
    key_add_u64(&key, 1u << 20);
    return key;
}

Test(check_damage, a_short_range_write_that_cannot_be_read_is_told)
{
    struct key row = delta_row(big_record().body_id);

    assert_ok(store_patch_range(NULL, test_store(), "/c/big", 10, "new", 3, NULL));
    assert_clean();
    raw_put(objects(), &row, "checksum\0\0\0\0new", 15);
    assert_beyond_repair("chunk_damaged", "-");
}

Test(check_damage, a_short_range_write_of_nobody_goes)
{
    char value[13] = { 0 };
    uint64_t checksum = checksum_of(value + 8, 5);
    struct key row = delta_row(900);

    memcpy(value, &checksum, sizeof checksum);
    raw_put(objects(), &row, value, sizeof value);
    assert_mended("chunk_unreferenced", "-");
}

Test(check_damage, a_body_of_nobody_goes)
{
    struct key key;
    store_stats stats;

    key_chunk(&key, 900, 0, 0);
    raw_put(bodies(), &key, "checksumdata", 12);
    run_check(0);
    assert_finds("chunk_unreferenced", "-", false);
    assert_finds("body_next", "-", false);
    run_check(STORE_CHECK_REPAIR);
    assert_finds("chunk_unreferenced", "-", true);
    assert_finds("body_next", "-", true);
    assert_clean();
    assert_ok(store_stats_get(&stats, test_store()));
    cr_assert_eq(stats.chunks, 3);
}

Test(check_damage, a_body_of_nobody_stays_while_a_record_cannot_be_read)
{
    struct key key = plain_entry("/c", "o"), chunk;

    flip_byte(objects(), &key, 30);
    key_chunk(&chunk, 900, 0, 0);
    raw_put(bodies(), &chunk, "checksumdata", 12);
    run_check(STORE_CHECK_REPAIR);
    assert_finds("chunk_unreferenced", "-", false);
}

/* ------------------------------------------------------------- references */

static void count_is(uint64_t count)
{
    struct key key = store_row(KIND_PUBLISHED, big_record().body_id);

    raw_put(objects(), &key, &count, sizeof count);
}

Test(check_damage, a_count_that_is_too_small_is_put_right)
{
    assert_ok(store_copy(NULL, test_store(), "/c/big", "/c/twin", NULL));
    count_is(1);
    assert_mended("published_count", "-");
    assert_ok(store_delete(NULL, test_store(), "/c/big", NULL));
    assert_clean();
}

Test(check_damage, a_count_that_is_too_large_is_put_right)
{
    count_is(3);
    assert_mended("published_count", "-");
}

Test(check_damage, a_missing_count_comes_back)
{
    struct key key = store_row(KIND_PUBLISHED, big_record().body_id);

    raw_del(objects(), &key);
    run_check(0);
    assert_finds("published_count", "-", false);
    run_check(STORE_CHECK_REPAIR);
    assert_finds("published_count", "-", true);
    assert_clean();
}

Test(check_damage, a_published_body_without_record_becomes_garbage)
{
    struct key key = plain_entry("/c", "big");

    raw_del(objects(), &key);
    assert_mended("published_unreferenced", "-");
}

Test(check_damage, garbage_that_is_in_use_is_rescued)
{
    struct key body = garbage_row(GARBAGE_BODY, big_record().body_id);
    struct key collection = garbage_row(GARBAGE_COLLECTION, id_of("/c/d"));

    raw_put(objects(), &body, "", 0);
    assert_mended("garbage_referenced", "-");
    raw_put(objects(), &collection, "", 0);
    run_check(STORE_CHECK_REPAIR);
    assert_finds("garbage_referenced", "-", true);
    assert_clean();
    assert_body("/c/d/deep", "deep");
}

Test(check_damage, garbage_rows_that_cannot_be_read_go)
{
    struct key key = garbage_row(GARBAGE_RANGE, 1);

    raw_put(objects(), &key, "x", 1);
    assert_mended("garbage_damaged", "-");
}

Test(check_damage, rows_that_nobody_knows_are_found_and_stay)
{
    struct key key = scope_row("/c", 'Z');

    raw_put(objects(), &key, "future", 6);
    assert_beyond_repair("row_unknown", "/c");
}

/* ---------------------------------------------------------------- orphans */

Test(check_damage, a_collection_in_no_collection_comes_back_in_lost_and_found)
{
    struct key key = plain_entry("/c", "d");
    char name[17], location[64];

    store_version_text(name, id_of("/c/d"));
    snprintf(location, sizeof location, "/lost+found/%s/deep", name);
    raw_del(objects(), &key);
    assert_all_mended("collection_orphan", "-", 2); /* the collection above misses one */
    assert_body(location, "deep");
}

Test(check_damage, an_orphan_comes_back_with_all_below_it)
{
    struct key key;
    char name[17], location[64];

    key_begin(&key, ROOT_ID, KIND_ENTRY);
    key_add(&key, "c", 1);
    store_version_text(name, id_of("/c"));
    snprintf(location, sizeof location, "/lost+found/%s/d/deep", name);
    raw_del(objects(), &key);
    assert_all_mended("collection_orphan", "-", 2); /* the collection above misses one */
    assert_body(location, "deep");
}

Test(check_damage, a_typed_orphan_stays_typed)
{
    struct key key;
    char name[17], location[64];
    store_stat stat;

    key_begin(&key, ROOT_ID, KIND_ENTRY);
    key_add(&key, "t", 1);
    store_version_text(name, id_of("/t"));
    snprintf(location, sizeof location, "/lost+found/%s", name);
    raw_del(objects(), &key);
    assert_all_mended("collection_orphan", "-", 2); /* the collection above misses one */
    assert_ok(store_stat_get(&stat, test_store(), location, NULL));
    cr_assert(stat.typed);
}

Test(check_damage, an_empty_orphan_is_reclaimed)
{
    struct key key;
    store_stat stat;

    key_begin(&key, 777, KIND_AUTO);
    raw_put(objects(), &key, "12345678", 8);
    run_check(STORE_CHECK_REPAIR);
    assert_finds("collection_orphan", "-", true);
    assert_clean();
    assert_code(STORE_NOT_FOUND, store_stat_get(&stat, test_store(), "/lost+found", NULL));
}

/* ------------------------------------------------------- collections' own rows */

static struct key own_row(const char *location)
{
    struct key key;

    key_begin(&key, id_of(location), KIND_COLLECTION);
    return key;
}

Test(check_damage, a_collection_without_its_own_row_gets_one)
{
    struct key root = own_row("/"), above = own_row("/c"), below = own_row("/c/d");
    store_request request = STORE_REQUEST_INIT;

    request.base = id_of("/c/d");
    raw_del(objects(), &root);
    raw_del(objects(), &above);
    raw_del(objects(), &below);
    assert_all_mended("collection_row", "/c", 3);
    assert_ok(store_put(NULL, test_store(), "/x", "1", 1, &request));
    assert_body("/c/d/x", "1");
}

Test(check_damage, what_a_collection_says_of_itself_is_put_right)
{
    struct key key = own_row("/c/d");

    for (size_t at = 0; at < 25; at += 8) { /* the parent, the number of collections, the name */
        if (at == 8)
            continue; /* any time may be right */
        flip_byte(objects(), &key, at);
        run_check(STORE_CHECK_REPAIR);
        assert_finds("collection_row", "/c/d", true);
        assert_clean();
    }
    raw_put(objects(), &key, "short", 5);
    assert_mended("collection_row", "/c/d");
}

Test(check_damage, an_unreadable_entry_leaves_the_number_of_collections_alone)
{
    struct key key = plain_entry("/c", "d");

    flip_byte(objects(), &key, 30);
    run_check(0);
    cr_assert(!finds("collection_row", "/c", false));
}

Test(check_damage, a_reserved_id_that_is_used_is_not_given_out_again)
{
    store_request request = STORE_REQUEST_INIT;
    struct key key;
    uint64_t next;

    assert_ok(store_reserve_ids(&request.id, test_store(), 10));
    assert_ok(store_put(NULL, test_store(), "/x", "1", 1, &request));
    key_begin(&key, SCOPE_STORE, KIND_NEXT_ID);
    raw_put(objects(), &key, &request.id, sizeof request.id);
    assert_mended("id_next", "-");
    assert_ok(store_reserve_ids(&next, test_store(), 1));
    cr_assert_gt(next, request.id);
    raw_put(objects(), &key, "short", 5);
    assert_mended("id_next", "-");
    raw_del(objects(), &key);
    run_check(STORE_CHECK_REPAIR);
    assert_finds("id_next", "-", true);
    assert_clean();
}

static void become_own_parent(struct record *record)
{
    record->id = 777;
}

Test(check_damage, orphans_that_hold_each_other_end_the_walk)
{
    struct key from = plain_entry("/c", "d"), key;
    size_t size;
    char *row;

    change_record(&from, become_own_parent); /* /c/d is 777 now, and the old scope an orphan */
    row = raw_get(objects(), &from, &size);
    key_begin(&key, 777, KIND_ENTRY);
    key_add(&key, "self", 4);
    raw_put(objects(), &key, row, size);
    free(row);
    run_check(0);
    assert_finds("id_duplicate", "/c/d/self", false);
    assert_finds("collection_orphan", "-", false);
    run_check(STORE_CHECK_REPAIR);
    run_check(0);
    assert_finds("id_duplicate", "/c/d/self", false);
}

/* -------------------------------------------------------------------- log */

Test(check_damage, a_damaged_log_row_is_dropped)
{
    struct key key = store_row(KIND_LOG, 2);

    flip_byte(objects(), &key, 0);
    assert_mended("log_damaged", "-");
}

Test(check_damage, the_counter_survives_the_loss_of_the_last_log_row)
{
    uint64_t last, after;
    struct key key;

    assert_ok(store_last_version(&last, test_store()));
    key = store_row(KIND_LOG, last);
    flip_byte(objects(), &key, 0);
    assert_mended("log_damaged", "-");
    assert_ok(store_last_version(&after, test_store()));
    cr_assert_gt(after, last);
}

Test(check_damage, the_counter_survives_the_loss_of_the_log)
{
    uint64_t last, after;
    struct key key;

    assert_ok(store_last_version(&last, test_store()));
    for (uint64_t i = 1; i <= last; i++) {
        struct transaction txn;
        key = store_row(KIND_LOG, i);
        assert_ok(engine_begin(&txn, objects()));
        cr_assert_geq(engine_del(&txn, key_slice(&key)), 0);
        assert_ok(engine_commit(&txn));
    }
    assert_mended("log_damaged", "-");
    assert_ok(store_last_version(&after, test_store()));
    cr_assert_gt(after, last);
}

Test(check_damage, log_rows_out_of_order_are_dropped)
{
    struct key from = store_row(KIND_LOG, 2), to = store_row(KIND_LOG, 500000);
    size_t size;
    char *row = raw_get(objects(), &from, &size);

    raw_put(objects(), &to, row, size);
    free(row);
    assert_mended("log_order", "-");
}

/* ---------------------------------------------------------------- calling */

static int enough(const store_finding *finding, void *payload)
{
    int *count = payload;

    (void)finding;
    ++*count;
    return 1;
}

Test(check_damage, the_caller_ends_the_check)
{
    struct key key = plain_entry("/c", "o"), other = plain_entry("/c/d", "deep");
    store_check_report report;
    int count = 0;

    flip_byte(objects(), &key, 30);
    flip_byte(objects(), &other, 30);
    assert_ok(store_check(&report, test_store(), 0, enough, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(report.findings, 1);
    cr_assert_eq(store_problem_last()->code, STORE_OK);
}

/* ------------------------------------------------------------------- names */

/* The row of one name of /c/o, which has /c/o2 as well. */
static struct key name_row(const char *name)
{
    struct key key = store_row(KIND_NODE, id_of("/c/o2"));

    key_add_u64(&key, id_of("/c"));
    key_add(&key, name, strlen(name));
    return key;
}

static uint64_t links_of(const char *location)
{
    store_stat stat;

    assert_ok(store_stat_get(&stat, test_store(), location, NULL));
    return stat.links;
}

static void assert_names_mended(void)
{
    run_check(STORE_CHECK_REPAIR);
    run_check(0);
    show_findings();
    cr_assert_eq(finding_count, 0);
}

Test(check_damage, a_name_that_its_node_does_not_know)
{
    struct key key;

    assert_ok(store_link(NULL, test_store(), "/c/o", "/c/o2", NULL));
    key = name_row("o");
    raw_del(objects(), &key);
    run_check(0);
    assert_finds("name_unlisted", "/c/o", false);
    assert_finds("name_count", "-", false);
    assert_names_mended();
    cr_assert_eq(links_of("/c/o"), 2);
}

Test(check_damage, a_name_of_no_node)
{
    struct key key;

    assert_ok(store_link(NULL, test_store(), "/c/o", "/c/o2", NULL));
    key = store_row(KIND_NODE, id_of("/c/o"));
    raw_del(objects(), &key);
    run_check(0);
    assert_finds("name_dangling", "/c/o", false);
    assert_finds("name_dangling", "/c/o2", false);
    assert_finds("name_stale", "-", false);
    assert_names_mended();
}

Test(check_damage, a_name_that_the_node_only_thinks_it_has)
{
    struct key key;

    assert_ok(store_link(NULL, test_store(), "/c/o", "/c/o2", NULL));
    key = name_row("never");
    raw_put(objects(), &key, "", 0);
    run_check(0);
    assert_finds("name_stale", "-", false);
    key = plain_entry("/c", "o");
    raw_del(objects(), &key);
    run_check(0);
    assert_finds("name_count", "-", false);
    assert_names_mended();
    cr_assert_eq(links_of("/c/o2"), 1);
}

Test(check_damage, a_node_without_names_is_found_again)
{
    struct key key;
    char location[64];
    uint64_t id;

    assert_ok(store_link(NULL, test_store(), "/c/big", "/c/o2", NULL));
    id = id_of("/c/o2");
    key = plain_entry("/c", "big");
    raw_del(objects(), &key);
    key = plain_entry("/c", "o2");
    raw_del(objects(), &key);
    run_check(0);
    assert_finds("node_nameless", "-", false);
    assert_names_mended();
    snprintf(location, sizeof location, "/lost+found/%016llx", (unsigned long long)id);
    cr_assert_eq(id_of(location), id);
    cr_assert_eq(links_of(location), 1);
}

Test(check_damage, the_record_of_a_node_with_names)
{
    struct key key;

    assert_ok(store_link(NULL, test_store(), "/c/o", "/c/o2", NULL));
    key = store_row(KIND_NODE, id_of("/c/o"));
    flip_byte(objects(), &key, 30);
    run_check(0);
    assert_finds("record_damaged", "/c/o", false);
}
