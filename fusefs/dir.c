/*
 * dir.c - reading directories.
 *
 * A handle remembers the names that it gave in the order it gave them, and an offset counts them: so
 * whatever comes and goes meanwhile, no name is given twice or left out. First come the names that only
 * this mount has, as of the beginning; then what the store has, behind the last one given.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "ops.h"
#include "properties.h"
#include "watch.h"

struct listing {
    uint64_t ino;
    pthread_mutex_t lock;     /* readdir may be called by several threads that share the descriptor */
    char *names;              /* one after another, each with its NUL */
    size_t size, capacity;
    size_t *starts;           /* of each in `names` */
    size_t count, starts_capacity;
    char **excluded;          /* sorted: names of the mount's own, and those that it hides */
    size_t excluded_count, excluded_capacity;
    store_iter *iter;         /* NULL before the first stored name, and after an error */
    char last[STORE_NAME_MAX + 1]; /* stored name given last, */
    store_stat stat;          /* and what is there */
    bool object;              /* a typed object: all names of its properties are known at the beginning */
};

static struct listing *listing_of(const struct fuse_file_info *info)
{
    return (struct listing *)(uintptr_t)info->fh; // NOLINT(performance-no-int-to-ptr): libfuse keeps it as a number
}

static bool grow(void **array, size_t *capacity, size_t needed, size_t item)
{
    size_t wanted = *capacity ? *capacity : 64;
    void *larger;

    if (needed <= *capacity)
        return true;
    while (wanted < needed)
        wanted *= 2;
    larger = realloc(*array, wanted * item);
    if (!larger)
        return false;
    *array = larger;
    *capacity = wanted;
    return true;
}

static void clear(struct listing *listing)
{
    for (size_t i = 0; i < listing->excluded_count; i++)
        free(listing->excluded[i]);
    listing->excluded_count = listing->count = listing->size = 0;
    store_iter_close(listing->iter);
    listing->iter = NULL;
    listing->last[0] = '\0';
}

static void free_listing(struct listing *listing)
{
    clear(listing);
    free(listing->names);
    free(listing->starts);
    free(listing->excluded);
    pthread_mutex_destroy(&listing->lock);
    free(listing);
}

/* ----------------------------------------------------------------- the names */

static bool add_name(struct listing *listing, const char *name)
{
    size_t size = strlen(name) + 1;

    if (!grow((void **)&listing->names, &listing->capacity, listing->size + size, 1) ||
        !grow((void **)&listing->starts, &listing->starts_capacity, listing->count + 1, sizeof(size_t)))
        return false;
    listing->starts[listing->count++] = listing->size;
    memcpy(listing->names + listing->size, name, size);
    listing->size += size;
    return true;
}

static int note_own(void *context, const struct own_name *own)
{
    struct listing *listing = context;
    char *copy = strdup(own->name);

    if (!copy || !grow((void **)&listing->excluded, &listing->excluded_capacity, listing->excluded_count + 1,
                       sizeof(char *))) {
        free(copy);
        return ENOMEM;
    }
    listing->excluded[listing->excluded_count++] = copy;
    return own->node && !add_name(listing, own->name) ? ENOMEM : 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_excluded(const struct listing *listing, const char *name)
{
    return listing->excluded_count > 0 &&
           bsearch(&name, listing->excluded, listing->excluded_count, sizeof(char *), compare);
}

/* Names of the mount's own are in the list already. */
static int note_property(void *context, const char *name)
{
    struct listing *listing = context;

    return is_excluded(listing, name) || add_name(listing, name) ? 0 : ENOMEM;
}

static int add_properties(struct listing *listing, struct fs *fs)
{
    struct place place;

    listing->object = property_place(&place, fs, listing->ino, "");
    return listing->object ? property_each(fs, &place, note_property, listing) : 0;
}

static int begin(struct listing *listing, struct fs *fs)
{
    int error;

    clear(listing);
    if (!add_name(listing, ".") || !add_name(listing, ".."))
        return ENOMEM;
    error = own_each(&fs->nodes, listing->ino, note_own, listing);
    if (!error && listing->excluded_count > 1)
        qsort(listing->excluded, listing->excluded_count, sizeof(char *), compare);
    return error ? error : add_properties(listing, fs);
}

/* The next stored name is added to the list; `stat` says what is there. ENOENT: there is none. */
static int next_stored(struct listing *listing, struct fs *fs)
{
    store_list_options options = STORE_LIST_OPTIONS_INIT;
    store_entry entry;
    int rc = STORE_OK;

    if (listing->object)
        return ENOENT;
    do {
        if (!listing->iter) {
            options.base = fs_id(fs, listing->ino);
            options.after = *listing->last ? listing->last : NULL;
            rc = store_iter_open(&listing->iter, fs->store, "/", &options);
        }
        if (rc == STORE_OK)
            rc = store_iter_next(&entry, listing->iter);
        if (rc == STORE_END)
            return ENOENT;
        if (rc != STORE_OK) {
            store_iter_close(listing->iter);
            listing->iter = NULL;
            return errno_of(rc);
        }
        strcpy(listing->last, entry.name);
    } while (is_excluded(listing, entry.name));
    listing->stat = *entry.stat;
    properties_show(fs, &listing->stat, 0);
    return add_name(listing, entry.name) ? 0 : ENOMEM;
}

/* ---------------------------------------------------------------- the replies */

struct reply {
    fuse_req_t request;
    struct fs *fs;
    bool plus;
    char *data;
    size_t size, used;
    unsigned count; /* of the watch */
};

static bool add_plain(struct reply *reply, const char *name, const store_stat *stat, off_t next)
{
    struct stat attr = { .st_ino = fs_ino(reply->fs, stat->id), .st_mode = attr_type(stat) };
    size_t needed = fuse_add_direntry(reply->request, reply->data + reply->used, reply->size - reply->used, name,
                                      &attr, next);

    if (needed > reply->size - reply->used)
        return false;
    reply->used += needed;
    return true;
}

/* With attributes: a look-up. */
static bool add_plus(struct reply *reply, uint64_t parent, const char *name, const store_stat *known, off_t next)
{
    struct fs *fs = reply->fs;
    struct node *node = node_see(&fs->nodes, fs_ino(fs, known->id), parent, name);
    struct fuse_entry_param entry;
    store_stat stat = *known;
    uint64_t allocated = stat.size;
    size_t needed;

    if (!node)
        return false;
    node_describe(node, &stat);
    if (attr_newest(&stat, &allocated, fs, node, parent, name) != 0)
        stat = *known;
    entry_fill(&entry, fs, &stat, allocated, reply->count);
    node_count_lookup(&fs->nodes, node);
    needed = fuse_add_direntry_plus(reply->request, reply->data + reply->used, reply->size - reply->used, name, &entry,
                                    next);
    if (needed > reply->size - reply->used)
        node_forget(&fs->nodes, node->ino, 1);
    node_put(&fs->nodes, node);
    if (needed > reply->size - reply->used)
        return false;
    reply->used += needed;
    return true;
}

/* Without attributes, and no look-up: "." and "..", which the kernel knows, and properties, of which each would be one
 * more parse of the object. */
static bool add_bare(struct reply *reply, const char *name, const store_stat *stat, off_t next)
{
    struct fuse_entry_param entry = { 0 };
    size_t left = reply->size - reply->used, needed;

    if (!reply->plus)
        return add_plain(reply, name, stat, next);
    entry.attr.st_ino = fs_ino(reply->fs, stat->id);
    entry.attr.st_mode = attr_type(stat);
    needed = fuse_add_direntry_plus(reply->request, reply->data + reply->used, left, name, &entry, next);
    if (needed > left)
        return false;
    reply->used += needed;
    return true;
}

/* What is there under a name that was listed before: 0, ENOENT, or an error. */
static int stat_again(store_stat *stat, struct fs *fs, uint64_t parent, const char *name)
{
    struct node *node;
    struct place place;
    uint64_t allocated;
    int error;

    switch (own_find(&fs->nodes, &node, parent, name)) {
    case OWN_FILE:
        error = attr_of(stat, &allocated, fs, node);
        node_put(&fs->nodes, node);
        return error;
    case OWN_WHITEOUT:
        return ENOENT;
    case OWN_NONE:
        break;
    }
    place_in(&place, fs, parent, name);
    return place_stat(stat, fs, &place);
}

static bool add_entry(struct reply *reply, uint64_t parent, const char *name, const store_stat *stat, off_t next)
{
    return reply->plus ? add_plus(reply, parent, name, stat, next) : add_plain(reply, name, stat, next);
}

/* Entry number `index`: whether it fitted. One that is gone takes no room. */
static bool add_known(struct reply *reply, struct listing *listing, size_t index)
{
    const char *name = listing->names + listing->starts[index];
    off_t next = (off_t)index + 1;
    store_stat stat = { .kind = STORE_COLLECTION, .id = fs_id(reply->fs, listing->ino) };

    if (index < 2)
        return add_bare(reply, name, &stat, next);
    if (listing->object && !is_excluded(listing, name)) {
        stat = (store_stat){ .kind = STORE_PROPERTY, .id = property_ino(reply->fs, listing->ino, name) };
        return add_bare(reply, name, &stat, next);
    }
    if (stat_again(&stat, reply->fs, listing->ino, name) != 0)
        return true;
    return add_entry(reply, listing->ino, name, &stat, next);
}

/* Fills the reply from entry `index` on. An error counts only when nothing was given before it. */
static int fill(struct reply *reply, struct listing *listing, size_t index)
{
    int error = 0;

    if (index == 0)
        error = begin(listing, reply->fs);
    while (!error && listing->count < index) /* a new handle on an old offset */
        error = listing->count == 0 ? begin(listing, reply->fs) : next_stored(listing, reply->fs);
    while (!error && index < listing->count) {
        if (!add_known(reply, listing, index))
            return 0;
        index++;
    }
    while (!error) {
        error = next_stored(listing, reply->fs);
        if (!error && !add_entry(reply, listing->ino, listing->last, &listing->stat, (off_t)listing->count))
            return 0;
    }
    return error == ENOENT || reply->used > 0 ? 0 : error;
}

static void answer(fuse_req_t request, struct fuse_file_info *info, size_t size, off_t offset, bool plus)
{
    struct reply reply = { .request = request, .fs = fs_of(request), .plus = plus, .data = malloc(size),
                           .size = size, .count = watch_count(fs_of(request)) };
    struct listing *listing = listing_of(info);
    int error = reply.data ? 0 : ENOMEM;

    if (!error) {
        pthread_mutex_lock(&listing->lock);
        error = fill(&reply, listing, (size_t)offset);
        pthread_mutex_unlock(&listing->lock);
    }
    if (error)
        fuse_reply_err(request, error);
    else
        fuse_reply_buf(request, reply.data, reply.used);
    free(reply.data);
}

void op_readdir(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
    (void)ino;
    answer(request, info, size, offset, false);
}

void op_readdirplus(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
    (void)ino;
    answer(request, info, size, offset, true);
}

void op_opendir(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct listing *listing = calloc(1, sizeof *listing);

    if (!listing) {
        fuse_reply_err(request, ENOMEM);
        return;
    }
    listing->ino = ino;
    pthread_mutex_init(&listing->lock, NULL);
    info->fh = (uintptr_t)listing;
    if (fuse_reply_open(request, info) != 0)
        free_listing(listing);
}

void op_releasedir(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    (void)ino;
    free_listing(listing_of(info));
    fuse_reply_err(request, 0);
}

void op_fsyncdir(fuse_req_t request, fuse_ino_t ino, int datasync, struct fuse_file_info *info)
{
    const struct fs *fs = fs_of(request);

    (void)ino;
    (void)datasync;
    (void)info;
    fuse_reply_err(request, errno_of(store_sync(fs->store)));
}
