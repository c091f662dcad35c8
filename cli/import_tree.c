/* A directory tree into the store, in one pass: an open directory a level, symbolic links kept, never followed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import_node.h"
#include "interrupt.h"
#include "print.h"
#include "seen.h"

struct level {
    DIR *dir;
    size_t length; /* of its location */
};

struct tree {
    struct loader *loader;
    struct seen seen; /* of the files with several names, the location of the first */
    struct level *levels;
    size_t depth, room;
    size_t length; /* of location */
    char location[STORE_LOCATION_MAX + 2 * STORE_NAME_MAX];
};

/* What cannot be read is told and left out. */
static int trouble(struct tree *tree, const char *what)
{
    char reason[256];

    snprintf(reason, sizeof reason, "%s: %s", what, strerror(errno));
    return loader_reject(tree->loader, STORE_IO, tree->location, NULL, reason);
}

/* Takes the directory `fd` over as the next level. */
static int push(struct tree *tree, int fd)
{
    if (tree->depth == tree->room) {
        size_t room = tree->room ? tree->room * 2 : 8;
        struct level *larger = realloc(tree->levels, room * sizeof *larger);
        if (!larger) {
            close(fd);
            return complain(tree->loader->cli, STORE_NO_MEMORY, NULL, "out of memory");
        }
        tree->levels = larger;
        tree->room = room;
    }
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return trouble(tree, "cannot list");
    }
    tree->levels[tree->depth++] = (struct level){dir, tree->length};
    return STATUS_DONE;
}

/* The level has no more: now its collection gets the directory's attributes, which children had changed. */
static int pop(struct tree *tree)
{
    struct level *level = &tree->levels[--tree->depth];

    tree->length = level->length;
    tree->location[tree->length] = '\0';
    int status = import_directory_end(tree->loader, dirfd(level->dir), tree->length ? tree->location : "/");
    closedir(level->dir);
    return status;
}

/* Makes or finds the collection for the directory `fd`, and goes into it; a refused one is left out. */
static int enter(struct tree *tree, int fd)
{
    bool inside;
    int status = import_directory_begin(&inside, tree->loader, fd, tree->length ? tree->location : "/");

    if (status == STATUS_DONE && inside)
        return push(tree, fd);
    close(fd);
    return status;
}

/* What the entry is, whatever other names it has. */
static int import_this(struct tree *tree, int dir, const char *name, const struct stat *stat)
{
    if (S_ISLNK(stat->st_mode))
        return import_link(tree->loader, dir, name, stat, tree->location);
    if (!S_ISDIR(stat->st_mode) && !S_ISREG(stat->st_mode))
        return import_special(tree->loader, stat, tree->location);
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? STATUS_DONE : trouble(tree, "cannot open");
    if (S_ISDIR(stat->st_mode))
        return enter(tree, fd);
    int status = import_file(tree->loader, fd, tree->location);
    close(fd);
    return status;
}

/* One of several names: of the first the file is imported, the others are names for that. */
static int import_one_of(struct tree *tree, int dir, const char *name, const struct stat *stat)
{
    const char *first = seen_find(&tree->seen, stat->st_dev, stat->st_ino);
    uint64_t refused = tree->loader->done.refused;
    bool named = false;
    int status = STATUS_DONE;

    if (first)
        status = import_name(&named, tree->loader, first, stat, tree->location);
    if (named || status != STATUS_DONE)
        return status;
    status = import_this(tree, dir, name, stat);
    if (status != STATUS_DONE || first || tree->loader->done.refused != refused)
        return status;
    if (!seen_add(&tree->seen, stat->st_dev, stat->st_ino, tree->location))
        return complain(tree->loader->cli, STORE_NO_MEMORY, tree->location, "out of memory");
    return STATUS_DONE;
}

static int import_entry(struct tree *tree, int dir, const char *name)
{
    struct stat stat;

    if (fstatat(dir, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? STATUS_DONE : trouble(tree, "cannot read");
    return !S_ISDIR(stat.st_mode) && stat.st_nlink > 1 ? import_one_of(tree, dir, name, &stat)
                                                       : import_this(tree, dir, name, &stat);
}

/* One entry of the deepest level, or its end. */
static int step(struct tree *tree)
{
    struct level *level = &tree->levels[tree->depth - 1];

    errno = 0;
    struct dirent *entry = readdir(level->dir);
    if (!entry && errno)
        trouble(tree, "cannot list all of it");
    if (!entry)
        return pop(tree);
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        return STATUS_DONE;
    size_t length = level->length + 1 + strlen(entry->d_name);
    snprintf(tree->location + level->length, sizeof tree->location - level->length, "/%s", entry->d_name);
    tree->length = length;
    int status;
    if (length > STORE_LOCATION_MAX)
        status = loader_reject(tree->loader, STORE_BAD_LOCATION, tree->location, NULL, "the location is too long");
    else
        status = import_entry(tree, dirfd(level->dir), entry->d_name);
    return status;
}

int import_tree(struct loader *loader, const char *location, const char *source)
{
    struct tree tree = {.loader = loader, .length = strlen(location)};

    if (location[0] != '/' || tree.length > STORE_LOCATION_MAX)
        return usage_error(loader->cli, "%s is no location", location);
    memcpy(tree.location, location, tree.length + 1);
    while (tree.length > 0 && tree.location[tree.length - 1] == '/')
        tree.location[--tree.length] = '\0';
    int fd = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return complain(loader->cli, STORE_BAD_ARGUMENT, source, "cannot open: %s", strerror(errno));

    int status = enter(&tree, fd);
    while (status == STATUS_DONE && tree.depth > 0 && !interrupted())
        status = step(&tree);
    while (tree.depth > 0)
        closedir(tree.levels[--tree.depth].dir);
    free(tree.levels);
    seen_release(&tree.seen);
    return status;
}
