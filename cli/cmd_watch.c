/* watch: the change feed, one JSON a line, flushed each. */
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "print.h"

struct limits {
    uint64_t since, count; /* count 0: no limit */
    int timeout_ms;        /* -1: for ever */
};

static int read_limits(struct limits *out, const struct cli *cli)
{
    const char *since = cli_value(cli, OPT_SINCE), *seconds = cli_value(cli, OPT_TIMEOUT);
    int status = cli_number(&out->count, cli, OPT_LIMIT);

    out->timeout_ms = -1;
    if (status == STATUS_DONE && seconds) {
        char *end;
        double value = strtod(seconds, &end);
        if (end == seconds || *end || !(value >= 0 && value <= 2e6))
            return usage_error(cli, "--timeout: %s is no number of seconds", seconds);
        out->timeout_ms = (int)(value * 1000);
    }
    if (status != STATUS_DONE)
        return status;
    if (!since) {
        int code = store_last_version(&out->since, cli->store);
        return code == STORE_OK ? STATUS_DONE : report(cli, code, NULL);
    }
    if (strcmp(since, "start") != 0 && strcmp(since, "0") != 0 && !store_version_parse(&out->since, since))
        return usage_error(cli, "--since: %s is neither 16 hex digits nor start", since);
    return STATUS_DONE;
}

static int print_change(const struct cli *cli, const store_change *change)
{
    char version[17], time[TIME_TEXT_SIZE];

    store_version_text(version, change->version);
    if (change->outcome == STORE_GAP)
        return print_json(cli, stdout, json_pack("{s:s, s:s}", "version", version, "outcome", "gap"));
    return print_json(cli, stdout,
                      json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s}", "version", version, "outcome",
                                store_outcome_name(change->outcome), "kind", store_kind_name(change->kind),
                                "location", change->location, "from", change->from, "time",
                                time_text(time, change->time, true)));
}

static int follow(const struct cli *cli, store_feed *feed, const struct limits *limits)
{
    uint64_t count = 0;

    while (!interrupted() && (limits->count == 0 || count < limits->count)) {
        store_change change;
        int code = store_feed_next(&change, feed, limits->timeout_ms);
        if (code == STORE_END || code == STORE_TIMEOUT)
            break;
        if (code != STORE_OK)
            return report(cli, code, NULL);
        int status = print_change(cli, &change);
        if (status != STATUS_DONE)
            return status;
        if (fflush(stdout) != 0)
            break;
        count++;
    }
    return STATUS_DONE;
}

int cmd_watch(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    struct limits limits = {0};
    store_feed *feed;
    int status = read_limits(&limits, cli);

    if (status != STATUS_DONE)
        return status;
    int code = store_feed_open(&feed, cli->store, location, limits.since);
    if (code != STORE_OK)
        return report(cli, code, location);
    interrupt_watch(feed);
    status = follow(cli, feed, &limits);
    interrupt_forget();
    store_feed_close(feed);
    return status;
}
