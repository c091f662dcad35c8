/* lookup.c - from the id of a node to its location. */
#include <stdlib.h>
#include <string.h>

#include "collection_row.h"
#include "names.h"
#include "stat.h"

static bool is_node(struct slice key, struct slice value, uint64_t id)
{
    struct record record;

    return key.size > SCOPE_PREFIX && ((const char *)key.data)[8] == KIND_ENTRY &&
           record_read(&record, value.data, value.size, false) == RECORD_OK && record.id == id;
}

/* Goes through every collection, also those that wait to be reclaimed. */
static int search(char *out, struct view *view, uint64_t id)
{
    struct engine_cursor cursor;
    struct slice key, value;
    struct key first;
    int rc = engine_cursor_open(&cursor, view->snapshot), found = ENGINE_ABSENT;

    if (rc != STORE_OK)
        return rc;
    put_be64(first.bytes, ROOT_ID);
    first.size = 8;
    rc = engine_seek(&cursor, key_slice(&first), &key, &value);
    while (rc == STORE_OK && found == ENGINE_ABSENT) {
        if (is_node(key, value, id))
            found = collection_entry_location(out, view, key);
        if (found == STORE_NOT_FOUND)
            found = ENGINE_ABSENT;
        if (found == ENGINE_ABSENT)
            rc = engine_next(&cursor, &key, &value);
    }
    engine_cursor_close(&cursor);
    if (found == ENGINE_ABSENT && rc == ENGINE_ABSENT)
        return problem(STORE_NOT_FOUND, "there is no node with the id %016llx", (unsigned long long)id);
    return found == ENGINE_ABSENT ? rc : found;
}

static int location_of(char *out, struct view *view, uint64_t id)
{
    char space[STORE_LOCATION_MAX + 1];
    struct record record;
    struct slice found;
    int rc = collection_location(&found, &record, space, view, id);

    if (rc == STORE_OK)
        return tree_join(out, found, slice_of("", 0));
    if (rc == STORE_NOT_FOUND)
        rc = names_location(out, view, id);
    return rc == ENGINE_ABSENT ? search(out, view, id) : rc;
}

int store_location_of(char **location, store *s, uint64_t id, const store_get_options *options)
{
    char found[STORE_LOCATION_MAX + 1];
    struct view view;
    bool own;
    int rc;

    store_enter();
    *location = NULL;
    rc = get_options_check(&options);
    if (rc == STORE_OK && (options->base || options->if_id))
        rc = problem(STORE_BAD_ARGUMENT, "a node that is found by its id has no base and no other id");
    if (rc == STORE_OK)
        rc = view_open(&view, &own, s, options->txn);
    if (rc != STORE_OK)
        return rc;
    rc = location_of(found, &view, id);
    view_close(&view, own);
    if (rc != STORE_OK)
        return rc;
    problem_reset();
    *location = strdup(found);
    return *location ? STORE_OK : problem(STORE_NO_MEMORY, "no memory for a location");
}
