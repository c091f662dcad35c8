/* publish.c - what was written becomes one PUT or PATCH; and what becomes of it when the store refuses. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "problem.h"
#include "properties.h"
#include "remove.h"
#include "watch.h"

/* Refused for what it says: writing something else may help. Anything else is the store's failure or a conflict. */
static bool is_refusal(int code)
{
    switch (code) {
    case STORE_BAD_BODY:
    case STORE_INVALID_VALUE:
    case STORE_KEY_MISMATCH:
    case STORE_KEY_CONFLICT:
    case STORE_KEY_REQUIRED:
    case STORE_BAD_LOCATION:
    case STORE_UNSUPPORTED_MEDIA_TYPE:
    case STORE_PRECONDITION_REQUIRED:
        return true;
    default:
        return false;
    }
}

static store_attributes attributes_of(const struct file *file)
{
    return (store_attributes){ .mask = file->mask | STORE_ATTR_CHANGED, .mode = file->stat.mode, .uid = file->stat.uid,
                               .gid = file->stat.gid, .modified = file->stat.modified,
                               .accessed = file->stat.accessed, .changed = file->stat.changed };
}

/* A new file takes the place of whatever is there by now, unless it was to be new there (O_EXCL). */
static store_request request_of(const struct file *file, const struct place *place,
                                const store_attributes *attributes)
{
    store_request request = STORE_REQUEST_INIT;

    request.base = place->base;
    request.attributes = attributes;
    request.type = file->type;
    request.flags = file->exclusive ? STORE_NOREPLACE : STORE_REPLACE;
    if (file->meta_count > 0) {
        request.flags |= STORE_SET_META;
        request.meta = file->meta;
        request.meta_count = file->meta_count;
    }
    if (file->state == FILE_STORED)
        request.if_id = place->id;
    else
        request.id = place->id;
    return request;
}

/* Only attributes were changed. */
static int publish_attributes(store_answer *answer, struct fs *fs, const struct place *place,
                              const store_attributes *attributes)
{
    store_request change = STORE_REQUEST_INIT;

    change.base = place->base;
    change.if_id = place->id;
    change.attributes = attributes;
    return store_set(answer, fs->store, place->name, &change);
}

static void rejected_name(char *out, const char *name)
{
    snprintf(out, STORE_NAME_MAX + 1, ".%.240s.rejected", name);
}

/* What was refused before is not wanted any more. */
static void forget_rejected(struct fs *fs, uint64_t parent, const char *name)
{
    char rejected[STORE_NAME_MAX + 1];
    struct node *node;
    struct file *file;

    rejected_name(rejected, name);
    if (own_find(&fs->nodes, &node, parent, rejected) != OWN_FILE)
        return;
    file = file_find(fs, node);
    if (file && pthread_mutex_trylock(&file->lock) == 0) { /* else somebody is renaming or removing it */
        if (file->rejected) {
            file_detach(file);
            own_unset(&fs->nodes, parent, rejected);
            watch_name(fs, parent, rejected);
        }
        pthread_mutex_unlock(&file->lock);
    }
    if (file)
        file_put(fs, file);
    node_put(&fs->nodes, node);
}

/* A file of the mount's own that has the name of what is set aside now gives way. */
static int displace(struct fs *fs, uint64_t parent, const char *rejected)
{
    struct node *node;
    int error = 0;

    if (own_find(&fs->nodes, &node, parent, rejected) == OWN_FILE)
        error = lose_name(fs, node);
    if (node && !error)
        own_unset(&fs->nodes, parent, rejected);
    node_put(&fs->nodes, node);
    return error;
}

/* The store keeps other bytes than those that were written: a typed body that was completed. */
static void read_anew(struct fs *fs, struct file *file)
{
    file->node->cached = 0;
    file_overtaken(file);
    tail_forget(&file->tail); /* its bytes are no other face's */
    watch_node(fs, file->node->ino);
}

/* The name is the store's now: it was the file's own, or hid what was published under it. What covers another name of
 * the same node stays. */
static void forget_own(struct fs *fs, const struct file *file, uint64_t parent, const char *name)
{
    struct node *node;
    uint64_t twin, hidden = own_hidden(&fs->nodes, parent, name, &twin);

    own_find(&fs->nodes, &node, parent, name);
    if (node == file->node || (!node && hidden == fs_id(fs, file->node->ino)))
        own_remove(&fs->nodes, parent, name);
    node_put(&fs->nodes, node);
}

/* It is the store's now, under the name where it was when that began: it may have been moved since. */
static void settle(struct fs *fs, struct file *file, const struct place *place, uint64_t parent, const char *name,
                   const store_result *result)
{
    if (!place->property) /* of which the watch tells what else it changed: the object, and its name with the key */
        watch_own(fs, result->version);
    forget_own(fs, file, parent, name);
    problem_forget(fs->problems, parent, name);
    if (file->typed)
        forget_rejected(fs, parent, name);
    if (place->property && place->property != file->node->ino)
        watch_name(fs, parent, name); /* it is another inode from now on */
    file_forget_meta(file);
    file->state = FILE_STORED;
    file->dirty = file->exclusive = false;
    file->mask = 0;
    file->refused = 0;
    file->stat.version = result->version;
    file->node->cached = file->epoch > 0 ? 0 : result->version;
    if (file->content)
        file->stat.size = content_size(file->content);
    if (result->completed)
        read_anew(fs, file);
}

static int refuse(struct fs *fs, struct file *file, int code)
{
    const char *json = store_problem_json();
    uint64_t parent;
    char name[STORE_NAME_MAX + 1];
    int error = errno_of(code);

    if (is_refusal(code)) {
        file->refused = error;
        if (node_place(&fs->nodes, file->node, &parent, name))
            problem_keep(fs->problems, parent, name, json);
    }
    return error;
}

int file_publish(struct fs *fs, struct file *file)
{
    store_attributes attributes = attributes_of(file);
    store_answer answer = { 0 };
    store_request request;
    char name[STORE_NAME_MAX + 1];
    uint64_t parent;
    struct place place;
    int rc, error;

    if (!file->dirty || file->state == FILE_SCRATCH || file->state == FILE_DETACHED)
        return 0;
    if (file->refused)
        return file->refused;
    error = node_place(&fs->nodes, file->node, &parent, name) ? place_of(&place, fs, file->node) : ESTALE;
    if (!error && (place.property || file->state != FILE_STORED))
        error = file_content(fs, file);
    if (error)
        return error;
    request = request_of(file, &place, &attributes);
    if (place.property)
        rc = property_publish(&answer, fs, file, &place);
    else if (file->content && (content_changed(file->content) || file->state != FILE_STORED))
        rc = content_publish(&answer, file->content, place.name, &request);
    else
        rc = publish_attributes(&answer, fs, &place, &attributes);
    if (rc == STORE_OK)
        settle(fs, file, &place, parent, name, &answer.one);
    else
        error = refuse(fs, file, rc);
    store_answer_clear(&answer);
    return error;
}

void file_discard(struct fs *fs, struct file *file)
{
    uint64_t parent;
    char name[STORE_NAME_MAX + 1];

    if (!file->dirty || file->state == FILE_SCRATCH || file->state == FILE_DETACHED)
        return;
    if (file->state == FILE_STAGED) {
        if (node_place(&fs->nodes, file->node, &parent, name)) {
            own_unset(&fs->nodes, parent, name);
            watch_name(fs, parent, name);
        }
        file_detach(file);
        return;
    }
    file->dirty = false;
    file->refused = 0;
    file->mask = 0;
    file->node->cached = 0;
    file_overtaken(file);
    watch_node(fs, file->node->ino);
}

/* The bytes of what is refused get a file of their own; what is stored goes on as it is. */
static int put_beside(struct fs *fs, struct file *file, uint64_t parent, const char *rejected)
{
    struct node *node;
    struct file *beside;
    int error;

    tail_keep(&file->tail, file->content, file->stat.modified);
    error = file_make(&node, fs, FILE_SCRATCH, parent, rejected, &file->stat, file->content);
    if (error)
        return error;
    beside = file_find(fs, node);
    if (beside) { /* else somebody has removed it already */
        pthread_mutex_lock(&beside->lock);
        beside->rejected = true;
        pthread_mutex_unlock(&beside->lock);
        file_put(fs, beside);
    }
    node_put(&fs->nodes, node);
    file->content = NULL;
    file_discard(fs, file);
    return 0;
}

/* A new file keeps its name in this mount, unless another face has put something there: that is to be seen. */
static int step_aside(struct fs *fs, struct file *file, uint64_t parent, const char *name, const char *rejected)
{
    struct place place;
    store_stat stat;
    uint64_t twin;

    place_in(&place, fs, parent, name);
    if (place_stat(&stat, fs, &place) != 0 || (own_hidden(&fs->nodes, parent, name, &twin) == stat.id && twin))
        return 0;
    if (displace(fs, parent, rejected) != 0)
        return EBUSY;
    if (!own_set(&fs->nodes, parent, rejected, file->node))
        return ENOMEM;
    if (!node_move(&fs->nodes, file->node, parent, rejected)) {
        own_unset(&fs->nodes, parent, rejected);
        return ENOMEM;
    }
    own_unset(&fs->nodes, parent, name);
    file->state = FILE_SCRATCH;
    file->rejected = true;
    watch_name(fs, parent, name);
    return 0;
}

int file_set_aside(struct fs *fs, struct file *file)
{
    char name[STORE_NAME_MAX + 1], rejected[STORE_NAME_MAX + 1];
    uint64_t parent;
    int error;

    if (!node_place(&fs->nodes, file->node, &parent, name))
        return ESTALE;
    rejected_name(rejected, name);
    if (strcmp(name, rejected) == 0) /* it is long, and all dots */
        return EINVAL;
    if (file->state == FILE_STAGED)
        return step_aside(fs, file, parent, name, rejected);
    if (!file->content)
        return 0;
    error = displace(fs, parent, rejected);
    return error ? error : put_beside(fs, file, parent, rejected);
}
