/* tally.h - what an import or an export did to how many objects. */
#ifndef STORECTL_TALLY_H
#define STORECTL_TALLY_H

#include "command.h"

struct tally {
    uint64_t created, updated, unchanged;
    uint64_t refused; /* there and different, or not accepted */
    uint64_t skipped; /* of a kind that cannot be carried over */
    uint64_t bytes;
};

uint64_t tally_objects(const struct tally *tally);
void tally_add(struct tally *to, const struct tally *from);
/* "imported /people: 249 created, ..." or JSON. Returns an exit status: STATUS_NO when some were refused. */
int tally_print(const struct cli *cli, const struct tally *tally, const char *did, const char *location);

#endif
