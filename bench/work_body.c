/*
 * work_body.c - large bodies: an upload, what other writers feel of it, writes into the middle of one.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "store.h"

/* ---------------------------------------------------------------- uploads */

#define UPLOAD_KEY "/people/upload"

static const uint64_t upload_size = (uint64_t)1 << 30;

/* Each upload has a version of its own, in all databases: all its bytes are others. */
static struct value_stream upload_stream(uint32_t version)
{
    return (struct value_stream){ .size = upload_size, .version = version };
}

/* Returns the seconds it took. */
static double upload(struct worker *worker, uint32_t version)
{
    struct value_stream stream = upload_stream(version);
    uint64_t begin = now_ns();

    worker->backend->upload(worker->session, UPLOAD_KEY, &stream);
    return (double)(now_ns() - begin) / 1e9;
}

static uint32_t next_upload(void)
{
    static uint32_t uploads;

    return ++uploads;
}

static void check_upload(struct worker *worker, uint32_t version)
{
    struct value_stream expected = upload_stream(version);

    worker->backend->download(worker->session, UPLOAD_KEY, &expected);
}

static void measure_upload(struct worker *worker, struct sample *sample)
{
    uint32_t version = next_upload();

    sample->value = (double)(upload_size >> 20) / upload(worker, version);
    check_upload(worker, version);
}

struct putter {
    struct worker *worker;
    struct histogram *latency;
    atomic_bool ended;
    uint64_t puts;
};

static void *put_until_ended(void *opaque)
{
    struct putter *putter = opaque;

    while (!putter->ended) {
        uint64_t begin = now_ns();

        worker_put(putter->worker, worker_pick(putter->worker));
        histogram_add(putter->latency, now_ns() - begin);
        putter->puts++;
    }
    return NULL;
}

/* The value is the puts a second of another thread during an upload, the latency theirs. */
static void measure_puts_meanwhile(struct worker *worker, struct sample *sample)
{
    struct database *db = worker->database;
    struct putter putter = { .worker = worker_of(db, 1, 2), .latency = sample->latency };
    pthread_t thread;
    uint32_t version = next_upload();
    double seconds;

    errno = pthread_create(&thread, NULL, put_until_ended, &putter);
    if (errno != 0)
        fail("cannot start a thread: %s", strerror(errno));
    seconds = upload(worker, version);
    putter.ended = true;
    pthread_join(thread, NULL);
    sample->value = (double)putter.puts / seconds;
    check_upload(worker, version);
}

/* ----------------------------------------------------------- range writes */

/* The objects of this set are the pages of one body, which is an object of libstore or a plain file. */
enum { PAGE = 4096, PAGES = 16384 };

#define BODY_KEY "/people/body"

static bool step_patch_range(struct worker *worker)
{
    uint32_t page = worker_pick(worker);
    struct bytes value = value_of(page, worker_next_version(worker, page), 0, PAGE);

    if (store_patch_range(NULL, libstore_handle(worker->session), BODY_KEY, (uint64_t)page * PAGE, value.data,
                          value.size, NULL) < 0)
        libstore_fail("store_patch_range");
    return true;
}

static void fill_body(struct worker *worker)
{
    struct store_writer *writer;

    if (store_writer_open(&writer, libstore_handle(worker->session), BODY_KEY, NULL) < 0)
        libstore_fail("store_writer_open");
    for (uint32_t page = 0; page < PAGES; page++) {
        struct bytes value = value_of(page, worker_next_version(worker, page), 0, PAGE);

        if (store_writer_write(writer, value.data, value.size) < 0)
            libstore_fail("store_writer_write");
    }
    if (store_writer_commit(NULL, writer) < 0)
        libstore_fail("store_writer_commit");
    store_writer_close(writer);
}

static void check_body(struct worker *worker)
{
    for (uint32_t page = 0; page < PAGES; page++) {
        size_t size;

        if (store_read(&size, libstore_handle(worker->session), BODY_KEY, worker->buffer, PAGE,
                       (uint64_t)page * PAGE, NULL) < 0)
            libstore_fail("store_read");
        worker_check(worker, page, (struct bytes){ worker->buffer, size }, true);
    }
}

struct page_file {
    int fd;
};

static void *page_file_open(const char *directory, enum durability durability)
{
    struct page_file *file = allocate(sizeof *file);
    char *path = files_join(directory, "body");

    (void)durability;
    file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->fd < 0)
        fail("%s: %s", path, strerror(errno));
    free(path);
    return file;
}

static void page_file_close(void *database)
{
    struct page_file *file = database;

    close(file->fd);
    free(file);
}

static void *page_file_session(void *database)
{
    return database;
}

static void page_file_session_close(void *session)
{
    (void)session;
}

static void page_file_sync(void *database)
{
    if (fdatasync(((struct page_file *)database)->fd) != 0)
        fail("cannot sync: %s", strerror(errno));
}

static void page_file_write(const struct page_file *file, const char *key, struct bytes value)
{
    off_t offset = (off_t)key_number(key, strlen(key)) * PAGE;

    if (pwrite(file->fd, value.data, value.size, offset) != (ssize_t)value.size)
        fail("cannot write: %s", strerror(errno));
}

static void page_file_put(void *session, const char *key, struct bytes value)
{
    page_file_write(session, key, value);
    page_file_sync(session);
}

static void page_file_put_many(void *session, const struct item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        page_file_write(session, items[i].key, items[i].value);
    page_file_sync(session);
}

static bool page_file_get(void *session, const char *key, void *buffer, size_t capacity, size_t *size)
{
    const struct page_file *file = session;
    ssize_t got = pread(file->fd, buffer, capacity < PAGE ? capacity : PAGE,
                        (off_t)key_number(key, strlen(key)) * PAGE);

    if (got < 0)
        fail("cannot read: %s", strerror(errno));
    *size = (size_t)got;
    return got > 0;
}

static const struct backend page_file = {
    .name = "pwrite",
    .settings = "a plain file: pwrite and fdatasync, not atomic",
    .open = page_file_open,
    .close = page_file_close,
    .session_open = page_file_session,
    .session_close = page_file_session_close,
    .sync = page_file_sync,
    .put = page_file_put,
    .put_many = page_file_put_many,
    .get = page_file_get,
};

static bool step_put(struct worker *worker)
{
    worker_put(worker, worker_pick(worker));
    return true;
}

static const struct dataset body = {
    .name = "body", .count = PAGES, .size = PAGE,
    .fill = fill_body, .check = check_body,
};
static const struct dataset pages = { .name = "pages", .count = PAGES, .size = PAGE };

/* -------------------------------------------------------------- the table */

const struct workload work_body[] = {
    {
        .name = "upload-1g",
        .title = "upload of 1 GiB, durable",
        .unit = "MiB/s",
        .set = &set_small,
        .entrants = { { .backend = &backend_libstore }, { .backend = &backend_lmdb } },
        .goals = { { "lmdb", VALUE, .at_least = 0.9 } },
        .rounds_max = 5,
        .measure = measure_upload,
    },
    {
        .name = "put-during-upload",
        .title = "PUT during an upload",
        .set = &set_small,
        .entrants = { { .backend = &backend_libstore }, { .backend = &backend_lmdb } },
        .goals = { { NULL, P99, .at_most = 0.020 } },
        .rounds_max = 3,
        .measure = measure_puts_meanwhile,
    },
    {
        .name = "range-write",
        .title = "4 KiB into 64 MiB, durable",
        .entrants = { { .backend = &backend_libstore, .set = &body, .step = step_patch_range },
                      { .backend = &page_file, .set = &pages } },
        .goals = { { "pwrite", VALUE, .at_least = 0.25 } },
        .slow_goals = { { "pwrite", VALUE, .at_least = 0.25 } },
        .step = step_put,
    },
    { .name = NULL },
};
