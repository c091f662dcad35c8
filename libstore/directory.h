/* directory.h - making the entries of a directory durable. */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

/* The problem for an errno that the system gave about `path`. */
int directory_problem(int error, const char *path);

/* Files made in, renamed in or removed from the directory are so after a power failure, too. */
int directory_sync(const char *path);
/* The same for the directory that holds `path`; one that may not be read is left alone. */
int directory_sync_parent(const char *path);

#endif
