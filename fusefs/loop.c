/* loop.c - see loop.h. */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon.h"
#include "listen.h"
#include "transport.h"

#define MILLISECOND INT64_C(1000000)
#define TICK_MS 1   /* between two looks at the leader while there are requests */
#define STREAK 4    /* requests behind each of which another waited, for the leader to call for help */

enum role { LEADER, HELPER };

struct loop {
    struct listener listener;
    int bell;                  /* wakes the supervisor */
    unsigned threads_max, helpers_max;

    pthread_mutex_t lock;
    pthread_cond_t called;
    pthread_t *threads;
    unsigned thread_count, parked;
    bool leader_wanted;
    unsigned helpers_wanted, helpers;

    /* Odd while the leader works on a request, even while it listens. Who makes an odd one even is the leader from
     * then on: the leader itself, or the supervisor in favour of another thread. */
    atomic_uint_fast64_t turn;
    atomic_bool asleep;        /* the supervisor waits for the bell, not for a tick */
    atomic_int ended;          /* 0: no; 1: yes; below: the error that ended it */
    uint64_t seen;             /* the supervisor's: turn at the last tick */
};

struct worker {
    struct loop *loop;
    struct fuse_buf buffer;
};

/* `how`: what the listener said. */
static void end(struct loop *loop, int how)
{
    pthread_mutex_lock(&loop->lock);
    if (!loop->ended)
        loop->ended = how < 0 && how != -ENODEV ? how : 1;
    pthread_cond_broadcast(&loop->called);
    pthread_mutex_unlock(&loop->lock);
    listener_stop(&loop->listener);
    eventfd_write(loop->bell, 1);
}

/* ----------------------------------------------------------------- threads */

static void *run_thread(void *context);

static void work(struct worker *worker)
{
    fuse_session_process_buf(worker->loop->listener.session, &worker->buffer);
}

static int start_thread(struct loop *loop)
{
    struct worker *worker = calloc(1, sizeof *worker);

    if (!worker)
        return ENOMEM;
    worker->loop = loop;
    int error = pthread_create(&loop->threads[loop->thread_count], NULL, run_thread, worker);
    if (error == 0)
        loop->thread_count++;
    else
        free(worker);
    return error;
}

/* Gives the role to a thread that is parked, or to a new one. Where there is none, a leader is the next thread that
 * becomes free, and a helper is not needed so much. */
static void call(struct loop *loop, enum role role)
{
    pthread_mutex_lock(&loop->lock);
    bool idle = loop->parked > loop->helpers_wanted + loop->leader_wanted;
    if (role == LEADER) {
        loop->leader_wanted = true;
    } else if (loop->helpers < loop->helpers_max && (idle || loop->thread_count < loop->threads_max)) {
        loop->helpers_wanted++;
        loop->helpers++;
    } else {
        idle = true; /* nothing is asked for */
    }
    pthread_cond_signal(&loop->called);
    if (!idle && !loop->ended && loop->thread_count < loop->threads_max)
        start_thread(loop);
    pthread_mutex_unlock(&loop->lock);
}

/* Parks until there is a call; false when the loop has ended. */
static bool await_call(struct loop *loop, enum role *role)
{
    pthread_mutex_lock(&loop->lock);
    loop->parked++;
    while (!loop->ended && !loop->leader_wanted && loop->helpers_wanted == 0)
        pthread_cond_wait(&loop->called, &loop->lock);
    loop->parked--;
    if (loop->leader_wanted) {
        *role = LEADER;
        loop->leader_wanted = false;
    } else if (loop->helpers_wanted > 0) {
        *role = HELPER;
        loop->helpers_wanted--;
    }
    pthread_mutex_unlock(&loop->lock);
    return !loop->ended;
}

/* The leader of that turn is free for the next; false if it is not the leader any more. */
static bool end_turn(struct loop *loop, uint_fast64_t turn)
{
    return atomic_compare_exchange_strong(&loop->turn, &turn, turn + 1);
}

/* That a request was there already makes no queue: a client on another CPU is as fast as that, and a helper would find
 * nothing. The role goes to another thread at once when this one is about to wait for the disk and somebody else waits
 * for this one: their syncs become one. */
static void lead(struct worker *worker)
{
    struct loop *loop = worker->loop;
    unsigned streak = 0;
    bool at_once;
    int got = 0;

    while (!loop->ended && (got = listener_await(&loop->listener, &worker->buffer, &at_once)) > 0) {
        streak = at_once && listener_has_more(&loop->listener) ? streak + 1 : 0;
        uint_fast64_t turn = atomic_fetch_add(&loop->turn, 1) + 1;
        if (atomic_load(&loop->asleep) && atomic_exchange(&loop->asleep, false))
            eventfd_write(loop->bell, 1);
        if (streak >= STREAK)
            call(loop, HELPER);
        if (transport_syncs() && listener_has_more(&loop->listener) && end_turn(loop, turn))
            call(loop, LEADER);
        work(worker);
        if (!end_turn(loop, turn))
            return;
    }
    end(loop, got);
}

static void help(struct worker *worker)
{
    struct loop *loop = worker->loop;
    int got;

    while (!loop->ended && (got = listener_receive(&loop->listener, &worker->buffer)) != 0) {
        if (got < 0)
            end(loop, got);
        else
            work(worker);
    }
    pthread_mutex_lock(&loop->lock);
    loop->helpers--;
    pthread_mutex_unlock(&loop->lock);
}

static void *run_thread(void *context)
{
    struct worker *worker = context;
    enum role role = HELPER;

    while (await_call(worker->loop, &role)) {
        if (role == LEADER)
            lead(worker);
        else
            help(worker);
    }
    free(worker->buffer.mem);
    free(worker);
    return NULL;
}

/* -------------------------------------------------------------- supervisor */

/* What one look at the leader tells: how long to wait for the next. */
static int supervise(struct loop *loop)
{
    uint_fast64_t turn = loop->turn;

    if (turn != loop->seen) {
        loop->seen = turn;
        return TICK_MS;
    }
    if (turn % 2 == 1) {
        if (end_turn(loop, turn))
            call(loop, LEADER);
        return TICK_MS;
    }
    loop->asleep = true;
    if (loop->turn == loop->seen)
        return -1;
    loop->asleep = false;
    return TICK_MS;
}

static enum loop_event wait_once(struct loop *loop, int fd, int timeout_ms)
{
    struct pollfd polls[] = { { .fd = loop->bell, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
    uint64_t rings;

    if (poll(polls, 2, timeout_ms) > 0 && polls[0].revents != 0 && read(loop->bell, &rings, sizeof rings) < 0)
        return LOOP_TIMEOUT; /* a bell that was rung for somebody before */
    loop->asleep = false;
    if (loop->ended)
        return loop->ended < 0 ? LOOP_FAILED : LOOP_ENDED;
    return polls[1].revents != 0 ? LOOP_READABLE : LOOP_TIMEOUT;
}

enum loop_event loop_wait(struct loop *loop, int fd, int timeout_ms)
{
    int64_t deadline = listener_now() + timeout_ms * MILLISECOND;

    for (;;) {
        int tick = supervise(loop);
        int64_t left = timeout_ms < 0 ? -1 : (deadline - listener_now()) / MILLISECOND;
        if (timeout_ms >= 0 && left <= 0)
            return LOOP_TIMEOUT;
        enum loop_event event = wait_once(loop, fd, tick < 0 || (left >= 0 && left < tick) ? (int)left : tick);
        if (event != LOOP_TIMEOUT)
            return event;
    }
}

/* --------------------------------------------------------------- its life */

struct loop *loop_start(struct fuse_session *session, unsigned threads, unsigned spin_us)
{
    struct loop *loop = calloc(1, sizeof *loop);
    cpu_set_t cpus;

    if (loop)
        loop->threads = calloc(threads, sizeof *loop->threads);
    if (!loop || !loop->threads) {
        complain("out of memory");
        free(loop);
        return NULL;
    }
    loop->threads_max = threads;
    loop->helpers_max = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (unsigned)CPU_COUNT(&cpus) : 1;
    loop->leader_wanted = true;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->called, NULL);
    int error = listener_init(&loop->listener, session, spin_us);
    loop->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (error == 0 && loop->bell < 0)
        error = errno;
    if (error == 0)
        error = start_thread(loop);
    if (error == 0)
        return loop;
    complain("cannot start to serve: %s", strerror(error));
    loop_free(loop);
    return NULL;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    end(loop, 0);
    for (unsigned i = 0; i < loop->thread_count; i++)
        pthread_join(loop->threads[i], NULL);
    listener_release(&loop->listener);
    if (loop->bell >= 0)
        close(loop->bell);
    pthread_cond_destroy(&loop->called);
    pthread_mutex_destroy(&loop->lock);
    free(loop->threads);
    free(loop);
}
