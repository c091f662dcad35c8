/* Extended attributes both ways. */
#include "xattrs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#define PREFIX "user."
#define OWN "user.store."
#define TYPE OWN "type"
#define DEFINITION OWN "definition"

/* A value of an open file's, NUL-terminated; NULL when it went away or without memory. */
static char *read_value(size_t *size, int fd, const char *name)
{
    ssize_t room = fgetxattr(fd, name, NULL, 0);
    char *value = room >= 0 ? malloc((size_t)room + 1) : NULL;

    if (!value)
        return NULL;
    ssize_t got = fgetxattr(fd, name, value, (size_t)room);
    if (got < 0) {
        free(value);
        return NULL;
    }
    value[got] = '\0';
    *size = (size_t)got;
    return value;
}

static void take(struct xattrs *out, int fd, const char *name)
{
    size_t size;
    char *value;

    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || !(value = read_value(&size, fd, name)))
        return;
    if (strcmp(name, TYPE) == 0) {
        out->type = value;
    } else if (strcmp(name, DEFINITION) == 0) {
        out->definition = value;
        out->definition_size = size;
    } else if (strncmp(name, OWN, strlen(OWN)) == 0) { /* an etag or error of a mounted store's */
        free(value);
    } else {
        out->meta[out->count++] = (store_meta){name + strlen(PREFIX), value, size};
    }
}

bool xattrs_read(struct xattrs *out, int fd)
{
    ssize_t room = flistxattr(fd, NULL, 0);
    size_t names = 0;

    *out = (struct xattrs){.supported = room >= 0};
    if (room <= 0)
        return true;
    out->block = malloc((size_t)room + 1);
    if (!out->block)
        return false;
    ssize_t size = flistxattr(fd, out->block, (size_t)room);
    if (size < 0) /* they grew meanwhile: next time */
        size = 0;
    out->block[size] = '\0';
    for (const char *name = out->block; name < out->block + size; name += strlen(name) + 1)
        names++;
    out->meta = calloc(names + 1, sizeof *out->meta);
    if (!out->meta)
        return false;
    for (const char *name = out->block; name < out->block + size; name += strlen(name) + 1)
        take(out, fd, name);
    return true;
}

void xattrs_release(struct xattrs *xattrs)
{
    for (size_t i = 0; i < xattrs->count; i++)
        free((void *)xattrs->meta[i].value);
    free(xattrs->meta);
    free(xattrs->type);
    free(xattrs->definition);
    free(xattrs->block);
    *xattrs = (struct xattrs){0};
}

static int write_meta(bool *lost, int fd, store *s, const char *location)
{
    char name[sizeof PREFIX + 256];
    store_meta *meta;
    size_t count;
    int code = store_meta_list(&meta, &count, s, location, NULL);

    for (size_t i = 0; code == STORE_OK && i < count; i++) {
        int length = snprintf(name, sizeof name, PREFIX "%s", meta[i].name);
        if (length >= (int)sizeof name || fsetxattr(fd, name, meta[i].value, meta[i].size, 0) != 0)
            *lost = true;
    }
    store_free(meta);
    return code;
}

static int write_definition(bool *lost, int fd, store *s, const char *location)
{
    char *text;
    size_t size;
    int code = store_definition_get(&text, &size, s, location, NULL);

    if (code == STORE_OK && fsetxattr(fd, DEFINITION, text, size, 0) != 0)
        *lost = true;
    store_free(text);
    return code == STORE_NOT_FOUND ? STORE_OK : code;
}

int xattrs_write(bool *lost, int fd, store *s, const char *location, const store_stat *stat)
{
    bool plain = strcmp(stat->type, "application/octet-stream") == 0;
    int code = write_meta(lost, fd, s, location);

    if (code == STORE_OK && stat->kind == STORE_COLLECTION)
        return stat->typed ? write_definition(lost, fd, s, location) : STORE_OK;
    if (code == STORE_OK && !stat->typed && !plain && *stat->type &&
        fsetxattr(fd, TYPE, stat->type, strlen(stat->type), 0) != 0)
        *lost = true;
    return code;
}
