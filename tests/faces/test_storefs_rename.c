/* storefs: rename(2), of what is open and unfinished too. */
#include <linux/fs.h>
#include <sys/syscall.h>

#include "storefs_test.h"

TestSuite(storefs_rename, .init = begin_storefs, .fini = end_storefs);

static int rename_with(const char *from, const char *to, unsigned flags)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

Test(storefs_rename, a_file_goes_to_its_new_name)
{
    put_file("a", "text");
    ino_t ino = stat_of("a").st_ino;
    assert_sys(rename("a", "b"));
    assert_absent("a");
    assert_file("b", "text");
    cr_assert_eq(stat_of("b").st_ino, ino);
    assert_not_stored("/a");
    assert_body("/b", "text");
}

Test(storefs_rename, a_file_replaces_another)
{
    put_file("a", "new");
    put_file("b", "old");
    assert_sys(rename("a", "b"));
    assert_absent("a");
    assert_file("b", "new");
    assert_body("/b", "new");
}

Test(storefs_rename, a_replaced_open_file_is_read_to_its_end)
{
    char text[16] = "";

    put_file("a", "new");
    put_file("b", "the old");
    int fd = assert_sys(open("b", O_RDWR));
    assert_sys(rename("a", "b"));
    cr_assert_eq(stat_fd(fd).st_nlink, 0);
    cr_assert_eq(pread(fd, text, 10, 0), 7);
    cr_assert_str_eq(text, "the old");
    cr_assert_eq(pwrite(fd, "THE", 3, 0), 3);
    assert_sys(close(fd));
    assert_file("b", "new");
    assert_body("/b", "new");
}

Test(storefs_rename, an_open_file_is_written_under_its_new_name)
{
    put_file("a", "1");
    int fd = assert_sys(open("a", O_WRONLY | O_APPEND));
    assert_sys(rename("a", "b"));
    cr_assert_eq(write(fd, "2", 1), 1);
    assert_sys(close(fd));
    assert_file("b", "12");
    assert_body("/b", "12");
    assert_not_stored("/a");
}

Test(storefs_rename, a_file_with_changes_is_renamed_while_it_is_written)
{
    put_file("a", "1234567");
    int fd = assert_sys(open("a", O_RDWR));
    cr_assert_eq(pwrite(fd, "x", 1, 2), 1);
    assert_sys(rename("a", "b"));
    cr_assert_eq(pwrite(fd, "y", 1, 4), 1);
    assert_sys(close(fd));
    assert_file("b", "12x4y67");
    assert_body("/b", "12x4y67");
    assert_not_stored("/a");
}

Test(storefs_rename, an_open_file_is_read_on_after_it_was_renamed)
{
    static char data[300000], text[300000];

    fill_pattern(data, sizeof data, 1, 0);
    put_bytes("a", data, sizeof data);
    int fresh = assert_sys(open("a", O_RDONLY)), begun = assert_sys(open("a", O_RDONLY));
    cr_assert_eq(read(begun, text, 1000), 1000);
    assert_sys(rename("a", "b"));
    cr_assert_eq(assert_sys(read(fresh, text, sizeof text)), (int)sizeof text);
    cr_assert_eq(memcmp(text, data, sizeof data), 0);
    cr_assert_eq(assert_sys(pread(begun, text, sizeof text, 0)), (int)sizeof text);
    cr_assert_eq(memcmp(text, data, sizeof data), 0);
    assert_sys(close(fresh));
    assert_sys(close(begun));
}

Test(storefs_rename, an_unfinished_file_is_stored_under_its_new_name)
{
    int fd = assert_sys(open("a.tmp", O_WRONLY | O_CREAT | O_EXCL, 0644));

    cr_assert_eq(write(fd, "te", 2), 2);
    assert_sys(rename("a.tmp", "a"));
    assert_absent("a.tmp");
    cr_assert_eq(write(fd, "xt", 2), 2);
    assert_not_stored("/a");
    assert_sys(close(fd));
    assert_file("a", "text");
    assert_body("/a", "text");
    assert_not_stored("/a.tmp");
}

/* GIO does that: rename, then close. */
Test(storefs_rename, an_unfinished_file_renamed_over_a_stored_one_replaces_it_when_it_is_closed)
{
    put_file("a", "old");
    int fd = assert_sys(open(".goutputstream-X", O_WRONLY | O_CREAT | O_EXCL, 0644));
    cr_assert_eq(write(fd, "new", 3), 3);
    assert_sys(rename(".goutputstream-X", "a"));
    assert_file("a", "new");
    assert_body("/a", "old");
    assert_sys(close(fd));
    assert_body("/a", "new");
    assert_absent(".goutputstream-X");
}

Test(storefs_rename, an_unfinished_file_synced_and_renamed_is_one_replacement)
{
    put_file("a", "old");
    uint64_t before = stored_version("/a");
    int fd = assert_sys(open("a.tmp", O_WRONLY | O_CREAT | O_EXCL, 0644));
    cr_assert_eq(write(fd, "new", 3), 3);
    assert_sys(fsync(fd));
    assert_body("/a.tmp", "new");
    assert_sys(close(fd));
    assert_sys(rename("a.tmp", "a"));
    assert_body("/a", "new");
    assert_not_stored("/a.tmp");
    cr_assert_gt(stored_version("/a"), before);
}

Test(storefs_rename, a_stored_file_renamed_over_an_unfinished_one_wins)
{
    put_file("a", "stored");
    int fd = assert_sys(open("b", O_RDWR | O_CREAT, 0644));
    cr_assert_eq(write(fd, "unfinished", 10), 10);
    assert_sys(rename("a", "b"));
    cr_assert_eq(stat_fd(fd).st_nlink, 0);
    assert_sys(close(fd));
    assert_file("b", "stored");
    assert_body("/b", "stored");
    assert_absent("a");
}

Test(storefs_rename, noreplace_replaces_nothing)
{
    put_file("a", "1");
    put_file("b", "2");
    assert_errno(EEXIST, rename_with("a", "b", RENAME_NOREPLACE));
    assert_file("b", "2");
    assert_sys(rename_with("a", "c", RENAME_NOREPLACE));
    assert_file("c", "1");
    int fd = assert_sys(open("d", O_WRONLY | O_CREAT, 0644));
    assert_errno(EEXIST, rename_with("c", "d", RENAME_NOREPLACE));
    assert_sys(close(fd));
    assert_file("d", "");
}

Test(storefs_rename, exchange_lets_two_trade_places)
{
    put_file("a", "1");
    put_file("b", "2");
    assert_sys(mkdir("d", 0755));
    put_file("d/x", "deep");
    assert_sys(rename_with("a", "b", RENAME_EXCHANGE));
    assert_file("a", "2");
    assert_file("b", "1");
    assert_sys(rename_with("a", "d", RENAME_EXCHANGE));
    assert_file("a/x", "deep");
    assert_file("d", "2");
    assert_body("/a/x", "deep");
    assert_body("/d", "2");
    assert_errno(ENOENT, rename_with("a", "none", RENAME_EXCHANGE));
    assert_errno(EINVAL, rename_with("a", "a/x", RENAME_EXCHANGE));
}

Test(storefs_rename, exchange_with_an_unfinished_file_works)
{
    put_file("a", "stored");
    int fd = assert_sys(open("b", O_WRONLY | O_CREAT, 0644));
    cr_assert_eq(write(fd, "un", 2), 2);
    assert_sys(rename_with("a", "b", RENAME_EXCHANGE));
    cr_assert_eq(write(fd, "finished", 8), 8);
    assert_sys(close(fd));
    assert_file("a", "unfinished");
    assert_file("b", "stored");
    assert_body("/a", "unfinished");
    assert_body("/b", "stored");
}

Test(storefs_rename, unknown_flags_are_refused)
{
    put_file("a", "1");
    assert_errno(EINVAL, rename_with("a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE));
    assert_errno(EINVAL, rename_with("a", "b", 1u << 10));
    int rc = rename_with("a", "b", RENAME_WHITEOUT);
    cr_assert(rc == -1 && errno == EINVAL);
    assert_file("a", "1");
}

Test(storefs_rename, directories_move_with_all_below)
{
    shell("mkdir -p d/e/f g && echo 1 > d/e/f/x && echo 2 > d/y");
    int fd = assert_sys(open("d/e/f/x", O_WRONLY | O_APPEND));
    assert_sys(rename("d", "g/d2"));
    cr_assert_eq(write(fd, "more\n", 5), 5);
    assert_sys(close(fd));
    assert_file("g/d2/e/f/x", "1\nmore\n");
    assert_body("/g/d2/e/f/x", "1\nmore\n");
    assert_body("/g/d2/y", "2\n");
    assert_not_stored("/d");
    assert_absent("d");
}

Test(storefs_rename, a_directory_moves_with_an_unfinished_file_in_it)
{
    assert_sys(mkdir("d", 0755));
    int fd = assert_sys(open("d/a", O_WRONLY | O_CREAT, 0644));
    cr_assert_eq(write(fd, "text", 4), 4);
    assert_sys(rename("d", "e"));
    assert_file("e/a", "text");
    assert_sys(close(fd));
    assert_body("/e/a", "text");
    assert_not_stored("/d");
}

Test(storefs_rename, an_empty_directory_is_replaced_a_full_one_not)
{
    shell("mkdir a b c && echo 1 > a/x && echo 2 > c/y");
    assert_errno(ENOTEMPTY, rename("a", "c"));
    assert_sys(rename("a", "b"));
    assert_file("b/x", "1\n");
    assert_absent("a");
    int fd = assert_sys(open("c/z", O_WRONLY | O_CREAT, 0644));
    assert_sys(unlink("c/y"));
    assert_errno(ENOTEMPTY, rename("b", "c"));
    assert_sys(close(fd));
}

Test(storefs_rename, kinds_are_not_mixed_and_loops_not_made)
{
    shell("mkdir -p d/e && echo 1 > a");
    assert_errno(EISDIR, rename("a", "d"));
    assert_errno(ENOTDIR, rename("d", "a"));
    assert_errno(EINVAL, rename("d", "d/e/f"));
    cr_assert_eq(rename("d/e", "d"), -1);
    cr_assert(errno == ENOTEMPTY || errno == EEXIST);
    assert_errno(ENOENT, rename("none", "x"));
    assert_errno(ENOENT, rename("a", "none/x"));
    assert_sys(rename("a", "a"));
    assert_file("a", "1\n");
}

Test(storefs_rename, renaming_onto_another_name_of_the_same_file_does_nothing)
{
    put_file("a", "1");
    assert_sys(link("a", "b"));
    assert_sys(rename("a", "b"));
    assert_file("a", "1");
    assert_file("b", "1");
    cr_assert_eq(stat_of("a").st_nlink, 2);
}

Test(storefs_rename, the_times_of_both_directories_change)
{
    shell("mkdir d e && echo 1 > d/a && touch -d 2001-01-01 d e");
    assert_sys(rename("d/a", "e/a"));
    cr_assert_gt(stat_of("d").st_mtime, 1000000000);
    cr_assert_gt(stat_of("e").st_mtime, 1000000000);
}

static int rename_about(void *context)
{
    const char *text = context;

    for (int i = 0; i < 300; i++) {
        int fd = open(text, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (fd < 0 || write(fd, text, 6) != 6 || close(fd) != 0 || rename(text, "target") != 0)
            return 1;
    }
    return 0;
}

/* The habit of every careful program; a reader finds one text or the other, never none. */
Test(storefs_rename, replacing_by_rename_is_atomic_for_readers)
{
    put_file("target", "first!");
    pid_t one = start_child(rename_about, "first!"), two = start_child(rename_about, "second");
    for (int i = 0; i < 600; i++) {
        char *text = get_bytes("target", NULL);
        cr_assert_not_null(text, "%s", strerror(errno));
        cr_assert(strcmp(text, "first!") == 0 || strcmp(text, "second") == 0, "\"%s\"", text);
        free(text);
    }
    cr_assert_eq(end_of_child(one), 0);
    cr_assert_eq(end_of_child(two), 0);
}
