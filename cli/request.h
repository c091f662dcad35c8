/* request.h - the store_request that a command line's options stand for. */
#ifndef STORECTL_REQUEST_H
#define STORECTL_REQUEST_H

#include "command.h"

struct request {
    store_request it;
    uint64_t *versions;
    store_meta *meta;
    char *names; /* of meta */
};

/* Fills in what the options say; returns an exit status, reported. Release with
 * request_release, also after an error. */
int request_init(struct request *out, const struct cli *cli);
void request_release(struct request *request);

/* Ends a writing command: reports `code`, or prints the answer. Clears the answer. */
int finish_request(const struct cli *cli, int code, store_answer *answer, const char *location);

#endif
