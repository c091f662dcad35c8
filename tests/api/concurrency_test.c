/* concurrency_test.c - crews of threads and processes. */
#include "concurrency_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CREW_MAX = 64, CREW_SECONDS = 120 };

struct crew {
    pthread_barrier_t start;
    size_t threads; /* of each process */
    void (*work)(struct worker *w);
    struct worker workers[CREW_MAX];
};

void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(memory, MAP_FAILED);
    return memory;
}

void note_fault(struct worker *w, const char *file, int line, const char *what)
{
    if (w->fault[0] == '\0')
        snprintf(w->fault, sizeof w->fault, "worker %zu, %s:%d: %s does not hold; last problem: %s", w->index, file,
                 line, what, store_problem_json());
}

static struct crew *crew;

static void *run_worker(void *argument)
{
    struct worker *w = argument;

    pthread_barrier_wait(&crew->start);
    crew->work(w);
    return NULL;
}

static void run_threads(size_t first, store *s)
{
    pthread_t threads[CREW_MAX];

    for (size_t i = 0; i < crew->threads; i++) {
        crew->workers[first + i].store = s;
        if (pthread_create(&threads[i], NULL, run_worker, &crew->workers[first + i]) != 0)
            abort();
    }
    for (size_t i = 0; i < crew->threads; i++)
        pthread_join(threads[i], NULL);
}

/* Status 0 when it came to its end. */
static int run_process(size_t first, const char *path)
{
    store *s = NULL;

    alarm(CREW_SECONDS); /* whatever happens, no process is left behind */
    if (store_open(&s, path, NULL) != STORE_OK)
        return 1; /* the others wait at the barrier; the parent ends them */
    run_threads(first, s);
    store_close(s);
    return 0;
}

static const char *run_processes(size_t processes)
{
    const char *path = test_path("store"), *fault = NULL;
    pid_t children[CREW_MAX];
    int status;

    close_store();
    fflush(NULL);
    for (size_t i = 0; i < processes; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(run_process(i * crew->threads, path));
    }
    for (size_t ended = 0; ended < processes; ended++) {
        pid_t child = wait(&status);
        if (child > 0 && status == 0)
            continue;
        fault = "a process of the crew did not come to its end";
        for (size_t i = 0; i < processes; i++)
            kill(children[i], SIGKILL);
    }
    return fault;
}

const char *run_crew(size_t processes, size_t threads, void (*work)(struct worker *w), void *memory)
{
    size_t count = (processes ? processes : 1) * threads;
    pthread_barrierattr_t attributes;
    const char *fault = NULL;

    cr_assert_leq(count, CREW_MAX);
    if (crew == NULL)
        crew = shared_memory(sizeof *crew);
    memset(crew, 0, sizeof *crew);
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&crew->start, &attributes, (unsigned)count);
    pthread_barrierattr_destroy(&attributes);
    crew->threads = threads;
    crew->work = work;
    for (size_t i = 0; i < count; i++)
        crew->workers[i] = (struct worker){ .index = i, .count = count, .memory = memory };
    test_store();
    if (processes)
        fault = run_processes(processes);
    else
        run_threads(0, test_store());
    for (size_t i = 0; i < count && fault == NULL; i++)
        if (crew->workers[i].fault[0] != '\0')
            fault = crew->workers[i].fault;
    return fault;
}

int put_text(store *s, const char *location, const char *text, const store_request *request)
{
    return store_put(NULL, s, location, text, strlen(text), request);
}

long number_at(store *s, const char *location, uint64_t *version, store_txn *txn)
{
    store_stat stat;
    void *body;
    size_t size;
    long number = -1;

    if (store_get(&body, &size, &stat, s, location, WITHIN(txn)) == STORE_OK)
        number = strtol(body, NULL, 10);
    if (version != NULL)
        *version = stat.version;
    store_free(body);
    return number;
}

int put_number(store *s, const char *location, long number, const store_request *request)
{
    char text[32];

    snprintf(text, sizeof text, "%ld", number);
    return put_text(s, location, text, request);
}
