/* tail.c - see tail.h. */
#include "tail.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

static uint64_t start_of(uint64_t end)
{
    return end <= TAIL_MAX ? 0 : (end - 1) / PAGE * PAGE;
}

/* Room for the bytes up to `end`; without memory for it nothing is known of them. */
static bool make_room(struct tail *tail, uint64_t end)
{
    if (!tail->data)
        tail->data = malloc(TAIL_MAX);
    tail->end = end;
    tail->start = start_of(end);
    return tail->data != NULL;
}

void tail_see(struct tail *tail, const char *data, size_t size, uint64_t offset, uint64_t end)
{
    uint64_t start = start_of(end);

    if (end > TAIL_MAX && offset <= start && offset + size == end && make_room(tail, end))
        memcpy(tail->data, data + (start - offset), (size_t)(end - start));
}

void tail_keep(struct tail *tail, struct content *content, int64_t modified)
{
    uint64_t end = content_size(content);
    bool remembered = tail->data && tail->end == end;
    char data[TAIL_MAX];
    size_t got;

    if (content_read(&got, content, data, sizeof data, start_of(end)) == 0 && make_room(tail, end))
        memcpy(tail->data, data, got);
    else if (!remembered)
        tail_forget(tail);
    tail->seen = true;
    tail->end = end;
    tail->modified = modified;
}

static bool is_same(const struct tail *tail, struct content *content)
{
    size_t size = (size_t)(tail->end - tail->start), got;
    char data[TAIL_MAX];

    return content_read(&got, content, data, size, tail->start) == 0 && got == size &&
           memcmp(data, tail->data, size) == 0;
}

/* As long as it was, but of another time, is not appended to: then only a body that is known as a whole can be the same. */
bool tail_continues(const struct tail *tail, struct content *content, int64_t modified)
{
    uint64_t size = content_size(content);
    bool untouched = size == tail->end && modified == tail->modified;

    if (!tail->seen)
        return true;
    if (size < tail->end || !tail->data)
        return untouched;
    return (untouched || tail->start == 0 || size > tail->end) && is_same(tail, content);
}

void tail_forget(struct tail *tail)
{
    free(tail->data);
    *tail = (struct tail){ 0 };
}
