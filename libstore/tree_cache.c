/* tree_cache.c - remembering collections and compiled definitions. */
#include "tree_cache.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "txn.h"

#define CACHE_SIZE 64u /* a power of two */
#define DEFINITION_HEADER 8

struct tree_cache {
    uint64_t commit; /* valid for snapshots from this commit on, until the namespace changes */
    struct cached slots[CACHE_SIZE];
    struct cached *recent; /* the slot that was found last, whatever is in it now */
    struct cached *by_id[CACHE_SIZE]; /* where it was put, whatever is there now; NULL */
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
struct cached *cache_find(struct tree_cache *cache, struct slice path)
{
    if (!is_cached(cache->recent, path)) {
        cache->recent = cache_slot(cache, path);
        if (!is_cached(cache->recent, path))
            return NULL;
    }
    return cache->recent;
}

struct cached *cache_find_id(const struct tree_cache *cache, uint64_t id)
{
    struct cached *slot = cache->recent->id == id ? cache->recent : cache->by_id[id & (CACHE_SIZE - 1)];

    return slot && slot->path && slot->id == id ? slot : NULL;
}

int cache_add(struct cached **out, struct tree_cache *cache, struct slice path, uint64_t id,
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
    cache->by_id[id & (CACHE_SIZE - 1)] = slot;
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

int load_definition(struct definition **out, struct view *view, uint64_t collection)
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

