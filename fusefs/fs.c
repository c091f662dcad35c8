/* fs.c - a mount begins and ends. */
#include "fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "file.h"
#include "lately.h"
#include "watch.h"

/* The mounted collection, which the kernel calls FUSE_ROOT_ID. */
static int find_root(struct fs *fs)
{
    const char *location = fs->options.subdir ? fs->options.subdir : "/";
    store_stat stat;
    struct node *node;
    int error = errno_of(store_stat_get(&stat, fs->store, location, NULL));

    if (!error && stat.kind != STORE_COLLECTION)
        error = ENOTDIR;
    if (error)
        return error;
    fs->root = stat.id;
    node = node_see(&fs->nodes, FUSE_ROOT_ID, 0, NULL); /* referenced until the end */
    if (!node)
        return ENOMEM;
    node->directory = true;
    return 0;
}

int fs_start(struct fs *fs)
{
    int error = node_table_init(&fs->nodes);

    if (error)
        return error;
    pthread_mutex_init(&fs->ids_lock, NULL);
    fs->pool.directory = -1;
    fs->problems = problem_list_new();
    fs->lately = lately_new();
    error = fs->problems && fs->lately ? content_pool_init(&fs->pool, fs->store) : ENOMEM;
    if (!error)
        error = find_root(fs);
    if (!error)
        error = watch_start(fs);
    if (error)
        fs_stop(fs);
    return error;
}

/* ----------------------------------------------------------------- all files */

struct open_files {
    struct file **files;
    size_t count, capacity;
};

/* All files, each used by us, with its node, until it is put. */
static int list_files(struct open_files *out, struct fs *fs)
{
    struct node_table *table = &fs->nodes;
    int error = 0;

    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < table->bucket_count && !error; i++) {
        for (struct node *node = table->buckets[i]; node && !error; node = node->next) {
            if (!node->file)
                continue;
            if (out->count == out->capacity) {
                size_t capacity = out->capacity ? out->capacity * 2 : 64;
                struct file **files = realloc(out->files, capacity * sizeof *files);
                error = files ? 0 : ENOMEM;
                if (error)
                    break;
                out->files = files;
                out->capacity = capacity;
            }
            node->references++;
            node->file->handles++;
            out->files[out->count++] = node->file;
        }
    }
    pthread_mutex_unlock(&table->lock);
    return error;
}

int fs_each_file(struct fs *fs, void (*each)(struct fs *fs, struct file *file))
{
    struct open_files open = { 0 };
    int error = list_files(&open, fs);

    for (size_t i = 0; i < open.count; i++) {
        struct file *file = open.files[i];
        struct node *node = file->node;
        pthread_mutex_lock(&file->lock);
        each(fs, file);
        pthread_mutex_unlock(&file->lock);
        file_put(fs, file);
        node_put(&fs->nodes, node);
    }
    free(open.files);
    return error;
}

/* ------------------------------------------------------------------- the end */

/* Whoever still has it open gets no other chance. */
static void finish_file(struct fs *fs, struct file *file)
{
    int error = file_publish(fs, file);

    if (error)
        complain("%s: what was written could not be published: %s",
                 file->node->name ? file->node->name : "a file without a name", strerror(error));
    file_detach(file); /* so that it is freed now */
}

void fs_stop(struct fs *fs)
{
    watch_stop(fs);
    lately_free(fs, fs->lately);
    if (fs_each_file(fs, finish_file) != 0)
        complain("no memory to publish all that is open");
    content_pool_release(&fs->pool);
    problem_list_free(fs->problems);
    node_table_release(&fs->nodes);
    pthread_mutex_destroy(&fs->ids_lock);
}
