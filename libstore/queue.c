/* queue.c - the write queue: turns, groups, the leader. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "body.h"

#define GROUP_MAX 512           /* operations in one commit */
#define LEADER_WAIT_CAP 2000000 /* ns */
#define RETRIES 40              /* of a group: each map growth doubles, each conflict is somebody's progress */

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

int queue_create(struct queue **out)
{
    struct queue *queue = calloc(1, sizeof *queue);

    if (!queue)
        return problem(STORE_NO_MEMORY, "no memory for a store");
    pthread_mutex_init(&queue->lock, NULL);
    clock_condition(&queue->arrived);
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

/* -------------------------------------------------------------- the group */

/* Runs one operation of a group. `*spoilt`: it failed after it had written, so the whole
 * transaction has to be begun again without it. */
static void run_one(struct txn *txn, struct operation *op, bool scarce, bool *spoilt)
{
    struct problem *mine = problem_redirect(op->problem);
    struct txn_mark mark = txn_mark(txn);

    problem_reset();
    op->code = txn_refuse(op, scarce);
    if (op->code == STORE_OK && op->dry_run)
        op->code = txn_behind_savepoint(txn, txn_run_operation, op, true);
    else if (op->code == STORE_OK)
        op->code = txn_run_operation(op, txn);
    if (op->code != STORE_OK && !op->dry_run) {
        txn_back_to(txn, &mark);
        *spoilt = txn->engine.writes != mark.writes;
    }
    if (txn->engine.broken)
        *spoilt = true;
    problem_redirect(mine);
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

/* The group's large bodies could not be written (the disk is full): who brought one is taken out. */
static void refuse_bodies(struct turn *turn, size_t count, const bool *brought, bool *out, int code)
{
    for (size_t i = 0; i < count; turn = turn->next, i++) {
        if (!brought[i] || turn->op->code != STORE_OK)
            continue;
        fail_all(turn, 1, code);
        out[i] = true;
    }
}

/*
 * One attempt at a group. True if it is settled: every operation has its
 * code. False: again (one was taken out, or the map grew).
 */
static bool attempt(store *s, struct turn *first, size_t count, bool *out)
{
    struct txn txn;
    bool brought[GROUP_MAX] = { false }, spoilt = false, scarce;
    size_t i = 0;
    int rc = txn_open(&txn, s);

    if (rc != STORE_OK) {
        fail_all(first, count, rc);
        return !txn_grown(s);
    }
    scarce = engine_scarce(&txn.engine, count * OPERATION_BYTES, false);
    for (struct turn *turn = first; i < count && !spoilt; turn = turn->next, i++) {
        if (out[i])
            continue;
        uint64_t bodies = txn.staged_count, changes = txn.kept.changes_ever;
        run_one(&txn, turn->op, scarce, &spoilt);
        brought[i] = txn.staged_count > bodies || txn.kept.changes_ever > changes;
        if (spoilt && turn->op->code == STORE_FULL && txn_grown(s)) {
            txn_cancel(&txn);
            return false;
        }
        out[i] = spoilt && turn->op->code != STORE_OK;
    }
    if (spoilt) {
        txn_cancel(&txn);
        return false;
    }
    rc = body_flush(&txn);
    if (rc != STORE_OK) {
        refuse_bodies(first, count, brought, out, rc);
        txn_cancel(&txn);
        return false;
    }
    rc = txn_close(&txn);
    if (rc == STORE_OK)
        return true;
    if (rc == ENGINE_CONFLICT || (rc == STORE_FULL && txn_grown(s)))
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
    int64_t until = clock_monotonic() + wait;
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
    began = clock_monotonic();
    run_group(s, group, count);
    pthread_mutex_lock(&queue->lock);
    queue->last_nanos = clock_monotonic() - began;
    queue->last_seen = count + queue->waiting;
    while (group) {
        struct turn *next = group->next; /* its owner may be gone once it is done */
        group->done = true;
        pthread_cond_signal(&group->wake);
        group = next;
    }
    hand_over(queue);
}

int queue_execute(store *s, struct operation *op)
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

int queue_own(struct queue *queue)
{
    struct turn turn = { .wake = PTHREAD_COND_INITIALIZER };

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
    return STORE_OK;
}

void queue_disown(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->owned = false;
    hand_over(queue);
    pthread_mutex_unlock(&queue->lock);
}
