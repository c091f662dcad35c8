/* index.c - unique keys: encoding their rows, checking for conflicts, keeping them in step. */
#include "index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define INDEX_PREFIX (SCOPE_PREFIX + 1)                  /* scope, kind, number of the unique key */
#define DIRECT_MAX (ENGINE_KEY_MAX - INDEX_PREFIX - 1)   /* longer keys: their beginning and a hash */
#define HASH_SIZE 16
#define BEGINNING (ENGINE_KEY_MAX - INDEX_PREFIX - HASH_SIZE)

static void row_begin(struct key *key, uint64_t scope, size_t index)
{
    key_begin(key, scope, KIND_UNIQUE);
    key_add_byte(key, (unsigned char)index);
}

/* A key too long for a row keeps its place in the order by its beginning, its identity by a hash,
 * and stands whole in the row's value. */
static int encode_long(struct index_row *row, const struct key_value *values, size_t count)
{
    XXH128_canonical_t hash;
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += 2 * values[i].string.size + 16;
    row->overflow = malloc(size);
    if (!row->overflow)
        return problem(STORE_NO_MEMORY, "no memory for a unique key");
    row->overflow_size = key_bytes_write((unsigned char *)row->overflow, size, values, count);
    XXH128_canonicalFromHash(&hash, XXH3_128bits(row->overflow, row->overflow_size));
    key_add(&row->key, row->overflow, BEGINNING);
    key_add(&row->key, hash.digest, HASH_SIZE);
    return STORE_OK;
}

static int encode(struct index_row *row, uint64_t scope, size_t index, const struct key_value *values, size_t count)
{
    size_t size;

    row_begin(&row->key, scope, index);
    row->present = true;
    size = key_bytes_write(row->key.bytes + row->key.size, DIRECT_MAX, values, count);
    if (size == SIZE_MAX)
        return encode_long(row, values, count);
    row->key.size += size;
    return STORE_OK;
}

static int row_of(struct index_row *out, const struct definition *definition, size_t index, uint64_t scope,
                  struct doc *doc, doc_id object)
{
    const struct key_columns *columns = &definition->unique[index];
    struct key_value values[KEY_PARTS_MAX];
    size_t column;

    out->present = false;
    out->overflow = NULL;
    switch (key_columns_read(columns, doc, object, values, &column)) {
    case KEY_ABSENT:
        return STORE_OK;
    case KEY_FOUND:
        return encode(out, scope, index, values, columns->count);
    case KEY_WRONG:
        break;
    }
    return problem(STORE_INVALID_VALUE, "the unique key's property %.*s has a value that is no key",
                   (int)columns->names[column].size, (const char *)columns->names[column].data);
}

int index_rows_of(struct index_rows *out, const struct definition *definition, uint64_t scope, struct doc *doc,
                  doc_id object)
{
    int rc = STORE_OK;

    *out = (struct index_rows){ 0 };
    if (definition->unique_count == 0)
        return STORE_OK;
    out->rows = malloc(definition->unique_count * sizeof *out->rows);
    if (!out->rows)
        return problem(STORE_NO_MEMORY, "no memory for unique keys");
    while (rc == STORE_OK && out->count < definition->unique_count) {
        rc = row_of(&out->rows[out->count], definition, out->count, scope, doc, object);
        out->count++;
    }
    return rc;
}

void index_rows_release(struct index_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->rows[i].overflow);
    free(rows->rows);
    *rows = (struct index_rows){ 0 };
}

bool index_row_read(struct slice *entry, struct slice *overflow, struct slice value)
{
    uint16_t size;

    if (value.size < sizeof size)
        return false;
    memcpy(&size, value.data, sizeof size);
    if (value.size < sizeof size + size)
        return false;
    *entry = slice_of((const char *)value.data + sizeof size, size);
    *overflow = slice_of((const char *)value.data + sizeof size + size, value.size - sizeof size - size);
    return true;
}

static struct slice overflow_of(const struct index_row *row)
{
    return slice_of(row->overflow, row->overflow ? row->overflow_size : 0);
}

static bool same_row(const struct index_row *a, const struct index_row *b)
{
    if (!a || !b || !a->present || !b->present)
        return false;
    return slice_equal(key_slice(&a->key), key_slice(&b->key)) && slice_equal(overflow_of(a), overflow_of(b));
}

/* The values of a row as key text, for a person. */
static void row_text(char *out, size_t size, const struct key_columns *columns, const struct index_row *row)
{
    struct slice bytes = row->overflow ? overflow_of(row)
                                       : slice_of(row->key.bytes + INDEX_PREFIX, row->key.size - INDEX_PREFIX);
    struct key_value values[KEY_PARTS_MAX];
    char *scratch = malloc(bytes.size + 1);
    size_t used;

    if (!scratch || !key_bytes_parse(values, columns->types, columns->count, bytes.data, bytes.size, scratch, &used))
        *out = '\0';
    else if (key_text_write(out, size, values, columns->count) == SIZE_MAX)
        snprintf(out, size, "(too long to show)");
    free(scratch);
}

static int conflict(const struct target *target, const struct key_columns *columns, const struct index_row *row,
                    struct slice holder)
{
    char text[1024], name[STORE_NAME_MAX + 1], location[STORE_LOCATION_MAX + 1] = "";
    size_t size;

    row_text(text, sizeof text, columns, row);
    if (tree_entry_name(name, &size, target->definition, holder) == STORE_OK)
        tree_join(location, target->parent, slice_of(name, size));
    problem(STORE_KEY_CONFLICT, "%s \"%s\" is taken by %s", columns->label, text, location);
    problem_conflict(columns->label, text, location);
    return STORE_KEY_CONFLICT;
}

/* Who has the row now: key_conflict if it is another object than the one at `entry`. */
static int check_row(bool *held, struct txn *txn, const struct target *target, const struct index_rows *rows, size_t i,
                     struct slice entry)
{
    const struct key_columns *columns = &target->definition->unique[i];
    const struct index_row *row = &rows->rows[i];
    struct slice value, holder, overflow;
    int rc = engine_get(&txn->engine.view, key_slice(&row->key), &value);

    *held = false;
    if (rc != STORE_OK)
        return rc == ENGINE_ABSENT ? STORE_OK : rc;
    if (!index_row_read(&holder, &overflow, value))
        return problem(STORE_CORRUPT, "a row of the unique key %s is damaged", columns->label);
    *held = slice_equal(overflow, overflow_of(row));
    return slice_equal(holder, entry) ? STORE_OK : conflict(target, columns, row, holder);
}

int index_check(bool *held, struct txn *txn, const struct target *target, const struct index_rows *rows,
                struct slice entry)
{
    int rc = STORE_OK;

    *held = true;
    for (size_t i = 0; i < rows->count && rc == STORE_OK; i++) {
        bool this_one = false;
        if (rows->rows[i].present)
            rc = check_row(&this_one, txn, target, rows, i, entry);
        *held = *held && this_one;
    }
    return rc;
}

static int put_row(struct txn *txn, const struct index_row *row, struct slice entry)
{
    struct slice overflow = overflow_of(row);
    uint16_t size = (uint16_t)entry.size;
    char *space;
    void *reserved;
    int rc = engine_reserve(&txn->engine, key_slice(&row->key), sizeof size + entry.size + overflow.size, false, &reserved);

    if (rc != STORE_OK)
        return rc;
    space = reserved;
    memcpy(space, &size, sizeof size);
    memcpy(space + sizeof size, entry.data, entry.size);
    if (overflow.size > 0)
        memcpy(space + sizeof size + entry.size, overflow.data, overflow.size);
    return STORE_OK;
}

static const struct index_row *row_at(const struct index_rows *rows, size_t i)
{
    return rows && i < rows->count ? &rows->rows[i] : NULL;
}

int index_update(struct txn *txn, const struct index_rows *old, struct slice old_entry,
                 const struct index_rows *rows, struct slice entry)
{
    bool moved = !slice_equal(old_entry, entry);
    int rc = STORE_OK;

    for (size_t i = 0; rc >= 0; i++) {
        const struct index_row *before = row_at(old, i), *after = row_at(rows, i);
        bool same = same_row(before, after);
        if (!before && !after)
            break;
        if (same && !moved)
            continue;
        if (before && before->present && !same)
            rc = engine_del(&txn->engine, key_slice(&before->key));
        if (rc >= 0 && after && after->present)
            rc = put_row(txn, after, entry);
    }
    return rc < 0 ? rc : STORE_OK;
}

int index_prefix(struct key *out, const struct definition *definition, size_t index, uint64_t scope,
                 const struct key_value *values, size_t count)
{
    struct index_row row = { .overflow = NULL };
    int rc = encode(&row, scope, index, values, count);

    free(row.overflow);
    *out = row.key;
    if (rc == STORE_OK && row.overflow && count < definition->unique[index].count)
        return problem(STORE_INVALID_VALUE, "the value is too long to search by");
    return rc;
}
