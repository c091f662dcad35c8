/* storefs_test.c - the mounted store of a test: its namespace, its guard, its daemon. */
#include "storefs_test.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

enum { PATIENCE_MS = 20000 };

static char binary[PATH_MAX], place[PATH_MAX];
static char options_text[512];
static const char *log_path;
static pid_t daemon_pid; /* of storefs; 0: none */
static int guard_end = -1;
static pid_t guard_pid;
static bool is_root; /* not only in a user namespace of our own */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((format(printf, 1, 2))) static void skip(const char *format, ...)
{
    char reason[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    fprintf(stderr, "storefs: tests are skipped: %s\n", reason);
    cr_skip_test("%s", reason);
}

/* ------------------------------------------------------- namespace and guard */

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return done;
}

/* As root we may; else in a user namespace in which we look like root. */
static bool enter_namespace(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    is_root = uid == 0;
    if (is_root && unshare(CLONE_NEWNS) != 0)
        return false;
    if (!is_root) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_text("/proc/self/setgroups", "deny"))
            return false;
        snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
        if (!write_text("/proc/self/uid_map", map))
            return false;
        snprintf(map, sizeof map, "0 %u 1", (unsigned)gid);
        if (!write_text("/proc/self/gid_map", map))
            return false;
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool same_namespace(const char *pid, const char *own)
{
    char path[64], name[64];

    snprintf(path, sizeof path, "/proc/%.20s/ns/mnt", pid);
    ssize_t size = readlink(path, name, sizeof name - 1);
    if (size <= 0)
        return false;
    name[size] = '\0';
    return strcmp(name, own) == 0;
}

/* Kills all others of our mount namespace but the test; how many there were. */
static int sweep(pid_t test)
{
    char own[64];
    int found = 0;
    ssize_t size = readlink("/proc/self/ns/mnt", own, sizeof own - 1);
    DIR *processes = opendir("/proc");

    own[size > 0 ? size : 0] = '\0';
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0 || pid == getpid() || pid == test || !same_namespace(entry->d_name, own))
            continue;
        kill(pid, SIGKILL);
        found++;
    }
    if (processes)
        closedir(processes);
    return found;
}

/* The guard: sleeps until the test says that it is over, or dies. */
static void guard(int end, pid_t test)
{
    char byte;

    setsid();
    dup2(end, 0);
    close_range(3, ~0u, 0);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    dup2(null, 2);
    while (read(0, &byte, 1) < 0 && errno == EINTR)
        ;
    for (int tries = 0; sweep(test) > 0 && tries < 1000; tries++)
        poll(NULL, 0, 2);
    _exit(0);
}

static void start_guard(void)
{
    int ends[2];
    pid_t test = getpid();

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    guard_pid = fork();
    cr_assert_geq(guard_pid, 0);
    if (guard_pid == 0) {
        close(ends[1]);
        guard(ends[0], test);
    }
    close(ends[0]);
    guard_end = ends[1];
}

static void end_guard(void)
{
    if (guard_end < 0)
        return;
    close(guard_end);
    guard_end = -1;
    waitpid(guard_pid, NULL, 0);
}

/* ------------------------------------------------------------ begin and end */

static void need_fuse(void)
{
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        skip("/dev/fuse cannot be opened: %s", strerror(errno));
    close(fd);
}

void begin_unmounted(void)
{
    if (realpath(program("storefs"), binary) == NULL)
        skip("%s: %s", program("storefs"), strerror(errno));
    need_fuse();
    if (!enter_namespace())
        skip("no mount namespace of our own: %s", strerror(errno));
    umask(022);
    begin_test();
    start_guard();
    log_path = test_path("storefs.log");
    snprintf(place, sizeof place, "%s/mnt", test_directory());
    cr_assert_eq(mkdir(place, 0755), 0);
    test_store();
}

void begin_storefs(void)
{
    begin_unmounted();
    mount_storefs(NULL);
}

static int expect_no_finding(const store_finding *finding, void *payload)
{
    (void)payload;
    cr_expect_fail("check: %s %s: %s", finding->kind, finding->location ? finding->location : "", finding->detail);
    return 0;
}

void expect_intact(void)
{
    store_check_report report;

    cr_expect_eq(store_check(&report, test_store(), 0, expect_no_finding, NULL), STORE_OK, "%s", store_problem_json());
}

/* Waits for a child's end; false when it has not come in time. */
static bool wait_for(pid_t child, int *status)
{
    int fd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd ended = { fd, POLLIN, 0 };
    bool in_time = fd >= 0 && poll(&ended, 1, PATIENCE_MS) == 1;

    if (fd >= 0)
        close(fd);
    if (!in_time)
        kill(child, SIGKILL);
    waitpid(child, status, 0);
    return in_time;
}

/* What is wrong about the way in which the daemon ended, or NULL. */
static const char *leave_mount(void)
{
    static char text[256];
    int status = 0, error = 0;

    if (chdir("/") != 0 || daemon_pid == 0)
        return NULL;
    if (umount2(place, 0) != 0) {
        error = errno;
        umount2(place, MNT_DETACH);
    }
    if (error != 0)
        kill(daemon_pid, SIGKILL); /* something of the test is still open there */
    bool in_time = wait_for(daemon_pid, &status);
    daemon_pid = 0;
    if (in_time && error == 0 && status == 0)
        return NULL;
    snprintf(text, sizeof text, "umount: %s; storefs %s, status %x", strerror(error), in_time ? "ended" : "did not end",
             (unsigned)status);
    return text;
}

void unmount_storefs(void)
{
    const char *wrong = leave_mount();

    cr_assert_null(wrong, "%s\n%s", wrong, storefs_log());
}

void end_storefs(void)
{
    if (test_directory()[0] == '\0')
        return;
    const char *wrong = leave_mount();
    cr_expect_null(wrong, "%s\n%s", wrong, storefs_log());
    end_guard();
    expect_intact();
    end_test();
}

/* ------------------------------------------------------------------- mounting */

/* Has it come up? False: not yet. Fails the test when the daemon has ended instead. */
static bool is_up(void)
{
    struct stat above, here;
    int status;

    if (waitpid(daemon_pid, &status, WNOHANG) == daemon_pid) {
        daemon_pid = 0;
        cr_assert_fail("storefs ended with status %x instead of mounting\n%s", (unsigned)status, storefs_log());
    }
    cr_assert_eq(stat(test_directory(), &above), 0);
    return stat(place, &here) == 0 && here.st_dev != above.st_dev;
}

/* The table of mounts tells when it changes. */
static void await_mount(void)
{
    int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    struct pollfd changed = { mounts, POLLPRI, 0 };
    int64_t end = now_ms() + PATIENCE_MS;

    cr_assert_geq(mounts, 0);
    while (!is_up()) {
        cr_assert_lt(now_ms(), end, "storefs did not mount\n%s", storefs_log());
        poll(&changed, 1, 20);
    }
    close(mounts);
}

void mount_storefs(const char *options)
{
    const char *argv[] = { binary, "-f", test_path("store"), place, "-o", options_text, NULL };
    posix_spawn_file_actions_t actions;

    cr_assert_eq(daemon_pid, 0, "it is mounted already");
    snprintf(options_text, sizeof options_text, "%s%s%s", is_root ? "allow_other,dev,suid" : "default_permissions",
             options ? "," : "", options ? options : "");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int error = posix_spawn(&daemon_pid, binary, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    cr_assert_eq(error, 0, "%s: %s", binary, strerror(error));
    await_mount();
    assert_sys(chdir(place));
}

void remount_storefs(void)
{
    char *options = options_text;

    unmount_storefs();
    options = strchr(options, ',');
    for (int given = is_root ? 2 : 0; options && given > 0; given--)
        options = strchr(options + 1, ',');
    char *more = options ? strdup(options + 1) : NULL;
    mount_storefs(more);
    free(more);
}

void kill_storefs(void)
{
    cr_assert_neq(daemon_pid, 0);
    assert_sys(chdir("/"));
    kill(daemon_pid, SIGKILL);
    waitpid(daemon_pid, NULL, 0);
    daemon_pid = 0;
    umount2(place, MNT_DETACH);
}

int end_of_storefs(void)
{
    int status = 0;

    cr_assert_neq(daemon_pid, 0);
    assert_sys(chdir("/"));
    bool in_time = wait_for(daemon_pid, &status);
    daemon_pid = 0;
    cr_assert(in_time, "storefs did not end\n%s", storefs_log());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

pid_t storefs_pid(void)
{
    return daemon_pid;
}

const char *mount_point(void)
{
    return place;
}

void run_storefs(struct command_result *out, const char *const arguments[])
{
    const char *argv[16] = { binary };

    for (size_t i = 0; arguments[i] && i < 14; i++)
        argv[i + 1] = arguments[i];
    run_command(out, argv, NULL);
}

const char *storefs_log(void)
{
    static char text[8192];
    int fd = log_path ? open(log_path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;

    text[size > 0 ? size : 0] = '\0';
    if (fd >= 0)
        close(fd);
    return text;
}

/* ----------------------------------------------------------------- conditions */

void need_root(void)
{
    if (!is_root)
        skip("only root can act as other users");
}

bool has_program(const char *name)
{
    const char *path = getenv("PATH");
    char file[PATH_MAX];

    while (path && *path) {
        size_t size = strcspn(path, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)size, path, name);
        if (access(file, X_OK) == 0)
            return true;
        path += size + (path[size] == ':');
    }
    return false;
}

void need_program(const char *name)
{
    if (!has_program(name))
        skip("%s is not installed", name);
}
