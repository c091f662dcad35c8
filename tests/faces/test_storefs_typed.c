/* storefs: files that are JSON objects of a typed collection. */
#include <signal.h>
#include <sys/xattr.h>

#include "storefs_test.h"

static void begin_typed(void)
{
    begin_storefs();
    define_typed("/people");
    store_text("/people/ada", "{\"id\":\"ada\",\"email\":\"ada@x\",\"age\":36}");
    assert_soon(access("people/ada", F_OK) == 0);
}

TestSuite(storefs_typed, .init = begin_typed, .fini = end_storefs);

#define ADA "{\"id\":\"ada\",\"email\":\"ada@x\",\"age\":36}"
#define ADA_OLDER "{\"id\":\"ada\",\"email\":\"ada@x\",\"age\":37}"
#define ADA_WRONG "{\"id\":\"ada\",\"email\":\"ada@x\",\"age\":\"old\"}"
#define BOB "{\"id\":\"bob\",\"email\":\"bob@x\",\"age\":40}"
#define BOB_WRONG "{\"id\":\"bob\",\"email\":\"bob@x\",\"age\":null}"

/* Writes it all; what close() says, 0 or an errno. */
static int write_and_close(const char *name, const char *text)
{
    int fd = assert_sys(open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

    cr_assert_eq(assert_sys(write(fd, text, strlen(text))), (int)strlen(text));
    return close(fd) == 0 ? 0 : errno;
}

static void assert_error(const char *name, const char *wanted)
{
    const char *problem = attribute_of(name, "user.store.error");

    cr_assert_not_null(problem, "%s has no user.store.error: %s", name, strerror(errno));
    cr_assert_not_null(strstr(problem, wanted), "no %s in %s", wanted, problem);
}

/* -------------------------------------------------------------------- accepted */

Test(storefs_typed, a_good_object_is_stored_as_it_was_written)
{
    cr_assert_eq(write_and_close("people/bob", BOB), 0);
    assert_body("/people/bob", BOB);
    assert_file("people/bob", BOB);
    cr_assert_eq(write_and_close("people/ada", ADA_OLDER), 0);
    assert_body("/people/ada", ADA_OLDER);
    cr_assert_str_eq(shell_says("ls people"), "ada\nbob");
}

Test(storefs_typed, an_object_that_is_completed_is_read_completed)
{
    cr_assert_eq(write_and_close("people/bob", "{\"age\":40}"), 0);
    char *text = get_bytes("people/bob", NULL);
    cr_assert_not_null(strstr(text, "\"id\""), "%s", text);
    cr_assert_not_null(strstr(text, "\"email\""), "%s", text);
    assert_body("/people/bob", text);
    cr_assert_eq((size_t)stat_of("people/bob").st_size, strlen(text));
    free(text);
}

Test(storefs_typed, a_part_of_an_object_can_be_written)
{
    int fd = assert_sys(open("people/ada", O_RDWR));
    off_t at = (off_t)(strlen(ADA) - 3);

    cr_assert_eq(pwrite(fd, "41", 2, at), 2);
    assert_body("/people/ada", ADA);
    assert_sys(close(fd));
    assert_body("/people/ada", "{\"id\":\"ada\",\"email\":\"ada@x\",\"age\":41}");
}

/* Truncating is no publication: there is no empty object in between. */
Test(storefs_typed, truncating_first_publishes_nothing)
{
    uint64_t before = stored_version("/people/ada");
    int fd = assert_sys(open("people/ada", O_WRONLY));
    assert_sys(ftruncate(fd, 0));
    cr_assert_eq(stored_version("/people/ada"), before);
    cr_assert_eq(write(fd, ADA_OLDER, strlen(ADA_OLDER)), (ssize_t)strlen(ADA_OLDER));
    assert_sys(close(fd));
    assert_body("/people/ada", ADA_OLDER);
    fd = assert_sys(open("people/ada", O_WRONLY | O_TRUNC));
    cr_assert_eq(write(fd, ADA, strlen(ADA)), (ssize_t)strlen(ADA));
    assert_sys(close(fd));
    assert_body("/people/ada", ADA);
    cr_assert_eq(changes_of("/people/ada"), 3);
}

Test(storefs_typed, objects_are_removed_and_renamed)
{
    assert_sys(rename("people/ada", "people/eve"));
    assert_soon(is_stored("/people/eve"));
    char *text = get_bytes("people/eve", NULL);
    cr_assert_not_null(strstr(text, "\"eve\""), "the key follows the name: %s", text);
    cr_assert_eq((size_t)stat_of("people/eve").st_size, strlen(text));
    free(text);
    assert_sys(unlink("people/eve"));
    assert_not_stored("/people/eve");
    cr_assert_str_eq(shell_says("ls people"), "");
}

/* --------------------------------------------------------------------- refused */

Test(storefs_typed, close_fails_for_what_is_refused_and_the_object_stays)
{
    cr_assert_eq(write_and_close("people/ada", ADA_WRONG), EINVAL);
    assert_body("/people/ada", ADA);
    assert_file("people/ada", ADA);
    assert_error("people/ada", "invalid_value");
    assert_error("people/ada", "/age");
    assert_file("people/.ada.rejected", ADA_WRONG);
    assert_not_stored("/people/.ada.rejected");
    cr_assert_eq(write_and_close("people/ada", ADA_OLDER), 0);
    cr_assert_null(attribute_of("people/ada", "user.store.error"));
    assert_body("/people/ada", ADA_OLDER);
}

Test(storefs_typed, fsync_fails_for_what_is_refused)
{
    int fd = assert_sys(open("people/ada", O_WRONLY | O_TRUNC));

    cr_assert_eq(write(fd, ADA_WRONG, strlen(ADA_WRONG)), (ssize_t)strlen(ADA_WRONG));
    assert_errno(EINVAL, fsync(fd));
    assert_body("/people/ada", ADA);
    assert_error("people/ada", "invalid_value");
    close(fd);
    assert_body("/people/ada", ADA);
}

Test(storefs_typed, a_refused_new_object_keeps_its_name_in_the_mount_only)
{
    cr_assert_eq(write_and_close("people/bob", BOB_WRONG), EINVAL);
    assert_not_stored("/people/bob");
    assert_file("people/bob", BOB_WRONG);
    assert_error("people/bob", "invalid_value");
    cr_assert_str_eq(shell_says("ls people"), "ada\nbob");
    cr_assert_eq(write_and_close("people/bob", BOB), 0);
    assert_body("/people/bob", BOB);
    cr_assert_null(attribute_of("people/bob", "user.store.error"));
}

Test(storefs_typed, a_refused_new_object_can_be_removed)
{
    cr_assert_eq(write_and_close("people/bob", BOB_WRONG), EINVAL);
    assert_sys(unlink("people/bob"));
    assert_absent("people/bob");
    cr_assert_str_eq(shell_says("ls people"), "ada");
}

Test(storefs_typed, a_key_that_is_not_the_name_is_refused)
{
    cr_assert_eq(write_and_close("people/bob", ADA), EINVAL);
    assert_error("people/bob", "key_mismatch");
    assert_not_stored("/people/bob");
}

Test(storefs_typed, a_unique_key_that_is_taken_is_eexist)
{
    static const char definition[] =
        "{\"order\":\"key\",\"key\":[\"id\"],\"put\":\"replace\",\"unique\":[[\"email\"]],\"schema\":{\"type\":\"object\","
        "\"properties\":{\"id\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}}}}";

    assert_sys(mkdir("users", 0755));
    assert_sys(setxattr("users", "user.store.definition", definition, sizeof definition - 1, 0));
    cr_assert_str_eq(attribute_of("users", "user.store.definition"), definition);
    cr_assert_eq(write_and_close("users/a", "{\"id\":\"a\",\"email\":\"x\"}"), 0);
    cr_assert_eq(write_and_close("users/b", "{\"id\":\"b\",\"email\":\"x\"}"), EEXIST);
    assert_error("users/b", "key_conflict");
    assert_error("users/b", "/users/a");
}

Test(storefs_typed, a_wrong_definition_is_refused_and_told)
{
    assert_sys(mkdir("users", 0755));
    assert_errno(EINVAL, setxattr("users", "user.store.definition", "{\"order\":\"sideways\"}", 20, 0));
    cr_assert_null(attribute_of("users", "user.store.definition"));
    shell("echo plain > users/a");
}

/* A shell's echo does not look at close: its error must come from write. */
Test(storefs_typed, what_can_never_be_json_is_refused_in_write)
{
    int fd = assert_sys(open("people/bob", O_WRONLY | O_CREAT, 0644));
    assert_errno(EINVAL, write(fd, "bad text", 8));
    close(fd);
    assert_not_stored("/people/bob");
    shell("! echo 'bad text' > people/eve");
    shell("! echo 'bad text' > people/ada");
    assert_body("/people/ada", ADA);
    assert_error("people/ada", "bad_body");
}

Test(storefs_typed, an_unfinished_json_text_is_refused_at_close)
{
    cr_assert_eq(write_and_close("people/ada", "{\"id\":\"ada\","), EINVAL);
    assert_body("/people/ada", ADA);
    assert_error("people/ada", "bad_body");
    assert_file("people/.ada.rejected", "{\"id\":\"ada\",");
}

Test(storefs_typed, programs_report_what_is_refused)
{
    put_file("wrong", BOB_WRONG);
    shell("! cp wrong people/bob 2>/dev/null");
    shell("! cat wrong > people/bob");
    shell("! dd if=wrong of=people/bob 2>/dev/null");
    shell("! tee people/bob < wrong >/dev/null 2>&1");
    shell("tar cf t.tar --transform s,wrong,people/bob, wrong; ! tar xf t.tar 2>/dev/null");
    if (has_program("python3"))
        shell("! python3 -c 'with open(\"people/bob\", \"w\") as f: f.write(open(\"wrong\").read())' 2>/dev/null");
    shell("! mv wrong people/bob 2>/dev/null; test -e wrong");
    assert_not_stored("/people/bob");
}

Test(storefs_typed, a_killed_writer_leaves_the_old_object)
{
    shell("(exec > people/ada; printf '{\"id\":\"ada\"' | cat; kill -9 $(exec sh -c 'echo $PPID')) 2>/dev/null; true");
    assert_soon(stat_of("people/ada").st_size == (off_t)strlen(ADA));
    assert_body("/people/ada", ADA);
    cr_assert_null(attribute_of("people/ada", "user.store.error"));
}

Test(storefs_typed, collections_are_not_made_inside)
{
    cr_assert_eq(mkdir("people/d", 0755), -1);
    cr_assert_eq(symlink("x", "people/l"), -1);
    cr_assert_eq(mkfifo("people/f", 0644), -1);
    cr_assert_eq(link("people/ada", "people/eve"), -1);
    cr_assert_eq(link("people/ada", "ada"), -1);
    cr_assert_str_eq(shell_says("ls people"), "ada");
}

/* ---------------------------------------------------------------- scratch names */

Test(storefs_typed, scratch_names_live_in_the_mount_only)
{
    static const char *const names[] = { ".ada.swp", "ada~", "#ada#", "4913", "ada.swp", ".hidden" };
    char path[64], location[64];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "people/%s", names[i]);
        snprintf(location, sizeof location, "/people/%s", names[i]);
        put_file(path, "no JSON at all");
        assert_file(path, "no JSON at all");
        assert_not_stored(location);
        assert_sys(chmod(path, 0600));
        shell("test $(ls -A people | wc -l) = 2");
        assert_sys(unlink(path));
        assert_absent(path);
    }
    put_file("people/.x", "1");
    shell("sync people/.x; echo 2 >> people/.x");
    assert_file("people/.x", "12\n");
    assert_sys(rename("people/.x", "people/.y"));
    assert_file("people/.y", "12\n");
    remount_storefs();
    cr_assert_str_eq(shell_says("ls -A people"), "ada");
}

Test(storefs_typed, in_a_plain_collection_the_same_names_are_ordinary)
{
    put_file(".profile", "1");
    put_file("a~", "2");
    assert_body("/.profile", "1");
    assert_body("/a~", "2");
}

Test(storefs_typed, a_scratch_file_renamed_into_place_is_a_put)
{
    put_file("people/.ada.new", ADA_OLDER);
    assert_sys(rename("people/.ada.new", "people/ada"));
    assert_body("/people/ada", ADA_OLDER);
    assert_file("people/ada", ADA_OLDER);
    cr_assert_eq(changes_of("/people/ada"), 2);
    assert_absent("people/.ada.new");
    put_file("people/.bob.new", BOB_WRONG);
    assert_errno(EINVAL, rename("people/.bob.new", "people/bob"));
    assert_file("people/.bob.new", BOB_WRONG);
    assert_not_stored("/people/bob");
    assert_absent("people/bob");
    put_file("people/.ada.new", ADA_WRONG);
    assert_errno(EINVAL, rename("people/.ada.new", "people/ada"));
    assert_body("/people/ada", ADA_OLDER);
}

/* An editor's dance: the old file becomes the backup, a new one is written. */
Test(storefs_typed, a_backup_by_rename_is_one_put_for_everybody_else)
{
    assert_sys(rename("people/ada", "people/ada~"));
    assert_body("/people/ada", ADA);
    assert_absent("people/ada");
    assert_file("people/ada~", ADA);
    assert_not_stored("/people/ada~");
    cr_assert_eq(write_and_close("people/ada", ADA_OLDER), 0);
    assert_body("/people/ada", ADA_OLDER);
    assert_file("people/ada~", ADA);
    assert_sys(unlink("people/ada~"));
    assert_body("/people/ada", ADA_OLDER);
    cr_assert_eq(changes_of("/people/ada"), 2);
}

Test(storefs_typed, a_backup_survives_a_refused_new_text_and_comes_back)
{
    assert_sys(rename("people/ada", "people/ada~"));
    cr_assert_eq(write_and_close("people/ada", ADA_WRONG), EINVAL);
    assert_body("/people/ada", ADA);
    assert_sys(rename("people/ada~", "people/ada"));
    assert_body("/people/ada", ADA);
    assert_file("people/ada", ADA);
}

Test(storefs_typed, removing_the_backup_of_a_hidden_object_deletes_it)
{
    assert_sys(rename("people/ada", "people/ada~"));
    assert_sys(unlink("people/ada~"));
    assert_not_stored("/people/ada");
    cr_assert_str_eq(shell_says("ls -A people"), "");
}

/* ------------------------------------------------------------ programs that edit */

Test(storefs_typed, sed_in_place_edits_an_object)
{
    shell("sed -i s/36/37/ people/ada");
    assert_body("/people/ada", ADA_OLDER);
    shell("! sed -i s/37/old/ people/ada 2>/dev/null");
    assert_body("/people/ada", ADA_OLDER);
    shell("sed -i.bak s/37/36/ people/ada 2>/dev/null; true");
    cr_assert_not_null(strstr(shell_says("cat people/ada"), "3"));
}

Test(storefs_typed, perl_in_place_edits_an_object)
{
    need_program("perl");
    shell("perl -pi -e s/36/37/ people/ada");
    assert_body("/people/ada", ADA_OLDER);
    shell("perl -pi -e s/37/old/ people/ada 2>/dev/null; true");
    assert_body("/people/ada", ADA_OLDER);
}

Test(storefs_typed, jq_writes_objects)
{
    need_program("jq");
    shell("jq -c '.age = 37' people/ada > people/.new && mv people/.new people/ada");
    cr_assert_str_eq(shell_says("jq .age people/ada"), "37");
    shell("jq -n '{id:\"bob\",email:\"\",age:1}' > people/bob");
    assert_soon(is_stored("/people/bob"));
}

Test(storefs_typed, objects_are_copied_out_and_in)
{
    need_program("rsync");
    store_text("/people/bob", BOB);
    shell("rsync -a people/ copy/ && cmp people/ada copy/ada && cmp people/bob copy/bob");
    shell("sed s/40/41/ copy/bob > b2 && mv b2 copy/bob && rsync -a --checksum copy/ people/");
    assert_body("/people/bob", "{\"id\":\"bob\",\"email\":\"bob@x\",\"age\":41}");
    cr_assert_str_eq(shell_says("ls -A people"), "ada\nbob");
    put_file("copy/bob", BOB_WRONG);
    shell("! rsync -a --checksum copy/ people/ 2>/dev/null");
    assert_body("/people/bob", "{\"id\":\"bob\",\"email\":\"bob@x\",\"age\":41}");
}
