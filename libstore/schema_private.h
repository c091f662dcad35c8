/* schema_private.h - the compiled form of a schema, shared by schema_*.c only.
 * Everything hangs on the schema's arena; after the compilation nothing in it changes. */
#ifndef STORE_SCHEMA_PRIVATE_H
#define STORE_SCHEMA_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doc.h"
#include "schema.h"
#include "slice.h"

#define SCHEMA_NESTING_MAX 128     /* schemas within schemas, as written */
#define SCHEMA_CHAIN_MAX 128       /* schemas applied to one and the same value, one inside the other */
#define SCHEMA_RULES_MAX 65536
#define SCHEMA_PATTERNS_MAX 1024
#define SCHEMA_PATTERN_SIZE_MAX 4096
#define SCHEMA_CHECK_DEPTH_MAX 2048 /* rules in progress during one validation */
#define SCHEMA_WORK 10000000u       /* steps of a validation, */
#define SCHEMA_WORK_PER_NODE 64u    /* and for each node of the document */
#define SCHEMA_REPORTS_MAX 1000     /* violations and faults that are written down */

struct rule;
struct pattern;
struct patterns;

struct rule_list {
    struct rule **items;
    uint32_t count;
};

struct name_list {
    struct slice *items;
    uint32_t count;
};

/* The values of an `enum`, or the one of a `const`, in ascending order of their hashes. */
struct constants {
    struct constant {
        uint64_t hash;
        doc_id value; /* in the schema's doc */
    } *items;
    uint32_t count;
    doc_id source; /* the keyword's value; DOC_NONE if the keyword is absent */
};

/* Everything one schema says about members of one name. */
struct name {
    struct slice text;
    struct rule *rule; /* from `properties`; NULL if the name is not there */
    bool required;
    uint32_t property; /* index of the schema_property; of names of the root only */
    struct name_list dependents;
    struct rule *dependent_rule;
};

/* Open addressing: slots hold index + 1 of a name, 0 is free. */
struct names {
    struct name *items;
    struct name_slot {
        uint32_t hash;
        uint32_t name;
    } *slots;
    uint64_t seed; /* so that nobody can choose names that collide */
    uint32_t count;
    uint32_t mask;
    uint32_t required; /* how many of them are */
};

struct pattern_rules {
    struct pattern_rule {
        const struct pattern *pattern;
        struct rule *rule;
    } *items;
    uint32_t count;
};

/* Which groups of keywords a rule has. */
enum rule_part {
    PART_VALUE = 1 << 0,
    PART_NUMBER = 1 << 1,
    PART_STRING = 1 << 2,
    PART_ARRAY = 1 << 3,
    PART_OBJECT = 1 << 4,
    PART_APPLY = 1 << 5, /* schemas for the same value */
};

enum rule_visit { VISIT_NONE, VISIT_OPEN, VISIT_DONE };

/* One compiled schema. An absent rule is NULL, an absent number has no data. */
struct rule {
    uint8_t parts;
    uint8_t types;    /* from `type` alone */
    uint8_t narrowed; /* and from const, enum, $ref, allOf */
    uint8_t visit;
    bool never;       /* the schema `false` */
    bool unique_items;
    uint16_t height;  /* longest chain of rules for the same value below this one */
    doc_id source;    /* in the schema's doc */
    struct names names;
    struct rule *additional;
    struct pattern_rules pattern_rules;
    struct rule *property_names;
    uint64_t min_properties, max_properties;
    uint64_t min_length, max_length;
    const struct pattern *pattern;
    struct slice minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;
    struct constants one, any; /* const and enum */
    struct rule_list prefix;
    struct rule *items, *contains;
    uint64_t min_items, max_items, min_contains, max_contains;
    struct rule *reference, *negated, *condition, *then, *otherwise;
    struct rule_list all_of, any_of, one_of;
    doc_id reference_source;
    struct rule *next; /* of all rules */
};

struct schema {
    struct doc *doc; /* a copy of the schema's own, only read once it is compiled */
    char *text;      /* of doc */
    struct schema_block *blocks;
    struct patterns *patterns;
    uint64_t seed; /* of all names */
    struct rule *root;
    struct rule *rules; /* all, outer before inner */
    struct schema_property *properties;
    size_t property_count;
};

/* Zeroed memory that lives as long as the schema; NULL without memory. */
void *schema_alloc(struct schema *schema, size_t count, size_t size);

/* --- schema_report.c: violations and faults */

/* Writes violations of nodes below `root` down; those beyond SCHEMA_REPORTS_MAX, and those that are
 * too costly to locate, are only counted. */
struct report {
    const struct doc *doc;
    doc_id root;
    const char *prefix;
    size_t count;
    uint64_t walked; /* what finding indexes has cost */
    bool no_memory;
};

#define EXCERPT_SIZE 72

/* A text for a one-line detail: cut at 60 bytes between characters, control characters blank. */
const char *excerpt(char out[EXCERPT_SIZE], struct slice text);
/* The value of a node likewise; containers as "an array", "an object". */
const char *excerpt_value(char out[EXCERPT_SIZE], const struct doc *doc, doc_id id);
/* "a string or null", for type bits. */
const char *type_names(char out[EXCERPT_SIZE], unsigned types);
/* `member` (may be NULL) names a member of `node` that is not there. */
__attribute__((format(printf, 4, 5))) void report(struct report *r, doc_id node, const struct slice *member,
                                                  const char *format, ...);
__attribute__((format(printf, 4, 0))) void report_list(struct report *r, doc_id node,
                                                       const struct slice *member, const char *format,
                                                       __builtin_va_list arguments);

/* --- schema_compile.c, schema_keywords.c, schema_names.c, schema_link.c: the compilation */

struct compiler {
    struct schema *schema;
    struct doc *doc; /* of the schema */
    struct rule **rule_of; /* by doc_id: the rule of a node that is a schema */
    struct rule *newest;
    struct report faults;
    unsigned nesting;
    bool cyclic;
    bool no_memory;
};

static inline const struct doc_node *node_at(const struct compiler *c, doc_id id)
{
    return doc_at(c->doc, id);
}

/* Memory of the schema for `count` things; NULL for none, and (no_memory) without memory. */
void *compiler_allocate(struct compiler *c, size_t count, size_t size);
/* Whether the value is of one of the types (bits); else that is a fault. */
bool compiler_expect(struct compiler *c, doc_id value, unsigned types);

struct keyword {
    const char *name;
    void (*compile)(struct compiler *c, struct rule *rule, doc_id value, const struct keyword *keyword);
    size_t field;  /* where in struct rule the value goes; of an annotation: the types allowed */
    unsigned part; /* enum rule_part */
};
/* NULL: there is none of this name. */
const struct keyword *keyword_find(struct slice name);

/* Compiles the node and all below it. Never NULL but without memory: a faulty schema
 * becomes one that allows everything, so that compiling can go on. */
struct rule *compile_rule(struct compiler *c, doc_id id);
/* Resolves every $ref, refuses loops, narrows types, makes the list of properties. */
void link_rules(struct compiler *c);

/* Makes room for `count` names. False: no memory. */
bool names_init(struct names *names, struct schema *schema, size_t count);
struct name *names_add(struct names *names, struct slice text);
struct name *names_find(const struct names *names, const char *text, size_t size);
/* The same for the members of an object in turn. They mostly come in the order in which the schema has them:
 * the name at `*next`, 0 at first, is tried before any is searched for. */
struct name *names_find_next(const struct names *names, uint32_t *next, const char *text, size_t size);

/* --- schema_value.c: values of any type */

/* Equal values have equal hashes: numbers by value, objects without order. Adds what it
 * cost to `*work`. */
uint64_t value_hash(struct doc *doc, doc_id id, uint64_t *work);
uint64_t value_hash_string(struct slice text);

/* What a rule is applied to: the value of a node, or the `name` of the member at the node. */
struct subject {
    doc_id id;
    bool name;
};
unsigned value_type(const struct doc *doc, struct subject subject); /* one of enum schema_types */
/* The value of a subject that is a string. */
struct slice value_string(struct doc *doc, struct subject subject);

/* --- schema_pattern.c: PCRE2 */

enum pattern_result { PATTERN_MATCHES, PATTERN_DIFFERS, PATTERN_LIMIT, PATTERN_NO_MEMORY };

/* What one validation keeps for its matches. */
struct pattern_scratch {
    void *match; /* made at the first match */
};

/* Compiles into the set `*patterns` (made at the first). False: see `why`, or it is empty without
 * memory. */
bool pattern_compile(const struct pattern **out, struct patterns **patterns, struct slice text, char *why,
                     size_t why_size);
struct slice pattern_text(const struct pattern *pattern);
/* Whether it matches anywhere in `text`. Takes what it may have cost from `*budget`. */
enum pattern_result pattern_match(const struct pattern *pattern, struct pattern_scratch *scratch,
                                  struct slice text, uint64_t *budget);
void pattern_scratch_release(struct pattern_scratch *scratch);
void patterns_free(struct patterns *patterns);

/* --- schema_validate.c, schema_check.c: the validation */

struct run {
    const struct schema *schema;
    struct doc *doc;
    struct report violations;
    struct pattern_scratch scratch;
    uint64_t budget;
    unsigned depth;
    unsigned silent; /* > 0: only yes or no is asked, nothing is written down */
    bool exhausted;
    bool no_memory;
};

static inline bool run_stopped(const struct run *run)
{
    return run->exhausted || run->no_memory;
}

/* After a failure a silent run has its answer; a loud one looks for more. */
static inline bool run_goes_on(const struct run *run, bool ok)
{
    return !run_stopped(run) && (ok || run->silent == 0);
}

/* Takes `work` from the budget. False: there is none left. */
bool run_charge(struct run *run, uint64_t work);
/* Records a violation unless silent; always false. */
__attribute__((format(printf, 3, 4))) bool run_fail(struct run *run, struct subject subject,
                                                    const char *format, ...);
/* Whether a pattern matches. A limit that was hit is a violation even in a silent run: else `not`
 * would turn it into a yes. */
bool run_match(struct run *run, const struct pattern *pattern, struct slice text, struct subject subject);

/* Checks node `id` against a rule, writing violations to `violations` and taking the work from
 * `*budget`. False: no memory. */
bool run_rule(const struct schema *schema, const struct rule *rule, struct doc *doc, doc_id id,
              struct report *violations, uint64_t *budget);
bool rule_check(struct run *run, const struct rule *rule, struct subject subject);
bool check_type(struct run *run, const struct rule *rule, struct subject subject, unsigned type);
bool check_value(struct run *run, const struct rule *rule, struct subject subject);
bool check_number(struct run *run, const struct rule *rule, struct subject subject);
bool check_string(struct run *run, const struct rule *rule, struct subject subject);
bool check_array(struct run *run, const struct rule *rule, struct subject subject);
bool check_object(struct run *run, const struct rule *rule, struct subject subject);

#endif
