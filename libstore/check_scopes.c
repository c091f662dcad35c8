/* check_scopes.c - collections that are in no other: deleted ones, and orphans. */
#include "check.h"

#include <string.h>
#include <unistd.h>

#include "change.h"
#include "collection_row.h"
#include "node.h"
#include "tree.h"

#define LOST "lost+found"

static size_t id_count(const struct buffer *list)
{
    return list->size / sizeof(uint64_t);
}

static uint64_t id_at(const struct buffer *list, size_t index)
{
    uint64_t id;

    memcpy(&id, list->data + index * sizeof id, sizeof id);
    return id;
}

static int id_append(struct buffer *list, uint64_t id)
{
    buffer_append(list, &id, sizeof id);
    return list->failed ? check_no_memory() : STORE_OK;
}

/* ------------------------------------------------------ deleted collections */

static int list_garbage(struct buffer *out, struct check *check)
{
    struct check_rows rows;
    struct key prefix;
    int rc;

    key_begin(&prefix, SCOPE_STORE, KIND_GARBAGE);
    key_add_byte(&prefix, GARBAGE_COLLECTION);
    check_rows_begin(&rows, check, &prefix);
    while ((rc = check_rows_next(&rows)) == STORE_OK) {
        if (rows.at.size == prefix.size + 8)
            rc = id_append(out, get_be64(rows.at.bytes + prefix.size));
        if (rc != STORE_OK)
            break;
    }
    check_rows_end(&rows);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

/* A collection that is in use must not be reclaimed. */
static int check_unused(struct check *check, uint64_t id)
{
    bool repaired = false;
    struct key key;
    int rc;

    if (!idset_has(&check->scopes, id))
        return STORE_OK;
    key_garbage(&key, GARBAGE_COLLECTION, id);
    rc = check_del(check, key_slice(&key), &repaired);
    return rc == STORE_OK ? check_finding(check, "garbage_referenced", NULL, repaired,
                                          "collection %016llx is to be reclaimed and is in use",
                                          (unsigned long long)id) : rc;
}

/* What is below deleted collections refers to bodies until it is reclaimed. */
int check_garbage_collections(struct check *check)
{
    struct buffer list = BUFFER_INIT;
    int rc = list_garbage(&list, check);

    for (size_t i = 0; i < id_count(&list) && rc == STORE_OK; i++)
        rc = check_unused(check, id_at(&list, i));
    check->discarded = true;
    for (size_t i = 0; i < id_count(&list) && rc == STORE_OK; i++)
        if (!idset_has(&check->scopes, id_at(&list, i)))
            rc = check_walk(check, id_at(&list, i));
    check->discarded = false;
    buffer_release(&list);
    return rc;
}

/* ---------------------------------------------------------------- orphans */

/* The scopes that no walk has come to. */
static int list_orphans(struct buffer *out, struct check *check)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct key next;
    uint64_t scope = SCOPE_STORE;
    int rc = engine_cursor_open(&cursor, check->objects);

    if (rc != STORE_OK)
        return rc;
    next.size = 8;
    while (rc == STORE_OK && scope != UINT64_MAX) {
        put_be64(next.bytes, scope + 1);
        rc = engine_seek(&cursor, key_slice(&next), &found, &value);
        if (rc != STORE_OK || found.size < 8)
            break; /* a key so short is reported as an unknown row */
        scope = get_be64(found.data);
        if (!idset_has(&check->scopes, scope))
            rc = id_append(out, scope);
    }
    engine_cursor_close(&cursor);
    return rc < 0 ? rc : STORE_OK;
}

/* Adds the collections in `scope` to `held`, and says whether it has any entry. */
static int look_into(struct idset *held, bool *empty, struct check *check, uint64_t scope)
{
    struct check_rows rows;
    struct record record;
    struct key prefix;
    int rc;

    *empty = true;
    key_begin(&prefix, scope, KIND_ENTRY);
    check_rows_begin(&rows, check, &prefix);
    while ((rc = check_rows_next(&rows)) == STORE_OK) {
        *empty = false;
        if (record_read(&record, rows.value.data, rows.value.size, true) == RECORD_OK &&
            record.kind == NODE_COLLECTION && record.id != scope &&
            idset_add(held, record.id) == IDSET_NO_MEMORY) {
            rc = check_no_memory();
            break;
        }
    }
    check_rows_end(&rows);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

int check_attach(struct check *check, const struct key *key, uint64_t collection, uint64_t version)
{
    struct txn *txn = &check->txn;
    struct record record = { .kind = NODE_COLLECTION, .mode = 0755, .id = collection, .created = txn->now,
                             .modified = txn->now, .uid = geteuid(), .gid = getegid() };
    struct target target = { .key = *key };
    struct key definition;
    int rc;

    key_begin(&definition, collection, KIND_DEFINITION);
    rc = check_row_exists(check->objects, &definition);
    if (rc < 0)
        return rc;
    record.flags = rc == STORE_OK ? RECORD_TYPED : 0;
    check->mended = true;
    rc = node_rewrite(txn, &target.key, &record, version);
    return rc == STORE_OK ? collection_row_move(txn, collection, key) : rc;
}

int check_lost_and_found(uint64_t *id, struct check *check)
{
    struct txn *txn = &check->txn;
    struct target target = { 0 };
    struct record record;
    struct slice row;
    struct key definition;
    int rc;

    *id = 0;
    key_begin(&definition, ROOT_ID, KIND_DEFINITION);
    rc = check_row_exists(check->objects, &definition);
    if (rc != ENGINE_ABSENT)
        return rc < 0 ? rc : STORE_OK; /* a typed root takes no collections */
    rc = tree_target_in(&target, slice_of("", 0), ROOT_ID, NULL, slice_text(LOST));
    if (rc == STORE_OK)
        rc = engine_get(check->objects, key_slice(&target.key), &row);
    if (rc == ENGINE_ABSENT) {
        *id = txn->next_version;
        check->mended = true;
        return node_make_collection(txn, &target, &request_default, NULL);
    }
    if (rc == STORE_OK && record_read(&record, row.data, row.size, true) == RECORD_OK &&
        record.kind == NODE_COLLECTION && !(record.flags & RECORD_TYPED))
        *id = record.id;
    return rc;
}

static int attach_orphan(bool *attached, struct check *check, uint64_t lost, uint64_t orphan)
{
    struct txn *txn = &check->txn;
    struct target target = { 0 };
    char name[17], location[STORE_LOCATION_MAX + 1];
    uint64_t version;
    int rc;

    store_version_text(name, orphan);
    rc = tree_target_in(&target, slice_text("/" LOST), lost, NULL, slice_text(name));
    if (rc == STORE_OK)
        rc = check_row_exists(check->objects, &target.key);
    *attached = rc == ENGINE_ABSENT;
    if (rc != ENGINE_ABSENT)
        return rc;
    version = txn_version(txn);
    rc = collection_touch(txn, lost, 1);
    if (rc == STORE_OK)
        rc = check_attach(check, &target.key, orphan, version);
    if (rc == STORE_OK)
        rc = tree_location(location, &target);
    return rc == STORE_OK ? change_note(txn, version, STORE_CREATED, STORE_COLLECTION, location, NULL) : rc;
}

/* One that holds nothing can go; any other comes back, where it can be looked at. */
static int mend_orphan(bool *mended, struct check *check, uint64_t orphan, bool empty)
{
    uint64_t lost;
    struct key key;
    int rc;

    *mended = false;
    if (!check->repair)
        return STORE_OK;
    if (empty) {
        key_garbage(&key, GARBAGE_COLLECTION, orphan);
        return check_put(check, key_slice(&key), slice_of("", 0), mended);
    }
    rc = check_lost_and_found(&lost, check);
    return rc == STORE_OK && lost != 0 ? attach_orphan(mended, check, lost, orphan) : rc;
}

static int report_orphan(struct check *check, uint64_t orphan)
{
    struct idset held = IDSET_INIT;
    bool empty, mended;
    int rc = look_into(&held, &empty, check, orphan);

    idset_release(&held);
    if (rc == STORE_OK)
        rc = mend_orphan(&mended, check, orphan, empty);
    if (rc != STORE_OK)
        return rc;
    return check_finding(check, "collection_orphan", NULL, mended, "collection %016llx is in no collection%s",
                         (unsigned long long)orphan,
                         !mended ? "" : empty ? ": it was empty" : ": it is in /" LOST " now");
}

/* Walks an orphan and all below it: its bodies are referred to. */
static int walk_orphan(struct check *check, uint64_t orphan)
{
    int rc;

    if (idset_has(&check->scopes, orphan))
        return STORE_OK;
    buffer_clear(&check->path);
    check->hidden = true;
    rc = check_walk(check, orphan);
    check->hidden = false;
    return rc;
}

int check_orphans(struct check *check)
{
    struct buffer orphans = BUFFER_INIT, tops = BUFFER_INIT;
    struct idset held = IDSET_INIT;
    bool empty;
    int rc = list_orphans(&orphans, check);
    size_t count = id_count(&orphans);

    for (size_t i = 0; i < count && rc == STORE_OK; i++)
        rc = look_into(&held, &empty, check, id_at(&orphans, i));
    /* First those that no other orphan holds; what is left then holds itself in a circle. */
    for (size_t i = 0; i < 2 * count && rc == STORE_OK; i++) {
        uint64_t orphan = id_at(&orphans, i % count);
        if (idset_has(&check->scopes, orphan) || (i < count && idset_has(&held, orphan)))
            continue;
        check_id(check, orphan);
        rc = walk_orphan(check, orphan);
        if (rc == STORE_OK)
            rc = id_append(&tops, orphan);
    }
    check_begin_versions(check); /* all records have been seen now */
    for (size_t i = 0; i < id_count(&tops) && rc == STORE_OK; i++)
        rc = report_orphan(check, id_at(&tops, i));
    idset_release(&held);
    buffer_release(&orphans);
    buffer_release(&tops);
    return rc;
}
