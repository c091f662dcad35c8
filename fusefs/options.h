/* options.h - storefs's command line. */
#ifndef FUSEFS_OPTIONS_H
#define FUSEFS_OPTIONS_H

#include "fs.h"

/* What the program ends with (SPEC 5). */
enum exit_status {
    STATUS_DONE = 0,
    STATUS_NO = 1,     /* it cannot be mounted: no such store, no such directory, a dead mount there, not permitted */
    STATUS_USAGE = 2,  /* the command line itself is wrong */
    STATUS_FAILED = 3, /* the store, or the connection to the kernel, failed */
};

struct options {
    struct fs_options fs;      /* what the operations want to know */
    struct fuse_args fuse;     /* what libfuse and the kernel want to know */
    unsigned threads;          /* the most that work on requests */
    unsigned spin;             /* microseconds that a thread looks for the next request before it sleeps */
    unsigned linger;           /* seconds that open files may keep a daemon that was told to end */
    bool allow_other;
    bool help, version;        /* nothing else was parsed then */
};

/* Parses argv and makes the paths of the store and the mount point absolute. STATUS_DONE, or a status whose reason
 * was told. Release in either case. */
int options_parse(struct options *out, int argc, char **argv);
void options_release(struct options *options);

void options_help(void);

#endif
