/* stat: everything about a node but its body. */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "print.h"

static json_t *stat_json(const char *location, const store_stat *stat, const store_meta *meta, size_t count)
{
    char version[17], created[TIME_TEXT_SIZE], modified[TIME_TEXT_SIZE], accessed[TIME_TEXT_SIZE];
    char changed[TIME_TEXT_SIZE], mode[8];
    json_t *items = json_object();

    snprintf(mode, sizeof mode, "%04o", stat->mode & 07777);
    for (size_t i = 0; i < count; i++)
        json_object_set_new(items, meta[i].name, bytes_json(meta[i].value, meta[i].size));
    return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:s*, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o}",
                     "location", location, "kind", store_kind_name(stat->kind), "typed", stat->typed, "id",
                     (json_int_t)stat->id, "links", (json_int_t)stat->links, "size", (json_int_t)stat->size,
                     "device", (json_int_t)stat->device, "type", *stat->type ? stat->type : NULL,
                     "version", store_version_text(version, stat->version),
                     "created", time_text(created, stat->created, true),
                     "modified", time_text(modified, stat->modified, true),
                     "accessed", time_text(accessed, stat->accessed, true), "changed",
                     time_text(changed, stat->changed, true), "mode", mode, "uid", (json_int_t)stat->uid, "gid",
                     (json_int_t)stat->gid, "meta", items);
}

static void print_stat(const char *location, const store_stat *stat)
{
    char text[TIME_TEXT_SIZE], version[17], size[SIZE_TEXT_SIZE];

    fputs("location  ", stdout);
    print_text(stdout, location);
    printf("\nkind      %s%s\n", stat->typed ? "typed " : "", store_kind_name(stat->kind));
    if (S_ISCHR(stat->special) || S_ISBLK(stat->special))
        printf("device    %u,%u\n", major(stat->device), minor(stat->device));
    if (stat->kind != STORE_COLLECTION && stat->kind != STORE_SPECIAL)
        printf("size      %llu (%s)\n", (unsigned long long)stat->size, size_text(size, stat->size));
    if (*stat->type) {
        fputs("type      ", stdout);
        print_text(stdout, stat->type);
        fputc('\n', stdout);
    }
    printf("version   %s\n", store_version_text(version, stat->version));
    printf("created   %s\n", time_text(text, stat->created, true));
    printf("modified  %s\n", time_text(text, stat->modified, true));
    printf("accessed  %s\n", time_text(text, stat->accessed, true));
    printf("changed   %s\n", time_text(text, stat->changed, true));
    printf("mode      %04o\nowner     %u:%u\n", stat->mode & 07777, stat->uid, stat->gid);
    printf("id        %llu\nlinks     %llu\n", (unsigned long long)stat->id, (unsigned long long)stat->links);
}

static void print_meta(const store_meta *meta, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs("meta      ", stdout);
        print_text(stdout, meta[i].name);
        fputc('=', stdout);
        json_t *value = bytes_json(meta[i].value, meta[i].size);
        const char *text = json_string_value(value);
        if (text && strlen(text) == meta[i].size)
            print_text(stdout, text);
        else
            printf("(%zu bytes)", meta[i].size);
        fputc('\n', stdout);
        json_decref(value);
    }
}

int cmd_stat(struct cli *cli)
{
    const char *location = cli_argument(cli, 0);
    store_meta *meta = NULL;
    size_t count = 0;
    store_stat stat;
    int code = store_stat_get(&stat, cli->store, location, NULL);

    if (code == STORE_OK && stat.kind != STORE_PROPERTY)
        code = store_meta_list(&meta, &count, cli->store, location, NULL);
    int status = STATUS_DONE;
    if (code != STORE_OK) {
        status = report(cli, code, location);
    } else if (cli->json) {
        status = print_json(cli, stdout, stat_json(location, &stat, meta, count));
    } else {
        print_stat(location, &stat);
        print_meta(meta, count);
    }
    store_free(meta);
    return status;
}
