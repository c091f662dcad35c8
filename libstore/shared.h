/*
 * shared.h - what the processes that have one store open tell each other
 * outside the database: a small mapped file, "live", and locks on it.
 *
 * Nothing in it must survive a reboot; it is made anew when it is missing.
 *   - a futex word that every commit bumps, for waiters in any process;
 *   - the id of the last commit that changed what a cached collection
 *     resolution depends on, set before that commit becomes visible;
 *   - a session for each handle: a nonce, and a lock that dies with its
 *     holder, so that others can tell whose uploads are abandoned;
 *   - locks: openness (shared by all handles, exclusive for compact), and
 *     one that keeps chunks from being reclaimed during a backup.
 */
#ifndef STORE_SHARED_H
#define STORE_SHARED_H

#include <stdbool.h>
#include <stdint.h>

struct shared;

/* Opens or makes DIRECTORY/live, takes a session (unless read_only) and the openness
 * lock; busy if that is held the other way, or all sessions are taken. */
int shared_open(struct shared **out, const char *directory, bool read_only, bool exclusive, unsigned file_mode);
void shared_close(struct shared *shared);

/* This handle's session: its slot and its nonce. */
void shared_session(const struct shared *shared, uint32_t *slot, uint64_t *nonce);
/* Whether the session still has its holder. */
bool shared_session_alive(struct shared *shared, uint32_t slot, uint64_t nonce);

/* The commit that last changed the namespace, or is about to. */
uint64_t shared_namespace(const struct shared *shared);
void shared_namespace_set(struct shared *shared, uint64_t commit);

/* The wake word; bump it after a commit (read-only: only wakes); wait while it is `seen`, at
 * most timeout_ms. shared_wake is safe in a signal handler. */
uint32_t shared_wake_word(const struct shared *shared);
void shared_wake(struct shared *shared);
void shared_wait(struct shared *shared, uint32_t seen, int timeout_ms);

/* Chunks may be reclaimed while nobody holds the other side: try_reclaim is exclusive and
 * does not wait; hold_reclaim is shared, waits, and returns a descriptor to be closed. */
bool shared_try_reclaim(struct shared *shared);
void shared_end_reclaim(struct shared *shared);
int shared_hold_reclaim(int *out, const char *directory);
/* Whether another descriptor has either side of it now. */
bool shared_reclaim_held(const struct shared *shared);

#endif
