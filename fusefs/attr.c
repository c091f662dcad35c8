/* attr.c - getattr, setattr, and attributes of what is made. */
#include "attr.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "ops.h"
#include "properties.h"
#include "transport.h"
#include "watch.h"

#define SECOND 1000000000LL
#define PERMISSIONS 07777u
#define BLOCK 4096

/* ------------------------------------------------------------- to the kernel */

mode_t attr_type(const store_stat *stat)
{
    switch (stat->kind) {
    case STORE_COLLECTION:
        return S_IFDIR;
    case STORE_LINK:
        return S_IFLNK;
    case STORE_SPECIAL:
        return stat->special;
    case STORE_OBJECT:
    case STORE_PROPERTY:
        break;
    }
    return S_IFREG;
}

static struct timespec time_of(int64_t ns)
{
    struct timespec time = { .tv_sec = ns / SECOND, .tv_nsec = ns % SECOND };

    if (time.tv_nsec < 0) { /* before 1970 */
        time.tv_sec--;
        time.tv_nsec += SECOND;
    }
    return time;
}

void attr_fill(struct stat *out, const struct fs *fs, const store_stat *stat, uint64_t allocated)
{
    *out = (struct stat){ .st_ino = fs_ino(fs, stat->id), .st_nlink = stat->links, .st_uid = stat->uid,
                          .st_gid = stat->gid, .st_rdev = stat->device, .st_blksize = BLOCK };
    out->st_mode = attr_type(stat) | (stat->mode & PERMISSIONS);
    out->st_size = (off_t)stat->size;
    out->st_blocks = (blkcnt_t)((allocated + 511) / 512);
    out->st_atim = time_of(stat->accessed);
    out->st_mtim = time_of(stat->modified);
    out->st_ctim = time_of(stat->changed);
}

/* A directory changes without the kernel's doing when a file that was made in it is published at last; a property
 * whenever its object does, which is all that the watch hears of. */
static double attr_timeout(struct fs *fs, const store_stat *stat, unsigned count)
{
    if (property_is_ino(stat->id))
        return 0;
    return stat->kind == STORE_COLLECTION && own_any(&fs->nodes, 0) ? 0 : watch_timeout(fs, count);
}

void entry_fill(struct fuse_entry_param *out, struct fs *fs, const store_stat *stat, uint64_t allocated,
                unsigned count)
{
    *out = (struct fuse_entry_param){ .ino = fs_ino(fs, stat->id), .attr_timeout = attr_timeout(fs, stat, count),
                                      .entry_timeout = property_is_ino(stat->id) ? 0 : watch_timeout(fs, count) };
    attr_fill(&out->attr, fs, stat, allocated);
}

void reply_entry(fuse_req_t request, struct fs *fs, struct node *node, const store_stat *stat, uint64_t allocated,
                 unsigned count)
{
    struct fuse_entry_param entry;

    entry_fill(&entry, fs, stat, allocated, count);
    node_count_lookup(&fs->nodes, node);
    if (fuse_reply_entry(request, &entry) != 0)
        node_forget(&fs->nodes, node->ino, 1);
    node_put(&fs->nodes, node);
}

/* ------------------------------------------------------------------ getattr */

/* Bytes that the store keeps for a body, holes left out. */
static uint64_t allocated_of(struct fs *fs, const store_stat *stat, const struct place *place)
{
    enum { WORTH_A_LOOK = 65536 }; /* smaller bodies have no holes that count */
    store_get_options options = STORE_GET_OPTIONS_INIT;
    uint64_t begin, end = 0, sum = 0;
    store_reader *reader;

    if (stat->kind != STORE_OBJECT || stat->size <= WORTH_A_LOOK)
        return stat->kind == STORE_COLLECTION ? 0 : stat->size;
    options.base = place->base;
    options.if_id = stat->id;
    if (store_reader_open(&reader, fs->store, place->name, &options) != STORE_OK)
        return stat->size;
    while (store_reader_extent(&begin, &end, reader, end) == STORE_OK)
        sum += end - begin;
    store_reader_close(reader);
    return sum;
}

static int stat_open(store_stat *out, uint64_t *allocated, struct fs *fs, struct file *file)
{
    int error;

    pthread_mutex_lock(&file->lock);
    error = file_stat(out, allocated, fs, file);
    pthread_mutex_unlock(&file->lock);
    file_put(fs, file);
    return error;
}

int attr_newest(store_stat *stat, uint64_t *allocated, struct fs *fs, struct node *node, uint64_t parent,
                const char *name)
{
    struct file *file = file_find(fs, node);
    struct place place;

    if (file)
        return stat_open(stat, allocated, fs, file);
    place_in(&place, fs, parent, name);
    *allocated = allocated_of(fs, stat, &place);
    return 0;
}

int attr_of(store_stat *out, uint64_t *allocated, struct fs *fs, struct node *node)
{
    struct file *file = file_find(fs, node);
    struct place place;
    int error;

    if (file)
        return stat_open(out, allocated, fs, file);
    error = place_of(&place, fs, node);
    if (!error)
        error = place_stat(out, fs, &place);
    if (error && node_buried(&fs->nodes, node, out))
        error = 0;
    if (!error)
        *allocated = allocated_of(fs, out, &place);
    return error;
}

static void answer_attr(fuse_req_t request, struct fs *fs, struct node *node, unsigned count)
{
    struct stat attr;
    store_stat stat;
    uint64_t allocated;
    int error = attr_of(&stat, &allocated, fs, node);

    if (error) {
        fuse_reply_err(request, error == ENOENT ? ESTALE : error);
        return;
    }
    attr_fill(&attr, fs, &stat, allocated);
    fuse_reply_attr(request, &attr, attr_timeout(fs, &stat, count));
}

void op_getattr(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct fs *fs = fs_of(request);
    unsigned count = watch_count(fs);
    struct node *node = node_get(&fs->nodes, ino);

    (void)info;
    if (!node) {
        fuse_reply_err(request, ESTALE);
        return;
    }
    answer_attr(request, fs, node, count);
    node_put(&fs->nodes, node);
}

/* ------------------------------------------------------------------ setattr */

static int64_t ns_of(const struct timespec *time)
{
    return time->tv_sec * SECOND + time->tv_nsec;
}

static store_attributes wanted(const struct stat *attr, int to_set)
{
    store_attributes out = { .mode = attr->st_mode & PERMISSIONS, .uid = attr->st_uid, .gid = attr->st_gid,
                             .modified = ns_of(&attr->st_mtim), .accessed = ns_of(&attr->st_atim) };

    if (to_set & (FUSE_SET_ATTR_MTIME_NOW | FUSE_SET_ATTR_ATIME_NOW)) {
        int64_t now = now_ns();
        if (to_set & FUSE_SET_ATTR_MTIME_NOW)
            out.modified = now;
        if (to_set & FUSE_SET_ATTR_ATIME_NOW)
            out.accessed = now;
    }
    out.mask |= to_set & FUSE_SET_ATTR_MODE ? STORE_ATTR_MODE : 0;
    out.mask |= to_set & FUSE_SET_ATTR_UID ? STORE_ATTR_OWNER : 0;
    out.mask |= to_set & FUSE_SET_ATTR_GID ? STORE_ATTR_GROUP : 0;
    out.mask |= to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW) ? STORE_ATTR_MODIFIED : 0;
    out.mask |= to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW) ? STORE_ATTR_ACCESSED : 0;
    return out;
}

/* Where a time of access was never set the store shows that of modification, which must not take it along. */
static void keep_accessed(store_attributes *change, const store_stat *now)
{
    if ((change->mask & (STORE_ATTR_MODIFIED | STORE_ATTR_ACCESSED)) != STORE_ATTR_MODIFIED)
        return;
    change->accessed = now->accessed;
    change->mask |= STORE_ATTR_ACCESSED;
}

/* A change of owner takes the set-id bits away (chown(2)); the kernel says so (HANDLE_KILLPRIV_V2), and asks for nothing
 * at all when chown() was given neither user nor group. */
static void kill_set_id(store_attributes *change, const store_stat *now, int to_set)
{
    uint32_t mode = now->mode & ~(uint32_t)S_ISUID;

    if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_SIZE) || (to_set && !transport_clears_setid()))
        return;
    if (mode & S_IXGRP)
        mode &= ~(uint32_t)S_ISGID;
    if (mode != now->mode) {
        change->mode = mode;
        change->mask |= STORE_ATTR_MODE;
    }
}

static void set_here(struct file *file, const store_attributes *change)
{
    store_stat *stat = &file->stat;

    if (change->mask & STORE_ATTR_MODE)
        stat->mode = change->mode;
    if (change->mask & STORE_ATTR_OWNER)
        stat->uid = change->uid;
    if (change->mask & STORE_ATTR_GROUP)
        stat->gid = change->gid;
    if (change->mask & STORE_ATTR_MODIFIED)
        stat->modified = file->tail.modified = change->modified; /* by that its bytes are not changed */
    if (change->mask & STORE_ATTR_ACCESSED)
        stat->accessed = change->accessed;
    stat->changed = now_ns();
}

/* Of a file: if its bytes are another face's by now, that is a conflict to be told when they are published. */
static int set_stored(struct fs *fs, const struct node *node, struct file *file, const store_attributes *change)
{
    const uint64_t known = file && file->dirty && file->content ? file->stat.version : 0;
    store_request request = STORE_REQUEST_INIT;
    store_answer answer;
    struct place place;
    int error = place_of(&place, fs, node);

    if (error)
        return error;
    request.base = place.base;
    request.if_id = place.id;
    request.attributes = change;
    if (known) {
        request.if_match = &known;
        request.if_match_count = 1;
    }
    error = errno_of(store_set(&answer, fs->store, place.name, &request));
    if (!error)
        watch_own(fs, answer.one.version);
    if (!error && file)
        file_rebase(file, answer.one.version);
    store_answer_clear(&answer);
    return error;
}

static int resize(struct fs *fs, struct file *file, uint64_t size)
{
    int error = size == 0 ? file_load(fs, file) : file_content(fs, file);

    if (!error)
        error = size == 0 ? file_truncate(fs, file) : content_resize(file->content, size);
    if (!error)
        file_touch(file, transport_clears_setid());
    return error;
}

static int change_attributes(struct fs *fs, struct file *file, const struct stat *attr, int to_set)
{
    store_attributes change = wanted(attr, to_set);
    int error = 0;

    kill_set_id(&change, &file->stat, to_set);
    keep_accessed(&change, &file->stat);
    if (change.mask && file->state == FILE_STORED)
        error = set_stored(fs, file->node, file, &change);
    if (error)
        return error;
    set_here(file, &change);
    if (file->state != FILE_STORED)
        file->mask |= change.mask;
    return 0;
}

/* Under the file's lock. `handle`: of ftruncate(2), which is one more write; or NULL. A file that nobody writes is
 * published at once, for truncate(2) has no close(), and if the store refuses that nothing has happened. */
static int change_file(struct fs *fs, struct file *file, struct handle *handle, const struct stat *attr, int to_set)
{
    bool sized = to_set & FUSE_SET_ATTR_SIZE;
    int error = file_refresh(fs, file);

    if (!error && sized)
        error = resize(fs, file, (uint64_t)attr->st_size);
    if (error)
        return error;
    if (sized && handle)
        handle_wrote(handle);
    error = change_attributes(fs, file, attr, to_set);
    if (!sized || file->writers > 0)
        return error;
    if (!error)
        error = file_publish(fs, file);
    if (error && file->state == FILE_STORED)
        file_discard(fs, file);
    return error;
}

static int change_directory(struct fs *fs, struct node *node, const struct stat *attr, int to_set)
{
    store_attributes change = wanted(attr, to_set);
    struct place place;
    store_stat now;
    int error = place_of(&place, fs, node);

    if (!error)
        error = place_stat(&now, fs, &place);
    if (error || !change.mask)
        return error;
    keep_accessed(&change, &now);
    return set_stored(fs, node, NULL, &change);
}

static int change(struct fs *fs, struct node *node, struct handle *handle, const struct stat *attr, int to_set)
{
    struct file *file;
    int error;

    if (node->directory)
        return change_directory(fs, node, attr, to_set);
    file = file_get(fs, node);
    if (!file)
        return ENOMEM;
    pthread_mutex_lock(&file->lock);
    error = change_file(fs, file, handle, attr, to_set);
    pthread_mutex_unlock(&file->lock);
    file_put(fs, file);
    return error;
}

void op_setattr(fuse_req_t request, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *info)
{
    struct fs *fs = fs_of(request);
    unsigned count = watch_count(fs);
    struct node *node = node_get(&fs->nodes, ino);
    int error = node ? change(fs, node, info ? handle_of(info) : NULL, attr, to_set) : ESTALE;

    if (error)
        fuse_reply_err(request, error);
    else
        answer_attr(request, fs, node, count);
    node_put(&fs->nodes, node);
}

/* -------------------------------------------------------------- what is made */

int attr_for_new(store_attributes *out, struct fs *fs, fuse_req_t request, fuse_ino_t parent, mode_t mode,
                 store_stat *directory)
{
    const struct fuse_ctx *caller = fuse_req_ctx(request);
    struct place place;
    int error;

    place_in(&place, fs, parent, "");
    error = place_stat(directory, fs, &place);
    if (error)
        return error;
    *out = (store_attributes){ .mask = STORE_ATTR_MODE | STORE_ATTR_OWNER | STORE_ATTR_GROUP,
                               .mode = mode & PERMISSIONS, .uid = caller->uid, .gid = caller->gid };
    if (directory->mode & S_ISGID) {
        out->gid = directory->gid;
        if (S_ISDIR(mode))
            out->mode |= S_ISGID;
    }
    return 0;
}
