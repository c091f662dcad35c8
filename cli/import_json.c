/* Documents into a collection: each finds its location by its key, or is appended. */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "interrupt.h"
#include "json_text.h"
#include "loader.h"
#include "print.h"

struct target {
    const char *location;
    const char *key;  /* --key: the member that names an object in a plain collection */
    bool typed;
    json_t *schema;   /* of a typed collection; borrowed from definition */
    json_t *definition;
};

struct document {
    const char *text;
    size_t size;
    const char *where; /* "line 12" */
};

static int target_init(struct target *out, struct loader *loader, const char *location)
{
    const struct cli *cli = loader->cli;
    store_stat stat;
    char *text;
    size_t size;

    *out = (struct target){.location = location, .key = cli_value(cli, OPT_KEY)};
    int code = store_stat_get(&stat, cli->store, location, NULL);
    if (code != STORE_OK)
        return report(cli, code, location);
    if (stat.kind != STORE_COLLECTION)
        return complain(cli, STORE_KIND_CONFLICT, location, "is no collection");
    out->typed = stat.typed;
    if (out->typed && out->key)
        return usage_error(cli, "--key is for plain collections");
    if (!out->typed && !out->key)
        return usage_error(cli, "%s is a plain collection: --key must say which member names an object", location);
    if (!out->typed)
        return STATUS_DONE;
    code = store_definition_get(&text, &size, cli->store, location, NULL);
    if (code != STORE_OK)
        return report(cli, code, location);
    out->definition = json_loadb(text, size, 0, NULL);
    store_free(text);
    out->schema = json_object_get(json_object_get(out->definition, "schema"), "properties");
    const char *order = json_string_value(json_object_get(out->definition, "order"));
    loader->whole = order && strcmp(order, "key") != 0; /* what has no key cannot be found again */
    return STATUS_DONE;
}

/* Whether a stored member that the document does not name has what the store fills in. */
static bool is_initial(const json_t *schema, const char *name, const json_t *value)
{
    const json_t *given = json_object_get(json_object_get(schema, name), "default");

    if (given)
        return json_equal(given, value);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return json_object_size(value) == 0;
    case JSON_ARRAY:
        return json_array_size(value) == 0;
    case JSON_STRING:
        return json_string_length(value) == 0;
    case JSON_INTEGER:
    case JSON_REAL:
        return json_number_value(value) == 0.0;
    case JSON_TRUE:
        return false;
    case JSON_FALSE:
    case JSON_NULL:
        return true;
    }
    return false;
}

static bool same_object(const struct target *target, json_t *stored, json_t *given)
{
    size_t shared = 0;
    const char *name;
    json_t *value;

    if (!target->typed || !json_is_object(stored) || !json_is_object(given))
        return json_equal(stored, given);
    json_object_foreach(stored, name, value) {
        const json_t *other = json_object_get(given, name);
        if (other ? !json_equal(value, other) : !is_initial(target->schema, name, value))
            return false;
        shared += other != NULL;
    }
    return shared == json_object_size(given);
}

static bool same_body(const struct target *target, const void *body, size_t size, const struct document *document)
{
    if (size == document->size && memcmp(body, document->text, size) == 0)
        return true;
    json_t *stored = json_loadb(body, size, JSON_DECODE_ANY, NULL);
    json_t *given = json_loadb(document->text, document->size, JSON_DECODE_ANY, NULL);
    bool same = stored && given && same_object(target, stored, given);
    json_decref(stored);
    json_decref(given);
    return same;
}

/* Where the document belongs in a plain collection; NULL when its key member is no name. */
static char *plain_location(const struct target *target, const struct document *document)
{
    json_t *body = json_loadb(document->text, document->size, 0, NULL);
    const json_t *key = json_object_get(body, target->key);
    const char *gap = target->location[strlen(target->location) - 1] == '/' ? "" : "/";
    char *location = NULL;
    int size = -1;

    if (json_is_string(key) && json_string_length(key) == strlen(json_string_value(key)) &&
        !strchr(json_string_value(key), '/'))
        size = asprintf(&location, "%s%s%s", target->location, gap, json_string_value(key));
    else if (json_is_integer(key))
        size = asprintf(&location, "%s%s%" JSON_INTEGER_FORMAT, target->location, gap, json_integer_value(key));
    json_decref(body);
    return size < 0 ? NULL : location;
}

static int append(struct loader *loader, const struct target *target, const struct document *document,
                  store_txn *txn)
{
    store_request request = STORE_REQUEST_INIT;

    request.txn = txn;
    int code = store_post(NULL, loader->cli->store, target->location, document->text, document->size, &request);
    if (code != STORE_OK)
        return loader_refuse(loader, code, target->location, document->where);
    return loader_step(loader, &loader->pending.created, document->size);
}

static int put(struct loader *loader, const struct target *target, const char *location,
               const struct document *document, store_txn *txn)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    store_request request = STORE_REQUEST_INIT;
    void *body;
    size_t size;

    options.txn = request.txn = txn;
    int code = store_get(&body, &size, NULL, loader->cli->store, location, &options);
    bool there = code == STORE_OK;
    bool same = there && same_body(target, body, size, document);
    store_free(body);
    if (!there && code != STORE_NOT_FOUND)
        return loader_refuse(loader, code, location, document->where);
    if (same)
        return loader_step(loader, &loader->pending.unchanged, document->size);
    if (there && !loader->replace)
        return loader_conflict(loader, location, document->where);
    request.flags = there ? STORE_REPLACE : STORE_NOREPLACE;
    request.type = target->typed ? NULL : "application/json";
    code = store_put(NULL, loader->cli->store, location, document->text, document->size, &request);
    if (code != STORE_OK)
        return loader_refuse(loader, code, location, document->where);
    return loader_step(loader, there ? &loader->pending.updated : &loader->pending.created, document->size);
}

static int import_document(struct loader *loader, const struct target *target, const struct document *document)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    char *location = NULL;
    store_txn *txn;
    int status = loader_txn(&txn, loader);

    if (status != STATUS_DONE)
        return status;
    if (!target->typed) {
        location = plain_location(target, document);
        status = location ? put(loader, target, location, document, txn)
                          : loader_reject(loader, STORE_BAD_BODY, target->location, document->where,
                                          "the member that --key names is missing or no name");
        free(location);
        return status;
    }
    options.txn = txn;
    int code = store_locate(&location, loader->cli->store, target->location, document->text, document->size,
                            &options);
    if (code == STORE_OK)
        status = put(loader, target, location, document, txn);
    else if (code == STORE_KEY_REQUIRED && loader->whole)
        status = append(loader, target, document, txn);
    else
        status = loader_refuse(loader, code, target->location, document->where);
    store_free(location);
    return status;
}

static int import_array(struct loader *loader, const struct target *target, char *text, size_t size)
{
    const char *pointer = cli_value(loader->cli, OPT_POINTER);
    struct json_elements elements;
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_TEXT_FLAGS, &error);
    const char *element;
    int status = STATUS_DONE;

    if (!root)
        return complain(loader->cli, STORE_BAD_BODY, NULL, "line %d: %s", error.line, error.text);
    bool found = json_elements_find(&elements, text, size, root, pointer);
    json_decref(root);
    if (!found)
        return complain(loader->cli, STORE_BAD_BODY, NULL,
                        "no array: neither the document, nor one member of it, nor at --pointer");
    loader->progress.total = size;
    for (unsigned long n = 1; status == STATUS_DONE && !interrupted(); n++) {
        char where[48];
        if (!json_elements_next(&element, &size, &elements))
            break;
        snprintf(where, sizeof where, "element %lu", n);
        char *compact = text + (element - text);
        struct document document = {compact, json_compact(compact, element, size), where};
        status = import_document(loader, target, &document);
    }
    return status;
}

static int import_lines(struct loader *loader, const struct target *target, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0;
    ptrdiff_t size;
    int status = STATUS_DONE;

    for (unsigned long n = 1; status == STATUS_DONE && !interrupted(); n++) {
        char where[48];
        status = read_line(&line, &capacity, &size, loader->cli, file, STORE_JSON_MAX);
        if (status != STATUS_DONE || size < 0)
            break;
        snprintf(where, sizeof where, "line %lu", n);
        struct document document = {line, (size_t)size, where};
        json_trim(&document.text, &document.size);
        if (document.size > 0)
            status = import_document(loader, target, &document);
    }
    free(line);
    return status;
}

static int import_file(struct loader *loader, const struct target *target, const char *source, bool lines)
{
    struct input input;
    char *text = NULL;
    size_t size;
    int status = input_open(&input, loader->cli, source);

    if (status != STATUS_DONE)
        return status;
    if (!lines) {
        status = input_all(&text, &size, loader->cli, &input, SIZE_MAX / 4);
        input_close(&input);
        if (status == STATUS_DONE)
            status = import_array(loader, target, text, size);
        free(text);
        return status;
    }
    FILE *file;
    status = input_file(&file, &loader->progress.total, loader->cli, &input);
    if (status != STATUS_DONE)
        return status;
    status = import_lines(loader, target, file);
    fclose(file);
    return status;
}

int import_json(struct loader *loader, const char *location, const char *source, bool lines)
{
    struct target target;
    int status = target_init(&target, loader, location);

    if (status == STATUS_DONE)
        status = import_file(loader, &target, source, lines);
    json_decref(target.definition);
    return status;
}
