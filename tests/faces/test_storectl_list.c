/* storectl ls: order, bounds, forms. */
#include "storectl_test.h"

static void begin(void)
{
    static const char *const names[] = {"/a", "/b", "/ba", "/c"};

    begin_storectl();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect(0, "put", names[i], "-d", names[i], "-t", "text/plain");
}

TestSuite(storectl_list, .init = begin, .fini = end_storectl);

Test(storectl_list, names_one_a_line_in_order)
{
    expect_out("a\nb\nba\nc\n", "ls");
    expect_out("a\nb\nba\nc\n", "ls", "/");
    expect_out("c\nba\nb\na\n", "ls", "--reverse");
    expect_out("b\nba\n", "ls", "--prefix", "b");
    expect_out("ba\nc\n", "ls", "--after", "b");
    expect_out("c\n", "ls", "--after", "bb");
    expect_out("b\na\n", "ls", "--reverse", "--after", "ba");
    expect_out("a\nb\n", "ls", "--limit", "2");
    expect_out("ba\n", "ls", "--prefix", "b", "--after", "b", "--limit", "1");
    expect_out("", "ls", "--prefix", "x");
}

Test(storectl_list, what_is_no_collection_is_refused)
{
    expect_says(1, "kind_conflict", "ls", "/a");
    expect_says(1, "not_found", "ls", "/missing");
}

Test(storectl_list, long_lines_are_aligned)
{
    expect(0, "mkdir", "/d");
    expect(0, "ls", "-l");
    char *line = strstr(said.out, "object ");
    cr_assert_not_null(line);
    cr_assert_eq(strncmp(line, "object                2  ", 25), 0, "%s", said.out);
    cr_assert_not_null(strstr(said.out, "  text/plain                ba\n"), "%s", said.out);
    cr_assert_not_null(strstr(said.out, "collection            0  "), "%s", said.out);
}

Test(storectl_list, json_is_one_array)
{
    json_t *list = expect_json(0, "ls", "--limit", "2");

    cr_assert_eq(json_array_size(list), 2);
    json_t *entry = json_array_get(list, 1);
    cr_assert_str_eq(json_string_value(json_object_get(entry, "name")), "b");
    cr_assert_str_eq(json_string_value(json_object_get(entry, "location")), "/b");
    cr_assert_str_eq(json_string_value(json_object_get(entry, "kind")), "object");
    cr_assert_str_eq(json_string_value(json_object_get(entry, "type")), "text/plain");
    cr_assert_eq(json_integer_value(json_object_get(entry, "size")), 2);
    cr_assert_eq(strlen(json_string_value(json_object_get(entry, "version"))), 16);
    cr_assert_not_null(json_object_get(entry, "modified"));
    cr_assert_eq(json_array_size(expect_json(0, "ls", "--prefix", "x")), 0);
}

Test(storectl_list, recursion_goes_depth_first_with_relative_locations)
{
    expect(0, "put", "/d/e/f", "-p", "-d", "1");
    expect(0, "put", "/d/g", "-d", "1");
    expect_out("a\nb\nba\nc\nd\nd/e\nd/e/f\nd/g\n", "ls", "-R");
    expect_out("e\ne/f\ng\n", "ls", "-R", "/d");
    expect_out("e\ne/f\ng\n", "ls", "--recursive", "/d/");
    expect_out("g\ne\ne/f\n", "ls", "-R", "--reverse", "/d");
    expect_out("e\ne/f\n", "ls", "-R", "--limit", "2", "/d");
    expect_says(0, "  d/e/f\n", "ls", "-lR");
    json_t *list = expect_json(0, "ls", "-R", "/d");
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 1), "location")), "/d/e/f");
}

Test(storectl_list, objects_are_found_by_unique_keys)
{
    define_people();
    expect_out("bob\n", "ls", "/people", "--where", "email=bob@x");
    expect_out("ada\n", "ls", "/people", "--where", "id=ada");
    expect_out("", "ls", "/people", "--where", "email=nobody");
    expect_says(2, "bad_argument", "ls", "/people", "--where", "age=36");
    expect(0, "patch", "/people/ada", "-d", "{\"email\":\"z@x\"}");
    expect_out("bob\nada\n", "ls", "/people", "--by", "email");
    expect_out("ada\n", "ls", "/people", "--by", "email", "--after", "bob@x");
}

Test(storectl_list, a_long_listing_comes_whole)
{
    store_txn *txn;
    store_request request = STORE_REQUEST_INIT;

    assert_ok(store_begin(&txn, test_store(), false));
    request.txn = txn;
    assert_ok(store_make_collection(NULL, test_store(), "/many", &request));
    for (int i = 0; i < 3000; i++) {
        char location[32];
        snprintf(location, sizeof location, "/many/%04d", i);
        assert_ok(store_put(NULL, test_store(), location, "x", 1, &request));
    }
    assert_ok(store_commit(txn));
    expect(0, "ls", "/many");
    cr_assert_eq(said.out_size, 3000 * 5);
    cr_assert_eq(json_array_size(expect_json(0, "ls", "/many")), 3000);
}
