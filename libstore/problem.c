/* problem.c - the calling thread's last error. */
#include "problem.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum {
    LINE_MAX_SIZE = 1024,       /* a detail, a key's name, a key's value */
    LOCATION_SIZE = STORE_LOCATION_MAX + 1,
    VIOLATIONS_MAX = 256,
    VIOLATIONS_TEXT = 16 * 1024,
    POINTER_SIZE = 1024,        /* of one violation: longer ones are cut, */
    VIOLATION_SIZE = 512,       /* so that one can never crowd out all */
    /* JSON at most makes six bytes of one, so all but the violations always fits. */
    JSON_FIXED = 6 * (3 * LINE_MAX_SIZE + 2 * LOCATION_SIZE) + 512,
    JSON_SIZE = JSON_FIXED + 2 * VIOLATIONS_TEXT,
};

struct room {
    char detail[LINE_MAX_SIZE];
    char location[LOCATION_SIZE];
    char key[LINE_MAX_SIZE];
    char value[LINE_MAX_SIZE];
    char conflicts_with[LOCATION_SIZE];
    store_violation violations[VIOLATIONS_MAX];
    char text[VIOLATIONS_TEXT]; /* of the violations */
    size_t used;                /* of text */
    bool pending;               /* the violations are of an error still to be recorded */
    bool written;               /* json is up to date */
    char json[JSON_SIZE];
};

struct problem {
    store_problem shown;
    struct room *room; /* NULL: the stand-in, which is never written to */
};

struct block {
    struct problem problem;
    struct room room;
};

static const store_problem nothing = { .code = STORE_OK };
static const char nothing_json[] =
    "{\"type\":\"urn:libstore:problem:ok\",\"title\":\"Done\",\"status\":200,\"code\":\"ok\"}";

static struct problem stand_in = { .shown = { .code = STORE_NO_MEMORY, .detail = "out of memory" } };
static const char stand_in_json[] =
    "{\"type\":\"urn:libstore:problem:no_memory\",\"title\":\"Out of memory\",\"status\":500,"
    "\"detail\":\"out of memory\",\"code\":\"no_memory\"}";

static __thread struct problem *current; /* NULL: the thread's own, if there is one */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t owner; /* of the thread's block */
static bool owner_made;

static void make_owner(void)
{
    owner_made = pthread_key_create(&owner, free) == 0;
}

struct problem *problem_of_thread(void)
{
    if (current != NULL && current != &stand_in)
        return current;
    pthread_once(&once, make_owner);
    if (!owner_made)
        return NULL;
    struct block *block = pthread_getspecific(owner);
    if (block == NULL) {
        block = malloc(sizeof *block);
        if (block == NULL)
            return NULL;
        block->problem = (struct problem){ .room = &block->room };
        block->room.used = 0;
        block->room.pending = block->room.written = false;
        if (pthread_setspecific(owner, block) != 0) {
            free(block);
            return NULL;
        }
    }
    current = &block->problem;
    return current;
}

struct problem *problem_redirect(struct problem *to)
{
    struct problem *before = current;

    current = to;
    return before;
}

static void clear_violations(struct problem *p)
{
    p->shown.violations = NULL;
    p->shown.violation_count = p->shown.violations_dropped = 0;
    p->room->used = 0;
    p->room->pending = false;
}

void problem_reset(void)
{
    if (current == NULL)
        return;
    if (current == &stand_in) {
        current = NULL;
        return;
    }
    if (current->shown.code == STORE_OK && current->shown.violation_count == 0)
        return;
    clear_violations(current);
    current->shown = (store_problem){ .code = STORE_OK };
    current->room->written = false;
}

/* Ends `text`, of which `size` bytes are kept, at a whole character. */
static void end_text(char *text, size_t size)
{
    size_t start = size;

    while (start > 0 && size - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && utf8_sequence(text + start - 1, size - start + 1) != size - start + 1)
        size = start - 1;
    text[size] = '\0';
}

/* Copies as much of `text`, which may be NULL or the same memory, as fits. */
static const char *keep(char *out, size_t capacity, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strnlen(text, capacity);
    bool cut = size == capacity;
    memmove(out, text, cut ? capacity - 1 : size + 1);
    if (cut)
        end_text(out, capacity - 1);
    return out;
}

/* Formats as much as fits; the size without the NUL. */
__attribute__((format(printf, 3, 0)))
static size_t format_text(char *out, size_t capacity, const char *format, va_list arguments)
{
    int size = vsnprintf(out, capacity, format, arguments);

    if (size < 0)
        out[0] = '\0';
    else if ((size_t)size >= capacity)
        end_text(out, capacity - 1);
    return strlen(out);
}

__attribute__((format(printf, 3, 0)))
static void record(int code, int os_error, const char *format, va_list arguments)
{
    char detail[LINE_MAX_SIZE]; /* the arguments may be texts of the problem that goes */
    struct problem *p = problem_of_thread();

    if (p == NULL) {
        current = &stand_in;
        return;
    }
    size_t size = format_text(detail, sizeof detail, format, arguments);
    memcpy(p->room->detail, detail, size + 1);
    if (!p->room->pending)
        clear_violations(p);
    p->room->pending = p->room->written = false;
    p->shown = (store_problem){
        .code = code,
        .os_error = os_error,
        .detail = p->room->detail,
        .violations = p->shown.violations,
        .violation_count = p->shown.violation_count,
        .violations_dropped = p->shown.violations_dropped,
    };
}

int problem(int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    record(code, 0, format, arguments);
    va_end(arguments);
    return code;
}

int problem_os(int code, int os_error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    record(code, os_error, format, arguments);
    va_end(arguments);
    return code;
}

/* The problem that was just recorded, about to be added to; NULL if it takes no text. */
static struct problem *recorded(void)
{
    if (current == NULL || current->room == NULL)
        return NULL;
    current->room->written = false;
    return current;
}

void problem_location(const char *location)
{
    struct problem *p = recorded();

    if (p != NULL && p->shown.location == NULL)
        p->shown.location = keep(p->room->location, sizeof p->room->location, location);
}

void problem_conflict(const char *key, const char *value, const char *conflicts_with)
{
    struct problem *p = recorded();

    if (p == NULL)
        return;
    p->shown.key = keep(p->room->key, sizeof p->room->key, key);
    p->shown.value = keep(p->room->value, sizeof p->room->value, value);
    p->shown.conflicts_with = keep(p->room->conflicts_with, sizeof p->room->conflicts_with, conflicts_with);
}

void problem_version(uint64_t version)
{
    struct problem *p = recorded();

    if (p != NULL)
        p->shown.version = version;
}

void problem_violations_clear(void)
{
    struct problem *p = recorded();

    if (p != NULL)
        clear_violations(p);
}

void problem_violation(const char *pointer, const char *format, ...)
{
    struct problem *p = problem_of_thread();
    va_list arguments;

    if (p == NULL)
        return;
    p->room->pending = true;
    p->room->written = false;
    bool room = sizeof p->room->text - p->room->used >= POINTER_SIZE + VIOLATION_SIZE;
    if (p->shown.violation_count == VIOLATIONS_MAX || !room) {
        p->shown.violations_dropped++;
        return;
    }
    char *text = p->room->text + p->room->used;
    store_violation *violation = &p->room->violations[p->shown.violation_count++];
    violation->pointer = keep(text, POINTER_SIZE, pointer == NULL ? "" : pointer);
    text += strlen(text) + 1;
    violation->detail = text;
    va_start(arguments, format);
    text += format_text(text, VIOLATION_SIZE, format, arguments) + 1;
    va_end(arguments);
    p->room->used = (size_t)(text - p->room->text);
    p->shown.violations = p->room->violations;
}

size_t problem_violation_count(void)
{
    return current == NULL ? 0 : current->shown.violation_count + current->shown.violations_dropped;
}

const store_problem *store_problem_last(void)
{
    return current == NULL ? &nothing : &current->shown;
}

const char *store_problem_json(void)
{
    if (current == NULL || current->shown.code == STORE_OK)
        return nothing_json;
    if (current->room == NULL)
        return stand_in_json;
    if (!current->room->written)
        problem_write_json(current->room->json, sizeof current->room->json, &current->shown);
    current->room->written = true;
    return current->room->json;
}
