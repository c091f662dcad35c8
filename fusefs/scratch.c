/* scratch.c - names and ways of opening that tell a file which is not meant to stay. PURE. */
#include "scratch.h"

#include <fcntl.h>
#include <string.h>

static bool ends_with(const char *name, size_t size, const char *end)
{
    size_t end_size = strlen(end);

    return size >= end_size && memcmp(name + size - end_size, end, end_size) == 0;
}

bool scratch_name(const char *name)
{
    size_t size = strlen(name);

    return name[0] == '.' || ends_with(name, size, "~") || ends_with(name, size, ".swp") ||
           (name[0] == '#' && size > 1 && name[size - 1] == '#') || strcmp(name, "4913") == 0;
}

bool scratch_open(int flags, mode_t mode)
{
    const int wanted = O_RDWR | O_CREAT | O_EXCL;

    return (flags & (O_ACCMODE | O_CREAT | O_EXCL)) == wanted && (mode & 07777) == 0600;
}
