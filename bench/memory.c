/*
 * memory.c - how large a process becomes while something is done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memory.h"

/* A field of the process's status that counts kB. */
static double status_mib(pid_t process, const char *field)
{
    size_t length = strlen(field);
    char path[64], line[256];
    long kib = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    file = fopen(path, "re");
    while (file && kib < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, field, length) == 0 && line[length] == ':')
            kib = strtol(line + length + 1, NULL, 10);
    if (file)
        fclose(file);
    if (kib < 0)
        fail("%s has no %s", path, field);
    return (double)kib / 1024;
}

double memory_own_mib(pid_t process)
{
    return status_mib(process, "RssAnon");
}

double memory_resident_mib(pid_t process)
{
    return status_mib(process, "VmRSS");
}

static void *watch_main(void *opaque)
{
    static const struct timespec pause = { .tv_nsec = 2000000 };
    struct memory_watch *watch = opaque;

    while (!watch->ended) {
        double now = memory_own_mib(watch->process);

        watch->most = now > watch->most ? now : watch->most;
        nanosleep(&pause, NULL);
    }
    return NULL;
}

void memory_watch_begin(struct memory_watch *watch, pid_t process)
{
    *watch = (struct memory_watch){ .process = process, .before = memory_own_mib(process) };
    errno = pthread_create(&watch->thread, NULL, watch_main, watch);
    if (errno != 0)
        fail("cannot start a thread: %s", strerror(errno));
}

void memory_watch_end(struct memory_watch *watch)
{
    watch->ended = true;
    pthread_join(watch->thread, NULL);
}
