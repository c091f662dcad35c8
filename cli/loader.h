/*
 * loader.h - many objects into the store: transactions of some hundred objects
 * each, counts that are true only once committed, and refusals that are told
 * and counted while the rest goes on.
 */
#ifndef STORECTL_LOADER_H
#define STORECTL_LOADER_H

#include "command.h"
#include "progress.h"
#include "tally.h"

struct loader {
    const struct cli *cli;
    bool replace;
    bool whole;           /* one transaction for all: the first refusal undoes it */
    store_txn *txn;       /* open, or NULL */
    unsigned steps;       /* in txn */
    uint64_t weight;      /* bytes in txn */
    struct tally pending; /* in txn */
    struct tally done;
    struct progress progress;
};

void loader_begin(struct loader *out, const struct cli *cli, uint64_t total);
/* The transaction to work in, begun when there is none. Returns an exit status, reported. */
int loader_txn(store_txn **out, struct loader *loader);
/* Counts one step of `bytes` inside the transaction, and commits when there are enough.
 * `counter` is a member of loader->pending, or NULL. */
int loader_step(struct loader *loader, uint64_t *counter, uint64_t bytes);
/* Commits what is open. */
int loader_flush(struct loader *loader);
/* Reports and counts what the store refused: STATUS_DONE to go on; otherwise the end. */
int loader_refuse(struct loader *loader, int code, const char *location, const char *where);
/* The same with a reason of storectl's own, which never is the end of all. */
int loader_reject(struct loader *loader, int code, const char *location, const char *where, const char *reason);
/* The same for something that is there already and different. */
int loader_conflict(struct loader *loader, const char *location, const char *where);
/* Commits or forgets what is open, tells how far it came, and gives the exit status. */
int loader_end(struct loader *loader, int status, const char *location);

/* A directory tree into the collection `location`. */
int import_tree(struct loader *loader, const char *location, const char *source);
/* Documents into the collection `location`: a .json array, or one a line. */
int import_json(struct loader *loader, const char *location, const char *source, bool lines);

#endif
