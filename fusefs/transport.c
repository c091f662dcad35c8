/* transport.c - see transport.h. There is one session in a process. */
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon.h"
#include "options.h"

static uint64_t init_unique;     /* of the INIT request; it is read and answered before there are other threads */
static uint32_t init_offered;    /* flags of it */
static bool init_answered;
/* Of the request that the thread has read last. */
static _Thread_local bool clears_setid;
static _Thread_local bool syncs;

bool transport_ready(void)
{
    return init_answered;
}

bool transport_clears_setid(void)
{
    return clears_setid;
}

bool transport_syncs(void)
{
    return syncs;
}

void transport_negotiate(struct fuse_conn_info *connection)
{
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2
    if (connection->capable & FUSE_CAP_HANDLE_KILLPRIV_V2)
        connection->want |= FUSE_CAP_HANDLE_KILLPRIV_V2;
#else
    (void)connection; /* see send_reply() */
#endif
}

/* --------------------------------------------------------------- requests */

/* The part of a request behind its header, if it is there. */
static const void *argument_of(const struct fuse_in_header *header, size_t got, size_t size)
{
    return got >= sizeof *header + size ? header + 1 : NULL;
}

/* What libfuse does not pass on. */
static bool asks_to_clear_setid(const struct fuse_in_header *header, size_t got)
{
    const struct fuse_write_in *write;
    const struct fuse_setattr_in *setattr;
    const struct fuse_open_in *open;

    switch (header->opcode) {
    case FUSE_WRITE:
        write = argument_of(header, got, sizeof *write);
        return write && write->write_flags & FUSE_WRITE_KILL_SUIDGID;
    case FUSE_SETATTR:
        setattr = argument_of(header, got, sizeof *setattr);
        return setattr && setattr->valid & FATTR_KILL_SUIDGID;
    case FUSE_OPEN:
        open = argument_of(header, got, sizeof *open);
        return open && open->open_flags & FUSE_OPEN_KILL_SUIDGID;
    default:
        return false;
    }
}

static void note_init(const struct fuse_in_header *header, size_t got)
{
    const struct fuse_init_in *init = argument_of(header, got, offsetof(struct fuse_init_in, flags) + sizeof(uint32_t));

    init_unique = header->unique;
    init_offered = init ? init->flags : 0;
}

static ssize_t receive(int fd, void *buffer, size_t size, void *context)
{
    const struct fuse_in_header *header = buffer;
    ssize_t got = read(fd, buffer, size);

    (void)context;
    if (got < (ssize_t)sizeof *header)
        return got;
    clears_setid = asks_to_clear_setid(header, (size_t)got);
    syncs = header->opcode == FUSE_FSYNC || header->opcode == FUSE_FSYNCDIR;
    if (header->opcode == FUSE_INIT)
        note_init(header, (size_t)got);
    return got;
}

/* ---------------------------------------------------------------- replies */

/*
 * Before each write to a file the kernel asks for its security.capability, to clear it along with set-id bits, unless
 * the server says that it sees to that itself: FUSE_HANDLE_KILLPRIV_V2, which libfuse knows since 3.17 only. So the
 * flag is added to the reply here, where the kernel has offered it and libfuse has not taken it up.
 */
static void add_killpriv(const struct iovec *parts, int count)
{
    if (!(init_offered & FUSE_HANDLE_KILLPRIV_V2) || count < 2 ||
        parts[1].iov_len < offsetof(struct fuse_init_out, flags) + sizeof(uint32_t))
        return;
    struct fuse_init_out *reply = parts[1].iov_base;
    reply->flags |= FUSE_HANDLE_KILLPRIV_V2;
}

static ssize_t send_reply(int fd, struct iovec *parts, int count, void *context)
{
    const struct fuse_out_header *header = parts[0].iov_base;

    (void)context;
    if (init_answered || header->unique == 0 || header->unique != init_unique)
        return writev(fd, parts, count);
    if (header->error == 0)
        add_killpriv(parts, count);
    ssize_t sent = writev(fd, parts, count);
    init_answered = sent >= 0 && header->error == 0;
    return sent;
}

int transport_mount(struct fuse_session *session, const char *mountpoint)
{
    static const struct fuse_custom_io io = { .read = receive, .writev = send_reply };

    if (fuse_session_mount(session, mountpoint) != 0) {
        complain("cannot mount at %s", mountpoint);
        return STATUS_NO;
    }
    if (fuse_session_custom_io(session, &io, fuse_session_fd(session)) != 0) {
        complain("cannot talk to the kernel");
        return STATUS_FAILED;
    }
    return STATUS_DONE;
}
