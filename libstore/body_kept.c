/*
 * body_kept.c - bodies that a transaction keeps in memory until it commits: however many they are, and
 * however many threads brought them, they cost one commit of the bodies file.
 */
#include "body.h"

#include <string.h>

#define ID_BLOCK 1024 /* ids that a handle claims at a time */

struct kept_body {
    uint64_t id;
    size_t size;
};

static size_t count_of(const struct kept_bodies *kept)
{
    return kept->bodies.size / sizeof(struct kept_body);
}

static struct kept_body body_at(const struct kept_bodies *kept, size_t index)
{
    struct kept_body body;

    memcpy(&body, kept->bodies.data + index * sizeof body, sizeof body);
    return body;
}

static int claim_block(void *context, struct transaction *txn)
{
    return body_claim(txn, ID_BLOCK, context);
}

/* Under the writer's lock of the objects file. */
static int next_id(uint64_t *id, store *s)
{
    int rc = STORE_OK;

    if (s->spare_ids == 0) {
        rc = body_commit(s, 0, claim_block, &s->spare_id);
        if (rc != STORE_OK)
            return rc;
        s->spare_ids = ID_BLOCK;
    }
    s->spare_ids--;
    *id = s->spare_id++;
    return rc;
}

int body_keep(uint64_t *id, struct txn *txn, const void *data, size_t size)
{
    struct kept_bodies *kept = &txn->kept;
    struct kept_body body = { 0, size };
    int rc = kept->bytes.size + size > BODY_COMMIT ? body_flush(txn) : STORE_OK;

    if (rc == STORE_OK)
        rc = next_id(&body.id, txn->store);
    if (rc != STORE_OK)
        return rc;
    if (!buffer_reserve(&kept->bytes, size) || !buffer_reserve(&kept->bodies, sizeof body)) {
        kept->bytes.failed = kept->bodies.failed = false;
        return problem(STORE_NO_MEMORY, "no memory for the bodies of a transaction");
    }
    buffer_append(&kept->bytes, data, size);
    buffer_append(&kept->bodies, &body, sizeof body);
    *id = body.id;
    return STORE_OK;
}

static int write_kept(void *context, struct transaction *txn)
{
    const struct txn *owner = context;
    const char *data = owner->kept.bytes.data;
    int rc = STORE_OK;

    for (size_t i = 0; i < count_of(&owner->kept) && rc == STORE_OK; i++) {
        struct kept_body body = body_at(&owner->kept, i);
        rc = body_mark_staged(txn, owner->store, body.id);
        if (rc == STORE_OK)
            rc = body_put_chunks(txn, body.id, 0, data, body.size);
        data += body.size;
    }
    return rc == STORE_OK ? body_write_kept_changes(owner, txn) : rc;
}

int body_flush(struct txn *txn)
{
    struct kept_bodies *kept = &txn->kept;
    int rc;

    if (kept->bodies.size == 0 && kept->changes.size == 0)
        return STORE_OK;
    rc = body_commit(txn->store, kept->bytes.size + kept->changes_room, write_kept, txn);
    if (rc != STORE_OK)
        return rc;
    buffer_clear(&kept->bytes);
    buffer_clear(&kept->bodies);
    buffer_clear(&kept->change_bytes);
    buffer_clear(&kept->changes);
    kept->changes_room = 0;
    kept->flushes++;
    return STORE_OK;
}

int body_settle(const struct view *view)
{
    return view->txn ? body_flush(view->txn) : STORE_OK;
}

void body_take_back(struct txn *txn, uint64_t id)
{
    struct kept_bodies *kept = &txn->kept;
    size_t count = count_of(kept);
    struct kept_body last = { 0 };

    if (count > 0)
        last = body_at(kept, count - 1);
    if (last.id != id || count == 0) {
        body_drop(txn->store, id);
        return;
    }
    kept->bytes.size -= last.size;
    kept->bodies.size -= sizeof last;
}
