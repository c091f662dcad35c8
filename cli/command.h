/*
 * command.h - what a command and an option are, the tables of both, and the
 * context a command runs in. Usage, help, parsing and completion read these
 * tables; nothing about a command is written down twice.
 */
#ifndef STORECTL_COMMAND_H
#define STORECTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "store.h"

/* SPEC 5: the exit status of every program. */
enum exit_status {
    STATUS_DONE = 0,
    STATUS_NO = 1,     /* a true "no": not found, a conflict, damage found */
    STATUS_USAGE = 2,  /* the command line itself is wrong */
    STATUS_FAILED = 3, /* the store, a file or a pipe failed */
};

enum option_id {
    OPT_END = 0, /* ends a command's list */
    /* global */
    OPT_STORE,
    OPT_JSON,
    OPT_HELP,
    OPT_VERSION,
    OPT_COMPLETE,
    /* requests */
    OPT_REPLACE,
    OPT_NOREPLACE,
    OPT_INSERT,
    OPT_NOINSERT,
    OPT_PARENTS,
    OPT_PARTIAL,
    OPT_DRY_RUN,
    OPT_TYPE,
    OPT_META,
    OPT_IF_MATCH,
    OPT_IF_NONE_MATCH,
    OPT_DATA,
    OPT_LINK,
    OPT_JSON_PATCH,
    OPT_OFFSET,
    OPT_RECURSIVE,
    OPT_PLAIN,
    OPT_REMOVE,
    /* reading */
    OPT_OUTPUT,
    OPT_RANGE,
    OPT_LONG,
    OPT_DEEP,
    OPT_PREFIX,
    OPT_AFTER,
    OPT_LIMIT,
    OPT_REVERSE,
    OPT_WHERE,
    OPT_BY,
    /* import, export */
    OPT_FORMAT,
    OPT_POINTER,
    OPT_KEY,
    /* watch, check */
    OPT_SINCE,
    OPT_TIMEOUT,
    OPT_REPAIR,
    OPT_SHALLOW,
    OPT_COUNT
};

struct option_spec {
    const char *name;     /* without the dashes */
    char letter;          /* its short form, or 0 */
    const char *argument; /* what its value is called; NULL: it takes none */
    const char *help;
};

/* How a command wants the store before it runs. */
enum store_need {
    NEED_NOTHING, /* not at all */
    NEED_PATH,    /* only its path; the command opens it */
    NEED_READER,
    NEED_WRITER,
};

struct cli;

struct command {
    const char *name;
    const char *arguments; /* as usage shows them: "LOC [FILE]" */
    int least, most;       /* how many of them; most < 0: any number */
    enum store_need need;
    int (*run)(struct cli *cli); /* returns an enum exit_status */
    const char *summary;         /* one line */
    const char *notes;           /* more for --help, or NULL */
    const enum option_id *options;
};

/* Ended by an entry whose name is NULL. */
extern const struct command command_table[];
extern const struct option_spec option_table[OPT_COUNT];
/* The options that go with every command, ended by OPT_END. */
extern const enum option_id global_options[];

const struct command *command_find(const char *name);

struct option_value {
    enum option_id id;
    const char *value; /* NULL for one without argument */
};

/* One invocation: what was asked, and the store it is about. All text is argv's. */
struct cli {
    const struct command *command; /* NULL: none named */
    const char *store_path;        /* -s, else $STORE, else NULL */
    bool json;
    store *store; /* open as command->need says */
    struct option_value *options;
    size_t option_count;
    const char **arguments;
    int argument_count;
};

/* Reads the command line into `out`; release with cli_release, also after an error. */
int cli_parse(struct cli *out, int argc, char **argv);
void cli_release(struct cli *cli);

bool cli_has(const struct cli *cli, enum option_id id);
/* The option's last value, or NULL. */
const char *cli_value(const struct cli *cli, enum option_id id);
/* The number of times it was given. */
size_t cli_times(const struct cli *cli, enum option_id id);
/* The nth argument, or NULL when there are fewer. */
const char *cli_argument(const struct cli *cli, int n);
/* The option's value as a decimal number; `out` keeps its value when it was not given. */
int cli_number(uint64_t *out, const struct cli *cli, enum option_id id);

/* help.c */
void help_program(FILE *out);
void help_command(FILE *out, const struct command *command);
/* A line for each command: name, TAB, its options, TAB, its arguments. */
void help_completion(FILE *out);

/* One file each: cmd_*.c */
int cmd_init(struct cli *cli);
int cmd_put(struct cli *cli);
int cmd_patch(struct cli *cli);
int cmd_post(struct cli *cli);
int cmd_get(struct cli *cli);
int cmd_stat(struct cli *cli);
int cmd_meta(struct cli *cli);
int cmd_ls(struct cli *cli);
int cmd_rm(struct cli *cli);
int cmd_mv(struct cli *cli);
int cmd_cp(struct cli *cli);
int cmd_mkdir(struct cli *cli);
int cmd_define(struct cli *cli);
int cmd_import(struct cli *cli);
int cmd_export(struct cli *cli);
int cmd_batch(struct cli *cli);
int cmd_watch(struct cli *cli);
int cmd_check(struct cli *cli);
int cmd_backup(struct cli *cli);
int cmd_compact(struct cli *cli);
int cmd_stats(struct cli *cli);
int cmd_readers(struct cli *cli);
int cmd_help(struct cli *cli);

#endif
