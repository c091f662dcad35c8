/* mv and cp: whole subtrees, one transaction. */
#include "request.h"

typedef int transfer(store_answer *out, store *s, const char *from, const char *to, const store_request *request);

static int run(struct cli *cli, transfer *verb)
{
    const char *from = cli_argument(cli, 0), *to = cli_argument(cli, 1);
    struct request request;
    store_answer answer = {0};
    int status = request_init(&request, cli);

    if (status == STATUS_DONE)
        status = finish_request(cli, verb(&answer, cli->store, from, to, &request.it), &answer, from);
    request_release(&request);
    return status;
}

int cmd_mv(struct cli *cli)
{
    return run(cli, store_move);
}

int cmd_cp(struct cli *cli)
{
    return run(cli, store_copy);
}
