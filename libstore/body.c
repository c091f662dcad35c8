/* body.c - counting references to bodies, putting their chunks. */
#include "body.h"

#include <string.h>

#include "checksum.h"

/* ------------------------------------------------------------- references */

static void published_key(struct key *key, uint64_t id)
{
    key_begin(key, SCOPE_STORE, KIND_PUBLISHED);
    key_add_u64(key, id);
}

static int set_references(struct txn *txn, uint64_t id, uint64_t references)
{
    struct key key;

    published_key(&key, id);
    return engine_put(&txn->engine, key_slice(&key), slice_of(&references, sizeof references));
}

int body_references(uint64_t *out, struct snapshot *snapshot, uint64_t id)
{
    struct slice value;
    struct key key;
    int rc;

    *out = 0;
    published_key(&key, id);
    rc = engine_get(snapshot, key_slice(&key), &value);
    if (rc == ENGINE_ABSENT)
        return STORE_OK;
    if (rc == STORE_OK && value.size != sizeof *out)
        return problem(STORE_CORRUPT, "the row of body %llu is damaged", (unsigned long long)id);
    if (rc == STORE_OK)
        memcpy(out, value.data, sizeof *out);
    return rc;
}

int body_publish(struct txn *txn, uint64_t id)
{
    return set_references(txn, id, 1);
}

int body_retain(struct txn *txn, uint64_t id)
{
    uint64_t references;
    int rc = body_references(&references, &txn->engine.view, id);

    return rc == STORE_OK ? set_references(txn, id, references + 1) : rc;
}

int body_release(struct txn *txn, uint64_t id)
{
    uint64_t references;
    struct key key;
    int rc = body_references(&references, &txn->engine.view, id);

    if (rc != STORE_OK)
        return rc;
    if (references > 1)
        return set_references(txn, id, references - 1);
    published_key(&key, id);
    rc = engine_del(&txn->engine, key_slice(&key));
    if (rc < 0)
        return rc;
    key_garbage(&key, GARBAGE_BODY, id);
    txn->garbage = true;
    return engine_put(&txn->engine, key_slice(&key), slice_of("", 0));
}

/* ----------------------------------------------------------------- chunks */

int body_put_chunk(struct transaction *txn, const struct key *key, const void *data, size_t size, bool append)
{
    uint64_t checksum;
    unsigned char *row;
    void *space;
    int rc = engine_reserve(txn, key_slice(key), CHUNK_CHECKSUM + size, append, &space);

    if (rc != STORE_OK)
        return rc;
    row = space;
    checksum = checksum_copy(row + CHUNK_CHECKSUM, data, size);
    memcpy(row, &checksum, CHUNK_CHECKSUM);
    return STORE_OK;
}
