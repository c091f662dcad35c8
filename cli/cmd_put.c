/* put: a body of any size, in constant memory; or a symbolic link. */
#include "input.h"
#include "print.h"
#include "request.h"
#include "stream.h"

static int put_body(struct cli *cli, const char *location, const store_request *request)
{
    store_writer *writer = NULL;
    store_answer answer = {0};
    struct input input;
    int status = input_open(&input, cli, cli_argument(cli, 1));

    if (status == STATUS_DONE) {
        int code = store_writer_open(&writer, cli->store, location, request);
        status = code == STORE_OK ? STATUS_DONE : report(cli, code, location);
    }
    if (status == STATUS_DONE)
        status = stream_in(cli, writer, &input, location);
    if (status == STATUS_DONE)
        status = finish_request(cli, store_writer_commit(&answer, writer), &answer, location);
    store_writer_close(writer);
    input_close(&input);
    return status;
}

static int put_link(struct cli *cli, const char *location, const store_request *request)
{
    store_answer answer = {0};

    if (cli_argument(cli, 1) || cli_has(cli, OPT_DATA))
        return usage_error(cli, "--link takes no FILE and no --data");
    int code = store_put_link(&answer, cli->store, location, cli_value(cli, OPT_LINK), request);
    return finish_request(cli, code, &answer, location);
}

int cmd_put(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    struct request request;
    int status = request_init(&request, cli);

    if (status == STATUS_DONE && cli_has(cli, OPT_LINK))
        status = put_link(cli, location, &request.it);
    else if (status == STATUS_DONE)
        status = put_body(cli, location, &request.it);
    request_release(&request);
    return status;
}
