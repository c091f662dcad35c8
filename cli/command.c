/* The tables of commands and options: the one place that says what storectl takes. */
#include "command.h"

#include <string.h>

#define OPTIONS(...) ((const enum option_id[]){__VA_ARGS__, OPT_END})

const enum option_id global_options[] = {OPT_STORE, OPT_JSON, OPT_HELP, OPT_VERSION, OPT_END};

const struct option_spec option_table[OPT_COUNT] = {
    [OPT_STORE] = {"store", 's', "STORE", "the store's directory (else $STORE)"},
    [OPT_JSON] = {"json", 0, NULL, "answers, listings and problems as JSON"},
    [OPT_HELP] = {"help", 'h', NULL, "show help and exit"},
    [OPT_VERSION] = {"version", 0, NULL, "show the version and exit"},
    [OPT_COMPLETE] = {"complete", 0, NULL, "list commands and options for the shell's completion"},
    [OPT_REPLACE] = {"replace", 0, NULL, "replace what is there"},
    [OPT_NOREPLACE] = {"noreplace", 0, NULL, "something there already is a key_conflict"},
    [OPT_INSERT] = {"insert", 0, NULL, "create what is missing"},
    [OPT_NOINSERT] = {"noinsert", 0, NULL, "something missing is not_found"},
    [OPT_PARENTS] = {"parents", 'p', NULL, "make missing collections above"},
    [OPT_PARTIAL] = {"partial", 0, NULL, "many at once: each succeeds or fails alone"},
    [OPT_DRY_RUN] = {"dry-run", 'n', NULL, "do everything but commit"},
    [OPT_TYPE] = {"type", 't', "TYPE", "media type of the body"},
    [OPT_META] = {"meta", 0, "NAME=VALUE", "set user metadata; repeatable, replaces all there is"},
    [OPT_IF_MATCH] = {"if-match", 0, "VERSION", "only if the version is VERSION (16 hex digits),\n"
                      "                            or * for any; repeatable"},
    [OPT_IF_NONE_MATCH] = {"if-none-match", 0, NULL, "only if nothing is there"},
    [OPT_DATA] = {"data", 'd', "TEXT", "the body itself, in place of FILE"},
    [OPT_LINK] = {"link", 0, "TARGET", "put a symbolic link to TARGET"},
    [OPT_JSON_PATCH] = {"json-patch", 0, NULL, "the body is a JSON Patch (RFC 6902), not a merge patch"},
    [OPT_OFFSET] = {"offset", 0, "N", "write the body over the bytes from N on"},
    [OPT_RECURSIVE] = {"recursive", 'r', NULL, "a collection with all below it"},
    [OPT_PLAIN] = {"plain", 0, NULL, "take the definition away"},
    [OPT_REMOVE] = {"remove", 0, "NAME", "remove the item NAME; repeatable"},
    [OPT_OUTPUT] = {"output", 'o', "FILE", "write to FILE, which appears only when complete"},
    [OPT_RANGE] = {"range", 0, "A-B", "bytes A to B, both included; also A- and -N (the last N)"},
    [OPT_LONG] = {"long", 'l', NULL, "kind, size, version, time, type and name"},
    [OPT_DEEP] = {"recursive", 'R', NULL, "all levels below"},
    [OPT_PREFIX] = {"prefix", 0, "P", "names that begin with P"},
    [OPT_AFTER] = {"after", 0, "K", "names behind K, in listing order"},
    [OPT_LIMIT] = {"limit", 0, "N", "at most N"},
    [OPT_REVERSE] = {"reverse", 0, NULL, "backwards"},
    [OPT_WHERE] = {"where", 0, "NAME=VALUE", "with this value in a key's property; repeatable"},
    [OPT_BY] = {"by", 0, "NAMES", "in the order of the unique key NAMES (joined by commas)"},
    [OPT_FORMAT] = {"format", 0, "FORMAT", "tree, json or jsonl, whatever the name says"},
    [OPT_POINTER] = {"pointer", 0, "P", "where the array is in a .json file (JSON Pointer)"},
    [OPT_KEY] = {"key", 0, "NAME", "the member that names an object in a plain collection"},
    [OPT_SINCE] = {"since", 0, "VERSION", "changes after VERSION (16 hex digits); start: all that are kept"},
    [OPT_TIMEOUT] = {"timeout", 0, "SECONDS", "end after SECONDS without a change"},
    [OPT_REPAIR] = {"repair", 0, NULL, "mend what can be mended without loss; nobody else may use the store"},
    [OPT_SHALLOW] = {"shallow", 0, NULL, "do not read bodies for their checksums"},
};

const struct command command_table[] = {
    {"init", "", 0, 0, NEED_PATH, cmd_init, "make a store", NULL, OPTIONS(OPT_END)},
    {"put", "LOC [FILE]", 1, 2, NEED_WRITER, cmd_put, "make FILE, or standard input, the object at LOC",
     "Whether something at LOC is replaced is the collection's policy, unless an option says so.",
     OPTIONS(OPT_REPLACE, OPT_NOREPLACE, OPT_INSERT, OPT_PARENTS, OPT_PARTIAL, OPT_TYPE, OPT_META, OPT_IF_MATCH,
             OPT_IF_NONE_MATCH, OPT_DATA, OPT_LINK, OPT_DRY_RUN)},
    {"patch", "LOC [FILE]", 1, 2, NEED_WRITER, cmd_patch, "change parts of an object, or set a property",
     "FILE, or standard input, is a JSON Merge Patch (RFC 7396); for a property the bare value.",
     OPTIONS(OPT_INSERT, OPT_JSON_PATCH, OPT_OFFSET, OPT_PARENTS, OPT_PARTIAL, OPT_IF_MATCH, OPT_DATA,
             OPT_DRY_RUN)},
    {"post", "LOC [FILE]", 1, 2, NEED_WRITER, cmd_post, "merge or insert objects into the collection LOC",
     "FILE, or standard input, is one JSON object or an array of them; each is found by its key.",
     OPTIONS(OPT_NOREPLACE, OPT_NOINSERT, OPT_PARTIAL, OPT_TYPE, OPT_DATA, OPT_DRY_RUN)},
    {"get", "LOC", 1, 1, NEED_READER, cmd_get, "write a body or a property to standard output",
     "The bytes are the same with and without --json.", OPTIONS(OPT_OUTPUT, OPT_RANGE)},
    {"stat", "LOC", 1, 1, NEED_READER, cmd_stat, "kind, size, type, version, times, metadata", NULL,
     OPTIONS(OPT_END)},
    {"meta", "LOC [NAME[=VALUE]]...", 1, -1, NEED_PATH, cmd_meta, "show or set user metadata",
     "Without NAME all items are shown; changes are one transaction.", OPTIONS(OPT_REMOVE, OPT_DRY_RUN)},
    {"ls", "[LOC]", 0, 1, NEED_READER, cmd_ls, "list a collection", NULL,
     OPTIONS(OPT_LONG, OPT_DEEP, OPT_PREFIX, OPT_AFTER, OPT_LIMIT, OPT_REVERSE, OPT_WHERE, OPT_BY)},
    {"rm", "LOC", 1, 1, NEED_WRITER, cmd_rm, "delete; a property returns to its initial state", NULL,
     OPTIONS(OPT_RECURSIVE, OPT_IF_MATCH, OPT_DRY_RUN)},
    {"mv", "A B", 2, 2, NEED_WRITER, cmd_mv, "move A, with all below it, to B", NULL,
     OPTIONS(OPT_REPLACE, OPT_PARENTS, OPT_DRY_RUN)},
    {"cp", "A B", 2, 2, NEED_WRITER, cmd_cp, "copy A, with all below it, to B", NULL,
     OPTIONS(OPT_REPLACE, OPT_PARENTS, OPT_DRY_RUN)},
    {"mkdir", "LOC", 1, 1, NEED_WRITER, cmd_mkdir, "make a plain collection",
     "With --parents it may be there already.", OPTIONS(OPT_PARENTS, OPT_DRY_RUN)},
    {"define", "LOC [FILE]", 1, 2, NEED_PATH, cmd_define, "set or show a collection's definition",
     "FILE (- is standard input) or --data sets it; without either it is shown.",
     OPTIONS(OPT_PLAIN, OPT_PARENTS, OPT_DATA, OPT_DRY_RUN)},
    {"import", "LOC SOURCE", 2, 2, NEED_WRITER, cmd_import, "load a directory tree, a .json array or .jsonl",
     "What is there already and the same is left alone, so an interrupted import can be run again.\n"
     "SOURCE - is standard input and needs --format.",
     OPTIONS(OPT_REPLACE, OPT_FORMAT, OPT_POINTER, OPT_KEY)},
    {"export", "LOC TARGET", 2, 2, NEED_READER, cmd_export, "write a directory tree, a .json array or .jsonl",
     "Files that are there already and the same are left alone, so an interrupted export can be run again.\n"
     "TARGET - is standard output and needs --format.",
     OPTIONS(OPT_REPLACE, OPT_FORMAT)},
    {"batch", "[FILE]", 0, 1, NEED_WRITER, cmd_batch, "run many verbs, one JSON object a line, as one transaction",
     "The first line that fails undoes all.", OPTIONS(OPT_DRY_RUN)},
    {"watch", "[LOC]", 0, 1, NEED_READER, cmd_watch, "follow the changes of LOC and all below, one JSON a line",
     "Without --since it begins now.", OPTIONS(OPT_SINCE, OPT_LIMIT, OPT_TIMEOUT)},
    {"check", "", 0, 0, NEED_PATH, cmd_check, "verify the store", NULL, OPTIONS(OPT_REPAIR, OPT_SHALLOW)},
    {"backup", "TARGET", 1, 1, NEED_READER, cmd_backup, "copy the store to the new directory TARGET",
     "The store may be in use: the copy is one snapshot.", OPTIONS(OPT_END)},
    {"compact", "", 0, 0, NEED_PATH, cmd_compact, "rewrite the store without free pages; nobody may use it", NULL,
     OPTIONS(OPT_END)},
    {"stats", "", 0, 0, NEED_READER, cmd_stats, "counts and sizes", NULL, OPTIONS(OPT_END)},
    {"readers", "", 0, 0, NEED_READER, cmd_readers, "who reads, and the space that pins", NULL, OPTIONS(OPT_END)},
    {"help", "[COMMAND]", 0, 1, NEED_NOTHING, cmd_help, "show help", NULL, OPTIONS(OPT_END)},
    {NULL, NULL, 0, 0, NEED_NOTHING, NULL, NULL, NULL, NULL},
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = command_table; command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}
