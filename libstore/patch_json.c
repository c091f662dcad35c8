/* patch_json.c - JSON Patch, RFC 6902, with limits on what a hostile patch can cost. */
#include "doc_private.h"
#include "patch.h"
#include "pointer.h"
#include "store.h"

enum operation_kind { ADD, REMOVE, REPLACE, MOVE, COPY, TEST };

struct operation {
    enum operation_kind kind;
    struct slice path;
    struct slice from;
    doc_id value; /* in the patch */
};

struct patching {
    struct doc *doc;
    struct doc *patch;
    uint64_t work; /* members and elements passed so far */
    size_t copied; /* bytes of text copied so far */
    struct patch_failure *failure;
};

static bool fail(struct patching *p, int code, const char *detail)
{
    bool exhausted = p->doc->no_memory || p->patch->no_memory;

    if (p->doc->count > DOC_NODES_MAX) {
        code = STORE_TOO_LARGE;
        detail = "the patched document has too many values";
    } else if (exhausted) {
        code = STORE_NO_MEMORY;
        detail = "no memory";
    }
    p->failure->code = code;
    p->failure->detail = detail;
    return false;
}

/* --- reading operations */

/* A member that must be there and be a string. */
static bool read_string(struct patching *p, doc_id operation, const char *name, struct slice *out)
{
    doc_id id = doc_member(p->patch, operation, name, strlen(name));

    if (id == DOC_NONE || p->patch->nodes[id].type != DOC_STRING)
        return false;
    *out = doc_string(p->patch, id);
    return true;
}

static bool is_pointer(struct slice text)
{
    const char *at = text.data;

    if (text.size > 0 && at[0] != '/')
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (at[i] == '~' && (i + 1 == text.size || (at[i + 1] != '0' && at[i + 1] != '1')))
            return false;
    return true;
}

static bool read_kind(struct patching *p, doc_id id, enum operation_kind *kind)
{
    static const char *const names[] = {
        [ADD] = "add",   [REMOVE] = "remove", [REPLACE] = "replace",
        [MOVE] = "move", [COPY] = "copy",     [TEST] = "test",
    };
    struct slice name;

    if (!read_string(p, id, "op", &name))
        return fail(p, STORE_BAD_BODY, "an operation has no string \"op\"");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!slice_equal(name, slice_text(names[i])))
            continue;
        *kind = (enum operation_kind)i;
        return true;
    }
    return fail(p, STORE_BAD_BODY, "\"op\" is not add, remove, replace, move, copy or test");
}

static bool read_operation(struct patching *p, doc_id id, struct operation *out)
{
    *out = (struct operation){ 0 };
    if (p->patch->nodes[id].type != DOC_OBJECT)
        return fail(p, STORE_BAD_BODY, "an operation is not an object");
    if (!read_kind(p, id, &out->kind))
        return false;
    if (!read_string(p, id, "path", &out->path) || !is_pointer(out->path))
        return fail(p, STORE_BAD_BODY, "\"path\" is missing or not a JSON Pointer");
    if (out->kind == MOVE || out->kind == COPY) {
        if (!read_string(p, id, "from", &out->from) || !is_pointer(out->from))
            return fail(p, STORE_BAD_BODY, "\"from\" is missing or not a JSON Pointer");
    } else if (out->kind != REMOVE) {
        out->value = doc_member(p->patch, id, "value", 5);
        if (out->value == DOC_NONE)
            return fail(p, STORE_BAD_BODY, "\"value\" is missing");
    }
    return true;
}

/* --- applying them */

/* Accounts for a search among the members or elements of `node`. */
static bool spend(struct patching *p, doc_id node)
{
    p->work += p->doc->nodes[node].count;
    return p->work <= PATCH_WORK_MAX || fail(p, STORE_TOO_LARGE, "the patch takes too much work");
}

/* Finds what is there at `path`; if nothing is, fails with `code`. */
static bool find(struct patching *p, struct slice path, int code, doc_id *out)
{
    const char *at = path.data;
    doc_id node = p->doc->root;

    while (path.size > 0) {
        size_t token = pointer_token(at, path.size);

        if (!spend(p, node))
            return false;
        node = pointer_step(p->doc, node, at + 1, token);
        if (node == DOC_NONE)
            return fail(p, code, "nothing is there");
        at += token + 1;
        path.size -= token + 1;
    }
    *out = node;
    return true;
}

static bool add_to_object(struct patching *p, doc_id object, struct slice token, doc_id value)
{
    char *name = doc_keep(p->doc, token.size);
    size_t size;

    if (!name)
        return fail(p, STORE_NO_MEMORY, NULL);
    if (!spend(p, object))
        return false;
    size = pointer_decode(name, token.data, token.size);
    return doc_set(p->doc, object, name, size, value) || fail(p, STORE_NO_MEMORY, NULL);
}

static bool add_to_array(struct patching *p, doc_id array, struct slice token, doc_id value)
{
    size_t count = p->doc->nodes[array].count;
    size_t index = count;

    if (!slice_equal(token, slice_text("-"))) {
        index = pointer_index(token.data, token.size);
        if (index > count)
            return fail(p, STORE_INVALID_VALUE, "no index of the array");
        if (index < count && !spend(p, array))
            return false;
    }
    return doc_insert(p->doc, array, index, value) || fail(p, STORE_NO_MEMORY, NULL);
}

/* Adds the detached `value` as RFC 6902 section 4.1 has it. */
static bool add(struct patching *p, struct slice path, doc_id value)
{
    const char *slash;
    struct slice token;
    doc_id parent;

    if (value == DOC_NONE)
        return fail(p, STORE_NO_MEMORY, NULL);
    if (path.size == 0)
        return doc_replace(p->doc, p->doc->root, value);
    slash = memrchr(path.data, '/', path.size);
    token.data = slash + 1;
    token.size = path.size - (size_t)(slash + 1 - (const char *)path.data);
    if (!find(p, slice_of(path.data, path.size - token.size - 1), STORE_INVALID_VALUE, &parent))
        return false;
    if (p->doc->nodes[parent].type == DOC_OBJECT)
        return add_to_object(p, parent, token, value);
    if (p->doc->nodes[parent].type == DOC_ARRAY)
        return add_to_array(p, parent, token, value);
    return fail(p, STORE_INVALID_VALUE, "the parent is neither an object nor an array");
}

static bool apply_remove(struct patching *p, const struct operation *o)
{
    doc_id target;

    if (o->path.size == 0)
        return fail(p, STORE_INVALID_VALUE, "the root cannot be removed");
    if (!find(p, o->path, STORE_INVALID_VALUE, &target))
        return false;
    doc_remove(p->doc, target);
    return true;
}

static bool apply_replace(struct patching *p, const struct operation *o)
{
    doc_id target;
    doc_id value;

    if (!find(p, o->path, STORE_INVALID_VALUE, &target))
        return false;
    value = doc_copy(p->doc, p->patch, o->value);
    return value == DOC_NONE ? fail(p, STORE_NO_MEMORY, NULL) : doc_replace(p->doc, target, value);
}

static bool apply_move(struct patching *p, const struct operation *o)
{
    const char *path = o->path.data;
    doc_id source;

    if (!find(p, o->from, STORE_INVALID_VALUE, &source))
        return false;
    if (slice_equal(o->from, o->path))
        return true;
    /* A token has one escaped form, so the texts tell. */
    if (o->path.size > o->from.size && path[o->from.size] == '/' &&
        slice_equal(slice_of(path, o->from.size), o->from))
        return fail(p, STORE_INVALID_VALUE, "a value cannot be moved into itself");
    doc_remove(p->doc, source);
    return add(p, o->path, source);
}

static bool apply_copy(struct patching *p, const struct operation *o)
{
    doc_id source;

    if (!find(p, o->from, STORE_INVALID_VALUE, &source))
        return false;
    p->copied += doc_write_size(p->doc, source);
    if (p->copied > STORE_JSON_MAX)
        return fail(p, STORE_TOO_LARGE, "the patch copies too much");
    return add(p, o->path, doc_copy(p->doc, p->doc, source));
}

static bool apply_test(struct patching *p, const struct operation *o)
{
    doc_id target;

    if (!find(p, o->path, STORE_PRECONDITION_FAILED, &target))
        return false;
    return doc_equal(p->patch, o->value, p->doc, target) ||
           fail(p, STORE_PRECONDITION_FAILED, "the value is another than the test wants");
}

static bool apply(struct patching *p, const struct operation *o)
{
    switch (o->kind) {
    case ADD:
        return add(p, o->path, doc_copy(p->doc, p->patch, o->value));
    case REMOVE:
        return apply_remove(p, o);
    case REPLACE:
        return apply_replace(p, o);
    case MOVE:
        return apply_move(p, o);
    case COPY:
        return apply_copy(p, o);
    case TEST:
        return apply_test(p, o);
    }
    return false;
}

/* Operations can nest values deeper than the parser lets any text be. */
static bool is_too_deep(const struct doc *doc)
{
    const struct doc_node *nodes = doc->nodes;
    doc_id id = doc->root;
    unsigned depth = 0; /* containers around `id` */

    for (;;) {
        if (nodes[id].type >= DOC_ARRAY && depth == STORE_DEPTH_MAX)
            return true;
        if (nodes[id].first != DOC_NONE) {
            id = nodes[id].first;
            depth++;
            continue;
        }
        for (; id != doc->root && nodes[id].next == DOC_NONE; depth--)
            id = nodes[id].parent;
        if (id == doc->root)
            return false;
        id = nodes[id].next;
    }
}

bool patch_json(struct doc *doc, struct doc *patch_doc, doc_id patch, struct patch_failure *failure)
{
    struct patching p = { .doc = doc, .patch = patch_doc, .failure = failure };
    const struct doc_node *array = &patch_doc->nodes[patch];
    struct operation operation;

    *failure = (struct patch_failure){ 0 };
    if (array->type != DOC_ARRAY)
        return fail(&p, STORE_BAD_BODY, "a JSON Patch is an array of operations");
    if (array->count > PATCH_OPERATIONS_MAX)
        return fail(&p, STORE_BAD_BODY, "more than 10000 operations");
    for (doc_id id = array->first; id != DOC_NONE; id = patch_doc->nodes[id].next, failure->operation++)
        if (!read_operation(&p, id, &operation))
            return false;
    failure->operation = 0;
    for (doc_id id = array->first; id != DOC_NONE; id = patch_doc->nodes[id].next, failure->operation++)
        if (!read_operation(&p, id, &operation) || !apply(&p, &operation))
            return false;
    failure->operation = array->count > 0 ? array->count - 1 : 0;
    if (is_too_deep(doc))
        return fail(&p, STORE_TOO_LARGE, "the patched document is nested too deep");
    return true;
}
