/* problem.c - problem JSON by path: a short list, the one asked for last in front. */
#include "problem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* There is one for each path that was refused and not mended since: usually none, at most a handful. */
#define PROBLEMS_MAX 1000
#define BYTES_MAX (4u << 20)

struct kept {
    struct kept *next;
    uint64_t parent;
    char *json; /* behind the name */
    size_t size;
    char name[];
};

struct problem_list {
    pthread_mutex_t lock;
    struct kept *first;
    size_t count, bytes;
};

struct problem_list *problem_list_new(void)
{
    struct problem_list *list = calloc(1, sizeof *list);

    if (list)
        pthread_mutex_init(&list->lock, NULL);
    return list;
}

/* Takes it out of the list, not out of memory. */
static struct kept *take_out(struct problem_list *list, struct kept **link)
{
    struct kept *kept = *link;

    *link = kept->next;
    list->count--;
    list->bytes -= kept->size;
    return kept;
}

static void put_first(struct problem_list *list, struct kept *kept)
{
    kept->next = list->first;
    list->first = kept;
    list->count++;
    list->bytes += kept->size;
}

void problem_list_free(struct problem_list *list)
{
    if (!list)
        return;
    while (list->first)
        free(take_out(list, &list->first));
    pthread_mutex_destroy(&list->lock);
    free(list);
}

static struct kept **find(struct problem_list *list, uint64_t parent, const char *name)
{
    struct kept **link = &list->first;

    while (*link && ((*link)->parent != parent || strcmp((*link)->name, name) != 0))
        link = &(*link)->next;
    return *link ? link : NULL;
}

static struct kept *make(uint64_t parent, const char *name, const char *json)
{
    size_t name_size = strlen(name) + 1, json_size = strlen(json) + 1;
    struct kept *kept = malloc(sizeof *kept + name_size + json_size);

    if (!kept)
        return NULL;
    *kept = (struct kept){ .parent = parent, .json = kept->name + name_size,
                           .size = sizeof *kept + name_size + json_size };
    memcpy(kept->name, name, name_size);
    memcpy(kept->json, json, json_size);
    return kept;
}

static void drop_last(struct problem_list *list)
{
    struct kept **link = &list->first;

    while ((*link)->next)
        link = &(*link)->next;
    free(take_out(list, link));
}

void problem_keep(struct problem_list *list, uint64_t parent, const char *name, const char *json)
{
    struct kept *kept = make(parent, name, json);
    struct kept **old;

    pthread_mutex_lock(&list->lock);
    old = find(list, parent, name);
    if (old)
        free(take_out(list, old));
    if (kept)
        put_first(list, kept);
    while (list->count > PROBLEMS_MAX || list->bytes > BYTES_MAX)
        drop_last(list);
    pthread_mutex_unlock(&list->lock);
}

char *problem_find(struct problem_list *list, uint64_t parent, const char *name)
{
    struct kept **link, *kept;
    char *json = NULL;

    pthread_mutex_lock(&list->lock);
    link = find(list, parent, name);
    if (link) {
        kept = take_out(list, link);
        put_first(list, kept);
        json = strdup(kept->json);
    }
    pthread_mutex_unlock(&list->lock);
    return json;
}

void problem_forget(struct problem_list *list, uint64_t parent, const char *name)
{
    struct kept **link;

    pthread_mutex_lock(&list->lock);
    link = find(list, parent, name);
    if (link)
        free(take_out(list, link));
    pthread_mutex_unlock(&list->lock);
}

void problem_move(struct problem_list *list, uint64_t parent, const char *name, uint64_t new_parent,
                  const char *new_name)
{
    char *json = problem_find(list, parent, name);

    problem_forget(list, parent, name);
    if (json)
        problem_keep(list, new_parent, new_name, json);
    else
        problem_forget(list, new_parent, new_name);
    free(json);
}
