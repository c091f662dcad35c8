/*
 * process.c - programs that the benchmark runs: for a moment, as a server, for a line they say.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"

/* Some servers hold a descriptor for each file they know. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* What goes to a descriptor goes to the file. */
static bool redirect(int descriptor, const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    return file >= 0 && dup2(file, descriptor) >= 0;
}

static _Noreturn void become(const char *const *arguments, const char *output, const char *errors)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    allow_descriptors();
    if (redirect(STDOUT_FILENO, output ? output : "/dev/null") && (!errors || redirect(STDERR_FILENO, errors)))
        execvp(arguments[0], (char *const *)arguments);
    fail("%s: %s", arguments[0], strerror(errno));
}

pid_t process_start(const char *const *arguments, const char *output, const char *errors)
{
    pid_t id = fork();

    if (id < 0)
        fail("cannot start a process: %s", strerror(errno));
    if (id == 0)
        become(arguments, output, errors);
    return id;
}

bool process_ended(pid_t id)
{
    siginfo_t info = { .si_pid = 0 };

    return waitid(P_PID, (id_t)id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == id;
}

void process_wait(pid_t id, const char *name)
{
    int status;

    while (waitpid(id, &status, 0) < 0)
        if (errno != EINTR)
            fail("cannot wait for %s: %s", name, strerror(errno));
    if (WIFSIGNALED(status))
        fail("%s was ended by signal %d (%s)", name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        fail("%s failed with status %d", name, WEXITSTATUS(status));
}

void process_run(const char *const *arguments, const char *output)
{
    process_wait(process_start(arguments, output, NULL), arguments[0]);
}

void process_says(char *out, size_t size, const char *command)
{
    FILE *pipe = popen(command, "re");

    if (pipe && fgets(out, (int)size, pipe))
        out[strcspn(out, "\n")] = '\0';
    if (pipe)
        pclose(pipe);
}

char *process_beside(const char *name)
{
    char program[4096], *path;
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);

    if (size < 0)
        fail("/proc/self/exe: %s", strerror(errno));
    program[size] = '\0';
    *strrchr(program, '/') = '\0';
    path = files_join(program, name);
    if (access(path, R_OK) != 0)
        fail("%s: %s", path, strerror(errno));
    return path;
}
