/* test_pages.c - a set of page numbers, compared with an array of flags. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "fusefs/pages.h"

Test(pages, an_empty_set_has_nothing)
{
    struct pages pages = { 0 };

    cr_assert_not(pages_has(&pages, 0));
    cr_assert_eq(pages_next(&pages, 0), PAGES_NONE);
    cr_assert_eq(pages_next_absent(&pages, 7), 7);
    pages_remove(&pages, 0, 1000);
    cr_assert(pages_add(&pages, 5, 5));
    cr_assert_eq(pages.total, 0);
    pages_release(&pages);
}

Test(pages, far_apart_they_take_little_memory)
{
    struct pages pages = { 0 };

    for (uint64_t i = 0; i < 60; i++)
        cr_assert(pages_add(&pages, (uint64_t)1 << i, ((uint64_t)1 << i) + 1));
    cr_assert_eq(pages.total, 60);
    cr_assert_leq(pages.count, 60);
    for (uint64_t i = 0; i < 59; i++)
        cr_assert_eq(pages_next(&pages, ((uint64_t)1 << i) + 1), (uint64_t)1 << (i + 1));
    pages_release(&pages);
}

enum { MODEL = 20000 };

static void assert_same(const struct pages *pages, const bool *model)
{
    uint64_t next = PAGES_NONE, absent = MODEL, total = 0;

    for (uint64_t page = MODEL; page-- > 0;) {
        total += model[page];
        next = model[page] ? page : next;
        absent = model[page] ? absent : page;
        cr_assert_eq(pages_has(pages, page), model[page], "page %lu", (unsigned long)page);
        cr_assert_eq(pages_next(pages, page), next, "next of %lu", (unsigned long)page);
        cr_assert_eq(pages_next_absent(pages, page), absent, "absent from %lu", (unsigned long)page);
    }
    cr_assert_eq(pages->total, total);
}

Test(pages, any_ranges_come_and_go)
{
    static bool model[MODEL];
    struct pages pages = { 0 };

    srandom(7);
    for (int round = 0; round < 400; round++) {
        uint64_t first = (uint64_t)random() % MODEL, most = round % 3 == 0 ? 9000 : 80;
        uint64_t end = first + (uint64_t)random() % most;
        bool add = random() % 2;
        end = end < MODEL ? end : MODEL;
        for (uint64_t page = first; page < end; page++)
            model[page] = add;
        if (add)
            cr_assert(pages_add(&pages, first, end));
        else
            pages_remove(&pages, first, end);
        if (round % 10 == 0)
            assert_same(&pages, model);
    }
    assert_same(&pages, model);
    pages_release(&pages);
}
