/*
 * backend_sqlite.c - SQLite as a key-value store: WAL, prepared statements, a connection for each session,
 * a large cache and a map. Twice: a table with a UNIQUE path, and one WITHOUT ROWID.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char rowid_schema[] =
    "CREATE TABLE IF NOT EXISTS objects (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, body BLOB NOT NULL)";
static const char norowid_schema[] =
    "CREATE TABLE IF NOT EXISTS objects (path TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID";

/* The one row of `mark` is written to have the log synced, see sqlite_sync(). */
static const char common_schema[] =
    "CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO mark VALUES (1, 0)";

enum statement { PUT, GET, DELETE, LIST_SIZES, LIST_BODIES, BEGIN, COMMIT, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [PUT] = "INSERT INTO objects (path, body) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body",
    [GET] = "SELECT body FROM objects WHERE path = ?1",
    [DELETE] = "DELETE FROM objects WHERE path = ?1",
    [LIST_SIZES] = "SELECT path, length(body) FROM objects WHERE path > ?1 ORDER BY path LIMIT ?2",
    [LIST_BODIES] = "SELECT path, length(body), body FROM objects WHERE path > ?1 ORDER BY path LIMIT ?2",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
};

struct sqlite {
    char *path;
    enum durability durability;
    sqlite3 *marker; /* a connection that always syncs */
};

struct sqlite_session {
    sqlite3 *connection;
    sqlite3_stmt *statements[STATEMENTS];
};

static void must(int code, sqlite3 *connection, const char *what)
{
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        fail("sqlite: %s: %s", what, sqlite3_errmsg(connection));
}

static void execute(sqlite3 *connection, const char *sql)
{
    must(sqlite3_exec(connection, sql, NULL, NULL, NULL), connection, sql);
}

static sqlite3 *connect_to(const char *path, enum durability durability)
{
    sqlite3 *connection;

    static const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path, &connection, flags, NULL);

    must(code, connection, "open");
    execute(connection, "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL;"
                        "PRAGMA cache_size = -524288; PRAGMA mmap_size = 8589934592");
    execute(connection, durability == DURABLE ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    return connection;
}

static void *database_open(const char *directory, enum durability durability, const char *schema)
{
    struct sqlite *db = allocate_zeroed(1, sizeof *db);

    db->path = files_join(directory, "objects.sqlite");
    db->durability = durability;
    db->marker = connect_to(db->path, DURABLE);
    execute(db->marker, schema);
    execute(db->marker, common_schema);
    return db;
}

static void *sqlite_open(const char *directory, enum durability durability)
{
    return database_open(directory, durability, rowid_schema);
}

static void *sqlite_norowid_open(const char *directory, enum durability durability)
{
    return database_open(directory, durability, norowid_schema);
}

static void sqlite_close(void *database)
{
    struct sqlite *db = database;

    sqlite3_close(db->marker);
    free(db->path);
    free(db);
}

static void *sqlite_session_open(void *database)
{
    struct sqlite *db = database;
    struct sqlite_session *session = allocate_zeroed(1, sizeof *session);

    session->connection = connect_to(db->path, db->durability);
    for (int i = 0; i < STATEMENTS; i++)
        must(sqlite3_prepare_v3(session->connection, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                &session->statements[i], NULL),
             session->connection, texts[i]);
    return session;
}

static void sqlite_session_close(void *opaque)
{
    struct sqlite_session *session = opaque;

    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(session->statements[i]);
    sqlite3_close(session->connection);
    free(session);
}

/* A commit of a connection that syncs makes all before it in the log durable too: cheaper than a checkpoint. */
static void sqlite_sync(void *database)
{
    struct sqlite *db = database;

    if (db->durability == RELAXED)
        execute(db->marker, "UPDATE mark SET value = value + 1");
}

static void sqlite_settle(void *database)
{
    struct sqlite *db = database;

    execute(db->marker, "PRAGMA wal_checkpoint(PASSIVE)");
}

static sqlite3_stmt *with_key(struct sqlite_session *session, enum statement which, const char *key)
{
    sqlite3_stmt *statement = session->statements[which];

    must(sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC), session->connection, "bind");
    return statement;
}

/* Runs a statement that gives no rows, and gets it ready for the next time. */
static void run(struct sqlite_session *session, sqlite3_stmt *statement)
{
    must(sqlite3_step(statement), session->connection, "step");
    sqlite3_reset(statement);
}

static void sqlite_put(void *opaque, const char *key, struct bytes value)
{
    struct sqlite_session *session = opaque;
    sqlite3_stmt *statement = with_key(session, PUT, key);

    must(sqlite3_bind_blob64(statement, 2, value.data, value.size, SQLITE_STATIC), session->connection, "bind");
    run(session, statement);
}

static void sqlite_put_many(void *opaque, const struct item *items, size_t count)
{
    struct sqlite_session *session = opaque;

    run(session, session->statements[BEGIN]);
    for (size_t i = 0; i < count; i++)
        sqlite_put(session, items[i].key, items[i].value);
    run(session, session->statements[COMMIT]);
}

static void sqlite_view_end(void *opaque)
{
    struct sqlite_session *session = opaque;

    sqlite3_reset(session->statements[GET]);
}

static bool sqlite_view(void *opaque, const char *key, struct bytes *value)
{
    struct sqlite_session *session = opaque;
    sqlite3_stmt *statement = with_key(session, GET, key);
    int code = sqlite3_step(statement);

    must(code, session->connection, "step");
    if (code != SQLITE_ROW) {
        sqlite_view_end(session);
        return false;
    }
    value->data = sqlite3_column_blob(statement, 0);
    value->size = (size_t)sqlite3_column_bytes(statement, 0);
    return true;
}

static bool sqlite_get(void *session, const char *key, void *buffer, size_t capacity, size_t *size)
{
    struct bytes value;

    if (!sqlite_view(session, key, &value))
        return false;
    if (value.size <= capacity)
        memcpy(buffer, value.data, value.size);
    *size = value.size;
    sqlite_view_end(session);
    return true;
}

static bool sqlite_delete(void *opaque, const char *key)
{
    struct sqlite_session *session = opaque;

    run(session, with_key(session, DELETE, key));
    return sqlite3_changes(session->connection) > 0;
}

static void sqlite_delete_many(void *opaque, const char *const *keys, size_t count)
{
    struct sqlite_session *session = opaque;

    run(session, session->statements[BEGIN]);
    for (size_t i = 0; i < count; i++)
        sqlite_delete(session, keys[i]);
    run(session, session->statements[COMMIT]);
}

static uint64_t sqlite_list(void *opaque, const char *after, uint64_t limit, bool bodies, visit_fn *visit,
                            void *payload)
{
    struct sqlite_session *session = opaque;
    sqlite3_stmt *statement = with_key(session, bodies ? LIST_BODIES : LIST_SIZES, after ? after : "");
    uint64_t count = 0;
    int code;

    must(sqlite3_bind_int64(statement, 2, limit ? (sqlite3_int64)limit : -1), session->connection, "bind");
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        struct bytes value = { bodies ? sqlite3_column_blob(statement, 2) : NULL,
                               (size_t)sqlite3_column_int64(statement, 1) };

        visit(payload, name, (size_t)sqlite3_column_bytes(statement, 0), value);
        count++;
    }
    must(code, session->connection, "step");
    sqlite3_reset(statement);
    return count;
}

#define COMMON                                              \
    .version = sqlite3_libversion,                          \
    .close = sqlite_close,                                  \
    .session_open = sqlite_session_open,                    \
    .session_close = sqlite_session_close,                  \
    .sync = sqlite_sync, .settle = sqlite_settle,           \
    .put = sqlite_put, .put_many = sqlite_put_many,         \
    .view = sqlite_view, .view_end = sqlite_view_end,       \
    .get = sqlite_get,                                      \
    .delete = sqlite_delete,                                \
    .delete_many = sqlite_delete_many,                      \
    .list = sqlite_list

const struct backend backend_sqlite = {
    .name = "sqlite",
    .settings = "rowid and a UNIQUE path, WAL, prepared, 512 MiB cache, map; synchronous FULL; relaxed: NORMAL",
    .open = sqlite_open,
    COMMON,
};

const struct backend backend_sqlite_norowid = {
    .name = "sqlite-norowid",
    .settings = "the same in a table WITHOUT ROWID",
    .open = sqlite_norowid_open,
    COMMON,
};
