/*
 * tree.h - from a location to the row that holds its node.
 *
 * Collections are resolved name by name from the root and remembered with the
 * snapshot's slot (struct tree_cache), so that the usual GET or PUT is one
 * descent; shared.h tells when what is remembered is stale.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "definition.h"
#include "engine.h"
#include "layout.h"
#include "location.h"
#include "record.h"
#include "store_private.h"

struct tree_cache;
struct txn;

/* How a caller names a node. */
struct address {
    const char *location;
    uint64_t base;  /* the collection with this id is where the location begins; 0: the root */
    uint64_t if_id; /* the id that the node is to have; 0: any */
    bool name_counts; /* it is about this name: the node's others do not count */
};

static inline struct address request_address(const char *location, const store_request *request)
{
    return (struct address){ .location = location, .base = request->base, .if_id = request->if_id };
}

static inline struct address get_address(const char *location, const store_get_options *options)
{
    return (struct address){ .location = location, .base = options->base, .if_id = options->if_id };
}

/* Where something is, or would be. */
struct target {
    struct location location;      /* all of it, from the root on; empty if the base is not there */
    struct slice parent;           /* location of the collection; "" for the root's own */
    struct slice name;             /* the node's last name; "" for the root */
    struct slice property;         /* "" or "/phones/0": what follows a typed object */
    uint64_t scope;                /* id of the collection; SCOPE_STORE for the root's own */
    const struct definition *definition; /* of the collection; NULL if plain. Borrowed until the
                                            snapshot or transaction ends */
    struct key key;                /* of its entry row */
    struct key_value values[KEY_PARTS_MAX]; /* of its key, in a collection that has one */
    uint64_t if_id;                /* the id that its record is to have; 0: any */
    char scratch[STORE_NAME_MAX + 1];
    char whole[STORE_LOCATION_MAX + 1]; /* the location, when it was given from a base on */
};

/* One view to resolve in: a snapshot, or a transaction's. */
struct view {
    store *store;
    struct snapshot *snapshot;
    struct tree_cache *cache;
    bool uncommitted; /* a transaction's, which changed the namespace itself */
    struct txn *txn;  /* the writing transaction that it is of, if any */
    struct snapshot *bodies; /* of a reading transaction; NULL: each body is read in a snapshot of its own */
};

int view_open(struct view *out, bool *own, store *s, store_txn *explicit_txn);
void view_close(struct view *view, bool own);
struct view view_of_txn(struct txn *txn);
/* The cache of a snapshot's slot, emptied if it is stale; `seen` is the last commit that the
 * snapshot shows. Between two attaches the definitions it gave out stay. */
int tree_cache_attach(struct tree_cache **out, store *s, struct snapshot *snapshot, uint64_t seen);
void tree_cache_clear(struct tree_cache *cache);
/* The transaction deleted, moved or defined a collection: what was resolved before is stale, for everybody. */
void tree_changed(struct txn *txn);
void tree_cache_free(void *cache);

/* The whole location that an address means: the caller's own text, or with a base composed in `space`
 * (STORE_LOCATION_MAX + 1 bytes). not_found if there is no such base: then `out` is empty. */
int tree_locate(struct location *out, char *space, struct view *view, const struct address *address);

/*
 * Resolves an address. The collection above must exist: else no_collection.
 * What stands there must be a collection: else kind_conflict. Whether the node
 * itself exists is not looked at. A name that is no key text of its collection
 * gives not_found, and so does a base that is not there.
 */
int tree_resolve(struct target *out, struct view *view, const struct address *address);
/* The same, but if the node with the wanted id is not there and has several names, it is one of those. */
int tree_resolve_node(struct target *out, struct view *view, const struct address *address);

/* The location that an error is about: the target's, as far as it came to have one. */
const char *tree_named(const struct target *target, const struct address *address);

/* The collection `location` itself: its id and definition. not_found, kind_conflict. */
int tree_collection(uint64_t *id, const struct definition **definition, struct view *view, struct slice location);
/* The same by its address, with its location; `space` as for tree_locate. */
int tree_collection_at(uint64_t *id, const struct definition **definition, struct location *location, char *space,
                       struct view *view, const struct address *address);

/* Makes `out` the target `name` in the collection `parent` that is known already. */
int tree_target_in(struct target *out, struct slice parent, uint64_t scope, const struct definition *definition,
                   struct slice name);

/* The same by key values: writes the name's text into `text` (STORE_NAME_MAX + 1 bytes). */
int tree_target_by_key(struct target *out, struct slice parent, uint64_t scope, const struct definition *definition,
                       const struct key_value *values, char *text);

/* Reads the target's record: STORE_OK, ENGINE_ABSENT, or an error (corrupt ...). If the node is to have
 * a certain id, then another is precondition_failed, and none not_found. */
int tree_record(struct record *out, struct view *view, const struct target *target);
int tree_record_at(struct record *out, struct view *view, const struct key *key);
/* A record as it is in an entry: if it is a name, it becomes that of the node. */
int tree_follow(struct record *record, const struct view *view);

/* Resolves an address and reads the record of the node there (a property's object): not_found if
 * there is none, or no collection above; kind_conflict if it is no collection but has to be. One with a
 * wanted id is found by its other names too. */
int tree_find(struct record *out, struct target *target, struct view *view, const struct address *address);

/* The name that an entry key stands for: its text into `out` (STORE_NAME_MAX + 1 bytes). */
int tree_entry_name(char *out, size_t *size, const struct definition *definition, struct slice entry_key);

/* Entry key -> target fields for a known name's bytes (the part behind scope and kind). */
void tree_entry_key(struct key *out, uint64_t scope, struct slice rest);

/* Joins parent and name into `out` (STORE_LOCATION_MAX + 1 bytes); bad_location if too long. */
int tree_join(char *out, struct slice parent, struct slice name);

/* Frees what the handle knows of definitions, at its end. */
void tree_forget_definitions(store *s);

/* Writes the target's location (without property) into `out`. */
int tree_location(char *out, const struct target *target);

#endif
