/* xattr.c - getxattr, setxattr, listxattr, removexattr: which attribute is whose. */
#include "xattr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "watch.h"

/* ------------------------------------------------------------------ subject */

/* Under the file's lock, if there is a file; subject_end in any case. */
static int subject_begin(struct subject *out, struct fs *fs, fuse_ino_t ino)
{
    *out = (struct subject){ .fs = fs, .node = node_get(&fs->nodes, ino) };
    if (!out->node)
        return ESTALE;
    out->file = out->node->directory ? NULL : file_find(fs, out->node);
    if (out->file)
        pthread_mutex_lock(&out->file->lock);
    out->own = out->file && out->file->state != FILE_STORED;
    return out->own ? 0 : place_of(&out->place, fs, out->node);
}

static void subject_end(struct subject *subject)
{
    if (subject->file) {
        pthread_mutex_unlock(&subject->file->lock);
        file_put(subject->fs, subject->file);
    }
    node_put(&subject->fs->nodes, subject->node);
}

int subject_stat(store_stat *out, const struct subject *subject)
{
    int error;

    if (subject->own) {
        *out = subject->file->stat;
        strcpy(out->type, subject->file->type ? subject->file->type : "");
        return 0;
    }
    error = place_stat(out, subject->fs, &subject->place);
    return error == ENOENT ? ESTALE : error;
}

static int apply(store_answer *answer, const struct subject *subject, const struct change *change,
                 const uint64_t *known)
{
    const struct place *place = &subject->place;
    store *s = subject->fs->store;
    store_request request = STORE_REQUEST_INIT;

    request.base = place->base;
    request.if_id = place->id;
    request.if_match = known;
    request.if_match_count = known ? 1 : 0;
    request.flags = change->flags;
    request.type = change->type;
    if (change->type)
        return store_set(answer, s, place->name, &request);
    return store_meta_set(answer, s, place->name, change->item, change->data, change->size, &request);
}

/* What is open goes on with the new version if it was the newest so far: the bytes are the same. */
int subject_change(const struct subject *subject, const struct change *change)
{
    struct file *file = subject->file;
    uint64_t known = file && file->known ? file->stat.version : 0;
    store_answer answer = { 0 };
    int rc = apply(&answer, subject, change, known ? &known : NULL);
    int error;

    if (rc == STORE_PRECONDITION_FAILED && known) {
        known = 0;
        rc = apply(&answer, subject, change, NULL);
    }
    error = errno_of(rc);
    if (rc == STORE_OK)
        watch_own(subject->fs, answer.one.version);
    if (rc == STORE_OK && known)
        file_rebase(file, answer.one.version);
    else if (rc == STORE_OK && file)
        file_overtaken(file);
    store_answer_clear(&answer);
    return error;
}

/* -------------------------------------------------------------------- names */

enum owner {
    OWNER_META,
    OWNER_STORE,
    OWNER_ABSENT,  /* nobody has such attributes here, and asking is no error */
    OWNER_NOBODY,
};

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* The kernel and its tools ask for "security." all the time. But `ls -l` asks for labels of SELinux at each file unless
 * it hears that there can be none. An access control list that could be set and is not obeyed would be worse
 * than none. */
static enum owner owner_of(const char *name)
{
    if (strcmp(name, "security.selinux") == 0)
        return OWNER_NOBODY;
    if (begins(name, XATTR_STORE))
        return OWNER_STORE;
    if (begins(name, XATTR_USER) && name[strlen(XATTR_USER)])
        return OWNER_META;
    if (begins(name, "security.") || begins(name, "trusted."))
        return OWNER_ABSENT;
    return OWNER_NOBODY;
}

void name_list_add(struct name_list *list, const char *prefix, const char *name)
{
    size_t prefix_size = strlen(prefix), name_size = strlen(name) + 1, size = list->size + prefix_size + name_size;
    char *text = list->text;

    if (size > list->capacity) {
        text = realloc(text, 2 * size);
        if (!text) {
            list->failed = true;
            return;
        }
        list->capacity = 2 * size;
    }
    memcpy(text + list->size, prefix, prefix_size);
    memcpy(text + list->size + prefix_size, name, name_size);
    list->text = text;
    list->size = size;
}

/* --------------------------------------------------------------- operations */

/* As the caller asked: only the size, or the bytes if they fit. */
static void reply(fuse_req_t request, int error, const void *data, size_t size, size_t room)
{
    if (error)
        fuse_reply_err(request, error);
    else if (room == 0)
        fuse_reply_xattr(request, size);
    else if (size > room)
        fuse_reply_err(request, ERANGE);
    else
        fuse_reply_buf(request, data, size);
}

void op_getxattr(fuse_req_t request, fuse_ino_t ino, const char *name, size_t size)
{
    enum owner owner = owner_of(name);
    struct subject subject;
    struct value value = { 0 };
    int error;

    if (owner == OWNER_ABSENT || owner == OWNER_NOBODY) {
        fuse_reply_err(request, owner == OWNER_ABSENT ? ENODATA : EOPNOTSUPP);
        return;
    }
    error = subject_begin(&subject, fs_of(request), ino);
    if (!error)
        error = (owner == OWNER_META ? meta_get : special_get)(&value, &subject, name + strlen(XATTR_USER));
    reply(request, error, value.data, value.size, size);
    subject_end(&subject);
    store_free(value.of_store);
    free(value.allocated);
}

/* Sets the attribute, or removes it when `value` is NULL. */
static int change(struct fs *fs, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
    enum owner owner = owner_of(name);
    struct subject subject;
    const char *rest;
    int error;

    if (owner == OWNER_ABSENT || owner == OWNER_NOBODY)
        return EOPNOTSUPP;
    rest = name + strlen(XATTR_USER);
    error = subject_begin(&subject, fs, ino);
    if (!error && value)
        error = (owner == OWNER_META ? meta_set : special_set)(&subject, rest, value, size, flags);
    else if (!error)
        error = (owner == OWNER_META ? meta_remove : special_remove)(&subject, rest);
    subject_end(&subject);
    return error;
}

void op_setxattr(fuse_req_t request, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
    fuse_reply_err(request, change(fs_of(request), ino, name, value, size, flags));
}

void op_removexattr(fuse_req_t request, fuse_ino_t ino, const char *name)
{
    fuse_reply_err(request, change(fs_of(request), ino, name, NULL, 0, 0));
}

void op_listxattr(fuse_req_t request, fuse_ino_t ino, size_t size)
{
    struct name_list list = { 0 };
    struct subject subject;
    int error = subject_begin(&subject, fs_of(request), ino);

    if (!error)
        error = special_names(&list, &subject);
    if (!error)
        error = meta_names(&list, &subject);
    if (!error && list.failed)
        error = ENOMEM;
    reply(request, error, list.text, list.size, size);
    subject_end(&subject);
    free(list.text);
}
