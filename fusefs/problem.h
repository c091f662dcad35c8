/*
 * problem.h - the problem JSON of refused bodies, by path, for user.store.error:
 * as long as nothing better was published there, and bounded in number.
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

#endif
