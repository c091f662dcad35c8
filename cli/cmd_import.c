/* import: which source it is, then the loader. */
#include "format.h"
#include "loader.h"
#include "print.h"

int cmd_import(struct cli *cli)
{
    const char *location = cli_argument(cli, 0), *source = cli_argument(cli, 1);
    struct loader loader;
    enum format format;
    int status = format_of(&format, cli, source);

    if (status == STATUS_DONE && format != FORMAT_JSON && cli_has(cli, OPT_POINTER))
        status = usage_error(cli, "--pointer is for .json files");
    if (status == STATUS_DONE && format == FORMAT_TREE && cli_has(cli, OPT_KEY))
        status = usage_error(cli, "--key is for .json and .jsonl files");
    if (status != STATUS_DONE)
        return status;
    loader_begin(&loader, cli, 0);
    if (format == FORMAT_TREE)
        status = import_tree(&loader, location, source);
    else
        status = import_json(&loader, location, source, format == FORMAT_LINES);
    return loader_end(&loader, status, location);
}
