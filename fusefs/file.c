/* file.c - open files: what is shared by all handles of an inode. */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "properties.h"
#include "watch.h"

/* ------------------------------------------------------------------ places */

void place_in(struct place *out, struct fs *fs, fuse_ino_t parent, const char *name)
{
    if (property_place(out, fs, parent, name))
        return;
    out->base = fs_id(fs, parent);
    out->id = out->property = 0;
    snprintf(out->name, sizeof out->name, "/%s", name);
}

int place_of(struct place *out, struct fs *fs, const struct node *node)
{
    char name[STORE_NAME_MAX + 1];
    uint64_t parent;

    if (node->directory && !node->object) {
        *out = (struct place){ .base = fs_id(fs, node->ino), .id = fs_id(fs, node->ino), .name = "/" };
        return 0;
    }
    if (!node_place(&fs->nodes, node, &parent, name))
        return ESTALE;
    place_in(out, fs, parent, name);
    if (!out->property)
        out->id = fs_id(fs, node->ino);
    return 0;
}

int place_stat(store_stat *out, struct fs *fs, const struct place *place)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    int error;

    options.base = place->base;
    options.if_id = place->id;
    error = errno_of(store_stat_get(out, fs->store, place->name, &options));
    properties_show(fs, out, place->property);
    return error;
}

void node_describe(struct node *node, const store_stat *stat)
{
    node->directory = stat->kind == STORE_COLLECTION;
    node->object = properties_is_object(stat);
}

/* ------------------------------------------------------------- life of a file */

static struct file *make_file(struct node *node)
{
    struct file *file = calloc(1, sizeof *file);

    if (file) {
        pthread_mutex_init(&file->lock, NULL);
        file->node = node;
    }
    return file;
}

struct file *file_get(struct fs *fs, struct node *node)
{
    struct file *file;

    pthread_mutex_lock(&fs->nodes.lock);
    if (!node->file)
        node->file = make_file(node);
    file = node->file;
    if (file)
        file->handles++;
    pthread_mutex_unlock(&fs->nodes.lock);
    return file;
}

struct file *file_find(struct fs *fs, struct node *node)
{
    struct file *file;

    pthread_mutex_lock(&fs->nodes.lock);
    file = node->file;
    if (file)
        file->handles++;
    pthread_mutex_unlock(&fs->nodes.lock);
    return file;
}

bool file_shared(struct fs *fs, const struct file *file)
{
    bool shared;

    pthread_mutex_lock(&fs->nodes.lock);
    shared = file->handles > 1;
    pthread_mutex_unlock(&fs->nodes.lock);
    return shared;
}

static void free_file(struct file *file)
{
    content_free(file->content);
    tail_forget(&file->tail);
    json_scan_free(file->scan);
    file_forget_meta(file);
    pthread_mutex_destroy(&file->lock);
    free(file);
}

void file_put(struct fs *fs, struct file *file)
{
    bool last;

    pthread_mutex_lock(&fs->nodes.lock);
    last = --file->handles == 0 && (file->state == FILE_DETACHED || (file->state == FILE_STORED && !file->dirty));
    if (last)
        file->node->file = NULL;
    pthread_mutex_unlock(&fs->nodes.lock);
    if (last)
        free_file(file);
}

/* ---------------------------------------------------------- bytes, attributes */

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* What the store says of the object now. */
static void adopt(struct file *file, const store_stat *now)
{
    file->stat = *now;
    file->known = true;
    file->typed = now->typed;
}

void file_introduce(struct file *file, const store_stat *stat)
{
    if (!file->known)
        adopt(file, stat);
}

int file_load(struct fs *fs, struct file *file)
{
    struct place place;
    store_stat now;
    int error = file->known ? 0 : place_of(&place, fs, file->node);

    if (file->known || error)
        return error;
    error = place_stat(&now, fs, &place);
    if (!error)
        adopt(file, &now);
    return error;
}

/* The version that is there now. If that does not continue what was given out, whoever got that reads nothing more. */
static int open_stored(struct fs *fs, struct file *file)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    store_reader *reader;
    struct place place;
    store_stat now;
    int error = place_of(&place, fs, file->node);

    if (error)
        return error;
    options.base = place.base;
    options.if_id = place.id;
    error = errno_of(store_reader_open(&reader, fs->store, place.name, &options));
    if (error)
        return error;
    now = *store_reader_stat(reader);
    properties_show(fs, &now, place.property);
    adopt(file, &now);
    error = content_of(&file->content, &fs->pool, reader);
    if (error)
        return error;
    if (!tail_continues(&file->tail, file->content, now.modified))
        file->epoch++;
    tail_forget(&file->tail);
    return 0;
}

/* `modified` is the time that belongs to it. */
static void drop_content(struct file *file, int64_t modified)
{
    if (file->content)
        tail_keep(&file->tail, file->content, modified);
    content_free(file->content);
    file->content = NULL;
}

/* Nobody had it open when it was removed. */
static bool is_lost(const struct file *file)
{
    return file->state == FILE_DETACHED && !file->content && file->stat.size > 0;
}

int file_refresh(struct fs *fs, struct file *file)
{
    uint64_t version = file->stat.version;
    int64_t modified = file->stat.modified;
    int error;

    if (is_lost(file))
        return ESTALE;
    if (file->state != FILE_STORED || file->dirty)
        return file_load(fs, file);
    file->known = false;
    error = file_load(fs, file);
    if (!error && version != file->stat.version)
        drop_content(file, modified);
    return error;
}

int file_content(struct fs *fs, struct file *file)
{
    int error = file->content ? 0 : file_load(fs, file);

    if (file->content || error)
        return error;
    if (is_lost(file))
        return ESTALE;
    return file->state == FILE_STORED ? open_stored(fs, file) : content_new(&file->content, &fs->pool);
}

int file_truncate(struct fs *fs, struct file *file)
{
    struct content *empty;
    int error = content_new(&empty, &fs->pool);

    if (error)
        return error;
    content_free(file->content);
    file->content = empty;
    tail_forget(&file->tail); /* its readers go on with what this mount writes */
    if (file->typed) {
        json_scan_free(file->scan);
        file->scan = json_scan_new();
        file->scanned = 0;
    }
    return 0;
}

static void show_changes(store_stat *out, const struct file *file)
{
    const store_stat *own = &file->stat;

    if (file->mask & STORE_ATTR_MODE)
        out->mode = own->mode;
    if (file->mask & STORE_ATTR_OWNER)
        out->uid = own->uid;
    if (file->mask & STORE_ATTR_GROUP)
        out->gid = own->gid;
    if (file->mask & STORE_ATTR_MODIFIED)
        out->modified = own->modified;
    if (file->mask & STORE_ATTR_ACCESSED)
        out->accessed = own->accessed;
    if (own->changed > out->changed)
        out->changed = own->changed;
}

int file_stat(store_stat *out, uint64_t *allocated, struct fs *fs, struct file *file)
{
    struct place place;
    int error = 0;

    if (file->state == FILE_STORED) {
        error = place_of(&place, fs, file->node);
        if (!error)
            error = place_stat(out, fs, &place);
        if (error && file->known) { /* deleted by another face while it is open here */
            *out = file->stat;
            out->links = 0;
            error = 0;
        }
        if (!error && file->dirty)
            show_changes(out, file);
    } else {
        *out = file->stat;
    }
    *allocated = out->size;
    if (!error && file->content && (file->dirty || file->state != FILE_STORED)) {
        out->size = content_size(file->content);
        *allocated = content_allocated(file->content);
    }
    return error;
}

void file_touch(struct file *file, bool clears_setid)
{
    file->dirty = true;
    file->refused = 0;
    file->stat.modified = file->stat.changed = now_ns();
    file->mask |= STORE_ATTR_MODIFIED;
    if (clears_setid && file->stat.mode & (S_ISUID | S_ISGID)) {
        file->stat.mode &= ~(uint32_t)S_ISUID;
        if (file->stat.mode & S_IXGRP) /* without it the bit stands for mandatory locking */
            file->stat.mode &= ~(uint32_t)S_ISGID;
        file->mask |= STORE_ATTR_MODE;
    }
}

void file_rebase(struct file *file, uint64_t version)
{
    if (file->dirty && file->content)
        content_set_version(file->content, version);
    else
        drop_content(file, file->stat.modified);
    file->stat.version = version;
    if (file->node->cached)
        file->node->cached = version;
}

struct file *file_fix(struct fs *fs, fuse_ino_t ino, const uint64_t *seen, store_request *request)
{
    struct node *node = node_get(&fs->nodes, ino);
    struct file *file = node ? file_find(fs, node) : NULL;

    if (file) {
        pthread_mutex_lock(&file->lock);
        if (file->state == FILE_STORED && file->known && file->stat.version == *seen) {
            request->if_match = seen;
            request->if_match_count = 1;
            return file;
        }
        pthread_mutex_unlock(&file->lock);
        file_put(fs, file);
    }
    node_put(&fs->nodes, node);
    return NULL;
}

void file_unfix(struct fs *fs, struct file *file, uint64_t version)
{
    struct node *node = file ? file->node : NULL;

    if (!file)
        return;
    if (version)
        file_rebase(file, version);
    pthread_mutex_unlock(&file->lock);
    file_put(fs, file);
    node_put(&fs->nodes, node);
}

void file_overtaken(struct file *file)
{
    if (file->state != FILE_STORED || file->dirty)
        return;
    drop_content(file, file->stat.modified);
    file->known = false;
}

int file_keep(struct fs *fs, struct file *file)
{
    int error = file_content(fs, file);

    return error ? error : content_keep(file->content);
}

void file_detach(struct file *file)
{
    file->state = FILE_DETACHED;
    file->stat.links = 0;
    file->stat.changed = now_ns();
}

/* ------------------------------------------------------- files of the mount's own */

static int next_id(uint64_t *out, struct fs *fs)
{
    enum { BLOCK = 1000 };
    int error = 0;

    pthread_mutex_lock(&fs->ids_lock);
    if (fs->next_id == fs->last_id) {
        error = errno_of(store_reserve_ids(&fs->next_id, fs->store, BLOCK));
        fs->last_id = error ? fs->next_id : fs->next_id + BLOCK;
    }
    *out = error ? 0 : fs->next_id++;
    pthread_mutex_unlock(&fs->ids_lock);
    return error;
}

int file_make(struct node **out, struct fs *fs, enum file_state state, fuse_ino_t parent, const char *name,
              const store_stat *stat, struct content *content)
{
    struct file *file;
    struct node *node;
    uint64_t id;
    int error = next_id(&id, fs);

    *out = NULL;
    if (error)
        return error;
    node = node_see(&fs->nodes, id, parent, name);
    file = node ? file_get(fs, node) : NULL;
    if (!file) {
        node_put(&fs->nodes, node);
        return ENOMEM;
    }
    file->stat = *stat;
    file->stat.id = id;
    file->stat.kind = STORE_OBJECT;
    file->stat.links = 1;
    file->stat.created = file->stat.modified = file->stat.accessed = file->stat.changed = now_ns();
    file->known = true;
    file->typed = stat->typed;
    file->content = content;
    file->state = state;
    file->dirty = state == FILE_STAGED;
    file->mask = STORE_ATTR_MODE | STORE_ATTR_OWNER | STORE_ATTR_GROUP | STORE_ATTR_MODIFIED;
    if (name && !own_set(&fs->nodes, parent, name, node)) {
        file->state = FILE_DETACHED;
        file->content = NULL; /* the caller's still */
        error = ENOMEM;
    }
    file_put(fs, file);
    if (error)
        node_put(&fs->nodes, node);
    else
        *out = node;
    return error;
}
