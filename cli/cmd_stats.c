/* stats: counts and sizes of the store and of its two files. */
#include <stddef.h>

#include "print.h"

enum unit { COUNT, BYTES, VERSION };

struct field {
    const char *name;
    size_t offset;
    enum unit unit;
};

#define FIELD(member, kind) {#member, offsetof(store_stats, member), kind}
#define SPACE_FIELD(member, kind) {#member, offsetof(store_space, member), kind}

static const struct field store_fields[] = {
    FIELD(collections, COUNT),    FIELD(typed_collections, COUNT), FIELD(objects, COUNT),
    FIELD(links, COUNT),          FIELD(specials, COUNT),          FIELD(body_bytes, BYTES),
    FIELD(inline_objects, COUNT), FIELD(chunked_objects, COUNT),   FIELD(chunks, COUNT),
    FIELD(index_entries, COUNT),  FIELD(changes, COUNT),           FIELD(oldest_change, VERSION),
    FIELD(last_version, VERSION), FIELD(staged_uploads, COUNT),    FIELD(garbage_bodies, COUNT),
    FIELD(garbage_collections, COUNT),
};

static const struct field space_fields[] = {
    SPACE_FIELD(file_bytes, BYTES),     SPACE_FIELD(used_bytes, BYTES),
    SPACE_FIELD(reclaimable_bytes, BYTES), SPACE_FIELD(map_bytes, BYTES),
    SPACE_FIELD(page_size, BYTES),      SPACE_FIELD(entries, COUNT),
    SPACE_FIELD(depth, COUNT),          SPACE_FIELD(branch_pages, COUNT),
    SPACE_FIELD(leaf_pages, COUNT),     SPACE_FIELD(overflow_pages, COUNT),
    SPACE_FIELD(last_transaction, COUNT),
};

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))

static uint64_t value_of(const void *base, const struct field *field)
{
    return *(const uint64_t *)((const char *)base + field->offset);
}

static void add_fields(json_t *object, const void *base, const struct field *fields, size_t count)
{
    char version[17];

    for (size_t i = 0; i < count; i++) {
        uint64_t value = value_of(base, &fields[i]);
        json_object_set_new(object, fields[i].name,
                            fields[i].unit == VERSION ? json_string(store_version_text(version, value))
                                                      : json_integer((json_int_t)value));
    }
}

static void show_fields(const void *base, const struct field *fields, size_t count)
{
    char version[17], size[SIZE_TEXT_SIZE];

    for (size_t i = 0; i < count; i++) {
        uint64_t value = value_of(base, &fields[i]);
        if (fields[i].unit == VERSION)
            printf("  %-20s %s\n", fields[i].name, store_version_text(version, value));
        else if (fields[i].unit == BYTES)
            printf("  %-20s %16llu  %s\n", fields[i].name, (unsigned long long)value, size_text(size, value));
        else
            printf("  %-20s %16llu\n", fields[i].name, (unsigned long long)value);
    }
}

static json_t *space_json(const store_space *space)
{
    json_t *object = json_object();

    add_fields(object, space, space_fields, COUNT_OF(space_fields));
    json_object_set_new(object, "readers", json_integer(space->readers));
    json_object_set_new(object, "readers_max", json_integer(space->readers_max));
    return object;
}

static void show_space(const char *title, const store_space *space)
{
    puts(title);
    show_fields(space, space_fields, COUNT_OF(space_fields));
    printf("  %-20s %16u  of %u\n", "readers", space->readers, space->readers_max);
}

int cmd_stats(struct cli *cli)
{
    store_stats stats;
    int code = store_stats_get(&stats, cli->store);

    if (code != STORE_OK)
        return report(cli, code, NULL);
    if (cli->json) {
        json_t *object = json_object();
        add_fields(object, &stats, store_fields, COUNT_OF(store_fields));
        json_object_set_new(object, "objects_space", space_json(&stats.objects_space));
        json_object_set_new(object, "bodies_space", space_json(&stats.bodies_space));
        return print_json(cli, stdout, object);
    }
    puts("store");
    show_fields(&stats, store_fields, COUNT_OF(store_fields));
    show_space("objects file", &stats.objects_space);
    show_space("bodies file", &stats.bodies_space);
    return STATUS_DONE;
}
