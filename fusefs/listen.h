/* listen.h - the next request of the kernel: looked for, or waited for. */
#ifndef FUSEFS_LISTEN_H
#define FUSEFS_LISTEN_H

#include "fs.h"

struct listener {
    struct fuse_session *session;
    int fd;             /* to the kernel; not blocking */
    int stop;           /* readable when nobody is to wait any more */
    int64_t spin;       /* ns to look for the next request before sleeping */
    unsigned vain;      /* spins in vain since one that was not, ... */
    int64_t rest_until; /* ... and when there may be one again */
};

/* 0 or an errno. Release in either case. */
int listener_init(struct listener *listener, struct fuse_session *session, unsigned spin_us);
void listener_release(struct listener *listener);

/* Reads one request: 1. 0 if there is none, a negative errno at the end of the connection (ENODEV: unmounted). From
 * any thread. */
int listener_receive(struct listener *listener, struct fuse_buf *buffer);
/* Waits for one, and tells whether it was there already: as above, 0 when stopped. One thread at a time. */
int listener_await(struct listener *listener, struct fuse_buf *buffer, bool *at_once);
/* Is there another? */
bool listener_has_more(const struct listener *listener);
/* Whoever waits, now or later, waits no longer. */
void listener_stop(struct listener *listener);

/* Nanoseconds of a clock that only goes forward. */
int64_t listener_now(void);

#endif
