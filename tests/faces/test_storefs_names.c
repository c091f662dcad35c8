/* storefs: names and paths. */
#include <limits.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "storefs_test.h"

TestSuite(storefs_names, .init = begin_storefs, .fini = end_storefs);

static const char *long_name(size_t size)
{
    static char name[300];

    memset(name, 'n', size);
    name[size] = '\0';
    return name;
}

Test(storefs_names, names_have_255_bytes_and_no_more)
{
    char location[300] = "/";

    put_file(long_name(255), "1");
    assert_file(long_name(255), "1");
    strcat(location, long_name(255));
    assert_body(location, "1");
    assert_sys(unlink(long_name(255)));
    assert_sys(mkdir(long_name(255), 0755));
    assert_sys(rmdir(long_name(255)));
    assert_errno(ENAMETOOLONG, open(long_name(256), O_WRONLY | O_CREAT, 0644));
    assert_errno(ENAMETOOLONG, mkdir(long_name(256), 0755));
    assert_errno(ENAMETOOLONG, symlink("x", long_name(256)));
    assert_errno(ENAMETOOLONG, unlink(long_name(256)));
    put_file("a", "1");
    assert_errno(ENAMETOOLONG, rename("a", long_name(256)));
    assert_errno(ENAMETOOLONG, link("a", long_name(256)));
    struct statvfs room;
    assert_sys(statvfs(".", &room));
    cr_assert_eq(room.f_namemax, 255);
}

Test(storefs_names, names_are_utf8_of_any_kind)
{
    static const char *const names[] = { "ünï", "a b", "-x", "*", "%2F", "a|b", "\t", "日本語", "..a", "...", "\\", "\n" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char location[64];
        put_file(names[i], names[i]);
        assert_file(names[i], names[i]);
        snprintf(location, sizeof location, "/%s", names[i]);
        assert_body(location, names[i]);
        assert_sys(unlink(names[i]));
    }
}

/* SPEC 2: names are UTF-8. */
Test(storefs_names, a_name_that_is_no_utf8_is_refused)
{
    assert_errno(EINVAL, open("\xff\xfe", O_WRONLY | O_CREAT, 0644));
    assert_errno(EINVAL, mkdir("\xc3", 0755));
    assert_errno(ENOENT, access("\xff", F_OK));
}

/* A path of a system call has 4,095 bytes and a NUL; a deeper place is reached step by step. */
Test(storefs_names, a_path_of_4095_bytes_works)
{
    static char path[PATH_MAX + 1];
    size_t size = 0;

    while (size + 201 < PATH_MAX - 1) {
        memcpy(path + size, long_name(200), 200);
        size += 200;
        path[size] = '\0';
        assert_sys(mkdir(path, 0755));
        path[size++] = '/';
    }
    size_t left = PATH_MAX - 1 - size;
    memset(path + size, 'f', left);
    path[size + left] = '\0';
    cr_assert_eq(strlen(path), 4095);
    put_file(path, "deep");
    assert_file(path, "deep");
    assert_sys(rename(path, "shallow"));
    assert_sys(rename("shallow", path));
    assert_sys(unlink(path));
    path[size + left] = 'f';
    assert_errno(ENAMETOOLONG, open(path, O_WRONLY | O_CREAT, 0644));
}

Test(storefs_names, a_location_longer_than_4096_bytes_is_refused_in_order)
{
    int depth = 0, fd = AT_FDCWD, next;

    for (; depth < 40 && mkdirat(fd, long_name(250), 0755) == 0; depth++) {
        next = assert_sys(openat(fd, long_name(250), O_PATH | O_DIRECTORY));
        if (fd != AT_FDCWD)
            close(fd);
        fd = next;
    }
    cr_assert(depth < 40 && errno == ENAMETOOLONG, "%d levels: %s", depth, strerror(errno));
    cr_assert_eq(depth, 16);
    assert_errno(ENAMETOOLONG, openat(fd, long_name(250), O_WRONLY | O_CREAT, 0644));
    close(fd);
}

Test(storefs_names, missing_and_wrong_parents_are_told_apart)
{
    put_file("a", "1");
    assert_errno(ENOENT, open("x/a", O_WRONLY | O_CREAT, 0644));
    assert_errno(ENOENT, mkdir("x/d", 0755));
    assert_errno(ENOTDIR, open("a/b", O_WRONLY | O_CREAT, 0644));
    assert_errno(ENOTDIR, mkdir("a/d", 0755));
    assert_errno(EEXIST, mkdir("a", 0755));
    assert_errno(ENOTDIR, rmdir("a"));
    assert_sys(mkdir("d", 0755));
    assert_errno(EEXIST, mkdir("d", 0755));
    assert_errno(EISDIR, unlink("d"));
    assert_errno(ENOENT, unlink("x"));
    assert_errno(ENOENT, rmdir("x"));
    put_file("d/a", "1");
    assert_errno(ENOTEMPTY, rmdir("d"));
    assert_sys(unlink("d/a"));
    assert_sys(rmdir("d"));
}

Test(storefs_names, a_directory_with_an_unfinished_file_is_not_empty)
{
    assert_sys(mkdir("d", 0755));
    int fd = assert_sys(open("d/a", O_WRONLY | O_CREAT, 0644));
    assert_errno(ENOTEMPTY, rmdir("d"));
    assert_sys(unlink("d/a"));
    assert_sys(rmdir("d"));
    cr_assert_eq(write(fd, "x", 1), 1);
    assert_sys(close(fd));
    assert_absent("d");
}

/* -------------------------------------------------------- deleting what is open */

Test(storefs_names, an_unlinked_file_lives_while_it_is_open)
{
    char text[16] = "";

    put_file("a", "kept");
    int fd = assert_sys(open("a", O_RDWR));
    assert_sys(unlink("a"));
    assert_absent("a");
    assert_not_stored("/a");
    cr_assert_eq(stat_fd(fd).st_nlink, 0);
    cr_assert_eq(stat_fd(fd).st_size, 4);
    cr_assert_eq(pread(fd, text, 10, 0), 4);
    cr_assert_str_eq(text, "kept");
    cr_assert_eq(pwrite(fd, "more", 4, 4), 4);
    cr_assert_eq(pread(fd, text, 10, 0), 8);
    cr_assert_str_eq(text, "keptmore");
    assert_sys(fsync(fd));
    assert_sys(fchmod(fd, 0600));
    cr_assert_eq(stat_fd(fd).st_mode & 07777, 0600);
    put_file("a", "new");
    assert_sys(close(fd));
    assert_file("a", "new");
    assert_body("/a", "new");
}

Test(storefs_names, a_large_unlinked_file_lives_while_it_is_open)
{
    static char data[1 << 20], text[1 << 20];

    fill_pattern(data, sizeof data, 1, 0);
    put_bytes("a", data, sizeof data);
    int fd = assert_sys(open("a", O_RDONLY));
    assert_sys(unlink("a"));
    put_bytes("b", text, sizeof text);
    cr_assert_eq(assert_sys(read(fd, text, sizeof text)), (int)sizeof text);
    cr_assert_eq(memcmp(text, data, sizeof data), 0);
    assert_sys(close(fd));
}

Test(storefs_names, an_unfinished_file_that_is_unlinked_is_never_stored)
{
    int fd = assert_sys(open("a", O_RDWR | O_CREAT, 0644));

    cr_assert_eq(write(fd, "text", 4), 4);
    assert_sys(unlink("a"));
    assert_sys(fsync(fd));
    assert_sys(close(fd));
    assert_absent("a");
    assert_not_stored("/a");
}

Test(storefs_names, a_temporary_file_without_a_name_works)
{
    char text[16] = "";
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);

    if (fd < 0) {
        cr_assert(errno == EOPNOTSUPP || errno == EISDIR, "%s", strerror(errno));
        return; /* libfuse is older than the operation */
    }
    cr_assert_eq(write(fd, "text", 4), 4);
    cr_assert_eq(pread(fd, text, 4, 0), 4);
    cr_assert_str_eq(text, "text");
    assert_sys(close(fd));
}

/* ---------------------------------------------------------------- special files */

Test(storefs_names, a_fifo_carries_bytes)
{
    assert_sys(mkfifo("f", 0640));
    cr_assert(S_ISFIFO(stat_of("f").st_mode));
    cr_assert_eq(stat_of("f").st_mode & 07777, 0640);
    shell("echo text > f & read x < f; test $x = text; wait");
    remount_storefs();
    cr_assert(S_ISFIFO(stat_of("f").st_mode));
    assert_errno(EEXIST, mkfifo("f", 0640));
    assert_sys(unlink("f"));
}

Test(storefs_names, device_nodes_have_their_numbers_and_work)
{
    need_root();
    assert_sys(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
    assert_sys(mknod("block", S_IFBLK | 0600, makedev(259, 70000)));
    assert_sys(mknod("socket", S_IFSOCK | 0600, 0));
    assert_sys(mknod("plain", S_IFREG | 0600, 0));
    remount_storefs();
    cr_assert(S_ISCHR(stat_of("null").st_mode));
    cr_assert_eq(stat_of("null").st_rdev, makedev(1, 3));
    cr_assert(S_ISBLK(stat_of("block").st_mode));
    cr_assert_eq(stat_of("block").st_rdev, makedev(259, 70000));
    cr_assert(S_ISSOCK(stat_of("socket").st_mode));
    cr_assert(S_ISREG(stat_of("plain").st_mode));
    shell("echo gone > null; test -z \"$(cat null)\"");
    assert_file("plain", "");
    assert_body("/plain", "");
}

Test(storefs_names, a_socket_is_bound_and_found)
{
    need_program("perl");
    shell("perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Local => \"s\", Listen => 1) or die $!;"
          "$c = IO::Socket::UNIX->new(Peer => \"s\") or die $!; print $c \"x\"; close $c;"
          "$a = $s->accept; sysread($a, $b, 1) == 1 or die'");
    cr_assert(S_ISSOCK(stat_of("s").st_mode));
}
