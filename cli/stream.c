/* Bodies from here to there, a block at a time. */
#include "stream.h"

#include <stdlib.h>

#include "print.h"

int stream_in(const struct cli *cli, store_writer *writer, struct input *input, const char *location)
{
    char *block = malloc(STREAM_BLOCK);
    int status = block ? STATUS_DONE : complain(cli, STORE_NO_MEMORY, location, "out of memory");
    size_t got = 1;

    while (status == STATUS_DONE && got > 0) {
        status = input_read(&got, cli, input, block, STREAM_BLOCK);
        if (status != STATUS_DONE || got == 0)
            break;
        int code = store_writer_write(writer, block, got);
        if (code != STORE_OK)
            status = report(cli, code, location);
    }
    free(block);
    return status;
}

int stream_out(const struct cli *cli, struct output *output, store_reader *reader, uint64_t limit,
               const char *location)
{
    char *block = malloc(STREAM_BLOCK);
    int status = block ? STATUS_DONE : complain(cli, STORE_NO_MEMORY, location, "out of memory");

    while (status == STATUS_DONE && limit > 0) {
        size_t got;
        int code = store_reader_read(&got, reader, block, limit < STREAM_BLOCK ? (size_t)limit : STREAM_BLOCK);
        if (code != STORE_OK)
            status = report(cli, code, location);
        else if (got == 0)
            break;
        else
            status = output_write(cli, output, block, got);
        limit -= got;
    }
    free(block);
    return status;
}
