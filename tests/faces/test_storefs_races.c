/* storefs: what happens to those who are in the middle of something when a name comes or goes. */
#include <dirent.h>
#include <sys/wait.h>

#include "storefs_test.h"

TestSuite(storefs_races, .init = begin_storefs, .fini = end_storefs);

/* --------------------------------------------------------- removed directories */

static size_t entries_of(int directory)
{
    DIR *stream = fdopendir(dup(directory));
    size_t count = 0;

    cr_assert_not_null(stream, "%s", strerror(errno));
    while (readdir(stream))
        count++;
    closedir(stream);
    return count;
}

static void expect_removed(int directory)
{
    struct stat st = stat_fd(directory);

    cr_expect_eq(st.st_nlink, 0);
    cr_expect(S_ISDIR(st.st_mode));
    cr_expect_eq(st.st_mode & 07777, 0750);
    cr_expect_eq(entries_of(directory), 0);
    assert_errno(ENOENT, openat(directory, "a", O_WRONLY | O_CREAT, 0644));
    assert_errno(ENOENT, mkdirat(directory, "a", 0755));
}

Test(storefs_races, a_removed_directory_is_empty_for_those_in_it)
{
    assert_sys(mkdir("d", 0750));
    int directory = assert_sys(open("d", O_RDONLY | O_DIRECTORY));

    assert_sys(rmdir("d"));
    expect_removed(directory);
    assert_sys(close(directory));
}

Test(storefs_races, a_directory_that_another_replaced_is_empty_for_those_in_it)
{
    assert_sys(mkdir("a", 0755));
    assert_sys(mkdir("d", 0750));
    int directory = assert_sys(open("d", O_RDONLY | O_DIRECTORY));

    assert_sys(rename("a", "d"));
    expect_removed(directory);
    assert_sys(close(directory));
    cr_assert_eq(stat_of("d").st_mode & 07777, 0755);
}

/* ------------------------------------------------------- names that come and go */

Test(storefs_races, what_an_unfinished_file_took_the_name_of_does_not_come_back)
{
    put_file("a", "old");
    int fd = assert_sys(open("b", O_WRONLY | O_CREAT, 0644));

    assert_sys(write(fd, "new", 3));
    assert_sys(rename("b", "a"));
    assert_body("/a", "old");
    assert_sys(rename("a", "c"));
    assert_absent("a");
    assert_sys(close(fd));
    assert_absent("a");
    assert_not_stored("/a");
    assert_body("/c", "new");
}

Test(storefs_races, what_covers_one_name_of_a_node_stays_when_that_is_written_by_another)
{
    put_file("b", "1234");
    assert_sys(link("b", "a"));
    int old = assert_sys(open("a", O_RDWR)), new = assert_sys(open("c", O_WRONLY | O_CREAT, 0644));

    assert_sys(write(new, "new", 3));
    assert_sys(rename("c", "a"));
    cr_assert_eq(pwrite(old, "x", 1, 1), 1);
    assert_sys(close(old));
    assert_file("b", "1x34");
    assert_file("a", "new");
    assert_sys(close(new));
    assert_body("/a", "new");
    assert_body("/b", "1x34");
}

static const char good_person[] = "{\"id\":\"a\",\"email\":\"a@x\",\"age\":1}";

static void put_refused(const char *name, const char *text)
{
    int fd = assert_sys(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));

    assert_sys(write(fd, text, strlen(text)));
    cr_assert_eq(close(fd), -1);
}

Test(storefs_races, the_text_that_was_refused_last_is_kept)
{
    define_typed("/people");
    store_text("/people/a", good_person);
    put_refused("people/a", "{\"id\":\"a\",\"age\":\"one\"}");
    assert_soon(access("people/.a.rejected", F_OK) == 0);
    put_refused("people/a", "{\"id\":\"a\",\"age\":\"two\"}");
    assert_soon(strstr(shell_says("cat people/.a.rejected"), "two"));
    assert_file("people/a", good_person);
}

Test(storefs_races, a_rename_that_is_refused_takes_nothing_away)
{
    const char *a = "{\"id\":\"a\",\"age\":\"one\"}", *b = "{\"id\":\"b\",\"age\":\"two\"}";

    define_typed("/people");
    put_refused("people/a", a);
    put_refused("people/b", b);
    cr_assert_eq(rename("people/a", "people/b"), -1);
    assert_file("people/a", a);
    assert_file("people/b", b);
}

/* ------------------------------------------------------------ another face */

Test(storefs_races, an_open_file_that_another_face_moves_is_written_on)
{
    assert_ok(store_make_collection(NULL, test_store(), "/far", NULL));
    put_file("a", "1234567");
    int fd = assert_sys(open("a", O_RDWR));

    assert_ok(store_move(NULL, test_store(), "/a", "/far/b", NULL)); /* the kernel has never heard of "far" */
    assert_soon(access("a", F_OK) != 0);
    assert_soon(pwrite(fd, "x", 1, 1) == 1);
    assert_sys(close(fd));
    assert_body("/far/b", "1x34567");
}

/* ---------------------------------------------------------------- truncation */

Test(storefs_races, a_file_that_is_cut_off_is_stored_so_when_it_is_closed)
{
    put_file("a", "1234567");
    uint64_t before = stored_version("/a");
    int fd = assert_sys(open("a", O_RDWR));

    assert_sys(ftruncate(fd, 3));
    assert_body("/a", "1234567");
    cr_assert_eq(stored_version("/a"), before);
    assert_sys(close(fd));
    assert_body("/a", "123");
}

Test(storefs_races, a_truncation_that_is_refused_changes_nothing)
{
    define_typed("/people");
    store_text("/people/a", good_person);
    assert_errno(EINVAL, truncate("people/a", 5));
    assert_file("people/a", good_person);
    cr_assert_eq(stat_of("people/a").st_size, (off_t)strlen(good_person));
    put_file("people/a", "{\"id\":\"a\",\"email\":\"a@x\",\"age\":2}");
    assert_body("/people/a", "{\"id\":\"a\",\"email\":\"a@x\",\"age\":2}");
}

/* -------------------------------------------------------------- all at once */

enum { TURNS = 500 };
static const char all_of_it[] = "all of it";

static int make_and_remove(void *context)
{
    (void)context;
    for (int i = 0; i < TURNS; i++) {
        int fd = open("new", O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (fd < 0 || write(fd, all_of_it, strlen(all_of_it)) < 0 || close(fd) != 0)
            return 1;
        if (rename("new", "a") != 0 || unlink("a") != 0)
            return 2;
    }
    return 0;
}

static bool has_ended(pid_t child)
{
    siginfo_t info = { 0 };

    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

Test(storefs_races, whoever_could_open_a_file_can_read_it)
{
    pid_t child = start_child(make_and_remove, NULL);
    char text[32];

    while (!has_ended(child)) {
        int fd = open("a", O_RDONLY);
        if (fd < 0) {
            cr_expect_eq(errno, ENOENT, "%s", strerror(errno));
            continue;
        }
        ssize_t got = read(fd, text, sizeof text);
        cr_expect_eq(got, (ssize_t)strlen(all_of_it), "%zd %s", got, strerror(errno));
        close(fd);
    }
    cr_assert_eq(end_of_child(child), 0);
}

static int make_again_and_again(void *context)
{
    (void)context;
    for (int made = 0; made < TURNS;) {
        int fd = open("a", O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (fd < 0 && errno == EEXIST)
            continue;
        if (fd < 0 || write(fd, all_of_it, strlen(all_of_it)) < 0 || close(fd) != 0)
            return 1;
        made++;
    }
    return 0;
}

/* Every file that was made goes by one unlink, also when it is just being published. */
Test(storefs_races, what_is_removed_while_it_is_closed_stays_removed)
{
    pid_t child = start_child(make_again_and_again, NULL);
    int removed = 0;

    while (!has_ended(child)) {
        if (unlink("a") == 0)
            removed++;
        else
            cr_expect_eq(errno, ENOENT, "%s", strerror(errno));
    }
    removed += unlink("a") == 0;
    cr_assert_eq(end_of_child(child), 0);
    cr_assert_eq(removed, TURNS);
    assert_absent("a");
    assert_not_stored("/a");
}

static int rename_back_and_forth(void *context)
{
    (void)context;
    for (int i = 0; i < TURNS; i++)
        if (rename(i % 2 ? "b" : "a", i % 2 ? "a" : "b") != 0)
            return 1;
    return 0;
}

Test(storefs_races, what_is_written_while_it_is_renamed_is_stored)
{
    put_file("a", "0000");
    int fd = assert_sys(open("a", O_RDWR));
    pid_t child = start_child(rename_back_and_forth, NULL);
    char text[8] = "", last[8] = "";

    for (int i = 0; !has_ended(child); i++) {
        snprintf(last, sizeof last, "%04d", i % 10000);
        cr_expect_eq(pwrite(fd, last, 4, 0), 4, "%s", strerror(errno));
        cr_expect_eq(fsync(fd), 0, "%s", strerror(errno));
    }
    cr_assert_eq(end_of_child(child), 0);
    cr_assert_eq(pread(fd, text, 4, 0), 4);
    cr_assert_str_eq(text, last);
    assert_sys(close(fd));
    assert_body(access("a", F_OK) == 0 ? "/a" : "/b", last);
}
