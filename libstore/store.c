/* store.c - a handle's life: open, create, share within the process, close. */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "body.h"
#include "caretaker.h"
#include "change.h"
#include "directory.h"
#include "ids.h"
#include "layout.h"
#include "node.h"
#include "queue.h"
#include "store_private.h"
#include "tree.h"
#include "txn.h"

#define FORMAT 1
#define FORMAT_ROW 24 /* magic[8], u32 format, u32 reserved, i64 created */
#define LOG_LIMIT 100000
#define FILE_MODE 0660
#define DIRECTORY_MODE 0770

static const char MAGIC[8] = "libstore";

const store_request request_default = STORE_REQUEST_INIT;

/* Every handle of this process: LMDB allows one environment for a file, so a store is opened once. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static store *registry;

const char *store_library_version(void)
{
    return STORE_VERSION;
}

const char *store_path(const store *s)
{
    return s->path;
}

int64_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int64_t clock_monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void clock_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

int request_check(const store_request *request, unsigned allowed)
{
    if (request->version == 0 || request->version > STORE_REQUEST_VERSION)
        return problem(STORE_BAD_ARGUMENT, "the request has version %u, this library knows %d", request->version,
                       STORE_REQUEST_VERSION);
    if (request->flags & ~(allowed & ~(TAKES_ID | TAKES_TO_BASE)))
        return problem(STORE_BAD_ARGUMENT, "the request has a flag that means nothing here");
    if ((request->id && !(allowed & TAKES_ID)) || (request->to_base && !(allowed & TAKES_TO_BASE)))
        return problem(STORE_BAD_ARGUMENT, "the request has an id that means nothing here");
    if ((request->flags & STORE_REPLACE && request->flags & STORE_NOREPLACE) ||
        (request->flags & STORE_INSERT && request->flags & STORE_NOINSERT))
        return problem(STORE_BAD_ARGUMENT, "the request has two flags that exclude each other");
    return STORE_OK;
}

/* ---------------------------------------------------------- the directory */

/* Locks and shared memory do not work across hosts: LMDB would corrupt the files. */
static int check_file_system(const char *path)
{
    static const long network[] = { 0x6969 /* NFS */, 0xFF534D42 /* CIFS */, 0xFE534D42 /* SMB2 */, 0x517B /* SMB */,
                                    0x5346414F /* AFS */, 0x73757245 /* Coda */ };
    struct statfs fs;

    if (statfs(path, &fs) != 0)
        return problem_os(STORE_IO, errno, "%s: %s", path, strerror(errno));
    for (size_t i = 0; i < sizeof network / sizeof *network; i++)
        if ((fs.f_type & 0xFFFFFFFFL) == network[i])
            return problem(STORE_BAD_ARGUMENT, "%s lies on a network file system", path);
    return STORE_OK;
}

static bool own_file(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "live") == 0 ||
           strncmp(name, OBJECTS_FILE, strlen(OBJECTS_FILE)) == 0 ||
           strncmp(name, BODIES_FILE, strlen(BODIES_FILE)) == 0;
}

/* Whether the directory has the store's files, and whether it has any others. */
static int look_inside(const char *path, bool *is_store, bool *others)
{
    const struct dirent *entry;
    DIR *directory = opendir(path);

    *is_store = *others = false;
    if (!directory)
        return problem_os(errno == EACCES ? STORE_DENIED : STORE_IO, errno, "%s: %s", path, strerror(errno));
    while ((entry = readdir(directory)) != NULL) {
        *is_store |= strcmp(entry->d_name, OBJECTS_FILE) == 0;
        *others |= !own_file(entry->d_name);
    }
    closedir(directory);
    return STORE_OK;
}

static int make_directory(const char *path, bool create)
{
    if (!create)
        return problem(STORE_NOT_FOUND, "there is no store %s", path);
    if (mkdir(path, DIRECTORY_MODE) == 0 || errno == EEXIST)
        return STORE_OK;
    return directory_problem(errno, path);
}

static int prepare_directory(char **absolute, struct stat *st, const char *path, bool create)
{
    bool is_store, others;
    int rc = STORE_OK;

    if (stat(path, st) != 0) {
        if (errno == EACCES)
            return problem_os(STORE_DENIED, errno, "%s: %s", path, strerror(errno));
        rc = make_directory(path, create);
    }
    if (rc == STORE_OK && stat(path, st) != 0)
        rc = problem_os(STORE_IO, errno, "%s: %s", path, strerror(errno));
    if (rc == STORE_OK && !S_ISDIR(st->st_mode))
        rc = problem_os(STORE_KIND_CONFLICT, ENOTDIR, "%s is no directory", path);
    if (rc == STORE_OK)
        rc = look_inside(path, &is_store, &others);
    if (rc == STORE_OK && !is_store && others)
        rc = problem_os(STORE_KIND_CONFLICT, EISDIR, "%s is no store: it holds other files", path);
    if (rc == STORE_OK && !is_store && !create)
        rc = problem(STORE_NOT_FOUND, "there is no store in %s", path);
    if (rc == STORE_OK)
        rc = check_file_system(path);
    if (rc != STORE_OK)
        return rc;
    *absolute = realpath(path, NULL);
    return *absolute ? STORE_OK : problem_os(STORE_IO, errno, "%s: %s", path, strerror(errno));
}

/* ----------------------------------------------------------------- format */

static void format_key(struct key *key)
{
    key_begin(key, SCOPE_STORE, KIND_FORMAT);
}

/* STORE_OK, ENGINE_ABSENT in a file without a store, or an error. */
static int check_format(struct snapshot *snapshot)
{
    struct slice row;
    struct key key;
    uint32_t format;
    int rc;

    format_key(&key);
    rc = engine_get(snapshot, key_slice(&key), &row);
    if (rc != STORE_OK)
        return rc;
    if (row.size < FORMAT_ROW || memcmp(row.data, MAGIC, sizeof MAGIC) != 0)
        return problem(STORE_CORRUPT, "the format row is damaged");
    memcpy(&format, (const char *)row.data + 8, sizeof format);
    if (format != FORMAT)
        return problem(STORE_UNSUPPORTED_FORMAT, "the store has format %u, this library knows %d", format, FORMAT);
    return STORE_OK;
}

/* The format row and the root collection, unless another process was faster. */
static int create_root(struct operation *op, struct txn *txn)
{
    const struct node_change change = { .kind = NODE_COLLECTION, .request = &request_default };
    struct target root = { .parent = { "", 0 }, .name = { "", 0 }, .scope = SCOPE_STORE };
    unsigned char row[FORMAT_ROW] = { 0 };
    uint32_t format = FORMAT;
    struct key key;
    int rc = check_format(&txn->engine.view);

    (void)op;
    if (rc != ENGINE_ABSENT)
        return rc;
    memcpy(row, MAGIC, sizeof MAGIC);
    memcpy(row + 8, &format, sizeof format);
    memcpy(row + 16, &txn->now, sizeof txn->now);
    format_key(&key);
    rc = engine_put(&txn->engine, key_slice(&key), slice_of(row, sizeof row));
    tree_entry_key(&root.key, SCOPE_STORE, slice_of("", 0));
    return rc == STORE_OK ? node_write(txn, &root, &change, NULL) : rc;
}

static int open_format(store *s, bool create)
{
    struct operation op = { .run = create_root };
    struct snapshot *snapshot;
    int rc = engine_snapshot(&snapshot, s->objects);

    if (rc != STORE_OK)
        return rc;
    rc = check_format(snapshot);
    engine_snapshot_end(snapshot);
    if (rc != ENGINE_ABSENT)
        return rc;
    if (!create)
        return problem(STORE_NOT_FOUND, "there is no store in %s", s->path);
    rc = txn_execute(s, NULL, &op);
    if (rc == STORE_OK)
        rc = engine_sync(s->objects);
    if (rc == STORE_OK)
        rc = directory_sync(s->path);
    return rc == STORE_OK ? directory_sync_parent(s->path) : rc;
}

/* After a power failure that cost commits their versions, and ids that were reserved, may have been told to somebody. */
static int run_restart(struct operation *op, struct txn *txn)
{
    int rc = change_restart(txn);

    (void)op;
    return rc == STORE_OK ? id_restart(txn) : rc;
}

static int skip_lost_versions(store *s)
{
    struct operation op = { .run = run_restart };
    int rc = txn_execute(s, NULL, &op);

    return rc == STORE_OK ? engine_forget_rollback(s->objects) : rc;
}

/* ------------------------------------------------------------------- open */

static int open_engine(struct engine **out, const store *s, const char *name, const store_options *options)
{
    const struct engine_options engine = {
        .read_only = s->read_only,
        .create = options->flags & STORE_OPEN_CREATE,
        .checkpoints = true,
        .relaxed = s->relaxed,
        /* Chunks must be on disk before a record that refers to them is. */
        .refers_to = strcmp(name, OBJECTS_FILE) == 0 ? s->bodies : NULL,
        .file_mode = options->file_mode ? options->file_mode : FILE_MODE,
        .map_size = options->map_size,
        .attachment_free = tree_cache_free,
    };
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", s->path, name) >= (int)sizeof path)
        return problem(STORE_BAD_ARGUMENT, "the path of the store is too long");
    return engine_open(out, path, &engine);
}

static void release(store *s)
{
    if (!s)
        return;
    caretaker_free(s->caretaker);
    if (s->objects && s->bodies)
        body_unstage(s);
    queue_free(s->queue);
    engine_close(s->objects);
    engine_close(s->bodies);
    shared_close(s->shared);
    tree_forget_definitions(s);
    pthread_mutex_destroy(&s->definitions_lock);
    pthread_mutex_destroy(&s->unstaged_lock);
    free(s->path);
    free(s);
}

/* What an earlier process left to be reclaimed: looked for cheaply. */
static bool leftovers(store *s)
{
    struct engine *engines[] = { s->objects, s->objects, s->objects, s->bodies };
    enum { PREFIXES = sizeof engines / sizeof *engines };
    struct key prefixes[PREFIXES];
    bool found = false;

    key_begin(&prefixes[0], SCOPE_STORE, KIND_GARBAGE);
    key_begin(&prefixes[1], SCOPE_STORE, KIND_DELTA);
    key_begin(&prefixes[2], SCOPE_STORE, KIND_HOLD);
    key_begin(&prefixes[3], 0, BODY_STAGED);
    for (int i = 0; i < PREFIXES && !found; i++) {
        struct engine_cursor cursor;
        struct snapshot *snapshot;
        struct slice key, value;
        if (engine_snapshot(&snapshot, engines[i]) != STORE_OK)
            continue;
        if (engine_cursor_open(&cursor, snapshot) == STORE_OK) {
            found = engine_seek(&cursor, key_slice(&prefixes[i]), &key, &value) == STORE_OK &&
                    key_has_prefix(key, &prefixes[i]);
            engine_cursor_close(&cursor);
        }
        engine_snapshot_end(snapshot);
    }
    return found;
}

static int open_parts(store *s, const store_options *options)
{
    bool create = options->flags & STORE_OPEN_CREATE;
    int cleared;
    int rc = shared_open(&s->shared, s->path, s->read_only, s->exclusive,
                         options->file_mode ? options->file_mode : FILE_MODE);

    if (rc == STORE_OK)
        rc = open_engine(&s->bodies, s, BODIES_FILE, options);
    if (rc == STORE_OK)
        rc = open_engine(&s->objects, s, OBJECTS_FILE, options);
    if (rc == STORE_OK)
        rc = queue_create(&s->queue);
    if (rc == STORE_OK && !s->read_only)
        rc = engine_clear_readers(s->objects, &cleared);
    if (rc == STORE_OK)
        rc = open_format(s, create && !s->read_only);
    if (rc == STORE_OK && engine_rolled_back(s->objects))
        rc = skip_lost_versions(s);
    if (rc == STORE_OK && engine_rolled_back(s->bodies)) /* which nobody needs to know */
        rc = engine_forget_rollback(s->bodies);
    if (rc == STORE_OK && !s->read_only)
        rc = caretaker_create(&s->caretaker, s);
    if (rc == STORE_OK && !s->read_only && leftovers(s))
        caretaker_poke(s, true);
    return rc;
}

static int check_options(const store_options *options)
{
    if (options->version == 0 || options->version > STORE_OPTIONS_VERSION)
        return problem(STORE_BAD_ARGUMENT, "the options have version %u, this library knows %d", options->version,
                       STORE_OPTIONS_VERSION);
    if (options->flags & ~(unsigned)(STORE_OPEN_CREATE | STORE_OPEN_READ_ONLY | STORE_OPEN_EXCLUSIVE))
        return problem(STORE_BAD_ARGUMENT, "the options have a flag that means nothing here");
    if (options->flags & STORE_OPEN_READ_ONLY && options->flags & (STORE_OPEN_CREATE | STORE_OPEN_EXCLUSIVE))
        return problem(STORE_BAD_ARGUMENT, "read-only goes with neither create nor exclusive");
    if (options->durability != STORE_DURABLE_COMMIT && options->durability != STORE_DURABLE_RELAXED)
        return problem(STORE_BAD_ARGUMENT, "there is no durability %d", (int)options->durability);
    return STORE_OK;
}

static int open_new(store **out, char *path, const struct stat *st, const store_options *options)
{
    store *s = calloc(1, sizeof *s);
    int rc;

    if (!s) {
        free(path);
        return problem(STORE_NO_MEMORY, "no memory for a store");
    }
    s->path = path;
    s->device = st->st_dev;
    s->inode = st->st_ino;
    s->references = 1;
    s->read_only = options->flags & STORE_OPEN_READ_ONLY;
    s->exclusive = options->flags & STORE_OPEN_EXCLUSIVE;
    s->relaxed = options->durability == STORE_DURABLE_RELAXED;
    s->log_limit = options->log_limit ? options->log_limit : LOG_LIMIT;
    s->version_commit = UINT64_MAX - 1;
    pthread_mutex_init(&s->definitions_lock, NULL);
    pthread_mutex_init(&s->unstaged_lock, NULL);
    rc = open_parts(s, options);
    if (rc != STORE_OK) {
        release(s);
        return rc;
    }
    s->next = registry;
    registry = s;
    *out = s;
    return STORE_OK;
}

/* A handle that came by fork() is of no use here: its store is opened anew. */
static store *find_open(const struct stat *st)
{
    store *s = registry;

    while (s && (s->device != st->st_dev || s->inode != st->st_ino || engine_inherited(s->objects)))
        s = s->next;
    return s;
}

int store_open(store **out, const char *path, const store_options *options)
{
    static const store_options defaults = STORE_OPTIONS_INIT;
    char *absolute = NULL;
    struct stat st;
    store *found;
    int rc;

    store_enter();
    *out = NULL;
    options = options ? options : &defaults;
    rc = check_options(options);
    if (rc != STORE_OK)
        return rc;
    pthread_mutex_lock(&registry_lock);
    rc = prepare_directory(&absolute, &st, path, options->flags & STORE_OPEN_CREATE);
    found = rc == STORE_OK ? find_open(&st) : NULL;
    if (found) {
        free(absolute);
        if (options->flags & STORE_OPEN_EXCLUSIVE || found->exclusive ||
            (found->read_only && !(options->flags & STORE_OPEN_READ_ONLY))) {
            rc = problem(STORE_BUSY, "this process has the store open in another way");
        } else {
            found->references++;
            *out = found;
        }
    } else if (rc == STORE_OK) {
        rc = open_new(out, absolute, &st, options);
    }
    pthread_mutex_unlock(&registry_lock);
    return rc;
}

void store_close(store *s)
{
    store **link = &registry;

    if (!s || engine_inherited(s->objects))
        return;
    store_enter();
    pthread_mutex_lock(&registry_lock);
    if (--s->references > 0) {
        pthread_mutex_unlock(&registry_lock);
        return;
    }
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    release(s);
    pthread_mutex_unlock(&registry_lock);
}

int store_sync(store *s)
{
    store_enter();
    return engine_sync(s->objects);
}
