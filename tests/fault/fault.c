/* fault.c - the wrapped functions: they count, and fail when it is their turn. */
#include "fault.h"

#include <errno.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static __thread struct {
    bool armed, for_ever, failed;
    enum fault_kind kind;
    unsigned left; /* calls until it fails */
    int error;
} fault;

static atomic_int others_error;
static atomic_int others_except; /* the thread that is spared */

void fault_arm(enum fault_kind kind, unsigned nth, bool for_ever, int error)
{
    fault.kind = kind;
    fault.left = nth;
    fault.for_ever = for_ever;
    fault.error = error;
    fault.failed = false;
    fault.armed = true;
}

bool fault_disarm(void)
{
    fault.armed = false;
    return fault.failed;
}

void fault_others(int error)
{
    others_except = gettid();
    others_error = error;
}

static bool fails(enum fault_kind kind)
{
    if (!fault.armed || fault.kind != kind || fault.left == 0)
        return false;
    if (fault.left > 1) {
        fault.left--;
        return false;
    }
    fault.failed = true;
    if (!fault.for_ever)
        fault.left = 0;
    return true;
}

/* The code a storage call fails with, or 0. */
static int storage_error(void)
{
    if (fails(FAULT_STORAGE))
        return fault.error;
    return others_error != 0 && others_except != gettid() ? others_error : 0;
}

/* ----------------------------------------------------------------- memory */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);

static bool out_of_memory(void)
{
    if (!fails(FAULT_MEMORY))
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return out_of_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return out_of_memory() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return out_of_memory() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return out_of_memory() ? NULL : __real_strdup(text);
}

/* ---------------------------------------------------------------- storage */

#define WRAP(name, parameters, arguments)                                                       \
    int __real_##name parameters;                                                              \
    int __wrap_##name parameters;                                                              \
    int __wrap_##name parameters                                                               \
    {                                                                                          \
        int error = storage_error();                                                           \
        return error != 0 ? error : __real_##name arguments;                                   \
    }

WRAP(mdb_put, (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags), (txn, dbi, key, data, flags))
WRAP(mdb_del, (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data))
WRAP(mdb_get, (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data))
WRAP(mdb_txn_begin, (MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn), (env, parent, flags, txn))
WRAP(mdb_txn_renew, (MDB_txn *txn), (txn))
WRAP(mdb_cursor_open, (MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor), (txn, dbi, cursor))
WRAP(mdb_cursor_renew, (MDB_txn *txn, MDB_cursor *cursor), (txn, cursor))
WRAP(mdb_cursor_get, (MDB_cursor *cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op), (cursor, key, data, op))
WRAP(mdb_cursor_del, (MDB_cursor *cursor, unsigned flags), (cursor, flags))

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);

/* As LMDB does: a transaction that cannot be committed has ended. */
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    int error = storage_error();

    if (error == 0)
        return __real_mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return error;
}
