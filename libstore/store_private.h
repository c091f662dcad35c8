/* store_private.h - what a handle is, for the operations. */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine.h"
#include "problem.h"
#include "shared.h"
#include "store.h"

struct queue;
struct caretaker;
struct known_definition;
struct unstaged;

struct store {
    char *path;            /* absolute */
    dev_t device;          /* which directory: a process opens a store once */
    ino_t inode;
    unsigned references;   /* under the registry's lock */
    struct store *next;    /* in the registry */
    bool read_only;
    bool relaxed;
    bool exclusive;        /* nobody else has it open */
    uint64_t log_limit;
    struct engine *objects;
    struct engine *bodies;
    struct shared *shared;
    struct queue *queue;         /* writers (txn.c) */
    struct caretaker *caretaker; /* the thread that reclaims (caretaker.c) */
    pthread_mutex_t definitions_lock;
    struct known_definition *definitions; /* compiled, by collection (tree.c) */
    uint64_t version_commit;       /* the commit after which ... */
    uint64_t version_next;         /* ... this is the next version; both under the writer's lock */
    uint64_t spare_id, spare_ids;  /* bodies' ids that nobody has yet: the first, how many; likewise */
    atomic_uint deltas;            /* that this handle has written since the caretaker last merged some */
    struct unstaged *unstaged;     /* published bodies whose staging rows can go (body.c) */
    pthread_mutex_t unstaged_lock;
};

/* What every public function does first. Never fails. */
static inline void store_enter(void)
{
    problem_reset();
}

/* Beside enum store_flags, what a verb takes: */
#define TAKES_ID (1u << 30)      /* it may create a node: request.id */
#define TAKES_TO_BASE (1u << 31) /* it has a second location: request.to_base */

/* Checks a caller's options: their version, and flags and members outside `allowed`. */
int request_check(const store_request *request, unsigned allowed);

/* The default request, for callers that pass NULL. */
extern const store_request request_default;

static inline const store_request *request_or_default(const store_request *request)
{
    return request ? request : &request_default;
}

#define OBJECTS_FILE "objects.mdb"
#define BODIES_FILE "bodies.mdb"

int64_t clock_now(void);       /* ns since 1970 */
int64_t clock_monotonic(void); /* ns since some moment; what clock_condition waits by */
void clock_condition(pthread_cond_t *condition); /* initialises it */

#endif
