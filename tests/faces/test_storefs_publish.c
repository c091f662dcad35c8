/* storefs: when other faces see what was written, and as how many versions. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "storefs_test.h"

TestSuite(storefs_publish, .init = begin_storefs, .fini = end_storefs);

static char data[4 << 20];

static int open_new(const char *name)
{
    return assert_sys(open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
}

static void append(int fd, const char *text)
{
    cr_assert_eq(assert_sys(write(fd, text, strlen(text))), (int)strlen(text));
}

Test(storefs_publish, nothing_is_seen_before_close)
{
    int fd = open_new("a");

    append(fd, "te");
    assert_not_stored("/a");
    assert_file("a", "te");
    append(fd, "xt");
    assert_not_stored("/a");
    assert_sys(close(fd));
    assert_body("/a", "text");
}

Test(storefs_publish, the_old_object_is_seen_until_close)
{
    put_file("a", "old");
    int fd = open_new("a");
    assert_body("/a", "old");
    append(fd, "new");
    assert_body("/a", "old");
    assert_sys(close(fd));
    assert_body("/a", "new");
}

Test(storefs_publish, a_change_in_the_middle_is_seen_at_close)
{
    fill_pattern(data, sizeof data, 1, 0);
    put_bytes("a", data, sizeof data);
    uint64_t before = stored_version("/a");
    int fd = assert_sys(open("a", O_RDWR));
    cr_assert_eq(pwrite(fd, "change", 6, 1000000), 6);
    char text[8] = "";
    size_t got;
    assert_ok(store_read(&got, test_store(), "/a", text, 6, 1000000, NULL));
    cr_assert_eq(memcmp(text, data + 1000000, 6), 0);
    cr_assert_eq(stored_version("/a"), before);
    assert_sys(close(fd));
    assert_ok(store_read(&got, test_store(), "/a", text, 6, 1000000, NULL));
    cr_assert_str_eq(text, "change");
}

Test(storefs_publish, a_new_file_is_one_version)
{
    int fd = open_new("a");

    for (int i = 0; i < 50; i++)
        append(fd, "some text ");
    assert_sys(close(fd));
    cr_assert_eq(changes_of("/a"), 1);
    shell("cp a b && cat a a >c");
    cr_assert_eq(changes_of("/b"), 1);
    cr_assert_eq(changes_of("/c"), 1);
}

Test(storefs_publish, every_close_of_a_writer_is_one_more_version)
{
    put_file("a", "1");
    put_file("a", "2");
    cr_assert_eq(changes_of("/a"), 2);
    shell("echo 3 >> a");
    cr_assert_eq(changes_of("/a"), 3);
    assert_file("a", "23\n");
    int fd = assert_sys(open("a", O_RDWR));
    cr_assert_eq(pwrite(fd, "x", 1, 0), 1);
    cr_assert_eq(pwrite(fd, "y", 1, 1), 1);
    assert_sys(close(fd));
    cr_assert_eq(changes_of("/a"), 4);
}

Test(storefs_publish, reading_and_opening_make_no_version)
{
    put_file("a", "1");
    uint64_t before = stored_version("/a");
    shell("cat a >/dev/null; test -r a; ls -l >/dev/null");
    int fd = assert_sys(open("a", O_RDWR));
    assert_sys(fsync(fd));
    assert_sys(close(fd));
    fd = assert_sys(open("a", O_WRONLY | O_APPEND));
    assert_sys(close(fd));
    cr_assert_eq(stored_version("/a"), before);
}

Test(storefs_publish, an_empty_new_file_is_stored_when_it_is_closed)
{
    int fd = open_new("a");

    assert_not_stored("/a");
    assert_sys(close(fd));
    assert_body("/a", "");
    shell(": > b");
    assert_body("/b", "");
}

Test(storefs_publish, fsync_makes_it_seen_too)
{
    int fd = open_new("a");

    append(fd, "one");
    assert_sys(fsync(fd));
    assert_body("/a", "one");
    append(fd, "two");
    assert_body("/a", "one");
    assert_sys(fdatasync(fd));
    assert_body("/a", "onetwo");
    append(fd, "three");
    assert_sys(close(fd));
    assert_body("/a", "onetwothree");
    cr_assert_eq(changes_of("/a"), 3);
}

Test(storefs_publish, a_handle_can_be_written_on_after_a_copy_was_closed)
{
    int fd = open_new("a"), copy = dup(fd);

    append(fd, "one");
    assert_sys(close(copy));
    append(fd, "two");
    assert_file("a", "onetwo");
    assert_sys(close(fd));
    assert_body("/a", "onetwo");
}

static int write_and_exit(void *context)
{
    int fd = *(int *)context;

    return write(fd, "child ", 6) == 6 ? 0 : 1;
}

/* A child's exit closes its copy: that is not the writer's close. */
Test(storefs_publish, the_end_of_a_forked_child_publishes_nothing)
{
    int fd = open_new("a");

    append(fd, "parent ");
    cr_assert_eq(in_child(write_and_exit, &fd), 0);
    assert_not_stored("/a");
    append(fd, "again");
    assert_sys(close(fd));
    assert_body("/a", "parent child again");
    cr_assert_eq(changes_of("/a"), 1);
}

Test(storefs_publish, a_shells_redirection_is_published_at_its_end)
{
    shell("(echo 1; /bin/echo 2; cat /dev/null; echo 3) > a");
    assert_body("/a", "1\n2\n3\n");
    shell("{ /bin/echo 1; /bin/echo 2; } > b");
    assert_body("/b", "1\n2\n");
}

static int write_elsewhere(void *context)
{
    (void)context;
    int fd = open("a", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    return fd >= 0 && write(fd, "exit without close", 18) == 18 ? 0 : 1;
}

Test(storefs_publish, exit_without_close_is_a_close)
{
    cr_assert_eq(in_child(write_elsewhere, NULL), 0);
    assert_file("a", "exit without close");
    assert_soon(is_stored("/a"));
    assert_body("/a", "exit without close");
}

/* ---------------------------------------------------------------- killed writers */

static int write_and_die(void *context)
{
    static char block[100000];
    int fd = open("a", O_WRONLY | O_CREAT | O_TRUNC, 0644);

    for (int i = 0; fd >= 0 && i < 3; i++)
        if (write(fd, block, sizeof block) != sizeof block)
            return 1;
    kill(getpid(), *(int *)context);
    return 2;
}

static void die_by(int number)
{
    cr_assert_eq(in_child(write_and_die, &number), 128 + number);
}

Test(storefs_publish, a_killed_writer_leaves_the_old_object)
{
    put_file("a", "old");
    die_by(SIGKILL);
    assert_soon(stat_of("a").st_size == 3);
    assert_file("a", "old");
    assert_body("/a", "old");
    cr_assert_eq(changes_of("/a"), 1);
    die_by(SIGTERM);
    assert_soon(stat_of("a").st_size == 3);
    assert_body("/a", "old");
}

Test(storefs_publish, a_killed_writers_new_file_vanishes)
{
    die_by(SIGKILL);
    assert_soon(access("a", F_OK) == -1);
    assert_not_stored("/a");
    put_file("a", "a new one");
    assert_body("/a", "a new one");
}

static int copy_for_ever(void *context)
{
    (void)context;
    execlp("cp", "cp", "/dev/zero", "copy", (char *)NULL);
    return 127;
}

Test(storefs_publish, a_killed_cp_publishes_no_half_file)
{
    put_file("copy", "old");
    pid_t child = start_child(copy_for_ever, NULL);
    assert_soon(stat_of("copy").st_size > 1000000);
    assert_body("/copy", "old");
    assert_sys(kill(child, SIGKILL));
    cr_assert_eq(end_of_child(child), 128 + SIGKILL);
    assert_soon(stat_of("copy").st_size == 3);
    assert_body("/copy", "old");
}

static int change_and_die(void *context)
{
    (void)context;
    int fd = open("a", O_RDWR);
    if (fd < 0 || pwrite(fd, "half", 4, 0) != 4)
        return 1;
    kill(getpid(), SIGKILL);
    return 2;
}

Test(storefs_publish, a_killed_writer_that_changed_a_part_leaves_the_old_object)
{
    fill_pattern(data, sizeof data, 1, 0);
    put_bytes("a", data, sizeof data);
    cr_assert_eq(in_child(change_and_die, NULL), 128 + SIGKILL);
    assert_soon(({
        size_t size;
        char *text = get_bytes("a", &size);
        bool equal = text && size == sizeof data && memcmp(text, data, size) == 0;
        free(text);
        equal;
    }));
    size_t got;
    char text[4];
    assert_ok(store_read(&got, test_store(), "/a", text, 4, 0, NULL));
    cr_assert_eq(memcmp(text, data, 4), 0);
}

/* What was synced before the kill was promised. */
static int sync_write_and_die(void *context)
{
    (void)context;
    int fd = open("a", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, "synced", 6) != 6 || fsync(fd) != 0 || write(fd, "more", 4) != 4)
        return 1;
    kill(getpid(), SIGKILL);
    return 2;
}

Test(storefs_publish, what_a_killed_writer_synced_stays)
{
    cr_assert_eq(in_child(sync_write_and_die, NULL), 128 + SIGKILL);
    assert_body("/a", "synced");
    assert_soon(stat_of("a").st_size == 6);
    assert_file("a", "synced");
}

/* ------------------------------------------------------------------ two writers */

Test(storefs_publish, two_writers_of_one_file_see_each_other)
{
    int one = open_new("a"), two = assert_sys(open("a", O_RDWR));

    append(one, "12345");
    cr_assert_eq(pwrite(two, "x", 1, 2), 1);
    assert_file("a", "12x45");
    assert_sys(close(two));
    append(one, "6");
    assert_file("a", "12x456");
    assert_sys(close(one));
    assert_body("/a", "12x456");
}

Test(storefs_publish, o_excl_is_put_without_replace)
{
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT | O_EXCL, 0644));

    assert_errno(EEXIST, open("a", O_WRONLY | O_CREAT | O_EXCL, 0644));
    append(fd, "mine");
    store_text("/a", "of another face");
    assert_errno(EEXIST, close(fd));
    assert_body("/a", "of another face");
    assert_soon(({
        char *text = get_bytes("a", NULL);
        bool same = text && strcmp(text, "of another face") == 0;
        free(text);
        same;
    }));
}

Test(storefs_publish, a_change_of_an_object_that_another_face_replaced_is_refused)
{
    put_file("a", "the first text");
    int fd = assert_sys(open("a", O_RDWR));
    cr_assert_eq(pwrite(fd, "THE", 3, 0), 3);
    store_text("/a", "another text");
    cr_assert_eq(close(fd), -1);
    cr_assert_eq(errno, ESTALE, "%s", strerror(errno));
    assert_body("/a", "another text");
    assert_soon(stat_of("a").st_size == 12);
    assert_file("a", "another text");
}

Test(storefs_publish, a_whole_new_text_replaces_what_another_face_wrote_meanwhile)
{
    put_file("a", "first");
    int fd = open_new("a");
    append(fd, "third");
    store_text("/a", "second");
    assert_sys(close(fd));
    assert_body("/a", "third");
}

Test(storefs_publish, an_appender_of_an_object_deleted_elsewhere_is_told)
{
    put_file("a", "first");
    int fd = assert_sys(open("a", O_WRONLY | O_APPEND));
    append(fd, "more");
    assert_ok(store_delete(NULL, test_store(), "/a", NULL));
    errno = 0;
    cr_assert_eq(close(fd), -1);
    cr_assert(errno == ESTALE || errno == ENOENT, "%s", strerror(errno));
    assert_not_stored("/a");
    assert_soon(access("a", F_OK) == -1);
}

/* -------------------------------------------------------------- mapped and large */

Test(storefs_publish, stores_through_a_mapping_are_published_after_close)
{
    int fd = open_new("a");

    assert_sys(ftruncate(fd, 8));
    char *map = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(map, MAP_FAILED);
    assert_sys(close(fd));
    memcpy(map, "mapped!\n", 8);
    assert_sys(munmap(map, 8));
    assert_soon(is_body("/a", "mapped!\n"));
}

Test(storefs_publish, a_large_file_is_published_as_one_version)
{
    shell("head -c 50000000 /dev/zero | tr '\\0' x > a");
    cr_assert_eq(changes_of("/a"), 1);
    store_stat stat;
    assert_ok(store_stat_get(&stat, test_store(), "/a", NULL));
    cr_assert_eq(stat.size, 50000000);
}

static long memory_of(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "RssAnon: %ld", &kib);
    if (file)
        fclose(file);
    return kib;
}

/* AddressSanitizer keeps what is freed. */
static void assert_little_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    cr_assert_lt(memory_of(storefs_pid()), 128 << 10);
#else
    cr_assert_gt(memory_of(storefs_pid()), 0);
#endif
}

Test(storefs_publish, large_writes_are_kept_in_bounded_memory)
{
    int in_order = open_new("in-order"), anywhere = open_new("anywhere");

    fill_pattern(data, sizeof data, 1, 0);
    for (int i = 0; i < 64; i++) {
        cr_assert_eq(assert_sys(write(in_order, data, sizeof data)), (int)sizeof data);
        off_t at = (off_t)(i * 37 % 64) * (off_t)sizeof data + 777;
        cr_assert_eq(assert_sys(pwrite(anywhere, data, sizeof data, at)), (int)sizeof data);
    }
    assert_little_memory();
    assert_sys(close(in_order));
    assert_sys(close(anywhere));
    assert_little_memory();
    shell("tail -c +778 anywhere | cmp - in-order");
}

/* ------------------------------------------------------- the end of the mount */

static int hold_open(void *context)
{
    char byte;
    const int *ends = context;
    int fd = open("a", O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || write(fd, "staged", 6) != 6 || write(ends[1], "x", 1) != 1)
        return 1;
    return read(ends[2], &byte, 1) == 0 ? 0 : 2;
}

Test(storefs_publish, sigterm_publishes_what_is_staged)
{
    int ready[2], go_on[2];
    char byte;

    unmount_storefs();
    mount_storefs("linger=1");
    assert_sys(pipe(ready));
    assert_sys(pipe2(go_on, O_CLOEXEC));
    int ends[3] = { 0, ready[1], go_on[0] };
    pid_t child = start_child(hold_open, ends);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    assert_not_stored("/a");
    assert_sys(chdir("/"));
    assert_sys(kill(storefs_pid(), SIGTERM));
    assert_soon(is_stored("/a"));
    assert_body("/a", "staged");
    kill(child, SIGKILL);
    end_of_child(child);
    cr_assert_eq(end_of_storefs(), 0);
}
