/* index.c - unique keys: encoding their rows, checking for conflicts, keeping them in step. */
#include "index.h"

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

int index_rows_of(struct index_rows *out, const struct definition *definition, uint64_t scope, struct doc *doc,
                  doc_id object)
{
    int rc = STORE_OK;

    out->count = definition->unique_count;
    for (size_t i = 0; i < out->count; i++) {
        out->rows[i].present = false;
        out->rows[i].overflow = NULL;
    }
    for (size_t i = 0; i < out->count && rc == STORE_OK; i++) {
        const struct key_columns *columns = &definition->unique[i];
        struct key_value values[KEY_PARTS_MAX];
        size_t column;
        switch (key_columns_read(columns, doc, object, values, &column)) {
        case KEY_ABSENT:
            break;
        case KEY_FOUND:
            rc = encode(&out->rows[i], scope, i, values, columns->count);
            break;
        case KEY_WRONG:
            rc = problem(STORE_INVALID_VALUE, "the unique key's property %.*s has a value that is no key",
                         (int)columns->names[column].size, (const char *)columns->names[column].data);
            break;
        }
    }
    return rc;
}

void index_rows_release(struct index_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->rows[i].overflow);
    rows->count = 0;
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

static bool same_row(const struct index_row *a, const struct index_row *b)
{
    if (!a || !b || !a->present || !b->present)
        return false;
    return slice_equal(key_slice(&a->key), key_slice(&b->key)) &&
           slice_equal(slice_of(a->overflow, a->overflow_size * (a->overflow != NULL)),
                       slice_of(b->overflow, b->overflow_size * (b->overflow != NULL)));
}

static int conflict(const struct target *target, const struct key_columns *columns, struct slice holder,
                    struct doc *doc, doc_id object)
{
    struct key_value values[KEY_PARTS_MAX];
    char text[1024] = "", name[STORE_NAME_MAX + 1], location[STORE_LOCATION_MAX + 1] = "";
    size_t column, size;

    if (key_columns_read(columns, doc, object, values, &column) == KEY_FOUND &&
        key_text_write(text, sizeof text, values, columns->count) == SIZE_MAX)
        strcpy(text, "(too long to show)");
    if (tree_entry_name(name, &size, target->definition, holder) == STORE_OK)
        tree_join(location, target->parent, slice_of(name, size));
    problem(STORE_KEY_CONFLICT, "%s \"%s\" is taken by %s", columns->label, text, location);
    problem_conflict(columns->label, text, location);
    return STORE_KEY_CONFLICT;
}

int index_check(struct txn *txn, const struct target *target, const struct index_rows *old,
                const struct index_rows *rows, struct slice entry, struct doc *doc, doc_id object)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct index_row *row = &rows->rows[i];
        struct slice value, holder, overflow;
        int rc;
        if (!row->present || same_row(old ? &old->rows[i] : NULL, row))
            continue;
        rc = engine_get(&txn->engine.view, key_slice(&row->key), &value);
        if (rc == ENGINE_ABSENT)
            continue;
        if (rc != STORE_OK)
            return rc;
        if (!index_row_read(&holder, &overflow, value))
            return problem(STORE_CORRUPT, "a row of the unique key %s is damaged",
                           target->definition->unique[i].label);
        if (!slice_equal(holder, entry))
            return conflict(target, &target->definition->unique[i], holder, doc, object);
    }
    return STORE_OK;
}

static int put_row(struct txn *txn, const struct index_row *row, struct slice entry)
{
    size_t more = row->overflow ? row->overflow_size : 0;
    uint16_t size = (uint16_t)entry.size;
    char *space;
    void *reserved;
    int rc = engine_reserve(&txn->engine, key_slice(&row->key), sizeof size + entry.size + more, false, &reserved);

    if (rc != STORE_OK)
        return rc;
    space = reserved;
    memcpy(space, &size, sizeof size);
    memcpy(space + sizeof size, entry.data, entry.size);
    if (more)
        memcpy(space + sizeof size + entry.size, row->overflow, more);
    return STORE_OK;
}

int index_update(struct txn *txn, const struct index_rows *old, struct slice old_entry,
                 const struct index_rows *rows, struct slice entry)
{
    size_t count = rows ? rows->count : old ? old->count : 0;
    bool moved = !slice_equal(old_entry, entry);
    int rc = STORE_OK;

    for (size_t i = 0; i < count && rc >= 0; i++) {
        const struct index_row *before = old ? &old->rows[i] : NULL, *after = rows ? &rows->rows[i] : NULL;
        bool same = same_row(before, after);
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
