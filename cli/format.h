/* format.h - what an import reads and an export writes. */
#ifndef STORECTL_FORMAT_H
#define STORECTL_FORMAT_H

#include "command.h"

enum format { FORMAT_TREE, FORMAT_JSON, FORMAT_LINES };

/* By --format, else by the name's ending. Returns an exit status, reported. */
int format_of(enum format *out, const struct cli *cli, const char *name);

#endif
