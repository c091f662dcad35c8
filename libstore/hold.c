/* hold.c - keeping a version's body for a reader, and giving it up. */
#include "hold.h"

#include <string.h>

/* ------------------------------------------------------------------- rows */

static void hold_key(struct key *key, uint64_t body, uint64_t nonce)
{
    key_begin(key, SCOPE_STORE, KIND_HOLD);
    key_add_u64(key, body);
    key_add_u64(key, nonce);
}

bool hold_read(struct hold_row *out, struct slice key, struct slice value)
{
    const char *name = key.data, *row = value.data;

    if (key.size != SCOPE_PREFIX + 16 || value.size != 8)
        return false;
    out->body = get_be64(name + SCOPE_PREFIX);
    out->nonce = get_be64(name + SCOPE_PREFIX + 8);
    memcpy(&out->slot, row, 4);
    memcpy(&out->count, row + 4, 4);
    return true;
}

/* The session's own row of a body; without one a count of 0. */
static int own_row(struct hold_row *out, struct txn *txn, uint64_t body)
{
    struct hold_row found;
    struct slice value;
    struct key key;
    int rc;

    *out = (struct hold_row){ .body = body };
    shared_session(txn->store->shared, &out->slot, &out->nonce);
    hold_key(&key, body, out->nonce);
    rc = engine_get(&txn->engine.view, key_slice(&key), &value);
    if (rc == STORE_OK && hold_read(&found, key_slice(&key), value))
        out->count = found.count;
    return rc < 0 ? rc : STORE_OK;
}

static int put_row(struct txn *txn, const struct hold_row *row)
{
    unsigned char value[8];
    struct key key;

    memcpy(value, &row->slot, 4);
    memcpy(value + 4, &row->count, 4);
    hold_key(&key, row->body, row->nonce);
    return engine_put(&txn->engine, key_slice(&key), slice_of(value, sizeof value));
}

static int delete_row(struct txn *txn, const struct hold_row *row)
{
    struct key key;
    int rc;

    hold_key(&key, row->body, row->nonce);
    rc = engine_del(&txn->engine, key_slice(&key));
    return rc == STORE_OK ? body_release(txn, row->body) : rc < 0 ? rc : STORE_OK;
}

/* ----------------------------------------------------------------- holding */

struct hold_operation {
    struct operation operation;
    const struct record *record; /* to hold; NULL: give up */
    uint64_t body;
};

/* Whether the body is published, and as the record has it the newest. */
static int check_current(struct txn *txn, const struct record *record)
{
    uint64_t references;
    bool changed = false;
    int rc = body_references(&references, &txn->engine.view, record->body_id);

    if (rc == STORE_OK && references > 0)
        rc = body_changed_since(&changed, txn, record);
    return rc == STORE_OK && (references == 0 || changed) ? body_gone() : rc;
}

static int take(struct txn *txn, const struct record *record)
{
    struct hold_row row;
    int rc = check_current(txn, record);

    if (rc == STORE_OK)
        rc = own_row(&row, txn, record->body_id);
    if (rc == STORE_OK && row.count == 0)
        rc = body_retain(txn, record->body_id);
    if (rc != STORE_OK)
        return rc;
    row.count++;
    return put_row(txn, &row);
}

static int give_up(struct txn *txn, uint64_t body)
{
    struct hold_row row;
    int rc = own_row(&row, txn, body);

    if (rc != STORE_OK || row.count == 0)
        return rc;
    return --row.count > 0 ? put_row(txn, &row) : delete_row(txn, &row);
}

static int run(struct operation *operation, struct txn *txn)
{
    const struct hold_operation *op = (const struct hold_operation *)operation;

    return op->record ? take(txn, op->record) : give_up(txn, op->body);
}

int hold_take(store *s, const struct record *record)
{
    struct hold_operation op = { .operation = { .run = run }, .record = record };

    return txn_execute(s, NULL, &op.operation);
}

int hold_give_up(store *s, uint64_t body)
{
    struct hold_operation op = { .operation = { .run = run, .frees = true }, .body = body };

    return txn_execute(s, NULL, &op.operation);
}

/* ---------------------------------------------------------------- sweeping */

/* The first row behind `*after` whose session died; ENGINE_ABSENT if there is none. */
static int next_dead(struct hold_row *out, struct key *after, store *s)
{
    struct engine_cursor cursor;
    struct snapshot *snapshot;
    struct slice found, value;
    struct key prefix;
    bool dead = false;
    int rc = engine_snapshot(&snapshot, s->objects);

    if (rc != STORE_OK)
        return rc;
    key_begin(&prefix, SCOPE_STORE, KIND_HOLD);
    rc = engine_cursor_open(&cursor, snapshot);
    if (rc == STORE_OK) {
        rc = engine_seek(&cursor, key_slice(after), &found, &value);
        while (rc == STORE_OK && !dead && key_has_prefix(found, &prefix)) {
            dead = hold_read(out, found, value) && !shared_session_alive(s->shared, out->slot, out->nonce);
            if (!dead)
                rc = engine_next(&cursor, &found, &value);
        }
        engine_cursor_close(&cursor);
    }
    engine_snapshot_end(snapshot);
    hold_key(after, out->body, out->nonce);
    return rc == STORE_OK && !dead ? ENGINE_ABSENT : rc;
}

int hold_sweep(store *s)
{
    struct hold_row row = { 0 };
    struct key after;
    int rc;

    key_begin(&after, SCOPE_STORE, KIND_HOLD);
    while ((rc = next_dead(&row, &after, s)) == STORE_OK) {
        struct txn txn = { .store = s };
        rc = engine_begin(&txn.engine, s->objects);
        if (rc == STORE_OK)
            rc = delete_row(&txn, &row);
        if (rc != STORE_OK) {
            engine_abort(&txn.engine);
            break;
        }
        rc = engine_commit(&txn.engine);
        if (rc != STORE_OK)
            break;
    }
    return rc == ENGINE_ABSENT ? STORE_OK : rc;
}
