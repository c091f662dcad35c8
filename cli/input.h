/* input.h - where a command's body comes from: --data, FILE, or standard input. */
#ifndef STORECTL_INPUT_H
#define STORECTL_INPUT_H

#include "command.h"

struct input {
    const char *name;  /* for messages */
    const char *text;  /* --data, or NULL */
    size_t left;       /* of text */
    int fd;            /* else */
};

/* Opens what the command line says: --data TEXT, or the file `argument` (NULL or "-": standard
 * input). Returns an exit status, reported. Release with input_close, also after an error. */
int input_open(struct input *out, const struct cli *cli, const char *argument);
/* Reads up to `capacity` bytes; *got is 0 at the end only. Returns an exit status, reported. */
int input_read(size_t *got, const struct cli *cli, struct input *input, void *buffer, size_t capacity);
/* All of it, at most `limit` bytes (else too_large), NUL-terminated; release with free. */
int input_all(char **body, size_t *size, const struct cli *cli, struct input *input, size_t limit);
void input_close(struct input *input);
/* The input as a file of known size, so that no transaction waits for a pipe: what is no regular file is
 * copied to a temporary one first. Takes the input over; close with fclose. */
int input_file(FILE **out, uint64_t *size, const struct cli *cli, struct input *input);

/* Reads one line without its end into *line (room *capacity, both grown as getline does), at most
 * `limit` bytes. Sets *size to -1 at the end. Returns an exit status, reported. */
int read_line(char **line, size_t *capacity, ptrdiff_t *size, const struct cli *cli, FILE *file, size_t limit);

#endif
