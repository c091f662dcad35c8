/*
 * work_load.c - filling an empty store, and the space that it takes then and after all was overwritten.
 */
#include "bench.h"

enum { OVERWRITES = 3, OVERWRITE_MANY = 100 };

/* The database of these workloads stays empty: each slice makes one of its own. */
static void fill_nothing(struct worker *worker)
{
    (void)worker;
}

static const struct dataset set_empty = {
    .name = "empty",
    .count = SMALL_COUNT,
    .size = 1024,
    .fill = fill_nothing,
};

/* Makes and loads a database; `*seconds` (may be NULL) is how long the loading took. */
static struct database *load(const struct database *like, enum order order, double *seconds)
{
    struct database *db = database_scratch(like);
    struct worker *worker = worker_of(db, 0, 1);
    uint64_t begin = now_ns();

    worker_fill(worker, order);
    if (seconds)
        *seconds = (double)(now_ns() - begin) / 1e9;
    worker_check_sample(worker);
    return db;
}

static void measure_load(struct worker *worker, struct sample *sample, enum order order)
{
    double seconds;

    database_close(load(worker->database, order, &seconds));
    sample->value = SMALL_COUNT / seconds;
}

static void measure_ascending(struct worker *worker, struct sample *sample)
{
    measure_load(worker, sample, ASCENDING);
}

static void measure_shuffled(struct worker *worker, struct sample *sample)
{
    measure_load(worker, sample, SHUFFLED);
}

static double space(struct database *db)
{
    database_settle(db);
    return (double)files_disk_bytes(db->directory);
}

static void measure_space(struct worker *worker, struct sample *sample)
{
    struct database *db = load(worker->database, SHUFFLED, NULL);

    sample->value = space(db) / 1e6;
    database_close(db);
}

static void overwrite_all(struct worker *worker)
{
    for (uint32_t i = 0; i < SMALL_COUNT; i += OVERWRITE_MANY) {
        for (uint32_t j = 0; j < OVERWRITE_MANY; j++)
            worker->numbers[j] = shuffled(worker->database->set, i + j);
        worker_put_many(worker, worker->numbers, OVERWRITE_MANY);
    }
}

static void measure_growth(struct worker *worker, struct sample *sample)
{
    struct database *db = load(worker->database, SHUFFLED, NULL);
    double before = space(db);

    worker = worker_of(db, 0, 1);
    for (int i = 0; i < OVERWRITES; i++)
        overwrite_all(worker);
    sample->value = space(db) / before;
    worker_check_sample(worker);
    database_close(db);
}

const struct workload work_load[] = {
    {
        .name = "load-ascending",
        .title = "load in order, 1,000 each",
        .set = &set_empty,
        .entrants = { STORES },
        .goals = { { .peer = "lmdb", .at_least = 0.80 } },
        .rounds_max = 5,
        .measure = measure_ascending,
    },
    {
        .name = "load-shuffled",
        .title = "load shuffled, 1,000 each",
        .set = &set_empty,
        .entrants = { STORES },
        .goals = { { .peer = "lmdb", .at_least = 0.80 } },
        .rounds_max = 5,
        .measure = measure_shuffled,
    },
    {
        .name = "space",
        .title = "space after load",
        .unit = "MB",
        .set = &set_empty,
        .entrants = { STORES_AND_FILES },
        .goals = { { .peer = "lmdb", .at_most = 1.15 } },
        .rounds_max = 1,
        .measure = measure_space,
    },
    {
        .name = "growth",
        .title = "growth by 3 overwrites",
        .unit = "times",
        .set = &set_empty,
        .entrants = { STORES },
        .goals = { { .at_most = 1.1 } },
        .rounds_max = 1,
        .measure = measure_growth,
    },
    { .name = NULL },
};
