/* Formats, by name and by --format. */
#include "format.h"

#include <string.h>
#include <sys/stat.h>

#include "print.h"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), size = strlen(end);

    return length > size && strcmp(text + length - size, end) == 0;
}

int format_of(enum format *out, const struct cli *cli, const char *name)
{
    static const char *const formats[] = {
        [FORMAT_TREE] = "tree", [FORMAT_JSON] = "json", [FORMAT_LINES] = "jsonl"};
    const char *asked = cli_value(cli, OPT_FORMAT);
    struct stat there;

    *out = ends_with(name, ".json") ? FORMAT_JSON : ends_with(name, ".jsonl") ? FORMAT_LINES : FORMAT_TREE;
    if (stat(name, &there) == 0 && S_ISDIR(there.st_mode))
        *out = FORMAT_TREE;
    if (!asked && strcmp(name, "-") == 0)
        return usage_error(cli, "- needs --format json or jsonl");
    for (size_t i = 0; asked && i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i], asked) != 0)
            continue;
        *out = (enum format)i;
        asked = NULL;
    }
    return asked ? usage_error(cli, "--format: %s is none of tree, json and jsonl", asked) : STATUS_DONE;
}
