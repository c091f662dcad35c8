/* storectl on single objects and collections: put, get, stat, meta, patch --offset, rm, mv, cp, mkdir. */
#include "storectl_test.h"

TestSuite(storectl_objects, .init = begin_storectl, .fini = end_storectl);

Test(storectl_objects, put_answers_with_outcome_location_and_version)
{
    char text[17], line[64];

    expect(0, "put", "/a", "--data", "one");
    snprintf(line, sizeof line, "%s", said.out);
    snprintf(text, sizeof text, "%s", version_of("/a"));
    cr_assert_eq(strncmp(line, "created /a  version ", 20), 0, "%s", line);
    cr_assert_eq(strncmp(line + 20, text, 16), 0, "%s", line);
    expect_json(0, "put", "/a", "--data", "two");
    assert_member("outcome", "updated");
    assert_member("location", "/a");
    cr_assert_eq(strlen(member("version")), 16);
    cr_assert_gt(strcmp(member("version"), text), 0);
}

Test(storectl_objects, put_takes_a_file_or_standard_input)
{
    write_file(test_path("body"), "from a file");
    expect(0, "put", "/a", test_path("body"));
    expect_out("from a file", "get", "/a");
    expect_in(0, "from a pipe", "put", "/a");
    expect_out("from a pipe", "get", "/a");
    expect_in(0, "and again", "put", "/a", "-");
    expect_out("and again", "get", "/a");
    expect_in(0, NULL, "put", "/empty");
    expect_out("", "get", "/empty");
}

Test(storectl_objects, put_flags_decide_about_what_is_there)
{
    expect(0, "put", "/a", "--data", "1", "--if-none-match");
    expect_says(1, "precondition_failed", "put", "/a", "--data", "2", "--if-none-match");
    expect_says(1, "storectl: /a: key_conflict: ", "put", "/a", "--data", "2", "--noreplace");
    expect_out("1", "get", "/a");
    expect(0, "put", "/a", "--data", "2", "--replace");
    expect_out("2", "get", "/a");
    expect_json(1, "put", "/a", "--data", "3", "--noreplace");
    assert_member("code", "key_conflict");
    assert_member("status", "409");
    assert_member("location", "/a");
    cr_assert_str_empty(said.out);
}

Test(storectl_objects, put_if_match_wants_the_version)
{
    char version[17];

    expect(0, "put", "/a", "--data", "1");
    snprintf(version, sizeof version, "%s", version_of("/a"));
    expect(0, "put", "/a", "--data", "2", "--if-match", version);
    expect_says(1, "current version", "put", "/a", "--data", "3", "--if-match", version);
    expect(0, "put", "/a", "--data", "4", "--if-match", "*");
    expect(0, "put", "/a", "--data", "5", "--if-match", version, "--if-match", version_of("/a"));
    expect_says(1, "precondition_failed", "put", "/b", "--data", "1", "--if-match", "*");
    expect_out("5", "get", "/a");
}

Test(storectl_objects, put_makes_parents_only_when_asked)
{
    expect_says(1, "no_collection", "put", "/x/y/z", "--data", "1");
    expect(0, "put", "/x/y/z", "--data", "1", "--parents");
    expect_out("1", "get", "/x/y/z");
    expect(0, "put", "-p", "/p/q", "-d", "2");
}

Test(storectl_objects, a_dry_run_changes_nothing)
{
    expect_out("created /a  (dry run)\n", "put", "/a", "--data", "1", "--dry-run");
    expect(1, "get", "/a");
    expect(0, "put", "/a", "--data", "1");
    expect_says(0, "(dry run)", "rm", "-n", "/a");
    expect_says(0, "(dry run)", "mv", "-n", "/a", "/b");
    expect_says(0, "(dry run)", "cp", "-n", "/a", "/b");
    expect_says(0, "(dry run)", "mkdir", "-n", "/c");
    expect_says(0, "(dry run)", "meta", "-n", "/a", "x=1");
    expect_out("a\n", "ls");
    expect_out("", "meta", "/a");
}

Test(storectl_objects, type_and_metadata_are_kept)
{
    expect(0, "put", "/a", "-d", "x", "-t", "text/plain", "--meta", "author=Ada", "--meta", "empty=");
    expect_json(0, "stat", "/a");
    assert_member("type", "text/plain");
    assert_member("kind", "object");
    assert_member("size", "1");
    assert_member("typed", "false");
    assert_member("meta", "{\"author\":\"Ada\",\"empty\":\"\"}");
    expect_says(0, "meta      author=Ada\n", "stat", "/a");
    assert_says("type      text/plain\n");
    assert_says("size      1 (1 B)\n");
}

Test(storectl_objects, links_and_the_time_of_access_are_told)
{
    expect(0, "mkdir", "-p", "/c/d");
    expect_json(0, "stat", "/c");
    assert_member("links", "3");
    expect_says(0, "links     3\n", "stat", "/c");
    assert_says("accessed  ");
}

Test(storectl_objects, a_symbolic_link_is_put_and_told)
{
    expect(0, "put", "/l", "--link", "../elsewhere");
    expect_out("../elsewhere", "get", "/l");
    expect_json(0, "stat", "/l");
    assert_member("kind", "link");
}

/* 3 MiB that repeat no sooner than a chunk does. */
static void write_large(const char *path)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file);
    for (unsigned i = 0; i < 3u << 18; i++)
        fwrite(&i, sizeof i, 1, file);
    cr_assert_eq(fclose(file), 0);
}

static void assert_same_files(const char *a, const char *b)
{
    run_other(WORDS("cmp", a, b), NULL);
    assert_status(0, &said);
}

Test(storectl_objects, a_large_body_streams_both_ways)
{
    const char *in = test_path("in"), *out = test_path("out");

    write_large(in);
    expect(0, "put", "/large", in);
    expect(0, "get", "/large", "-o", out);
    cr_assert_str_empty(said.out);
    assert_same_files(in, out);
    expect(0, "get", "/large");
    cr_assert_eq(said.out_size, 3u << 20);
}

Test(storectl_objects, get_writes_a_file_whole_or_not_at_all)
{
    const char *out = test_path("out");

    expect(0, "put", "/a", "-d", "new");
    write_file(out, "old");
    expect(1, "get", "/missing", "-o", out);
    cr_assert_str_eq(read_file(out), "old");
    expect(0, "get", "/a", "--output", out);
    cr_assert_str_eq(read_file(out), "new");
    run_other(WORDS("ls", "-A", test_directory()), NULL);
    cr_assert_null(strstr(said.out, ".tmp"), "%s", said.out);
}

Test(storectl_objects, get_writes_into_a_pipe_or_device_in_place)
{
    expect(0, "put", "/a", "-d", "x");
    expect_out("x", "get", "/a", "-o", "/dev/stdout");
}

Test(storectl_objects, get_reads_ranges)
{
    static const struct {
        const char *range, *bytes;
    } cases[] = {{"0-0", "0"},  {"2-4", "234"}, {"7-", "789"},       {"-3", "789"},
                 {"-99", "0123456789"}, {"5-99", "56789"}, {"0-9", "0123456789"}, {"-0", ""}};

    expect(0, "put", "/a", "-d", "0123456789");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect(0, "get", "/a", "--range", cases[i].range);
        cr_expect_str_eq(said.out, cases[i].bytes, "%s", cases[i].range);
    }
    expect_says(1, "invalid_value", "get", "/a", "--range", "10-12");
}

Test(storectl_objects, get_json_makes_only_problems_json)
{
    expect(0, "put", "/a", "-d", "bytes");
    run_storectl("--json", NULL, WORDS("get", "/a"));
    cr_assert_str_eq(said.out, "bytes");
    expect_json(1, "get", "/missing");
    assert_member("code", "not_found");
}

Test(storectl_objects, a_range_patch_overwrites_and_extends)
{
    expect(0, "put", "/a", "-d", "0123456789");
    expect(0, "patch", "/a", "--offset", "3", "-d", "xyz");
    expect_out("012xyz6789", "get", "/a");
    expect_in(0, "END", "patch", "/a", "--offset", "10");
    expect_out("012xyz6789END", "get", "/a");
    expect_says(1, "not_found", "patch", "/b", "--offset", "0", "-d", "x");
    expect(0, "patch", "/b", "--offset", "0", "-d", "x", "--insert");
    expect_out("x", "get", "/b");
    expect_says(1, "precondition_failed", "patch", "/a", "--offset", "0", "-d", "x", "--if-match",
                "0000000000000001");
}

Test(storectl_objects, metadata_is_set_read_and_removed)
{
    expect(0, "put", "/a", "-d", "x");
    expect_out("", "meta", "/a");
    expect_says(0, "updated /a  version ", "meta", "/a", "one=1", "two=a=b");
    expect_out("one=1\ntwo=a=b\n", "meta", "/a");
    expect_out("a=b\n", "meta", "/a", "two");
    expect_json(0, "meta", "/a", "two");
    assert_member("two", "a=b");
    expect_json(0, "meta", "/a");
    assert_member("one", "1");
    expect(0, "meta", "/a", "--remove", "one", "three=3");
    expect_out("three=3\ntwo=a=b\n", "meta", "/a");
    expect_says(1, "not_found", "meta", "/a", "one");
    expect(1, "meta", "/a", "four=4", "--remove", "one");
    expect_out("three=3\ntwo=a=b\n", "meta", "/a");
    expect(1, "meta", "/missing");
    expect(0, "mkdir", "/c");
    expect(0, "meta", "/c", "on=collection");
    expect_out("on=collection\n", "meta", "/c");
}

Test(storectl_objects, metadata_that_is_no_text_is_base64_in_json)
{
    store_meta meta = {"bytes", "\xff\x00\x01", 3};
    store_request request = STORE_REQUEST_INIT;

    request.flags = STORE_SET_META;
    request.meta = &meta;
    request.meta_count = 1;
    assert_ok(store_put(NULL, test_store(), "/a", "x", 1, &request));
    expect_json(0, "meta", "/a");
    assert_member("bytes", "{\"base64\":\"/wAB\"}");
    expect_says(0, "meta      bytes=(3 bytes)\n", "stat", "/a");
}

Test(storectl_objects, rm_deletes_and_wants_r_for_a_full_collection)
{
    expect(0, "put", "/c/a", "-p", "-d", "x");
    expect_says(1, "not_empty", "rm", "/c");
    expect_json(0, "rm", "/c/a");
    assert_member("outcome", "deleted");
    expect_says(1, "not_found", "rm", "/c/a");
    expect(0, "put", "/c/b", "-d", "x");
    expect_says(0, "deleted /c", "rm", "-r", "/c");
    expect_out("", "ls");
    expect(0, "put", "/a", "-d", "x");
    expect_says(1, "precondition_failed", "rm", "/a", "--if-match", "0000000000000001");
    expect(0, "rm", "/a", "--if-match", version_of("/a"));
}

Test(storectl_objects, mv_and_cp_take_whole_subtrees)
{
    expect(0, "put", "/c/d/e", "-p", "-d", "x");
    expect_says(0, "created /f", "cp", "/c", "/f");
    expect_out("x", "get", "/f/d/e");
    expect_json(0, "mv", "/c", "/g");
    assert_member("outcome", "created");
    assert_member("location", "/g");
    expect_out("f\ng\n", "ls");
    expect(0, "put", "/a", "-d", "1");
    expect(0, "put", "/b", "-d", "2");
    expect_says(1, "key_conflict", "mv", "/a", "/b");
    expect_says(1, "key_conflict", "cp", "/a", "/b");
    expect_says(0, "updated /b", "cp", "/a", "/b", "--replace");
    expect_says(0, "updated /b", "mv", "/a", "/b", "--replace");
    expect_says(1, "not_found", "mv", "/a", "/b", "--replace");
    expect_says(1, "no_collection", "mv", "/b", "/x/y");
    expect(0, "mv", "/b", "/x/y", "--parents");
    expect_out("1", "get", "/x/y");
}

Test(storectl_objects, mkdir_makes_plain_collections)
{
    expect_says(0, "created /c  version ", "mkdir", "/c");
    expect_says(1, "key_conflict", "mkdir", "/c");
    expect_says(0, "unchanged /c", "mkdir", "-p", "/c");
    expect_says(1, "no_collection", "mkdir", "/x/y");
    expect_json(0, "mkdir", "--parents", "/x/y");
    assert_member("outcome", "created");
    expect_json(0, "stat", "/x/y");
    assert_member("kind", "collection");
}
