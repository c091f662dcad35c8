/* storefs: reading and writing files, as POSIX has it. */
#include <sys/mman.h>
#include <sys/uio.h>

#include "storefs_test.h"

TestSuite(storefs_files, .init = begin_storefs, .fini = end_storefs);

static char pattern[3 << 20], got[3 << 20];

static int new_file(const char *name)
{
    return assert_sys(open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
}

static void assert_range(int fd, uint64_t offset, size_t size, unsigned seed)
{
    fill_pattern(pattern, size, seed, offset);
    cr_assert_eq(assert_sys(pread(fd, got, size, (off_t)offset)), (int)size);
    cr_assert_eq(memcmp(got, pattern, size), 0, "the bytes from %lu on differ", (unsigned long)offset);
}

static void write_range(int fd, uint64_t offset, size_t size, unsigned seed)
{
    fill_pattern(pattern, size, seed, offset);
    cr_assert_eq(assert_sys(pwrite(fd, pattern, size, (off_t)offset)), (int)size);
}

static void assert_zero(int fd, uint64_t offset, size_t size)
{
    cr_assert_eq(assert_sys(pread(fd, got, size, (off_t)offset)), (int)size);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(got[i], 0, "byte %lu", (unsigned long)(offset + i));
}

Test(storefs_files, what_was_written_is_read)
{
    put_file("a", "some text");
    assert_file("a", "some text");
    cr_assert_eq(stat_of("a").st_size, 9);
}

Test(storefs_files, an_empty_file_is_a_file)
{
    put_file("a", "");
    assert_file("a", "");
    cr_assert(S_ISREG(stat_of("a").st_mode));
}

Test(storefs_files, files_of_every_size_class_come_back)
{
    static const size_t sizes[] = { 1, 4095, 4096, 4097, 8176, 65519, 65520, 65521, 131072, 1 << 20, (1 << 20) + 1 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill_pattern(pattern, sizes[i], (unsigned)i, 0);
        put_bytes("a", pattern, sizes[i]);
        size_t size;
        char *data = get_bytes("a", &size);
        cr_assert_eq(size, sizes[i]);
        cr_assert_eq(memcmp(data, pattern, size), 0, "size %zu", size);
        free(data);
    }
}

Test(storefs_files, a_file_can_be_written_anywhere)
{
    int fd = new_file("a");

    write_range(fd, 100000, 5000, 1);
    write_range(fd, 0, 100000, 1);
    write_range(fd, 500000, 300000, 1);
    write_range(fd, 105000, 395000, 1);
    assert_range(fd, 0, 800000, 1);
    assert_sys(close(fd));
    fd = assert_sys(open("a", O_RDWR));
    assert_range(fd, 0, 800000, 1);
    write_range(fd, 65000, 2000, 2);
    assert_range(fd, 64000, 1000, 1);
    assert_range(fd, 65000, 2000, 2);
    assert_range(fd, 67000, 2000, 1);
    assert_sys(close(fd));
    fd = assert_sys(open("a", O_RDONLY));
    assert_range(fd, 0, 65000, 1);
    assert_range(fd, 65000, 2000, 2);
    assert_range(fd, 67000, 733000, 1);
    assert_sys(close(fd));
}

Test(storefs_files, an_open_file_shows_what_another_descriptor_wrote)
{
    int reader, writer = new_file("a");

    reader = assert_sys(open("a", O_RDONLY));
    write_range(writer, 0, 1000, 1);
    assert_range(reader, 0, 1000, 1);
    cr_assert_eq(stat_fd(reader).st_size, 1000);
    write_range(writer, 0, 100, 2);
    assert_range(reader, 0, 100, 2);
    assert_sys(close(writer));
    assert_range(reader, 100, 900, 1);
    assert_sys(close(reader));
}

Test(storefs_files, a_gap_reads_as_zero_bytes)
{
    int fd = new_file("a");

    write_range(fd, 200000, 10, 1);
    assert_zero(fd, 0, 200000);
    assert_sys(close(fd));
    fd = assert_sys(open("a", O_RDONLY));
    assert_zero(fd, 0, 200000);
    assert_range(fd, 200000, 10, 1);
    assert_sys(close(fd));
}

Test(storefs_files, reading_ends_at_the_end)
{
    char byte;

    put_file("a", "12345");
    int fd = assert_sys(open("a", O_RDONLY));
    cr_assert_eq(pread(fd, got, 100, 3), 2);
    cr_assert_eq(pread(fd, &byte, 1, 5), 0);
    cr_assert_eq(pread(fd, &byte, 1, 5000000), 0);
    assert_sys(close(fd));
}

Test(storefs_files, truncating_cuts_and_growing_again_gives_zero_bytes)
{
    static const off_t sizes[] = { 300000, 65536, 65530, 5000, 4096, 100, 1 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int fd = new_file("a");
        write_range(fd, 0, 400000, 3);
        assert_sys(close(fd));
        assert_sys(truncate("a", sizes[i]));
        cr_assert_eq(stat_of("a").st_size, sizes[i]);
        assert_sys(truncate("a", 400000));
        fd = assert_sys(open("a", O_RDONLY));
        assert_range(fd, 0, (size_t)sizes[i], 3);
        assert_zero(fd, (uint64_t)sizes[i], 400000 - (size_t)sizes[i]);
        assert_sys(close(fd));
    }
}

Test(storefs_files, ftruncate_works_between_writes)
{
    int fd = new_file("a");

    write_range(fd, 0, 100000, 1);
    assert_sys(ftruncate(fd, 50000));
    assert_sys(ftruncate(fd, 70000));
    write_range(fd, 80000, 1000, 1);
    assert_range(fd, 0, 50000, 1);
    assert_zero(fd, 50000, 30000);
    assert_range(fd, 80000, 1000, 1);
    assert_sys(ftruncate(fd, 0));
    cr_assert_eq(stat_fd(fd).st_size, 0);
    write_range(fd, 0, 10, 2);
    assert_sys(close(fd));
    cr_assert_eq(stat_of("a").st_size, 10);
}

Test(storefs_files, o_trunc_empties_for_everybody_on_the_mount)
{
    put_file("a", "a longer text");
    int reader = assert_sys(open("a", O_RDONLY));
    int writer = assert_sys(open("a", O_WRONLY | O_TRUNC));
    cr_assert_eq(stat_of("a").st_size, 0);
    cr_assert_eq(stat_fd(reader).st_size, 0);
    cr_assert_eq(write(writer, "new", 3), 3);
    assert_sys(close(writer));
    cr_assert_eq(pread(reader, got, 100, 0), 3);
    assert_sys(close(reader));
    assert_file("a", "new");
}

Test(storefs_files, a_shorter_text_leaves_no_tail)
{
    put_file("a", "a rather long text");
    put_file("a", "short");
    assert_file("a", "short");
    shell("printf 'another long text' > a; printf tiny > a");
    assert_file("a", "tiny");
}

/* ------------------------------------------------------------------- appending */

enum { APPENDERS = 2, LINES = 300, LINE = 20 };

static int append_lines(void *context)
{
    char line[64];
    int fd = open("log", O_WRONLY | O_APPEND | O_CREAT, 0644);

    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "%c%*d\n", *(char *)context, LINE - 2, i);
        if (write(fd, line, LINE) != LINE)
            return 1;
    }
    return close(fd) == 0 ? 0 : 2;
}

/* O_APPEND is atomic: no line is lost or torn, whoever writes. */
Test(storefs_files, two_processes_append_to_one_file)
{
    pid_t children[APPENDERS];
    int next[APPENDERS] = { 0 };
    char names[APPENDERS][2] = { "A", "B" };
    size_t size;

    put_file("log", "");
    for (int i = 0; i < APPENDERS; i++)
        children[i] = start_child(append_lines, names[i]);
    for (int i = 0; i < APPENDERS; i++)
        cr_assert_eq(end_of_child(children[i]), 0);
    char *text = get_bytes("log", &size);
    cr_assert_eq(size, (size_t)APPENDERS * LINES * LINE);
    for (size_t at = 0; at < size; at += LINE) {
        int who = text[at] - 'A';
        cr_assert(who >= 0 && who < APPENDERS, "byte %zu", at);
        cr_assert_eq(strtol(text + at + 1, NULL, 10), next[who]++);
        cr_assert_eq(text[at + LINE - 1], '\n');
    }
    free(text);
}

Test(storefs_files, appending_ignores_the_position)
{
    put_file("a", "12345");
    int fd = assert_sys(open("a", O_RDWR | O_APPEND));
    assert_sys(lseek(fd, 0, SEEK_SET));
    cr_assert_eq(write(fd, "678", 3), 3);
    assert_sys(close(fd));
    assert_file("a", "12345678");
    shell("echo 9 >> a");
    assert_file("a", "123456789\n");
}

/* ----------------------------------------------------------------- mapped files */

Test(storefs_files, a_shared_mapping_writes_the_file)
{
    int fd = new_file("a");

    assert_sys(ftruncate(fd, 100000));
    char *map = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(map, MAP_FAILED, "%s", strerror(errno));
    fill_pattern(map, 100000, 4, 0);
    assert_sys(msync(map, 100000, MS_SYNC));
    assert_range(fd, 0, 100000, 4);
    map[5] = '!';
    assert_sys(munmap(map, 100000));
    assert_sys(close(fd));
    fd = assert_sys(open("a", O_RDONLY));
    cr_assert_eq(pread(fd, got, 1, 5), 1);
    cr_assert_eq(got[0], '!');
    assert_sys(close(fd));
    remount_storefs();
    fd = assert_sys(open("a", O_RDONLY));
    assert_range(fd, 6, 99994, 4);
    assert_sys(close(fd));
}

Test(storefs_files, a_mapping_shows_what_is_written_and_lives_on_after_close)
{
    put_file("a", "first text");
    int fd = assert_sys(open("a", O_RDWR));
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(map, MAP_FAILED, "%s", strerror(errno));
    cr_assert_eq(memcmp(map, "first", 5), 0);
    cr_assert_eq(pwrite(fd, "FIRST", 5, 0), 5);
    cr_assert_eq(memcmp(map, "FIRST text", 10), 0);
    assert_sys(close(fd));
    memcpy(map, "third", 5);
    assert_sys(munmap(map, 4096));
    assert_file("a", "third text");
    assert_soon(is_body("/a", "third text"));
}

Test(storefs_files, a_private_mapping_changes_nothing)
{
    put_file("a", "some text");
    int fd = assert_sys(open("a", O_RDONLY));
    char *map = mmap(NULL, 9, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    cr_assert_neq(map, MAP_FAILED, "%s", strerror(errno));
    memcpy(map, "SOME", 4);
    assert_sys(munmap(map, 9));
    assert_sys(close(fd));
    assert_file("a", "some text");
}

/* ------------------------------------------------- holes, fallocate, copying */

Test(storefs_files, holes_are_found_and_take_no_space)
{
    enum { FAR = 64 << 20 };
    int fd = new_file("a");

    write_range(fd, 0, 4096, 1);
    write_range(fd, FAR, 4096, 1);
    assert_sys(ftruncate(fd, 2 * FAR));
    assert_errno(ENXIO, lseek(fd, 2 * FAR, SEEK_DATA));
    cr_assert_eq(lseek(fd, FAR, SEEK_DATA), FAR);
    assert_sys(close(fd));
    fd = assert_sys(open("a", O_RDONLY)); /* where the holes of a file under way are, is not promised */
    off_t hole = lseek(fd, 0, SEEK_HOLE), data = lseek(fd, hole, SEEK_DATA);
    cr_assert(hole >= 4096 && hole < FAR, "hole at %ld", (long)hole);
    cr_assert(data > hole && data <= FAR, "data at %ld", (long)data);
    cr_assert_leq(stat_of("a").st_blocks * 512, 4 << 20);
    assert_sys(close(fd));
    shell("cp --sparse=auto a b && cmp a b && test $(stat -c %b b) -le 8192");
}

Test(storefs_files, fallocate_reserves_keeps_the_size_and_punches_holes)
{
    int fd = new_file("a");

    assert_sys(fallocate(fd, 0, 0, 100000));
    cr_assert_eq(stat_fd(fd).st_size, 100000);
    assert_zero(fd, 0, 100000);
    write_range(fd, 0, 100000, 1);
    assert_sys(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200000));
    cr_assert_eq(stat_fd(fd).st_size, 100000);
    assert_sys(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10000, 60000));
    assert_range(fd, 0, 10000, 1);
    assert_zero(fd, 10000, 60000);
    assert_range(fd, 70000, 30000, 1);
    assert_sys(fallocate(fd, FALLOC_FL_ZERO_RANGE, 90000, 20000));
    cr_assert_eq(stat_fd(fd).st_size, 110000);
    assert_range(fd, 70000, 20000, 1);
    assert_zero(fd, 90000, 20000);
    assert_errno(EINVAL, fallocate(fd, 0, 0, 0));
    assert_sys(close(fd));
    fd = assert_sys(open("a", O_RDONLY));
    assert_zero(fd, 10000, 60000);
    assert_range(fd, 70000, 20000, 1);
    assert_errno(EBADF, fallocate(fd, 0, 0, 10));
    assert_sys(close(fd));
}

Test(storefs_files, copy_file_range_copies)
{
    int to, from = new_file("a");
    off_t at = 1000;

    write_range(from, 0, 300000, 1);
    to = new_file("b");
    cr_assert_eq(assert_sys(copy_file_range(from, &at, to, NULL, 250000, 0)), 250000);
    cr_assert_eq(stat_fd(to).st_size, 250000);
    fill_pattern(pattern, 250000, 1, 1000);
    cr_assert_eq(pread(to, got, 250000, 0), 250000);
    cr_assert_eq(memcmp(got, pattern, 250000), 0);
    assert_sys(close(to));
    assert_sys(close(from));
    shell("test $(stat -c %s b) = 250000");
}

Test(storefs_files, vectors_are_read_and_written)
{
    struct iovec out[2] = { { "abc", 3 }, { "defg", 4 } };
    char one[5] = "", two[3] = "";
    struct iovec in[2] = { { one, 4 }, { two, 2 } };
    int fd = new_file("a");

    cr_assert_eq(pwritev(fd, out, 2, 1), 7);
    cr_assert_eq(preadv(fd, in, 2, 1), 6);
    cr_assert_str_eq(one, "abcd");
    cr_assert_str_eq(two, "ef");
    assert_sys(close(fd));
}

Test(storefs_files, direct_io_reads_and_writes)
{
    char *block = aligned_alloc(4096, 8192);
    int fd = assert_sys(open("a", O_RDWR | O_CREAT | O_DIRECT, 0644));

    fill_pattern(block, 8192, 5, 0);
    cr_assert_eq(assert_sys(write(fd, block, 8192)), 8192);
    memset(block, 0, 8192);
    cr_assert_eq(assert_sys(pread(fd, block, 8192, 0)), 8192);
    fill_pattern(pattern, 8192, 5, 0);
    cr_assert_eq(memcmp(block, pattern, 8192), 0);
    assert_sys(close(fd));
    free(block);
}

/* ------------------------------------------------------------------- open flags */

Test(storefs_files, open_flags_mean_what_they_mean)
{
    assert_errno(ENOENT, open("a", O_RDONLY));
    put_file("a", "1");
    assert_errno(EEXIST, open("a", O_WRONLY | O_CREAT | O_EXCL, 0644));
    assert_errno(ENOTDIR, open("a", O_RDONLY | O_DIRECTORY));
    assert_errno(ENOTDIR, open("a/b", O_RDONLY));
    assert_sys(mkdir("d", 0755));
    assert_errno(EISDIR, open("d", O_WRONLY));
    assert_sys(symlink("a", "l"));
    assert_errno(ELOOP, open("l", O_RDONLY | O_NOFOLLOW));
    int fd = assert_sys(open("a", O_RDONLY));
    assert_errno(EBADF, write(fd, "x", 1));
    assert_sys(close(fd));
    fd = assert_sys(open("a", O_WRONLY));
    assert_errno(EBADF, read(fd, got, 1));
    assert_sys(close(fd));
}

Test(storefs_files, impossible_offsets_are_refused)
{
    int fd = new_file("a");

    assert_errno(EINVAL, ftruncate(fd, -1));
    assert_errno(EINVAL, pread(fd, got, 1, -1));
    assert_errno(EINVAL, pwrite(fd, "x", 1, -1));
    write_range(fd, 0, 10, 1);
    assert_range(fd, 0, 10, 1);
    assert_sys(close(fd));
}

Test(storefs_files, locks_are_kept_between_processes)
{
    put_file("a", "1");
    shell("exec 9<a; flock -n 9 && ! flock -n a true");
    shell("flock -n a true");
}

Test(storefs_files, everything_is_there_after_mounting_again)
{
    int fd = new_file("large");

    write_range(fd, 0, 1000000, 7);
    assert_sys(close(fd));
    put_file("small", "text");
    assert_sys(mkdir("d", 0755));
    put_file("d/x", "deep");
    remount_storefs();
    assert_file("small", "text");
    assert_file("d/x", "deep");
    fd = assert_sys(open("large", O_RDONLY));
    assert_range(fd, 0, 1000000, 7);
    assert_sys(close(fd));
}
