/*
 * problem.h - the calling thread's last error, and the one table of codes.
 *
 * Whoever finds an error writes it down here and returns its code; everyone
 * above passes the code up untouched. Writing never allocates: a thread's
 * problem is one block, taken at its first error; without memory for that a
 * static one stands in. Text that does not fit is cut.
 */
#ifndef STORE_PROBLEM_H
#define STORE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

struct problem;

/* Forgets the last error: every public function calls it first. Cheap when there was none. */
void problem_reset(void);

/* Records `code` with its detail, drops what an earlier error left, and returns `code`. */
__attribute__((format(printf, 2, 3))) int problem(int code, const char *format, ...);
/* The same, and the errno that a code with two of them stands for (kind_conflict,
 * bad_location) or that the system gave (io). */
__attribute__((format(printf, 3, 4))) int problem_os(int code, int os_error, const char *format, ...);

/* Adds to the problem that was just recorded. */
void problem_location(const char *location);           /* only if none is set yet */
void problem_conflict(const char *key, const char *value, const char *conflicts_with);
void problem_version(uint64_t version);

/* One violation: `pointer` as RFC 6901 text. Any number may come before the code is
 * known: problem_violations_clear, then problem_violation..., then problem(), which keeps them. */
void problem_violations_clear(void);
__attribute__((format(printf, 2, 3))) void problem_violation(const char *pointer, const char *format, ...);
size_t problem_violation_count(void);

/*
 * The write queue runs one thread's operation in another: while it does, the
 * errors go to the problem of the thread that asked. problem_of_thread gives
 * that block (NULL without memory); problem_redirect makes it the current one
 * and returns the one before, to be put back.
 */
struct problem *problem_of_thread(void);
struct problem *problem_redirect(struct problem *to);

/*
 * Writes problem JSON, always whole: violations that do not fit are left out and counted in
 * "errors_dropped", bytes that are no UTF-8 become U+FFFD. `capacity` must be enough for the
 * rest: six bytes for each byte of the other texts, and 512.
 */
void problem_write_json(char *text, size_t capacity, const store_problem *shown);

#endif
