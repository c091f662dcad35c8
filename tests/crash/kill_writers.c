/*
 * kill_writers.c - kills a process whose threads write to a store, again and again at random moments,
 * and looks after each kill whether every acknowledged change is there, whole, and nothing is wrong.
 *
 *     kill_writers [ROUNDS [SEED]]
 *
 * Every other writer, about, is relaxed: that costs nothing unless the power fails.
 *
 * Each thread of the writer works below a place of its own and reports on a pipe what it is about to
 * do and that it was done, so that the judge knows the state, but for the one verb under way.
 */
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "places.h"

enum { ROUNDS = 60, SECONDS = 35, THREADS = 4 };

struct report {
    bool done;
    int thread;
    enum slot slot;
    long state;
    uint64_t version; /* 0: it has none */
};

static char directory[1000];

/* -------------------------------------------------------------- the writer */

struct writer {
    store *s;
    int thread, reports;
    unsigned seed;
    long next; /* the next number */
    long state[SLOTS];
    long *words;
    store_answer answer;
};

static int put_at(struct writer *w, const char *name, const void *body, size_t size, unsigned flags, store_txn *txn)
{
    store_request request = STORE_REQUEST_INIT;
    char location[64];

    request.flags = flags | STORE_PARENTS;
    request.txn = txn;
    store_answer_clear(&w->answer);
    return store_put(&w->answer, w->s, place(location, w->thread, name), body, size, &request);
}

static int put_number(struct writer *w, const char *name, long number, store_txn *txn)
{
    char text[32];

    return put_at(w, name, text, (size_t)sprintf(text, "%ld", number), 0, txn);
}

static void fill(struct writer *w, long state, size_t count)
{
    for (size_t i = 0; i < count; i++)
        w->words[i] = state;
}

static int upload(struct writer *w, long state)
{
    size_t size = words_of(state) * sizeof(long), part = size / 3 + 1;
    store_writer *writer;
    char location[64];
    int rc = store_writer_open(&writer, w->s, place(location, w->thread, "upload"), NULL);

    if (rc != STORE_OK)
        return rc;
    fill(w, state, words_of(state));
    for (size_t at = 0; at < size && rc == STORE_OK; at += part)
        rc = store_writer_write(writer, (char *)w->words + at, at + part < size ? part : size - at);
    if (rc == STORE_OK && rand_r(&w->seed) % 4 == 0) {
        store_writer_close(writer); /* another time */
        return STORE_END;
    }
    if (rc == STORE_OK)
        rc = store_writer_commit(&w->answer, writer);
    store_writer_close(writer);
    return rc;
}

static int build_tree(struct writer *w, long state, store_txn *txn)
{
    int rc = put_number(w, "tree/a", state, txn);

    if (rc == STORE_OK)
        rc = put_number(w, "tree/b/c", state, txn);
    fill(w, state, WORDS);
    return rc == STORE_OK ? put_at(w, "tree/b/large", w->words, WORDS * sizeof(long), 0, txn) : rc;
}

static int write_pair(struct writer *w, long state, store_txn *txn)
{
    int rc = put_number(w, "one", state, txn);

    return rc == STORE_OK ? put_number(w, "two", state, txn) : rc;
}

static int in_transaction(struct writer *w, long state, int (*work)(struct writer *w, long state, store_txn *txn))
{
    store_txn *txn;
    int rc = store_begin(&txn, w->s, false);

    if (rc != STORE_OK)
        return rc;
    rc = work(w, state, txn);
    if (rc == STORE_OK)
        return store_commit(txn);
    store_abort(txn);
    return rc;
}

static int erase(struct writer *w, const char *name)
{
    store_request request = STORE_REQUEST_INIT;
    char location[64];

    request.flags = STORE_RECURSIVE;
    return store_delete(&w->answer, w->s, place(location, w->thread, name), &request);
}

static int move_tree(struct writer *w, long state)
{
    char from[64], to[64];

    if (w->state[MOVED] == 0)
        return put_number(w, "here/a/b", 1, NULL);
    place(from, w->thread, state == 1 ? "there" : "here");
    return store_move(&w->answer, w->s, from, place(to, w->thread, state == 1 ? "here" : "there"), NULL);
}

static int copy_range(struct writer *w)
{
    store_request request = STORE_REQUEST_INIT;
    char from[64], to[64];

    request.flags = STORE_REPLACE;
    return store_copy(&w->answer, w->s, place(from, w->thread, "range"), place(to, w->thread, "copied"), &request);
}

static int patch_range(struct writer *w, long state)
{
    store_request request = STORE_REQUEST_INIT;
    char location[64];

    request.flags = STORE_INSERT;
    fill(w, state, WORDS);
    return store_patch_range(&w->answer, w->s, place(location, w->thread, "range"), 0, w->words,
                             WORDS * sizeof(long), &request);
}

static int patch_part(struct writer *w, long state)
{
    store_request request = STORE_REQUEST_INIT;
    char location[64];

    request.flags = STORE_INSERT;
    fill(w, state, PART);
    return store_patch_range(&w->answer, w->s, place(location, w->thread, "short"), PART_AT * sizeof(long), w->words,
                             PART * sizeof(long), &request);
}

static int change_typed(struct writer *w, long state)
{
    char location[64], body[64];
    size_t size = (size_t)sprintf(body, "{\"n\":%ld}", state);

    if (state % 2 || w->state[TYPED] == 0)
        return put_at(w, "typed/a", body, size, STORE_REPLACE, NULL);
    return store_patch(&w->answer, w->s, place(location, w->thread, "typed/a"), STORE_PATCH_MERGE, body, size, NULL);
}

/* The state that a change of this slot leads to. */
static long choose(struct writer *w, enum slot slot)
{
    switch (slot) {
    case PLAIN:
    case TREE:
        return w->state[slot] ? 0 : ++w->next;
    case MOVED:
    case DEFINED:
        return w->state[slot] == 1 ? 2 : 1;
    case COPIED:
        return w->state[RANGE];
    case LOG:
        return w->state[LOG] + 1;
    default:
        return ++w->next;
    }
}

static int change(struct writer *w, enum slot slot, long state)
{
    char location[64];

    switch (slot) {
    case PLAIN:
        return state ? put_number(w, "plain", state, NULL) : erase(w, "plain");
    case UPLOAD:
        return upload(w, state);
    case RANGE:
        return patch_range(w, state);
    case COPIED:
        return copy_range(w);
    case SHORT:
        return patch_part(w, state);
    case TYPED:
        return change_typed(w, state);
    case TREE:
        return state ? in_transaction(w, state, build_tree) : erase(w, "tree");
    case MOVED:
        return move_tree(w, state);
    case PAIR:
        return in_transaction(w, state, write_pair);
    case DEFINED:
        return store_define(&w->answer, w->s, place(location, w->thread, "defined"), DEFINITIONS[state - 1],
                            strlen(DEFINITIONS[state - 1]), NULL);
    case LOG:
        return put_at(w, "log", "{}", 2, 0, NULL);
    case SLOTS:
        break;
    }
    return STORE_BAD_ARGUMENT;
}

static void tell(const struct writer *w, bool done, enum slot slot, long state)
{
    bool versioned = done && slot != TREE && slot != PAIR; /* a commit's answer names none */
    struct report report = { done, w->thread, slot, state, versioned ? w->answer.one.version : 0 };

    if (write(w->reports, &report, sizeof report) != sizeof report)
        _exit(3);
}

static void *write_on(void *argument)
{
    struct writer *w = argument;

    for (;;) {
        enum slot slot = (enum slot)(rand_r(&w->seed) % SLOTS);
        if (slot == COPIED && w->state[RANGE] == 0)
            continue;
        long state = choose(w, slot);
        tell(w, false, slot, state);
        store_answer_clear(&w->answer);
        int rc = change(w, slot, state);
        if (rc != STORE_OK && rc != STORE_END) {
            fprintf(stderr, "kill_writers: thread %d, slot %d: %s\n", w->thread, slot, store_problem_json());
            _exit(4);
        }
        if (rc == STORE_END) /* it was only begun */
            state = w->state[slot];
        if (slot == LOG)
            state = strtol(strrchr(w->answer.one.location, '/') + 1, NULL, 10);
        w->state[slot] = state;
        tell(w, true, slot, state);
    }
    return NULL;
}

static int run_writer(const char *store_path, int reports, unsigned seed)
{
    static struct writer writers[THREADS];
    store_options options = STORE_OPTIONS_INIT;
    pthread_t thread;
    store *s;

    options.durability = seed % 2 ? STORE_DURABLE_RELAXED : STORE_DURABLE_COMMIT;
    if (store_open(&s, store_path, &options) != STORE_OK)
        return 5;
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){ .s = s, .thread = i, .reports = reports, .seed = seed * THREADS + (unsigned)i };
        writers[i].words = malloc(320000 * sizeof(long));
        for (enum slot slot = 0; slot < SLOTS; slot++) {
            writers[i].state[slot] = observe(s, i, slot);
            if (slot != LOG && writers[i].state[slot] > writers[i].next)
                writers[i].next = writers[i].state[slot];
        }
    }
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread, NULL, write_on, &writers[i]) != 0)
            return 6;
    pthread_join(thread, NULL);
    return 0;
}

/* --------------------------------------------------------------- the judge */

static struct {
    long state[SLOTS], pending[SLOTS];
    bool under_way[SLOTS];
    long greatest_key;
} known[THREADS];

static unsigned long acknowledged;
static unsigned char *versions; /* seen */
static size_t version_count;

/* Versions are unique for all time. */
static void note_version(uint64_t version)
{
    if (version >= version_count) {
        size_t count = 2 * (size_t)version + 1024;
        versions = realloc(versions, count);
        memset(versions + version_count, 0, count - version_count);
        version_count = count;
    }
    if (versions[version]++)
        fail("version %lu was given twice", (unsigned long)version);
}

static void take_report(const struct report *report)
{
    enum slot slot = report->slot;

    known[report->thread].under_way[slot] = !report->done;
    known[report->thread].pending[slot] = report->state;
    if (!report->done)
        return;
    acknowledged++;
    if (slot == LOG && report->state <= known[report->thread].greatest_key)
        fail("thread %d got the key %ld again", report->thread, report->state);
    if (slot == LOG)
        known[report->thread].greatest_key = report->state;
    known[report->thread].state[slot] = report->state;
    if (report->version)
        note_version(report->version);
}

/* Each slot is as acknowledged, or as the verb under way would have it. */
static void judge_places(store *s)
{
    for (int thread = 0; thread < THREADS; thread++) {
        for (enum slot slot = 0; slot < SLOTS; slot++) {
            long found = observe(s, thread, slot), expected = known[thread].state[slot];
            bool under_way = known[thread].under_way[slot];
            if (found != expected && !(under_way && found == known[thread].pending[slot]))
                fail("thread %d, slot %d: found %ld, acknowledged %ld, under way %ld", thread, slot, found, expected,
                     under_way ? known[thread].pending[slot] : -1);
            known[thread].state[slot] = found;
            known[thread].under_way[slot] = false;
        }
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int remove_entry(const char *name, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(name);
}

static void clean_up(void)
{
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ------------------------------------------------------------- one writer */

/* Starts a writer; its reports come from the descriptor returned. */
static pid_t start_writer(const char *program, unsigned seed, int *reports)
{
    char number[16], descriptor[16];
    int ends[2];

    if (pipe(ends) != 0)
        fail("no pipe");
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    snprintf(number, sizeof number, "%u", seed);
    snprintf(descriptor, sizeof descriptor, "%d", ends[1]);
    pid_t child = fork();
    if (child < 0)
        fail("no process");
    if (child == 0) {
        execl(program, program, "--write", path, descriptor, number, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *reports = ends[0];
    return child;
}

/* Takes in reports for a while, then kills, and takes in the rest. The time counts from the first
 * report, so that every moment is a moment of work. */
static void follow_and_kill(pid_t child, int reports, unsigned lifetime_ms)
{
    struct pollfd readable = { reports, POLLIN, 0 };
    struct report report;
    int64_t end = now_ms() + 10000;
    bool first = true;
    int status;

    while (now_ms() < end && poll(&readable, 1, (int)(end - now_ms())) > 0 &&
           read(reports, &report, sizeof report) == sizeof report) {
        take_report(&report);
        if (first)
            end = now_ms() + lifetime_ms;
        first = false;
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status))
        fail("the writer ended by itself with status %d", WEXITSTATUS(status));
    while (read(reports, &report, sizeof report) == sizeof report)
        take_report(&report);
    close(reports);
}

/* ------------------------------------------------------------- after a kill */

static int count_finding(const store_finding *finding, void *payload)
{
    (void)payload;
    fail("check: %s %s: %s", finding->kind, finding->location ? finding->location : "", finding->detail);
    return 0;
}

static void check_store(store *s)
{
    store_check_report report;
    int rc = store_check(&report, s, 0, count_finding, NULL);

    if (rc != STORE_OK)
        fail("store_check: %s", store_problem_json());
}

/* What uploads and deletions left is reclaimed in a while, in the background. */
static void await_reclaimed(store *s)
{
    int64_t end = now_ms() + 20000;
    store_stats stats;

    do {
        if (store_stats_get(&stats, s) != STORE_OK)
            fail("store_stats_get: %s", store_problem_json());
        if (stats.staged_uploads + stats.garbage_bodies + stats.garbage_collections == 0)
            return;
        sched_yield();
    } while (now_ms() < end);
    fail("left after 20 s: %lu uploads, %lu bodies, %lu collections", (unsigned long)stats.staged_uploads,
         (unsigned long)stats.garbage_bodies, (unsigned long)stats.garbage_collections);
}

static void judge(bool thorough)
{
    store *s;

    if (store_open(&s, path, NULL) != STORE_OK)
        fail("the store does not open: %s", store_problem_json());
    judge_places(s);
    if (thorough)
        check_store(s);
    if (thorough)
        await_reclaimed(s);
    store_close(s);
}

/* Every other time this process has kept the store open, and must be able to go on. */
static void run_round(const char *program, unsigned round, unsigned *seed)
{
    char text[32];
    store *kept = NULL;
    int reports;

    if (round % 2 && store_open(&kept, path, NULL) != STORE_OK)
        fail("the store does not open: %s", store_problem_json());
    pid_t child = start_writer(program, *seed + round, &reports);
    follow_and_kill(child, reports, rand_r(seed) % (round % 5 ? 60u : 400u));
    if (kept) {
        int size = snprintf(text, sizeof text, "%u", round);
        if (store_put(NULL, kept, "/kept", text, (size_t)size, NULL) != STORE_OK)
            fail("the process that stayed cannot write: %s", store_problem_json());
        judge_places(kept);
        store_close(kept);
    }
    judge(round % 4 == 3);
}

static void prepare(store *s)
{
    char location[64];

    for (int i = 0; i < THREADS; i++) {
        snprintf(location, sizeof location, "/t%d", i);
        if (store_make_collection(NULL, s, location, NULL) != STORE_OK ||
            store_define(NULL, s, place(location, i, "log"), LOGGED, strlen(LOGGED), NULL) != STORE_OK ||
            store_define(NULL, s, place(location, i, "typed"), DEFINITIONS[1], strlen(DEFINITIONS[1]), NULL) !=
                STORE_OK)
            fail("cannot prepare: %s", store_problem_json());
    }
}

int main(int argc, char **argv)
{
    const char *parent = getenv("TMPDIR");
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
    unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    int64_t end = now_ms() + SECONDS * 1000;
    store_options options = STORE_OPTIONS_INIT;
    store *s;

    if (argc == 5 && strcmp(argv[1], "--write") == 0)
        return run_writer(argv[2], atoi(argv[3]), (unsigned)strtoul(argv[4], NULL, 10));
    snprintf(directory, sizeof directory, "%s/kill-writers-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(directory))
        fail("no directory");
    snprintf(path, sizeof path, "%s/store", directory);
    options.flags = STORE_OPEN_CREATE;
    if (store_open(&s, path, &options) != STORE_OK)
        fail("no store: %s", store_problem_json());
    prepare(s);
    store_close(s);
    int round = 0;
    for (; round < rounds && (argc > 1 || now_ms() < end); round++)
        run_round("/proc/self/exe", (unsigned)round, &seed);
    judge(true);
    clean_up();
    printf("%d kills, %lu acknowledged changes kept\n", round, acknowledged);
    free(versions);
    return 0;
}
