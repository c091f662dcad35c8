/*
 * workloads.c - all workloads, in the order of the report, and the sets of objects that they share.
 */
#include "mount.h"

const struct dataset set_small = { .name = "small", .count = SMALL_COUNT, .size = 1024 };
const struct dataset set_16k = { .name = "16k", .count = 4000, .size = 16 << 10 };
const struct dataset set_1m = { .name = "1m", .count = 64, .size = 1 << 20 };

static const struct workload *const store_tables[] = {
    work_read, work_write, work_load, work_typed, work_body, work_holes, NULL,
};
static const struct backend *const stores[] = {
    &backend_libstore, &backend_lmdb, &backend_sqlite, &backend_rocksdb, &backend_files, &backend_sqlite_norowid, NULL,
};
const struct suite suite_stores = {
    .subject = "libstore",
    .columns = { "lmdb", "sqlite", "rocksdb", "files" },
    .tables = store_tables,
    .backends = stores,
};

static const struct workload *const file_tables[] = { work_files, work_tree, work_large, work_memory, NULL };
static const struct backend *const file_systems[] = {
    &mount_storefs, &mount_passthrough, &mount_native, &mount_gocryptfs, NULL,
};
const struct suite suite_files = {
    .subject = "storefs",
    .columns = { "passthrough_ll", "native", "gocryptfs" },
    .tables = file_tables,
    .backends = file_systems,
};
