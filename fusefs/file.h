/*
 * file.h - open files. All handles of an inode share one struct file, so that
 * two writers and a reader see the same bytes, and one PUT publishes what all of
 * them wrote.
 *
 * Locks: a file's lock is taken before the node table's. Store calls are made under the file's lock,
 * never under the table's. Nobody takes two files' locks at once, but that of a rejected text under its object's.
 */
#ifndef FUSEFS_FILE_H
#define FUSEFS_FILE_H

#include "fs.h"
#include "json_scan.h"
#include "tail.h"

/* Where a file's newest bytes and attributes live. */
enum file_state {
    FILE_STORED,   /* the store has the object; what was changed since is in `content` */
    FILE_STAGED,   /* created here and not published yet; also when the store refused its body: `refused` */
    FILE_SCRATCH,  /* of this mount only, until it is renamed to a name that is published */
    FILE_DETACHED, /* unlinked while open: it lives until the last handle is closed */
};

struct file {
    pthread_mutex_t lock;
    struct node *node;         /* not referenced: the node owns the file */
    unsigned handles;          /* and other users of the moment; guarded by the table's lock */
    unsigned writers;          /* handles that may write and are not closed: see handle.closed */
    enum file_state state;
    bool known;                /* `stat` is filled in */
    bool dirty;                /* there are bytes or attributes that are not published */
    bool rejected;             /* a scratch file with what the store refused */
    bool linkable;             /* detached because it was made without a name (O_TMPFILE): link(2) may give it one */
    bool exclusive;            /* made by O_EXCL: its publication must not replace anything */
    bool typed;                /* in a typed collection */
    int refused;               /* errno of the last publication, which the store refused; 0 after the next change */
    unsigned mask;             /* attributes (enum store_attribute_mask) to be published with the bytes */
    unsigned epoch;            /* one more whenever another face's version took the place of the one that was open, and
                                  does not continue it; from then on the kernel's pages are of an unknown version */
    struct tail tail;          /* what was given out of the version before, until the content is opened again */
    struct content *content;   /* NULL until a byte is read or written */
    store_stat stat;           /* as this mount shows it: all of it unless FILE_STORED, then what `mask` says, and what
                                  it was when the file was opened */
    char *type;                /* media type and metadata that were set before the first publication */
    store_meta *meta;
    size_t meta_count;
    struct json_scan *scan;    /* a new typed body, as long as it is written from its beginning on; or NULL */
    uint64_t scanned;          /* bytes of it */
};

/* One open(). */
struct handle {
    struct node *node;         /* referenced */
    struct file *file;
    int flags;                 /* of open() */
    pid_t opener;              /* thread that opened it; 0: not known (another pid namespace) */
    bool closed;               /* close(2) was heard of, and nothing was written since; the kernel's RELEASE comes later */
    bool blank;                /* it made the file, or cut it off, and has written nothing yet */
    bool wrote;                /* there are bytes of it that may not be published yet */
    bool killed;               /* its process died by a signal: what it wrote is not to be published */
    unsigned epoch;            /* the file's when it was opened: it reads nothing of a later one */
};

static inline struct handle *handle_of(const struct fuse_file_info *info)
{
    return (struct handle *)(uintptr_t)info->fh; // NOLINT(performance-no-int-to-ptr): libfuse keeps it as a number
}

/* A place as the store is told of it. */
struct place {
    uint64_t base;
    uint64_t id;                    /* for if_id */
    uint64_t property;              /* ino of the property that is there; 0: a node of its own */
    char name[2 * STORE_NAME_MAX + 3]; /* "/name", or "/" for a collection, which is its own base; "/object/property" */
};

/* The time as the store has times. */
int64_t now_ns(void);

/* The place of a node, ESTALE if it has none. */
int place_of(struct place *out, struct fs *fs, const struct node *node);
/* The place `name` in a directory. */
void place_in(struct place *out, struct fs *fs, fuse_ino_t parent, const char *name);
/* What the store has there; with `id` set it must be that node. */
int place_stat(store_stat *out, struct fs *fs, const struct place *place);
/* The node is what place_stat said. */
void node_describe(struct node *node, const store_stat *stat);

/* The file of a node, made if it has none; to be released with file_put. NULL: no memory. */
struct file *file_get(struct fs *fs, struct node *node);
/* The same, only if there is one: it is open, or the mount's own. */
struct file *file_find(struct fs *fs, struct node *node);
/* Does anybody but the caller use it? */
bool file_shared(struct fs *fs, const struct file *file);
/* Frees it when it was the last user's and the store has all of it. The node is still referenced. */
void file_put(struct fs *fs, struct file *file);

/* All below are to be called with the file's lock held. */

/* Something was written through the handle. */
void handle_wrote(struct handle *handle);

/* Fills in `stat`, if it is not known yet: as the caller knows it, or as the store does. */
void file_introduce(struct file *file, const store_stat *stat);
int file_load(struct fs *fs, struct file *file);
/* Opens the content, if it is not open yet: what the store has, or nothing when staged. */
int file_content(struct fs *fs, struct file *file);
/* Begins with nothing, as O_TRUNC has it. */
int file_truncate(struct fs *fs, struct file *file);
/* What stat(2) is to say. */
int file_stat(store_stat *out, uint64_t *allocated, struct fs *fs, struct file *file);
/* This mount changed the stored object's attributes or metadata: it has the version `version` and the same bytes. */
void file_rebase(struct file *file, uint64_t version);
/* Asks the store whether another face has changed it since. */
int file_refresh(struct fs *fs, struct file *file);
/* Bytes were changed: times, set-id bits (if `clears_setid`), what a refusal left. */
void file_touch(struct file *file, bool clears_setid);
/* Another face changed the object: what is open of it is read anew, unless it was changed here, too. */
void file_overtaken(struct file *file);
/* The object is to be unlinked or replaced: keeps what is open of it readable. */
int file_keep(struct fs *fs, struct file *file);
/* Type and metadata are the store's now (xattr_meta.c). */
void file_forget_meta(struct file *file);
/* It has no name any more: nothing of it will be published. */
void file_detach(struct file *file);

/* A change that leaves the bytes as they are (another name) gives the node a new version, too. file_fix, without
 * the lock, is called before the request is made, with the version that the node was seen to have: if it is open
 * here with that version, its file comes back locked and the request demands that nobody else changes it meanwhile.
 * file_unfix ends that; what is open goes on with `version`, or with 0 (the request failed) stays as it was. */
struct file *file_fix(struct fs *fs, fuse_ino_t ino, const uint64_t *seen, store_request *request);
void file_unfix(struct fs *fs, struct file *file, uint64_t version);

/* Calls `each`, with its lock held, for every file that is open or the mount's own (fs.c). ENOMEM: not for all. */
int fs_each_file(struct fs *fs, void (*each)(struct fs *fs, struct file *file));

/* publish.c: publishes what is dirty; 0 if there is nothing to do. */
int file_publish(struct fs *fs, struct file *file);
/* Forgets what is dirty: of a killed writer, or refused. A new file loses its name. */
void file_discard(struct fs *fs, struct file *file);
/* Puts what the store refused beside the object, as a scratch file, and forgets it here. */
int file_set_aside(struct fs *fs, struct file *file);

/* Makes a file of the mount's own at (parent, name), or without a name if that is NULL, with a new id, these attributes and, unless it is NULL, this content,
 * which is the file's from then on: a reference to its node. */
int file_make(struct node **out, struct fs *fs, enum file_state state, fuse_ino_t parent, const char *name,
              const store_stat *stat, struct content *content);

#endif
