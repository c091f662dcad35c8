/*
 * xattr_store.c - "user.store." attributes: what HTTP says in header fields, and
 * storectl in its answers.
 *
 * The etag and the error can be read and are not listed: who copies a file's attributes
 * must be able to set them all on the copy. The type is listed when it is not what an object of its
 * collection has by itself, the definition when there is one; so both travel with cp -a, rsync -X, tar --xattrs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "problem.h"
#include "properties.h"
#include "xattr.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct special {
    const char *name;
    int (*get)(struct value *out, const struct subject *subject);
    bool (*present)(const store_stat *stat); /* for the list, and for the flags of setxattr(2) */
    int (*set)(const struct subject *subject, const void *data, size_t size);
    int (*remove)(const struct subject *subject);
};

static bool is_collection(const struct subject *subject)
{
    return subject->node->directory && !subject->node->object;
}

/* --------------------------------------------------------------------- etag */

static int get_etag(struct value *out, const struct subject *subject)
{
    store_stat stat;
    int error = subject->own ? ENODATA : subject_stat(&stat, subject);

    if (error)
        return error;
    out->data = store_version_text(out->text, stat.version);
    out->size = strlen(out->text);
    return 0;
}

/* --------------------------------------------------------------------- type */

static bool may_have_type(const store_stat *stat)
{
    return stat->kind == STORE_OBJECT || stat->kind == STORE_PROPERTY || properties_is_object(stat);
}

static const char *usual_type(const store_stat *stat)
{
    return stat->typed ? "application/json" : "application/octet-stream";
}

static int get_type(struct value *out, const struct subject *subject)
{
    store_stat stat;
    int error = subject_stat(&stat, subject);

    if (!error && !may_have_type(&stat))
        error = ENODATA;
    if (error)
        return error;
    strcpy(out->text, stat.type[0] ? stat.type : usual_type(&stat));
    out->data = out->text;
    out->size = strlen(out->text);
    return 0;
}

static bool has_type(const store_stat *stat)
{
    return may_have_type(stat) && stat->type[0] && strcmp(stat->type, usual_type(stat)) != 0;
}

/* The type of a file that is not published yet is checked here as far as it can be, for close() tells nobody why. */
static bool is_type(const char *text)
{
    const char *slash = strchr(text, '/');

    for (const char *at = text; *at; at++)
        if (*at < 0x20 || *at > 0x7e)
            return false;
    return slash && slash > text && slash[1];
}

static int set_own_type(struct file *file, const char *type)
{
    char *copy = is_type(type) ? strdup(type) : NULL;

    if (!copy)
        return is_type(type) ? ENOMEM : EINVAL;
    free(file->type);
    file->type = copy;
    return 0;
}

static int set_type_text(const struct subject *subject, const char *type)
{
    const struct change change = { .type = type };

    return subject->own ? set_own_type(subject->file, type) : subject_change(subject, &change);
}

static int set_type(const struct subject *subject, const void *data, size_t size)
{
    char type[STORE_TYPE_MAX + 1] = "";

    if (is_collection(subject))
        return EPERM;
    if (size > STORE_TYPE_MAX || memchr(data, '\0', size))
        return EINVAL;
    memcpy(type, data, size);
    return set_type_text(subject, type);
}

static int remove_type(const struct subject *subject)
{
    store_stat stat;
    int error = subject_stat(&stat, subject);

    return error ? error : set_type_text(subject, usual_type(&stat));
}

/* --------------------------------------------------------------- definition */

static int get_definition(struct value *out, const struct subject *subject)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    char *text;
    int error;

    if (!is_collection(subject))
        return ENODATA;
    options.base = subject->place.base;
    error = errno_of(store_definition_get(&text, &out->size, subject->fs->store, subject->place.name, &options));
    out->data = out->of_store = text;
    return error == ENOENT ? ENODATA : error;
}

static bool has_definition(const store_stat *stat)
{
    return stat->kind == STORE_COLLECTION && stat->typed && !properties_is_object(stat);
}

/* NULL: plain again. Why one was refused can be read from the directory's user.store.error. That the mount did it
 * itself is not told to the watch: what the kernel knows of the objects may be wrong now. */
static int define(const struct subject *subject, const char *text, size_t size)
{
    store_request request = STORE_REQUEST_INIT;
    store_answer answer;
    int rc, error;

    if (!is_collection(subject))
        return EPERM;
    request.base = subject->place.base;
    rc = store_define(&answer, subject->fs->store, subject->place.name, text, size, &request);
    error = errno_of(rc);
    if (rc == STORE_OK)
        problem_forget(subject->fs->problems, subject->node->ino, "");
    else
        problem_keep(subject->fs->problems, subject->node->ino, "", store_problem_json());
    store_answer_clear(&answer);
    return error;
}

static int set_definition(const struct subject *subject, const void *data, size_t size)
{
    return define(subject, data, size);
}

static int remove_definition(const struct subject *subject)
{
    return define(subject, NULL, 0);
}

/* -------------------------------------------------------------------- error */

static int get_error(struct value *out, const struct subject *subject)
{
    struct fs *fs = subject->fs;
    char name[STORE_NAME_MAX + 1];
    uint64_t parent;

    if (is_collection(subject))
        out->allocated = problem_find(fs->problems, subject->node->ino, "");
    else if (node_place(&fs->nodes, subject->node, &parent, name))
        out->allocated = problem_find(fs->problems, parent, name);
    if (!out->allocated)
        return ENODATA;
    out->data = out->allocated;
    out->size = strlen(out->allocated);
    return 0;
}

/* --------------------------------------------------------------- attributes */

static const struct special specials[] = {
    { .name = "store.etag", .get = get_etag },
    { .name = "store.error", .get = get_error },
    { .name = "store.type", .get = get_type, .present = has_type, .set = set_type, .remove = remove_type },
    { .name = "store.definition", .get = get_definition, .present = has_definition, .set = set_definition,
      .remove = remove_definition },
};

static const struct special *find(const char *name)
{
    for (size_t i = 0; i < COUNT(specials); i++)
        if (strcmp(specials[i].name, name) == 0)
            return &specials[i];
    return NULL;
}

int special_get(struct value *out, const struct subject *subject, const char *name)
{
    const struct special *special = find(name);

    return special ? special->get(out, subject) : ENODATA;
}

int special_set(const struct subject *subject, const char *name, const void *data, size_t size, int flags)
{
    const struct special *special = find(name);
    store_stat stat;
    int error = flags & (XATTR_CREATE | XATTR_REPLACE) ? subject_stat(&stat, subject) : 0;

    if (!special || !special->set)
        return EPERM;
    if (!error && flags & XATTR_CREATE && special->present(&stat))
        error = EEXIST;
    if (!error && flags & XATTR_REPLACE && !special->present(&stat))
        error = ENODATA;
    return error ? error : special->set(subject, data, size);
}

int special_remove(const struct subject *subject, const char *name)
{
    const struct special *special = find(name);
    store_stat stat;
    int error;

    if (!special || !special->remove)
        return EPERM;
    error = subject_stat(&stat, subject);
    if (!error && !special->present(&stat))
        error = ENODATA;
    return error ? error : special->remove(subject);
}

int special_names(struct name_list *out, const struct subject *subject)
{
    store_stat stat;
    int error = subject_stat(&stat, subject);

    for (size_t i = 0; !error && i < COUNT(specials); i++)
        if (specials[i].present && specials[i].present(&stat))
            name_list_add(out, XATTR_USER, specials[i].name);
    return error;
}
