/*
 * node.h - the inodes that the kernel knows or that are in use, and the names
 * that only this mount has.
 *
 * An inode's number is the id of the store's record: persistent, never used
 * again. A file that is created gets a reserved id, which becomes its record's
 * when it is first published. The kernel counts its look-ups; a node lives as long as
 * that count, a reference of a handle or request, or a name of the mount's own keeps it.
 *
 * The names of what the store has are the store's; a node only remembers where
 * it was seen last. The mount's own names are those of staged files (created, not
 * yet published), of scratch files (never published), and whiteouts: names that the store
 * has and this mount hides.
 *
 * One lock guards all of this; no store call is made while it is held.
 */
#ifndef FUSEFS_NODE_H
#define FUSEFS_NODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <store.h>

struct file;

struct node {
    uint64_t ino;        /* as the kernel has it: the root of the mount is 1 */
    uint64_t lookups;
    unsigned references;
    atomic_bool directory;
    atomic_bool object;  /* a directory that is a typed object: see properties.h */
    atomic_bool unlinked; /* its last name was removed here, not replaced */
    unsigned own_names;  /* of this mount's; as long as there are any, only node_move says where it is */
    uint64_t parent;     /* ino of the directory it was seen in; 0: it has no name (unlinked while in use) */
    char *name;          /* there; owned */
    store_stat *removed; /* a directory that was removed while it is in use: what it was; owned */
    uint64_t cached;     /* the version that the kernel's pages are of; 0: not known. Guarded by the file's lock */
    struct file *file;   /* its bytes while it is open or staged; guarded by the table's lock, see file.h */
    struct node *next;   /* in its bucket */
};

/* A name that only the mount has: a file, a whiteout, or a file over a whiteout. */
struct own_name {
    uint64_t parent;     /* ino */
    struct node *node;   /* the file, referenced; NULL: only a whiteout */
    uint64_t hidden;     /* id of the store's node that this mount does not show here; 0: none */
    uint64_t twin;       /* ino of the scratch file that it was renamed to; 0: a file of the mount's own took its place, and
                            with that it comes back */
    struct own_name *next;
    char name[];
};

struct node_table {
    pthread_mutex_t lock;
    struct node **buckets;
    size_t bucket_count, count;
    struct own_name **own;   /* buckets by (parent, name) */
    size_t own_buckets, own_count;
    uint64_t root;           /* id that ino 1 stands for */
};

int node_table_init(struct node_table *table);
void node_table_release(struct node_table *table);

/* The node of a request, with a reference; NULL if there is none (ESTALE). */
struct node *node_get(struct node_table *table, uint64_t ino);
/* The same, made if it is not known, and seen at (parent, name). NULL: no memory. */
struct node *node_see(struct node_table *table, uint64_t ino, uint64_t parent, const char *name);
void node_put(struct node_table *table, struct node *node);
/* One look-up more, to be called before the reply that tells the kernel of the node; node_forget
 * takes away `count`. */
void node_count_lookup(struct node_table *table, struct node *node);
void node_forget(struct node_table *table, uint64_t ino, uint64_t count);

/* Where the node is: false if it has no name any more. `name` has STORE_NAME_MAX + 1 bytes. */
bool node_place(struct node_table *table, const struct node *node, uint64_t *parent, char *name);
/* It is there now; name NULL: it has none any more. False: no memory. */
bool node_move(struct node_table *table, struct node *node, uint64_t parent, const char *name);
/* The same, unless it was moved on from (was_parent, was_name), where node_place found it, meanwhile. */
void node_follow(struct node_table *table, struct node *node, uint64_t was_parent, const char *was_name,
                 uint64_t parent, const char *name);

/* A directory was removed: what is to be said of it as long as somebody is in it. Without memory for that, nothing is. */
void node_bury(struct node_table *table, struct node *node, const store_stat *stat);
/* False if it was not removed here. */
bool node_buried(struct node_table *table, const struct node *node, store_stat *out);

/* ------------------------------------------------- names of the mount's own */

enum own_kind { OWN_NONE, OWN_FILE, OWN_WHITEOUT };

/* What the mount itself has under (parent, name); `*node` is referenced, for OWN_FILE. */
enum own_kind own_find(struct node_table *table, struct node **node, uint64_t parent, const char *name);
/* Gives the node the name; a file of the mount's own that had it loses it. False: no memory. */
bool own_set(struct node_table *table, uint64_t parent, const char *name, struct node *node);
/* What is hidden there, and its twin; 0: nothing is. */
uint64_t own_hidden(struct node_table *table, uint64_t parent, const char *name, uint64_t *twin);
/* Hides the store's node `hidden` there. False: no memory. */
bool own_hide(struct node_table *table, uint64_t parent, const char *name, uint64_t hidden, uint64_t twin);
/* The file loses the name; what was renamed away from there is hidden still. */
void own_unset(struct node_table *table, uint64_t parent, const char *name);
/* Neither file nor whiteout is there any more. */
void own_remove(struct node_table *table, uint64_t parent, const char *name);
/* The whiteout with this twin: what it hides and where (`name` has STORE_NAME_MAX + 1 bytes), and whether a file of the
 * mount's own stands there. False if there is none. */
bool own_find_twin(struct node_table *table, uint64_t twin, uint64_t *hidden, uint64_t *parent, char *name,
                   bool *covered);
/* Is anything of the mount's own in the directory? Whiteouts do not count. */
bool own_any(struct node_table *table, uint64_t parent);
/* Every own name in the directory (0: everywhere). `each` is called with the lock held and must not call back;
 * non-zero ends it and is returned. */
int own_each(struct node_table *table, uint64_t parent, int (*each)(void *context, const struct own_name *own),
             void *context);

#endif
