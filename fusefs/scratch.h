/* scratch.h - names that editors and systems make for themselves, and that a typed collection never gets. PURE. */
#ifndef FUSEFS_SCRATCH_H
#define FUSEFS_SCRATCH_H

#include <stdbool.h>
#include <sys/types.h>

/* SPEC 7: ".*", "*~", "#*#", "4913", "*.swp". */
bool scratch_name(const char *name);
/* Was the file made as mkstemp(3) makes files, under a name of its own for the moment, to be renamed when it is
 * done (sed -i, perl -i)? `flags` and `mode` are those of open(2). */
bool scratch_open(int flags, mode_t mode);

#endif
