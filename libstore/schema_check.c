/* schema_check.c - the keywords of single values: types, constants, numbers, strings. */
#include "schema_private.h"

#include <inttypes.h>

static struct slice number_text(const struct doc *doc, doc_id id)
{
    return slice_of(doc_at(doc, id)->text, doc_at(doc, id)->text_size);
}

/* The subject as text for a detail. */
static const char *quote(char out[EXCERPT_SIZE], const struct run *run, struct subject subject)
{
    if (subject.name)
        return excerpt(out, value_string(run->doc, subject));
    return excerpt_value(out, run->doc, subject.id);
}

bool check_type(struct run *run, const struct rule *rule, struct subject subject, unsigned type)
{
    char value[EXCERPT_SIZE], names[EXCERPT_SIZE];

    if (rule->types & type)
        return true;
    if (run->silent > 0)
        return false;
    return run_fail(run, subject, "is %s, must be %s", quote(value, run, subject), type_names(names, rule->types));
}

static bool among(struct run *run, const struct constants *constants, struct subject subject, uint64_t hash)
{
    const struct constant *items = constants->items;
    uint32_t low = 0, high = constants->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (items[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < constants->count && items[low].hash == hash; low++) {
        const struct doc_node *node = doc_at(run->schema->doc, items[low].value);

        if (!run_charge(run, 1 + node->text_size / 16))
            return false;
        if (subject.name ? node->type == DOC_STRING && slice_equal(doc_string(run->schema->doc, items[low].value),
                                                                   value_string(run->doc, subject))
                         : doc_equal(run->schema->doc, items[low].value, run->doc, subject.id))
            return true;
    }
    return false;
}

bool check_value(struct run *run, const struct rule *rule, struct subject subject)
{
    char value[EXCERPT_SIZE], wanted[EXCERPT_SIZE];
    const struct doc *constants = run->schema->doc;
    uint64_t work = 0, hash;
    bool ok = true;

    hash = subject.name ? value_hash_string(value_string(run->doc, subject))
                        : value_hash(run->doc, subject.id, &work);
    if (!run_charge(run, work))
        return false;
    if (rule->one.source != DOC_NONE && !among(run, &rule->one, subject, hash))
        ok = run_fail(run, subject, "is %s, must be %s", quote(value, run, subject),
                      excerpt(wanted, number_text(constants, rule->one.source)));
    if (run_goes_on(run, ok) && rule->any.source != DOC_NONE && !among(run, &rule->any, subject, hash))
        ok = run_fail(run, subject, "is %s, must be one of %s", quote(value, run, subject),
                      excerpt(wanted, number_text(constants, rule->any.source)));
    return ok;
}

static const struct limit {
    size_t field;
    int low, high; /* what a comparison with the limit may give */
    const char *words;
} limits[] = {
    { offsetof(struct rule, minimum), 0, 1, "at least" },
    { offsetof(struct rule, maximum), -1, 0, "at most" },
    { offsetof(struct rule, exclusive_minimum), 1, 1, "greater than" },
    { offsetof(struct rule, exclusive_maximum), -1, -1, "less than" },
};

static bool check_limit(struct run *run, const struct limit *limit, struct slice wanted, struct subject subject)
{
    char value[EXCERPT_SIZE], text[EXCERPT_SIZE];
    int order = doc_number_compare(number_text(run->doc, subject.id), wanted);

    order = (order > 0) - (order < 0);
    if (order >= limit->low && order <= limit->high)
        return true;
    return run_fail(run, subject, "is %s, must be %s %s", quote(value, run, subject), limit->words,
                    excerpt(text, wanted));
}

bool check_number(struct run *run, const struct rule *rule, struct subject subject)
{
    struct slice number = number_text(run->doc, subject.id);
    char value[EXCERPT_SIZE], wanted[EXCERPT_SIZE];
    bool ok = true;

    if (!run_charge(run, number.size / 8))
        return false;
    for (size_t i = 0; i < sizeof limits / sizeof *limits && run_goes_on(run, ok); i++) {
        const struct slice *limit = (const void *)((const char *)rule + limits[i].field);

        if (limit->data != NULL)
            ok = check_limit(run, &limits[i], *limit, subject) && ok;
    }
    if (run_goes_on(run, ok) && rule->multiple_of.data != NULL && !doc_number_multiple(number, rule->multiple_of))
        ok = run_fail(run, subject, "is %s, must be a multiple of %s", quote(value, run, subject),
                      excerpt(wanted, rule->multiple_of));
    return ok;
}

/* Code points of UTF-8 that is known to be valid. */
static uint64_t count_characters(struct slice text)
{
    const unsigned char *at = text.data;
    uint64_t count = 0;

    for (size_t i = 0; i < text.size; i++)
        count += (at[i] & 0xC0) != 0x80;
    return count;
}

static bool check_length(struct run *run, const struct rule *rule, struct subject subject, struct slice text)
{
    uint64_t length;

    /* Mostly the size tells: a character is 1 to 4 bytes. */
    if (text.size <= rule->max_length && text.size / 4 >= rule->min_length)
        return true;
    if (!run_charge(run, text.size / 64))
        return false;
    length = count_characters(text);
    if (length < rule->min_length)
        return run_fail(run, subject, "is shorter than %" PRIu64 " characters", rule->min_length);
    if (length > rule->max_length)
        return run_fail(run, subject, "is longer than %" PRIu64 " characters", rule->max_length);
    return true;
}

bool check_string(struct run *run, const struct rule *rule, struct subject subject)
{
    struct slice text = value_string(run->doc, subject);
    char pattern[EXCERPT_SIZE];
    bool ok = check_length(run, rule, subject, text);

    if (run_goes_on(run, ok) && rule->pattern != NULL && !run_match(run, rule->pattern, text, subject))
        ok = run_fail(run, subject, "does not match the pattern %s",
                      excerpt(pattern, pattern_text(rule->pattern)));
    return ok;
}
