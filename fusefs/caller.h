/* caller.h - who makes a request: is a FLUSH its opener's close, and is the writer being killed? */
#ifndef FUSEFS_CALLER_H
#define FUSEFS_CALLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The thread group of a thread id as the kernel gives it; 0 if it is not known here. */
pid_t caller_group(pid_t tid);
/* Is it dying of a signal (PF_SIGNALED in /proc/TID/stat)? False if it is not known. */
bool caller_killed(pid_t tid);
/* Has it a descriptor of a file with this inode number? False if it is not known. */
bool caller_holds(pid_t tid, uint64_t ino);

#endif
