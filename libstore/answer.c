/* answer.c - what a verb answers: filling in, clearing, as JSON. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "problem.h"
#include "store_private.h"

static void result_clear(store_result *result)
{
    free(result->location);
    free(result->problem);
    *result = (store_result){ 0 };
}

void store_answer_clear(store_answer *answer)
{
    if (!answer)
        return;
    result_clear(&answer->one);
    for (size_t i = 0; i < answer->count; i++)
        result_clear(&answer->many[i]);
    free(answer->many);
    *answer = (store_answer){ 0 };
}

void answer_reset(store_answer *answer)
{
    bool dry_run = answer->dry_run;

    store_answer_clear(answer);
    answer->dry_run = dry_run;
}

int result_set(store_result *result, store_outcome outcome, uint64_t version, const char *location, bool completed)
{
    result_clear(result);
    result->location = strdup(location);
    if (!result->location)
        return problem(STORE_NO_MEMORY, "no memory for the answer");
    result->outcome = outcome;
    result->version = version;
    result->completed = completed;
    return STORE_OK;
}

int answer_many(store_answer *answer, size_t count)
{
    answer->many = calloc(count ? count : 1, sizeof *answer->many);
    if (!answer->many)
        return problem(STORE_NO_MEMORY, "no memory for the answer");
    answer->count = count;
    return STORE_OK;
}

int result_fail(store_result *result, int code, const char *location)
{
    const char *json;

    result_clear(result);
    problem_location(location);
    json = store_problem_json();
    result->code = code;
    result->problem = strdup(json);
    result->location = strdup(location);
    if (!result->problem || !result->location)
        return problem(STORE_NO_MEMORY, "no memory for the answer");
    return STORE_OK;
}

int answer_finish(store_answer *answer)
{
    const store_result *first = NULL;

    answer->failed = 0;
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->many[i].code != STORE_OK)
            answer->failed++;
        else if (!first)
            first = &answer->many[i];
    }
    if (!first)
        return STORE_OK;
    return result_set(&answer->one, first->outcome, first->version, first->location, first->completed);
}

static void append_result(struct buffer *out, const store_result *result)
{
    char version[17];

    buffer_text(out, "\"outcome\":\"");
    buffer_text(out, store_outcome_name(result->outcome));
    buffer_text(out, "\",\"location\":");
    buffer_json_string(out, result->location ? result->location : "", result->location ? strlen(result->location) : 0);
    buffer_text(out, ",\"version\":\"");
    buffer_text(out, store_version_text(version, result->version));
    buffer_text(out, "\"");
}

/* The last name of a location: the key text. */
static void append_key(struct buffer *out, const char *location)
{
    const char *slash = location ? strrchr(location, '/') : NULL;
    const char *name = slash ? slash + 1 : "";

    buffer_text(out, "\"key\":");
    buffer_json_string(out, name, strlen(name));
    buffer_text(out, ",");
}

static void append_many(struct buffer *out, const store_answer *answer)
{
    buffer_format(out, "\"failed\":%zu,\"results\":[", answer->failed);
    for (size_t i = 0; i < answer->count; i++) {
        const store_result *result = &answer->many[i];
        buffer_text(out, i ? ",{" : "{");
        append_key(out, result->location);
        if (result->code == STORE_OK) {
            append_result(out, result);
        } else {
            buffer_text(out, "\"problem\":");
            buffer_text(out, result->problem);
        }
        buffer_text(out, "}");
    }
    buffer_text(out, "]");
}

int store_answer_json(char **text, const store_answer *answer)
{
    struct buffer out = BUFFER_INIT;

    store_enter();
    buffer_text(&out, "{");
    if (answer->one.location) {
        append_result(&out, &answer->one);
        buffer_text(&out, answer->count || answer->dry_run ? "," : "");
    }
    if (answer->dry_run)
        buffer_text(&out, answer->count ? "\"dry_run\":true," : "\"dry_run\":true");
    if (answer->count)
        append_many(&out, answer);
    buffer_text(&out, "}");
    *text = buffer_detach(&out);
    return *text ? STORE_OK : problem(STORE_NO_MEMORY, "no memory for the answer");
}
