/*
 * typed_people.c - a typed collection: a schema, keys, a unique key, refusals.
 *
 *     typed_people DIRECTORY
 */
#include <stdio.h>
#include <string.h>

#include "store.h"

static const char definition[] =
    "{\"order\": \"key\", \"key\": [\"id\"], \"unique\": [[\"email\"]],"
    " \"schema\": {\"type\": \"object\", \"required\": [\"email\"], \"properties\": {"
    "   \"id\": {\"type\": \"string\"}, \"email\": {\"type\": \"string\"}, \"age\": {\"type\": \"integer\"}}}}";

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, store_problem_json());
    return 1;
}

static int put(store *s, const char *location, const char *body)
{
    return store_put(NULL, s, location, body, strlen(body), NULL);
}

static int show_refusals(store *s)
{
    /* All that is wrong with a body is told at once. */
    if (put(s, "/people/eve", "{\"age\": \"old\", \"phone\": 1}") != STORE_INVALID_VALUE)
        return fail("a body that does not fit");
    const store_problem *problem = store_problem_last();
    for (size_t i = 0; i < problem->violation_count; i++)
        printf("refused: %s: %s\n", problem->violations[i].pointer, problem->violations[i].detail);

    if (put(s, "/people/eve", "{\"email\": \"ada@example.org\"}") != STORE_KEY_CONFLICT)
        return fail("a duplicate");
    printf("conflict: %s belongs to %s\n", store_problem_last()->value, store_problem_last()->conflicts_with);
    return 0;
}

static int work(store *s)
{
    const store_field email = {"email", "ada@example.org"};
    char *location;
    void *age;
    size_t size;

    if (store_define(NULL, s, "/people", definition, strlen(definition), NULL) != STORE_OK)
        return fail("define");
    if (put(s, "/people/ada", "{\"email\": \"ada@example.org\"}") != STORE_OK)
        return fail("put");

    /* A property is a location too: PATCH it, read it. */
    if (store_patch(NULL, s, "/people/ada/age", STORE_PATCH_MERGE, "36", 2, NULL) != STORE_OK)
        return fail("patch");
    if (store_get(&age, &size, NULL, s, "/people/ada/age", NULL) != STORE_OK)
        return fail("get");
    if (store_find(&location, s, "/people", &email, 1, NULL) != STORE_OK)
        return fail("find");
    printf("%s is %s at %s\n", email.value, (const char *)age, location);
    store_free(age);
    store_free(location);
    return 0;
}

int main(int argc, char **argv)
{
    store_options options = STORE_OPTIONS_INIT;
    store *s;

    if (argc != 2)
        return fprintf(stderr, "usage: typed_people DIRECTORY\n"), 2;
    options.flags = STORE_OPEN_CREATE;
    if (store_open(&s, argv[1], &options) != STORE_OK)
        return fail("open");
    int status = work(s) || show_refusals(s);
    store_close(s);
    return status;
}
