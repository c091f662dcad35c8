/* storefs: real programs work on the mount. */
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>

#include "storefs_test.h"

TestSuite(storefs_programs, .init = begin_storefs, .fini = end_storefs);

/* The project's own source; borrowed. */
static const char *source(void)
{
    const char *path = getenv("STORE_SOURCE");

    if (path == NULL)
        cr_skip_test("STORE_SOURCE does not say where the source is");
    return path;
}

__attribute__((format(printf, 1, 2))) static void run_script(const char *format, ...)
{
    char script[8192];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(script, sizeof script, format, arguments);
    va_end(arguments);
    shell(script);
}

/* ------------------------------------------------------------------ trees of files */

/* A tree with all that a file system can have. */
static void make_tree(const char *name)
{
    run_script("set -e; mkdir -p %1$s/d/e; cd %1$s; echo text > a; ln a hard; ln -s a symbolic; ln -s none dangling;"
               "mkfifo fifo; printf '' > empty; head -c 300000 /dev/urandom > large; truncate -s 10M sparse;"
               "printf x | dd of=sparse bs=1 seek=5000000 conv=notrunc 2>/dev/null; echo 1 > d/e/deep;"
               "touch -h -d '2001-02-03 04:05:06' symbolic dangling fifo; chmod 4755 a; chmod 1777 d; touch -d '2001-02-03 04:05:06.123456789' a d/e d;"
               "setfattr -n user.colour -v red a; setfattr -n user.of -v directory d; echo 'ü' > 'ünï codé'; cd ..", name);
}

/* Kinds, modes, owners, sizes, times, link counts, targets, attributes and bytes of both are the same. */
static void assert_same_trees(const char *one, const char *two)
{
    static const char format[] =
        "n=0; for i in %s %s; do (cd $i && find . -mindepth 1 -printf '%%p %%y %%m %%U %%G %%n %%T@ %%l ' "
        "\\( -type f -printf '%%s' -o -true \\) -printf '\\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha1sum &&"
        " find . -print0 | sort -z | xargs -0 getfattr -h -d -m '^user[.][^s]') > %s/tree$((n += 1)); done;"
        "diff %s/tree1 %s/tree2 >&2";
    run_script(format, one, two, test_directory(), test_directory(), test_directory());
}

Test(storefs_programs, cp_keeps_everything)
{
    need_program("setfattr");
    make_tree("tree");
    shell("cp -a tree copy");
    assert_same_trees("tree", "copy");
    run_script("cp -a tree %s/out && cp -a %s/out back", test_directory(), test_directory());
    assert_same_trees("tree", test_path("out"));
    assert_same_trees("tree", "back");
    shell("rm -r tree copy back && test -z \"$(ls -A)\"");
}

Test(storefs_programs, tar_keeps_everything)
{
    need_program("setfattr");
    make_tree("tree");
    shell("tar --xattrs --sparse -cf t.tar tree && mkdir back && tar --xattrs -xpf t.tar -C back");
    assert_same_trees("tree", "back/tree");
    shell("tar df t.tar");
}

Test(storefs_programs, rsync_goes_both_ways)
{
    const char *out = test_path("out");

    need_program("rsync");
    need_program("setfattr");
    make_tree("tree");
    run_script("rsync -aHX --devices --specials tree/ %s", out);
    assert_same_trees("tree", out);
    run_script("rsync -aHX --devices --specials %s/ back", out);
    assert_same_trees("tree", "back");
    run_script("echo more >> %s/a; rm %s/large; rsync -aHX --devices --specials --delete %s/ back; test ! -e back/large",
               out, out, out);
    assert_same_trees(out, "back");
    run_script("rsync -aHX --inplace --no-whole-file %s/ tree --delete", out);
    assert_same_trees(out, "tree");
    run_script("test -z \"$(rsync -aHXni --delete %s/ back)\"", out);
}

/* -------------------------------------------------------------------------- git */

Test(storefs_programs, git_clones_commits_and_collects_garbage, .timeout = 200)
{
    need_program("git");
    run_script("test -e %s/.git", source());
    shell("export HOME=$PWD GIT_CONFIG_NOSYSTEM=1; git config --global safe.directory '*';"
          "git config --global user.email a@example.org; git config --global user.name A");
    run_script("export HOME=$PWD; git clone -q --no-local '%s' p 2>&1 && cd p && git status --porcelain >../status &&"
               "test ! -s ../status && echo more >> README.md && git commit -qam change && git checkout -qb other &&"
               "git mv README.md READ && git commit -qm move && git checkout -q - && git merge -q other &&"
               "git fsck --full 2>&1 && git gc -q 2>&1 && git fsck --full 2>&1 && git status --porcelain >../status &&"
               "test ! -s ../status && git log --oneline | head -1 | grep -q move && rm -rf ../p",
               source());
}

/* -------------------------------------------------------------------- a build */

Test(storefs_programs, the_project_is_built_on_the_mount, .timeout = 200)
{
    run_script("mkdir p && cd %s && cp -r Makefile libstore cli %s/p/", source(), mount_point());
    /* The make that runs the tests is not to be heard. */
    assert_sys(unsetenv("MAKEFLAGS"));
    assert_sys(unsetenv("MAKEOVERRIDES"));
    assert_sys(unsetenv("MFLAGS"));
    assert_sys(unsetenv("MODE"));
    shell("cd p && make -j2 CFLAGS=-O0 build/storectl build/libstore.so.0.1.0 build/libstore.a >build.log 2>&1 ||"
          " { tail build.log >&2; exit 1; }");
    shell("cd p && ./build/storectl -s s init && ./build/storectl -s s put /a -d text &&"
          "test \"$(./build/storectl -s s get /a)\" = text && make -q CFLAGS=-O0 build/libstore.a; test $? -le 1");
}

Test(storefs_programs, a_store_works_in_a_store)
{
    store *inner;
    store_options options = STORE_OPTIONS_INIT;
    char path[1200];

    snprintf(path, sizeof path, "%s/inner", mount_point());
    options.flags = STORE_OPEN_CREATE;
    int rc = store_open(&inner, path, &options);
    assert_ok(rc);
    for (int i = 0; i < 50; i++) {
        snprintf(path, sizeof path, "/a%d", i);
        assert_ok(store_put(NULL, inner, path, path, strlen(path), NULL));
    }
    store_close(inner);
}

/* ----------------------------------------------------------------------- SQLite */

static void use_sqlite(const char *mode)
{
    need_program("sqlite3");
    run_script("test \"$(sqlite3 db 'pragma journal_mode=%s; create table t(i integer primary key, w, n)')\" = '%s'",
               mode, mode);
    shell("for w in 1 2 3; do (for n in 1 2 3 4 5 6 7 8 9 10; do sqlite3 -cmd '.timeout 30000' db"
          " \"begin immediate; insert into t(w,n) values($w,$n); insert into t(w,n) select w+100,n from t where w=$w;"
          " commit\" || exit 1; done) & pids=\"$pids $!\"; done; for p in $pids; do wait $p || exit 1; done");
    cr_assert_str_eq(shell_says("sqlite3 db 'select count(*), count(distinct w) from t'"), "195|6");
    cr_assert_str_eq(shell_says("sqlite3 db 'pragma integrity_check'"), "ok");
    remount_storefs();
    cr_assert_str_eq(shell_says("sqlite3 db 'pragma integrity_check; select count(*) from t'"), "ok\n195");
}

Test(storefs_programs, sqlite_with_a_rollback_journal_and_concurrent_writers, .timeout = 120)
{
    use_sqlite("delete");
}

Test(storefs_programs, sqlite_with_a_write_ahead_log_and_concurrent_writers, .timeout = 120)
{
    use_sqlite("wal");
}

Test(storefs_programs, sqlite_rolls_back_after_a_killed_writer)
{
    need_program("sqlite3");
    shell("sqlite3 db 'create table t(n); insert into t values(1)'");
    shell("(printf 'begin immediate; insert into t values(2);\\n'; printf '.shell kill -9 $PPID\\n') | sqlite3 db"
          " >/dev/null 2>&1; true");
    cr_assert_str_eq(shell_says("sqlite3 db 'select sum(n) from t; pragma integrity_check'"), "1\nok");
}

/* ---------------------------------------------------------------------- editors */

/* A line of a conversation: what the screen must show first (NULL: nothing more is said), and the keys then. */
struct line {
    const char *wanted, *keys;
};

/* Runs a program in a terminal and talks with it until it ends; its exit status. */
static int converse(const char *const argv[], const struct line lines[])
{
    static char screen[1 << 16];
    size_t used = 0, said = 0, seen = 0;
    int terminal, status;
    ssize_t got;
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    pid_t child = forkpty(&terminal, NULL, NULL, &size);

    cr_assert_geq(child, 0);
    if (child == 0) {
        setenv("TERM", "xterm", 1);
        setenv("HOME", test_directory(), 1);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    struct pollfd readable = { terminal, POLLIN, 0 };
    while (poll(&readable, 1, 20000) == 1 && (got = read(terminal, screen + used, sizeof screen - 1 - used)) > 0) {
        used += (size_t)got;
        screen[used] = '\0';
        if (lines[said].wanted == NULL || strstr(screen + seen, lines[said].wanted) == NULL)
            continue;
        cr_assert_eq(write(terminal, lines[said].keys, strlen(lines[said].keys)), (ssize_t)strlen(lines[said].keys));
        seen = used;
        said++;
    }
    kill(child, SIGKILL); /* it has closed the terminal, or hangs */
    waitpid(child, &status, 0);
    close(terminal);
    cr_assert(WIFEXITED(status), "%s hangs:\n%s", argv[0], screen);
    cr_assert_null(lines[said].wanted, "the screen never showed \"%s\":\n%s", lines[said].wanted, screen + seen);
    return WEXITSTATUS(status);
}

#define ADA "{\"id\":\"ada\",\"email\":\"ada@x\",\"age\":36}\n"
#define ADA_OLDER "{\"id\":\"ada\",\"email\":\"ada@x\",\"age\":37}\n"

/* Does the mount show the store's newest attributes of it? */
static bool is_shown(const char *name, const char *location)
{
    store_stat stored;
    struct stat shown;

    assert_ok(store_stat_get(&stored, test_store(), location, NULL));
    return stat(name, &shown) == 0 && shown.st_mtim.tv_sec == stored.modified / 1000000000 &&
           shown.st_mtim.tv_nsec == stored.modified % 1000000000;
}

static void edit_in_vim(const char *setting)
{
    const char *const argv[] = { "vim", "-u", "NONE", "-N", "--cmd", setting, "people/ada", NULL };

    store_text("/people/ada", ADA);
    assert_soon(is_shown("people/ada", "/people/ada"));
    int before = changes_of("/people/ada");
    converse(argv, (const struct line[]){ { "ada@x", ":%s/36/37/\r:wq\r" }, { NULL, NULL } });
    assert_body("/people/ada", ADA_OLDER);
    int edited = changes_of("/people/ada");
    cr_assert(edited == before + 1 || edited == before + 2, "%d changes with %s", edited - before, setting);
    converse(argv, (const struct line[]){ { "ada@x", ":%s/37/\"old\"/\r:w\r" }, { "E", "\033:q!\r" }, { NULL, NULL } });
    assert_body("/people/ada", ADA_OLDER);
    cr_assert_not_null(attribute_of("people/ada", "user.store.error"), "%s", setting);
    converse(argv, (const struct line[]){ { "ada@x", ":%s/37/38/\r:wq\r" }, { NULL, NULL } });
    cr_assert(is_body("/people/ada", "{\"id\":\"ada\",\"email\":\"ada@x\",\"age\":38}\n"), "%s", setting);
    cr_assert_null(attribute_of("people/ada", "user.store.error"));
    shell("rm -f people/.* people/*~ 2>/dev/null; test \"$(ls -A people)\" = ada");
}

Test(storefs_programs, vim_edits_an_object_in_a_terminal, .timeout = 120)
{
    need_program("vim");
    define_typed("/people");
    edit_in_vim("set nobackup");
    edit_in_vim("set backup backupcopy=yes");
    edit_in_vim("set backup backupcopy=no");
}

Test(storefs_programs, vim_in_a_script_fails_for_a_bad_edit)
{
    need_program("vim");
    define_typed("/people");
    store_text("/people/ada", ADA);
    assert_soon(access("people/ada", F_OK) == 0);
    shell("vim -es -u NONE -N -c '%s/36/37/' -c wq people/ada </dev/null");
    assert_body("/people/ada", ADA_OLDER);
    shell("! vim -es -u NONE -N -c '%s/37/true/' -c wq people/ada </dev/null");
    assert_body("/people/ada", ADA_OLDER);
    shell("cat people/ada && vim -es -u NONE -N -c '%s/37/36/' -c wq people/ada </dev/null");
    assert_body("/people/ada", ADA);
}

Test(storefs_programs, emacs_edits_an_object)
{
    need_program("emacs");
    define_typed("/people");
    store_text("/people/ada", ADA);
    assert_soon(access("people/ada", F_OK) == 0);
    shell("emacs -Q --batch people/ada --eval '(progn (while (search-forward \"36\" nil t) (replace-match \"37\"))"
          " (save-buffer))' 2>/dev/null");
    assert_body("/people/ada", ADA_OLDER);
    shell("! emacs -Q --batch people/ada --eval '(progn (while (search-forward \"37\" nil t) (replace-match \"x\"))"
          " (save-buffer))' 2>/dev/null");
    assert_body("/people/ada", ADA_OLDER);
}

Test(storefs_programs, nano_edits_an_object)
{
    const char *const argv[] = { "nano", "-I", "people/ada", NULL };

    need_program("nano");
    define_typed("/people");
    store_text("/people/ada", ADA);
    assert_soon(access("people/ada", F_OK) == 0);
    converse(argv, (const struct line[]){ { "GNU nano", "\034" "36\r37\rA\023\030" }, { NULL, NULL } });
    assert_body("/people/ada", ADA_OLDER);
}

/* ----------------------------------------------------------------- smaller ones */

Test(storefs_programs, files_are_edited_in_place)
{
    shell("printf 'one\\ntwo\\n' > a && chmod 640 a && sed -i s/two/three/ a && test \"$(stat -c %a a)\" = 640");
    assert_body("/a", "one\nthree\n");
    if (has_program("perl"))
        shell("perl -pi -e s/one/four/ a && perl -i.bak -pe s/three/five/ a && grep -q three a.bak");
    if (has_program("vim"))
        shell("vim -es -u NONE -N -c '%s/five/six/' -c wq a </dev/null && test \"$(stat -c %a a)\" = 640");
    shell("sort -o a a && install -m 600 a b && cmp a b && truncate -s 3 b && split -n 2 a && cat xa? | cmp - a");
}

Test(storefs_programs, a_file_is_run)
{
    shell("printf '#!/bin/sh\\necho it runs\\n' > script && chmod 755 script && test \"$(./script)\" = 'it runs'");
    shell("cp /bin/true program && ./program");
    shell("cp /bin/sleep busy && { ./busy 5 & sleep 0 2>/dev/null; kill $!; wait; }; rm busy");
}

Test(storefs_programs, mktemp_and_flock_and_find_work)
{
    shell("f=$(mktemp ./XXXXXX) && echo 1 > $f && mv $f a && d=$(mktemp -d ./XXXXXX) && rmdir $d");
    shell("mkdir -p x/y && touch x/y/z && find . -newer a -name z | grep -q z; find . -empty -type f | grep -q z");
    shell("du -s . >/dev/null && df . && df -i .");
}
