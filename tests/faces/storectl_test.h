/*
 * storectl_test.h - running storectl on the test's own store, and looking at what it said.
 *
 *     expect(0, "put", "/a", "--data", "1");
 *     expect_out("1", "get", "/a");
 *     json_t *stat = expect_json(0, "stat", "/a");
 */
#ifndef STORECTL_TEST_H
#define STORECTL_TEST_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#define WORDS_MAX 32

/* What the last run gave. */
static struct command_result said;
static json_t *said_json;

/* Runs storectl with global options (may be NULL) on the test's store. */
static inline void run_storectl(const char *global, const char *input, const char *const words[])
{
    static const char *binary, *path;
    const char *argv[WORDS_MAX + 5] = {0};
    size_t used = 0;

    if (!binary) {
        binary = program("storectl");
        path = test_path("store");
    }
    argv[used++] = binary;
    argv[used++] = "-s";
    argv[used++] = path;
    if (global)
        argv[used++] = global;
    for (size_t i = 0; words[i]; i++) {
        cr_assert_lt(i, WORDS_MAX);
        argv[used++] = words[i];
    }
    command_clear(&said);
    run_command(&said, argv, input);
}

/* Another command than storectl, or storectl with words of the test's own. */
static inline void run_other(const char *const argv[], const char *input)
{
    command_clear(&said);
    run_command(&said, argv, input);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Runs a command; asserts its exit status. */
#define expect(wanted, ...) expect_in(wanted, NULL, __VA_ARGS__)
/* The same with standard input. */
#define expect_in(wanted, input, ...)                                                           \
    do {                                                                                       \
        run_storectl(NULL, input, WORDS(__VA_ARGS__));                                         \
        assert_status(wanted, &said);                                                          \
    } while (0)
/* Asserts status 0 and all of standard output. */
#define expect_out(text, ...)                                                                  \
    do {                                                                                       \
        expect(0, __VA_ARGS__);                                                                \
        cr_assert_str_eq(said.out, text);                                                      \
    } while (0)
/* Asserts the status, and that standard output (0) or error (else) has this in it. */
#define expect_says(wanted, text, ...)                                                         \
    do {                                                                                       \
        expect(wanted, __VA_ARGS__);                                                           \
        assert_says(text);                                                                     \
    } while (0)
#define assert_says(text)                                                                      \
    cr_assert_not_null(strstr(said.status ? said.err : said.out, text), "no \"%s\" in\n%s%s",  \
                       text, said.out, said.err)
/* Runs with --json; the value is standard output's, or on failure standard error's. Borrowed until the next. */
#define expect_json(wanted, ...) expect_json_in(wanted, NULL, __VA_ARGS__)
#define expect_json_in(wanted, input, ...)                                                     \
    ({                                                                                         \
        run_storectl("--json", input, WORDS(__VA_ARGS__));                                     \
        assert_status(wanted, &said);                                                          \
        read_json();                                                                           \
    })

static inline json_t *read_json(void)
{
    const char *text = *said.out ? said.out : said.err;
    json_error_t error;

    json_decref(said_json);
    said_json = json_loads(text, JSON_DECODE_ANY, &error);
    cr_assert_not_null(said_json, "no JSON (%s): %s", error.text, text);
    return said_json;
}

/* A member of the last JSON as text: a string's own, else its JSON. Borrowed until the next but seven. */
static inline const char *member(const char *name)
{
    static char texts[8][512];
    static unsigned next;
    char *text = texts[next++ % 8];
    const json_t *value = json_object_get(said_json, name);

    if (json_is_string(value)) {
        snprintf(text, 512, "%s", json_string_value(value));
    } else {
        char *dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        snprintf(text, 512, "%s", dump ? dump : "(absent)");
        free(dump);
    }
    return text;
}

#define assert_member(name, text) cr_assert_str_eq(member(name), text, "%s is %s", name, member(name))

/* The version that stat tells. */
static inline const char *version_of(const char *location)
{
    expect_json(0, "stat", location);
    return member("version");
}

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file, "%s", path);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

/* All of a file, for one comparison; NULL when there is none. */
static inline const char *read_file(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");

    if (!file)
        return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* For .init and .fini: a directory with an empty store. */
static inline void begin_storectl(void)
{
    begin_test();
    expect(0, "init");
}

static inline void end_storectl(void)
{
    command_clear(&said);
    json_decref(said_json);
    said_json = NULL;
    end_test();
}

/* A typed collection /people: key id, unique email, age an integer. */
#define PEOPLE                                                                                 \
    "{\"order\":\"key\",\"key\":[\"id\"],\"unique\":[[\"email\"]],\"schema\":{\"type\":\"object\"," \
    "\"properties\":{\"id\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"},"             \
    "\"age\":{\"type\":\"integer\"}}}}"

static inline void define_people(void)
{
    expect(0, "define", "/people", "--data", PEOPLE);
    expect(0, "put", "/people/ada", "--data", "{\"email\":\"ada@x\",\"age\":36}");
    expect(0, "put", "/people/bob", "--data", "{\"email\":\"bob@x\",\"age\":40}");
}

#endif
