/* schema.c - a schema's life, and what it says about its top-level properties. */
#include "schema_private.h"

#include <stdlib.h>
#include <sys/random.h>

#include "store.h"

#define BLOCK_SIZE 4096

struct schema_block {
    struct schema_block *next;
    size_t used, size;
    _Alignas(max_align_t) char data[];
};

void *schema_alloc(struct schema *schema, size_t count, size_t size)
{
    struct schema_block *block = schema->blocks;
    size_t total, room;

    if (__builtin_mul_overflow(count, size, &total) || total > SIZE_MAX / 2)
        return NULL;
    total = (total + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    if (block == NULL || block->size - block->used < total) {
        room = total > BLOCK_SIZE ? total : BLOCK_SIZE;
        block = calloc(1, sizeof *block + room);
        if (block == NULL)
            return NULL;
        block->size = room;
        block->next = schema->blocks;
        schema->blocks = block;
    }
    block->used += total;
    return block->data + block->used - total;
}

/* Copies the node's text into a doc of the schema's own. */
static bool copy_doc(struct schema *schema, const struct doc *from, doc_id root)
{
    struct buffer text = BUFFER_INIT;
    struct doc_error error;
    size_t size;

    doc_write(from, root, &text);
    size = text.size;
    schema->text = buffer_detach(&text);
    schema->doc = schema_alloc(schema, 1, sizeof *schema->doc);
    return schema->text != NULL && schema->doc != NULL && doc_parse(schema->doc, schema->text, size, &error);
}

/* An upper bound, known before anything is compiled. */
static bool too_many_rules(const struct doc *doc)
{
    size_t count = 0;

    for (doc_id id = 1; id < doc->count; id++)
        count += doc_at(doc, id)->type == DOC_OBJECT || doc_at(doc, id)->type == DOC_TRUE ||
                 doc_at(doc, id)->type == DOC_FALSE;
    return count > SCHEMA_RULES_MAX;
}

static void compile(struct compiler *c)
{
    doc_id root = c->doc->root;
    enum doc_type type = (enum doc_type)doc_at(c->doc, root)->type;

    if (type != DOC_OBJECT && type != DOC_TRUE) {
        report(&c->faults, root, NULL, "must be an object or true");
    } else if (too_many_rules(c->doc)) {
        report(&c->faults, root, NULL, "holds more than %d objects and booleans", SCHEMA_RULES_MAX);
    } else {
        c->schema->root = compile_rule(c, root);
        if (c->schema->root != NULL)
            link_rules(c);
    }
}

int schema_compile(struct schema **out, struct doc *doc, doc_id root, const char *base)
{
    struct schema *schema = calloc(1, sizeof *schema);
    struct compiler c = { .schema = schema };
    int code = STORE_NO_MEMORY;

    *out = NULL;
    if (schema == NULL || !copy_doc(schema, doc, root))
        goto out;
    /* Without randomness the addresses still differ. */
    if (getrandom(&schema->seed, sizeof schema->seed, GRND_NONBLOCK) != (ssize_t)sizeof schema->seed)
        schema->seed = (uintptr_t)schema;
    c.doc = schema->doc;
    c.faults = (struct report){ .doc = c.doc, .root = c.doc->root, .prefix = base };
    c.rule_of = calloc(c.doc->count, sizeof(struct rule *));
    if (c.rule_of == NULL)
        goto out;
    compile(&c);
    if (c.no_memory || c.faults.no_memory)
        goto out;
    code = c.faults.count > 0 ? STORE_INVALID_VALUE : STORE_OK;
out:
    free(c.rule_of);
    if (code == STORE_OK)
        *out = schema;
    else
        schema_free(schema);
    return code;
}

void schema_free(struct schema *schema)
{
    struct schema_block *next;

    if (schema == NULL)
        return;
    patterns_free(schema->patterns);
    if (schema->doc != NULL)
        doc_release(schema->doc);
    for (struct schema_block *block = schema->blocks; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(schema->text);
    free(schema);
}

size_t schema_property_count(const struct schema *schema)
{
    return schema->property_count;
}

const struct schema_property *schema_property(const struct schema *schema, size_t index)
{
    return &schema->properties[index];
}

const struct schema_property *schema_property_find(const struct schema *schema, const char *name, size_t size)
{
    const struct name *found = names_find(&schema->root->names, name, size);

    return found != NULL && found->rule != NULL ? &schema->properties[found->property] : NULL;
}
