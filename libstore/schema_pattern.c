/* schema_pattern.c - `pattern` and `patternProperties` by PCRE2, close to ECMA-262, in bounded time. */
#include "schema_private.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * PCRE2 counts steps for each place in the text anew where a match may begin, and does not tell
 * how many it took. So a match is tried with few steps first, which is enough nearly
 * always and nearly free; a try with more is paid from the budget as if it took them all.
 */
static const struct tier {
    uint32_t steps; /* for each beginning */
    uint32_t price; /* for each beginning */
} tiers[] = { { 64, 0 }, { 4096, 64 }, { 262144, 4096 } };

#define TIERS (sizeof tiers / sizeof *tiers)
#define DEPTH_MAX 100000
#define HEAP_KIB_MAX 16384

struct pattern {
    pcre2_code *code;
    struct slice text;
    const struct patterns *set;
    struct pattern *next;
    bool anchored; /* a match can only begin at the text's beginning */
};

struct patterns {
    pcre2_compile_context *compile;
    pcre2_match_context *match[TIERS];
    struct pattern *list;
    size_t count;
};

/* ECMA-262: "$" is the very end; \uXXXX and \u{X} are code points; \d and \w are ASCII (so no
 * PCRE2_UCP); a group that took no part matches empty; [] matches nothing, [^] everything. */
static const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF |
                                PCRE2_ALLOW_EMPTY_CLASS | PCRE2_NEVER_BACKSLASH_C;

void patterns_free(struct patterns *patterns)
{
    struct pattern *next;

    if (patterns == NULL)
        return;
    for (struct pattern *p = patterns->list; p != NULL; p = next) {
        next = p->next;
        pcre2_code_free(p->code);
        free(p);
    }
    for (size_t i = 0; i < TIERS; i++)
        pcre2_match_context_free(patterns->match[i]);
    pcre2_compile_context_free(patterns->compile);
    free(patterns);
}

static struct patterns *patterns_new(void)
{
    struct patterns *set = calloc(1, sizeof *set);

    if (set == NULL)
        return NULL;
    set->compile = pcre2_compile_context_create(NULL);
    if (set->compile == NULL)
        goto fail;
    pcre2_set_newline(set->compile, PCRE2_NEWLINE_ANYCRLF);
    pcre2_set_compile_extra_options(set->compile, PCRE2_EXTRA_ALT_BSUX);
    for (size_t i = 0; i < TIERS; i++) {
        set->match[i] = pcre2_match_context_create(NULL);
        if (set->match[i] == NULL)
            goto fail;
        pcre2_set_match_limit(set->match[i], tiers[i].steps);
        pcre2_set_depth_limit(set->match[i], DEPTH_MAX);
        pcre2_set_heap_limit(set->match[i], HEAP_KIB_MAX);
    }
    return set;
fail:
    patterns_free(set);
    return NULL;
}

/* False with an empty `why`: no memory. */
static bool compile_code(struct pattern *p, char *why, size_t why_size)
{
    int code;
    PCRE2_SIZE offset;
    uint32_t all = 0;
    char message[128];

    p->code = pcre2_compile(p->text.data, p->text.size, options, &code, &offset, p->set->compile);
    if (p->code == NULL) {
        if (code == PCRE2_ERROR_HEAP_FAILED)
            return false;
        pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
        snprintf(why, why_size, "is no regular expression: %s at byte %zu", message, (size_t)offset);
        return false;
    }
    pcre2_pattern_info(p->code, PCRE2_INFO_ALLOPTIONS, &all);
    p->anchored = (all & PCRE2_ANCHORED) != 0;
    /* Where code may not be generated the interpreter does the same. */
    (void)pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);
    return true;
}

bool pattern_compile(const struct pattern **out, struct patterns **patterns, struct slice text, char *why,
                     size_t why_size)
{
    struct pattern *p;

    why[0] = '\0';
    if (*patterns == NULL && (*patterns = patterns_new()) == NULL)
        return false;
    if (text.size > SCHEMA_PATTERN_SIZE_MAX) {
        snprintf(why, why_size, "is longer than %d bytes", SCHEMA_PATTERN_SIZE_MAX);
        return false;
    }
    if ((*patterns)->count >= SCHEMA_PATTERNS_MAX) {
        snprintf(why, why_size, "is one of more than %d patterns", SCHEMA_PATTERNS_MAX);
        return false;
    }
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return false;
    p->text = text;
    p->set = *patterns;
    p->next = (*patterns)->list;
    (*patterns)->list = p;
    (*patterns)->count++;
    *out = p;
    return compile_code(p, why, why_size);
}

struct slice pattern_text(const struct pattern *pattern)
{
    return pattern->text;
}

static int match_once(const struct pattern *p, pcre2_match_data *data, struct slice text, size_t tier)
{
    pcre2_match_context *limits = p->set->match[tier];
    /* The doc has checked the text: it is UTF-8. */
    int code = pcre2_match(p->code, text.data, text.size, 0, PCRE2_NO_UTF_CHECK, data, limits);

    /* The generated code has a small stack; the interpreter has HEAP_KIB_MAX. */
    if (code == PCRE2_ERROR_JIT_STACKLIMIT)
        code = pcre2_match(p->code, text.data, text.size, 0, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, limits);
    return code;
}

enum pattern_result pattern_match(const struct pattern *pattern, struct pattern_scratch *scratch,
                                  struct slice text, uint64_t *budget)
{
    uint64_t beginnings = pattern->anchored ? 1 : text.size + 1;

    if (scratch->match == NULL)
        scratch->match = pcre2_match_data_create(1, NULL);
    if (scratch->match == NULL)
        return PATTERN_NO_MEMORY;
    for (size_t tier = 0; tier < TIERS; tier++) {
        uint64_t price = beginnings * tiers[tier].price + text.size / 16 + 1;
        int code;

        if (price > *budget)
            return PATTERN_LIMIT;
        *budget -= price;
        code = match_once(pattern, scratch->match, text, tier);
        if (code >= 0)
            return PATTERN_MATCHES;
        if (code == PCRE2_ERROR_NOMATCH)
            return PATTERN_DIFFERS;
        if (code == PCRE2_ERROR_NOMEMORY)
            return PATTERN_NO_MEMORY;
        if (code != PCRE2_ERROR_MATCHLIMIT)
            return PATTERN_LIMIT;
    }
    return PATTERN_LIMIT;
}

void pattern_scratch_release(struct pattern_scratch *scratch)
{
    pcre2_match_data_free(scratch->match);
}
