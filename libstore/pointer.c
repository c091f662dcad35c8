/* pointer.c - JSON Pointer: escaping, and the walk from a root to the node it names. */
#include "pointer.h"

#include "doc_private.h"

void pointer_append(struct buffer *out, const char *token, size_t size)
{
    size_t kept = 0;

    buffer_append(out, "/", 1);
    for (size_t i = 0; i < size; i++) {
        if (token[i] != '~' && token[i] != '/')
            continue;
        buffer_append(out, token + kept, i - kept);
        buffer_append(out, token[i] == '~' ? "~0" : "~1", 2);
        kept = i + 1;
    }
    if (size > kept)
        buffer_append(out, token + kept, size - kept);
}

size_t pointer_decode(char *out, const char *token, size_t size)
{
    size_t decoded = 0;

    for (size_t i = 0; i < size; i++) {
        char c = token[i];

        if (c == '~') {
            if (++i == size || (token[i] != '0' && token[i] != '1'))
                return SIZE_MAX;
            c = token[i] == '0' ? '~' : '/';
        }
        out[decoded++] = c;
    }
    return decoded;
}

size_t pointer_index(const char *token, size_t size)
{
    size_t index = 0;

    if (size == 0 || size > 18 || (size > 1 && token[0] == '0'))
        return SIZE_MAX;
    for (size_t i = 0; i < size; i++) {
        if (token[i] < '0' || token[i] > '9')
            return SIZE_MAX;
        index = index * 10 + (size_t)(token[i] - '0');
    }
    return index;
}

static doc_id step_by_name(struct doc *doc, doc_id object, const char *token, size_t size)
{
    char *name;

    if (!memchr(token, '~', size))
        return doc_member(doc, object, token, size);
    name = doc_keep(doc, size);
    if (!name)
        return DOC_NONE;
    size = pointer_decode(name, token, size);
    return size == SIZE_MAX ? DOC_NONE : doc_member(doc, object, name, size);
}

doc_id pointer_step(struct doc *doc, doc_id node, const char *token, size_t size)
{
    switch ((enum doc_type)doc->nodes[node].type) {
    case DOC_OBJECT:
        return step_by_name(doc, node, token, size);
    case DOC_ARRAY:
        return doc_element(doc, node, pointer_index(token, size));
    case DOC_NULL:
    case DOC_FALSE:
    case DOC_TRUE:
    case DOC_NUMBER:
    case DOC_STRING:
        break;
    }
    return DOC_NONE;
}

size_t pointer_token(const char *text, size_t size)
{
    const char *slash = size > 1 ? memchr(text + 1, '/', size - 1) : NULL;

    return (slash ? (size_t)(slash - text) : size) - 1;
}

doc_id pointer_find(struct doc *doc, doc_id root, const char *text, size_t size)
{
    doc_id node = root;

    while (size > 0 && node != DOC_NONE) {
        size_t token;

        if (*text != '/')
            return DOC_NONE;
        token = pointer_token(text, size);
        node = pointer_step(doc, node, text + 1, token);
        text += token + 1;
        size -= token + 1;
    }
    return node;
}
