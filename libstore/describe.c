/* describe.c - what goes with a body or a collection: metadata, definitions, the location of an object. */
#include <stdlib.h>
#include <string.h>

#include "stat.h"
#include "tree.h"
#include "txn.h"
#include "typed.h"

/* The caller's own copy, with a NUL behind it; without memory NULL and the code. */
static char *give(int *code, size_t *size, struct slice text)
{
    char *copy = malloc(text.size + 1);

    if (!copy) {
        *code = problem(STORE_NO_MEMORY, "no memory for the answer");
        return NULL;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *size = text.size;
    return copy;
}

/* Opens the view, and says what is named. */
static int begin(struct view *view, bool *own, struct address *address, store *s, const char *location,
                 const store_get_options *options)
{
    int rc = get_options_check(&options);

    *address = get_address(location, options);
    return rc == STORE_OK ? view_open(view, own, s, options->txn) : rc;
}

/* Closes the view; an error is about `location`. */
static int end(struct view *view, bool own, int rc, const char *location)
{
    view_close(view, own);
    if (rc < 0)
        problem_location(location);
    return rc;
}

int store_meta_get(void **value, size_t *size, store *s, const char *location, const char *name,
                   const store_get_options *options)
{
    struct address address;
    struct target target;
    struct record record;
    struct slice found;
    struct view view;
    bool own;
    int rc;

    store_enter();
    *value = NULL;
    *size = 0;
    rc = begin(&view, &own, &address, s, location, options);
    if (rc != STORE_OK)
        return rc;
    rc = tree_find(&record, &target, &view, &address);
    if (rc == STORE_OK && !attribute_find(record.attributes, ATTRIBUTE_META, slice_text(name), &found))
        rc = problem(STORE_NOT_FOUND, "there is no metadata %s", name);
    if (rc == STORE_OK)
        *value = give(&rc, size, found);
    return end(&view, own, rc, location);
}

int store_meta_list(store_meta **items, size_t *count, store *s, const char *location,
                    const store_get_options *options)
{
    struct address address;
    struct target target;
    struct record record;
    struct view view;
    bool own;
    int rc;

    store_enter();
    *items = NULL;
    *count = 0;
    rc = begin(&view, &own, &address, s, location, options);
    if (rc != STORE_OK)
        return rc;
    rc = tree_find(&record, &target, &view, &address);
    if (rc == STORE_OK)
        rc = metadata_copy(items, count, record.attributes, 0);
    return end(&view, own, rc, location);
}

/* The definition of the collection `location`, while its view is open. */
static int collection_at(uint64_t *id, const struct definition **definition, struct location *parsed, char *space,
                         struct view *view, const struct address *address)
{
    int rc = tree_collection_at(id, definition, parsed, space, view, address);

    if (rc == STORE_OK && !*definition)
        rc = problem(STORE_NOT_FOUND, "the collection is plain: it has no definition");
    return rc;
}

int store_definition_get(char **text, size_t *size, store *s, const char *location, const store_get_options *options)
{
    const struct definition *definition;
    char space[STORE_LOCATION_MAX + 1];
    struct address address;
    struct location parsed;
    struct view view;
    uint64_t id;
    bool own;
    int rc;

    store_enter();
    *text = NULL;
    *size = 0;
    rc = begin(&view, &own, &address, s, location, options);
    if (rc != STORE_OK)
        return rc;
    rc = collection_at(&id, &definition, &parsed, space, &view, &address);
    if (rc == STORE_OK)
        *text = give(&rc, size, slice_of(definition->text, definition->text_size));
    return end(&view, own, rc, location);
}

static int locate(char **out, const struct definition *definition, struct slice parent, uint64_t scope,
                  const void *body, size_t size)
{
    struct key_value values[KEY_PARTS_MAX];
    char name[STORE_NAME_MAX + 1], location[STORE_LOCATION_MAX + 1];
    struct target target = { 0 };
    struct doc doc = DOC_INIT;
    enum key_state state;
    int rc = typed_parse(&doc, body, size);

    if (rc == STORE_OK)
        rc = typed_require_object(&doc, doc.root);
    if (rc == STORE_OK && definition->key.count == 0)
        rc = problem(STORE_KEY_REQUIRED, "the collection is unordered: objects have no key");
    if (rc == STORE_OK) {
        state = typed_key(values, definition, &doc, doc.root);
        rc = state == KEY_FOUND ? tree_target_by_key(&target, parent, scope, definition, values, name)
                                : typed_key_problem(state, definition);
    }
    if (rc == STORE_OK)
        rc = tree_location(location, &target);
    if (rc == STORE_OK) {
        *out = strdup(location);
        rc = *out ? STORE_OK : problem(STORE_NO_MEMORY, "no memory for a location");
    }
    doc_release(&doc);
    return rc;
}

int store_locate(char **location, store *s, const char *collection, const void *body, size_t size,
                 const store_get_options *options)
{
    const struct definition *definition;
    char space[STORE_LOCATION_MAX + 1];
    struct address address;
    struct location parsed;
    struct view view;
    uint64_t id;
    bool own;
    int rc;

    store_enter();
    *location = NULL;
    rc = begin(&view, &own, &address, s, collection, options);
    if (rc != STORE_OK)
        return rc;
    rc = collection_at(&id, &definition, &parsed, space, &view, &address);
    if (rc == STORE_OK)
        rc = locate(location, definition, parsed.text, id, body, size);
    return end(&view, own, rc, collection);
}
