/*
 * process.h - programs that the benchmark runs. Arguments begin with the program and end with NULL.
 */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <sys/types.h>

#include "bench.h"

/* Starts a program, by its path or as the shell finds it. What it prints goes to the file `output`, or
 * nowhere if that is NULL; its complaints to the file `errors`, or to ours. It dies with the calling
 * thread. */
pid_t process_start(const char *const *arguments, const char *output, const char *errors);
/* Whether it has ended; process_wait() is due all the same. */
bool process_ended(pid_t id);
/* Fails the run, with this name, unless it ends with status 0. */
void process_wait(pid_t id, const char *name);
/* Both, with its complaints among ours. */
void process_run(const char *const *arguments, const char *output);
/* The first line that a shell's command prints. `out` stays as it is if there is none. */
void process_says(char *out, size_t size, const char *command);
/* The path of a file given relative to the folder of this program, to be freed; fails the run if it is not there. */
char *process_beside(const char *name);

#endif
