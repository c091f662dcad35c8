/* exporter.h - what every export counts and shows. */
#ifndef STORECTL_EXPORTER_H
#define STORECTL_EXPORTER_H

#include "progress.h"
#include "seen.h"
#include "tally.h"
#include "walk.h"

struct exporter {
    const struct cli *cli;
    bool replace;
    bool lost; /* some metadata found no place in the file system */
    struct seen seen; /* of the nodes with several names, where the first was written, below the target */
    struct tally tally;
    struct progress progress;
};

/* Counts one object of `bytes`; `counter` is a member of exporter->tally. */
void exporter_count(struct exporter *exporter, uint64_t *counter, uint64_t bytes);
/* Reports and counts what cannot be written; STATUS_DONE to go on, otherwise the end. */
int exporter_refuse(struct exporter *exporter, int code, const char *location, const char *reason);
/* Counts something that cannot be carried over, and says so. */
void exporter_skip(struct exporter *exporter, const char *location, const char *reason);
/* Reports errno and returns STATUS_FAILED. */
int exporter_fail(struct exporter *exporter, const char *location, const char *what);

/* Each returns STATUS_DONE when it came to its end, whatever it counted. */
int export_tree(struct exporter *exporter, const char *location, const char *target);
int export_json(struct exporter *exporter, const char *location, const char *target, bool lines);

/* export_node.c: one entry of a tree, below the open directory `dir`. */
int export_file(struct exporter *exporter, int dir, const struct walk_step *step);
int export_link(struct exporter *exporter, int dir, const struct walk_step *step);
/* Skipped where the process may not make it. */
int export_special(struct exporter *exporter, int dir, const struct walk_step *step);
/* Another name for the file `first` below the open directory `root`; *named is false if that cannot be. */
int export_name(bool *named, struct exporter *exporter, int root, const char *first, int dir,
                const struct walk_step *step);
/* Opens the directory, made when missing; *fd is -1 when it was refused. */
int export_directory_begin(int *fd, struct exporter *exporter, int dir, const struct walk_step *step);
/* Mode, owner, times and metadata of an open file or directory. */
int export_attributes(struct exporter *exporter, int fd, const char *location, const store_stat *stat);

#endif
