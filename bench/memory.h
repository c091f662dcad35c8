/* memory.h - how large a process becomes while something is done. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "bench.h"

/* What a process has of its own (RssAnon): the pages of mapped files are the system's, which takes them back when it
 * needs them. */
double memory_own_mib(pid_t process);
/* All that is mapped and in memory, with the pages of files. */
double memory_resident_mib(pid_t process);

/* A thread that looks, while others work, how much of its own a process has. */
struct memory_watch {
    pid_t process;
    pthread_t thread;
    atomic_bool ended;
    double before, most; /* MiB; most: when the watch has ended */
};

void memory_watch_begin(struct memory_watch *watch, pid_t process);
void memory_watch_end(struct memory_watch *watch);

#endif
