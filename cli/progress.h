/* progress.h - a line on a terminal that says how far a long command is; elsewhere nothing. */
#ifndef STORECTL_PROGRESS_H
#define STORECTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what;
    bool shown; /* standard error is a terminal */
    bool drawn; /* the line is there */
    uint64_t objects, bytes, total; /* total bytes; 0: unknown */
    int64_t began, last;            /* ns */
};

void progress_begin(struct progress *out, const char *what, uint64_t total);
/* Says how far it is; draws ten times a second. */
void progress_set(struct progress *progress, uint64_t objects, uint64_t bytes);
/* Takes the line away, so that a message can be written; the next progress_set draws it again. */
void progress_hide(struct progress *progress);

#endif
