/*
 * backend_lmdb.c - raw LMDB, as fast as it goes: the whole location is the key in the unnamed tree, each
 * session has a reader that is renewed. Uploads are chunks in an environment of their own.
 */
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"

enum {
    CHUNK_SIZE = 65520,        /* fills 16 pages with LMDB's header */
    COMMIT_SIZE = 16 << 20,    /* of an upload, in one transaction */
    CHUNK_KEY_SIZE = KEY_MAX + 4,
};

static const size_t map_size = (size_t)64 << 30;

struct lmdb {
    MDB_env *env, *chunk_env; /* the second is opened by the first upload */
    MDB_dbi dbi, chunk_dbi;
    char *chunk_directory;
    unsigned flags;
};

struct lmdb_session {
    struct lmdb *db;
    MDB_txn *reader; /* reset, but while there is a view */
};

static void must(int code, const char *what)
{
    if (code != 0)
        fail("lmdb: %s: %s", what, mdb_strerror(code));
}

static const char *lmdb_version(void)
{
    return mdb_version(NULL, NULL, NULL);
}

static void env_open(MDB_env **env, MDB_dbi *dbi, const char *directory, unsigned flags)
{
    MDB_txn *txn;

    must(mdb_env_create(env), "mdb_env_create");
    must(mdb_env_set_mapsize(*env, map_size), "mdb_env_set_mapsize");
    must(mdb_env_open(*env, directory, flags, 0600), "mdb_env_open");
    must(mdb_txn_begin(*env, NULL, 0, &txn), "mdb_txn_begin");
    must(mdb_dbi_open(txn, NULL, 0, dbi), "mdb_dbi_open");
    must(mdb_txn_commit(txn), "mdb_txn_commit");
}

static void *lmdb_open(const char *directory, enum durability durability)
{
    struct lmdb *db = allocate_zeroed(1, sizeof *db);

    db->flags = MDB_NOTLS | (durability == RELAXED ? MDB_NOMETASYNC : 0);
    db->chunk_directory = files_join(directory, "chunks");
    env_open(&db->env, &db->dbi, directory, db->flags);
    return db;
}

static void lmdb_close(void *database)
{
    struct lmdb *db = database;

    mdb_env_close(db->env);
    if (db->chunk_env)
        mdb_env_close(db->chunk_env);
    free(db->chunk_directory);
    free(db);
}

static void *lmdb_session_open(void *database)
{
    struct lmdb_session *session = allocate_zeroed(1, sizeof *session);

    session->db = database;
    must(mdb_txn_begin(session->db->env, NULL, MDB_RDONLY, &session->reader), "mdb_txn_begin");
    mdb_txn_reset(session->reader);
    return session;
}

static void lmdb_session_close(void *opaque)
{
    struct lmdb_session *session = opaque;

    mdb_txn_abort(session->reader);
    free(session);
}

static void lmdb_sync(void *database)
{
    struct lmdb *db = database;

    must(mdb_env_sync(db->env, 1), "mdb_env_sync");
}

static MDB_val key_val(const char *key)
{
    return (MDB_val){ strlen(key), (void *)key };
}

static MDB_txn *begin(const struct lmdb_session *session)
{
    MDB_txn *txn;

    must(mdb_txn_begin(session->db->env, NULL, 0, &txn), "mdb_txn_begin");
    return txn;
}

static void put_in(MDB_txn *txn, MDB_dbi dbi, struct item item, unsigned flags)
{
    MDB_val k = key_val(item.key), v = { item.value.size, (void *)item.value.data };

    must(mdb_put(txn, dbi, &k, &v, flags), "mdb_put");
}

static void put_all(struct lmdb_session *session, const struct item *items, size_t count, unsigned flags)
{
    MDB_txn *txn = begin(session);

    for (size_t i = 0; i < count; i++)
        put_in(txn, session->db->dbi, items[i], flags);
    must(mdb_txn_commit(txn), "mdb_txn_commit");
}

static void lmdb_put(void *session, const char *key, struct bytes value)
{
    put_all(session, &(struct item){ key, value }, 1, 0);
}

static void lmdb_put_many(void *session, const struct item *items, size_t count)
{
    put_all(session, items, count, 0);
}

static void lmdb_append_many(void *session, const struct item *items, size_t count)
{
    put_all(session, items, count, MDB_APPEND);
}

static void lmdb_view_end(void *opaque)
{
    struct lmdb_session *session = opaque;

    mdb_txn_reset(session->reader);
}

static bool lmdb_view(void *opaque, const char *key, struct bytes *value)
{
    struct lmdb_session *session = opaque;
    MDB_val k = key_val(key), v;
    int code;

    must(mdb_txn_renew(session->reader), "mdb_txn_renew");
    code = mdb_get(session->reader, session->db->dbi, &k, &v);
    if (code == MDB_NOTFOUND) {
        lmdb_view_end(session);
        return false;
    }
    must(code, "mdb_get");
    *value = (struct bytes){ v.mv_data, v.mv_size };
    return true;
}

static bool lmdb_get(void *session, const char *key, void *buffer, size_t capacity, size_t *size)
{
    struct bytes value;

    if (!lmdb_view(session, key, &value))
        return false;
    if (value.size <= capacity)
        memcpy(buffer, value.data, value.size);
    *size = value.size;
    lmdb_view_end(session);
    return true;
}

/* Returns whether the last of them was there. */
static bool delete_all(struct lmdb_session *session, const char *const *keys, size_t count)
{
    MDB_txn *txn = begin(session);
    int code = MDB_NOTFOUND;

    for (size_t i = 0; i < count; i++) {
        MDB_val k = key_val(keys[i]);

        code = mdb_del(txn, session->db->dbi, &k, NULL);
        if (code != MDB_NOTFOUND)
            must(code, "mdb_del");
    }
    must(mdb_txn_commit(txn), "mdb_txn_commit");
    return code == 0;
}

static bool lmdb_delete(void *session, const char *key)
{
    return delete_all(session, &key, 1);
}

static void lmdb_delete_many(void *session, const char *const *keys, size_t count)
{
    delete_all(session, keys, count);
}

/* Sets the cursor on the first entry behind `after`. */
static int cursor_start(MDB_cursor *cursor, const char *after, MDB_val *k, MDB_val *v)
{
    int code;

    if (!after)
        return mdb_cursor_get(cursor, k, v, MDB_FIRST);
    *k = key_val(after);
    code = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
    if (code == 0 && k->mv_size == strlen(after) && memcmp(k->mv_data, after, k->mv_size) == 0)
        code = mdb_cursor_get(cursor, k, v, MDB_NEXT);
    return code;
}

static uint64_t lmdb_list(void *opaque, const char *after, uint64_t limit, bool bodies, visit_fn *visit,
                          void *payload)
{
    struct lmdb_session *session = opaque;
    MDB_cursor *cursor;
    MDB_val k, v;
    uint64_t count = 0;
    int code;

    must(mdb_txn_renew(session->reader), "mdb_txn_renew");
    must(mdb_cursor_open(session->reader, session->db->dbi, &cursor), "mdb_cursor_open");
    for (code = cursor_start(cursor, after, &k, &v); code == 0; code = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
        visit(payload, k.mv_data, k.mv_size, (struct bytes){ bodies ? v.mv_data : NULL, v.mv_size });
        if (++count == limit)
            break;
    }
    if (code != MDB_NOTFOUND)
        must(code, "mdb_cursor_get");
    mdb_cursor_close(cursor);
    mdb_txn_reset(session->reader);
    return count;
}

/* The key of a chunk: the location and the chunk's number, so that chunks are in order. */
static MDB_val chunk_key(unsigned char out[CHUNK_KEY_SIZE], const char *key, uint32_t chunk)
{
    size_t size = strlen(key);

    memcpy(out, key, size);
    for (int i = 0; i < 4; i++)
        out[size + i] = (unsigned char)(chunk >> (24 - 8 * i));
    return (MDB_val){ size + 4, out };
}

static void chunks_open(struct lmdb *db)
{
    if (db->chunk_env)
        return;
    if (mkdir(db->chunk_directory, 0700) != 0)
        fail("lmdb: cannot make %s", db->chunk_directory);
    env_open(&db->chunk_env, &db->chunk_dbi, db->chunk_directory, db->flags);
}

/* Not atomic, as an upload in several transactions cannot be here; nor does it take away what a
 * longer one left. What is to be measured is the writing. */
static void lmdb_upload(void *opaque, const char *key, struct value_stream *stream)
{
    struct lmdb *db = ((struct lmdb_session *)opaque)->db;
    uint32_t chunk = 0;

    chunks_open(db);
    for (uint64_t at = 0; at < stream->size;) {
        MDB_txn *txn;
        uint64_t end = at + COMMIT_SIZE < stream->size ? at + COMMIT_SIZE : stream->size;

        must(mdb_txn_begin(db->chunk_env, NULL, 0, &txn), "mdb_txn_begin");
        while (at < end) {
            unsigned char room[CHUNK_KEY_SIZE];
            MDB_val k = chunk_key(room, key, chunk++);
            MDB_val v = { stream->size - at < CHUNK_SIZE ? stream->size - at : CHUNK_SIZE, NULL };

            must(mdb_put(txn, db->chunk_dbi, &k, &v, MDB_RESERVE), "mdb_put");
            value_take(stream, v.mv_data, v.mv_size);
            at += v.mv_size;
        }
        must(mdb_txn_commit(txn), "mdb_txn_commit");
    }
}

static void lmdb_download(void *opaque, const char *key, struct value_stream *stream)
{
    struct lmdb *db = ((struct lmdb_session *)opaque)->db;
    uint32_t chunk = 0;
    MDB_txn *txn;

    chunks_open(db);
    must(mdb_txn_begin(db->chunk_env, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    for (uint64_t at = 0; at < stream->size;) {
        unsigned char room[CHUNK_KEY_SIZE];
        MDB_val k = chunk_key(room, key, chunk++), v;

        must(mdb_get(txn, db->chunk_dbi, &k, &v), "mdb_get");
        value_expect(stream, v.mv_data, v.mv_size);
        at += v.mv_size;
    }
    mdb_txn_abort(txn);
}

const struct backend backend_lmdb = {
    .name = "lmdb",
    .settings = "raw, the location is the key, MDB_NOTLS, readers renewed; relaxed: MDB_NOMETASYNC",
    .version = lmdb_version,
    .open = lmdb_open,
    .close = lmdb_close,
    .session_open = lmdb_session_open,
    .session_close = lmdb_session_close,
    .sync = lmdb_sync,
    .put = lmdb_put,
    .put_many = lmdb_put_many,
    .append_many = lmdb_append_many,
    .view = lmdb_view,
    .view_end = lmdb_view_end,
    .get = lmdb_get,
    .delete = lmdb_delete,
    .delete_many = lmdb_delete_many,
    .list = lmdb_list,
    .upload = lmdb_upload,
    .download = lmdb_download,
};
