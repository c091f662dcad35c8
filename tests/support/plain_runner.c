/*
 * plain_runner.c - runs Criterion's tests without Criterion's sandbox, whose memory arena
 * ThreadSanitizer does not allow. Linked into the suite with MODE=tsan only; takes the same
 * --filter and --timeout, and prints the same summary. Each test is a child process.
 */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Where the linker gathers what Test() and TestSuite() define. */
extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

enum { PASSED = 0, FAILED = 1, SKIPPED = 77 };

static const struct criterion_test *running;
static atomic_bool failed;
static pid_t child; /* its main thread */
static jmp_buf end_of_test;

static struct criterion_suite *suite_of(const struct criterion_test *test)
{
    for (struct criterion_suite **suite = __start_cr_sts; suite < __stop_cr_sts; suite++)
        if (*suite != NULL && strcmp((*suite)->name, test->category) == 0)
            return *suite;
    return NULL;
}

void criterion_internal_test_setup(void)
{
    const struct criterion_suite *suite = suite_of(running);

    if (suite != NULL && suite->data->init != NULL)
        suite->data->init();
    if (running->data->init != NULL)
        running->data->init();
}

void criterion_internal_test_main(void (*body)(void))
{
    if (setjmp(end_of_test) == 0)
        body();
}

void criterion_internal_test_teardown(void)
{
    const struct criterion_suite *suite = suite_of(running);

    if (running->data->fini != NULL)
        running->data->fini();
    if (suite != NULL && suite->data->fini != NULL)
        suite->data->fini();
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
    if (stats->passed)
        return;
    failed = true;
    fprintf(stderr, "[----] %s:%u: Assertion Failed\n[----]   %s\n", stats->file, stats->line,
            stats->message != NULL ? stats->message : "");
}

void criterion_abort_test(void)
{
    failed = true;
    if (gettid() != child) /* the jump would land on another stack */
        _exit(FAILED);
    longjmp(end_of_test, 1);
}

void criterion_continue_test(void)
{
}

void criterion_skip_test(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\n", stderr);
    _exit(SKIPPED);
}

/* ThreadSanitizer of gcc 12 does not know this function, but the one it is made of here. */
int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *end)
{
    struct timespec now, real;

    clock_gettime(clock, &now);
    clock_gettime(CLOCK_REALTIME, &real);
    real.tv_sec += end->tv_sec - now.tv_sec + 1;
    return pthread_mutex_timedlock(mutex, &real);
}

/* Returns the child's wait status. */
static int run_test(const struct criterion_test *test, unsigned timeout)
{
    int status = 0;

    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        child = gettid();
        running = test;
        alarm(timeout);
        test->test();
        exit(failed ? FAILED : PASSED);
    }
    waitpid(pid, &status, 0);
    return status;
}

static bool passes(const struct criterion_test *test, int status)
{
    const struct criterion_test_extra_data *data = test->data;

    if (data->signal != 0)
        return WIFSIGNALED(status) && WTERMSIG(status) == data->signal;
    return WIFEXITED(status) && WEXITSTATUS(status) == data->exit_code;
}

static bool is_chosen(const struct criterion_test *test, const char *filter)
{
    char name[512];

    if (test == NULL || test->data->disabled || test->data->kind_ != CR_TEST_NORMAL)
        return false;
    snprintf(name, sizeof name, "%s/%s", test->category, test->name);
    return filter == NULL || fnmatch(filter, name, FNM_EXTMATCH) == 0;
}

int main(int argc, char **argv)
{
    const char *filter = NULL;
    unsigned timeout = 300;
    unsigned tested = 0, passing = 0, crashing = 0;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--filter") == 0)
            filter = argv[i + 1];
        else if (strcmp(argv[i], "--timeout") == 0)
            timeout = (unsigned)strtoul(argv[i + 1], NULL, 10);
    }
    for (struct criterion_test **test = __start_cr_tst; test < __stop_cr_tst; test++) {
        if (!is_chosen(*test, filter))
            continue;
        int status = run_test(*test, timeout);
        if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
            continue;
        tested++;
        if (passes(*test, status)) {
            passing++;
            continue;
        }
        crashing += WIFSIGNALED(status);
        fprintf(stderr, "[FAIL] %s::%s (wait status %d)\n", (*test)->category, (*test)->name, status);
    }
    fprintf(stderr, "[====] Synthesis: Tested: %u | Passing: %u | Failing: %u | Crashing: %u \n", tested, passing,
            tested - passing - crashing, crashing);
    return passing == tested ? 0 : 1;
}
