/*
 * work_large.c - one large file: written and read from end to end, then a smaller one here and there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount.h"

enum { PIECE_SIZE = 128 << 10 };

static void fill_nothing(struct worker *worker)
{
    (void)worker;
}

/* ---------------------------------------------------------- from end to end */

static const char stream_key[] = "/people/stream";
static const uint64_t stream_size = (uint64_t)1 << 30;

static struct value_stream stream_of(const struct worker *worker)
{
    return (struct value_stream){ .size = stream_size, .version = worker->database->versions[0] };
}

static void upload(struct worker *worker)
{
    struct value_stream stream;

    worker_next_version(worker, 0);
    stream = stream_of(worker);
    worker->backend->upload(worker->session, stream_key, &stream);
}

/* The file was there in an older version, if not at all. */
static void measure_write(struct worker *worker, struct sample *sample)
{
    uint64_t begin = now_ns();

    upload(worker);
    sample->value = (double)(stream_size >> 20) / ((double)(now_ns() - begin) / 1e9);
}

static void check_stream(struct worker *worker)
{
    struct value_stream expected = stream_of(worker);

    if (worker_expects(worker, 0))
        worker->backend->download(worker->session, stream_key, &expected);
}

static void prepare_read(struct worker *worker)
{
    if (!worker_expects(worker, 0))
        upload(worker);
    mount_again(worker);
}

/* Without a look at the bytes, which would cost as much as to read them: check_stream() has it. */
static void measure_read(struct worker *worker, struct sample *sample)
{
    uint64_t begin = now_ns(), size = 0;
    int file = mount_open_file(worker->session, stream_key, O_RDONLY);
    ssize_t got;

    while (got = read(file, worker->buffer, PIECE_SIZE), got > 0)
        size += (uint64_t)got;
    close(file);
    if (got < 0 || size != stream_size)
        fail("%s: %ju bytes read, %s", stream_key, (uintmax_t)size, got < 0 ? strerror(errno) : "no more");
    sample->value = (double)(stream_size >> 20) / ((double)(now_ns() - begin) / 1e9);
}

static const struct dataset set_stream = {
    .name = "stream", .count = 1, .size = PIECE_SIZE, .fill = fill_nothing, .check = check_stream
};

/* ------------------------------------------------------------ here and there */

/* The objects of this set are the pages of one file. */
enum { PAGE = 4096, PAGES = 65536, STEPS = 20000 };

static const char pages_key[] = "/people/pages";

static void write_page(struct worker *worker, int file, uint32_t page)
{
    struct bytes value = value_of(page, worker_next_version(worker, page), 0, PAGE);

    if (pwrite(file, value.data, value.size, (off_t)page * PAGE) != PAGE)
        fail("write %s: %s", pages_key, strerror(errno));
}

static void read_page(struct worker *worker, int file, uint32_t page)
{
    if (pread(file, worker->buffer, PAGE, (off_t)page * PAGE) != PAGE)
        fail("read %s: %s", pages_key, strerror(errno));
    worker_check(worker, page, (struct bytes){ worker->buffer, PAGE }, true);
}

static void sync_pages(int file)
{
    if (fsync(file) != 0 || close(file) != 0)
        fail("sync %s: %s", pages_key, strerror(errno));
}

static void fill_pages(struct worker *worker)
{
    int file = mount_open_file(worker->session, pages_key, O_WRONLY | O_CREAT);

    for (uint32_t page = 0; page < PAGES; page++)
        write_page(worker, file, page);
    sync_pages(file);
}

static void check_pages(struct worker *worker)
{
    int file = mount_open_file(worker->session, pages_key, O_RDONLY);

    for (uint32_t page = 0; page < PAGES; page++)
        read_page(worker, file, page);
    close(file);
}

/* The flush at the end is part of the time, a single latency is not. */
static void measure_random_writes(struct worker *worker, struct sample *sample)
{
    uint64_t start = now_ns(), begin = start, end;
    int file = mount_open_file(worker->session, pages_key, O_RDWR);

    for (int i = 0; i < STEPS; i++, begin = end) {
        write_page(worker, file, worker_pick(worker));
        end = now_ns();
        histogram_add(sample->latency, end - begin);
    }
    sync_pages(file);
    sample->value = STEPS / ((double)(now_ns() - start) / 1e9);
}

/* No page twice: the kernel would have it. */
static void measure_random_reads(struct worker *worker, struct sample *sample)
{
    int file = mount_open_file(worker->session, pages_key, O_RDONLY);
    uint64_t start = now_ns(), begin = start, end;

    for (uint32_t i = 0; i < STEPS; i++, begin = end) {
        read_page(worker, file, shuffled(worker->database->set, i));
        end = now_ns();
        histogram_add(sample->latency, end - begin);
    }
    sample->value = STEPS / ((double)(now_ns() - start) / 1e9);
    close(file);
}

static const struct dataset set_pages = {
    .name = "pages", .count = PAGES, .size = PAGE, .fill = fill_pages, .check = check_pages
};

/* -------------------------------------------------------------- the table */

const struct workload work_large[] = {
    {
        .name = "write-1g",
        .title = "write 1 GiB and fsync",
        .unit = "MiB/s",
        .set = &set_stream,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 0.7 } },
        .rounds_max = 3,
        .quick = true,
        .measure = measure_write,
    },
    {
        .name = "read-1g",
        .title = "read 1 GiB, remounted",
        .unit = "MiB/s",
        .set = &set_stream,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 1 } },
        .rounds_max = 3,
        .quick = true,
        .prepare = prepare_read,
        .measure = measure_read,
    },
    {
        .name = "random-read",
        .title = "4 KiB of 256 MiB, remounted",
        .set = &set_pages,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 0.8 } },
        .quick = true,
        .prepare = mount_again,
        .measure = measure_random_reads,
    },
    {
        .name = "random-write",
        .title = "4 KiB into 256 MiB, fsync at end",
        .set = &set_pages,
        .entrants = { MOUNTS(RELAXED) },
        .goals = { { "passthrough_ll", VALUE, .at_least = 0.8 } },
        .quick = true,
        .measure = measure_random_writes,
    },
    { .name = NULL },
};
