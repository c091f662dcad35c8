/* options.c - the command line as people and mount(8) write it, from one table of -o options. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "mountpoint.h"

#define TIMEOUT 60.0   /* of the kernel's caches, which are told of changes */
#define THREADS 16
#define SPIN 50        /* about what it takes to wake a thread */
#define LINGER 30
#define SECONDS_MAX (1u << 20)
#define SPIN_MAX 10000
#define THREADS_MAX 1024

/* What is to be done with an -o option. */
enum action {
    IGNORE, /* meant for mount(8), fstab and systemd; or the way it is anyhow */
    PASS,   /* to libfuse, which knows it or gives it to the kernel */
    READ_ONLY,
    READ_WRITE,
    ALLOW_OTHER,
    SUBDIR,
    DURABILITY,
    PROPERTIES,
    CACHE,
    THREADS_OF,
    SPIN_FOR,
    LINGER_FOR,
};

struct known_option {
    const char *name; /* with "=" at its end: a value follows; with "*": whatever begins so */
    enum action action;
};

static const struct known_option known_options[] = {
    { "ro", READ_ONLY },
    { "rw", READ_WRITE },
    { "subdir=", SUBDIR },
    { "durability=", DURABILITY },
    { "properties", PROPERTIES },
    { "cache=", CACHE },
    { "threads=", THREADS_OF },
    { "spin=", SPIN_FOR },
    { "linger=", LINGER_FOR },
    { "allow_other", ALLOW_OTHER },
    { "allow_root", PASS },
    { "auto_unmount", PASS },
    { "default_permissions", IGNORE },
    { "fsname=", PASS },
    { "max_read=", PASS },
    { "dev", PASS },
    { "nodev", PASS },
    { "suid", PASS },
    { "nosuid", PASS },
    { "exec", PASS },
    { "noexec", PASS },
    { "sync", PASS },
    { "async", PASS },
    { "dirsync", PASS },
    { "atime", PASS },
    { "noatime", PASS },
    { "context=", PASS },
    { "fscontext=", PASS },
    { "defcontext=", PASS },
    { "rootcontext=", PASS },
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
    { "io_uring", PASS },
    { "io_uring_q_depth=", PASS },
#endif
    { "subtype=", IGNORE },
    { "defaults", IGNORE },
    { "auto", IGNORE },
    { "noauto", IGNORE },
    { "user", IGNORE },
    { "user=", IGNORE },
    { "nouser", IGNORE },
    { "users", IGNORE },
    { "nousers", IGNORE },
    { "owner", IGNORE },
    { "group", IGNORE },
    { "nofail", IGNORE },
    { "_netdev", IGNORE },
    { "comment=", IGNORE },
    { "diratime", IGNORE },
    { "nodiratime", IGNORE },
    { "relatime", IGNORE },
    { "norelatime", IGNORE },
    { "strictatime", IGNORE },
    { "nostrictatime", IGNORE },
    { "lazytime", IGNORE },
    { "nolazytime", IGNORE },
    { "x-*", IGNORE },
    { "X-*", IGNORE },
};

void options_help(void)
{
    fputs("usage: storefs [options] STORE MOUNTPOINT\n"
          "\n"
          "Mounts the store in the directory STORE as a file system at the directory MOUNTPOINT, and\n"
          "returns when it works. End it with: umount MOUNTPOINT, or fusermount3 -u MOUNTPOINT\n"
          "\n"
          "  -o OPTION[,OPTION...]    mount options, see below; may be repeated\n"
          "  -f, --foreground         do not become a daemon; messages go to standard error\n"
          "  -d, --debug              show every request; in the foreground\n"
          "  -h, --help               show this and exit\n"
          "  -V, --version            show versions and exit\n"
          "\n"
          "Mount options of storefs:\n"
          "  ro                       read only; the store is opened for reading only\n"
          "  subdir=LOCATION          mount this collection instead of the whole store\n"
          "  durability=relaxed       a finished write is on disk within a second, fsync at once (default)\n"
          "  durability=commit        a finished write is on disk\n"
          "  properties               typed objects are directories with a file for each property\n",
          stdout);
    printf("  cache=SECONDS            how long the kernel may believe names and attributes (%g)\n"
           "  threads=N                at most so many threads work on requests (%u)\n"
           "  spin=MICROSECONDS        look for the next request so long before sleeping (%u; 0 with one CPU)\n"
           "  linger=SECONDS           how long files in use may delay the end after SIGTERM (%u)\n"
           "\n",
           TIMEOUT, THREADS, SPIN, LINGER);
    fputs("Mount options of FUSE and mount(8):\n"
          "  allow_other              users other than the one who mounts have access\n"
          "  allow_root               only root has, beside that one\n"
          "  dev suid                 device nodes and set-id bits work (root only)\n"
          "  auto_unmount fsname= max_read= rw nodev nosuid [no]exec [a]sync dirsync [no]atime [*]context=\n"
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
          "  io_uring io_uring_q_depth=\n"
#endif
          "  default_permissions (always on)\n"
          "  defaults [no]auto [no]user[s] owner group nofail _netdev comment= x-* [no]relatime ... (ignored)\n"
          "\n"
          "Exit status: 0 mounted; 1 it cannot be mounted; 2 wrong usage; 3 the store failed.\n",
          stdout);
}

static int usage(const char *what, const char *text)
{
    complain("%s: %s", what, text);
    complain("try 'storefs --help'");
    return STATUS_USAGE;
}

static int no_memory(void)
{
    complain("out of memory");
    return STATUS_FAILED;
}

/* ------------------------------------------------------------- -o options */

static const struct known_option *find_option(const char *text)
{
    size_t name = strcspn(text, "=");

    for (size_t i = 0; i < sizeof known_options / sizeof *known_options; i++) {
        const struct known_option *known = &known_options[i];
        size_t length = strlen(known->name);
        bool prefix = known->name[length - 1] == '*';
        bool value = known->name[length - 1] == '=';

        if (prefix && strncmp(text, known->name, length - 1) == 0)
            return known;
        if (value && length == name + 1 && strncmp(text, known->name, length) == 0)
            return known;
        if (!prefix && !value && strcmp(text, known->name) == 0)
            return known;
    }
    return NULL;
}

/* A whole number up to `max`. */
static int parse_number(unsigned *out, const char *option, const char *value, unsigned min, unsigned max)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end != '\0' || number < min || number > max) {
        complain("-o %s: not a number from %u to %u", option, min, max);
        return STATUS_USAGE;
    }
    *out = (unsigned)number;
    return STATUS_DONE;
}

static int parse_seconds(double *out, const char *option, const char *value)
{
    char *end;
    double number = strtod(value, &end);

    if (*value < '0' || *value > '9' || *end != '\0' || !(number <= SECONDS_MAX)) {
        complain("-o %s: not a number of seconds", option);
        return STATUS_USAGE;
    }
    *out = number;
    return STATUS_DONE;
}

static int parse_durability(store_durability *out, const char *value)
{
    if (strcmp(value, "commit") == 0)
        *out = STORE_DURABLE_COMMIT;
    else if (strcmp(value, "relaxed") == 0)
        *out = STORE_DURABLE_RELAXED;
    else
        return usage("durability is commit or relaxed, not", value);
    return STATUS_DONE;
}

static int parse_subdir(char **out, const char *value)
{
    if (value[0] != '/')
        return usage("a location begins with /, unlike this subdir", value);
    char *copy = strdup(value);
    if (!copy)
        return no_memory();
    free(*out);
    *out = copy;
    return STATUS_DONE;
}

/* Adds "-o TEXT" for libfuse, which takes commas and backslashes only behind a backslash. */
static int pass(struct options *options, const char *text)
{
    char *escaped = NULL;
    int failed = fuse_opt_add_opt_escaped(&escaped, text) != 0 || fuse_opt_add_arg(&options->fuse, "-o") != 0 ||
                 fuse_opt_add_arg(&options->fuse, escaped) != 0;

    free(escaped);
    return failed ? no_memory() : STATUS_DONE;
}

static int apply_option(struct options *options, const char *text)
{
    const struct known_option *known = find_option(text);
    const char *equals = strchr(text, '=');
    const char *value = equals ? equals + 1 : "";

    if (!known)
        return usage("unknown mount option", text);
    switch (known->action) {
    case IGNORE:
        return STATUS_DONE;
    case PASS:
        return pass(options, text);
    case READ_ONLY:
    case READ_WRITE:
        options->fs.read_only = known->action == READ_ONLY;
        return pass(options, text);
    case ALLOW_OTHER:
        options->allow_other = true;
        return pass(options, text);
    case SUBDIR:
        return parse_subdir(&options->fs.subdir, value);
    case DURABILITY:
        return parse_durability(&options->fs.durability, value);
    case PROPERTIES:
        options->fs.properties = true;
        return STATUS_DONE;
    case CACHE:
        return parse_seconds(&options->fs.timeout, text, value);
    case THREADS_OF:
        return parse_number(&options->threads, text, value, 1, THREADS_MAX);
    case SPIN_FOR:
        return parse_number(&options->spin, text, value, 0, SPIN_MAX);
    case LINGER_FOR:
        return parse_number(&options->linger, text, value, 0, SECONDS_MAX);
    }
    return STATUS_DONE;
}

/* "a,b=c\,d": options that hold a comma have a backslash before it. */
static int parse_list(struct options *options, const char *list)
{
    int status = STATUS_DONE;
    char *text = malloc(strlen(list) + 1);

    if (!text)
        return no_memory();
    while (status == STATUS_DONE && *list != '\0') {
        size_t length = 0;
        for (; *list != '\0' && *list != ','; list++) {
            if (*list == '\\' && list[1] != '\0')
                list++;
            text[length++] = *list;
        }
        text[length] = '\0';
        if (length > 0)
            status = apply_option(options, text);
        if (*list == ',')
            list++;
    }
    free(text);
    return status;
}

/* --------------------------------------------------------------- the rest */

static const struct option long_options[] = {
    { "foreground", no_argument, NULL, 'f' },
    { "debug", no_argument, NULL, 'd' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { 0 },
};

static int parse_switch(struct options *options, int letter, char **argv)
{
    switch (letter) {
    case 'o':
        return parse_list(options, optarg);
    case 'f':
        options->fs.foreground = true;
        return STATUS_DONE;
    case 'd':
        options->fs.debug = true;
        options->fs.foreground = true;
        return fuse_opt_add_arg(&options->fuse, "-d") != 0 ? no_memory() : STATUS_DONE;
    case 'h':
        options->help = true;
        return STATUS_DONE;
    case 'V':
        options->version = true;
        return STATUS_DONE;
    case ':':
        return usage("a value is needed behind", argv[optind - 1]);
    default: {
        char short_name[] = { '-', (char)optopt, '\0' };
        return usage("unknown option", optopt ? short_name : argv[optind - 1]);
    }
    }
}

/* With one CPU whoever spins keeps the client from making its next request. */
static unsigned usual_spin(void)
{
    cpu_set_t cpus;

    return sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) > 1 ? SPIN : 0;
}

static int resolve_store(char **out, const char *path)
{
    *out = realpath(path, NULL);
    if (*out)
        return STATUS_DONE;
    complain("store %s: %s", path, strerror(errno));
    return STATUS_NO;
}

/* What df and mount show: the store, and the program's name. */
static int name_mount(struct options *options)
{
    char *text = NULL;

    if (asprintf(&text, "fsname=%s", options->fs.store) < 0)
        return no_memory();
    /* Before the options of the command line, so that an fsname there wins. */
    char *escaped = NULL;
    int failed = fuse_opt_add_opt_escaped(&escaped, text) != 0 ||
                 fuse_opt_insert_arg(&options->fuse, 1, "-osubtype=storefs,default_permissions") != 0 ||
                 fuse_opt_insert_arg(&options->fuse, 2, "-o") != 0 ||
                 fuse_opt_insert_arg(&options->fuse, 3, escaped) != 0;
    free(text);
    free(escaped);
    return failed ? no_memory() : STATUS_DONE;
}

int options_parse(struct options *out, int argc, char **argv)
{
    int letter, status = STATUS_DONE;

    *out = (struct options){ .threads = THREADS, .spin = usual_spin(), .linger = LINGER };
    out->fs.timeout = TIMEOUT;
    out->fs.durability = STORE_DURABLE_RELAXED;
    if (fuse_opt_add_arg(&out->fuse, "storefs") != 0)
        return no_memory();
    opterr = 0;
    while (status == STATUS_DONE && (letter = getopt_long(argc, argv, ":o:fdhV", long_options, NULL)) != -1)
        status = parse_switch(out, letter, argv);
    if (status != STATUS_DONE || out->help || out->version)
        return status;
    if (argc - optind < 2)
        return usage("missing", optind < argc ? "a mount point" : "a store and a mount point");
    if (argc - optind > 2)
        return usage("one argument too many", argv[optind + 2]);
    status = resolve_store(&out->fs.store, argv[optind]);
    if (status == STATUS_DONE)
        status = mountpoint_resolve(&out->fs.mountpoint, argv[optind + 1], out->fs.store);
    return status == STATUS_DONE ? name_mount(out) : status;
}

void options_release(struct options *options)
{
    free(options->fs.store);
    free(options->fs.mountpoint);
    free(options->fs.subdir);
    fuse_opt_free_args(&options->fuse);
}
