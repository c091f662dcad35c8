/* storefs: what other faces change shows within a second, caches and open things included. */
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "storefs_test.h"

TestSuite(storefs_watch, .init = begin_storefs, .fini = end_storefs);

static bool is_file(const char *name, const char *text)
{
    char *found = get_bytes(name, NULL);
    bool same = found && strcmp(found, text) == 0;

    free(found);
    return same;
}

Test(storefs_watch, a_new_text_shows_with_its_size_and_time)
{
    put_file("a", "first");
    assert_file("a", "first");
    struct stat before = stat_of("a");
    store_text("/a", "second text");
    assert_soon(stat_of("a").st_size == 11);
    cr_assert(stat_of("a").st_mtim.tv_sec != before.st_mtim.tv_sec ||
              stat_of("a").st_mtim.tv_nsec != before.st_mtim.tv_nsec);
    assert_file("a", "second text");
}

/* Of the same size, and at once: only the version tells. */
Test(storefs_watch, a_text_of_the_same_size_shows)
{
    char text[32];

    put_file("a", "text 000");
    for (int i = 1; i <= 20; i++) {
        snprintf(text, sizeof text, "text %03d", i);
        store_text("/a", text);
        assert_soon(is_file("a", text));
    }
}

Test(storefs_watch, new_names_show_where_there_were_none)
{
    assert_absent("a");
    store_text("/a", "1");
    assert_soon(access("a", F_OK) == 0);
    assert_file("a", "1");
    assert_ok(store_delete(NULL, test_store(), "/a", NULL));
    assert_soon(access("a", F_OK) == -1);
    assert_absent("a");
}

Test(storefs_watch, moved_names_show)
{
    shell("mkdir -p d/e && echo 1 > d/e/a && cat d/e/a");
    assert_ok(store_move(NULL, test_store(), "/d/e/a", "/d/b", NULL));
    assert_soon(access("d/e/a", F_OK) == -1 && access("d/b", F_OK) == 0);
    assert_file("d/b", "1\n");
    assert_ok(store_move(NULL, test_store(), "/d", "/f", NULL));
    assert_soon(access("d/b", F_OK) == -1 && access("f/b", F_OK) == 0);
    assert_file("f/b", "1\n");
    shell("test -d f/e");
}

Test(storefs_watch, a_tree_that_is_deleted_is_gone)
{
    store_request request = STORE_REQUEST_INIT;

    shell("mkdir -p d/e && echo 1 > d/e/a && cat d/e/a && ls -lR d");
    request.flags = STORE_RECURSIVE;
    assert_ok(store_delete(NULL, test_store(), "/d", &request));
    assert_soon(access("d/e/a", F_OK) == -1 && access("d", F_OK) == -1);
    cr_assert_str_eq(shell_says("ls -A"), "");
    shell("mkdir d && test -z \"$(ls -A d)\"");
}

Test(storefs_watch, attributes_show)
{
    store_attributes attributes = { .mask = STORE_ATTR_MODE | STORE_ATTR_MODIFIED, .mode = 0640,
                                    .modified = 1000000000123456789 };
    store_request request = STORE_REQUEST_INIT;

    put_file("a", "1");
    cr_assert_eq(stat_of("a").st_mode & 07777, 0644);
    request.attributes = &attributes;
    assert_ok(store_set(NULL, test_store(), "/a", &request));
    assert_soon((stat_of("a").st_mode & 07777) == 0640);
    cr_assert_eq(stat_of("a").st_mtim.tv_sec, 1000000000);
    cr_assert_eq(stat_of("a").st_mtim.tv_nsec, 123456789);
}

Test(storefs_watch, an_open_directory_shows_new_entries)
{
    DIR *directory = opendir(".");

    while (readdir(directory))
        ;
    store_text("/late", "1");
    assert_soon(({
        bool found = false;
        rewinddir(directory);
        for (struct dirent *entry; (entry = readdir(directory));)
            found |= strcmp(entry->d_name, "late") == 0;
        found;
    }));
    closedir(directory);
}

Test(storefs_watch, a_listing_shows_what_came_and_went)
{
    shell("mkdir d && echo 1 > d/a && ls d");
    store_text("/d/b", "1");
    assert_soon(strcmp(shell_says("ls d"), "a\nb") == 0);
    assert_ok(store_delete(NULL, test_store(), "/d/a", NULL));
    assert_soon(strcmp(shell_says("ls d"), "b") == 0);
}

Test(storefs_watch, tail_follows_what_another_face_appends)
{
    char line[64] = "";
    int ends[2];

    put_file("log", "one\n");
    assert_sys(pipe2(ends, O_CLOEXEC));
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        execlp("tail", "tail", "-n", "+1", "-s", "0.1", "-f", "log", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    struct pollfd readable = { ends[0], POLLIN, 0 };
    cr_assert_not_null(fgets(line, sizeof line, lines));
    cr_assert_str_eq(line, "one\n");
    for (int i = 0; i < 3; i++) {
        assert_ok(store_patch_range(NULL, test_store(), "/log", (uint64_t)(4 + i * 4), "two\n", 4, NULL));
        cr_assert_eq(poll(&readable, 1, 5000), 1, "tail shows nothing new");
        cr_assert_not_null(fgets(line, sizeof line, lines));
        cr_assert_str_eq(line, "two\n");
    }
    kill(child, SIGKILL);
    end_of_child(child);
    fclose(lines);
}

/* What an open file gives is of one version, or ESTALE. */
Test(storefs_watch, an_open_file_reads_one_version_or_estale)
{
    static char body[2][1 << 20], part[65536];
    store_request request = STORE_REQUEST_INIT;

    request.flags = STORE_REPLACE;
    memset(body[0], 'a', sizeof body[0]);
    memset(body[1], 'b', sizeof body[1]);
    for (int round = 0; round < 10; round++) {
        assert_ok(store_put(NULL, test_store(), "/a", body[round % 2], sizeof body[0], &request));
        assert_soon(({
            char *text = get_bytes("a", NULL);
            char first = text ? text[0] : 0;
            free(text);
            first == body[round % 2][0];
        }));
        int fd = assert_sys(open("a", O_RDONLY));
        cr_assert_eq(assert_sys(read(fd, part, 4096)), 4096);
        char letter = part[0];
        assert_ok(store_put(NULL, test_store(), "/a", body[(round + 1) % 2], sizeof body[0], &request));
        ssize_t got;
        size_t all = 4096;
        while ((got = read(fd, part, sizeof part)) > 0) {
            for (ssize_t i = 0; i < got; i++)
                cr_assert_eq(part[i], letter, "byte %zu is of another version", all + (size_t)i);
            all += (size_t)got;
        }
        cr_assert(got == 0 ? all == sizeof body[0] : errno == ESTALE, "%zu bytes, %s", all, strerror(errno));
        assert_sys(close(fd));
    }
}

Test(storefs_watch, a_mapping_shows_what_another_face_wrote)
{
    put_file("a", "first text");
    int fd = assert_sys(open("a", O_RDONLY));
    const char *map = mmap(NULL, 10, PROT_READ, MAP_SHARED, fd, 0);
    cr_assert_neq(map, MAP_FAILED);
    cr_assert_eq(memcmp(map, "first text", 10), 0);
    assert_sys(munmap((void *)(uintptr_t)map, 10));
    assert_sys(close(fd));
    store_text("/a", "other text");
    assert_soon(is_file("a", "other text"));
    fd = assert_sys(open("a", O_RDONLY));
    map = mmap(NULL, 10, PROT_READ, MAP_SHARED, fd, 0);
    cr_assert_eq(memcmp(map, "other text", 10), 0);
    assert_sys(munmap((void *)(uintptr_t)map, 10));
    assert_sys(close(fd));
}

Test(storefs_watch, a_program_with_a_replaced_directory_as_its_own_is_told)
{
    store_request request = STORE_REQUEST_INIT;

    assert_sys(mkdir("d", 0755));
    put_file("d/a", "1");
    int fd = assert_sys(open("d", O_RDONLY | O_DIRECTORY));
    request.flags = STORE_RECURSIVE;
    assert_ok(store_delete(NULL, test_store(), "/d", &request));
    assert_ok(store_make_collection(NULL, test_store(), "/d", NULL));
    assert_soon(({
        errno = 0;
        int file = openat(fd, "new", O_WRONLY | O_CREAT, 0644);
        if (file >= 0)
            close(file);
        file < 0 && (errno == ENOENT || errno == ESTALE);
    }));
    assert_not_stored("/d/new");
    assert_sys(close(fd));
    assert_soon(strcmp(shell_says("ls -A d"), "") == 0);
}

/* ------------------------------------------------------- a mount of a part; two mounts */

static const char *second_mount(void)
{
    static char path[1100];

    snprintf(path, sizeof path, "%s/second", test_directory());
    return path;
}

/* Another storefs on the same store, as our child. */
static pid_t mount_second(void)
{
    struct stat above, here;

    assert_sys(mkdir(second_mount(), 0755));
    const char *binary = program("storefs"), *path = test_path("store");
    pid_t child = fork();
    if (child == 0) {
        execl(binary, binary, "-f", path, second_mount(), (char *)NULL);
        _exit(127);
    }
    assert_soon(stat(test_directory(), &above) == 0 && stat(second_mount(), &here) == 0 && here.st_dev != above.st_dev);
    return child;
}

Test(storefs_watch, two_mounts_of_one_store_show_each_others_changes)
{
    char name[1200];
    int status;

    pid_t child = mount_second();
    snprintf(name, sizeof name, "%s/a", second_mount());
    for (int i = 0; i < 20; i++) {
        char text[32];
        snprintf(text, sizeof text, "text %d", i);
        put_file(i % 2 ? "a" : name, text);
        assert_soon(is_file(i % 2 ? name : "a", text));
    }
    assert_sys(unlink(name));
    assert_soon(access("a", F_OK) == -1);
    snprintf(name, sizeof name, "fusermount3 -u %s", second_mount());
    shell(name);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0, "%x", (unsigned)status);
}

enum { WRITES = 500 };

static int write_through_the_library(void *context)
{
    const char *who = context;
    store *s;
    store_request request = STORE_REQUEST_INIT;
    char location[32], text[64];

    request.flags = STORE_REPLACE;
    if (store_open(&s, test_path("store"), NULL) != STORE_OK)
        return 1;
    for (int i = 0; i < WRITES; i++) {
        snprintf(location, sizeof location, "/%s%d", i % 3 ? who : "both", i % 10);
        int size = snprintf(text, sizeof text, "%s %d", who, i);
        if (store_put(NULL, s, location, text, (size_t)size, &request) != STORE_OK)
            return 2;
        if (i % 7 == 0 && store_delete(NULL, s, location, NULL) != STORE_OK &&
            store_problem_last()->code != STORE_NOT_FOUND)
            return 3;
    }
    store_close(s);
    return 0;
}

/* Two other processes write while this one reads; in the end the mount shows what the store has. */
Test(storefs_watch, two_processes_write_while_the_mount_is_read)
{
    close_store();
    pid_t one = start_child(write_through_the_library, "one"), two = start_child(write_through_the_library, "two");
    while (waitpid(one, NULL, WNOHANG) == 0)
        shell("cat * >/dev/null 2>&1; ls -l >/dev/null 2>&1; true");
    cr_assert_eq(end_of_child(two), 0);
    assert_soon(({
        store_iter *iter;
        store_entry entry;
        store_list_options options = STORE_LIST_OPTIONS_INIT;
        bool same = true;
        options.bodies = true;
        assert_ok(store_iter_open(&iter, test_store(), "/", &options));
        while (store_iter_next(&entry, iter) == STORE_OK)
            same &= is_file(entry.name, entry.body);
        store_iter_close(iter);
        same;
    }));
}
