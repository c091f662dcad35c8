/* storefs: an open file reads one version or says ESTALE, whatever another face does; what only grows is read on. */
#include <signal.h>

#include "storefs_test.h"

TestSuite(storefs_versions, .init = begin_storefs, .fini = end_storefs);

enum { LARGEST = 3 << 20 };

/* ------------------------------------------------------------- the other face */

static void put_stored(const char *location, const void *data, size_t size)
{
    store_request request = STORE_REQUEST_INIT;

    request.flags = STORE_REPLACE;
    assert_ok(store_put(NULL, test_store(), location, data, size, &request));
}

static void append_stored(const char *location, uint64_t at, const void *data, size_t size)
{
    assert_ok(store_patch_range(NULL, test_store(), location, at, data, size, NULL));
}

/* ------------------------------------------------------------------ replaced */

static char old[LARGEST], new[LARGEST + 10000];

static void other_bytes(size_t size)
{
    fill_pattern(new, size, 2, 0);
    put_stored("/a", new, size);
}

static void other_bytes_longer(size_t size)
{
    fill_pattern(new, size + 10000, 2, 0);
    put_stored("/a", new, size + 10000);
}

/* Also at the end of what was given out it is the same: only its length, or its time, tells. */
static void same_end(size_t size)
{
    memcpy(new, old, size);
    fill_pattern(new, size / 2, 2, 0);
    put_stored("/a", new, size);
}

static void last_byte_changed(size_t size)
{
    append_stored("/a", size - 1, "!", 1);
}

static void middle_changed(size_t size)
{
    append_stored("/a", size / 2, "!!!!", 4);
}

static void last_byte_changed_and_appended(size_t size)
{
    append_stored("/a", size - 1, "! and more", 10);
}

static void (*const changes[])(size_t size) = { other_bytes, other_bytes_longer, same_end, last_byte_changed,
                                                middle_changed, last_byte_changed_and_appended };

/* Reads on, all that is left of the old version: that, or as much of it as there was before ESTALE. */
static void expect_old_or_estale(int fd, size_t at, size_t size, const char *what)
{
    static char part[65536];
    ssize_t got;

    while ((got = read(fd, part, sizeof part)) > 0) {
        cr_assert(at + (size_t)got <= size && memcmp(part, old + at, (size_t)got) == 0,
                  "%s: of %zd bytes at %zu some are another version's", what, got, at);
        at += (size_t)got;
    }
    if (got == 0)
        cr_assert_eq(at, size, "%s: %zu bytes and the end", what, at);
    else
        cr_assert_eq(errno, ESTALE, "%s: at %zu: %s", what, at, strerror(errno));
}

/* Does somebody else who opens it read what the store has? */
static bool is_shown(const char *name, const char *location)
{
    size_t shown_size, stored_size;
    void *stored;
    assert_ok(store_get(&stored, &stored_size, NULL, test_store(), location, NULL));
    char *shown = get_bytes(name, &shown_size);
    bool same = shown && shown_size == stored_size && memcmp(shown, stored, stored_size) == 0;

    free(shown);
    store_free(stored);
    return same;
}

enum when { AT_ONCE, WHEN_TOLD, WHEN_SHOWN, WHENS };

/* The reader goes on at once, or when the mount knows of the change, or when others have read the new version there. */
static void replace_under_a_reader(size_t change, size_t size, size_t at, enum when when)
{
    char what[100];
    struct stat before;

    snprintf(what, sizeof what, "change %zu of %zu bytes, read up to %zu, %d", change, size, at, when);
    put_stored("/a", old, size);
    int fd = assert_sys(open("a", O_RDONLY));
    char *part = malloc(at);
    cr_assert_eq(read(fd, part, at), (ssize_t)at, "%s", what);
    cr_assert_eq(memcmp(part, old, at), 0, "%s", what);
    free(part);
    before = stat_of("a");
    changes[change](size);
    if (when == WHEN_TOLD)
        assert_soon(stat_of("a").st_mtim.tv_nsec != before.st_mtim.tv_nsec);
    if (when == WHEN_SHOWN)
        assert_soon(is_shown("a", "/a"));
    expect_old_or_estale(fd, at, size, what);
    assert_sys(close(fd));
    assert_ok(store_delete(NULL, test_store(), "/a", NULL));
    assert_soon(access("a", F_OK) == -1);
}

/* Inline, inline of two pages, chunked, of several chunks; within a page, at its border, at the end. */
Test(storefs_versions, what_is_replaced_is_not_mixed_with_what_was_read)
{
    static const size_t sizes[] = { 100, 6000, 20000, LARGEST };

    fill_pattern(old, sizeof old, 1, 0);
    for (size_t change = 0; change < sizeof changes / sizeof *changes; change++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            const size_t size = sizes[i], places[] = { 10, size > 4096 ? 4096 : 99, size - 1, size };
            for (size_t place = 0; place < sizeof places / sizeof *places; place++)
                for (enum when when = AT_ONCE; when < WHENS; when++)
                    replace_under_a_reader(change, size, places[place], when);
        }
    }
}

/* It ends where the new version does: the kernel asks for nothing behind that. */
Test(storefs_versions, what_is_cut_off_gives_nothing_of_another_version)
{
    static char part[65536];

    fill_pattern(old, sizeof old, 1, 0);
    put_stored("/a", old, LARGEST);
    int fd = assert_sys(open("a", O_RDONLY));
    cr_assert_eq(read(fd, part, 4096), 4096);
    other_bytes(LARGEST / 2);
    assert_soon(is_shown("a", "/a"));
    ssize_t got;
    size_t at = 4096;
    for (; (got = read(fd, part, sizeof part)) > 0; at += (size_t)got)
        cr_assert_eq(memcmp(part, old + at, (size_t)got), 0);
    cr_assert(got == -1 ? errno == ESTALE : at >= LARGEST / 2, "%zu: %s", at, strerror(errno));
    assert_sys(close(fd));
}

/* Where the kernel has the pages and need not ask, what it shows is known all the same. */
Test(storefs_versions, pages_that_were_kept_are_of_one_version)
{
    char part[4096];

    fill_pattern(old, sizeof old, 1, 0);
    put_stored("/a", old, 100);
    shell("cat a >/dev/null && cat a >/dev/null");
    int fd = assert_sys(open("a", O_RDONLY));
    cr_assert_eq(read(fd, part, 10), 10);
    struct stat before = stat_of("a");
    other_bytes_longer(100);
    assert_soon(stat_of("a").st_mtim.tv_nsec != before.st_mtim.tv_nsec);
    expect_old_or_estale(fd, 10, 100, "kept");
    assert_sys(close(fd));
}

/* What begins anew with the same descriptor is told, too; what opens it anew reads the new version. */
Test(storefs_versions, a_replaced_file_is_to_be_opened_anew)
{
    char part[16];

    put_stored("/a", "first text", 10);
    int fd = assert_sys(open("a", O_RDONLY));
    cr_assert_eq(read(fd, part, sizeof part), 10);
    put_stored("/a", "other text", 10);
    assert_soon(pread(fd, part, sizeof part, 0) == -1);
    cr_assert_eq(errno, ESTALE);
    assert_file("a", "other text");
    assert_sys(close(fd));
}

/* --------------------------------------------------------------------- grown */

/* The bytes at `at` come, without anything else before. */
static void await_bytes(int fd, size_t at, size_t size)
{
    static char part[LARGEST];
    size_t done = 0;

    assert_soon(({
        ssize_t got = assert_sys(read(fd, part + done, size - done));
        done += (size_t)got;
        done == size;
    }));
    cr_assert_eq(memcmp(part, old + at, size), 0, "%zu bytes at %zu", size, at);
}

/* Within a page and over its border, from an inline body to a chunked one, by deltas and by whole chunks. */
Test(storefs_versions, what_another_face_appends_is_read_on)
{
    static const size_t parts[] = { 10, 90, 1, 3994, 1, 100, 4000, 3000, 9000, 5, 70000, 8160, 8161, 300000, 7, 1000000 };
    size_t size = 50;

    fill_pattern(old, sizeof old, 1, 0);
    put_stored("/log", old, size);
    int fd = assert_sys(open("log", O_RDONLY));
    await_bytes(fd, 0, size);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; size += parts[i], i++) {
        append_stored("/log", size, old + size, parts[i]);
        await_bytes(fd, size, parts[i]);
    }
    cr_assert_eq(pread(fd, new, sizeof new, 0), (ssize_t)size);
    cr_assert_eq(memcmp(new, old, size), 0);
    assert_sys(close(fd));
}

/* Also for one that is in the middle of it. */
Test(storefs_versions, a_reader_in_the_middle_goes_on_when_the_end_grows)
{
    const size_t size = 1 << 20;

    fill_pattern(old, sizeof old, 1, 0);
    put_stored("/log", old, size);
    int fd = assert_sys(open("log", O_RDONLY));
    await_bytes(fd, 0, 100);
    append_stored("/log", size, old + size, 100);
    assert_soon(stat_of("log").st_size == (off_t)size + 100);
    await_bytes(fd, 100, size);
    assert_sys(close(fd));
}

Test(storefs_versions, tail_shows_the_lines_that_another_face_appends)
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
    for (int i = 0; i < 10; i++) {
        char text[16];
        int size = snprintf(text, sizeof text, "%03d\n", i);
        append_stored("/log", (uint64_t)(4 + i * 4), text, (size_t)size);
        cr_assert_eq(poll(&readable, 1, 5000), 1, "tail shows nothing new");
        cr_assert_not_null(fgets(line, sizeof line, lines));
        cr_assert_str_eq(line, text);
    }
    kill(child, SIGKILL);
    end_of_child(child);
    fclose(lines);
}

/* ------------------------------------------------------------- the same bytes */

static void change_metadata(void)
{
    store_attributes attributes = { .mask = STORE_ATTR_MODE, .mode = 0640 };
    store_request request = STORE_REQUEST_INIT;

    request.attributes = &attributes;
    assert_ok(store_set(NULL, test_store(), "/a", &request));
    assert_ok(store_meta_set(NULL, test_store(), "/a", "comment", "x", 1, NULL));
    assert_soon((stat_of("a").st_mode & 07777) == 0640 && attribute_of("a", "user.comment"));
}

Test(storefs_versions, other_attributes_and_metadata_disturb_no_reader)
{
    static const size_t sizes[] = { 100, 6000, 200000 };

    fill_pattern(old, sizeof old, 1, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        put_stored("/a", old, sizes[i]);
        int fd = assert_sys(open("a", O_RDONLY));
        await_bytes(fd, 0, 50);
        change_metadata();
        await_bytes(fd, 50, 20);
        shell("chmod 600 a && touch -d 2001-01-01 a && setfattr -n user.comment -v y a");
        await_bytes(fd, 70, sizes[i] - 70);
        assert_sys(close(fd));
        assert_ok(store_delete(NULL, test_store(), "/a", NULL));
        assert_soon(access("a", F_OK) == -1);
    }
}

/* ------------------------------------------------------- what this mount writes */

Test(storefs_versions, what_the_mount_itself_writes_is_seen_by_all_who_read)
{
    char part[8] = "";

    fill_pattern(old, sizeof old, 1, 0);
    put_stored("/a", old, 200000);
    int reader = assert_sys(open("a", O_RDONLY));
    await_bytes(reader, 0, 100);
    int writer = assert_sys(open("a", O_RDWR));
    cr_assert_eq(pwrite(writer, "here", 4, 100000), 4);
    cr_assert_eq(pread(reader, part, 4, 100000), 4);
    cr_assert_str_eq(part, "here");
    assert_sys(close(writer));
    cr_assert_eq(pread(reader, part, 4, 100000), 4);
    cr_assert_str_eq(part, "here");
    put_file("a", "all new");
    cr_assert_eq(pread(reader, part, 7, 0), 7);
    cr_assert_str_eq(part, "all new");
    shell("printf +more >>a && truncate -s 9 a");
    cr_assert_eq(pread(reader, part, 7, 7), 2);
    cr_assert_eq(memcmp(part, "+m", 2), 0);
    assert_sys(close(reader));
}

/* The store completes the text, which is no other face's. */
Test(storefs_versions, a_text_that_the_store_completes_is_read_on)
{
    static const char definition[] = "{\"key\":[\"id\"],\"schema\":{\"type\":\"object\",\"properties\":"
                                     "{\"id\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\",\"default\":7}}}}";
    char part[256] = "";

    assert_ok(store_define(NULL, test_store(), "/people", definition, sizeof definition - 1, NULL));
    assert_soon(access("people", F_OK) == 0);
    int fd = assert_sys(open("people/ada", O_RDWR | O_CREAT, 0644));
    cr_assert_eq(write(fd, "{\"id\":\"ada\"}", 12), 12);
    assert_sys(fsync(fd));
    cr_assert_gt(pread(fd, part, sizeof part - 1, 0), 0, "%s", strerror(errno));
    cr_assert_not_null(strstr(part, "ada"));
    assert_sys(close(fd));
}
