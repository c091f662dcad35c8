/*
 * run.c - how a workload is measured: in rounds, in each of which every entrant has a short slice, in
 * another order each time. What slows the machine for a while then slows all of them.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "bench.h"

struct slice {
    const struct workload *workload;
    bool (*step)(struct worker *worker);
    uint64_t length_ns;
    pthread_barrier_t start;
};

struct thread {
    struct slice *slice;
    struct worker *worker;
    pthread_t id;
};

const char *entrant_name(const struct entrant *entrant)
{
    return entrant->label ? entrant->label : entrant->backend->name;
}

static bool more_steps(struct slice *slice, struct worker *worker, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!slice->step(worker))
            return false;
        worker->steps++;
    }
    return true;
}

static void work(struct slice *slice, struct worker *worker)
{
    unsigned untimed = slice->workload->timed_each > 1 ? slice->workload->timed_each - 1 : 0;
    uint64_t begin, end, deadline;

    pthread_barrier_wait(&slice->start);
    end = now_ns();
    deadline = slice->workload->to_the_end ? UINT64_MAX : end + slice->length_ns;
    do {
        begin = untimed ? now_ns() : end;
        if (!more_steps(slice, worker, 1))
            return;
        end = now_ns();
        histogram_add(worker->latency, end - begin);
    } while (end < deadline && more_steps(slice, worker, untimed));
}

static void *thread_main(void *opaque)
{
    struct thread *thread = opaque;

    work(thread->slice, thread->worker);
    return NULL;
}

/* The first worker is the calling thread. Returns the steps that all did. */
static uint64_t run_threads(struct slice *slice, struct database *db, unsigned count, struct histogram *latency)
{
    struct thread threads[THREADS_MAX];
    uint64_t steps = 0;

    for (unsigned i = 0; i < count; i++) {
        threads[i] = (struct thread){ .slice = slice, .worker = worker_of(db, i, count) };
        if (i > 0 && (errno = pthread_create(&threads[i].id, NULL, thread_main, &threads[i])) != 0)
            fail("cannot start a thread: %s", strerror(errno));
    }
    work(slice, threads[0].worker);
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            pthread_join(threads[i].id, NULL);
        steps += threads[i].worker->steps;
        histogram_move(latency, threads[i].worker->latency);
    }
    return steps;
}

static void run_steps(struct sample *sample, const struct workload *workload, const struct entrant *entrant,
                      struct database *db, double seconds)
{
    struct slice slice = {
        .workload = workload,
        .step = entrant->step ? entrant->step : workload->step,
        .length_ns = (uint64_t)(seconds * 1e9),
    };
    unsigned threads = entrant->threads ? entrant->threads : workload->threads ? workload->threads : 1;
    uint64_t begin, steps;

    pthread_barrier_init(&slice.start, NULL, threads);
    begin = now_ns();
    steps = run_threads(&slice, db, threads, sample->latency);
    if (db->durability == RELAXED && db->backend->sync)
        db->backend->sync(db->handle);
    sample->value = (double)steps * (workload->operations ? workload->operations : 1) /
                    ((double)(now_ns() - begin) / 1e9);
    pthread_barrier_destroy(&slice.start);
}

static void run_slice(struct sample *sample, const struct workload *workload, const struct entrant *entrant,
                      double seconds, const struct options *options)
{
    struct database *db = database_get(entrant->backend, entrant->durability,
                                       entrant->set ? entrant->set : workload->set, options);

    if (workload->prepare) {
        workload->prepare(worker_of(db, 0, 1));
        database_settle(db);
    }
    if (workload->measure)
        workload->measure(worker_of(db, 0, 1), sample);
    else
        run_steps(sample, workload, entrant, db, seconds);
    worker_check_sample(worker_of(db, 0, 1));
    database_settle(db); /* nothing that is left to do falls into another's slice */
}

/* Opens all that is needed and lets everyone run for a moment. */
static void warm_up(const struct workload *workload, double seconds, const struct options *options)
{
    struct sample sample = { .latency = histogram_new() };

    for (unsigned e = 0; e < ENTRANTS_MAX && workload->entrants[e].backend; e++)
        run_slice(&sample, workload, &workload->entrants[e], seconds / 4, options);
    histogram_free(sample.latency);
}

void run_workload(struct result *out, const struct workload *workload, const struct options *options)
{
    double seconds = workload->seconds > 0 && !options->quick ? workload->seconds : options->slice_seconds;
    unsigned count = 0;

    for (unsigned e = 0; e < ENTRANTS_MAX; e++)
        histogram_free(out->latencies[e]);
    *out = (struct result){ .workload = workload, .rounds = options->rounds };
    if (workload->rounds_max > 0 && workload->rounds_max < out->rounds)
        out->rounds = workload->rounds_max;
    for (; count < ENTRANTS_MAX && workload->entrants[count].backend; count++)
        out->latencies[count] = histogram_new();
    if (!workload->measure && !workload->to_the_end)
        warm_up(workload, seconds, options);
    for (unsigned round = 0; round < out->rounds; round++)
        for (unsigned i = 0; i < count; i++) {
            unsigned e = (i + round) % count;
            struct sample sample = { .latency = out->latencies[e] };

            run_slice(&sample, workload, &workload->entrants[e], seconds, options);
            out->values[e][round] = sample.value;
        }
}
