/* storefs_model.c - the random operations and the comparison. */
#include "storefs_model.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "storefs_test.h"

enum { SIZE_MAX_ = 300000, PIECE_MAX = 70000, NAMES_MAX = 64 };

static char bytes[2][SIZE_MAX_ + 2 * PIECE_MAX];

static unsigned any(struct model *m, unsigned bound)
{
    return (unsigned)rand_r(&m->seed) % bound;
}

static bool one_in(struct model *m, unsigned n)
{
    return any(m, n) == 0;
}

__attribute__((format(printf, 2, 3))) static void doing(struct model *m, const char *format, ...)
{
    va_list arguments;

    memcpy(m->history[m->step % HISTORY], m->what, sizeof m->what);
    va_start(arguments, format);
    vsnprintf(m->what, sizeof m->what, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static void differ(struct model *m, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (unsigned i = 1; i <= HISTORY; i++)
        fprintf(stderr, "  %s\n", m->history[(m->step + i) % HISTORY]);
    cr_assert_fail("seed %u, step %u: %s: %s\n%s", m->first_seed, m->step, m->what, text, storefs_log());
}

/* The outcome of one call on both sides. */
struct outcome {
    long result[2];
    int error[2];
};

static void same_outcome(struct model *m, const struct outcome *o, bool only_success)
{
    bool failed[2] = { o->result[0] == -1, o->result[1] == -1 };

    if (failed[0] != failed[1] || (failed[0] && o->error[0] != o->error[1]) ||
        (!only_success && o->result[0] != o->result[1]))
        differ(m, "mounted %ld (%s), native %ld (%s)", o->result[0], failed[0] ? strerror(o->error[0]) : "",
               o->result[1], failed[1] ? strerror(o->error[1]) : "");
}

/* Runs an expression for `side` 0 and 1 and compares; did it succeed? */
#define BOTH(m, expression) BOTH_(m, expression, false)
/* For descriptors: their numbers differ. */
#define BOTH_OPEN(m, expression) BOTH_(m, expression, true)
#define BOTH_(m, expression, only_success)                                                     \
    ({                                                                                         \
        struct outcome outcome_;                                                               \
        for (int side = 0; side < 2; side++) {                                                 \
            errno = 0;                                                                         \
            outcome_.result[side] = (long)(expression);                                        \
            outcome_.error[side] = errno;                                                      \
        }                                                                                      \
        same_outcome(m, &outcome_, only_success);                                              \
        outcome_.result[NATIVE] != -1;                                                         \
    })

/* --------------------------------------------------------------------- choosing */

static const char *some_path(struct model *m)
{
    static char paths[4][16];
    static unsigned next;
    char *path = paths[next++ % 4];
    unsigned depth = 1 + any(m, 10) / 5 + one_in(m, 6);
    size_t used = 0;

    for (unsigned i = 0; i < depth; i++) {
        if (i > 0)
            path[used++] = '/';
        path[used++] = (char)('a' + any(m, 4));
    }
    path[used] = '\0';
    return path;
}

static int *some_file(struct model *m)
{
    unsigned first = any(m, MODEL_FILES);

    for (unsigned i = 0; i < MODEL_FILES; i++)
        if (m->files[(first + i) % MODEL_FILES][0] >= 0)
            return m->files[(first + i) % MODEL_FILES];
    return NULL;
}

static size_t some_size(struct model *m)
{
    return one_in(m, 3) ? any(m, PIECE_MAX) : one_in(m, 3) ? any(m, 9) * 4096 : any(m, 200);
}

static off_t some_offset(struct model *m)
{
    return (off_t)(one_in(m, 3) ? any(m, SIZE_MAX_) : one_in(m, 2) ? any(m, 20) * 4096 : any(m, 500));
}

/* ------------------------------------------------------------------- operations */

static void do_open(struct model *m)
{
    static const int modes[] = { O_RDONLY, O_RDWR, O_RDWR, O_WRONLY };
    const char *path = some_path(m);
    int mode = modes[any(m, 4)], flags = mode;
    unsigned slot = any(m, MODEL_FILES);
    mode_t rights = one_in(m, 2) ? 0644 : 0600;

    if (mode != O_RDONLY)
        flags |= (one_in(m, 4) ? O_TRUNC : 0) | (one_in(m, 4) ? O_APPEND : 0);
    flags |= (one_in(m, 2) ? O_CREAT : 0);
    if (flags & O_CREAT)
        flags |= one_in(m, 4) ? O_EXCL : 0;
    doing(m, "open(%s, 0%o, 0%o) as %u", path, (unsigned)flags, (unsigned)rights, slot);
    int *files = m->files[slot];
    for (int side = 0; side < 2 && files[side] >= 0; side++)
        close(files[side]);
    if (!BOTH_OPEN(m, files[side] = openat(m->directory[side], path, flags, rights)))
        files[0] = files[1] = -1;
}

static void do_close(struct model *m)
{
    int *files = some_file(m);

    if (files == NULL)
        return;
    doing(m, "close(%ld)", (long)(files - m->files[0]) / 2);
    BOTH(m, close(files[side]));
    files[0] = files[1] = -1;
}

static void do_write(struct model *m)
{
    int *files = some_file(m);
    size_t size = some_size(m);
    off_t offset = some_offset(m);

    if (files == NULL)
        return;
    doing(m, "pwrite(%ld, %zu at %ld)", (long)(files - m->files[0]) / 2, size, (long)offset);
    fill_pattern(bytes[0], size, m->step, (uint64_t)offset);
    BOTH(m, pwrite(files[side], bytes[0], size, offset));
}

static void do_read(struct model *m)
{
    int *files = some_file(m);
    size_t size = some_size(m);
    off_t offset = some_offset(m);

    if (files == NULL)
        return;
    doing(m, "pread(%ld, %zu at %ld)", (long)(files - m->files[0]) / 2, size, (long)offset);
    memset(bytes, 0, size);
    memset(bytes[1], 0, size);
    if (BOTH(m, pread(files[side], bytes[side], size, offset)) && memcmp(bytes[0], bytes[1], size) != 0)
        differ(m, "other bytes");
}

static void do_ftruncate(struct model *m)
{
    int *files = some_file(m);
    off_t size = some_offset(m);

    if (files == NULL)
        return;
    doing(m, "ftruncate(%ld, %ld)", (long)(files - m->files[0]) / 2, (long)size);
    BOTH(m, ftruncate(files[side], size));
}

static void do_truncate(struct model *m)
{
    const char *path = some_path(m);
    off_t size = some_offset(m);
    char name[2][64];

    doing(m, "truncate(%s, %ld)", path, (long)size);
    for (int side = 0; side < 2; side++)
        snprintf(name[side], 64, "/proc/self/fd/%d/%s", m->directory[side], path);
    BOTH(m, truncate(name[side], size));
}

static void do_fallocate(struct model *m)
{
    static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE };
    int *files = some_file(m), mode = modes[any(m, m->zeroes_ranges ? 5 : 4)];
    off_t offset = some_offset(m), size = (off_t)some_size(m);

    if (files == NULL)
        return;
    doing(m, "fallocate(%ld, %d, %ld, %ld)", (long)(files - m->files[0]) / 2, mode, (long)offset, (long)size);
    BOTH(m, fallocate(files[side], mode, offset, size));
}

static void do_copy_range(struct model *m)
{
    int *from = some_file(m), *to = some_file(m);
    off_t at = some_offset(m), there = some_offset(m), places[2];
    size_t size = some_size(m);

    if (from == NULL || from == to || to == NULL)
        return;
    doing(m, "copy_file_range(%ld at %ld, %ld at %ld, %zu)", (long)(from - m->files[0]) / 2, (long)at,
          (long)(to - m->files[0]) / 2, (long)there, size);
    struct stat one, two;
    if (fstat(from[NATIVE], &one) == 0 && fstat(to[NATIVE], &two) == 0 && one.st_ino == two.st_ino)
        return;
    BOTH(m, (places[0] = at, places[1] = there, copy_file_range(from[side], &places[0], to[side], &places[1], size, 0)));
}

static void do_map(struct model *m)
{
    int *files = some_file(m);
    struct stat stat;
    bool writing = one_in(m, 2);

    if (files == NULL || fstat(files[NATIVE], &stat) != 0 || stat.st_size == 0 || !S_ISREG(stat.st_mode))
        return;
    size_t size = stat.st_size < SIZE_MAX_ ? (size_t)stat.st_size : SIZE_MAX_, at = any(m, (unsigned)size), end = at + any(m, (unsigned)(size - at) + 1);
    doing(m, "mmap(%ld), %s %zu to %zu", (long)(files - m->files[0]) / 2, writing ? "writing" : "reading", at, end);
    for (int side = 0; side < 2; side++) {
        char *map = mmap(NULL, size, writing ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, files[side], 0);
        if (map == MAP_FAILED)
            return; /* not opened so */
        if (writing)
            fill_pattern(map + at, end - at, m->step, at);
        memcpy(bytes[side], map + at, end - at);
        munmap(map, size);
    }
    if (memcmp(bytes[0], bytes[1], end - at) != 0)
        differ(m, "other bytes");
}

static void do_sync(struct model *m)
{
    int *files = some_file(m);

    if (files == NULL)
        return;
    doing(m, "fsync(%ld)", (long)(files - m->files[0]) / 2);
    BOTH(m, one_in(m, 2) ? fsync(files[side]) : fdatasync(files[side]));
}

static void do_rename(struct model *m)
{
    static const unsigned flags[] = { 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
    const char *from = some_path(m), *to = some_path(m);
    unsigned flag = flags[any(m, 5)];

    doing(m, "rename(%s, %s, %u)", from, to, flag);
    BOTH(m, syscall(SYS_renameat2, m->directory[side], from, m->directory[side], to, flag));
}

static void do_names(struct model *m)
{
    const char *path = some_path(m), *other = some_path(m);

    switch (any(m, 8)) {
    case 0:
        doing(m, "link(%s, %s)", path, other);
        BOTH(m, linkat(m->directory[side], path, m->directory[side], other, 0));
        break;
    case 1:
    case 2:
        doing(m, "unlink(%s)", path);
        BOTH(m, unlinkat(m->directory[side], path, 0));
        break;
    case 3:
    case 4:
    case 5:
        doing(m, "mkdir(%s)", path);
        BOTH(m, mkdirat(m->directory[side], path, 0755));
        break;
    case 6:
        doing(m, "rmdir(%s)", path);
        BOTH(m, unlinkat(m->directory[side], path, AT_REMOVEDIR));
        break;
    case 7:
        doing(m, "symlink(%s, %s)", other, path);
        if (one_in(m, 3))
            BOTH(m, symlinkat(other, m->directory[side], path));
        break;
    }
}

static void do_attributes(struct model *m)
{
    const char *path = some_path(m);
    mode_t mode = (mode_t)(0600 | any(m, 0200));
    struct timespec times[2] = { { 1000000000 + any(m, 1000), any(m, 1000000000) },
                                 { 1000000000 + any(m, 1000), any(m, 1000000000) } };
    int *files = some_file(m);

    switch (any(m, 4)) {
    case 0:
        doing(m, "chmod(%s, 0%o)", path, (unsigned)mode);
        BOTH(m, fchmodat(m->directory[side], path, mode, 0));
        break;
    case 1:
        doing(m, "utimens(%s, %ld.%09ld)", path, (long)times[1].tv_sec, times[1].tv_nsec);
        BOTH(m, utimensat(m->directory[side], path, times, AT_SYMLINK_NOFOLLOW));
        break;
    case 2:
        doing(m, "fchmod(0%o)", (unsigned)mode);
        if (files)
            BOTH(m, fchmod(files[side], mode));
        break;
    case 3:
        doing(m, "futimens(%ld.%09ld)", (long)times[1].tv_sec, times[1].tv_nsec);
        if (files)
            BOTH(m, futimens(files[side], times));
        break;
    }
}

static void do_extended(struct model *m)
{
    static const char *const names[] = { "user.a", "user.b", "user.c" };
    const char *path = some_path(m), *name = names[any(m, 3)];
    char paths[2][64], value[2][64] = { "", "" };
    int flags = one_in(m, 4) ? XATTR_CREATE : one_in(m, 4) ? XATTR_REPLACE : 0;
    size_t size = any(m, 50);

    for (int side = 0; side < 2; side++)
        snprintf(paths[side], 64, "/proc/self/fd/%d/%s", m->directory[side], path);
    doing(m, "extended attribute %s of %s, %d", name, path, flags);
    fill_pattern(value[0], size, m->step, 0);
    if (one_in(m, 2))
        BOTH(m, lsetxattr(paths[side], name, value[0], size, flags));
    else if (one_in(m, 3))
        BOTH(m, lremovexattr(paths[side], name));
    memset(value, 0, sizeof value);
    BOTH(m, lgetxattr(paths[side], name, value[side], sizeof value[side]));
    if (memcmp(value[0], value[1], sizeof value[0]) != 0)
        differ(m, "another value");
}

/* ------------------------------------------------------------------- comparing */

static void compare_stat(struct model *m, const char *what, const struct stat *mounted, const struct stat *native)
{
    bool sized = S_ISREG(native->st_mode) || S_ISLNK(native->st_mode);

    if (mounted->st_mode != native->st_mode)
        differ(m, "%s has the mode 0%o, native 0%o", what, mounted->st_mode, native->st_mode);
    if (sized && mounted->st_size != native->st_size)
        differ(m, "%s has %ld bytes, native %ld", what, (long)mounted->st_size, (long)native->st_size);
    if ((!S_ISDIR(native->st_mode) || m->counts_directories) && mounted->st_nlink != native->st_nlink)
        differ(m, "%s has %ld links, native %ld", what, (long)mounted->st_nlink, (long)native->st_nlink);
    if (S_ISDIR(native->st_mode))
        return; /* a new file changes the time of its directory when it is closed, not when it is opened */
    /* A time that was set is the same; one that was not is of now. */
    bool set = native->st_mtim.tv_sec < 1100000000;
    if (set != (mounted->st_mtim.tv_sec < 1100000000) ||
        (set && (native->st_mtim.tv_sec != mounted->st_mtim.tv_sec || native->st_mtim.tv_nsec != mounted->st_mtim.tv_nsec)))
        differ(m, "%s (%ld links) was modified at %ld.%09ld, native %ld.%09ld", what, (long)native->st_nlink, (long)mounted->st_mtim.tv_sec,
               mounted->st_mtim.tv_nsec, (long)native->st_mtim.tv_sec, native->st_mtim.tv_nsec);
}

static void do_stat(struct model *m)
{
    struct stat stats[2];
    const char *path = some_path(m);
    int *files = some_file(m);

    doing(m, "stat(%s)", path);
    if (BOTH(m, fstatat(m->directory[side], path, &stats[side], AT_SYMLINK_NOFOLLOW)))
        compare_stat(m, path, &stats[0], &stats[1]);
    doing(m, "fstat");
    if (files && BOTH(m, fstat(files[side], &stats[side])))
        compare_stat(m, "an open file", &stats[0], &stats[1]);
}

static int by_name(const void *one, const void *two)
{
    return strcmp(one, two);
}

static size_t list(int directory, char names[NAMES_MAX][256])
{
    DIR *stream = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    size_t count = 0;

    cr_assert_not_null(stream);
    for (struct dirent *entry; (entry = readdir(stream)) && count < NAMES_MAX;)
        snprintf(names[count++], 256, "%c%.254s", "?pc?d?b?-?l?s"[entry->d_type % 13], entry->d_name);
    closedir(stream);
    qsort(names, count, sizeof names[0], by_name);
    return count;
}

static void compare_bytes(struct model *m, const int directories[2], const char *name)
{
    int files[2];
    ssize_t got[2];

    for (int side = 0; side < 2; side++) {
        files[side] = openat(directories[side], name, O_RDONLY | O_CLOEXEC);
        got[side] = files[side] < 0 ? -1 : read(files[side], bytes[side], sizeof bytes[side]);
        if (files[side] >= 0)
            close(files[side]);
    }
    if (got[0] != got[1] || (got[0] > 0 && memcmp(bytes[0], bytes[1], (size_t)got[0]) != 0)) {
        ssize_t at = 0;
        while (at < got[0] && at < got[1] && bytes[0][at] == bytes[1][at])
            at++;
        differ(m, "%s: %ld bytes, native %ld; the first difference is at %ld", name, (long)got[0], (long)got[1], (long)at);
    }
}

static void compare_directories(struct model *m, const int directories[2])
{
    char names[2][NAMES_MAX][256];
    size_t counts[2];
    struct stat stats[2];

    for (int side = 0; side < 2; side++)
        counts[side] = list(directories[side], names[side]);
    for (size_t i = 0; i < counts[0] || i < counts[1]; i++) {
        const char *name = names[0][i] + 1;
        if (i >= counts[0] || i >= counts[1] || strcmp(names[0][i], names[1][i]) != 0)
            differ(m, "the entry \"%s\", native \"%s\"", i < counts[0] ? names[0][i] : "", i < counts[1] ? names[1][i] : "");
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (!BOTH(m, fstatat(directories[side], name, &stats[side], AT_SYMLINK_NOFOLLOW)))
            continue;
        compare_stat(m, name, &stats[0], &stats[1]);
        if (S_ISREG(stats[0].st_mode))
            compare_bytes(m, directories, name);
        if (S_ISDIR(stats[0].st_mode)) {
            int below[2];
            BOTH_OPEN(m, below[side] = openat(directories[side], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            compare_directories(m, below);
            close(below[0]);
            close(below[1]);
        }
    }
}

void model_compare(struct model *m)
{
    compare_directories(m, m->directory);
}

static void do_list(struct model *m)
{
    const char *path = some_path(m);
    int directories[2];

    doing(m, "list %s", path);
    if (!BOTH_OPEN(m, directories[side] = openat(m->directory[side], path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)))
        return;
    compare_directories(m, directories);
    close(directories[0]);
    close(directories[1]);
}

/* ---------------------------------------------------------------------- stepping */

static const struct {
    void (*run)(struct model *m);
    unsigned weight;
} operations[] = {
    { do_open, 20 },   { do_close, 8 },      { do_write, 20 },    { do_read, 14 },   { do_ftruncate, 5 },
    { do_truncate, 3 }, { do_fallocate, 5 },  { do_copy_range, 3 }, { do_map, 5 },     { do_sync, 2 },
    { do_rename, 8 },  { do_names, 14 },     { do_attributes, 6 }, { do_extended, 4 }, { do_stat, 8 },
    { do_list, 1 },
};

void model_begin(struct model *m, int mounted, int native, unsigned seed)
{
    struct stat above;

    *m = (struct model){ .directory = { mounted, native }, .seed = seed, .first_seed = seed };
    for (int i = 0; i < MODEL_FILES; i++)
        m->files[i][0] = m->files[i][1] = -1;
    assert_sys(mkdirat(native, "x", 0755));
    assert_sys(fstat(native, &above));
    m->counts_directories = above.st_nlink == 3;
    assert_sys(unlinkat(native, "x", AT_REMOVEDIR));
    int fd = assert_sys(openat(native, "x", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    m->zeroes_ranges = fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 10) == 0;
    assert_sys(close(fd));
    assert_sys(unlinkat(native, "x", 0));
}

void model_step(struct model *m)
{
    unsigned sum = 0;
    size_t i = 0;

    for (i = 0; i < sizeof operations / sizeof *operations; i++)
        sum += operations[i].weight;
    m->step++;
    m->seed = m->first_seed * 1000003u + m->step * 7919u; /* so that a step is the same whatever was before it */
    unsigned chosen = any(m, sum);
    for (i = 0; chosen >= operations[i].weight; i++)
        chosen -= operations[i].weight;
    operations[i].run(m);
}

void model_close_files(struct model *m)
{
    for (int i = 0; i < MODEL_FILES; i++) {
        int *files = m->files[i];
        doing(m, "close(%d)", i);
        if (files[0] >= 0)
            BOTH(m, close(files[side]));
        files[0] = files[1] = -1;
    }
}
