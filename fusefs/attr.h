/* attr.h - attributes as the kernel wants them. */
#ifndef FUSEFS_ATTR_H
#define FUSEFS_ATTR_H

#include "file.h"

/* What stat(2) is to say of a node: of its open file, or of the store. */
int attr_of(store_stat *out, uint64_t *allocated, struct fs *fs, struct node *node);
/* The same of a node that the store told of just now, at (parent, name): what is open of it may be newer. */
int attr_newest(store_stat *stat, uint64_t *allocated, struct fs *fs, struct node *node, uint64_t parent,
                const char *name);
/* As struct stat; `allocated` are the bytes that st_blocks counts. */
void attr_fill(struct stat *out, const struct fs *fs, const store_stat *stat, uint64_t allocated);
/* The file type bits (S_IFMT) of what the store has. */
mode_t attr_type(const store_stat *stat);

/* Answers with an entry: the node is known to the kernel from then on. Takes the reference over. `count` is the watch's
 * from before the store was asked. */
void reply_entry(fuse_req_t request, struct fs *fs, struct node *node, const store_stat *stat, uint64_t allocated,
                 unsigned count);
void entry_fill(struct fuse_entry_param *out, struct fs *fs, const store_stat *stat, uint64_t allocated,
                unsigned count);

/* Attributes of something that a caller makes in a directory: its user, its group or the directory's (set-group-id), and
 * for a directory that bit too. */
int attr_for_new(store_attributes *out, struct fs *fs, fuse_req_t request, fuse_ino_t parent, mode_t mode,
                 store_stat *directory);

#endif
