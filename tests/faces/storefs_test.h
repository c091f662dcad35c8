/*
 * storefs_test.h - a store that is mounted, for one test, and what to do there.
 *
 *     TestSuite(storefs_files, .init = begin_storefs, .fini = end_storefs);
 *
 *     Test(storefs_files, a_file_is_stored_when_it_is_closed)
 *     {
 *         put_file("a", "text");
 *         assert_body("/a", "text");
 *     }
 *
 * The working directory is the mount point, so a name in a call is a location without its slash. The same
 * store is open in the test's own process by test_store(): that is the other face.
 *
 * Each test has a mount namespace of its own, and a guard process that ends whatever still runs in it when the
 * test is over, even by a crash: nothing stays mounted, no daemon stays behind.
 */
#ifndef STOREFS_TEST_H
#define STOREFS_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "support.h"

/* For .init: a fresh store, mounted with the usual options. Skips the test, and says why, where that is impossible. */
void begin_storefs(void);
/* The same without mounting. */
void begin_unmounted(void);
/* For .fini: unmounts, looks whether the daemon ended well and the store is intact, and cleans up. */
void end_storefs(void);

/* Mounts with these more -o options (may be NULL) and waits until it works; storefs runs as our child, with -f. */
void mount_storefs(const char *options);
/* Starts storefs with these arguments behind its name and waits for its end: for what ends by itself. */
void run_storefs(struct command_result *out, const char *const arguments[]);
/* Unmounts in order; the daemon must end with status 0. */
void unmount_storefs(void);
/* Unmounts, and mounts again with the same options. */
void remount_storefs(void);
/* Ends the daemon by SIGKILL and clears the dead mount away. */
void kill_storefs(void);
/* Waits until the daemon has ended by itself, without a mount being left; its exit status (128 + signal). */
int end_of_storefs(void);
/* Its process id; 0 when there is none. */
pid_t storefs_pid(void);
/* Where the store and the mount are. Borrowed. */
const char *mount_point(void);

/* What the daemon wrote to standard error since it was mounted. Borrowed until the next. */
const char *storefs_log(void);
/* Nothing wrong is to be found in the store: fails the test, but goes on. */
void expect_intact(void);

/* Skips the test unless it may act as other users. */
void need_root(void);
/* Skips the test unless the program is installed. */
void need_program(const char *name);
bool has_program(const char *name);

/* -------------------------------------------------------------- in the mount */

/* Opens, writes, closes; the file is made, or truncated. */
void put_file(const char *name, const char *text);
void put_bytes(const char *name, const void *data, size_t size);
/* All of a file, NUL-terminated, to be released with free(); NULL, and errno, if it cannot be read. */
char *get_bytes(const char *name, size_t *size);

/* Runs a shell script in the mount; asserts its exit status, and shows what it wrote. */
void shell(const char *script);
void shell_status(int status, const char *script);
/* Its standard output without the last newline. Borrowed until the next. */
const char *shell_says(const char *script);

/* The version that the store has at a location; 0: nothing there. */
uint64_t stored_version(const char *location);
bool is_stored(const char *location);
/* PUT with replace, by the library. */
void store_text(const char *location, const char *text);
/* A typed collection by the library: key id (a string), email and age (an integer). PUT replaces. */
void define_typed(const char *location);
/* Is this the body that the store has? */
bool is_body(const char *location, const char *text);
/* The changes of this location that the log has. */
int changes_of(const char *location);

/* Bytes that tell what and where they are. */
void fill_pattern(void *out, size_t size, unsigned seed, uint64_t offset);

/* Waits until the condition is true: SPEC's second, and patience with a machine that has other work too. */
#define assert_soon(condition)                                                                 \
    do {                                                                                       \
        int tries_ = 0;                                                                        \
        while (!(condition) && tries_++ < 3000)                                                \
            poll(NULL, 0, 1);                                                                  \
        cr_assert(condition, "not even after three seconds: %s\n%s", #condition, storefs_log()); \
    } while (0)

/* Asserts that a system call succeeds; its value. */
#define assert_sys(call)                                                                       \
    ({                                                                                         \
        long given_ = (long)(call);                                                            \
        cr_assert_neq(given_, -1, "%s: %s\n%s", #call, strerror(errno), storefs_log());        \
        (int)given_;                                                                           \
    })

/* Asserts that a system call fails with this errno. */
#define assert_errno(wanted, call)                                                             \
    do {                                                                                       \
        errno = 0;                                                                             \
        long given_ = (long)(call);                                                            \
        int error_ = errno;                                                                    \
        cr_assert(given_ == -1 && error_ == (wanted), "%s is %ld (%s), not %s\n%s", #call, given_, \
                  strerror(error_), strerror(wanted), storefs_log());                          \
    } while (0)

/* Asserts all of a file's text, as the mount shows it. */
#define assert_file(name, text)                                                                \
    do {                                                                                       \
        char *text_ = get_bytes((name), NULL);                                                 \
        cr_assert_not_null(text_, "%s: %s\n%s", (name), strerror(errno), storefs_log());       \
        cr_assert_str_eq(text_, (text), "%s", (name));                                         \
        free(text_);                                                                           \
    } while (0)

#define assert_absent(name)                                                                    \
    do {                                                                                       \
        struct stat stat_;                                                                     \
        assert_errno(ENOENT, lstat((name), &stat_));                                           \
    } while (0)

#define assert_not_stored(location) cr_assert_not(is_stored(location), "%s is stored", (location))

/* What stat(2) tells of a name, itself not followed, and of an open file. */
static inline struct stat stat_of(const char *name)
{
    struct stat stat;

    cr_assert_eq(lstat(name, &stat), 0, "%s: %s\n%s", name, strerror(errno), storefs_log());
    return stat;
}

static inline struct stat stat_fd(int fd)
{
    struct stat stat;

    assert_sys(fstat(fd, &stat));
    return stat;
}

/* An extended attribute's text; NULL, and errno, when there is none. Borrowed until the next. */
const char *attribute_of(const char *name, const char *attribute);

/* Runs `work` in a child process and gives its exit status (128 + signal when one ended it). The child must
 * assert nothing: it tells by its status. */
int in_child(int (*work)(void *context), void *context);
/* The same without waiting. */
pid_t start_child(int (*work)(void *context), void *context);
int end_of_child(pid_t child);

#endif
