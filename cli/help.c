/* Help, usage and the completion list, all generated from the tables. */
#include "command.h"

static void print_options(FILE *out, const enum option_id *list)
{
    for (; *list != OPT_END; list++) {
        const struct option_spec *spec = &option_table[*list];
        char left[64];
        int width = snprintf(left, sizeof left, "--%s%s%s", spec->name, spec->argument ? " " : "",
                             spec->argument ? spec->argument : "");
        fprintf(out, spec->letter ? "  -%c, " : "      ", spec->letter);
        fprintf(out, "%s%*s%s\n", left, width < 22 ? 22 - width : 2, "", spec->help);
    }
}

void help_program(FILE *out)
{
    fputs("usage: storectl [-s STORE] [--json] COMMAND [OPTION]... [ARGUMENT]...\n\n"
          "Works on a store of objects: PUT inserts, or replaces when told so; PATCH changes parts;\n"
          "a conflict of keys is an error and changes nothing.\n\ncommands:\n",
          out);
    for (const struct command *command = command_table; command->name; command++) {
        int width = fprintf(out, "  %s %s", command->name, command->arguments);
        fprintf(out, "%*s%s\n", width < 30 ? 30 - width : 2, "", command->summary);
    }
    fputs("\nglobal options, before or behind COMMAND:\n", out);
    print_options(out, global_options);
    fputs("\nexit status: 0 done; 1 a true no (not found, a conflict, damage found); 2 usage;\n"
          "3 the store failed. `storectl COMMAND --help` tells more; so does storectl(1).\n",
          out);
}

void help_command(FILE *out, const struct command *command)
{
    bool has_options = command->options[0] != OPT_END;

    fprintf(out, "usage: storectl [-s STORE] [--json] %s%s%s%s\n\n%s", command->name,
            has_options ? " [OPTION]..." : "", *command->arguments ? " " : "", command->arguments,
            command->summary);
    fprintf(out, "\n%s%s", command->notes ? command->notes : "", command->notes ? "\n" : "");
    if (has_options) {
        fputs("\noptions:\n", out);
        print_options(out, command->options);
    }
    fputs("\nglobal options:\n", out);
    print_options(out, global_options);
}

static void complete_options(FILE *out, const enum option_id *list)
{
    const char *gap = "";

    for (; *list != OPT_END; list++, gap = " ") {
        const struct option_spec *spec = &option_table[*list];
        fprintf(out, "%s--%s", gap, spec->name);
        if (spec->letter)
            fprintf(out, " -%c", spec->letter);
    }
}

void help_completion(FILE *out)
{
    fputs("\t", out);
    complete_options(out, global_options);
    fputs("\t\n", out);
    for (const struct command *command = command_table; command->name; command++) {
        fprintf(out, "%s\t", command->name);
        complete_options(out, command->options);
        fprintf(out, "\t%s\n", command->arguments);
    }
}
