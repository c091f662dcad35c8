/* Files written under a temporary name beside their own, then renamed. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "print.h"

static int failed(const struct cli *cli, const struct output *output, const char *what)
{
    if (errno == EPIPE && !output->path)
        return STATUS_FAILED;
    return complain(cli, STORE_IO, output->path, "cannot %s: %s", what, strerror(errno));
}

/* "dir/.name.PID.tmp" beside "dir/name". */
static char *temporary_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *text = NULL;

    if (asprintf(&text, "%.*s.%s.%ld.tmp", (int)(name - path), path, name, (long)getpid()) < 0)
        return NULL;
    return text;
}

int output_open(struct output *out, const struct cli *cli, const char *path)
{
    struct stat there;

    *out = (struct output){.path = path};
    if (!path) {
        out->stream = stdout;
        return STATUS_DONE;
    }
    bool in_place = lstat(path, &there) == 0 && !S_ISREG(there.st_mode);
    if (!in_place && !(out->temporary = temporary_name(path)))
        return complain(cli, STORE_NO_MEMORY, path, "out of memory");
    if (out->temporary)
        unlink(out->temporary);
    int fd = open(out->temporary ? out->temporary : path,
                  O_WRONLY | O_CREAT | O_CLOEXEC | (out->temporary ? O_EXCL : O_TRUNC), 0666);
    out->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out->stream)
        return STATUS_DONE;
    int status = failed(cli, out, "write");
    if (fd >= 0)
        close(fd);
    return status;
}

int output_write(const struct cli *cli, struct output *output, const void *bytes, size_t size)
{
    if (fwrite(bytes, 1, size, output->stream) == size)
        return STATUS_DONE;
    return failed(cli, output, "write");
}

int output_commit(const struct cli *cli, struct output *output)
{
    if (!output->path) /* main() checks standard output */
        return STATUS_DONE;
    bool flushed = fflush(output->stream) == 0 && !ferror(output->stream);
    if (flushed && output->temporary)
        flushed = fsync(fileno(output->stream)) == 0 || errno == EINVAL;
    if (!flushed)
        return failed(cli, output, "write");
    if (output->temporary && rename(output->temporary, output->path) != 0)
        return failed(cli, output, "rename to it");
    free(output->temporary);
    output->temporary = NULL;
    return STATUS_DONE;
}

void output_close(struct output *output)
{
    if (output->path && output->stream)
        fclose(output->stream);
    if (output->temporary)
        unlink(output->temporary);
    free(output->temporary);
    *output = (struct output){0};
}
