/*
 * api_test.h - what the tests of the public interface share: each verb in a line, assertions on
 * its answer or refusal, the state of the whole store as text.
 *
 *     assert_created("/people/ada", put("/people/ada", J("{'age':36}"), NULL));
 *     assert_refused(STORE_KEY_CONFLICT, put("/people/ada", "{}", NULL));
 *     cr_assert_str_eq(refusal_text("conflicts_with"), "/people/ada");
 *     assert_updated("/people/ada", put("/people/ada", "{}", WITH(.flags = STORE_REPLACE)));
 */
#ifndef API_TEST_H
#define API_TEST_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* For .init and .fini. At the end every invariant of the store is checked. */
void begin_api_test(void);
void end_api_test(void);

/* The answer of the last verb below. */
extern store_answer answered;
/* It, emptied, for a call that is not below. */
store_answer *fresh_answer(void);
/* The problem JSON of the last assert_refused. */
extern json_t *refused;

/* A request with these members. */
#define WITH(...) (&(store_request){ .version = STORE_REQUEST_VERSION, __VA_ARGS__ })
#define LIST(...) (&(store_list_options){ .version = STORE_LIST_OPTIONS_VERSION, __VA_ARGS__ })

/* JSON written with ' for ". Borrowed until 64 more. */
const char *J(const char *text);

/* A collection /people with the key `name`, the unique key `email`, and a property of each type. */
#define PEOPLE                                                                                  \
    "{'key':['name'],'unique':[['email']],'schema':{'type':'object','properties':{"            \
    "'name':{'type':'string','maxLength':40},'email':{'type':['string','null'],'default':null}," \
    "'age':{'type':'integer','minimum':0},'rate':{'type':'number'},'active':{'type':'boolean'}," \
    "'tags':{'type':'array','items':{'type':'string'},'maxItems':3},"                          \
    "'home':{'type':'object'},'level':{'type':'integer','default':7},'gone':{'type':'null'}}}}"

/* What is filled in for a member of /people that only has a name. */
#define PERSON(name)                                                                            \
    "{'name':'" name "','email':null,'age':0,'rate':0,'active':false,'tags':[],'home':{},"      \
    "'level':7,'gone':null}"

/* ------------------------------------------------------------------ verbs */

int put(const char *location, const char *body, const store_request *request);
int patch(const char *location, const char *body, const store_request *request);
int json_patch(const char *location, const char *body, const store_request *request);
int post(const char *location, const char *body, const store_request *request);
int erase(const char *location, const store_request *request);
int relocate(const char *from, const char *to, const store_request *request);
int duplicate(const char *from, const char *to, const store_request *request);
int make_collection(const char *location, const store_request *request);
/* With a definition written as for J(). */
int define(const char *location, const char *definition);

/* ------------------------------------------------------------- assertions */

/* All there is to see in the store: nodes, bodies, versions, times, metadata, definitions, the
 * last version. The caller frees it. */
char *whole_store(void);

/* Parses the problem of the last call; NULL, or what is wrong with it as SPEC 5 has it. */
const char *take_refusal(int code);
/* A member of the last refusal, "" if it is absent or no text. */
const char *refusal_text(const char *member);
/* How many violations it names, and whether one has this pointer. */
size_t refusal_errors(void);
bool refusal_points_to(const char *pointer);

/* Asserts that a call is refused, with a complete problem, and changed nothing. */
#define assert_refused(expected, call)                                                          \
    do {                                                                                       \
        char *before_ = whole_store();                                                         \
        assert_code(expected, call);                                                           \
        const char *fault_ = take_refusal(expected);                                           \
        cr_assert_null(fault_, "the problem of %s: %s", #call, fault_);                        \
        assert_still(before_, call);                                                           \
    } while (0)

/* Asserts that a call succeeds and changes nothing, as in a dry run. */
#define assert_unchanged(call)                                                                  \
    do {                                                                                       \
        char *before_ = whole_store();                                                         \
        assert_ok(call);                                                                       \
        assert_still(before_, call);                                                           \
    } while (0)

#define assert_still(before, call)                                                              \
    do {                                                                                       \
        char *after_ = whole_store();                                                          \
        cr_assert_str_eq(after_, (before), "%s changed something", #call);                     \
        free(after_);                                                                          \
        free(before);                                                                          \
    } while (0)

#define assert_outcome(expected, where, call)                                                   \
    do {                                                                                       \
        assert_ok(call);                                                                       \
        cr_assert_eq(answered.one.outcome, (expected), "%s: %s", #call,                        \
                     store_outcome_name(answered.one.outcome));                                \
        cr_assert_str_eq(answered.one.location, (where));                                      \
        cr_assert_neq(answered.one.version, 0);                                                \
    } while (0)

#define assert_created(where, call)                                                             \
    do {                                                                                       \
        assert_outcome(STORE_CREATED, where, call);                                            \
        cr_assert_eq(answered.one.version, version_of(where), "the version of the answer");    \
    } while (0)

#define assert_updated(where, call)                                                             \
    do {                                                                                       \
        uint64_t old_ = version_of(where);                                                     \
        assert_outcome(STORE_UPDATED, where, call);                                            \
        cr_assert_gt(answered.one.version, old_, "the version did not grow");                  \
        cr_assert_eq(answered.one.version, version_of(where), "the version of the answer");    \
    } while (0)

#define assert_deleted(where, call)                                                             \
    do {                                                                                       \
        assert_outcome(STORE_DELETED, where, call);                                            \
        assert_missing(where);                                                                 \
    } while (0)

#define assert_missing(where)                                                                   \
    do {                                                                                       \
        store_stat stat_;                                                                      \
        assert_code(STORE_NOT_FOUND, store_stat_get(&stat_, test_store(), (where), NULL));     \
    } while (0)

/* Asserts that the body there is this JSON, written as for J(), whatever the order of members. */
#define assert_json(where, expected)                                                            \
    do {                                                                                       \
        char *given_ = body_text(where);                                                       \
        cr_assert(same_json(given_, J(expected)), "%s is %s, not %s", (where), given_, expected); \
        free(given_);                                                                          \
    } while (0)

/* Asserts the names of a collection, in order, separated by spaces. */
#define assert_names(expected, where, options)                                                  \
    do {                                                                                       \
        char *names_ = names_of(where, options);                                               \
        cr_assert_str_eq(names_, (expected), "the names of %s", (where));                      \
        free(names_);                                                                          \
    } while (0)

uint64_t version_of(const char *location); /* 0 if there is nothing */
store_stat stat_of(const char *location);
char *body_text(const char *location);     /* "(none)" if there is nothing; to be freed */
bool same_json(const char *a, const char *b);
char *names_of(const char *location, const store_list_options *options);

#endif
