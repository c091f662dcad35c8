/* doc_parse.c - one pass over a text: the grammar of RFC 8259 checked, a node for each value. */
#include <string.h>

#include "doc_private.h"
#include "store.h"

#define PAIRS_WORTH 12 /* members up to which comparing every pair is the fastest */

struct parser {
    struct doc *doc;
    const char *at;
    const char *end;
    doc_id container; /* the innermost open one */
    unsigned depth;   /* containers open */
    const char *key;  /* name of the member whose value comes next */
    uint32_t key_size;
    bool key_owned;
    const char *fault; /* where, and what; detail is NULL without memory */
    const char *detail;
};

static bool fail(struct parser *p, const char *at, const char *detail)
{
    p->fault = at;
    p->detail = detail;
    return false;
}

/* Skips white space; the byte behind it, or NUL (which is in no JSON text) at the end. */
static char peek(struct parser *p)
{
    while (p->at < p->end) {
        char c = *p->at;

        if ((unsigned char)c > ' ' || (c != ' ' && c != '\n' && c != '\t' && c != '\r'))
            return c;
        p->at++;
    }
    return '\0';
}

/* --- names */

static bool parse_name(struct parser *p)
{
    const char *text;
    size_t size;

    if (peek(p) != '"')
        return fail(p, p->at, "a member's name is missing");
    text = p->at;
    p->at = doc_scan_string(text + 1, p->end, &p->key_owned, &p->fault, &p->detail);
    if (!p->at)
        return false;
    size = (size_t)(p->at - text);
    p->key = text + 1;
    p->key_size = (uint32_t)(size - 2);
    if (p->key_owned) {
        p->key = doc_keep_name(p->doc, text, size, &p->key_size);
        if (!p->key)
            return fail(p, text, NULL);
    }
    if (peek(p) != ':')
        return fail(p, p->at, "':' is missing behind a name");
    p->at++;
    return true;
}

/* A member whose name an earlier one of the object has; DOC_NONE if there is none. */
static doc_id find_twin(const struct doc *doc, doc_id object)
{
    const struct doc_node *nodes = doc->nodes;

    for (doc_id a = nodes[object].first; a != DOC_NONE; a = nodes[a].next)
        for (doc_id b = nodes[a].next; b != DOC_NONE; b = nodes[b].next)
            if (nodes[a].key_size == nodes[b].key_size &&
                memcmp(nodes[a].key, nodes[b].key, nodes[a].key_size) == 0)
                return b;
    return DOC_NONE;
}

static bool check_names(struct parser *p, doc_id object)
{
    struct doc *doc = p->doc;
    struct doc_index index;
    doc_id twin = DOC_NONE;

    if (doc->nodes[object].count <= PAIRS_WORTH) {
        twin = find_twin(doc, object);
    } else {
        if (!doc_index_init(&index, doc->nodes[object].count)) {
            doc->no_memory = true;
            return fail(p, p->at, NULL);
        }
        for (doc_id id = doc->nodes[object].first; id != DOC_NONE; id = doc->nodes[id].next)
            if (doc_index_add(&index, doc, id) != DOC_NONE) {
                twin = id;
                break;
            }
        doc_index_release(&index);
    }
    return twin == DOC_NONE || fail(p, doc->nodes[twin].text, "an object has two members of this name");
}

/* --- values */

static bool parse_string(struct parser *p, struct doc_node *node)
{
    bool escaped;
    size_t inside;
    char *value;

    p->at = doc_scan_string(node->text + 1, p->end, &escaped, &p->fault, &p->detail);
    if (!p->at)
        return false;
    inside = (size_t)(p->at - node->text) - 2;
    node->value = node->text + 1;
    node->value_size = (uint32_t)inside;
    if (!escaped)
        return true;
    value = doc_keep(p->doc, inside);
    if (!value)
        return fail(p, node->text, NULL);
    node->escaped = true;
    node->value = value;
    node->value_size = (uint32_t)doc_decode(value, node->text + 1, inside);
    return true;
}

static bool parse_number(struct parser *p, struct doc_node *node)
{
    bool integer;

    p->at = doc_scan_number(node->text, p->end, &integer, &p->fault, &p->detail);
    if (!p->at)
        return false;
    node->integer = integer;
    return true;
}

static bool parse_literal(struct parser *p, const char *literal, size_t size)
{
    if ((size_t)(p->end - p->at) < size || memcmp(p->at, literal, size) != 0)
        return fail(p, p->at, "no JSON value");
    p->at += size;
    return true;
}

static bool open_container(struct parser *p, doc_id id)
{
    if (p->depth == STORE_DEPTH_MAX)
        return fail(p, p->at, "nesting is too deep");
    p->depth++;
    p->container = id;
    p->at++;
    return true;
}

static bool parse_by_type(struct parser *p, doc_id id)
{
    struct doc_node *node = &p->doc->nodes[id];

    switch ((enum doc_type)node->type) {
    case DOC_NULL:
        return parse_literal(p, "null", 4);
    case DOC_FALSE:
        return parse_literal(p, "false", 5);
    case DOC_TRUE:
        return parse_literal(p, "true", 4);
    case DOC_NUMBER:
        return parse_number(p, node);
    case DOC_STRING:
        return parse_string(p, node);
    case DOC_ARRAY:
    case DOC_OBJECT:
        return open_container(p, id);
    }
    return false;
}

/* The type that a value's first byte tells; false if no value begins so. */
static bool type_of(char c, enum doc_type *type)
{
    switch (c) {
    case 'n':
        *type = DOC_NULL;
        return true;
    case 'f':
        *type = DOC_FALSE;
        return true;
    case 't':
        *type = DOC_TRUE;
        return true;
    case '"':
        *type = DOC_STRING;
        return true;
    case '[':
        *type = DOC_ARRAY;
        return true;
    case '{':
        *type = DOC_OBJECT;
        return true;
    default:
        *type = DOC_NUMBER;
        return c == '-' || (c >= '0' && c <= '9');
    }
}

/* Parses a scalar, or opens a container, and links it where it belongs. */
static doc_id parse_value(struct parser *p)
{
    struct doc *doc = p->doc;
    doc_id parent = p->container;
    enum doc_type type;
    struct doc_node *node;
    doc_id id;

    if (!type_of(peek(p), &type)) {
        fail(p, p->at, "no JSON value");
        return DOC_NONE;
    }
    id = doc_node_new(doc, type);
    if (id == DOC_NONE) {
        fail(p, p->at, doc->count > DOC_NODES_MAX ? "too many values" : NULL);
        return DOC_NONE;
    }
    node = &doc->nodes[id];
    node->text = p->at;
    if (parent != DOC_NONE) {
        doc_link_last(doc, parent, id);
        if (doc->nodes[parent].type == DOC_OBJECT) {
            node->key = p->key;
            node->key_size = p->key_size;
            node->key_owned = p->key_owned;
        }
    }
    if (!parse_by_type(p, id))
        return DOC_NONE;
    if (type < DOC_ARRAY)
        node->text_size = (uint32_t)(p->at - node->text);
    return id;
}

static bool close_container(struct parser *p)
{
    doc_id id = p->container;
    struct doc_node *node = &p->doc->nodes[id];

    p->at++;
    node->text_size = (uint32_t)(p->at - node->text);
    p->container = node->parent;
    p->depth--;
    return node->type == DOC_ARRAY || check_names(p, id);
}

/* Goes on inside the innermost container: closes it, or parses its next value. */
static bool parse_on(struct parser *p)
{
    const struct doc_node *node = &p->doc->nodes[p->container];
    bool object = node->type == DOC_OBJECT;
    char c = peek(p);

    if (c == (object ? '}' : ']'))
        return close_container(p);
    if (node->count > 0) {
        if (c != ',')
            return fail(p, p->at, object ? "',' or '}' is missing" : "',' or ']' is missing");
        p->at++;
    }
    if (object && !parse_name(p))
        return false;
    return parse_value(p) != DOC_NONE;
}

static doc_id parse_document(struct parser *p)
{
    doc_id root = parse_value(p);

    if (root == DOC_NONE)
        return DOC_NONE;
    while (p->container != DOC_NONE)
        if (!parse_on(p))
            return DOC_NONE;
    peek(p);
    if (p->at == p->end)
        return root;
    fail(p, p->at, "text behind the value");
    return DOC_NONE;
}

doc_id doc_parse_more(struct doc *doc, const char *text, size_t size, struct doc_error *error)
{
    struct parser p = { .doc = doc, .at = text, .end = text, .fault = text };
    bool exhausted = doc->no_memory;
    doc_id root = DOC_NONE;

    if (size >= UINT32_MAX)
        p.detail = "text is too large";
    else if (size == 0)
        p.detail = "text is empty";
    else {
        p.end = text + size;
        root = parse_document(&p);
    }
    if (root != DOC_NONE)
        return root;
    doc->no_memory = exhausted || !p.detail;
    if (error) {
        error->offset = p.fault ? (size_t)(p.fault - text) : 0;
        error->detail = p.detail ? p.detail : "no memory";
    }
    return DOC_NONE;
}

bool doc_parse(struct doc *doc, const char *text, size_t size, struct doc_error *error)
{
    doc_clear(doc);
    doc->root = doc_parse_more(doc, text, size, error);
    return doc->root != DOC_NONE;
}
