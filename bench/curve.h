/*
 * curve.h - what the files of `bench --curve` share: the figures.
 *
 *     curve.c           what is measured when, and the number of objects
 *     curve_bodies.c    the size of bodies
 *     curve_bounds.c    how long opening takes, how much memory streams and listings need
 *     curve_report.c    the tables and the JSON file
 */
#ifndef BENCH_CURVE_H
#define BENCH_CURVE_H

#include <stdint.h>

#include "bench.h"

enum {
    CURVE_STORES = 2, /* libstore, raw LMDB */
    CURVE_COUNTS = 4, /* 10^4 ... 10^7 objects */
    CURVE_SIZES = 8,  /* 100 bytes ... 1 GiB */
};

/* Costs are microseconds an operation. */
struct by_count {
    uint32_t objects;
    struct count_cost {
        double get, get_next, put, put_many, list; /* get_next: in the order of the keys */
        double disk_mib;                           /* after the load */
    } cost[CURVE_STORES];
    double open_ms, first_get_ms; /* of libstore, in a process that had it not open */
};

struct by_size {
    uint64_t bytes;
    struct size_cost {
        double put, get;
    } cost[CURVE_STORES];
};

/* How much the process's own memory grew at most, in MiB. */
struct memory_growth {
    double put_body, get_body, list, list_bodies;
};

struct curve {
    struct machine machine;
    struct by_count counts[CURVE_COUNTS];
    struct by_size sizes[CURVE_SIZES];
    struct memory_growth memory;
};

extern const struct backend *const curve_stores[CURVE_STORES];

int run_curve(const struct options *options);
void curve_bodies(struct by_size sizes[CURVE_SIZES], const struct options *options);
/* Closes libstore's database and opens it again, a few times. */
void curve_opening(struct by_count *out, struct database *db);
/* With a database of so many objects. */
void curve_memory(struct memory_growth *out, struct database *db, uint32_t objects);
/* All to the terminal, and to options->json. */
void curve_report(const struct curve *curve, const struct options *options);

#endif
