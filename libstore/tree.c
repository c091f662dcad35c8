/* tree.c - resolving locations, and remembering collections. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "txn.h"

#define CACHE_SIZE 64u /* a power of two */
#define DEFINITION_HEADER 8

struct cached {
    char *path; /* NULL: free */
    size_t size;
    uint64_t id;
    struct definition *definition;
};

struct tree_cache {
    uint64_t commit; /* valid for snapshots from this commit on, until the namespace changes */
    struct cached slots[CACHE_SIZE];
    struct cached *recent; /* the slot that was found last, whatever is in it now */
    /* Definitions forgotten while a running operation may still hold them: released at the next attach. */
    struct definition **retired;
    size_t retired_count, retired_capacity;
};

struct known_definition {
    struct known_definition *next;
    uint64_t collection;
    struct definition *definition;
};

/* ------------------------------------------------------------------ cache */

/* cache_add has seen to the room. */
static void forget(struct tree_cache *cache, struct cached *slot)
{
    free(slot->path);
    if (slot->definition)
        cache->retired[cache->retired_count++] = slot->definition;
    *slot = (struct cached){ 0 };
}

static void release_retired(struct tree_cache *cache)
{
    while (cache->retired_count > 0)
        definition_release(cache->retired[--cache->retired_count]);
}

/* Room for what is retired now and every slot besides. */
static bool reserve_retired(struct tree_cache *cache)
{
    size_t capacity = cache->retired_count + 2 * CACHE_SIZE;
    struct definition **larger;

    if (cache->retired_count + CACHE_SIZE < cache->retired_capacity)
        return true;
    larger = realloc(cache->retired, capacity * sizeof *larger);
    if (!larger)
        return false;
    cache->retired = larger;
    cache->retired_capacity = capacity;
    return true;
}

void tree_cache_clear(struct tree_cache *cache)
{
    for (unsigned i = 0; i < CACHE_SIZE; i++)
        if (cache->slots[i].path)
            forget(cache, &cache->slots[i]);
}

void tree_changed(struct txn *txn)
{
    txn->namespace_changed = true;
    tree_cache_clear(txn->cache);
}

void tree_cache_free(void *attachment)
{
    struct tree_cache *cache = attachment;

    if (!cache)
        return;
    tree_cache_clear(cache);
    release_retired(cache);
    free(cache->retired);
    free(cache);
}

static struct cached *cache_slot(struct tree_cache *cache, struct slice path)
{
    return &cache->slots[XXH3_64bits(path.data, path.size) & (CACHE_SIZE - 1)];
}

static bool is_cached(const struct cached *slot, struct slice path)
{
    return slot->path && slot->size == path.size && memcmp(slot->path, path.data, path.size) == 0;
}

/* Most look-ups are for the collection of the last one: that needs no hash. */
static struct cached *cache_find(struct tree_cache *cache, struct slice path)
{
    if (!is_cached(cache->recent, path)) {
        cache->recent = cache_slot(cache, path);
        if (!is_cached(cache->recent, path))
            return NULL;
    }
    return cache->recent;
}

/* Takes over the reference to `definition`. */
static int cache_add(struct cached **out, struct tree_cache *cache, struct slice path, uint64_t id,
                     struct definition *definition)
{
    struct cached *slot = cache_slot(cache, path);
    char *copy = reserve_retired(cache) ? malloc(path.size + 1) : NULL;

    if (!copy) {
        definition_release(definition);
        return problem(STORE_NO_MEMORY, "no memory to remember a collection");
    }
    if (slot->path)
        forget(cache, slot);
    memcpy(copy, path.data, path.size);
    slot->path = copy;
    slot->size = path.size;
    slot->id = id;
    slot->definition = definition;
    *out = slot;
    return STORE_OK;
}

int tree_cache_attach(struct tree_cache **out, store *s, struct snapshot *snapshot, uint64_t seen)
{
    struct tree_cache *cache = snapshot->attachment;

    if (!cache) {
        cache = calloc(1, sizeof *cache);
        if (!cache)
            return problem(STORE_NO_MEMORY, "no memory for a snapshot");
        cache->recent = cache->slots;
        snapshot->attachment = cache;
    }
    release_retired(cache);
    if (shared_namespace(s->shared) > cache->commit)
        tree_cache_clear(cache);
    cache->commit = seen;
    *out = cache;
    return STORE_OK;
}

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

/* ------------------------------------------------------------ definitions */

static struct definition *known(store *s, uint64_t collection, uint64_t version)
{
    struct definition *found = NULL;

    pthread_mutex_lock(&s->definitions_lock);
    for (struct known_definition *k = s->definitions; k && !found; k = k->next)
        if (k->collection == collection && k->definition->version == version)
            found = definition_retain(k->definition);
    pthread_mutex_unlock(&s->definitions_lock);
    return found;
}

/* So that each snapshot slot need not compile it again. Without memory it just does. */
static void learn(store *s, uint64_t collection, struct definition *definition)
{
    struct known_definition *k;

    pthread_mutex_lock(&s->definitions_lock);
    for (k = s->definitions; k && k->collection != collection; k = k->next)
        ;
    if (k) {
        definition_release(k->definition);
        k->definition = definition_retain(definition);
    } else if ((k = malloc(sizeof *k)) != NULL) {
        *k = (struct known_definition){ s->definitions, collection, definition_retain(definition) };
        s->definitions = k;
    }
    pthread_mutex_unlock(&s->definitions_lock);
}

void tree_forget_definitions(store *s)
{
    struct known_definition *k = s->definitions;

    while (k) {
        struct known_definition *next = k->next;
        definition_release(k->definition);
        free(k);
        k = next;
    }
    s->definitions = NULL;
}

static int load_definition(struct definition **out, struct view *view, uint64_t collection)
{
    struct key key;
    struct slice row;
    uint64_t version;
    int rc;

    key_begin(&key, collection, KIND_DEFINITION);
    rc = engine_get(view->snapshot, key_slice(&key), &row);
    if (rc == ENGINE_ABSENT || (rc == STORE_OK && row.size < DEFINITION_HEADER))
        return problem(STORE_CORRUPT, "the definition of collection %016llx is missing",
                       (unsigned long long)collection);
    if (rc != STORE_OK)
        return rc;
    memcpy(&version, row.data, sizeof version);
    *out = view->uncommitted ? NULL : known(view->store, collection, version);
    if (*out)
        return STORE_OK;
    rc = definition_parse(out, (const char *)row.data + DEFINITION_HEADER, row.size - DEFINITION_HEADER);
    if (rc == STORE_NO_MEMORY)
        return rc;
    if (rc != STORE_OK)
        return problem(STORE_CORRUPT, "the definition of collection %016llx is damaged",
                       (unsigned long long)collection);
    (*out)->version = version;
    if (!view->uncommitted)
        learn(view->store, collection, *out);
    return STORE_OK;
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

int tree_resolve(struct target *out, struct view *view, const char *location)
{
    struct slice text, above, name, rest;
    struct cached *at;
    int rc = location_parse(&out->location, location);

    if (rc != STORE_OK)
        return rc;
    if (out->location.names == 0)
        return resolve_root(out);
    text = out->location.text;
    above = slice_of(text.data, out->location.parent);
    at = cache_find(view->cache, above);
    rc = at ? STORE_OK : descend(&at, &above, view, text);
    if (rc != STORE_OK) {
        problem_location(location);
        return rc;
    }
    rest = slice_of((const char *)text.data + above.size, text.size - above.size);
    location_next(&name, &rest);
    out->property = rest;
    /* The path is named by the caller's text, which outlives the cache entry. */
    rc = tree_target_in(out, above, at->id, at->definition, name);
    if (rc != STORE_OK)
        problem_location(location);
    return rc;
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

/* ---------------------------------------------------------------- records */

int tree_record_at(struct record *out, struct view *view, const struct key *key)
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

int tree_record(struct record *out, struct view *view, const struct target *target)
{
    int rc = tree_record_at(out, view, &target->key);

    if (rc < 0)
        problem_location(target->location.text.data);
    return rc;
}

int tree_find(struct record *out, struct target *target, struct view *view, const char *location)
{
    int rc = tree_resolve(target, view, location);

    if (rc == STORE_OK)
        rc = tree_record(out, view, target);
    if (rc == STORE_OK && target->location.collection && out->kind != NODE_COLLECTION)
        rc = not_a_collection(target->location.text);
    if (rc == ENGINE_ABSENT || rc == STORE_NO_COLLECTION)
        rc = problem(STORE_NOT_FOUND, "there is nothing there");
    if (rc < 0)
        problem_location(location);
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
