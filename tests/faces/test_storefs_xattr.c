/* storefs: extended attributes of unfinished files, what is listed, what travels with copies. */
#include <sys/xattr.h>

#include "storefs_test.h"

TestSuite(storefs_xattr, .init = begin_storefs, .fini = end_storefs);

static const char definition[] =
    "{\"key\":[\"id\"],\"put\":\"replace\",\"schema\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"}}}}";

/* The names that listxattr gives, each followed by a space. Borrowed until the next. */
static const char *names_of(const char *name)
{
    static char list[65537];
    ssize_t size = llistxattr(name, list, sizeof list - 1);

    cr_assert_geq(size, 0, "%s: %s", name, strerror(errno));
    for (ssize_t i = 0; i < size; i++)
        if (list[i] == '\0')
            list[i] = ' ';
    list[size] = '\0';
    return list;
}

static const char *type_of(const char *location)
{
    static store_stat stat;

    assert_ok(store_stat_get(&stat, test_store(), location, NULL));
    return stat.type;
}

/* ------------------------------------------------------------ unfinished files */

Test(storefs_xattr, those_of_an_unfinished_file_are_published_with_it)
{
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT, 0644));
    char value[16];
    void *stored;
    size_t size;

    assert_errno(ENODATA, fgetxattr(fd, "user.x", value, sizeof value));
    assert_errno(ENODATA, fsetxattr(fd, "user.x", "1", 1, XATTR_REPLACE));
    assert_sys(fsetxattr(fd, "user.x", "1", 1, XATTR_CREATE));
    assert_errno(EEXIST, fsetxattr(fd, "user.x", "2", 1, XATTR_CREATE));
    assert_sys(fsetxattr(fd, "user.empty", "", 0, 0));
    assert_sys(fsetxattr(fd, "user.gone", "3", 1, 0));
    assert_sys(fremovexattr(fd, "user.gone"));
    assert_errno(ENODATA, fremovexattr(fd, "user.gone"));
    assert_sys(fsetxattr(fd, "user.store.type", "text/plain", 10, 0));
    assert_errno(EINVAL, fsetxattr(fd, "user.store.type", "nonsense", 8, 0));
    assert_errno(ENODATA, fgetxattr(fd, "user.store.etag", value, sizeof value));
    cr_assert_str_eq(names_of("a"), "user.store.type user.x user.empty ");
    cr_assert_str_eq(attribute_of("a", "user.store.type"), "text/plain");
    assert_not_stored("/a");
    cr_assert_eq(write(fd, "text", 4), 4);
    assert_sys(close(fd));
    cr_assert_str_eq(type_of("/a"), "text/plain");
    assert_ok(store_meta_get(&stored, &size, test_store(), "/a", "x", NULL));
    cr_assert_str_eq((char *)stored, "1");
    store_free(stored);
    cr_assert_str_eq(attribute_of("a", "user.empty"), "");
    cr_assert_null(attribute_of("a", "user.gone"));
}

Test(storefs_xattr, what_was_published_is_not_published_again)
{
    int fd = assert_sys(open("a", O_WRONLY | O_CREAT, 0644));

    assert_sys(fsetxattr(fd, "user.x", "1", 1, 0));
    cr_assert_eq(write(fd, "one", 3), 3);
    assert_sys(fsync(fd));
    assert_sys(fsetxattr(fd, "user.x", "2", 1, 0));
    assert_sys(fsetxattr(fd, "user.store.type", "text/plain", 10, 0));
    cr_assert_eq(write(fd, "two", 3), 3);
    assert_sys(close(fd));
    assert_body("/a", "onetwo");
    cr_assert_str_eq(attribute_of("a", "user.x"), "2");
    cr_assert_str_eq(type_of("/a"), "text/plain");
}

Test(storefs_xattr, an_attribute_that_is_set_while_a_file_is_written_spoils_nothing)
{
    static char large[1 << 20];

    memset(large, 'a', sizeof large);
    put_bytes("a", large, sizeof large);
    int reader = assert_sys(open("a", O_RDONLY));
    int writer = assert_sys(open("a", O_WRONLY));
    cr_assert_eq(pwrite(writer, "b", 1, 500000), 1);
    assert_sys(setxattr("a", "user.x", "1", 1, 0));
    assert_sys(fsetxattr(writer, "user.store.type", "text/plain", 10, 0));
    cr_assert_eq(pwrite(writer, "c", 1, 600000), 1);
    assert_sys(close(writer));
    char byte = 0;
    cr_assert_eq(pread(reader, &byte, 1, 600000), 1);
    cr_assert_eq(byte, 'c');
    assert_sys(close(reader));
    cr_assert_str_eq(attribute_of("a", "user.x"), "1");
    cr_assert_str_eq(type_of("/a"), "text/plain");
    size_t size;
    char *now = get_bytes("a", &size);
    cr_assert_eq(size, sizeof large);
    cr_assert_eq(now[500000], 'b');
    free(now);
}

/* ---------------------------------------------------------------------- limits */

Test(storefs_xattr, names_and_values_have_the_limits_of_linux)
{
    static char value[60000];
    char name[257] = "user.";
    static const char *const states[] = { "stored", "staged" };

    put_file("stored", "1");
    int fd = assert_sys(open("staged", O_WRONLY | O_CREAT, 0644));
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < 2; i++) {
        const char *file = states[i];
        memset(name + 5, 'n', 250);
        name[255] = '\0';
        assert_sys(setxattr(file, name, "1", 1, 0));
        cr_assert_str_eq(attribute_of(file, name), "1");
        assert_errno(EINVAL, setxattr(file, "user.a/b", "1", 1, 0));
        assert_errno(EINVAL, setxattr(file, "user.\xff", "1", 1, 0));
        assert_errno(EOPNOTSUPP, setxattr(file, "user.", "1", 1, 0));
        assert_sys(setxattr(file, "user.large", value, 60000, 0));
        assert_errno(ENOSPC, setxattr(file, "user.more", value, 6000, 0));
        assert_sys(setxattr(file, "user.large", value, 100, 0));
        assert_sys(setxattr(file, "user.more", value, 6000, 0));
    }
    assert_sys(close(fd));
    cr_assert_eq(strlen(attribute_of("staged", "user.more")), 6000);
    cr_assert_str_eq(attribute_of("staged", name), "1");
}

/* Who hears EOPNOTSUPP does not ask at the next file. */
Test(storefs_xattr, those_of_the_system_are_absent_or_not_supported)
{
    char value[8];

    put_file("stored", "1");
    assert_errno(ENODATA, getxattr("stored", "security.capability", value, sizeof value));
    assert_errno(ENODATA, getxattr("stored", "trusted.x", value, sizeof value));
    assert_errno(EOPNOTSUPP, getxattr("stored", "security.selinux", value, sizeof value));
    assert_errno(EOPNOTSUPP, getxattr("stored", "system.posix_acl_access", value, sizeof value));
    assert_errno(EOPNOTSUPP, setxattr("stored", "security.selinux", "1", 1, 0));
}

/* ---------------------------------------------------------------------- listing */

Test(storefs_xattr, what_a_copy_could_not_have_is_not_listed)
{
    put_file("a", "1");
    cr_assert_str_eq(names_of("a"), "");
    cr_assert_str_eq(attribute_of("a", "user.store.type"), "application/octet-stream");
    assert_sys(setxattr("a", "user.store.type", "text/plain", 10, 0));
    assert_sys(setxattr("a", "user.x", "1", 1, 0));
    cr_assert_str_eq(names_of("a"), "user.store.type user.x ");
    assert_sys(removexattr("a", "user.store.type"));
    assert_errno(ENODATA, removexattr("a", "user.store.type"));
    cr_assert_str_eq(names_of("a"), "user.x ");
    assert_errno(EPERM, setxattr("a", "user.store.etag", "0000000000000001", 16, 0));
    assert_errno(EPERM, setxattr("a", "user.store.error", "{}", 2, 0));
    assert_errno(EPERM, setxattr("a", "user.store.else", "1", 1, 0));
    assert_errno(EPERM, removexattr("a", "user.store.etag"));
    cr_assert_null(attribute_of("a", "user.store.else"));
    assert_sys(symlink("a", "l"));
    cr_assert_str_eq(names_of("l"), "");
}

Test(storefs_xattr, a_definition_can_be_set_listed_and_taken_away)
{
    assert_sys(mkdir("d", 0755));
    cr_assert_str_eq(names_of("d"), "");
    assert_errno(ENODATA, setxattr("d", "user.store.definition", definition, sizeof definition - 1, XATTR_REPLACE));
    assert_sys(setxattr("d", "user.store.definition", definition, sizeof definition - 1, 0));
    cr_assert_str_eq(names_of("d"), "user.store.definition ");
    assert_errno(EEXIST, setxattr("d", "user.store.definition", definition, sizeof definition - 1, XATTR_CREATE));
    assert_errno(EINVAL, setxattr("d", "user.store.definition", "{", 1, 0));
    cr_assert_not_null(strstr(attribute_of("d", "user.store.error"), "bad_body"));
    assert_sys(removexattr("d", "user.store.definition"));
    cr_assert_null(attribute_of("d", "user.store.error"));
    cr_assert_null(attribute_of("d", "user.store.definition"));
    put_file("d/text", "no JSON");
    assert_errno(EINVAL, setxattr("d", "user.store.definition", definition, sizeof definition - 1, 0));
    put_file("a", "1");
    assert_errno(EPERM, setxattr("a", "user.store.definition", definition, sizeof definition - 1, 0));
}

/* ---------------------------------------------------------------------- copies */

static void make_tree(void)
{
    assert_sys(mkdir("tree", 0755));
    put_file("tree/a", "1");
    assert_sys(setxattr("tree/a", "user.store.type", "text/plain", 10, 0));
    assert_sys(setxattr("tree/a", "user.x", "of a", 4, 0));
    assert_sys(mkdir("tree/typed", 0755));
    assert_sys(setxattr("tree/typed", "user.store.definition", definition, sizeof definition - 1, 0));
    put_file("tree/typed/ada", "{\"id\":\"ada\"}");
}

static void assert_tree(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "%s/a", name);
    cr_assert_str_eq(attribute_of(path, "user.store.type"), "text/plain");
    cr_assert_str_eq(attribute_of(path, "user.x"), "of a");
    snprintf(path, sizeof path, "%s/typed", name);
    cr_assert_str_eq(attribute_of(path, "user.store.definition"), definition);
    snprintf(path, sizeof path, "%s/typed/ada", name);
    assert_file(path, "{\"id\":\"ada\"}");
}

Test(storefs_xattr, cp_takes_everything_along_and_brings_it_back)
{
    char script[512];

    make_tree();
    snprintf(script, sizeof script, "cp -a tree copy && cp -a tree %s && cp -a %s back", test_path("out"),
             test_path("out"));
    shell(script);
    assert_tree("copy");
    assert_tree("back");
}

Test(storefs_xattr, rsync_takes_everything_along_and_brings_it_back)
{
    char script[512];

    need_program("rsync");
    make_tree();
    snprintf(script, sizeof script, "rsync -aHAX tree/ copy && rsync -aHX tree/ %s && rsync -aHX %s/ back",
             test_path("out"), test_path("out"));
    shell(script);
    assert_tree("copy");
    assert_tree("back");
}

Test(storefs_xattr, tar_takes_everything_along_and_brings_it_back)
{
    make_tree();
    shell("tar --xattrs -cf t.tar tree && mkdir back && tar --xattrs -xpf t.tar -C back");
    assert_tree("back/tree");
}
