/* Reading and running one operation of a batch. */
#include "operation.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "json_text.h"

typedef int run_verb(store_answer *answer, store *s, const struct operation *operation);

static int run_put(store_answer *answer, store *s, const struct operation *o)
{
    if (o->target)
        return store_put_link(answer, s, o->location, o->target, &o->request);
    return store_put(answer, s, o->location, o->body, o->size, &o->request);
}

static int run_patch(store_answer *answer, store *s, const struct operation *o)
{
    if (o->range)
        return store_patch_range(answer, s, o->location, o->offset, o->body, o->size, &o->request);
    return store_patch(answer, s, o->location, o->json_patch ? STORE_PATCH_JSON : STORE_PATCH_MERGE, o->body,
                       o->size, &o->request);
}

static int run_post(store_answer *answer, store *s, const struct operation *o)
{
    return store_post(answer, s, o->location, o->body, o->size, &o->request);
}

static int run_delete(store_answer *answer, store *s, const struct operation *o)
{
    return store_delete(answer, s, o->location, &o->request);
}

static int run_move(store_answer *answer, store *s, const struct operation *o)
{
    return store_move(answer, s, o->location, o->to, &o->request);
}

static int run_copy(store_answer *answer, store *s, const struct operation *o)
{
    return store_copy(answer, s, o->location, o->to, &o->request);
}

static int run_mkdir(store_answer *answer, store *s, const struct operation *o)
{
    return store_make_collection(answer, s, o->location, &o->request);
}

static int run_define(store_answer *answer, store *s, const struct operation *o)
{
    return store_define(answer, s, o->location, o->body, o->size, &o->request);
}

static int run_set(store_answer *answer, store *s, const struct operation *o)
{
    return store_set(answer, s, o->location, &o->request);
}

enum body_need { NO_BODY, BODY, BODY_OR_NULL };

struct operation_verb {
    const char *name;
    run_verb *run;
    bool two;            /* from and to, in place of location */
    enum body_need body; /* BODY_OR_NULL: null means none */
};

static const struct operation_verb verbs[] = {
    {"put", run_put, false, BODY},       {"patch", run_patch, false, BODY},
    {"post", run_post, false, BODY},     {"delete", run_delete, false, NO_BODY},
    {"move", run_move, true, NO_BODY},   {"copy", run_copy, true, NO_BODY},
    {"mkdir", run_mkdir, false, NO_BODY}, {"define", run_define, false, BODY_OR_NULL},
    {"set", run_set, false, NO_BODY},
};

static const struct {
    const char *name;
    unsigned flag;
} flags[] = {
    {"replace", STORE_REPLACE},     {"noreplace", STORE_NOREPLACE}, {"insert", STORE_INSERT},
    {"noinsert", STORE_NOINSERT},   {"recursive", STORE_RECURSIVE}, {"parents", STORE_PARENTS},
    {"partial", STORE_PARTIAL},
};

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))

/* A line while it is read. */
struct parse {
    struct operation *out;
    const char *text;
    size_t size;
    char *why;
    size_t why_size;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct parse *parse, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(parse->why, parse->why_size, format, arguments);
    va_end(arguments);
    return false;
}

static bool take_text(struct parse *parse, const char **out, const char *name, const json_t *value)
{
    *out = json_string_value(value);
    if (*out && strlen(*out) == json_string_length(value))
        return true;
    return wrong(parse, "%s must be a string", name);
}

static bool take_verb(struct parse *parse, const json_t *value)
{
    const char *name = json_string_value(value);

    for (size_t i = 0; name && i < COUNT_OF(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            parse->out->verb = &verbs[i];
            return true;
        }
    }
    return wrong(parse, "unknown verb %s", name ? name : "");
}

static bool take_body(struct parse *parse, const char *name, const json_t *value)
{
    struct operation *out = parse->out;
    const char *text;

    if (out->body || out->target)
        return wrong(parse, "only one of body, text, base64 and target may be given");
    if (strcmp(name, "body") == 0) {
        json_member_text(&text, &out->size, parse->text, parse->size, out->tree, name);
        out->body = text;
        return true;
    }
    if (!json_is_string(value))
        return wrong(parse, "%s must be a string", name);
    out->body = json_string_value(value);
    out->size = json_string_length(value);
    if (strcmp(name, "text") == 0)
        return true;
    out->body = out->decoded = base64_decode(&out->size, json_string_value(value), json_string_length(value));
    return out->body || wrong(parse, "%s is no base64", name);
}

static bool take_version(struct parse *parse, const json_t *value)
{
    store_request *request = &parse->out->request;
    const char *text = json_string_value(value);

    if (text && strcmp(text, "*") == 0) {
        request->flags |= STORE_IF_MATCH_ANY;
        return true;
    }
    if (request->if_match_count == OPERATION_VERSIONS)
        return wrong(parse, "if_match: more than %d versions", OPERATION_VERSIONS);
    if (!text || !store_version_parse(&parse->out->versions[request->if_match_count], text))
        return wrong(parse, "if_match: a version is 16 hex digits, or *");
    request->if_match = parse->out->versions;
    request->if_match_count++;
    return true;
}

static bool take_versions(struct parse *parse, const json_t *value)
{
    size_t index;
    json_t *item;

    if (!json_is_array(value))
        return take_version(parse, value);
    json_array_foreach(value, index, item) {
        if (!take_version(parse, item))
            return false;
    }
    return true;
}

static bool take_meta(struct parse *parse, const json_t *value)
{
    struct operation *out = parse->out;
    const char *name;
    json_t *item;

    if (!json_is_object(value))
        return wrong(parse, "meta must be an object of strings");
    out->meta = calloc(json_object_size(value) + 1, sizeof *out->meta);
    if (!out->meta)
        return wrong(parse, "out of memory");
    json_object_foreach((json_t *)value, name, item) {
        if (!json_is_string(item))
            return wrong(parse, "meta must be an object of strings");
        out->meta[out->request.meta_count++] =
            (store_meta){name, json_string_value(item), json_string_length(item)};
    }
    out->request.meta = out->meta;
    out->request.flags |= STORE_SET_META;
    return true;
}

static bool take_offset(struct parse *parse)
{
    const char *text;
    size_t size;
    char *end;

    json_member_text(&text, &size, parse->text, parse->size, parse->out->tree, "offset");
    errno = 0;
    parse->out->range = true;
    parse->out->offset = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || end != text + size || errno)
        return wrong(parse, "offset must be a number of bytes");
    return true;
}

static bool take_flag(struct parse *parse, const char *name, const json_t *value)
{
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        if (strcmp(flags[i].name, name) != 0)
            continue;
        if (!json_is_boolean(value))
            return wrong(parse, "%s must be true or false", name);
        parse->out->request.flags |= json_is_true(value) ? flags[i].flag : 0;
        return true;
    }
    return wrong(parse, "unknown member %s", name);
}

static bool take_condition(struct parse *parse, const json_t *value)
{
    const char *text = json_string_value(value);

    if (!text || strcmp(text, "*") != 0)
        return wrong(parse, "if_none_match must be *");
    parse->out->request.flags |= STORE_IF_NONE_MATCH_ANY;
    return true;
}

static bool take_patch(struct parse *parse, const json_t *value)
{
    const char *text = json_string_value(value);

    parse->out->json_patch = text && strcmp(text, "json") == 0;
    if (parse->out->json_patch || (text && strcmp(text, "merge") == 0))
        return true;
    return wrong(parse, "patch must be merge or json");
}

static bool take_member(struct parse *parse, const char *name, const json_t *value)
{
    struct operation *out = parse->out;

    if (strcmp(name, "verb") == 0)
        return take_verb(parse, value);
    if (strcmp(name, "location") == 0 || strcmp(name, "from") == 0)
        return take_text(parse, &out->location, name, value);
    if (strcmp(name, "to") == 0)
        return take_text(parse, &out->to, name, value);
    if (strcmp(name, "target") == 0 && out->body)
        return wrong(parse, "only one of body, text, base64 and target may be given");
    if (strcmp(name, "target") == 0)
        return take_text(parse, &out->target, name, value);
    if (strcmp(name, "type") == 0)
        return take_text(parse, &out->request.type, name, value);
    if (strcmp(name, "body") == 0 || strcmp(name, "text") == 0 || strcmp(name, "base64") == 0)
        return take_body(parse, name, value);
    if (strcmp(name, "if_match") == 0)
        return take_versions(parse, value);
    if (strcmp(name, "if_none_match") == 0)
        return take_condition(parse, value);
    if (strcmp(name, "meta") == 0)
        return take_meta(parse, value);
    if (strcmp(name, "patch") == 0)
        return take_patch(parse, value);
    if (strcmp(name, "offset") == 0)
        return take_offset(parse);
    return take_flag(parse, name, value);
}

/* What the verb needs is there, and nothing it does not take. */
static bool complete(struct parse *parse)
{
    struct operation *out = parse->out;
    const struct operation_verb *verb = out->verb;
    bool body = out->body || out->target;

    if (!verb)
        return wrong(parse, "verb is missing");
    const char *place = verb->two ? "from" : "location";
    if (!json_object_get(out->tree, place))
        return wrong(parse, "%s is missing", place);
    if (json_object_get(out->tree, verb->two ? "location" : "from"))
        return wrong(parse, "%s takes %s", verb->name, verb->two ? "from and to" : "location");
    if (verb->two != (out->to != NULL))
        return wrong(parse, verb->two ? "to is missing" : "to is for move and copy");
    if (body != (verb->body != NO_BODY))
        return wrong(parse, body ? "%s takes no body" : "%s needs body, text or base64", verb->name);
    if (out->target && verb->run != run_put)
        return wrong(parse, "target is for put");
    if ((out->range || out->json_patch) && verb->run != run_patch)
        return wrong(parse, "patch and offset are for patch");
    if (verb->body == BODY_OR_NULL && out->body && out->size == 4 && memcmp(out->body, "null", 4) == 0) {
        out->body = NULL;
        out->size = 0;
    }
    return true;
}

bool operation_parse(struct operation *out, const char *text, size_t size, char *why, size_t why_size)
{
    struct parse parse = {out, text, size, why, why_size};
    json_error_t error;
    const char *name;
    json_t *value;

    *out = (struct operation){.request = STORE_REQUEST_INIT};
    out->tree = json_loadb(text, size, JSON_TEXT_FLAGS, &error);
    if (!out->tree)
        return wrong(&parse, "%s", error.text);
    if (!json_is_object(out->tree))
        return wrong(&parse, "is no JSON object");
    json_object_foreach(out->tree, name, value) {
        if (!take_member(&parse, name, value))
            return false;
    }
    return complete(&parse);
}

int operation_run(store_answer *answer, store *s, const struct operation *operation)
{
    return operation->verb->run(answer, s, operation);
}

void operation_release(struct operation *operation)
{
    free(operation->meta);
    free(operation->decoded);
    json_decref(operation->tree);
    *operation = (struct operation){0};
}
