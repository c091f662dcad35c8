/* The command line, parsed by the tables: options anywhere, "--" ends them. */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"

static enum option_id find_in(const enum option_id *list, const char *name, size_t length, char letter)
{
    for (; list && *list != OPT_END; list++) {
        const struct option_spec *spec = &option_table[*list];
        bool same = letter ? spec->letter == letter
                           : strlen(spec->name) == length && memcmp(spec->name, name, length) == 0;
        if (same)
            return *list;
    }
    return OPT_END;
}

static enum option_id find_option(const struct cli *cli, const char *name, size_t length, char letter)
{
    static const enum option_id hidden[] = {OPT_COMPLETE, OPT_END};
    enum option_id id = cli->command ? find_in(cli->command->options, name, length, letter) : OPT_END;

    if (id == OPT_END)
        id = find_in(global_options, name, length, letter);
    if (id == OPT_END && !cli->command)
        id = find_in(hidden, name, length, letter);
    return id;
}

static void keep_option(struct cli *cli, enum option_id id, const char *value)
{
    cli->options[cli->option_count++] = (struct option_value){id, value};
    if (id == OPT_JSON)
        cli->json = true;
    if (id == OPT_STORE)
        cli->store_path = value;
}

/* "--name", "--name=value" or "--name" "value"; moves *at over what it took. */
static int parse_long(struct cli *cli, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] ? name + length + 1 : NULL;
    enum option_id id = find_option(cli, name, length, 0);

    if (id == OPT_END)
        return usage_error(cli, "unknown option --%.*s", (int)length, name);
    if (!option_table[id].argument) {
        if (value)
            return usage_error(cli, "option --%s takes no value", option_table[id].name);
    } else if (!value && !(value = argv[++*at])) {
        return usage_error(cli, "option --%s needs %s", option_table[id].name, option_table[id].argument);
    }
    keep_option(cli, id, value);
    return STATUS_DONE;
}

/* "-lR", "-ofile" or "-o" "file". */
static int parse_short(struct cli *cli, char **argv, int *at)
{
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        enum option_id id = find_option(cli, NULL, 0, *letter);
        if (id == OPT_END)
            return usage_error(cli, "unknown option -%c", *letter);
        if (!option_table[id].argument) {
            keep_option(cli, id, NULL);
            continue;
        }
        const char *value = letter[1] ? letter + 1 : argv[++*at];
        if (!value)
            return usage_error(cli, "option -%c needs %s", *letter, option_table[id].argument);
        keep_option(cli, id, value);
        break;
    }
    return STATUS_DONE;
}

static int parse_word(struct cli *cli, const char *word)
{
    if (cli->command) {
        cli->arguments[cli->argument_count++] = word;
        return STATUS_DONE;
    }
    cli->command = command_find(word);
    return cli->command ? STATUS_DONE : usage_error(cli, "unknown command %s", word);
}

static int check_arguments(const struct cli *cli)
{
    const struct command *command = cli->command;

    if (cli_has(cli, OPT_HELP) || cli_has(cli, OPT_VERSION) || cli_has(cli, OPT_COMPLETE))
        return STATUS_DONE;
    if (!command)
        return usage_error(cli, "no command given");
    if (cli->argument_count < command->least)
        return usage_error(cli, "arguments are missing");
    if (command->most >= 0 && cli->argument_count > command->most)
        return usage_error(cli, "too many arguments");
    return STATUS_DONE;
}

int cli_parse(struct cli *out, int argc, char **argv)
{
    size_t room = (size_t)argc * 2 + 1; /* "-lR" is two options in one word, but never more than its letters */
    bool words_only = false;
    int status = STATUS_DONE;

    for (int i = 1; i < argc; i++)
        room += strlen(argv[i]);
    *out = (struct cli){.store_path = getenv("STORE")};
    if (out->store_path && !*out->store_path)
        out->store_path = NULL;
    out->options = calloc(room, sizeof *out->options);
    out->arguments = calloc((size_t)argc + 1, sizeof *out->arguments);
    if (!out->options || !out->arguments)
        return complain(out, STORE_NO_MEMORY, NULL, "out of memory");

    for (int i = 1; i < argc && status == STATUS_DONE; i++) {
        if (words_only || argv[i][0] != '-' || argv[i][1] == '\0')
            status = parse_word(out, argv[i]);
        else if (strcmp(argv[i], "--") == 0)
            words_only = true;
        else if (argv[i][1] == '-')
            status = parse_long(out, argv, &i);
        else
            status = parse_short(out, argv, &i);
    }
    return status == STATUS_DONE ? check_arguments(out) : status;
}

void cli_release(struct cli *cli)
{
    store_close(cli->store);
    free(cli->options);
    free(cli->arguments);
    *cli = (struct cli){0};
}

bool cli_has(const struct cli *cli, enum option_id id)
{
    return cli_times(cli, id) > 0;
}

const char *cli_value(const struct cli *cli, enum option_id id)
{
    for (size_t i = cli->option_count; i > 0; i--) {
        if (cli->options[i - 1].id == id)
            return cli->options[i - 1].value;
    }
    return NULL;
}

size_t cli_times(const struct cli *cli, enum option_id id)
{
    size_t times = 0;

    for (size_t i = 0; i < cli->option_count; i++)
        times += cli->options[i].id == id;
    return times;
}

const char *cli_argument(const struct cli *cli, int n)
{
    return n < cli->argument_count ? cli->arguments[n] : NULL;
}

int cli_number(uint64_t *out, const struct cli *cli, enum option_id id)
{
    const char *text = cli_value(cli, id);
    char *end;

    if (!text)
        return STATUS_DONE;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return usage_error(cli, "--%s: %s is no number", option_table[id].name, text);
    *out = number;
    return STATUS_DONE;
}
