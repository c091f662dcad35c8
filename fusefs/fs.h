/*
 * fs.h - one mount: what all parts of storefs share.
 *
 * Errors inside storefs are errno values: a function returns 0 or a positive
 * errno, results through leading out-parameters, as in store.h.
 */
#ifndef FUSEFS_FS_H
#define FUSEFS_FS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <store.h>

#include "content.h"
#include "node.h"
#include "problem.h"

/* What the mount's -o options say, beside those that are the kernel's or libfuse's. */
struct fs_options {
    char *store;               /* directory of the store */
    char *mountpoint;
    char *subdir;              /* the location that is mounted; NULL: "/" */
    store_durability durability; /* relaxed unless told otherwise: fsync is durable all the same */
    bool read_only;
    bool properties;           /* typed objects are directories of property files */
    bool foreground, debug;
    double timeout;            /* seconds the kernel may believe names and attributes without asking */
};

struct fs {
    struct fs_options options;
    store *store;
    struct fuse_session *session;
    uint64_t root;             /* id of the mounted collection: the kernel calls it FUSE_ROOT_ID */
    struct node_table nodes;
    struct content_pool pool;
    struct problem_list *problems;
    struct lately *lately;     /* files that were replaced a moment ago */
    struct watch *watch;       /* tells the kernel what others changed; NULL while there is none */
    pthread_mutex_t ids_lock;  /* reserved ids for files to be created */
    uint64_t next_id, last_id;
};

/* The fs of a request. */
static inline struct fs *fs_of(fuse_req_t request)
{
    return fuse_req_userdata(request);
}

/* The operations that libfuse calls, and how the kernel's view is set up (ops.c). */
extern const struct fuse_lowlevel_ops fs_operations;

/* Sets up what the operations need, after the store was opened (fs->store, fs->options are set), and
 * takes it down. The store must be open already and stays open. */
int fs_start(struct fs *fs);
/* Publishes what is staged (of files still open, too) and stops the watch. To be called when the session has
 * ended; what could not be published is told on standard error or the system's log. */
void fs_stop(struct fs *fs);

/* The errno of the store's answer `rc`, which is the calling thread's last (errno.c). 0 for STORE_OK. */
int errno_of(int rc);

/* The store's id of what the kernel calls `ino`, and back. */
static inline uint64_t fs_id(const struct fs *fs, fuse_ino_t ino)
{
    return ino == FUSE_ROOT_ID ? fs->root : ino;
}

static inline fuse_ino_t fs_ino(const struct fs *fs, uint64_t id)
{
    return id == fs->root ? FUSE_ROOT_ID : id;
}

#endif
