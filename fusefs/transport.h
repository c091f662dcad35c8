/*
 * transport.h - the connection to the kernel: libfuse reads and writes through here, so that storefs sees of a
 * request, and says in a reply, what the libfuse it was built against does not know.
 */
#ifndef FUSEFS_TRANSPORT_H
#define FUSEFS_TRANSPORT_H

#include "fs.h"

/* Mounts the session and takes its reading and writing over. STATUS_DONE, or STATUS_NO when told why not. */
int transport_mount(struct fuse_session *session, const char *mountpoint);
/* Was the kernel's INIT answered, so that the mount works? */
bool transport_ready(void);

/* For the init operation: asks for what this libfuse can ask for and storefs does its part of. */
void transport_negotiate(struct fuse_conn_info *connection);

/*
 * Does the request that this thread is working on ask for the file's set-user-id and set-group-id bits to be cleared
 * (FUSE_HANDLE_KILLPRIV_V2: a write, a change of size, an open with O_TRUNC by someone who may not keep them)? Whoever
 * changes the owner clears them in any case.
 */
bool transport_clears_setid(void);
/* Is the request that this thread has read an fsync? */
bool transport_syncs(void);

#endif
