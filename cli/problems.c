/* Problems as storectl shows them, and the exit status each code stands for. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"

int exit_status(int code)
{
    switch ((enum store_code)code) {
    case STORE_OK:
    case STORE_END:
    case STORE_TIMEOUT:
        return STATUS_DONE;
    case STORE_BAD_BODY:
    case STORE_INVALID_VALUE:
    case STORE_KEY_MISMATCH:
    case STORE_KEY_CONFLICT:
    case STORE_KEY_REQUIRED:
    case STORE_PROPERTY_TARGET:
    case STORE_NOT_FOUND:
    case STORE_NO_COLLECTION:
    case STORE_KIND_CONFLICT:
    case STORE_NOT_EMPTY:
    case STORE_PRECONDITION_FAILED:
    case STORE_PRECONDITION_REQUIRED:
    case STORE_UNSUPPORTED_MEDIA_TYPE:
    case STORE_TOO_LARGE:
        return STATUS_NO;
    case STORE_BAD_LOCATION:
    case STORE_BAD_ARGUMENT:
        return STATUS_USAGE;
    case STORE_FULL:
    case STORE_READ_ONLY:
    case STORE_DENIED:
    case STORE_BUSY:
    case STORE_CORRUPT:
    case STORE_IO:
    case STORE_NO_MEMORY:
    case STORE_UNSUPPORTED_FORMAT:
        return STATUS_FAILED;
    }
    return STATUS_FAILED;
}

static void show_head(const char *location, int code, const char *detail)
{
    fputs("storectl: ", stderr);
    if (location && *location) {
        print_text(stderr, location);
        fputs(": ", stderr);
    }
    fprintf(stderr, "%s: ", store_code_name(code));
    print_text(stderr, detail && *detail ? detail : store_code_title(code));
    fputc('\n', stderr);
}

static void show_conflict(const store_problem *problem)
{
    fputs("  conflicts with ", stderr);
    print_text(stderr, problem->conflicts_with);
    if (problem->key && problem->value) {
        fprintf(stderr, " (%s = ", problem->key);
        print_text(stderr, problem->value);
        fputc(')', stderr);
    }
    fputc('\n', stderr);
}

static void show_problem(const store_problem *problem, int code, const char *location)
{
    char version[17];

    show_head(problem->location ? problem->location : location, code, problem->detail);
    for (size_t i = 0; i < problem->violation_count; i++) {
        fputs("  ", stderr);
        print_text(stderr, problem->violations[i].pointer);
        fputs(": ", stderr);
        print_text(stderr, problem->violations[i].detail);
        fputc('\n', stderr);
    }
    if (problem->violations_dropped)
        fprintf(stderr, "  and %zu more\n", problem->violations_dropped);
    if (problem->conflicts_with && (!problem->location || strcmp(problem->conflicts_with, problem->location) != 0))
        show_conflict(problem);
    if (problem->version)
        fprintf(stderr, "  current version %s\n", store_version_text(version, problem->version));
}

static void show_own(const struct cli *cli, int code, const char *location, const char *detail)
{
    if (!cli->json) {
        show_head(location, code, detail);
        return;
    }
    json_t *problem = json_pack("{s:s+, s:s, s:i, s:s, s:s, s:s*}", "type", "urn:libstore:problem:",
                                store_code_name(code), "title",
                                store_code_title(code), "status", store_code_http(code, 0), "detail", detail,
                                "code", store_code_name(code), "location", location);
    char *text = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
    if (text)
        fprintf(stderr, "%s\n", text);
    else
        show_head(location, code, detail);
    free(text);
    json_decref(problem);
}

int report(const struct cli *cli, int code, const char *location)
{
    if (cli->json && store_problem_last()->code == code)
        fprintf(stderr, "%s\n", store_problem_json());
    else if (cli->json)
        show_own(cli, code, location, store_code_title(code));
    else
        show_problem(store_problem_last(), code, location);
    return exit_status(code);
}

int complain(const struct cli *cli, int code, const char *location, const char *format, ...)
{
    char detail[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    show_own(cli, code, location, detail);
    return exit_status(code);
}

int usage_error(const struct cli *cli, const char *format, ...)
{
    const char *command = cli->command ? cli->command->name : "";
    char detail[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    show_own(cli, STORE_BAD_ARGUMENT, NULL, detail);
    if (!cli->json)
        fprintf(stderr, "Try 'storectl %s%s--help'.\n", command, *command ? " " : "");
    return STATUS_USAGE;
}

int cli_open_store(struct cli *cli, const store_options *options)
{
    int code = store_open(&cli->store, cli->store_path, options);

    if (code == STORE_OK)
        return STATUS_DONE;
    report(cli, code, cli->store_path);
    return STATUS_FAILED;
}

int cli_open_for(struct cli *cli, bool writing)
{
    store_options options = STORE_OPTIONS_INIT;

    options.flags = writing ? 0 : STORE_OPEN_READ_ONLY;
    return cli_open_store(cli, &options);
}
