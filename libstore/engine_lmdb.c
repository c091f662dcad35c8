/*
 * engine_lmdb.c - an engine's life on LMDB, and the one translation of its
 * errors. Its map is in engine_lmdb_map.c, snapshots and cursors in _read.c,
 * transactions in _write.c, commits that do not wait for the disk in _relaxed.c
 * and _checkpoint.c, administration in _admin.c.
 */
#include "engine_lmdb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "engine_lmdb_checkpoint.h"
#include "problem.h"

#define DEFAULT_MAP_SIZE ((size_t)16 << 40)
#define DEFAULT_FILE_MODE 0660

static int code_of(int rc)
{
    switch (rc) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STORE_FULL;
    case MDB_TXN_FULL:
    case MDB_BAD_VALSIZE:
        return STORE_TOO_LARGE;
    case MDB_READERS_FULL:
    case MDB_MAP_RESIZED:
    case EAGAIN:
        return STORE_BUSY;
    case MDB_VERSION_MISMATCH:
        return STORE_UNSUPPORTED_FORMAT;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_INCOMPATIBLE:
        return STORE_CORRUPT;
    case MDB_BAD_TXN:
    case MDB_BAD_RSLOT:
    case EINVAL:
        return STORE_BAD_ARGUMENT;
    case ENOENT:
        return STORE_NOT_FOUND;
    case EEXIST:
        return STORE_KEY_CONFLICT;
    case EACCES:
    case EPERM:
        return STORE_DENIED;
    case EROFS:
        return STORE_READ_ONLY;
    case ENOMEM:
        return STORE_NO_MEMORY;
    default:
        return STORE_IO;
    }
}

int engine_lmdb_problem(int rc, const char *doing)
{
    const char *text;

    if (rc == MDB_MAP_FULL)
        return problem(STORE_FULL, "%s: the store's address space is full", doing);
    if (rc < 0)
        return problem(code_of(rc), "%s: %s", doing, mdb_strerror(rc));
    text = strerrordesc_np(rc);
    return problem_os(code_of(rc), rc, "%s: %s", doing, text ? text : "unknown error");
}

int engine_lmdb_forked(void)
{
    return problem(STORE_BAD_ARGUMENT, "the store was opened before a fork: open it again in the child");
}

static int create_mark(_Atomic unsigned **out)
{
    void *page = mmap(NULL, sizeof(unsigned), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return errno;
    if (madvise(page, sizeof(unsigned), MADV_WIPEONFORK)) {
        int rc = errno;
        munmap(page, sizeof(unsigned));
        return rc;
    }
    *out = page;
    atomic_init(*out, 1);
    return 0;
}

static int create_locks(struct engine *engine)
{
    pthread_mutexattr_t attributes;
    int rc;

    rc = pthread_mutexattr_init(&attributes);
    if (rc)
        return rc;
    /* A thread that begins twice is told so, instead of waiting for itself. */
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    rc = pthread_mutex_init(&engine->writer, &attributes);
    pthread_mutexattr_destroy(&attributes);
    if (rc)
        return rc;
    rc = pthread_mutex_init(&engine->gate, NULL);
    if (rc)
        pthread_mutex_destroy(&engine->writer);
    return rc;
}

static void init_slots(struct engine *engine)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        engine->slots[i].snapshot.engine = engine;
        engine->slots[i].snapshot.slot = i;
    }
}

static int create_engine(struct engine **out, const char *path, const struct engine_options *options)
{
    struct engine *engine = aligned_alloc(_Alignof(struct engine), sizeof *engine);
    int rc = ENOMEM;

    if (!engine)
        return ENOMEM;
    memset(engine, 0, sizeof *engine);
    engine->options = *options;
    if (!engine->options.file_mode)
        engine->options.file_mode = DEFAULT_FILE_MODE;
    init_slots(engine);
    engine->path = strdup(path);
    if (!engine->path)
        goto no_path;
    rc = create_mark(&engine->mark);
    if (rc)
        goto no_mark;
    rc = create_locks(engine);
    if (rc)
        goto no_locks;
    *out = engine;
    return 0;

no_locks:
    munmap(engine->mark, sizeof(unsigned));
no_mark:
    free(engine->path);
no_path:
    free(engine);
    return rc;
}

static void destroy_engine(struct engine *engine)
{
    pthread_mutex_destroy(&engine->gate);
    pthread_mutex_destroy(&engine->writer);
    munmap(engine->mark, sizeof(unsigned));
    free(engine->path);
    free(engine);
}

static int open_files(struct engine *engine)
{
    const struct engine_options *options = &engine->options;
    int rc = STORE_OK;

    if (options->checkpoints)
        rc = checkpoints_open(&engine->checkpoints, engine->path, options->read_only, options->file_mode);
    if (rc)
        return rc;
    engine->options.relaxed = options->relaxed && checkpoints_possible(engine->checkpoints);
    rc = engine_lmdb_open_env(engine, options->map_size ? options->map_size : DEFAULT_MAP_SIZE);
    if (rc)
        return engine_lmdb_problem(rc, "cannot open the store's file");
    if (!engine->checkpoints)
        return STORE_OK;
    rc = checkpoints_attach(engine->checkpoints, engine->path);
    if (rc)
        mdb_env_close(engine->env);
    return rc;
}

int engine_open(struct engine **out, const char *path, const struct engine_options *options)
{
    struct engine *engine = NULL;
    struct stat status;
    int rc;

    *out = NULL;
    /* LMDB would make a missing file. */
    if (!options->create && stat(path, &status))
        return engine_lmdb_problem(errno, "cannot open the store's file");
    rc = create_engine(&engine, path, options);
    if (rc)
        return engine_lmdb_problem(rc, "cannot open the store");
    rc = open_files(engine);
    if (rc) {
        checkpoints_close(engine->checkpoints);
        destroy_engine(engine);
        return rc;
    }
    *out = engine;
    return STORE_OK;
}

bool engine_inherited(const struct engine *engine)
{
    return engine_forked(engine);
}

void engine_close(struct engine *engine)
{
    /* After fork() all of it still belongs to the parent, LMDB's locks above all. */
    if (!engine || engine_forked(engine))
        return;
    engine_lmdb_close_checkpoints(engine); /* may read once more */
    engine_lmdb_empty_pool(engine, true);
    if (engine->attachment && engine->options.attachment_free)
        engine->options.attachment_free(engine->attachment);
    if (engine->env)
        mdb_env_close(engine->env);
    destroy_engine(engine);
}
