/*
 * xattr_meta.c - user metadata as "user." attributes: of what the store has at
 * once, of a file that it does not have yet in the file, to be published with its body.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "xattr.h"

#define ITEMS_MAX 1000 /* the store's limit */

static bool is_special(const char *name)
{
    return strncmp(name, "store.", strlen("store.")) == 0;
}

/* ------------------------------------------------------- files of the mount's own */

static store_meta *find(const struct file *file, const char *name)
{
    for (size_t i = 0; i < file->meta_count; i++)
        if (strcmp(file->meta[i].name, name) == 0)
            return &file->meta[i];
    return NULL;
}

static void release(store_meta *item)
{
    free((char *)item->name);
    free((void *)item->value);
}

void file_forget_meta(struct file *file)
{
    for (size_t i = 0; i < file->meta_count; i++)
        release(&file->meta[i]);
    free(file->meta);
    file->meta = NULL;
    file->meta_count = 0;
    free(file->type);
    file->type = NULL;
}

/* Would the store take a name like this? What it says of metadata's names it says of locations. */
static bool is_name(struct fs *fs, const char *name)
{
    char location[STORE_NAME_MAX + 2] = "/";
    store_stat stat;

    strcpy(location + 1, name);
    return !strchr(name, '/') && store_stat_get(&stat, fs->store, location, NULL) != STORE_BAD_LOCATION;
}

static bool has_room(const struct file *file, const store_meta *old, const char *name, size_t size)
{
    size_t total = strlen(name) + size;

    for (size_t i = 0; i < file->meta_count; i++)
        if (&file->meta[i] != old)
            total += strlen(file->meta[i].name) + file->meta[i].size;
    return total <= STORE_META_MAX && (old || file->meta_count < ITEMS_MAX);
}

static int add_item(struct file *file, store_meta **out)
{
    store_meta *items = realloc(file->meta, (file->meta_count + 1) * sizeof *items);

    if (!items)
        return ENOMEM;
    file->meta = items;
    *out = &items[file->meta_count];
    **out = (store_meta){ 0 };
    file->meta_count++;
    return 0;
}

static int set_own(const struct subject *subject, const char *name, const void *data, size_t size, int flags)
{
    struct file *file = subject->file;
    store_meta *item = find(file, name);
    store_meta new = { strdup(name), malloc(size + !size), size };
    int error = new.name && new.value ? 0 : ENOMEM;

    if (!error && item && flags & XATTR_CREATE)
        error = EEXIST;
    if (!error && !item && flags & XATTR_REPLACE)
        error = ENODATA;
    if (!error && !is_name(subject->fs, name))
        error = EINVAL;
    if (!error && !has_room(file, item, name, size))
        error = ENOSPC;
    if (!error && !item)
        error = add_item(file, &item);
    if (error) {
        release(&new);
        return error;
    }
    memcpy((void *)new.value, data, size);
    release(item);
    *item = new;
    return 0;
}

static int remove_own(struct file *file, const char *name)
{
    store_meta *item = find(file, name);

    if (!item)
        return ENODATA;
    release(item);
    *item = file->meta[--file->meta_count];
    return 0;
}

/* -------------------------------------------------------------- attributes */

/* Metadata are the object's. */
static bool is_property(const struct subject *subject)
{
    return !subject->own && subject->place.property;
}

/* The errno of a call about one item. Not found is the item, or the node itself. */
static int item_error(const struct subject *subject, int error)
{
    store_stat stat;
    int gone;

    if (error == EFBIG)
        return ENOSPC;
    if (error != ENOENT)
        return error;
    gone = subject_stat(&stat, subject);
    return gone ? gone : ENODATA;
}

int meta_get(struct value *out, const struct subject *subject, const char *name)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    const store_meta *item;
    int error;

    if (is_property(subject))
        return ENODATA;
    if (subject->own) {
        item = find(subject->file, name);
        if (!item)
            return ENODATA;
        out->data = item->value;
        out->size = item->size;
        return 0;
    }
    options.base = subject->place.base;
    options.if_id = subject->place.id;
    error = errno_of(store_meta_get(&out->of_store, &out->size, subject->fs->store, subject->place.name, name,
                                    &options));
    out->data = out->of_store;
    return item_error(subject, error);
}

int meta_set(const struct subject *subject, const char *name, const void *data, size_t size, int flags)
{
    const struct change change = { .item = name, .data = data, .size = size,
                                   .flags = (flags & XATTR_CREATE ? STORE_NOREPLACE : 0) |
                                            (flags & XATTR_REPLACE ? STORE_NOINSERT : 0) };

    if (is_property(subject))
        return EPERM;
    if (subject->own)
        return set_own(subject, name, data, size, flags);
    return item_error(subject, subject_change(subject, &change));
}

int meta_remove(const struct subject *subject, const char *name)
{
    const struct change change = { .item = name };

    if (is_property(subject))
        return ENODATA;
    return subject->own ? remove_own(subject->file, name) : item_error(subject, subject_change(subject, &change));
}

int meta_names(struct name_list *out, const struct subject *subject)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    store_meta *items = subject->own ? subject->file->meta : NULL;
    size_t count = subject->own ? subject->file->meta_count : 0;
    int error = 0;

    if (is_property(subject))
        return 0;
    options.base = subject->place.base;
    options.if_id = subject->place.id;
    if (!subject->own)
        error = errno_of(store_meta_list(&items, &count, subject->fs->store, subject->place.name, &options));
    for (size_t i = 0; i < count; i++)
        if (!is_special(items[i].name))
            name_list_add(out, XATTR_USER, items[i].name);
    if (!subject->own)
        store_free(items);
    return error == ENOENT ? ESTALE : error;
}
