/* From options to a store_request. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "print.h"

static const struct {
    enum option_id option;
    unsigned flag;
} option_flags[] = {
    {OPT_REPLACE, STORE_REPLACE},     {OPT_NOREPLACE, STORE_NOREPLACE},
    {OPT_INSERT, STORE_INSERT},       {OPT_NOINSERT, STORE_NOINSERT},
    {OPT_RECURSIVE, STORE_RECURSIVE}, {OPT_PARENTS, STORE_PARENTS},
    {OPT_PARTIAL, STORE_PARTIAL},     {OPT_DRY_RUN, STORE_DRY_RUN},
    {OPT_META, STORE_SET_META},       {OPT_IF_NONE_MATCH, STORE_IF_NONE_MATCH_ANY},
};

static int add_version(struct request *request, const struct cli *cli, const char *text)
{
    if (strcmp(text, "*") == 0) {
        request->it.flags |= STORE_IF_MATCH_ANY;
        return STATUS_DONE;
    }
    if (!store_version_parse(&request->versions[request->it.if_match_count], text))
        return usage_error(cli, "--if-match: %s is neither 16 hex digits nor *", text);
    request->it.if_match_count++;
    return STATUS_DONE;
}

/* Copies the name of NAME=VALUE to `names`, where it ends with a NUL, and moves that on. */
static int add_meta(struct request *request, const struct cli *cli, const char *text, char **names)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text)
        return usage_error(cli, "--meta: %s is not NAME=VALUE", text);
    size_t length = (size_t)(equals - text);
    memcpy(*names, text, length);
    request->meta[request->it.meta_count++] = (store_meta){*names, equals + 1, strlen(equals + 1)};
    *names += length + 1;
    return STATUS_DONE;
}

int request_init(struct request *out, const struct cli *cli)
{
    size_t room = 1;
    int status = STATUS_DONE;

    *out = (struct request){.it = STORE_REQUEST_INIT};
    for (size_t i = 0; i < sizeof option_flags / sizeof *option_flags; i++) {
        if (cli_has(cli, option_flags[i].option))
            out->it.flags |= option_flags[i].flag;
    }
    for (size_t i = 0; i < cli->option_count; i++)
        room += cli->options[i].id == OPT_META ? strlen(cli->options[i].value) + 1 : 0;
    out->it.type = cli_value(cli, OPT_TYPE);
    out->versions = calloc(cli_times(cli, OPT_IF_MATCH) + 1, sizeof *out->versions);
    out->meta = calloc(cli_times(cli, OPT_META) + 1, sizeof *out->meta);
    out->names = calloc(room, 1);
    if (!out->versions || !out->meta || !out->names)
        return complain(cli, STORE_NO_MEMORY, NULL, "out of memory");
    out->it.if_match = out->versions;
    out->it.meta = out->meta;

    char *names = out->names;
    for (size_t i = 0; i < cli->option_count && status == STATUS_DONE; i++) {
        if (cli->options[i].id == OPT_IF_MATCH)
            status = add_version(out, cli, cli->options[i].value);
        else if (cli->options[i].id == OPT_META)
            status = add_meta(out, cli, cli->options[i].value, &names);
    }
    return status;
}

void request_release(struct request *request)
{
    free(request->versions);
    free(request->meta);
    free(request->names);
    *request = (struct request){0};
}

int finish_request(const struct cli *cli, int code, store_answer *answer, const char *location)
{
    int status = code == STORE_OK ? print_answer(cli, stdout, answer) : report(cli, code, location);

    store_answer_clear(answer);
    return status;
}
