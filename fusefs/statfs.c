/* statfs.c - what df(1) shows: the disk's room and the store's own reusable pages. */
#include <sys/statvfs.h>

#include "ops.h"

#define BLOCK 4096
#define NODE_BYTES 512 /* about what a small object takes, its share of the tree included */

void op_statfs(fuse_req_t request, fuse_ino_t ino)
{
    store_room room;
    struct statvfs out = { .f_bsize = BLOCK, .f_frsize = BLOCK, .f_namemax = STORE_NAME_MAX };
    int error = errno_of(store_room_get(&room, fs_of(request)->store));

    (void)ino;
    if (error) {
        fuse_reply_err(request, error);
        return;
    }
    out.f_blocks = room.total_bytes / BLOCK;
    out.f_bfree = room.free_bytes / BLOCK;
    out.f_bavail = room.available_bytes / BLOCK;
    out.f_ffree = room.free_bytes / NODE_BYTES;
    out.f_favail = room.available_bytes / NODE_BYTES;
    out.f_files = room.nodes + out.f_ffree;
    fuse_reply_statfs(request, &out);
}
