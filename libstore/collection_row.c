/* collection_row.c - the row of a collection in its own scope, and the way up from it. */
#include "collection_row.h"

#include <errno.h>
#include <string.h>

#include "tree_cache.h"

#define ROW_HEADER 24 /* parent, time, subcollections; the name follows */

static void row_key(struct key *out, uint64_t id)
{
    key_begin(out, id, KIND_COLLECTION);
}

static int row_put(struct txn *txn, uint64_t id, const struct collection_row *row)
{
    unsigned char bytes[ROW_HEADER + ENGINE_KEY_MAX];
    struct key key;

    memcpy(bytes, &row->parent, sizeof row->parent);
    memcpy(bytes + 8, &row->time, sizeof row->time);
    memcpy(bytes + 16, &row->subcollections, sizeof row->subcollections);
    memcpy(bytes + ROW_HEADER, row->name.data, row->name.size);
    row_key(&key, id);
    return engine_put(&txn->engine, key_slice(&key), slice_of(bytes, ROW_HEADER + row->name.size));
}

int collection_row_get(struct collection_row *out, struct snapshot *snapshot, uint64_t id)
{
    struct slice value;
    struct key key;
    int rc;

    *out = (struct collection_row){ .name = slice_of("", 0) };
    row_key(&key, id);
    rc = engine_get(snapshot, key_slice(&key), &value);
    if (rc != STORE_OK)
        return rc;
    if (value.size < ROW_HEADER || value.size > ROW_HEADER + STORE_NAME_MAX)
        return problem(STORE_CORRUPT, "the row of collection %016llx is damaged", (unsigned long long)id);
    memcpy(&out->parent, value.data, sizeof out->parent);
    memcpy(&out->time, (const char *)value.data + 8, sizeof out->time);
    memcpy(&out->subcollections, (const char *)value.data + 16, sizeof out->subcollections);
    out->name = slice_of((const char *)value.data + ROW_HEADER, value.size - ROW_HEADER);
    return STORE_OK;
}

static void name_place(struct collection_row *row, const struct key *entry)
{
    row->parent = get_be64(entry->bytes);
    row->name = slice_of(entry->bytes + SCOPE_PREFIX, entry->size - SCOPE_PREFIX);
}

int collection_row_make(struct txn *txn, uint64_t id, const struct key *entry)
{
    struct collection_row row = { .time = COLLECTION_UNTOUCHED };

    name_place(&row, entry);
    return row_put(txn, id, &row);
}

int collection_row_move(struct txn *txn, uint64_t id, const struct key *entry)
{
    struct collection_row row;
    int rc = collection_row_get(&row, &txn->engine.view, id);

    if (rc == ENGINE_ABSENT)
        return collection_row_make(txn, id, entry);
    if (rc != STORE_OK)
        return rc;
    name_place(&row, entry);
    return row_put(txn, id, &row);
}

/* ------------------------------------------------------------- the way up */

static int gone(uint64_t id)
{
    return problem(STORE_NOT_FOUND, "there is no collection with the id %016llx", (unsigned long long)id);
}

/* Where collection `id` is, and that it is there: a deleted one keeps its row until it is reclaimed. */
static int step_up(struct collection_row *row, struct record *record, struct view *view, uint64_t id)
{
    struct key entry;
    int rc = collection_row_get(row, view->snapshot, id);

    if (rc != STORE_OK)
        return rc == ENGINE_ABSENT ? gone(id) : rc;
    tree_entry_key(&entry, row->parent, row->name);
    rc = tree_record_at(record, view, &entry);
    if (rc == ENGINE_ABSENT || (rc == STORE_OK && (record->kind != NODE_COLLECTION || record->id != id)))
        return gone(id);
    return rc;
}

/* Puts `text` before what is in `space` from `*at` on. */
static bool prepend(char *space, size_t *at, const void *text, size_t size)
{
    if (*at < size)
        return false;
    *at -= size;
    memcpy(space + *at, text, size);
    return true;
}

int collection_location(struct slice *out, struct record *record, char *space, struct view *view, uint64_t id)
{
    const struct cached *known = NULL;
    size_t at = STORE_LOCATION_MAX;
    struct collection_row row;
    struct record above;
    bool fits = true;
    int rc = step_up(&row, record, view, id);

    space[at] = '\0';
    while (rc == STORE_OK && fits && !known && row.parent != SCOPE_STORE) {
        fits = prepend(space, &at, row.name.data, row.name.size) && prepend(space, &at, "/", 1);
        known = cache_find_id(view->cache, row.parent);
        if (known)
            fits = fits && prepend(space, &at, known->path, known->size);
        else
            rc = step_up(&row, &above, view, row.parent);
    }
    if (rc == STORE_OK && !fits)
        rc = problem_os(STORE_BAD_LOCATION, ENAMETOOLONG, "the location of the collection is longer than %d bytes",
                        STORE_LOCATION_MAX);
    *out = slice_of(space + at, STORE_LOCATION_MAX - at);
    return rc;
}
