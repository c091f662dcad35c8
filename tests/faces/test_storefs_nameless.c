/* Files without a name (O_TMPFILE), which need a libfuse that passes them on (3.17). */
#include <criterion/criterion.h>

#include "storefs_test.h"

TestSuite(storefs_nameless, .init = begin_storefs, .fini = end_storefs);

static int open_nameless(int flags)
{
    int fd = open(".", O_TMPFILE | O_RDWR | flags, 0644);

    if (fd < 0 && errno == EOPNOTSUPP)
        cr_skip("this libfuse does not pass O_TMPFILE on");
    return assert_sys(fd);
}

static int give_name(int fd, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

Test(storefs_nameless, a_file_without_a_name_is_published_when_it_gets_one)
{
    int fd = open_nameless(0);

    cr_assert_eq(write(fd, "text", 4), 4);
    cr_assert_eq(stat_fd(fd).st_nlink, 0);
    assert_not_stored("/a");
    assert_sys(give_name(fd, "a"));
    assert_body("/a", "text");
    cr_assert_eq(stat_of("a").st_ino, stat_fd(fd).st_ino);
    cr_assert_eq(stat_fd(fd).st_nlink, 1);
    assert_sys(close(fd));
}

Test(storefs_nameless, a_name_that_is_taken_is_refused)
{
    int fd = open_nameless(0);

    store_text("/a", "old");
    cr_assert_eq(write(fd, "new", 3), 3);
    assert_errno(EEXIST, give_name(fd, "a"));
    assert_body("/a", "old");
    assert_sys(give_name(fd, "b"));
    assert_body("/b", "new");
    assert_sys(close(fd));
}

Test(storefs_nameless, what_was_opened_exclusively_gets_no_name)
{
    int fd = open_nameless(O_EXCL);

    assert_errno(ENOENT, give_name(fd, "a"));
    assert_sys(close(fd));
}
