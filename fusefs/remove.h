/* remove.h - what unlink and rename share: how names end, and what stays of those who have the file open. */
#ifndef FUSEFS_REMOVE_H
#define FUSEFS_REMOVE_H

#include "file.h"

/* DELETE of the node place->id. */
int remove_stored(struct fs *fs, const struct place *place);
/* A file of the mount's own loses its name, and what it had covered in the store is deleted. */
int remove_own(struct fs *fs, uint64_t parent, const char *name, struct node *node);
/* The scratch file that an object was renamed to goes, and the object with it. */
int remove_twin(struct fs *fs, uint64_t twin);
/* What is about to lose its name: nobody can open it meanwhile, and who has it open can read it afterwards. */
struct held {
    struct node *node; /* referenced; NULL: it is not its last name, or nobody here knows it */
    struct file *file; /* locked */
    bool replaced;
    bool lately;       /* see lately.h */
};

/* `replaced`: another is to have the name in the same moment. On failure there is nothing to release. */
int hold(struct held *out, struct fs *fs, const store_stat *stat, bool replaced);
/* `lost`: the name is gone, and an open file goes on without. */
void hold_release(struct fs *fs, const struct held *held, bool lost);
/* The directory was removed: whoever is in it still may ask what it was. */
void lose_directory(struct fs *fs, const store_stat *stat);
/* A file of the mount's own has lost its name; if it is open it goes on without. */
void lose_name(struct fs *fs, struct node *node);

#endif
