/* define: set, show or take away the definition of a collection. */
#include <stdlib.h>

#include "input.h"
#include "print.h"
#include "request.h"

static int show(struct cli *cli, const char *location)
{
    char *text;
    size_t size;
    int code = store_definition_get(&text, &size, cli->store, location, NULL);

    if (code != STORE_OK)
        return report(cli, code, location);
    fwrite(text, 1, size, stdout);
    if (size && text[size - 1] != '\n')
        fputc('\n', stdout);
    store_free(text);
    return STATUS_DONE;
}

static int set(struct cli *cli, const char *location, const char *text, size_t size)
{
    struct request request;
    store_answer answer = {0};
    int status = request_init(&request, cli);

    if (status == STATUS_DONE) {
        int code = store_define(&answer, cli->store, location, text, size, &request.it);
        status = finish_request(cli, code, &answer, location);
    }
    request_release(&request);
    return status;
}

int cmd_define(struct cli *cli)
{
    const char *location = cli_argument(cli, 0), *file = cli_argument(cli, 1);
    bool given = file || cli_has(cli, OPT_DATA), plain = cli_has(cli, OPT_PLAIN);
    struct input input;
    char *text = NULL;
    size_t size;

    if (given && plain)
        return usage_error(cli, "--plain takes no definition");
    if (!given && !plain && (cli_has(cli, OPT_DRY_RUN) || cli_has(cli, OPT_PARENTS)))
        return usage_error(cli, "no definition given: FILE, - or --data TEXT");
    int status = cli_open_for(cli, given || plain);
    if (status != STATUS_DONE)
        return status;
    if (plain)
        return set(cli, location, NULL, 0);
    if (!given)
        return show(cli, location);
    status = input_open(&input, cli, file);
    if (status == STATUS_DONE)
        status = input_all(&text, &size, cli, &input, STORE_JSON_MAX);
    if (status == STATUS_DONE)
        status = set(cli, location, text, size);
    free(text);
    input_close(&input);
    return status;
}
