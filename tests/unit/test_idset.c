/* test_idset.c - a set of ids. */
#include <criterion/criterion.h>

#include "idset.h"

Test(idset, an_empty_set_has_nothing)
{
    struct idset set = IDSET_INIT;

    cr_assert_not(idset_has(&set, 0));
    cr_assert_not(idset_has(&set, 1));
    idset_release(&set);
}

Test(idset, what_was_added_is_known)
{
    struct idset set = IDSET_INIT;

    for (uint64_t i = 0; i < 10000; i++)
        cr_assert_eq(idset_add(&set, i * i << 20), IDSET_NEW);
    for (uint64_t i = 0; i < 10000; i++)
        cr_assert_eq(idset_add(&set, i * i << 20), IDSET_KNOWN);
    cr_assert_not(idset_has(&set, 3 << 20));
    cr_assert(idset_has(&set, 4 << 20));
    cr_assert(idset_has(&set, 0));
    idset_release(&set);
}

Test(idset, the_greatest_id_is_one_like_any_other)
{
    struct idset set = IDSET_INIT;

    cr_assert_eq(idset_add(&set, UINT64_MAX), IDSET_NEW);
    cr_assert(idset_has(&set, UINT64_MAX));
    cr_assert_eq(idset_add(&set, UINT64_MAX), IDSET_KNOWN);
    idset_release(&set);
}
