/* api_test.c - the verbs in a line, and the state of the whole store as text. */
#include "api_test.h"

#include <inttypes.h>
#include <stdio.h>

store_answer answered;
json_t *refused;

void begin_api_test(void)
{
    begin_test();
    test_store();
}

static int show_finding(const store_finding *finding, void *unused)
{
    (void)unused;
    fprintf(stderr, "the store is damaged: %s at %s: %s\n", finding->kind,
            finding->location ? finding->location : "-", finding->detail);
    return 0;
}

void end_api_test(void)
{
    store_check_report report;
    int rc = store_check(&report, test_store(), 0, show_finding, NULL);

    if (rc != STORE_OK)
        fprintf(stderr, "the store cannot be checked: %s\n", store_problem_json());
    store_answer_clear(&answered);
    json_decref(refused);
    refused = NULL;
    end_test();
    if (rc != STORE_OK || report.findings > 0)
        abort(); /* an assertion that fails in .fini is printed and counts for nothing */
}

const char *J(const char *text)
{
    static char *ring[64];
    static size_t next;
    char *copy = strdup(text);

    cr_assert_not_null(copy);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    free(ring[next]);
    ring[next] = copy;
    next = (next + 1) % (sizeof ring / sizeof ring[0]);
    return copy;
}

/* ------------------------------------------------------------------ verbs */

store_answer *fresh_answer(void)
{
    store_answer_clear(&answered);
    return &answered;
}

int put(const char *location, const char *body, const store_request *request)
{
    return store_put(fresh_answer(), test_store(), location, body, strlen(body), request);
}

int patch(const char *location, const char *body, const store_request *request)
{
    return store_patch(fresh_answer(), test_store(), location, STORE_PATCH_MERGE, body, strlen(body), request);
}

int json_patch(const char *location, const char *body, const store_request *request)
{
    return store_patch(fresh_answer(), test_store(), location, STORE_PATCH_JSON, body, strlen(body), request);
}

int post(const char *location, const char *body, const store_request *request)
{
    return store_post(fresh_answer(), test_store(), location, body, strlen(body), request);
}

int erase(const char *location, const store_request *request)
{
    return store_delete(fresh_answer(), test_store(), location, request);
}

int relocate(const char *from, const char *to, const store_request *request)
{
    return store_move(fresh_answer(), test_store(), from, to, request);
}

int duplicate(const char *from, const char *to, const store_request *request)
{
    return store_copy(fresh_answer(), test_store(), from, to, request);
}

int make_collection(const char *location, const store_request *request)
{
    return store_make_collection(fresh_answer(), test_store(), location, request);
}

int define(const char *location, const char *definition)
{
    const char *text = J(definition);

    return store_define(fresh_answer(), test_store(), location, text, strlen(text), NULL);
}

/* ------------------------------------------------------------------ state */

static void show_metadata(FILE *out, const char *location)
{
    store_meta *items = NULL;
    size_t count = 0;

    assert_ok(store_meta_list(&items, &count, test_store(), location, NULL));
    for (size_t i = 0; i < count; i++)
        fprintf(out, " [%s=%.*s]", items[i].name, (int)items[i].size, (const char *)items[i].value);
    store_free(items);
}

static void show_node(FILE *out, const char *location, const store_stat *stat)
{
    void *body = NULL;
    char *definition = NULL;
    size_t size = 0, hash = 5381;

    fprintf(out, "%s %s %d id %" PRIu64 " v %" PRIu64 " %" PRIu64 " bytes, times %" PRId64 " %" PRId64 " %" PRId64,
            location, store_kind_name(stat->kind), stat->typed, stat->id, stat->version, stat->size, stat->created,
            stat->modified, stat->changed);
    fprintf(out, " %" PRId64 " mode %o %u %u %s %" PRIu64 " links", stat->accessed, stat->mode, stat->uid, stat->gid,
            stat->type, stat->links);
    show_metadata(out, location);
    fprintf(out, " %o %" PRIx64, stat->special, stat->device);
    if (stat->kind != STORE_COLLECTION && stat->kind != STORE_SPECIAL) {
        assert_ok(store_get(&body, &size, NULL, test_store(), location, NULL));
        for (size_t i = 0; i < size; i++)
            hash = hash * 33 + ((unsigned char *)body)[i];
        fprintf(out, " %zx %.*s", hash, size < 400 ? (int)size : 400, (char *)body);
    } else if (stat->typed) {
        assert_ok(store_definition_get(&definition, &size, test_store(), location, NULL));
        fprintf(out, " %s", definition);
    }
    fputc('\n', out);
    store_free(body);
    store_free(definition);
}

static void show_below(FILE *out, const char *location)
{
    store_iter *iter = NULL;
    store_entry entry;
    char below[STORE_LOCATION_MAX + 1];
    int rc;

    assert_ok(store_iter_open(&iter, test_store(), location, NULL));
    while ((rc = store_iter_next(&entry, iter)) == STORE_OK) {
        snprintf(below, sizeof below, "%s/%s", location[1] ? location : "", entry.name);
        store_stat stat = *entry.stat;
        show_node(out, below, &stat);
        if (stat.kind == STORE_COLLECTION)
            show_below(out, below);
    }
    cr_assert_eq(rc, STORE_END, "listing %s: %s", location, store_problem_json());
    store_iter_close(iter);
}

char *whole_store(void)
{
    char *text = NULL;
    size_t size;
    uint64_t last;
    FILE *out = open_memstream(&text, &size);
    store_stat root = stat_of("/");

    cr_assert_not_null(out);
    assert_ok(store_last_version(&last, test_store()));
    fprintf(out, "last version %" PRIu64 "\n", last);
    show_node(out, "/", &root);
    show_below(out, "/");
    fclose(out);
    return text;
}

store_stat stat_of(const char *location)
{
    store_stat stat;

    assert_ok(store_stat_get(&stat, test_store(), location, NULL));
    return stat;
}

uint64_t version_of(const char *location)
{
    store_stat stat;

    return store_stat_get(&stat, test_store(), location, NULL) == STORE_OK ? stat.version : 0;
}

char *body_text(const char *location)
{
    void *body = NULL;
    size_t size;

    if (store_get(&body, &size, NULL, test_store(), location, NULL) != STORE_OK)
        return strdup("(none)");
    char *text = strndup(body, size);
    store_free(body);
    return text;
}

bool same_json(const char *a, const char *b)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *first = json_loads(a, flags, NULL), *second = json_loads(b, flags, NULL);
    bool same = first && second && json_equal(first, second);

    json_decref(first);
    json_decref(second);
    return same;
}

char *names_of(const char *location, const store_list_options *options)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    store_iter *iter = NULL;
    store_entry entry;
    const char *separator = "";
    int rc;

    assert_ok(store_iter_open(&iter, test_store(), location, options));
    while ((rc = store_iter_next(&entry, iter)) == STORE_OK) {
        fprintf(out, "%s%s", separator, entry.name);
        separator = " ";
    }
    cr_assert_eq(rc, STORE_END, "listing %s: %s", location, store_problem_json());
    store_iter_close(iter);
    fclose(out);
    return text;
}

/* ---------------------------------------------------------------- refusals */

const char *refusal_text(const char *member)
{
    const char *text = json_string_value(json_object_get(refused, member));

    return text ? text : "";
}

static const char *problem_fault(int code)
{
    const store_problem *problem = store_problem_last();
    const char *name = store_code_name(code);

    if (problem->code != code)
        return "store_problem_last has another code";
    if (!json_is_object(refused))
        return "it is no JSON object";
    if (strcmp(refusal_text("code"), name) != 0)
        return "another code";
    if (json_integer_value(json_object_get(refused, "status")) != store_code_http(code, problem->os_error))
        return "another status";
    if (strcmp(refusal_text("title"), store_code_title(code)) != 0)
        return "another title";
    if (!refusal_text("type")[0] || !refusal_text("detail")[0])
        return "no type or no detail";
    return NULL;
}

const char *take_refusal(int code)
{
    json_decref(refused);
    refused = json_loads(store_problem_json(), JSON_REJECT_DUPLICATES, NULL);
    return problem_fault(code);
}

size_t refusal_errors(void)
{
    return json_array_size(json_object_get(refused, "errors"));
}

bool refusal_points_to(const char *pointer)
{
    json_t *errors = json_object_get(refused, "errors"), *error;
    size_t i;

    json_array_foreach(errors, i, error)
    {
        const char *at = json_string_value(json_object_get(error, "pointer"));
        const char *detail = json_string_value(json_object_get(error, "detail"));
        if (at && strcmp(at, pointer) == 0 && detail && detail[0])
            return true;
    }
    return false;
}
