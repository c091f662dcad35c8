/*
 * bench - runs the same work on libstore and on other stores, or on storefs and other file systems, in
 * turn, and compares.
 *
 *     bench [--quick] [--files] [--curve] [--list] [--only PATTERN] [--rounds N] [--dir DIR] [--json FILE]
 *           [--slow-sync US]
 *
 * A parent process waits for the one that measures and removes its directory, however that ended.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "curve.h"
#include "mount.h"
#include "process.h"

/* What slow_sync.so reads. */
#define DELAY "STORE_BENCH_SYNC_DELAY_US"

static const char usage[] =
    "usage: bench [OPTION...]\n"
    "  --quick          only the essential rows, in half a minute or a little more\n"
    "  --files          instead, file systems: storefs and others\n"
    "  --curve          instead, the costs as objects and bodies grow, in some minutes\n"
    "  --list           show the names of all rows, run nothing\n"
    "  --only PATTERN   the rows whose names match, such as 'put-*'\n"
    "  --rounds N       slices of each (7; 3 with --quick; 5 and 1 with --files)\n"
    "  --dir DIR        where to make the databases (the current directory; not a tmpfs)\n"
    "  --json FILE      write everything to FILE\n"
    "  --slow-sync US   make each sync to disk US microseconds slower; only the rows this is about\n";

enum { WORKLOADS_MAX = 100 };

static bool wanted(const struct workload *workload, const struct options *options)
{
    const struct goal *goal = workload_goals(workload, options);

    if (options->only)
        return fnmatch(options->only, workload->name, 0) == 0;
    if (options->slow_sync_us > 0 && goal->at_least == 0 && goal->at_most == 0)
        return false;
    return !options->quick || workload->quick;
}

const struct goal *workload_goals(const struct workload *workload, const struct options *options)
{
    return options->slow_sync_us > 0 ? workload->slow_goals : workload->goals;
}

/* A copy without the entrants that are too slow for --quick. */
static const struct workload *without_slow(const struct workload *workload)
{
    struct workload *copy = allocate(sizeof *copy);
    unsigned kept = 0;

    *copy = *workload;
    memset(copy->entrants, 0, sizeof copy->entrants);
    for (unsigned e = 0; e < ENTRANTS_MAX; e++)
        if (!workload->entrants[e].not_quick)
            copy->entrants[kept++] = workload->entrants[e];
    return copy;
}

/* Those that are wanted, and NULL behind them. */
static const struct workload **workloads_of(const struct options *options)
{
    static const struct workload *found[WORKLOADS_MAX + 1];
    size_t count = 0;

    for (const struct workload *const *table = options->suite->tables; *table; table++)
        for (const struct workload *workload = *table; workload->name; workload++)
            if (wanted(workload, options) && count < WORKLOADS_MAX)
                found[count++] = options->quick ? without_slow(workload) : workload;
    if (count == 0)
        fail("no row has a name that matches '%s'; --list shows them", options->only);
    return found;
}

static int list_all(const struct options *options)
{
    for (const struct workload **workload = workloads_of(options); *workload; workload++)
        printf("%-24s %s\n", (*workload)->name, (*workload)->title);
    return 0;
}

/* A missed goal is a finding, not an error. */
static int run_all(const struct options *options)
{
    static struct result result;

    if (options->suite == &suite_files)
        mount_enter_namespace();
    report_begin(options);
    for (const struct workload **workload = workloads_of(options); *workload; workload++) {
        report_start(*workload);
        run_workload(&result, *workload, options);
        report_result(&result, options);
        database_close_unused(workload + 1);
    }
    report_end(options);
    return 0;
}

static volatile pid_t child;

static void pass_on(int signal)
{
    kill(child, signal);
}

/* In a child, so that what it leaves behind is removed whatever happens to it. */
static int supervise(struct options *options)
{
    char *directory = files_join(options->directory, "bench-XXXXXX");
    int status;

    if (!mkdtemp(directory))
        fail("cannot make a directory in %s: %s", options->directory, strerror(errno));
    options->directory = directory;
    /* SIGINT comes to both; the parent has to outlive it. */
    signal(SIGINT, SIG_IGN);
    child = fork();
    if (child < 0)
        fail("cannot start a process: %s", strerror(errno));
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        exit(options->curve ? run_curve(options) : run_all(options));
    }
    signal(SIGTERM, pass_on);
    signal(SIGHUP, pass_on);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    files_remove(directory);
    free(directory);
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "bench: ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
        return 128 + WTERMSIG(status);
    }
    return WEXITSTATUS(status);
}

/* Begins anew with the library that delays each sync loaded before all others. */
static void restart_slow(const struct options *options, char **arguments)
{
    char delay[16], *library = process_beside("slow_sync.so");

    snprintf(delay, sizeof delay, "%u", options->slow_sync_us);
    setenv(DELAY, delay, 1);
    setenv("LD_PRELOAD", library, 1);
    execv("/proc/self/exe", arguments);
    fail("cannot start anew: %s", strerror(errno));
}

static unsigned number_option(const char *name, const char *text, unsigned long max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || value == 0 || value > max)
        fail("--%s takes a number from 1 to %lu, not '%s'", name, max, text);
    return (unsigned)value;
}

static void parse(struct options *options, int count, char **arguments)
{
    static const struct option known[] = {
        { "quick", no_argument, NULL, 'q' },         { "list", no_argument, NULL, 'l' },
        { "files", no_argument, NULL, 'f' },         { "curve", no_argument, NULL, 'c' },
        { "only", required_argument, NULL, 'o' },    { "rounds", required_argument, NULL, 'r' },
        { "dir", required_argument, NULL, 'd' },     { "json", required_argument, NULL, 'j' },
        { "slow-sync", required_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int letter;

    while ((letter = getopt_long(count, arguments, "", known, NULL)) != -1)
        switch (letter) {
        case 'q': options->quick = true; break;
        case 'f': options->suite = &suite_files; break;
        case 'c': options->curve = true; break;
        case 'l': options->list = true; break;
        case 'o': options->only = optarg; break;
        case 'r': options->rounds = number_option("rounds", optarg, ROUNDS_MAX); break;
        case 'd': options->directory = optarg; break;
        case 'j': options->json = optarg; break;
        case 's': options->slow_sync_us = number_option("slow-sync", optarg, 1000000); break;
        case 'h': fputs(usage, stdout); exit(0);
        default: fputs(usage, stderr); exit(2);
        }
    if (optind < count) {
        fputs(usage, stderr);
        exit(2);
    }
}

static unsigned rounds_of(const struct options *options)
{
    if (options->suite == &suite_files)
        return options->quick ? 1 : 5;
    return options->quick ? 3 : 7;
}

int main(int count, char **arguments)
{
    struct options options = { .directory = ".", .suite = &suite_stores };

    parse(&options, count, arguments);
    if (options.rounds == 0)
        options.rounds = rounds_of(&options);
    /* With slow syncs there is little in a short slice. */
    options.slice_seconds = options.quick ? 0.2 : options.slow_sync_us > 0 ? 0.5 : 0.3;
    if (options.list)
        return list_all(&options);
    if (options.slow_sync_us > 0 && !getenv(DELAY))
        restart_slow(&options, arguments);
    return supervise(&options);
}
