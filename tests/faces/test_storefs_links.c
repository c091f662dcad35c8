/* storefs: hard and symbolic links. */
#include <limits.h>

#include "storefs_test.h"

TestSuite(storefs_links, .init = begin_storefs, .fini = end_storefs);

Test(storefs_links, a_hard_link_is_the_same_file)
{
    put_file("a", "one");
    assert_sys(link("a", "b"));
    cr_assert_eq(stat_of("a").st_ino, stat_of("b").st_ino);
    cr_assert_eq(stat_of("a").st_nlink, 2);
    cr_assert_eq(stat_of("b").st_nlink, 2);
    put_file("b", "two!");
    assert_file("a", "two!");
    cr_assert_eq(stat_of("a").st_size, 4);
    assert_body("/a", "two!");
    assert_body("/b", "two!");
    assert_sys(chmod("a", 0600));
    cr_assert_eq(stat_of("b").st_mode & 07777, 0600);
    assert_sys(unlink("a"));
    cr_assert_eq(stat_of("b").st_nlink, 1);
    assert_file("b", "two!");
    assert_not_stored("/a");
}

Test(storefs_links, links_survive_mounting_again)
{
    shell("mkdir d && echo 1 > a && ln a d/b && ln a d/c");
    remount_storefs();
    cr_assert_eq(stat_of("a").st_nlink, 3);
    cr_assert_eq(stat_of("d/c").st_ino, stat_of("a").st_ino);
    shell("echo 2 >> d/b && rm a && mv d/c c");
    assert_file("c", "1\n2\n");
    cr_assert_eq(stat_of("c").st_nlink, 2);
}

Test(storefs_links, a_link_to_an_unfinished_file_is_made)
{
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT, 0644));

    cr_assert_eq(write(fd, "te", 2), 2);
    assert_sys(link("a", "b"));
    cr_assert_eq(write(fd, "xt", 2), 2);
    cr_assert_eq(stat_fd(fd).st_nlink, 2);
    assert_sys(close(fd));
    assert_file("a", "text");
    assert_file("b", "text");
    cr_assert_eq(stat_of("a").st_ino, stat_of("b").st_ino);
    assert_body("/b", "text");
}

Test(storefs_links, links_are_refused_where_they_cannot_be)
{
    put_file("a", "1");
    assert_sys(mkdir("d", 0755));
    assert_errno(EEXIST, link("a", "d"));
    assert_errno(EEXIST, link("a", "a"));
    assert_errno(ENOENT, link("none", "b"));
    assert_errno(EPERM, link("d", "e"));
    assert_errno(ENOTDIR, link("a", "a/b"));
}

Test(storefs_links, fifos_and_symbolic_links_have_hard_links_too)
{
    assert_sys(mkfifo("f", 0644));
    assert_sys(link("f", "g"));
    cr_assert_eq(stat_of("g").st_nlink, 2);
    cr_assert(S_ISFIFO(stat_of("g").st_mode));
    assert_sys(symlink("target", "s"));
    assert_sys(link("s", "t"));
    cr_assert_eq(stat_of("s").st_ino, stat_of("t").st_ino);
    cr_assert(S_ISLNK(stat_of("t").st_mode));
}

Test(storefs_links, an_open_file_whose_other_name_stays_is_still_written)
{
    put_file("a", "1");
    assert_sys(link("a", "b"));
    int fd = assert_sys(open("a", O_WRONLY | O_APPEND));
    assert_sys(unlink("a"));
    cr_assert_eq(stat_fd(fd).st_nlink, 1);
    cr_assert_eq(write(fd, "2", 1), 1);
    assert_sys(close(fd));
    assert_file("b", "12");
    assert_body("/b", "12");
}

Test(storefs_links, a_file_with_changes_gets_and_loses_names)
{
    put_file("a", "1234567");
    int fd = assert_sys(open("a", O_RDWR));
    cr_assert_eq(pwrite(fd, "x", 1, 1), 1);
    assert_sys(link("a", "b"));
    cr_assert_eq(pwrite(fd, "y", 1, 3), 1);
    assert_sys(unlink("a"));
    cr_assert_eq(pwrite(fd, "z", 1, 5), 1);
    assert_sys(close(fd));
    assert_file("b", "1x3y5z7");
    assert_body("/b", "1x3y5z7");
}

Test(storefs_links, the_change_time_moves_when_a_name_comes_or_goes)
{
    put_file("a", "1");
    struct stat before = stat_of("a");
    assert_sys(link("a", "b"));
    struct stat linked = stat_of("a");
    cr_assert(linked.st_ctim.tv_sec > before.st_ctim.tv_sec || linked.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
    assert_sys(unlink("b"));
    struct stat after = stat_of("a");
    cr_assert(after.st_ctim.tv_sec > linked.st_ctim.tv_sec || after.st_ctim.tv_nsec != linked.st_ctim.tv_nsec);
    cr_assert_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

Test(storefs_links, a_symbolic_link_is_kept_and_followed)
{
    char text[64] = "";

    put_file("a", "text");
    assert_sys(symlink("a", "l"));
    cr_assert_eq(readlink("l", text, sizeof text), 1);
    cr_assert_str_eq(text, "a");
    assert_file("l", "text");
    cr_assert(S_ISLNK(stat_of("l").st_mode));
    cr_assert_eq(stat_of("l").st_size, 1);
    store_stat stat;
    assert_ok(store_stat_get(&stat, test_store(), "/l", NULL));
    cr_assert_eq(stat.kind, STORE_LINK);
    assert_body("/l", "a");
    assert_ok(store_put_link(NULL, test_store(), "/m", "a", NULL));
    assert_soon(access("m", F_OK) == 0);
    assert_file("m", "text");
    assert_errno(EEXIST, symlink("b", "l"));
    assert_errno(EINVAL, readlink("a", text, sizeof text));
}

Test(storefs_links, a_symbolic_link_holds_4095_bytes)
{
    static char target[PATH_MAX + 1], text[PATH_MAX + 1];

    memset(target, 't', PATH_MAX - 1);
    assert_sys(symlink(target, "l"));
    cr_assert_eq(readlink("l", text, sizeof text), PATH_MAX - 1);
    cr_assert_eq(memcmp(text, target, PATH_MAX - 1), 0);
    target[PATH_MAX - 1] = 't';
    assert_errno(ENAMETOOLONG, symlink(target, "m"));
}

Test(storefs_links, a_link_into_nothing_and_one_to_itself_are_no_harm)
{
    assert_sys(symlink("none", "l"));
    assert_errno(ENOENT, open("l", O_RDONLY));
    put_file("l", "made through the link");
    assert_file("none", "made through the link");
    assert_sys(symlink("loop", "loop"));
    assert_errno(ELOOP, open("loop", O_RDONLY));
    assert_sys(unlink("loop"));
}
