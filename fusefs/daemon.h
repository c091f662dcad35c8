/* daemon.h - becoming a process in the background whose parent tells how the start went, and where messages go. */
#ifndef FUSEFS_DAEMON_H
#define FUSEFS_DAEMON_H

/* One message to the person who runs this: on standard error, "storefs: ..."; in the background, once the mount
 * works, to the system's log. From any thread. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Forks, before there are threads and before the store is opened (it must not cross a fork). The child gets -1. The
 * parent waits until the child calls daemon_ready() or ends, and gets the exit status to end with.
 */
int daemon_fork(void);
/* The mount works: the parent may end with status 0. From now on there is no terminal. */
void daemon_ready(void);

/* What a process that serves files should be like: many descriptors, no umask, and (where permitted) not waited for
 * by its own writes when memory is short. */
void daemon_settle(void);

#endif
