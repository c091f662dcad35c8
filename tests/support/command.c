/* command.c - runs a program to its end and keeps all it wrote. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

extern char **environ;

/* One of the three pipes, seen from here. */
struct channel {
    int fd;
    char *data; /* what was read, NUL-terminated; or what is still to be written */
    size_t size;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void end_channel(struct channel *channel)
{
    if (channel->fd >= 0)
        close(channel->fd);
    channel->fd = -1;
}

static void write_some(struct channel *channel)
{
    ssize_t wrote = write(channel->fd, channel->data, channel->size);

    if (wrote < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (wrote < 0 || (size_t)wrote == channel->size) {
        end_channel(channel);
        return;
    }
    channel->data += wrote;
    channel->size -= (size_t)wrote;
}

static void read_some(struct channel *channel)
{
    char block[65536];
    ssize_t got = read(channel->fd, block, sizeof block);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        end_channel(channel);
        return;
    }
    char *data = realloc(channel->data, channel->size + (size_t)got + 1);
    cr_assert_not_null(data);
    memcpy(data + channel->size, block, (size_t)got);
    channel->data = data;
    channel->size += (size_t)got;
    data[channel->size] = '\0';
}

/* Feeds and drains until the program has closed its ends; false when time is up. */
static bool exchange(struct channel channels[3], int64_t deadline)
{
    while (channels[0].fd >= 0 || channels[1].fd >= 0 || channels[2].fd >= 0) {
        struct pollfd polls[3];
        int64_t left = deadline - now_ms();
        for (int i = 0; i < 3; i++)
            polls[i] = (struct pollfd){ .fd = channels[i].fd, .events = i == 0 ? POLLOUT : POLLIN };
        if (left <= 0)
            return false;
        if (poll(polls, 3, (int)left) < 0 && errno != EINTR)
            return false;
        if (polls[0].revents != 0)
            write_some(&channels[0]);
        for (int i = 1; i < 3; i++)
            if (polls[i].revents != 0)
                read_some(&channels[i]);
    }
    return true;
}

/* The child's exit, waited for until the deadline, then forced. */
static int reap(pid_t child, int64_t deadline, bool *timed_out)
{
    int status = 0;

    while (waitpid(child, &status, WNOHANG) == 0) {
        if (now_ms() >= deadline) {
            *timed_out = true;
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            break;
        }
        poll(NULL, 0, 1); /* it has closed its output: it is about to end */
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int spawn(pid_t *child, const char *const argv[], int in, int out, int err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t usual;

    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    /* argv is not written to: the standard's prototype lacks a const. */
    int error = posix_spawnp(child, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

void run_command(struct command_result *out, const char *const argv[], const char *stdin_text)
{
    int pipes[3][2];
    struct channel channels[3];
    int64_t deadline = now_ms() + COMMAND_SECONDS * 1000;
    pid_t child;

    *out = (struct command_result){ .status = -1 };
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(pipe2(pipes[i], O_CLOEXEC), 0);
        int ours = pipes[i][i == 0];
        cr_assert_eq(fcntl(ours, F_SETFL, O_NONBLOCK), 0);
        channels[i] = (struct channel){ .fd = ours };
    }
    int error = spawn(&child, argv, pipes[0][0], pipes[1][1], pipes[2][1]);
    close(pipes[0][0]);
    close(pipes[1][1]);
    close(pipes[2][1]);
    channels[0].data = (char *)(uintptr_t)stdin_text;
    channels[0].size = stdin_text != NULL ? strlen(stdin_text) : 0;
    if (error != 0 || channels[0].size == 0)
        end_channel(&channels[0]);
    if (error == 0) {
        out->timed_out = !exchange(channels, deadline);
        out->status = reap(child, out->timed_out ? now_ms() : deadline, &out->timed_out);
    }
    for (int i = 0; i < 3; i++)
        end_channel(&channels[i]);
    out->out = channels[1].data != NULL ? channels[1].data : calloc(1, 1);
    out->out_size = channels[1].size;
    out->err = channels[2].data != NULL ? channels[2].data : calloc(1, 1);
    out->err_size = channels[2].size;
    cr_assert_eq(error, 0, "cannot run %s: %s", argv[0], strerror(error));
}

void command_clear(struct command_result *result)
{
    free(result->out);
    free(result->err);
    *result = (struct command_result){ 0 };
}
