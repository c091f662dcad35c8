/* open.c - create, open, flush, fsync, release: when what was written is published. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "caller.h"
#include "daemon.h"
#include "ops.h"
#include "properties.h"
#include "scratch.h"
#include "transport.h"
#include "watch.h"

static bool may_write(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

/* ------------------------------------------------------------ end of a handle */

/* It is no writer any more, until it writes all the same: by a copy of the descriptor, or a mapping. */
static void end_writing(struct handle *handle)
{
    if (may_write(handle->flags) && !handle->closed)
        handle->file->writers--;
    handle->closed = true;
}

void handle_wrote(struct handle *handle)
{
    if (handle->closed)
        handle->file->writers++;
    handle->closed = handle->blank = false;
    handle->wrote = true;
}

/* What a close did not publish: bytes that came later (a mapping), the writer's death, or what the store refused. Nobody
 * hears of an error any more, so what cannot be published is put where it can be found. */
static void finish(struct fs *fs, struct handle *handle)
{
    struct file *file = handle->file;
    uint64_t parent;
    char name[STORE_NAME_MAX + 1] = "";
    int error;

    if (!file->dirty || (file->writers > 0 && !handle->wrote))
        return;
    if (handle->killed) {
        if (file->writers == 0)
            file_discard(fs, file);
        return;
    }
    error = file_publish(fs, file);
    if (!error || file->writers > 0)
        return;
    if (!file->refused) {
        node_place(&fs->nodes, file->node, &parent, name);
        complain("%s: what was written could not be published: %s", name, strerror(error));
    }
    error = file_set_aside(fs, file);
    if (error)
        complain("%s: what was written is lost: %s", name, strerror(error));
}

/* Ends a handle. */
static void close_handle(struct fs *fs, struct handle *handle)
{
    struct node *node = handle->node;
    struct file *file = handle->file;

    if (may_write(handle->flags) || handle->wrote) { /* also what O_CREAT or O_TRUNC made of a file opened for reading */
        pthread_mutex_lock(&file->lock);
        end_writing(handle);
        finish(fs, handle);
        pthread_mutex_unlock(&file->lock);
    }
    file_put(fs, file);
    node_put(&fs->nodes, node);
    free(handle);
}

/* ------------------------------------------------------------------ opening */

/* Takes over the references to node and file. */
static struct handle *make_handle(fuse_req_t request, struct node *node, struct file *file, int flags)
{
    struct handle *handle = calloc(1, sizeof *handle);

    if (!handle)
        return NULL;
    handle->node = node;
    handle->file = file;
    handle->flags = flags;
    handle->opener = fuse_req_ctx(request)->pid;
    return handle;
}

/* What the kernel may do with its pages, and whether it is to tell of every close(). The pages are those of all handles of
 * an inode. So whoever opens it where others have an older version open leaves them alone. */
static void tell_kernel(struct fuse_file_info *info, struct handle *handle, bool keep)
{
    info->fh = (uintptr_t)handle;
    info->keep_cache = keep;
    info->direct_io = handle->epoch > 0;
    info->noflush = !may_write(handle->flags) && !handle->wrote;
}

/* May the kernel keep the pages that it has? Then it may show them without asking, and what is shown is to be known. What is
 * open, too, is to be compared with what was given out to others before the handle gets its epoch. */
static int open_pages(struct fs *fs, struct file *file, bool *keep)
{
    struct node *node = file->node;
    int error = 0;

    *keep = true;
    if (file->dirty || file->state != FILE_STORED)
        return 0;
    if (file->tail.seen || node->cached == file->stat.version)
        error = file_content(fs, file);
    *keep = file->epoch > 0 || node->cached == file->stat.version;
    node->cached = file->epoch > 0 ? 0 : file->stat.version;
    return error;
}

/* Under the file's lock. */
static int open_file(struct fs *fs, struct handle *handle, bool *keep)
{
    struct file *file = handle->file;
    int error = file_refresh(fs, file);

    if (!error && handle->flags & O_TRUNC) {
        error = file_truncate(fs, file);
        if (!error) {
            file_touch(file, transport_clears_setid());
            handle->wrote = handle->blank = true;
        }
    }
    if (!error)
        error = open_pages(fs, file, keep);
    if (error)
        return error;
    file->writers += may_write(handle->flags);
    handle->epoch = file->epoch;
    return 0;
}

/* What another face, or a rename, has put where the node was is found if the kernel looks again (ESTALE). */
static int absence(const struct node *node, int error)
{
    if (error == ESTALE && node->unlinked)
        return ENOENT;
    return error == ENOENT ? ESTALE : error;
}

/* A handle for the node, whose reference it takes over; on failure that is given back. */
static int open_node(struct handle **out, fuse_req_t request, struct node *node, int flags, bool *keep)
{
    struct fs *fs = fs_of(request);
    struct file *file = file_get(fs, node);
    struct handle *handle = file ? make_handle(request, node, file, flags) : NULL;
    int error = handle ? 0 : ENOMEM;

    if (!error) {
        pthread_mutex_lock(&file->lock);
        error = open_file(fs, handle, keep);
        pthread_mutex_unlock(&file->lock);
    }
    if (error) {
        error = absence(node, error);
        free(handle);
        if (file)
            file_put(fs, file);
        node_put(&fs->nodes, node);
        handle = NULL;
    }
    *out = handle;
    return error;
}

void op_open(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct fs *fs = fs_of(request);
    struct node *node = node_get(&fs->nodes, ino);
    struct handle *handle = NULL;
    bool keep = false;
    int error = node ? open_node(&handle, request, node, info->flags, &keep) : ESTALE;

    if (error) {
        fuse_reply_err(request, error);
        return;
    }
    tell_kernel(info, handle, keep);
    if (fuse_reply_open(request, info) != 0)
        close_handle(fs, handle);
}

/* ----------------------------------------------------------------- creating */

/* What is there already, if anything is: 0 and a reference, or ENOENT. */
static int find_existing(struct node **out, struct fs *fs, fuse_ino_t parent, const char *name)
{
    enum own_kind own = own_find(&fs->nodes, out, parent, name);
    struct place place;
    store_stat stat;
    int error;

    if (own != OWN_NONE)
        return own == OWN_FILE ? 0 : ENOENT;
    place_in(&place, fs, parent, name);
    error = place_stat(&stat, fs, &place);
    if (!error && stat.kind != STORE_OBJECT && stat.kind != STORE_PROPERTY)
        error = EEXIST;
    if (!error && !(*out = node_see(&fs->nodes, fs_ino(fs, stat.id), parent, name)))
        error = ENOMEM;
    return error;
}

/* A file that nobody but this mount knows until it is published; `name` may be NULL. */
static int stage(struct node **out, fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, int flags)
{
    struct fs *fs = fs_of(request);
    store_attributes attributes;
    store_stat directory, stat = { 0 };
    enum file_state state = FILE_STAGED;
    int error = attr_for_new(&attributes, fs, request, parent, mode, &directory);

    if (error)
        return error;
    stat.mode = attributes.mode;
    stat.uid = attributes.uid;
    stat.gid = attributes.gid;
    stat.typed = directory.typed;
    if (name && directory.typed && (scratch_name(name) || scratch_open(flags, mode)))
        state = FILE_SCRATCH;
    if (fs->options.properties && directory.typed && state == FILE_STAGED && !properties_is_object(&directory))
        return EPERM; /* its objects are directories */
    error = file_make(out, fs, state, parent, name, &stat, NULL);
    if (!error)
        (*out)->file->exclusive = state == FILE_STAGED && flags & O_EXCL; /* nobody else knows the node yet */
    return error;
}

static void reply_created(fuse_req_t request, struct fuse_file_info *info, struct handle *handle, unsigned count)
{
    struct fs *fs = fs_of(request);
    struct node *node = handle->node;
    struct fuse_entry_param entry;
    store_stat stat;
    uint64_t allocated;
    int error = attr_of(&stat, &allocated, fs, node);

    if (error) {
        fuse_reply_err(request, error);
        close_handle(fs, handle);
        return;
    }
    entry_fill(&entry, fs, &stat, allocated, count);
    node_count_lookup(&fs->nodes, node);
    if (fuse_reply_create(request, &entry, info) != 0) {
        node_forget(&fs->nodes, entry.ino, 1);
        close_handle(fs, handle);
    }
}

void op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *info)
{
    struct fs *fs = fs_of(request);
    unsigned count = watch_count(fs);
    struct handle *handle = NULL;
    struct node *node = NULL;
    bool keep = false, made = false;
    int error = find_existing(&node, fs, parent, name);

    if (!error && info->flags & O_EXCL) {
        node_put(&fs->nodes, node);
        error = EEXIST;
    }
    if (error == ENOENT) {
        made = true;
        error = stage(&node, request, parent, name, mode, info->flags);
    }
    if (!error)
        error = open_node(&handle, request, node, info->flags & ~(made ? O_TRUNC : 0), &keep);
    if (error) {
        fuse_reply_err(request, error);
        return;
    }
    handle->wrote |= made;
    handle->blank |= made;
    if (made && handle->file->typed && handle->file->state == FILE_STAGED)
        handle->file->scan = json_scan_new();
    tell_kernel(info, handle, keep || made);
    reply_created(request, info, handle, count);
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
/* O_TMPFILE: as a file that was unlinked while it is open; without O_EXCL, link(2) may give it a name. */
void op_tmpfile(fuse_req_t request, fuse_ino_t parent, mode_t mode, struct fuse_file_info *info)
{
    struct fs *fs = fs_of(request);
    unsigned count = watch_count(fs);
    struct handle *handle = NULL;
    struct node *node = NULL;
    struct file *file;
    bool keep;
    int error = stage(&node, request, parent, NULL, mode, 0);

    if (error) {
        fuse_reply_err(request, error);
        return;
    }
    file = file_find(fs, node);
    pthread_mutex_lock(&file->lock);
    file_detach(file);
    file->linkable = !(info->flags & O_EXCL);
    pthread_mutex_unlock(&file->lock);
    error = open_node(&handle, request, node, info->flags & ~O_TRUNC, &keep);
    file_put(fs, file);
    if (error) {
        fuse_reply_err(request, error);
        return;
    }
    tell_kernel(info, handle, true);
    reply_created(request, info, handle, count);
}
#endif

/* ------------------------------------------------------------------ closing */

/*
 * Every close() of a descriptor brings a FLUSH: that of a copy which a child got by fork, as well. What counts is the
 * close of the process that opened the file; when that is gone, or not to be seen from here, any.
 */
static bool is_writers_close(fuse_req_t request, const struct handle *handle)
{
    pid_t closer = fuse_req_ctx(request)->pid, opener;

    if (closer == handle->opener || closer == 0 || handle->opener == 0)
        return true;
    opener = caller_group(handle->opener);
    return opener == 0 || opener == caller_group(closer);
}

/* A whole JSON text is what its writer had to say, whoever opened the file: "cat a > b" of a shell that opens b itself
 * hears of a refusal. */
static bool is_whole(const struct file *file)
{
    return file->scan && json_scan_complete(file->scan);
}

/* A shell opens what it is to write to, copies the descriptor to where it belongs, and closes the first one. That is not
 * the end of an empty file. */
static bool is_beginning(const struct handle *handle, pid_t closer)
{
    return handle->blank && caller_holds(closer, handle->node->ino);
}

/* Under the file's lock. */
static int close_copy(struct fs *fs, struct handle *handle, pid_t closer, bool writers)
{
    struct file *file = handle->file;
    bool killed;
    int error = 0;

    if (is_beginning(handle, closer))
        return 0;
    if (handle->wrote && (writers || is_whole(file))) {
        killed = file->dirty && caller_killed(closer);
        if (!killed)
            error = file_publish(fs, file);
        handle->killed = writers && killed;
        handle->wrote = file->dirty;
    }
    if (writers)
        end_writing(handle);
    if (error && file->refused && file->writers == 0 && file_set_aside(fs, file) != 0)
        complain("what was refused stays in the file: no memory to put it aside");
    return error;
}

void op_flush(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct handle *handle = handle_of(info);
    int error = 0;

    (void)ino;
    if (may_write(handle->flags) || handle->wrote) {
        bool writers = is_writers_close(request, handle);

        pthread_mutex_lock(&handle->file->lock);
        error = close_copy(fs_of(request), handle, fuse_req_ctx(request)->pid, writers);
        pthread_mutex_unlock(&handle->file->lock);
    }
    fuse_reply_err(request, error);
}

void op_fsync(fuse_req_t request, fuse_ino_t ino, int datasync, struct fuse_file_info *info)
{
    struct fs *fs = fs_of(request);
    struct handle *handle = handle_of(info);
    int error;

    (void)ino;
    (void)datasync;
    pthread_mutex_lock(&handle->file->lock);
    error = file_publish(fs, handle->file);
    pthread_mutex_unlock(&handle->file->lock);
    if (!error && fs->options.durability == STORE_DURABLE_RELAXED)
        error = errno_of(store_sync(fs->store));
    fuse_reply_err(request, error);
}

void op_release(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    (void)ino;
    close_handle(fs_of(request), handle_of(info));
    fuse_reply_err(request, 0);
}
