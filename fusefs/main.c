/* main.c - storefs: mounts a store, serves it, ends in order. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon.h"
#include "loop.h"
#include "mountpoint.h"
#include "options.h"
#include "refuse.h"
#include "transport.h"

struct service {
    struct fs fs;
    struct options *options;
    int signals;    /* readable when one has come */
    bool connected; /* to the kernel, which has not ended the mount yet */
    bool detached;  /* the mount is not in the tree any more */
};

static int open_store(struct fs *fs)
{
    store_options options = STORE_OPTIONS_INIT;

    options.durability = fs->options.durability;
    options.flags = fs->options.read_only ? STORE_OPEN_READ_ONLY : 0;
    int rc = store_open(&fs->store, fs->options.store, &options);
    if (rc == STORE_OK)
        return STATUS_DONE;
    complain("store %s: %s (%s)", fs->options.store, store_problem_last()->detail, store_code_name(rc));
    return rc == STORE_IO || rc == STORE_CORRUPT || rc == STORE_FULL || rc == STORE_NO_MEMORY ? STATUS_FAILED
                                                                                              : STATUS_NO;
}

/* Answers the kernel's first request, with which the mount begins to work. */
static int answer_init(struct fuse_session *session)
{
    struct fuse_buf buffer = { 0 };

    while (!transport_ready()) {
        int got = fuse_session_receive_buf(session, &buffer);
        if (got == -EINTR || got == -EAGAIN)
            continue;
        if (got <= 0)
            break;
        fuse_session_process_buf(session, &buffer);
    }
    free(buffer.mem);
    if (transport_ready())
        return STATUS_DONE;
    complain("the kernel and storefs do not agree on a protocol");
    return STATUS_FAILED;
}

/* The signals that end the mount, as a descriptor. To be called before there are threads. */
static int block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * Serves until it is unmounted. A first signal takes the mount out of the tree, so that it ends when its last user is
 * gone; a second one, or the end of `linger` seconds, ends it at once.
 */
static int serve(struct service *service, struct loop *loop)
{
    const struct options *options = service->options;
    struct signalfd_siginfo signal;
    int timeout = -1;

    for (;;) {
        switch (loop_wait(loop, service->signals, timeout)) {
        case LOOP_ENDED:
            service->connected = false;
            return STATUS_DONE;
        case LOOP_FAILED:
            complain("the connection to the kernel failed");
            return STATUS_FAILED;
        case LOOP_TIMEOUT:
            complain("ended while files were in use");
            return STATUS_DONE;
        case LOOP_READABLE:
            if (read(service->signals, &signal, sizeof signal) != sizeof signal)
                break;
            if (service->detached || mountpoint_detach(options->fs.mountpoint) != STATUS_DONE)
                return STATUS_DONE;
            service->detached = true;
            timeout = (int)options->linger * 1000;
        }
    }
}

static int run_session(struct service *service)
{
    struct fuse_session *session = service->fs.session;
    int status = answer_init(session);

    if (status != STATUS_DONE)
        return status;
    struct loop *loop = loop_start(session, service->options->threads, service->options->spin);
    if (!loop)
        return STATUS_FAILED;
    daemon_ready();
    status = serve(service, loop);
    loop_free(loop);
    return status;
}

static int mount_and_serve(struct service *service)
{
    struct fs *fs = &service->fs;
    int status = transport_mount(fs->session, fs->options.mountpoint);

    if (status == STATUS_DONE) {
        service->connected = true;
        status = run_session(service);
    } else if (service->options->allow_other) {
        mountpoint_hint_allow_other();
    }
    struct refuser *refuser = service->connected ? refuse_start(fuse_session_fd(fs->session)) : NULL;
    fs_stop(fs);
    refuse_stop(refuser);
    if (!service->detached) /* else what is mounted there now is not ours */
        fuse_session_unmount(fs->session);
    return status;
}

static int run_service(struct service *service)
{
    struct fs *fs = &service->fs;

    fs->session = fuse_session_new(&service->options->fuse, &fs_operations, sizeof fs_operations, fs);
    if (!fs->session) {
        complain("libfuse does not take these options");
        return STATUS_USAGE;
    }
    int status, error = fs_start(fs);
    if (error == 0) {
        status = mount_and_serve(service);
    } else {
        complain("cannot mount %s: %s", fs->options.subdir ? fs->options.subdir : "/", strerror(error));
        status = STATUS_NO;
    }
    fuse_session_destroy(fs->session);
    return status;
}

static int run(struct options *options)
{
    struct service service = { .fs.options = options->fs, .options = options };

    daemon_settle();
    service.signals = block_signals();
    int status = open_store(&service.fs);
    if (status == STATUS_DONE)
        status = run_service(&service);
    store_close(service.fs.store);
    close(service.signals);
    return status;
}

static int show_version(void)
{
    printf("storefs %s, libfuse %s\n", store_library_version(), fuse_pkgversion());
    return STATUS_DONE;
}

int main(int argc, char **argv)
{
    struct options options;
    int status = options_parse(&options, argc, argv);

    if (status == STATUS_DONE && options.help) {
        options_help();
    } else if (status == STATUS_DONE && options.version) {
        status = show_version();
    } else if (status == STATUS_DONE) {
        int parent = options.fs.foreground ? -1 : daemon_fork();
        status = parent >= 0 ? parent : run(&options);
    }
    options_release(&options);
    return status;
}
