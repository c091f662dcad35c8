/*
 * kill_creation.c - kills a process while it makes a store, opens it and closes it: whatever is left,
 * the next to come can make or open the store and work with it.
 */
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store.h"

enum { ROUNDS = 150, LONGEST_US = 12000 };

static char directory[1000], path[1100];

static int remove_entry(const char *name, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(name);
}

static void fail(const char *what)
{
    fprintf(stderr, "kill_creation: %s: %s\n(the store is left in %s)\n", what, store_problem_json(), path);
    exit(1);
}

static int open_store(store **s)
{
    store_options options = STORE_OPTIONS_INIT;

    options.flags = STORE_OPEN_CREATE;
    return store_open(s, path, &options);
}

static void open_and_close_for_ever(int started)
{
    store *s;

    if (write(started, "", 1) != 1)
        _exit(3);
    for (;;) {
        if (open_store(&s) != STORE_OK || store_put(NULL, s, "/a", "1", 1, NULL) != STORE_OK)
            _exit(1);
        store_close(s);
    }
}

static void kill_one(unsigned delay_us)
{
    struct timespec delay = { 0, (long)delay_us * 1000 };
    int ends[2], status;
    char byte;

    if (pipe(ends) != 0)
        fail("no pipe");
    pid_t child = fork();
    if (child == 0)
        open_and_close_for_ever(ends[1]);
    close(ends[1]);
    if (read(ends[0], &byte, 1) == 1)
        nanosleep(&delay, NULL); /* the moment of the kill, not a wait for anything */
    close(ends[0]);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status))
        fail("the child failed");
}

static int no_finding(const store_finding *finding, void *payload)
{
    (void)payload;
    fail(finding->detail);
    return 1;
}

static void judge(void)
{
    store_check_report report;
    store *s;

    if (open_store(&s) != STORE_OK)
        fail("it does not open");
    if (store_put(NULL, s, "/b", "1", 1, NULL) != STORE_OK)
        fail("it cannot be written");
    if (store_check(&report, s, 0, no_finding, NULL) != STORE_OK)
        fail("it cannot be checked");
    store_close(s);
}

int main(void)
{
    const char *parent = getenv("TMPDIR");
    unsigned seed = 1;

    snprintf(directory, sizeof directory, "%s/kill-creation-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(directory))
        fail("no directory");
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(path, sizeof path, "%s/store%d", directory, round);
        for (int again = 0; again < 2; again++)
            kill_one((unsigned)rand_r(&seed) % LONGEST_US);
        judge();
    }
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    printf("%d kills\n", 2 * ROUNDS);
    return 0;
}
