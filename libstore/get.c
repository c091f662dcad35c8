/* get.c - reading: stat, whole bodies, views, metadata, definitions. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
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

static const char *default_type(const struct record *record, bool typed)
{
    switch (record->kind) {
    case NODE_COLLECTION:
        return "";
    case NODE_LINK:
        return "inode/symlink";
    case NODE_OBJECT:
        break;
    }
    return typed ? "application/json" : "application/octet-stream";
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
    if (!attribute_find(record->attributes, ATTRIBUTE_TYPE, slice_of("", 0), &type) || type.size > STORE_TYPE_MAX)
        type = slice_text(default_type(record, typed));
    memcpy(out->type, type.data, type.size);
    out->type[type.size] = '\0';
}

/* ------------------------------------------------------------- properties */

/* A property's value as text: its part of the body, or its initial state when the object was
 * stored before the schema named it. */
static int property_text(struct buffer *out, const struct target *target, const struct view *view,
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

static int no_body(const struct record *record)
{
    if (record->kind != NODE_COLLECTION)
        return STORE_OK;
    return problem_os(STORE_KIND_CONFLICT, EISDIR, "it is a collection: it has no body");
}

static int stat_in(store_stat *out, store *s, const char *location, store_txn *txn)
{
    struct buffer text = BUFFER_INIT;
    struct target target;
    struct record record;
    struct view view;
    bool own;
    int rc = view_open(&view, &own, s, txn);

    if (rc != STORE_OK)
        return rc;
    rc = tree_find(&record, &target, &view, location);
    if (rc == STORE_OK && target.property.size > 0) {
        rc = property_text(&text, &target, &view, &record);
        if (rc == STORE_OK)
            stat_property(out, &record, text.size);
    } else if (rc == STORE_OK) {
        stat_fill(out, &record, target.definition);
    }
    view_close(&view, own);
    buffer_release(&text);
    return rc;
}

int store_stat_get(store_stat *out, store *s, const char *location, const store_get_options *options)
{
    store_txn *pin;
    int rc;

    store_enter();
    *out = (store_stat){ 0 };
    rc = get_options_check(&options);
    if (rc == STORE_OK)
        rc = stat_in(out, s, location, options->txn);
    if (overtaken(rc, options)) {
        problem_reset();
        rc = txn_pin(&pin, s);
        if (rc != STORE_OK)
            return rc;
        rc = stat_in(out, s, location, pin);
        txn_unpin(pin);
    }
    if (rc < 0)
        problem_location(location);
    return rc;
}

/* ----------------------------------------------------------- whole bodies */

/* The body of what is at `location`, into memory of its own. */
static int whole(struct buffer *out, store_stat *stat, struct view *view, const char *location)
{
    struct target target;
    struct record record;
    struct slice text;
    int rc = tree_find(&record, &target, view, location);

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

static int whole_in(struct buffer *out, store_stat *stat, store *s, const char *location, store_txn *txn)
{
    struct view view;
    bool own;
    int rc = view_open(&view, &own, s, txn);

    if (rc != STORE_OK)
        return rc;
    buffer_clear(out);
    rc = whole(out, stat, &view, location);
    view_close(&view, own);
    return rc;
}

bool overtaken(int code, const store_get_options *options)
{
    return code == STORE_PRECONDITION_FAILED && !options->txn;
}

static int whole_again(struct buffer *out, store_stat *stat, store *s, const char *location,
                       const store_get_options *options)
{
    store_txn *pin;
    int rc = whole_in(out, stat, s, location, options->txn);

    if (overtaken(rc, options)) {
        problem_reset();
        rc = txn_pin(&pin, s);
        if (rc != STORE_OK)
            return rc;
        rc = whole_in(out, stat, s, location, pin);
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

/* ------------------------------------------------------------------ views */

enum { VIEW_OBJECTS, VIEW_BODIES, VIEW_MEMORY, VIEW_PIN };

static int view_gathered(store_view *out, const struct view *view, const struct record *record)
{
    struct buffer space = BUFFER_INIT;
    struct slice data = { NULL, 0 };
    int rc = typed_body(&data, &space, view, record);

    out->internal[VIEW_MEMORY] = space.data;
    out->body = data.data;
    return rc;
}

static int view_chunked(store_view *out, const struct view *view, const struct record *record)
{
    struct snapshot *bodies;
    struct slice data;
    int rc;

    if (record->size > CHUNK_DATA)
        return view_gathered(out, view, record);
    rc = view->bodies ? STORE_OK : engine_snapshot(&bodies, view->store->bodies);
    if (rc != STORE_OK)
        return rc;
    if (!view->bodies)
        out->internal[VIEW_BODIES] = bodies;
    rc = body_chunk(&data, view->bodies ? view->bodies : bodies, record, 0);
    if (rc == STORE_OK && data.size >= record->size) {
        out->body = data.data;
        return STORE_OK;
    }
    return rc < 0 ? rc : view_gathered(out, view, record);
}

static int view_property(store_view *out, const struct view *view, const struct target *target, const struct record *record)
{
    struct buffer text = BUFFER_INIT;
    int rc = property_text(&text, target, view, record);

    out->internal[VIEW_MEMORY] = text.data;
    out->body = text.data;
    out->size = text.size;
    return rc;
}

static int view_node(store_view *out, struct view *view, const char *location)
{
    struct target target;
    struct record record;
    int rc = tree_find(&record, &target, view, location);

    if (rc == STORE_OK)
        rc = no_body(&record);
    if (rc != STORE_OK)
        return rc;
    out->version = record.version;
    out->size = record.size;
    if (target.property.size > 0)
        return view_property(out, view, &target, &record);
    if (record.flags & RECORD_CHUNKED)
        return view_chunked(out, view, &record);
    out->body = record.body.data;
    return STORE_OK;
}

static int view_in(store_view *out, store *s, const char *location, store_txn *txn)
{
    struct view view;
    bool own = false;
    int rc = view_open(&view, &own, s, txn);

    if (rc != STORE_OK)
        return rc;
    if (own)
        out->internal[VIEW_OBJECTS] = view.snapshot;
    rc = view_node(out, &view, location);
    if (rc != STORE_OK)
        store_view_close(out);
    return rc;
}

int store_view_open(store_view *out, store *s, const char *location, const store_get_options *options)
{
    store_txn *pin;
    int rc;

    store_enter();
    *out = (store_view){ 0 };
    rc = get_options_check(&options);
    if (rc == STORE_OK)
        rc = view_in(out, s, location, options->txn);
    if (overtaken(rc, options)) {
        problem_reset();
        rc = txn_pin(&pin, s);
        if (rc == STORE_OK)
            rc = view_in(out, s, location, pin);
        if (rc == STORE_OK)
            out->internal[VIEW_PIN] = pin;
        else if (pin)
            txn_unpin(pin);
    }
    if (rc < 0)
        problem_location(location);
    return rc;
}

void store_view_close(store_view *view)
{
    if (view->internal[VIEW_OBJECTS])
        engine_snapshot_end(view->internal[VIEW_OBJECTS]);
    if (view->internal[VIEW_BODIES])
        engine_snapshot_end(view->internal[VIEW_BODIES]);
    free(view->internal[VIEW_MEMORY]);
    if (view->internal[VIEW_PIN])
        txn_unpin(view->internal[VIEW_PIN]);
    memset(view, 0, sizeof *view);
}

/* ---------------------------------------------------- metadata, definition */

int store_meta_get(void **value, size_t *size, store *s, const char *location, const char *name,
                   const store_get_options *options)
{
    struct target target;
    struct record record;
    struct slice found;
    struct view view;
    bool own;
    int rc;

    store_enter();
    *value = NULL;
    *size = 0;
    rc = get_options_check(&options);
    if (rc == STORE_OK)
        rc = view_open(&view, &own, s, options->txn);
    if (rc != STORE_OK)
        return rc;
    rc = tree_find(&record, &target, &view, location);
    if (rc == STORE_OK && !attribute_find(record.attributes, ATTRIBUTE_META, slice_text(name), &found))
        rc = problem(STORE_NOT_FOUND, "there is no metadata %s", name);
    if (rc == STORE_OK) {
        *value = malloc(found.size + 1);
        if (*value) {
            memcpy(*value, found.data, found.size);
            ((char *)*value)[found.size] = '\0';
            *size = found.size;
        } else {
            rc = problem(STORE_NO_MEMORY, "no memory for metadata");
        }
    }
    view_close(&view, own);
    if (rc < 0)
        problem_location(location);
    return rc;
}

int store_meta_list(store_meta **items, size_t *count, store *s, const char *location,
                    const store_get_options *options)
{
    struct target target;
    struct record record;
    struct view view;
    bool own;
    int rc;

    store_enter();
    *items = NULL;
    *count = 0;
    rc = get_options_check(&options);
    if (rc == STORE_OK)
        rc = view_open(&view, &own, s, options->txn);
    if (rc != STORE_OK)
        return rc;
    rc = tree_find(&record, &target, &view, location);
    if (rc == STORE_OK)
        rc = metadata_copy(items, count, record.attributes, 0);
    view_close(&view, own);
    if (rc < 0)
        problem_location(location);
    return rc;
}

/* The definition of the collection `location`, while its view is open. */
static int collection_at(uint64_t *id, const struct definition **definition, struct location *parsed, struct view *view,
                         const char *location)
{
    int rc = location_parse(parsed, location);

    if (rc == STORE_OK)
        rc = tree_collection(id, definition, view, parsed->text);
    if (rc == STORE_OK && !*definition)
        rc = problem(STORE_NOT_FOUND, "the collection is plain: it has no definition");
    return rc;
}

int store_definition_get(char **text, size_t *size, store *s, const char *location, const store_get_options *options)
{
    const struct definition *definition;
    struct location parsed;
    struct view view;
    uint64_t id;
    bool own;
    int rc;

    store_enter();
    *text = NULL;
    *size = 0;
    rc = get_options_check(&options);
    if (rc == STORE_OK)
        rc = view_open(&view, &own, s, options->txn);
    if (rc != STORE_OK)
        return rc;
    rc = collection_at(&id, &definition, &parsed, &view, location);
    if (rc == STORE_OK) {
        *text = malloc(definition->text_size + 1);
        if (*text) {
            memcpy(*text, definition->text, definition->text_size);
            (*text)[definition->text_size] = '\0';
            *size = definition->text_size;
        } else {
            rc = problem(STORE_NO_MEMORY, "no memory for a definition");
        }
    }
    view_close(&view, own);
    if (rc < 0)
        problem_location(location);
    return rc;
}

static int locate(char **out, const struct definition *definition, struct slice parent, uint64_t scope,
                  const void *body, size_t size)
{
    struct key_value values[KEY_PARTS_MAX];
    char name[STORE_NAME_MAX + 1], location[STORE_LOCATION_MAX + 1];
    struct target target = { 0 };
    struct doc doc = DOC_INIT;
    enum key_state state;
    int rc = typed_parse(&doc, body, size);

    if (rc == STORE_OK)
        rc = typed_require_object(&doc, doc.root);
    if (rc == STORE_OK && definition->key.count == 0)
        rc = problem(STORE_KEY_REQUIRED, "the collection is unordered: objects have no key");
    if (rc == STORE_OK) {
        state = typed_key(values, definition, &doc, doc.root);
        rc = state == KEY_FOUND ? tree_target_by_key(&target, parent, scope, definition, values, name)
                                : typed_key_problem(state, definition);
    }
    if (rc == STORE_OK)
        rc = tree_location(location, &target);
    if (rc == STORE_OK) {
        *out = strdup(location);
        rc = *out ? STORE_OK : problem(STORE_NO_MEMORY, "no memory for a location");
    }
    doc_release(&doc);
    return rc;
}

int store_locate(char **location, store *s, const char *collection, const void *body, size_t size,
                 const store_get_options *options)
{
    const struct definition *definition;
    struct location parsed;
    struct view view;
    uint64_t id;
    bool own;
    int rc;

    store_enter();
    *location = NULL;
    rc = get_options_check(&options);
    if (rc == STORE_OK)
        rc = view_open(&view, &own, s, options->txn);
    if (rc != STORE_OK)
        return rc;
    rc = collection_at(&id, &definition, &parsed, &view, collection);
    if (rc == STORE_OK)
        rc = locate(location, definition, parsed.text, id, body, size);
    view_close(&view, own);
    if (rc < 0)
        problem_location(collection);
    return rc;
}
