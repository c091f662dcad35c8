/* get: a body, a range of it, or a property, streamed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "stream.h"

struct range {
    bool given, suffix;   /* suffix: the last `first` bytes */
    uint64_t first, last; /* last is included */
};

static bool parse_number(uint64_t *out, const char **text)
{
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *out = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* "A-B", "A-" or "-N". */
static bool parse_range(struct range *out, const char *text)
{
    *out = (struct range){.given = true, .last = UINT64_MAX};
    if (*text == '-') {
        text++;
        out->suffix = true;
        return parse_number(&out->first, &text) && !*text;
    }
    if (!parse_number(&out->first, &text) || *text++ != '-')
        return false;
    return !*text || (parse_number(&out->last, &text) && !*text && out->first <= out->last);
}

/* Which bytes of a body of `size` it means; false when there are none of these. */
static bool resolve_range(uint64_t *offset, uint64_t *length, const struct range *range, uint64_t size)
{
    *offset = 0;
    *length = size;
    if (!range->given)
        return true;
    if (range->suffix) {
        *length = range->first < size ? range->first : size;
        *offset = size - *length;
        return true;
    }
    if (range->first >= size)
        return false;
    uint64_t end = range->last < size ? range->last + 1 : size;
    *offset = range->first;
    *length = end - range->first;
    return true;
}

static int send(struct cli *cli, store_reader *reader, const struct range *range, const char *location)
{
    uint64_t size = store_reader_stat(reader)->size, offset, length;
    struct output output;

    if (!resolve_range(&offset, &length, range, size))
        return complain(cli, STORE_INVALID_VALUE, location, "the range begins behind its %llu bytes",
                        (unsigned long long)size);
    if (!range->given)
        length = UINT64_MAX;
    int code = offset ? store_reader_seek(reader, offset) : STORE_OK;
    if (code != STORE_OK)
        return report(cli, code, location);
    int status = output_open(&output, cli, cli_value(cli, OPT_OUTPUT));
    if (status == STATUS_DONE)
        status = stream_out(cli, &output, reader, length, location);
    if (status == STATUS_DONE)
        status = output_commit(cli, &output);
    output_close(&output);
    return status;
}

int cmd_get(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    const char *text = cli_value(cli, OPT_RANGE);
    struct range range = {0};
    store_reader *reader;

    if (text && !parse_range(&range, text))
        return usage_error(cli, "--range: %s is none of A-B, A- and -N", text);
    int code = store_reader_open(&reader, cli->store, location, NULL);
    if (code != STORE_OK)
        return report(cli, code, location);
    int status = send(cli, reader, &range, location);
    store_reader_close(reader);
    return status;
}
