/* meta: user metadata, shown, read item by item, set and removed. */
#include <stdlib.h>
#include <string.h>

#include "print.h"

static int show_all(const struct cli *cli, const char *location)
{
    store_meta *meta = NULL;
    size_t count = 0;
    int status = STATUS_DONE;
    int code = store_meta_list(&meta, &count, cli->store, location, NULL);

    if (code != STORE_OK)
        return report(cli, code, location);
    json_t *items = cli->json ? json_object() : NULL;
    for (size_t i = 0; i < count; i++) {
        if (cli->json) {
            json_object_set_new(items, meta[i].name, bytes_json(meta[i].value, meta[i].size));
            continue;
        }
        print_text(stdout, meta[i].name);
        fputc('=', stdout);
        fwrite(meta[i].value, 1, meta[i].size, stdout);
        fputc('\n', stdout);
    }
    if (cli->json)
        status = print_json(cli, stdout, items);
    store_free(meta);
    return status;
}

static int show_one(const struct cli *cli, const char *location, const char *name)
{
    void *value;
    size_t size;
    int status = STATUS_DONE;
    int code = store_meta_get(&value, &size, cli->store, location, name, NULL);

    if (code != STORE_OK)
        return report(cli, code, location);
    if (cli->json) {
        json_t *item = json_object();
        json_object_set_new(item, name, bytes_json(value, size));
        status = print_json(cli, stdout, item);
    } else {
        fwrite(value, 1, size, stdout);
        fputc('\n', stdout);
    }
    store_free(value);
    return status;
}

/* One change: NAME=VALUE, or with `equals` NULL the removal of NAME. */
static int change(struct cli *cli, store_answer *answer, store_txn *txn, const char *text, const char *equals)
{
    const char *location = cli_argument(cli, 0);
    store_request request = STORE_REQUEST_INIT;
    char *name = equals ? strndup(text, (size_t)(equals - text)) : strdup(text);

    if (!name)
        return complain(cli, STORE_NO_MEMORY, location, "out of memory");
    request.txn = txn;
    request.flags = equals ? 0 : STORE_NOINSERT;
    store_answer_clear(answer);
    int code = store_meta_set(answer, cli->store, location, name, equals ? equals + 1 : NULL,
                              equals ? strlen(equals + 1) : 0, &request);
    free(name);
    return code == STORE_OK ? STATUS_DONE : report(cli, code, location);
}

static int change_all(struct cli *cli, store_answer *answer, store_txn *txn)
{
    int status = STATUS_DONE;

    for (size_t i = 0; i < cli->option_count && status == STATUS_DONE; i++) {
        if (cli->options[i].id == OPT_REMOVE)
            status = change(cli, answer, txn, cli->options[i].value, NULL);
    }
    for (int i = 1; i < cli->argument_count && status == STATUS_DONE; i++)
        status = change(cli, answer, txn, cli->arguments[i], strchr(cli->arguments[i], '='));
    return status;
}

static int set(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    store_answer answer = {0};
    store_txn *txn;
    int code = store_begin(&txn, cli->store, false);

    if (code != STORE_OK)
        return report(cli, code, location);
    int status = change_all(cli, &answer, txn);
    if (status != STATUS_DONE || cli_has(cli, OPT_DRY_RUN)) {
        store_abort(txn);
        answer.dry_run = true;
    } else if ((code = store_commit(txn)) != STORE_OK) {
        status = report(cli, code, location);
    }
    if (status == STATUS_DONE)
        status = print_answer(cli, stdout, &answer);
    store_answer_clear(&answer);
    return status;
}

int cmd_meta(struct cli *cli)
{
    size_t changes = cli_times(cli, OPT_REMOVE), reads = 0;
    int status = STATUS_DONE;

    for (int i = 1; i < cli->argument_count; i++)
        *(strchr(cli->arguments[i], '=') ? &changes : &reads) += 1;
    if (changes && reads)
        return usage_error(cli, "reading and changing metadata are two commands");
    status = cli_open_for(cli, changes > 0);
    if (status != STATUS_DONE)
        return status;
    if (changes)
        return set(cli);
    if (!reads)
        return show_all(cli, cli_argument(cli, 0));
    for (int i = 1; i < cli->argument_count && status == STATUS_DONE; i++)
        status = show_one(cli, cli_argument(cli, 0), cli->arguments[i]);
    return status;
}
