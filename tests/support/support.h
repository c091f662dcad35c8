/*
 * support.h - what the tests share: a directory and a store of their own, assertions that
 * say what went wrong, programs run to their end.
 *
 *     TestSuite(put, .init = begin_test, .fini = end_test);
 *
 *     Test(put, a_new_object_is_created)
 *     {
 *         store_answer answer;
 *         assert_ok(store_put(&answer, test_store(), "/a", "1", 1, NULL));
 *         ...
 *     }
 *
 * All of it belongs to the one test of this process (Criterion runs each in its own).
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stddef.h>

#include "store.h"

/* Makes the fresh directory; for .init. */
void begin_test(void);
/* Closes the store, if it is still open, and removes the directory; for .fini. */
void end_test(void);

/* The directory, and the path of `name` in it. Borrowed until end_test. */
const char *test_directory(void);
const char *test_path(const char *name);

/* The store "store" in the directory, made and opened at the first call. */
store *test_store(void);
/* Closes it and opens it again, with these options if not NULL. */
store *reopen_store(const store_options *options);
void close_store(void);

/* The path of a built program: program("storectl"). Borrowed until end_test. */
const char *program(const char *name);

struct command_result {
    int status;      /* exit status, 128 + signal when one ended it, -1 if it never ran */
    bool timed_out;  /* it was killed after COMMAND_SECONDS */
    char *out;       /* NUL-terminated */
    size_t out_size;
    char *err;
    size_t err_size;
};

enum { COMMAND_SECONDS = 60 };

/* Runs argv[0] (a path, or a name to look up in PATH) to its end. `stdin_text` may be
 * NULL for empty standard input. Release with command_clear, whatever happened. */
void run_command(struct command_result *out, const char *const argv[], const char *stdin_text);
void command_clear(struct command_result *result);

/* Asserts that a call gives a code; shows the problem when it does not. */
#define assert_code(expected, call)                                                            \
    do {                                                                                       \
        int wanted_ = (expected);                                                              \
        int given_ = (call);                                                                   \
        cr_assert_eq(given_, wanted_, "%s is %s (%d), not %s: %s", #call,                      \
                     store_code_name(given_), given_, store_code_name(wanted_),                \
                     store_problem_json());                                                    \
    } while (0)

#define assert_ok(call) assert_code(STORE_OK, call)

/* Asserts that the body at a location is this text. */
#define assert_body(location, text)                                                            \
    do {                                                                                       \
        void *body_ = NULL;                                                                    \
        size_t size_ = 0;                                                                      \
        assert_ok(store_get(&body_, &size_, NULL, test_store(), (location), NULL));            \
        cr_assert_str_eq((const char *)body_, (text), "the body of %s", (location));           \
        store_free(body_);                                                                     \
    } while (0)

/* Asserts that a command ends with this status; shows what it wrote when it does not. */
#define assert_status(expected, result)                                                        \
    cr_assert_eq((result)->status, (expected), "exit status %d, not %d%s\nstdout: %s\nstderr: %s", \
                 (result)->status, (expected), (result)->timed_out ? " (timed out)" : "",      \
                 (result)->out, (result)->err)

#endif
