/* The examples of storectl(1), run as they are printed, in a directory of their own. */
#include "storectl_test.h"

TestSuite(storectl_manual, .init = begin_test, .fini = end_storectl);

/* Copies `line` to `script`, "/tmp" becoming the test's directory and roff's "\-" a dash. */
static void add_line(FILE *script, const char *line)
{
    for (; *line; line++) {
        if (strncmp(line, "/tmp", 4) == 0) {
            fputs(test_directory(), script);
            line += 3;
        } else if (*line != '\\') {
            fputc(*line, script);
        }
    }
}

/* The displays of the section EXAMPLES as one shell script, which stops at the first failure. */
static size_t write_script(const char *path)
{
    const char *root = getenv("STORE_SOURCE");
    char manual[4096], line[1024];
    bool examples = false, display = false;
    size_t lines = 0;

    snprintf(manual, sizeof manual, "%s/man/storectl.1", root ? root : ".");
    FILE *from = fopen(manual, "r"), *script = fopen(path, "w");
    cr_assert(from && script);
    fprintf(script, "set -e\nPATH=%.*s:$PATH\n", (int)(strlen(program("storectl")) - strlen("/storectl")),
            program("storectl"));
    while (fgets(line, sizeof line, from)) {
        if (strncmp(line, ".Sh ", 4) == 0)
            examples = strcmp(line, ".Sh EXAMPLES\n") == 0;
        else if (strncmp(line, ".Bd", 3) == 0 || strncmp(line, ".Ed", 3) == 0)
            display = line[1] == 'B' && line[2] == 'd';
        else if (examples && (display || strncmp(line, ".Dl ", 4) == 0))
            add_line(script, line + (display ? 0 : 4));
        lines += examples && display;
    }
    fclose(from);
    cr_assert_eq(fclose(script), 0);
    return lines;
}

Test(storectl_manual, every_example_runs)
{
    const char *script = test_path("script");

    cr_assert_gt(write_script(script), 15);
    run_other(WORDS("/bin/sh", script), NULL);
    assert_status(0, &said);
    cr_assert_not_null(strstr(said.out, "hello\n"), "%s", said.out);
    cr_assert_not_null(strstr(said.out, "{\"email\":\"countess@example.org\",\"id\":\"ada\"}"), "%s", said.out);
    cr_assert_not_null(strstr(said.out, "deleted /people/ada"), "%s", said.out);
}
