/* problem_json.c - a problem as RFC 9457 problem JSON, in memory of the caller. PURE. */
#include <stdio.h>
#include <string.h>

#include "problem.h"
#include "utf8.h"

/* Text that grows in a fixed room. What does not fit sets `full` and is left out. */
struct output {
    char *at;
    char *end;
    bool full;
};

static void put(struct output *out, const char *text, size_t size)
{
    if (size > (size_t)(out->end - out->at)) {
        out->full = true;
        return;
    }
    memcpy(out->at, text, size);
    out->at += size;
}

static void put_text(struct output *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_string(struct output *out, const char *text)
{
    size_t left = strlen(text);

    put(out, "\"", 1);
    while (left > 0) {
        size_t length = utf8_sequence(text, left);
        if (length == 0) {
            put_text(out, "\xEF\xBF\xBD");
            length = 1;
        } else if (*text == '"' || *text == '\\') {
            put(out, "\\", 1);
            put(out, text, 1);
        } else if ((unsigned char)*text < 0x20) {
            char escape[7];
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*text);
            put_text(out, escape);
        } else {
            put(out, text, length);
        }
        text += length;
        left -= length;
    }
    put(out, "\"", 1);
}

static void put_member(struct output *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    put(out, ",", 1);
    put_string(out, name);
    put(out, ":", 1);
    put_string(out, value);
}

/* As many violations as fit, and how many did not. */
static void put_violations(struct output *out, const store_problem *shown)
{
    static const char dropped_name[] = "],\"errors_dropped\":";
    size_t reserve = sizeof dropped_name + 24;
    char number[24];
    size_t i;

    out->end -= reserve;
    put_text(out, ",\"errors\":[");
    for (i = 0; i < shown->violation_count; i++) {
        char *before = out->at;
        put_text(out, i == 0 ? "{\"pointer\":" : ",{\"pointer\":");
        put_string(out, shown->violations[i].pointer);
        put_member(out, "detail", shown->violations[i].detail);
        put(out, "}", 1);
        if (out->full) {
            out->at = before;
            break;
        }
    }
    out->end += reserve;
    size_t dropped = shown->violations_dropped + (shown->violation_count - i);
    snprintf(number, sizeof number, "%zu", dropped);
    put_text(out, dropped > 0 ? dropped_name : "]");
    put_text(out, dropped > 0 ? number : "");
}

void problem_write_json(char *text, size_t capacity, const store_problem *shown)
{
    const char *name = store_code_name(shown->code);
    struct output out = { text, text + capacity - 1, false };
    char status[32], version[17];

    snprintf(status, sizeof status, ",\"status\":%d", store_code_http(shown->code, shown->os_error));
    put_text(&out, "{\"type\":\"urn:libstore:problem:");
    put_text(&out, name);
    put_text(&out, "\"");
    put_member(&out, "title", store_code_title(shown->code));
    put_text(&out, status);
    put_member(&out, "detail", shown->detail);
    put_member(&out, "code", name);
    put_member(&out, "location", shown->location);
    put_member(&out, "key", shown->key);
    put_member(&out, "value", shown->value);
    put_member(&out, "conflicts_with", shown->conflicts_with);
    if (shown->version != 0)
        put_member(&out, "version", store_version_text(version, shown->version));
    if (shown->violation_count > 0)
        put_violations(&out, shown);
    put_text(&out, "}");
    *out.at = '\0';
}
