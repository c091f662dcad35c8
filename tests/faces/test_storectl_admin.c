/* storectl check, backup, compact, stats, readers. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storectl_test.h"

static void begin(void)
{
    begin_storectl();
    define_people();
    expect(0, "put", "/a", "-d", "1");
}

TestSuite(storectl_admin, .init = begin, .fini = end_storectl);

Test(storectl_admin, check_of_a_sound_store_finds_nothing)
{
    expect(0, "check");
    cr_assert_not_null(strstr(said.out, "checked 3 objects, "), "%s", said.out);
    cr_assert_not_null(strstr(said.out, ": no damage\n"), "%s", said.out);
    expect(0, "check", "--shallow");
    expect(0, "check", "--repair");
    expect_json(0, "check");
    assert_member("found", "0");
    assert_member("objects", "3");
    assert_member("findings", "[]");
}

Test(storectl_admin, repair_wants_the_store_alone)
{
    test_store();
    expect_says(3, "busy", "check", "--repair");
    expect(0, "check");
}

/* Overwrites every occurrence of `from` in the store's files; the number of them. */
static unsigned damage(const char *from, const char *to)
{
    unsigned found = 0;
    size_t length = strlen(from);
    DIR *dir = opendir(test_path("store"));
    struct dirent *entry;

    cr_assert_not_null(dir);
    while ((entry = readdir(dir))) {
        int fd = openat(dirfd(dir), entry->d_name, O_RDWR);
        struct stat stat;
        if (fd < 0 || fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))
            continue;
        char *bytes = malloc((size_t)stat.st_size + 1);
        ssize_t size = read(fd, bytes, (size_t)stat.st_size);
        for (ssize_t at = 0; at + (ssize_t)length <= size; at++) {
            if (memcmp(bytes + at, from, length) != 0)
                continue;
            cr_assert_eq(pwrite(fd, to, length, at), (ssize_t)length);
            found++;
        }
        free(bytes);
        close(fd);
    }
    closedir(dir);
    return found;
}

Test(storectl_admin, check_finds_a_changed_body)
{
    char *text = malloc(300001);

    memset(text, 'x', 300000);
    text[300000] = '\0';
    memcpy(text + 200000, "a-needle-in-a-chunk", 19);
    expect_in(0, text, "put", "/large");
    free(text);
    cr_assert_gt(damage("a-needle-in-a-chunk", "a-noodle-in-a-chunk"), 0);
    expect(1, "check");
    cr_assert_not_null(strstr(said.out, "/large"), "%s", said.out);
    cr_assert_not_null(strstr(said.out, " found, 0 repaired\n"), "%s", said.out);
    expect(0, "check", "--shallow");
    expect_json(1, "check");
    cr_assert_str_neq(member("findings"), "[]");
    expect(3, "get", "/large");
}

Test(storectl_admin, backup_is_a_store_of_its_own)
{
    const char *copy = test_path("copy");

    test_store(); /* in use */
    expect(0, "backup", copy);
    cr_assert_eq(strncmp(said.out, "created ", 8), 0, "%s", said.out);
    expect_says(1, "key_conflict", "backup", copy);
    run_other(WORDS(program("storectl"), "-s", copy, "get", "/people/ada/age"), NULL);
    assert_status(0, &said);
    cr_assert_str_eq(said.out, "36");
    expect_json(0, "backup", test_path("second"));
    assert_member("outcome", "created");
    cr_assert_gt(atoi(member("bytes")), 0);
}

Test(storectl_admin, compact_gives_space_back_when_nobody_uses_it)
{
    char *text = calloc(1, 1 << 20);

    memset(text, 'x', (1 << 20) - 1);
    for (int i = 0; i < 4; i++)
        expect_in(0, text, "put", "/large");
    free(text);
    expect(0, "rm", "/large");
    expect(0, "compact");
    cr_assert_eq(strncmp(said.out, "compacted from ", 15), 0, "%s", said.out);
    expect_json(0, "compact");
    cr_assert_leq(atoi(member("after")), atoi(member("before")));
    expect_out("1", "get", "/a");
    test_store();
    expect_says(3, "busy", "compact");
}

Test(storectl_admin, stats_count_what_is_there)
{
    expect_json(0, "stats");
    assert_member("objects", "3");
    assert_member("typed_collections", "1");
    cr_assert_eq(strlen(member("last_version")), 16);
    json_t *space = json_object_get(said_json, "objects_space");
    cr_assert_gt(json_integer_value(json_object_get(space, "file_bytes")), 0);
    expect_says(0, "  objects                             3\n", "stats");
    assert_says("bodies file\n");
}

Test(storectl_admin, readers_lists_who_reads)
{
    store_txn *snapshot;
    char text[32];

    assert_ok(store_begin(&snapshot, test_store(), true));
    store_get_options options = STORE_GET_OPTIONS_INIT;
    store_stat stat;
    options.txn = snapshot;
    assert_ok(store_stat_get(&stat, test_store(), "/a", &options));
    expect(0, "put", "/a", "-d", "2");
    snprintf(text, sizeof text, " %ld ", (long)getpid());
    expect_says(0, text, "readers");
    assert_says("file            pid  transaction");
    json_t *list = expect_json(0, "readers");
    bool found = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *reader = json_array_get(list, i);
        found = found || json_integer_value(json_object_get(reader, "pid")) == getpid();
        cr_assert_not_null(json_object_get(reader, "pinned_bytes"));
    }
    cr_assert(found);
    store_abort(snapshot);
}
