/*
 * put_get.c - make a store, put an object, read it back, and see a conflict.
 *
 *     put_get DIRECTORY
 */
#include <stdio.h>
#include <string.h>

#include "store.h"

/* Every call returns a code; what went wrong is kept for the thread. */
static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, store_problem_last()->detail);
    return 1;
}

static int put_and_get(store *s)
{
    const char *text = "hello";
    store_request request = STORE_REQUEST_INIT;
    store_answer answer;
    store_stat stat;
    void *body;
    size_t size;
    char version[17];

    /* A plain collection replaces by default: it has the policy of files. */
    request.type = "text/plain";
    request.flags = STORE_PARENTS;
    if (store_put(&answer, s, "/notes/first", text, strlen(text), &request) != STORE_OK)
        return fail("put");
    printf("%s %s, version %s\n", store_outcome_name(answer.one.outcome), answer.one.location,
           store_version_text(version, answer.one.version));

    /* The next writer may only replace the version that it has seen. */
    uint64_t seen = answer.one.version;
    store_answer_clear(&answer);
    request.if_match = &seen;
    request.if_match_count = 1;
    if (store_put(NULL, s, "/notes/first", "hello again", 11, &request) != STORE_OK)
        return fail("put if it matches");

    /* Somebody who still has the old version is refused, and nothing changes. */
    int code = store_put(NULL, s, "/notes/first", "too late", 8, &request);
    if (code != STORE_PRECONDITION_FAILED)
        return fail("put of an old version");
    printf("the second writer is told: %s\n", store_code_name(code));

    /* A body in memory is the caller's; a NUL follows it. */
    if (store_get(&body, &size, &stat, s, "/notes/first", NULL) != STORE_OK)
        return fail("get");
    printf("%s (%zu bytes, %s)\n", (const char *)body, size, stat.type);
    store_free(body);
    return 0;
}

int main(int argc, char **argv)
{
    store_options options = STORE_OPTIONS_INIT;
    store *s;

    if (argc != 2) {
        fprintf(stderr, "usage: put_get DIRECTORY\n");
        return 2;
    }
    options.flags = STORE_OPEN_CREATE;
    if (store_open(&s, argv[1], &options) != STORE_OK)
        return fail("open");
    int status = put_and_get(s);
    store_close(s);
    return status;
}
