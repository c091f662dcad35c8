/* patch: merge patch, JSON Patch, or a range of bytes. */
#include <stdlib.h>

#include "input.h"
#include "print.h"
#include "request.h"
#include "stream.h"

static int patch_range(struct cli *cli, struct input *input, const char *location, const store_request *request)
{
    store_writer *writer = NULL;
    store_answer answer = {0};
    uint64_t offset = 0;
    int status = cli_number(&offset, cli, OPT_OFFSET);

    if (status == STATUS_DONE) {
        int code = store_writer_open_range(&writer, cli->store, location, offset, request);
        status = code == STORE_OK ? STATUS_DONE : report(cli, code, location);
    }
    if (status == STATUS_DONE)
        status = stream_in(cli, writer, input, location);
    if (status == STATUS_DONE)
        status = finish_request(cli, store_writer_commit(&answer, writer), &answer, location);
    store_writer_close(writer);
    return status;
}

static int patch_json(struct cli *cli, struct input *input, const char *location, const store_request *request)
{
    store_patch_kind kind = cli_has(cli, OPT_JSON_PATCH) ? STORE_PATCH_JSON : STORE_PATCH_MERGE;
    store_answer answer = {0};
    char *body = NULL;
    size_t size;
    int status = input_all(&body, &size, cli, input, STORE_JSON_MAX);

    if (status == STATUS_DONE) {
        int code = store_patch(&answer, cli->store, location, kind, body, size, request);
        status = finish_request(cli, code, &answer, location);
    }
    free(body);
    return status;
}

int cmd_patch(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    struct request request = {0};
    struct input input;
    int status = input_open(&input, cli, cli_argument(cli, 1));

    if (status == STATUS_DONE && cli_has(cli, OPT_OFFSET) && cli_has(cli, OPT_JSON_PATCH))
        status = usage_error(cli, "--offset and --json-patch exclude each other");
    if (status == STATUS_DONE)
        status = request_init(&request, cli);
    if (status == STATUS_DONE && cli_has(cli, OPT_OFFSET))
        status = patch_range(cli, &input, location, &request.it);
    else if (status == STATUS_DONE)
        status = patch_json(cli, &input, location, &request.it);
    request_release(&request);
    input_close(&input);
    return status;
}
