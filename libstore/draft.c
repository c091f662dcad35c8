/* draft.c - the next state of a typed object: made from a checked document, written with its index rows. */
#include "draft.h"

#include "typed.h"

/* What was sent, or the document as it was changed. */
static int take_text(struct draft *out, const struct doc *doc, doc_id object, struct slice sent)
{
    if (sent.data && !doc_at(doc, object)->changed) {
        out->text = sent;
        return STORE_OK;
    }
    buffer_clear(&out->space);
    buffer_reserve(&out->space, doc_write_size(doc, object));
    doc_write(doc, object, &out->space);
    if (out->space.failed)
        return problem(STORE_NO_MEMORY, "no memory for a JSON document");
    if (out->space.size > STORE_JSON_MAX)
        return problem(STORE_TOO_LARGE, "a typed body has at most %u bytes", STORE_JSON_MAX);
    out->text = slice_of(out->space.data, out->space.size);
    return STORE_OK;
}

int draft_make(struct draft *out, const struct target *target, struct doc *doc, doc_id object, struct slice sent,
               const char *prefix)
{
    int rc = typed_validate(doc, object, target->definition, prefix ? prefix : "");

    if (rc == STORE_OK)
        rc = index_rows_of(&out->rows, target->definition, target->scope, doc, object);
    if (rc == STORE_OK)
        rc = take_text(out, doc, object, sent);
    if (rc != STORE_OK)
        return rc;
    out->scope = target->scope;
    out->definition = target->definition->version;
    return STORE_OK;
}

void draft_release(struct draft *draft)
{
    index_rows_release(&draft->rows);
    index_rows_release(&draft->former);
    buffer_release(&draft->space);
    *draft = (struct draft)DRAFT_INIT;
}

bool draft_fits(const struct draft *draft, const struct target *target, const struct record *old)
{
    return draft->definition != 0 && draft->definition == target->definition->version &&
           draft->scope == target->scope && (draft->base == 0 || (old && draft->base == old->version));
}

/* The rows that the object leaves behind: out of the draft, or read, which has to be before the object is
 * written. `*read` is to be released. */
static int former_rows(const struct index_rows **out, struct index_rows *read, struct txn *txn,
                       const struct draft *draft, const struct draft_place *place)
{
    const struct target *from = place->from ? place->from : place->target;

    *out = draft->former.count > 0 ? &draft->former : read;
    if (draft->former.count > 0 || !place->old || !from->definition)
        return STORE_OK;
    return typed_rows(read, txn, from, place->old);
}

/* The object goes, to be replaced by one with another id; its index rows are dealt with as always. */
static int make_room(struct txn *txn, const struct target *target, const struct record *old)
{
    int rc = txn_guard(txn);

    return rc == STORE_OK ? node_remove(txn, target, old) : rc;
}

int draft_publish(struct txn *txn, const struct draft *draft, const struct draft_place *place,
                  const store_request *request, store_result *result)
{
    const struct target *target = place->target, *from = place->from ? place->from : target;
    const struct body_source body = body_in_memory(draft->text.data, draft->text.size);
    struct node_change change = { .kind = NODE_OBJECT, .old = place->old, .body = &body, .request = request,
                                  .completed = draft->completed, .from = place->from };
    bool same_scope = from->scope == target->scope, held;
    const struct index_rows *former = NULL;
    struct index_rows read = { 0 };
    int rc = index_check(&held, txn, target, &draft->rows,
                         place->old && same_scope ? index_entry(from) : slice_of(NULL, 0));

    held = held && !place->from; /* the rows stay as they are */
    if (rc == STORE_OK && !held)
        rc = former_rows(&former, &read, txn, draft, place);
    if (rc == STORE_OK && place->renews && place->old && node_renewed(place->old, request)) {
        rc = make_room(txn, target, place->old);
        change.old = NULL;
        change.replaces = true;
    }
    if (rc == STORE_OK && place->from)
        rc = txn_guard(txn);
    if (rc == STORE_OK)
        rc = node_write(txn, target, &change, result);
    if (rc == STORE_OK && place->from)
        rc = node_unlink(txn, place->from);
    if (rc == STORE_OK && !held && !same_scope)
        rc = index_update(txn, former, index_entry(from), NULL, slice_of(NULL, 0));
    if (rc == STORE_OK && !held)
        rc = index_update(txn, same_scope ? former : NULL, index_entry(from), &draft->rows, index_entry(target));
    index_rows_release(&read);
    return rc;
}
