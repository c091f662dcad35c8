/*
 * file.h - open files. All handles of an inode share one struct file, so that
 * two writers and a reader see the same bytes, and one PUT publishes what all of them wrote.
 */
#ifndef FUSEFS_FILE_H
#define FUSEFS_FILE_H

#include "fs.h"
#include "json_scan.h"

/* Where a file's newest bytes and attributes live. */
enum file_state {
    FILE_STORED,   /* the store has the object; what was changed since is in `content` */
    FILE_STAGED,   /* created here and not published yet */
    FILE_SCRATCH,  /* of this mount only, until it is renamed to a name that is published */
    FILE_REFUSED,  /* created here, and the store refused its body: see `problem` */
    FILE_DETACHED, /* unlinked while open: it lives until the last handle is closed */
};

struct file {
    pthread_mutex_t lock;      /* taken before the node table's, never while holding that */
    struct node *node;         /* not referenced: the node owns the file */
    unsigned handles, writers; /* guarded by the table's lock */
    enum file_state state;
    struct content *content;   /* NULL until the first byte is read or written */
    store_stat stat;           /* attributes as this mount shows them; size and version by `content` where there is one */
    bool dirty;                /* content or attributes were changed and not published */
    bool typed;                /* in a typed collection */
    struct json_scan *scan;    /* a new typed body, as far as it was written from its beginning; or NULL */
};

/* One open(). */
struct handle {
    struct node *node;         /* referenced */
    int flags;                 /* of open() */
    pid_t opener;              /* thread group; 0: not known (another pid namespace) */
    bool killed;               /* its writer died by a signal: what it wrote is not to be published */
    uint64_t version;          /* it reads this one, or one that replaced it when it was read to its end ... */
    uint64_t end;              /* ... here */
};

#endif
