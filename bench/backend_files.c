/*
 * backend_files.c - one file for each object, in 256 directories: write a temporary file, fdatasync, rename,
 * fsync of the directory. What a careful program does without a database.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

enum { DIRECTORIES = 256 };

struct files {
    enum durability durability;
    int directories[DIRECTORIES];
};

struct files_session {
    struct files *db;
    char temporary[KEY_MAX];
    unsigned char *buffer; /* a view's */
};

static void must(bool fine, const char *what, const char *name)
{
    if (!fine)
        fail("files: %s %s: %s", what, name, strerror(errno));
}

static const char *version(void)
{
    return "";
}

static void *open_database(const char *directory, enum durability durability)
{
    struct files *db = allocate_zeroed(1, sizeof *db);

    db->durability = durability;
    for (int i = 0; i < DIRECTORIES; i++) {
        char name[8];
        char *path;

        snprintf(name, sizeof name, "%02x", i);
        path = files_join(directory, name);
        must(mkdir(path, 0700) == 0 || errno == EEXIST, "mkdir", path);
        db->directories[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(db->directories[i] >= 0, "open", path);
        free(path);
    }
    return db;
}

static void close_database(void *database)
{
    struct files *db = database;

    for (int i = 0; i < DIRECTORIES; i++)
        close(db->directories[i]);
    free(db);
}

static void *session_open(void *database)
{
    struct files_session *session = allocate_zeroed(1, sizeof *session);

    session->db = database;
    session->buffer = allocate(BLOCK_SIZE);
    snprintf(session->temporary, sizeof session->temporary, ".new-%p", (void *)session);
    return session;
}

static void session_close(void *opaque)
{
    struct files_session *session = opaque;

    free(session->buffer);
    free(session);
}

static void sync_database(void *database)
{
    struct files *db = database;

    must(syncfs(db->directories[0]) == 0, "syncfs", "");
}

static const char *name_of(const char *key)
{
    return strrchr(key, '/') + 1;
}

/* The last digits tell objects apart best. */
static int directory_of(const struct files *db, const char *key)
{
    return db->directories[key_number(key, strlen(key)) % DIRECTORIES];
}

static void write_all(int file, struct bytes value)
{
    while (value.size > 0) {
        ssize_t done = write(file, value.data, value.size);

        must(done > 0, "write", "");
        value = (struct bytes){ (const char *)value.data + done, value.size - (size_t)done };
    }
}

static int temporary_open(const struct files_session *session, int directory)
{
    int file = openat(directory, session->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    must(file >= 0, "open", session->temporary);
    return file;
}

static void publish(const struct files_session *session, int directory, int file, const char *key, bool durable)
{
    must(!durable || fdatasync(file) == 0, "fdatasync", key);
    must(close(file) == 0, "close", key);
    must(renameat(directory, session->temporary, directory, name_of(key)) == 0, "rename", key);
    must(!durable || fsync(directory) == 0, "fsync of the directory of", key);
}

static void put_file(struct files_session *session, const char *key, struct bytes value, bool durable)
{
    int directory = directory_of(session->db, key), file = temporary_open(session, directory);

    write_all(file, value);
    publish(session, directory, file, key, durable);
}

static void put(void *opaque, const char *key, struct bytes value)
{
    struct files_session *session = opaque;

    put_file(session, key, value, session->db->durability == DURABLE);
}

/* No transaction: all written, then all synced. */
static void put_many(void *opaque, const struct item *items, size_t count)
{
    struct files_session *session = opaque;

    for (size_t i = 0; i < count; i++)
        put_file(session, items[i].key, items[i].value, false);
    sync_database(session->db);
}

static bool get(void *opaque, const char *key, void *buffer, size_t capacity, size_t *size)
{
    struct files_session *session = opaque;
    int file = openat(directory_of(session->db, key), name_of(key), O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (file < 0 && errno == ENOENT)
        return false;
    must(file >= 0, "open", key);
    *size = 0;
    while ((got = read(file, (char *)buffer + *size, capacity - *size)) > 0)
        *size += (size_t)got;
    must(got == 0, "read", key);
    close(file);
    return true;
}

static bool view(void *opaque, const char *key, struct bytes *value)
{
    struct files_session *session = opaque;

    value->data = session->buffer;
    return get(session, key, session->buffer, BLOCK_SIZE, &value->size);
}

static void view_end(void *session)
{
    (void)session;
}

static bool delete(void *opaque, const char *key)
{
    struct files_session *session = opaque;
    int directory = directory_of(session->db, key);

    if (unlinkat(directory, name_of(key), 0) != 0) {
        must(errno == ENOENT, "unlink", key);
        return false;
    }
    must(session->db->durability == RELAXED || fsync(directory) == 0, "fsync of the directory of", key);
    return true;
}

static void upload(void *opaque, const char *key, struct value_stream *stream)
{
    struct files_session *session = opaque;
    int directory = directory_of(session->db, key), file = temporary_open(session, directory);
    struct bytes piece;

    while (piece = value_piece(stream, BLOCK_SIZE), piece.size > 0)
        write_all(file, piece);
    publish(session, directory, file, key, session->db->durability == DURABLE);
}

static void download(void *opaque, const char *key, struct value_stream *stream)
{
    struct files_session *session = opaque;
    int file = openat(directory_of(session->db, key), name_of(key), O_RDONLY | O_CLOEXEC);
    ssize_t got;

    must(file >= 0, "open", key);
    while ((got = read(file, session->buffer, BLOCK_SIZE)) > 0)
        value_expect(stream, session->buffer, (size_t)got);
    must(got == 0, "read", key);
    close(file);
    if (stream->position != stream->size)
        fail("wrong result: files gave too few bytes of %s", key);
}

const struct backend backend_files = {
    .name = "files",
    .settings = "a file each in 256 directories: temporary, fdatasync, rename, fsync of it; relaxed: no syncs",
    .version = version,
    .open = open_database,
    .close = close_database,
    .session_open = session_open,
    .session_close = session_close,
    .sync = sync_database,
    .put = put,
    .put_many = put_many,
    .view = view,
    .view_end = view_end,
    .get = get,
    .delete = delete,
    .upload = upload,
    .download = download,
};
