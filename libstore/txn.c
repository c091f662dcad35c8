/* txn.c - one writing transaction: versions, savepoints, the change log, the commit. */
#include "txn.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "body.h"
#include "caretaker.h"
#include "change.h"
#include "collection_row.h"
#include "queue.h"
#include "tree.h"

int txn_open(struct txn *txn, store *s)
{
    uint64_t last;
    int rc;

    *txn = (struct txn){ .store = s };
    rc = engine_begin(&txn->engine, s->objects);
    if (rc != STORE_OK)
        return rc;
    rc = tree_cache_attach(&txn->cache, s, &txn->engine.view, txn->engine.view.id - 1);
    if (rc == STORE_OK && s->version_commit + 1 != txn->engine.view.id) {
        rc = change_last_version(&last, &txn->engine.view);
        s->version_next = last + 1;
    }
    if (rc != STORE_OK) {
        engine_abort(&txn->engine);
        return rc;
    }
    txn->first_version = txn->next_version = s->version_next;
    txn->now = clock_now();
    return STORE_OK;
}

static void end(struct txn *txn, bool committed)
{
    /* It may name collections that were made by what is undone now. */
    if (txn->namespace_changed || !committed)
        tree_cache_clear(txn->cache);
    while (txn->staged_count > 0) {
        uint64_t body = txn->staged[--txn->staged_count];
        if (committed)
            body_published(txn->store, body);
        else
            body_take_back(txn, body);
    }
    free(txn->staged);
    buffer_release(&txn->kept.bytes);
    buffer_release(&txn->kept.bodies);
    buffer_release(&txn->kept.change_bytes);
    buffer_release(&txn->kept.changes);
    buffer_release(&txn->changes);
    buffer_release(&txn->touches);
}

void txn_cancel(struct txn *txn)
{
    engine_abort(&txn->engine);
    end(txn, false);
    /* To have begun is enough to keep pages from being used anew: the caretaker must go on with it. */
    if (txn->store->relaxed)
        caretaker_poke(txn->store, false);
}

int txn_close(struct txn *txn)
{
    store *s = txn->store;
    bool changed = txn->changes.size > 0;
    int rc = body_flush(txn);

    if (rc == STORE_OK)
        rc = collection_flush(txn);
    if (rc == STORE_OK)
        rc = change_log(txn);
    if (rc != STORE_OK) {
        txn_cancel(txn);
        return rc;
    }
    /* Before the commit: whoever sees it must see that its cache is stale. */
    if (txn->namespace_changed)
        shared_namespace_set(s->shared, txn->engine.view.id);
    rc = engine_commit(&txn->engine);
    if (rc == STORE_OK && changed) {
        s->version_commit = txn->engine.view.id;
        s->version_next = txn->next_version;
        shared_wake(s->shared);
    }
    if (rc == STORE_OK)
        caretaker_poke(s, txn->garbage);
    end(txn, rc == STORE_OK);
    return rc;
}

uint64_t txn_version(struct txn *txn)
{
    return txn->next_version++;
}

int txn_staged(struct txn *txn, uint64_t body)
{
    if (txn->staged_count == txn->staged_capacity) {
        size_t capacity = txn->staged_capacity ? 2 * txn->staged_capacity : 8;
        uint64_t *larger = realloc(txn->staged, capacity * sizeof *larger);
        if (!larger)
            return problem(STORE_NO_MEMORY, "no memory for a transaction");
        txn->staged = larger;
        txn->staged_capacity = capacity;
    }
    txn->staged[txn->staged_count++] = body;
    return STORE_OK;
}

struct txn_mark txn_mark(const struct txn *txn)
{
    struct txn_mark mark = { .next_version = txn->next_version, .changes = txn->changes.size,
                             .touches = txn->touches.size, .staged = txn->staged_count,
                             .kept_changes = txn->kept.changes.size,
                             .kept_change_bytes = txn->kept.change_bytes.size, .flushes = txn->kept.flushes,
                             .writes = txn->engine.writes };

    if (mark.touches > 0)
        memcpy(&mark.last_touch, txn->touches.data + mark.touches - sizeof mark.last_touch, sizeof mark.last_touch);
    return mark;
}

/* What was flushed in between is not published; what was kept since is forgotten. */
static void forget_changes(struct kept_bodies *kept, const struct txn_mark *mark)
{
    bool flushed = kept->flushes != mark->flushes;

    kept->changes.size = flushed ? 0 : mark->kept_changes;
    kept->change_bytes.size = flushed ? 0 : mark->kept_change_bytes;
}

void txn_back_to(struct txn *txn, const struct txn_mark *mark)
{
    txn->next_version = mark->next_version;
    txn->changes.size = mark->changes;
    txn->touches.size = mark->touches;
    if (mark->touches > 0)
        memcpy(txn->touches.data + mark->touches - sizeof mark->last_touch, &mark->last_touch,
               sizeof mark->last_touch);
    while (txn->staged_count > mark->staged)
        body_take_back(txn, txn->staged[--txn->staged_count]);
    forget_changes(&txn->kept, mark);
    if (txn->namespace_changed || txn->engine.writes != mark->writes)
        tree_cache_clear(txn->cache);
}

int txn_behind_savepoint(struct txn *txn, int (*run)(void *context, struct txn *txn), void *context, bool undo)
{
    struct txn_mark mark = txn_mark(txn);
    bool unguarded = txn->unguarded;
    int rc = engine_savepoint(&txn->engine), kept;

    if (rc != STORE_OK)
        return rc;
    txn->unguarded = false;
    rc = run(context, txn);
    txn->unguarded = unguarded;
    if (rc == STORE_OK && !undo) {
        kept = engine_savepoint_keep(&txn->engine);
        if (kept == STORE_OK)
            return STORE_OK;
        txn_back_to(txn, &mark);
        return kept;
    }
    engine_savepoint_undo(&txn->engine);
    txn_back_to(txn, &mark);
    return rc;
}

int txn_attempt(struct txn *txn, int (*run)(void *context, struct txn *txn), void *context)
{
    return txn_behind_savepoint(txn, run, context, false);
}

int txn_run_operation(void *context, struct txn *txn)
{
    struct operation *op = context;

    if (op->answer)
        answer_reset(op->answer);
    return op->run(op, txn);
}

int txn_guard(struct txn *txn)
{
    int rc;

    if (!txn->unguarded)
        return STORE_OK;
    rc = engine_savepoint(&txn->engine);
    if (rc == STORE_OK) {
        txn->unguarded = false;
        txn->guarded = true;
    }
    return rc;
}

/* Gives the operation the chance to do without a savepoint. */
static int run_unguarded(struct txn *txn, struct operation *op)
{
    struct txn_mark mark = txn_mark(txn);
    int rc;

    txn->unguarded = true;
    txn->guarded = false;
    rc = txn_run_operation(op, txn);
    txn->unguarded = false;
    if (rc == STORE_OK && txn->guarded)
        rc = engine_savepoint_keep(&txn->engine);
    else if (txn->guarded)
        engine_savepoint_undo(&txn->engine);
    if (rc == STORE_OK)
        return rc;
    if (!txn->guarded && txn->engine.writes != mark.writes && !txn->engine.broken) {
        txn->engine.broken = true;
        txn->engine.error = rc;
    }
    txn_back_to(txn, &mark);
    return rc;
}

int txn_run_alone(struct txn *txn, struct operation *op)
{
    if (op->guards && !op->dry_run)
        return run_unguarded(txn, op);
    return txn_behind_savepoint(txn, txn_run_operation, op, op->dry_run);
}

bool txn_grown(store *s)
{
    bool objects = engine_map_full(s->objects);

    return engine_map_full(s->bodies) || objects;
}

int txn_refuse(const struct operation *op, bool scarce)
{
    return scarce && !op->frees ? problem(STORE_FULL, "the disk is all but full") : STORE_OK;
}
