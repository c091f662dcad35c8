/* storectl's command line itself: help, misuse, exit statuses, the tables against the manual. */
#include "storectl_test.h"

TestSuite(storectl_usage, .init = begin_storectl, .fini = end_storectl);

/* Runs without -s, so that all words are the test's. */
static void run_bare(const char *input, const char *const words[])
{
    const char *argv[WORDS_MAX] = {program("storectl")};

    for (size_t i = 0; words[i]; i++)
        argv[i + 1] = words[i];
    command_clear(&said);
    run_other(argv, input);
}

#define expect_bare(wanted, ...)                                                               \
    do {                                                                                       \
        run_bare(NULL, WORDS(__VA_ARGS__));                                                    \
        assert_status(wanted, &said);                                                          \
    } while (0)

Test(storectl_usage, help_of_the_program_lists_every_command)
{
    static const char *const names[] = {
        "init",   "put",   "patch", "post",  "get",    "stat",    "meta",  "ls",      "rm",  "mv",     "cp",
        "mkdir",  "define", "import", "export", "batch", "watch", "check", "backup", "compact", "stats", "readers",
        "help"};

    expect_bare(0, "--help");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char line[32];
        snprintf(line, sizeof line, "\n  %s ", names[i]);
        assert_says(line);
    }
    cr_assert_str_empty(said.err);
}

Test(storectl_usage, help_of_every_command_is_the_same_both_ways)
{
    char *table, *line, *rest;

    expect_bare(0, "--complete");
    table = strdup(said.out);
    rest = table;
    strsep(&rest, "\n"); /* the global options */
    while ((line = strsep(&rest, "\n")) && *line) {
        char *name = strsep(&line, "\t");
        expect_bare(0, name, "--help");
        char *first = strdup(said.out);
        cr_assert_not_null(strstr(first, "usage: storectl"), "%s", first);
        expect_bare(0, "help", name);
        cr_assert_str_eq(said.out, first);
        free(first);
    }
    free(table);
}

/* The manual with its roff escapes of "-" taken out. */
static char *read_manual(void)
{
    const char *root = getenv("STORE_SOURCE");
    char path[4096];
    static char text[1 << 17];

    snprintf(path, sizeof path, "%s/man/storectl.1", root ? root : ".");
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void check_manual_option(const char *manual, const char *command, const char *option)
{
    char text[64];

    snprintf(text, sizeof text, "Fl %s%s", option[1] == '-' ? "Fl " : "", option + (option[1] == '-' ? 2 : 1));
    cr_expect(strstr(manual, text), "%s %s is not in the manual", command, option);
}

Test(storectl_usage, the_manual_has_every_command_and_option)
{
    char *manual = read_manual();
    char *line, *rest, *option;

    expect_bare(0, "--complete");
    rest = said.out;
    while ((line = strsep(&rest, "\n")) && *line) {
        char *name = strsep(&line, "\t");
        char *options = strsep(&line, "\t");
        char heading[64];
        snprintf(heading, sizeof heading, "\n.It Cm %s", name);
        cr_expect(!*name || strstr(manual, heading), "%s is not in the manual", name);
        while ((option = strsep(&options, " ")) && *option)
            check_manual_option(manual, name, option);
    }
}

Test(storectl_usage, version_is_the_librarys)
{
    char text[64];

    expect_bare(0, "--version");
    snprintf(text, sizeof text, "storectl %s\n", store_library_version());
    cr_assert_str_eq(said.out, text);
}

static const struct {
    const char *words[6];
    const char *says;
} misuse[] = {
    {{"frobnicate"}, "unknown command frobnicate"},
    {{"get"}, "arguments are missing"},
    {{"get", "/a", "/b"}, "too many arguments"},
    {{"get", "/a", "--frob"}, "unknown option --frob"},
    {{"get", "-x", "/a"}, "unknown option -x"},
    {{"get", "--replace", "/a"}, "unknown option --replace"},
    {{"get", "/a", "-o"}, "option -o needs FILE"},
    {{"get", "/a", "--range"}, "option --range needs A-B"},
    {{"get", "/a", "--range", "5"}, "none of A-B"},
    {{"get", "/a", "--range", "5-2"}, "none of A-B"},
    {{"get", "/a", "--range", "-"}, "none of A-B"},
    {{"ls", "--long=yes"}, "takes no value"},
    {{"ls", "--limit", "many"}, "is no number"},
    {{"ls", "--limit", "-1"}, "is no number"},
    {{"ls", "--limit", "99999999999999999999"}, "is no number"},
    {{"ls", "--limit", "0"}, "lists nothing"},
    {{"ls", "--where", "email"}, "is not NAME=VALUE"},
    {{"ls", "-R", "--prefix", "a"}, "-R goes with neither"},
    {{"put", "/a", "FILE", "--data", "1"}, "exclude each other"},
    {{"put", "/a", "--if-match", "12"}, "neither 16 hex digits nor *"},
    {{"put", "/a", "--meta", "x"}, "is not NAME=VALUE"},
    {{"put", "/a", "--link", "t", "FILE"}, "--link takes no FILE"},
    {{"put", "/a", "/no/such/file"}, "cannot open"},
    {{"patch", "/a", "--offset", "1", "--json-patch"}, "exclude each other"},
    {{"patch", "/a", "--offset", "x", "--data"}, "needs TEXT"},
    {{"define", "/a", "--plain", "FILE"}, "takes no definition"},
    {{"define", "/a", "--dry-run"}, "no definition given"},
    {{"meta", "/a", "x", "y=1"}, "two commands"},
    {{"watch", "--since", "12"}, "neither 16 hex digits nor start"},
    {{"watch", "--timeout", "soon"}, "is no number of seconds"},
    {{"import", "/", "-"}, "needs --format"},
    {{"import", "/", "x", "--format", "xml"}, "is none of tree, json and jsonl"},
    {{"import", "/", "x", "--pointer", "/a"}, "--pointer is for .json"},
    {{"import", "/", "x", "--key", "a"}, "--key is for .json"},
    {{"import", "/", "/no/such/tree"}, "cannot open"},
    {{"export", "/", "-", "--format", "tree"}, "a tree needs a directory"},
    {{"help", "frobnicate"}, "unknown command"},
};

Test(storectl_usage, misuse_is_status_2_and_says_why)
{
    for (size_t i = 0; i < sizeof misuse / sizeof *misuse; i++) {
        run_storectl(NULL, NULL, misuse[i].words);
        assert_status(2, &said);
        assert_says(misuse[i].says);
        cr_expect_str_empty(said.out);
    }
}

Test(storectl_usage, misuse_is_problem_json_when_asked)
{
    expect_json(2, "get", "/a", "--range", "x");
    assert_member("code", "bad_argument");
    assert_member("status", "400");
}

Test(storectl_usage, a_malformed_location_is_misuse)
{
    expect_says(2, "bad_location", "get", "people");
    expect(2, "get", "/a//b");
    expect(2, "put", "/a/..", "--data", "1");
}

Test(storectl_usage, without_a_command_or_a_store_nothing_is_done)
{
    run_bare(NULL, (const char *const[]){NULL});
    assert_status(2, &said);
    assert_says("no command given");
    expect_bare(2, "ls");
    assert_says("no store given");
}

Test(storectl_usage, the_store_may_come_from_the_environment)
{
    cr_assert_eq(setenv("STORE", test_path("store"), 1), 0);
    expect_bare(0, "put", "/a", "--data", "1");
    expect_bare(0, "get", "/a");
    cr_assert_str_eq(said.out, "1");
    unsetenv("STORE");
}

Test(storectl_usage, options_may_stand_anywhere)
{
    const char *path = test_path("store");

    expect_bare(0, "put", "--data=1", "--store", path, "/a");
    expect_bare(0, "-s", path, "ls", "-lR", "/");
    expect_bare(0, "--json", "ls", "/", "-s", path);
    cr_assert_eq(said.out[0], '[');
    expect_bare(2, "ls", "-s", path, "--", "--json");
}

Test(storectl_usage, a_store_that_cannot_be_opened_is_status_3)
{
    expect_bare(3, "-s", test_path("missing"), "ls");
    assert_says("not_found");
    write_file(test_path("file"), "no store");
    expect_bare(3, "-s", test_path("file"), "ls");
    expect_bare(3, "-s", test_path("missing"), "check");
    expect_bare(3, "-s", test_path("missing"), "compact");
}

Test(storectl_usage, init_makes_a_store_once)
{
    const char *path = test_path("new");

    expect_bare(0, "-s", path, "init");
    cr_assert_str_eq(said.out + strlen("created "), strcat(strcpy((char[4096]){0}, path), "\n"));
    expect_bare(1, "-s", path, "init");
    assert_says("key_conflict");
    expect_bare(0, "--json", "-s", test_path("other"), "init");
    read_json();
    assert_member("outcome", "created");
    assert_member("path", test_path("other"));
}

Test(storectl_usage, output_that_cannot_be_written_is_status_3)
{
    char *line = NULL;

    expect(0, "put", "/a", "--data", "1");
    cr_assert_geq(asprintf(&line, "%s -s %s ls >/dev/full", program("storectl"), test_path("store")), 0);
    run_other(WORDS("/bin/sh", "-c", line), NULL);
    assert_status(3, &said);
    assert_says("cannot write to standard output");
    free(line);
    cr_assert_geq(asprintf(&line, "%s -s %s get /a >/dev/full", program("storectl"), test_path("store")), 0);
    run_other(WORDS("/bin/sh", "-c", line), NULL);
    assert_status(3, &said);
    free(line);
    expect(3, "get", "/a", "-o", "/no/such/directory/file");
    expect(3, "get", "/a", "-o", "/dev/full");
}

Test(storectl_usage, every_code_has_its_exit_status)
{
    expect(1, "get", "/missing");
    expect(0, "put", "/a", "--data", "1");
    expect(1, "put", "/a", "--data", "1", "--noreplace");
    expect(1, "put", "/x/y", "--data", "1");
    expect(1, "put", "/a/b", "--data", "1");
    expect(1, "get", "/");
    expect(1, "put", "/a", "--data", "1", "--if-none-match");
    expect(0, "mkdir", "/c");
    expect(0, "put", "/c/d", "--data", "1");
    expect(1, "rm", "/c");
    expect(1, "define", "/t", "--data", "{\"frob\":1}");
}

Test(storectl_usage, the_completion_script_knows_commands_and_options)
{
    const char *root = getenv("STORE_SOURCE");
    char *script = NULL;

    expect(0, "put", "/apple", "--data", "1");
    expect(0, "mkdir", "/apricots");
    cr_assert_geq(asprintf(&script,
                           "source '%s/cli/storectl.bash-completion'\n"
                           "compopt() { :; }\n"
                           "try() { COMP_WORDS=(%s \"$@\"); COMP_CWORD=$#; COMPREPLY=(); _storectl;"
                           " echo \"${COMPREPLY[*]}\"; }\n"
                           "export STORE=%s\ntry rea\ntry put --if\ntry get /ap\ntry help com\n",
                           root ? root : ".", program("storectl"), test_path("store")),
                  0);
    run_other(WORDS("bash", "-c", script), NULL);
    free(script);
    assert_status(0, &said);
    cr_assert_str_eq(said.out, "readers\n--if-match --if-none-match\n/apple /apricots/\ncompact\n");
}
