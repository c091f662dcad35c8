/* node.c - the table of inodes, and of the names that only this mount has. */
#include "node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 1024 /* a power of two, as every later number of them */

static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    return value ^ value >> 29;
}

static uint64_t hash_name(uint64_t parent, const char *name)
{
    uint64_t hash = mix(parent);

    while (*name)
        hash = (hash ^ (unsigned char)*name++) * 0x100000001b3ULL;
    return mix(hash);
}

int node_table_init(struct node_table *table)
{
    *table = (struct node_table){ .bucket_count = FIRST_BUCKETS, .own_buckets = FIRST_BUCKETS };
    table->buckets = calloc(FIRST_BUCKETS, sizeof(struct node *));
    table->own = calloc(FIRST_BUCKETS, sizeof(struct own_name *));
    if (!table->buckets || !table->own) {
        free(table->buckets);
        free(table->own);
        return ENOMEM;
    }
    pthread_mutex_init(&table->lock, NULL);
    return 0;
}

static void free_node(struct node *node)
{
    free(node->removed);
    free(node->name);
    free(node);
}

void node_table_release(struct node_table *table)
{
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct node *node = table->buckets[i], *next; node; node = next) {
            next = node->next;
            free_node(node);
        }
    }
    for (size_t i = 0; i < table->own_buckets; i++) {
        for (struct own_name *own = table->own[i], *next; own; own = next) {
            next = own->next;
            free(own);
        }
    }
    free(table->buckets);
    free(table->own);
    pthread_mutex_destroy(&table->lock);
}

/* ----------------------------------------------------------------- inodes */

static struct node **slot_of(struct node_table *table, uint64_t ino)
{
    struct node **slot = &table->buckets[mix(ino) & (table->bucket_count - 1)];

    while (*slot && (*slot)->ino != ino)
        slot = &(*slot)->next;
    return slot;
}

/* Staying small when there is no memory only makes the chains longer. */
static void grow(struct node_table *table)
{
    size_t count = table->bucket_count * 2;
    struct node **buckets = calloc(count, sizeof(struct node *));

    if (!buckets)
        return;
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct node *node = table->buckets[i], *next; node; node = next) {
            struct node **slot = &buckets[mix(node->ino) & (count - 1)];
            next = node->next;
            node->next = *slot;
            *slot = node;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
}

static bool set_place(struct node *node, uint64_t parent, const char *name)
{
    char *copy = NULL;

    if (name && node->name && node->parent == parent && strcmp(node->name, name) == 0)
        return true;
    if (name && !(copy = strdup(name)))
        return false;
    free(node->name);
    node->name = copy;
    node->parent = name ? parent : 0;
    return true;
}

struct node *node_get(struct node_table *table, uint64_t ino)
{
    struct node *node;

    pthread_mutex_lock(&table->lock);
    node = *slot_of(table, ino);
    if (node)
        node->references++;
    pthread_mutex_unlock(&table->lock);
    return node;
}

static struct node *add_node(struct node_table *table, uint64_t ino)
{
    struct node *node = calloc(1, sizeof *node);
    struct node **slot;

    if (!node)
        return NULL;
    if (++table->count > table->bucket_count)
        grow(table);
    slot = slot_of(table, ino);
    node->ino = ino;
    *slot = node;
    return node;
}

struct node *node_see(struct node_table *table, uint64_t ino, uint64_t parent, const char *name)
{
    struct node *node;
    bool known;

    pthread_mutex_lock(&table->lock);
    node = *slot_of(table, ino);
    known = node;
    if (!node)
        node = add_node(table, ino);
    if (node)
        node->references++;
    if (node && node->own_names == 0 && !set_place(node, parent, name) && !known) {
        *slot_of(table, ino) = node->next;
        table->count--;
        free(node);
        node = NULL;
    }
    pthread_mutex_unlock(&table->lock);
    return node;
}

static void drop_unused(struct node_table *table, struct node *node)
{
    if (node->lookups > 0 || node->references > 0)
        return;
    *slot_of(table, node->ino) = node->next;
    table->count--;
    free_node(node);
}

void node_put(struct node_table *table, struct node *node)
{
    if (!node)
        return;
    pthread_mutex_lock(&table->lock);
    node->references--;
    drop_unused(table, node);
    pthread_mutex_unlock(&table->lock);
}

void node_count_lookup(struct node_table *table, struct node *node)
{
    pthread_mutex_lock(&table->lock);
    node->lookups++;
    pthread_mutex_unlock(&table->lock);
}

void node_forget(struct node_table *table, uint64_t ino, uint64_t count)
{
    struct node *node;

    pthread_mutex_lock(&table->lock);
    node = *slot_of(table, ino);
    if (node) {
        node->lookups -= count < node->lookups ? count : node->lookups;
        drop_unused(table, node);
    }
    pthread_mutex_unlock(&table->lock);
}

bool node_place(struct node_table *table, const struct node *node, uint64_t *parent, char *name)
{
    bool placed;

    pthread_mutex_lock(&table->lock);
    placed = node->name;
    *parent = node->parent;
    if (placed)
        strcpy(name, node->name);
    pthread_mutex_unlock(&table->lock);
    return placed;
}

bool node_move(struct node_table *table, struct node *node, uint64_t parent, const char *name)
{
    bool done;

    pthread_mutex_lock(&table->lock);
    done = set_place(node, parent, name);
    pthread_mutex_unlock(&table->lock);
    return done;
}

void node_follow(struct node_table *table, struct node *node, uint64_t was_parent, const char *was_name,
                 uint64_t parent, const char *name)
{
    pthread_mutex_lock(&table->lock);
    if (node->name && node->parent == was_parent && strcmp(node->name, was_name) == 0)
        set_place(node, parent, name);
    pthread_mutex_unlock(&table->lock);
}

void node_bury(struct node_table *table, struct node *node, const store_stat *stat)
{
    store_stat *copy = malloc(sizeof *copy);

    if (!copy)
        return;
    *copy = *stat;
    copy->links = 0;
    pthread_mutex_lock(&table->lock);
    free(node->removed);
    node->removed = copy;
    pthread_mutex_unlock(&table->lock);
}

bool node_buried(struct node_table *table, const struct node *node, store_stat *out)
{
    bool buried;

    pthread_mutex_lock(&table->lock);
    buried = node->removed;
    if (buried)
        *out = *node->removed;
    pthread_mutex_unlock(&table->lock);
    return buried;
}

/* ------------------------------------------------- names of the mount's own */

static struct own_name **own_slot(struct node_table *table, uint64_t parent, const char *name)
{
    struct own_name **slot = &table->own[hash_name(parent, name) & (table->own_buckets - 1)];

    while (*slot && ((*slot)->parent != parent || strcmp((*slot)->name, name) != 0))
        slot = &(*slot)->next;
    return slot;
}

enum own_kind own_find(struct node_table *table, struct node **node, uint64_t parent, const char *name)
{
    enum own_kind kind = OWN_NONE;

    *node = NULL;
    pthread_mutex_lock(&table->lock);
    if (table->own_count > 0) {
        const struct own_name *own = *own_slot(table, parent, name);
        if (own)
            kind = own->node ? OWN_FILE : OWN_WHITEOUT;
        if (kind == OWN_FILE) {
            *node = own->node;
            own->node->references++;
        }
    }
    pthread_mutex_unlock(&table->lock);
    return kind;
}

/* The node that the name leaves is let go. */
static void unset(struct node_table *table, struct own_name *own)
{
    if (!own->node)
        return;
    own->node->references--;
    own->node->own_names--;
    drop_unused(table, own->node);
    own->node = NULL;
}

static void remove_slot(struct node_table *table, struct own_name **slot)
{
    struct own_name *own = *slot;

    unset(table, own);
    *slot = own->next;
    table->own_count--;
    free(own);
}

/* The entry for a name, made if there is none; the lock is held. */
static struct own_name *own_entry(struct node_table *table, uint64_t parent, const char *name)
{
    struct own_name **slot = own_slot(table, parent, name), *own = *slot;
    size_t size = strlen(name) + 1;

    if (own)
        return own;
    own = calloc(1, sizeof *own + size);
    if (!own)
        return NULL;
    own->parent = parent;
    memcpy(own->name, name, size);
    *slot = own;
    table->own_count++;
    return own;
}

bool own_set(struct node_table *table, uint64_t parent, const char *name, struct node *node)
{
    struct own_name *own;

    pthread_mutex_lock(&table->lock);
    own = own_entry(table, parent, name);
    if (own) {
        node->references++;
        node->own_names++;
        unset(table, own);
        own->node = node;
    }
    pthread_mutex_unlock(&table->lock);
    return own;
}

uint64_t own_hidden(struct node_table *table, uint64_t parent, const char *name, uint64_t *twin)
{
    const struct own_name *own;
    uint64_t hidden;

    pthread_mutex_lock(&table->lock);
    own = *own_slot(table, parent, name);
    hidden = own ? own->hidden : 0;
    *twin = own ? own->twin : 0;
    pthread_mutex_unlock(&table->lock);
    return hidden;
}

bool own_hide(struct node_table *table, uint64_t parent, const char *name, uint64_t hidden, uint64_t twin)
{
    struct own_name *own;

    pthread_mutex_lock(&table->lock);
    own = own_entry(table, parent, name);
    if (own) {
        own->hidden = hidden;
        own->twin = twin;
    }
    pthread_mutex_unlock(&table->lock);
    return own;
}

void own_unset(struct node_table *table, uint64_t parent, const char *name)
{
    struct own_name **slot;

    pthread_mutex_lock(&table->lock);
    slot = own_slot(table, parent, name);
    if (*slot && (*slot)->twin)
        unset(table, *slot);
    else if (*slot)
        remove_slot(table, slot);
    pthread_mutex_unlock(&table->lock);
}

void own_remove(struct node_table *table, uint64_t parent, const char *name)
{
    struct own_name **slot;

    pthread_mutex_lock(&table->lock);
    slot = own_slot(table, parent, name);
    if (*slot)
        remove_slot(table, slot);
    pthread_mutex_unlock(&table->lock);
}

bool own_find_twin(struct node_table *table, uint64_t twin, uint64_t *hidden, uint64_t *parent, char *name,
                   bool *covered)
{
    const struct own_name *found = NULL;

    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < table->own_buckets && table->own_count > 0 && !found; i++)
        for (const struct own_name *own = table->own[i]; own && !found; own = own->next)
            if (own->hidden && own->twin == twin)
                found = own;
    if (found) {
        *hidden = found->hidden;
        *parent = found->parent;
        strcpy(name, found->name);
        *covered = found->node;
    }
    pthread_mutex_unlock(&table->lock);
    return found;
}

static int is_file(void *context, const struct own_name *own)
{
    (void)context;
    return own->node != NULL;
}

bool own_any(struct node_table *table, uint64_t parent)
{
    return own_each(table, parent, is_file, NULL) != 0;
}

int own_each(struct node_table *table, uint64_t parent, int (*each)(void *context, const struct own_name *own),
             void *context)
{
    int rc = 0;

    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < table->own_buckets && table->own_count > 0 && rc == 0; i++)
        for (const struct own_name *own = table->own[i]; own && rc == 0; own = own->next)
            if (parent == 0 || own->parent == parent)
                rc = each(context, own);
    pthread_mutex_unlock(&table->lock);
    return rc;
}
