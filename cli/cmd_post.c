/* post: one object or an array of them, each merged or inserted. */
#include <stdlib.h>

#include "input.h"
#include "request.h"

int cmd_post(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    struct request request = {0};
    store_answer answer = {0};
    struct input input;
    char *body = NULL;
    size_t size;
    int status = input_open(&input, cli, cli_argument(cli, 1));

    if (status == STATUS_DONE)
        status = request_init(&request, cli);
    if (status == STATUS_DONE)
        status = input_all(&body, &size, cli, &input, STORE_JSON_MAX);
    if (status == STATUS_DONE) {
        int code = store_post(&answer, cli->store, location, body, size, &request.it);
        status = finish_request(cli, code, &answer, location);
    }
    free(body);
    request_release(&request);
    input_close(&input);
    return status;
}
