/* test_fault.c - every allocation and every call of LMDB fails in turn, once and from then on, in every
 * public function: a clean code, the store as before or wholly changed, nothing lost, and usable. */
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "script.h"
#include "support.h"

enum { CALLS_MAX = 3000 };

struct plan {
    enum fault_kind kind;
    bool for_ever;
    int error;    /* of LMDB's calls */
    int expected; /* the code that it becomes */
};

static char path[1024];
static store *opened;

static void begin_fault_test(void)
{
    begin_test();
    snprintf(path, sizeof path, "%s", test_path("store"));
}

static void end_fault_test(void)
{
    fault_disarm();
    store_close(opened);
    end_test();
}

TestSuite(fault, .init = begin_fault_test, .fini = end_fault_test);

static int open_prepared(void)
{
    store_options options = STORE_OPTIONS_INIT;
    int rc;

    options.flags = STORE_OPEN_CREATE;
    rc = store_open(&opened, path, &options);
    return rc == STORE_OK ? script_prepare(opened) : rc;
}

static store *fresh(void)
{
    store_close(opened);
    opened = NULL;
    script_remove(path);
    assert_ok(open_prepared());
    return opened;
}

static void assert_state(const char *expected, bool versions, const struct step *step, unsigned nth)
{
    char *state = script_state(opened, versions);

    cr_assert_not_null(state, "%s, call %u: the store cannot be read: %s", step->name, nth, store_problem_json());
    cr_assert_str_eq(state, expected, "%s, call %u", step->name, nth);
    free(state);
}

/* Calls 1, 2, ... fail, each in a run of its own on the same store, until none is left to fail. */
static void fail_each_call(const struct step *step, const struct plan *plan, const char *after)
{
    store *s = fresh();
    char *before = script_state(s, true);
    bool failed = true;

    cr_assert_not_null(before);
    for (unsigned nth = 1; failed; nth++) {
        cr_assert_lt(nth, CALLS_MAX, "%s never ends", step->name);
        fault_arm(plan->kind, nth, plan->for_ever, plan->error);
        int rc = step->run(s);
        failed = fault_disarm();
        cr_assert(failed ? rc == STORE_OK || rc == plan->expected : rc == STORE_OK, "%s, call %u: %s: %s", step->name,
                  nth, store_code_name(rc), store_problem_json());
        if (rc != STORE_OK) {
            assert_state(before, true, step, nth);
            continue;
        }
        if (!step->partial)
            assert_state(after, false, step, nth);
        if (failed) /* it could do without */
            s = fresh();
    }
    free(before);
}

static void fail_each_step(const struct plan *plan)
{
    for (size_t i = 0; i < SCRIPT_SIZE; i++) {
        int rc = SCRIPT[i].run(fresh());
        cr_assert_eq(rc, STORE_OK, "%s: %s", SCRIPT[i].name, store_problem_json());
        char *after = script_state(opened, false);
        cr_assert_not_null(after);
        fail_each_call(&SCRIPT[i], plan, after);
        free(after);
    }
}

Test(fault, any_allocation_may_fail)
{
    fail_each_step(&(struct plan){ FAULT_MEMORY, false, 0, STORE_NO_MEMORY });
}

Test(fault, all_allocations_may_fail_from_any_on)
{
    fail_each_step(&(struct plan){ FAULT_MEMORY, true, 0, STORE_NO_MEMORY });
}

Test(fault, any_storage_call_may_fail)
{
    fail_each_step(&(struct plan){ FAULT_STORAGE, false, EDOM, STORE_IO });
}

Test(fault, all_storage_calls_may_fail_from_any_on)
{
    fail_each_step(&(struct plan){ FAULT_STORAGE, true, EDOM, STORE_IO });
}

Test(fault, the_disk_may_be_full_from_any_call_on)
{
    fail_each_step(&(struct plan){ FAULT_STORAGE, true, ENOSPC, STORE_FULL });
}

Test(fault, the_file_may_be_found_resized_by_any_call)
{
    fail_each_step(&(struct plan){ FAULT_STORAGE, false, MDB_MAP_RESIZED, STORE_BUSY });
}
