/* The example programs, as a reader of the documents would run them. */
#include <string.h>

#include "support.h"

TestSuite(examples, .init = begin_test, .fini = end_test);

/* Runs an example on a new store; asserts that it ends well and says this. */
static void expect_example(const char *name, const char *const lines[])
{
    struct command_result result = {0};
    const char *const argv[] = {program(name), test_path("store"), NULL};

    run_command(&result, argv, NULL);
    assert_status(0, &result);
    for (; *lines; lines++)
        cr_expect(strstr(result.out, *lines), "%s does not say \"%s\":\n%s", name, *lines, result.out);
    cr_expect_str_empty(result.err);
    command_clear(&result);
}

static void expect_usage(const char *name)
{
    struct command_result result = {0};
    const char *const argv[] = {program(name), NULL};

    run_command(&result, argv, NULL);
    assert_status(2, &result);
    command_clear(&result);
}

Test(examples, put_get_puts_gets_and_is_refused)
{
    expect_example("examples/put_get", (const char *const[]){"created /notes/first, version ",
                                                             "told: precondition_failed",
                                                             "hello again (11 bytes, text/plain)", NULL});
    expect_usage("examples/put_get");
}

Test(examples, typed_people_shows_refusals_and_finds_by_email)
{
    expect_example("examples/typed_people",
                   (const char *const[]){"refused: /age: ", "refused: /phone: ",
                                         "conflict: ada@example.org belongs to /people/ada",
                                         "ada@example.org is 36 at /people/ada", NULL});
    expect_usage("examples/typed_people");
}

Test(examples, watch_changes_tells_three_changes)
{
    expect_example("examples/watch_changes",
                   (const char *const[]){" created /draft\n", " moved /letter from /draft\n", " deleted /letter\n",
                                         NULL});
    expect_usage("examples/watch_changes");
}
