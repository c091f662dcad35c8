/* storectl batch: many verbs, one transaction. */
#include "storectl_test.h"

TestSuite(storectl_batch, .init = begin_storectl, .fini = end_storectl);

Test(storectl_batch, every_verb_works_and_answers_a_line)
{
    expect_in(0,
              "{\"verb\":\"mkdir\",\"location\":\"/c\"}\n"
              "\n"
              "{\"verb\":\"put\",\"location\":\"/c/json\",\"body\":{\"x\": 1.10}}\n"
              "{\"verb\":\"put\",\"location\":\"/c/text\",\"text\":\"t\\u00e9xt\",\"type\":\"text/plain\","
              "\"meta\":{\"a\":\"1\"}}\n"
              "{\"verb\":\"put\",\"location\":\"/c/bytes\",\"base64\":\"AAEC/w==\"}\n"
              "{\"verb\":\"put\",\"location\":\"/c/link\",\"target\":\"text\"}\n"
              "{\"verb\":\"patch\",\"location\":\"/c/text\",\"offset\":0,\"text\":\"T\"}\n"
              "{\"verb\":\"copy\",\"from\":\"/c\",\"to\":\"/d\"}\n"
              "{\"verb\":\"move\",\"from\":\"/d/text\",\"to\":\"/d/json\",\"replace\":true}\n"
              "{\"verb\":\"delete\",\"location\":\"/c/link\"}\n"
              "{\"verb\":\"define\",\"location\":\"/people\",\"body\":" PEOPLE "}\n"
              "{\"verb\":\"put\",\"location\":\"/people/ada\",\"body\":{\"age\":1}}\n"
              "{\"verb\":\"patch\",\"location\":\"/people/ada\",\"body\":{\"age\":2}}\n"
              "{\"verb\":\"patch\",\"location\":\"/people/ada\",\"patch\":\"json\",\"body\":"
              "[{\"op\":\"replace\",\"path\":\"/email\",\"value\":\"a\"}]}\n"
              "{\"verb\":\"post\",\"location\":\"/people\",\"body\":{\"id\":\"bob\"}}\n"
              "{\"verb\":\"set\",\"location\":\"/c/bytes\",\"type\":\"image/x-dot\"}",
              "batch");
    cr_assert_eq(strncmp(said.out, "created /c  version ", 20), 0, "%s", said.out);
    cr_assert_not_null(strstr(said.out, "deleted /c/link"), "%s", said.out);
    expect_out("{\"x\": 1.10}", "get", "/c/json");
    expect_out("T\xc3\xa9xt", "get", "/d/json");
    expect_out("1\n", "meta", "/c/text", "a");
    expect(0, "get", "/c/bytes");
    cr_assert_eq(said.out_size, 4);
    cr_assert_eq(memcmp(said.out, "\0\1\2\xff", 4), 0);
    expect_json(0, "get", "/people/ada");
    assert_member("age", "2");
    assert_member("email", "a");
    expect_json(0, "stat", "/c/bytes");
    assert_member("type", "image/x-dot");
    expect_out("bytes\njson\ntext\n", "ls", "/c");
}

Test(storectl_batch, the_first_failure_undoes_all_and_names_its_line)
{
    const char *lines = "{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\"}\n"
                        "{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"2\",\"noreplace\":true}\n"
                        "{\"verb\":\"put\",\"location\":\"/b\",\"text\":\"3\"}\n";

    expect_in(1, lines, "batch");
    assert_says("storectl: /a: key_conflict: ");
    assert_says("at line 2");
    cr_assert_str_empty(said.out);
    expect_out("", "ls");
    expect_json_in(1, lines, "batch");
    assert_member("code", "key_conflict");
    assert_member("line", "2");
}

Test(storectl_batch, conditions_hold_inside_the_transaction)
{
    char text[512];

    expect(0, "put", "/a", "-d", "1");
    snprintf(text, sizeof text,
             "{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"2\",\"if_match\":\"%s\"}\n"
             "{\"verb\":\"put\",\"location\":\"/b\",\"text\":\"2\",\"if_none_match\":\"*\"}\n"
             "{\"verb\":\"put\",\"location\":\"/x/y\",\"text\":\"2\",\"parents\":true}\n"
             "{\"verb\":\"delete\",\"location\":\"/x\",\"recursive\":true,\"if_match\":\"*\"}\n",
             version_of("/a"));
    expect_in(0, text, "batch");
    expect_out("2", "get", "/a");
    expect_in(1, text, "batch");
    assert_says("precondition_failed");
    expect_out("a\nb\n", "ls");
}

Test(storectl_batch, a_dry_run_answers_and_changes_nothing)
{
    write_file(test_path("lines"), "{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\"}\n"
                                   "{\"verb\":\"put\",\"location\":\"/a/b\",\"text\":\"1\"}\n");
    expect(1, "batch", "--dry-run", test_path("lines"));
    write_file(test_path("lines"), "{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\"}\n");
    expect_out("created /a  (dry run)\n", "batch", "-n", test_path("lines"));
    expect_out("", "ls");
    expect_json(0, "batch", test_path("lines"));
    assert_member("outcome", "created");
}

static const struct {
    const char *line, *says;
} refused[] = {
    {"{", "line 1: "},
    {"[]", "is no JSON object"},
    {"{\"location\":\"/a\"}", "verb is missing"},
    {"{\"verb\":\"frob\",\"location\":\"/a\"}", "unknown verb frob"},
    {"{\"verb\":\"put\",\"text\":\"1\"}", "location is missing"},
    {"{\"verb\":\"put\",\"location\":\"/a\"}", "put needs body, text or base64"},
    {"{\"verb\":\"delete\",\"location\":\"/a\",\"text\":\"1\"}", "delete takes no body"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\",\"body\":1}", "only one of"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"text\":1}", "text must be a string"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"base64\":\"A\"}", "is no base64"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"base64\":\"A===\"}", "is no base64"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"base64\":\"AA=A\"}", "is no base64"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\",\"replace\":1}", "must be true or false"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\",\"frob\":true}", "unknown member frob"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\",\"if_match\":\"12\"}", "16 hex digits"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\",\"if_none_match\":\"12\"}", "must be *"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\",\"meta\":{\"a\":1}}", "object of strings"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\",\"offset\":1}", "are for patch"},
    {"{\"verb\":\"patch\",\"location\":\"/a\",\"text\":\"1\",\"offset\":-1}", "number of bytes"},
    {"{\"verb\":\"patch\",\"location\":\"/a\",\"text\":\"1\",\"patch\":\"x\"}", "merge or json"},
    {"{\"verb\":\"move\",\"from\":\"/a\"}", "to is missing"},
    {"{\"verb\":\"move\",\"location\":\"/a\",\"to\":\"/b\"}", "from is missing"},
    {"{\"verb\":\"put\",\"location\":\"/a\",\"text\":\"1\",\"text\":\"2\"}", "line 1: "},
    {"{\"verb\":\"put\",\"location\":\"no/location\",\"text\":\"1\"}", "bad_location"},
};

Test(storectl_batch, a_malformed_line_is_a_true_no_with_its_reason)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        expect_in(1, refused[i].line, "batch");
        assert_says(refused[i].says);
    }
    expect_says(2, "cannot open", "batch", "/no/such/file");
}
