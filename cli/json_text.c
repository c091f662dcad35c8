/* Scanning JSON text that is known to be valid. */
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

void json_trim(const char **text, size_t *size)
{
    const char *end = *text + *size;

    *text = skip_space(*text, end);
    while (end > *text && is_space(end[-1]))
        end--;
    *size = (size_t)(end - *text);
}

/* Behind the string that begins at `at`. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\' && at + 1 < end;
    return at < end ? at + 1 : end;
}

/* Behind the value that begins at `at`, however deep it is. */
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;

    do {
        if (at < end && *at == '"') {
            at = skip_string(at, end);
        } else if (at < end && strchr("[{", *at)) {
            depth++;
            at++;
        } else if (at < end && strchr("]}", *at)) {
            depth--;
            at++;
        } else if (at < end && (is_space(*at) || strchr(",:", *at))) {
            at++;
        } else {
            while (at < end && !is_space(*at) && !strchr(",:]}", *at))
                at++;
        }
    } while (depth > 0 && at < end);
    return at;
}

/* The value of the nth member or element of the container at `at`. */
static const char *enter(const char *at, const char *end, size_t n, bool object)
{
    at = skip_space(at + 1, end);
    for (;; n--) {
        if (object)
            at = skip_space(skip_space(skip_string(at, end), end) + 1, end);
        if (n == 0)
            return at;
        at = skip_space(skip_space(skip_value(at, end), end) + 1, end);
    }
}

/* The position of member `key` in `object`, whose members keep the text's order. */
static bool member_index(size_t *out, const json_t *object, const char *key)
{
    const char *name;
    json_t *value;

    *out = 0;
    json_object_foreach((json_t *)object, name, value) {
        if (strcmp(name, key) == 0)
            return true;
        ++*out;
    }
    return false;
}

/* One token of a JSON Pointer, unescaped into `token`; moves *pointer behind it. */
static bool next_token(char *token, size_t room, const char **pointer)
{
    const char *from = *pointer;
    size_t size = 0;

    if (*from++ != '/')
        return false;
    for (; *from && *from != '/'; from++) {
        if (size + 1 >= room || (*from == '~' && from[1] != '0' && from[1] != '1'))
            return false;
        token[size++] = *from != '~' ? *from : *++from == '0' ? '~' : '/';
    }
    token[size] = '\0';
    *pointer = from;
    return true;
}

/* One step down, in the tree and in the text alike. */
static bool descend(const char **at, const char *end, const json_t **node, const char *token)
{
    size_t index;

    if (json_is_object(*node)) {
        if (!member_index(&index, *node, token))
            return false;
        *at = enter(*at, end, index, true);
        *node = json_object_get(*node, token);
        return true;
    }
    char *rest;
    index = strtoul(token, &rest, 10);
    if (*token < '0' || *token > '9' || *rest || index >= json_array_size(*node))
        return false;
    *at = enter(*at, end, index, false);
    *node = json_array_get(*node, index);
    return true;
}

/* The name of the one member of `root` that is an array, or NULL. */
static const char *only_array(const json_t *root)
{
    const char *name, *found = NULL;
    json_t *value;

    json_object_foreach((json_t *)root, name, value) {
        if (json_is_array(value) && found)
            return NULL;
        if (json_is_array(value))
            found = name;
    }
    return found;
}

bool json_elements_find(struct json_elements *out, const char *text, size_t size, const json_t *root,
                        const char *pointer)
{
    const char *end = text + size, *at = skip_space(text, end);
    char token[1024];

    if (!pointer && json_is_object(root)) {
        const char *name = only_array(root);
        if (!name || !descend(&at, end, &root, name))
            return false;
    }
    while (pointer && *pointer) {
        if (!next_token(token, sizeof token, &pointer) || !descend(&at, end, &root, token))
            return false;
    }
    if (!json_is_array(root))
        return false;
    *out = (struct json_elements){skip_space(at + 1, end), end};
    return true;
}

bool json_elements_next(const char **element, size_t *size, struct json_elements *elements)
{
    const char *end = elements->end;

    if (elements->at >= end || *elements->at == ']')
        return false;
    *element = elements->at;
    const char *behind = skip_value(elements->at, end);
    *size = (size_t)(behind - *element);
    behind = skip_space(behind, end);
    elements->at = behind < end && *behind == ',' ? skip_space(behind + 1, end) : behind;
    return true;
}

bool json_member_text(const char **value, size_t *value_size, const char *text, size_t size, const json_t *root,
                      const char *name)
{
    const char *end = text + size, *at = skip_space(text, end);

    if (!json_is_object(root) || !descend(&at, end, &root, name))
        return false;
    *value = at;
    *value_size = (size_t)(skip_value(at, end) - at);
    return true;
}

size_t json_compact(char *out, const char *text, size_t size)
{
    const char *at = text, *end = text + size;
    char *to = out;

    while (at < end) {
        if (is_space(*at)) {
            at++;
            continue;
        }
        const char *behind = *at == '"' ? skip_string(at, end) : at + 1;
        memmove(to, at, (size_t)(behind - at));
        to += behind - at;
        at = behind;
    }
    return (size_t)(to - out);
}
