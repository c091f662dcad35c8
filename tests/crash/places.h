/*
 * places.h - for kill_writers.c: what a thread of the writer changes, each thing by one verb or one
 * transaction at a time, and how to see its state.
 */
#ifndef PLACES_H
#define PLACES_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

enum { WORDS = 40000 }; /* of the bodies of one size */
enum { PART = 1000, PART_AT = 8000 }; /* words of a short range write, across the border of two chunks */

/* The state of each is a number. */
enum slot {
    PLAIN,   /* an object; 0: deleted */
    UPLOAD,  /* a streamed body, all its words the number */
    RANGE,   /* a body overwritten by range PATCH */
    COPIED,  /* a COPY of it */
    SHORT,   /* a short range of a body, by range PATCH */
    TYPED,   /* a property, by PUT and PATCH */
    TREE,    /* a tree made in one transaction; 0: deleted recursively */
    MOVED,   /* a tree that is moved to and fro: 1 here, 2 there */
    PAIR,    /* two objects changed in one transaction */
    DEFINED, /* one definition, or the other: 1, 2 */
    LOG,     /* the last key of a collection ordered auto */
    SLOTS
};

static char path[1100]; /* of the store */

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "kill_writers: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n(the store is left in %s)\n", path);
    va_end(arguments);
    exit(1);
}

static const char *place(char *out, int thread, const char *name)
{
    snprintf(out, 64, "/t%d/%s", thread, name);
    return out;
}

/* ---------------------------------------------------------- what is there */

static const char *const DEFINITIONS[2] = {
    "{\"key\":[\"k\"],\"put\":\"replace\",\"unique\":[[\"n\"]],\"schema\":{\"type\":\"object\",\"properties\":{"
    "\"k\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}}}}",
    "{\"key\":[\"k\"],\"put\":\"replace\",\"schema\":{\"type\":\"object\",\"properties\":{"
    "\"k\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}}}}",
};
static const char LOGGED[] = "{\"order\":\"auto\",\"key\":[\"id\"],\"schema\":{\"type\":\"object\",\"properties\":{"
                             "\"id\":{\"type\":\"integer\"}}}}";

static size_t words_of(long state)
{
    return (size_t)(12000 + state * 7919 % 300000);
}

/* The number that all words of a body are; 0 when there is none; -1 when they differ. */
static long word_at(store *s, const char *location, size_t expected)
{
    void *body;
    size_t size;
    long word;
    int rc = store_get(&body, &size, NULL, s, location, NULL);

    if (rc == STORE_NOT_FOUND)
        return 0;
    if (rc != STORE_OK)
        fail("%s: %s", location, store_problem_json());
    const long *words = body;
    word = size >= sizeof word ? words[0] : -1;
    if (word > 0 && size != (expected ? expected : words_of(word)) * sizeof word)
        word = -1;
    for (size_t i = 0; word > 0 && i < size / sizeof word; i++)
        if (words[i] != word)
            word = -1;
    store_free(body);
    return word;
}

/* The same of the words that a short range write wrote, and all before them zero. */
static long part_at(store *s, const char *location)
{
    static long words[PART_AT + PART];
    size_t size;
    long word;
    int rc = store_read(&size, s, location, words, sizeof words, 0, NULL);

    if (rc == STORE_NOT_FOUND)
        return 0;
    if (rc != STORE_OK)
        fail("%s: %s", location, store_problem_json());
    word = words[PART_AT];
    for (size_t i = 0; i < PART_AT + PART; i++)
        if (words[i] != (i < PART_AT ? 0 : word))
            return -1;
    return size == sizeof words ? word : -1;
}

/* The number an object is as text; 0 when there is none. */
static long number_at(store *s, int thread, const char *name)
{
    char location[64];
    void *body;
    size_t size;
    long number = 0;
    int rc = store_get(&body, &size, NULL, s, place(location, thread, name), NULL);

    if (rc == STORE_OK)
        number = strtol(body, NULL, 10);
    else if (rc != STORE_NOT_FOUND)
        fail("%s: %s", location, store_problem_json());
    store_free(body);
    return number;
}

static long last_key(store *s, int thread)
{
    store_list_options options = STORE_LIST_OPTIONS_INIT;
    store_iter *iter;
    store_entry entry;
    char location[64];
    long last = 0;

    options.reverse = true;
    options.limit = 1;
    if (store_iter_open(&iter, s, place(location, thread, "log"), &options) != STORE_OK)
        return 0;
    if (store_iter_next(&entry, iter) == STORE_OK)
        last = strtol(entry.name, NULL, 10);
    store_iter_close(iter);
    return last;
}

static long definition_at(store *s, int thread)
{
    char location[64], *text;
    size_t size;
    long which = -1;
    int rc = store_definition_get(&text, &size, s, place(location, thread, "defined"), NULL);

    if (rc != STORE_OK)
        return 0;
    for (int i = 0; i < 2; i++)
        if (strcmp(text, DEFINITIONS[i]) == 0)
            which = i + 1;
    store_free(text);
    return which;
}

static long both(long a, long b)
{
    return a == b ? a : -1;
}

static long observe(store *s, int thread, enum slot slot)
{
    char location[64];
    long here, there;

    switch (slot) {
    case PLAIN:
        return number_at(s, thread, "plain");
    case UPLOAD:
        return word_at(s, place(location, thread, "upload"), 0);
    case RANGE:
        return word_at(s, place(location, thread, "range"), WORDS);
    case COPIED:
        return word_at(s, place(location, thread, "copied"), WORDS);
    case SHORT:
        return part_at(s, place(location, thread, "short"));
    case TYPED:
        return number_at(s, thread, "typed/a/n");
    case TREE:
        here = both(number_at(s, thread, "tree/a"), number_at(s, thread, "tree/b/c"));
        return both(here, word_at(s, place(location, thread, "tree/b/large"), WORDS));
    case MOVED:
        here = number_at(s, thread, "here/a/b");
        there = number_at(s, thread, "there/a/b");
        return here + there == 1 ? (here ? 1 : 2) : here + there == 0 ? 0 : -1;
    case PAIR:
        return both(number_at(s, thread, "one"), number_at(s, thread, "two"));
    case DEFINED:
        return definition_at(s, thread);
    case LOG:
        return last_key(s, thread);
    case SLOTS:
        break;
    }
    return -1;
}

#endif
