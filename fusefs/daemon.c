/* daemon.c - see daemon.h. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "options.h"

static int ready_pipe = -1;    /* to the waiting parent */
static bool to_log;            /* set before there are threads */

void complain(const char *format, ...)
{
    char text[1024];
    va_list values;

    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (to_log)
        syslog(LOG_ERR, "%s", text);
    else
        dprintf(STDERR_FILENO, "storefs: %s\n", text);
}

/* The child told its reason itself, on the standard error that both have, unless it could not. */
static int await_child(pid_t child, int pipe_end)
{
    char byte;
    ssize_t got;
    int status = 0;

    do
        got = read(pipe_end, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        return STATUS_DONE;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status))
        return WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : STATUS_FAILED;
    complain("ended by signal %d (%s) before it was mounted", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return STATUS_FAILED;
}

int daemon_fork(void)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        complain("pipe: %s", strerror(errno));
        return STATUS_FAILED;
    }
    pid_t child = fork();
    if (child < 0) {
        complain("fork: %s", strerror(errno));
        return STATUS_FAILED;
    }
    if (child > 0) {
        close(ends[1]);
        return await_child(child, ends[0]);
    }
    close(ends[0]);
    ready_pipe = ends[1];
    setsid();
    return -1;
}

void daemon_ready(void)
{
    char byte = 1;

    if (ready_pipe < 0)
        return;
    openlog("storefs", LOG_PID, LOG_DAEMON);
    to_log = true;
    /* No directory is kept in use, and no pipe that the caller reads to its end. */
    if (chdir("/") != 0)
        complain("chdir: %s", strerror(errno));
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
    while (write(ready_pipe, &byte, 1) < 0 && errno == EINTR)
        continue;
    close(ready_pipe);
    ready_pipe = -1;
}

void daemon_settle(void)
{
    struct rlimit limit;

    umask(0);
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    /* Memory that is needed to write a page back must not wait for pages of this file system to be written back. */
    prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
}
