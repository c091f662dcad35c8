/* directory.c - fsync of directories, and what an errno means as a code. */
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "problem.h"

int directory_problem(int error, const char *path)
{
    int code = STORE_IO;

    if (error == ENOSPC || error == EDQUOT)
        code = STORE_FULL;
    else if (error == EROFS)
        code = STORE_READ_ONLY;
    else if (error == EACCES || error == EPERM)
        code = STORE_DENIED;
    else if (error == ENOENT)
        code = STORE_NOT_FOUND;
    return problem_os(code, error, "%s: %s", path, strerror(error));
}

int directory_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = 0;

    if (fd < 0)
        return directory_problem(errno, path);
    if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: a file system that cannot, and need not */
        error = errno;
    close(fd);
    return error ? directory_problem(error, path) : STORE_OK;
}

int directory_sync_parent(const char *path)
{
    char parent[PATH_MAX] = ".";
    size_t size = strlen(path);

    while (size > 1 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    if (size >= sizeof parent)
        return directory_problem(ENAMETOOLONG, path);
    if (size > 0) {
        memcpy(parent, path, size);
        parent[size] = '\0';
    }
    return access(parent, R_OK) == 0 ? directory_sync(parent) : STORE_OK;
}
