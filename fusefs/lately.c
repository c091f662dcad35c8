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

struct file *lately_take(struct fs *fs, const store_stat *stat)
{
    struct node *node;
    struct file *file;
    int error;

    if (stat->kind != STORE_OBJECT || stat->links != 1 || stat->size > LATELY_SIZE)
        return NULL;
    node = node_get(&fs->nodes, fs_ino(fs, stat->id));
    file = node ? file_get(fs, node) : NULL;
    if (!file) {
        node_put(&fs->nodes, node);
        return NULL;
    }
    pthread_mutex_lock(&file->lock);
    error = file_keep(fs, file);
    pthread_mutex_unlock(&file->lock);
    if (!error)
        return file;
    let_go(fs, file);
    return NULL;
}

void lately_give(struct fs *fs, struct file *file, bool replaced)
{
    struct lately *lately = fs->lately;

    if (replaced && file) {
        struct file *oldest;
        pthread_mutex_lock(&lately->lock);
        oldest = lately->files[lately->next];
        lately->files[lately->next] = file;
        lately->next = (lately->next + 1) % LATELY_FILES;
        pthread_mutex_unlock(&lately->lock);
        file = oldest;
    }
    let_go(fs, file);
}
