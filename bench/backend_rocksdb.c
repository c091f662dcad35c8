/*
 * backend_rocksdb.c - RocksDB through its C interface: no compression, bloom filters, values of 16 KiB and
 * more in blob files, the log synced by each durable write.
 */
#include <dlfcn.h>
#include <limits.h>
#include <rocksdb/c.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum {
    CACHE_SIZE = 512 << 20,
    MEMTABLE_SIZE = 64 << 20,
    BLOB_SIZE = 16 << 10,
    SETTLE_MS = 2000, /* the longest wait for compactions */
};

struct rocksdb {
    rocksdb_t *handle;
    rocksdb_options_t *options;
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write;
    rocksdb_readoptions_t *read;
};

struct rocksdb_session {
    struct rocksdb *db;
    rocksdb_pinnableslice_t *view;
};

static void must(char *error, const char *what)
{
    if (error)
        fail("rocksdb: %s: %s", what, error);
}

/* The C interface has no version; the name of the library's file has. */
static const char *version(void)
{
    static char path[PATH_MAX];
    const char *mark = NULL;
    Dl_info info;

    if (dladdr((void *)rocksdb_open, &info) != 0 && realpath(info.dli_fname, path))
        mark = strstr(path, ".so.");
    return mark ? mark + strlen(".so.") : "unknown";
}

static rocksdb_options_t *options_new(rocksdb_cache_t *cache)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_increase_parallelism(options, 2);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_options_set_write_buffer_size(options, MEMTABLE_SIZE);
    rocksdb_options_set_enable_blob_files(options, 1);
    rocksdb_options_set_min_blob_size(options, BLOB_SIZE);
    rocksdb_options_set_enable_blob_gc(options, 1);
    return options;
}

static void *open_database(const char *directory, enum durability durability)
{
    struct rocksdb *db = allocate_zeroed(1, sizeof *db);
    char *error = NULL;

    db->cache = rocksdb_cache_create_lru(CACHE_SIZE);
    db->options = options_new(db->cache);
    db->read = rocksdb_readoptions_create();
    db->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(db->write, durability == DURABLE);
    db->handle = rocksdb_open(db->options, directory, &error);
    must(error, "open");
    return db;
}

static void close_database(void *database)
{
    struct rocksdb *db = database;

    rocksdb_close(db->handle);
    rocksdb_writeoptions_destroy(db->write);
    rocksdb_readoptions_destroy(db->read);
    rocksdb_options_destroy(db->options);
    rocksdb_cache_destroy(db->cache);
    free(db);
}

static void *session_open(void *database)
{
    struct rocksdb_session *session = allocate_zeroed(1, sizeof *session);

    session->db = database;
    return session;
}

static void sync_log(void *database)
{
    struct rocksdb *db = database;
    char *error = NULL;

    rocksdb_flush_wal(db->handle, 1, &error);
    must(error, "flush_wal");
}

static bool is_busy(struct rocksdb *db)
{
    static const char *const properties[] = {
        "rocksdb.mem-table-flush-pending",
        "rocksdb.num-running-flushes",
        "rocksdb.compaction-pending",
        "rocksdb.num-running-compactions",
    };
    uint64_t value = 0;

    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (rocksdb_property_int(db->handle, properties[i], &value) == 0 && value > 0)
            return true;
    return false;
}

static void settle(void *database)
{
    static const struct timespec one_ms = { 0, 1000000 };

    for (int i = 0; i < SETTLE_MS && is_busy(database); i++)
        nanosleep(&one_ms, NULL);
}

static void put(void *opaque, const char *key, struct bytes value)
{
    struct rocksdb *db = ((struct rocksdb_session *)opaque)->db;
    char *error = NULL;

    rocksdb_put(db->handle, db->write, key, strlen(key), value.data, value.size, &error);
    must(error, "put");
}

static void write_batch(struct rocksdb *db, rocksdb_writebatch_t *batch)
{
    char *error = NULL;

    rocksdb_write(db->handle, db->write, batch, &error);
    must(error, "write");
    rocksdb_writebatch_destroy(batch);
}

static void put_many(void *opaque, const struct item *items, size_t count)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();

    for (size_t i = 0; i < count; i++)
        rocksdb_writebatch_put(batch, items[i].key, strlen(items[i].key), items[i].value.data,
                               items[i].value.size);
    write_batch(((struct rocksdb_session *)opaque)->db, batch);
}

static bool view(void *opaque, const char *key, struct bytes *value)
{
    struct rocksdb_session *session = opaque;
    char *error = NULL;

    session->view = rocksdb_get_pinned(session->db->handle, session->db->read, key, strlen(key), &error);
    must(error, "get");
    if (!session->view)
        return false;
    value->data = rocksdb_pinnableslice_value(session->view, &value->size);
    return true;
}

static void view_end(void *opaque)
{
    rocksdb_pinnableslice_destroy(((struct rocksdb_session *)opaque)->view);
}

static bool get(void *session, const char *key, void *buffer, size_t capacity, size_t *size)
{
    struct bytes value;

    if (!view(session, key, &value))
        return false;
    if (value.size <= capacity)
        memcpy(buffer, value.data, value.size);
    *size = value.size;
    view_end(session);
    return true;
}

/* RocksDB does not look whether the key is there. */
static bool delete(void *opaque, const char *key)
{
    struct rocksdb *db = ((struct rocksdb_session *)opaque)->db;
    char *error = NULL;

    rocksdb_delete(db->handle, db->write, key, strlen(key), &error);
    must(error, "delete");
    return true;
}

static void delete_many(void *opaque, const char *const *keys, size_t count)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();

    for (size_t i = 0; i < count; i++)
        rocksdb_writebatch_delete(batch, keys[i], strlen(keys[i]));
    write_batch(((struct rocksdb_session *)opaque)->db, batch);
}

static void iterator_start(rocksdb_iterator_t *iterator, const char *after)
{
    size_t size;
    const char *key;

    if (!after) {
        rocksdb_iter_seek_to_first(iterator);
        return;
    }
    rocksdb_iter_seek(iterator, after, strlen(after));
    if (!rocksdb_iter_valid(iterator))
        return;
    key = rocksdb_iter_key(iterator, &size);
    if (size == strlen(after) && memcmp(key, after, size) == 0)
        rocksdb_iter_next(iterator);
}

static uint64_t list(void *opaque, const char *after, uint64_t limit, bool bodies, visit_fn *visit, void *payload)
{
    struct rocksdb *db = ((struct rocksdb_session *)opaque)->db;
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(db->handle, db->read);
    uint64_t count = 0;
    char *error = NULL;

    for (iterator_start(iterator, after); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t name_size, size;
        const char *name = rocksdb_iter_key(iterator, &name_size);
        const char *value = rocksdb_iter_value(iterator, &size);

        visit(payload, name, name_size, (struct bytes){ bodies ? value : NULL, size });
        if (++count == limit)
            break;
    }
    rocksdb_iter_get_error(iterator, &error);
    must(error, "iterator");
    rocksdb_iter_destroy(iterator);
    return count;
}

const struct backend backend_rocksdb = {
    .name = "rocksdb",
    .settings = "no compression, 64 MiB memtable, 512 MiB cache, bloom filters, blob files; sync; relaxed: not",
    .version = version,
    .open = open_database,
    .close = close_database,
    .session_open = session_open,
    .session_close = free,
    .sync = sync_log,
    .settle = settle,
    .put = put,
    .put_many = put_many,
    .view = view,
    .view_end = view_end,
    .get = get,
    .delete = delete,
    .delete_many = delete_many,
    .list = list,
};
