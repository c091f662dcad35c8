/* schema_validate.c - a value against a rule, and what rules say about the same value in turn.
 * Recursion follows the document and the rules; SCHEMA_CHECK_DEPTH_MAX bounds it. */
#include "schema_private.h"

#include <stdarg.h>
#include <stdio.h>

#include "store.h"

bool run_charge(struct run *run, uint64_t work)
{
    if (run->budget < work) {
        run->budget = 0;
        run->exhausted = true;
        return false;
    }
    run->budget -= work;
    return true;
}

__attribute__((format(printf, 3, 0)))
static void run_report(struct run *run, struct subject subject, const char *format, va_list arguments)
{
    char detail[512];

    if (!subject.name) {
        report_list(&run->violations, subject.id, NULL, format, arguments);
        return;
    }
    vsnprintf(detail, sizeof detail, format, arguments);
    report(&run->violations, subject.id, NULL, "its name %s", detail);
}

bool run_fail(struct run *run, struct subject subject, const char *format, ...)
{
    va_list arguments;

    if (run->silent > 0)
        return false;
    va_start(arguments, format);
    run_report(run, subject, format, arguments);
    va_end(arguments);
    /* Finding an element's index takes a walk: do not repeat it for ever. */
    if (run->violations.count > SCHEMA_REPORTS_MAX)
        run->exhausted = true;
    return false;
}

bool run_match(struct run *run, const struct pattern *pattern, struct slice text, struct subject subject)
{
    unsigned silent = run->silent;
    char name[EXCERPT_SIZE];

    switch (pattern_match(pattern, &run->scratch, text, &run->budget)) {
    case PATTERN_MATCHES:
        return true;
    case PATTERN_DIFFERS:
        return false;
    case PATTERN_LIMIT:
        run->silent = 0;
        run_fail(run, subject, "takes too much work to match with the pattern %s",
                 excerpt(name, pattern_text(pattern)));
        run->silent = silent;
        return false;
    case PATTERN_NO_MEMORY:
        break;
    }
    run->no_memory = true;
    return false;
}

/* Only whether the subject conforms. */
static bool conforms(struct run *run, const struct rule *rule, struct subject subject)
{
    bool ok;

    run->silent++;
    ok = rule_check(run, rule, subject);
    run->silent--;
    return ok;
}

static bool check_all_of(struct run *run, const struct rule_list *list, struct subject subject)
{
    bool ok = true;

    for (uint32_t i = 0; i < list->count && run_goes_on(run, ok); i++)
        ok = rule_check(run, list->items[i], subject) && ok;
    return ok;
}

/* When only one of the schemas is for values of this type, what that one says is what matters. */
static bool explain(struct run *run, const struct rule_list *list, struct subject subject, const char *keyword)
{
    unsigned type = value_type(run->doc, subject);
    const struct rule *only = NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; run->silent == 0 && i < list->count; i++)
        if (list->items[i]->narrowed & type) {
            only = list->items[i];
            count++;
        }
    if (count == 1)
        return rule_check(run, only, subject);
    return run_fail(run, subject, "conforms to none of the schemas of %s", keyword);
}

static bool check_any_of(struct run *run, const struct rule_list *list, struct subject subject)
{
    for (uint32_t i = 0; i < list->count && !run_stopped(run); i++)
        if (conforms(run, list->items[i], subject))
            return true;
    return explain(run, list, subject, "anyOf");
}

static bool check_one_of(struct run *run, const struct rule_list *list, struct subject subject)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < list->count && count < 2 && !run_stopped(run); i++)
        count += conforms(run, list->items[i], subject);
    if (count == 1)
        return true;
    if (count == 0)
        return explain(run, list, subject, "oneOf");
    return run_fail(run, subject, "conforms to more than one of the schemas of oneOf");
}

static bool check_condition(struct run *run, const struct rule *rule, struct subject subject)
{
    const struct rule *then = conforms(run, rule->condition, subject) ? rule->then : rule->otherwise;

    return then == NULL || rule_check(run, then, subject);
}

static bool check_applied(struct run *run, const struct rule *rule, struct subject subject)
{
    bool ok = true;

    if (rule->reference != NULL)
        ok = rule_check(run, rule->reference, subject);
    if (run_goes_on(run, ok))
        ok = check_all_of(run, &rule->all_of, subject) && ok;
    if (run_goes_on(run, ok) && rule->any_of.count > 0)
        ok = check_any_of(run, &rule->any_of, subject) && ok;
    if (run_goes_on(run, ok) && rule->one_of.count > 0)
        ok = check_one_of(run, &rule->one_of, subject) && ok;
    if (run_goes_on(run, ok) && rule->condition != NULL)
        ok = check_condition(run, rule, subject) && ok;
    if (run_goes_on(run, ok) && rule->negated != NULL && conforms(run, rule->negated, subject))
        ok = run_fail(run, subject, "conforms to the schema of not");
    return ok;
}

static bool check_parts(struct run *run, const struct rule *rule, struct subject subject, unsigned type)
{
    bool ok = true;

    if (rule->parts & PART_VALUE)
        ok = check_value(run, rule, subject);
    if (!run_goes_on(run, ok))
        return false;
    if ((rule->parts & PART_NUMBER) && (type & (SCHEMA_INTEGER | SCHEMA_NUMBER)))
        ok = check_number(run, rule, subject) && ok;
    if ((rule->parts & PART_STRING) && (type & SCHEMA_STRING))
        ok = check_string(run, rule, subject) && ok;
    if ((rule->parts & PART_ARRAY) && (type & SCHEMA_ARRAY))
        ok = check_array(run, rule, subject) && ok;
    if ((rule->parts & PART_OBJECT) && (type & SCHEMA_OBJECT))
        ok = check_object(run, rule, subject) && ok;
    if ((rule->parts & PART_APPLY) && run_goes_on(run, ok))
        ok = check_applied(run, rule, subject) && ok;
    return ok && !run_stopped(run);
}

bool rule_check(struct run *run, const struct rule *rule, struct subject subject)
{
    unsigned type = value_type(run->doc, subject);
    bool ok;

    if (!run_charge(run, 1))
        return false;
    if (rule->never)
        return run_fail(run, subject, "is not allowed by the schema");
    if (!check_type(run, rule, subject, type))
        return false;
    if (rule->parts == 0)
        return true;
    if (run->depth == SCHEMA_CHECK_DEPTH_MAX) {
        run->exhausted = true;
        return false;
    }
    run->depth++;
    ok = check_parts(run, rule, subject, type);
    run->depth--;
    return ok;
}

bool run_rule(const struct schema *schema, const struct rule *rule, struct doc *doc, doc_id id,
              struct report *violations, uint64_t *budget)
{
    struct run run = { .schema = schema, .doc = doc, .violations = *violations, .budget = *budget };
    struct subject subject = { .id = id };

    rule_check(&run, rule, subject);
    if (run.exhausted)
        report(&run.violations, id, NULL, "takes too much work to validate");
    pattern_scratch_release(&run.scratch);
    *violations = run.violations;
    *budget = run.budget;
    return !run.no_memory && !run.violations.no_memory;
}

int schema_validate(const struct schema *schema, struct doc *doc, doc_id node, const char *prefix)
{
    struct report violations = { .doc = doc, .root = node, .prefix = prefix };
    uint64_t budget = SCHEMA_WORK + (uint64_t)doc->count * SCHEMA_WORK_PER_NODE;

    if (!run_rule(schema, schema->root, doc, node, &violations, &budget))
        return STORE_NO_MEMORY;
    return violations.count > 0 ? STORE_INVALID_VALUE : STORE_OK;
}
