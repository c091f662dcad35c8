/* import_node.h - one file, link, special node or directory into the store, unless it is there already and the same. */
#ifndef STORECTL_IMPORT_NODE_H
#define STORECTL_IMPORT_NODE_H

#include <sys/stat.h>

#include "loader.h"

/* Each returns STATUS_DONE to go on, also after a refusal, which it counts. */
int import_file(struct loader *loader, int fd, const char *location);
int import_link(struct loader *loader, int dir, const char *name, const struct stat *stat, const char *location);
/* A FIFO, socket or device node. */
int import_special(struct loader *loader, const struct stat *stat, const char *location);
/* Another name for the node at `first`; *named is false where there cannot be one: in typed collections. */
int import_name(bool *named, struct loader *loader, const char *first, const struct stat *stat, const char *location);
/* Makes the collection; *inside is false when it was refused. */
int import_directory_begin(bool *inside, struct loader *loader, int fd, const char *location);
/* Gives it the directory's mode, times, owner and metadata, where they differ. */
int import_directory_end(struct loader *loader, int fd, const char *location);

#endif
