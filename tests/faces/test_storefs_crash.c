/* storefs: killed daemons, and a full disk. */
#include <sys/mount.h>

#include "storefs_test.h"

TestSuite(storefs_crash, .init = begin_storefs, .fini = end_storefs);

/* ---------------------------------------------------------------- killed daemons */

Test(storefs_crash, what_was_synced_survives_the_death_of_the_daemon)
{
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT, 0644));

    cr_assert_eq(write(fd, "synced", 6), 6);
    assert_sys(fsync(fd));
    cr_assert_eq(write(fd, "not", 3), 3);
    put_file("b", "closed");
    int unlinked = assert_sys(open("b", O_RDONLY));
    assert_sys(unlink("b"));
    kill_storefs();
    cr_assert_eq(write(fd, "x", 1), -1);
    close(fd);
    close(unlinked);
    expect_intact();
    assert_body("/a", "synced");
    assert_not_stored("/b");
    mount_storefs(NULL);
    assert_file("a", "synced");
    put_file("a", "goes on");
    assert_body("/a", "goes on");
}

Test(storefs_crash, a_killed_daemon_loses_nothing_that_was_closed)
{
    char name[32];

    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "f%d", i);
        put_file(name, name);
    }
    kill_storefs();
    mount_storefs(NULL);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "f%d", i);
        assert_file(name, name);
    }
}

/* Unpublished chunks of large writes and bodies held for open files. */
static bool is_reclaimed(void)
{
    store_stats stats;

    assert_ok(store_stats_get(&stats, test_store()));
    return stats.staged_uploads + stats.garbage_bodies + stats.garbage_collections == 0;
}

Test(storefs_crash, the_space_of_what_a_killed_daemon_held_is_reclaimed)
{
    static char block[1 << 20];

    put_bytes("held", block, sizeof block);
    int held = assert_sys(open("held", O_RDONLY));
    cr_assert_eq(read(held, block, 1), 1);
    assert_sys(unlink("held"));
    int fd = assert_sys(open("staged", O_WRONLY | O_CREAT, 0644));
    for (int i = 0; i < 20; i++)
        cr_assert_eq(assert_sys(write(fd, block, sizeof block)), (int)sizeof block);
    kill_storefs();
    close(held);
    close(fd);
    mount_storefs(NULL);
    put_file("a", "1");
    assert_soon(is_reclaimed());
    cr_assert_str_eq(shell_says("ls -A"), "a");
    cr_assert_eq(shell_says("find /proc/self/cwd/../store -type f | wc -l")[0], shell_says("ls ../store | wc -l")[0]);
}

/* -------------------------------------------------------------------- a full disk */

static void begin_on_small_disk(void)
{
    begin_unmounted();
    close_store();
    const char *path = test_path("store");
    if (mount("tmpfs", path, "tmpfs", 0, "size=8m") != 0)
        cr_skip_test("no mount here: %s", strerror(errno));
    test_store();
    mount_storefs(NULL);
}

TestSuite(storefs_full, .init = begin_on_small_disk, .fini = end_storefs);

Test(storefs_full, a_full_disk_is_enospc_for_programs_and_reading_goes_on, .timeout = 120)
{
    const char *temporary = test_path("large");

    put_file("small", "text");
    char script[2048];
    snprintf(script, sizeof script, "head -c 20000000 /dev/urandom > %s", temporary);
    shell(script);
    snprintf(script, sizeof script, "LC_ALL=C cp %s a 2>&1 | grep -q 'No space left'", temporary);
    shell(script);
    snprintf(script, sizeof script, "LC_ALL=C dd if=%s of=b bs=64k 2>&1 | grep -q 'No space left'", temporary);
    shell(script);
    snprintf(script, sizeof script, "tar cf - -C / %s | LC_ALL=C tar xf - 2>&1 | grep -q 'No space left'", temporary + 1);
    shell(script);
    if (has_program("python3")) {
        snprintf(script, sizeof script,
                 "python3 -c 'import shutil,errno\ntry: shutil.copyfile(\"%s\", \"c\")\n"
                 "except OSError as e: exit(0 if e.errno == errno.ENOSPC else 1)\nexit(2)'", temporary);
        shell(script);
    }
    assert_file("small", "text");
    assert_body("/small", "text");
    assert_not_stored("/a");
    shell("ls -l >/dev/null; df . >/dev/null");
}

Test(storefs_full, removing_makes_room_again, .timeout = 120)
{
    int stored = 0;
    char name[32];
    static char block[200000];

    for (;; stored++) {
        snprintf(name, sizeof name, "f%d", stored);
        int fd = open(name, O_WRONLY | O_CREAT, 0644);
        if (fd < 0)
            break;
        bool whole = write(fd, block, sizeof block) == sizeof block;
        int error = errno;
        if (close(fd) != 0 || !whole) {
            cr_assert(errno == ENOSPC || error == ENOSPC, "%s", strerror(errno));
            break;
        }
        cr_assert_lt(stored, 100);
    }
    cr_assert_gt(stored, 5);
    for (int i = 0; i < stored; i++) {
        snprintf(name, sizeof name, "f%d", i);
        size_t size;
        char *data = get_bytes(name, &size);
        cr_assert_not_null(data, "%s: %s", name, strerror(errno));
        cr_assert_eq(size, sizeof block);
        free(data);
    }
    shell("rm -f f*");
    cr_assert_str_eq(shell_says("ls -A"), "");
    put_file("again", "a small one");
    assert_body("/again", "a small one");
    assert_soon(({
        int fd = open("again", O_WRONLY | O_CREAT | O_TRUNC, 0644);
        bool whole = fd >= 0 && write(fd, block, sizeof block) == sizeof block;
        fd >= 0 && close(fd) == 0 && whole;
    }));
}
