/*
 * lately.h - files that were replaced by a rename a moment ago. Whoever looked up the name just before has an inode
 * to open that has no name any more: rename(2) is atomic, so that open has to succeed, with the old bytes.
 */
#ifndef FUSEFS_LATELY_H
#define FUSEFS_LATELY_H

#include "file.h"

#define LATELY_FILES 16      /* that are kept */
#define LATELY_SIZE 8000     /* bytes of each, at most: larger ones are looked up again (ESTALE) */

struct lately {
    pthread_mutex_t lock;
    struct file *files[LATELY_FILES]; /* each with a reference of its own to file and node */
    unsigned next;
};

/* NULL: no memory. */
struct lately *lately_new(void);
/* Lets go of all. */
void lately_free(struct fs *fs, struct lately *lately);

/* Takes over the references to the file, which keeps its bytes, and to its node. */
void lately_add(struct fs *fs, struct file *file);

#endif
