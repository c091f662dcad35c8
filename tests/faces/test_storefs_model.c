/*
 * storefs beside a native file system, doing the same at random. Longer, and from another seed:
 *
 *     STOREFS_MODEL_SECONDS=600 STOREFS_MODEL_SEED=100 build/tests/run --timeout 700 --filter 'storefs_model?*'
 */
#include <time.h>

#include "storefs_model.h"
#include "storefs_test.h"

TestSuite(storefs_model, .init = begin_storefs, .fini = end_storefs);

enum { STEPS = 1500, SECONDS = 4 };

static unsigned from_environment(const char *name, unsigned usual)
{
    const char *text = getenv(name);

    return text ? (unsigned)strtoul(text, NULL, 10) : usual;
}

static int empty_directory(const char *path)
{
    assert_sys(mkdir(path, 0755));
    return assert_sys(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void run_steps(struct model *model, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        model_step(model);
        if (i % 100 == 99)
            model_compare(model);
    }
    model_close_files(model);
    model_compare(model);
}

/* Goes on after the mount is made anew: then all comes from the store. */
static void run_seed(unsigned seed)
{
    struct model model;
    char name[32];

    snprintf(name, sizeof name, "model%u", seed);
    const char *native = test_path(name);
    model_begin(&model, empty_directory(name), empty_directory(native), seed);
    run_steps(&model, STEPS);
    close(model.directory[MOUNTED]);
    remount_storefs();
    model.directory[MOUNTED] = assert_sys(open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    model_compare(&model);
    run_steps(&model, STEPS / 3);
    close(model.directory[MOUNTED]);
    close(model.directory[NATIVE]);
    char script[1200];
    snprintf(script, sizeof script, "rm -r %s %s", name, native);
    shell(script);
}

Test(storefs_model, it_behaves_as_a_native_file_system, .timeout = 3600)
{
    unsigned seed = from_environment("STOREFS_MODEL_SEED", 1);
    time_t end = time(NULL) + from_environment("STOREFS_MODEL_SECONDS", SECONDS);

    do
        run_seed(seed++);
    while (time(NULL) < end);
}
