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
/* If the inode is open: makes sure that its bytes stay readable when its name goes. */
int hold_open(struct fs *fs, uint64_t ino);
/* The directory was removed: whoever is in it still may ask what it was. */
void lose_directory(struct fs *fs, const store_stat *stat);
/* The inode has lost a name; with its last one, an open file goes on without. */
void lose_name(struct fs *fs, uint64_t ino, bool last);

#endif
