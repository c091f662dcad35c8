/* runner.c - leaks are looked for in the tests, not in Criterion's runner, which has some. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>

static bool is_runner; /* never set in the processes that run a test */

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
    (void)tests;
    is_runner = true;
}

/* LeakSanitizer asks at exit. */
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return is_runner;
}
