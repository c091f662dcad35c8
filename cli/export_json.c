/* The objects of one collection as a .json array or as lines. */
#include <stdlib.h>
#include <unistd.h>

#include "exporter.h"
#include "interrupt.h"
#include "json_text.h"
#include "output.h"
#include "print.h"

struct sink {
    struct exporter *exporter;
    struct output output;
    bool lines;
};

static int write_document(struct sink *sink, char *body, size_t size)
{
    const struct cli *cli = sink->exporter->cli;
    struct tally *tally = &sink->exporter->tally;
    int status = STATUS_DONE;

    size = json_compact(body, body, size);
    if (!sink->lines)
        status = output_write(cli, &sink->output, tally->created ? ",\n" : "[\n", 2);
    if (status == STATUS_DONE)
        status = output_write(cli, &sink->output, body, size);
    if (status == STATUS_DONE && sink->lines)
        status = output_write(cli, &sink->output, "\n", 1);
    if (status == STATUS_DONE)
        exporter_count(sink->exporter, &tally->created, size);
    return status;
}

static int export_object(struct sink *sink, const struct walk_step *step)
{
    struct exporter *exporter = sink->exporter;
    void *body;
    size_t size;

    if (step->stat->kind != STORE_OBJECT)
        return exporter_refuse(exporter, STORE_KIND_CONFLICT, step->location,
                               "is no object: it has no place in JSON");
    int code = store_get(&body, &size, NULL, exporter->cli->store, step->location, NULL);
    if (code == STORE_NOT_FOUND)
        return STATUS_DONE;
    if (code != STORE_OK) {
        progress_hide(&exporter->progress);
        return report(exporter->cli, code, step->location);
    }
    json_t *tree = step->stat->typed ? NULL : json_loadb(body, size, JSON_TEXT_FLAGS, NULL);
    int status;
    if (step->stat->typed || tree)
        status = write_document(sink, body, size);
    else
        status = exporter_refuse(exporter, STORE_BAD_BODY, step->location, "is no JSON");
    json_decref(tree);
    store_free(body);
    return status;
}

static int export_objects(struct sink *sink, const char *location)
{
    struct exporter *exporter = sink->exporter;
    store_list_options options = STORE_LIST_OPTIONS_INIT;
    struct walk_step step;
    struct walk walk;
    int status = STATUS_DONE;
    int code = walk_open(&walk, exporter->cli->store, location, &options, false);

    while (code == STORE_OK && status == STATUS_DONE && !interrupted()) {
        code = walk_next(&step, &walk);
        if (code == STORE_OK)
            status = export_object(sink, &step);
    }
    walk_close(&walk);
    if (status == STATUS_DONE && code != STORE_OK && code != STORE_END) {
        progress_hide(&exporter->progress);
        status = report(exporter->cli, code, location);
    }
    return status;
}

int export_json(struct exporter *exporter, const char *location, const char *target, bool lines)
{
    struct sink sink = {.exporter = exporter, .lines = lines};
    const char *path = target[0] == '-' && !target[1] ? NULL : target;

    if (path && !exporter->replace && access(path, F_OK) == 0)
        return complain(exporter->cli, STORE_KEY_CONFLICT, path, "is there already (see --replace)");
    int status = output_open(&sink.output, exporter->cli, path);
    if (status == STATUS_DONE)
        status = export_objects(&sink, location);
    if (status == STATUS_DONE && !lines)
        status = output_write(exporter->cli, &sink.output, exporter->tally.created ? "\n]\n" : "[]\n", 3);
    if (status == STATUS_DONE && !interrupted())
        status = output_commit(exporter->cli, &sink.output);
    output_close(&sink.output);
    return status;
}
