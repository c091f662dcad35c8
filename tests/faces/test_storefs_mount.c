/* The life of a mount: the command line, the parent's status, dead mounts, signals, umount, options. */
#include <dirent.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>

#include "storefs_test.h"

TestSuite(storefs_mount, .init = begin_unmounted, .fini = end_storefs);

static struct command_result said;

/* Runs storefs to its end; asserts its exit status and that it says this (on standard error unless it is 0). */
#define expect_says(wanted, text, ...)                                                         \
    do {                                                                                       \
        const char *const arguments_[] = { __VA_ARGS__, NULL };                                \
        command_clear(&said);                                                                  \
        run_storefs(&said, arguments_);                                                        \
        assert_status(wanted, &said);                                                          \
        cr_assert_not_null(strstr(said.status ? said.err : said.out, text), "no \"%s\" in\n%s%s", text, said.out, \
                           said.err);                                                          \
    } while (0)

/* In the background; the daemon becomes a child of the test when its parent ends. */
#define mount_in_background(...)                                                               \
    do {                                                                                       \
        prctl(PR_SET_CHILD_SUBREAPER, 1);                                                      \
        expect_says(0, "", test_path("store"), mount_point(), "-o", "default_permissions" __VA_ARGS__); \
        cr_assert_str_empty(said.err);                                                         \
    } while (0)

static bool is_mounted(void)
{
    char line[1024];
    bool found = false;
    FILE *mounts = fopen("/proc/self/mounts", "r");

    cr_assert_not_null(mounts);
    while (fgets(line, sizeof line, mounts) != NULL)
        found |= strstr(line, mount_point()) != NULL && strstr(line, " fuse.storefs ") != NULL;
    fclose(mounts);
    return found;
}

/* The daemon in the background has ended well. */
static void expect_daemon_ended(void)
{
    int status = -1;
    pid_t child = 0;

    assert_soon(child != 0 || (child = waitpid(-1, &status, WNOHANG)) != 0);
    cr_assert_gt(child, 0);
    cr_assert_eq(status, 0, "status %x", (unsigned)status);
}

/* ------------------------------------------------------------ command line */

Test(storefs_mount, help_names_every_option)
{
    static const char *const options[] = { "ro",     "subdir=",  "durability=", "properties",  "cache=",
                                           "threads=", "spin=", "linger=",     "allow_other", "allow_root" };

    expect_says(0, "usage: storefs [options] STORE MOUNTPOINT", "--help");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char line[32];
        snprintf(line, sizeof line, "\n  %s", options[i]);
        cr_assert_not_null(strstr(said.out, line), "%s", options[i]);
    }
    cr_assert_str_empty(said.err);
    expect_says(0, store_library_version(), "--version");
    expect_says(0, "libfuse 3.", "-V");
}

Test(storefs_mount, a_wrong_command_line_is_told_by_name)
{
    const char *store_path = test_path("store");

    expect_says(2, "missing: a store and a mount point", "-f");
    expect_says(2, "missing: a mount point", store_path);
    expect_says(2, "one argument too many: c", store_path, "b", "c");
    expect_says(2, "unknown option: -x", "-x", store_path, mount_point());
    expect_says(2, "unknown option: --nothing", store_path, mount_point(), "--nothing");
    expect_says(2, "a value is needed behind: -o", store_path, mount_point(), "-o");
    expect_says(2, "unknown mount option: nothing", store_path, mount_point(), "-o", "ro,nothing");
    expect_says(2, "unknown mount option: threads", store_path, mount_point(), "-o", "threads");
    expect_says(2, "unknown mount option: ro=1", store_path, mount_point(), "-o", "ro=1");
    expect_says(2, "not a number from 1 to", store_path, mount_point(), "-o", "threads=0");
    expect_says(2, "not a number from 0 to", store_path, mount_point(), "-o", "spin=-1");
    expect_says(2, "not a number of seconds", store_path, mount_point(), "-o", "cache=1h");
    expect_says(2, "durability is commit or relaxed", store_path, mount_point(), "-o", "durability=never");
    expect_says(2, "a location begins with /", store_path, mount_point(), "-o", "subdir=a");
}

Test(storefs_mount, what_cannot_be_mounted_is_told)
{
    const char *store_path = test_path("store"), *file = test_path("file");
    const char *const make_file[] = { "touch", file, NULL };

    run_command(&said, make_file, NULL);
    expect_says(1, "/nowhere: No such file or directory", test_path("nowhere"), mount_point());
    expect_says(1, "kind_conflict", test_directory(), mount_point());
    expect_says(1, "/nowhere: No such file or directory", store_path, test_path("nowhere"));
    expect_says(1, "/file: Not a directory", store_path, file);
    expect_says(1, "it would cover the store itself", store_path, test_directory());
    expect_says(1, "cannot mount /nothing: No such file or directory", store_path, mount_point(), "-o",
                "subdir=/nothing");
    cr_assert_not(is_mounted());
}

/* ------------------------------------------------------- beginning and end */

Test(storefs_mount, the_parent_ends_when_the_mount_works)
{
    struct stat above, here;

    mount_in_background(); /* its output was closed, else this would not end */
    assert_sys(stat(test_directory(), &above));
    assert_sys(stat(mount_point(), &here));
    cr_assert_neq(above.st_dev, here.st_dev);
    cr_assert(is_mounted());
    assert_sys(chdir(mount_point()));
    put_file("a", "text");
    assert_body("/a", "text");
    assert_sys(chdir("/"));
    expect_says(1, "this store is mounted there already", test_path("store"), mount_point());
    assert_sys(umount2(mount_point(), 0));
    expect_daemon_ended();
}

Test(storefs_mount, it_shows_which_store_it_is)
{
    mount_storefs(NULL);
    cr_assert_str_eq(shell_says("df --output=source . | tail -n 1"), store_path(test_store()));
    cr_assert_str_eq(shell_says("stat -f -c %T ."), "fuseblk", "which is what stat calls any FUSE file system");
}

Test(storefs_mount, a_directory_that_is_not_empty_is_covered)
{
    char *below = strdup(test_path("mnt/below"));

    assert_sys(mkdir(below, 0755));
    free(below);
    mount_storefs(NULL);
    assert_absent("below");
    unmount_storefs();
    assert_sys(rmdir(test_path("mnt/below")));
}

Test(storefs_mount, a_dead_mount_is_refused_with_the_way_to_clear_it)
{
    struct statfs there;
    const char *const clear[] = { "fusermount3", "-u", "-z", mount_point(), NULL };

    mount_storefs(NULL);
    assert_sys(chdir("/"));
    kill(storefs_pid(), SIGKILL);
    assert_soon(statfs(mount_point(), &there) != 0 && errno == ENOTCONN);
    expect_says(1, "whose daemon has ended", test_path("store"), mount_point());
    cr_assert_not_null(strstr(said.err, "fusermount3 -u -z /"), "%s", said.err);
    command_clear(&said);
    run_command(&said, clear, NULL);
    assert_status(0, &said);
    kill_storefs();
    mount_storefs(NULL);
}

Test(storefs_mount, a_signal_lets_users_finish_and_publishes)
{
    mount_storefs(NULL);
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT, 0644));
    assert_sys(write(fd, "before ", 7));
    assert_sys(chdir("/"));
    kill(storefs_pid(), SIGTERM);
    assert_soon(!is_mounted());
    assert_sys(write(fd, "and after", 9));
    assert_sys(close(fd));
    cr_assert_eq(end_of_storefs(), 0, "%s", storefs_log());
    assert_body("/a", "before and after");
}

Test(storefs_mount, a_second_signal_publishes_and_ends_it_at_once)
{
    mount_storefs(NULL);
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT, 0644));
    assert_sys(write(fd, "staged", 6));
    assert_sys(chdir("/"));
    kill(storefs_pid(), SIGINT);
    assert_soon(!is_mounted());
    kill(storefs_pid(), SIGINT);
    cr_assert_eq(end_of_storefs(), 0, "%s", storefs_log());
    assert_errno(ENOTCONN, write(fd, "more", 4));
    close(fd);
    assert_body("/a", "staged");
}

Test(storefs_mount, users_delay_the_end_as_long_as_they_may)
{
    mount_storefs("linger=0");
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT, 0644));
    assert_sys(write(fd, "staged", 6));
    assert_sys(chdir("/"));
    kill(storefs_pid(), SIGHUP);
    cr_assert_eq(end_of_storefs(), 0, "%s", storefs_log());
    close(fd);
    cr_assert_not(is_mounted());
    cr_assert_not_null(strstr(storefs_log(), "files were in use"), "%s", storefs_log());
    assert_body("/a", "staged");
}

Test(storefs_mount, umount_and_fusermount_end_it)
{
    const char *const unmount[] = { "fusermount3", "-u", mount_point(), NULL };

    need_program("fusermount3");
    mount_in_background();
    command_clear(&said);
    run_command(&said, unmount, NULL);
    assert_status(0, &said);
    expect_daemon_ended();
    mount_storefs(NULL);
    put_file("a", "text");
    unmount_storefs();
    assert_body("/a", "text");
}

/* ----------------------------------------------------------------- options */

Test(storefs_mount, read_only_is_read_only)
{
    store_text("/a", "text");
    mount_storefs("ro");
    assert_file("a", "text");
    assert_errno(EROFS, open("b", O_WRONLY | O_CREAT, 0644));
    assert_errno(EROFS, unlink("a"));
}

Test(storefs_mount, a_collection_can_be_mounted)
{
    assert_ok(store_make_collection(NULL, test_store(), "/below", NULL));
    store_text("/below/a", "text");
    store_text("/b", "not seen");
    mount_storefs("subdir=/below");
    assert_file("a", "text");
    assert_absent("b");
    put_file("c", "new");
    assert_body("/below/c", "new");
    cr_assert_eq(stat_of(".").st_ino, 1);
}

Test(storefs_mount, options_of_mount_and_fstab_are_taken_as_they_are_meant)
{
    mount_storefs("defaults,noauto,nofail,_netdev,users,x-systemd.automount,comment=a,noatime,noexec,cache=0.5");
    cr_assert_not_null(strstr(shell_says("grep storefs /proc/self/mounts"), "noexec"));
    put_file("a", "text");
    assert_body("/a", "text");
}

/* mount(8) looks for programs in its own PATH only; /usr/local/bin is there, and ours in this namespace. */
Test(storefs_mount, mount_finds_it_by_its_type)
{
    const char *const mount_it[] = { "mount", "-t", "fuse.storefs", test_path("store"), mount_point(), "-o",
                                     "noauto,nofail,allow_other,noatime", NULL };

    need_root();
    if (access("/sbin/mount.fuse3", X_OK) != 0)
        need_program("mount.fuse3");
    assert_sys(mount("none", "/usr/local/bin", "tmpfs", 0, NULL));
    char *whole = realpath(program("storefs"), NULL);
    assert_sys(symlink(whole, "/usr/local/bin/storefs"));
    free(whole);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    run_command(&said, mount_it, NULL);
    assert_status(0, &said);
    cr_assert(is_mounted());
    assert_sys(umount2(mount_point(), 0));
    expect_daemon_ended();
    assert_sys(umount2("/usr/local/bin", MNT_DETACH));
}

/* ----------------------------------------------------------------- threads */

/* Makes, reads and removes files, as fast as it can. */
static int keep_busy(void *context)
{
    const char *prefix = context;
    char name[64], text[64];

    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "%s%d", prefix, i);
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
        if (fd < 0 || write(fd, name, strlen(name)) != (ssize_t)strlen(name) || (i % 20 == 0 && fsync(fd) != 0) ||
            close(fd) != 0)
            return 1;
        fd = open(name, O_RDONLY);
        ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text);
        if (got != (ssize_t)strlen(name) || memcmp(text, name, (size_t)got) != 0 || close(fd) != 0)
            return 2;
        if (unlink(name) != 0)
            return 3;
    }
    return 0;
}

static void expect_all_served(const char *options)
{
    static const char *const prefixes[] = { "a", "b", "c", "d" };
    pid_t children[4];

    mount_storefs(options);
    for (int i = 0; i < 4; i++)
        children[i] = start_child(keep_busy, (void *)(uintptr_t)prefixes[i]);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(end_of_child(children[i]), 0, "with %s", options);
    unmount_storefs();
}

Test(storefs_mount, several_clients_are_served_by_any_number_of_threads)
{
    expect_all_served("threads=1,spin=0");
    expect_all_served("threads=2,spin=50");
    expect_all_served("threads=16,spin=1000");
    expect_all_served("threads=16,spin=0,durability=commit");
}

static int publish(void *context)
{
    return fsync(*(const int *)context) == 0 ? 0 : 1;
}

/* Somebody else holds the store's write lock, so that each publication waits. */
Test(storefs_mount, requests_that_wait_keep_no_other_waiting)
{
    static const char *const names[] = { "x", "y", "z" };
    store_txn *txn = NULL;
    pid_t children[3];
    int files[3];

    store_text("/a", "text");
    store_text("/b", "other");
    mount_storefs(NULL);
    for (int i = 0; i < 3; i++) {
        files[i] = assert_sys(open(names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        assert_sys(write(files[i], "text", 4));
    }
    assert_ok(store_begin(&txn, test_store(), false));
    for (int i = 0; i < 3; i++)
        children[i] = start_child(publish, &files[i]);
    assert_file("a", "text");
    assert_file("b", "other");
    for (int i = 0; i < 3; i++)
        cr_expect_eq(waitpid(children[i], NULL, WNOHANG), 0);
    assert_ok(store_commit(txn));
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(end_of_child(children[i]), 0);
        assert_sys(close(files[i]));
    }
    assert_body("/z", "text");
}

/* Clock ticks of CPU that it has used; the field behind the command's name is the third. */
static unsigned long cpu_used(pid_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, kernel = 0;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    cr_assert_eq(sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel),
                 2);
    return user + kernel;
}

Test(storefs_mount, who_has_nothing_to_do_uses_no_cpu)
{
    mount_storefs("spin=10000");
    cr_assert_eq(keep_busy("a"), 0);
    unsigned long before = cpu_used(storefs_pid());
    struct timespec half_a_second = { 0, 500000000 };
    nanosleep(&half_a_second, NULL); /* what is looked at, not waited for */
    cr_assert_leq(cpu_used(storefs_pid()) - before, 5, "a tenth of the time");
}
