/*
 * backend_libstore.c - the store under test, as a program with store.h and libstore.a uses it: objects in
 * the plain collection /people, with versions and the change log.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "store.h"

enum { DOWNLOAD_SIZE = 64 << 10 };

enum { SETTLE_SECONDS = 60 };

struct libstore_session {
    store *s;
    store_view view;
};

void libstore_fail(const char *what)
{
    fail("libstore: %s: %s", what, store_problem_json());
}

static void must(int code, const char *what)
{
    if (code < 0)
        libstore_fail(what);
}

struct store *libstore_handle(const void *session)
{
    return ((const struct libstore_session *)session)->s;
}

static void *libstore_open(const char *directory, enum durability durability)
{
    store_options options = STORE_OPTIONS_INIT;
    store_request parents = STORE_REQUEST_INIT;
    store *s;

    options.flags = STORE_OPEN_CREATE;
    options.durability = durability == DURABLE ? STORE_DURABLE_COMMIT : STORE_DURABLE_RELAXED;
    must(store_open(&s, directory, &options), "store_open");
    parents.flags = STORE_PARENTS;
    must(store_make_collection(NULL, s, "/people", &parents), "store_make_collection");
    return s;
}

static void libstore_close(void *database)
{
    store_close(database);
}

static void *libstore_session_open(void *database)
{
    struct libstore_session *session = allocate_zeroed(1, sizeof *session);

    session->s = database;
    return session;
}

static void libstore_session_close(void *session)
{
    free(session);
}

static void libstore_sync(void *database)
{
    must(store_sync(database), "store_sync");
}

/* Bodies that were replaced are freed in the background. */
static void libstore_settle(void *database)
{
    static const struct timespec pause = { .tv_nsec = 10000000 };
    uint64_t deadline = now_ns() + SETTLE_SECONDS * UINT64_C(1000000000);
    store_stats stats;

    while (must(store_stats_get(&stats, database), "store_stats_get"), stats.garbage_bodies > 0) {
        if (now_ns() > deadline)
            fail("libstore: bodies that were replaced are not freed");
        nanosleep(&pause, NULL);
    }
}

static void libstore_put(void *opaque, const char *key, struct bytes value)
{
    struct libstore_session *session = opaque;

    must(store_put(NULL, session->s, key, value.data, value.size, NULL), "store_put");
}

static void libstore_put_many(void *opaque, const struct item *items, size_t count)
{
    struct libstore_session *session = opaque;
    store_request request = STORE_REQUEST_INIT;

    must(store_begin(&request.txn, session->s, false), "store_begin");
    for (size_t i = 0; i < count; i++)
        must(store_put(NULL, session->s, items[i].key, items[i].value.data, items[i].value.size, &request),
             "store_put");
    must(store_commit(request.txn), "store_commit");
}

static bool libstore_view(void *opaque, const char *key, struct bytes *value)
{
    struct libstore_session *session = opaque;
    int code = store_view_open(&session->view, session->s, key, NULL);

    if (code == STORE_NOT_FOUND)
        return false;
    must(code, "store_view_open");
    *value = (struct bytes){ session->view.body, session->view.size };
    return true;
}

static void libstore_view_end(void *opaque)
{
    struct libstore_session *session = opaque;

    store_view_close(&session->view);
}

static bool libstore_get(void *opaque, const char *key, void *buffer, size_t capacity, size_t *size)
{
    struct libstore_session *session = opaque;
    int code = store_read(size, session->s, key, buffer, capacity, 0, NULL);

    if (code == STORE_NOT_FOUND)
        return false;
    must(code, "store_read");
    return true;
}

static bool libstore_delete(void *opaque, const char *key)
{
    struct libstore_session *session = opaque;
    int code = store_delete(NULL, session->s, key, NULL);

    if (code == STORE_NOT_FOUND)
        return false;
    must(code, "store_delete");
    return true;
}

static void libstore_delete_many(void *opaque, const char *const *keys, size_t count)
{
    struct libstore_session *session = opaque;
    store_request request = STORE_REQUEST_INIT;

    must(store_begin(&request.txn, session->s, false), "store_begin");
    for (size_t i = 0; i < count; i++)
        must(store_delete(NULL, session->s, keys[i], &request), "store_delete");
    must(store_commit(request.txn), "store_commit");
}

static uint64_t libstore_list(void *opaque, const char *after, uint64_t limit, bool bodies, visit_fn *visit,
                              void *payload)
{
    struct libstore_session *session = opaque;
    store_list_options options = STORE_LIST_OPTIONS_INIT;
    store_entry entry;
    store_iter *iter;
    uint64_t count = 0;
    int code;

    options.after = after ? strrchr(after, '/') + 1 : NULL;
    options.limit = limit;
    options.bodies = bodies;
    must(store_iter_open(&iter, session->s, "/people", &options), "store_iter_open");
    while ((code = store_iter_next(&entry, iter)) == STORE_OK) {
        visit(payload, entry.name, strlen(entry.name), (struct bytes){ entry.body, entry.stat->size });
        count++;
    }
    must(code, "store_iter_next");
    store_iter_close(iter);
    return count;
}

static void libstore_upload(void *opaque, const char *key, struct value_stream *stream)
{
    struct libstore_session *session = opaque;
    store_writer *writer;
    struct bytes piece;

    must(store_writer_open(&writer, session->s, key, NULL), "store_writer_open");
    while (piece = value_piece(stream, BLOCK_SIZE), piece.size > 0)
        must(store_writer_write(writer, piece.data, piece.size), "store_writer_write");
    must(store_writer_commit(NULL, writer), "store_writer_commit");
    store_writer_close(writer);
}

static void libstore_download(void *opaque, const char *key, struct value_stream *stream)
{
    struct libstore_session *session = opaque;
    unsigned char *buffer = allocate(DOWNLOAD_SIZE);
    store_reader *reader;
    size_t got;

    must(store_reader_open(&reader, session->s, key, NULL), "store_reader_open");
    do {
        must(store_reader_read(&got, reader, buffer, DOWNLOAD_SIZE), "store_reader_read");
        value_expect(stream, buffer, got);
    } while (got > 0);
    if (stream->position != stream->size)
        fail("wrong result: libstore gave too few bytes of %s", key);
    store_reader_close(reader);
    free(buffer);
}

const struct backend backend_libstore = {
    .name = "libstore",
    .settings = "a plain collection, versions and change log; relaxed: STORE_DURABLE_RELAXED",
    .version = store_library_version,
    .open = libstore_open,
    .close = libstore_close,
    .session_open = libstore_session_open,
    .session_close = libstore_session_close,
    .sync = libstore_sync,
    .settle = libstore_settle,
    .put = libstore_put,
    .put_many = libstore_put_many,
    .view = libstore_view,
    .view_end = libstore_view_end,
    .get = libstore_get,
    .delete = libstore_delete,
    .delete_many = libstore_delete_many,
    .list = libstore_list,
    .upload = libstore_upload,
    .download = libstore_download,
};
