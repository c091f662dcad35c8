/* ops.c - the table of operations, and what is agreed with the kernel. */
#include "ops.h"

#include "transport.h"

/* What the kernel offers and libfuse knows of these is asked for; the rest stays as libfuse has it. */
static void want(struct fuse_conn_info *connection, unsigned capability)
{
    if (connection->capable & capability)
        connection->want |= capability;
}

static void op_init(void *context, struct fuse_conn_info *connection)
{
    enum { MIB = 1 << 20 };

    (void)context;
    want(connection, FUSE_CAP_EXPORT_SUPPORT);   /* look-ups of "." and ".." by number, for NFS */
    want(connection, FUSE_CAP_PARALLEL_DIROPS);
    want(connection, FUSE_CAP_READDIRPLUS);
    want(connection, FUSE_CAP_READDIRPLUS_AUTO);
    transport_negotiate(connection);
    /* watch.c tells of changes: times need not be compared (AUTO_INVAL_DATA). But when a new size comes before that, the
     * kernel has to drop its pages: the last one would show zeros for what was appended (no EXPLICIT_INVAL_DATA).
     * Bodies are in memory: pipes would only copy them once more. And a file is published as it is written. */
    connection->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                                    FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_EXPLICIT_INVAL_DATA |
                                    FUSE_CAP_HANDLE_KILLPRIV);
    connection->max_write = MIB;
    connection->max_readahead = MIB;
    connection->time_gran = 1;
}

const struct fuse_lowlevel_ops fs_operations = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .readlink = op_readlink,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .symlink = op_symlink,
    .rename = op_rename,
    .link = op_link,
    .open = op_open,
    .read = op_read,
    .write = op_write,
    .flush = op_flush,
    .release = op_release,
    .fsync = op_fsync,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
    .fsyncdir = op_fsyncdir,
    .statfs = op_statfs,
    .setxattr = op_setxattr,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = op_removexattr,
    .create = op_create,
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
    .tmpfile = op_tmpfile,
#endif
    .fallocate = op_fallocate,
    .lseek = op_lseek,
    .copy_file_range = op_copy_file_range,
};
