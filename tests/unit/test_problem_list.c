/* test_problem_list.c - problems of refused bodies, by path. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusefs/problem.h"

static struct problem_list *list;

static void begin(void)
{
    list = problem_list_new();
    cr_assert_not_null(list);
}

static void end(void)
{
    problem_list_free(list);
}

TestSuite(problem_list, .init = begin, .fini = end);

static void assert_kept(uint64_t parent, const char *name, const char *json)
{
    char *found = problem_find(list, parent, name);

    if (json)
        cr_assert_str_eq(found, json);
    else
        cr_assert_null(found);
    free(found);
}

Test(problem_list, the_last_one_of_a_path_counts)
{
    problem_keep(list, 1, "ada", "{\"a\":1}");
    problem_keep(list, 2, "ada", "{\"b\":1}");
    problem_keep(list, 1, "ada", "{\"c\":1}");
    assert_kept(1, "ada", "{\"c\":1}");
    assert_kept(2, "ada", "{\"b\":1}");
    assert_kept(1, "bob", NULL);
}

Test(problem_list, what_is_forgotten_is_gone)
{
    problem_keep(list, 1, "ada", "{}");
    problem_forget(list, 1, "bob");
    problem_forget(list, 1, "ada");
    assert_kept(1, "ada", NULL);
}

Test(problem_list, a_rename_takes_it_along)
{
    problem_keep(list, 1, "ada", "{\"a\":1}");
    problem_keep(list, 2, "bob", "{\"b\":1}");
    problem_move(list, 1, "ada", 2, "bob");
    assert_kept(1, "ada", NULL);
    assert_kept(2, "bob", "{\"a\":1}");
    problem_move(list, 1, "ada", 2, "bob");
    assert_kept(2, "bob", NULL);
}

Test(problem_list, those_not_asked_for_the_longest_go_first)
{
    char name[16];

    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        problem_keep(list, 1, name, "{}");
    }
    assert_kept(1, "n0", "{}");
    problem_keep(list, 1, "one more", "{}");
    assert_kept(1, "n0", "{}");
    assert_kept(1, "n1", NULL);
    assert_kept(1, "n2", "{}");
}

Test(problem_list, their_bytes_are_bounded_too)
{
    static char large[1 << 20];

    memset(large, 'x', sizeof large - 1);
    for (uint64_t parent = 1; parent <= 5; parent++)
        problem_keep(list, parent, "ada", large);
    assert_kept(1, "ada", NULL);
    assert_kept(2, "ada", NULL);
    assert_kept(3, "ada", large);
    assert_kept(5, "ada", large);
}
