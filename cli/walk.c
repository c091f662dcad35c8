/* A depth-first walk with an iterator a level. */
#include "walk.h"

#include <stdlib.h>
#include <string.h>

static int push(struct walk *walk, const store_stat *stat)
{
    struct walk_level level = {.length = strlen(walk->location)};

    if (walk->depth == walk->room) {
        size_t room = walk->room ? walk->room * 2 : 8;
        struct walk_level *larger = realloc(walk->levels, room * sizeof *larger);
        if (!larger)
            return STORE_NO_MEMORY;
        walk->levels = larger;
        walk->room = room;
    }
    int code = store_iter_open(&level.iter, walk->store, walk->location, &walk->options);
    if (code != STORE_OK)
        return code;
    if (stat)
        level.stat = *stat;
    walk->levels[walk->depth++] = level;
    return STORE_OK;
}

int walk_open(struct walk *walk, store *s, const char *location, const store_list_options *options, bool deep)
{
    size_t length = strlen(location);
    store_iter *none;

    *walk = (struct walk){.store = s, .options = *options, .deep = deep};
    if (length > STORE_LOCATION_MAX) /* the library words the refusal */
        return store_iter_open(&none, s, location, options);
    memcpy(walk->location, location, length + 1);
    int code = push(walk, NULL);
    while (length > 1 && walk->location[length - 1] == '/')
        walk->location[--length] = '\0';
    walk->base = length == 1 ? 1 : length + 1;
    if (code == STORE_OK)
        walk->levels[0].length = length;
    return code;
}

static void describe(struct walk_step *out, struct walk *walk, bool leave)
{
    out->location = walk->location;
    out->relative = walk->location + walk->base;
    out->name = strrchr(walk->location, '/') + 1;
    out->stat = &walk->last;
    out->leave = leave;
}

/* The level has no more: back to the one above, past the collection it listed. */
static int leave(struct walk_step *out, struct walk *walk)
{
    struct walk_level *level = &walk->levels[--walk->depth];

    store_iter_close(level->iter);
    if (walk->depth == 0)
        return STORE_END;
    walk->location[level->length] = '\0';
    walk->last = level->stat;
    describe(out, walk, true);
    return STORE_OK;
}

/* The collection went away between its entry and its listing. */
static bool vanished(int code)
{
    return code == STORE_NOT_FOUND || code == STORE_KIND_CONFLICT;
}

int walk_next(struct walk_step *out, struct walk *walk)
{
    store_entry entry;

    if (walk->depth == 0)
        return STORE_END;
    if (walk->descend) {
        walk->descend = false;
        int code = push(walk, &walk->last);
        if (code != STORE_OK && !vanished(code))
            return code;
        if (code != STORE_OK) {
            describe(out, walk, true);
            return STORE_OK;
        }
    }
    struct walk_level *level = &walk->levels[walk->depth - 1];
    int code = store_iter_next(&entry, level->iter);
    if (code == STORE_END || (walk->depth > 1 && vanished(code)))
        return leave(out, walk);
    if (code != STORE_OK)
        return code;

    size_t at = level->length;
    if (at > 1)
        walk->location[at++] = '/';
    snprintf(walk->location + at, sizeof walk->location - at, "%s", entry.name);
    walk->last = *entry.stat;
    walk->descend = walk->deep && entry.stat->kind == STORE_COLLECTION;
    describe(out, walk, false);
    return STORE_OK;
}

void walk_prune(struct walk *walk)
{
    walk->descend = false;
}

void walk_close(struct walk *walk)
{
    while (walk->depth > 0)
        store_iter_close(walk->levels[--walk->depth].iter);
    free(walk->levels);
    walk->levels = NULL;
}
