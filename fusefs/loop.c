/* loop.c - see loop.h. */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "transport.h"

#define MILLISECOND INT64_C(1000000)
#define TICK_MS 1   /* between two looks at the leader while there are requests */
#define STREAK 4    /* requests that were there already, one after the other, for the leader to call for help */
#define VAIN_MAX 8  /* spins in vain, one after the other, after which the leader does not spin for ... */
#define REST (50 * MILLISECOND)
#define PREEMPTED (MILLISECOND / 5) /* between two looks of a spin: another process had the CPU */

enum role { LEADER, HELPER };

struct loop {
    struct fuse_session *session;
    int fd;                    /* to the kernel; not blocking */
    int stop;                  /* readable when the threads are to end */
    int bell;                  /* wakes the supervisor */
    int64_t spin;              /* ns */
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
    unsigned vain;             /* the leader's: spins in vain since one that was not, ... */
    int64_t rest_until;        /* ... and when it may spin again */
};

struct worker {
    struct loop *loop;
    struct fuse_buf buffer;
};

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Tells the CPU that this is a loop of waiting. */
static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

static void ring(int eventfd)
{
    uint64_t one = 1;

    while (write(eventfd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

static void end(struct loop *loop, int how)
{
    pthread_mutex_lock(&loop->lock);
    if (!loop->ended)
        loop->ended = how;
    pthread_cond_broadcast(&loop->called);
    pthread_mutex_unlock(&loop->lock);
    ring(loop->stop);
    ring(loop->bell);
}

/* ---------------------------------------------------------------- requests */

/* One request into the buffer; false: there is none, or the loop has ended. */
static bool receive(struct worker *worker)
{
    struct loop *loop = worker->loop;

    if (loop->ended)
        return false;
    int got = fuse_session_receive_buf(loop->session, &worker->buffer);
    if (got > 0)
        return true;
    if (got != -EAGAIN && got != -EINTR)
        end(loop, got < 0 ? got : 1);
    return false;
}

static void work(struct worker *worker)
{
    fuse_session_process_buf(worker->loop->session, &worker->buffer);
}

/* Looks for the next request for a while. Whether the client is answered sooner depends on a CPU for each: where another
 * process got this one meanwhile, or clients take longer than this, the thread sleeps at once for some time. */
static bool spin(struct worker *worker, int64_t began)
{
    struct loop *loop = worker->loop;
    int64_t last = began, time;
    bool found;

    do {
        relax();
        found = receive(worker);
        time = now();
        if (time - last > PREEMPTED)
            loop->rest_until = time + REST;
        last = time;
    } while (!found && !loop->ended && time < began + loop->spin);

    loop->vain = found ? 0 : loop->vain + 1;
    if (loop->vain >= VAIN_MAX)
        loop->rest_until = time + REST;
    return found;
}

static void sleep_for_request(struct loop *loop)
{
    struct pollfd polls[] = { { .fd = loop->fd, .events = POLLIN }, { .fd = loop->stop, .events = POLLIN } };

    poll(polls, 2, -1);
}

/* The leader's next request; false when the loop has ended. */
static bool await_request(struct worker *worker, unsigned *streak)
{
    struct loop *loop = worker->loop;

    ++*streak;
    if (receive(worker))
        return true;
    *streak = 0;
    int64_t began = now();
    if (loop->spin > 0 && began >= loop->rest_until && spin(worker, began))
        return true;
    while (!loop->ended) {
        sleep_for_request(loop);
        if (receive(worker))
            return true;
    }
    return false;
}

/* ----------------------------------------------------------------- threads */

static void *run_thread(void *context);

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

/* Is there another request? */
static bool is_waiting(const struct loop *loop)
{
    struct pollfd more = { .fd = loop->fd, .events = POLLIN };

    return poll(&more, 1, 0) > 0;
}

/* The role goes to another thread at once when this one is about to wait for the disk and somebody else waits for
 * this one: their syncs become one. */
static void lead(struct worker *worker)
{
    struct loop *loop = worker->loop;
    unsigned streak = 0;

    while (await_request(worker, &streak)) {
        uint_fast64_t turn = atomic_fetch_add(&loop->turn, 1) + 1;
        if (atomic_load(&loop->asleep) && atomic_exchange(&loop->asleep, false))
            ring(loop->bell);
        if (streak >= STREAK)
            call(loop, HELPER);
        if (transport_syncs() && is_waiting(loop) && end_turn(loop, turn))
            call(loop, LEADER);
        work(worker);
        if (!end_turn(loop, turn))
            return;
    }
}

static void help(struct worker *worker)
{
    struct loop *loop = worker->loop;

    while (receive(worker))
        work(worker);
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
    int64_t deadline = now() + timeout_ms * MILLISECOND;

    for (;;) {
        int tick = supervise(loop);
        int64_t left = timeout_ms < 0 ? -1 : (deadline - now()) / MILLISECOND;
        if (timeout_ms >= 0 && left <= 0)
            return LOOP_TIMEOUT;
        enum loop_event event = wait_once(loop, fd, tick < 0 || (left >= 0 && left < tick) ? (int)left : tick);
        if (event != LOOP_TIMEOUT)
            return event;
    }
}

/* --------------------------------------------------------------- its life */

static int open_descriptors(struct loop *loop)
{
    loop->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int flags = fcntl(loop->fd, F_GETFL);
    if (loop->stop < 0 || loop->bell < 0 || flags < 0 || fcntl(loop->fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return errno;
    return 0;
}

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
    loop->session = session;
    loop->fd = fuse_session_fd(session);
    loop->spin = spin_us * INT64_C(1000);
    loop->threads_max = threads;
    loop->helpers_max = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (unsigned)CPU_COUNT(&cpus) : 1;
    loop->leader_wanted = true;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->called, NULL);
    int error = open_descriptors(loop);
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
    end(loop, 1);
    for (unsigned i = 0; i < loop->thread_count; i++)
        pthread_join(loop->threads[i], NULL);
    close(loop->stop);
    close(loop->bell);
    pthread_cond_destroy(&loop->called);
    pthread_mutex_destroy(&loop->lock);
    free(loop->threads);
    free(loop);
}
