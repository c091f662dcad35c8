/* mkdir: a plain collection. */
#include "request.h"

int cmd_mkdir(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    struct request request;
    store_answer answer = {0};
    int status = request_init(&request, cli);

    if (status == STATUS_DONE) {
        int code = store_make_collection(&answer, cli->store, location, &request.it);
        status = finish_request(cli, code, &answer, location);
    }
    request_release(&request);
    return status;
}
