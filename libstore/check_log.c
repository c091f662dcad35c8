/* check_log.c - the change log: every row readable, versions in order. */
#include "check.h"

#include "change.h"

#define LOST_VERSIONS (1u << 20) /* more than a commit uses: a row that is lost may have named as many */

struct log_state {
    struct check *check;
    uint64_t last_item; /* version of the item before */
    uint64_t last_row;  /* last version of the row before */
    uint64_t rows;
    bool tail_unknown;  /* the row seen last cannot be read */
};

static bool item_whole(const struct change_item *item)
{
    const char *location = item->location.data;

    return item->outcome >= STORE_CREATED && item->outcome <= STORE_MOVED && item->kind >= STORE_COLLECTION &&
           item->kind <= STORE_SPECIAL && item->kind != STORE_PROPERTY && item->location.size > 0 && item->location.size <= STORE_LOCATION_MAX &&
           location[0] == '/' && (item->from.size > 0) == (item->outcome == STORE_MOVED);
}

/* What is wrong with a row; its kind is NULL if nothing is. */
struct fault {
    const char *kind, *text;
};

static struct fault read_items(struct log_state *state, struct change_row *row, uint64_t first)
{
    struct change_item item;
    uint64_t count = 0;
    int more;

    if (row->last_version < state->last_row)
        return (struct fault){ "log_order", "its last version is before that of an earlier row" };
    while ((more = change_item_next(&item, row)) == 1) {
        if (!item_whole(&item))
            return (struct fault){ "log_damaged", "it has an item that makes no sense" };
        if (count++ == 0 && item.version != first)
            return (struct fault){ "log_order", "its key is not its first version" };
        if (item.version < state->last_item)
            return (struct fault){ "log_order", "its versions do not ascend" };
        if (item.version > row->last_version)
            return (struct fault){ "log_order", "it has a version beyond its last" };
        state->last_item = item.version;
    }
    state->check->report->changes += count;
    if (more < 0 || count == 0)
        return (struct fault){ "log_damaged", count ? "it has an item that is cut off" : "it has no items" };
    return (struct fault){ NULL, NULL };
}

static int drop(struct check *check, const struct key *key, uint64_t first, struct fault fault)
{
    bool repaired = false;
    int rc = check_del(check, key_slice(key), &repaired);

    return rc == STORE_OK ? check_finding(check, fault.kind, NULL, repaired, "the log's row %llu: %s",
                                          (unsigned long long)first, fault.text) : rc;
}

static int check_row(struct log_state *state, const struct key *key, struct slice value)
{
    struct check *check = state->check;
    struct change_row row;
    struct fault fault = { "log_damaged", "it cannot be read" };
    uint64_t first = 0, before = state->last_item;

    state->rows++;
    state->tail_unknown = true;
    if (key->size == SCOPE_PREFIX + 8)
        first = get_be64(key->bytes + SCOPE_PREFIX);
    if (first != 0 && change_row_read(&row, value))
        fault = read_items(state, &row, first);
    if (!fault.kind) {
        state->last_row = row.last_version;
        state->tail_unknown = false;
        check_version(check, row.last_version);
        return STORE_OK;
    }
    state->last_item = before;
    check_version(check, first + LOST_VERSIONS);
    return drop(check, key, first, fault);
}

int check_log(struct check *check)
{
    struct log_state state = { .check = check };
    struct check_rows rows;
    struct key prefix;
    bool repaired = check->repair;
    int rc;

    key_begin(&prefix, SCOPE_STORE, KIND_LOG);
    check_rows_begin(&rows, check, &prefix);
    while ((rc = check_rows_next(&rows)) == STORE_OK) {
        rc = check_row(&state, &rows.at, rows.value);
        if (rc != STORE_OK)
            break;
    }
    check_rows_end(&rows);
    check->last_version = state.tail_unknown || state.rows == 0 ? UINT64_MAX : state.last_row;
    if (rc != ENGINE_ABSENT)
        return rc;
    if (state.rows > 0)
        return STORE_OK;
    check->mended |= repaired; /* the commit writes a row */
    return check_finding(check, "log_damaged", NULL, repaired, "the log is empty: the last version is not known");
}
