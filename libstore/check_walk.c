/* check_walk.c - the rows of collections, from the root down: names, records, definitions. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "ids.h"
#include "node.h"
#include "tree.h"

#define IDS_MAX (UINT64_C(1) << 25) /* nodes whose ids are compared: half a GiB */

/* One collection on the way from where the walk began. */
struct frame {
    struct frame *above;
    struct check_collection collection;
    struct check_rows rows;
    size_t path_size; /* of its location in check->path */
};

static const char *location_of(const struct check *check)
{
    return check->path.size ? check->path.data : "/";
}

/* ------------------------------------------------------------- definition */

/* "" if all is well, else what is wrong. */
static int load_definition(const char **fault, struct check *check, struct check_collection *collection)
{
    struct slice row;
    struct key key;
    uint64_t version;
    int rc;

    *fault = "";
    key_begin(&key, collection->id, KIND_DEFINITION);
    rc = engine_get(check->objects, key_slice(&key), &row);
    if (rc == ENGINE_ABSENT)
        *fault = "definition_missing";
    if (rc != STORE_OK)
        return rc < 0 ? rc : STORE_OK;
    if (row.size < sizeof version) {
        *fault = "definition_damaged";
        return STORE_OK;
    }
    memcpy(&version, row.data, sizeof version);
    rc = definition_parse(&collection->definition, (const char *)row.data + sizeof version,
                          row.size - sizeof version);
    if (rc == STORE_NO_MEMORY)
        return rc;
    if (rc != STORE_OK || version == 0 || version > check->last_version)
        *fault = rc != STORE_OK ? "definition_damaged" : "version_beyond_log";
    check_version(check, version);
    return STORE_OK;
}

static int enter_definition(struct check *check, struct check_collection *collection)
{
    const char *fault;
    bool raised;
    int rc = load_definition(&fault, check, collection);

    collection->undefined = !collection->definition;
    if (rc != STORE_OK || *fault == '\0')
        return rc;
    raised = check->repair && collection->definition;
    check->mended |= raised;
    return check_finding(check, fault, location_of(check), raised, "the definition: %s",
                         collection->definition ? "its version is beyond the log's last"
                                                : "it cannot be read, so the objects are not checked against it");
}

/* ----------------------------------------------------------------- frames */

static void pop(struct frame **top)
{
    struct frame *frame = *top;

    *top = frame->above;
    check_rows_end(&frame->rows);
    definition_release(frame->collection.definition);
    free(frame);
}

static int push(struct frame **top, struct check *check, uint64_t id, bool typed)
{
    struct frame *frame;
    struct key prefix;

    switch (idset_add(&check->scopes, id)) {
    case IDSET_KNOWN:
        return STORE_OK; /* the id was reported; going in again might never end */
    case IDSET_NO_MEMORY:
        return check_no_memory();
    case IDSET_NEW:
        break;
    }
    frame = calloc(1, sizeof *frame);
    if (!frame)
        return check_no_memory();
    put_be64(prefix.bytes, id);
    prefix.size = 8;
    check_rows_begin(&frame->rows, check, &prefix);
    frame->collection.id = id;
    frame->path_size = check->path.size;
    frame->above = *top;
    *top = frame;
    return typed && !check->discarded ? enter_definition(check, &frame->collection) : STORE_OK;
}

/* ---------------------------------------------------------------- records */

static int check_identity(struct check *check, const struct record *record)
{
    bool repaired = check->repair;
    uint64_t newest = record->version > record->body_generation ? record->version : record->body_generation;
    bool known = record->id >= ID_RESERVED || (record->id != 0 && record->id <= record->version);
    enum idset_answer answer = IDSET_NEW;
    int rc = STORE_OK;

    check_id(check, record->id);
    check_version(check, newest);
    if (check->ids.count < IDS_MAX)
        answer = idset_add(&check->ids, record->id);
    if (answer == IDSET_NO_MEMORY)
        return check_no_memory();
    if (answer == IDSET_KNOWN)
        rc = check_finding(check, "id_duplicate", location_of(check), false,
                           "another node has the id %llu as well", (unsigned long long)record->id);
    if (rc == STORE_OK && (!known || newest > check->last_version)) {
        repaired = repaired && known && newest <= check->highest;
        check->mended |= repaired;
        rc = check_finding(check, "version_beyond_log", location_of(check), repaired,
                           "id %llu, version %llu, body's generation %llu; the log's last version is %llu",
                           (unsigned long long)record->id, (unsigned long long)record->version,
                           (unsigned long long)record->body_generation, (unsigned long long)check->last_version);
    }
    return rc;
}

/* Whether the section is whole, its items in order, and within the limits. */
static bool attributes_whole(struct slice section, enum attribute_tag last)
{
    enum attribute_tag tag, last_tag = 0;
    struct slice name, value, last_name = { "", 0 };
    size_t at = 0, metadata = 0;

    while (attribute_next(section, &at, &tag, &name, &value)) {
        size_t common = name.size < last_name.size ? name.size : last_name.size;
        int order = (tag > last_tag) - (tag < last_tag);
        if (order == 0 && common > 0)
            order = memcmp(name.data, last_name.data, common);
        if (order < 0 || (order == 0 && name.size <= last_name.size))
            return false;
        if (tag == ATTRIBUTE_TYPE && (name.size != 0 || value.size > STORE_TYPE_MAX))
            return false;
        metadata += tag == ATTRIBUTE_META ? name.size + value.size : 0;
        last_tag = tag;
        last_name = name;
    }
    return at == section.size && metadata <= STORE_META_MAX && last_tag <= last;
}

/* A special node says what it is, nothing else does. */
static bool posix_sound(const struct record *record)
{
    struct posix posix;

    return attribute_posix(&posix, record->attributes) &&
           (posix.flags & ~(POSIX_ACCESSED | POSIX_SPECIAL)) == 0 &&
           (record->kind == NODE_SPECIAL) == ((posix.flags & POSIX_SPECIAL) != 0);
}

int check_note_reference(struct check *check, const struct record *record)
{
    if (record->flags & RECORD_CHUNKED)
        buffer_append(&check->references, &record->body_id, sizeof record->body_id);
    return check->references.failed ? check_no_memory() : STORE_OK;
}

int check_record(struct record *out, bool *readable, struct check *check, struct slice value, const char *location)
{
    enum record_state state = record_read(out, value.data, value.size, true);

    *readable = state == RECORD_OK;
    if (state == RECORD_OK)
        return STORE_OK;
    check->damaged = true;
    return state == RECORD_NEWER
               ? check_finding(check, "record_newer", location, false, "a newer libstore wrote it")
               : check_finding(check, "record_damaged", location, false, "its checksum does not fit");
}

/* ---------------------------------------------------------------- entries */

/* Puts the entry's location into check->path; false if its key is none. */
static bool name_entry(struct check *check, const struct check_collection *collection, const struct key *key)
{
    struct slice rest = slice_of(key->bytes + SCOPE_PREFIX, key->size - SCOPE_PREFIX);
    char name[STORE_NAME_MAX + 1];
    struct target target;
    size_t size;

    if (tree_entry_name(name, &size, collection->definition, rest) != STORE_OK)
        return false;
    /* The other way round it must give the same key. */
    if (location_name_fault(name, size) != NULL ||
        tree_target_in(&target, slice_of("", 0), collection->id, collection->definition, slice_of(name, size)) !=
            STORE_OK ||
        !slice_equal(key_slice(&target.key), key_slice(key)))
        return false;
    buffer_append(&check->path, "/", 1);
    buffer_append(&check->path, name, size);
    return true;
}

static int check_node(struct check *check, struct frame *frame, const struct record *record, bool named)
{
    struct slice entry = slice_of(frame->rows.at.bytes + SCOPE_PREFIX, frame->rows.at.size - SCOPE_PREFIX);
    bool typed = frame->collection.definition || frame->collection.undefined;
    int rc = check_identity(check, record);

    check->report->objects += record->kind != NODE_COLLECTION;
    check->report->collections += record->kind == NODE_COLLECTION;
    if (rc == STORE_OK && !(attributes_whole(record->attributes, record->named ? ATTRIBUTE_NAMES : ATTRIBUTE_POSIX) && posix_sound(record)))
        rc = check_finding(check, "attributes_damaged", location_of(check), false,
                           "its type, its metadata or what POSIX keeps of it cannot be read");
    if (rc == STORE_OK && typed && (record->kind != NODE_OBJECT || record->named))
        rc = check_finding(check, "kind_conflict", location_of(check), false,
                           "a typed collection holds what is no object");
    if (rc == STORE_OK && record->flags & RECORD_CHUNKED)
        rc = check_body(check, record, location_of(check));
    if (rc == STORE_OK && frame->collection.definition && named && record->kind == NODE_OBJECT && !record->named)
        rc = check_typed(check, &frame->collection, entry, record, location_of(check));
    return rc;
}

static int check_entry(struct frame **top, struct check *check)
{
    struct frame *frame = *top;
    struct record record;
    bool readable, named = true;
    int rc = STORE_OK;

    if (!check->discarded && !frame->collection.undefined) {
        named = name_entry(check, &frame->collection, &frame->rows.at);
        if (check->path.failed)
            return check_no_memory();
        if (!named)
            rc = check_finding(check, "key_damaged", location_of(check), false, "an entry's key is no key");
    }
    if (rc == STORE_OK)
        rc = check_record(&record, &readable, check, frame->rows.value, location_of(check));
    frame->collection.unsure |= rc != STORE_OK || !readable;
    if (rc != STORE_OK || !readable)
        return rc;
    frame->collection.subcollections += record.kind == NODE_COLLECTION;
    if (record.kind == NODE_NAME) {
        rc = check_name(&record, &readable, check, &frame->rows.at, location_of(check));
        if (rc != STORE_OK || !readable)
            return rc; /* or seen by another name already */
    }
    rc = check_note_reference(check, &record);
    if (rc == STORE_OK && !check->discarded)
        rc = check_node(check, frame, &record, named);
    if (rc == STORE_OK && record.kind == NODE_COLLECTION)
        rc = push(top, check, record.id, record.flags & RECORD_TYPED);
    return rc;
}

/* ------------------------------------------------------------- other rows */

static int check_floor(struct check *check, const struct frame *frame)
{
    const struct definition *definition = frame->collection.definition;
    bool repaired = false, automatic = definition && definition->order == ORDER_AUTO;
    int64_t floor = 0;
    int rc;

    if (frame->collection.undefined)
        return STORE_OK;
    if (frame->rows.value.size == sizeof floor)
        memcpy(&floor, frame->rows.value.data, sizeof floor);
    if (automatic && floor >= 1)
        return STORE_OK;
    /* Without the row the next key is the one behind the last that is there. */
    rc = check_del(check, key_slice(&frame->rows.at), &repaired);
    return rc == STORE_OK ? check_finding(check, "auto_floor", location_of(check), repaired,
                                          automatic ? "the next key to assign cannot be read"
                                                    : "a collection that assigns no keys has a next one") : rc;
}

static int check_definition_row(struct check *check, const struct frame *frame)
{
    bool repaired = false;
    int rc;

    if (frame->collection.definition || frame->collection.undefined)
        return STORE_OK;
    rc = check_del(check, key_slice(&frame->rows.at), &repaired);
    return rc == STORE_OK ? check_finding(check, "row_unknown", location_of(check), repaired,
                                          "a plain collection has a row with a definition") : rc;
}

static int check_row(struct frame **top, struct check *check)
{
    struct frame *frame = *top;
    size_t size = frame->rows.at.size;
    char kind = size >= SCOPE_PREFIX ? (char)frame->rows.at.bytes[8] : '\0';

    check->path.size = frame->path_size;
    if (check->path.data)
        check->path.data[check->path.size] = '\0';
    if (check->discarded)
        return kind == KIND_ENTRY ? check_entry(top, check) : STORE_OK;
    if (kind == KIND_ENTRY)
        return check_entry(top, check);
    if (kind == KIND_COLLECTION && size == SCOPE_PREFIX)
        return STORE_OK; /* once it is known what it has to say */
    if (kind == KIND_AUTO && size == SCOPE_PREFIX)
        return check_floor(check, frame);
    if (kind == KIND_DEFINITION && size == SCOPE_PREFIX)
        return check_definition_row(check, frame);
    if (kind == KIND_UNIQUE && size > SCOPE_PREFIX) {
        frame->collection.index_rows++;
        return STORE_OK;
    }
    return check_finding(check, "row_unknown", location_of(check), false,
                         "a row of %zu bytes of key, kind %02x", size, (unsigned char)kind);
}

static int leave(struct check *check, const struct frame *frame)
{
    const struct check_collection *collection = &frame->collection;
    int rc;

    check->path.size = frame->path_size;
    if (check->path.data)
        check->path.data[check->path.size] = '\0';
    check->report->index_entries += collection->index_rows;
    if (check->discarded)
        return STORE_OK;
    rc = check_collection_row(check, collection, frame->above ? &frame->above->rows.at : NULL, location_of(check));
    if (rc != STORE_OK || collection->undefined || collection->index_rows == collection->index_matched)
        return rc;
    return check_index(check, collection, location_of(check));
}

int check_walk(struct check *check, uint64_t collection)
{
    struct frame *top = NULL;
    struct key key;
    int rc;

    key_begin(&key, collection, KIND_DEFINITION);
    rc = check_row_exists(check->objects, &key);
    if (rc >= 0)
        rc = push(&top, check, collection, rc == STORE_OK);
    while (top && rc == STORE_OK) {
        rc = check_rows_next(&top->rows);
        if (rc == STORE_OK) {
            rc = check_row(&top, check);
        } else if (rc == ENGINE_ABSENT) {
            rc = leave(check, top);
            pop(&top);
        }
    }
    while (top)
        pop(&top);
    return rc;
}
