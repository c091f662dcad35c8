/* copy.c - COPY into plain collections: a node, and the rows of all collections below it. */
#include <stdlib.h>

#include "answer.h"
#include "change.h"
#include "move.h"

/* Collections whose rows are still to be copied. */
struct pending {
    uint64_t from, to;
    struct pending *next;
};

static int push(struct pending **list, uint64_t from, uint64_t to)
{
    struct pending *item = malloc(sizeof *item);

    if (!item)
        return problem(STORE_NO_MEMORY, "no memory to copy a collection");
    *item = (struct pending){ from, to, *list };
    *list = item;
    return STORE_OK;
}

/* One row of a collection's scope, to the scope of its copy. */
static int copy_row(struct txn *txn, uint64_t scope, struct slice key, struct slice value, struct pending **list)
{
    struct buffer row = BUFFER_INIT;
    struct view view = view_of_txn(txn);
    struct record record;
    struct key target;
    uint64_t id = 0, version;
    int rc;

    target.size = 0;
    key_add(&target, key.data, key.size);
    put_be64(target.bytes, scope);
    if (target.bytes[8] == KIND_COLLECTION)
        return STORE_OK; /* the copy has its own */
    if (target.bytes[8] != KIND_ENTRY) {
        buffer_append(&row, value.data, value.size); /* a write may move what is borrowed */
        rc = row.failed ? problem(STORE_NO_MEMORY, "no memory to copy a row")
                        : engine_put(&txn->engine, key_slice(&target), slice_of(row.data, row.size));
        buffer_release(&row);
        return rc;
    }
    if (record_read(&record, value.data, value.size, true) != RECORD_OK)
        return problem(STORE_CORRUPT, "a record below the collection is damaged");
    rc = tree_follow(&record, &view);
    if (rc == STORE_OK)
        rc = metadata_build(&row, record.attributes, &request_default); /* without the count of names */
    record.attributes = slice_of(row.data, row.size);
    if (rc == STORE_OK)
        rc = node_duplicate(txn, &target, &record, &id, &version);
    buffer_release(&row);
    return rc == STORE_OK && record.kind == NODE_COLLECTION ? push(list, record.id, id) : rc;
}

static int copy_scope(struct txn *txn, uint64_t from, uint64_t to, struct pending **list)
{
    struct slice found = { 0 }, value;
    struct engine_cursor cursor;
    struct key prefix, at;
    int rc = STORE_OK;

    put_be64(prefix.bytes, from);
    prefix.size = 8;
    at = prefix;
    while (rc == STORE_OK) {
        /* Anew for each row: the copies go into the same tree. */
        rc = engine_cursor_open(&cursor, &txn->engine.view);
        if (rc != STORE_OK)
            break;
        rc = engine_seek(&cursor, key_slice(&at), &found, &value);
        if (rc == STORE_OK && !key_has_prefix(found, &prefix))
            rc = ENGINE_ABSENT;
        if (rc == STORE_OK) {
            at.size = 0;
            key_add(&at, found.data, found.size);
            key_add_byte(&at, 0); /* the next possible key */
            rc = copy_row(txn, to, found, value, list);
        }
        engine_cursor_close(&cursor);
    }
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

static int copy_below(struct txn *txn, uint64_t from, uint64_t to)
{
    struct pending *list = NULL;
    int rc = push(&list, from, to);

    while (list) {
        struct pending item = *list;
        free(list);
        list = item.next;
        if (rc == STORE_OK)
            rc = copy_scope(txn, item.from, item.to, &list);
    }
    return rc;
}

int copy_node(struct txn *txn, const struct target *from, const struct target *to, const struct record *record,
              const struct move_operation *op)
{
    struct record twin = *record;
    struct buffer section = BUFFER_INIT;
    char location[STORE_LOCATION_MAX + 1];
    uint64_t source = record->id, id = op->request->id, version;
    int rc = metadata_build(&section, record->attributes, move_label(from, to, record));

    twin.attributes = slice_of(section.data, section.size);
    if (rc == STORE_OK)
        rc = node_duplicate(txn, &to->key, &twin, &id, &version);
    buffer_release(&section);
    if (rc == STORE_OK)
        rc = tree_location(location, to);
    if (rc == STORE_OK)
        rc = change_note(txn, version, STORE_CREATED, node_kind_of(twin.kind), location, NULL);
    if (rc == STORE_OK)
        rc = result_set(&op->operation.answer->one, STORE_CREATED, version, location, false);
    return rc == STORE_OK && twin.kind == NODE_COLLECTION ? copy_below(txn, source, id) : rc;
}
