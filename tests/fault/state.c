/* state.c - the state of a store as text, to compare. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

static uint64_t hash(const unsigned char *bytes, size_t size)
{
    uint64_t value = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < size; i++)
        value = (value ^ bytes[i]) * 1099511628211u;
    return value;
}

static int print_meta(FILE *out, store *s, const char *location)
{
    store_meta *items = NULL;
    size_t count = 0;
    int rc = store_meta_list(&items, &count, s, location, NULL);

    for (size_t i = 0; i < count; i++)
        fprintf(out, " %s=%.*s", items[i].name, (int)items[i].size, (const char *)items[i].value);
    store_free(items);
    return rc;
}

static int print_body(FILE *out, store *s, const char *location)
{
    void *body = NULL;
    size_t size;
    int rc = store_get(&body, &size, NULL, s, location, NULL);

    if (rc == STORE_OK)
        fprintf(out, " %zu:%016" PRIx64, size, hash(body, size));
    store_free(body);
    return rc;
}

static int print_definition(FILE *out, store *s, const char *location)
{
    char *text = NULL;
    size_t size;
    int rc = store_definition_get(&text, &size, s, location, NULL);

    if (rc == STORE_OK)
        fprintf(out, " %s", text);
    store_free(text);
    return rc == STORE_NOT_FOUND ? STORE_OK : rc;
}

static int print_node(FILE *out, store *s, const char *location, bool versions)
{
    store_stat stat;
    int rc = store_stat_get(&stat, s, location, NULL);

    if (rc != STORE_OK)
        return rc;
    fprintf(out, "%s %s %o %s", location, store_kind_name(stat.kind), (unsigned)stat.mode, stat.type);
    if (versions)
        fprintf(out, " %" PRIu64, stat.version);
    rc = print_meta(out, s, location);
    if (rc == STORE_OK)
        rc = stat.kind == STORE_COLLECTION ? print_definition(out, s, location)
             : stat.kind == STORE_SPECIAL ? STORE_OK
                                          : print_body(out, s, location);
    fputs("\n", out);
    return rc;
}

static int print_tree(FILE *out, store *s, const char *location, bool versions)
{
    char below[STORE_LOCATION_MAX + 1];
    store_entry entry;
    store_iter *iter;
    int rc = print_node(out, s, location, versions);

    if (rc == STORE_OK)
        rc = store_iter_open(&iter, s, location, NULL);
    if (rc != STORE_OK)
        return rc;
    while (rc == STORE_OK && (rc = store_iter_next(&entry, iter)) == STORE_OK) {
        snprintf(below, sizeof below, "%s/%s", location[1] ? location : "", entry.name);
        if (entry.stat->kind == STORE_COLLECTION)
            rc = print_tree(out, s, below, versions);
        else
            rc = print_node(out, s, below, versions);
    }
    store_iter_close(iter);
    return rc == STORE_END ? STORE_OK : rc;
}

char *script_state(store *s, bool versions)
{
    char *text = NULL;
    size_t size;
    uint64_t last;
    FILE *out = open_memstream(&text, &size);
    int rc = print_tree(out, s, "/", versions);

    if (rc == STORE_OK && versions)
        rc = store_last_version(&last, s);
    if (rc == STORE_OK && versions)
        fprintf(out, "last %" PRIu64 "\n", last);
    fclose(out);
    if (rc == STORE_OK)
        return text;
    free(text);
    return NULL;
}
