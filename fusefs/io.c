/* io.c - reading and writing open files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "file.h"
#include "ops.h"
#include "transport.h"

/* ------------------------------------------------- a buffer for each thread */

struct buffer {
    char *data;
    size_t size;
};

static pthread_key_t buffer_key;
static pthread_once_t buffer_once = PTHREAD_ONCE_INIT;

static void free_buffer(void *value)
{
    struct buffer *buffer = value;

    free(buffer->data);
    free(buffer);
}

static void make_key(void)
{
    pthread_key_create(&buffer_key, free_buffer);
}

/* The thread's own, of at least this size: reads come in sizes up to a MiB, which malloc() would map each time. */
static char *thread_buffer(size_t size)
{
    struct buffer *buffer;

    pthread_once(&buffer_once, make_key);
    buffer = pthread_getspecific(buffer_key);
    if (!buffer) {
        buffer = calloc(1, sizeof *buffer);
        if (!buffer || pthread_setspecific(buffer_key, buffer) != 0) {
            free(buffer);
            return NULL;
        }
    }
    if (buffer->size < size) {
        free(buffer->data);
        buffer->data = malloc(size);
        buffer->size = buffer->data ? size : 0;
    }
    return buffer->data;
}

/* ------------------------------------------------------------------ reading */

/* Opens what the handle may read: ESTALE if another face's version took the place of its own, and does not continue it. */
static int readable(struct fs *fs, const struct handle *handle)
{
    int error = file_content(fs, handle->file);

    if (!error && handle->epoch != handle->file->epoch)
        error = ESTALE;
    return error;
}

static int read_content(size_t *got, struct fs *fs, const struct handle *handle, char *out, size_t size,
                        uint64_t offset)
{
    struct file *file = handle->file;
    int error = readable(fs, handle);

    if (!error)
        error = content_read(got, file->content, out, size, offset);
    if (!error)
        tail_see(&file->tail, out, *got, offset, content_size(file->content));
    return error;
}

/* Under the file's lock. */
static int read_file(size_t *got, struct fs *fs, const struct handle *handle, char *out, size_t size, uint64_t offset)
{
    struct file *file = handle->file;
    int error = read_content(got, fs, handle, out, size, offset);

    if (error != ESTALE || file->dirty || file->state != FILE_STORED || handle->epoch != file->epoch)
        return error;
    file_overtaken(file); /* its chunks are gone: is there a version that continues it? */
    return read_content(got, fs, handle, out, size, offset);
}

void op_read(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
    struct handle *handle = handle_of(info);
    char *out = thread_buffer(size);
    size_t got = 0;
    int error = ENOMEM;

    (void)ino;
    if (out) {
        pthread_mutex_lock(&handle->file->lock);
        error = read_file(&got, fs_of(request), handle, out, size, (uint64_t)offset);
        pthread_mutex_unlock(&handle->file->lock);
    }
    if (error)
        fuse_reply_err(request, error == ENOENT ? ESTALE : error);
    else
        fuse_reply_buf(request, out, got);
}

/* ------------------------------------------------------------------ writing */

/* A body that can never become JSON is refused now, since not everybody looks at what close() says; its text is kept all the
 * same, for whoever wants to mend it. */
static int scan(struct file *file, const char *data, size_t size, uint64_t offset)
{
    if (!file->scan)
        return 0;
    if (offset == file->scanned && json_scan_feed(file->scan, data, size)) {
        file->scanned += size;
        return 0;
    }
    json_scan_free(file->scan);
    file->scan = NULL;
    return offset == file->scanned ? EINVAL : 0;
}

/* Under the file's lock. */
static int write_file(struct fs *fs, struct handle *handle, const char *data, size_t size, uint64_t offset)
{
    struct file *file = handle->file;
    int error = file_content(fs, file);

    if (error)
        return error;
    error = content_write(file->content, data, size, offset);
    if (error) {
        file_overtaken(file); /* a part of it may be written: of a file without changes nothing shows */
        return error;
    }
    file_touch(file, transport_clears_setid());
    handle_wrote(handle);
    return scan(file, data, size, offset);
}

/* O_APPEND is where the end is now, unless the pages of a mapping are written back. */
static uint64_t where(struct fs *fs, const struct handle *handle, off_t offset, const struct fuse_file_info *info)
{
    if (!(handle->flags & O_APPEND) || info->writepage || file_content(fs, handle->file) != 0)
        return (uint64_t)offset;
    return content_size(handle->file->content);
}

void op_write(fuse_req_t request, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *info)
{
    struct fs *fs = fs_of(request);
    struct handle *handle = handle_of(info);
    int error;

    (void)ino;
    pthread_mutex_lock(&handle->file->lock);
    error = write_file(fs, handle, data, size, where(fs, handle, offset, info));
    pthread_mutex_unlock(&handle->file->lock);
    if (error)
        fuse_reply_err(request, error);
    else
        fuse_reply_write(request, size);
}

/* ---------------------------------------------------------- holes and space */

static int allocate(struct content *content, int mode, uint64_t offset, uint64_t length)
{
    bool keep = mode & FALLOC_FL_KEEP_SIZE;
    int error = 0;

    switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
        break;
    case FALLOC_FL_PUNCH_HOLE:
        return content_zero(content, offset, length);
    case FALLOC_FL_ZERO_RANGE:
        error = content_zero(content, offset, length);
        break;
    default:
        return EOPNOTSUPP;
    }
    if (!error && !keep && offset + length > content_size(content))
        error = content_resize(content, offset + length);
    return error;
}

void op_fallocate(fuse_req_t request, fuse_ino_t ino, int mode, off_t offset, off_t length,
                  struct fuse_file_info *info)
{
    struct handle *handle = handle_of(info);
    struct file *file = handle->file;
    int error;

    (void)ino;
    pthread_mutex_lock(&file->lock);
    error = file_content(fs_of(request), file);
    if (!error)
        error = allocate(file->content, mode, (uint64_t)offset, (uint64_t)length);
    if (!error) {
        file_touch(file, transport_clears_setid());
        handle_wrote(handle);
    } else {
        file_overtaken(file);
    }
    pthread_mutex_unlock(&file->lock);
    fuse_reply_err(request, error);
}

void op_lseek(fuse_req_t request, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *info)
{
    struct handle *handle = handle_of(info);
    struct file *file = handle->file;
    uint64_t found = 0;
    int error = whence == SEEK_DATA || whence == SEEK_HOLE ? 0 : EINVAL;

    (void)ino;
    pthread_mutex_lock(&file->lock);
    if (!error)
        error = readable(fs_of(request), handle);
    if (!error)
        error = content_seek(&found, file->content, (uint64_t)offset, whence == SEEK_DATA);
    pthread_mutex_unlock(&file->lock);
    if (error)
        fuse_reply_err(request, error);
    else
        fuse_reply_lseek(request, (off_t)found);
}

/* ------------------------------------------------------------------ copying */

#define COPY_SLICE (1u << 20)
#define COPY_MOST (64u << 20) /* in one request; the caller goes on from there */

static int copy_slice(size_t *got, struct fs *fs, struct handle *from, uint64_t from_offset, struct handle *to,
                      uint64_t to_offset, size_t size)
{
    char *data = thread_buffer(COPY_SLICE);
    int error = data ? 0 : ENOMEM;

    *got = 0;
    if (!error) {
        pthread_mutex_lock(&from->file->lock);
        error = read_file(got, fs, from, data, size, from_offset);
        pthread_mutex_unlock(&from->file->lock);
    }
    if (error || *got == 0)
        return error;
    pthread_mutex_lock(&to->file->lock);
    error = write_file(fs, to, data, *got, to_offset);
    pthread_mutex_unlock(&to->file->lock);
    return error;
}

void op_copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset, struct fuse_file_info *from_info,
                        fuse_ino_t to, off_t to_offset, struct fuse_file_info *to_info, size_t length, int flags)
{
    size_t done = 0, got = 1, most = length < COPY_MOST ? length : COPY_MOST;
    int error = flags == 0 ? 0 : EINVAL;

    (void)from;
    (void)to;
    while (!error && done < most && got > 0) {
        size_t size = most - done < COPY_SLICE ? most - done : COPY_SLICE;
        error = copy_slice(&got, fs_of(request), handle_of(from_info), (uint64_t)from_offset + done,
                           handle_of(to_info), (uint64_t)to_offset + done, size);
        done += error ? 0 : got;
    }
    if (error && done == 0)
        fuse_reply_err(request, error);
    else
        fuse_reply_write(request, done);
}
