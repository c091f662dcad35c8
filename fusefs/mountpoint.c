/* mountpoint.c - looking at the directory before it is mounted on, and letting go of it. */
#include "mountpoint.h"

#include <errno.h>
#include <mntent.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "options.h"

static int refuse(const char *path, const char *why)
{
    complain("mount point %s: %s", path, why);
    return STATUS_NO;
}

/* The daemon that served it is gone, and the kernel answers ENOTCONN until it is unmounted. To do that unasked would
 * take the directory away from whoever still works there. */
static int refuse_dead(const char *path)
{
    complain("mount point %s: a file system whose daemon has ended is still mounted there; clear it by: "
             "fusermount3 -u -z %s", path, path);
    return STATUS_NO;
}

/* Is `inner` the directory `outer`, or below it? */
static bool is_within(const char *inner, const char *outer)
{
    size_t length = strlen(outer);

    if (length == 1) /* "/" */
        return true;
    return strncmp(inner, outer, length) == 0 && (inner[length] == '/' || inner[length] == '\0');
}

/* Is this very store what is mounted there last? */
static bool is_mounted(const char *mountpoint, const char *store_path)
{
    FILE *table = setmntent("/proc/self/mounts", "re");
    struct mntent entry;
    char strings[8192];
    bool found = false;

    while (table && getmntent_r(table, &entry, strings, sizeof strings))
        if (strcmp(entry.mnt_dir, mountpoint) == 0)
            found = strcmp(entry.mnt_type, "fuse.storefs") == 0 && strcmp(entry.mnt_fsname, store_path) == 0;
    if (table)
        endmntent(table);
    return found;
}

int mountpoint_resolve(char **out, const char *path, const char *store_path)
{
    struct statfs space;
    struct stat there;

    *out = NULL;
    /* statfs asks the daemon; stat may get what the kernel knew when it died. */
    if (statfs(path, &space) != 0 || stat(path, &there) != 0)
        return errno == ENOTCONN ? refuse_dead(path) : refuse(path, strerror(errno));
    if (!S_ISDIR(there.st_mode))
        return refuse(path, strerror(ENOTDIR));
    char *resolved = realpath(path, NULL);
    if (!resolved)
        return refuse(path, strerror(errno));

    int status = STATUS_DONE;
    if (is_within(store_path, resolved))
        status = refuse(path, "it would cover the store itself");
    else if (is_mounted(resolved, store_path))
        status = refuse(path, "this store is mounted there already");
    if (status != STATUS_DONE)
        free(resolved);
    else
        *out = resolved;
    return status;
}

/* As a user who may not unmount: by the helper that may. */
static int run_fusermount(const char *mountpoint)
{
    const char *const argv[] = { "fusermount3", "-u", "-z", "-q", "--", mountpoint, NULL };
    pid_t child;
    int status = 0;

    int error = posix_spawnp(&child, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);
    if (error != 0) {
        complain("cannot run fusermount3: %s", strerror(error));
        return STATUS_FAILED;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? STATUS_DONE : STATUS_FAILED;
}

int mountpoint_detach(const char *mountpoint)
{
    if (umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        return STATUS_DONE;
    if (errno == EPERM)
        return run_fusermount(mountpoint);
    complain("cannot unmount %s: %s", mountpoint, strerror(errno));
    return STATUS_FAILED;
}

void mountpoint_hint_allow_other(void)
{
    char line[256];
    bool allowed = geteuid() == 0;
    FILE *file = fopen("/etc/fuse.conf", "re");

    while (file && !allowed && fgets(line, sizeof line, file))
        allowed = strncmp(line, "user_allow_other", 16) == 0;
    if (file)
        fclose(file);
    if (!allowed)
        complain("allow_other is for root, unless /etc/fuse.conf has the line: user_allow_other");
}
