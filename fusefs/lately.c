/* lately.c - see lately.h. */
#include "lately.h"

#include <stdlib.h>

struct lately *lately_new(void)
{
    struct lately *lately = calloc(1, sizeof *lately);

    if (lately)
        pthread_mutex_init(&lately->lock, NULL);
    return lately;
}

static void let_go(struct fs *fs, struct file *file)
{
    struct node *node = file ? file->node : NULL;

    if (!file)
        return;
    file_put(fs, file);
    node_put(&fs->nodes, node);
}

void lately_free(struct fs *fs, struct lately *lately)
{
    if (!lately)
        return;
    for (unsigned i = 0; i < LATELY_FILES; i++)
        let_go(fs, lately->files[i]);
    pthread_mutex_destroy(&lately->lock);
    free(lately);
}

void lately_add(struct fs *fs, struct file *file)
{
    struct lately *lately = fs->lately;
    struct file *oldest;

    pthread_mutex_lock(&lately->lock);
    oldest = lately->files[lately->next];
    lately->files[lately->next] = file;
    lately->next = (lately->next + 1) % LATELY_FILES;
    pthread_mutex_unlock(&lately->lock);
    let_go(fs, oldest);
}
