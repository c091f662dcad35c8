/* remove.h - what unlink and rename share: how names end, and what stays of those who have the file open. */
#ifndef FUSEFS_REMOVE_H
#define FUSEFS_REMOVE_H

#include "file.h"

/* DELETE of the node place->id. */
int remove_stored(struct fs *fs, const struct place *place);
/* What a file of the mount's own covers in the store (see own_hidden) is deleted: it does not show again. */
int remove_covered(struct fs *fs, const struct place *place, uint64_t hidden, uint64_t twin);
/* The scratch file that an object was renamed to goes, and the object with it. */
int remove_twin(struct fs *fs, uint64_t twin);
/* What is about to lose its name: nobody can open it meanwhile, and who has it open can read it afterwards. */
struct held {
    struct node *node; /* referenced; NULL: it is not its last name, or nobody here knows it */
    struct file *file; /* locked */
    bool replaced;
    bool lately;       /* see lately.h */
};

/* What was the mount's own has been published meanwhile, or is gone: look again. No errno is negative. */
#define LOOK_AGAIN (-1)

/* `replaced`: another is to have the name in the same moment. On failure there is nothing to release. */
int hold(struct held *out, struct fs *fs, const store_stat *stat, bool replaced);
/* The same of a file of the mount's own; or LOOK_AGAIN. */
int hold_own(struct held *out, struct fs *fs, struct node *node, bool replaced);
/* `lost`: the name is gone, and an open file goes on without. */
void hold_release(struct fs *fs, const struct held *held, bool lost);
/* The directory was removed: whoever is in it still may ask what it was. */
void lose_directory(struct fs *fs, const store_stat *stat);
/* A file of the mount's own is to lose its name; if it is open it goes on without. For callers that hold another file's
 * lock: EBUSY instead of waiting for this one's. */
int lose_name(struct fs *fs, struct node *node);

#endif
