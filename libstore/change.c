/* change.c - writing, trimming and decoding the change log. */
#include "change.h"

#include <limits.h>
#include <string.h>

#include "layout.h"

#define LOG_FORMAT 1
#define ROW_HEADER 17
#define ITEM_HEADER 14
#define ROW_MAX 1900       /* so that a row stays inside a leaf page */
#define TRIM_EVERY 1024u   /* versions between two trims */
#define TRIM_ROWS 4096     /* rows that one trim takes at most */
#define LOST_VERSIONS (UINT64_C(1) << 32) /* more than a power failure costs */

int change_note(struct txn *txn, uint64_t version, store_outcome outcome, store_kind kind, const char *location,
                const char *from)
{
    uint16_t location_size = (uint16_t)strlen(location);
    uint16_t from_size = from ? (uint16_t)strlen(from) : 0;
    unsigned char header[ITEM_HEADER];

    memcpy(header, &version, 8);
    header[8] = (unsigned char)outcome;
    header[9] = (unsigned char)kind;
    memcpy(header + 10, &location_size, 2);
    memcpy(header + 12, &from_size, 2);
    buffer_append(&txn->changes, header, sizeof header);
    buffer_append(&txn->changes, location, location_size);
    if (from_size)
        buffer_append(&txn->changes, from, from_size);
    return txn->changes.failed ? problem(STORE_NO_MEMORY, "no memory for the change log") : STORE_OK;
}

bool change_row_read(struct change_row *out, struct slice row)
{
    const unsigned char *at = row.data;

    if (row.size < ROW_HEADER || at[0] != LOG_FORMAT)
        return false;
    memcpy(&out->time, at + 1, 8);
    memcpy(&out->last_version, at + 9, 8);
    out->items = slice_of(at + ROW_HEADER, row.size - ROW_HEADER);
    return true;
}

int change_item_next(struct change_item *out, struct change_row *row)
{
    const unsigned char *at = row->items.data;
    uint16_t location_size, from_size;
    size_t size;

    if (row->items.size == 0)
        return 0;
    if (row->items.size < ITEM_HEADER)
        return -1;
    memcpy(&out->version, at, 8);
    out->outcome = at[8];
    out->kind = at[9];
    memcpy(&location_size, at + 10, 2);
    memcpy(&from_size, at + 12, 2);
    size = (size_t)ITEM_HEADER + location_size + from_size;
    if (row->items.size < size)
        return -1;
    out->location = slice_of(at + ITEM_HEADER, location_size);
    out->from = slice_of(at + ITEM_HEADER + location_size, from_size);
    row->items = slice_of(at + size, row->items.size - size);
    return 1;
}

static int write_row(struct txn *txn, const char *items, size_t size)
{
    uint64_t last = txn->next_version - 1;
    struct key key;
    uint64_t first;
    unsigned char *row;
    void *space;
    int rc;

    memcpy(&first, items, 8);
    key_begin(&key, SCOPE_STORE, KIND_LOG);
    key_add_u64(&key, first);
    rc = engine_reserve(&txn->engine, key_slice(&key), ROW_HEADER + size, false, &space);
    if (rc != STORE_OK)
        return rc;
    row = space;
    row[0] = LOG_FORMAT;
    memcpy(row + 1, &txn->now, 8);
    memcpy(row + 9, &last, 8);
    memcpy(row + ROW_HEADER, items, size);
    return STORE_OK;
}

/* Drops rows that begin before the version `keep`, at most so many. */
static int drop_rows(struct txn *txn, uint64_t keep, int most)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct key prefix;
    int rows = 0, rc;

    key_begin(&prefix, SCOPE_STORE, KIND_LOG);
    rc = engine_cursor_open(&cursor, &txn->engine.view);
    if (rc != STORE_OK)
        return rc;
    rc = engine_seek(&cursor, key_slice(&prefix), &found, &value);
    while (rc == STORE_OK && rows++ < most && key_has_prefix(found, &prefix) &&
           found.size == SCOPE_PREFIX + 8 && get_be64((const char *)found.data + SCOPE_PREFIX) < keep) {
        rc = engine_cursor_del(&txn->engine, &cursor);
        if (rc == STORE_OK)
            rc = engine_next(&cursor, &found, &value);
    }
    engine_cursor_close(&cursor);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

/* Drops the rows that begin more than log_limit versions ago. */
static int trim(struct txn *txn)
{
    uint64_t limit = txn->store->log_limit;

    return drop_rows(txn, txn->next_version > limit ? txn->next_version - limit : 0, TRIM_ROWS);
}

int change_restart(struct txn *txn)
{
    int rc = drop_rows(txn, UINT64_MAX, INT_MAX);

    txn->next_version += LOST_VERSIONS;
    return rc == STORE_OK ? change_note(txn, txn_version(txn), STORE_UPDATED, STORE_COLLECTION, "/", NULL) : rc;
}

int change_log(struct txn *txn)
{
    struct change_row rest = { .items = slice_of(txn->changes.data, txn->changes.size) };
    const char *begin = txn->changes.data;
    struct change_item item;
    int rc = STORE_OK;

    if (txn->changes.size == 0)
        return STORE_OK;
    if (txn->next_version / TRIM_EVERY != txn->first_version / TRIM_EVERY) {
        rc = trim(txn);
        if (rc != STORE_OK)
            return rc;
    }
    while (rc == STORE_OK && rest.items.size > 0) {
        const char *before = rest.items.data;
        change_item_next(&item, &rest);
        if ((size_t)((const char *)rest.items.data - begin) > ROW_MAX && before != begin) {
            rc = write_row(txn, begin, (size_t)(before - begin));
            begin = before;
        }
    }
    if (rc == STORE_OK)
        rc = write_row(txn, begin, (size_t)(txn->changes.data + txn->changes.size - begin));
    return rc;
}

int change_last_version(uint64_t *out, struct snapshot *snapshot)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct change_row row;
    struct key prefix, after;
    int rc;

    *out = 0;
    key_begin(&prefix, SCOPE_STORE, KIND_LOG);
    after = key_after_prefix(&prefix);
    rc = engine_cursor_open(&cursor, snapshot);
    if (rc != STORE_OK)
        return rc;
    rc = engine_seek_before(&cursor, key_slice(&after), &found, &value);
    if (rc == STORE_OK && key_has_prefix(found, &prefix)) {
        if (change_row_read(&row, value))
            *out = row.last_version;
        else
            rc = problem(STORE_CORRUPT, "the change log's last row is damaged");
    }
    engine_cursor_close(&cursor);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}
