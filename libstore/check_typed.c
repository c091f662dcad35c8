/* check_typed.c - objects of typed collections against their schema, key and index rows. */
#include "check.h"

#include <string.h>
#include <xxhash.h>

#include "body.h"
#include "index.h"
#include "typed.h"

/* ------------------------------------------------------------------- body */

/* The object's text. `*readable` is false when it is not: that was reported with its chunks. */
static int read_text(struct slice *out, bool *readable, struct check *check, struct buffer *space,
                     const struct record *record)
{
    bool hole = false;
    int rc;

    *out = record->body;
    *readable = !(record->flags & RECORD_CHUNKED);
    if (*readable || check->shallow || record->size > STORE_JSON_MAX)
        return STORE_OK;
    buffer_clear(space);
    if (!buffer_reserve(space, record->size))
        return check_no_memory();
    rc = body_read(check->objects, check->bodies, record, 0, space->data, record->size, &hole);
    *out = slice_of(space->data, record->size);
    *readable = rc == STORE_OK && !hole;
    return rc == STORE_CORRUPT ? STORE_OK : rc;
}

static int violation(struct check *check, const char *location)
{
    const struct store_problem *found = store_problem_last();

    if (found->violation_count > 0)
        return check_finding(check, "schema_violation", location, false, "%s: %s (%zu in all)",
                             found->violations[0].pointer, found->violations[0].detail,
                             found->violation_count + found->violations_dropped);
    return check_finding(check, "schema_violation", location, false, "%s", found->detail);
}

/* Whether the object's key properties make the key that it stands at. */
static bool key_agrees(const struct definition *definition, struct doc *doc, struct slice entry)
{
    struct key_value values[KEY_PARTS_MAX];
    unsigned char bytes[ENGINE_KEY_MAX];
    size_t size, column;

    if (definition->key.count == 0)
        return true;
    if (key_columns_read(&definition->key, doc, doc->root, values, &column) != KEY_FOUND)
        return false;
    size = key_bytes_write(bytes, sizeof bytes, values, definition->key.count);
    return size != SIZE_MAX && slice_equal(slice_of(bytes, size), entry);
}

/* ------------------------------------------------------------- index rows */

/* The index rows of the object at `entry` as it is stored; none if it cannot be told. */
static int rows_at(struct index_rows *out, bool *readable, struct check *check,
                   const struct check_collection *collection, struct slice entry)
{
    struct buffer space = BUFFER_INIT;
    struct doc doc = DOC_INIT;
    struct record record;
    struct slice row, text;
    struct key key;
    int rc;

    *out = (struct index_rows){ 0 };
    *readable = false;
    tree_entry_key(&key, collection->id, entry);
    rc = engine_get(check->objects, key_slice(&key), &row);
    if (rc == STORE_OK && record_read(&record, row.data, row.size, true) == RECORD_OK)
        rc = read_text(&text, readable, check, &space, &record);
    if (rc == STORE_OK && *readable) {
        rc = typed_parse(&doc, text.data, text.size);
        if (rc == STORE_OK)
            rc = index_rows_of(out, collection->definition, collection->id, &doc, doc.root);
        *readable = rc == STORE_OK;
        rc = rc == STORE_NO_MEMORY ? rc : STORE_OK;
    }
    doc_release(&doc);
    buffer_release(&space);
    return rc;
}

static bool holds(const struct index_rows *rows, struct slice key)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].present && slice_equal(key_slice(&rows->rows[i].key), key))
            return true;
    return false;
}

/* Whether the object at `entry` has a right to the index row: then two objects have one key. */
static int rightful(bool *out, struct check *check, const struct check_collection *collection, struct slice entry,
                    struct slice key)
{
    struct index_rows rows = { 0 };
    bool readable;
    int rc = entry.size > ENGINE_KEY_MAX - SCOPE_PREFIX ? ENGINE_ABSENT
                                                        : rows_at(&rows, &readable, check, collection, entry);

    *out = rc == STORE_OK && (!readable || holds(&rows, key));
    index_rows_release(&rows);
    return rc < 0 ? rc : STORE_OK;
}

enum row_state { ROW_RIGHT, ROW_MISSING, ROW_WRONG, ROW_CONFLICT };

/* What the index has for one key of the object at `entry`. */
static int look_up(enum row_state *out, struct check *check, const struct check_collection *collection,
                   const struct index_row *row, struct slice entry)
{
    const struct slice expected = slice_of(row->overflow, row->overflow ? row->overflow_size : 0);
    struct slice value, holder, overflow;
    bool right = false;
    int rc = engine_get(check->objects, key_slice(&row->key), &value);

    *out = ROW_MISSING;
    if (rc != STORE_OK)
        return rc < 0 ? rc : STORE_OK;
    *out = ROW_WRONG;
    if (!index_row_read(&holder, &overflow, value))
        return STORE_OK;
    if (slice_equal(holder, entry)) {
        *out = slice_equal(overflow, expected) ? ROW_RIGHT : ROW_WRONG;
        return STORE_OK;
    }
    rc = rightful(&right, check, collection, holder, key_slice(&row->key));
    if (right)
        *out = ROW_CONFLICT;
    return rc;
}

static int mend_row(struct check *check, const struct index_row *row, struct slice entry)
{
    struct index_row copy = *row;
    const struct index_rows one = { .count = 1, .rows = &copy };

    check->mended = true;
    return index_update(&check->txn, NULL, slice_of(NULL, 0), &one, entry);
}

static int check_index_row(struct check *check, struct check_collection *collection, const struct index_row *row,
                           size_t index, struct slice entry, const char *location)
{
    const char *label = collection->definition->unique[index].label;
    uint64_t hash = XXH3_64bits(row->key.bytes, row->key.size);
    enum row_state state;
    bool repaired;
    int rc = look_up(&state, check, collection, row, entry);

    repaired = check->repair && state != ROW_CONFLICT;
    if (rc == STORE_OK && state != ROW_RIGHT && repaired)
        rc = mend_row(check, row, entry);
    if (rc != STORE_OK)
        return rc;
    collection->index_matched += state == ROW_RIGHT || repaired;
    switch (state) {
    case ROW_RIGHT:
        return STORE_OK;
    case ROW_MISSING:
        return check_finding(check, "index_missing", location, repaired, "the unique key %s has no row", label);
    case ROW_WRONG:
    case ROW_CONFLICT:
        break;
    }
    if (idset_add(&check->mismatched, hash) == IDSET_NO_MEMORY)
        return check_no_memory();
    return check_finding(check, "index_mismatch", location, repaired, "the row of the unique key %s %s", label,
                         state == ROW_CONFLICT ? "is another object's, which has the same value"
                                               : "is not this object's");
}

static int check_index_rows(struct check *check, struct check_collection *collection, struct doc *doc,
                            struct slice entry, const char *location)
{
    struct index_rows rows = { 0 };
    int rc;

    if (collection->definition->unique_count == 0)
        return STORE_OK;
    rc = index_rows_of(&rows, collection->definition, collection->id, doc, doc->root);
    if (rc == STORE_INVALID_VALUE)
        rc = violation(check, location);
    for (size_t i = 0; i < rows.count && rc == STORE_OK; i++)
        if (rows.rows[i].present)
            rc = check_index_row(check, collection, &rows.rows[i], i, entry, location);
    index_rows_release(&rows);
    return rc;
}

int check_typed(struct check *check, struct check_collection *collection, struct slice entry,
                const struct record *record, const char *location)
{
    struct doc *doc = &check->doc;
    struct slice text;
    bool readable;
    int rc = STORE_OK;

    if (record->size > STORE_JSON_MAX)
        return check_finding(check, "schema_violation", location, false,
                             "it is larger than a typed object can be");
    rc = read_text(&text, &readable, check, &check->space, record);
    if (rc != STORE_OK || !readable)
        return rc;
    doc_clear(doc);
    rc = typed_parse(doc, text.data, text.size);
    if (rc == STORE_OK)
        rc = typed_require_object(doc, doc->root);
    if (rc == STORE_BAD_BODY)
        return violation(check, location);
    if (rc == STORE_OK)
        rc = typed_validate(doc, doc->root, collection->definition, "");
    if (rc == STORE_INVALID_VALUE)
        rc = violation(check, location);
    if (rc == STORE_OK && !key_agrees(collection->definition, doc, entry))
        rc = check_finding(check, "schema_violation", location, false,
                           "its key properties (%s) do not make its key", collection->definition->key.label);
    return rc == STORE_OK ? check_index_rows(check, collection, doc, entry, location) : rc;
}

/* --------------------------------------------- index rows of nobody's */

/* Rows of which no object said that they are its own. */
static int check_left_over(struct check *check, const struct check_collection *collection, const struct key *key,
                           struct slice value, const char *location)
{
    struct slice holder, overflow;
    bool repaired = false, right = false;
    bool known = key->bytes[SCOPE_PREFIX] < collection->definition->unique_count;
    struct key entry;
    int rc = ENGINE_ABSENT;

    if (idset_has(&check->mismatched, XXH3_64bits(key->bytes, key->size)))
        return STORE_OK;
    if (known && index_row_read(&holder, &overflow, value) && holder.size <= ENGINE_KEY_MAX - SCOPE_PREFIX) {
        tree_entry_key(&entry, collection->id, holder);
        rc = check_row_exists(check->objects, &entry);
        if (rc == STORE_OK)
            rc = rightful(&right, check, collection, holder, key_slice(key));
    }
    if (rc < 0 || right)
        return rc < 0 ? rc : STORE_OK;
    bool dangling = rc == ENGINE_ABSENT;
    rc = check_del(check, key_slice(key), &repaired);
    if (rc != STORE_OK)
        return rc;
    return check_finding(check, dangling ? "index_dangling" : "index_mismatch", location, repaired, "%s",
                         dangling ? "a row of a unique key refers to no object"
                                  : "a row of a unique key refers to an object that has another value");
}

int check_index(struct check *check, const struct check_collection *collection, const char *location)
{
    struct check_rows rows;
    struct key prefix;
    int rc;

    if (!collection->definition)
        return check_finding(check, "row_unknown", location, false, "a plain collection has index rows");
    key_begin(&prefix, collection->id, KIND_UNIQUE);
    check_rows_begin(&rows, check, &prefix);
    while ((rc = check_rows_next(&rows)) == STORE_OK) {
        rc = rows.at.size > SCOPE_PREFIX ? check_left_over(check, collection, &rows.at, rows.value, location)
                                         : STORE_OK;
        if (rc != STORE_OK)
            break;
    }
    check_rows_end(&rows);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}
