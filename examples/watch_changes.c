/*
 * watch_changes.c - the change feed: three changes, then what the feed tells of them.
 *
 *     watch_changes DIRECTORY
 */
#include <stdio.h>

#include "store.h"

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, store_problem_last()->detail);
    return 1;
}

/* Several verbs as one transaction: all of it, or nothing. */
static int change(store *s)
{
    store_request request = STORE_REQUEST_INIT;
    int code = store_begin(&request.txn, s, false);

    if (code == STORE_OK)
        code = store_put(NULL, s, "/draft", "text", 4, &request);
    if (code == STORE_OK)
        code = store_move(NULL, s, "/draft", "/letter", &request);
    if (code != STORE_OK) {
        store_abort(request.txn);
        return code;
    }
    code = store_commit(request.txn);
    return code == STORE_OK ? store_delete(NULL, s, "/letter", NULL) : code;
}

static int follow(store *s, uint64_t since)
{
    store_feed *feed;
    store_change item;
    char version[17];
    int code = store_feed_open(&feed, s, "/", since);

    /* A real program waits for ever (-1), in a thread that store_feed_stop ends. */
    while (code == STORE_OK && (code = store_feed_next(&item, feed, 0)) == STORE_OK) {
        if (item.outcome == STORE_GAP)
            printf("fell behind: list again, then go on\n");
        else
            printf("%s %s %s%s%s\n", store_version_text(version, item.version),
                   store_outcome_name(item.outcome), item.location, item.from ? " from " : "",
                   item.from ? item.from : "");
    }
    store_feed_close(feed);
    return code == STORE_TIMEOUT ? STORE_OK : code;
}

int main(int argc, char **argv)
{
    store_options options = STORE_OPTIONS_INIT;
    uint64_t since;
    store *s;

    if (argc != 2) {
        fprintf(stderr, "usage: watch_changes DIRECTORY\n");
        return 2;
    }
    options.flags = STORE_OPEN_CREATE;
    if (store_open(&s, argv[1], &options) != STORE_OK)
        return fail("open");
    int code = store_last_version(&since, s);
    if (code == STORE_OK)
        code = change(s);
    if (code == STORE_OK)
        code = follow(s, since);
    int status = code == STORE_OK ? 0 : fail("watch");
    store_close(s);
    return status;
}
