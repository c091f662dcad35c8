/* script.c - one step for every public function, on a store with something of everything. */
#include "script.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 200000 };

static const char PEOPLE[] =
    "{\"key\":[\"name\"],\"unique\":[[\"email\"]],\"schema\":{\"type\":\"object\",\"properties\":{"
    "\"name\":{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"},\"email\":{\"type\":[\"string\",\"null\"],\"default\":null},"
    "\"age\":{\"type\":\"integer\"},\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}";
static const char PEOPLE_BY_AGE[] =
    "{\"key\":[\"name\"],\"unique\":[[\"email\"],[\"age\",\"name\"]],\"put\":\"merge\",\"schema\":{\"type\":\"object\","
    "\"properties\":{\"name\":{\"type\":\"string\"},\"email\":{\"type\":[\"string\",\"null\"],\"default\":null},"
    "\"age\":{\"type\":\"integer\"},\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}";
static const char LOG[] = "{\"order\":\"auto\",\"key\":[\"id\"],\"schema\":{\"type\":\"object\",\"properties\":{"
                          "\"id\":{\"type\":\"integer\"},\"text\":{\"type\":\"string\"}}}}";

static char large[LARGE];

#define REQUEST(...) (&(store_request){ .version = STORE_REQUEST_VERSION, __VA_ARGS__ })
#define WITHIN(transaction) (&(store_get_options){ .version = STORE_GET_OPTIONS_VERSION, .txn = (transaction) })
#define LIST(...) (&(store_list_options){ .version = STORE_LIST_OPTIONS_VERSION, __VA_ARGS__ })

/* The answer is taken, turned to JSON and released, as a caller does. */
static int finish(int rc, store_answer *answer)
{
    char *text;

    if (rc == STORE_OK) {
        rc = store_answer_json(&text, answer);
        if (rc == STORE_NO_MEMORY)
            rc = STORE_OK; /* the change is made */
        else
            store_free(text);
    }
    store_answer_clear(answer);
    return rc;
}

static int put(store *s, const char *location, const char *text, const store_request *request)
{
    store_answer answer;

    return finish(store_put(&answer, s, location, text, strlen(text), request), &answer);
}

static int put_large(store *s, const char *location, char byte, const store_request *request)
{
    memset(large, byte, sizeof large);
    return store_put(NULL, s, location, large, sizeof large, request);
}

int script_prepare(store *s)
{
    const store_meta meta = { "colour", "blue", 4 };
    int rc = put(s, "/plain", "hello", REQUEST(.type = "text/plain", .flags = STORE_SET_META, .meta = &meta, .meta_count = 1));

    rc = rc ? rc : put_large(s, "/large", 'a', NULL);
    rc = rc ? rc : put_large(s, "/dir/large", 'b', REQUEST(.flags = STORE_PARENTS));
    rc = rc ? rc : put(s, "/dir/sub/c", "c", REQUEST(.flags = STORE_PARENTS));
    rc = rc ? rc : store_link(NULL, s, "/dir/sub/c", "/named", NULL);
    rc = rc ? rc : store_copy(NULL, s, "/large", "/shared", NULL);
    rc = rc ? rc : store_put_link(NULL, s, "/link", "plain", NULL);
    rc = rc ? rc : store_define(NULL, s, "/people", PEOPLE, strlen(PEOPLE), NULL);
    rc = rc ? rc : put(s, "/people/ada", "{\"email\":\"a@x\",\"age\":36,\"tags\":[\"x\",\"y\"]}", NULL);
    rc = rc ? rc : put(s, "/people/bob", "{\"email\":\"b@x\"}", NULL);
    rc = rc ? rc : store_define(NULL, s, "/log", LOG, strlen(LOG), NULL);
    return rc ? rc : put(s, "/log", "[{\"text\":\"one\"},{\"text\":\"two\"}]", NULL);
}

/* ---------------------------------------------------------------- writing */

static int put_new(store *s) { return put(s, "/new", "1", NULL); }
static int put_over(store *s) { return put(s, "/plain", "2", NULL); }
static int put_parents(store *s) { return put(s, "/x/y/z", "1", REQUEST(.flags = STORE_PARENTS)); }
static int put_large_new(store *s) { return put_large(s, "/new", 'n', NULL); }
static int put_chunk(store *s) { return store_put(NULL, s, "/chunk", large, 20000, NULL); }
static int put_large_over(store *s) { return put_large(s, "/large", 'n', NULL); }
static int put_dry(store *s) { return put(s, "/x/y", "1", REQUEST(.flags = STORE_PARENTS | STORE_DRY_RUN)); }
static int put_typed(store *s) { return put(s, "/people/eve", "{\"email\":\"e@x\"}", NULL); }
static int put_array(store *s) { return put(s, "/log", "[{},{\"text\":\"x\"},{}]", NULL); }

static int put_typed_large(store *s)
{
    memset(large, 'x', 100000);
    memcpy(large, "{\"text\":\"", 9);
    memcpy(large + 99998, "\"}", 2);
    return store_put(NULL, s, "/log/1", large, 100000, REQUEST(.flags = STORE_REPLACE));
}

static int put_value(store *s)
{
    json_t *value = json_pack("{s:s}", "email", "j@x");
    int rc = store_put_json(NULL, s, "/people/jay", value, NULL);

    json_decref(value);
    return rc;
}

static int put_link(store *s) { return store_put_link(NULL, s, "/link2", "dir", NULL); }

static int patch(store *s, const char *location, store_patch_kind kind, const char *body, unsigned flags)
{
    store_answer answer;

    return finish(store_patch(&answer, s, location, kind, body, strlen(body), REQUEST(.flags = flags)), &answer);
}

static int patch_merge(store *s)
{
    return patch(s, "/people/ada", STORE_PATCH_MERGE, "{\"email\":\"z@x\",\"tags\":null}", 0);
}

static int patch_json(store *s)
{
    return patch(s, "/people/ada", STORE_PATCH_JSON,
                 "[{\"op\":\"add\",\"path\":\"/tags/-\",\"value\":\"z\"},{\"op\":\"move\",\"from\":\"/tags/0\",\"path\":\"/tags/1\"}]", 0);
}

static int patch_property(store *s) { return patch(s, "/people/ada/tags", STORE_PATCH_MERGE, "[\"q\"]", 0); }
static int patch_key(store *s) { return patch(s, "/people/ada", STORE_PATCH_MERGE, "{\"name\":\"zoe\"}", 0); }
static int patch_insert(store *s) { return patch(s, "/people/eve", STORE_PATCH_MERGE, "{\"age\":1}", STORE_INSERT); }

static int patch_many(store *s)
{
    return patch(s, "/people", STORE_PATCH_MERGE, "{\"name\":[\"ada\",\"bob\"],\"age\":5}", 0);
}

static int patch_partial(store *s)
{
    return patch(s, "/people", STORE_PATCH_MERGE, "{\"name\":[\"ada\",\"none\",\"bob\"],\"age\":5}", STORE_PARTIAL);
}

static int range_small(store *s) { return store_patch_range(NULL, s, "/plain", 3, "XYZ", 3, NULL); }
static int range_of_chunks(store *s) { return store_patch_range(NULL, s, "/large", 60000, large, 20000, NULL); }
static int range_in_place(store *s) { return store_patch_range(NULL, s, "/large", 70000, "XYZ", 3, NULL); }
static int range_shared(store *s) { return store_patch_range(NULL, s, "/shared", 70000, "XYZ", 3, NULL); }
static int range_beyond(store *s) { return store_patch_range(NULL, s, "/plain", 150000, "XYZ", 3, NULL); }

static int resize_small(store *s) { return store_resize(NULL, s, "/plain", 3, NULL); }
static int resize_longer(store *s) { return store_resize(NULL, s, "/plain", 300000, NULL); }
static int resize_shorter(store *s) { return store_resize(NULL, s, "/dir/large", 100000, NULL); }
static int resize_shared(store *s) { return store_resize(NULL, s, "/shared", 70000, NULL); }

static int post(store *s, const char *location, const char *body)
{
    store_answer answer;

    return finish(store_post(&answer, s, location, body, strlen(body), NULL), &answer);
}

static int post_typed(store *s) { return post(s, "/people", "[{\"name\":\"ada\",\"age\":9},{\"name\":\"new\"}]"); }
static int post_plain(store *s) { return post(s, "/dir", "posted"); }
static int delete_object(store *s) { return store_delete(NULL, s, "/large", NULL); }
static int delete_typed(store *s) { return store_delete(NULL, s, "/people/ada", NULL); }
static int delete_property(store *s) { return store_delete(NULL, s, "/people/ada/email", NULL); }
static int delete_last(store *s) { return store_delete(NULL, s, "/log/2", NULL); }

static int delete_tree(store *s)
{
    return store_delete(NULL, s, "/dir", REQUEST(.flags = STORE_RECURSIVE));
}

static int move_object(store *s) { return store_move(NULL, s, "/large", "/dir/moved", NULL); }
static int move_over(store *s) { return store_move(NULL, s, "/plain", "/large", REQUEST(.flags = STORE_REPLACE)); }
static int move_tree(store *s) { return store_move(NULL, s, "/dir", "/elsewhere", NULL); }
static int move_typed(store *s) { return store_move(NULL, s, "/people/ada", "/people/zoe", NULL); }
static int move_name(store *s) { return store_move(NULL, s, "/named", "/dir/named", NULL); }

static int exchange_typed(store *s)
{
    return store_move(NULL, s, "/people/ada", "/people/bob", REQUEST(.flags = STORE_EXCHANGE));
}

static int exchange_name(store *s) { return store_move(NULL, s, "/named", "/large", REQUEST(.flags = STORE_EXCHANGE)); }
static int link_first(store *s) { return store_link(NULL, s, "/large", "/x/y", REQUEST(.flags = STORE_PARENTS)); }
static int link_more(store *s) { return store_link(NULL, s, "/named", "/dir/named", NULL); }
static int put_named(store *s) { return put_large(s, "/named", 'n', NULL); }
static int delete_name(store *s) { return store_delete(NULL, s, "/named", NULL); }
static int put_special(store *s) { return store_put_special(NULL, s, "/fifo", S_IFIFO, 0, NULL); }

static int find_named(store *s)
{
    store_stat stat;
    char *location;
    int rc = store_stat_get(&stat, s, "/named", NULL);

    if (rc == STORE_OK)
        rc = store_location_of(&location, s, stat.id, NULL);
    if (rc == STORE_OK)
        store_free(location);
    return rc;
}

static int copy_object(store *s) { return store_copy(NULL, s, "/large", "/dir/copied", NULL); }
static int copy_tree(store *s) { return store_copy(NULL, s, "/dir", "/elsewhere", NULL); }
static int copy_typed(store *s) { return store_copy(NULL, s, "/people", "/folk", NULL); }

static int make(store *s)
{
    store_answer answer;

    return finish(store_make_collection(&answer, s, "/m/n", REQUEST(.flags = STORE_PARENTS)), &answer);
}

static int set(store *s)
{
    const store_attributes attributes = { .mask = STORE_ATTR_MODE, .mode = 0600 };

    return store_set(NULL, s, "/plain", REQUEST(.type = "text/html", .attributes = &attributes));
}

static int set_meta(store *s) { return store_meta_set(NULL, s, "/large", "taste", "sour", 4, NULL); }
static int drop_meta(store *s) { return store_meta_set(NULL, s, "/plain", "colour", NULL, 0, NULL); }
static int define_new(store *s) { return store_define(NULL, s, "/def", PEOPLE, strlen(PEOPLE), NULL); }

static int define_full(store *s)
{
    return store_define(NULL, s, "/people", PEOPLE_BY_AGE, strlen(PEOPLE_BY_AGE), NULL);
}

static int define_plain(store *s) { return store_define(NULL, s, "/people", NULL, 0, NULL); }

static int write_stream(store *s, const char *location, size_t size, bool range)
{
    store_writer *writer;
    store_answer answer;
    int rc = range ? store_writer_open_range(&writer, s, location, 1000, NULL)
                   : store_writer_open(&writer, s, location, REQUEST(.type = "text/x-stream"));

    if (rc != STORE_OK)
        return rc;
    memset(large, 's', sizeof large);
    for (size_t at = 0; at < size && rc == STORE_OK; at += size / 2)
        rc = store_writer_write(writer, large, size / 2);
    if (rc == STORE_OK)
        rc = finish(store_writer_commit(&answer, writer), &answer);
    store_writer_close(writer);
    return rc;
}

static int stream_large(store *s) { return write_stream(s, "/streamed", LARGE, false); }
static int stream_small(store *s) { return write_stream(s, "/streamed", 100, false); }
static int stream_range(store *s) { return write_stream(s, "/large", LARGE, true); }

static int abandon_stream(store *s)
{
    store_writer *writer;
    int rc = store_writer_open(&writer, s, "/streamed", NULL);

    if (rc == STORE_OK) {
        rc = store_writer_write(writer, large, LARGE);
        store_writer_close(writer);
    }
    return rc;
}

/* Writes over what went to the file already, reads it back. */
static int rework_stream(store *s)
{
    enum { FAR = 10 << 20 };
    store_writer *writer;
    char back[100];
    size_t got;
    int rc = store_writer_open(&writer, s, "/streamed", NULL);

    if (rc != STORE_OK)
        return rc;
    memset(large, 's', sizeof large);
    for (size_t at = 0; at < FAR && rc == STORE_OK; at += LARGE)
        rc = store_writer_write(writer, large, LARGE);
    rc = rc ? rc : store_writer_write_at(writer, 70000, "XYZ", 3);
    rc = rc ? rc : store_writer_write_at(writer, 2 * FAR, "XYZ", 3);
    rc = rc ? rc : store_writer_read(&got, writer, back, sizeof back, 69990);
    rc = rc ? rc : store_writer_commit(NULL, writer);
    store_writer_close(writer);
    return rc;
}

static int keep_version(store *s)
{
    store_reader *reader;
    uint64_t begin, end;
    int rc = store_reader_open(&reader, s, "/large", NULL);

    if (rc != STORE_OK)
        return rc;
    rc = store_reader_extent(&begin, &end, reader, 0);
    rc = rc ? rc : store_reader_keep(reader);
    store_reader_close(reader);
    return rc;
}

static int room(store *s)
{
    store_room room;

    return store_room_get(&room, s);
}

static int several_changes(store *s)
{
    store_txn *txn;
    int rc = store_begin(&txn, s, false);

    if (rc != STORE_OK)
        return rc;
    for (uint64_t at = 0; at < 150000 && rc == STORE_OK; at += 30000)
        rc = store_patch_range(NULL, s, "/dir/large", at, large, 20000, REQUEST(.txn = txn));
    rc = rc ? rc : store_patch_range(NULL, s, "/dir/large", 5, "XYZ", 3, REQUEST(.txn = txn));
    rc = rc ? rc : store_resize(NULL, s, "/dir/large", 80000, REQUEST(.txn = txn));
    rc = rc ? rc : store_patch_range(NULL, s, "/dir/large", 400000, "XYZ", 3, REQUEST(.txn = txn));
    if (rc == STORE_OK)
        return store_commit(txn);
    store_abort(txn);
    return rc;
}

static int several(store *s)
{
    store_txn *txn;
    int rc = store_begin(&txn, s, false);

    if (rc != STORE_OK)
        return rc;
    rc = put(s, "/t/one", "1", REQUEST(.txn = txn, .flags = STORE_PARENTS));
    rc = rc ? rc : put_large(s, "/t/two", 't', REQUEST(.txn = txn));
    rc = rc ? rc : put(s, "/people/eve", "{}", REQUEST(.txn = txn));
    rc = rc ? rc : store_delete(NULL, s, "/large", REQUEST(.txn = txn));
    if (rc == STORE_OK)
        return store_commit(txn);
    store_abort(txn);
    return rc;
}

/* ---------------------------------------------------------------- reading */

static int get(store *s)
{
    static const char *const locations[] = { "/plain", "/large", "/people/ada", "/people/ada/tags/1", "/log/2" };
    void *body;
    size_t size;
    int rc = STORE_OK;

    for (size_t i = 0; i < sizeof locations / sizeof *locations && rc == STORE_OK; i++) {
        rc = store_get(&body, &size, NULL, s, locations[i], NULL);
        store_free(body);
    }
    return rc;
}

static int get_value(store *s)
{
    json_t *value;
    int rc = store_get_json(&value, NULL, s, "/people/ada", NULL);

    json_decref(value);
    return rc;
}

static int view(store *s)
{
    static const char *const locations[] = { "/plain", "/large", "/people/ada/age" };
    store_view seen;
    int rc = STORE_OK;

    for (size_t i = 0; i < 3 && rc == STORE_OK; i++) {
        rc = store_view_open(&seen, s, locations[i], NULL);
        if (rc == STORE_OK)
            store_view_close(&seen);
    }
    return rc;
}

static int read_stream(store *s)
{
    static const char *const locations[] = { "/plain", "/large", "/people/ada/age" };
    store_reader *reader;
    size_t got = 1;
    int rc = STORE_OK;

    for (size_t i = 0; i < 3 && rc == STORE_OK; i++) {
        rc = store_reader_open(&reader, s, locations[i], NULL);
        if (rc != STORE_OK)
            return rc;
        while (rc == STORE_OK && got > 0)
            rc = store_reader_read(&got, reader, large, 70000);
        store_reader_close(reader);
        got = 1;
    }
    return rc != STORE_OK ? rc : store_read(&got, s, "/large", large, 100, 65000, NULL);
}

static int metadata(store *s)
{
    store_meta *items;
    void *value;
    size_t size;
    int rc = store_meta_get(&value, &size, s, "/plain", "colour", NULL);

    store_free(value);
    if (rc == STORE_OK)
        rc = store_meta_list(&items, &size, s, "/plain", NULL);
    if (rc == STORE_OK)
        store_free(items);
    return rc;
}

static int definition(store *s)
{
    char *text;
    size_t size;
    int rc = store_definition_get(&text, &size, s, "/people", NULL);

    store_free(text);
    if (rc == STORE_OK)
        rc = store_locate(&text, s, "/people", "{\"name\":\"ada\"}", 14, NULL);
    if (rc == STORE_OK)
        store_free(text);
    return rc;
}

static int list(store *s, const char *location, const store_list_options *options)
{
    store_entry entry;
    store_iter *iter;
    int rc = store_iter_open(&iter, s, location, options);

    while (rc == STORE_OK)
        rc = store_iter_next(&entry, iter);
    if (iter != NULL)
        store_iter_close(iter);
    return rc == STORE_END ? STORE_OK : rc;
}

static int list_plain(store *s) { return list(s, "/", LIST(.bodies = true, .reverse = true)); }
static int list_typed(store *s) { return list(s, "/people", LIST(.order_by = "email", .bodies = true)); }

static int list_where(store *s)
{
    const store_field email = { "email", "a@x" };

    return list(s, "/people", LIST(.where = &email, .where_count = 1));
}

static int find(store *s)
{
    const store_field email = { "email", "b@x" };
    char *location;
    int rc = store_find(&location, s, "/people", &email, 1, NULL);

    store_free(location);
    return rc;
}

static int follow(store *s)
{
    store_change change;
    store_feed *feed;
    int rc = store_feed_open(&feed, s, "/people", 0);

    if (rc != STORE_OK)
        return rc;
    while (rc == STORE_OK)
        rc = store_feed_next(&change, feed, 0);
    store_feed_close(feed);
    return rc == STORE_TIMEOUT ? STORE_OK : rc;
}

static int read_in_transaction(store *s)
{
    store_stat stat;
    store_txn *txn;
    int rc = store_begin(&txn, s, true);

    if (rc != STORE_OK)
        return rc;
    rc = store_stat_get(&stat, s, "/people/ada", WITHIN(txn));
    if (rc != STORE_OK) {
        store_abort(txn);
        return rc;
    }
    return store_commit(txn);
}

/* --------------------------------------------------------- administration */

static int count(store *s)
{
    store_reader_info *readers;
    store_stats stats;
    size_t number;
    int rc = store_stats_get(&stats, s);

    if (rc == STORE_OK)
        rc = store_readers(&readers, &number, s);
    if (rc == STORE_OK)
        store_free(readers);
    return rc;
}

static int no_finding(const store_finding *finding, void *payload)
{
    (void)finding;
    *(bool *)payload = true;
    return 0;
}

static int check(store *s)
{
    store_check_report report;
    bool found = false;
    int rc = store_check(&report, s, 0, no_finding, &found);

    return rc == STORE_OK && found ? STORE_CORRUPT : rc;
}

void script_remove(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    rmdir(path);
}

/* Fails with key_conflict when a failed one left anything. */
static int backup(store *s)
{
    char target[1024];
    int rc;

    snprintf(target, sizeof target, "%s-backup", store_path(s));
    rc = store_backup(s, target, NULL, NULL);
    if (rc == STORE_OK)
        script_remove(target);
    return rc;
}

#define STEP(function) { #function, function, false }

const struct step SCRIPT[] = {
    STEP(put_new), STEP(put_over), STEP(put_parents), STEP(put_large_new), STEP(put_large_over), STEP(put_chunk),
    STEP(put_dry),
    STEP(put_typed), STEP(put_array), STEP(put_typed_large), STEP(put_value), STEP(put_link), STEP(patch_merge),
    STEP(patch_json), STEP(patch_property), STEP(patch_key), STEP(patch_insert), STEP(patch_many),
    { "patch_partial", patch_partial, true }, STEP(range_small), STEP(range_in_place), STEP(range_of_chunks), STEP(range_shared),
    STEP(range_beyond), STEP(resize_small), STEP(resize_longer), STEP(resize_shorter), STEP(resize_shared),
    STEP(rework_stream), STEP(keep_version), STEP(room), STEP(several_changes), STEP(post_typed), STEP(post_plain), STEP(delete_object), STEP(delete_typed),
    STEP(delete_property), STEP(delete_last), STEP(delete_tree), STEP(move_object), STEP(move_over), STEP(move_tree),
    STEP(move_typed), STEP(move_name), STEP(exchange_typed), STEP(exchange_name), STEP(link_first), STEP(link_more),
    STEP(put_named), STEP(delete_name), STEP(put_special), STEP(find_named),
    STEP(copy_object), STEP(copy_tree), STEP(copy_typed), STEP(make), STEP(set), STEP(set_meta),
    STEP(drop_meta), STEP(define_new), STEP(define_full), STEP(define_plain), STEP(stream_large), STEP(stream_small),
    STEP(stream_range), STEP(abandon_stream), STEP(several), STEP(get), STEP(get_value), STEP(view),
    STEP(read_stream), STEP(metadata), STEP(definition), STEP(list_plain), STEP(list_typed), STEP(list_where),
    STEP(find), STEP(follow), STEP(read_in_transaction), STEP(count), STEP(check), STEP(backup),
};

const size_t SCRIPT_SIZE = sizeof SCRIPT / sizeof *SCRIPT;
