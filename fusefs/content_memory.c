/* content_memory.c - what contents keep in memory, and how much of that there is. */
#include <stdlib.h>
#include <string.h>

#include "content_private.h"

bool pool_take(struct content_pool *pool, size_t size)
{
    if (atomic_fetch_add(&pool->memory, size) + size <= pool->memory_max)
        return true;
    pool_give(pool, size);
    return false;
}

void pool_give(struct content_pool *pool, size_t size)
{
    atomic_fetch_sub(&pool->memory, size);
}

/* The next size in a series that doubles, so that growing costs little for each byte. */
static size_t capacity_for(size_t size)
{
    size_t capacity = PAGE;

    while (capacity < size)
        capacity *= 2;
    return capacity;
}

bool memory_reserve(struct memory *memory, struct content_pool *pool, uint64_t size)
{
    size_t capacity;
    char *data;

    if (size <= memory->capacity)
        return true;
    if (size > SMALL_MAX)
        return false;
    capacity = capacity_for(size);
    if (!pool_take(pool, capacity - memory->capacity))
        return false;
    data = realloc(memory->data, capacity);
    if (!data) {
        pool_give(pool, capacity - memory->capacity);
        return false;
    }
    memset(data + memory->capacity, 0, capacity - memory->capacity);
    memory->data = data;
    memory->capacity = capacity;
    return true;
}

void memory_resize(struct memory *memory, size_t size)
{
    if (size < memory->size)
        memset(memory->data + size, 0, memory->size - size);
    memory->size = size;
}

void memory_release(struct memory *memory, struct content_pool *pool)
{
    free(memory->data);
    pool_give(pool, memory->capacity);
    *memory = (struct memory){ 0 };
}
