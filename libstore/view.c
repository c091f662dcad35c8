/* view.c - bodies without copying them. */
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "stat.h"
#include "tree.h"
#include "txn.h"
#include "typed.h"

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
    uint64_t generation;
    int rc;

    if (record->size > CHUNK_DATA || record->body_generation > GENERATION_SPARSE)
        return view_gathered(out, view, record);
    rc = body_settle(view);
    if (rc == STORE_OK && !view->bodies)
        rc = engine_snapshot(&bodies, view->store->bodies);
    if (rc != STORE_OK)
        return rc;
    if (!view->bodies)
        out->internal[VIEW_BODIES] = bodies;
    rc = body_chunk(&data, &generation, view->bodies ? view->bodies : bodies, record, 0);
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

static int view_node(store_view *out, struct view *view, const struct address *address)
{
    struct target target;
    struct record record;
    int rc = tree_find(&record, &target, view, address);

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

static int view_in(store_view *out, store *s, const struct address *address, store_txn *txn)
{
    struct view view;
    bool own = false;
    int rc = view_open(&view, &own, s, txn);

    if (rc != STORE_OK)
        return rc;
    if (own)
        out->internal[VIEW_OBJECTS] = view.snapshot;
    rc = view_node(out, &view, address);
    if (rc != STORE_OK)
        store_view_close(out);
    return rc;
}

int store_view_open(store_view *out, store *s, const char *location, const store_get_options *options)
{
    struct address address;
    store_txn *pin;
    int rc;

    store_enter();
    *out = (store_view){ 0 };
    rc = get_options_check(&options);
    address = get_address(location, options);
    if (rc == STORE_OK)
        rc = view_in(out, s, &address, options->txn);
    if (pin_overtaken(&pin, &rc, s, options)) {
        rc = view_in(out, s, &address, pin);
        if (rc == STORE_OK)
            out->internal[VIEW_PIN] = pin;
        else
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
