/* feed.c - reading the change log in order, and waiting for more of it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "layout.h"
#include "location.h"
#include "txn.h"

#define PAGE 256        /* changes read in one snapshot */
#define RECHECK_MS 1000 /* a process that dies between its commit and its wake-up costs this much */

struct store_feed {
    store *store;
    char *location;
    struct slice filter;   /* the location without a trailing slash; "" for everything */
    uint64_t since;        /* everything up to here has been given out, or is in the page */
    struct buffer page;    /* changes read, with their texts */
    size_t at;
    _Atomic bool stop;
};

/* A change in the page: this header, the location and NUL, `from` and NUL. */
struct paged {
    store_change change;
    size_t location_size, from_size;
};

int store_feed_open(store_feed **out, store *s, const char *location, uint64_t since)
{
    store_feed *feed;
    struct location parsed;
    int rc;

    store_enter();
    *out = NULL;
    location = location ? location : "/";
    rc = location_parse(&parsed, location);
    if (rc != STORE_OK)
        return rc;
    feed = calloc(1, sizeof *feed);
    if (feed)
        feed->location = strdup(location);
    if (!feed || !feed->location) {
        free(feed);
        return problem(STORE_NO_MEMORY, "no memory for a feed");
    }
    feed->store = s;
    feed->filter = slice_of(feed->location, parsed.names ? parsed.text.size : 0);
    feed->since = since;
    *out = feed;
    return STORE_OK;
}

/* What happens to a collection as a whole stands for all below it. */
static bool concerns(const store_feed *feed, const struct change_item *item)
{
    bool whole = item->kind == STORE_COLLECTION && item->outcome != STORE_UPDATED;

    if (feed->filter.size == 0 || location_within(item->location, feed->filter))
        return true;
    if (item->from.size && (location_within(item->from, feed->filter) ||
                            (whole && location_within(feed->filter, item->from))))
        return true;
    return whole && location_within(feed->filter, item->location);
}

static void append(store_feed *feed, const struct change_item *item, int64_t time)
{
    struct paged paged = {
        .change = { .version = item->version, .outcome = item->outcome, .kind = item->kind, .time = time },
        .location_size = item->location.size,
        .from_size = item->from.size,
    };

    buffer_append(&feed->page, &paged, sizeof paged);
    buffer_append(&feed->page, item->location.data, item->location.size);
    buffer_append(&feed->page, "", 1);
    buffer_append(&feed->page, item->from.data, item->from.size);
    buffer_append(&feed->page, "", 1);
}

/* The items of one row after `since`. */
static int read_row(store_feed *feed, struct slice value, int *count)
{
    struct change_row row;
    struct change_item item;
    int state;

    if (!change_row_read(&row, value))
        return problem(STORE_CORRUPT, "a row of the change log is damaged");
    while ((state = change_item_next(&item, &row)) == 1) {
        if (item.version <= feed->since)
            continue;
        feed->since = item.version;
        if (!concerns(feed, &item))
            continue;
        append(feed, &item, row.time);
        ++*count;
    }
    if (state < 0)
        return problem(STORE_CORRUPT, "a row of the change log is damaged");
    return feed->page.failed ? problem(STORE_NO_MEMORY, "no memory for a feed") : STORE_OK;
}

static uint64_t first_version(struct slice key)
{
    return key.size == SCOPE_PREFIX + 8 ? get_be64((const char *)key.data + SCOPE_PREFIX) : 0;
}

/* What is lost when the oldest row kept begins after `since`. */
static void note_gap(store_feed *feed, uint64_t oldest)
{
    struct change_item gap = { .version = oldest - 1, .outcome = STORE_GAP, .location = feed->filter };

    if (oldest <= 1 || feed->since + 1 >= oldest)
        return;
    if (gap.location.size == 0)
        gap.location = slice_text("/");
    gap.kind = STORE_COLLECTION;
    append(feed, &gap, clock_now());
    feed->since = oldest - 1;
}

static int read_rows(store_feed *feed, struct engine_cursor *cursor)
{
    struct key prefix, from;
    struct slice found, value;
    int count = 0, rc;

    key_begin(&prefix, SCOPE_STORE, KIND_LOG);
    rc = engine_seek(cursor, key_slice(&prefix), &found, &value);
    if (rc == STORE_OK && key_has_prefix(found, &prefix))
        note_gap(feed, first_version(found));
    from = prefix;
    key_add_u64(&from, feed->since + 1);
    /* The row that holds since + 1 may begin before it. */
    rc = engine_seek_before(cursor, key_slice(&from), &found, &value);
    if (rc == STORE_OK && key_has_prefix(found, &prefix))
        rc = read_row(feed, value, &count);
    if (rc >= 0)
        rc = engine_seek(cursor, key_slice(&from), &found, &value);
    while (rc == STORE_OK && key_has_prefix(found, &prefix)) {
        rc = read_row(feed, value, &count);
        if (rc == STORE_OK && count >= PAGE)
            break;
        if (rc == STORE_OK)
            rc = engine_next(cursor, &found, &value);
    }
    return rc < 0 ? rc : STORE_OK;
}

static int read_page(store_feed *feed)
{
    struct engine_cursor cursor;
    struct snapshot *snapshot;
    int rc;

    buffer_clear(&feed->page);
    feed->at = 0;
    rc = engine_snapshot(&snapshot, feed->store->objects);
    if (rc != STORE_OK)
        return rc;
    rc = engine_cursor_open(&cursor, snapshot);
    if (rc == STORE_OK) {
        rc = read_rows(feed, &cursor);
        engine_cursor_close(&cursor);
    }
    engine_snapshot_end(snapshot);
    return rc;
}

static bool next_paged(store_change *out, store_feed *feed)
{
    const char *at = feed->page.data + feed->at;
    struct paged paged;

    if (feed->at >= feed->page.size)
        return false;
    memcpy(&paged, at, sizeof paged);
    at += sizeof paged;
    *out = paged.change;
    out->location = at;
    out->from = paged.from_size ? at + paged.location_size + 1 : NULL;
    feed->at += sizeof paged + paged.location_size + paged.from_size + 2;
    return true;
}

int store_feed_next(store_change *out, store_feed *feed, int timeout_ms)
{
    int64_t until = clock_monotonic() / 1000000 + timeout_ms;

    store_enter();
    *out = (store_change){ 0 };
    if (next_paged(out, feed))
        return STORE_OK;
    for (;;) {
        /* The word first: a commit after the page was read then ends the wait at once. */
        uint32_t word = shared_wake_word(feed->store->shared);
        int64_t left = timeout_ms < 0 ? RECHECK_MS : until - clock_monotonic() / 1000000;
        int rc;
        if (atomic_load(&feed->stop))
            return STORE_END;
        rc = read_page(feed);
        if (rc != STORE_OK)
            return rc;
        if (next_paged(out, feed))
            return STORE_OK;
        if (left <= 0)
            return STORE_TIMEOUT;
        shared_wait(feed->store->shared, word, left < RECHECK_MS ? (int)left : RECHECK_MS);
    }
}

void store_feed_stop(store_feed *feed)
{
    atomic_store(&feed->stop, true);
    shared_wake(feed->store->shared);
}

void store_feed_close(store_feed *feed)
{
    if (!feed)
        return;
    buffer_release(&feed->page);
    free(feed->location);
    free(feed);
}

int store_last_version(uint64_t *out, store *s)
{
    struct snapshot *snapshot;
    int rc;

    store_enter();
    *out = 0;
    rc = engine_snapshot(&snapshot, s->objects);
    if (rc != STORE_OK)
        return rc;
    rc = change_last_version(out, snapshot);
    engine_snapshot_end(snapshot);
    return rc;
}
