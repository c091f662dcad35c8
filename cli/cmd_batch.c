/* batch: many operations, one transaction; answers are printed once it is committed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "operation.h"
#include "print.h"

struct batch {
    struct cli *cli;
    store_txn *txn;
    FILE *answers; /* until the commit makes them true */
    unsigned long line;
    bool failed;
};

/* The library's last problem with the number of the line. What is wrong with a line is no misuse of
 * the command line. */
static int refuse(struct batch *batch, int code, const char *location)
{
    const struct cli *cli = batch->cli;
    json_t *problem = cli->json ? json_loads(store_problem_json(), 0, NULL) : NULL;
    int status = exit_status(code);

    if (problem) {
        json_object_set_new(problem, "line", json_integer((json_int_t)batch->line));
        print_json(cli, stderr, problem);
    } else {
        report(cli, code, location);
        fprintf(stderr, "  at line %lu; nothing was changed\n", batch->line);
    }
    return status == STATUS_USAGE ? STATUS_NO : status;
}

static int run_line(struct batch *batch, const char *text, size_t size)
{
    const struct cli *cli = batch->cli;
    struct operation operation;
    store_answer answer = {0};
    char why[256];
    int status;

    if (operation_parse(&operation, text, size, why, sizeof why)) {
        operation.request.txn = batch->txn;
        int code = operation_run(&answer, cli->store, &operation);
        answer.dry_run = cli_has(cli, OPT_DRY_RUN);
        status = code == STORE_OK ? print_answer(cli, batch->answers, &answer)
                                  : refuse(batch, code, operation.location);
        batch->failed = batch->failed || status == STATUS_NO;
        if (code == STORE_OK && status == STATUS_NO) /* parts failed, as "partial" allows */
            status = STATUS_DONE;
        store_answer_clear(&answer);
    } else {
        status = complain(cli, STORE_BAD_BODY, NULL, "line %lu: %s; nothing was changed", batch->line, why);
    }
    operation_release(&operation);
    return status;
}

static int run_lines(struct batch *batch, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0;
    ptrdiff_t size = 0;
    int status = STATUS_DONE;

    while (status == STATUS_DONE) {
        batch->line++;
        status = read_line(&line, &capacity, &size, batch->cli, file, STORE_JSON_MAX);
        if (status != STATUS_DONE || size < 0)
            break;
        if (line[strspn(line, " \t\r")])
            status = run_line(batch, line, (size_t)size);
    }
    free(line);
    return status;
}

static int show_answers(const struct cli *cli, FILE *answers)
{
    char block[16384];
    size_t got;

    if (fflush(answers) != 0 || ferror(answers))
        return complain(cli, STORE_IO, NULL, "cannot write a temporary file: %s", strerror(errno));
    rewind(answers);
    while ((got = fread(block, 1, sizeof block, answers)) > 0)
        fwrite(block, 1, got, stdout);
    return STATUS_DONE;
}

static int run_all(struct batch *batch, FILE *file)
{
    struct cli *cli = batch->cli;
    int code = store_begin(&batch->txn, cli->store, false);

    if (code != STORE_OK)
        return report(cli, code, NULL);
    int status = run_lines(batch, file);
    if (status != STATUS_DONE || cli_has(cli, OPT_DRY_RUN)) {
        store_abort(batch->txn);
    } else {
        code = store_commit(batch->txn);
        status = code == STORE_OK ? STATUS_DONE : report(cli, code, NULL);
    }
    if (status == STATUS_DONE)
        status = show_answers(cli, batch->answers);
    return status == STATUS_DONE && batch->failed ? STATUS_NO : status;
}

int cmd_batch(struct cli *cli)
{
    struct batch batch = {.cli = cli, .answers = tmpfile()};
    struct input input;
    FILE *file = NULL;
    uint64_t size;
    int status = input_open(&input, cli, cli_argument(cli, 0));

    if (status == STATUS_DONE && !batch.answers)
        status = complain(cli, STORE_IO, NULL, "cannot make a temporary file: %s", strerror(errno));
    if (status == STATUS_DONE)
        status = input_file(&file, &size, cli, &input);
    if (status == STATUS_DONE)
        status = run_all(&batch, file);
    if (file)
        fclose(file);
    if (batch.answers)
        fclose(batch.answers);
    input_close(&input);
    return status;
}
