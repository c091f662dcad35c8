/*
 * machine.c - what the figures depend on: the processor, the system, the file system and its flushes.
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

enum { FLUSHES = 200, FLUSH_SIZE = 4096 };

static void set(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
}

static void look_cpu(struct machine *out)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256];

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            set(out->cpu, sizeof out->cpu, strchr(line, ':') + 2);
            break;
        }
    if (file)
        fclose(file);
    out->cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

/* The type of the mount with the longest path that leads to the directory. */
static void look_file_system(struct machine *out, const char *directory)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    char *path = realpath(directory, NULL);
    struct mntent *mount;
    size_t longest = 0;

    while (mounts && path && (mount = getmntent(mounts))) {
        size_t size = strcmp(mount->mnt_dir, "/") == 0 ? 0 : strlen(mount->mnt_dir);

        if (strncmp(path, mount->mnt_dir, size) == 0 && (path[size] == '/' || path[size] == '\0') &&
            size >= longest) {
            longest = size;
            set(out->file_system, sizeof out->file_system, mount->mnt_type);
        }
    }
    if (mounts)
        endmntent(mounts);
    free(path);
}

static double flush_seconds(const char *directory)
{
    static const unsigned char block[FLUSH_SIZE];
    char *path = files_join(directory, "flush");
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    double times[ROUNDS_MAX];
    bool fine = file >= 0;

    for (int i = 0; fine && i < FLUSHES; i++) {
        uint64_t begin;

        fine = pwrite(file, block, sizeof block, (off_t)i * FLUSH_SIZE) == sizeof block;
        begin = now_ns();
        fine = fine && fdatasync(file) == 0;
        /* The last ones: the first may have to wait for others' writing. */
        times[i % ROUNDS_MAX] = (double)(now_ns() - begin) / 1e9;
    }
    if (!fine)
        fail("%s: %s", path, strerror(errno));
    close(file);
    unlink(path);
    free(path);
    return median(times, ROUNDS_MAX);
}

void machine_look(struct machine *out, const char *directory)
{
    struct utsname system;
    time_t now = time(NULL);
    struct tm parts;

    *out = (struct machine){ .cpu = "unknown", .file_system = "unknown", .commit = "unknown" };
    look_cpu(out);
    look_file_system(out, directory);
    process_says(out->commit, sizeof out->commit, "git describe --always --dirty 2>/dev/null");
    uname(&system);
    snprintf(out->system, sizeof out->system, "%s %s", system.sysname, system.release);
    strftime(out->date, sizeof out->date, "%Y-%m-%d", gmtime_r(&now, &parts));
    out->flush_seconds = flush_seconds(directory);
}

void machine_print(const struct machine *machine)
{
    printf("%s, %u cores, %s, %s, flush %.0f us, commit %s, %s\n", machine->cpu, machine->cores, machine->system,
           machine->file_system, machine->flush_seconds * 1e6, machine->commit, machine->date);
}
