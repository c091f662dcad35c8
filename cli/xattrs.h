/*
 * xattrs.h - what a file's extended attributes and a node's user metadata have
 * in common: user.NAME is the item NAME; user.store.type is the media type,
 * user.store.definition a collection's definition.
 */
#ifndef STORECTL_XATTRS_H
#define STORECTL_XATTRS_H

#include "store.h"

struct xattrs {
    bool supported; /* the file system has them */
    store_meta *meta;
    size_t count;
    char *type, *definition; /* or NULL */
    size_t definition_size;
    char *block; /* the memory of names and values */
};

/* Reads the user.* attributes of an open file. False without memory. */
bool xattrs_read(struct xattrs *out, int fd);
void xattrs_release(struct xattrs *xattrs);

/* Writes the metadata, type and definition of the node at `location` to an open file. A store code; *lost
 * is set when the file system does not take all of them. */
int xattrs_write(bool *lost, int fd, store *s, const char *location, const store_stat *stat);

#endif
