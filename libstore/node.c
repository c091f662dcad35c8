/* node.c - writing, moving and removing the row of a node. */
#include "node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "body.h"
#include "change.h"
#include "collection_row.h"
#include "ids.h"
#include "names.h"

#define MODE_OBJECT 0644
#define MODE_COLLECTION 0755
#define MODE_LINK 0777

store_kind node_kind_of(enum node_kind kind)
{
    switch (kind) {
    case NODE_COLLECTION:
        return STORE_COLLECTION;
    case NODE_OBJECT:
        return STORE_OBJECT;
    case NODE_LINK:
        return STORE_LINK;
    case NODE_SPECIAL:
    case NODE_NAME: /* never by itself: what it stands for is followed to */
        break;
    }
    return STORE_SPECIAL;
}

int node_creatable(int code, const struct target *target)
{
    char detail[512];

    if (code != STORE_NOT_FOUND || target->location.text.size == 0)
        return code;
    snprintf(detail, sizeof detail, "%s", store_problem_last()->detail);
    return problem(STORE_BAD_LOCATION, "%s", detail);
}

int node_taken(const struct target *target)
{
    const struct key_columns *key = target->definition ? &target->definition->key : NULL;
    char location[STORE_LOCATION_MAX + 1], value[STORE_NAME_MAX + 1];
    int rc = tree_location(location, target);

    if (rc != STORE_OK)
        return rc;
    memcpy(value, target->name.data, target->name.size);
    value[target->name.size] = '\0';
    problem(STORE_KEY_CONFLICT, "%s exists already", location);
    problem_conflict(key && key->count ? key->label : "name", value, location);
    return STORE_KEY_CONFLICT;
}

/* ---------------------------------------------------------------- writing */

static uint32_t default_mode(enum node_kind kind)
{
    return kind == NODE_COLLECTION ? MODE_COLLECTION : kind == NODE_LINK ? MODE_LINK : MODE_OBJECT;
}

static void set_attributes(struct record *record, const struct node_change *change, const struct txn *txn)
{
    const store_attributes *given = change->request->attributes;
    unsigned mask = given ? given->mask : 0;

    if (!change->old) {
        record->mode = default_mode(change->kind);
        record->uid = geteuid();
        record->gid = getegid();
        record->created = txn->now;
    }
    if (!change->old || change->body || change->resized)
        record->modified = txn->now;
    record->changed = txn->now;
    if (mask & STORE_ATTR_MODE)
        record->mode = given->mode;
    if (mask & STORE_ATTR_OWNER)
        record->uid = given->uid;
    if (mask & STORE_ATTR_GROUP)
        record->gid = given->gid;
    if (mask & STORE_ATTR_MODIFIED)
        record->modified = given->modified;
    if (mask & STORE_ATTR_CHANGED)
        record->changed = given->changed;
}

/* A body that is too large for its record becomes one of the transaction's. */
static int stage_body(uint64_t *id, const struct body_source *body, struct txn *txn)
{
    int rc;

    if (body->size <= BODY_KEPT_MAX)
        rc = body_keep(id, txn, body->data, body->size);
    else
        rc = body_stage(id, txn->store, body->data, body->size);
    if (rc != STORE_OK)
        return rc;
    rc = txn_staged(txn, *id);
    if (rc != STORE_OK)
        body_take_back(txn, *id);
    return rc;
}

/* Decides where the new body goes. */
static int place_body(struct record *record, const struct body_source *body, struct txn *txn)
{
    uint64_t staged = body->staged;
    int rc;

    record->size = body->size;
    record->flags &= ~(unsigned)(RECORD_INLINE | RECORD_CHUNKED);
    if (!staged && RECORD_HEADER + record->attributes.size + body->size <= RECORD_INLINE_MAX) {
        record->flags |= RECORD_INLINE;
        record->body = slice_of(body->data, body->size);
        return STORE_OK;
    }
    if (!staged) {
        rc = stage_body(&staged, body, txn);
        if (rc != STORE_OK)
            return rc;
    }
    record->flags |= RECORD_CHUNKED;
    record->body_id = staged;
    record->body_generation = body->sparse ? GENERATION_SPARSE : GENERATION_UPLOAD;
    return STORE_OK;
}

/* Writes the record; the body `comes` is published, the body `leaves` released (0: none). The
 * record's slices may be borrowed from the row it replaces, so it is encoded before anything is
 * written. */
static int put_record(struct txn *txn, const struct key *key, const struct record *record, bool creates,
                      uint64_t comes, uint64_t leaves)
{
    char small[RECORD_INLINE_MAX];
    size_t size = record_size(record);
    char *bytes = size <= sizeof small ? small : malloc(size);
    void *space;
    int rc = STORE_OK;

    if (!bytes)
        return problem(STORE_NO_MEMORY, "no memory for a record");
    record_write(bytes, record);
    if (comes)
        rc = body_publish(txn, comes);
    if (rc == STORE_OK && leaves)
        rc = body_release(txn, leaves);
    if (rc == STORE_OK)
        rc = engine_reserve(&txn->engine, key_slice(key), size, creates, &space);
    if (rc == STORE_OK)
        memcpy(space, bytes, size);
    if (bytes != small)
        free(bytes);
    return rc;
}

/* The id of a new node is its version, unless one is wanted. */
static int choose_id(struct record *record, struct txn *txn, uint64_t wanted)
{
    struct collection_row row;
    int rc;

    record->id = wanted ? wanted : record->version;
    if (!wanted)
        return STORE_OK;
    rc = id_check(txn, wanted);
    if (rc != STORE_OK || record->kind != NODE_COLLECTION)
        return rc;
    rc = collection_row_get(&row, &txn->engine.view, wanted);
    if (rc == STORE_OK)
        return problem(STORE_BAD_ARGUMENT, "there is a collection with the id %016llx", (unsigned long long)wanted);
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}

static int announce(struct txn *txn, const struct target *target, const struct node_change *change,
                    uint64_t version, store_result *result)
{
    bool made = change->made || (!change->old && !change->replaces);
    store_outcome outcome = made ? STORE_CREATED : STORE_UPDATED;
    char location[STORE_LOCATION_MAX + 1], from[STORE_LOCATION_MAX + 1];
    int rc = tree_location(location, target);

    if (rc == STORE_OK && change->from)
        rc = tree_location(from, change->from);
    if (rc == STORE_OK && !change->silent)
        rc = change_note(txn, version, change->from ? STORE_MOVED : outcome, node_kind_of(change->kind), location,
                         change->from ? from : NULL);
    if (rc == STORE_OK && result)
        rc = result_set(result, outcome, version, location, change->completed);
    return rc;
}

/* What it means for the collections that the node comes to and from. */
static int touch_collections(struct txn *txn, const struct target *target, const struct node_change *change)
{
    int collections = change->kind == NODE_COLLECTION;
    int rc = STORE_OK;

    if (!change->old || change->from)
        rc = collection_touch(txn, target->scope, collections);
    return rc == STORE_OK && change->from ? collection_touch(txn, change->from->scope, -collections) : rc;
}

/* Writes the record: a node with several names has a row of its own, and its entry only if it moves. */
static int put_node(struct txn *txn, const struct target *target, const struct node_change *change,
                    const struct record *record, uint64_t leaves)
{
    uint64_t comes = change->body && record->flags & RECORD_CHUNKED ? record->body_id : 0;
    struct key key;
    int rc;

    if (!record->named)
        return put_record(txn, &target->key, record, !change->old, comes, leaves);
    names_node_key(&key, record->id);
    rc = put_record(txn, &key, record, false, comes, leaves);
    return rc == STORE_OK && change->from ? names_move(txn, record, &change->from->key, &target->key) : rc;
}

/* A collection that is new or came from elsewhere says itself where it is. */
static int place_collection(struct txn *txn, uint64_t id, const struct target *target,
                            const struct node_change *change)
{
    const store_attributes *given = change->request->attributes;
    int rc = STORE_OK;

    if (change->old && given && given->mask & STORE_ATTR_MODIFIED)
        rc = collection_set_time(txn, id);
    if (rc != STORE_OK)
        return rc;
    if (!change->old)
        return collection_row_make(txn, id, &target->key);
    return change->from ? collection_row_move(txn, id, &target->key) : STORE_OK;
}

int node_write(struct txn *txn, const struct target *target, const struct node_change *change, store_result *result)
{
    struct record record = change->old ? *change->old : (struct record){ .attributes = change->attributes };
    struct buffer section = BUFFER_INIT;
    uint64_t leaves = change->body && record.flags & RECORD_CHUNKED ? record.body_id : 0;
    bool creates = !change->old;
    int rc;

    record.kind = change->kind;
    record.flags = (record.flags & ~(unsigned)RECORD_TYPED) | (change->flags & RECORD_TYPED);
    rc = metadata_build(&section, record.attributes, change->request);
    if (record.named)
        names_append_count(&section, names_count(&record));
    if (rc == STORE_OK && section.failed)
        rc = problem(STORE_NO_MEMORY, "no memory for a record");
    if (rc != STORE_OK)
        goto out;
    set_attributes(&record, change, txn);
    record.attributes = slice_of(section.data, section.size);
    record.version = change->version ? change->version : txn_version(txn);
    if (creates)
        rc = choose_id(&record, txn, change->request->id);
    if (rc == STORE_OK && change->body)
        rc = place_body(&record, change->body, txn);
    if (change->resized) {
        record.size = change->size;
        record.body_generation = change->generation;
    }
    /* What can run out of memory comes before the write: see txn_guard. */
    if (rc == STORE_OK)
        rc = announce(txn, target, change, record.version, result);
    if (rc == STORE_OK)
        rc = touch_collections(txn, target, change);
    if (rc == STORE_OK)
        rc = put_node(txn, target, change, &record, leaves);
    if (rc == STORE_OK && record.kind == NODE_COLLECTION)
        rc = place_collection(txn, record.id, target, change);
out:
    buffer_release(&section);
    return rc;
}

int node_rewrite(struct txn *txn, const struct key *key, const struct record *record, uint64_t version)
{
    struct record moved = *record;

    moved.version = version;
    moved.changed = txn->now;
    return put_record(txn, key, &moved, false, 0, 0);
}

/* All times of a copy are now, also one of access that was set. */
static int renew_times(struct record *twin, struct buffer *section, int64_t now)
{
    const store_attributes attributes = { .mask = STORE_ATTR_ACCESSED, .accessed = now };
    const store_request request = { .version = STORE_REQUEST_VERSION, .attributes = &attributes };
    struct posix posix;
    int rc;

    twin->created = twin->modified = twin->changed = now;
    attribute_posix(&posix, twin->attributes);
    if (!(posix.flags & POSIX_ACCESSED))
        return STORE_OK;
    rc = metadata_build(section, twin->attributes, &request);
    twin->attributes = slice_of(section->data, section->size);
    return rc;
}

int node_duplicate(struct txn *txn, const struct key *key, const struct record *record, uint64_t *id,
                   uint64_t *version)
{
    struct record twin = *record;
    struct buffer section = BUFFER_INIT;
    int rc = renew_times(&twin, &section, txn->now);

    twin.named = false;
    *version = twin.version = txn_version(txn);
    if (rc == STORE_OK)
        rc = choose_id(&twin, txn, *id);
    *id = twin.id;
    if (rc == STORE_OK)
        rc = collection_touch(txn, get_be64(key->bytes), twin.kind == NODE_COLLECTION);
    if (rc == STORE_OK)
        rc = put_record(txn, key, &twin, true, 0, 0);
    buffer_release(&section);
    if (rc == STORE_OK && twin.flags & RECORD_CHUNKED)
        rc = body_retain(txn, twin.body_id);
    return rc == STORE_OK && twin.kind == NODE_COLLECTION ? collection_row_make(txn, twin.id, key) : rc;
}

/* --------------------------------------------------------------- removing */

static int auto_floor(int64_t *next, struct txn *txn, uint64_t scope);

/* An auto key is never assigned again: when the last one goes, remember how far it went. */
static int keep_floor(struct txn *txn, const struct target *target)
{
    int64_t next;
    struct key key;
    int rc;

    if (!target->definition || target->definition->order != ORDER_AUTO)
        return STORE_OK;
    rc = auto_floor(&next, txn, target->scope);
    if (rc != STORE_OK || target->values[0].integer < next - 1)
        return rc;
    key_begin(&key, target->scope, KIND_AUTO);
    return engine_put(&txn->engine, key_slice(&key), slice_of(&next, sizeof next));
}

int node_unlink(struct txn *txn, const struct target *target)
{
    int rc = keep_floor(txn, target);

    if (rc == STORE_OK)
        rc = engine_del(&txn->engine, key_slice(&target->key));
    return rc == ENGINE_ABSENT ? problem(STORE_CORRUPT, "a row vanished inside its transaction") : rc;
}

int node_remove(struct txn *txn, const struct target *target, const struct record *record)
{
    enum node_kind kind = record->kind;
    bool chunked = record->flags & RECORD_CHUNKED, named = record->named;
    uint64_t id = record->id, body = record->body_id;
    struct key key;
    int rc = collection_touch(txn, target->scope, -(kind == NODE_COLLECTION));

    if (rc == STORE_OK && named)
        rc = txn_guard(txn);
    if (rc == STORE_OK)
        rc = node_unlink(txn, target);
    if (rc == STORE_OK && named)
        return names_drop(txn, id, key_slice(&target->key));
    if (rc == STORE_OK && chunked)
        rc = body_release(txn, body);
    if (rc != STORE_OK || kind != NODE_COLLECTION)
        return rc;
    key_garbage(&key, GARBAGE_COLLECTION, id);
    txn->garbage = true;
    tree_changed(txn);
    return engine_put(&txn->engine, key_slice(&key), slice_of("", 0));
}

int node_check_empty(struct snapshot *snapshot, uint64_t collection, const char *location)
{
    struct engine_cursor cursor;
    struct slice found, value;
    struct key prefix;
    int rc = engine_cursor_open(&cursor, snapshot);

    if (rc != STORE_OK)
        return rc;
    key_begin(&prefix, collection, KIND_ENTRY);
    rc = engine_seek(&cursor, key_slice(&prefix), &found, &value);
    if (rc == STORE_OK && key_has_prefix(found, &prefix))
        rc = problem(STORE_NOT_EMPTY, "the collection %s is not empty", location);
    engine_cursor_close(&cursor);
    return rc < 0 ? rc : STORE_OK;
}

/* The key after every one that was ever there; INT64_MAX, which is never assigned, at the end of them. */
static int auto_floor(int64_t *next, struct txn *txn, uint64_t scope)
{
    static const enum key_type integer[1] = { KEY_INTEGER };
    struct engine_cursor cursor;
    struct slice found, value;
    struct key_value last;
    struct key prefix, after;
    char scratch[16];
    size_t used;
    int rc;

    *next = 1;
    key_begin(&prefix, scope, KIND_AUTO);
    rc = engine_get(&txn->engine.view, key_slice(&prefix), &value);
    if (rc < 0)
        return rc;
    if (rc == STORE_OK && value.size == sizeof *next)
        memcpy(next, value.data, sizeof *next);
    rc = engine_cursor_open(&cursor, &txn->engine.view);
    if (rc != STORE_OK)
        return rc;
    key_begin(&prefix, scope, KIND_ENTRY);
    after = key_after_prefix(&prefix);
    rc = engine_seek_before(&cursor, key_slice(&after), &found, &value);
    if (rc == STORE_OK && key_has_prefix(found, &prefix) &&
        key_bytes_parse(&last, integer, 1, (const char *)found.data + SCOPE_PREFIX, found.size - SCOPE_PREFIX,
                        scratch, &used) && last.integer >= *next)
        *next = last.integer == INT64_MAX ? INT64_MAX : last.integer + 1;
    engine_cursor_close(&cursor);
    return rc < 0 ? rc : STORE_OK;
}

int node_next_auto(int64_t *out, struct txn *txn, uint64_t scope)
{
    int rc = auto_floor(out, txn, scope);

    if (rc == STORE_OK && *out == INT64_MAX)
        return problem(STORE_INVALID_VALUE, "the collection has no key left to assign");
    return rc;
}

int node_unused_name(struct target *out, char *name, struct txn *txn, struct slice parent, uint64_t scope,
                     const struct definition *definition)
{
    struct slice value;
    int rc;

    for (;;) {
        store_version_text(name, txn->next_version);
        rc = tree_target_in(out, parent, scope, definition, slice_text(name));
        if (rc == STORE_OK)
            rc = engine_get(&txn->engine.view, key_slice(&out->key), &value);
        if (rc != STORE_OK)
            return rc == ENGINE_ABSENT ? STORE_OK : rc;
        txn_version(txn);
    }
}

/* ------------------------------------------------------------ collections */

int node_make_collection(struct txn *txn, const struct target *target, const store_request *request,
                         store_result *result)
{
    const struct node_change change = { .kind = NODE_COLLECTION, .request = request };

    if (target->definition)
        return problem(STORE_KIND_CONFLICT, "a typed collection holds objects only");
    return node_write(txn, target, &change, result);
}

/* Makes the collections on the way to the last name of `text` that are missing. */
static int make_parents(struct txn *txn, struct slice text)
{
    struct slice rest = text, name;
    char path[STORE_LOCATION_MAX + 1];
    int rc = STORE_OK;

    while (rc == STORE_OK && location_next(&name, &rest) && rest.size > 0) {
        size_t size = text.size - rest.size;
        const struct address address = { .location = path };
        struct view view = view_of_txn(txn);
        struct target target;
        struct record record;
        memcpy(path, text.data, size);
        path[size] = '\0';
        rc = tree_resolve(&target, &view, &address);
        if (rc == STORE_OK && target.definition)
            return STORE_OK; /* below are only objects */
        if (rc == STORE_OK)
            rc = tree_record(&record, &view, &target);
        if (rc != ENGINE_ABSENT)
            continue;
        rc = txn_guard(txn);
        if (rc == STORE_OK)
            rc = node_make_collection(txn, &target, &request_default, NULL);
    }
    return rc;
}

int node_resolve(struct target *out, struct txn *txn, const struct address *address, const store_request *request)
{
    struct view view = view_of_txn(txn);
    int rc = tree_resolve_node(out, &view, address);

    if (rc != STORE_NO_COLLECTION || !(request->flags & STORE_PARENTS))
        return rc;
    problem_reset();
    rc = make_parents(txn, out->location.text);
    return rc == STORE_OK ? tree_resolve(out, &view, address) : rc;
}
