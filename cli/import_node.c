/* Nodes of an imported tree, each compared with what is there. */
#include "import_node.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "print.h"
#include "stream.h"
#include "xattrs.h"

/* Bodies up to this size go into the batch; larger ones are a transaction of their own. */
#define INLINE_MAX (1u << 20)

struct node {
    struct loader *loader;
    const char *location;
    store_txn *txn;
    store_stat there;
    bool exists;
    store_attributes attributes;
    struct xattrs xattrs;
    store_request request;
};

static int64_t modified(const struct stat *stat)
{
    return (int64_t)stat->st_mtim.tv_sec * 1000000000 + stat->st_mtim.tv_nsec;
}

/* Looks up what is there and sets up the request. *refused is set when the store could not say. */
static int node_init(struct node *out, bool *refused, struct loader *loader, const char *location,
                     const struct stat *stat)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    unsigned owner = geteuid() == 0 ? STORE_ATTR_OWNER | STORE_ATTR_GROUP : 0;

    *out = (struct node){.loader = loader, .location = location, .request = STORE_REQUEST_INIT};
    out->attributes = (store_attributes){.mask = STORE_ATTR_MODE | STORE_ATTR_MODIFIED | owner,
                                         .mode = stat->st_mode & 07777,
                                         .uid = stat->st_uid,
                                         .gid = stat->st_gid,
                                         .modified = modified(stat)};
    *refused = false;
    int status = loader_txn(&out->txn, loader);
    if (status != STATUS_DONE)
        return status;
    options.txn = out->request.txn = out->txn;
    int code = store_stat_get(&out->there, loader->cli->store, location, &options);
    out->exists = code == STORE_OK;
    if (code == STORE_OK || code == STORE_NOT_FOUND || code == STORE_NO_COLLECTION)
        return STATUS_DONE;
    *refused = true;
    return loader_refuse(loader, code, location, NULL);
}

/* The open file's extended attributes, into the request. */
static int node_xattrs(struct node *node, int fd)
{
    if (!xattrs_read(&node->xattrs, fd))
        return complain(node->loader->cli, STORE_NO_MEMORY, node->location, "out of memory");
    if (node->xattrs.supported)
        node->request.flags |= STORE_SET_META;
    node->request.meta = node->xattrs.meta;
    node->request.meta_count = node->xattrs.count;
    node->request.type = node->xattrs.type;
    return STATUS_DONE;
}

/* For a PUT: the policy does not decide, --replace does. No PUT replaces a special node, and the making of
 * one replaces nothing: with `anew` what is there is deleted first. */
static int node_for_put(struct node *node, bool anew)
{
    store_request request = STORE_REQUEST_INIT;

    node->request.attributes = &node->attributes;
    node->request.flags |= STORE_PARENTS | (node->exists ? STORE_REPLACE : STORE_NOREPLACE);
    request.txn = node->txn;
    if (!anew || !node->exists || !node->loader->replace || node->there.kind == STORE_COLLECTION)
        return STORE_OK;
    return store_delete(NULL, node->loader->cli->store, node->location, &request);
}

static int count(struct node *node, int code, uint64_t size)
{
    struct tally *pending = &node->loader->pending;

    if (code != STORE_OK)
        return loader_refuse(node->loader, code, node->location, NULL);
    return loader_step(node->loader, node->exists ? &pending->updated : &pending->created, size);
}

/* Reads to the end; -1 with errno. */
static ssize_t read_all(int fd, char *buffer, size_t capacity)
{
    size_t size = 0;

    while (size < capacity) {
        ssize_t got = read(fd, buffer + size, capacity - size);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got == 0)
            break;
        size += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)size;
}

static bool same_bytes(struct node *node, const char *body, size_t size)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    void *stored;
    size_t stored_size;

    options.txn = node->txn;
    if (store_get(&stored, &stored_size, NULL, node->loader->cli->store, node->location, &options) != STORE_OK)
        return false;
    bool same = stored_size == size && memcmp(stored, body, size) == 0;
    store_free(stored);
    return same;
}

static int put_small(struct node *node, int fd, size_t size)
{
    const struct cli *cli = node->loader->cli;
    char *body = malloc(size + 1);
    int status;

    if (!body)
        return complain(cli, STORE_NO_MEMORY, node->location, "out of memory");
    ssize_t got = read_all(fd, body, size);
    if (got < 0)
        status = complain(cli, STORE_IO, node->location, "cannot read: %s", strerror(errno));
    else if (node->exists && node->there.typed && same_bytes(node, body, (size_t)got))
        status = loader_step(node->loader, &node->loader->pending.unchanged, (uint64_t)got);
    else if (node->exists && !node->loader->replace)
        status = loader_conflict(node->loader, node->location, NULL);
    else
        status = count(node, store_put(NULL, cli->store, node->location, body, (size_t)got, &node->request),
                       (uint64_t)got);
    free(body);
    return status;
}

/* A writer publishes in a transaction of its own, so the batch's must end first. */
static int put_large(struct node *node, int fd, uint64_t size)
{
    const struct cli *cli = node->loader->cli;
    struct input input = {.name = node->location, .fd = fd};
    store_writer *writer;

    if (node->exists && !node->loader->replace)
        return loader_conflict(node->loader, node->location, NULL);
    int status = loader_flush(node->loader);
    if (status != STATUS_DONE)
        return status;
    node->request.txn = NULL;
    int code = store_writer_open(&writer, cli->store, node->location, &node->request);
    if (code != STORE_OK)
        return count(node, code, 0);
    status = stream_in(cli, writer, &input, node->location);
    if (status == STATUS_DONE)
        status = count(node, store_writer_commit(NULL, writer), size);
    store_writer_close(writer);
    return status;
}

int import_file(struct loader *loader, int fd, const char *location)
{
    struct node node;
    struct stat stat;
    bool refused;

    if (fstat(fd, &stat) != 0)
        return complain(loader->cli, STORE_IO, location, "cannot read: %s", strerror(errno));
    uint64_t size = (uint64_t)stat.st_size;
    int status = node_init(&node, &refused, loader, location, &stat);
    if (status != STATUS_DONE || refused)
        return status;
    if (node.exists && node.there.kind == STORE_OBJECT && !node.there.typed && node.there.size == size &&
        node.there.modified == node.attributes.modified)
        return loader_step(loader, &loader->pending.unchanged, size);
    status = node_xattrs(&node, fd);
    int code = node_for_put(&node, node.there.kind == STORE_SPECIAL);
    if (code != STORE_OK)
        status = loader_refuse(loader, code, location, NULL);
    else if (status == STATUS_DONE)
        status = size <= INLINE_MAX ? put_small(&node, fd, (size_t)size) : put_large(&node, fd, size);
    xattrs_release(&node.xattrs);
    return status;
}

int import_special(struct loader *loader, const struct stat *stat, const char *location)
{
    uint32_t special = stat->st_mode & S_IFMT;
    uint64_t device = S_ISCHR(stat->st_mode) || S_ISBLK(stat->st_mode) ? stat->st_rdev : 0;
    struct node node;
    bool refused;
    int status = node_init(&node, &refused, loader, location, stat);

    if (status != STATUS_DONE || refused)
        return status;
    if (node.exists && node.there.special == special && node.there.device == device)
        return loader_step(loader, &loader->pending.unchanged, 0);
    if (node.exists && !loader->replace)
        return loader_conflict(loader, location, NULL);
    int code = node_for_put(&node, true);
    if (code == STORE_OK)
        code = store_put_special(NULL, loader->cli->store, location, special, device, &node.request);
    return count(&node, code, 0);
}

int import_name(bool *named, struct loader *loader, const char *first, const struct stat *stat, const char *location)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    store_request request = STORE_REQUEST_INIT;
    struct node node;
    store_stat known;
    bool refused;
    int status = node_init(&node, &refused, loader, location, stat);

    *named = true;
    if (status != STATUS_DONE || refused)
        return status;
    options.txn = request.txn = node.txn;
    request.flags = STORE_PARENTS;
    int code = store_stat_get(&known, loader->cli->store, first, &options);
    if (code == STORE_OK && node.exists && node.there.id == known.id)
        return loader_step(loader, &loader->pending.unchanged, 0);
    if (node.exists && !loader->replace)
        return loader_conflict(loader, location, NULL);
    if (code == STORE_OK)
        code = node_for_put(&node, true);
    if (code == STORE_OK)
        code = store_link(NULL, loader->cli->store, first, location, &request);
    *named = code != STORE_KIND_CONFLICT;
    return *named ? count(&node, code, 0) : STATUS_DONE;
}

static bool same_link(struct node *node, const char *target)
{
    return node->there.kind == STORE_LINK && same_bytes(node, target, strlen(target));
}

int import_link(struct loader *loader, int dir, const char *name, const struct stat *stat, const char *location)
{
    char target[PATH_MAX + 1];
    struct node node;
    bool refused;
    int status = node_init(&node, &refused, loader, location, stat);

    if (status != STATUS_DONE || refused)
        return status;
    ssize_t size = readlinkat(dir, name, target, sizeof target - 1);
    if (size < 0)
        return complain(loader->cli, STORE_IO, location, "cannot read the link: %s", strerror(errno));
    target[size] = '\0';
    if (node.exists && same_link(&node, target))
        return loader_step(loader, &loader->pending.unchanged, (uint64_t)size);
    if (node.exists && !loader->replace)
        return loader_conflict(loader, location, NULL);
    int code = node_for_put(&node, node.there.kind == STORE_SPECIAL);
    if (code == STORE_OK)
        code = store_put_link(NULL, loader->cli->store, location, target, &node.request);
    return count(&node, code, (uint64_t)size);
}

/* The collection itself, and its definition when the directory brings one. */
static int make_collection(struct node *node)
{
    store *s = node->loader->cli->store;
    store_request request = STORE_REQUEST_INIT;
    int code = STORE_OK;

    request.txn = node->txn;
    request.flags = STORE_PARENTS;
    if (!node->exists)
        code = store_make_collection(NULL, s, node->location, &request);
    request.flags = 0;
    if (code == STORE_OK && node->xattrs.definition && !(node->exists && node->there.typed))
        code = store_define(NULL, s, node->location, node->xattrs.definition, node->xattrs.definition_size,
                            &request);
    return code;
}

int import_directory_begin(bool *inside, struct loader *loader, int fd, const char *location)
{
    struct node node;
    struct stat stat;
    bool refused;

    *inside = false;
    if (fstat(fd, &stat) != 0)
        return complain(loader->cli, STORE_IO, location, "cannot read: %s", strerror(errno));
    int status = node_init(&node, &refused, loader, location, &stat);
    if (status != STATUS_DONE || refused)
        return status;
    if (node.exists && node.there.kind != STORE_COLLECTION)
        return loader_reject(loader, STORE_KIND_CONFLICT, location, NULL,
                             "is no collection: the directory is left out");
    status = node_xattrs(&node, fd);
    if (status == STATUS_DONE) {
        int code = make_collection(&node);
        *inside = code == STORE_OK;
        status = *inside ? loader_step(loader, NULL, 0) : loader_refuse(loader, code, location, NULL);
    }
    xattrs_release(&node.xattrs);
    return status;
}

static bool same_attributes(const store_stat *there, const store_attributes *wanted)
{
    bool owner = !(wanted->mask & STORE_ATTR_OWNER) || (there->uid == wanted->uid && there->gid == wanted->gid);

    return owner && (there->mode & 07777) == wanted->mode && there->modified == wanted->modified;
}

int import_directory_end(struct loader *loader, int fd, const char *location)
{
    struct node node;
    struct stat stat;
    bool refused;

    if (fstat(fd, &stat) != 0)
        return complain(loader->cli, STORE_IO, location, "cannot read: %s", strerror(errno));
    int status = node_init(&node, &refused, loader, location, &stat);
    if (status != STATUS_DONE || refused || !node.exists || same_attributes(&node.there, &node.attributes))
        return status;
    status = node_xattrs(&node, fd);
    node.request.type = NULL;
    node.request.attributes = &node.attributes;
    if (status == STATUS_DONE) {
        int code = store_set(NULL, loader->cli->store, location, &node.request);
        status = code == STORE_OK ? loader_step(loader, NULL, 0) : loader_refuse(loader, code, location, NULL);
    }
    xattrs_release(&node.xattrs);
    return status;
}
