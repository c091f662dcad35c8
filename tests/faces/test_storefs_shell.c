/* storefs: what a shell's redirection does with descriptors, and what other faces see of it. */
#include "storefs_test.h"

TestSuite(storefs_shell, .init = begin_storefs, .fini = end_storefs);

/* How many changes the store saw of a location since a version. */
static int changes_since(uint64_t version, const char *location)
{
    store_change change;
    store_feed *feed;
    int count = 0;

    assert_ok(store_feed_open(&feed, test_store(), location, version));
    while (store_feed_next(&change, feed, 0) == STORE_OK)
        count++;
    store_feed_close(feed);
    return count;
}

static void assert_one_put(const char *script, const char *text)
{
    uint64_t before;

    assert_ok(store_last_version(&before, test_store()));
    shell(script);
    assert_body("/a", text);
    cr_assert_eq(changes_since(before, "/a"), 1, "%d changes by %s", changes_since(before, "/a"), script);
}

Test(storefs_shell, a_redirection_is_one_put_and_never_an_empty_one)
{
    assert_one_put("echo one > a", "one\n");
    assert_one_put("echo two > a", "two\n");
    assert_one_put("echo three >> a", "two\nthree\n");
    assert_one_put("(echo 1; /bin/echo 2; echo 3) > a", "1\n2\n3\n");
    assert_one_put("echo four | cat > a", "four\n");
    assert_one_put(": > a", "");
}

Test(storefs_shell, a_child_hears_of_a_refusal_of_what_it_wrote)
{
    define_typed("/people");
    shell("echo '{\"id\":\"bob\",\"age\":\"old\"}' > wrong");
    shell("! cat wrong > people/bob");
    assert_not_stored("/people/bob");
    shell("(echo '{\"id\":'; /bin/echo '\"bob\"'; echo '}') > people/bob");
    assert_body("/people/bob/id", "\"bob\"");
}
