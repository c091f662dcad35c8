/*
 * print.h - everything storectl says goes through here: as text for people or,
 * with --json, as JSON. Answers and data go to standard output, problems and
 * progress to standard error.
 */
#ifndef STORECTL_PRINT_H
#define STORECTL_PRINT_H

#include <jansson.h>

#include "command.h"

/* The exit status a code stands for: the one switch. */
int exit_status(int code);

/* Reports the library's last problem and returns its exit status. `location` is shown when
 * the problem names none; NULL is fine. */
int report(const struct cli *cli, int code, const char *location);
/* Reports a problem of storectl's own with the same look, and returns its exit status. */
__attribute__((format(printf, 4, 5))) int complain(const struct cli *cli, int code, const char *location,
                                                   const char *format, ...);
/* Reports misuse, with a hint where to read on; returns STATUS_USAGE. */
__attribute__((format(printf, 2, 3))) int usage_error(const struct cli *cli, const char *format, ...);
/* Opens the store of -s, reporting what is wrong; any failure is STATUS_FAILED. */
int cli_open_store(struct cli *cli, const store_options *options);
/* The same for reading only, or for writing. */
int cli_open_for(struct cli *cli, bool writing);

/* Prints what a verb did, one line an object; STATUS_NO when parts of it failed. */
int print_answer(const struct cli *cli, FILE *out, const store_answer *answer);
/* Prints `value` on one line and releases it; NULL (no memory) is reported. */
int print_json(const struct cli *cli, FILE *out, json_t *value);

/* Prints text of the store's; on a terminal with its control characters made visible. */
void print_text(FILE *out, const char *text);

/* "2026-01-31T12:00:00Z", with nine decimals when `exact` and there are any. Returns `text`. */
#define TIME_TEXT_SIZE 48
char *time_text(char text[TIME_TEXT_SIZE], int64_t time, bool exact);
/* "1.5 MiB". Returns `text`. */
#define SIZE_TEXT_SIZE 32
char *size_text(char text[SIZE_TEXT_SIZE], uint64_t bytes);

/* {"name","location","kind","size","version","modified","type"}: an entry of a listing. */
json_t *entry_json(const char *name, const char *location, const store_stat *stat);
/* A metadata value: a string when it is UTF-8, else {"base64":"..."}. */
json_t *bytes_json(const void *bytes, size_t size);

#endif
