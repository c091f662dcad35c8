/* storectl import: trees, arrays and lines in; again, interrupted, refused. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "storectl_test.h"

TestSuite(storectl_import, .init = begin_storectl, .fini = end_storectl);

static void set_time(const char *path, long seconds)
{
    struct timespec times[2] = {{.tv_sec = seconds, .tv_nsec = 5}, {.tv_sec = seconds, .tv_nsec = 5}};

    cr_assert_eq(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* tree/{one, two, sub/three, sub/link -> three} */
static const char *make_tree(void)
{
    cr_assert_eq(mkdir(test_path("tree"), 0755), 0);
    cr_assert_eq(mkdir(test_path("tree/sub"), 0750), 0);
    write_file(test_path("tree/one"), "1");
    write_file(test_path("tree/two"), "22");
    write_file(test_path("tree/sub/three"), "333");
    cr_assert_eq(symlink("three", test_path("tree/sub/link")), 0);
    cr_assert_eq(chmod(test_path("tree/one"), 0640), 0);
    set_time(test_path("tree/one"), 1000000000);
    set_time(test_path("tree/sub"), 1100000000);
    return test_path("tree");
}

Test(storectl_import, a_tree_comes_with_names_modes_times_and_links)
{
    expect_out("imported /t: 4 created, 0 updated, 0 unchanged\n", "import", "/t", make_tree());
    expect_out("one\nsub\nsub/link\nsub/three\ntwo\n", "ls", "-R", "/t");
    expect_out("333", "get", "/t/sub/three");
    expect_out("three", "get", "/t/sub/link");
    expect_json(0, "stat", "/t/one");
    assert_member("mode", "0640");
    assert_member("modified", "2001-09-09T01:46:40.000000005Z");
    expect_json(0, "stat", "/t/sub");
    assert_member("mode", "0750");
    assert_member("modified", "2004-11-09T11:33:20.000000005Z");
}

Test(storectl_import, a_second_run_finds_all_unchanged)
{
    const char *tree = make_tree();

    expect(0, "import", "/t", tree);
    expect_json(0, "stat", "/t/one");
    const char *version = member("version");
    expect_json(0, "stats");
    const char *last = member("last_version");
    expect_out("imported /t: 0 created, 0 updated, 4 unchanged\n", "import", "/t", tree);
    cr_assert_str_eq(version_of("/t/one"), version);
    expect_json(0, "stats");
    assert_member("last_version", last);
    expect_json(0, "import", "/t", tree);
    assert_member("unchanged", "4");
    assert_member("bytes", "11");
}

Test(storectl_import, a_half_done_import_is_completed)
{
    const char *tree = make_tree();

    expect(0, "import", "/t", tree);
    expect(0, "rm", "/t/two");
    expect(0, "rm", "-r", "/t/sub");
    expect_out("imported /t: 3 created, 0 updated, 1 unchanged\n", "import", "/t", tree);
}

Test(storectl_import, what_differs_is_refused_and_the_rest_goes_on)
{
    const char *tree = make_tree();

    expect(0, "put", "/t/one", "-p", "-d", "other");
    expect_says(1, "storectl: /t/one: key_conflict: ", "import", "/t", tree);
    cr_assert_str_eq(said.out, "imported /t: 3 created, 0 updated, 0 unchanged, 1 refused\n");
    expect_out("other", "get", "/t/one");
    expect_out("imported /t: 0 created, 1 updated, 3 unchanged\n", "import", "--replace", "/t", tree);
    expect_out("1", "get", "/t/one");
}

Test(storectl_import, a_file_where_a_collection_is_and_the_other_way_round_is_refused)
{
    const char *tree = make_tree();

    expect(0, "put", "/t/one/x", "-p", "-d", "other");
    expect(0, "put", "/t/sub", "-d", "other");
    expect_says(1, "kind_conflict", "import", "/t", tree, "--replace");
    expect_out("one\none/x\nsub\ntwo\n", "ls", "-R", "/t");
}

Test(storectl_import, special_nodes_are_kept)
{
    const char *tree = make_tree();

    cr_assert_eq(mkfifo(test_path("tree/pipe"), 0600), 0);
    expect_out("imported /: 5 created, 0 updated, 0 unchanged\n", "import", "/", tree);
    expect_json(0, "stat", "/pipe");
    assert_member("kind", "special");
    assert_member("type", "inode/fifo");
    assert_member("mode", "0600");
    expect_out("imported /: 0 created, 0 updated, 5 unchanged\n", "import", "/", tree);
}

Test(storectl_import, special_nodes_and_files_take_each_others_place_when_replaced)
{
    const char *tree = make_tree();

    cr_assert_eq(mkfifo(test_path("tree/pipe"), 0600), 0);
    expect(0, "put", "/pipe", "-d", "a file");
    expect_says(1, "key_conflict", "import", "/", tree);
    expect(0, "import", "--replace", "/", tree);
    expect_says(1, "kind_conflict", "get", "/pipe");
    cr_assert_eq(unlink(test_path("tree/pipe")), 0);
    write_file(test_path("tree/pipe"), "a file");
    expect_says(1, "key_conflict", "import", "/", tree);
    expect(0, "import", "--replace", "/", tree);
    expect_out("a file", "get", "/pipe");
}

Test(storectl_import, names_the_store_cannot_have_are_refused)
{
    const char *tree = make_tree();

    write_file(test_path("tree/\xff"), "not UTF-8");
    expect_says(1, "bad_location", "import", "/", tree);
    expect_out("one\nsub\ntwo\n", "ls");
}

Test(storectl_import, extended_attributes_become_metadata_type_and_definition)
{
    const char *tree = make_tree(), *one = test_path("tree/one");

    if (setxattr(one, "user.author", "Ada", 3, 0) != 0)
        cr_skip_test("no extended attributes here");
    cr_assert_eq(setxattr(one, "user.store.type", "text/plain", 10, 0), 0);
    cr_assert_eq(setxattr(one, "user.store.etag", "x", 1, 0), 0);
    cr_assert_eq(mkdir(test_path("tree/people"), 0755), 0);
    cr_assert_eq(setxattr(test_path("tree/people"), "user.store.definition", PEOPLE, strlen(PEOPLE), 0), 0);
    write_file(test_path("tree/people/ada"), "{\"id\":\"ada\",\"email\":\"a@x\",\"age\":1}");
    expect(0, "import", "/", tree);
    expect_json(0, "stat", "/one");
    assert_member("type", "text/plain");
    assert_member("meta", "{\"author\":\"Ada\"}");
    expect_out("1", "get", "/people/ada/age");
    expect_out("imported /: 0 created, 0 updated, 5 unchanged\n", "import", "/", tree);
}

/* Whether the process has a handler for the signal by now. */
static bool catches(pid_t process, int number)
{
    char path[64], line[256];
    unsigned long long mask = 0;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)process);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof line, file))
        sscanf(line, "SigCgt: %llx", &mask);
    fclose(file);
    return mask >> (number - 1) & 1;
}

extern char **environ;

Test(storectl_import, a_signal_ends_it_whole_and_a_second_run_completes_it, .timeout = 60)
{
    const char *tree = make_tree();
    const char *argv[] = {program("storectl"), "-s", test_path("store"), "import", "/t", tree, NULL};
    store_txn *txn;
    pid_t child;
    int status;

    assert_ok(store_begin(&txn, test_store(), false)); /* nothing can be imported until it ends */
    cr_assert_eq(posix_spawn(&child, argv[0], NULL, NULL, (char **)argv, environ), 0);
    while (!catches(child, SIGTERM))
        sched_yield();
    cr_assert_eq(kill(child, SIGTERM), 0);
    store_abort(txn);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %x", (unsigned)status);
    expect(0, "import", "/t", tree);
    expect_out("one\nsub\nsub/link\nsub/three\ntwo\n", "ls", "-R", "/t");
}

Test(storectl_import, a_large_file_streams)
{
    const char *tree = make_tree();
    char line[256];

    FILE *file = fopen(test_path("tree/large"), "w");
    for (int i = 0; i < 100000; i++)
        fprintf(file, "%020d", i);
    fclose(file);
    expect(0, "import", "/t", tree);
    expect(0, "get", "/t/large", "-o", test_path("back"));
    snprintf(line, sizeof line, "%s", test_path("tree/large"));
    run_other(WORDS("cmp", line, test_path("back")), NULL);
    assert_status(0, &said);
    expect_out("imported /t: 0 created, 0 updated, 5 unchanged\n", "import", "/t", tree);
}

Test(storectl_import, a_tree_of_thousands_takes_several_batches)
{
    char name[32];

    cr_assert_eq(mkdir(test_path("many"), 0755), 0);
    cr_assert_eq(chdir(test_path("many")), 0);
    for (int i = 0; i < 1200; i++) {
        snprintf(name, sizeof name, "%d", i);
        write_file(name, name);
    }
    cr_assert_eq(chdir("/"), 0);
    expect_out("imported /m: 1200 created, 0 updated, 0 unchanged\n", "import", "/m", test_path("many"));
    expect_out("imported /m: 0 created, 0 updated, 1200 unchanged\n", "import", "/m", test_path("many"));
    expect_out("777", "get", "/m/777");
}

/* What every form of the same two people gives. */
static void check_people(const char *source, const char *const more[])
{
    const char *words[16] = {"import", "/people", source};
    size_t used = 3;

    for (; more && *more; more++)
        words[used++] = *more;
    expect(0, "define", "/people", "-d", PEOPLE);
    run_storectl(NULL, NULL, words);
    assert_status(0, &said);
    cr_assert_str_eq(said.out, "imported /people: 2 created, 0 updated, 0 unchanged\n");
    expect_out("ada\nbob\n", "ls", "/people");
    expect_out("{\"id\":\"bob\",\"email\":\"b@x\",\"age\":2}", "get", "/people/bob");
    run_storectl(NULL, NULL, words);
    cr_assert_str_eq(said.out, "imported /people: 0 created, 0 updated, 2 unchanged\n");
    expect(0, "rm", "-r", "/people");
}

#define ADA "{\"id\": \"ada\", \"email\": \"a@x\"}"
#define BOB "{\"id\": \"bob\",\n \"email\": \"b@x\", \"age\": 2}"

Test(storectl_import, an_array_is_found_where_it_is)
{
    const char *file = test_path("people.json");

    write_file(file, "[" ADA ", " BOB "]");
    check_people(file, NULL);
    write_file(file, "{\"about\": \"people\", \"all\": [" ADA "," BOB "]}");
    check_people(file, NULL);
    write_file(file, "{\"x\": [1], \"a/b\": [{}, {\"y\": [ " ADA " ," BOB " ] }]}");
    check_people(file, WORDS("--pointer", "/a~1b/1/y"));
    write_file(test_path("people"), "[" ADA ", " BOB "]");
    check_people(test_path("people"), WORDS("--format", "json"));
}

Test(storectl_import, a_document_without_its_array_is_refused)
{
    const char *file = test_path("people.json");

    expect(0, "define", "/people", "-d", PEOPLE);
    write_file(file, "{\"x\": [1], \"y\": [2]}");
    expect_says(1, "no array", "import", "/people", file);
    expect_says(1, "no array", "import", "/people", file, "--pointer", "/z");
    expect_says(1, "no array", "import", "/people", file, "--pointer", "/x/0");
    write_file(file, "[{}");
    expect_says(1, "bad_body", "import", "/people", file);
    expect_says(1, "not_found", "import", "/missing", file);
}

Test(storectl_import, lines_are_documents)
{
    const char *file = test_path("people.jsonl");

    write_file(file, ADA "\n\n  {\"id\":\"bob\",\"email\":\"b@x\",\"age\":2}\r\n");
    check_people(file, NULL);
    expect(0, "define", "/people", "-d", PEOPLE);
    expect_in(0, ADA "\n", "import", "/people", "-", "--format", "jsonl");
    expect_out("ada\n", "ls", "/people");
}

Test(storectl_import, what_the_schema_refuses_is_told_with_its_line)
{
    const char *file = test_path("people.jsonl");

    expect(0, "define", "/people", "-d", PEOPLE);
    write_file(file, ADA "\n{\"id\":\"bob\",\"age\":\"x\"}\nnot json\n{\"id\":\"eve\",\"email\":\"e@x\"}\n"
                         "{\"id\":\"dup\",\"email\":\"e@x\"}\n");
    expect_says(1, "  at line 2\n", "import", "/people", file);
    assert_says("  /age: ");
    assert_says("  at line 3\n");
    assert_says("  conflicts with /people/eve");
    cr_assert_str_eq(said.out, "imported /people: 2 created, 0 updated, 0 unchanged, 3 refused\n");
    expect_out("ada\neve\n", "ls", "/people");
}

Test(storectl_import, a_different_object_is_replaced_only_when_told)
{
    const char *file = test_path("people.jsonl");

    define_people();
    write_file(file, ADA "\n");
    expect_says(1, "key_conflict", "import", "/people", file);
    expect_out("36", "get", "/people/ada/age");
    expect_out("imported /people: 0 created, 1 updated, 0 unchanged\n", "import", "--replace", "/people", file);
    expect_out("0", "get", "/people/ada/age");
}

#define LOG                                                                                    \
    "{\"order\":\"auto\",\"key\":[\"n\"],\"schema\":{\"type\":\"object\",\"properties\":"       \
    "{\"n\":{\"type\":\"integer\"},\"text\":{\"type\":\"string\"}}}}"

Test(storectl_import, into_a_collection_that_assigns_keys_it_is_all_or_none)
{
    const char *file = test_path("log.jsonl");

    expect(0, "define", "/log", "-d", LOG);
    write_file(file, "{\"text\":\"a\"}\n{\"text\":1}\n{\"text\":\"c\"}\n");
    expect_says(1, "  at line 2\n", "import", "/log", file);
    expect_out("", "ls", "/log");
    write_file(file, "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
    expect_out("imported /log: 2 created, 0 updated, 0 unchanged\n", "import", "/log", file);
    expect_out("\"b\"", "get", "/log/2/text");
}

Test(storectl_import, a_plain_collection_wants_to_know_the_name)
{
    const char *file = test_path("plain.json");

    expect(0, "mkdir", "/plain");
    write_file(file, "[{\"name\": \"x\", \"n\": 1.10}, {\"name\": 7}, {\"name\": \"a/b\"}, {}]");
    expect_says(2, "--key must say", "import", "/plain", file);
    expect_says(1, "element 3", "import", "/plain", file, "--key", "name");
    assert_says("element 4");
    expect_out("7\nx\n", "ls", "/plain");
    expect_out("{\"name\":\"x\",\"n\":1.10}", "get", "/plain/x");
    expect_json(0, "stat", "/plain/x");
    assert_member("type", "application/json");
    define_people();
    expect_says(2, "--key is for plain", "import", "/people", file, "--key", "name");
}

Test(storectl_import, real_world_codes_load_and_load_again)
{
    const char *codes = "/usr/share/iso-codes/json/iso_3166-1.json";

    if (access(codes, R_OK) != 0)
        cr_skip_test("iso-codes is not installed");
    expect(0, "define", "/countries", "-d",
           "{\"order\":\"key\",\"key\":[\"alpha_2\"],\"unique\":[[\"alpha_3\"],[\"numeric\"]],\"schema\":{"
           "\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"alpha_2\":{\"type\":\"string\"},"
           "\"alpha_3\":{\"type\":\"string\"},\"numeric\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"
           "\"flag\":{\"type\":\"string\"},\"official_name\":{\"type\":\"string\"},"
           "\"common_name\":{\"type\":\"string\"}}}}");
    expect(0, "import", "/countries", codes);
    expect_out("\"France\"", "get", "/countries/FR/name");
    expect_out("FR\n", "ls", "/countries", "--where", "alpha_3=FRA");
    expect_json(0, "import", "/countries", codes);
    assert_member("created", "0");
    assert_member("refused", "0");
}

Test(storectl_import, hard_links_are_names_of_one_node)
{
    const char *tree = make_tree();

    cr_assert_eq(link(test_path("tree/one"), test_path("tree/sub/name")), 0);
    expect(0, "import", "/t", tree);
    expect_json(0, "stat", "/t/sub/name");
    assert_member("links", "2");
    expect(0, "put", "/t/one", "-d", "changed", "--replace");
    expect_out("changed", "get", "/t/sub/name");
    expect_says(1, "key_conflict", "import", "/t", tree);
}

Test(storectl_import, hard_links_into_a_typed_collection_are_objects_of_their_own)
{
    const char *tree = make_tree();

    write_file(test_path("tree/sub/a"), "{}");
    cr_assert_eq(link(test_path("tree/sub/a"), test_path("tree/sub/b")), 0);
    cr_assert_eq(unlink(test_path("tree/sub/three")), 0);
    cr_assert_eq(unlink(test_path("tree/sub/link")), 0);
    expect(0, "mkdir", "/t");
    expect(0, "define", "/t/sub", "--data",
           "{\"key\":[\"k\"],\"schema\":{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\"}}}}");
    expect(0, "import", "/t", tree);
    expect_out("a\nb\n", "ls", "/t/sub");
    expect_out("{\"k\":\"b\"}", "get", "/t/sub/b");
}
