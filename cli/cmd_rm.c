/* rm: DELETE. */
#include "request.h"

int cmd_rm(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    struct request request;
    store_answer answer = {0};
    int status = request_init(&request, cli);

    if (status == STATUS_DONE)
        status = finish_request(cli, store_delete(&answer, cli->store, location, &request.it), &answer, location);
    request_release(&request);
    return status;
}
