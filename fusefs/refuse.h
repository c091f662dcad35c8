/*
 * refuse.h - a connection on which nobody serves requests any more, while what is staged is published: whoever still
 * asks gets an error, so that nobody (not the kernel either, which may hold locks that a notification waits for)
 * waits for an answer that does not come.
 */
#ifndef FUSEFS_REFUSE_H
#define FUSEFS_REFUSE_H

struct refuser;

/* Answers each request from the descriptor by ENOTCONN, in a thread of its own. NULL: no memory or no thread. */
struct refuser *refuse_start(int fd);
/* NULL is fine. */
void refuse_stop(struct refuser *refuser);

#endif
