/* xattr.h - extended attributes: what they are about, and who knows which of them. */
#ifndef FUSEFS_XATTR_H
#define FUSEFS_XATTR_H

#include "file.h"

#define XATTR_USER "user."
#define XATTR_STORE "user.store."

/* What a request is about, locked while it is in use. */
struct subject {
    struct fs *fs;
    struct node *node;
    struct file *file; /* NULL: nobody has it open */
    bool own;          /* the file is the mount's alone: its attributes are in `file`, else in the store at `place` */
    struct place place;
};

/* A value that was got. */
struct value {
    const void *data;
    size_t size;
    char text[STORE_TYPE_MAX + 1]; /* room for a short one, */
    void *of_store;                /* or to be released by store_free, */
    char *allocated;               /* or by free */
};

/* A list of names, each with its NUL. */
struct name_list {
    char *text;
    size_t size, capacity;
    bool failed; /* no memory */
};

void name_list_add(struct name_list *list, const char *prefix, const char *name);

/* All of these return 0 or an errno. `name` is that behind "user."; `flags` are those of setxattr(2). */

/* xattr_meta.c: user metadata */
int meta_get(struct value *out, const struct subject *subject, const char *name);
int meta_set(const struct subject *subject, const char *name, const void *data, size_t size, int flags);
int meta_remove(const struct subject *subject, const char *name);
int meta_names(struct name_list *out, const struct subject *subject);

/* xattr_store.c: what the store itself has to say, under "user.store." */
int special_get(struct value *out, const struct subject *subject, const char *name);
int special_set(const struct subject *subject, const char *name, const void *data, size_t size, int flags);
int special_remove(const struct subject *subject, const char *name);
int special_names(struct name_list *out, const struct subject *subject);

/* What the store says of it, or would; `type` is empty if nobody has set one. */
int subject_stat(store_stat *out, const struct subject *subject);
/* What is to be changed in the store: an item of metadata (to be removed if `data` is NULL), or else the media type. */
struct change {
    const char *item;
    const void *data;
    size_t size;
    unsigned flags; /* of store_meta_set */
    const char *type;
};

int subject_change(const struct subject *subject, const struct change *change);

#endif
