/* properties.c - typed objects as directories of property files. */
#include "properties.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROPERTY_BIT (1ULL << 63) /* no record's id has it */
#define READ_BITS 0444u
#define FILE_BITS 0666u

/* ------------------------------------------------------------------- objects */

void properties_show(const struct fs *fs, store_stat *stat, uint64_t property)
{
    if (property) {
        stat->id = property;
        stat->mode &= FILE_BITS;
        stat->links = 1;
    }
    if (!fs->options.properties || stat->kind != STORE_OBJECT || !stat->typed)
        return;
    stat->kind = STORE_COLLECTION;
    stat->mode |= (stat->mode & READ_BITS) >> 2; /* who may read an object may look into its directory */
    stat->size = 0;
    stat->links = 2;
}

int property_make_object(store_answer *out, struct fs *fs, const struct place *place, const store_request *request)
{
    return store_put(out, fs->store, place->name, "{}", 2, request);
}

void property_explain(struct fs *fs, const struct place *place, int rc)
{
    uint64_t collection = fs_ino(fs, place->base);

    if (rc == STORE_OK)
        problem_forget(fs->problems, collection, "");
    else
        problem_keep(fs->problems, collection, "", store_problem_json());
}

/* -------------------------------------------------------------------- places */

static uint64_t hash(uint64_t object, const char *name)
{
    uint64_t hash = object * 0x9e3779b97f4a7c15ULL;

    while (*name) {
        hash = (hash ^ (unsigned char)*name++) * 0x100000001b3ULL;
        hash ^= hash >> 29;
    }
    return hash | PROPERTY_BIT;
}

/* Is the number that of another file which is in use? */
static bool is_taken(struct fs *fs, uint64_t ino, uint64_t parent, const char *name)
{
    struct node *node = node_get(&fs->nodes, ino);
    char other[STORE_NAME_MAX + 1];
    uint64_t place;
    bool taken = node && (!node_place(&fs->nodes, node, &place, other) || place != parent || strcmp(other, name) != 0);

    node_put(&fs->nodes, node);
    return taken;
}

/* Two names with the same hash have other numbers only while both are in use. */
uint64_t property_ino(struct fs *fs, fuse_ino_t parent, const char *name)
{
    uint64_t ino = hash(fs_id(fs, parent), name);

    while (is_taken(fs, ino, parent, name))
        ino = (ino + 1) | PROPERTY_BIT;
    return ino;
}

bool property_place(struct place *out, struct fs *fs, fuse_ino_t parent, const char *name)
{
    struct node *node = fs->options.properties ? node_get(&fs->nodes, parent) : NULL;
    bool object = node && node->object && place_of(out, fs, node) == 0;
    size_t size;

    node_put(&fs->nodes, node);
    if (!object || !*name)
        return object;
    size = strlen(out->name);
    snprintf(out->name + size, sizeof out->name - size, "/%s", name);
    out->property = property_ino(fs, parent, name);
    return true;
}

/* --------------------------------------------------------------------- names */

/* A name as it stands in a location: "~1" is a slash, "~0" a tilde. False if it can be no file's. */
static bool file_name(char out[STORE_NAME_MAX + 1], const char *property)
{
    size_t size = 0;

    for (; *property && size + 2 <= STORE_NAME_MAX; property++) {
        if (*property == '~' || *property == '/') {
            out[size++] = '~';
            out[size++] = *property == '/' ? '1' : '0';
        } else {
            out[size++] = *property;
        }
    }
    out[size] = '\0';
    return !*property && size > 0 && strcmp(out, ".") != 0 && strcmp(out, "..") != 0;
}

/* NULL: there is none any more. */
static json_t *definition_of(struct fs *fs, uint64_t collection)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    json_t *definition = NULL;
    char *text;
    size_t size;

    options.base = collection;
    if (store_definition_get(&text, &size, fs->store, "/", &options) == STORE_OK)
        definition = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    store_free(text);
    return definition;
}

bool property_is_key(struct fs *fs, const struct place *place, const char *name)
{
    json_t *definition = definition_of(fs, place->base), *part;
    char part_name[STORE_NAME_MAX + 1];
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(definition, "key"), i, part)
        found |= file_name(part_name, json_string_value(part)) && strcmp(part_name, name) == 0;
    json_decref(definition);
    return found;
}

static int each_of(json_t *members, const json_t *known, int (*each)(void *context, const char *name), void *context)
{
    char name[STORE_NAME_MAX + 1];
    const char *property;
    json_t *value;
    int rc = 0;

    json_object_foreach(members, property, value) {
        if (!json_object_get(known, property) && file_name(name, property))
            rc = each(context, name);
        if (rc != 0)
            break;
    }
    return rc;
}

int property_each(struct fs *fs, const struct place *object, int (*each)(void *context, const char *name),
                  void *context)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    json_t *members, *definition, *schema;
    int rc;

    options.base = object->base;
    options.if_id = object->id;
    rc = errno_of(store_get_json(&members, NULL, fs->store, object->name, &options));
    if (rc != 0)
        return rc;
    definition = definition_of(fs, object->base);
    schema = json_object_get(json_object_get(definition, "schema"), "properties");
    rc = each_of(members, NULL, each, context);
    if (rc == 0) /* what was defined after the object was made */
        rc = each_of(schema, members, each, context);
    json_decref(definition);
    json_decref(members);
    return rc;
}

/* --------------------------------------------------------------- publication */

static int read_all(char **out, size_t *size, struct content *content)
{
    uint64_t all = content_size(content);

    *size = 0;
    *out = NULL;
    if (all > STORE_JSON_MAX)
        return STORE_TOO_LARGE;
    *out = malloc(all + 1);
    if (!*out)
        return STORE_NO_MEMORY;
    return content_read(size, content, *out, all, 0) == 0 ? STORE_OK : STORE_IO;
}

/* What is kept is the value, not the text that was written: the file begins anew with it. */
int property_publish(store_answer *out, struct fs *fs, struct file *file, const struct place *place)
{
    store_request request = STORE_REQUEST_INIT;
    size_t size;
    char *text;
    int rc = read_all(&text, &size, file->content);

    request.base = place->base;
    request.if_id = place->id;
    if (rc == STORE_OK)
        rc = store_patch(out, fs->store, place->name, STORE_PATCH_MERGE, text, size, &request);
    free(text);
    if (rc == STORE_OK) {
        content_free(file->content);
        file->content = NULL;
    }
    return rc;
}
