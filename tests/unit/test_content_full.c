/* test_content_full.c - a full disk under the staged bytes of a file: nothing that was written before is lost. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "fusefs/content.h"
#include "support.h"

enum { PIECE = 100000, LARGE = 24000000 };

static struct content_pool pool;
static char ballast[LARGE];

static void unmount_and_end(void)
{
    content_pool_release(&pool);
    close_store();
    umount2(test_path("store"), MNT_DETACH);
    end_test();
}

TestSuite(content_full, .init = begin_test, .fini = unmount_and_end, .timeout = 60);

/* The store gets a small disk of its own, some of which can be freed. */
static void begin_on_small_disk(void)
{
    const char *path = test_path("store");

    cr_assert_eq(mkdir(path, 0700), 0);
    if (mount("tmpfs", path, "tmpfs", 0, "size=64m") != 0)
        cr_skip_test("no mount here: %s", strerror(errno));
    cr_assert_eq(content_pool_init(&pool, test_store()), 0);
    assert_ok(store_put(NULL, test_store(), "/ballast", ballast, sizeof ballast, NULL));
}

static void fill(char *piece, unsigned number)
{
    for (size_t i = 0; i < PIECE; i++)
        piece[i] = (char)(1 + (i + number * 7) % 251);
}

/* How many pieces could be written before the disk was full. */
static unsigned write_until_full(struct content *content)
{
    static char piece[PIECE];

    for (unsigned number = 0; number < 1000; number++) {
        uint64_t size = content_size(content);
        fill(piece, number);
        int error = content_write(content, piece, PIECE, (uint64_t)number * PIECE);
        if (error == 0)
            continue;
        cr_assert_eq(error, ENOSPC, "%s", strerror(error));
        cr_assert_eq(content_size(content), size);
        return number;
    }
    cr_assert_fail("the disk never was full");
    return 0;
}

static void assert_pieces(struct content *content, unsigned count)
{
    static char piece[PIECE], read[PIECE];
    size_t got;

    for (unsigned number = 0; number < count; number++) {
        fill(piece, number);
        cr_assert_eq(content_read(&got, content, read, PIECE, (uint64_t)number * PIECE), 0);
        cr_assert(got == PIECE && memcmp(piece, read, PIECE) == 0, "piece %u", number);
    }
}

/* The space of what is deleted comes back in the background: for so long a thing is tried again. */
static bool in_time(void)
{
    static time_t end;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    end = end ? end : now.tv_sec + 20;
    return now.tv_sec < end;
}

static void publish_soon(struct content *content)
{
    const store_request replace = { .version = STORE_REQUEST_VERSION, .flags = STORE_REPLACE };
    store_answer answer;
    int rc = STORE_FULL;

    while (rc == STORE_FULL && in_time()) {
        rc = content_publish(&answer, content, "/a", &replace);
        store_answer_clear(&answer);
    }
    assert_ok(rc);
}

static void fill_and_publish(void)
{
    struct content *content;
    unsigned count;

    cr_assert_eq(content_new(&content, &pool), 0);
    count = write_until_full(content);
    cr_assert_gt(count, 20u);
    assert_pieces(content, count);
    assert_ok(store_delete(NULL, test_store(), "/ballast", NULL));
    cr_assert_eq(content_resize(content, 20 * PIECE), 0);
    publish_soon(content);
    cr_assert_eq(content_size(content), 20u * PIECE);
    assert_pieces(content, 20);
    content_free(content);
}

Test(content_full, what_fits_of_a_stream_can_be_published)
{
    begin_on_small_disk();
    fill_and_publish();
}

Test(content_full, what_fits_of_a_temporary_file_can_be_published)
{
    begin_on_small_disk();
    pool.memory_max = 0;
    fill_and_publish();
}

Test(content_full, after_a_refused_write_it_goes_on)
{
    struct content *content;
    unsigned count;
    static char piece[PIECE];
    int error = ENOSPC;

    begin_on_small_disk();
    cr_assert_eq(content_new(&content, &pool), 0);
    count = write_until_full(content);
    assert_ok(store_delete(NULL, test_store(), "/ballast", NULL));
    fill(piece, count);
    while (error == ENOSPC && in_time())
        error = content_write(content, piece, PIECE, (uint64_t)count * PIECE);
    cr_assert_eq(error, 0, "%s", strerror(error));
    assert_pieces(content, count + 1);
    publish_soon(content);
    assert_pieces(content, count + 1);
    content_free(content);
}
