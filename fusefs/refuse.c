/* refuse.c - see refuse.h. */
#include "refuse.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The kernel wants room for the largest request that there may be; only what comes is touched. */
#define REQUEST_MAX (16u << 20)

struct refuser {
    pthread_t thread;
    int fd;
    int stop; /* eventfd */
    struct fuse_in_header *request;
};

/* False at the end of the connection. */
static bool refuse_one(struct refuser *refuser)
{
    const struct fuse_in_header *request = refuser->request;
    ssize_t got = read(refuser->fd, refuser->request, REQUEST_MAX);

    if (got < (ssize_t)sizeof *request)
        return got < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOENT);
    if (request->opcode == FUSE_FORGET || request->opcode == FUSE_BATCH_FORGET || request->opcode == FUSE_INTERRUPT)
        return true;
    struct fuse_out_header reply = { .len = sizeof reply, .error = -ENOTCONN, .unique = request->unique };
    return write(refuser->fd, &reply, sizeof reply) >= 0 || errno == ENOENT; /* ENOENT: it was interrupted */
}

static void *run_refuser(void *context)
{
    struct refuser *refuser = context;
    struct pollfd polls[] = { { .fd = refuser->stop, .events = POLLIN }, { .fd = refuser->fd, .events = POLLIN } };

    do
        poll(polls, 2, -1);
    while (polls[0].revents == 0 && (polls[1].revents == 0 || refuse_one(refuser)));
    return NULL;
}

static void release(struct refuser *refuser)
{
    if (refuser->stop >= 0)
        close(refuser->stop);
    free(refuser->request);
    free(refuser);
}

struct refuser *refuse_start(int fd)
{
    struct refuser *refuser = calloc(1, sizeof *refuser);

    if (!refuser)
        return NULL;
    refuser->fd = fd;
    refuser->stop = eventfd(0, EFD_CLOEXEC);
    refuser->request = malloc(REQUEST_MAX);
    if (refuser->stop >= 0 && refuser->request && pthread_create(&refuser->thread, NULL, run_refuser, refuser) == 0)
        return refuser;
    release(refuser);
    return NULL;
}

void refuse_stop(struct refuser *refuser)
{
    if (!refuser)
        return;
    eventfd_write(refuser->stop, 1);
    pthread_join(refuser->thread, NULL);
    release(refuser);
}
