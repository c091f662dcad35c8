/* collection_row.c - the row of a collection in its own scope, and the way up from it. */
#include "collection_row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree_cache.h"

#define ROW_HEADER 24 /* parent, time, subcollections; the name follows */

static void row_key(struct key *out, uint64_t id)
{
    key_begin(out, id, KIND_COLLECTION);
}

int collection_row_put(struct txn *txn, uint64_t id, const struct collection_row *row)
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
    return collection_row_put(txn, id, &row);
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
    return collection_row_put(txn, id, &row);
}

/* ---------------------------------------------------------------- touches */

static size_t touch_count(const struct txn *txn)
{
    return txn->touches.size / sizeof(struct touch);
}

static struct touch touch_at(const struct txn *txn, size_t index)
{
    struct touch touch;

    memcpy(&touch, txn->touches.data + index * sizeof touch, sizeof touch);
    return touch;
}

/* Most are of the collection of the one before. */
static int add_touch(struct txn *txn, uint64_t scope, int subcollections, int64_t time)
{
    size_t count = touch_count(txn);
    struct touch touch = { scope, subcollections, time, count };
    struct touch last = count > 0 ? touch_at(txn, count - 1) : (struct touch){ 0 };

    if (count > 0 && last.scope == scope) {
        last.subcollections += subcollections;
        last.time = time;
        memcpy(txn->touches.data + (count - 1) * sizeof last, &last, sizeof last);
        return STORE_OK;
    }
    buffer_append(&txn->touches, &touch, sizeof touch);
    return txn->touches.failed ? problem(STORE_NO_MEMORY, "no memory for a transaction") : STORE_OK;
}

int collection_touch(struct txn *txn, uint64_t scope, int subcollections)
{
    return scope == SCOPE_STORE ? STORE_OK : add_touch(txn, scope, subcollections, txn->now);
}

int collection_set_time(struct txn *txn, uint64_t id)
{
    return add_touch(txn, id, 0, COLLECTION_UNTOUCHED);
}

static void apply_touch(struct collection_row *row, const struct touch *touch)
{
    row->subcollections += (uint64_t)touch->subcollections;
    row->time = touch->time;
}

int collection_row_now(struct collection_row *out, const struct view *view, uint64_t id)
{
    int rc = collection_row_get(out, view->snapshot, id);

    for (size_t i = 0; rc == STORE_OK && view->txn && i < touch_count(view->txn); i++) {
        struct touch touch = touch_at(view->txn, i);
        if (touch.scope == id)
            apply_touch(out, &touch);
    }
    return rc;
}

static int by_scope(const void *a, const void *b)
{
    const struct touch *first = a, *second = b;

    if (first->scope != second->scope)
        return first->scope < second->scope ? -1 : 1;
    return first->order < second->order ? -1 : 1;
}

/* The touches of one collection, which stand together from `*index` on; it may be gone by now. */
static int flush_collection(struct txn *txn, size_t *index)
{
    struct touch touch = touch_at(txn, *index);
    uint64_t scope = touch.scope;
    struct collection_row row;
    int rc = collection_row_get(&row, &txn->engine.view, scope);

    do {
        apply_touch(&row, &touch);
        if (++*index < touch_count(txn))
            touch = touch_at(txn, *index);
    } while (*index < touch_count(txn) && touch.scope == scope);
    if (rc != STORE_OK)
        return rc == ENGINE_ABSENT ? STORE_OK : rc;
    return collection_row_put(txn, scope, &row);
}

int collection_flush(struct txn *txn)
{
    int rc = STORE_OK;

    if (touch_count(txn) > 1)
        qsort(txn->touches.data, touch_count(txn), sizeof(struct touch), by_scope);
    for (size_t i = 0; i < touch_count(txn) && rc == STORE_OK;)
        rc = flush_collection(txn, &i);
    buffer_clear(&txn->touches);
    return rc;
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

int collection_entry_location(char *out, struct view *view, struct slice key)
{
    struct slice rest = slice_of((const char *)key.data + SCOPE_PREFIX, key.size - SCOPE_PREFIX), parent;
    char space[STORE_LOCATION_MAX + 1], name[STORE_NAME_MAX + 1];
    const struct definition *definition;
    struct record collection;
    uint64_t scope;
    size_t size;
    int rc = collection_location(&parent, &collection, space, view, get_be64(key.data));

    if (rc == STORE_OK)
        rc = tree_collection(&scope, &definition, view, parent);
    if (rc == STORE_OK)
        rc = tree_entry_name(name, &size, definition, rest);
    return rc == STORE_OK ? tree_join(out, parent, slice_of(name, size)) : rc;
}
