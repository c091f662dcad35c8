/* tree.c - resolving locations. */
#include "tree.h"

#include <errno.h>
#include <string.h>

#include "collection_row.h"
#include "names.h"
#include "tree_cache.h"
#include "txn.h"

int view_open(struct view *out, bool *own, store *s, store_txn *explicit_txn)
{
    int rc = txn_snapshot(&out->snapshot, own, s, explicit_txn);

    if (rc != STORE_OK)
        return rc;
    out->store = s;
    out->uncommitted = txn_writes(explicit_txn);
    out->txn = txn_of(explicit_txn);
    out->bodies = txn_bodies(explicit_txn);
    /* A transaction has seen the commits before its own, which may yet come to nothing. */
    rc = tree_cache_attach(&out->cache, s, out->snapshot, out->snapshot->id - out->uncommitted);
    if (rc != STORE_OK)
        view_close(out, *own);
    return rc;
}

void view_close(struct view *view, bool own)
{
    if (own)
        engine_snapshot_end(view->snapshot);
}

struct view view_of_txn(struct txn *txn)
{
    return (struct view){ .store = txn->store, .snapshot = &txn->engine.view, .cache = txn->cache,
                          .uncommitted = txn->namespace_changed, .txn = txn };
}

/* -------------------------------------------------------------- resolving */

static int not_a_collection(struct slice at)
{
    return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "%.*s is no collection", (int)at.size,
                      (const char *)at.data);
}

static int missing_collection(struct slice at)
{
    return problem(STORE_NO_COLLECTION, "there is no collection %.*s", (int)at.size, (const char *)at.data);
}

/* One step down: the collection at `path`, whose entry is `name` in the plain collection `above`. */
static int enter(struct cached **out, struct view *view, struct slice path, uint64_t above, struct slice name)
{
    struct definition *definition = NULL;
    struct record record;
    struct key key;
    int rc;

    *out = cache_find(view->cache, path);
    if (*out)
        return STORE_OK;
    tree_entry_key(&key, above, name);
    rc = tree_record_at(&record, view, &key);
    if (rc == ENGINE_ABSENT)
        return missing_collection(path);
    if (rc != STORE_OK)
        return rc;
    if (record.kind != NODE_COLLECTION)
        return not_a_collection(path);
    if (record.flags & RECORD_TYPED)
        rc = load_definition(&definition, view, record.id);
    if (rc != STORE_OK)
        return rc;
    return cache_add(out, view->cache, path, record.id, definition);
}

/* The deepest collection on the way to the last name of `text`: all of the way, or up to a
 * typed one, below which there are only objects and properties. */
static int descend(struct cached **out, struct slice *consumed, struct view *view, struct slice text)
{
    const struct slice root = { "", 0 };
    struct slice rest = text, name;
    struct cached *at;
    int rc = enter(&at, view, root, SCOPE_STORE, root);

    *consumed = slice_of(text.data, 0);
    while (rc == STORE_OK && !at->definition && location_next(&name, &rest) && rest.size > 0) {
        struct slice path = slice_of(text.data, (size_t)((const char *)rest.data - (const char *)text.data));
        uint64_t above = at->id;
        rc = enter(&at, view, path, above, name);
        *consumed = path;
    }
    *out = at;
    return rc;
}

void tree_entry_key(struct key *out, uint64_t scope, struct slice rest)
{
    key_begin(out, scope, KIND_ENTRY);
    key_add(out, rest.data, rest.size);
}

int tree_target_in(struct target *out, struct slice parent, uint64_t scope, const struct definition *definition,
                   struct slice name)
{
    size_t size;

    out->parent = parent;
    out->name = name;
    out->scope = scope;
    out->definition = definition;
    if (!definition || definition->order == ORDER_UNORDERED) {
        tree_entry_key(&out->key, scope, name);
        return STORE_OK;
    }
    if (!key_text_parse(out->values, definition->key.types, definition->key.count, name.data, name.size,
                        out->scratch))
        return problem(STORE_NOT_FOUND, "\"%.*s\" is no key of %.*s", (int)name.size, (const char *)name.data,
                       parent.size ? (int)parent.size : 1, parent.size ? (const char *)parent.data : "/");
    key_begin(&out->key, scope, KIND_ENTRY);
    size = key_bytes_write(out->key.bytes + SCOPE_PREFIX, ENGINE_KEY_MAX - SCOPE_PREFIX, out->values,
                           definition->key.count);
    if (size == SIZE_MAX)
        return problem_os(STORE_BAD_LOCATION, ENAMETOOLONG, "the key is too long");
    out->key.size += size;
    return STORE_OK;
}

int tree_target_by_key(struct target *out, struct slice parent, uint64_t scope, const struct definition *definition,
                       const struct key_value *values, char *text)
{
    size_t size = key_text_write(text, STORE_NAME_MAX + 1, values, definition->key.count);

    if (size == SIZE_MAX)
        return problem(STORE_INVALID_VALUE, "the key is longer than %d bytes of key text", STORE_NAME_MAX);
    if (size == 0)
        return problem(STORE_INVALID_VALUE, "the key is empty");
    return tree_target_in(out, parent, scope, definition, slice_of(text, size));
}

static int resolve_root(struct target *out)
{
    const struct slice nothing = { "", 0 };

    out->parent = out->name = out->property = nothing;
    out->scope = SCOPE_STORE;
    out->definition = NULL;
    tree_entry_key(&out->key, SCOPE_STORE, nothing);
    return STORE_OK;
}

/* The location of the collection with this id; borrowed from the cache until something is resolved. */
static int base_location(struct slice *out, struct view *view, uint64_t id)
{
    struct cached *at = cache_find_id(view->cache, id);
    struct definition *definition = NULL;
    char space[STORE_LOCATION_MAX + 1];
    struct record record;
    int rc = STORE_OK;

    if (!at) {
        rc = collection_location(out, &record, space, view, id);
        if (rc == STORE_OK && record.flags & RECORD_TYPED)
            rc = load_definition(&definition, view, id);
        if (rc == STORE_OK)
            rc = cache_add(&at, view->cache, *out, id, definition);
    }
    if (rc == STORE_OK)
        *out = slice_of(at->path, at->size);
    return rc;
}

int tree_locate(struct location *out, char *space, struct view *view, const struct address *address)
{
    struct slice base;
    size_t size;
    int rc;

    /* What is no location at all is refused as such. */
    if (address->base == 0 || address->base == ROOT_ID || !address->location || address->location[0] != '/')
        return location_parse(out, address->location);
    *out = (struct location){ 0 };
    rc = base_location(&base, view, address->base);
    if (rc != STORE_OK)
        return rc;
    size = strnlen(address->location, STORE_LOCATION_MAX + 1);
    if (base.size + size > STORE_LOCATION_MAX)
        return problem_os(STORE_BAD_LOCATION, ENAMETOOLONG, "the whole location is longer than %d bytes",
                          STORE_LOCATION_MAX);
    memcpy(space, base.data, base.size);
    memcpy(space + base.size, address->location, size);
    space[base.size + size] = '\0';
    return location_parse(out, space);
}

const char *tree_named(const struct target *target, const struct address *address)
{
    return target->location.text.data ? target->location.text.data : address->location;
}

int tree_resolve(struct target *out, struct view *view, const struct address *address)
{
    struct slice text, above, name, rest;
    struct cached *at;
    int rc = tree_locate(&out->location, out->whole, view, address);

    out->if_id = address->if_id;
    if (rc != STORE_OK)
        return rc;
    if (out->location.names == 0)
        return resolve_root(out);
    text = out->location.text;
    above = slice_of(text.data, out->location.parent);
    at = cache_find(view->cache, above);
    rc = at ? STORE_OK : descend(&at, &above, view, text);
    if (rc != STORE_OK) {
        problem_location(text.data);
        return rc;
    }
    rest = slice_of((const char *)text.data + above.size, text.size - above.size);
    location_next(&name, &rest);
    out->property = rest;
    /* The path is named by the caller's text, which outlives the cache entry. */
    rc = tree_target_in(out, above, at->id, at->definition, name);
    if (rc != STORE_OK)
        problem_location(text.data);
    return rc;
}

static int another_id(uint64_t if_id)
{
    return problem(STORE_PRECONDITION_FAILED, "it is another node than that with the id %016llx",
                   (unsigned long long)if_id);
}

int tree_collection(uint64_t *id, const struct definition **definition, struct view *view, struct slice location)
{
    struct slice parent, name, consumed;
    struct cached *at;
    int rc;

    if (location.size <= 1) {
        rc = enter(&at, view, slice_of("", 0), SCOPE_STORE, slice_of("", 0));
    } else if ((at = cache_find(view->cache, location)) != NULL) {
        rc = STORE_OK;
    } else {
        rc = descend(&at, &consumed, view, location);
        location_split(location, &parent, &name);
        if (parent.size == 1)
            parent.size = 0;
        if (rc == STORE_OK && (consumed.size != parent.size || at->definition))
            return not_a_collection(location);
        if (rc == STORE_OK)
            rc = enter(&at, view, location, at->id, name);
        if (rc == STORE_NO_COLLECTION)
            return problem(STORE_NOT_FOUND, "there is no collection %.*s", (int)location.size,
                           (const char *)location.data);
    }
    if (rc != STORE_OK)
        return rc;
    *id = at->id;
    *definition = at->definition;
    return STORE_OK;
}

int tree_collection_at(uint64_t *id, const struct definition **definition, struct location *location, char *space,
                       struct view *view, const struct address *address)
{
    int rc = tree_locate(location, space, view, address);

    if (rc == STORE_OK)
        rc = tree_collection(id, definition, view, location->text);
    if (rc == STORE_OK && address->if_id && address->if_id != *id)
        rc = another_id(address->if_id);
    return rc;
}

/* ---------------------------------------------------------------- records */

static int read_row(struct record *out, const struct view *view, const struct key *key)
{
    struct slice row;
    int rc = engine_get(view->snapshot, key_slice(key), &row);

    if (rc != STORE_OK)
        return rc;
    switch (record_read(out, row.data, row.size, true)) {
    case RECORD_OK:
        return STORE_OK;
    case RECORD_NEWER:
        return problem(STORE_UNSUPPORTED_FORMAT, "a record was written by a newer libstore");
    case RECORD_DAMAGED:
        break;
    }
    return problem(STORE_CORRUPT, "a record is damaged: its checksum does not fit");
}

int tree_follow(struct record *record, const struct view *view)
{
    struct key key;
    int rc;

    if (record->kind != NODE_NAME)
        return STORE_OK;
    names_node_key(&key, record->id);
    rc = read_row(record, view, &key);
    if (rc == ENGINE_ABSENT || (rc == STORE_OK && (record->kind == NODE_COLLECTION || record->kind == NODE_NAME)))
        return problem(STORE_CORRUPT, "a name is that of no node");
    record->named = true;
    return rc;
}

int tree_record_at(struct record *out, struct view *view, const struct key *key)
{
    int rc = read_row(out, view, key);

    return rc == STORE_OK ? tree_follow(out, view) : rc;
}

static int check_id(const struct record *record, uint64_t if_id)
{
    int rc;

    if (!record)
        return problem(STORE_NOT_FOUND, "there is nothing there");
    if (record->id == if_id)
        return STORE_OK;
    rc = another_id(if_id);
    problem_version(record->version);
    return rc;
}

int tree_record(struct record *out, struct view *view, const struct target *target)
{
    int rc = tree_record_at(out, view, &target->key);

    if (target->if_id && rc >= 0)
        rc = check_id(rc == STORE_OK ? out : NULL, target->if_id);
    if (rc < 0)
        problem_location(target->location.text.data);
    return rc;
}

/* The target becomes another name of the node that is wanted; ENGINE_ABSENT if that has just one. */
static int seek_elsewhere(struct target *target, struct view *view, const struct address *address)
{
    const struct address other = { .location = target->whole, .if_id = address->if_id };
    char found[STORE_LOCATION_MAX + 1];
    int rc = names_location(found, view, address->if_id);

    if (rc != STORE_OK)
        return rc;
    problem_reset();
    memcpy(target->whole, found, sizeof found);
    return tree_resolve(target, view, &other);
}

/* Whether what came of an address may be because the node has another name now. */
static bool is_elsewhere(int code, const struct address *address)
{
    return address->if_id && !address->name_counts &&
           (code == STORE_PRECONDITION_FAILED || code == STORE_NOT_FOUND || code == STORE_NO_COLLECTION);
}

int tree_resolve_node(struct target *out, struct view *view, const struct address *address)
{
    struct record record;
    int rc = tree_resolve(out, view, address), there = rc, elsewhere;

    if (rc == STORE_OK && address->if_id)
        there = tree_record(&record, view, out);
    if (!is_elsewhere(there, address))
        return rc;
    elsewhere = seek_elsewhere(out, view, address);
    if (elsewhere == ENGINE_ABSENT)
        return rc;
    return elsewhere == STORE_NOT_FOUND ? tree_resolve(out, view, address) : elsewhere; /* gone: as it was */
}

int tree_find(struct record *out, struct target *target, struct view *view, const struct address *address)
{
    int rc = tree_resolve(target, view, address);

    if (rc == STORE_OK)
        rc = tree_record(out, view, target);
    if (is_elsewhere(rc, address)) {
        int elsewhere = seek_elsewhere(target, view, address);
        if (elsewhere != ENGINE_ABSENT)
            rc = elsewhere == STORE_OK ? tree_record(out, view, target) : elsewhere;
    }
    if (rc == STORE_OK && target->location.collection && out->kind != NODE_COLLECTION)
        rc = not_a_collection(target->location.text);
    if (rc == ENGINE_ABSENT || rc == STORE_NO_COLLECTION)
        rc = problem(STORE_NOT_FOUND, "there is nothing there");
    if (rc < 0)
        problem_location(tree_named(target, address));
    return rc;
}

int tree_entry_name(char *out, size_t *size, const struct definition *definition, struct slice entry_key)
{
    struct key_value values[KEY_PARTS_MAX];
    char scratch[ENGINE_KEY_MAX + 1];
    size_t used;

    if (!definition || definition->order == ORDER_UNORDERED) {
        if (entry_key.size == 0 || entry_key.size > STORE_NAME_MAX)
            return problem(STORE_CORRUPT, "an entry's name is damaged");
        memcpy(out, entry_key.data, entry_key.size);
        out[entry_key.size] = '\0';
        *size = entry_key.size;
        return STORE_OK;
    }
    if (!key_bytes_parse(values, definition->key.types, definition->key.count, entry_key.data, entry_key.size,
                         scratch, &used) || used != entry_key.size)
        return problem(STORE_CORRUPT, "an entry's key is damaged");
    *size = key_text_write(out, STORE_NAME_MAX + 1, values, definition->key.count);
    if (*size == SIZE_MAX)
        return problem(STORE_CORRUPT, "an entry's key is too long");
    return STORE_OK;
}

int tree_join(char *out, struct slice parent, struct slice name)
{
    size_t size = parent.size == 1 ? 0 : parent.size;

    memcpy(out, parent.data, size);
    out[size] = '\0';
    if (name.size > 0 && !location_append(out, &size, name))
        return problem_os(STORE_BAD_LOCATION, ENAMETOOLONG, "the location is longer than %d bytes",
                          STORE_LOCATION_MAX);
    if (size == 0)
        memcpy(out, "/", 2);
    return STORE_OK;
}

int tree_location(char *out, const struct target *target)
{
    return tree_join(out, target->parent, target->name);
}
