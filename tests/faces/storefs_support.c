/* storefs_support.c - what the tests of storefs do with files, programs and the other face. */
#include <sys/wait.h>
#include <sys/xattr.h>

#include "storefs_test.h"

void put_bytes(const char *name, const void *data, size_t size)
{
    int fd = assert_sys(open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

    for (size_t done = 0; done < size;)
        done += (size_t)assert_sys(write(fd, (const char *)data + done, size - done));
    assert_sys(close(fd));
}

void put_file(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

char *get_bytes(const char *name, size_t *size)
{
    size_t used = 0, room = 65536;
    ssize_t got;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    char *data = fd >= 0 ? malloc(room + 1) : NULL;

    if (data == NULL)
        return NULL;
    while ((got = read(fd, data + used, room - used)) > 0) {
        used += (size_t)got;
        if (used == room)
            data = realloc(data, (room *= 2) + 1);
    }
    int error = errno;
    close(fd);
    errno = error;
    if (got < 0) {
        free(data);
        return NULL;
    }
    data[used] = '\0';
    if (size)
        *size = used;
    return data;
}

/* -------------------------------------------------------------------- programs */

static struct command_result said;

void shell_status(int status, const char *script)
{
    const char *argv[] = { "sh", "-c", script, NULL };

    command_clear(&said);
    run_command(&said, argv, NULL);
    cr_assert_eq(said.status, status, "exit status %d%s of: %s\nstdout: %s\nstderr: %s\n%s", said.status,
                 said.timed_out ? " (timed out)" : "", script, said.out, said.err, storefs_log());
}

void shell(const char *script)
{
    shell_status(0, script);
}

const char *shell_says(const char *script)
{
    shell(script);
    if (said.out_size > 0 && said.out[said.out_size - 1] == '\n')
        said.out[said.out_size - 1] = '\0';
    return said.out;
}

pid_t start_child(int (*work)(void *context), void *context)
{
    pid_t child = fork();

    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(work(context));
    return child;
}

int end_of_child(pid_t child)
{
    int status;

    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int in_child(int (*work)(void *context), void *context)
{
    return end_of_child(start_child(work, context));
}

/* --------------------------------------------------------------- the other face */

uint64_t stored_version(const char *location)
{
    store_stat stat;
    int rc = store_stat_get(&stat, test_store(), location, NULL);

    if (rc == STORE_NOT_FOUND)
        return 0;
    assert_ok(rc);
    return stat.version;
}

bool is_stored(const char *location)
{
    return stored_version(location) != 0;
}

void store_text(const char *location, const char *text)
{
    store_request request = STORE_REQUEST_INIT;

    request.flags = STORE_REPLACE;
    assert_ok(store_put(NULL, test_store(), location, text, strlen(text), &request));
}

void define_typed(const char *location)
{
    static const char definition[] =
        "{\"order\":\"key\",\"key\":[\"id\"],\"put\":\"replace\",\"schema\":{\"type\":\"object\",\"properties\":{"
        "\"id\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\"}}}}";

    assert_ok(store_define(NULL, test_store(), location, definition, sizeof definition - 1, NULL));
}

bool is_body(const char *location, const char *text)
{
    void *body = NULL;
    size_t size;
    bool same = store_get(&body, &size, NULL, test_store(), location, NULL) == STORE_OK && strcmp(body, text) == 0;

    store_free(body);
    return same;
}

int changes_of(const char *location)
{
    store_feed *feed;
    store_change change;
    int count = 0;

    assert_ok(store_feed_open(&feed, test_store(), NULL, 0));
    while (store_feed_next(&change, feed, 0) == STORE_OK)
        count += strcmp(change.location, location) == 0;
    store_feed_close(feed);
    return count;
}

const char *attribute_of(const char *name, const char *attribute)
{
    static char value[65537];
    ssize_t size = lgetxattr(name, attribute, value, sizeof value - 1);

    if (size < 0)
        return NULL;
    value[size] = '\0';
    return value;
}

void fill_pattern(void *out, size_t size, unsigned seed, uint64_t offset)
{
    unsigned char *bytes = out;

    for (size_t i = 0; i < size; i++) {
        uint64_t at = offset + i;
        bytes[i] = (unsigned char)(at * 31 + (at >> 8) * 7 + (at >> 16) * 3 + seed * 101 + 1);
    }
}
