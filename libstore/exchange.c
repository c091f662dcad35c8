/* exchange.c - MOVE with STORE_EXCHANGE: two nodes trade places. */
#include "index.h"
#include "move.h"
#include "typed.h"

/* One of the two: where it stands, and what it is. */
struct side {
    struct target place;
    struct record record;
    struct buffer row;        /* the record's attributes and body: a write moves what is borrowed */
    struct index_rows former; /* in the collection it leaves */
    struct draft draft;       /* what it becomes in the one it comes to, if that is typed */
    struct buffer space;      /* the draft's */
};

static int find(struct side *side, struct txn *txn, const struct address *address)
{
    struct view view = view_of_txn(txn);
    struct record *record = &side->record;
    int rc = tree_find(record, &side->place, &view, address);

    if (rc != STORE_OK)
        return rc;
    buffer_append(&side->row, record->attributes.data, record->attributes.size);
    buffer_append(&side->row, record->body.data, record->body.size);
    if (side->row.failed)
        return problem(STORE_NO_MEMORY, "no memory to exchange two nodes");
    record->attributes.data = side->row.data;
    record->body.data = side->row.data + record->attributes.size;
    return STORE_OK;
}

/* Looks at the body before anything is written: the index rows that it leaves, and what it becomes at `to`. */
static int prepare(struct side *side, struct txn *txn, const struct target *to)
{
    int rc = side->place.definition ? typed_rows(&side->former, txn, &side->place, &side->record) : STORE_OK;

    return rc == STORE_OK && to->definition ? move_draft(&side->draft, &side->space, txn, to, &side->record) : rc;
}

/* Takes the index rows away: either node may need what the other has. */
static int leave(const struct side *side, struct txn *txn)
{
    return index_update(txn, &side->former, index_entry(&side->place), NULL, slice_of(NULL, 0));
}

/* Writes the node at `to`, over the other. */
static int arrive(const struct side *side, struct txn *txn, const struct target *to, store_result *result)
{
    const struct record *record = &side->record;
    const struct body_source body = body_in_memory(side->draft.text.data, side->draft.text.size);
    const struct node_change change = { .kind = record->kind, .flags = record->flags & RECORD_TYPED, .old = record,
                                        .body = to->definition ? &body : NULL, .from = &side->place,
                                        .request = move_label(&side->place, to, record) };
    bool held;
    int rc = index_check(&held, txn, to, &side->draft.rows, slice_of(NULL, 0));

    if (rc == STORE_OK)
        rc = node_write(txn, to, &change, result);
    return rc == STORE_OK ? index_update(txn, NULL, slice_of(NULL, 0), &side->draft.rows, index_entry(to)) : rc;
}

static int trade(struct side *a, struct side *b, struct txn *txn, store_answer *answer)
{
    int rc = prepare(a, txn, &b->place);

    if (rc == STORE_OK)
        rc = prepare(b, txn, &a->place);
    if (rc == STORE_OK)
        rc = leave(a, txn);
    if (rc == STORE_OK)
        rc = leave(b, txn);
    if (rc == STORE_OK)
        rc = arrive(a, txn, &b->place, &answer->one);
    if (rc == STORE_OK)
        rc = arrive(b, txn, &a->place, NULL);
    if (a->record.kind == NODE_COLLECTION || b->record.kind == NODE_COLLECTION)
        tree_changed(txn);
    return rc;
}

static int check(const struct side *a, const struct side *b, const store_request *request)
{
    int rc = conditions_check(request, &a->record);

    if (rc == STORE_OK)
        rc = conditions_demand(a->place.definition, request);
    if (rc == STORE_OK)
        rc = conditions_demand(b->place.definition, request);
    if (rc == STORE_OK)
        rc = move_check(&a->place, &b->place, &a->record, false);
    return rc == STORE_OK ? move_check(&b->place, &a->place, &b->record, false) : rc;
}

static void release(struct side *side)
{
    buffer_release(&side->row);
    index_rows_release(&side->former);
    draft_release(&side->draft);
    buffer_release(&side->space);
}

int exchange_run(struct txn *txn, const struct move_operation *op)
{
    struct side a = { 0 }, b = { 0 };
    struct address first = request_address(op->from, op->request);
    const struct address second = { .location = op->to, .base = op->request->to_base };
    const char *about;
    int rc;

    first.name_counts = true;
    rc = find(&a, txn, &first);
    about = tree_named(&a.place, &first);
    if (rc == STORE_OK) {
        rc = find(&b, txn, &second);
        about = tree_named(&b.place, &second);
    }
    if (rc == STORE_OK)
        rc = check(&a, &b, op->request);
    if (rc == STORE_OK)
        rc = a.record.id == b.record.id ? move_nothing(&b.place, &b.record, op->operation.answer)
                                        : trade(&a, &b, txn, op->operation.answer);
    release(&a);
    release(&b);
    if (rc < 0)
        problem_location(about);
    return rc;
}
