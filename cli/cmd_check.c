/* check: every finding as it comes, then a summary. */
#include "print.h"

struct findings {
    json_t *list; /* --json gathers them */
};

static int show_finding(const store_finding *finding, void *payload)
{
    struct findings *findings = payload;

    if (findings->list) {
        json_array_append_new(findings->list,
                              json_pack("{s:s, s:s*, s:s, s:b}", "kind", finding->kind, "location",
                                        finding->location, "detail", finding->detail, "repaired",
                                        finding->repaired));
        return 0;
    }
    printf("%s ", finding->kind);
    if (finding->location) {
        print_text(stdout, finding->location);
        fputs(": ", stdout);
    }
    print_text(stdout, finding->detail);
    puts(finding->repaired ? "  (repaired)" : "");
    return 0;
}

static int summarize(const struct cli *cli, const store_check_report *sum, json_t *list)
{
    if (cli->json)
        return print_json(cli, stdout,
                          json_pack("{s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "findings", list, "found",
                                    (json_int_t)sum->findings, "repaired", (json_int_t)sum->repaired, "objects",
                                    (json_int_t)sum->objects, "collections", (json_int_t)sum->collections,
                                    "chunks", (json_int_t)sum->chunks, "index_entries",
                                    (json_int_t)sum->index_entries, "changes", (json_int_t)sum->changes));
    printf("checked %llu objects, %llu collections, %llu chunks, %llu index entries, %llu changes: ",
           (unsigned long long)sum->objects, (unsigned long long)sum->collections,
           (unsigned long long)sum->chunks, (unsigned long long)sum->index_entries,
           (unsigned long long)sum->changes);
    if (sum->findings)
        printf("%llu found, %llu repaired\n", (unsigned long long)sum->findings,
               (unsigned long long)sum->repaired);
    else
        puts("no damage");
    return STATUS_DONE;
}

int cmd_check(struct cli *cli)
{
    bool repair = cli_has(cli, OPT_REPAIR);
    store_options options = STORE_OPTIONS_INIT;
    store_check_report sum;
    unsigned flags = (repair ? STORE_CHECK_REPAIR : 0) | (cli_has(cli, OPT_SHALLOW) ? STORE_CHECK_SHALLOW : 0);

    options.flags = repair ? STORE_OPEN_EXCLUSIVE : STORE_OPEN_READ_ONLY;
    int status = cli_open_store(cli, &options);
    if (status != STATUS_DONE)
        return status;
    struct findings findings = {cli->json ? json_array() : NULL};
    int code = store_check(&sum, cli->store, flags, show_finding, &findings);
    status = code == STORE_OK ? summarize(cli, &sum, findings.list) : report(cli, code, NULL);
    json_decref(findings.list);
    if (code == STORE_OK && status == STATUS_DONE && sum.findings > sum.repaired)
        status = STATUS_NO;
    return status;
}
