/*
 * test_real_input.c - data that nobody made for this project: the tables of the iso-codes
 * package, and a real tree of a few thousand files, in and out again.
 */
#include <stdlib.h>
#include <unistd.h>

#include "storectl_test.h"

#define ISO "/usr/share/iso-codes/json/"

TestSuite(real_input, .init = begin_storectl, .fini = end_storectl, .timeout = 120);

/* How many objects the file's one array has, and the value of `key` in the one at `index`. */
static size_t table(const char *file, size_t index, const char *key, char *value, size_t size)
{
    json_error_t error;
    json_t *top = json_load_file(file, 0, &error);
    json_t *array;
    size_t count;

    cr_assert_not_null(top, "%s: %s", file, error.text);
    array = json_object_iter_value(json_object_iter(top));
    count = json_array_size(array);
    snprintf(value, size, "%s", json_string_value(json_object_get(json_array_get(array, index), key)));
    json_decref(top);
    return count;
}

/* Imports a table twice: all of it is created, then nothing changes; every object is listed. */
static void import_table(const char *location, const char *definition, const char *file, const char *key)
{
    char tally[64], first[64], where[128];
    size_t count = table(file, 0, key, first, sizeof first);

    expect_in(0, definition, "define", location, "-");
    snprintf(tally, sizeof tally, "%zu created, 0 updated, 0 unchanged", count);
    expect_says(0, tally, "import", location, file);
    snprintf(tally, sizeof tally, "0 created, 0 updated, %zu unchanged", count);
    expect_says(0, tally, "import", location, file);
    snprintf(where, sizeof where, "%s/%s", location, first);
    expect(0, "get", where);
    expect_says(0, "no damage", "check");
}

Test(real_input, countries_have_three_keys)
{
    import_table("/countries",
                 "{\"key\":[\"alpha_2\"],\"unique\":[[\"alpha_3\"],[\"numeric\"]],\"schema\":{\"required\":[\"name\"],"
                 "\"properties\":{\"alpha_2\":{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}$\"},"
                 "\"alpha_3\":{\"type\":\"string\"},\"numeric\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"
                 "\"flag\":{\"type\":\"string\"},\"official_name\":{\"type\":\"string\"},"
                 "\"common_name\":{\"type\":\"string\"}}}}",
                 ISO "iso_3166-1.json", "alpha_2");
    expect_out("AT\n", "ls", "/countries", "--where", "alpha_3=AUT");
    expect_out("AT\n", "ls", "/countries", "--where", "numeric=040");
    expect_says(1, "is taken by /countries/AT", "put", "/countries/XX", "--data",
                "{\"name\":\"x\",\"alpha_3\":\"AUT\",\"numeric\":\"999\"}");
}

Test(real_input, languages_are_keyed_by_alpha_3)
{
    import_table("/languages",
                 "{\"key\":[\"alpha_3\"],\"schema\":{\"required\":[\"name\"],\"properties\":{"
                 "\"alpha_3\":{\"type\":\"string\",\"pattern\":\"^[a-z]{3}$\"},\"name\":{\"type\":\"string\"},"
                 "\"scope\":{\"enum\":[\"I\",\"M\",\"S\"]},\"type\":{\"type\":\"string\"},\"alpha_2\":{\"type\":\"string\"},"
                 "\"inverted_name\":{\"type\":\"string\"},\"bibliographic\":{\"type\":\"string\"},"
                 "\"common_name\":{\"type\":\"string\"}}}}",
                 ISO "iso_639-3.json", "alpha_3");
    expect_out("\"German\"", "get", "/languages/deu/name");
    expect_out("zza\nzyp\nzyn\n", "ls", "/languages", "--reverse", "--after", "zzj", "--limit", "3");
}

Test(real_input, subdivisions_are_keyed_by_code)
{
    import_table("/subdivisions",
                 "{\"key\":[\"code\"],\"schema\":{\"required\":[\"name\"],\"properties\":{\"code\":{\"type\":\"string\"},"
                 "\"name\":{\"type\":\"string\"},\"type\":{\"type\":\"string\"},\"parent\":{\"type\":\"string\"}}}}",
                 ISO "iso_3166-2.json", "code");
    expect_out("AT-1\nAT-2\nAT-3\nAT-4\nAT-5\nAT-6\nAT-7\nAT-8\nAT-9\n", "ls", "/subdivisions", "--prefix", "AT-");
}

/* Kind, mode, size, time, link target and path of everything in a tree, and the bytes by a checksum. */
static char *inventory(const char *tree)
{
    struct command_result listed = { 0 };
    char *command = NULL, *text;

    cr_assert_geq(asprintf(&command,
                           "cd '%s' && find . \\( -type d -printf '%%y %%m %%T@ %%p\\n' -o -type l -printf '%%y %%l %%p\\n' "
                           "-o -printf '%%y %%m %%s %%T@ %%p\\n' \\) | sort && find . -type f -print0 | sort -z | "
                           "xargs -0 sha256sum | sha256sum",
                           tree),
                  0);
    run_command(&listed, WORDS("/bin/sh", "-c", command), NULL);
    free(command);
    cr_assert_eq(listed.status, 0, "%s", listed.err);
    text = strdup(listed.out);
    command_clear(&listed);
    return text;
}

Test(real_input, a_tree_of_thousands_of_files_comes_back_as_it_was)
{
    const char *tree = access("/usr/include/stdio.h", R_OK) == 0 ? "/usr/include" : "/usr/share/doc";
    char *before = inventory(tree), *after;

    expect(0, "import", "/tree", tree);
    expect(0, "export", "/tree", test_path("out"));
    after = inventory(test_path("out"));
    cr_assert_gt(strlen(before), 10000);
    cr_assert(strcmp(before, after) == 0, "the tree came back changed");
    free(before);
    free(after);
    expect_says(0, ", 0 updated", "import", "/tree", tree);
    expect_says(0, "0 created, 0 updated", "import", "/tree", tree);
    expect_says(0, "no damage", "check");
}
