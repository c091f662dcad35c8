/* storectl export: trees, arrays and lines out; again, in the way, and back in. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "storectl_test.h"

static void begin(void)
{
    begin_storectl();
    expect(0, "put", "/t/sub/three", "-p", "-d", "333");
    expect(0, "put", "/t/one", "-d", "1");
    expect(0, "put", "/t/link", "--link", "one");
}

TestSuite(storectl_export, .init = begin, .fini = end_storectl);

static struct stat stat_of(const char *path)
{
    struct stat stat;

    cr_assert_eq(lstat(path, &stat), 0, "%s", path);
    return stat;
}

Test(storectl_export, a_tree_goes_out_with_modes_times_and_links)
{
    char text[64] = "";

    expect_out("exported /t: 3 created, 0 updated, 0 unchanged\n", "export", "/t", test_path("out"));
    cr_assert_str_eq(read_file(test_path("out/sub/three")), "333");
    cr_assert_gt(readlink(test_path("out/link"), text, sizeof text - 1), 0);
    cr_assert_str_eq(text, "one");
    store_stat stat;
    assert_ok(store_stat_get(&stat, test_store(), "/t/one", NULL));
    struct stat out = stat_of(test_path("out/one"));
    cr_assert_eq(out.st_mode & 07777, stat.mode);
    cr_assert_eq((int64_t)out.st_mtim.tv_sec * 1000000000 + out.st_mtim.tv_nsec, stat.modified);
    assert_ok(store_stat_get(&stat, test_store(), "/t/sub", NULL));
    out = stat_of(test_path("out/sub"));
    cr_assert_eq(out.st_mode & 07777, stat.mode);
    cr_assert_eq((int64_t)out.st_mtim.tv_sec * 1000000000 + out.st_mtim.tv_nsec, stat.modified);
}

Test(storectl_export, a_second_run_leaves_all_alone_and_completes_what_is_missing)
{
    const char *out = test_path("out");

    expect(0, "export", "/t", out);
    struct stat before = stat_of(test_path("out/one"));
    cr_assert_eq(unlink(test_path("out/sub/three")), 0);
    expect_json(0, "export", "/t", out);
    assert_member("created", "1");
    assert_member("unchanged", "2");
    cr_assert_eq(stat_of(test_path("out/one")).st_ino, before.st_ino);
}

Test(storectl_export, what_differs_is_refused_unless_replaced)
{
    const char *out = test_path("out");

    expect(0, "export", "/t", out);
    write_file(test_path("out/one"), "changed");
    expect_says(1, "storectl: /t/one: key_conflict: ", "export", "/t", out);
    cr_assert_str_eq(said.out, "exported /t: 0 created, 0 updated, 2 unchanged, 1 refused\n");
    cr_assert_str_eq(read_file(test_path("out/one")), "changed");
    expect_out("exported /t: 0 created, 1 updated, 2 unchanged\n", "export", "--replace", "/t", out);
    cr_assert_str_eq(read_file(test_path("out/one")), "1");
}

Test(storectl_export, nothing_outside_of_the_target_is_written)
{
    const char *out = test_path("out");

    cr_assert_eq(mkdir(out, 0755), 0);
    cr_assert_eq(mkdir(test_path("elsewhere"), 0755), 0);
    write_file(test_path("victim"), "untouched");
    cr_assert_eq(symlink(test_path("elsewhere"), test_path("out/sub")), 0);
    cr_assert_eq(symlink(test_path("victim"), test_path("out/one")), 0);
    expect_says(1, "kind_conflict", "export", "/t", out, "--replace");
    cr_assert_str_eq(read_file(test_path("victim")), "untouched");
    cr_assert_null(read_file(test_path("elsewhere/three")));
    cr_assert(S_ISREG(stat_of(test_path("out/one")).st_mode));
}

Test(storectl_export, a_directory_in_the_way_of_a_file_is_refused)
{
    cr_assert_eq(mkdir(test_path("out"), 0755), 0);
    cr_assert_eq(mkdir(test_path("out/one"), 0755), 0);
    expect_says(1, "/t/one: kind_conflict", "export", "/t", test_path("out"), "--replace");
}

Test(storectl_export, no_temporary_file_remains)
{
    expect(0, "export", "/", test_path("out"));
    run_other(WORDS("find", test_path("out"), "-name", ".storectl*"), NULL);
    cr_assert_str_empty(said.out);
}

Test(storectl_export, only_a_collection_is_a_tree)
{
    expect_says(1, "kind_conflict", "export", "/t/one", test_path("out"));
    expect_says(1, "not_found", "export", "/missing", test_path("out"));
    write_file(test_path("file"), "x");
    expect_says(2, "cannot open", "export", "/t", test_path("file"));
}

Test(storectl_export, objects_become_an_array_or_lines)
{
    define_people();
    expect_out("exported /people: 2 created, 0 updated, 0 unchanged\n", "export", "/people",
               test_path("people.json"));
    cr_assert_str_eq(read_file(test_path("people.json")), "[\n{\"email\":\"ada@x\",\"age\":36,\"id\":\"ada\"},\n"
                                                          "{\"email\":\"bob@x\",\"age\":40,\"id\":\"bob\"}\n]\n");
    expect_out("{\"email\":\"ada@x\",\"age\":36,\"id\":\"ada\"}\n"
               "{\"email\":\"bob@x\",\"age\":40,\"id\":\"bob\"}\n",
               "export", "/people", "-", "--format", "jsonl");
    expect_says(1, "key_conflict", "export", "/people", test_path("people.json"));
    expect(0, "export", "/people", test_path("people.json"), "--replace");
    expect(0, "rm", "-r", "/people/ada");
    expect(0, "rm", "-r", "/people/bob");
    expect_out("[]\n", "export", "/people", "-", "--format", "json");
    expect_out("imported /people: 2 created, 0 updated, 0 unchanged\n", "import", "/people",
               test_path("people.json"));
}

Test(storectl_export, what_is_no_json_has_no_place_in_an_array)
{
    expect(0, "put", "/j/good", "-p", "-d", "{ \"x\" : 1.10 }");
    expect(0, "put", "/j/bad", "-d", "not json");
    expect(0, "mkdir", "/j/sub");
    expect(1, "export", "/j", "-", "--format", "jsonl");
    cr_assert_str_eq(said.out, "{\"x\":1.10}\n");
    cr_assert_not_null(strstr(said.err, "/j/bad: bad_body"), "%s", said.err);
    cr_assert_not_null(strstr(said.err, "/j/sub: kind_conflict"), "%s", said.err);
}

Test(storectl_export, out_and_in_again_gives_the_same_store)
{
    const char *out = test_path("out"), *other = test_path("other");
    char *names;

    define_people();
    expect(0, "meta", "/t/one", "author=Ada");
    expect(0, "export", "/", out);
    bool lossless = !strstr(said.err, "did not take all metadata");
    run_other(WORDS(program("storectl"), "-s", other, "init"), NULL);
    run_other(WORDS(program("storectl"), "-s", other, "import", "/", out), NULL);
    assert_status(0, &said);
    expect(0, "ls", "-R");
    names = strdup(said.out);
    run_other(WORDS(program("storectl"), "-s", other, "ls", "-R"), NULL);
    cr_assert_str_eq(said.out, names);
    free(names);
    if (!lossless)
        cr_skip_test("no extended attributes here");
    run_other(WORDS(program("storectl"), "-s", other, "meta", "/t/one"), NULL);
    cr_assert_str_eq(said.out, "author=Ada\n");
    run_other(WORDS(program("storectl"), "-s", other, "define", "/people"), NULL);
    cr_assert_str_eq(said.out, PEOPLE "\n");
}

Test(storectl_export, special_nodes_go_out_and_in_again)
{
    uint64_t device = makedev(1, 3);

    assert_ok(store_put_special(NULL, test_store(), "/t/pipe", S_IFIFO, 0, NULL));
    assert_ok(store_put_special(NULL, test_store(), "/t/null", S_IFCHR, device, NULL));
    expect(0, "export", "/t", test_path("out"));
    cr_assert(S_ISFIFO(stat_of(test_path("out/pipe")).st_mode));
    if (strstr(said.err, "/t/null: skipped"))
        cr_skip_test("no device nodes can be made here");
    struct stat null = stat_of(test_path("out/null"));
    cr_assert(S_ISCHR(null.st_mode));
    cr_assert_eq(null.st_rdev, device);
    cr_assert_eq(null.st_mode & 07777, 0644);
    expect_out("exported /t: 0 created, 0 updated, 5 unchanged\n", "export", "/t", test_path("out"));
    expect(0, "import", "/again", test_path("out"));
    expect(0, "ls", "-l", "/again");
    cr_assert_not_null(strstr(said.out, "1,3"), "%s", said.out);
    expect(0, "stat", "/again/null");
    cr_assert_not_null(strstr(said.out, "device    1,3\n"), "%s", said.out);
}

Test(storectl_export, several_names_are_hard_links_and_come_back)
{
    const char *out = test_path("out");
    store_stat one, again;

    assert_ok(store_link(NULL, test_store(), "/t/one", "/t/sub/two", NULL));
    assert_ok(store_link(NULL, test_store(), "/t/one", "/t/zero", NULL));
    assert_ok(store_link(NULL, test_store(), "/t/link", "/t/link2", NULL));
    expect_out("exported /t: 6 created, 0 updated, 0 unchanged\n", "export", "/t", out);
    cr_assert_eq(stat_of(test_path("out/one")).st_nlink, 3);
    cr_assert_eq(stat_of(test_path("out/one")).st_ino, stat_of(test_path("out/sub/two")).st_ino);
    cr_assert_eq(stat_of(test_path("out/link")).st_ino, stat_of(test_path("out/link2")).st_ino);
    expect_out("exported /t: 0 created, 0 updated, 6 unchanged\n", "export", "/t", out);
    expect_out("imported /again: 6 created, 0 updated, 0 unchanged\n", "import", "/again", out);
    expect_out("imported /again: 0 created, 0 updated, 6 unchanged\n", "import", "/again", out);
    assert_ok(store_stat_get(&one, test_store(), "/again/one", NULL));
    assert_ok(store_stat_get(&again, test_store(), "/again/sub/two", NULL));
    cr_assert_eq(one.links, 3);
    cr_assert_eq(one.id, again.id);
    expect(0, "check");
    expect_json(0, "stat", "/again/link2");
    assert_member("links", "2");
}

Test(storectl_export, a_name_that_is_another_file_is_replaced_only_when_told_so)
{
    const char *out = test_path("out");

    expect(0, "export", "/t", out);
    write_file(test_path("out/zero"), "another");
    assert_ok(store_link(NULL, test_store(), "/t/one", "/t/zero", NULL));
    expect_says(1, "key_conflict", "export", "/t", out);
    expect(0, "export", "--replace", "/t", out);
    cr_assert_eq(stat_of(test_path("out/zero")).st_ino, stat_of(test_path("out/one")).st_ino);
}
