/* backup and compact: whole files, with a progress line. */
#include "interrupt.h"
#include "print.h"
#include "progress.h"

static int show_progress(uint64_t done, uint64_t total, void *payload)
{
    struct progress *progress = payload;

    progress->total = total;
    progress_set(progress, 0, done);
    return interrupted();
}

int cmd_backup(struct cli *cli)
{
    const char *target = cli_argument(cli, 0);
    struct progress progress;
    char size[SIZE_TEXT_SIZE];

    progress_begin(&progress, "backup", 0);
    interrupt_watch(NULL);
    int code = store_backup(cli->store, target, show_progress, &progress);
    progress_hide(&progress);
    if (code != STORE_OK && interrupted()) {
        fputs("storectl: interrupted; nothing is left of the copy\n", stderr);
        return STATUS_NO;
    }
    if (code != STORE_OK)
        return report(cli, code, target);
    if (cli->json)
        return print_json(cli, stdout,
                          json_pack("{s:s, s:s, s:I}", "outcome", "created", "path", target, "bytes",
                                    (json_int_t)progress.bytes));
    printf("created %s  %s\n", target, size_text(size, progress.bytes));
    return STATUS_DONE;
}

int cmd_compact(struct cli *cli)
{
    char old_size[SIZE_TEXT_SIZE], new_size[SIZE_TEXT_SIZE];
    uint64_t before, after;
    int code = store_compact(cli->store_path, &before, &after);

    if (code != STORE_OK) {
        report(cli, code, cli->store_path);
        return STATUS_FAILED;
    }
    if (cli->json)
        return print_json(cli, stdout,
                          json_pack("{s:I, s:I}", "before", (json_int_t)before, "after", (json_int_t)after));
    printf("compacted from %s to %s\n", size_text(old_size, before), size_text(new_size, after));
    return STATUS_DONE;
}
