/*
 * concurrency_test.h - a crew: threads, in this process or in several, that start at the same
 * moment and work on one store.
 *
 *     static void work(struct worker *w) { ... demand(w, rc == STORE_OK); ... }
 *
 *     assert_crew(0, 8, work, memory); // eight threads here
 *     assert_crew(4, 2, work, memory); // four processes of two threads
 *
 * A crew of processes is forked, so no thread but the test's may run, and each process opens the
 * store for itself. Worker functions say what is wrong with demand(), never with cr_assert.
 */
#ifndef CONCURRENCY_TEST_H
#define CONCURRENCY_TEST_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

struct worker {
    size_t index, count; /* of the whole crew */
    store *store;        /* its process's */
    void *memory;        /* shared by the crew and the test */
    char fault[400];     /* empty: all is well */
};

/* Zeroed, and shared with processes forked later. Never freed: it is the test's to its end. */
void *shared_memory(size_t size);

/* NULL, or the first fault. Borrowed until the next crew. */
const char *run_crew(size_t processes, size_t threads, void (*work)(struct worker *w), void *memory);

#define assert_crew(processes, threads, work, memory)                                           \
    do {                                                                                       \
        const char *fault_ = run_crew(processes, threads, work, memory);                       \
        cr_assert_null(fault_, "%s", fault_);                                                  \
    } while (0)

void note_fault(struct worker *w, const char *file, int line, const char *what);

/* Ends the worker's function unless it holds; the first fault of a worker is kept. */
#define demand(w, condition)                                                                    \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            note_fault(w, __FILE__, __LINE__, #condition);                                     \
            return;                                                                            \
        }                                                                                      \
    } while (0)

/* A request with these members. */
#define WITH(...) (&(store_request){ .version = STORE_REQUEST_VERSION, __VA_ARGS__ })
#define WITHIN(transaction) (&(store_get_options){ .version = STORE_GET_OPTIONS_VERSION, .txn = (transaction) })

/* PUT of text. */
int put_text(store *s, const char *location, const char *text, const store_request *request);
/* The object's body as a number, and its version; -1 if it cannot be read. */
long number_at(store *s, const char *location, uint64_t *version, store_txn *txn);
int put_number(store *s, const char *location, long number, const store_request *request);

#endif
