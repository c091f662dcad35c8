/* name.c - finding names, and making directories, links and special files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attr.h"
#include "ops.h"
#include "properties.h"
#include "watch.h"

/* The node of what the store has at (parent, name). NULL: no memory. */
static struct node *see(struct fs *fs, fuse_ino_t parent, const char *name, const store_stat *stat)
{
    struct node *node = node_see(&fs->nodes, fs_ino(fs, stat->id), parent, name);

    if (node)
        node_describe(node, stat);
    return node;
}

/* Answers with what the store has there now. */
static void answer_stored(fuse_req_t request, struct fs *fs, fuse_ino_t parent, const char *name, unsigned count)
{
    struct place place;
    struct node *node;
    store_stat stat;
    uint64_t allocated;
    int error;

    place_in(&place, fs, parent, name);
    error = place_stat(&stat, fs, &place);
    if (error) {
        fuse_reply_err(request, error == EINVAL ? ENOENT : error); /* what can be no name is not there */
        return;
    }
    node = see(fs, parent, name, &stat);
    error = node ? attr_newest(&stat, &allocated, fs, node, parent, name) : ENOMEM;
    if (error) {
        node_put(&fs->nodes, node);
        fuse_reply_err(request, error);
    } else {
        reply_entry(request, fs, node, &stat, allocated, count);
    }
}

static void answer_node(fuse_req_t request, struct fs *fs, struct node *node, unsigned count)
{
    store_stat stat;
    uint64_t allocated;
    int error = attr_of(&stat, &allocated, fs, node);

    if (error) {
        node_put(&fs->nodes, node);
        fuse_reply_err(request, error);
    } else {
        reply_entry(request, fs, node, &stat, allocated, count);
    }
}

/* ------------------------------------------------- by inode number alone (NFS) */

/* Splits "/a/b" into "/a" or "/" and "b". */
static const char *split(char *location)
{
    char *slash = strrchr(location, '/');
    const char *name = slash + 1;

    if (slash == location)
        return name;
    *slash = '\0';
    return name;
}

/* Finds the node and where it is, by its id, for a kernel that remembers only that. */
static int find_by_id(fuse_ino_t *parent, char *name, struct fs *fs, uint64_t id)
{
    store_stat directory;
    char *location;
    int error = errno_of(store_location_of(&location, fs->store, id, NULL));
    const char *last;

    if (error)
        return ESTALE;
    last = split(location);
    strncpy(name, last, STORE_NAME_MAX);
    name[STORE_NAME_MAX] = '\0';
    error = errno_of(store_stat_get(&directory, fs->store, last == location + 1 ? "/" : location, NULL));
    *parent = fs_ino(fs, directory.id);
    store_free(location);
    return error;
}

/* "." and ".." */
static void lookup_dots(fuse_req_t request, struct fs *fs, fuse_ino_t ino, bool up)
{
    unsigned count = watch_count(fs);
    char name[STORE_NAME_MAX + 1];
    struct node *node = node_get(&fs->nodes, ino);
    fuse_ino_t parent;
    int error;

    if (node && !up) {
        answer_node(request, fs, node, count);
        return;
    }
    node_put(&fs->nodes, node);
    error = ino == FUSE_ROOT_ID ? EINVAL : find_by_id(&parent, name, fs, fs_id(fs, ino));
    if (error)
        fuse_reply_err(request, error);
    else if (up)
        lookup_dots(request, fs, parent, false);
    else
        answer_stored(request, fs, parent, name, count);
}

/* ------------------------------------------------------------------- lookup */

void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(request);
    unsigned count = watch_count(fs);
    struct node *node;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        lookup_dots(request, fs, parent, name[1]);
        return;
    }
    if (strlen(name) > STORE_NAME_MAX) { /* nothing else is asked of a name that was not looked up */
        fuse_reply_err(request, ENAMETOOLONG);
        return;
    }
    switch (own_find(&fs->nodes, &node, parent, name)) {
    case OWN_FILE:
        answer_node(request, fs, node, count);
        break;
    case OWN_WHITEOUT:
        fuse_reply_err(request, ENOENT);
        break;
    case OWN_NONE:
        answer_stored(request, fs, parent, name, count);
        break;
    }
}

void op_forget(fuse_req_t request, fuse_ino_t ino, uint64_t count)
{
    node_forget(&fs_of(request)->nodes, ino, count);
    fuse_reply_none(request);
}

void op_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        node_forget(&fs_of(request)->nodes, forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(request);
}

/* ------------------------------------------------------------------- making */

/* A name that only this mount has is in the way as well. */
static int check_free(struct fs *fs, fuse_ino_t parent, const char *name)
{
    struct node *node;
    enum own_kind kind = own_find(&fs->nodes, &node, parent, name);

    node_put(&fs->nodes, node);
    return kind == OWN_FILE ? EEXIST : 0;
}

/* What mkdir, mknod and symlink have in common: `make` is the store's verb. */
struct making {
    mode_t mode;
    const char *target;  /* of a symbolic link */
    dev_t device;
    bool object;         /* the directory is to be a typed object */
};

static int make(struct fs *fs, const struct place *place, const struct making *making, const store_request *request)
{
    store_answer answer = { 0 };
    int rc;

    if (making->object)
        rc = property_make_object(&answer, fs, place, request);
    else if (S_ISDIR(making->mode))
        rc = store_make_collection(&answer, fs->store, place->name, request);
    else if (S_ISLNK(making->mode))
        rc = store_put_link(&answer, fs->store, place->name, making->target, request);
    else if (S_ISREG(making->mode))
        rc = store_put(&answer, fs->store, place->name, "", 0, request);
    else
        rc = store_put_special(&answer, fs->store, place->name, making->mode & S_IFMT, making->device, request);
    if (rc == STORE_OK)
        watch_own(fs, answer.one.version);
    if (making->object)
        property_explain(fs, place, rc);
    rc = errno_of(rc);
    store_answer_clear(&answer);
    return rc;
}

static void make_node(fuse_req_t request, fuse_ino_t parent, const char *name, struct making *making)
{
    struct fs *fs = fs_of(request);
    store_request put = STORE_REQUEST_INIT;
    unsigned count = watch_count(fs);
    store_attributes attributes;
    store_stat directory = { 0 };
    struct place place;
    int error = check_free(fs, parent, name);

    if (!error)
        error = attr_for_new(&attributes, fs, request, parent, making->mode, &directory);
    if (!error && properties_is_object(&directory))
        error = EPERM;
    making->object = fs->options.properties && S_ISDIR(making->mode) && directory.typed;
    place_in(&place, fs, parent, name);
    put.base = place.base;
    put.attributes = &attributes;
    put.flags = S_ISDIR(making->mode) && !making->object ? 0 : STORE_NOREPLACE;
    if (!error)
        error = make(fs, &place, making, &put);
    if (error)
        fuse_reply_err(request, error);
    else
        answer_stored(request, fs, parent, name, count);
}

void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct making making = { .mode = (mode & ~(mode_t)S_IFMT) | S_IFDIR };

    make_node(request, parent, name, &making);
}

void op_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    struct making making = { .mode = mode, .device = device };

    make_node(request, parent, name, &making);
}

void op_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
    struct making making = { .mode = S_IFLNK | 0777, .target = target };

    make_node(request, parent, name, &making);
}

void op_readlink(fuse_req_t request, fuse_ino_t ino)
{
    struct fs *fs = fs_of(request);
    struct node *node = node_get(&fs->nodes, ino);
    store_get_options options = STORE_GET_OPTIONS_INIT;
    struct place place;
    void *target = NULL;
    size_t size;
    int error = node ? place_of(&place, fs, node) : ESTALE;

    if (!error) {
        options.base = place.base;
        options.if_id = place.id;
        error = errno_of(store_get(&target, &size, NULL, fs->store, place.name, &options));
    }
    if (error)
        fuse_reply_err(request, error == ENOENT ? ESTALE : error);
    else
        fuse_reply_readlink(request, target);
    store_free(target);
    node_put(&fs->nodes, node);
}

/* --------------------------------------------------------------- hard links */

/* What was made without a name gets its first one, and is published under it. */
static int give_name(struct fs *fs, struct file *file, fuse_ino_t parent, const char *name)
{
    struct node *node = file->node;
    int error = own_set(&fs->nodes, parent, name, node) && node_move(&fs->nodes, node, parent, name) ? 0 : ENOMEM;

    if (!error) {
        file->state = FILE_STAGED;
        file->exclusive = file->dirty = true;
        error = file_publish(fs, file);
    }
    if (!error) {
        file->linkable = false;
        return 0;
    }
    file_detach(file);
    own_unset(&fs->nodes, parent, name);
    node_move(&fs->nodes, node, 0, NULL);
    return error;
}

/* A file that is not published yet has no record that could get another name. `*done`: it got the name by that. */
static int publish_first(bool *done, struct fs *fs, struct node *node, fuse_ino_t parent, const char *name)
{
    struct file *file = file_find(fs, node);
    int error = 0;

    *done = false;
    if (!file)
        return 0;
    pthread_mutex_lock(&file->lock);
    switch (file->state) {
    case FILE_STORED:
        break;
    case FILE_STAGED:
        error = file_publish(fs, file);
        break;
    case FILE_SCRATCH:
        error = EPERM;
        break;
    case FILE_DETACHED:
        *done = file->linkable;
        error = file->linkable ? give_name(fs, file, parent, name) : ENOENT;
        break;
    }
    pthread_mutex_unlock(&file->lock);
    file_put(fs, file);
    return error;
}

static int link_node(struct fs *fs, struct node *node, fuse_ino_t parent, const char *name)
{
    store_request link = STORE_REQUEST_INIT;
    struct place existing, place;
    store_answer answer = { 0 };
    struct file *file = NULL;
    store_stat stat;
    int error = check_free(fs, parent, name);
    bool done = false;

    if (!error)
        error = publish_first(&done, fs, node, parent, name);
    if (!error && !done)
        error = place_of(&existing, fs, node);
    if (!error && !done)
        error = place_stat(&stat, fs, &existing);
    if (error || done)
        return error;
    file = file_fix(fs, node->ino, &stat.version, &link);
    place_in(&place, fs, parent, name);
    link.base = existing.base;
    link.if_id = existing.id;
    link.to_base = place.base;
    error = errno_of(store_link(&answer, fs->store, existing.name, place.name, &link));
    if (!error)
        watch_own(fs, answer.one.version);
    file_unfix(fs, file, error ? 0 : answer.one.version);
    store_answer_clear(&answer);
    return error;
}

void op_link(fuse_req_t request, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(request);
    unsigned count = watch_count(fs);
    struct node *node = node_get(&fs->nodes, ino);
    int error = node ? link_node(fs, node, parent, name) : ESTALE;

    if (error)
        fuse_reply_err(request, error);
    else
        answer_stored(request, fs, parent, name, count);
    node_put(&fs->nodes, node);
}
