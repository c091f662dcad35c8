/* test_special.c - FIFOs, sockets and device nodes. */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "api_test.h"

TestSuite(special, .init = begin_api_test, .fini = end_api_test);

static const store_meta color = { "color", "red", 3 };

static int put_special(const char *location, uint32_t special, uint64_t device, const store_request *request)
{
    return store_put_special(fresh_answer(), test_store(), location, special, device, request);
}

Test(special, each_kind_is_kept_with_its_attributes)
{
    const store_attributes attributes = { .mask = STORE_ATTR_MODE | STORE_ATTR_OWNER, .mode = 0620, .uid = 7 };
    store_stat stat;

    assert_created("/fifo", put_special("/fifo", S_IFIFO, 0, WITH(.attributes = &attributes)));
    stat = stat_of("/fifo");
    cr_assert_eq(stat.kind, STORE_SPECIAL);
    cr_assert_eq(stat.special, S_IFIFO);
    cr_assert_eq(stat.size, 0);
    cr_assert_eq(stat.mode, 0620);
    cr_assert_eq(stat.uid, 7);
    cr_assert_str_eq(stat.type, "inode/fifo");
    assert_created("/d/socket", put_special("/d/socket", S_IFSOCK, 0, WITH(.flags = STORE_PARENTS)));
    cr_assert_str_eq(stat_of("/d/socket").type, "inode/socket");
    assert_created("/tty", put_special("/tty", S_IFCHR, makedev(4, 300), NULL));
    cr_assert_eq(stat_of("/tty").device, makedev(4, 300));
    cr_assert_eq(stat_of("/tty").mode, 0644);
    cr_assert_str_eq(stat_of("/tty").type, "inode/chardevice");
    assert_created("/disk", put_special("/disk", S_IFBLK, makedev(8, 1), NULL));
    cr_assert_str_eq(stat_of("/disk").type, "inode/blockdevice");
    assert_names("d disk fifo tty", "/", NULL);
}

Test(special, it_has_no_body)
{
    store_answer *out = fresh_answer();
    store_reader *reader;
    store_writer *writer;
    store_view view;
    char byte;
    void *body;
    size_t size;

    assert_created("/fifo", put_special("/fifo", S_IFIFO, 0, NULL));
    assert_refused(STORE_KIND_CONFLICT, store_get(&body, &size, NULL, test_store(), "/fifo", NULL));
    assert_refused(STORE_KIND_CONFLICT, store_read(&size, test_store(), "/fifo", &byte, 1, 0, NULL));
    assert_refused(STORE_KIND_CONFLICT, store_view_open(&view, test_store(), "/fifo", NULL));
    assert_refused(STORE_KIND_CONFLICT, store_reader_open(&reader, test_store(), "/fifo", NULL));
    assert_refused(STORE_KIND_CONFLICT, store_writer_open(&writer, test_store(), "/fifo", NULL));
    assert_refused(STORE_KIND_CONFLICT, put("/fifo", "1", NULL));
    assert_refused(STORE_KIND_CONFLICT, put("/fifo", "1", WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_KIND_CONFLICT, store_put_link(out, test_store(), "/fifo", "x", NULL));
    assert_refused(STORE_KIND_CONFLICT, store_patch_range(out, test_store(), "/fifo", 0, "1", 1, NULL));
    assert_refused(STORE_KIND_CONFLICT, patch("/fifo", "{}", NULL));
    assert_refused(STORE_KEY_CONFLICT, put("/fifo", "1", WITH(.flags = STORE_NOREPLACE)));
}

Test(special, replaces_nothing)
{
    assert_created("/a", put("/a", "1", NULL));
    assert_ok(make_collection("/d", NULL));
    assert_refused(STORE_KEY_CONFLICT, put_special("/a", S_IFIFO, 0, NULL));
    assert_refused(STORE_KEY_CONFLICT, put_special("/a", S_IFIFO, 0, WITH(.flags = STORE_REPLACE)));
    assert_refused(STORE_KEY_CONFLICT, put_special("/d", S_IFIFO, 0, NULL));
    assert_refused(STORE_PRECONDITION_FAILED, put_special("/a", S_IFIFO, 0, WITH(.flags = STORE_IF_NONE_MATCH_ANY)));
    assert_refused(STORE_PRECONDITION_FAILED, put_special("/b", S_IFIFO, 0, WITH(.flags = STORE_IF_MATCH_ANY)));
    assert_refused(STORE_NO_COLLECTION, put_special("/x/fifo", S_IFIFO, 0, NULL));
    assert_refused(STORE_KIND_CONFLICT, put_special("/fifo/", S_IFIFO, 0, NULL));
    assert_refused(STORE_KIND_CONFLICT, put_special("/a/fifo", S_IFIFO, 0, NULL));
}

Test(special, what_is_none_is_a_bad_argument)
{
    assert_refused(STORE_BAD_ARGUMENT, put_special("/a", S_IFREG, 0, NULL));
    assert_refused(STORE_BAD_ARGUMENT, put_special("/a", 0, 0, NULL));
    assert_refused(STORE_BAD_ARGUMENT, put_special("/a", S_IFIFO, 1, NULL));
    assert_refused(STORE_BAD_ARGUMENT, put_special("/a", S_IFIFO, 0, WITH(.flags = STORE_INSERT)));
}

Test(special, has_no_place_in_a_typed_collection)
{
    assert_ok(define("/people", PEOPLE));
    assert_created("/fifo", put_special("/fifo", S_IFIFO, 0, NULL));
    assert_refused(STORE_KIND_CONFLICT, put_special("/people/ada", S_IFIFO, 0, NULL));
    assert_refused(STORE_KIND_CONFLICT, relocate("/fifo", "/people/ada", NULL));
    assert_refused(STORE_KIND_CONFLICT, duplicate("/fifo", "/people/ada", NULL));
    assert_created("/d/fifo", put_special("/d/fifo", S_IFIFO, 0, WITH(.flags = STORE_PARENTS)));
    assert_refused(STORE_INVALID_VALUE, define("/d", PEOPLE));
}

Test(special, moves_copies_and_goes)
{
    uint64_t id;

    assert_created("/tty", put_special("/tty", S_IFCHR, 1025, WITH(.flags = STORE_SET_META, .meta = &color,
                                                                   .meta_count = 1)));
    id = stat_of("/tty").id;
    assert_created("/b", relocate("/tty", "/b", NULL));
    cr_assert_eq(stat_of("/b").id, id);
    cr_assert_eq(stat_of("/b").device, 1025);
    assert_created("/d/c", duplicate("/b", "/d/c", WITH(.flags = STORE_PARENTS)));
    cr_assert_eq(stat_of("/d/c").device, 1025);
    assert_created("/e", duplicate("/d", "/e", NULL));
    cr_assert_eq(stat_of("/e/c").special, S_IFCHR);
    assert_created("/a", put("/a", "1", NULL));
    assert_ok(relocate("/a", "/b", WITH(.flags = STORE_EXCHANGE)));
    assert_body("/b", "1");
    cr_assert_eq(stat_of("/a").device, 1025);
    assert_outcome(STORE_UPDATED, "/b", relocate("/a", "/b", WITH(.flags = STORE_REPLACE)));
    assert_deleted("/b", erase("/b", NULL));
    assert_deleted("/e", erase("/e", WITH(.flags = STORE_RECURSIVE)));
}

Test(special, attributes_and_metadata_are_set_without_losing_what_it_is)
{
    const store_attributes attributes = { .mask = STORE_ATTR_MODE, .mode = 0600 };

    assert_created("/tty", put_special("/tty", S_IFCHR, 1025, NULL));
    assert_updated("/tty", store_set(fresh_answer(), test_store(), "/tty", WITH(.attributes = &attributes)));
    assert_updated("/tty", store_meta_set(fresh_answer(), test_store(), "/tty", "color", "red", 3, NULL));
    cr_assert_eq(stat_of("/tty").mode, 0600);
    cr_assert_eq(stat_of("/tty").device, 1025);
}

Test(special, is_counted_and_followed)
{
    store_change change;
    store_feed *feed;
    store_stats stats;

    assert_ok(store_feed_open(&feed, test_store(), "/", 0));
    assert_created("/fifo", put_special("/fifo", S_IFIFO, 0, NULL));
    do
        assert_ok(store_feed_next(&change, feed, 0));
    while (strcmp(change.location, "/fifo") != 0);
    cr_assert_eq(change.kind, STORE_SPECIAL);
    cr_assert_eq(change.outcome, STORE_CREATED);
    store_feed_close(feed);
    assert_ok(store_stats_get(&stats, test_store()));
    cr_assert_eq(stats.specials, 1);
    cr_assert_eq(stats.objects, 0);
}

Test(special, a_dry_run_makes_nothing)
{
    assert_unchanged(put_special("/fifo", S_IFIFO, 0, WITH(.flags = STORE_DRY_RUN)));
}

Test(special, has_the_id_that_was_reserved_and_makes_room_for_another_node)
{
    uint64_t first;

    assert_ok(store_reserve_ids(&first, test_store(), 2));
    assert_created("/fifo", put_special("/fifo", S_IFIFO, 0, WITH(.id = first)));
    cr_assert_eq(stat_of("/fifo").id, first);
    assert_refused(STORE_KIND_CONFLICT, put("/fifo", "1", WITH(.id = first)));
    assert_outcome(STORE_UPDATED, "/fifo", put("/fifo", "1", WITH(.id = first + 1)));
    assert_body("/fifo", "1");
    cr_assert_eq(stat_of("/fifo").id, first + 1);
    cr_assert_eq(stat_of("/fifo").special, 0);
}
