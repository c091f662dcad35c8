/*
 * watch.c - two threads: one reads the change feed and finds out which names and
 * inodes a change of another face is about; the other tells the kernel.
 *
 * A reply with long timeouts that is on its way while the kernel is told would survive. So replies
 * carry no timeout when something was told meanwhile (watch_timeout), and all is told
 * once more a little later.
 */
#include "watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "file.h"
#include "properties.h"

#define OWN_VERSIONS 65536          /* a power of two */
#define GATHER_NS 3000000L          /* changes come in flocks, and our own are known for ours after this time */
#define AGAIN_NS 100000000L
#define NOTICES_MAX 100000          /* waiting: more are not looked for, nor any told once more */

/* What the kernel is to forget. */
struct notice {
    uint64_t ino;
    char *name;       /* an entry of the directory `ino`; NULL: its attributes, and pages if `pages` */
    bool pages;
    struct timespec due;
    bool again;       /* for the second time */
    struct notice *next;
};

struct queue {
    struct notice *first, **last;
};

struct watch {
    struct fs *fs;
    store_feed *feed;
    pthread_t reader, teller;
    pthread_mutex_t lock;
    pthread_cond_t work, room;
    struct queue now, later;
    size_t waiting;
    bool stopping;
    atomic_uint told;
    _Atomic(uint64_t) own[OWN_VERSIONS];
};

/* ------------------------------------------------------------ for the others */

void watch_own(struct fs *fs, uint64_t version)
{
    if (fs->watch)
        atomic_store_explicit(&fs->watch->own[version & (OWN_VERSIONS - 1)], version, memory_order_release);
}

static bool is_own(struct watch *watch, uint64_t version)
{
    return atomic_load_explicit(&watch->own[version & (OWN_VERSIONS - 1)], memory_order_acquire) == version;
}

unsigned watch_count(const struct fs *fs)
{
    return fs->watch ? atomic_load(&fs->watch->told) : 0;
}

double watch_timeout(const struct fs *fs, unsigned count)
{
    return fs->watch && watch_count(fs) == count ? fs->options.timeout : 0;
}

/* ------------------------------------------------------------------ the queue */

static struct timespec in_ns(long ns)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += ns;
    if (time.tv_nsec >= 1000000000L) {
        time.tv_nsec -= 1000000000L;
        time.tv_sec++;
    }
    return time;
}

static bool is_due(const struct notice *notice)
{
    struct timespec now = in_ns(0);

    return notice->due.tv_sec < now.tv_sec ||
           (notice->due.tv_sec == now.tv_sec && notice->due.tv_nsec <= now.tv_nsec);
}

static void append(struct queue *queue, struct notice *notice)
{
    notice->next = NULL;
    *queue->last = notice;
    queue->last = &notice->next;
}

static struct notice *take_first(struct queue *queue)
{
    struct notice *notice = queue->first;

    if (notice) {
        queue->first = notice->next;
        if (!queue->first)
            queue->last = &queue->first;
    }
    return notice;
}

static void free_notice(struct notice *notice)
{
    if (notice)
        free(notice->name);
    free(notice);
}

/* Without memory for it the kernel believes what it knows until the timeout. */
static void enqueue(struct watch *watch, uint64_t ino, const char *name, bool pages)
{
    struct notice *notice = calloc(1, sizeof *notice);

    if (!notice || (name && !(notice->name = strdup(name)))) {
        free(notice);
        return;
    }
    notice->ino = ino;
    notice->pages = pages;
    pthread_mutex_lock(&watch->lock);
    append(&watch->now, notice);
    watch->waiting++;
    pthread_cond_signal(&watch->work);
    pthread_mutex_unlock(&watch->lock);
}

void watch_name(struct fs *fs, uint64_t parent, const char *name)
{
    if (!fs->watch)
        return;
    enqueue(fs->watch, parent, name, false);
    enqueue(fs->watch, parent, NULL, false);
}

void watch_node(struct fs *fs, uint64_t ino)
{
    if (fs->watch)
        enqueue(fs->watch, ino, NULL, true);
}

/* ------------------------------------------------------------------ the teller */

/* What the kernel does not know (ENOENT) it need not forget. */
static void tell(const struct watch *watch, const struct notice *notice)
{
    struct fuse_session *session = watch->fs->session;

    if (!session)
        return;
    if (notice->name)
        fuse_lowlevel_notify_inval_entry(session, notice->ino, notice->name, strlen(notice->name));
    else
        fuse_lowlevel_notify_inval_inode(session, notice->ino, notice->pages ? 0 : -1, 0);
}

/* The next notice that is due; NULL at the end. With the lock held. */
static struct notice *next_notice(struct watch *watch)
{
    while (!watch->stopping) {
        if (watch->now.first)
            return take_first(&watch->now);
        if (watch->later.first && is_due(watch->later.first))
            return take_first(&watch->later);
        if (watch->later.first)
            pthread_cond_timedwait(&watch->work, &watch->lock, &watch->later.first->due);
        else
            pthread_cond_wait(&watch->work, &watch->lock);
    }
    return NULL;
}

static void *run_teller(void *context)
{
    struct watch *watch = context;
    struct notice *notice;

    pthread_mutex_lock(&watch->lock);
    while ((notice = next_notice(watch)) != NULL) {
        pthread_mutex_unlock(&watch->lock);
        atomic_fetch_add(&watch->told, 1);
        tell(watch, notice);
        pthread_mutex_lock(&watch->lock);
        if (!notice->again && watch->waiting < NOTICES_MAX) {
            notice->again = true;
            notice->due = in_ns(AGAIN_NS);
            append(&watch->later, notice);
            continue;
        }
        watch->waiting--;
        pthread_cond_signal(&watch->room);
        free_notice(notice);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

/* ------------------------------------------------------------------ the reader */

/* The id of what is at a location now; 0: nothing, or it cannot be told. */
static uint64_t id_at(struct watch *watch, uint64_t base, const char *location, store_kind *kind)
{
    store_get_options options = STORE_GET_OPTIONS_INIT;
    store_stat stat;

    options.base = base;
    if (store_stat_get(&stat, watch->fs->store, location, &options) != STORE_OK)
        return 0;
    properties_show(watch->fs, &stat, 0);
    *kind = stat.kind;
    return stat.id;
}

/* Splits the location: the directory's ino, and the last name. 0: there is no such directory. */
static uint64_t directory_of(struct watch *watch, const char *location, const char **name)
{
    char text[STORE_LOCATION_MAX + 1];
    const char *slash = strrchr(location, '/');
    size_t size = slash ? (size_t)(slash - location) : 0;
    store_kind kind;
    uint64_t id;

    if (!slash || slash[1] == '\0')
        return 0;
    memcpy(text, location, size);
    strcpy(text + size, size == 0 ? "/" : "");
    *name = slash + 1;
    id = id_at(watch, 0, text, &kind);
    return id ? fs_ino(watch->fs, id) : 0;
}

static bool is_known(struct watch *watch, uint64_t ino)
{
    struct node *node = node_get(&watch->fs->nodes, ino);

    node_put(&watch->fs->nodes, node);
    return node;
}

static uint64_t id_in(struct watch *watch, uint64_t directory, const char *name, store_kind *kind)
{
    char location[STORE_NAME_MAX + 2];

    location[0] = '/';
    strcpy(location + 1, name);
    return id_at(watch, fs_id(watch->fs, directory), location, kind);
}

/* The node was seen to be there, unless this mount has moved it, and knows better, by now. */
static void follow(struct watch *watch, struct node *node, uint64_t directory, const char *name)
{
    struct fs *fs = watch->fs;
    char was[STORE_NAME_MAX + 1];
    uint64_t parent;
    store_kind kind;

    if (node_place(&fs->nodes, node, &parent, was) && id_in(watch, parent, was, &kind) != fs_id(fs, node->ino))
        node_follow(&fs->nodes, node, parent, was, directory, name);
}

static void overtaken(struct fs *fs, struct file *file)
{
    (void)fs;
    file_overtaken(file);
    file->node->cached = 0;
}

/* The bytes or attributes of what is there were changed. */
static void node_changed(struct watch *watch, uint64_t directory, const char *name, bool moved)
{
    struct fs *fs = watch->fs;
    store_kind kind = STORE_OBJECT;
    uint64_t id = id_in(watch, directory, name, &kind);
    struct node *node;
    struct file *file;

    if (!moved && kind != STORE_COLLECTION) /* another node may have this name by now */
        enqueue(watch, directory, name, false);
    node = id ? node_get(&fs->nodes, fs_ino(fs, id)) : NULL;
    if (!node)
        return;
    file = file_find(fs, node);
    if (file)
        pthread_mutex_lock(&file->lock);
    if (moved)
        follow(watch, node, directory, name);
    if (file) {
        overtaken(fs, file);
        pthread_mutex_unlock(&file->lock);
        file_put(fs, file);
    }
    enqueue(watch, node->ino, NULL, kind != STORE_COLLECTION);
    node_put(&fs->nodes, node);
}

static void entry_changed(struct watch *watch, const char *location, store_outcome outcome)
{
    const char *name;
    uint64_t directory = directory_of(watch, location, &name);

    if (directory && outcome == STORE_MOVED && !is_known(watch, directory))
        node_changed(watch, directory, name, true); /* it may come from one that is */
    if (!directory || !is_known(watch, directory))
        return;
    switch (outcome) {
    case STORE_UPDATED:
        node_changed(watch, directory, name, false);
        return;
    case STORE_DELETED:
        enqueue(watch, directory, name, false);
        break;
    case STORE_MOVED:
        enqueue(watch, directory, name, false);
        node_changed(watch, directory, name, true);
        break;
    case STORE_CREATED:
    case STORE_NOTHING:
    case STORE_GAP:
        break;
    }
    enqueue(watch, directory, NULL, false);
}

/* The reader is not to be faster than the kernel by more than there is memory for. False at the end. */
static bool await_room(struct watch *watch)
{
    bool stopping;

    pthread_mutex_lock(&watch->lock);
    while (watch->waiting >= NOTICES_MAX && !watch->stopping)
        pthread_cond_wait(&watch->room, &watch->lock);
    stopping = watch->stopping;
    pthread_mutex_unlock(&watch->lock);
    return !stopping;
}

/* False behind the last bucket. */
static bool bucket_changed(struct watch *watch, size_t bucket)
{
    struct node_table *table = &watch->fs->nodes;
    bool more;

    pthread_mutex_lock(&table->lock);
    more = bucket < table->bucket_count;
    for (struct node *node = more ? table->buckets[bucket] : NULL; node; node = node->next) {
        if (node->name && !node->directory)
            enqueue(watch, node->parent, node->name, false);
        enqueue(watch, node->ino, NULL, !node->directory);
    }
    pthread_mutex_unlock(&table->lock);
    return more;
}

/* Which changes there were is not known: all that the kernel knows is to be asked for again. Where the table grows
 * meanwhile, nodes only go to buckets further behind. */
static void all_changed(struct watch *watch)
{
    if (fs_each_file(watch->fs, overtaken) != 0)
        complain("no memory to follow what others changed");
    for (size_t bucket = 0; await_room(watch) && bucket_changed(watch, bucket); bucket++)
        continue;
}

static void look_at(struct watch *watch, const store_change *change)
{
    if (change->outcome == STORE_GAP) {
        all_changed(watch);
        return;
    }
    if (is_own(watch, change->version))
        return;
    if (change->from)
        entry_changed(watch, change->from, STORE_DELETED);
    entry_changed(watch, change->location, change->outcome);
}

static void *run_reader(void *context)
{
    struct watch *watch = context;
    const struct timespec gather = { .tv_nsec = GATHER_NS }, failed = { .tv_sec = 1 };
    store_change change;
    int rc = STORE_OK;

    while (rc != STORE_END) {
        rc = store_feed_next(&change, watch->feed, 0);
        if (rc == STORE_TIMEOUT) {
            rc = store_feed_next(&change, watch->feed, -1);
            nanosleep(&gather, NULL);
        }
        if (rc == STORE_OK && await_room(watch))
            look_at(watch, &change);
        else if (rc < 0)
            complain("what others change cannot be followed: %s", store_problem_last()->detail);
        if (rc < 0)
            nanosleep(&failed, NULL);
    }
    return NULL;
}

/* ---------------------------------------------------------------- its life */

static int open_watch(struct watch *watch, struct fs *fs)
{
    pthread_condattr_t monotonic;
    uint64_t since;
    int rc;

    watch->fs = fs;
    watch->now.last = &watch->now.first;
    watch->later.last = &watch->later.first;
    rc = store_last_version(&since, fs->store);
    if (rc == STORE_OK)
        rc = store_feed_open(&watch->feed, fs->store, NULL, since);
    if (rc != STORE_OK)
        return errno_of(rc);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&watch->room, NULL);
    pthread_mutex_init(&watch->lock, NULL);
    return 0;
}

static void stop(struct watch *watch)
{
    store_feed_stop(watch->feed);
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_signal(&watch->work);
    pthread_cond_signal(&watch->room);
    pthread_mutex_unlock(&watch->lock);
}

int watch_start(struct fs *fs)
{
    struct watch *watch = calloc(1, sizeof *watch);
    int error = watch ? open_watch(watch, fs) : ENOMEM;

    if (error) {
        free(watch);
        return error;
    }
    error = pthread_create(&watch->teller, NULL, run_teller, watch);
    if (!error) {
        fs->watch = watch;
        error = pthread_create(&watch->reader, NULL, run_reader, watch);
    }
    if (!error)
        return 0;
    if (fs->watch) {
        stop(watch);
        pthread_join(watch->teller, NULL);
    }
    fs->watch = NULL;
    store_feed_close(watch->feed);
    free(watch);
    return error;
}

void watch_stop(struct fs *fs)
{
    struct watch *watch = fs->watch;

    if (!watch)
        return;
    stop(watch);
    pthread_join(watch->reader, NULL);
    pthread_join(watch->teller, NULL);
    fs->watch = NULL;
    for (struct notice *notice; (notice = take_first(&watch->now));)
        free_notice(notice);
    for (struct notice *notice; (notice = take_first(&watch->later));)
        free_notice(notice);
    store_feed_close(watch->feed);
    pthread_cond_destroy(&watch->work);
    pthread_cond_destroy(&watch->room);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}
