/* schema_report.c - what a schema has to say about a node, as one line with its JSON Pointer.
 * The pointer is built from the node upward, and only here: a valid document costs nothing. */
#include "schema_private.h"

#include <stdarg.h>
#include <stdio.h>

#include "pointer.h"
#include "problem.h"

#define EXCERPT_MAX 60
#define DETAIL_MAX 512
#define WALKED_MAX 20000000 /* elements passed to find the indexes of others */

const char *excerpt(char out[EXCERPT_SIZE], struct slice text)
{
    const char *from = text.data;
    size_t size = text.size;

    if (size > EXCERPT_MAX)
        for (size = EXCERPT_MAX; size > 0 && ((unsigned char)from[size] & 0xC0) == 0x80; size--)
            continue;
    for (size_t i = 0; i < size; i++)
        out[i] = (unsigned char)from[i] < 0x20 ? ' ' : from[i];
    strcpy(out + size, size < text.size ? "…" : "");
    return out;
}

const char *excerpt_value(char out[EXCERPT_SIZE], const struct doc *doc, doc_id id)
{
    const struct doc_node *node = doc_at(doc, id);

    if (node->type == DOC_ARRAY || node->type == DOC_OBJECT)
        return strcpy(out, node->type == DOC_ARRAY ? "an array" : "an object");
    return excerpt(out, slice_of(node->text, node->text_size));
}

const char *type_names(char out[EXCERPT_SIZE], unsigned types)
{
    static const struct {
        unsigned bits;
        const char *name;
    } known[] = {
        { SCHEMA_STRING, "a string" },   { SCHEMA_NUMBER, "a number" }, { SCHEMA_INTEGER, "an integer" },
        { SCHEMA_BOOLEAN, "a boolean" }, { SCHEMA_ARRAY, "an array" },  { SCHEMA_OBJECT, "an object" },
        { SCHEMA_NULL, "null" },
    };
    const char *between = "";
    size_t used = 0;

    if (types & SCHEMA_NUMBER)
        types &= ~(unsigned)SCHEMA_INTEGER;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!(types & known[i].bits))
            continue;
        types &= ~known[i].bits;
        used += (size_t)snprintf(out + used, EXCERPT_SIZE - used, "%s%s", between, known[i].name);
        between = (types & (types - 1)) != 0 ? ", " : " or ";
    }
    return out;
}

/* Appends the reference token of a node; an element's index is counted. */
static void append_token(struct buffer *out, struct report *r, doc_id id)
{
    const struct doc_node *node = doc_at(r->doc, id);
    size_t index = 0;

    if (node->key != NULL) {
        pointer_append(out, node->key, node->key_size);
        return;
    }
    for (doc_id at = node->prev; at != DOC_NONE; at = doc_at(r->doc, at)->prev)
        index++;
    r->walked += index;
    buffer_format(out, "/%zu", index);
}

static void append_path(struct buffer *out, struct report *r, doc_id node)
{
    doc_id path[SCHEMA_CHECK_DEPTH_MAX];
    size_t depth = 0;

    for (; node != r->root && node != DOC_NONE && depth < SCHEMA_CHECK_DEPTH_MAX;
         node = doc_at(r->doc, node)->parent)
        path[depth++] = node;
    while (depth > 0)
        append_token(out, r, path[--depth]);
}

void report_list(struct report *r, doc_id node, const struct slice *member, const char *format, va_list arguments)
{
    struct buffer pointer = BUFFER_INIT;
    char detail[DETAIL_MAX];

    if (r->count++ >= SCHEMA_REPORTS_MAX || r->walked > WALKED_MAX)
        return;
    buffer_text(&pointer, r->prefix);
    append_path(&pointer, r, node);
    if (member != NULL)
        pointer_append(&pointer, member->data, member->size);
    vsnprintf(detail, sizeof detail, format, arguments);
    if (pointer.failed)
        r->no_memory = true;
    else
        problem_violation(pointer.data != NULL ? pointer.data : "", "%s", detail);
    buffer_release(&pointer);
}

void report(struct report *r, doc_id node, const struct slice *member, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    report_list(r, node, member, format, arguments);
    va_end(arguments);
}
