/* names.c - the rows of nodes with several names: written, moved, dropped, followed. */
#include "names.h"

#include <string.h>

#include "body.h"
#include "collection_row.h"
#include "node.h"

/* ------------------------------------------------------------------- keys */

void names_node_key(struct key *out, uint64_t id)
{
    key_begin(out, SCOPE_STORE, KIND_NODE);
    key_add_u64(out, id);
}

void names_row_key(struct key *out, uint64_t id, struct slice entry)
{
    names_node_key(out, id);
    key_add(out, entry.data, 8);
    key_add(out, (const char *)entry.data + SCOPE_PREFIX, entry.size - SCOPE_PREFIX);
}

bool names_entry_key(struct key *out, struct slice row)
{
    const size_t head = SCOPE_PREFIX + 8;
    const char *at = (const char *)row.data + head;

    if (row.size <= head + 8)
        return false;
    tree_entry_key(out, get_be64(at), slice_of(at + 8, row.size - head - 8));
    return true;
}

/* ------------------------------------------------------------------ count */

uint64_t names_count(const struct record *record)
{
    uint64_t count = 0;
    struct slice value;

    if (!record->named)
        return 1;
    if (attribute_find(record->attributes, ATTRIBUTE_NAMES, slice_of("", 0), &value) && value.size == sizeof count)
        memcpy(&count, value.data, sizeof count);
    return count;
}

void names_append_count(struct buffer *section, uint64_t count)
{
    attribute_append(section, ATTRIBUTE_NAMES, slice_of("", 0), slice_of(&count, sizeof count));
}

static int recount(struct txn *txn, const struct record *record, uint64_t count, uint64_t version)
{
    struct record counted = *record;
    struct buffer section = BUFFER_INIT;
    struct key key;
    int rc = metadata_build(&section, record->attributes, &request_default);

    names_append_count(&section, count);
    if (rc == STORE_OK && section.failed)
        rc = problem(STORE_NO_MEMORY, "no memory for a record");
    counted.attributes = slice_of(section.data, section.size);
    names_node_key(&key, record->id);
    if (rc == STORE_OK)
        rc = node_rewrite(txn, &key, &counted, version);
    buffer_release(&section);
    return rc;
}

int names_recount(struct txn *txn, const struct record *record, uint64_t count)
{
    return recount(txn, record, count, record->version);
}

/* ------------------------------------------------------------------ names */

int names_put(struct txn *txn, uint64_t id, uint64_t version, const struct key *entry)
{
    const struct record name = { .kind = NODE_NAME, .id = id, .version = version };
    unsigned char bytes[RECORD_HEADER];
    struct key key;
    int rc;

    record_write(bytes, &name);
    names_row_key(&key, id, key_slice(entry));
    rc = engine_put(&txn->engine, key_slice(entry), slice_of(bytes, sizeof bytes));
    return rc == STORE_OK ? engine_put(&txn->engine, key_slice(&key), slice_of("", 0)) : rc;
}

int names_link(struct txn *txn, const struct target *existing, const struct record *record, const struct key *entry,
              uint64_t version)
{
    uint64_t id = record->id;
    bool first = !record->named;
    int rc = recount(txn, record, names_count(record) + 1, version);

    if (rc == STORE_OK && first)
        rc = names_put(txn, id, version, &existing->key);
    return rc == STORE_OK ? names_put(txn, id, version, entry) : rc;
}

int names_move(struct txn *txn, const struct record *record, const struct key *from, const struct key *to)
{
    struct key key;
    int rc;

    names_row_key(&key, record->id, key_slice(from));
    rc = engine_del(&txn->engine, key_slice(&key));
    return rc < 0 ? rc : names_put(txn, record->id, record->version, to);
}

int names_drop(struct txn *txn, uint64_t id, struct slice entry)
{
    struct view view = view_of_txn(txn);
    struct record record;
    struct key key;
    bool last;
    int rc;

    names_row_key(&key, id, entry);
    rc = engine_del(&txn->engine, key_slice(&key));
    if (rc < 0)
        return rc;
    names_node_key(&key, id);
    rc = tree_record_at(&record, &view, &key);
    if (rc != STORE_OK)
        return rc == ENGINE_ABSENT ? STORE_OK : rc;
    record.named = true;
    last = names_count(&record) <= 1;
    if (!last)
        return names_recount(txn, &record, names_count(&record) - 1);
    rc = record.flags & RECORD_CHUNKED ? body_release(txn, record.body_id) : STORE_OK;
    return rc == STORE_OK ? engine_del(&txn->engine, key_slice(&key)) : rc;
}

/* --------------------------------------------------------------- the way back */

int names_location(char *out, struct view *view, uint64_t id)
{
    struct engine_cursor cursor;
    struct slice row, value;
    struct key prefix, entry;
    bool several;
    int rc = engine_cursor_open(&cursor, view->snapshot), found = STORE_NOT_FOUND;

    if (rc != STORE_OK)
        return rc;
    names_node_key(&prefix, id);
    rc = engine_seek(&cursor, key_slice(&prefix), &row, &value);
    several = rc == STORE_OK && key_has_prefix(row, &prefix);
    while (rc == STORE_OK && found == STORE_NOT_FOUND && key_has_prefix(row, &prefix)) {
        if (names_entry_key(&entry, row))
            found = collection_entry_location(out, view, key_slice(&entry));
        rc = engine_next(&cursor, &row, &value);
    }
    engine_cursor_close(&cursor);
    if (rc < 0 || !several)
        return rc < 0 ? rc : ENGINE_ABSENT;
    return found;
}
