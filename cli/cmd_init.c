/* init: a new store. One that is there already is left alone and is a true "no". */
#include "print.h"

int cmd_init(struct cli *cli)
{
    store_options options = STORE_OPTIONS_INIT;
    int code = store_open(&cli->store, cli->store_path, &options);

    if (code == STORE_OK)
        return complain(cli, STORE_KEY_CONFLICT, cli->store_path, "there is a store already");
    if (code != STORE_NOT_FOUND) {
        report(cli, code, cli->store_path);
        return STATUS_FAILED;
    }
    options.flags = STORE_OPEN_CREATE;
    int status = cli_open_store(cli, &options);
    if (status != STATUS_DONE)
        return status;
    if (cli->json)
        return print_json(cli, stdout,
                          json_pack("{s:s, s:s}", "outcome", "created", "path", store_path(cli->store)));
    printf("created %s\n", store_path(cli->store));
    return STATUS_DONE;
}
