/* mountpoint.h - the directory that is mounted on. */
#ifndef FUSEFS_MOUNTPOINT_H
#define FUSEFS_MOUNTPOINT_H

/* Makes `path` absolute, if the store in the directory `store_path` (absolute) can be mounted there. STATUS_DONE, or
 * a status whose reason was told. Release with free(). */
int mountpoint_resolve(char **out, const char *path, const char *store_path);
/* Takes the mount out of the tree, while its users keep what they have open. STATUS_DONE, or as above. */
int mountpoint_detach(const char *mountpoint);
/* Tells what may help a user for whom mounting with allow_other failed. */
void mountpoint_hint_allow_other(void);

#endif
