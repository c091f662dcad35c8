/* storefs: modes, owners, times, extended attributes, the state of the file system. */
#include <grp.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "storefs_test.h"

TestSuite(storefs_attributes, .init = begin_storefs, .fini = end_storefs);

enum { SOMEBODY = 12345, HIS_GROUP = 23456, ANOTHER = 12346 };

static bool after(struct timespec later, struct timespec earlier)
{
    return later.tv_sec > earlier.tv_sec || (later.tv_sec == earlier.tv_sec && later.tv_nsec > earlier.tv_nsec);
}

static bool equal(struct timespec one, struct timespec two)
{
    return one.tv_sec == two.tv_sec && one.tv_nsec == two.tv_nsec;
}

/* ---------------------------------------------------------------- modes, owners */

Test(storefs_attributes, modes_are_kept_for_files_and_directories)
{
    put_file("a", "1");
    cr_assert_eq(stat_of("a").st_mode, S_IFREG | 0644);
    assert_sys(chmod("a", 07751));
    assert_sys(mkdir("d", 01777));
    assert_sys(chmod("d", 01777));
    remount_storefs();
    cr_assert_eq(stat_of("a").st_mode, S_IFREG | 07751);
    cr_assert_eq(stat_of("d").st_mode, S_IFDIR | 01777);
    store_stat stat;
    assert_ok(store_stat_get(&stat, test_store(), "/a", NULL));
    cr_assert_eq(stat.mode, 07751);
}

Test(storefs_attributes, the_umask_applies_to_what_is_made)
{
    umask(027);
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT, 0666));
    cr_assert_eq(stat_fd(fd).st_mode & 07777, 0640);
    assert_sys(close(fd));
    assert_sys(mkdir("d", 0777));
    assert_sys(mkfifo("f", 0666));
    umask(022);
    cr_assert_eq(stat_of("a").st_mode & 07777, 0640);
    cr_assert_eq(stat_of("d").st_mode & 07777, 0750);
    cr_assert_eq(stat_of("f").st_mode & 07777, 0640);
}

Test(storefs_attributes, an_unfinished_file_has_attributes_too)
{
    struct timespec times[2] = { { 1000000001, 5 }, { 1000000002, 123456789 } };
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT, 0600));

    cr_assert_eq(write(fd, "text", 4), 4);
    assert_sys(fchmod(fd, 0640));
    assert_sys(futimens(fd, times));
    assert_sys(fsetxattr(fd, "user.colour", "red", 3, 0));
    cr_assert_eq(stat_of("a").st_mode & 07777, 0640);
    assert_not_stored("/a");
    assert_sys(close(fd));
    remount_storefs();
    struct stat stat = stat_of("a");
    cr_assert_eq(stat.st_mode & 07777, 0640);
    cr_assert(equal(stat.st_mtim, times[1]), "%ld.%09ld", (long)stat.st_mtim.tv_sec, stat.st_mtim.tv_nsec);
    cr_assert(equal(stat.st_atim, times[0]));
    cr_assert_str_eq(attribute_of("a", "user.colour"), "red");
}

static int make_things(void *context)
{
    (void)context;
    if (setgroups(0, NULL) != 0 || setegid(HIS_GROUP) != 0 || seteuid(SOMEBODY) != 0)
        return 1;
    int fd = open("his", O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || close(fd) != 0 || mkdir("hisdir", 0700) != 0 || symlink("x", "hislink") != 0)
        return 2;
    if (chown("his", ANOTHER, (gid_t)-1) == 0 || errno != EPERM)
        return 3;
    if (open("mine", O_RDONLY) >= 0 || errno != EACCES)
        return 4;
    if (chmod("mine", 0666) == 0 || errno != EPERM)
        return 5;
    if (open("minedir/a", O_WRONLY | O_CREAT, 0644) >= 0 || errno != EACCES)
        return 6;
    if (unlink("sticky/mine") == 0 || (errno != EPERM && errno != EACCES))
        return 7;
    if (rename("sticky/mine", "sticky/x") == 0 || (errno != EPERM && errno != EACCES))
        return 8;
    return 0;
}

Test(storefs_attributes, owners_are_those_who_made_it_and_rights_are_checked)
{
    need_root();
    assert_sys(chmod(".", 0777));
    shell("umask 077; echo 1 > mine; mkdir minedir; umask 0; mkdir sticky; chmod 1777 sticky; echo 1 > sticky/mine");
    cr_assert_eq(in_child(make_things, NULL), 0);
    cr_assert_eq(stat_of("his").st_uid, SOMEBODY);
    cr_assert_eq(stat_of("his").st_gid, HIS_GROUP);
    cr_assert_eq(stat_of("hisdir").st_uid, SOMEBODY);
    cr_assert_eq(stat_of("hislink").st_uid, SOMEBODY);
    assert_sys(chown("his", ANOTHER, 7));
    assert_sys(lchown("hislink", ANOTHER, 7));
    remount_storefs();
    cr_assert_eq(stat_of("his").st_uid, ANOTHER);
    cr_assert_eq(stat_of("his").st_gid, 7);
    cr_assert_eq(stat_of("hislink").st_uid, ANOTHER);
}

static int write_a_byte(void *context)
{
    int fd;

    (void)context;
    if (setgroups(0, NULL) != 0 || setegid(HIS_GROUP) != 0 || seteuid(SOMEBODY) != 0)
        return 1;
    fd = open("suid", O_WRONLY);
    return fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0 ? 0 : 2;
}

Test(storefs_attributes, set_id_bits_are_inherited_and_dropped)
{
    need_root();
    assert_sys(mkdir("d", 0755));
    assert_sys(chown("d", 0, HIS_GROUP));
    assert_sys(chmod("d", 02755));
    put_file("d/a", "1");
    assert_sys(mkdir("d/e", 0755));
    cr_assert_eq(stat_of("d/a").st_gid, HIS_GROUP);
    cr_assert_eq(stat_of("d/e").st_gid, HIS_GROUP);
    cr_assert_eq(stat_of("d/e").st_mode & 07777, 02755);
    put_file("suid", "text");
    assert_sys(chmod("suid", 06777));
    cr_assert_eq(in_child(write_a_byte, NULL), 0);
    cr_assert_eq(stat_of("suid").st_mode & 07777, 0777);
    assert_sys(chmod("suid", 04755));
    assert_sys(chown("suid", SOMEBODY, -1));
    cr_assert_eq(stat_of("suid").st_mode & 07777, 0755);
}

/* ------------------------------------------------------------------------- times */

Test(storefs_attributes, times_have_nanoseconds_and_may_be_before_1970)
{
    struct timespec times[2] = { { 1111111111, 111111111 }, { -1000000000, 999999999 } };

    put_file("a", "1");
    assert_sys(utimensat(AT_FDCWD, "a", times, 0));
    assert_sys(mkdir("d", 0755));
    assert_sys(utimensat(AT_FDCWD, "d", times, 0));
    assert_sys(symlink("a", "l"));
    assert_sys(utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW));
    remount_storefs();
    for (int i = 0; i < 3; i++) {
        struct stat stat = stat_of(i == 0 ? "a" : i == 1 ? "d" : "l");
        cr_assert(equal(stat.st_mtim, times[1]), "%d: %ld.%09ld", i, (long)stat.st_mtim.tv_sec, stat.st_mtim.tv_nsec);
        cr_assert(equal(stat.st_atim, times[0]), "%d: %ld.%09ld", i, (long)stat.st_atim.tv_sec, stat.st_atim.tv_nsec);
    }
}

Test(storefs_attributes, one_time_can_be_set_without_the_other)
{
    struct timespec times[2] = { { 0, UTIME_OMIT }, { 1000000000, 1 } };

    put_file("a", "1");
    struct stat before = stat_of("a");
    assert_sys(utimensat(AT_FDCWD, "a", times, 0));
    cr_assert_eq(stat_of("a").st_mtime, 1000000000);
    cr_assert(equal(stat_of("a").st_atim, before.st_atim));
    times[1].tv_nsec = UTIME_NOW;
    assert_sys(utimensat(AT_FDCWD, "a", times, 0));
    cr_assert_geq(stat_of("a").st_mtime, before.st_mtime);
}

Test(storefs_attributes, times_tell_what_happened)
{
    put_file("a", "1");
    struct stat made = stat_of("a");
    assert_sys(chmod("a", 0600));
    struct stat changed = stat_of("a");
    cr_assert(equal(changed.st_mtim, made.st_mtim));
    cr_assert(after(changed.st_ctim, made.st_ctim));
    shell("echo 2 >> a");
    struct stat written = stat_of("a");
    cr_assert(after(written.st_mtim, changed.st_mtim));
    cr_assert(after(written.st_ctim, changed.st_ctim));
    assert_sys(truncate("a", 1));
    cr_assert(after(stat_of("a").st_mtim, written.st_mtim));
    written = stat_of("a");
    assert_sys(rename("a", "b"));
    cr_assert(equal(stat_of("b").st_mtim, written.st_mtim));
}

Test(storefs_attributes, a_directory_changes_when_an_entry_comes_or_goes)
{
    static const char *const changes[] = { "echo 1 > d/a", "mkdir d/e", "ln d/a d/b", "ln -s a d/l", "rm d/b",
                                           "mv d/a d/c",   "rmdir d/e" };

    assert_sys(mkdir("d", 0755));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        shell("touch -d '2001-02-03 04:05:06.789' d");
        struct stat before = stat_of("d");
        cr_assert_eq(before.st_mtim.tv_nsec, 789000000);
        shell(changes[i]);
        cr_assert(after(stat_of("d").st_mtim, before.st_mtim), "%s", changes[i]);
        cr_assert(after(stat_of("d").st_ctim, before.st_ctim), "%s", changes[i]);
    }
    shell("touch -d 2001-01-01 d && echo 2 > d/c");
    cr_assert_lt(stat_of("d").st_mtime, 1000000000, "replacing a file changes no directory");
}

Test(storefs_attributes, inode_numbers_stay_and_are_never_used_again)
{
    put_file("a", "1");
    assert_sys(mkdir("d", 0755));
    ino_t a = stat_of("a").st_ino, d = stat_of("d").st_ino;
    int fd = assert_sys(open("new", O_WRONLY | O_CREAT, 0644));
    ino_t unfinished = stat_fd(fd).st_ino;
    assert_sys(close(fd));
    cr_assert_eq(stat_of("new").st_ino, unfinished);
    remount_storefs();
    cr_assert_eq(stat_of("a").st_ino, a);
    cr_assert_eq(stat_of("d").st_ino, d);
    cr_assert_eq(stat_of("new").st_ino, unfinished);
    put_file("a", "replaced");
    cr_assert_eq(stat_of("a").st_ino, a);
    store_text("/a", "by another face");
    assert_soon(stat_of("a").st_size == 15);
    cr_assert_eq(stat_of("a").st_ino, a);
    assert_sys(unlink("a"));
    put_file("a", "1");
    cr_assert_neq(stat_of("a").st_ino, a);
    store_stat stat;
    assert_ok(store_stat_get(&stat, test_store(), "/a", NULL));
    cr_assert_eq(stat.id, stat_of("a").st_ino);
}

/* ----------------------------------------------------------- extended attributes */

Test(storefs_attributes, user_attributes_are_user_metadata)
{
    char list[256];
    void *value;
    size_t size;

    put_file("a", "1");
    assert_sys(setxattr("a", "user.colour", "red", 3, 0));
    assert_ok(store_meta_get(&value, &size, test_store(), "/a", "colour", NULL));
    cr_assert_eq(size, 3);
    cr_assert_str_eq((char *)value, "red");
    store_free(value);
    assert_ok(store_meta_set(NULL, test_store(), "/a", "shape", "round", 5, NULL));
    assert_soon(attribute_of("a", "user.shape") != NULL);
    cr_assert_str_eq(attribute_of("a", "user.shape"), "round");
    ssize_t got = listxattr("a", list, sizeof list);
    cr_assert_not_null(memmem(list, (size_t)got, "user.colour", 12));
    cr_assert_not_null(memmem(list, (size_t)got, "user.shape", 11));
    assert_errno(ERANGE, getxattr("a", "user.shape", list, 2));
    assert_sys(removexattr("a", "user.colour"));
    assert_errno(ENODATA, getxattr("a", "user.colour", list, sizeof list));
    assert_errno(ENODATA, removexattr("a", "user.colour"));
    cr_assert_str_eq(attribute_of("a", "user.shape"), "round");
}

Test(storefs_attributes, an_attribute_can_be_created_or_replaced_only)
{
    put_file("a", "1");
    assert_errno(ENODATA, setxattr("a", "user.x", "1", 1, XATTR_REPLACE));
    assert_sys(setxattr("a", "user.x", "1", 1, XATTR_CREATE));
    assert_errno(EEXIST, setxattr("a", "user.x", "2", 1, XATTR_CREATE));
    assert_sys(setxattr("a", "user.x", "2", 1, XATTR_REPLACE));
    cr_assert_str_eq(attribute_of("a", "user.x"), "2");
    assert_sys(setxattr("a", "user.empty", "", 0, 0));
    cr_assert_str_eq(attribute_of("a", "user.empty"), "");
    assert_sys(mkdir("d", 0755));
    assert_sys(setxattr("d", "user.x", "of a directory", 14, 0));
    remount_storefs();
    cr_assert_str_eq(attribute_of("d", "user.x"), "of a directory");
    put_file("a", "a new body keeps them");
    cr_assert_str_eq(attribute_of("a", "user.x"), "2");
}

Test(storefs_attributes, other_attributes_are_refused_as_programs_expect)
{
    /* version 2; owner rw-, group r--, others r-- */
    static const unsigned char acl[] = { 2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 4,   0,  4,
                                         0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255 };
    char value[8];

    put_file("a", "1");
    assert_errno(EOPNOTSUPP, setxattr("a", "system.posix_acl_access", acl, sizeof acl, 0));
    assert_errno(EOPNOTSUPP, getxattr("a", "system.posix_acl_access", value, sizeof value));
    assert_errno(ENODATA, getxattr("a", "security.capability", value, sizeof value));
    assert_errno(EOPNOTSUPP, setxattr("a", "security.x", "x", 1, 0));
    assert_errno(EOPNOTSUPP, setxattr("a", "trusted.x", "x", 1, 0));
    shell("cp -a a b && cp --preserve=all a c");
}

Test(storefs_attributes, the_stores_own_attributes_are_told)
{
    char version[17];

    put_file("a", "1");
    cr_assert_str_eq(attribute_of("a", "user.store.etag"), store_version_text(version, stored_version("/a")));
    cr_assert_not_null(attribute_of("a", "user.store.type"));
    assert_sys(setxattr("a", "user.store.type", "text/html", 9, 0));
    store_stat stat;
    assert_ok(store_stat_get(&stat, test_store(), "/a", NULL));
    cr_assert_str_eq(stat.type, "text/html");
    cr_assert_str_eq(attribute_of("a", "user.store.type"), "text/html");
    cr_assert_str_eq(attribute_of("a", "user.store.etag"), store_version_text(version, stored_version("/a")));
    cr_assert_eq(setxattr("a", "user.store.etag", "0000000000000001", 16, 0), -1);
    cr_assert_null(attribute_of("a", "user.store.error"));
    cr_assert_null(attribute_of("a", "user.store.definition"));
}

/* ------------------------------------------------------------- the file system */

Test(storefs_attributes, statfs_tells_what_can_be_written)
{
    struct statvfs room, disk;
    store_room known;

    assert_sys(statvfs(".", &room));
    assert_sys(statvfs(test_directory(), &disk));
    assert_ok(store_room_get(&known, test_store()));
    cr_assert_gt(room.f_bavail, 0);
    cr_assert_leq(room.f_bfree, room.f_blocks);
    double told = (double)room.f_bavail * (double)room.f_frsize, true_room = (double)disk.f_bavail * (double)disk.f_frsize;
    cr_assert(told > 0.8 * true_room && told < 1.2 * true_room + 1e9, "%.0f told, %.0f on the disk", told, true_room);
    shell("df . && df -i .");
}
