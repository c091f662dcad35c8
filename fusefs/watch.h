/*
 * watch.h - what other faces change is told to the kernel, and so is what this
 * mount changes by itself: by a thread of its own, never from a request handler,
 * without any lock held. It sleeps in the store's change feed.
 */
#ifndef FUSEFS_WATCH_H
#define FUSEFS_WATCH_H

#include "fs.h"

int watch_start(struct fs *fs);
/* Ends the thread. */
void watch_stop(struct fs *fs);

/* A version that this mount made: the kernel knows. */
void watch_own(struct fs *fs, uint64_t version);
/* Counts what the thread has told. A reply whose operation began at another count than it ends at may be of the past:
 * the kernel is to ask again (watch_timeout). */
unsigned watch_count(const struct fs *fs);
double watch_timeout(const struct fs *fs, unsigned count);
/* The mount itself dropped a name, or the bytes of a node, of which the kernel does not know. */
void watch_name(struct fs *fs, uint64_t parent, const char *name);
void watch_node(struct fs *fs, uint64_t ino);

#endif
