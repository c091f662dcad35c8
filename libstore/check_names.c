/* check_names.c - nodes with several names: each name leads to its node, and the node's row knows each name. */
#include "check.h"
#include "collection_row.h"
#include "names.h"
#include "node.h"

/* ----------------------------------------------------------- from the name */

/* The row of a name is made anew from its entry. */
static int check_listed(struct check *check, uint64_t id, const struct key *entry, const char *location)
{
    bool repaired = false;
    struct key key;
    int rc;

    names_row_key(&key, id, key_slice(entry));
    rc = check_row_exists(check->objects, &key);
    if (rc != ENGINE_ABSENT || check->discarded)
        return rc < 0 ? rc : STORE_OK;
    rc = check_put(check, key_slice(&key), slice_of("", 0), &repaired);
    return rc == STORE_OK ? check_finding(check, "name_unlisted", location, repaired,
                                          "node %llu does not know its name", (unsigned long long)id) : rc;
}

static int check_dangling(struct check *check, uint64_t id, const struct key *entry, const char *location)
{
    bool repaired = false;
    int rc = check->discarded ? STORE_OK : check_del(check, key_slice(entry), &repaired);

    if (rc != STORE_OK || check->discarded)
        return rc;
    return check_finding(check, "name_dangling", location, repaired, "it is a name of node %llu, which there is not",
                         (unsigned long long)id);
}

int check_name(struct record *record, bool *first, struct check *check, const struct key *entry, const char *location)
{
    uint64_t id = record->id;
    struct slice row;
    struct key key;
    int rc;

    *first = false;
    names_node_key(&key, id);
    rc = check_row_exists(check->objects, &key);
    if (rc != STORE_OK)
        return rc == ENGINE_ABSENT ? check_dangling(check, id, entry, location) : rc;
    rc = check_listed(check, id, entry, location);
    if (rc != STORE_OK)
        return rc;
    switch (idset_add(&check->named, id)) {
    case IDSET_NO_MEMORY:
        return check_no_memory();
    case IDSET_KNOWN:
        return STORE_OK;
    case IDSET_NEW:
        break;
    }
    rc = engine_get(check->objects, key_slice(&key), &row);
    if (rc != STORE_OK)
        return rc;
    buffer_clear(&check->node); /* a write would take the borrowed row away */
    buffer_append(&check->node, row.data, row.size);
    if (check->node.failed)
        return check_no_memory();
    rc = check_record(record, first, check, slice_of(check->node.data, check->node.size), location);
    record->named = true;
    return rc;
}

/* ----------------------------------------------------------- from the node */

/* The node whose rows are being looked at. */
struct node {
    struct record record;
    struct buffer row; /* the record's */
    bool there;
    uint64_t id, names;
};

/* Whether the entry is a name of the node. */
static int read_name(bool *is, const struct check *check, const struct key *entry, uint64_t id)
{
    struct record name;
    struct slice value;
    int rc = engine_get(check->objects, key_slice(entry), &value);

    *is = rc == STORE_OK && record_read(&name, value.data, value.size, true) == RECORD_OK &&
          name.kind == NODE_NAME && name.id == id;
    return rc < 0 ? rc : STORE_OK;
}

static int check_name_row(struct check *check, struct node *node, const struct check_rows *rows)
{
    uint64_t id = get_be64(rows->at.bytes + SCOPE_PREFIX);
    bool is_name = false, repaired = false;
    struct key entry;
    int rc = STORE_OK;

    if (id == node->id && names_entry_key(&entry, key_slice(&rows->at)))
        rc = read_name(&is_name, check, &entry, id);
    node->names += is_name;
    if (rc != STORE_OK || is_name)
        return rc;
    rc = check_del(check, key_slice(&rows->at), &repaired);
    return rc == STORE_OK ? check_finding(check, "name_stale", NULL, repaired,
                                          "node %llu knows a name that it has not", (unsigned long long)id) : rc;
}

/* A node that nothing leads to gets a name where it can be looked at. */
static int name_again(bool *repaired, struct check *check, const struct record *record)
{
    struct txn *txn = &check->txn;
    struct target target = { 0 };
    char name[17];
    uint64_t lost;
    int rc = check_lost_and_found(&lost, check);

    if (rc != STORE_OK || lost == 0)
        return rc;
    rc = tree_target_in(&target, slice_of("", 0), lost, NULL, slice_text(store_version_text(name, record->id)));
    if (rc == STORE_OK)
        rc = check_row_exists(check->objects, &target.key);
    if (rc != ENGINE_ABSENT)
        return rc;
    rc = collection_touch(txn, lost, 0);
    if (rc == STORE_OK)
        rc = names_put(txn, record->id, record->version, &target.key);
    if (rc == STORE_OK)
        rc = names_recount(txn, record, 1);
    check->mended |= *repaired = rc == STORE_OK;
    return rc;
}

static int report_nameless(struct check *check, const struct record *record)
{
    bool repaired = false;
    int rc = idset_has(&check->named, record->id) ? STORE_OK : check_note_reference(check, record);

    check_id(check, record->id);
    check_version(check, record->version);
    if (rc == STORE_OK && check->repair)
        rc = name_again(&repaired, check, record);
    return rc == STORE_OK ? check_finding(check, "node_nameless", NULL, repaired, "node %llu has no name",
                                          (unsigned long long)record->id) : rc;
}

/* All names of the node have been seen. */
static int leave_node(struct check *check, struct node *node)
{
    const struct record *record = &node->record;
    int rc = STORE_OK;

    if (!node->there)
        return STORE_OK;
    node->there = false;
    if (node->names == 0)
        return report_nameless(check, record);
    if (node->names == names_count(record))
        return STORE_OK;
    if (check->repair)
        rc = names_recount(&check->txn, record, node->names);
    check->mended |= check->repair;
    return rc == STORE_OK ? check_finding(check, "name_count", NULL, check->repair,
                                          "node %llu has %llu names and counts %llu", (unsigned long long)node->id,
                                          (unsigned long long)node->names,
                                          (unsigned long long)names_count(record)) : rc;
}

static int enter_node(struct check *check, struct node *node, const struct check_rows *rows)
{
    int rc = leave_node(check, node);

    node->id = get_be64(rows->at.bytes + SCOPE_PREFIX);
    node->names = 0;
    buffer_clear(&node->row);
    buffer_append(&node->row, rows->value.data, rows->value.size);
    if (rc != STORE_OK || node->row.failed)
        return rc != STORE_OK ? rc : check_no_memory();
    node->there = record_read(&node->record, node->row.data, node->row.size, true) == RECORD_OK;
    node->record.named = true;
    return STORE_OK;
}

int check_names(struct check *check)
{
    struct node node = { .row = BUFFER_INIT };
    struct check_rows rows;
    struct key prefix;
    int rc;

    key_begin(&prefix, SCOPE_STORE, KIND_NODE);
    check_rows_begin(&rows, check, &prefix);
    while ((rc = check_rows_next(&rows)) == STORE_OK) {
        if (rows.at.size == SCOPE_PREFIX + 8)
            rc = enter_node(check, &node, &rows);
        else if (rows.at.size > SCOPE_PREFIX + 16)
            rc = check_name_row(check, &node, &rows);
        if (rc != STORE_OK)
            break;
    }
    check_rows_end(&rows);
    if (rc == ENGINE_ABSENT)
        rc = leave_node(check, &node);
    buffer_release(&node.row);
    return rc;
}
