/*
 * problem.h - the problem JSON of refused bodies, by path, for user.store.error:
 * as long as nothing better was published there. Bounded: those that nobody
 * asked for the longest go first.
 */
#ifndef FUSEFS_PROBLEM_H
#define FUSEFS_PROBLEM_H

#include <stdint.h>

struct problem_list;

/* NULL: no memory. */
struct problem_list *problem_list_new(void);
void problem_list_free(struct problem_list *list);

/* Any thread. `parent` is the ino of the directory. What there is no memory for is not kept. */
void problem_keep(struct problem_list *list, uint64_t parent, const char *name, const char *json);
/* A copy, to be released with free(); NULL: none. */
char *problem_find(struct problem_list *list, uint64_t parent, const char *name);
void problem_forget(struct problem_list *list, uint64_t parent, const char *name);
/* What is kept of the one, or that there is nothing, goes with a rename to the other. */
void problem_move(struct problem_list *list, uint64_t parent, const char *name, uint64_t new_parent,
                  const char *new_name);

#endif
