/* metadata.c - media type and user metadata: checking a request's, merging with a node's. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node.h"

#define META_ITEMS_MAX 1000

/* Text that may stand in an HTTP field: no control characters, nothing beyond ASCII. */
static bool plain_text(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

static int check_type(const char *type)
{
    const char *slash;

    if (!type)
        return STORE_OK;
    slash = strchr(type, '/');
    if (strlen(type) > STORE_TYPE_MAX || !plain_text(type) || !slash || slash == type || !slash[1])
        return problem(STORE_BAD_ARGUMENT, "the media type is none, or longer than %d bytes", STORE_TYPE_MAX);
    return STORE_OK;
}

static int check_item(const store_meta *item, size_t *total)
{
    const char *fault = item->name ? location_name_fault(item->name, strlen(item->name)) : "it is missing";

    if (fault)
        return problem(STORE_BAD_ARGUMENT, "the name of an item of metadata is none: %s", fault);
    if (item->size > STORE_META_MAX || (item->size > 0 && !item->value))
        return problem(STORE_TOO_LARGE, "metadata has at most %d bytes", STORE_META_MAX);
    *total += strlen(item->name) + item->size;
    return STORE_OK;
}

int metadata_check(const store_request *request)
{
    size_t total = 0;
    int rc = check_type(request->type);

    if (rc == STORE_OK && request->meta_count > META_ITEMS_MAX)
        rc = problem(STORE_TOO_LARGE, "there are at most %d items of metadata", META_ITEMS_MAX);
    if (rc == STORE_OK && request->meta_count && !(request->flags & STORE_SET_META))
        rc = problem(STORE_BAD_ARGUMENT, "metadata without the flag that sets it");
    for (size_t i = 0; rc == STORE_OK && i < request->meta_count; i++)
        rc = check_item(&request->meta[i], &total);
    if (rc == STORE_OK && total > STORE_META_MAX)
        rc = problem(STORE_TOO_LARGE, "metadata has at most %d bytes", STORE_META_MAX);
    for (size_t i = 0; rc == STORE_OK && i < request->meta_count; i++)
        for (size_t j = 0; rc == STORE_OK && j < i; j++)
            if (strcmp(request->meta[i].name, request->meta[j].name) == 0)
                rc = problem(STORE_BAD_ARGUMENT, "two items of metadata have the name %s", request->meta[i].name);
    if (rc == STORE_OK && request->attributes && request->attributes->mask & STORE_ATTR_MODE &&
        request->attributes->mode & ~07777u)
        rc = problem(STORE_BAD_ARGUMENT, "the mode has bits beyond 07777");
    return rc;
}

bool metadata_json_type(const char *type)
{
    char essence[STORE_TYPE_MAX + 1];
    size_t size;

    if (!type)
        return true;
    size = strcspn(type, "; ");
    if (size > STORE_TYPE_MAX)
        return false;
    memcpy(essence, type, size);
    essence[size] = '\0';
    if (strcasecmp(essence, "application/octet-stream") == 0)
        return true; /* says nothing */
    return (size > 5 && strcasecmp(essence + size - 5, "/json") == 0) ||
           (size > 5 && strcasecmp(essence + size - 5, "+json") == 0);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const store_meta *)a)->name, ((const store_meta *)b)->name);
}

static int append_given(struct buffer *out, const store_request *request)
{
    store_meta *sorted = malloc((request->meta_count ? request->meta_count : 1) * sizeof *sorted);

    if (!sorted)
        return problem(STORE_NO_MEMORY, "no memory for metadata");
    if (request->meta_count)
        memcpy(sorted, request->meta, request->meta_count * sizeof *sorted);
    qsort(sorted, request->meta_count, sizeof *sorted, by_name);
    for (size_t i = 0; i < request->meta_count; i++)
        attribute_append(out, ATTRIBUTE_META, slice_text(sorted[i].name), slice_of(sorted[i].value, sorted[i].size));
    free(sorted);
    return STORE_OK;
}

int metadata_build(struct buffer *out, struct slice old, const store_request *request)
{
    enum attribute_tag tag;
    struct slice name, value;
    struct posix posix;
    size_t at = 0;
    int rc = STORE_OK;

    if (request->type)
        attribute_append(out, ATTRIBUTE_TYPE, slice_of("", 0), slice_text(request->type));
    else if (attribute_find(old, ATTRIBUTE_TYPE, slice_of("", 0), &value))
        attribute_append(out, ATTRIBUTE_TYPE, slice_of("", 0), value);
    if (request->flags & STORE_SET_META)
        rc = append_given(out, request);
    else
        while (attribute_next(old, &at, &tag, &name, &value))
            if (tag == ATTRIBUTE_META)
                attribute_append(out, tag, name, value);
    attribute_posix(&posix, old);
    if (request->attributes && request->attributes->mask & STORE_ATTR_ACCESSED) {
        posix.accessed = request->attributes->accessed;
        posix.flags |= POSIX_ACCESSED;
    }
    attribute_append_posix(out, &posix);
    return out->failed ? problem(STORE_NO_MEMORY, "no memory for metadata") : rc;
}

int metadata_copy(store_meta **items, size_t *count, struct slice section, size_t spare)
{
    enum attribute_tag tag;
    struct slice name, value;
    size_t at = 0, bytes = 0;
    char *text;

    *count = 0;
    while (attribute_next(section, &at, &tag, &name, &value))
        if (tag == ATTRIBUTE_META) {
            ++*count;
            bytes += name.size + value.size + 2;
        }
    *items = malloc((*count + spare) * sizeof **items + bytes + 1);
    if (!*items) {
        *count = 0;
        return problem(STORE_NO_MEMORY, "no memory for metadata");
    }
    text = (char *)(*items + *count + spare);
    at = 0;
    for (size_t i = 0; attribute_next(section, &at, &tag, &name, &value);) {
        if (tag != ATTRIBUTE_META)
            continue;
        (*items)[i++] = (store_meta){ text, text + name.size + 1, value.size };
        memcpy(text, name.data, name.size);
        text[name.size] = '\0';
        memcpy(text + name.size + 1, value.data, value.size);
        text[name.size + 1 + value.size] = '\0';
        text += name.size + value.size + 2;
    }
    return STORE_OK;
}
