/* content_publish.c - from what is staged to the object's body: a PUT, or a PATCH of the pages that changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "content_private.h"
#include "fs.h"

#define MANY_BYTES ((uint64_t)8 << 20) /* changed in all: a new body may be better than ranges of the old one */
#define NEAR_PAGES 16                  /* of many changes those as near as this are one */
#define RUN_COST ((uint64_t)256 << 10) /* of a new body so much is written in the time of one short range */
#define COMMIT_TRIES 10                /* each after the store has grown */

/* Where it goes, and on which conditions. */
struct place {
    const char *name;
    const store_request *request;
};

/* The store's code of an error of this folder, which may be one of a call just made. */
static int code_of(int error)
{
    int code = store_problem_last()->code;

    if (error == 0)
        return STORE_OK;
    if (code != STORE_OK && errno_of(code) == error)
        return code;
    return error == ENOMEM ? STORE_NO_MEMORY : error == ESTALE ? STORE_PRECONDITION_FAILED : STORE_IO;
}

/* For what replaces just the version that the content is based on. */
static store_request change_request(const struct content *content, const store_request *given)
{
    store_request request = *given;

    request.flags = (given->flags & STORE_SET_META) | STORE_REPLACE;
    request.if_match = &content->version;
    request.if_match_count = 1;
    request.if_none_match_count = 0;
    request.if_unmodified_since = 0;
    request.id = 0;
    return request;
}

static store_request put_request(const struct content *content, const store_request *given)
{
    return content->whole ? *given : change_request(content, given);
}

/* ------------------------------------------------------------- whole bodies */

static int put_memory(store_answer *out, struct content *content, const struct place *place)
{
    store_request request = put_request(content, place->request);

    return store_put(out, content->pool->store, place->name, content->memory.data, content->memory.size, &request);
}

/* --------------------------------------------------------------------- runs */

/* Goes through the changed pages in slices; pages near to each other, when there are many, with what is between. */
struct runs {
    struct content *content;
    uint64_t near;     /* pages */
    uint64_t at, end;  /* bytes left of a run */
};

static struct runs runs_of(struct content *content)
{
    bool many = content->overlay.pages.total * PAGE > MANY_BYTES;

    return (struct runs){ content, many ? NEAR_PAGES : 0, 0, 0 };
}

static bool next_run(struct runs *runs)
{
    const struct pages *pages = &runs->content->overlay.pages;
    uint64_t first = pages_next(pages, (runs->end + PAGE - 1) / PAGE), last, next = first;

    if (first == PAGES_NONE)
        return false;
    do {
        last = pages_next_absent(pages, next);
        next = pages_next(pages, last);
    } while (next != PAGES_NONE && next - last <= runs->near);
    runs->at = first * PAGE;
    runs->end = last * PAGE < runs->content->size ? last * PAGE : runs->content->size;
    return true;
}

/* The next slice: where it begins, and its size; 0: there is none. */
static size_t next_slice(uint64_t *offset, struct runs *runs)
{
    uint64_t left;

    if (runs->at == runs->end && !next_run(runs))
        return 0;
    *offset = runs->at;
    left = runs->end - runs->at;
    left = left < SLICE ? left : SLICE;
    runs->at += left;
    return (size_t)left;
}

/* Do the ranges that changed cost more than a new body? */
static bool costs_more(struct content *content)
{
    uint64_t bytes = content->overlay.pages.total * PAGE, cost = 4 * bytes;
    struct runs runs = runs_of(content);

    if (bytes <= MANY_BYTES)
        return false;
    while (cost <= content->size && next_run(&runs))
        cost += RUN_COST;
    return cost > content->size;
}

/* Is a stream of all the bytes to be made, which they are not yet? */
static bool needs_collapse(struct content *content)
{
    const struct lower *lower = &content->lower;

    if (lower->reader)
        return store_reader_stat(lower->reader)->typed || costs_more(content);
    return !lower->writer || lower->shown < lower->size || costs_more(content);
}

/* ------------------------------------------------------------------- stream */

/* Whatever is over the stream comes into it, so that it is complete. */
static int complete_stream(struct content *content, char *slice)
{
    struct runs runs = runs_of(content);
    struct lower *lower = &content->lower;
    uint64_t offset = 0;
    size_t size;
    int error = 0;

    while (!error && (size = next_slice(&offset, &runs)) > 0) {
        error = layers_read(content, slice, size, offset);
        if (!error)
            error = lower_write(lower, slice, size, offset);
    }
    if (!error && lower->size < content->size)
        error = lower_write(lower, "", 1, content->size - 1);
    if (!error)
        overlay_clear(&content->overlay);
    return error;
}

static int commit_stream(store_answer *out, struct content *content, const struct place *place, char *slice)
{
    store_request request = put_request(content, place->request);
    int rc = code_of(complete_stream(content, slice));

    return rc == STORE_OK ? store_writer_commit_at(out, content->lower.writer, place->name, &request) : rc;
}

/* -------------------------------------------------------------------- patch */

/* How the version that the store has becomes what the content is: first its sizes, then slices. */
struct plan {
    uint64_t sizes[2];
    unsigned resizes, resized;
    struct runs runs;
    uint64_t offset; /* of the next step; the new size, if it is a resize ... */
    size_t size;     /* ... which has the size 0 */
    bool more;       /* there is one */
};

static void plan_next(struct plan *plan)
{
    plan->size = 0;
    plan->more = plan->resized < plan->resizes;
    if (plan->more) {
        plan->offset = plan->sizes[plan->resized++];
    } else {
        plan->size = next_slice(&plan->offset, &plan->runs);
        plan->more = plan->size > 0;
    }
}

/* What was cut off must not come back when the body grows again. */
static void plan_begin(struct plan *plan, struct content *content)
{
    const struct lower *lower = &content->lower;

    *plan = (struct plan){ .runs = runs_of(content) };
    if (lower->shown < lower->size)
        plan->sizes[plan->resizes++] = lower->shown;
    if (lower->shown != content->size || content->overlay.pages.total == 0)
        plan->sizes[plan->resizes++] = content->size;
    plan_next(plan);
}

/* Only the first step needs the condition, and only the last sets what the caller wants to be set. */
static store_request step_request(const struct content *content, const store_request *given, bool first, bool last)
{
    store_request request = STORE_REQUEST_INIT;

    request.base = given->base;
    request.if_id = given->if_id;
    if (first) {
        request.if_match = &content->version;
        request.if_match_count = 1;
    }
    if (last) {
        request.flags = given->flags & STORE_SET_META;
        request.type = given->type;
        request.meta = given->meta;
        request.meta_count = given->meta_count;
        request.attributes = given->attributes;
    }
    return request;
}

/* The steps that are left. `txn` may be NULL when there is but one. */
static int take_steps(store_answer *out, struct content *content, const struct place *place, struct plan *plan,
                      store_txn *txn, char *slice)
{
    store *s = content->pool->store;
    int rc = STORE_OK;

    for (bool first = true; plan->more && rc == STORE_OK; first = false) {
        uint64_t offset = plan->offset;
        size_t size = plan->size;
        store_request request;
        plan_next(plan);
        request = step_request(content, place->request, first, !plan->more);
        request.txn = txn;
        if (size > 0)
            rc = code_of(layers_read(content, slice, size, offset));
        if (rc != STORE_OK)
            return rc;
        store_answer_clear(out);
        rc = size > 0 ? store_patch_range(out, s, place->name, offset, slice, size, &request)
                      : store_resize(out, s, place->name, offset, &request);
    }
    return rc;
}

static bool one_step(struct plan plan)
{
    plan_next(&plan);
    return !plan.more;
}

static int patch_once(store_answer *out, struct content *content, const struct place *place, char *slice)
{
    struct plan plan;
    store_txn *txn;
    int rc;

    plan_begin(&plan, content);
    if (one_step(plan))
        return take_steps(out, content, place, &plan, NULL, slice);
    rc = store_begin(&txn, content->pool->store, false);
    if (rc != STORE_OK)
        return rc;
    rc = take_steps(out, content, place, &plan, txn, slice);
    if (rc == STORE_OK)
        return store_commit(txn);
    store_abort(txn);
    return rc;
}

/* A transaction for which the store has to grow is run again. */
static int patch(store_answer *out, struct content *content, const struct place *place, char *slice)
{
    int rc = STORE_BUSY;

    for (int tries = 0; rc == STORE_BUSY && tries < COMMIT_TRIES; tries++)
        rc = patch_once(out, content, place, slice);
    if (rc != STORE_OK)
        store_answer_clear(out);
    return rc;
}

/* ------------------------------------------------------------------ publish */

static int publish_layers(store_answer *out, struct content *content, const struct place *place)
{
    char *slice = malloc(SLICE);
    int rc = STORE_OK;

    if (!slice)
        return STORE_NO_MEMORY;
    if (needs_collapse(content))
        rc = code_of(layers_collapse(content));
    if (rc == STORE_OK)
        rc = content->lower.writer ? commit_stream(out, content, place, slice) : patch(out, content, place, slice);
    free(slice);
    return rc;
}

/* The version may be replaced already, and then nothing can be read any more. */
static void read_published(struct content *content, const struct place *place)
{
    const store_request *request = place->request;
    const store_get_options options = { .version = STORE_GET_OPTIONS_VERSION, .base = request->base,
                                        .if_id = request->if_id ? request->if_id : request->id };
    store_reader *reader;

    memory_release(&content->memory, content->pool);
    content->in_memory = false;
    lower_release(&content->lower, content->pool);
    overlay_clear(&content->overlay);
    content->lower.size = content->lower.shown = content->size;
    if (store_reader_open(&reader, content->pool->store, place->name, &options) != STORE_OK)
        return;
    if (store_reader_stat(reader)->version != content->version) {
        store_reader_close(reader);
        return;
    }
    lower_set_reader(&content->lower, reader);
    content->size = content->lower.size;
}

int content_publish(store_answer *out, struct content *content, const char *name, const store_request *request)
{
    const struct place place = { name, request };
    int rc;

    *out = (store_answer){ 0 };
    rc = content->in_memory ? put_memory(out, content, &place) : publish_layers(out, content, &place);
    if (rc != STORE_OK)
        return rc;
    content->version = out->one.version;
    content->changed = content->whole = false;
    if (!content->in_memory || out->one.completed) /* then the store's text is another */
        read_published(content, &place);
    return STORE_OK;
}
