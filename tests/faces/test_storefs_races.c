/* storefs: what happens to those who are in the middle of something when a name comes or goes. */
#include <dirent.h>

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
