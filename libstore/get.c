/* get.c - reading: stat, whole bodies, views, metadata, definitions. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "body.h"
#include "collection_row.h"
#include "names.h"
#include "property.h"
#include "stat.h"
#include "tree.h"
#include "txn.h"
#include "typed.h"

static const store_get_options get_default = STORE_GET_OPTIONS_INIT;

int get_options_check(const store_get_options **options)
{
    if (!*options)
        *options = &get_default;
    if ((*options)->version == 0 || (*options)->version > STORE_GET_OPTIONS_VERSION)
        return problem(STORE_BAD_ARGUMENT, "the options have version %u, this library knows %d", (*options)->version,
                       STORE_GET_OPTIONS_VERSION);
    return STORE_OK;
}

/* ------------------------------------------------------------------- stat */

/* As the shared MIME info database names them. */
static struct slice special_type(const struct record *record)
{
    struct posix posix;

    attribute_posix(&posix, record->attributes);
    switch (posix.special) {
    case S_IFIFO:
        return slice_text("inode/fifo");
    case S_IFSOCK:
        return slice_text("inode/socket");
    case S_IFCHR:
        return slice_text("inode/chardevice");
    default:
        return slice_text("inode/blockdevice");
    }
}

static struct slice default_type(const struct record *record, bool typed)
{
    switch (record->kind) {
    case NODE_COLLECTION:
        return slice_text("");
    case NODE_LINK:
        return slice_text("inode/symlink");
    case NODE_SPECIAL:
        return special_type(record);
    case NODE_OBJECT:
    case NODE_NAME:
        break;
    }
    return typed ? slice_text("application/json") : slice_text("application/octet-stream");
}

static void stat_posix(store_stat *out, const struct record *record)
{
    struct posix posix;

    attribute_posix(&posix, record->attributes);
    out->special = posix.special;
    out->device = posix.device;
    out->accessed = posix.flags & POSIX_ACCESSED ? posix.accessed : out->modified;
}

void stat_fill(store_stat *out, const struct record *record, bool typed)
{
    struct slice type;

    out->kind = node_kind_of(record->kind);
    out->typed = record->kind == NODE_COLLECTION ? record->flags & RECORD_TYPED : typed;
    out->id = record->id;
    out->version = record->version;
    out->size = record->size;
    out->created = record->created;
    out->modified = record->modified;
    out->changed = record->changed;
    out->mode = record->mode;
    out->uid = record->uid;
    out->gid = record->gid;
    stat_posix(out, record);
    out->links = names_count(record);
    if (!attribute_find(record->attributes, ATTRIBUTE_TYPE, slice_of("", 0), &type) || type.size > STORE_TYPE_MAX)
        type = default_type(record, typed);
    memcpy(out->type, type.data, type.size);
    out->type[type.size] = '\0';
}

int stat_node(store_stat *out, const struct view *view, const struct record *record, bool typed)
{
    struct collection_row row;
    int rc;

    stat_fill(out, record, typed);
    if (record->kind != NODE_COLLECTION)
        return STORE_OK;
    rc = collection_row_now(&row, view, record->id);
    if (rc != STORE_OK)
        return rc == ENGINE_ABSENT ? problem(STORE_CORRUPT, "a collection lacks its own row") : rc;
    out->links = 2 + row.subcollections;
    if (row.time == COLLECTION_UNTOUCHED)
        return STORE_OK;
    out->modified = row.time;
    stat_posix(out, record);
    if (out->changed < row.time)
        out->changed = row.time;
    return STORE_OK;
}

/* ------------------------------------------------------------- properties */

int property_text(struct buffer *out, const struct target *target, const struct view *view,
                  const struct record *record)
{
    struct buffer space = BUFFER_INIT;
    struct property property = { 0 };
    struct doc doc = DOC_INIT;
    struct slice text, initial;
    int rc = typed_body(&text, &space, view, record);

    if (rc == STORE_OK)
        rc = typed_parse(&doc, text.data, text.size);
    if (rc == STORE_BAD_BODY)
        rc = problem(STORE_CORRUPT, "a typed object's body is no JSON");
    if (rc == STORE_OK && !property_find(&property, &doc, doc.root, target->property))
        rc = problem(STORE_NO_MEMORY, "no memory for a property");
    if (rc == STORE_OK && property.node != DOC_NONE) {
        doc_write(&doc, property.node, out);
    } else if (rc == STORE_OK) {
        initial = property_initial(&property, target->definition);
        if (initial.data)
            buffer_append(out, initial.data, initial.size);
        else
            rc = problem(STORE_NOT_FOUND, "the object has no such property");
    }
    if (rc == STORE_OK && out->failed)
        rc = problem(STORE_NO_MEMORY, "no memory for a property");
    property_release(&property);
    doc_release(&doc);
    buffer_release(&space);
    return rc;
}

static void stat_property(store_stat *out, const struct record *record, size_t size)
{
    stat_fill(out, record, true);
    out->kind = STORE_PROPERTY;
    out->size = size;
    strcpy(out->type, "application/json");
}

int no_body(const struct record *record)
{
    if (record->kind == NODE_SPECIAL)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "it is a special node: it has no body");
    if (record->kind == NODE_COLLECTION)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "it is a collection: it has no body");
    return STORE_OK;
}

static int stat_in(store_stat *out, store *s, const struct address *address, store_txn *txn)
{
    struct buffer text = BUFFER_INIT;
    struct target target;
    struct record record;
    struct view view;
    bool own;
    int rc = view_open(&view, &own, s, txn);

    if (rc != STORE_OK)
        return rc;
    rc = tree_find(&record, &target, &view, address);
    if (rc == STORE_OK && target.property.size > 0) {
        rc = property_text(&text, &target, &view, &record);
        if (rc == STORE_OK)
            stat_property(out, &record, text.size);
    } else if (rc == STORE_OK) {
        rc = stat_node(out, &view, &record, target.definition);
    }
    view_close(&view, own);
    buffer_release(&text);
    return rc;
}

int store_stat_get(store_stat *out, store *s, const char *location, const store_get_options *options)
{
    struct address address;
    store_txn *pin;
    int rc;

    store_enter();
    *out = (store_stat){ 0 };
    rc = get_options_check(&options);
    address = get_address(location, options);
    if (rc == STORE_OK)
        rc = stat_in(out, s, &address, options->txn);
    if (pin_overtaken(&pin, &rc, s, options)) {
        rc = stat_in(out, s, &address, pin);
        txn_unpin(pin);
    }
    if (rc < 0)
        problem_location(location);
    return rc;
}

/* ----------------------------------------------------------- whole bodies */

/* The body of what is at `location`, into memory of its own. */
static int whole(struct buffer *out, store_stat *stat, struct view *view, const struct address *address)
{
    struct target target;
    struct record record;
    struct slice text;
    int rc = tree_find(&record, &target, view, address);

    if (rc == STORE_OK)
        rc = no_body(&record);
    if (rc != STORE_OK)
        return rc;
    if (target.property.size > 0) {
        rc = property_text(out, &target, view, &record);
        if (rc == STORE_OK && stat)
            stat_property(stat, &record, out->size);
        return rc;
    }
    rc = typed_body(&text, out, view, &record);
    if (rc == STORE_OK && text.data == out->data) {
        out->size = text.size;
        out->data[text.size] = '\0';
    } else if (rc == STORE_OK) {
        buffer_append(out, text.data, text.size);
    }
    if (rc == STORE_OK && out->failed)
        rc = problem(STORE_NO_MEMORY, "no memory for a body");
    if (rc == STORE_OK && stat)
        stat_fill(stat, &record, target.definition);
    return rc;
}

static int whole_in(struct buffer *out, store_stat *stat, store *s, const struct address *address, store_txn *txn)
{
    struct view view;
    bool own;
    int rc = view_open(&view, &own, s, txn);

    if (rc != STORE_OK)
        return rc;
    buffer_clear(out);
    rc = whole(out, stat, &view, address);
    view_close(&view, own);
    return rc;
}

bool pin_overtaken(store_txn **pin, int *code, store *s, const store_get_options *options)
{
    if (*code != STORE_PRECONDITION_FAILED || options->txn)
        return false;
    problem_reset();
    *code = txn_pin(pin, s);
    return *code == STORE_OK;
}

static int whole_again(struct buffer *out, store_stat *stat, store *s, const char *location,
                       const store_get_options *options)
{
    const struct address address = get_address(location, options);
    store_txn *pin;
    int rc = whole_in(out, stat, s, &address, options->txn);

    if (pin_overtaken(&pin, &rc, s, options)) {
        rc = whole_in(out, stat, s, &address, pin);
        txn_unpin(pin);
    }
    if (rc < 0)
        problem_location(location);
    return rc;
}

int store_get(void **body, size_t *size, store_stat *stat, store *s, const char *location,
              const store_get_options *options)
{
    struct buffer out = BUFFER_INIT;
    int rc;

    store_enter();
    *body = NULL;
    *size = 0;
    if (stat)
        *stat = (store_stat){ 0 };
    rc = get_options_check(&options);
    if (rc == STORE_OK && !buffer_reserve(&out, 1))
        rc = problem(STORE_NO_MEMORY, "no memory for a body");
    if (rc == STORE_OK)
        rc = whole_again(&out, stat, s, location, options);
    if (rc == STORE_OK) {
        *size = out.size;
        *body = buffer_detach(&out);
    }
    buffer_release(&out);
    return rc;
}

int store_get_json(json_t **out, store_stat *stat, store *s, const char *location, const store_get_options *options)
{
    json_error_t error;
    void *body;
    size_t size;
    int rc = store_get(&body, &size, stat, s, location, options);

    *out = NULL;
    if (rc != STORE_OK)
        return rc;
    *out = json_loadb(body, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (!*out) /* integers beyond 64 bits are no jansson integers */
        *out = json_loadb(body, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                          &error);
    free(body);
    if (*out)
        return STORE_OK;
    rc = problem(STORE_BAD_BODY, "the body is no JSON: %s", error.text);
    problem_location(location);
    return rc;
}

int store_put_json(store_answer *out, store *s, const char *location, const json_t *value,
                   const store_request *request)
{
    char *text;
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return problem(STORE_BAD_BODY, "the value cannot be written as JSON");
    rc = store_put(out, s, location, text, strlen(text), request);
    free(text);
    return rc;
}
