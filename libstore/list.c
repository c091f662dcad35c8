/* list.c - the entries of a collection in order, by name or by a unique key; looking one up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "stat.h"
#include "typed.h"

#define PAGE_ENTRIES 256
#define PAGE_BYTES (256u << 10)
#define RUN_ROWS 128
#define BY_ENTRY SIZE_MAX /* struct scan.index: the entries' own order */

/* One entry of the page: offsets into its texts. */
struct item {
    size_t name, index_key, body, body_size;
    bool has_body;
    store_stat stat; /* its end is the part that is seldom used */
};

struct store_iter {
    store *store;
    char *location;
    store_list_options options; /* flags and numbers; its pointers are not used */
    char *prefix;               /* of the text; NULL */
    uint64_t scope, definition_version;
    size_t index;               /* BY_ENTRY, or which unique key */
    struct key range;           /* every key of the scan begins so */
    struct key position;        /* the last key seen; size 0 at the beginning */
    uint64_t given;             /* entries given out or in the page */
    bool ended;
    struct item *items;         /* of the page: room for `capacity`, not for more than the limit */
    size_t capacity, count, at;
    struct buffer texts;
};

static const struct key_columns *columns_of(const struct definition *definition, size_t index)
{
    return index == BY_ENTRY ? &definition->key : &definition->unique[index];
}

/* ------------------------------------------------------- what is scanned */

static void scan_begin(struct key *key, uint64_t scope, size_t index)
{
    key_begin(key, scope, index == BY_ENTRY ? KIND_ENTRY : KIND_UNIQUE);
    if (index != BY_ENTRY)
        key_add_byte(key, (unsigned char)index);
}

/* Do the fields name the first columns of the key? Their values, in its order. */
static bool match_columns(struct key_value *values, char *scratch, const struct key_columns *columns,
                          const store_field *fields, size_t count, bool *bad)
{
    if (count == 0 || count > columns->count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const store_field *field = NULL;
        size_t size;
        for (size_t j = 0; j < count && !field; j++)
            if (slice_equal(slice_text(fields[j].name), columns->names[i]))
                field = &fields[j];
        if (!field)
            return false;
        size = strlen(field->value);
        if (columns->types[i] == KEY_STRING) /* as it is: a single value needs no escapes */
            values[i] = (struct key_value){ .type = KEY_STRING, .string = slice_of(field->value, size) };
        else if (!key_text_parse(&values[i], &columns->types[i], 1, field->value, size, scratch))
            *bad = true;
    }
    return true;
}

/* Which key the fields belong to: the collection's own, or a unique one. */
static int find_columns(size_t *index, struct key_value *values, const struct definition *definition,
                        const store_field *fields, size_t count)
{
    char scratch[64];
    bool bad = false;

    *index = BY_ENTRY;
    if (match_columns(values, scratch, &definition->key, fields, count, &bad))
        return bad ? problem(STORE_BAD_ARGUMENT, "a value is none of its property's type") : STORE_OK;
    for (size_t i = 0; i < definition->unique_count; i++) {
        bad = false;
        if (!match_columns(values, scratch, &definition->unique[i], fields, count, &bad))
            continue;
        *index = i;
        return bad ? problem(STORE_BAD_ARGUMENT, "a value is none of its property's type") : STORE_OK;
    }
    return problem(STORE_BAD_ARGUMENT, "these properties are not the first ones of any key of the collection");
}

static int narrow_by_fields(struct key *range, size_t *index, const struct definition *definition, uint64_t scope,
                            const store_field *fields, size_t count)
{
    struct key_value values[KEY_PARTS_MAX];
    size_t size;
    int rc = definition ? find_columns(index, values, definition, fields, count)
                        : problem(STORE_BAD_ARGUMENT, "a plain collection has no key to search by");

    if (rc != STORE_OK)
        return rc;
    if (*index != BY_ENTRY)
        return index_prefix(range, definition, *index, scope, values, count);
    scan_begin(range, scope, BY_ENTRY);
    size = key_bytes_write(range->bytes + range->size, ENGINE_KEY_MAX - range->size, values, count);
    if (size == SIZE_MAX)
        return problem(STORE_NOT_FOUND, "no key is that long");
    range->size += size;
    return STORE_OK;
}

static int find_order(size_t *index, const struct definition *definition, const char *order_by)
{
    if (!definition)
        return problem(STORE_BAD_ARGUMENT, "a plain collection has no key to order by");
    *index = BY_ENTRY;
    if (definition->key.count && strcmp(definition->key.label, order_by) == 0)
        return STORE_OK;
    for (size_t i = 0; i < definition->unique_count; i++)
        if (strcmp(definition->unique[i].label, order_by) == 0) {
            *index = i;
            return STORE_OK;
        }
    return problem(STORE_BAD_ARGUMENT, "the collection has no unique key %s", order_by);
}

static bool by_name(const struct definition *definition, size_t index)
{
    return index == BY_ENTRY && (!definition || definition->order == ORDER_UNORDERED);
}

/* Names that begin alike stand together; key texts do if the first component is a string
 * without escapes. Otherwise the prefix only filters. */
static void narrow_by_prefix(struct key *range, const struct definition *definition, size_t index, const char *prefix)
{
    bool text = by_name(definition, index) || columns_of(definition, index)->types[0] == KEY_STRING;
    size_t size = by_name(definition, index) ? strlen(prefix) : strcspn(prefix, "%|");

    if (text && size <= 200)
        key_add(range, prefix, size);
}

static int set_position(store_iter *iter, const struct definition *definition, const char *after)
{
    struct key_value values[KEY_PARTS_MAX];
    size_t size = strlen(after), room = ENGINE_KEY_MAX;
    char *scratch;
    bool valid;

    scan_begin(&iter->position, iter->scope, iter->index);
    room -= iter->position.size;
    if (by_name(definition, iter->index)) {
        if (size > STORE_NAME_MAX)
            return problem(STORE_BAD_ARGUMENT, "`after` is no name");
        key_add(&iter->position, after, size);
        return STORE_OK;
    }
    scratch = malloc(size + 1);
    if (!scratch)
        return problem(STORE_NO_MEMORY, "no memory for an iterator");
    valid = key_text_parse(values, columns_of(definition, iter->index)->types,
                           columns_of(definition, iter->index)->count, after, size, scratch);
    size = valid ? key_bytes_write(iter->position.bytes + iter->position.size, room, values,
                                   columns_of(definition, iter->index)->count) : SIZE_MAX;
    free(scratch);
    if (size == SIZE_MAX)
        return problem(STORE_BAD_ARGUMENT, "`after` is no key of the collection");
    iter->position.size += size;
    return STORE_OK;
}

static int set_up(store_iter *iter, struct view *view, const store_list_options *options)
{
    const struct address address = { .location = iter->location, .base = iter->options.base };
    const struct definition *definition;
    char space[STORE_LOCATION_MAX + 1];
    struct location location;
    int rc = tree_collection_at(&iter->scope, &definition, &location, space, view, &address);

    if (rc != STORE_OK)
        return rc;
    iter->definition_version = definition ? definition->version : 0;
    iter->index = BY_ENTRY;
    if (options->order_by)
        rc = find_order(&iter->index, definition, options->order_by);
    scan_begin(&iter->range, iter->scope, iter->index);
    if (rc == STORE_OK && options->where_count)
        rc = narrow_by_fields(&iter->range, &iter->index, definition, iter->scope, options->where,
                              options->where_count);
    else if (rc == STORE_OK && options->prefix)
        narrow_by_prefix(&iter->range, definition, iter->index, options->prefix);
    if (rc == STORE_OK && options->after)
        rc = set_position(iter, definition, options->after);
    return rc;
}

static int check_options(const store_list_options *options)
{
    if (options->version == 0 || options->version > STORE_LIST_OPTIONS_VERSION)
        return problem(STORE_BAD_ARGUMENT, "the options have version %u, this library knows %d", options->version,
                       STORE_LIST_OPTIONS_VERSION);
    if (options->where_count && (options->order_by || options->where_count > KEY_PARTS_MAX))
        return problem(STORE_BAD_ARGUMENT, "where goes with at most %d properties and no order", KEY_PARTS_MAX);
    for (size_t i = 0; i < options->where_count; i++) {
        if (options->where[i].name && options->where[i].value)
            continue;
        problem(STORE_BAD_ARGUMENT, "a property to find by has no name or no value");
        return STORE_BAD_ARGUMENT;
    }
    return STORE_OK;
}

int store_iter_open(store_iter **out, store *s, const char *location, const store_list_options *options)
{
    static const store_list_options defaults = STORE_LIST_OPTIONS_INIT;
    store_iter *iter;
    struct view view;
    bool own;
    int rc;

    store_enter();
    *out = NULL;
    options = options ? options : &defaults;
    rc = check_options(options);
    if (rc != STORE_OK)
        return rc;
    iter = calloc(1, sizeof *iter);
    if (!iter)
        return problem(STORE_NO_MEMORY, "no memory for an iterator");
    iter->store = s;
    iter->options = *options;
    iter->capacity = options->limit && options->limit < PAGE_ENTRIES ? options->limit : PAGE_ENTRIES;
    iter->items = malloc(iter->capacity * sizeof *iter->items);
    iter->location = strdup(location);
    iter->prefix = options->prefix && *options->prefix ? strdup(options->prefix) : NULL;
    if (!iter->items || !iter->location || (options->prefix && *options->prefix && !iter->prefix))
        rc = problem(STORE_NO_MEMORY, "no memory for an iterator");
    if (rc == STORE_OK)
        rc = view_open(&view, &own, s, options->txn);
    if (rc == STORE_OK) {
        rc = set_up(iter, &view, options);
        view_close(&view, own);
    }
    if (rc == STORE_OK) {
        *out = iter;
        return STORE_OK;
    }
    if (rc == STORE_NO_COLLECTION)
        rc = problem(STORE_NOT_FOUND, "there is no such collection");
    problem_location(location);
    store_iter_close(iter);
    return rc;
}

/* ------------------------------------------------------------------- pages */

static size_t keep_text(store_iter *iter, const void *data, size_t size)
{
    size_t at = iter->texts.size;

    buffer_append(&iter->texts, data, size);
    buffer_append(&iter->texts, "", 1);
    return at;
}

static int keep_body(store_iter *iter, struct item *item, const struct view *view, const struct record *record)
{
    size_t most = iter->options.body_max ? iter->options.body_max : STORE_JSON_MAX;
    struct buffer space = BUFFER_INIT;
    struct slice body;
    int rc;

    if (record->kind == NODE_COLLECTION || record->size > most)
        return STORE_OK;
    rc = typed_body(&body, &space, view, record);
    if (rc == STORE_OK) {
        item->has_body = true;
        item->body = keep_text(iter, body.data, body.size);
        item->body_size = body.size;
    }
    buffer_release(&space);
    return rc;
}

/* Text of a unique key from its row. */
static int index_text(char **out, struct slice key, struct slice overflow, const struct key_columns *columns)
{
    struct slice bytes = overflow.size ? overflow : slice_of((const char *)key.data + SCOPE_PREFIX + 1,
                                                             key.size - SCOPE_PREFIX - 1);
    struct key_value values[KEY_PARTS_MAX];
    char *scratch = malloc(bytes.size + 1);
    size_t used, size = 3 * bytes.size + 32 * columns->count;

    *out = malloc(size);
    if (!scratch || !*out || !key_bytes_parse(values, columns->types, columns->count, bytes.data, bytes.size, scratch,
                                              &used) ||
        key_text_write(*out, size, values, columns->count) == SIZE_MAX) {
        bool memory = scratch && *out;
        free(scratch);
        free(*out);
        *out = NULL;
        return memory ? problem(STORE_CORRUPT, "a row of the unique key %s is damaged", columns->label)
                      : problem(STORE_NO_MEMORY, "no memory for a listing");
    }
    free(scratch);
    return STORE_OK;
}

/* The entry that an index row stands for. STORE_OK and a text to compare the prefix with. */
static int follow(struct slice *entry, struct slice *row, char **text, struct view *view, store_iter *iter,
                  const struct definition *definition, struct slice key, struct slice value)
{
    struct slice overflow;
    struct key entry_key;
    int rc;

    if (!index_row_read(entry, &overflow, value) || entry->size > ENGINE_KEY_MAX - SCOPE_PREFIX)
        return problem(STORE_CORRUPT, "a row of the unique key %s is damaged", definition->unique[iter->index].label);
    rc = index_text(text, key, overflow, &definition->unique[iter->index]);
    if (rc != STORE_OK)
        return rc;
    tree_entry_key(&entry_key, iter->scope, *entry);
    rc = engine_get(view->snapshot, key_slice(&entry_key), row);
    return rc == ENGINE_ABSENT ? problem(STORE_CORRUPT, "the unique key %s refers to no object",
                                         definition->unique[iter->index].label) : rc;
}

static int keep_item(store_iter *iter, const struct view *view, struct slice name, const char *index_key,
                     struct slice row, bool typed)
{
    struct item *item = &iter->items[iter->count];
    struct record record;
    int rc = STORE_OK;

    switch (record_read(&record, row.data, row.size, iter->options.bodies)) {
    case RECORD_OK:
        break;
    case RECORD_NEWER:
        return problem(STORE_UNSUPPORTED_FORMAT, "a record was written by a newer libstore");
    case RECORD_DAMAGED:
        return problem(STORE_CORRUPT, "the record of %.*s is damaged", (int)name.size, (const char *)name.data);
    }
    rc = tree_follow(&record, view);
    if (rc == STORE_OK)
        rc = stat_node(&item->stat, view, &record, typed);
    if (rc != STORE_OK)
        return rc;
    item->has_body = false;
    item->name = keep_text(iter, name.data, name.size);
    item->index_key = index_key ? keep_text(iter, index_key, strlen(index_key)) : SIZE_MAX;
    if (iter->options.bodies)
        rc = keep_body(iter, item, view, &record);
    if (iter->texts.failed)
        return problem(STORE_NO_MEMORY, "no memory for a listing");
    iter->count++;
    iter->given++;
    return rc;
}

static int add(store_iter *iter, struct view *view, const struct definition *definition, struct slice key,
               struct slice value)
{
    struct slice entry = slice_of((const char *)key.data + SCOPE_PREFIX, key.size - SCOPE_PREFIX), row = value;
    char name[STORE_NAME_MAX + 1], *text = NULL;
    size_t size;
    int rc = STORE_OK;

    if (iter->index != BY_ENTRY)
        rc = follow(&entry, &row, &text, view, iter, definition, key, value);
    if (rc == STORE_OK)
        rc = tree_entry_name(name, &size, definition, entry);
    if (rc == STORE_OK && (!iter->prefix || strncmp(text ? text : name, iter->prefix, strlen(iter->prefix)) == 0))
        rc = keep_item(iter, view, slice_of(name, size), text, row, definition);
    free(text);
    return rc;
}

static int seek_first(store_iter *iter, struct engine_cursor *cursor, struct slice *key, struct slice *value)
{
    struct key from = iter->position.size ? iter->position : iter->range;
    int rc;

    if (iter->options.reverse) {
        struct key after = key_after_prefix(&iter->range);
        bool beyond = !iter->position.size || memcmp(iter->position.bytes, after.bytes,
                                                     after.size < from.size ? after.size : from.size) >= 0;
        return engine_seek_before(cursor, key_slice(beyond ? &after : &from), key, value);
    }
    if (iter->position.size && memcmp(from.bytes, iter->range.bytes,
                                      from.size < iter->range.size ? from.size : iter->range.size) < 0)
        from = iter->range; /* `after` lies before the range */
    rc = engine_seek(cursor, key_slice(&from), key, value);
    if (rc == STORE_OK && iter->position.size && slice_equal(*key, key_slice(&iter->position)))
        rc = engine_next(cursor, key, value);
    return rc;
}

/* Rows that a cursor passed: borrowed, as long as its snapshot. */
struct run {
    struct slice keys[RUN_ROWS], values[RUN_ROWS];
    size_t count;
    bool last; /* nothing of the range follows */
};

/* Reads on from the row `key`, which the cursor stands at. Doing nothing else meanwhile keeps the waits for
 * memory, one or two a row, side by side; so does asking for the records before they are read. */
static int read_run(struct run *out, const store_iter *iter, struct engine_cursor *cursor, struct slice *key,
                    struct slice *value)
{
    size_t most = iter->capacity - iter->count < RUN_ROWS ? iter->capacity - iter->count : RUN_ROWS;
    int rc = STORE_OK;

    out->count = 0;
    while (rc == STORE_OK && key_has_prefix(*key, &iter->range) && out->count < most) {
        __builtin_prefetch(value->data);
        __builtin_prefetch((const char *)value->data + RECORD_HEADER);
        out->keys[out->count] = *key;
        out->values[out->count++] = *value;
        rc = iter->options.reverse ? engine_prev(cursor, key, value) : engine_next(cursor, key, value);
    }
    out->last = rc == ENGINE_ABSENT || (rc == STORE_OK && !key_has_prefix(*key, &iter->range));
    return rc;
}

static bool limit_reached(const store_iter *iter)
{
    return iter->options.limit && iter->given >= iter->options.limit;
}

static bool page_full(const store_iter *iter)
{
    return iter->count == iter->capacity || iter->texts.size > PAGE_BYTES || limit_reached(iter);
}

/* Takes as much of the run into the page as there is room for; `*seen` is the key of the last. */
static int take_run(store_iter *iter, struct view *view, const struct definition *definition, const struct run *run,
                    struct slice *seen)
{
    size_t i;
    int rc = STORE_OK;

    for (i = 0; i < run->count && rc == STORE_OK && !page_full(iter); i++) {
        rc = add(iter, view, definition, run->keys[i], run->values[i]);
        if (rc == STORE_OK)
            *seen = run->keys[i];
    }
    iter->ended = (run->last && i == run->count) || limit_reached(iter);
    return rc;
}

static int fill(store_iter *iter, struct view *view, const struct definition *definition)
{
    struct slice key, value, seen = { NULL, 0 };
    struct engine_cursor cursor;
    struct run run;
    int rc = engine_cursor_open(&cursor, view->snapshot), taken = STORE_OK;

    if (rc != STORE_OK)
        return rc;
    rc = seek_first(iter, &cursor, &key, &value);
    iter->ended = rc == ENGINE_ABSENT;
    while (rc == STORE_OK && taken == STORE_OK && !iter->ended && !page_full(iter)) {
        rc = read_run(&run, iter, &cursor, &key, &value);
        if (rc >= 0)
            taken = take_run(iter, view, definition, &run, &seen);
    }
    if (seen.size > 0) {
        iter->position.size = 0;
        key_add(&iter->position, seen.data, seen.size);
    }
    engine_cursor_close(&cursor);
    return taken < 0 ? taken : rc < 0 ? rc : STORE_OK;
}

static int next_page(store_iter *iter)
{
    const struct address address = { .location = iter->location, .base = iter->options.base };
    const struct definition *definition;
    char space[STORE_LOCATION_MAX + 1];
    struct location location;
    struct view view;
    uint64_t scope;
    bool own;
    store_txn *pin = NULL;
    int rc = STORE_OK;

    /* With bodies a page sees both files as of one commit. */
    if (iter->options.bodies && !iter->options.txn)
        rc = txn_pin(&pin, iter->store);
    if (rc == STORE_OK)
        rc = view_open(&view, &own, iter->store, pin ? pin : iter->options.txn);
    if (rc != STORE_OK) {
        if (pin)
            txn_unpin(pin);
        return rc;
    }
    iter->count = iter->at = 0;
    buffer_clear(&iter->texts);
    rc = tree_collection_at(&scope, &definition, &location, space, &view, &address);
    if (rc == STORE_OK && (scope != iter->scope || (definition ? definition->version : 0) != iter->definition_version))
        rc = problem(STORE_PRECONDITION_FAILED, "the collection was replaced or redefined meanwhile");
    if (rc == STORE_OK)
        rc = fill(iter, &view, definition);
    view_close(&view, own);
    if (pin)
        txn_unpin(pin);
    return rc;
}

int store_iter_next(store_entry *out, store_iter *iter)
{
    const struct item *item;
    int rc = STORE_OK;

    store_enter();
    *out = (store_entry){ 0 };
    if (iter->at == iter->count && iter->ended)
        return STORE_END;
    if (iter->at == iter->count)
        rc = next_page(iter);
    if (rc != STORE_OK) {
        iter->count = iter->at = 0;
        problem_location(iter->location);
        return rc;
    }
    if (iter->at == iter->count)
        return STORE_END;
    item = &iter->items[iter->at++];
    out->name = iter->texts.data + item->name;
    out->stat = &item->stat;
    out->index_key = item->index_key == SIZE_MAX ? NULL : iter->texts.data + item->index_key;
    if (item->has_body) {
        out->body = iter->texts.data + item->body;
        out->body_size = item->body_size;
    }
    return STORE_OK;
}

void store_iter_close(store_iter *iter)
{
    if (!iter)
        return;
    buffer_release(&iter->texts);
    free(iter->items);
    free(iter->location);
    free(iter->prefix);
    free(iter);
}

/* -------------------------------------------------------------------- find */

/* The whole location of the entry `name` of the collection. */
static int give_location(char **out, store *s, const struct address *collection, const char *name, store_txn *txn)
{
    char space[STORE_LOCATION_MAX + 1], found[STORE_LOCATION_MAX + 1];
    struct location location;
    struct view view;
    bool own;
    int rc = view_open(&view, &own, s, txn);

    if (rc != STORE_OK)
        return rc;
    rc = tree_locate(&location, space, &view, collection);
    view_close(&view, own);
    if (rc == STORE_OK)
        rc = tree_join(found, location.text, slice_text(name));
    if (rc != STORE_OK)
        return rc;
    *out = strdup(found);
    return *out ? STORE_OK : problem(STORE_NO_MEMORY, "no memory for a location");
}

int store_find(char **location, store *s, const char *collection, const store_field *fields, size_t count,
               const store_get_options *options)
{
    store_list_options list = STORE_LIST_OPTIONS_INIT;
    struct address address;
    store_iter *iter;
    store_entry first;
    int rc;

    store_enter();
    *location = NULL;
    rc = get_options_check(&options);
    if (rc == STORE_OK && options->if_id)
        rc = problem(STORE_BAD_ARGUMENT, "what is looked for by its key is not named by its id");
    if (rc != STORE_OK)
        return rc;
    address = get_address(collection, options);
    list.txn = options->txn;
    list.base = options->base;
    list.where = fields;
    list.where_count = count;
    list.limit = 2; /* to see whether it is the only one */
    rc = store_iter_open(&iter, s, collection, &list);
    if (rc != STORE_OK || !iter)
        return rc;
    rc = store_iter_next(&first, iter);
    if (rc == STORE_END)
        rc = problem(STORE_NOT_FOUND, "no object of the collection has this key");
    else if (rc == STORE_OK && iter->count > 1)
        rc = problem(STORE_BAD_ARGUMENT, "these are not all the properties of a key");
    if (rc == STORE_OK && first.name)
        rc = give_location(location, s, &address, first.name, options->txn);
    store_iter_close(iter);
    if (rc < 0)
        problem_location(collection);
    return rc;
}
