/*
 * backend_mount.c - values as files of a file system, by the system calls that every program uses.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount.h"

enum { PIECE_SIZE = 128 << 10 }; /* as cp and cat take */

static void must(bool fine, const char *what, const char *key)
{
    if (!fine)
        fail("%s %s: %s", what, key, strerror(errno));
}

/* A mount is its own session: system calls need no more than a descriptor. */
void *mount_session_open(void *database)
{
    return database;
}

void mount_session_close(void *session)
{
    (void)session;
}

int mount_open_file(const struct mount *mount, const char *key, int flags)
{
    int file = openat(mount->root, key + 1, flags | O_CLOEXEC, 0644);

    must(file >= 0, "open", key);
    return file;
}

static void write_all(int file, const char *key, struct bytes value)
{
    ssize_t written = write(file, value.data, value.size);

    must(written >= 0, "write", key);
    if ((size_t)written < value.size)
        fail("write %s: only %zd bytes of %zu", key, written, value.size);
}

void mount_put(void *session, const char *key, struct bytes value)
{
    const struct mount *mount = session;
    int file = mount_open_file(mount, key, O_WRONLY | O_CREAT | O_TRUNC);

    write_all(file, key, value);
    if (mount->durability == DURABLE)
        must(fsync(file) == 0, "fsync", key);
    must(close(file) == 0, "close", key);
}

void mount_put_many(void *session, const struct item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mount_put(session, items[i].key, items[i].value);
}

bool mount_get(void *session, const char *key, void *buffer, size_t capacity, size_t *size)
{
    const struct mount *mount = session;
    int file = openat(mount->root, key + 1, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (file < 0 && errno == ENOENT)
        return false;
    must(file >= 0, "open", key);
    got = read(file, buffer, capacity);
    must(got >= 0, "read", key);
    must(close(file) == 0, "close", key);
    *size = (size_t)got;
    return true;
}

bool mount_delete(void *session, const char *key)
{
    const struct mount *mount = session;

    if (unlinkat(mount->root, key + 1, 0) == 0)
        return true;
    must(errno == ENOENT, "unlink", key);
    return false;
}

void mount_upload(void *session, const char *key, struct value_stream *stream)
{
    int file = mount_open_file(session, key, O_WRONLY | O_CREAT | O_TRUNC);
    struct bytes piece;

    while (piece = value_piece(stream, PIECE_SIZE), piece.size > 0)
        write_all(file, key, piece);
    must(fsync(file) == 0, "fsync", key);
    must(close(file) == 0, "close", key);
}

void mount_download(void *session, const char *key, struct value_stream *stream)
{
    int file = mount_open_file(session, key, O_RDONLY);
    unsigned char *buffer = allocate(PIECE_SIZE);
    ssize_t got;

    while (got = read(file, buffer, PIECE_SIZE), got > 0)
        value_expect(stream, buffer, (size_t)got);
    must(got == 0 && close(file) == 0, "read", key);
    if (stream->position != stream->size)
        fail("wrong result: too few bytes of %s", key);
    free(buffer);
}

void mount_again(struct worker *worker)
{
    database_suspend(worker->database);
    database_resume(worker->database);
}
