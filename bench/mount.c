/*
 * mount.c - the file systems under test: storefs; libfuse's passthrough_ll, which hands every request on to
 * the file system below and so shows what FUSE costs; that file system itself; gocryptfs, which encrypts.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#undef BLOCK_SIZE /* of <sys/mount.h> */
#include "mount.h"
#include "process.h"
#include "store.h"

enum { WAIT_SECONDS = 60, LOOK_NS = 1000000 };

static void make_directory(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        fail("%s: %s", path, strerror(errno));
}

static bool is_mount_point(const char *path)
{
    char *parent = files_join(path, "..");
    struct stat inside, outside;
    bool is_one = stat(path, &inside) == 0 && stat(parent, &outside) == 0 && inside.st_dev != outside.st_dev;

    free(parent);
    return is_one;
}

/* Looks until the server has come so far, or ended; fails the run when that takes too long. */
static void await(const struct mount *mount, bool (*is_so)(const struct mount *mount), const char *what)
{
    static const struct timespec pause = { .tv_nsec = LOOK_NS };
    uint64_t deadline = now_ns() + WAIT_SECONDS * UINT64_C(1000000000);

    while (!is_so(mount)) {
        if (now_ns() > deadline)
            fail("%s: the server does not %s", mount->path, what);
        nanosleep(&pause, NULL);
    }
}

static bool has_ended(const struct mount *mount)
{
    return process_ended(mount->server);
}

/* Fails the run with the first line of the server's complaints. */
static _Noreturn void fail_to_mount(const struct mount *mount)
{
    FILE *log = fopen(mount->log, "re");
    char line[256] = "it does not say why";

    if (log && fgets(line, sizeof line, log))
        line[strcspn(line, "\n")] = '\0';
    fail("%s: the server did not mount it: %s", mount->path, line);
}

static bool is_up(const struct mount *mount)
{
    if (process_ended(mount->server))
        fail_to_mount(mount);
    return is_mount_point(mount->path);
}

/* ------------------------------------------------------ mounting, unmounting */

/* A native one: nothing is mounted. */
static struct mount *mount_new(const char *directory, enum durability durability)
{
    struct mount *mount = allocate_zeroed(1, sizeof *mount);

    mount->durability = durability;
    mount->back = files_join(directory, "back");
    make_directory(mount->back);
    mount->log = files_join(directory, "log");
    mount->path = files_join(directory, "mount");
    make_directory(mount->path);
    return mount;
}

/* Opens the root and makes the directory that the benchmark's keys are in. */
static void *mount_ready(struct mount *mount)
{
    mount->root = open(mount->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mount->root < 0 || (mkdirat(mount->root, "people", 0755) != 0 && errno != EEXIST))
        fail("%s: %s", mount->path, strerror(errno));
    return mount;
}

static void *mount_serve(struct mount *mount, const char *const *server)
{
    mount->server = process_start(server, NULL, mount->log);
    await(mount, is_up, "mount it");
    return mount_ready(mount);
}

static void mount_close(void *database)
{
    struct mount *mount = database;

    close(mount->root);
    if (mount->server > 0) {
        process_run((const char *const[]){ "fusermount3", "-u", mount->path, NULL }, NULL);
        await(mount, has_ended, "end");
        process_wait(mount->server, "a file system's server");
    }
    free(mount->path);
    free(mount->back);
    free(mount->log);
    free(mount);
}

/* The servers are idle between slices; what they wrote is on its way to the disk. */
static void mount_settle(void *database)
{
    const struct mount *mount = database;
    int directory = open(mount->back, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory < 0 || syncfs(directory) != 0)
        fail("%s: %s", mount->back, strerror(errno));
    close(directory);
}

/* ---------------------------------------------------- a namespace for mounts */

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    bool done = file && fputs(text, file) >= 0;

    return file && fclose(file) == 0 && done;
}

static bool map_to_root(const char *path, unsigned id)
{
    char line[32];

    snprintf(line, sizeof line, "0 %u 1", id);
    return write_text(path, line);
}

/* Who is not root becomes it in a namespace of users. */
static bool become_root(unsigned uid, unsigned gid)
{
    return unshare(CLONE_NEWUSER) == 0 && write_text("/proc/self/setgroups", "deny") &&
           map_to_root("/proc/self/uid_map", uid) && map_to_root("/proc/self/gid_map", gid);
}

void mount_enter_namespace(void)
{
    if ((geteuid() != 0 && !become_root(geteuid(), getegid())) || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        fail("cannot have a namespace for mounts: %s; run it as root", strerror(errno));
}

/* -------------------------------------------------------------- the four */

static void *storefs_open(const char *directory, enum durability durability)
{
    struct mount *mount = mount_new(directory, durability);
    char *program = process_beside("../storefs");

    backend_libstore.close(backend_libstore.open(mount->back, RELAXED)); /* makes the store */
    mount_serve(mount, (const char *const[]){ program, "-f", mount->back, mount->path, NULL });
    free(program);
    return mount;
}

static void *passthrough_open(const char *directory, enum durability durability)
{
    struct mount *mount = mount_new(directory, durability);
    char *program = process_beside("passthrough_ll"), *source;

    if (asprintf(&source, "source=%s", mount->back) < 0)
        fail("no memory for a path");
    mount_serve(mount, (const char *const[]){ program, "-f", "-o", source, mount->path, NULL });
    free(program);
    free(source);
    return mount;
}

static void *native_open(const char *directory, enum durability durability)
{
    return mount_ready(mount_new(directory, durability));
}

static void *gocryptfs_open(const char *directory, enum durability durability)
{
    struct mount *mount = mount_new(directory, durability);
    char *configuration = files_join(mount->back, "gocryptfs.conf");

    /* A cheap key from the password: it is made at each mount. */
    if (access(configuration, F_OK) != 0)
        process_run((const char *const[]){ "gocryptfs", "-q", "-init", "-scryptn", "10", "-extpass", "echo password",
                                           mount->back, NULL },
                    NULL);
    mount_serve(mount, (const char *const[]){ "gocryptfs", "-q", "-fg", "-nosyslog", "-extpass", "echo password",
                                              mount->back, mount->path, NULL });
    free(configuration);
    return mount;
}

static const char *passthrough_version(void)
{
    static char line[128] = "unknown";

    process_says(line, sizeof line, "pkg-config --modversion fuse3 2>/dev/null");
    return line;
}

static const char *native_version(void)
{
    return "";
}

static const char *gocryptfs_version(void)
{
    static char line[128] = "unknown";

    process_says(line, sizeof line, "gocryptfs -version 2>/dev/null | tr -d ';' | cut -d' ' -f2");
    return line;
}

#define FILE_OPERATIONS                                                                             \
    .close = mount_close, .session_open = mount_session_open, .session_close = mount_session_close, \
    .settle = mount_settle, .put = mount_put, .put_many = mount_put_many, .get = mount_get,         \
    .delete = mount_delete, .upload = mount_upload, .download = mount_download

const struct backend mount_storefs = {
    .name = "storefs",
    .settings = "no options. What was closed is durable within a second, after an fsync at once; "
                "a crash leaves whole versions of files",
    .version = store_library_version,
    .open = storefs_open,
    FILE_OPERATIONS,
};

const struct backend mount_passthrough = {
    .name = "passthrough_ll",
    .settings = "the example of libfuse, no options but the source, names and attributes believed "
                "for a second. As durable as native",
    .version = passthrough_version,
    .open = passthrough_open,
    FILE_OPERATIONS,
};

const struct backend mount_native = {
    .name = "native",
    .settings = "the file system below all others; never unmounted, its caches stay. What was closed is durable "
                "when the kernel finds time, mostly within half a minute, after an fsync at once",
    .version = native_version,
    .open = native_open,
    FILE_OPERATIONS,
};

const struct backend mount_gocryptfs = {
    .name = "gocryptfs",
    .settings = "no options but a cheap scrypt; encrypts contents and names. As durable as native",
    .version = gocryptfs_version,
    .open = gocryptfs_open,
    FILE_OPERATIONS,
};
