/* export: which target it is, the run, and its counts. */
#include <errno.h>
#include <string.h>

#include "exporter.h"
#include "format.h"
#include "interrupt.h"
#include "print.h"

void exporter_count(struct exporter *exporter, uint64_t *counter, uint64_t bytes)
{
    (*counter)++;
    exporter->tally.bytes += bytes;
    progress_set(&exporter->progress, tally_objects(&exporter->tally), exporter->tally.bytes);
}

int exporter_refuse(struct exporter *exporter, int code, const char *location, const char *reason)
{
    progress_hide(&exporter->progress);
    complain(exporter->cli, code, location, "%s", reason);
    exporter->tally.refused++;
    return STATUS_DONE;
}

void exporter_skip(struct exporter *exporter, const char *location, const char *reason)
{
    progress_hide(&exporter->progress);
    fputs("storectl: ", stderr);
    print_text(stderr, location);
    fprintf(stderr, ": skipped: %s\n", reason);
    exporter->tally.skipped++;
}

int exporter_fail(struct exporter *exporter, const char *location, const char *what)
{
    int error = errno;

    progress_hide(&exporter->progress);
    complain(exporter->cli, STORE_IO, location, "%s: %s", what, strerror(error));
    return STATUS_FAILED;
}

static int finish(struct exporter *exporter, int status, const char *location, const char *target)
{
    progress_hide(&exporter->progress);
    if (exporter->lost)
        fputs("storectl: the file system did not take all metadata\n", stderr);
    if (interrupted())
        fputs("storectl: interrupted; run it again to go on\n", stderr);
    if (status != STATUS_DONE && tally_objects(&exporter->tally) == 0)
        return status;
    if (strcmp(target, "-") == 0) /* standard output is the data's */
        return status != STATUS_DONE ? status : exporter->tally.refused || interrupted() ? STATUS_NO : STATUS_DONE;
    int printed = tally_print(exporter->cli, &exporter->tally, "exported", location);
    if (status == STATUS_DONE)
        status = interrupted() ? STATUS_NO : printed;
    return status;
}

int cmd_export(struct cli *cli)
{
    const char *location = cli_argument(cli, 0), *target = cli_argument(cli, 1);
    struct exporter exporter = {.cli = cli, .replace = cli_has(cli, OPT_REPLACE)};
    enum format format;
    int status = format_of(&format, cli, target);

    if (status == STATUS_DONE && format == FORMAT_TREE && strcmp(target, "-") == 0)
        status = usage_error(cli, "a tree needs a directory");
    if (status != STATUS_DONE)
        return status;
    progress_begin(&exporter.progress, "export", 0);
    interrupt_watch(NULL);
    if (format == FORMAT_TREE)
        status = export_tree(&exporter, location, target);
    else
        status = export_json(&exporter, location, target, format == FORMAT_LINES);
    return finish(&exporter, status, location, target);
}
