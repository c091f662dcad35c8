/* test_record.c - records on disk. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "record.h"

/* The attribute section { type: "text/plain", meta "a": "1", meta "b": "" }. */
static const unsigned char attributes[] = {
    1, 0, 10, 0, 0, 0, 't', 'e', 'x', 't', '/', 'p', 'l', 'a', 'i', 'n',
    2, 1, 1, 0, 0, 0, 'a', '1',
    2, 1, 0, 0, 0, 0, 'b',
};

/* One record written out: a change of this array is a change of the format. */
static const unsigned char golden[] = {
    1, 2, 2, 0,                             /* format, kind, flags */
    0xa4, 0x01, 0, 0,                       /* mode 0644 */
    0x07, 0, 0, 0, 0, 0, 0, 0,              /* id */
    0xa1, 0, 0, 0, 0, 0, 0, 0x80,           /* version */
    0x05, 0, 0, 0, 0, 0, 0, 0,              /* size */
    0x00, 0x01, 0, 0, 0, 0, 0, 0,           /* created */
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* modified: 1 ns before 1970 */
    0x00, 0x00, 0x02, 0, 0, 0, 0, 0,        /* changed */
    0xe8, 0x03, 0, 0, 0xe9, 0x03, 0, 0,     /* uid, gid */
    0x1f, 0, 0, 0, 0, 0, 0, 0,              /* attributes, reserved */
    0x94, 0x59, 0x46, 0xa4, 0x73, 0x29, 0x66, 0x74,       /* checksum */
    1, 0, 10, 0, 0, 0, 't', 'e', 'x', 't', '/', 'p', 'l', 'a', 'i', 'n',
    2, 1, 1, 0, 0, 0, 'a', '1',
    2, 1, 0, 0, 0, 0, 'b',
    'h', 'e', 'l', 'l', 'o',
};

static struct record sample(void)
{
    return (struct record){
        .kind = NODE_OBJECT, .flags = RECORD_INLINE, .mode = 0644, .id = 7, .version = 0x80000000000000a1,
        .size = 5, .created = 256, .modified = -1, .changed = 131072, .uid = 1000, .gid = 1001,
        .attributes = { attributes, sizeof attributes }, .body = { "hello", 5 },
    };
}

static bool same(const struct record *a, const struct record *b)
{
    return a->kind == b->kind && a->flags == b->flags && a->mode == b->mode && a->id == b->id &&
           a->version == b->version && a->size == b->size && a->created == b->created &&
           a->modified == b->modified && a->changed == b->changed && a->uid == b->uid && a->gid == b->gid &&
           slice_equal(a->attributes, b->attributes) && slice_equal(a->body, b->body) &&
           a->body_id == b->body_id && a->body_generation == b->body_generation;
}

Test(record, bytes_are_those_of_the_format)
{
    struct record record = sample();
    unsigned char bytes[sizeof golden];

    cr_assert_eq(record_size(&record), sizeof golden);
    record_write(bytes, &record);
    for (size_t i = 0; i < sizeof golden; i++)
        cr_expect_eq(bytes[i], golden[i], "byte %zu is %02x, not %02x", i, bytes[i], golden[i]);
}

Test(record, the_golden_record_reads_back)
{
    struct record expected = sample(), record;

    cr_assert_eq(record_read(&record, golden, sizeof golden, true), RECORD_OK);
    cr_expect(same(&record, &expected));
}

Test(record, every_kind_round_trips)
{
    static const struct record table[] = {
        { .kind = NODE_COLLECTION, .mode = 0755, .id = 1, .version = 1 },
        { .kind = NODE_COLLECTION, .flags = RECORD_TYPED, .id = 2, .version = UINT64_MAX },
        { .kind = NODE_OBJECT, .flags = RECORD_INLINE },
        { .kind = NODE_SPECIAL, .id = 4, .version = 4 },
        { .kind = NODE_NAME, .id = 4, .version = 5 },
        { .kind = NODE_LINK, .flags = RECORD_INLINE, .size = 3, .body = { "a/b", 3 } },
        { .kind = NODE_OBJECT, .flags = RECORD_CHUNKED, .size = 1ull << 40, .body_id = 99,
          .body_generation = 3 },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        unsigned char bytes[256];
        struct record record;
        record_write(bytes, &table[i]);
        cr_assert_eq(record_read(&record, bytes, record_size(&table[i]), true), RECORD_OK, "row %zu", i);
        cr_expect(same(&record, &table[i]), "row %zu", i);
    }
}

Test(record, every_changed_bit_is_noticed)
{
    for (size_t i = 0; i < sizeof golden * 8; i++) {
        unsigned char bytes[sizeof golden];
        struct record record;
        memcpy(bytes, golden, sizeof golden);
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        cr_expect_neq(record_read(&record, bytes, sizeof bytes, true), RECORD_OK, "bit %zu", i);
    }
}

/* Each length in memory of just that size, so that a sanitizer sees a read past its end. */
Test(record, every_cut_and_every_longer_one_is_noticed)
{
    for (size_t size = 0; size <= sizeof golden + 8; size++) {
        unsigned char *bytes = calloc(1, size + (size == 0));
        struct record record;
        cr_assert_not_null(bytes);
        memcpy(bytes, golden, size < sizeof golden ? size : sizeof golden);
        for (int verify = 0; verify <= 1; verify++)
            cr_expect_eq(record_read(&record, bytes, size, verify),
                         size == sizeof golden ? RECORD_OK : RECORD_DAMAGED, "%zu bytes", size);
        free(bytes);
    }
}

Test(record, a_newer_format_is_told_from_damage)
{
    unsigned char bytes[sizeof golden];
    struct record record;

    memcpy(bytes, golden, sizeof golden);
    bytes[0] = 2;
    cr_expect_eq(record_read(&record, bytes, sizeof bytes, true), RECORD_NEWER);
    cr_expect_eq(record_read(&record, bytes, 1, false), RECORD_NEWER);
    bytes[0] = 0;
    cr_expect_eq(record_read(&record, bytes, sizeof bytes, false), RECORD_DAMAGED);
}

Test(record, parts_that_do_not_fit_together_are_damage_even_unverified)
{
    static const struct {
        size_t at;
        unsigned char value;
    } table[] = {
        { 1, 0 }, { 1, 4 }, { 1, NODE_COLLECTION }, { 2, 0 }, { 2, RECORD_TYPED }, { 2, RECORD_CHUNKED },
        { 2, RECORD_INLINE | RECORD_CHUNKED }, { 3, 1 }, { 24, 4 }, { 24, 6 }, { 64, 0xff }, { 67, 0xff },
        { 68, 1 },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        unsigned char bytes[sizeof golden];
        struct record record;
        memcpy(bytes, golden, sizeof golden);
        bytes[table[i].at] = table[i].value;
        cr_expect_eq(record_read(&record, bytes, sizeof bytes, false), RECORD_DAMAGED, "row %zu", i);
    }
}

Test(record, attributes_are_built_found_and_iterated)
{
    struct buffer built = BUFFER_INIT;
    struct slice section, name, value;
    enum attribute_tag tag;
    size_t position = 0, count = 0;

    attribute_append(&built, ATTRIBUTE_TYPE, slice_of(NULL, 0), slice_text("text/plain"));
    attribute_append(&built, ATTRIBUTE_META, slice_text("a"), slice_text("1"));
    attribute_append(&built, ATTRIBUTE_META, slice_text("b"), slice_of(NULL, 0));
    section = slice_of(built.data, built.size);
    cr_assert(slice_equal(section, slice_of(attributes, sizeof attributes)));
    cr_assert(attribute_find(section, ATTRIBUTE_TYPE, slice_of(NULL, 0), &value));
    cr_expect(slice_equal(value, slice_text("text/plain")));
    cr_assert(attribute_find(section, ATTRIBUTE_META, slice_text("b"), &value));
    cr_expect_eq(value.size, 0);
    cr_expect(!attribute_find(section, ATTRIBUTE_META, slice_text("c"), &value));
    cr_expect(!attribute_find(section, ATTRIBUTE_META, slice_of(NULL, 0), &value));
    while (attribute_next(section, &position, &tag, &name, &value))
        count++;
    cr_expect_eq(count, 3);
    cr_expect_eq(position, section.size);
    cr_expect(!attribute_find(slice_of(NULL, 0), ATTRIBUTE_TYPE, slice_of(NULL, 0), &value));
    buffer_release(&built);
}

Test(record, a_damaged_attribute_section_ends_the_iteration)
{
    for (size_t size = 0; size < sizeof attributes; size++) {
        unsigned char *bytes = malloc(size + 1);
        struct slice name, value;
        enum attribute_tag tag;
        size_t position = 0, count = 0;
        cr_assert_not_null(bytes);
        memcpy(bytes, attributes, size);
        while (attribute_next(slice_of(bytes, size), &position, &tag, &name, &value))
            count++;
        cr_expect_eq(count, (size >= 16) + (size >= 24), "%zu bytes", size);
        free(bytes);
    }
}

Test(record, what_posix_has_is_those_bytes_and_comes_back)
{
    static const unsigned char expected[] = {
        3, 0, 24, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* 2 ns before 1970 */
        0, 0x20, 0, 0, 0x03, 0x01, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
    };
    const struct posix given = { .accessed = -2, .special = 0x2000, .device = 0x103,
                                 .flags = POSIX_ACCESSED | POSIX_SPECIAL };
    const struct posix nothing = { 0 };
    struct buffer built = BUFFER_INIT;
    struct posix found;

    attribute_append_posix(&built, &nothing);
    cr_assert_eq(built.size, 0);
    attribute_append_posix(&built, &given);
    cr_assert(slice_equal(slice_of(built.data, built.size), slice_of(expected, sizeof expected)));
    cr_assert(attribute_posix(&found, slice_of(expected, sizeof expected)));
    cr_assert_eq(found.accessed, -2);
    cr_assert_eq(found.special, 0x2000);
    cr_assert_eq(found.device, 0x103);
    cr_assert_eq(found.flags, 3);
    cr_assert(attribute_posix(&found, slice_of(attributes, sizeof attributes)));
    cr_assert_eq(found.flags, 0);
    cr_assert(!attribute_posix(&found, slice_of("\3\0\1\0\0\0x", 7)));
    buffer_release(&built);
}
