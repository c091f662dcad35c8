/* remove.c - unlink and rmdir. */
#include <errno.h>
#include <string.h>

#include "attr.h"
#include "lately.h"
#include "ops.h"
#include "properties.h"
#include "remove.h"
#include "watch.h"

int remove_stored(struct fs *fs, const struct place *place)
{
    store_request request = STORE_REQUEST_INIT;
    store_answer answer = { 0 };
    int error;

    request.base = place->base;
    request.if_id = place->id;
    error = errno_of(store_delete(&answer, fs->store, place->name, &request));
    if (!error)
        watch_own(fs, answer.one.version);
    store_answer_clear(&answer);
    return error;
}

/* Its file is made if there is none, for its lock: whoever opens it now waits, and finds it gone. */
int hold(struct held *out, struct fs *fs, const store_stat *stat, bool replaced)
{
    const bool last = stat->kind != STORE_COLLECTION && stat->links == 1;
    int error = 0;

    *out = (struct held){ .node = last ? node_get(&fs->nodes, fs_ino(fs, stat->id)) : NULL, .replaced = replaced };
    if (!out->node)
        return 0;
    out->file = file_get(fs, out->node);
    if (!out->file) {
        node_put(&fs->nodes, out->node);
        return ENOMEM;
    }
    pthread_mutex_lock(&out->file->lock);
    file_introduce(out->file, stat);
    out->lately = replaced && stat->kind == STORE_OBJECT && stat->size <= LATELY_SIZE;
    if (stat->kind == STORE_OBJECT && out->file->state == FILE_STORED &&
        (out->lately || file_shared(fs, out->file)))
        error = file_keep(fs, out->file);
    if (error)
        hold_release(fs, out, false);
    return error;
}

int hold_own(struct held *out, struct fs *fs, struct node *node, bool replaced)
{
    struct file *file = file_find(fs, node);

    if (!file)
        return LOOK_AGAIN;
    *out = (struct held){ .node = node_get(&fs->nodes, node->ino), .file = file, .replaced = replaced };
    pthread_mutex_lock(&file->lock);
    if (file->state == FILE_STAGED || file->state == FILE_SCRATCH)
        return 0;
    hold_release(fs, out, false);
    return LOOK_AGAIN;
}

static void detach(struct fs *fs, struct file *file)
{
    file_detach(file);
    node_move(&fs->nodes, file->node, 0, NULL);
}

void hold_release(struct fs *fs, const struct held *held, bool lost)
{
    if (!held->node)
        return;
    if (lost) {
        detach(fs, held->file);
        held->node->unlinked = !held->replaced;
    }
    pthread_mutex_unlock(&held->file->lock);
    if (lost && held->lately) {
        lately_add(fs, held->file);
    } else {
        file_put(fs, held->file);
        node_put(&fs->nodes, held->node);
    }
}

int lose_name(struct fs *fs, struct node *node)
{
    struct file *file = file_find(fs, node);
    int error = file ? pthread_mutex_trylock(&file->lock) : 0;

    if (file && !error) {
        detach(fs, file);
        pthread_mutex_unlock(&file->lock);
    }
    if (file)
        file_put(fs, file);
    return error;
}

void lose_directory(struct fs *fs, const store_stat *stat)
{
    struct node *node = node_get(&fs->nodes, fs_ino(fs, stat->id));

    if (node)
        node_bury(&fs->nodes, node, stat);
    node_put(&fs->nodes, node);
}

/* ------------------------------------------------------------------- unlink */

int remove_twin(struct fs *fs, uint64_t twin)
{
    char name[STORE_NAME_MAX + 1];
    uint64_t hidden, parent;
    struct place place;
    bool covered;
    int error;

    if (!own_find_twin(&fs->nodes, twin, &hidden, &parent, name, &covered))
        return 0;
    if (covered) /* what covers it replaces it when it is published */
        return own_hide(&fs->nodes, parent, name, hidden, 0) ? 0 : ENOMEM;
    place_in(&place, fs, parent, name);
    place.id = hidden;
    error = remove_stored(fs, &place);
    if (error && error != ENOENT && error != ESTALE) /* else it is gone, or another's, already */
        return error;
    own_remove(&fs->nodes, parent, name);
    return 0;
}

int remove_covered(struct fs *fs, const struct place *place, uint64_t hidden, uint64_t twin)
{
    struct place covered = *place;
    int error;

    if (!hidden || twin)
        return 0;
    covered.id = hidden;
    error = remove_stored(fs, &covered);
    return error == ENOENT || error == ESTALE ? 0 : error;
}

static int remove_own(struct fs *fs, uint64_t parent, const char *name, struct node *node)
{
    uint64_t twin, hidden;
    struct place place;
    struct held held;
    int error = hold_own(&held, fs, node, false);

    if (error)
        return error;
    hidden = own_hidden(&fs->nodes, parent, name, &twin);
    place_in(&place, fs, parent, name);
    error = remove_twin(fs, node->ino);
    if (!error)
        error = remove_covered(fs, &place, hidden, twin);
    if (!error)
        own_unset(&fs->nodes, parent, name);
    hold_release(fs, &held, !error);
    return error;
}

static int unlink_stored(struct fs *fs, fuse_ino_t parent, const char *name)
{
    struct place place;
    store_stat stat;
    struct held held;
    int error;

    place_in(&place, fs, parent, name);
    error = place_stat(&stat, fs, &place);
    if (!error && stat.kind == STORE_COLLECTION)
        error = EISDIR;
    if (error)
        return error;
    if (place.property) /* whoever has it open sees its initial state */
        return property_is_key(fs, &place, name) ? 0 : remove_stored(fs, &place);
    place.id = stat.id;
    error = hold(&held, fs, &stat, false);
    if (error)
        return error;
    error = remove_stored(fs, &place);
    hold_release(fs, &held, !error);
    return error;
}

static int unlink_once(struct fs *fs, fuse_ino_t parent, const char *name)
{
    struct node *node;
    int error = ENOENT;

    switch (own_find(&fs->nodes, &node, parent, name)) {
    case OWN_FILE:
        error = remove_own(fs, parent, name, node);
        node_put(&fs->nodes, node);
        break;
    case OWN_WHITEOUT:
        break;
    case OWN_NONE:
        error = unlink_stored(fs, parent, name);
        break;
    }
    return error;
}

static int unlink_name(struct fs *fs, fuse_ino_t parent, const char *name)
{
    int error;

    do
        error = unlink_once(fs, parent, name);
    while (error == LOOK_AGAIN);
    if (!error)
        problem_forget(fs->problems, parent, name);
    return error;
}

void op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    fuse_reply_err(request, unlink_name(fs_of(request), parent, name));
}

/* -------------------------------------------------------------------- rmdir */

static int remove_directory(struct fs *fs, fuse_ino_t parent, const char *name)
{
    struct place place;
    store_stat stat;
    int error;

    place_in(&place, fs, parent, name);
    error = place_stat(&stat, fs, &place);
    if (!error && stat.kind != STORE_COLLECTION)
        error = ENOTDIR;
    if (!error && own_any(&fs->nodes, fs_ino(fs, stat.id)))
        error = ENOTEMPTY;
    place.id = stat.id;
    if (!error)
        error = remove_stored(fs, &place);
    if (!error)
        lose_directory(fs, &stat);
    return error;
}

void op_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    fuse_reply_err(request, remove_directory(fs_of(request), parent, name));
}
