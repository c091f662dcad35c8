/* ops.h - the operations by topic; each answers its request exactly once. */
#ifndef FUSEFS_OPS_H
#define FUSEFS_OPS_H

#include "fs.h"

/* name.c: names in directories */
void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t request, fuse_ino_t ino, uint64_t count);
void op_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets);
void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode);
void op_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void op_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t request, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_readlink(fuse_req_t request, fuse_ino_t ino);

/* remove.c, rename.c */
void op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
               unsigned flags);

/* attr.c */
void op_getattr(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info);
void op_setattr(fuse_req_t request, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *info);

/* statfs.c */
void op_statfs(fuse_req_t request, fuse_ino_t ino);

/* open.c */
void op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *info);
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
void op_tmpfile(fuse_req_t request, fuse_ino_t parent, mode_t mode, struct fuse_file_info *info);
#endif
void op_open(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info);
void op_flush(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info);
void op_fsync(fuse_req_t request, fuse_ino_t ino, int datasync, struct fuse_file_info *info);
void op_release(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info);

/* io.c */
void op_read(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info);
void op_write(fuse_req_t request, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *info);
void op_fallocate(fuse_req_t request, fuse_ino_t ino, int mode, off_t offset, off_t length,
                  struct fuse_file_info *info);
void op_lseek(fuse_req_t request, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *info);
void op_copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset, struct fuse_file_info *from_info,
                        fuse_ino_t to, off_t to_offset, struct fuse_file_info *to_info, size_t length, int flags);

/* dir.c */
void op_opendir(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info);
void op_readdir(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info);
void op_readdirplus(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info);
void op_releasedir(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info);
void op_fsyncdir(fuse_req_t request, fuse_ino_t ino, int datasync, struct fuse_file_info *info);

/* xattr.c */
void op_getxattr(fuse_req_t request, fuse_ino_t ino, const char *name, size_t size);
void op_setxattr(fuse_req_t request, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void op_listxattr(fuse_req_t request, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t request, fuse_ino_t ino, const char *name);

#endif
