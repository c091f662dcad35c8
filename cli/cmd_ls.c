/* ls: a listing, streamed: names, lines, or one JSON array. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "print.h"
#include "walk.h"

/* --where NAME=VALUE into fields; the names are cut off in `names`. */
static int read_where(const struct cli *cli, store_field *fields, char *names)
{
    size_t count = 0;

    for (size_t i = 0; i < cli->option_count; i++) {
        if (cli->options[i].id != OPT_WHERE)
            continue;
        const char *text = cli->options[i].value, *equals = strchr(text, '=');
        if (!equals || equals == text)
            return usage_error(cli, "--where: %s is not NAME=VALUE", text);
        size_t length = (size_t)(equals - text);
        memcpy(names, text, length);
        names[length] = '\0';
        fields[count++] = (store_field){names, equals + 1};
        names += length + 1;
    }
    return STATUS_DONE;
}

static size_t where_room(const struct cli *cli)
{
    size_t room = 1;

    for (size_t i = 0; i < cli->option_count; i++)
        room += cli->options[i].id == OPT_WHERE ? strlen(cli->options[i].value) + 1 : 0;
    return room;
}

/* The size, or of a device its number. */
static void measure(char text[32], const store_stat *stat)
{
    if (S_ISCHR(stat->special) || S_ISBLK(stat->special))
        snprintf(text, 32, "%u,%u", major(stat->device), minor(stat->device));
    else
        snprintf(text, 32, "%llu", (unsigned long long)stat->size);
}

static void print_long(const struct walk_step *step, const char *name)
{
    char version[17], modified[TIME_TEXT_SIZE], size[32];
    const store_stat *stat = step->stat;

    measure(size, stat);
    printf("%-10s %12s  %s  %s  ", store_kind_name(stat->kind), size, store_version_text(version, stat->version),
           time_text(modified, stat->modified, false));
    printf("%-24s  ", *stat->type ? stat->type : "-");
    print_text(stdout, name);
    fputc('\n', stdout);
}

static int print_step(const struct cli *cli, const struct walk_step *step, uint64_t count)
{
    if (cli->json) {
        json_t *entry = entry_json(step->name, step->location, step->stat);
        fputs(count ? "," : "[", stdout);
        int status = print_json(cli, stdout, entry);
        return status;
    }
    const char *name = cli_has(cli, OPT_DEEP) ? step->relative : step->name;
    if (cli_has(cli, OPT_LONG)) {
        print_long(step, name);
    } else {
        print_text(stdout, name);
        fputc('\n', stdout);
    }
    return STATUS_DONE;
}

static int list(const struct cli *cli, const char *location, const store_list_options *options, uint64_t limit)
{
    struct walk walk;
    struct walk_step step;
    uint64_t count = 0;
    int status = STATUS_DONE;
    int code = walk_open(&walk, cli->store, location, options, cli_has(cli, OPT_DEEP));

    while (code == STORE_OK && status == STATUS_DONE && (!limit || count < limit) && !ferror(stdout)) {
        code = walk_next(&step, &walk);
        if (code == STORE_OK && !step.leave)
            status = print_step(cli, &step, count++);
    }
    walk_close(&walk);
    if (status != STATUS_DONE)
        return status;
    if (code != STORE_OK && code != STORE_END)
        return report(cli, code, location);
    if (cli->json)
        fputs(count ? "]\n" : "[]\n", stdout);
    return STATUS_DONE;
}

int cmd_ls(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    store_list_options options = STORE_LIST_OPTIONS_INIT;
    size_t wheres = cli_times(cli, OPT_WHERE);
    uint64_t limit = 0;
    int status = cli_number(&limit, cli, OPT_LIMIT);

    options.prefix = cli_value(cli, OPT_PREFIX);
    options.after = cli_value(cli, OPT_AFTER);
    options.order_by = cli_value(cli, OPT_BY);
    options.reverse = cli_has(cli, OPT_REVERSE);
    if (status == STATUS_DONE && cli_has(cli, OPT_DEEP) &&
        (options.prefix || options.after || options.order_by || wheres))
        status = usage_error(cli, "-R goes with neither --prefix, --after, --where nor --by");
    if (cli_has(cli, OPT_LIMIT) && limit == 0 && status == STATUS_DONE)
        status = usage_error(cli, "--limit 0 lists nothing");
    if (!cli_has(cli, OPT_DEEP))
        options.limit = limit;

    store_field *fields = calloc(wheres + 1, sizeof *fields);
    char *names = calloc(where_room(cli), 1);
    if (status == STATUS_DONE && (!fields || !names))
        status = complain(cli, STORE_NO_MEMORY, NULL, "out of memory");
    if (status == STATUS_DONE)
        status = read_where(cli, fields, names);
    options.where = fields;
    options.where_count = wheres;
    if (status == STATUS_DONE)
        status = list(cli, location ? location : "/", &options, limit);
    free(fields);
    free(names);
    return status;
}
