/* Bodies from --data, a file or standard input. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "print.h"

int input_open(struct input *out, const struct cli *cli, const char *argument)
{
    const char *data = cli_value(cli, OPT_DATA);

    *out = (struct input){.name = argument, .fd = -1};
    if (data && argument)
        return usage_error(cli, "--data and FILE exclude each other");
    if (data) {
        out->text = data;
        out->left = strlen(data);
        return STATUS_DONE;
    }
    if (!argument || strcmp(argument, "-") == 0) {
        out->name = "standard input";
        out->fd = STDIN_FILENO;
        return STATUS_DONE;
    }
    out->fd = open(argument, O_RDONLY | O_CLOEXEC);
    if (out->fd >= 0)
        return STATUS_DONE;
    return complain(cli, STORE_BAD_ARGUMENT, argument, "cannot open: %s", strerror(errno));
}

int input_read(size_t *got, const struct cli *cli, struct input *input, void *buffer, size_t capacity)
{
    *got = 0;
    if (input->text) {
        *got = input->left < capacity ? input->left : capacity;
        memcpy(buffer, input->text, *got);
        input->text += *got;
        input->left -= *got;
        return STATUS_DONE;
    }
    ssize_t size;
    do
        size = read(input->fd, buffer, capacity);
    while (size < 0 && errno == EINTR);
    if (size >= 0) {
        *got = (size_t)size;
        return STATUS_DONE;
    }
    return complain(cli, errno == EISDIR ? STORE_BAD_ARGUMENT : STORE_IO, input->name, "cannot read: %s",
                    strerror(errno));
}

/* Makes room for more than `size` bytes, doubling. */
static bool grow(char **body, size_t *capacity, size_t size)
{
    if (size < *capacity)
        return true;
    size_t room = *capacity ? *capacity * 2 : 65536;
    char *larger = realloc(*body, room);
    if (!larger)
        return false;
    *body = larger;
    *capacity = room;
    return true;
}

int input_all(char **body, size_t *size, const struct cli *cli, struct input *input, size_t limit)
{
    size_t capacity = 0, got = 1;
    int status = STATUS_DONE;

    *body = NULL;
    *size = 0;
    while (status == STATUS_DONE && got > 0) {
        if (*size > limit)
            status = complain(cli, STORE_TOO_LARGE, input->name, "more than %zu bytes", limit);
        else if (!grow(body, &capacity, *size + 1))
            status = complain(cli, STORE_NO_MEMORY, input->name, "out of memory");
        else
            status = input_read(&got, cli, input, *body + *size, capacity - *size - 1);
        *size += status == STATUS_DONE ? got : 0;
    }
    if (status == STATUS_DONE) {
        (*body)[*size] = '\0';
        return status;
    }
    free(*body);
    *body = NULL;
    *size = 0;
    return status;
}

void input_close(struct input *input)
{
    if (input->fd > STDIN_FILENO)
        close(input->fd);
    input->fd = -1;
}

static int spool(FILE *file, const struct cli *cli, struct input *input)
{
    char block[16384];
    size_t got = 1;
    int status = STATUS_DONE;

    while (status == STATUS_DONE && got > 0) {
        status = input_read(&got, cli, input, block, sizeof block);
        if (status == STATUS_DONE && fwrite(block, 1, got, file) != got)
            status = complain(cli, STORE_IO, NULL, "cannot write a temporary file: %s", strerror(errno));
    }
    if (status == STATUS_DONE && fflush(file) != 0)
        status = complain(cli, STORE_IO, NULL, "cannot write a temporary file: %s", strerror(errno));
    rewind(file);
    return status;
}

int input_file(FILE **out, uint64_t *size, const struct cli *cli, struct input *input)
{
    struct stat stat;
    bool regular = fstat(input->fd, &stat) == 0 && S_ISREG(stat.st_mode);
    int status = STATUS_DONE;

    *size = 0;
    *out = regular ? fdopen(input->fd, "r") : tmpfile();
    if (!*out)
        return complain(cli, STORE_IO, input->name, "cannot read: %s", strerror(errno));
    if (!regular) {
        status = spool(*out, cli, input);
        input_close(input);
    }
    input->fd = -1;
    if (status == STATUS_DONE && fstat(fileno(*out), &stat) == 0)
        *size = (uint64_t)stat.st_size;
    if (status != STATUS_DONE) {
        fclose(*out);
        *out = NULL;
    }
    return status;
}

int read_line(char **line, size_t *capacity, ptrdiff_t *size, const struct cli *cli, FILE *file, size_t limit)
{
    size_t used = 0;
    int byte;

    *size = -1;
    while ((byte = getc_unlocked(file)) != EOF && byte != '\n') {
        if (used >= limit)
            return complain(cli, STORE_TOO_LARGE, NULL, "a line of more than %zu bytes", limit);
        if (!grow(line, capacity, used + 1))
            return complain(cli, STORE_NO_MEMORY, NULL, "out of memory");
        (*line)[used++] = (char)byte;
    }
    if (ferror(file))
        return complain(cli, errno == EISDIR ? STORE_BAD_ARGUMENT : STORE_IO, NULL, "cannot read: %s",
                        strerror(errno));
    if (byte == EOF && used == 0)
        return STATUS_DONE;
    if (!grow(line, capacity, used + 1))
        return complain(cli, STORE_NO_MEMORY, NULL, "out of memory");
    (*line)[used] = '\0';
    *size = (ptrdiff_t)used;
    return STATUS_DONE;
}
