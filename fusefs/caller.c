/* caller.c - what /proc tells of the thread that makes a request. */
#include "caller.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the fields of /proc/TID/stat, counted as proc(5) does. */
#define FIELD_STATE 3 /* the first one behind the program's name */
#define FIELD_FLAGS 9
#define FIELD_EXIT_CODE 52

#define PF_SIGNALED 0x400u /* of the kernel's own header: ended by a signal, its own or its group's */

/* The beginning of /proc/TID/`file` as text; false if there is none. */
static bool read_about(char *text, size_t capacity, pid_t tid, const char *file)
{
    char path[64];
    ssize_t size;
    int fd;

    if (tid <= 0)
        return false;
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)tid, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size = read(fd, text, capacity - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

pid_t caller_group(pid_t tid)
{
    char text[512];
    const char *line;

    if (!read_about(text, sizeof text, tid, "status"))
        return 0;
    line = strstr(text, "\nTgid:");
    return line ? (pid_t)strtol(line + strlen("\nTgid:"), NULL, 10) : 0;
}

/* The text of a field; NULL if it is not there. The name of the program, in parentheses, may hold anything. */
static const char *stat_field(const char *text, int field)
{
    const char *at = strrchr(text, ')');

    for (int i = FIELD_STATE; at && i <= field; i++)
        at = strchr(at + 1, ' ');
    return at ? at + 1 : NULL;
}

/* The kernel shows the exit code to who may trace the process; to others it is 0. */
static bool may_see_exit_code(pid_t tid)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof path, "/proc/%ld", (long)tid);
    return geteuid() == 0 || (stat(path, &st) == 0 && st.st_uid == geteuid());
}

bool caller_killed(pid_t tid)
{
    char text[1024];
    const char *flags, *code;

    if (!read_about(text, sizeof text, tid, "stat"))
        return false;
    flags = stat_field(text, FIELD_FLAGS);
    code = stat_field(text, FIELD_EXIT_CODE);
    if (!flags || !(strtoul(flags, NULL, 10) & PF_SIGNALED))
        return false;
    /* The flag alone is also set in a thread that ends because another one called exit(). */
    return !code || !may_see_exit_code(tid) || WIFSIGNALED((int)strtol(code, NULL, 10));
}

/* The file that the kernel shows there, without a look at the file itself, which may be one of ours. */
static bool is_of(pid_t tid, const char *descriptor, uint64_t ino)
{
    char text[512], file[sizeof "fdinfo/" + 20];
    const char *line;

    snprintf(file, sizeof file, "fdinfo/%.20s", descriptor);
    line = read_about(text, sizeof text, tid, file) ? strstr(text, "\nino:") : NULL;
    return line && strtoumax(line + strlen("\nino:"), NULL, 10) == ino;
}

bool caller_holds(pid_t tid, uint64_t ino)
{
    enum { LOOKS_MAX = 1024 };
    const struct dirent *entry;
    char path[64];
    bool found = false;
    DIR *descriptors;

    if (tid <= 0)
        return false;
    snprintf(path, sizeof path, "/proc/%ld/fdinfo", (long)tid);
    descriptors = opendir(path);
    for (int i = 0; descriptors && !found && i < LOOKS_MAX && (entry = readdir(descriptors)) != NULL; i++)
        found = entry->d_name[0] != '.' && is_of(tid, entry->d_name, ino);
    if (descriptors)
        closedir(descriptors);
    return found;
}
