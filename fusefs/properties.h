/*
 * properties.h - with -o properties a typed object is a directory, and its
 * properties are files in it (SPEC 7).
 *
 * An object that is shown so is a collection to all parts of the file system, which
 * has a media type; its inode's number is the record's id as always. A property's number is made of that
 * and the name. What the parts know of it is its place.
 */
#ifndef FUSEFS_PROPERTIES_H
#define FUSEFS_PROPERTIES_H

#include "file.h"

/* Turns what the store says of a typed object into what a directory has, and of a property, whose ino is `property`,
 * into what a file has. Leaves all else alone. */
void properties_show(const struct fs *fs, store_stat *stat, uint64_t property);

/* Is it an object that is shown as a directory? `stat` as properties_show left it. */
static inline bool properties_is_object(const store_stat *stat)
{
    return stat->kind == STORE_COLLECTION && stat->type[0];
}

/* The place `name` in a directory that is an object: of a property, or with an empty name the object's own. False: the
 * directory is none. */
bool property_place(struct place *out, struct fs *fs, fuse_ino_t parent, const char *name);

/* The ino of a property; the same at every mount. */
uint64_t property_ino(struct fs *fs, fuse_ino_t parent, const char *name);

static inline bool property_is_ino(uint64_t ino)
{
    return ino >> 63;
}

/* Calls `each` for the name of every property, those that only the schema names behind the others. Non-zero from it
 * ends that and is returned. */
int property_each(struct fs *fs, const struct place *object, int (*each)(void *context, const char *name),
                  void *context);

/* Is it part of the object's key? Its value is what the object's name says, so there is no other initial state that
 * it could go back to: removing its file changes nothing, and rm -r works. */
bool property_is_key(struct fs *fs, const struct place *place, const char *name);

/* mkdir: an object in its initial state. */
int property_make_object(store_answer *out, struct fs *fs, const struct place *place, const store_request *request);
/* Why it was refused can be read from its collection's user.store.error, since there is no object. */
void property_explain(struct fs *fs, const struct place *place, int rc);
/* PATCHes the property with what was written to its file. The result is the store's code. */
int property_publish(store_answer *out, struct fs *fs, struct file *file, const struct place *place);

#endif
