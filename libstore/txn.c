/* txn.c - the write queue, group commit, explicit transactions. */
#include "txn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "body.h"
#include "caretaker.h"
#include "change.h"
#include "tree.h"

#define GROUP_MAX 512          /* operations in one commit */
#define LEADER_WAIT_CAP 2000000 /* ns */
#define OPERATION_BYTES 16384   /* what an operation takes of the file, generously */
#define RETRIES 40             /* of a group: each map growth doubles, each conflict is somebody's progress */

/* One turn at the writer's lock. A turn of an explicit transaction has no operation. */
struct turn {
    struct operation *op;
    struct turn *next;
    pthread_cond_t wake;
    bool done;  /* somebody led, and op->code is set */
    bool leads; /* it is this thread's turn to lead */
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t arrived; /* the waiting leader's */
    struct turn *head, *tail;
    size_t waiting;
    size_t awaited;     /* how many the waiting leader hopes for; 0: nobody waits */
    bool busy;          /* somebody leads */
    pthread_t owner;    /* of an explicit transaction */
    bool owned;
    size_t last_seen;   /* operations in the last round, with those that came meanwhile */
    int64_t last_nanos; /* that its commit took */
};

struct store_txn {
    store *store;
    bool read_only;
    pthread_t thread;
    struct snapshot *snapshot, *bodies; /* read_only */
    struct txn txn;
};

int queue_create(struct queue **out)
{
    pthread_condattr_t attributes;
    struct queue *queue = calloc(1, sizeof *queue);

    if (!queue)
        return problem(STORE_NO_MEMORY, "no memory for a store");
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->arrived, &attributes);
    pthread_condattr_destroy(&attributes);
    *out = queue;
    return STORE_OK;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->arrived);
    free(queue);
}

/* ------------------------------------------------ one engine transaction */

static int begin(struct txn *txn, store *s)
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
    for (size_t i = 0; i < txn->staged_count; i++) {
        if (committed)
            body_published(txn->store, txn->staged[i]);
        else
            body_drop(txn->store, txn->staged[i]);
    }
    free(txn->staged);
    buffer_release(&txn->changes);
}

static void abort_txn(struct txn *txn)
{
    engine_abort(&txn->engine);
    end(txn, false);
}

static int commit(struct txn *txn)
{
    store *s = txn->store;
    bool changed = txn->changes.size > 0;
    int rc = change_log(txn);

    if (rc != STORE_OK) {
        abort_txn(txn);
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
        caretaker_poke(s, txn->garbage);
    }
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

/* What an operation that failed must not leave behind in the transaction. */
struct mark {
    uint64_t next_version;
    size_t changes;
    size_t staged;
    uint64_t writes;
};

static struct mark mark_of(const struct txn *txn)
{
    return (struct mark){ txn->next_version, txn->changes.size, txn->staged_count, txn->engine.writes };
}

static void back_to(struct txn *txn, const struct mark *mark)
{
    txn->next_version = mark->next_version;
    txn->changes.size = mark->changes;
    while (txn->staged_count > mark->staged)
        body_drop(txn->store, txn->staged[--txn->staged_count]);
    if (txn->namespace_changed || txn->engine.writes != mark->writes)
        tree_cache_clear(txn->cache);
}

static int behind_savepoint(struct txn *txn, int (*run)(void *context, struct txn *txn), void *context, bool undo)
{
    struct mark mark = mark_of(txn);
    int rc = engine_savepoint(&txn->engine), kept;

    if (rc != STORE_OK)
        return rc;
    rc = run(context, txn);
    if (rc == STORE_OK && !undo) {
        kept = engine_savepoint_keep(&txn->engine);
        if (kept == STORE_OK)
            return STORE_OK;
        back_to(txn, &mark);
        return kept;
    }
    engine_savepoint_undo(&txn->engine);
    back_to(txn, &mark);
    return rc;
}

int txn_attempt(struct txn *txn, int (*run)(void *context, struct txn *txn), void *context)
{
    return behind_savepoint(txn, run, context, false);
}

static int run_operation(void *context, struct txn *txn)
{
    struct operation *op = context;

    if (op->answer)
        answer_reset(op->answer);
    return op->run(op, txn);
}

/* -------------------------------------------------------------- the group */

static int refuse(const struct operation *op, bool scarce)
{
    return scarce && !op->frees ? problem(STORE_FULL, "the disk is all but full") : STORE_OK;
}

/* Runs one operation of a group. `*spoilt`: it failed after it had written, so the whole
 * transaction has to be begun again without it. */
static void run_one(struct txn *txn, struct operation *op, bool scarce, bool *spoilt)
{
    struct problem *mine = problem_redirect(op->problem);
    struct mark mark = mark_of(txn);

    problem_reset();
    op->code = refuse(op, scarce);
    if (op->code == STORE_OK && op->dry_run)
        op->code = behind_savepoint(txn, run_operation, op, true);
    else if (op->code == STORE_OK)
        op->code = run_operation(op, txn);
    if (op->code != STORE_OK && !op->dry_run) {
        back_to(txn, &mark);
        *spoilt = txn->engine.writes != mark.writes;
    }
    if (txn->engine.broken)
        *spoilt = true;
    problem_redirect(mine);
}

/* The map of a file was full and has been made larger, or can be: the same again will do. */
static bool grown(store *s)
{
    bool objects = engine_map_full(s->objects);

    return engine_map_full(s->bodies) || objects;
}

static void fail(struct turn *turn, size_t count, int code, const char *detail, int os_error)
{
    for (; turn && count > 0; turn = turn->next, count--) {
        struct problem *mine = problem_redirect(turn->op->problem);
        turn->op->code = os_error ? problem_os(code, os_error, "%s", detail) : problem(code, "%s", detail);
        problem_redirect(mine);
    }
}

/* The leader's own problem has what commit or begin recorded. */
static void fail_all(struct turn *first, size_t count, int code)
{
    const struct store_problem *found = store_problem_last();
    char detail[256];

    strncpy(detail, found->detail ? found->detail : store_code_title(code), sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    fail(first, count, code, detail, found->os_error);
}

/*
 * One attempt at a group. True if it is settled: every operation has its
 * code. False: again (one was taken out, or the map grew).
 */
static bool attempt(store *s, struct turn *first, size_t count, bool *out)
{
    struct txn txn;
    bool spoilt = false, scarce;
    size_t i = 0;
    int rc = begin(&txn, s);

    if (rc != STORE_OK) {
        fail_all(first, count, rc);
        return !grown(s);
    }
    scarce = engine_scarce(&txn.engine, count * OPERATION_BYTES, false);
    for (struct turn *turn = first; i < count && !spoilt; turn = turn->next, i++) {
        if (out[i])
            continue;
        run_one(&txn, turn->op, scarce, &spoilt);
        if (spoilt && turn->op->code == STORE_FULL && grown(s)) {
            abort_txn(&txn);
            return false;
        }
        out[i] = spoilt && turn->op->code != STORE_OK;
    }
    if (spoilt) {
        abort_txn(&txn);
        return false;
    }
    rc = commit(&txn);
    if (rc == STORE_OK)
        return true;
    if (rc == ENGINE_CONFLICT || (rc == STORE_FULL && grown(s)))
        return false;
    i = 0;
    for (struct turn *turn = first; i < count; turn = turn->next, i++)
        if (turn->op->code == STORE_OK)
            fail_all(turn, 1, rc);
    return true;
}

static void run_group(store *s, struct turn *first, size_t count)
{
    bool out[GROUP_MAX] = { false };

    for (size_t tries = 0; tries < RETRIES + count; tries++)
        if (attempt(s, first, count, out))
            return;
    fail(first, count, STORE_BUSY, "the store is too busy: the transaction was given up", 0);
}

/* -------------------------------------------------------------- the queue */

static int64_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void enqueue(struct queue *queue, struct turn *turn)
{
    if (queue->tail)
        queue->tail->next = turn;
    else
        queue->head = turn;
    queue->tail = turn;
    queue->waiting++;
    if (queue->awaited && queue->waiting >= queue->awaited)
        pthread_cond_signal(&queue->arrived);
}

/* Callers come back in a bunch after a commit: waiting for them a fraction of a commit's time
 * makes one large group of what would be two that take turns (facts/perf.md 3). */
static void await_company(struct queue *queue)
{
    int64_t wait = queue->last_nanos / 4 < LEADER_WAIT_CAP ? queue->last_nanos / 4 : LEADER_WAIT_CAP;
    int64_t until = monotonic() + wait;
    struct timespec deadline = { until / 1000000000, until % 1000000000 };

    if (queue->last_seen < 2)
        return;
    queue->awaited = queue->last_seen;
    while (queue->waiting < queue->awaited &&
           pthread_cond_timedwait(&queue->arrived, &queue->lock, &deadline) == 0)
        ;
    queue->awaited = 0;
}

/* Takes the operations at the head, up to an explicit transaction's turn. */
static struct turn *take_group(struct queue *queue, size_t *count)
{
    struct turn *first = queue->head, *last = first;

    /* The first is the leader's own. */
    for (*count = 1; last->next && last->next->op && *count < GROUP_MAX; ++*count)
        last = last->next;
    queue->head = last->next;
    if (!queue->head)
        queue->tail = NULL;
    queue->waiting -= *count;
    last->next = NULL;
    return first;
}

/* The writer's lock goes to the next in the queue. */
static void hand_over(struct queue *queue)
{
    queue->busy = queue->head != NULL;
    if (queue->head) {
        queue->head->leads = true;
        pthread_cond_signal(&queue->head->wake);
    }
}

/* Waits for the turn's end or for the lead; the lock is held before and after. */
static void wait_turn(struct queue *queue, struct turn *turn)
{
    enqueue(queue, turn);
    if (!queue->busy) {
        queue->busy = true;
        turn->leads = true;
    }
    while (!turn->done && !turn->leads)
        pthread_cond_wait(&turn->wake, &queue->lock);
}

static void lead(store *s, struct queue *queue)
{
    struct turn *group;
    int64_t began;
    size_t count;

    await_company(queue);
    group = take_group(queue, &count);
    pthread_mutex_unlock(&queue->lock);
    began = monotonic();
    run_group(s, group, count);
    pthread_mutex_lock(&queue->lock);
    queue->last_nanos = monotonic() - began;
    queue->last_seen = count + queue->waiting;
    while (group) {
        struct turn *next = group->next; /* its owner may be gone once it is done */
        group->done = true;
        pthread_cond_signal(&group->wake);
        group = next;
    }
    hand_over(queue);
}

static int execute_queued(store *s, struct operation *op)
{
    struct queue *queue = s->queue;
    struct turn turn = { .op = op, .wake = PTHREAD_COND_INITIALIZER };

    op->problem = problem_of_thread();
    pthread_mutex_lock(&queue->lock);
    if (queue->owned && pthread_equal(queue->owner, pthread_self())) {
        pthread_mutex_unlock(&queue->lock);
        return problem(STORE_BUSY, "this thread has a transaction open that this call does not belong to");
    }
    wait_turn(queue, &turn);
    if (turn.leads && !turn.done)
        lead(s, queue);
    pthread_mutex_unlock(&queue->lock);
    pthread_cond_destroy(&turn.wake);
    return op->code;
}

/* -------------------------------------------------- explicit transactions */

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

int txn_execute(store *s, store_txn *explicit_txn, struct operation *op)
{
    int rc = check_writable(s);

    if (rc != STORE_OK)
        return rc;
    if (!explicit_txn)
        return execute_queued(s, op);
    rc = check_explicit(explicit_txn, s);
    if (rc != STORE_OK)
        return rc;
    if (explicit_txn->read_only)
        return problem(STORE_READ_ONLY, "the transaction is for reading only");
    rc = refuse(op, engine_scarce(&explicit_txn->txn.engine, OPERATION_BYTES, false));
    if (rc != STORE_OK)
        return rc;
    return behind_savepoint(&explicit_txn->txn, run_operation, op, op->dry_run);
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

static void release_lead(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->owned = false;
    hand_over(queue);
    pthread_mutex_unlock(&queue->lock);
}

static int begin_writing(store_txn *txn)
{
    struct queue *queue = txn->store->queue;
    struct turn turn = { .wake = PTHREAD_COND_INITIALIZER };
    int rc;

    pthread_mutex_lock(&queue->lock);
    if (queue->owned && pthread_equal(queue->owner, pthread_self())) {
        pthread_mutex_unlock(&queue->lock);
        return problem(STORE_BUSY, "this thread has a transaction open already");
    }
    wait_turn(queue, &turn);
    queue->head = turn.next; /* the one who leads is at the head */
    if (!queue->head)
        queue->tail = NULL;
    queue->waiting--;
    queue->owner = pthread_self();
    queue->owned = true;
    pthread_mutex_unlock(&queue->lock);
    pthread_cond_destroy(&turn.wake);
    rc = begin(&txn->txn, txn->store);
    if (rc == STORE_FULL && grown(txn->store))
        rc = begin(&txn->txn, txn->store);
    if (rc != STORE_OK)
        release_lead(queue);
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
    rc = commit(&txn->txn);
    if (rc == STORE_FULL && grown(txn->store))
        rc = problem(STORE_BUSY, "the store had to grow: run the transaction again");
    release_lead(queue);
    free(txn);
    return rc;
}

void store_abort(store_txn *txn)
{
    if (!txn || engine_inherited(txn->store->objects))
        return;
    store_enter();
    if (txn->read_only) {
        end_reading(txn);
    } else {
        abort_txn(&txn->txn);
        release_lead(txn->store->queue);
    }
    free(txn);
}
