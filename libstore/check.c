/* check.c - store_check: the order of its parts, reporting, mending. */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caretaker.h"
#include "change.h"
#include "collection_row.h"
#include "ids.h"

#define DETAIL_MAX 512
#define VERSION_SANE (UINT64_C(1) << 62) /* no store lives so long */

int check_finding(struct check *check, const char *kind, const char *location, bool repaired,
                  const char *format, ...)
{
    char detail[DETAIL_MAX];
    store_finding finding = { .kind = kind, .location = check->hidden ? NULL : location, .detail = detail,
                              .repaired = repaired };
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    check->report->findings++;
    check->report->repaired += repaired;
    check->ended = check->each && check->each(&finding, check->payload) != 0;
    return check->ended ? STORE_END : STORE_OK;
}

void check_version(struct check *check, uint64_t version)
{
    if (version < VERSION_SANE && version > check->highest)
        check->highest = version;
}

void check_id(struct check *check, uint64_t id)
{
    if (id < ID_RESERVED)
        check_version(check, id);
    else if (id > check->highest_id)
        check->highest_id = id;
}

void check_begin_versions(struct check *check)
{
    if (check->txn.next_version == 0)
        check->txn.first_version = check->txn.next_version = check->highest + 1;
}

int check_no_memory(void)
{
    return problem(STORE_NO_MEMORY, "no memory to check the store");
}

/* ---------------------------------------------------------------- mending */

static struct key copy_key(struct slice key)
{
    struct key copy;

    copy.size = 0;
    key_add(&copy, key.data, key.size);
    return copy;
}

int check_put(struct check *check, struct slice key, struct slice value, bool *repaired)
{
    struct key copy = copy_key(key);
    int rc;

    if (!check->repair)
        return STORE_OK;
    rc = engine_put(&check->txn.engine, key_slice(&copy), value);
    check->mended |= *repaired = rc == STORE_OK;
    return rc;
}

int check_del(struct check *check, struct slice key, bool *repaired)
{
    struct key copy = copy_key(key);
    int rc;

    if (!check->repair)
        return STORE_OK;
    rc = engine_del(&check->txn.engine, key_slice(&copy));
    check->mended |= *repaired = rc >= 0;
    return rc < 0 ? rc : STORE_OK;
}

/* ------------------------------------------------------------------- rows */

void check_rows_begin(struct check_rows *rows, struct check *check, const struct key *prefix)
{
    *rows = (struct check_rows){ .check = check, .prefix = *prefix };
}

/* Behind the row seen last, or to the first. */
static int place(struct check_rows *rows, struct slice *found, struct slice *value)
{
    struct key from = rows->at.size ? rows->at : rows->prefix;
    int rc;

    if (rows->open)
        engine_cursor_close(&rows->cursor);
    rc = engine_cursor_open(&rows->cursor, rows->check->objects);
    rows->open = rc == STORE_OK;
    rows->writes = rows->check->txn.engine.writes;
    if (rows->at.size)
        key_add_byte(&from, 0); /* the next possible key */
    return rc == STORE_OK ? engine_seek(&rows->cursor, key_slice(&from), found, value) : rc;
}

int check_rows_next(struct check_rows *rows)
{
    bool moved = !rows->open || rows->writes != rows->check->txn.engine.writes;
    struct slice found, value;
    int rc = moved ? place(rows, &found, &value) : engine_next(&rows->cursor, &found, &value);

    if (rc != STORE_OK)
        return rc;
    if (!key_has_prefix(found, &rows->prefix))
        return ENGINE_ABSENT;
    rows->at = copy_key(found);
    rows->value = value;
    if (!rows->check->repair)
        return STORE_OK;
    buffer_clear(&rows->copy); /* a write would take the borrowed value away */
    buffer_append(&rows->copy, value.data, value.size);
    rows->value = slice_of(rows->copy.data, rows->copy.size);
    return rows->copy.failed ? check_no_memory() : STORE_OK;
}

void check_rows_end(struct check_rows *rows)
{
    if (rows->open)
        engine_cursor_close(&rows->cursor);
    rows->open = false;
    buffer_release(&rows->copy);
}

int check_row_exists(struct snapshot *snapshot, const struct key *key)
{
    struct slice value;

    return engine_get(snapshot, key_slice(key), &value);
}

/* An id that a node has must not be given out again. */
int check_next_id(struct check *check)
{
    uint64_t next;
    bool repaired = false;
    int rc = id_next(&next, check->objects);

    if (rc == STORE_CORRUPT) {
        problem_reset();
        next = 0;
    } else if (rc != STORE_OK || (check->highest_id < next && next >= ID_RESERVED)) {
        return rc;
    }
    if (check->repair) {
        next = check->highest_id >= ID_RESERVED ? check->highest_id + 1 : ID_RESERVED;
        rc = id_next_set(&check->txn, next);
        check->mended |= repaired = rc == STORE_OK;
    }
    return rc == STORE_OK || rc == STORE_CORRUPT
               ? check_finding(check, "id_next", NULL, repaired, "the next id to be given out has been used") : rc;
}

/* ------------------------------------------------------ snapshots, commit */

/*
 * The objects first: every body that this snapshot refers to was complete in the bodies file before
 * it was published, and stays there while the caretakers are kept from reclaiming; so the bodies
 * snapshot, taken after it, has all its chunks. The other way round, a PUT in between would look like
 * an object without a body.
 */
static int begin(struct check *check)
{
    store *s = check->store;
    struct txn *txn = &check->txn;
    int rc;

    if (!check->repair) {
        rc = engine_snapshot(&check->objects, s->objects);
    } else {
        *txn = (struct txn){ .store = s, .now = clock_now() };
        rc = engine_begin(&txn->engine, s->objects);
        check->objects = &txn->engine.view;
    }
    return rc == STORE_OK ? engine_snapshot(&check->bodies, s->bodies) : rc;
}

/* One entry in the log for all that was mended, so that readers of the feed look again; it also
 * keeps the version counter, which the log is, from going back. */
static int commit(struct check *check)
{
    struct txn *txn = &check->txn;
    store *s = check->store;
    int rc;

    if (!check->mended)
        return STORE_OK;
    check_begin_versions(check);
    rc = collection_flush(txn);
    if (rc == STORE_OK)
        rc = change_note(txn, txn_version(txn), STORE_UPDATED, STORE_COLLECTION, "/", NULL);
    if (rc == STORE_OK)
        rc = change_log(txn);
    if (rc != STORE_OK)
        return rc;
    shared_namespace_set(s->shared, txn->engine.view.id);
    rc = engine_commit(&txn->engine);
    if (rc == STORE_OK) {
        shared_wake(s->shared);
        caretaker_poke(s, true);
    }
    return rc;
}

static void end_objects(struct check *check)
{
    if (check->repair) {
        engine_abort(&check->txn.engine);
        buffer_release(&check->txn.changes);
        buffer_release(&check->txn.touches);
    } else if (check->objects) {
        engine_snapshot_end(check->objects);
    }
    check->objects = NULL;
}

static void release(struct check *check)
{
    if (check->bodies)
        engine_snapshot_end(check->bodies);
    idset_release(&check->ids);
    idset_release(&check->scopes);
    idset_release(&check->named);
    idset_release(&check->verified);
    idset_release(&check->mismatched);
    buffer_release(&check->references);
    buffer_release(&check->drops);
    buffer_release(&check->path);
    buffer_release(&check->space);
    buffer_release(&check->node);
    doc_release(&check->doc);
}

/* ------------------------------------------------------------------ parts */

/* A part that meets a damaged page cannot go on; the others can. */
static int run(struct check *check, int (*part)(struct check *check))
{
    int rc = part(check);
    char detail[DETAIL_MAX];

    if (rc != STORE_CORRUPT)
        return rc;
    check->broken = check->damaged = true;
    check->hidden = check->discarded = false;
    snprintf(detail, sizeof detail, "%s", store_problem_last()->detail);
    return check_finding(check, "space", NULL, false, "%s", detail);
}

static int walk_root(struct check *check)
{
    buffer_clear(&check->path);
    if (idset_add(&check->ids, ROOT_ID) == IDSET_NO_MEMORY)
        return check_no_memory();
    return check_walk(check, ROOT_ID);
}

static int check_objects(struct check *check)
{
    static int (*const parts[])(struct check *) = { check_log, walk_root, check_garbage_collections };
    static int (*const conclusions[])(struct check *) = { check_orphans, check_names, check_references };
    static int (*const last[])(struct check *) = { check_root, check_next_id, check_store_rows };
    int rc = STORE_OK;

    for (size_t i = 0; i < sizeof parts / sizeof *parts && rc == STORE_OK; i++)
        rc = run(check, parts[i]);
    /* What they would find missing may only not have been seen. */
    for (size_t i = 0; i < sizeof conclusions / sizeof *conclusions && rc == STORE_OK && !check->broken; i++)
        rc = run(check, conclusions[i]);
    for (size_t i = 0; i < sizeof last / sizeof *last && rc == STORE_OK; i++)
        rc = run(check, last[i]);
    return rc;
}

static int space_fault(const char *fault, void *payload)
{
    return check_finding(payload, "space", NULL, false, "%s", fault) == STORE_END;
}

static int check_space(struct check *check)
{
    int rc = engine_check(check->store->objects, space_fault, check);

    if (rc == STORE_OK && !check->ended)
        rc = engine_check(check->store->bodies, space_fault, check);
    return rc;
}

static int check_all(struct check *check)
{
    int rc = begin(check);
    int committed;

    if (rc == STORE_OK)
        rc = check_objects(check);
    /* What was reported as mended is kept, also when the caller has seen enough. */
    if (rc >= 0 && check->repair) {
        committed = commit(check);
        rc = committed == STORE_OK ? rc : committed;
    }
    end_objects(check);
    if (rc == STORE_OK)
        rc = run(check, check_bodies);
    if (rc == STORE_OK)
        rc = run(check, check_space);
    release(check);
    return rc;
}

int store_check(store_check_report *out, store *s, unsigned flags,
                int (*each)(const store_finding *finding, void *payload), void *payload)
{
    store_check_report unwanted;
    struct check check = { .store = s, .report = out ? out : &unwanted, .each = each, .payload = payload,
                           .repair = flags & STORE_CHECK_REPAIR, .shallow = flags & STORE_CHECK_SHALLOW };
    int hold = -1, rc;

    store_enter();
    *check.report = (store_check_report){ 0 };
    if (flags & ~(unsigned)(STORE_CHECK_REPAIR | STORE_CHECK_SHALLOW))
        return problem(STORE_BAD_ARGUMENT, "the check has a flag that means nothing here");
    if (check.repair && !s->exclusive)
        return problem(STORE_BUSY, "a repair needs the store to be opened exclusively");
    rc = shared_hold_reclaim(&hold, s->path);
    if (rc != STORE_OK)
        return rc;
    rc = check_all(&check);
    if (hold >= 0)
        close(hold);
    if (rc < 0)
        return rc;
    problem_reset(); /* of what it found */
    return STORE_OK;
}
