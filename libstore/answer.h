/* answer.h - filling in what a verb answers. */
#ifndef STORE_ANSWER_H
#define STORE_ANSWER_H

#include "store.h"

/* Releases what an earlier run of the operation left, so that it can be run again. */
void answer_reset(store_answer *answer);
/* Sets one result; `location` is copied. */
int result_set(store_result *result, store_outcome outcome, uint64_t version, const char *location, bool completed);
/* Makes `many` for a request about `count` objects. */
int answer_many(store_answer *answer, size_t count);
/* Takes the thread's problem as this result's (partial). */
int result_fail(store_result *result, int code, const char *location);
/* The first result that did something becomes `one`. */
int answer_finish(store_answer *answer);

#endif
