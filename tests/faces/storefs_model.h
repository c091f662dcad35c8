/*
 * storefs_model.h - random file operations on two directories in step: one is a mount of storefs, the other the
 * model, on a native file system. Results, errors, bytes and attributes must be the same.
 */
#ifndef STOREFS_MODEL_H
#define STOREFS_MODEL_H

#include <stdbool.h>

enum { MODEL_FILES = 6, HISTORY = 100, MOUNTED = 0, NATIVE = 1 };

struct model {
    int directory[2];
    int files[MODEL_FILES][2]; /* open in both; -1: closed */
    unsigned seed, first_seed, step;
    bool counts_directories;   /* the native file system has 2 and its subdirectories as a directory's links */
    bool zeroes_ranges;        /* and FALLOC_FL_ZERO_RANGE */
    char what[512];            /* the operation under way */
    char history[HISTORY][512];     /* and those before it */
};

/* Both directories are open, and empty. */
void model_begin(struct model *model, int mounted, int native, unsigned seed);
/* One more random operation on both; fails the test, telling the seed, the step and what went before. */
void model_step(struct model *model);
/* The trees are the same. */
void model_compare(struct model *model);
void model_close_files(struct model *model);

#endif
