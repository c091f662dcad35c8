/* storectl: parse by the tables, open the store, run the command, check the output, exit. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "command.h"
#include "print.h"

static int open_store(struct cli *cli)
{
    if (cli->command->need == NEED_NOTHING)
        return STATUS_DONE;
    if (!cli->store_path)
        return usage_error(cli, "no store given: use -s STORE or set $STORE");
    if (cli->command->need == NEED_PATH)
        return STATUS_DONE;
    return cli_open_for(cli, cli->command->need == NEED_WRITER);
}

static int run(struct cli *cli)
{
    if (cli_has(cli, OPT_COMPLETE)) {
        help_completion(stdout);
        return STATUS_DONE;
    }
    if (cli_has(cli, OPT_HELP)) {
        if (cli->command)
            help_command(stdout, cli->command);
        else
            help_program(stdout);
        return STATUS_DONE;
    }
    if (cli_has(cli, OPT_VERSION)) {
        printf("storectl %s\n", store_library_version());
        return STATUS_DONE;
    }
    int status = open_store(cli);
    return status == STATUS_DONE ? cli->command->run(cli) : status;
}

/* What was printed counts only when it arrived. A closed pipe needs no words. */
static int finish_output(const struct cli *cli, int status)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout);

    if (!failed)
        return status;
    if (errno != EPIPE)
        complain(cli, STORE_IO, NULL, "cannot write to standard output: %s", strerror(errno));
    return STATUS_FAILED;
}

int cmd_help(struct cli *cli)
{
    const char *name = cli_argument(cli, 0);
    const struct command *command = name ? command_find(name) : NULL;

    if (name && !command)
        return usage_error(cli, "unknown command %s", name);
    if (command)
        help_command(stdout, command);
    else
        help_program(stdout);
    return STATUS_DONE;
}

int main(int argc, char **argv)
{
    struct cli cli;

    signal(SIGPIPE, SIG_IGN);
    int status = cli_parse(&cli, argc, argv);
    if (status == STATUS_DONE)
        status = run(&cli);
    status = finish_output(&cli, status);
    cli_release(&cli);
    return status;
}
