/* amend.c - applying a patch to a typed object, and the key, the checks and the writing that follow. */
#include "amend.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "patch.h"
#include "property.h"

static int no_memory(void)
{
    return problem(STORE_NO_MEMORY, "no memory for a patch");
}

static struct slice initial_of(const void *context, const char *key, size_t key_size)
{
    const struct definition *definition = context;
    const struct schema_property *property = schema_property_find(definition->schema, key, key_size);

    return property ? property->initial : slice_of(NULL, 0);
}

static int apply_json_patch(struct doc *doc, const struct amendment *amendment)
{
    struct patch_failure failure;

    if (doc_at(amendment->doc, amendment->node)->type != DOC_ARRAY)
        return problem(STORE_BAD_BODY, "a JSON Patch must be an array of operations");
    if (patch_json(doc, amendment->doc, amendment->node, &failure))
        return STORE_OK;
    return problem(failure.code, "operation %zu of the patch: %s", failure.operation, failure.detail);
}

static int apply_to_object(struct doc *doc, const struct definition *definition, const struct amendment *amendment)
{
    if (amendment->kind == STORE_PATCH_JSON)
        return apply_json_patch(doc, amendment);
    if (doc_at(amendment->doc, amendment->node)->type != DOC_OBJECT)
        return problem(STORE_BAD_BODY, "a merge patch of an object must be a JSON object");
    if (!patch_merge(doc, amendment->doc, amendment->node, initial_of, definition))
        return no_memory();
    return STORE_OK;
}

/* -------------------------------------------------------------- properties */

/* A shorter array sets the first elements and leaves the rest. */
static int set_elements(struct doc *doc, doc_id array, const struct amendment *amendment)
{
    doc_id from = doc_at(amendment->doc, amendment->node)->first;
    doc_id to = doc_at(doc, array)->first;

    for (; from != DOC_NONE; from = doc_at(amendment->doc, from)->next) {
        doc_id next = to != DOC_NONE ? doc_at(doc, to)->next : DOC_NONE;
        doc_id value = doc_copy(doc, amendment->doc, from);
        bool done = value != DOC_NONE && (to != DOC_NONE ? doc_replace(doc, to, value)
                                                         : doc_insert(doc, array, doc_at(doc, array)->count, value));
        if (!done)
            return no_memory();
        to = next;
    }
    return STORE_OK;
}

/* A patch of a property that is a container itself: in a document of its own, put back as text. */
static int patch_inside(struct doc *doc, const struct property *property, const struct amendment *amendment,
                        struct buffer *text, struct buffer *result)
{
    struct doc inner = DOC_INIT;
    struct doc_error error;
    doc_id value;
    int rc = STORE_OK;

    doc_write(doc, property->node, text);
    if (text->failed || !doc_parse(&inner, text->data, text->size, &error))
        rc = no_memory();
    else if (amendment->kind == STORE_PATCH_JSON)
        rc = apply_json_patch(&inner, amendment);
    else if (!patch_merge(&inner, amendment->doc, amendment->node, NULL, NULL))
        rc = no_memory();
    if (rc == STORE_OK) {
        doc_write(&inner, inner.root, result);
        value = result->failed ? DOC_NONE : doc_parse_more(doc, result->data, result->size, &error);
        if (value == DOC_NONE || !property_set(doc, property, value))
            rc = no_memory();
    }
    doc_release(&inner);
    return rc;
}

static int no_such_property(void)
{
    return problem(STORE_NOT_FOUND, "the object has no such property");
}

/* The initial state of a top-level property; what the schema does not name goes, and so does a nested
 * member or an element. */
static int reset_property(struct doc *doc, const struct property *property, const struct definition *definition)
{
    struct slice initial = property_initial(property, definition);
    struct doc_error error;
    doc_id value;

    if (!initial.data) {
        if (property->node == DOC_NONE)
            return no_such_property();
        doc_remove(doc, property->node);
        return STORE_OK;
    }
    value = doc_parse_more(doc, initial.data, initial.size, &error);
    return value != DOC_NONE && property_set(doc, property, value) ? STORE_OK : no_memory();
}

static int apply_to_property(struct doc *doc, const struct property *property, const struct definition *definition,
                             const struct amendment *amendment, struct buffer *text, struct buffer *result)
{
    bool there = property->node != DOC_NONE;
    enum doc_type now = there ? doc_at(doc, property->node)->type : DOC_NULL, given;
    doc_id value;

    if (property->parent == DOC_NONE ||
        (property->element && !there && property->index != doc_at(doc, property->parent)->count))
        return no_such_property();
    if (amendment->removes)
        return reset_property(doc, property, definition);
    if (amendment->kind == STORE_PATCH_JSON)
        return there ? patch_inside(doc, property, amendment, text, result) : no_such_property();
    given = doc_at(amendment->doc, amendment->node)->type;
    if (given == DOC_NULL && !property->element)
        return reset_property(doc, property, definition);
    if (given == DOC_OBJECT && now == DOC_OBJECT)
        return patch_inside(doc, property, amendment, text, result);
    if (given == DOC_ARRAY && now == DOC_ARRAY)
        return set_elements(doc, property->node, amendment);
    value = doc_copy(doc, amendment->doc, amendment->node);
    return value != DOC_NONE && property_set(doc, property, value) ? STORE_OK : no_memory();
}

static int apply(struct doc *doc, const struct target *target, const struct amendment *amendment,
                 struct buffer *text, struct buffer *result)
{
    struct property property;
    int rc;

    if (target->property.size == 0)
        return apply_to_object(doc, target->definition, amendment);
    if (!property_find(&property, doc, doc->root, target->property))
        return no_memory();
    rc = apply_to_property(doc, &property, target->definition, amendment, text, result);
    property_release(&property);
    return rc;
}

/* --------------------------------------------------------------- existing */

static bool same_key(const struct key_value *a, const struct key_value *b, size_t count)
{
    bool same = true;

    for (size_t i = 0; i < count && same; i++)
        same = a[i].type == KEY_STRING ? slice_equal(a[i].string, b[i].string) : a[i].integer == b[i].integer;
    return same;
}

/* Where the amended object belongs: `moved` is set up when its key is another now. */
static int rekey(struct target *moved, char *name, bool *moves, const struct target *target, struct doc *doc,
                 const struct amendment *amendment, struct view *view)
{
    struct key_value values[KEY_PARTS_MAX];
    struct record taken;
    char location[STORE_LOCATION_MAX + 1];
    enum key_state state;
    int rc;

    *moves = false;
    if (target->definition->order == ORDER_UNORDERED)
        return STORE_OK;
    state = typed_key(values, target->definition, doc, doc->root);
    if (state != KEY_FOUND)
        return typed_key_problem(state, target->definition);
    if (same_key(values, target->values, target->definition->key.count))
        return STORE_OK;
    memset(moved, 0, sizeof *moved);
    rc = tree_target_by_key(moved, target->parent, target->scope, target->definition, values, name);
    if (rc != STORE_OK)
        return rc;
    if (!amendment->may_move)
        return problem(STORE_KEY_MISMATCH, "the key (%s) cannot be changed by this request",
                       target->definition->key.label);
    *moves = true;
    rc = tree_record_at(&taken, view, &moved->key);
    if (rc == ENGINE_ABSENT)
        return STORE_OK;
    if (rc != STORE_OK)
        return rc;
    rc = tree_location(location, moved);
    if (rc != STORE_OK)
        return rc;
    problem(STORE_KEY_CONFLICT, "the key is taken by %s", location);
    problem_conflict(target->definition->key.label, name, location);
    return STORE_KEY_CONFLICT;
}

/* An object amended: `draft` is its next state, and `moved` with `name` where it goes if it `moves`. */
struct amended {
    struct draft draft;
    struct target moved;
    char name[STORE_NAME_MAX + 1];
    bool moves;
};

static int make(struct amended *out, struct doc *doc, struct view *view, const struct target *target,
                const struct amendment *amendment)
{
    struct buffer text = BUFFER_INIT, result = BUFFER_INIT;
    int rc = index_rows_of(&out->draft.former, target->definition, target->scope, doc, doc->root);

    if (rc == STORE_OK)
        rc = apply(doc, target, amendment, &text, &result);
    if (rc == STORE_OK && doc_at(doc, doc->root)->type != DOC_OBJECT)
        rc = problem(STORE_INVALID_VALUE, "the patch would make the object something else");
    if (rc == STORE_OK)
        rc = rekey(&out->moved, out->name, &out->moves, target, doc, amendment, view);
    if (rc == STORE_OK)
        rc = draft_make(&out->draft, target, doc, doc->root, slice_of(NULL, 0), amendment->prefix);
    buffer_release(&text);
    buffer_release(&result);
    return rc;
}

static int amend_record(struct amended *out, struct view *view, const struct target *target, const struct record *old,
                        const struct amendment *amendment)
{
    struct buffer space = BUFFER_INIT;
    struct doc doc = DOC_INIT;
    int rc = typed_read(&doc, &space, view, old);

    out->draft = (struct draft)DRAFT_INIT;
    out->draft.base = old->version;
    if (rc == STORE_OK)
        rc = make(out, &doc, view, target, amendment);
    doc_release(&doc);
    buffer_release(&space);
    return rc;
}

int amend_existing(struct txn *txn, const struct target *target, const struct record *old,
                   const struct amendment *amendment, store_result *result)
{
    struct draft_place place = { .target = target, .old = old };
    struct view view = view_of_txn(txn);
    struct amended amended;
    int rc;

    if (amendment->draft && draft_fits(amendment->draft, target, old))
        return draft_publish(txn, amendment->draft, &place, amendment->request, result);
    rc = amend_record(&amended, &view, target, old, amendment);
    if (rc == STORE_OK && amended.moves) {
        place.target = &amended.moved;
        place.from = target;
    }
    if (rc == STORE_OK)
        rc = draft_publish(txn, &amended.draft, &place, amendment->request, result);
    draft_release(&amended.draft);
    return rc;
}

void amend_prepare(struct draft *out, struct view *view, const struct target *target,
                   const struct amendment *amendment)
{
    struct amended amended;
    struct record old;

    if (tree_record(&old, view, target) != STORE_OK)
        return;
    if (amend_record(&amended, view, target, &old, amendment) == STORE_OK && !amended.moves)
        *out = amended.draft;
    else
        draft_release(&amended.draft);
}

/* ---------------------------------------------------------------- missing */

/* The new object's key is its location's; a merge patch that names another is a mistake. */
static int take_key(struct doc *doc, const struct target *target, const struct amendment *amendment)
{
    struct key_value values[KEY_PARTS_MAX];

    if (target->definition->order == ORDER_UNORDERED)
        return STORE_OK;
    if (amendment->kind == STORE_PATCH_MERGE &&
        typed_key(values, target->definition, amendment->doc, amendment->node) == KEY_FOUND) {
        int rc = typed_agree(amendment->doc, amendment->node, target, &(bool){ false });
        if (rc != STORE_OK)
            return rc;
    }
    return typed_set_key(doc, doc->root, target);
}

int amend_insert(struct txn *txn, const struct target *target, const struct amendment *amendment,
                 store_result *result)
{
    const struct draft_place place = { .target = target };
    struct draft draft = { .completed = true };
    struct doc doc = DOC_INIT;
    struct doc_error error;
    int rc = STORE_OK;

    if (target->property.size > 0)
        return problem(STORE_NOT_FOUND, "there is no object to have such a property");
    if (!doc_parse(&doc, "{}", 2, &error))
        rc = no_memory();
    if (rc == STORE_OK)
        rc = typed_fill(&doc, doc.root, target->definition, &draft.completed);
    if (rc == STORE_OK)
        rc = apply_to_object(&doc, target->definition, amendment);
    if (rc == STORE_OK)
        rc = typed_require_object(&doc, doc.root);
    if (rc == STORE_OK)
        rc = take_key(&doc, target, amendment);
    if (rc == STORE_OK)
        rc = draft_make(&draft, target, &doc, doc.root, slice_of(NULL, 0), amendment->prefix);
    if (rc == STORE_OK)
        rc = draft_publish(txn, &draft, &place, amendment->request, result);
    draft_release(&draft);
    doc_release(&doc);
    return rc;
}

int amend(struct txn *txn, const struct target *target, const struct amendment *amendment, store_result *result)
{
    const store_request *request = amendment->request;
    struct view view = view_of_txn(txn);
    struct record old;
    int rc = tree_record(&old, &view, target);

    if (rc < 0)
        return rc;
    if (rc == ENGINE_ABSENT) {
        rc = conditions_check(request, NULL);
        if (rc == STORE_OK && (!(request->flags & STORE_INSERT) || request->flags & STORE_NOINSERT))
            rc = problem(STORE_NOT_FOUND, "there is no such object");
        return rc == STORE_OK ? amend_insert(txn, target, amendment, result) : rc;
    }
    rc = conditions_check(request, &old);
    if (rc == STORE_OK)
        rc = conditions_demand(target->definition, request);
    if (rc == STORE_OK && request->flags & STORE_NOREPLACE)
        rc = node_taken(target);
    return rc == STORE_OK ? amend_existing(txn, target, &old, amendment, result) : rc;
}

/* --------------------------------------------------------- a list of keys */

struct listed {
    struct slice parent;
    uint64_t scope;
    const struct definition *definition;
    const struct amendment *amendment;
    const struct key_value *keys;
};

static int amend_listed(void *context, struct txn *txn, size_t index, store_result *result)
{
    const struct listed *listed = context;
    char name[STORE_NAME_MAX + 1];
    struct target target = { 0 };
    int rc = tree_target_by_key(&target, listed->parent, listed->scope, listed->definition, &listed->keys[index], name);

    return rc == STORE_OK ? amend(txn, &target, listed->amendment, result) : rc;
}

static void locate_listed(void *context, size_t index, char *out)
{
    const struct listed *listed = context;
    char name[STORE_NAME_MAX + 1] = "";

    key_text_write(name, sizeof name, &listed->keys[index], 1);
    tree_join(out, listed->parent, slice_text(name));
}

/* Reads the key, or the list of keys, of a merge patch to a collection. */
static int read_keys(struct key_value **out, size_t *count, const struct definition *definition,
                     const struct amendment *amendment, doc_id member)
{
    struct doc *doc = amendment->doc;
    bool list = doc_at(doc, member)->type == DOC_ARRAY;
    doc_id at = list ? doc_at(doc, member)->first : member;

    *count = list ? doc_at(doc, member)->count : 1;
    if (*count == 0)
        return problem(STORE_KEY_REQUIRED, "the list of keys is empty");
    *out = malloc(*count * sizeof **out);
    if (!*out)
        return no_memory();
    for (size_t i = 0; i < *count; i++, at = doc_at(doc, at)->next) {
        if (!key_columns_value(&(*out)[i], definition->key.types[0], doc, at))
            return problem(STORE_INVALID_VALUE, "item %zu of the list is no key", i);
    }
    return STORE_OK;
}

int amend_collection(struct txn *txn, struct slice parent, uint64_t scope, const struct definition *definition,
                     const struct amendment *amendment, store_answer *answer)
{
    struct amendment change = *amendment;
    struct listed listed = { parent, scope, definition, &change, NULL };
    struct key_value *keys = NULL;
    struct many many = { 0, amendment->request, answer, amend_listed, locate_listed, &listed };
    struct slice name;
    doc_id member;
    bool list;
    int rc;

    if (amendment->kind == STORE_PATCH_JSON || definition->key.count != 1)
        return problem(STORE_KEY_REQUIRED, "the location must name an object of the collection");
    rc = typed_require_object(amendment->doc, amendment->node);
    if (rc != STORE_OK)
        return rc;
    /* What is left without the key is the change; in a copy, since the operation may run again. */
    change.node = doc_copy(change.doc, change.doc, change.node);
    if (change.node == DOC_NONE)
        return no_memory();
    name = definition->key.names[0];
    member = doc_member(change.doc, change.node, name.data, name.size);
    if (member == DOC_NONE)
        return problem(STORE_KEY_REQUIRED, "the body has no %s to say which object is meant", definition->key.label);
    list = doc_at(change.doc, member)->type == DOC_ARRAY;
    rc = read_keys(&keys, &many.count, definition, &change, member);
    if (rc == STORE_OK) {
        doc_remove(change.doc, member);
        listed.keys = keys;
        rc = list ? many_run(txn, &many) : amend_listed(&listed, txn, 0, &answer->one);
    }
    free(keys);
    return rc;
}
