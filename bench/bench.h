/*
 * bench.h - what the files of the benchmark share: a back end (a store under test behind one small
 * interface), a workload (what is measured), and the values both work with.
 *
 *     main.c          options, the directory, what is run
 *     run.c           rounds and slices: how a workload is measured
 *     database.c      a store with a set of objects in it, filled and warm
 *     worker.c        what a workload does with objects, and the check of every value
 *     report.c        the table and the JSON file
 *     backend_*.c     one store each
 *     work_*.c        the workloads, listed in workloads.c
 *     mount.h         the file systems of `bench --files`
 *     values.c histogram.c machine.c files.c    what they stand on
 *
 * A failure anywhere ends the program by fail(); the parent process then removes the directory. So
 * no function here returns an error.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct bytes {
    const void *data;
    size_t size;
};

/* Says why on stderr and ends the program with status 1, from any thread. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* malloc() and calloc() that do not fail. */
void *allocate(size_t size);
void *allocate_zeroed(size_t count, size_t size);

/* ---------------------------------------------------------------- values */

enum {
    KEY_MAX = 64,         /* bytes of a location, with its NUL */
    BLOCK_SIZE = 1 << 20, /* the largest value that is in memory at once */
    THREADS_MAX = 8,
    ENTRANTS_MAX = 7, /* in a workload */
    ROUNDS_MAX = 99,
    MANY = 1000, /* objects in a transaction over many */
};

/*
 * A value is random bytes (nobody can compress them), the same again for the same number and version.
 * One longer than BLOCK_SIZE is blocks of that size; all others are block 0.
 * The bytes are in static memory: nothing is made or copied while the time is taken.
 */
struct bytes value_of(uint32_t number, uint32_t version, uint32_t block, size_t size);

/* "/people/0000000000001234" of 1234. Returns its length, always 24. */
size_t key_make(char key[KEY_MAX], uint32_t number);
/* The inverse, given a whole location or just the name; fails the run for anything else. */
uint32_t key_number(const char *key, size_t size);

/* The next of a fast sequence of random numbers; any seed but 0. */
uint64_t random_next(uint64_t *state);

/* -------------------------------------------------------------- back ends */

enum durability {
    DURABLE, /* an operation that returned is on disk */
    RELAXED, /* a power failure may lose the last operations; of a file system: those without an fsync */
};

struct item {
    const char *key;
    struct bytes value;
};

/* What upload() stores and download() expects: a value that is taken in pieces. */
struct value_stream {
    uint64_t size, position;
    uint32_t number, version;
};
/* The next piece, of at most `max` bytes; its size is 0 at the end only. */
struct bytes value_piece(struct value_stream *stream, size_t max);
/* Copies the next `size` bytes. */
void value_take(struct value_stream *stream, void *out, size_t size);
/* Fails the run unless these are the next bytes. */
void value_expect(struct value_stream *stream, const void *bytes, size_t size);

/* Is shown each entry of a listing. `value.data` is NULL when bodies were not asked for. */
typedef void visit_fn(void *payload, const char *name, size_t name_size, struct bytes value);

/*
 * A store under test. A member that is NULL is something it cannot do, and the workloads that need
 * it leave it out. Keys are whole locations, NUL-terminated. A session belongs to one thread at a time.
 */
struct backend {
    const char *name;     /* one word: the head of its column */
    const char *settings; /* how it is set up, for the report */
    const char *(*version)(void);

    /* A new or existing database in `directory`, which exists. */
    void *(*open)(const char *directory, enum durability durability);
    void (*close)(void *database);
    void *(*session_open)(void *database);
    void (*session_close)(void *session);
    /* Makes what was done so far durable. NULL: an fsync of each file does, nothing else. */
    void (*sync)(void *database);
    /* Does or awaits what it would do in the background, before another store's time is taken. May be NULL. */
    void (*settle)(void *database);

    /* Inserts or replaces; many in one transaction, where there are such. */
    void (*put)(void *session, const char *key, struct bytes value);
    void (*put_many)(void *session, const struct item *items, size_t count);
    /* put_many of keys in order that are all behind the last one there; NULL if that makes no difference. */
    void (*append_many)(void *session, const struct item *items, size_t count);
    /* The value where it lies, or gathered in memory of the session, until view_end().
     * False, without a view, if the key is not there. */
    bool (*view)(void *session, const char *key, struct bytes *value);
    void (*view_end)(void *session);
    /* The value's size, and its bytes in `buffer` if they fit. False if the key is not there. */
    bool (*get)(void *session, const char *key, void *buffer, size_t capacity, size_t *size);
    /* False if the key is not there (but RocksDB never says so). */
    bool (*delete)(void *session, const char *key);
    void (*delete_many)(void *session, const char *const *keys, size_t count);
    /* Up to `limit` (0: all) entries of /people in order, behind the key `after` (NULL: from the first).
     * With `bodies` the values too. Returns how many. */
    uint64_t (*list)(void *session, const char *after, uint64_t limit, bool bodies, visit_fn *visit,
                     void *payload);
    /* A body of any size in constant memory: stores what `stream` gives; reads it and compares. */
    void (*upload)(void *session, const char *key, struct value_stream *stream);
    void (*download)(void *session, const char *key, struct value_stream *stream);
};

extern const struct backend backend_libstore, backend_lmdb, backend_sqlite, backend_sqlite_norowid,
    backend_rocksdb, backend_files;

/* Who takes part in most workloads, in the order of the columns, and who has transactions. */
#define STORES                          \
    { .backend = &backend_libstore },   \
    { .backend = &backend_lmdb },       \
    { .backend = &backend_sqlite },     \
    { .backend = &backend_rocksdb }
#define STORES_AND_FILES STORES, { .backend = &backend_files, .not_quick = true }
#define SQLITE_NOROWID { .backend = &backend_sqlite_norowid, .not_quick = true }

/* The handle below a session of backend_libstore, for workloads that only libstore can do. */
struct store;
struct store *libstore_handle(const void *session);
/* Fails the run with libstore's problem of the last call. */
_Noreturn void libstore_fail(const char *what);

/* -------------------------------------------------------------- workloads */

struct worker;
struct workload;
struct options;

/* What a database holds before a workload starts. Every user of the same set shares one database
 * for each back end and durability, and leaves it with all `count` objects in it. */
struct dataset {
    const char *name;
    uint32_t count;
    size_t size; /* of each value; the most one has if there is `value` */
    /* NULL: values of `size`, keys shuffled, 1,000 a transaction. */
    void (*fill)(struct worker *worker);
    /* The value of an object, made in `room` (`size` bytes) or elsewhere; NULL: random bytes. */
    struct bytes (*value)(void *room, uint32_t number, uint32_t version);
    /* Fails the run if the database holds wrong values; NULL: reads some objects by their keys. */
    void (*check)(struct worker *worker);
};

/* An opened back end with a set in it. */
struct database {
    const struct backend *backend;
    enum durability durability;
    const struct dataset *set;
    char *directory;
    void *handle;
    void *sessions[THREADS_MAX]; /* opened when first needed, kept */
    uint32_t *versions;          /* of each object, see worker_next_version() */
    struct database *next;
};

/* Opens and fills it, or gives the same again. */
struct database *database_get(const struct backend *backend, enum durability durability,
                              const struct dataset *set, const struct options *options);
/* A new and empty one of the same kind below its directory. */
struct database *database_scratch(const struct database *like);
/* Ends a scratch one, with its files. */
void database_close(struct database *database);
/* Everything on disk and nothing left to do. */
void database_settle(struct database *database);
/* Closes it for a while. Its sessions end. */
void database_suspend(struct database *database);
void database_resume(struct database *database);
/* Closes what none of these workloads, up to a NULL, works on. */
void database_close_unused(const struct workload **later);
void database_close_all(void);
/* Gets a worker of a database ready; its memory is kept for the next one of that index. */
struct worker *worker_of(struct database *database, unsigned index, unsigned threads);

/* One thread of a slice. */
struct worker {
    struct database *database;
    const struct backend *backend; /* database->backend */
    void *session;
    unsigned index, threads;
    uint64_t random;
    char key[KEY_MAX];     /* room for a key ... */
    unsigned char *buffer; /* ... for a value, BLOCK_SIZE bytes ... */
    unsigned char *made;   /* ... for what dataset.value makes, as much ... */
    struct item *items;    /* ... and for MANY keys and values */
    uint32_t *numbers;     /* ... and for MANY numbers of objects */
    uint32_t cursor;       /* a workload's own; 0 at the start of a slice */
    uint64_t steps;        /* the framework's count */
    struct histogram *latency;
};

/* A random object of the set, of those that belong to this thread: no other may write it. */
uint32_t worker_pick(struct worker *worker);
/* The version that the next put of an object has, noted as the one to expect. An object has the
 * versions 1, 2, ... and is absent before the first. */
uint32_t worker_next_version(struct worker *worker, uint32_t number);
/* Notes that the object is deleted. */
void worker_forget(struct worker *worker, uint32_t number);
/* Whether the object should be there. */
bool worker_expects(const struct worker *worker, uint32_t number);
/* Puts the next version of an object. */
void worker_put(struct worker *worker, uint32_t number);
/* The same for up to MANY in one transaction; all values together are at most BLOCK_SIZE. */
void worker_put_many(struct worker *worker, const uint32_t *numbers, size_t count);
/* The same for new objects in ascending order that are behind all others. */
void worker_append_many(struct worker *worker, const uint32_t *numbers, size_t count);
/* Checks size and first 8 bytes of a value that was read; all of them with `whole`. Fails the run if it
 * is not what was put last. */
void worker_check(const struct worker *worker, uint32_t number, struct bytes value, bool whole);
/* Reads an object and compares it whole, or makes sure that it is not there if it should not. */
void worker_check_one(struct worker *worker, uint32_t number);
/* Reads some objects and compares them whole, or runs dataset.check; the framework does so after every
 * slice. */
void worker_check_sample(struct worker *worker);
enum order { ASCENDING, SHUFFLED };
/* Puts all objects that are not there, MANY a transaction; ASCENDING only into an empty database. */
void worker_fill(struct worker *worker, enum order order);
/* The i-th object of a set in shuffled order. */
uint32_t shuffled(const struct dataset *set, uint32_t i);

/* Who takes part in a workload, and how, where it differs from the workload. */
struct entrant {
    const struct backend *backend;
    enum durability durability;
    const char *label;                    /* NULL: the back end's name */
    unsigned threads;                     /* 0: the workload's */
    const struct dataset *set;            /* NULL: the workload's */
    bool (*step)(struct worker *worker);  /* NULL: the workload's */
    bool not_quick;                       /* takes too long to fill for --quick */
};

/* What one slice of one entrant gave. */
struct sample {
    double value;              /* operations a second, or what `measure` says */
    struct histogram *latency; /* of steps; empty if there are none */
};

enum quantity { VALUE, P99 };

/* What the first entrant shall reach. A ratio to the value (or the 99th percentile) of the entrant called
 * `peer`; an absolute figure when that is NULL: value in its unit, P99 in seconds. */
struct goal {
    const char *peer;
    enum quantity of;
    double at_least, at_most; /* 0: no such bound */
};

/*
 * Something that is measured. The first entrant is the one it is about (libstore, storefs), the others
 * are its peers: raw LMDB mostly comes next.
 *
 * A slice runs `step` in every thread until its time is over or `step` returns false, and the value is
 * operations a second; in RELAXED databases the time includes sync(). Or `measure` does it all and
 * says what the value is.
 */
struct workload {
    const char *name;  /* for --only and JSON: "put-durable-8t" */
    const char *title; /* for people */
    const char *unit;  /* NULL: operations a second */
    const struct dataset *set;
    struct entrant entrants[ENTRANTS_MAX];
    struct goal goals[3];
    struct goal slow_goals[3]; /* under --slow-sync; a workload without them is not run then */
    unsigned threads;          /* 0: one */
    unsigned operations;       /* a step does so many; 0: one */
    unsigned timed_each;       /* take the time of one step in so many, where a clock would cost; 0: of each */
    double seconds;            /* the length of a slice; 0: the usual one */
    bool to_the_end;           /* a slice ends when `step` returns false, however long that takes */
    unsigned rounds_max;       /* fewer rounds for what takes long; 0: as all */
    bool quick;                /* part of --quick */
    void (*prepare)(struct worker *worker); /* before each slice, in one thread, untimed; may be NULL */
    bool (*step)(struct worker *worker);
    void (*measure)(struct worker *worker, struct sample *sample);
};

/* Tables of workloads that end with a name of NULL. */
extern const struct workload work_read[], work_write[], work_load[], work_typed[], work_body[], work_holes[];

/* What one run is about (workloads.c). Lists end with NULL. */
struct suite {
    const char *subject;          /* the first entrant of each workload */
    const char *columns[5];       /* the peers that have a column of the table; the others come behind */
    const struct workload *const *tables;
    const struct backend *const *backends; /* that the report describes */
};
extern const struct suite suite_stores, suite_files;

/* The sets that the tables share. */
enum { SMALL_COUNT = 100000 };
extern const struct dataset set_small, set_16k, set_1m;

/* --------------------------------------------------------------- measuring */

struct options {
    const struct suite *suite;
    bool quick;
    bool list;
    bool curve;
    const char *only; /* a shell pattern, or NULL */
    unsigned rounds;
    const char *directory;
    const char *json; /* NULL: none */
    unsigned slow_sync_us; /* each sync is made so much slower; 0: not */
    double slice_seconds;
};

/* What all rounds gave, by entrant. */
struct result {
    const struct workload *workload;
    unsigned rounds;
    double values[ENTRANTS_MAX][ROUNDS_MAX];
    struct histogram *latencies[ENTRANTS_MAX];
};

/* Runs all rounds of a workload. `out` is zero at first; what it holds is replaced. */
void run_workload(struct result *out, const struct workload *workload, const struct options *options);
const char *entrant_name(const struct entrant *entrant);
/* The goals that hold for this run. */
const struct goal *workload_goals(const struct workload *workload, const struct options *options);

/* A log-scaled histogram of durations: 16 buckets for every doubling, so within 3 %. */
struct histogram *histogram_new(void);
void histogram_add(struct histogram *histogram, uint64_t nanoseconds);
/* Adds what `from` holds, and empties it. */
void histogram_move(struct histogram *into, struct histogram *from);
/* The duration in seconds that `share` (0.99) of all do not exceed; 0 if it is empty. */
double histogram_percentile(const struct histogram *histogram, double share);
uint64_t histogram_count(const struct histogram *histogram);
/* NULL is fine. */
void histogram_free(struct histogram *histogram);

uint64_t now_ns(void);
double median(const double *values, size_t count);

/* ------------------------------------------------------------------ report */

void report_begin(const struct options *options);
/* A row's begin, when its workload starts, and the rest. */
void report_start(const struct workload *workload);
void report_result(const struct result *result, const struct options *options);
/* Writes the JSON file, if one is wanted. Returns how many goals were missed. */
unsigned report_end(const struct options *options);

/* What the figures depend on; all text is "unknown" where it cannot be found. */
struct machine {
    char cpu[128], system[256], file_system[64], commit[64], date[32];
    unsigned cores;
    double flush_seconds; /* the usual time of an fdatasync after a write of 4 KiB */
};
void machine_look(struct machine *out, const char *directory);
void machine_print(const struct machine *machine);

/* {"machine": ..., "commit": ..., "date": ...}; more is added. */
struct json_t *report_machine(const struct machine *machine);
/* Writes it to the file of --json, if there is one, and releases it. */
void report_write(struct json_t *all, const struct options *options);

/* ------------------------------------------------------------------- files */

/* Bytes that all files below a directory occupy. */
uint64_t files_disk_bytes(const char *directory);
void files_remove(const char *directory);
/* "directory/name", to be freed. */
char *files_join(const char *directory, const char *name);

#endif
