/* storefs: directories, listed while entries come and go. */
#include <dirent.h>

#include "storefs_test.h"

TestSuite(storefs_directories, .init = begin_storefs, .fini = end_storefs);

static size_t count_entries(const char *name)
{
    DIR *directory = opendir(name);
    size_t count = 0;

    cr_assert_not_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}

static bool lists(const char *name, const char *wanted)
{
    DIR *directory = opendir(name);
    bool found = false;

    cr_assert_not_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        found |= strcmp(entry->d_name, wanted) == 0;
    closedir(directory);
    return found;
}

static void make_files(const char *prefix, int count)
{
    char name[64];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s%04d", prefix, i);
        put_file(name, "1");
    }
}

Test(storefs_directories, a_directory_lists_its_entries_with_their_kinds)
{
    shell("mkdir d && cd d && echo 1 > a && mkdir b && ln -s a l && mkfifo f");
    DIR *directory = opendir("d");
    int seen = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        unsigned char wanted = strchr("b.", entry->d_name[0]) ? DT_DIR : *entry->d_name == 'a' ? DT_REG
                               : *entry->d_name == 'l' ? DT_LNK : DT_FIFO;
        cr_assert_eq(entry->d_type, wanted, "%s", entry->d_name);
        if (entry->d_name[0] != '.') {
            char path[300];
            snprintf(path, sizeof path, "d/%s", entry->d_name);
            cr_assert_eq(entry->d_ino, stat_of(path).st_ino, "%s", entry->d_name);
        }
        seen++;
    }
    closedir(directory);
    cr_assert_eq(seen, 6);
}

Test(storefs_directories, unfinished_files_are_listed)
{
    put_file("a", "1");
    int fd = assert_sys(open("b", O_WRONLY | O_CREAT, 0644));
    cr_assert(lists(".", "b"));
    cr_assert_eq(count_entries("."), 2);
    assert_sys(close(fd));
    cr_assert_eq(count_entries("."), 2);
    assert_sys(unlink("b"));
    cr_assert_not(lists(".", "b"));
}

Test(storefs_directories, links_count_the_subdirectories)
{
    shell("mkdir -p d/a d/b d/c/e && echo 1 > d/f");
    cr_assert_eq(stat_of("d").st_nlink, 5);
    assert_sys(rmdir("d/a"));
    cr_assert_eq(stat_of("d").st_nlink, 4);
    assert_sys(rename("d/c/e", "d/e"));
    cr_assert_eq(stat_of("d").st_nlink, 5);
    cr_assert_eq(stat_of("d/c").st_nlink, 2);
    assert_ok(store_make_collection(NULL, test_store(), "/d/g", NULL));
    assert_soon(stat_of("d").st_nlink == 6);
}

Test(storefs_directories, dot_dot_leads_up)
{
    shell("mkdir -p d/e && cd d/e && test \"$(stat -c %i ..)\" = \"$(stat -c %i ../../d)\"");
    cr_assert_eq(stat_of("d/..").st_ino, stat_of(".").st_ino);
    shell("mkdir g && mv d/e g/e && test \"$(stat -c %i g/e/..)\" = \"$(stat -c %i g)\"");
}

/* Every entry that is there all the time is listed once, whatever else happens. */
static void list_while(void (*disturb)(int step))
{
    static unsigned char seen[1000];
    int step = 0, got = 0;
    DIR *directory;

    assert_sys(mkdir("d", 0755));
    make_files("d/stays", 1000);
    directory = opendir("d");
    for (struct dirent *entry; (entry = readdir(directory));) {
        int number;
        if (sscanf(entry->d_name, "stays%d", &number) == 1) {
            cr_assert_eq(seen[number]++, 0, "%s is listed twice", entry->d_name);
            got++;
        }
        disturb(step++);
    }
    closedir(directory);
    cr_assert_eq(got, 1000);
}

static void come_and_go(int step)
{
    char name[64];

    snprintf(name, sizeof name, "d/%c%d", "az"[step % 2], step);
    put_file(name, "1");
    if (step > 20) {
        snprintf(name, sizeof name, "d/%c%d", "az"[step % 2], step - 20);
        assert_sys(unlink(name));
    }
}

Test(storefs_directories, nothing_is_skipped_or_repeated_while_entries_come_and_go)
{
    list_while(come_and_go);
}

static void replace_by_rename(int step)
{
    char name[64];

    snprintf(name, sizeof name, "d/stays%04d", step * 7 % 1000);
    put_file("d/temporary", "2");
    assert_sys(rename("d/temporary", name));
}

Test(storefs_directories, nothing_is_skipped_or_repeated_while_entries_are_replaced)
{
    list_while(replace_by_rename);
}

Test(storefs_directories, every_entry_can_be_removed_while_it_is_listed)
{
    char name[300];
    DIR *directory;

    assert_sys(mkdir("d", 0755));
    make_files("d/f", 1500);
    directory = opendir("d");
    for (struct dirent *entry; (entry = readdir(directory));) {
        snprintf(name, sizeof name, "d/%s", entry->d_name);
        if (entry->d_name[0] != '.')
            assert_sys(unlink(name));
    }
    closedir(directory);
    assert_sys(rmdir("d"));
}

Test(storefs_directories, a_place_in_a_directory_can_be_told_and_found_again)
{
    char name[300];
    DIR *directory;
    long place = 0;

    make_files("f", 500);
    directory = opendir(".");
    for (int i = 0; i < 250; i++) {
        cr_assert_not_null(readdir(directory));
        place = telldir(directory);
    }
    struct dirent *entry = readdir(directory);
    snprintf(name, sizeof name, "%s", entry->d_name);
    int rest = 1;
    while (readdir(directory))
        rest++;
    seekdir(directory, place);
    cr_assert_str_eq(readdir(directory)->d_name, name);
    for (rest--; readdir(directory);)
        rest--;
    cr_assert_eq(rest, 0);
    put_file("late", "1");
    rewinddir(directory);
    int all = 0;
    bool late = false;
    while ((entry = readdir(directory))) {
        all++;
        late |= strcmp(entry->d_name, "late") == 0;
    }
    cr_assert_eq(all, 503);
    cr_assert(late, "an entry made before rewinddir()");
    closedir(directory);
}

Test(storefs_directories, an_open_directory_that_is_removed_is_empty)
{
    assert_sys(mkdir("d", 0755));
    DIR *directory = opendir("d");
    assert_sys(rmdir("d"));
    cr_assert_eq(stat_fd(dirfd(directory)).st_nlink, 0);
    assert_errno(ENOENT, openat(dirfd(directory), "a", O_WRONLY | O_CREAT, 0644));
    for (struct dirent *entry; (entry = readdir(directory));)
        cr_assert_eq(entry->d_name[0], '.');
    closedir(directory);
}

Test(storefs_directories, directories_are_synced)
{
    assert_sys(mkdir("d", 0755));
    put_file("d/a", "1");
    int fd = assert_sys(open("d", O_RDONLY | O_DIRECTORY));
    assert_sys(fsync(fd));
    assert_sys(fdatasync(fd));
    assert_sys(syncfs(fd));
    assert_sys(close(fd));
}

static int make_and_remove(void *context)
{
    char name[64];

    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "d/%s%d", (const char *)context, i % 17);
        int fd = open(name, O_WRONLY | O_CREAT, 0644);
        if (fd < 0 || close(fd) != 0 || unlink(name) != 0)
            return 1;
    }
    return 0;
}

Test(storefs_directories, many_processes_work_in_one_directory)
{
    static char names[4][2] = { "a", "b", "c", "e" };
    pid_t children[4];

    assert_sys(mkdir("d", 0755));
    for (int i = 0; i < 4; i++)
        children[i] = start_child(make_and_remove, names[i]);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(end_of_child(children[i]), 0);
    cr_assert_eq(count_entries("d"), 0);
    assert_sys(rmdir("d"));
}

Test(storefs_directories, a_tree_is_removed)
{
    shell("for i in 1 2 3 4 5 6 7 8; do mkdir -p t/$i/x/y t/$i/z; for j in 1 2 3 4 5; do echo $j > t/$i/x/$j;"
          " done; done; cp -r t u; rm -r t && test ! -e t; mv u v; rm -rf v && test -z \"$(ls -A)\"");
}

Test(storefs_directories, a_directory_of_thousands_is_listed_whole)
{
    store_txn *txn;
    char location[32];

    assert_ok(store_make_collection(NULL, test_store(), "/d", NULL));
    assert_ok(store_begin(&txn, test_store(), false));
    store_request request = STORE_REQUEST_INIT;
    request.txn = txn;
    for (int i = 0; i < 20000; i++) {
        snprintf(location, sizeof location, "/d/entry-%d", i);
        assert_ok(store_put(NULL, test_store(), location, "1", 1, &request));
    }
    assert_ok(store_commit(txn));
    cr_assert_str_eq(shell_says("ls -U d | sort -u | wc -l"), "20000");
    cr_assert_str_eq(shell_says("find d -type f -size 1c | wc -l"), "20000");
    shell("rm -r d");
    assert_not_stored("/d");
}
