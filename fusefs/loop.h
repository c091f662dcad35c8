/*
 * loop.h - the threads that read requests from the kernel and work on them.
 *
 * One thread, the leader, listens, and works on what it reads itself: no request waits for
 * another thread to wake up. After a request it goes on looking for the next for a moment before it sleeps in the
 * kernel, since its client is likely to make one. When requests queue up, helpers are called, which read what is
 * there and go back to wait for a call. When the leader is stuck in a request (a commit, a large body), the
 * supervisor, which is the caller of loop_wait(), gives the role to another thread.
 */
#ifndef FUSEFS_LOOP_H
#define FUSEFS_LOOP_H

#include "fs.h"

struct loop;

/* Starts to serve the session (which is mounted and has answered INIT), with at most `threads` threads, of which the
 * leader spins for `spin` microseconds. NULL when told why not. */
struct loop *loop_start(struct fuse_session *session, unsigned threads, unsigned spin);

enum loop_event {
    LOOP_ENDED,    /* it was unmounted */
    LOOP_FAILED,   /* the same, by an error that was told */
    LOOP_READABLE, /* `fd` is */
    LOOP_TIMEOUT,
};

/* Waits for one of these, and supervises meanwhile. timeout_ms < 0: for ever. */
enum loop_event loop_wait(struct loop *loop, int fd, int timeout_ms);

/* Lets each thread finish its request, and ends them. NULL is fine. */
void loop_free(struct loop *loop);

#endif
