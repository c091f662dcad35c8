/* listen.c - see listen.h. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND INT64_C(1000000)
#define VAIN_MAX 8  /* spins in vain, one after the other, after which there is none for ... */
#define REST (50 * MILLISECOND)
#define PREEMPTED (MILLISECOND / 5) /* between two looks of a spin: another process had the CPU */

int64_t listener_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int listener_init(struct listener *listener, struct fuse_session *session, unsigned spin_us)
{
    *listener = (struct listener){ .session = session, .fd = fuse_session_fd(session), .spin = spin_us * INT64_C(1000) };
    listener->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int flags = fcntl(listener->fd, F_GETFL);
    if (listener->stop < 0 || flags < 0 || fcntl(listener->fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return errno;
    return 0;
}

void listener_release(struct listener *listener)
{
    if (listener->stop >= 0)
        close(listener->stop);
}

void listener_stop(struct listener *listener)
{
    eventfd_write(listener->stop, 1);
}

int listener_receive(struct listener *listener, struct fuse_buf *buffer)
{
    int got = fuse_session_receive_buf(listener->session, buffer);

    if (got > 0)
        return 1;
    if (got == -EAGAIN || got == -EINTR)
        return 0;
    return got < 0 ? got : -ENODEV;
}

bool listener_has_more(const struct listener *listener)
{
    struct pollfd more = { .fd = listener->fd, .events = POLLIN };

    return poll(&more, 1, 0) > 0;
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

/*
 * Looks for the next request for a while. A client that waits for each answer gets it sooner so, if there is a CPU
 * for each of the two. Where another process had this one meanwhile, or requests come less often, the thread
 * sleeps at once for some time.
 */
static int spin(struct listener *listener, struct fuse_buf *buffer, int64_t began)
{
    int64_t last = began, time;
    int got;

    do {
        relax();
        got = listener_receive(listener, buffer);
        time = listener_now();
        if (time - last > PREEMPTED)
            listener->rest_until = time + REST;
        last = time;
    } while (got == 0 && time < began + listener->spin);

    listener->vain = got != 0 ? 0 : listener->vain + 1;
    if (listener->vain >= VAIN_MAX)
        listener->rest_until = time + REST;
    return got;
}

/* False when stopped. */
static bool sleep_for_request(const struct listener *listener)
{
    struct pollfd polls[] = { { .fd = listener->fd, .events = POLLIN }, { .fd = listener->stop, .events = POLLIN } };

    poll(polls, 2, -1);
    return polls[1].revents == 0;
}

int listener_await(struct listener *listener, struct fuse_buf *buffer, bool *at_once)
{
    int got = listener_receive(listener, buffer);

    *at_once = got != 0;
    if (got != 0)
        return got;
    int64_t began = listener_now();
    if (listener->spin > 0 && began >= listener->rest_until)
        got = spin(listener, buffer, began);
    while (got == 0 && sleep_for_request(listener))
        got = listener_receive(listener, buffer);
    return got;
}
