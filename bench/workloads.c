/*
 * workloads.c - all workloads, in the order of the report, and the sets of objects that they share.
 */
#include "bench.h"

const struct dataset set_small = { .name = "small", .count = SMALL_COUNT, .size = 1024 };
const struct dataset set_16k = { .name = "16k", .count = 4000, .size = 16 << 10 };
const struct dataset set_1m = { .name = "1m", .count = 64, .size = 1 << 20 };

const struct workload *const workload_tables[] = {
    work_read, work_write, work_load, work_typed, work_body, work_holes, NULL,
};
