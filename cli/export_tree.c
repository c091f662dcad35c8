/* A collection as a directory tree: an open directory a level, nothing outside of the target. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporter.h"
#include "interrupt.h"
#include "print.h"

struct directories {
    int root;
    int *fds; /* below it */
    size_t depth, room;
};

/* Takes `fd` over. */
static bool push(struct directories *directories, int fd)
{
    if (directories->depth == directories->room) {
        size_t room = directories->room ? directories->room * 2 : 8;
        int *larger = realloc(directories->fds, room * sizeof *larger);
        if (!larger) {
            close(fd);
            return false;
        }
        directories->fds = larger;
        directories->room = room;
    }
    directories->fds[directories->depth++] = fd;
    return true;
}

static int current(const struct directories *directories)
{
    return directories->depth ? directories->fds[directories->depth - 1] : directories->root;
}

static int enter(struct exporter *exporter, struct directories *directories, struct walk *walk,
                 const struct walk_step *step)
{
    int fd;
    int status = export_directory_begin(&fd, exporter, current(directories), step);

    if (fd < 0)
        walk_prune(walk);
    else if (!push(directories, fd))
        status = complain(exporter->cli, STORE_NO_MEMORY, step->location, "out of memory");
    return status;
}

static int leave(struct exporter *exporter, struct directories *directories, const struct walk_step *step)
{
    int fd = current(directories);
    int status = export_attributes(exporter, fd, step->location, step->stat);

    if (directories->depth > 0) {
        directories->depth--;
        close(fd);
    }
    return status;
}

static int export_leaf(struct exporter *exporter, int dir, const struct walk_step *step)
{
    switch (step->stat->kind) {
    case STORE_OBJECT:
        return export_file(exporter, dir, step);
    case STORE_LINK:
        return export_link(exporter, dir, step);
    case STORE_SPECIAL:
        return export_special(exporter, dir, step);
    case STORE_COLLECTION: /* no leaf */
    case STORE_PROPERTY: /* never in a listing */
        break;
    }
    return STATUS_DONE;
}

/* One of several names: the node is written as the first, the others are links to that. */
static int export_one_of(struct exporter *exporter, int root, int dir, const struct walk_step *step)
{
    const char *first = seen_find(&exporter->seen, step->stat->id, 0);
    uint64_t left_out = exporter->tally.refused + exporter->tally.skipped;
    bool named = false;
    int status = STATUS_DONE;

    if (first)
        status = export_name(&named, exporter, root, first, dir, step);
    if (named || status != STATUS_DONE)
        return status;
    status = export_leaf(exporter, dir, step);
    if (status != STATUS_DONE || first || exporter->tally.refused + exporter->tally.skipped != left_out)
        return status;
    if (!seen_add(&exporter->seen, step->stat->id, 0, step->relative))
        return complain(exporter->cli, STORE_NO_MEMORY, step->location, "out of memory");
    return STATUS_DONE;
}

static int export_step(struct exporter *exporter, struct directories *directories, struct walk *walk,
                       const struct walk_step *step)
{
    if (step->leave)
        return leave(exporter, directories, step);
    if (step->stat->kind == STORE_COLLECTION)
        return enter(exporter, directories, walk, step);
    return step->stat->links > 1 ? export_one_of(exporter, directories->root, current(directories), step)
                                 : export_leaf(exporter, current(directories), step);
}

static int export_all(struct exporter *exporter, struct directories *directories, const char *location)
{
    store_list_options options = STORE_LIST_OPTIONS_INIT;
    struct walk_step step;
    struct walk walk;
    int status = STATUS_DONE;
    int code = walk_open(&walk, exporter->cli->store, location, &options, true);

    while (code == STORE_OK && status == STATUS_DONE && !interrupted()) {
        code = walk_next(&step, &walk);
        if (code == STORE_OK)
            status = export_step(exporter, directories, &walk, &step);
    }
    walk_close(&walk);
    if (status == STATUS_DONE && code != STORE_OK && code != STORE_END) {
        progress_hide(&exporter->progress);
        status = report(exporter->cli, code, location);
    }
    return status;
}

int export_tree(struct exporter *exporter, const char *location, const char *target)
{
    struct directories directories = {0};
    store_stat stat;
    int code = store_stat_get(&stat, exporter->cli->store, location, NULL);

    if (code != STORE_OK)
        return report(exporter->cli, code, location);
    if (stat.kind != STORE_COLLECTION)
        return complain(exporter->cli, STORE_KIND_CONFLICT, location, "is no collection (see get -o)");
    if (mkdir(target, 0700) != 0 && errno != EEXIST)
        return complain(exporter->cli, STORE_BAD_ARGUMENT, target, "cannot make it: %s", strerror(errno));
    directories.root = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directories.root < 0)
        return complain(exporter->cli, STORE_BAD_ARGUMENT, target, "cannot open it: %s", strerror(errno));

    int status = export_all(exporter, &directories, location);
    if (status == STATUS_DONE && !interrupted())
        status = export_attributes(exporter, directories.root, location, &stat);
    while (directories.depth > 0)
        close(directories.fds[--directories.depth]);
    close(directories.root);
    free(directories.fds);
    seen_release(&exporter->seen);
    return status;
}
