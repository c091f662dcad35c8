/* readers: who holds a snapshot, and what that keeps from being reused. */
#include "print.h"

static json_t *reader_json(const store_reader_info *reader)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "file", reader->bodies ? "bodies" : "objects", "pid",
                     (json_int_t)reader->pid, "transaction", (json_int_t)reader->transaction, "lag",
                     (json_int_t)reader->lag, "pinned_bytes", (json_int_t)reader->pinned_bytes, "alive",
                     reader->alive);
}

static void show_reader(const store_reader_info *reader)
{
    char size[SIZE_TEXT_SIZE], transaction[24] = "-";

    if (reader->transaction)
        snprintf(transaction, sizeof transaction, "%llu", (unsigned long long)reader->transaction);
    printf("%-8s %10lld %12s %10llu %12s  %s\n", reader->bodies ? "bodies" : "objects", (long long)reader->pid,
           transaction, (unsigned long long)reader->lag, size_text(size, reader->pinned_bytes),
           reader->alive ? "alive" : "dead");
}

int cmd_readers(struct cli *cli)
{
    store_reader_info *readers;
    size_t count;
    int status = STATUS_DONE;
    int code = store_readers(&readers, &count, cli->store);

    if (code != STORE_OK)
        return report(cli, code, NULL);
    json_t *list = cli->json ? json_array() : NULL;
    if (!cli->json)
        printf("%-8s %10s %12s %10s %12s  %s\n", "file", "pid", "transaction", "lag", "pinned", "state");
    for (size_t i = 0; i < count; i++) {
        if (cli->json)
            json_array_append_new(list, reader_json(&readers[i]));
        else
            show_reader(&readers[i]);
    }
    if (cli->json)
        status = print_json(cli, stdout, list);
    store_free(readers);
    return status;
}
