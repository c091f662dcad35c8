/* schema_contents.c - the keywords of objects and arrays: their members and elements. */
#include "schema_private.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- objects */

static bool check_dependents(struct run *run, const struct name *name, doc_id object)
{
    const struct name_list *list = &name->dependents;
    char text[EXCERPT_SIZE];
    bool ok = true;

    for (uint32_t i = 0; i < list->count && run_goes_on(run, ok); i++) {
        if (!run_charge(run, 1 + doc_at(run->doc, object)->count / 4))
            return false;
        if (doc_member(run->doc, object, list->items[i].data, list->items[i].size) != DOC_NONE)
            continue;
        ok = false;
        if (run->silent == 0)
            report(&run->violations, object, &list->items[i], "is required beside %s", excerpt(text, name->text));
    }
    if (run_goes_on(run, ok) && name->dependent_rule != NULL)
        ok = rule_check(run, name->dependent_rule, (struct subject){ .id = object }) && ok;
    return ok;
}

static bool check_by_patterns(struct run *run, const struct rule *rule, doc_id member, bool *named)
{
    const struct pattern_rules *list = &rule->pattern_rules;
    struct subject name = { .id = member, .name = true };
    bool ok = true;

    for (uint32_t i = 0; i < list->count && run_goes_on(run, ok); i++) {
        if (!run_match(run, list->items[i].pattern, value_string(run->doc, name), name))
            continue;
        *named = true;
        ok = rule_check(run, list->items[i].rule, (struct subject){ .id = member }) && ok;
    }
    return ok;
}

static bool check_member(struct run *run, const struct rule *rule, doc_id member, const struct name *name)
{
    struct subject value = { .id = member };
    bool named = name != NULL && name->rule != NULL;
    bool ok = !named || rule_check(run, name->rule, value);

    if (rule->pattern_rules.count > 0 && run_goes_on(run, ok))
        ok = check_by_patterns(run, rule, member, &named) && ok;
    if (!named && rule->additional != NULL && run_goes_on(run, ok))
        ok = rule_check(run, rule->additional, value) && ok;
    if (rule->property_names != NULL && run_goes_on(run, ok))
        ok = rule_check(run, rule->property_names, (struct subject){ .id = member, .name = true }) && ok;
    return ok;
}

/* Some required name is missing: which. */
static void report_missing(struct run *run, const struct rule *rule, doc_id object)
{
    for (uint32_t i = 0; i < rule->names.count && run_goes_on(run, false); i++) {
        const struct name *name = &rule->names.items[i];

        if (!name->required || !run_charge(run, 1 + doc_at(run->doc, object)->count / 4))
            continue;
        if (doc_member(run->doc, object, name->text.data, name->text.size) == DOC_NONE)
            report(&run->violations, object, &name->text, "is required");
    }
}

static bool check_members(struct run *run, const struct rule *rule, doc_id object)
{
    uint32_t required = 0, next = 0;
    bool ok = true;

    for (doc_id at = doc_at(run->doc, object)->first; at != DOC_NONE && run_goes_on(run, ok);
         at = doc_at(run->doc, at)->next) {
        const struct doc_node *node = doc_at(run->doc, at);
        const struct name *name = names_find_next(&rule->names, &next, node->key, node->key_size);

        if (!run_charge(run, 1))
            return false;
        required += name != NULL && name->required;
        ok = check_member(run, rule, at, name) && ok;
        if (name != NULL && (name->dependents.count > 0 || name->dependent_rule != NULL) && run_goes_on(run, ok))
            ok = check_dependents(run, name, object) && ok;
    }
    if (required < rule->names.required && run_goes_on(run, ok)) {
        report_missing(run, rule, object);
        ok = false;
    }
    return ok;
}

bool check_object(struct run *run, const struct rule *rule, struct subject subject)
{
    uint64_t count = doc_at(run->doc, subject.id)->count;
    bool ok = true;

    if (count < rule->min_properties)
        ok = run_fail(run, subject, "has %" PRIu64 " properties, must have at least %" PRIu64, count,
                      rule->min_properties);
    else if (count > rule->max_properties)
        ok = run_fail(run, subject, "has %" PRIu64 " properties, must have at most %" PRIu64, count,
                      rule->max_properties);
    return run_goes_on(run, ok) && check_members(run, rule, subject.id) && ok;
}

/* --- arrays */

#define SMALL_ARRAY 32
#define CONTAINS_COUNT "holds %" PRIu64 " elements that contains asks for, must hold "

struct element {
    uint64_t hash;
    uint32_t index;
    doc_id id;
};

static int compare_elements(const void *a, const void *b)
{
    const struct element *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Elements sorted by hash: equal ones are among those of equal hash. */
static bool check_sorted(struct run *run, const struct element *elements, uint32_t count, struct subject subject)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = i; k > 0 && elements[k - 1].hash == elements[i].hash; k--) {
            const struct element *a = &elements[k - 1], *b = &elements[i];

            if (!run_charge(run, 1 + doc_at(run->doc, a->id)->text_size / 16))
                return false;
            if (doc_equal(run->doc, a->id, run->doc, b->id))
                return run_fail(run, subject, "holds the same value twice, at %" PRIu32 " and at %" PRIu32,
                                a->index, b->index);
        }
    return true;
}

static bool check_unique(struct run *run, struct subject subject)
{
    struct element small[SMALL_ARRAY], *elements = small;
    uint32_t count = doc_at(run->doc, subject.id)->count, i = 0;
    uint64_t work = 0;
    bool ok;

    if (count > SMALL_ARRAY)
        elements = malloc(count * sizeof *elements);
    if (elements == NULL) {
        run->no_memory = true;
        return false;
    }
    for (doc_id at = doc_at(run->doc, subject.id)->first; at != DOC_NONE; at = doc_at(run->doc, at)->next, i++)
        elements[i] = (struct element){ .hash = value_hash(run->doc, at, &work), .index = i, .id = at };
    qsort(elements, count, sizeof *elements, compare_elements);
    ok = run_charge(run, work) && check_sorted(run, elements, count, subject);
    if (elements != small)
        free(elements);
    return ok;
}

static bool check_contains(struct run *run, const struct rule *rule, struct subject subject)
{
    uint64_t count = 0;

    run->silent++;
    for (doc_id at = doc_at(run->doc, subject.id)->first; at != DOC_NONE && !run_stopped(run);
         at = doc_at(run->doc, at)->next)
        count += rule_check(run, rule->contains, (struct subject){ .id = at });
    run->silent--;
    if (count < rule->min_contains)
        return run_fail(run, subject, CONTAINS_COUNT "at least %" PRIu64, count, rule->min_contains);
    if (count > rule->max_contains)
        return run_fail(run, subject, CONTAINS_COUNT "at most %" PRIu64, count, rule->max_contains);
    return true;
}

static bool check_elements(struct run *run, const struct rule *rule, doc_id array)
{
    doc_id at = doc_at(run->doc, array)->first;
    bool ok = true;

    for (uint32_t i = 0; at != DOC_NONE && run_goes_on(run, ok); i++, at = doc_at(run->doc, at)->next) {
        const struct rule *below = i < rule->prefix.count ? rule->prefix.items[i] : rule->items;

        if (below == NULL)
            break;
        ok = rule_check(run, below, (struct subject){ .id = at }) && ok;
    }
    return ok;
}

bool check_array(struct run *run, const struct rule *rule, struct subject subject)
{
    uint64_t count = doc_at(run->doc, subject.id)->count;
    bool ok = true;

    if (count < rule->min_items)
        ok = run_fail(run, subject, "has %" PRIu64 " elements, must have at least %" PRIu64, count,
                      rule->min_items);
    else if (count > rule->max_items)
        ok = run_fail(run, subject, "has %" PRIu64 " elements, must have at most %" PRIu64, count,
                      rule->max_items);
    if (run_goes_on(run, ok))
        ok = check_elements(run, rule, subject.id) && ok;
    if (rule->contains != NULL && run_goes_on(run, ok))
        ok = check_contains(run, rule, subject) && ok;
    if (rule->unique_items && run_goes_on(run, ok))
        ok = check_unique(run, subject) && ok;
    return ok;
}
