/* Batches of an import: begin, count, commit, refuse, end. */
#include "loader.h"

#include "interrupt.h"
#include "print.h"

#define BATCH_STEPS 500
#define BATCH_BYTES (8u << 20)

void loader_begin(struct loader *out, const struct cli *cli, uint64_t total)
{
    *out = (struct loader){.cli = cli, .replace = cli_has(cli, OPT_REPLACE)};
    progress_begin(&out->progress, "import", total);
    interrupt_watch(NULL);
}

int loader_txn(store_txn **out, struct loader *loader)
{
    *out = loader->txn;
    if (loader->txn)
        return STATUS_DONE;
    int code = store_begin(&loader->txn, loader->cli->store, false);
    *out = loader->txn;
    return code == STORE_OK ? STATUS_DONE : report(loader->cli, code, NULL);
}

static void show(struct loader *loader)
{
    progress_set(&loader->progress, tally_objects(&loader->done) + tally_objects(&loader->pending),
                 loader->done.bytes + loader->pending.bytes);
}

int loader_step(struct loader *loader, uint64_t *counter, uint64_t bytes)
{
    if (counter)
        (*counter)++;
    loader->pending.bytes += bytes;
    loader->weight += bytes;
    loader->steps++;
    show(loader);
    if (loader->whole || (loader->steps < BATCH_STEPS && loader->weight < BATCH_BYTES))
        return STATUS_DONE;
    return loader_flush(loader);
}

static void forget(struct loader *loader)
{
    store_abort(loader->txn);
    loader->txn = NULL;
    loader->pending = (struct tally){0};
    loader->steps = 0;
    loader->weight = 0;
}

int loader_flush(struct loader *loader)
{
    if (loader->txn) {
        int code = store_commit(loader->txn);
        loader->txn = NULL;
        if (code != STORE_OK) {
            progress_hide(&loader->progress);
            return report(loader->cli, code, NULL);
        }
    }
    tally_add(&loader->done, &loader->pending);
    forget(loader);
    return STATUS_DONE;
}

static int refused(struct loader *loader, int status, const char *where)
{
    if (where && !loader->cli->json)
        fprintf(stderr, "  at %s\n", where);
    if (status == STATUS_FAILED)
        return status;
    loader->done.refused++;
    return loader->whole ? STATUS_NO : STATUS_DONE;
}

int loader_refuse(struct loader *loader, int code, const char *location, const char *where)
{
    progress_hide(&loader->progress);
    return refused(loader, report(loader->cli, code, location), where);
}

int loader_reject(struct loader *loader, int code, const char *location, const char *where, const char *reason)
{
    progress_hide(&loader->progress);
    complain(loader->cli, code, location, "%s", reason);
    return refused(loader, STATUS_NO, where);
}

int loader_conflict(struct loader *loader, const char *location, const char *where)
{
    return loader_reject(loader, STORE_KEY_CONFLICT, location, where,
                         "is there already and different (see --replace)");
}

int loader_end(struct loader *loader, int status, const char *location)
{
    bool stopped = interrupted();

    if (loader->whole && (status != STATUS_DONE || stopped))
        forget(loader);
    int flushed = loader_flush(loader);
    progress_hide(&loader->progress);
    if (status == STATUS_DONE)
        status = flushed;
    if (stopped)
        fputs("storectl: interrupted; run it again to go on\n", stderr);
    if (status != STATUS_DONE && tally_objects(&loader->done) == 0)
        return status;
    int printed = tally_print(loader->cli, &loader->done, "imported", location);
    if (status == STATUS_DONE)
        status = stopped ? STATUS_NO : printed;
    return status;
}
