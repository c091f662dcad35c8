/* Files, links and directories of an exported tree: temporary names, then renamed; no link is followed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporter.h"
#include "interrupt.h"
#include "print.h"
#include "stream.h"
#include "xattrs.h"

static struct timespec time_of(int64_t ns)
{
    const int64_t second = 1000000000;
    int64_t whole = ns / second, rest = ns % second;

    if (rest < 0) {
        rest += second;
        whole--;
    }
    return (struct timespec){.tv_sec = (time_t)whole, .tv_nsec = (long)rest};
}

static bool same_time(const struct timespec *a, int64_t ns)
{
    struct timespec b = time_of(ns);

    return a->tv_sec == b.tv_sec && a->tv_nsec == b.tv_nsec;
}

int export_attributes(struct exporter *exporter, int fd, const char *location, const store_stat *stat)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, time_of(stat->modified)};
    int code = xattrs_write(&exporter->lost, fd, exporter->cli->store, location, stat);

    if (code != STORE_OK && code != STORE_NOT_FOUND) {
        progress_hide(&exporter->progress);
        return report(exporter->cli, code, location);
    }
    if (geteuid() == 0 && fchown(fd, stat->uid, stat->gid) != 0)
        return exporter_fail(exporter, location, "cannot set its owner");
    if (fchmod(fd, stat->mode & 07777) != 0 || futimens(fd, times) != 0)
        return exporter_fail(exporter, location, "cannot set its mode and time");
    return STATUS_DONE;
}

/* What is at a target's name already. */
enum presence { MISSING, SAME, DIFFERENT, IN_THE_WAY };

/* Answers for something that needs no writing: true, with the status to return. */
static bool settled(int *status, struct exporter *exporter, enum presence presence, const struct walk_step *step)
{
    *status = STATUS_DONE;
    if (presence == SAME)
        exporter_count(exporter, &exporter->tally.unchanged, step->stat->size);
    else if (presence == IN_THE_WAY)
        *status = exporter_refuse(exporter, STORE_KIND_CONFLICT, step->location, "a directory has its name");
    else if (presence == DIFFERENT && !exporter->replace)
        *status = exporter_refuse(exporter, STORE_KEY_CONFLICT, step->location,
                                  "is there already and different (see --replace)");
    else
        return false;
    return true;
}

static void temporary_name(char name[48])
{
    static unsigned long serial;

    snprintf(name, 48, ".storectl-%ld-%lu.tmp", (long)getpid(), ++serial);
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno != EINTR)
            return -1;
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

/* Copies the reader's bytes; *again is set when the object was replaced meanwhile. */
static int pour(bool *again, struct exporter *exporter, int fd, store_reader *reader, const char *location)
{
    char *block = malloc(STREAM_BLOCK);
    int status = block ? STATUS_DONE : complain(exporter->cli, STORE_NO_MEMORY, location, "out of memory");
    size_t got = 1;

    while (status == STATUS_DONE && got > 0 && !interrupted()) {
        int code = store_reader_read(&got, reader, block, STREAM_BLOCK);
        *again = code == STORE_PRECONDITION_FAILED;
        if (*again)
            break;
        if (code != STORE_OK)
            status = report(exporter->cli, code, location);
        else if (write_all(fd, block, got) != 0)
            status = exporter_fail(exporter, location, "cannot write");
    }
    free(block);
    return status == STATUS_DONE && interrupted() ? STATUS_NO : status;
}

static int write_file(bool *again, struct exporter *exporter, int dir, const struct walk_step *step,
                      store_reader *reader)
{
    char name[48];
    int status;

    temporary_name(name);
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return exporter_fail(exporter, step->location, "cannot write");
    status = pour(again, exporter, fd, reader, step->location);
    bool whole = status == STATUS_DONE && !*again;
    if (whole)
        status = export_attributes(exporter, fd, step->location, store_reader_stat(reader));
    if (close(fd) != 0 && status == STATUS_DONE)
        status = exporter_fail(exporter, step->location, "cannot write");
    if (whole && status == STATUS_DONE && renameat(dir, name, dir, step->name) != 0)
        status = exporter_fail(exporter, step->location, "cannot rename to it");
    if (!whole || status != STATUS_DONE)
        unlinkat(dir, name, 0);
    return status;
}

static enum presence file_presence(int dir, const struct walk_step *step)
{
    struct stat there;

    if (fstatat(dir, step->name, &there, AT_SYMLINK_NOFOLLOW) != 0)
        return MISSING;
    if (S_ISDIR(there.st_mode))
        return IN_THE_WAY;
    return S_ISREG(there.st_mode) && (uint64_t)there.st_size == step->stat->size &&
                   same_time(&there.st_mtim, step->stat->modified)
               ? SAME
               : DIFFERENT;
}

int export_file(struct exporter *exporter, int dir, const struct walk_step *step)
{
    enum presence presence = file_presence(dir, step);
    struct tally *tally = &exporter->tally;
    bool again = true;
    int status;

    if (settled(&status, exporter, presence, step))
        return status;
    for (int tries = 0; again && tries < 5; tries++) {
        store_reader *reader;
        int code = store_reader_open(&reader, exporter->cli->store, step->location, NULL);
        if (code == STORE_NOT_FOUND)
            return STATUS_DONE;
        if (code != STORE_OK) {
            progress_hide(&exporter->progress);
            return report(exporter->cli, code, step->location);
        }
        again = false;
        status = write_file(&again, exporter, dir, step, reader);
        store_reader_close(reader);
        if (status != STATUS_DONE)
            return status;
    }
    if (again)
        return exporter_refuse(exporter, STORE_PRECONDITION_FAILED, step->location, "is replaced all the time");
    exporter_count(exporter, presence == MISSING ? &tally->created : &tally->updated, step->stat->size);
    return STATUS_DONE;
}

static enum presence link_presence(int dir, const struct walk_step *step, const char *target)
{
    char there[PATH_MAX + 1];
    struct stat stat;

    if (fstatat(dir, step->name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return MISSING;
    if (S_ISDIR(stat.st_mode))
        return IN_THE_WAY;
    ssize_t size = readlinkat(dir, step->name, there, sizeof there);
    return size == (ssize_t)strlen(target) && memcmp(there, target, (size_t)size) == 0 ? SAME : DIFFERENT;
}

/* What was made under a temporary name gets its owner and time, and its name. */
static int settle(struct exporter *exporter, int dir, const char *name, const struct walk_step *step)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, time_of(step->stat->modified)};

    if (geteuid() == 0 && fchownat(dir, name, step->stat->uid, step->stat->gid, AT_SYMLINK_NOFOLLOW) != 0)
        exporter->lost = true;
    if (step->stat->kind == STORE_SPECIAL && fchmodat(dir, name, step->stat->mode & 07777, 0) != 0)
        exporter->lost = true;
    utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
    if (renameat(dir, name, dir, step->name) == 0)
        return STATUS_DONE;
    int status = exporter_fail(exporter, step->location, "cannot rename to it");
    unlinkat(dir, name, 0);
    return status;
}

static int make_link(struct exporter *exporter, int dir, const struct walk_step *step, const char *target)
{
    char name[48];

    temporary_name(name);
    if (symlinkat(target, dir, name) != 0)
        return exporter_fail(exporter, step->location, "cannot make the link");
    return settle(exporter, dir, name, step);
}

int export_link(struct exporter *exporter, int dir, const struct walk_step *step)
{
    struct tally *tally = &exporter->tally;
    void *target;
    size_t size;
    int status;
    int code = store_get(&target, &size, NULL, exporter->cli->store, step->location, NULL);

    if (code != STORE_OK) {
        progress_hide(&exporter->progress);
        return code == STORE_NOT_FOUND ? STATUS_DONE : report(exporter->cli, code, step->location);
    }
    enum presence presence = link_presence(dir, step, target);
    if (!settled(&status, exporter, presence, step)) {
        status = make_link(exporter, dir, step, target);
        if (status == STATUS_DONE)
            exporter_count(exporter, presence == MISSING ? &tally->created : &tally->updated, size);
    }
    store_free(target);
    return status;
}

static enum presence special_presence(int dir, const struct walk_step *step)
{
    struct stat there;

    if (fstatat(dir, step->name, &there, AT_SYMLINK_NOFOLLOW) != 0)
        return MISSING;
    if (S_ISDIR(there.st_mode))
        return IN_THE_WAY;
    return (there.st_mode & S_IFMT) == step->stat->special && there.st_rdev == step->stat->device ? SAME : DIFFERENT;
}

int export_special(struct exporter *exporter, int dir, const struct walk_step *step)
{
    enum presence presence = special_presence(dir, step);
    struct tally *tally = &exporter->tally;
    char name[48];
    int status;

    if (settled(&status, exporter, presence, step))
        return status;
    temporary_name(name);
    if (mknodat(dir, name, step->stat->special | 0600, step->stat->device) != 0) {
        exporter_skip(exporter, step->location, strerror(errno));
        return STATUS_DONE;
    }
    status = settle(exporter, dir, name, step);
    if (status == STATUS_DONE)
        exporter_count(exporter, presence == MISSING ? &tally->created : &tally->updated, 0);
    return status;
}

/* Opens the directory that holds `path`, whose last name is `*name`, without following a link; -1 if it is gone. */
static int open_parent(const char **name, int root, const char *path)
{
    int fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    *name = path;
    for (const char *slash; fd >= 0 && (slash = strchr(*name, '/')) != NULL; *name = slash + 1) {
        char part[NAME_MAX + 1];
        int above = fd;
        snprintf(part, sizeof part, "%.*s", (int)(slash - *name), *name);
        fd = openat(above, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(above);
    }
    return fd;
}

static enum presence name_presence(int dir, const struct walk_step *step, const struct stat *first)
{
    struct stat there;

    if (fstatat(dir, step->name, &there, AT_SYMLINK_NOFOLLOW) != 0)
        return MISSING;
    if (S_ISDIR(there.st_mode))
        return IN_THE_WAY;
    return there.st_dev == first->st_dev && there.st_ino == first->st_ino ? SAME : DIFFERENT;
}

static int link_to(bool *named, struct exporter *exporter, int from, const char *first, int dir,
                   const struct walk_step *step)
{
    struct tally *tally = &exporter->tally;
    struct stat stat;
    char name[48];
    int status = STATUS_DONE;

    *named = fstatat(from, first, &stat, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*named)
        return status;
    enum presence presence = name_presence(dir, step, &stat);
    if (settled(&status, exporter, presence, step))
        return status;
    temporary_name(name);
    *named = linkat(from, first, dir, name, 0) == 0;
    if (!*named)
        return status;
    if (renameat(dir, name, dir, step->name) == 0) {
        exporter_count(exporter, presence == MISSING ? &tally->created : &tally->updated, 0);
        return status;
    }
    status = exporter_fail(exporter, step->location, "cannot rename to it");
    unlinkat(dir, name, 0);
    return status;
}

int export_name(bool *named, struct exporter *exporter, int root, const char *first, int dir,
                const struct walk_step *step)
{
    const char *name;
    int from = open_parent(&name, root, first);
    int status = STATUS_DONE;

    *named = from >= 0;
    if (from >= 0) {
        status = link_to(named, exporter, from, name, dir, step);
        close(from);
    }
    return status;
}

int export_directory_begin(int *fd, struct exporter *exporter, int dir, const struct walk_step *step)
{
    bool made = mkdirat(dir, step->name, 0700) == 0;

    *fd = -1;
    if (!made && errno != EEXIST)
        return exporter_fail(exporter, step->location, "cannot make the directory");
    *fd = openat(dir, step->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd >= 0)
        return STATUS_DONE;
    if (errno == ENOTDIR || errno == ELOOP)
        return exporter_refuse(exporter, STORE_KIND_CONFLICT, step->location, "its name there is no directory");
    return exporter_fail(exporter, step->location, "cannot open the directory");
}
