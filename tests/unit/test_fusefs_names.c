/* test_fusefs_names.c - scratch names; what /proc says of a caller. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fusefs/caller.h"
#include "fusefs/scratch.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

Test(scratch, names_that_editors_make_for_themselves)
{
    static const char *const yes[] = { ".x.swp", ".", ".ada.Xy12Zq", "ada~", "~", "#ada#", "##", "4913", "ada.swp",
                                       ".goutputstream-1" };
    static const char *const no[] = { "ada", "#", "#ada", "ada#", "49130", "04913", "ada.swpx", "swp", "a.b", "~a" };

    for (size_t i = 0; i < COUNT(yes); i++)
        cr_expect(scratch_name(yes[i]), "%s", yes[i]);
    for (size_t i = 0; i < COUNT(no); i++)
        cr_expect_not(scratch_name(no[i]), "%s", no[i]);
}

Test(scratch, files_made_as_mkstemp_does)
{
    cr_assert(scratch_open(O_RDWR | O_CREAT | O_EXCL, 0600));
    cr_assert(scratch_open(O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_LARGEFILE, S_IFREG | 0600));
    cr_assert_not(scratch_open(O_RDWR | O_CREAT | O_EXCL, 0644));
    cr_assert_not(scratch_open(O_RDWR | O_CREAT, 0600));
    cr_assert_not(scratch_open(O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static void *tell_group(void *group)
{
    *(pid_t *)group = caller_group((pid_t)syscall(SYS_gettid));
    return NULL;
}

Test(caller, what_a_process_has_open_is_seen)
{
    int fd = memfd_create("held", 0), copy = dup(fd);
    struct stat st;

    cr_assert_geq(copy, 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert(caller_holds(getpid(), st.st_ino));
    close(fd);
    cr_assert(caller_holds(getpid(), st.st_ino));
    close(copy);
    cr_assert_not(caller_holds(getpid(), st.st_ino));
    cr_assert_not(caller_holds(0, st.st_ino));
}

Test(caller, a_thread_belongs_to_its_process)
{
    pthread_t thread;
    pid_t group = 0;

    cr_assert_eq(pthread_create(&thread, NULL, tell_group, &group), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_eq(group, getpid());
    cr_assert_eq(caller_group(0), 0);
}

/* Runs `body` in a process and leaves that as a zombie, which /proc still tells of. */
static pid_t zombie_of(void (*body)(void))
{
    siginfo_t info;
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        body();
        _exit(0);
    }
    cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    return pid;
}

static void be_killed(void)
{
    raise(SIGKILL);
}

static void be_terminated(void)
{
    raise(SIGTERM);
}

static void *exit_group(void *status)
{
    syscall(SYS_exit_group, *(int *)status);
    return NULL;
}

/* Another thread ends the process while this one, which /proc shows, waits. */
static void leave_by_another_thread(int status)
{
    pthread_t thread;

    pthread_create(&thread, NULL, exit_group, &status);
    for (;;)
        pause();
}

static void leave_well(void)
{
    leave_by_another_thread(0);
}

static void leave_badly(void)
{
    leave_by_another_thread(1);
}

static void leave(void)
{
}

Test(caller, only_who_was_ended_by_a_signal_was_killed)
{
    static const struct {
        void (*body)(void);
        bool killed;
        const char *name;
    } cases[] = {
        { be_killed, true, "SIGKILL" },   { be_terminated, true, "SIGTERM" },
        { leave, false, "exit" },         { leave_well, false, "exit of another thread" },
        { leave_badly, false, "exit of another thread with a status" },
    };

    cr_assert_not(caller_killed(getpid()));
    cr_assert_not(caller_killed(0));
    for (size_t i = 0; i < COUNT(cases); i++) {
        pid_t pid = zombie_of(cases[i].body);

        cr_expect_eq(caller_killed(pid), cases[i].killed, "%s", cases[i].name);
        cr_expect_eq(caller_group(pid), pid, "%s", cases[i].name);
        waitpid(pid, NULL, 0);
    }
}
