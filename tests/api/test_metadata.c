/* test_metadata.c - media types, user metadata, attributes: set, kept, replaced, limited. */
#include "api_test.h"

#include <stdio.h>

TestSuite(metadata, .init = begin_api_test, .fini = end_api_test);

static int meta_set(const char *location, const char *name, const char *value, const store_request *request)
{
    store_answer_clear(&answered);
    return store_meta_set(fresh_answer(), test_store(), location, name, value, value ? strlen(value) : 0, request);
}

static int set(const char *location, const store_request *request)
{
    store_answer_clear(&answered);
    return store_set(fresh_answer(), test_store(), location, request);
}

/* Asserts all of a node's items as "a=1 b=2". */
static void assert_meta(const char *location, const char *expected)
{
    char *text = NULL;
    size_t size, count;
    FILE *out = open_memstream(&text, &size);
    store_meta *items;

    assert_ok(store_meta_list(&items, &count, test_store(), location, NULL));
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s=%.*s", i ? " " : "", items[i].name, (int)items[i].size, (const char *)items[i].value);
    fclose(out);
    cr_assert_str_eq(text, expected);
    store_free(items);
    free(text);
}

static const store_meta two[] = { { "b", "2", 1 }, { "a", "1", 1 } };
#define TWO .flags = STORE_SET_META, .meta = two, .meta_count = 2

Test(metadata, goes_with_a_put_and_is_listed_by_name)
{
    assert_created("/a", put("/a", "1", WITH(TWO)));
    assert_meta("/a", "a=1 b=2");
}

Test(metadata, stays_when_a_put_says_nothing_and_goes_when_it_says_none)
{
    assert_created("/a", put("/a", "1", WITH(TWO)));
    assert_updated("/a", put("/a", "2", NULL));
    assert_meta("/a", "a=1 b=2");
    assert_updated("/a", put("/a", "2", WITH(.flags = STORE_SET_META)));
    assert_meta("/a", "");
}

Test(metadata, items_are_set_and_removed_one_by_one_as_new_versions)
{
    store_stat before;

    assert_created("/a", put("/a", "1", NULL));
    before = stat_of("/a");
    assert_updated("/a", meta_set("/a", "m", "1", NULL));
    assert_updated("/a", meta_set("/a", "l", "", NULL));
    assert_updated("/a", meta_set("/a", "m", "2", NULL));
    assert_meta("/a", "l= m=2");
    assert_updated("/a", meta_set("/a", "m", NULL, NULL));
    assert_meta("/a", "l=");
    assert_body("/a", "1");
    cr_assert_eq(stat_of("/a").modified, before.modified);
    cr_assert_geq(stat_of("/a").changed, before.changed);
    assert_refused(STORE_NOT_FOUND, meta_set("/a", "m", NULL, NULL));
}

Test(metadata, noreplace_and_noinsert_refuse_existing_and_missing_items)
{
    assert_created("/a", put("/a", "1", WITH(TWO)));
    assert_refused(STORE_KEY_CONFLICT, meta_set("/a", "a", "x", WITH(.flags = STORE_NOREPLACE)));
    assert_refused(STORE_NOT_FOUND, meta_set("/a", "c", "x", WITH(.flags = STORE_NOINSERT)));
    assert_updated("/a", meta_set("/a", "c", "x", WITH(.flags = STORE_NOREPLACE)));
    assert_updated("/a", meta_set("/a", "a", "x", WITH(.flags = STORE_NOINSERT)));
    assert_meta("/a", "a=x b=2 c=x");
}

Test(metadata, values_are_bytes)
{
    static const char bytes[] = "a\0\xff";
    void *value;
    size_t size;

    assert_created("/a", put("/a", "1", NULL));
    assert_ok(store_meta_set(NULL, test_store(), "/a", "bin", bytes, sizeof bytes, NULL));
    assert_ok(store_meta_get(&value, &size, test_store(), "/a", "bin", NULL));
    cr_assert_eq(size, sizeof bytes);
    cr_assert_arr_eq((char *)value, bytes, sizeof bytes);
    store_free(value);
    assert_refused(STORE_NOT_FOUND, store_meta_get(&value, &size, test_store(), "/a", "none", NULL));
    assert_refused(STORE_NOT_FOUND, store_meta_get(&value, &size, test_store(), "/none", "bin", NULL));
}

Test(metadata, collections_and_typed_objects_have_it_too)
{
    assert_ok(make_collection("/c", NULL));
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", "{}", WITH(TWO)));
    assert_ok(meta_set("/c", "m", "1", NULL));
    assert_meta("/c", "m=1");
    assert_ok(meta_set("/", "m", "root", NULL));
    assert_meta("/", "m=root");
    assert_ok(meta_set("/people", "m", "1", NULL));
    assert_meta("/people/ada", "a=1 b=2");
    assert_updated("/people/ada", patch("/people/ada", J("{'age':1}"), NULL));
    assert_meta("/people/ada", "a=1 b=2");
    cr_assert(stat_of("/people").typed);
}

Test(metadata, set_changes_the_type_without_the_body)
{
    assert_created("/a", put("/a", "1", WITH(TWO)));
    assert_updated("/a", set("/a", WITH(.type = "text/plain; charset=utf-8")));
    cr_assert_str_eq(stat_of("/a").type, "text/plain; charset=utf-8");
    assert_body("/a", "1");
    assert_meta("/a", "a=1 b=2");
    assert_updated("/a", set("/a", WITH(.flags = STORE_SET_META)));
    assert_meta("/a", "");
    assert_refused(STORE_NOT_FOUND, set("/none", WITH(.type = "text/plain")));
}

Test(metadata, attributes_are_what_posix_keeps)
{
    const unsigned every = STORE_ATTR_MODE | STORE_ATTR_OWNER | STORE_ATTR_GROUP | STORE_ATTR_MODIFIED |
                           STORE_ATTR_CHANGED;
    const store_attributes all = { .mask = every, .mode = 04751, .uid = 12, .gid = 34, .modified = 1000000007,
                                   .changed = 1000000008 };
    const store_attributes mode = { .mask = STORE_ATTR_MODE, .mode = 0600, .uid = 99 };
    store_stat stat;

    assert_created("/a", put("/a", "1", WITH(.attributes = &all)));
    stat = stat_of("/a");
    cr_assert_eq(stat.mode, 04751);
    cr_assert_eq(stat.uid, 12);
    cr_assert_eq(stat.gid, 34);
    cr_assert_eq(stat.modified, 1000000007);
    cr_assert_eq(stat.changed, 1000000008);
    assert_updated("/a", set("/a", WITH(.attributes = &mode)));
    stat = stat_of("/a");
    cr_assert_eq(stat.mode, 0600);
    cr_assert_eq(stat.uid, 12);
    cr_assert_eq(stat.modified, 1000000007);
    assert_updated("/a", put("/a", "2", NULL));
    cr_assert_eq(stat_of("/a").mode, 0600);
    cr_assert_gt(stat_of("/a").modified, 1000000007);
}

Test(metadata, a_time_of_access_is_kept_as_it_was_set)
{
    const store_attributes set_to = { .mask = STORE_ATTR_ACCESSED, .accessed = -7 };
    const store_attributes modified = { .mask = STORE_ATTR_MODIFIED, .modified = 1000000007 };
    store_stat stat;

    assert_created("/a", put("/a", "1", WITH(.attributes = &modified)));
    cr_assert_eq(stat_of("/a").accessed, 1000000007, "not set: that of modification");
    assert_updated("/a", set("/a", WITH(.attributes = &set_to)));
    stat = stat_of("/a");
    cr_assert_eq(stat.accessed, -7);
    cr_assert_eq(stat.modified, 1000000007);
    assert_updated("/a", put("/a", "2", NULL));
    assert_updated("/a", set("/a", WITH(.flags = STORE_SET_META, .type = "text/plain")));
    assert_created("/b", relocate("/a", "/b", NULL));
    cr_assert_eq(stat_of("/b").accessed, -7, "it outlives bodies, metadata and places");
    assert_created("/c", duplicate("/b", "/c", NULL));
    cr_assert_eq(stat_of("/c").accessed, stat_of("/c").modified, "a copy is new");
    assert_ok(make_collection("/d", NULL));
    assert_updated("/d", set("/d", WITH(.attributes = &set_to)));
    assert_created("/d/x", put("/d/x", "1", NULL));
    cr_assert_eq(stat_of("/d").accessed, -7);
    assert_ok(make_collection("/d/e", NULL));
    assert_ok(put("/d/e/x", "1", NULL));
    cr_assert_eq(stat_of("/d/e").accessed, stat_of("/d/e").modified);
}

Test(metadata, times_tell_creation_modification_and_change)
{
    store_stat first, second;

    assert_created("/a", put("/a", "1", NULL));
    first = stat_of("/a");
    cr_assert_gt(first.created, 1500000000LL * 1000000000);
    cr_assert_eq(first.created, first.modified);
    assert_updated("/a", put("/a", "2", NULL));
    second = stat_of("/a");
    cr_assert_eq(second.created, first.created);
    cr_assert_geq(second.modified, first.modified);
    cr_assert_eq(second.id, first.id);
}

Test(metadata, what_is_no_type_name_or_size_is_refused)
{
    static char large[STORE_META_MAX + 1];
    const store_meta same[] = { { "a", "1", 1 }, { "a", "2", 1 } }, slash[] = { { "a/b", "1", 1 } };
    const store_meta too_much[] = { { "a", large, 40000 }, { "b", large, 40000 } };
    const store_attributes wrong = { .mask = STORE_ATTR_MODE, .mode = 0100644 };
    static const char *const types[] = { "", "text", "/x", "text/", "text/x\n", "\xc3\xa4/x" };
    char long_type[STORE_TYPE_MAX + 10] = "text/";

    memset(long_type + 5, 'x', STORE_TYPE_MAX - 4);
    assert_created("/a", put("/a", "1", NULL));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        assert_refused(STORE_BAD_ARGUMENT, put("/a", "2", WITH(.type = types[i])));
    assert_refused(STORE_BAD_ARGUMENT, put("/a", "2", WITH(.type = long_type)));
    assert_refused(STORE_BAD_ARGUMENT, put("/a", "2", WITH(.meta = two, .meta_count = 2)));
    assert_refused(STORE_BAD_ARGUMENT, put("/a", "2", WITH(.flags = STORE_SET_META, .meta = same,
                                                           .meta_count = 2)));
    assert_refused(STORE_BAD_ARGUMENT, put("/a", "2", WITH(.flags = STORE_SET_META, .meta = slash,
                                                           .meta_count = 1)));
    assert_refused(STORE_TOO_LARGE, put("/a", "2", WITH(.flags = STORE_SET_META, .meta = too_much,
                                                        .meta_count = 2)));
    assert_refused(STORE_BAD_ARGUMENT, put("/a", "2", WITH(.attributes = &wrong)));
    assert_refused(STORE_BAD_ARGUMENT, meta_set("/a", "", "1", NULL));
    assert_refused(STORE_TOO_LARGE, store_meta_set(NULL, test_store(), "/a", "m", large, sizeof large, NULL));
}

Test(metadata, all_items_together_are_limited)
{
    static char large[40000];

    assert_created("/a", put("/a", "1", NULL));
    assert_ok(store_meta_set(NULL, test_store(), "/a", "m", large, sizeof large, NULL));
    assert_refused(STORE_TOO_LARGE, store_meta_set(NULL, test_store(), "/a", "n", large, sizeof large, NULL));
    assert_ok(store_meta_set(NULL, test_store(), "/a", "m", large, sizeof large, NULL));
    assert_updated("/a", meta_set("/a", "m", "1", NULL));
    assert_meta("/a", "m=1");
}

Test(metadata, of_a_replaced_range_and_a_moved_object_stays)
{
    assert_created("/a", put("/a", "12345", WITH(TWO)));
    assert_ok(store_patch_range(NULL, test_store(), "/a", 1, "x", 1, NULL));
    assert_created("/b", relocate("/a", "/b", NULL));
    assert_created("/c", duplicate("/b", "/c", NULL));
    assert_meta("/c", "a=1 b=2");
    assert_body("/c", "1x345");
}
