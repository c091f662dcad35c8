/* stream.h - bodies poured from an input to a writer and from a reader to an output. */
#ifndef STORECTL_STREAM_H
#define STORECTL_STREAM_H

#include "input.h"
#include "output.h"

#define STREAM_BLOCK (256u << 10)

/* Writes all of the input. Returns an exit status, reported. */
int stream_in(const struct cli *cli, store_writer *writer, struct input *input, const char *location);
/* Writes up to `limit` bytes from the reader's position on. Returns an exit status, reported. */
int stream_out(const struct cli *cli, struct output *output, store_reader *reader, uint64_t limit,
               const char *location);

#endif
