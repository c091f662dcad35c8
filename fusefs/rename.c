/* rename.c - rename(2) of what the store has (MOVE), and of what only this mount has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "ops.h"
#include "properties.h"
#include "remove.h"
#include "scratch.h"
#include "watch.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

/* One end of a rename, and what is there. */
struct end {
    fuse_ino_t parent;
    const char *name;
    struct place place;
    struct node *own;     /* a file of the mount's own, referenced; or NULL */
    uint64_t hidden, twin;
    bool stored;          /* the store has something there that this mount shows */
    bool typed;           /* the directory is a typed collection */
    store_stat stat;      /* of what is stored */
};

static int look(struct end *end, struct fs *fs, fuse_ino_t parent, const char *name)
{
    store_stat directory;
    int error;

    *end = (struct end){ .parent = parent, .name = name };
    place_in(&end->place, fs, parent, "");
    error = place_stat(&directory, fs, &end->place);
    if (error)
        return error;
    end->typed = directory.typed;
    own_find(&fs->nodes, &end->own, parent, name);
    end->hidden = own_hidden(&fs->nodes, parent, name, &end->twin);
    place_in(&end->place, fs, parent, name);
    error = place_stat(&end->stat, fs, &end->place);
    if (error && error != ENOENT)
        return error;
    end->stored = !error && !end->own && end->stat.id != end->hidden;
    return 0;
}

static void let_go(struct fs *fs, struct end *end)
{
    node_put(&fs->nodes, end->own);
}

/* --------------------------------------------------------- of the mount's own */

/* Whether a file is to live in the mount only, under this name. */
static bool is_scratch(const struct end *to)
{
    return to->typed && scratch_name(to->name);
}

/* The file gets its new name in the mount; what the store has there is covered until it is published. */
static int take_name(struct fs *fs, struct node *node, const struct end *from, const struct end *to)
{
    if (!own_set(&fs->nodes, to->parent, to->name, node) ||
        (to->stored && !own_hide(&fs->nodes, to->parent, to->name, to->stat.id, 0)) ||
        !node_move(&fs->nodes, node, to->parent, to->name))
        return ENOMEM;
    own_unset(&fs->nodes, from->parent, from->name);
    return 0;
}

/* Both names are as they were before take_name. */
static void give_back(struct fs *fs, struct node *node, const struct end *from, const struct end *to)
{
    own_set(&fs->nodes, from->parent, from->name, node);
    if (from->hidden)
        own_hide(&fs->nodes, from->parent, from->name, from->hidden, from->twin);
    node_move(&fs->nodes, node, from->parent, from->name);
    if (to->own)
        own_set(&fs->nodes, to->parent, to->name, to->own);
    else
        own_unset(&fs->nodes, to->parent, to->name);
}

/* A finished file is published under its new name at once; one that is being written, when that is done. Under the file's lock. */
static int become(struct fs *fs, struct file *file, const struct end *from, const struct end *to)
{
    enum file_state state = file->state;
    bool typed = file->typed, exclusive = file->exclusive, dirty = file->dirty;
    int refused = file->refused, error = take_name(fs, file->node, from, to);

    file->state = is_scratch(to) ? FILE_SCRATCH : FILE_STAGED;
    file->typed = to->typed;
    file->exclusive = false;
    file->refused = 0;
    file->dirty = true;
    if (!error && file->state == FILE_STAGED && file->writers == 0)
        error = file_publish(fs, file);
    if (!error) {
        file->rejected = false;
        return 0;
    }
    file->state = state;
    file->typed = typed;
    file->exclusive = exclusive;
    file->refused = refused;
    file->dirty = dirty;
    give_back(fs, file->node, from, to);
    return error;
}

/* The file that an editor renamed away comes back unchanged: nothing has happened in the store. */
static bool is_way_back(const struct end *from, const struct end *to, const struct file *file)
{
    return to->hidden && to->twin == from->own->ino && !to->own && !file->dirty && file->state == FILE_SCRATCH;
}

static int come_back(struct fs *fs, struct file *file, const struct end *from, const struct end *to)
{
    own_remove(&fs->nodes, to->parent, to->name);
    own_unset(&fs->nodes, from->parent, from->name);
    file_detach(file);
    watch_name(fs, to->parent, to->name);
    return 0;
}

/* What is at `to`, if anything is, is about to be replaced. */
static int hold_target(struct held *out, struct fs *fs, const struct end *to)
{
    *out = (struct held){ 0 };
    if (to->own)
        return hold_own(out, fs, to->own, true);
    return to->stored && !to->place.property ? hold(out, fs, &to->stat, true) : 0;
}

/* Under the lock of what is there, if that goes. */
static int rename_file(struct fs *fs, struct file *file, const struct end *from, const struct end *to)
{
    int error;

    pthread_mutex_lock(&file->lock);
    if (file->state != FILE_STAGED && file->state != FILE_SCRATCH)
        error = LOOK_AGAIN;
    else
        error = is_way_back(from, to, file) ? come_back(fs, file, from, to) : become(fs, file, from, to);
    pthread_mutex_unlock(&file->lock);
    return error;
}

static int take_place(struct fs *fs, struct file *file, const struct end *from, const struct end *to)
{
    struct held held;
    int error = to->stored && to->stat.kind == STORE_COLLECTION ? EISDIR : hold_target(&held, fs, to);

    if (error)
        return error;
    error = rename_file(fs, file, from, to);
    hold_release(fs, &held, !error);
    return error;
}

static int rename_own(struct fs *fs, const struct end *from, const struct end *to)
{
    struct file *file = file_find(fs, from->own);
    int error = file ? take_place(fs, file, from, to) : LOOK_AGAIN;

    if (!error) /* by a rename before it was published */
        error = remove_covered(fs, &from->place, from->hidden, from->twin);
    if (!error && !is_scratch(to)) /* what was renamed away and goes on elsewhere was moved there */
        error = remove_twin(fs, from->own->ino);
    if (file)
        file_put(fs, file);
    return error;
}

/* ------------------------------------------------------------- of the store's */

/* Afterwards the node is known to be there. */
static void seen_at(struct fs *fs, uint64_t id, const struct end *at)
{
    struct node *node = node_get(&fs->nodes, fs_ino(fs, id));

    if (node)
        node_move(&fs->nodes, node, at->parent, at->name);
    node_put(&fs->nodes, node);
}

/* The node that an exchange put there has the version behind that of the other: one transaction gave both. */
static void go_on_with(struct fs *fs, const struct end *end, const struct end *now_at, uint64_t version)
{
    store_request unused = STORE_REQUEST_INIT;
    struct place place = now_at->place;
    store_stat stat;
    struct file *file;

    place.id = end->stat.id;
    if (place_stat(&stat, fs, &place) != 0 || stat.version != version)
        return; /* it was changed again already: closing it tells */
    file = file_fix(fs, fs_ino(fs, end->stat.id), &end->stat.version, &unused);
    file_unfix(fs, file, version);
}

static int move(struct fs *fs, const struct end *from, const struct end *to, unsigned flags)
{
    store_request request = STORE_REQUEST_INIT;
    store_answer answer = { 0 };
    struct file *file = file_fix(fs, fs_ino(fs, from->stat.id), &from->stat.version, &request);
    int rc;

    request.base = from->place.base;
    request.if_id = from->stat.id;
    request.to_base = to->place.base;
    request.flags = flags;
    rc = store_move(&answer, fs->store, from->place.name, to->place.name, &request);
    if (rc == STORE_OK)
        watch_own(fs, answer.one.version);
    else if (to->typed)
        problem_keep(fs->problems, to->parent, to->name, store_problem_json());
    rc = errno_of(rc);
    if (!rc)
        seen_at(fs, from->stat.id, to);
    file_unfix(fs, file, rc ? 0 : answer.one.version);
    if (!rc && flags & STORE_EXCHANGE)
        go_on_with(fs, to, from, answer.one.version + 1);
    store_answer_clear(&answer);
    return rc;
}

/* A directory goes only if nothing of the mount's own is in it, either. */
static int check_replaced(struct fs *fs, const struct end *to)
{
    return to->stat.kind == STORE_COLLECTION && own_any(&fs->nodes, fs_ino(fs, to->stat.id)) ? ENOTEMPTY : 0;
}

/* It takes the place of what is there, if anything is. */
static int replace(struct fs *fs, const struct end *from, const struct end *to, unsigned flags)
{
    struct held held;
    int error = to->stored ? check_replaced(fs, to) : 0;

    if (!error)
        error = hold_target(&held, fs, to);
    if (error)
        return error;
    error = move(fs, from, to, flags);
    if (!error)
        own_remove(&fs->nodes, to->parent, to->name);
    hold_release(fs, &held, !error);
    if (!error && to->stored && to->stat.kind == STORE_COLLECTION)
        lose_directory(fs, &to->stat);
    return error;
}

static int rename_stored(struct fs *fs, const struct end *from, const struct end *to, unsigned flags)
{
    unsigned how = flags & RENAME_NOREPLACE && !to->hidden ? STORE_NOREPLACE : STORE_REPLACE;

    if (to->stored && to->stat.id == from->stat.id) /* another name of the same: nothing happens */
        return move(fs, from, to, how);
    return replace(fs, from, to, how);
}

/*
 * An object of a typed collection gets a scratch name: an editor's backup. The scratch file has its bytes, the name is
 * hidden in this mount, and the store keeps the object until it is replaced there, or the scratch file removed.
 */
static int rename_away(struct fs *fs, const struct end *from, const struct end *to)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    struct content *content = NULL;
    store_reader *reader;
    struct held held;
    struct node *node;
    int error = hold_target(&held, fs, to);

    if (error)
        return error;
    options.base = from->place.base;
    options.if_id = from->place.property ? from->place.id : from->stat.id;
    error = errno_of(store_reader_open(&reader, fs->store, from->place.name, &options));
    if (!error)
        error = content_of(&content, &fs->pool, reader);
    if (!error)
        error = content_keep(content);
    if (!error)
        error = file_make(&node, fs, FILE_SCRATCH, to->parent, to->name, &from->stat, content);
    if (error)
        content_free(content);
    hold_release(fs, &held, !error);
    if (error)
        return error;
    if (!own_hide(&fs->nodes, from->parent, from->name, from->stat.id, node->ino)) {
        lose_name(fs, node);
        own_unset(&fs->nodes, to->parent, to->name);
        error = ENOMEM;
    }
    node_put(&fs->nodes, node);
    watch_name(fs, to->parent, to->name);
    return error;
}

/* ------------------------------------------------------------------ exchange */

static int publish_own(struct fs *fs, struct end *end)
{
    struct file *file = end->own ? file_find(fs, end->own) : NULL;
    int error = 0;

    if (!file)
        return 0;
    pthread_mutex_lock(&file->lock);
    if (file->state != FILE_STORED) /* it may be published by now */
        error = file->state == FILE_STAGED ? file_publish(fs, file) : EINVAL;
    pthread_mutex_unlock(&file->lock);
    file_put(fs, file);
    return error ? error : place_stat(&end->stat, fs, &end->place);
}

static int exchange(struct fs *fs, struct end *from, struct end *to)
{
    int error = publish_own(fs, from);

    if (!error)
        error = publish_own(fs, to);
    if (!error && (!(from->stored || from->own) || !(to->stored || to->own)))
        error = ENOENT;
    if (!error)
        error = move(fs, from, to, STORE_EXCHANGE);
    if (error)
        return error;
    seen_at(fs, to->stat.id, from);
    return 0;
}

/* With -o properties nothing becomes a property by its name but what was written here, and no file an object or the
 * other way round: it is a directory. */
static int check_shape(const struct fs *fs, const struct end *from, const struct end *to)
{
    bool object = from->stored && properties_is_object(&from->stat);
    bool to_object = to->typed && !to->place.property && !is_scratch(to);

    if (!fs->options.properties)
        return 0;
    if (from->stored && from->place.property && from->parent == to->parent)
        return is_scratch(to) ? 0 : EPERM;
    if (from->stored && (from->place.property || to->place.property))
        return EXDEV; /* mv copies the value */
    return object == to_object ? 0 : EXDEV;
}

static int rename_ends(struct fs *fs, struct end *from, struct end *to, unsigned flags)
{
    int error = from->own || from->stored ? check_shape(fs, from, to) : ENOENT;

    if (error)
        return error;
    if (flags & RENAME_EXCHANGE)
        return exchange(fs, from, to);
    if (flags & RENAME_NOREPLACE && (to->own || to->stored))
        return EEXIST;
    if (from->own)
        return rename_own(fs, from, to);
    if (from->typed && (from->stat.kind == STORE_OBJECT || from->place.property) && is_scratch(to))
        return rename_away(fs, from, to);
    return rename_stored(fs, from, to, flags);
}

static int rename_once(struct fs *fs, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                       const char *new_name, unsigned flags)
{
    struct end from = { 0 }, to = { 0 };
    int error = look(&from, fs, parent, name);

    if (!error)
        error = look(&to, fs, new_parent, new_name);
    if (!error && from.own && from.own == to.own) /* it was put aside (file_set_aside) between the two looks */
        error = ENOENT;
    if (!error)
        error = rename_ends(fs, &from, &to, flags);
    let_go(fs, &from);
    let_go(fs, &to);
    return error;
}

void op_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
               unsigned flags)
{
    int error = flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE) ? EINVAL : LOOK_AGAIN;

    while (error == LOOK_AGAIN)
        error = rename_once(fs_of(request), parent, name, new_parent, new_name, flags);
    fuse_reply_err(request, error);
}
