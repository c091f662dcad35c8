/* storectl watch: the change feed on a pipe. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storectl_test.h"

TestSuite(storectl_watch, .init = begin_storectl, .fini = end_storectl);

extern char **environ;

/* The nth line of the last output as JSON, for member(). */
static void read_change(size_t n)
{
    char *line = said.out;

    for (; n > 0; n--) {
        line = strchr(line, '\n');
        cr_assert_not_null(line, "%s", said.out);
        line++;
    }
    json_decref(said_json);
    said_json = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
    cr_assert_not_null(said_json, "%s", line);
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    while ((text = strchr(text, '\n'))) {
        lines++;
        text++;
    }
    return lines;
}

Test(storectl_watch, since_start_tells_everything)
{
    expect(0, "put", "/a", "-d", "1");
    expect(0, "mv", "/a", "/b");
    expect(0, "rm", "/b");
    expect(0, "watch", "--since", "start", "--timeout", "0");
    cr_assert_eq(count_lines(said.out), 4, "%s", said.out);
    read_change(0); /* init */
    assert_member("kind", "collection");
    assert_member("location", "/");
    read_change(1);
    assert_member("outcome", "created");
    assert_member("kind", "object");
    assert_member("location", "/a");
    cr_assert_eq(strlen(member("version")), 16);
    assert_member("from", "(absent)");
    read_change(2);
    assert_member("outcome", "moved");
    assert_member("from", "/a");
    read_change(3);
    assert_member("outcome", "deleted");
    expect(0, "watch", "--since", "0", "--timeout", "0", "--limit", "2");
    cr_assert_eq(count_lines(said.out), 2);
}

Test(storectl_watch, since_a_version_tells_what_came_after)
{
    expect(0, "put", "/a", "-d", "1");
    const char *version = version_of("/a");
    expect(0, "put", "/b", "-d", "1");
    expect(0, "watch", "--since", version, "--timeout", "0");
    read_change(0);
    assert_member("location", "/b");
    cr_assert_eq(count_lines(said.out), 1);
}

Test(storectl_watch, a_location_bounds_it_and_without_since_it_begins_now)
{
    expect(0, "put", "/c/a", "-p", "-d", "1");
    expect(0, "put", "/d", "-d", "1");
    expect(0, "watch", "/c", "--since", "start", "--timeout", "0");
    cr_assert_null(strstr(said.out, "\"/d\""), "%s", said.out);
    cr_assert_not_null(strstr(said.out, "\"/c/a\""), "%s", said.out);
    expect_out("", "watch", "--timeout", "0.01");
}

/* Starts a watcher; the reading end of its standard output. */
static FILE *start_watch(pid_t *child)
{
    const char *argv[] = {program("storectl"), "-s",      test_path("store"),
                          "watch",             "--since", "0000000000000001", NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    cr_assert_eq(posix_spawn(child, argv[0], &actions, NULL, (char **)argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    return fdopen(ends[0], "r");
}

static void check_signal(int number)
{
    char line[512];
    pid_t child;
    int status;

    expect(0, "put", "/a", "-d", "1");
    FILE *lines = start_watch(&child);
    cr_assert_not_null(fgets(line, sizeof line, lines));
    expect(0, "put", "/b", "-d", "1");
    cr_assert_not_null(fgets(line, sizeof line, lines), "no change came while it waited");
    cr_assert_not_null(strstr(line, "\"/b\""), "%s", line);
    cr_assert_eq(kill(child, number), 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    fclose(lines);
}

Test(storectl_watch, it_waits_for_other_processes_and_ends_on_sigint, .timeout = 60)
{
    check_signal(SIGINT);
}

Test(storectl_watch, it_ends_on_sigterm, .timeout = 60)
{
    check_signal(SIGTERM);
}

Test(storectl_watch, it_ends_when_nobody_reads_any_more, .timeout = 60)
{
    pid_t child;
    int status;

    expect(0, "put", "/a", "-d", "1");
    FILE *lines = start_watch(&child);
    fclose(lines);
    for (int i = 0; waitpid(child, &status, WNOHANG) == 0 && i < 1000; i++)
        expect(0, "put", "/a", "-d", "1");
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3, "status %x", (unsigned)status);
}
