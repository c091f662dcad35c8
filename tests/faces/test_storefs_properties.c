/* storefs -o properties: typed objects as directories with a file for each property. */
#include <dirent.h>
#include <sys/xattr.h>

#include "storefs_test.h"

static void begin_properties(void)
{
    begin_unmounted();
    define_typed("/people");
    store_text("/people/ada", "{\"email\":\"ada@example.org\",\"age\":36}");
    store_text("/plain", "text");
    mount_storefs("properties");
}

TestSuite(storefs_properties, .init = begin_properties, .fini = end_storefs);

/* All names in a directory but "." and "..", sorted, each followed by a space. */
static const char *list(const char *name)
{
    static char text[4096];
    struct dirent **entries;
    int count = assert_sys(scandir(name, &entries, NULL, alphasort));

    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0)
            strcat(strcat(text, entries[i]->d_name), " ");
        free(entries[i]);
    }
    free(entries);
    return text;
}

static void patch(const char *location, const char *text)
{
    assert_ok(store_patch(NULL, test_store(), location, STORE_PATCH_MERGE, text, strlen(text), NULL));
}

/* ---------------------------------------------------------------------- reading */

Test(storefs_properties, an_object_is_a_directory_of_its_properties)
{
    struct stat object = stat_of("people/ada"), age = stat_of("people/ada/age");

    cr_assert(S_ISDIR(object.st_mode));
    cr_assert_eq(object.st_mode & 07777, 0755);
    cr_assert(S_ISREG(age.st_mode));
    cr_assert_eq(age.st_mode & 07777, 0644);
    cr_assert_eq(age.st_size, 2);
    cr_assert_str_eq(list("people"), "ada ");
    cr_assert_str_eq(list("people/ada"), "age email id ");
    assert_file("people/ada/email", "\"ada@example.org\"");
    assert_file("people/ada/age", "36");
    assert_file("people/ada/id", "\"ada\"");
    assert_file("plain", "text");
    assert_absent("people/ada/phone");
    shell("ls -lR . && find . && cat people/ada/*");
}

Test(storefs_properties, a_property_that_the_object_lacks_has_its_initial_state)
{
    static const char definition[] =
        "{\"key\":[\"id\"],\"schema\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"email\":{"
        "\"type\":\"string\"},\"age\":{\"type\":\"integer\"},\"colour\":{\"type\":\"string\",\"default\":\"red\"}}}}";

    assert_ok(store_define(NULL, test_store(), "/people", definition, sizeof definition - 1, NULL));
    cr_assert_str_eq(list("people/ada"), "age colour email id ");
    assert_file("people/ada/colour", "\"red\"");
}

Test(storefs_properties, names_are_those_of_locations)
{
    static const char definition[] =
        "{\"key\":[\"id\"],\"schema\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"}},"
        "\"additionalProperties\":true}}";

    assert_ok(store_define(NULL, test_store(), "/open", definition, sizeof definition - 1, NULL));
    store_text("/open/a", "{\"a/b\":1,\"c~\":2,\"~1\":3,\"\":4,\".\":5,\".swp\":6}");
    cr_assert_str_eq(list("open/a"), ".swp a~1b c~0 id ~01 ");
    assert_file("open/a/a~1b", "1");
    assert_file("open/a/c~0", "2");
    assert_file("open/a/~01", "3");
    put_file("open/a/a~1b", "10");
    put_file("open/a/.swp", "60");
    assert_file("open/a/a~1b", "10");
    assert_file("open/a/.swp", "60");
}

Test(storefs_properties, inode_numbers_stay)
{
    ino_t email = stat_of("people/ada/email").st_ino, object = stat_of("people/ada").st_ino;
    store_stat stat;

    assert_ok(store_stat_get(&stat, test_store(), "/people/ada", NULL));
    cr_assert_eq(object, stat.id);
    cr_assert_neq(email, object);
    cr_assert_neq(email, stat_of("people/ada/age").st_ino);
    put_file("people/ada/email", "\"x\"");
    remount_storefs();
    cr_assert_eq(stat_of("people/ada/email").st_ino, email);
    cr_assert_eq(stat_of("people/ada").st_ino, object);
    assert_sys(rename("people/ada", "people/eve"));
    cr_assert_eq(stat_of("people/eve/email").st_ino, email);
}

/* ---------------------------------------------------------------------- writing */

Test(storefs_properties, writing_a_property_is_a_patch)
{
    uint64_t version = stored_version("/people/ada");

    put_file("people/ada/age", "37\n");
    cr_assert_neq(stored_version("/people/ada"), version);
    assert_body("/people/ada/age", "37");
    assert_body("/people/ada/email", "\"ada@example.org\"");
    assert_file("people/ada/age", "37");
    cr_assert_eq(stat_of("people/ada/age").st_size, 2);
    shell("sed -i s/ada/lovelace/ people/ada/email");
    assert_body("/people/ada/email", "\"lovelace@example.org\"");
    cr_assert_str_eq(list("people/ada"), "age email id ");
}

Test(storefs_properties, nothing_shows_before_close)
{
    int fd = assert_sys(open("people/ada/age", O_RDWR));
    char text[8] = "";

    cr_assert_eq(pwrite(fd, "99", 2, 0), 2);
    assert_body("/people/ada/age", "36");
    cr_assert_eq(pread(fd, text, sizeof text, 0), 2);
    cr_assert_str_eq(text, "99");
    assert_sys(close(fd));
    assert_body("/people/ada/age", "99");
}

Test(storefs_properties, a_refused_value_is_told_at_close_and_kept)
{
    int fd = assert_sys(open("people/ada/age", O_WRONLY | O_TRUNC));

    cr_assert_eq(write(fd, "\"old\"", 5), 5);
    assert_errno(EINVAL, close(fd));
    assert_body("/people/ada/age", "36");
    cr_assert_not_null(strstr(attribute_of("people/ada/age", "user.store.error"), "/age"));
    assert_file("people/ada/.age.rejected", "\"old\"");
    assert_file("people/ada/age", "36");
    put_file("people/ada/age", "40");
    cr_assert_null(attribute_of("people/ada/age", "user.store.error"));
    assert_absent("people/ada/.age.rejected");
}

Test(storefs_properties, removing_a_property_gives_it_its_initial_state)
{
    assert_sys(unlink("people/ada/age"));
    assert_file("people/ada/age", "0");
    assert_body("/people/ada/age", "0");
}

Test(storefs_properties, further_members_come_and_go)
{
    static const char definition[] =
        "{\"key\":[\"id\"],\"schema\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"}},"
        "\"additionalProperties\":true}}";

    assert_ok(store_define(NULL, test_store(), "/open", definition, sizeof definition - 1, NULL));
    assert_sys(mkdir("open/a", 0755));
    put_file("open/a/x", "[1, 2]");
    cr_assert_str_eq(list("open/a"), "id x ");
    assert_file("open/a/x", "[1, 2]");
    ino_t ino = stat_of("open/a/x").st_ino;
    remount_storefs();
    cr_assert_eq(stat_of("open/a/x").st_ino, ino);
    assert_errno(EEXIST, open("open/a/x", O_WRONLY | O_CREAT | O_EXCL, 0644));
    assert_sys(unlink("open/a/x"));
    assert_absent("open/a/x");
    int fd = assert_sys(open("people/ada/phone", O_WRONLY | O_CREAT, 0644));
    cr_assert_eq(write(fd, "1", 1), 1);
    assert_errno(EINVAL, close(fd));
}

/* ---------------------------------------------------------------------- objects */

Test(storefs_properties, mkdir_is_a_put_and_rmdir_a_delete)
{
    assert_sys(mkdir("people/bob", 0750));
    assert_body("/people/bob", "{\"id\":\"bob\",\"email\":\"\",\"age\":0}");
    cr_assert_eq(stat_of("people/bob").st_mode & 07777, 0750);
    cr_assert_eq(stat_of("people/bob/age").st_mode & 07777, 0640);
    assert_errno(EEXIST, mkdir("people/bob", 0755));
    assert_sys(rmdir("people/bob"));
    assert_not_stored("/people/bob");
    assert_absent("people/bob");
    shell("rm -r people/ada");
    assert_not_stored("/people/ada");
}

Test(storefs_properties, why_mkdir_was_refused_is_told_by_the_collection)
{
    static const char definition[] =
        "{\"key\":[\"id\"],\"schema\":{\"type\":\"object\",\"required\":[\"email\"],\"properties\":{\"id\":{"
        "\"type\":\"string\"},\"email\":{\"type\":\"string\"}}}}";

    assert_ok(store_define(NULL, test_store(), "/strict", definition, sizeof definition - 1, NULL));
    assert_errno(EINVAL, mkdir("strict/ada", 0755));
    cr_assert_not_null(strstr(attribute_of("strict", "user.store.error"), "email"));
}

Test(storefs_properties, renaming_an_object_is_a_move)
{
    assert_sys(rename("people/ada", "people/eve"));
    assert_body("/people/eve/id", "\"eve\"");
    assert_file("people/eve/age", "36");
    assert_absent("people/ada");
    assert_errno(EXDEV, rename("people/eve", "eve"));
    assert_errno(EXDEV, rename("plain", "people/plain"));
    put_file("people/eve/id", "\"ida\"");
    assert_body("/people/ida/age", "36");
    assert_soon(access("people/eve", F_OK) != 0);
    assert_file("people/ida/age", "36");
}

Test(storefs_properties, only_directories_are_objects_and_only_files_properties)
{
    assert_errno(EPERM, open("people/bob", O_WRONLY | O_CREAT, 0644));
    assert_errno(EPERM, mkdir("people/ada/deeper", 0755));
    assert_errno(EPERM, symlink("x", "people/ada/link"));
    assert_errno(EPERM, rename("people/ada/age", "people/ada/years"));
    assert_errno(EXDEV, rename("plain", "people/ada/age"));
    assert_errno(EPERM, chmod("people/ada/age", 0600));
    assert_sys(chmod("people/ada", 0700));
    cr_assert_eq(stat_of("people/ada/age").st_mode & 07777, 0600);
}

Test(storefs_properties, scratch_files_live_beside_properties_and_never_in_the_store)
{
    uint64_t version = stored_version("/people/ada");

    put_file("people/ada/.age.swp", "scratch");
    cr_assert_str_eq(list("people/ada"), ".age.swp age email id ");
    assert_sys(rename("people/ada/age", "people/ada/age~"));
    assert_absent("people/ada/age");
    assert_file("people/ada/age~", "36");
    cr_assert_eq(stored_version("/people/ada"), version);
    put_file("people/ada/age", "37");
    assert_body("/people/ada/age", "37");
    assert_sys(unlink("people/ada/age~"));
    assert_sys(unlink("people/ada/.age.swp"));
    assert_file("people/ada/age", "37");
    put_file("people/ada/.new", "38");
    assert_sys(rename("people/ada/.new", "people/ada/age"));
    assert_body("/people/ada/age", "38");
    assert_soon(stat_of("people/ada/age").st_ino >> 63);
}

Test(storefs_properties, what_was_closed_is_published_by_its_rename)
{
    char age[16];

    for (int i = 100; i < 300; i++) {
        snprintf(age, sizeof age, "%d", i);
        put_file("people/ada/.new", age);
        assert_sys(rename("people/ada/.new", "people/ada/age"));
        assert_body("/people/ada/age", age);
        put_file("people/ada/.new", "\"wrong\"");
        assert_errno(EINVAL, rename("people/ada/.new", "people/ada/age"));
        assert_body("/people/ada/age", age);
    }
}

/* ------------------------------------------------------------------- attributes */

Test(storefs_properties, an_objects_attributes_are_those_of_its_directory)
{
    char etag[17];

    cr_assert_str_eq(attribute_of("people/ada", "user.store.etag"),
                     store_version_text(etag, stored_version("/people/ada")));
    cr_assert_str_eq(attribute_of("people/ada", "user.store.type"), "application/json");
    cr_assert_null(attribute_of("people/ada", "user.store.definition"));
    cr_assert_not_null(attribute_of("people", "user.store.definition"));
    assert_sys(setxattr("people/ada", "user.x", "1", 1, 0));
    void *value;
    size_t size;
    assert_ok(store_meta_get(&value, &size, test_store(), "/people/ada", "x", NULL));
    store_free(value);
    cr_assert_eq(listxattr("people/ada/age", NULL, 0), 0);
    cr_assert_str_eq(attribute_of("people/ada/age", "user.store.etag"),
                     store_version_text(etag, stored_version("/people/ada")));
    assert_errno(EPERM, setxattr("people/ada/age", "user.x", "1", 1, 0));
}

/* ------------------------------------------------------------------ other faces */

Test(storefs_properties, what_others_change_shows)
{
    int fd = assert_sys(open("people/ada/email", O_RDONLY));
    char text[64] = "";

    assert_file("people/ada/age", "36");
    patch("/people/ada", "{\"age\":41,\"email\":\"new@example.org\"}");
    assert_soon(stat_of("people/ada/email").st_size == 17 && strcmp(shell_says("cat people/ada/age"), "41") == 0);
    cr_assert_eq(read(fd, text, sizeof text), 17);
    assert_sys(close(fd));
    assert_file("people/ada/email", "\"new@example.org\"");
    store_text("/people/eve", "{}");
    assert_soon(access("people/eve/age", F_OK) == 0);
    assert_ok(store_delete(NULL, test_store(), "/people/eve", NULL));
    assert_soon(access("people/eve", F_OK) != 0);
}
