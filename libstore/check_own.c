/* check_own.c - what a collection says of itself: its own row; the record of the root. */
#include "check.h"
#include "collection_row.h"

/* -------------------------------------------------------------- own row */

/* What the row has to be, as far as that is known; `is` is what it is. */
static struct collection_row row_wanted(const struct check_collection *collection, const struct key *entry,
                                        const struct collection_row *is)
{
    struct collection_row row = *is;

    if (!collection->unsure)
        row.subcollections = collection->subcollections;
    if (entry) {
        row.parent = get_be64(entry->bytes);
        row.name = slice_of(entry->bytes + SCOPE_PREFIX, entry->size - SCOPE_PREFIX);
    } else if (collection->id == ROOT_ID) {
        row.parent = SCOPE_STORE;
        row.name = slice_of("", 0);
    }
    return row;
}

static bool same_row(const struct collection_row *a, const struct collection_row *b)
{
    return a->parent == b->parent && a->subcollections == b->subcollections && slice_equal(a->name, b->name);
}

int check_collection_row(struct check *check, const struct check_collection *collection, const struct key *entry,
                  const char *location)
{
    struct collection_row is, wanted;
    bool repaired = false;
    int rc = collection_row_get(&is, check->objects, collection->id), found = rc;

    if (rc < 0 && rc != STORE_CORRUPT)
        return rc;
    if (found != STORE_OK) {
        problem_reset();
        is = (struct collection_row){ .time = COLLECTION_UNTOUCHED, .name = slice_of("", 0) };
    }
    wanted = row_wanted(collection, entry, &is);
    if (found == STORE_OK && same_row(&is, &wanted))
        return STORE_OK;
    if (check->repair) {
        rc = collection_row_put(&check->txn, collection->id, &wanted);
        if (rc != STORE_OK)
            return rc;
        check->mended = repaired = true;
    }
    return check_finding(check, "collection_row", location, repaired,
                         found == STORE_OK
                             ? "its own row names another place, or another number of collections in it"
                             : "it lacks its own row, or that cannot be read");
}

/* ------------------------------------------------------------------- root */

static const char *root_fault(struct check *check, struct slice row, bool typed)
{
    struct record record;

    if (record_read(&record, row.data, row.size, true) != RECORD_OK)
        return "its record is damaged";
    check->report->collections++;
    check_version(check, record.version);
    if (record.kind != NODE_COLLECTION || record.id != ROOT_ID)
        return "its record is not that of a root";
    if (typed != (bool)(record.flags & RECORD_TYPED))
        return typed ? "it has a definition, and its record says that it has none"
                     : "its definition is missing";
    return NULL;
}

/* Everything else is below it, so it is made anew, though its metadata may be lost. */
int check_root(struct check *check)
{
    const char *fault = "it has no record";
    struct slice row;
    struct key key;
    bool typed;
    int rc;

    key_begin(&key, ROOT_ID, KIND_DEFINITION);
    rc = check_row_exists(check->objects, &key);
    typed = rc == STORE_OK;
    key_begin(&key, SCOPE_STORE, KIND_ENTRY);
    if (rc >= 0)
        rc = engine_get(check->objects, key_slice(&key), &row);
    if (rc == STORE_OK)
        fault = root_fault(check, row, typed);
    if (rc < 0 || !fault)
        return rc < 0 ? rc : STORE_OK;
    if (check->repair) {
        check_begin_versions(check);
        rc = check_attach(check, &key, ROOT_ID, txn_version(&check->txn));
        if (rc != STORE_OK)
            return rc;
    }
    return check_finding(check, "root_damaged", "/", check->repair, "the root: %s", fault);
}
