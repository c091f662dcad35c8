/*
 * mount.h - what the files of `bench --files` share: file systems as back ends. A key is a path below
 * the root of the file system, a value a file, a session the mount itself.
 *
 *     backend_mount.c    keys and values as files: create, write, read, remove
 *     mount.c            the file systems, their servers, mounting
 *     work_files.c       many small files
 *     work_tree.c        a source tree, worked on by tar, cat and rm
 *     work_large.c       one large file
 *     work_memory.c      how much memory the server needs
 *     process.c memory.c programs that are run, the memory of one
 */
#ifndef BENCH_MOUNT_H
#define BENCH_MOUNT_H

#include <sys/types.h>

#include "bench.h"

struct mount {
    enum durability durability; /* DURABLE: put() ends with an fsync */
    char *path;                 /* where it is mounted */
    char *back;                 /* the directory that it keeps its files in */
    char *log;                  /* the server's complaints */
    pid_t server;               /* 0: there is none */
    int root;                   /* descriptor of `path` */
};

/* Started with their defaults. database_suspend() unmounts, database_resume() mounts again. */
extern const struct backend mount_storefs, mount_passthrough, mount_native, mount_gocryptfs;

#define MOUNTS(how)                                                                  \
    { .backend = &mount_storefs, .durability = (how) },                              \
    { .backend = &mount_passthrough, .durability = (how) },                          \
    { .backend = &mount_native, .durability = (how) },                               \
    { .backend = &mount_gocryptfs, .durability = (how), .not_quick = true }

/* What the back ends of all file systems have in common (backend_mount.c). */
void *mount_session_open(void *database);
void mount_session_close(void *session);
void mount_put(void *session, const char *key, struct bytes value);
void mount_put_many(void *session, const struct item *items, size_t count);
bool mount_get(void *session, const char *key, void *buffer, size_t capacity, size_t *size);
bool mount_delete(void *session, const char *key);
void mount_upload(void *session, const char *key, struct value_stream *stream);
void mount_download(void *session, const char *key, struct value_stream *stream);

/* Unmounts and mounts again: the kernel and the server have forgotten all files. To be a workload's `prepare`. */
void mount_again(struct worker *worker);
/* Opens a file, or fails the run. */
int mount_open_file(const struct mount *mount, const char *key, int flags);
/* From then on mounts are this process's and its children's alone, and end with them. A copy of one in
 * somebody else's namespace would keep its server from ending. */
void mount_enter_namespace(void);

extern const struct workload work_files[], work_tree[], work_large[], work_memory[];

#endif
