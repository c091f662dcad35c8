/* Answers, entries, times and sizes, as text and as JSON. */
#include "print.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base64.h"

/* C0, DEL, and C1 in its two UTF-8 bytes: what a terminal could take for a command. */
static size_t control_length(const unsigned char *at)
{
    if (*at < 0x20 || *at == 0x7f)
        return 1;
    return at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0 ? 2 : 0;
}

void print_text(FILE *out, const char *text)
{
    if (!isatty(fileno(out))) {
        fputs(text, out);
        return;
    }
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        size_t length = control_length(at);
        if (length == 0) {
            fputc(*at, out);
            continue;
        }
        at += length - 1;
        fprintf(out, "\\x%02x", *at);
    }
}

char *time_text(char text[TIME_TEXT_SIZE], int64_t time, bool exact)
{
    const int64_t second = 1000000000;
    int64_t rest = time % second;
    time_t whole = (time_t)(time / second);
    struct tm parts;

    if (rest < 0) {
        rest += second;
        whole--;
    }
    gmtime_r(&whole, &parts);
    size_t size = strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    if (exact && rest)
        size += (size_t)snprintf(text + size, TIME_TEXT_SIZE - size, ".%09d", (int)rest);
    snprintf(text + size, TIME_TEXT_SIZE - size, "Z");
    return text;
}

char *size_text(char text[SIZE_TEXT_SIZE], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)bytes;
    size_t unit = 0;

    for (; size >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        size /= 1024;
    snprintf(text, SIZE_TEXT_SIZE, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
    return text;
}

int print_json(const struct cli *cli, FILE *out, json_t *value)
{
    int status = STATUS_DONE;

    if (!value || json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        status = ferror(out) ? STATUS_FAILED : complain(cli, STORE_NO_MEMORY, NULL, "out of memory");
    else
        fputc('\n', out);
    json_decref(value);
    return status;
}

json_t *entry_json(const char *name, const char *location, const store_stat *stat)
{
    char version[17], modified[TIME_TEXT_SIZE];

    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s*}", "name", name, "location", location, "kind",
                     store_kind_name(stat->kind), "size", (json_int_t)stat->size, "version",
                     store_version_text(version, stat->version), "modified",
                     time_text(modified, stat->modified, true), "type", *stat->type ? stat->type : NULL);
}

json_t *bytes_json(const void *bytes, size_t size)
{
    json_t *value = json_stringn(bytes, size);

    if (value)
        return value;
    char *text = base64_encode(bytes, size);
    value = text ? json_pack("{s:s}", "base64", text) : NULL;
    free(text);
    return value;
}

static void print_failure(FILE *out, const store_result *result)
{
    json_t *problem = result->problem ? json_loads(result->problem, 0, NULL) : NULL;
    const char *detail = json_string_value(json_object_get(problem, "detail"));

    fputs("failed ", out);
    if (result->location)
        print_text(out, result->location);
    fprintf(out, ": %s: ", store_code_name(result->code));
    print_text(out, detail ? detail : store_code_title(result->code));
    fputc('\n', out);
    json_decref(problem);
}

static void print_result(FILE *out, const store_result *result, bool dry_run)
{
    char version[17];

    if (result->code != STORE_OK) {
        print_failure(out, result);
        return;
    }
    fprintf(out, "%s ", result->outcome == STORE_NOTHING ? "unchanged" : store_outcome_name(result->outcome));
    if (result->location)
        print_text(out, result->location);
    if (dry_run)
        fputs("  (dry run)", out);
    else if (result->version)
        fprintf(out, "  version %s", store_version_text(version, result->version));
    fputc('\n', out);
}

int print_answer(const struct cli *cli, FILE *out, const store_answer *answer)
{
    char *text;

    if (cli->json) {
        int code = store_answer_json(&text, answer);
        if (code != STORE_OK)
            return report(cli, code, NULL);
        fprintf(out, "%s\n", text);
        store_free(text);
    } else if (answer->count == 0) {
        print_result(out, &answer->one, answer->dry_run);
    } else {
        for (size_t i = 0; i < answer->count; i++)
            print_result(out, &answer->many[i], answer->dry_run);
    }
    return answer->failed ? STATUS_NO : STATUS_DONE;
}
