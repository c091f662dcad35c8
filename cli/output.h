/* output.h - a file that appears only when it is complete, or standard output. */
#ifndef STORECTL_OUTPUT_H
#define STORECTL_OUTPUT_H

#include "command.h"

struct output {
    FILE *stream;
    const char *path; /* NULL: standard output */
    char *temporary;  /* where it is written; NULL: in place (a device, a pipe) */
};

/* Opens `path` (NULL: standard output). Returns an exit status, reported. Release with
 * output_close, also after an error. */
int output_open(struct output *out, const struct cli *cli, const char *path);
int output_write(const struct cli *cli, struct output *output, const void *bytes, size_t size);
/* Flushes, and gives the file its name. Returns an exit status, reported. */
int output_commit(const struct cli *cli, struct output *output);
/* Without a commit before it the temporary file goes. */
void output_close(struct output *output);

#endif
