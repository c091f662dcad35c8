/*
 * check.h - what the parts of store_check share.
 *
 * Each part looks at one kind of rows, reports what is wrong through
 * check_finding and mends it, if it may, through check_put and check_del.
 * A part returns STORE_OK, STORE_END when the caller has seen enough, or an
 * error that ends the check.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "buffer.h"
#include "definition.h"
#include "doc.h"
#include "idset.h"
#include "layout.h"
#include "record.h"
#include "store_private.h"
#include "txn.h"

/* The collection whose rows are being looked at. */
struct check_collection {
    uint64_t id;
    struct definition *definition; /* NULL: plain, or `undefined` */
    bool undefined;                /* typed, but its definition cannot be read: names are unknown */
    uint64_t index_rows;           /* seen */
    uint64_t index_matched;        /* that belong to an object as they should */
    uint64_t subcollections;       /* seen */
    bool unsure;                   /* there may be more of them: a record cannot be read */
};

struct check {
    store *store;
    bool repair, shallow;
    store_check_report *report;
    int (*each)(const store_finding *finding, void *payload);
    void *payload;

    struct snapshot *objects; /* repair: the view of `txn`, so that it sees what was mended */
    struct snapshot *bodies;
    struct txn txn;           /* repair */
    bool mended;              /* there is something to commit */
    bool ended;               /* the caller has seen enough */

    uint64_t last_version;    /* of the log; UINT64_MAX when that cannot be told */
    uint64_t highest;         /* version seen anywhere */
    uint64_t next_id;         /* to be reserved */
    uint64_t highest_id;      /* reserved id seen anywhere */
    bool damaged;             /* a record cannot be read: what it refers to is not known */
    bool broken;              /* a part came to no end: what it did not see may still be there */

    bool hidden;              /* what is being walked has no location */
    bool discarded;           /* it was deleted and is only waiting to be reclaimed */
    struct idset ids;         /* of nodes */
    struct idset scopes;      /* of collections that were walked */
    struct idset named;       /* nodes with several names of which one was seen */
    struct idset verified;    /* bodies with several references that were read */
    struct idset mismatched;  /* hashes of index keys that were reported already */
    struct buffer references; /* u64 body ids, one for each reference of a record */
    struct buffer drops;      /* keys of chunk rows to be deleted, CHUNK_KEY bytes each */
    struct buffer path;       /* location of what is being looked at */
    struct buffer space;      /* a body that is in chunks */
    struct buffer node;       /* the row of a node with several names */
    struct doc doc;
};

/* Reports; a NULL location says that it is about no node. STORE_OK, or STORE_END. */
__attribute__((format(printf, 5, 6)))
int check_finding(struct check *check, const char *kind, const char *location, bool repaired, const char *format,
                  ...);
/* Mending in the objects file; nothing happens unless repair is asked for. `*repaired` is set
 * when it is done. Neither key nor value need be kept from the transaction's pages. */
int check_put(struct check *check, struct slice key, struct slice value, bool *repaired);
int check_del(struct check *check, struct slice key, bool *repaired);

int check_no_memory(void);
/* A version was seen that must not be given again. */
void check_version(struct check *check, uint64_t version);
/* The same of an id: a version, or one that was reserved. */
void check_id(struct check *check, uint64_t id);
/* From here on the repair gives out versions, behind every one that was seen. */
void check_begin_versions(struct check *check);

/* Goes through the rows of the objects file whose keys begin with a prefix, also while rows are
 * written in between. `at` and `value` stay until the next call. */
struct check_rows {
    struct check *check;
    struct engine_cursor cursor;
    bool open;
    uint64_t writes; /* of the transaction, when the cursor was placed */
    struct key prefix;
    struct key at;
    struct slice value;
    struct buffer copy;
};

void check_rows_begin(struct check_rows *rows, struct check *check, const struct key *prefix);
/* STORE_OK, ENGINE_ABSENT behind the last, or an error. */
int check_rows_next(struct check_rows *rows);
void check_rows_end(struct check_rows *rows);

/* Is there such a row? STORE_OK, ENGINE_ABSENT or an error. */
int check_row_exists(struct snapshot *snapshot, const struct key *key);

/* check_log.c: the change log. First of all, for it tells the last version. */
int check_log(struct check *check);

/* check_walk.c: a collection and all below it; its location is in check->path ("" for the root). */
int check_walk(struct check *check, uint64_t collection);

/* check_own.c: a collection's row in its own scope, when all of it was seen; `entry` is the key of its
 * record, NULL for the root and where that is not known. Then the root's record, once `highest` is known. */
int check_collection_row(struct check *check, const struct check_collection *collection, const struct key *entry,
                  const char *location);
int check_root(struct check *check);

/* check_typed.c: an object of a typed collection and its index rows; then what is left of
 * the collection's index rows. `entry` is its key behind scope and kind. */
int check_typed(struct check *check, struct check_collection *collection, struct slice entry,
                const struct record *record, const char *location);
int check_index(struct check *check, const struct check_collection *collection, const char *location);

/* Reads a record; what is wrong with it is a finding. */
int check_record(struct record *out, bool *readable, struct check *check, struct slice value, const char *location);
/* The record refers to a body: check_references counts. */
int check_note_reference(struct check *check, const struct record *record);

/* check_names.c: an entry that is a name. `record` becomes that of its node, if this is the first of its names
 * that is seen and it can be read. Then all nodes with several names. */
int check_name(struct record *record, bool *first, struct check *check, const struct key *entry, const char *location);
int check_names(struct check *check);

/* check_scopes.c: deleted collections that are not reclaimed yet; those that are in no collection. */
int check_garbage_collections(struct check *check);
int check_orphans(struct check *check);
/* The collection for what was lost, made if it is missing. `*id` is 0 when something else stands there. */
int check_lost_and_found(uint64_t *id, struct check *check);
/* A record for a collection that has none. */
int check_attach(struct check *check, const struct key *key, uint64_t collection, uint64_t version);

/* The next id to be reserved; once all nodes were seen. */
int check_next_id(struct check *check);

/* check_references.c: published bodies, garbage, rows that nobody knows. */
int check_references(struct check *check);
int check_store_rows(struct check *check);

/* check_bodies.c: the chunks of one record's body; then the bodies file as a whole. */
int check_body(struct check *check, const struct record *record, const char *location);
int check_bodies(struct check *check);

#endif
