/* explicit.c - transactions over several verbs, and snapshots over several reads. */
#include <stdlib.h>

#include "body.h"
#include "queue.h"
#include "tree.h"

struct store_txn {
    store *store;
    bool read_only;
    pthread_t thread;
    struct snapshot *snapshot, *bodies; /* read_only */
    struct txn txn;
};

static int check_inherited(const store *s)
{
    if (!engine_inherited(s->objects))
        return STORE_OK;
    return problem(STORE_BAD_ARGUMENT, "the store was opened before a fork: open it again in the child");
}

/* Before the queue: in a child of a fork nobody would ever hand over its lock. */
static int check_writable(const store *s)
{
    if (s->read_only)
        return problem(STORE_READ_ONLY, "the store is open for reading only");
    return check_inherited(s);
}

static int check_explicit(const store_txn *txn, const store *s)
{
    if (txn->store != s)
        return problem(STORE_BAD_ARGUMENT, "the transaction is of another store");
    if (!txn->read_only && !pthread_equal(txn->thread, pthread_self()))
        return problem(STORE_BAD_ARGUMENT, "the transaction belongs to another thread");
    return STORE_OK;
}

static void prepare(store *s, struct operation *op)
{
    struct view view;
    bool own;

    if (op->prepare && view_open(&view, &own, s, NULL) == STORE_OK) {
        op->prepare(op, &view);
        view_close(&view, own);
    }
    problem_reset();
}

int txn_execute(store *s, store_txn *explicit_txn, struct operation *op)
{
    int rc = check_writable(s);

    if (rc != STORE_OK)
        return rc;
    if (!explicit_txn) {
        prepare(s, op);
        rc = queue_execute(s, op);
        /* Pages that relaxed commits freed can be written to again when those are on the disk. */
        if (rc == STORE_FULL && engine_sync(s->objects) == STORE_OK)
            rc = queue_execute(s, op);
        return rc;
    }
    rc = check_explicit(explicit_txn, s);
    if (rc != STORE_OK)
        return rc;
    if (explicit_txn->read_only)
        return problem(STORE_READ_ONLY, "the transaction is for reading only");
    rc = txn_refuse(op, engine_scarce(&explicit_txn->txn.engine, OPERATION_BYTES, false));
    if (rc != STORE_OK)
        return rc;
    return txn_run_alone(&explicit_txn->txn, op);
}

/* Without memory to remember it, its staging row stays, and the sweep decides when the session ends. */
void txn_settle(store *s, store_txn *explicit_txn, uint64_t body, bool published)
{
    if (!published)
        body_drop(s, body);
    else if (explicit_txn)
        txn_staged(&explicit_txn->txn, body);
    else
        body_published(s, body);
}

struct snapshot *txn_bodies(const store_txn *explicit_txn)
{
    return explicit_txn && explicit_txn->read_only ? explicit_txn->bodies : NULL;
}

struct txn *txn_of(store_txn *explicit_txn)
{
    return txn_writes(explicit_txn) ? &explicit_txn->txn : NULL;
}

bool txn_writes(const store_txn *explicit_txn)
{
    return explicit_txn && !explicit_txn->read_only;
}

int txn_snapshot(struct snapshot **out, bool *own, store *s, store_txn *explicit_txn)
{
    int rc;

    *own = !explicit_txn;
    if (!explicit_txn)
        return engine_snapshot(out, s->objects);
    rc = check_explicit(explicit_txn, s);
    *out = explicit_txn->read_only ? explicit_txn->snapshot : &explicit_txn->txn.engine.view;
    return rc;
}

static int begin_writing(store_txn *txn)
{
    int rc = queue_own(txn->store->queue);

    if (rc != STORE_OK)
        return rc;
    rc = txn_open(&txn->txn, txn->store);
    if (rc == STORE_FULL && txn_grown(txn->store))
        rc = txn_open(&txn->txn, txn->store);
    if (rc != STORE_OK)
        queue_disown(txn->store->queue);
    return rc;
}

static void end_reading(store_txn *txn)
{
    engine_snapshot_end(txn->bodies);
    engine_snapshot_end(txn->snapshot);
}

/* A snapshot of either file. No commit may lie between the two: chunks of what it replaced
 * could have been reclaimed. So the first is taken again until it stays the newest. */
static int begin_reading(store_txn *txn)
{
    struct snapshot *newest;
    bool same;
    int rc = engine_snapshot(&txn->snapshot, txn->store->objects);

    while (rc == STORE_OK) {
        rc = engine_snapshot(&txn->bodies, txn->store->bodies);
        if (rc != STORE_OK)
            break;
        rc = engine_snapshot(&newest, txn->store->objects);
        if (rc != STORE_OK) {
            engine_snapshot_end(txn->bodies);
            break;
        }
        same = newest->id == txn->snapshot->id;
        engine_snapshot_end(same ? newest : txn->snapshot);
        if (same)
            return STORE_OK;
        txn->snapshot = newest;
        engine_snapshot_end(txn->bodies);
    }
    if (txn->snapshot)
        engine_snapshot_end(txn->snapshot);
    return rc;
}

int txn_pin(store_txn **out, store *s)
{
    store_txn *txn = calloc(1, sizeof *txn);
    int rc;

    *out = NULL;
    if (!txn)
        return problem(STORE_NO_MEMORY, "no memory for a transaction");
    txn->store = s;
    txn->read_only = true;
    rc = begin_reading(txn);
    if (rc == STORE_OK)
        *out = txn;
    else
        free(txn);
    return rc;
}

void txn_unpin(store_txn *txn)
{
    end_reading(txn);
    free(txn);
}

int store_begin(store_txn **out, store *s, bool read_only)
{
    store_txn *txn;
    int rc;

    store_enter();
    *out = NULL;
    rc = read_only ? check_inherited(s) : check_writable(s);
    if (rc != STORE_OK)
        return rc;
    txn = calloc(1, sizeof *txn);
    if (!txn)
        return problem(STORE_NO_MEMORY, "no memory for a transaction");
    txn->store = s;
    txn->read_only = read_only;
    txn->thread = pthread_self();
    rc = read_only ? begin_reading(txn) : begin_writing(txn);
    if (rc != STORE_OK)
        free(txn);
    else
        *out = txn;
    return rc;
}

int store_commit(store_txn *txn)
{
    struct queue *queue = txn->store->queue;
    int rc;

    store_enter();
    rc = check_inherited(txn->store);
    if (rc != STORE_OK)
        return rc;
    if (!txn->read_only && !pthread_equal(txn->thread, pthread_self()))
        return problem(STORE_BAD_ARGUMENT, "the transaction belongs to another thread");
    if (txn->read_only) {
        end_reading(txn);
        free(txn);
        return STORE_OK;
    }
    rc = txn_close(&txn->txn);
    if (rc == STORE_FULL && txn_grown(txn->store))
        rc = problem(STORE_BUSY, "the store had to grow: run the transaction again");
    queue_disown(queue);
    free(txn);
    return rc;
}

void store_abort(store_txn *txn)
{
    if (!txn || engine_inherited(txn->store->objects))
        return;
    if (txn->read_only) {
        end_reading(txn);
    } else {
        txn_cancel(&txn->txn);
        queue_disown(txn->store->queue);
    }
    free(txn);
}
