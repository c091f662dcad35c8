/* filelock.h - locks on single bytes of a file, which end with their holder. */
#ifndef STORE_FILELOCK_H
#define STORE_FILELOCK_H

#include <fcntl.h>
#include <stdbool.h>

/* Takes (F_RDLCK, F_WRLCK), changes or gives back (F_UNLCK) the lock of `fd` on the byte `at`. 0, or -1
 * and an errno: EAGAIN when somebody holds it and we do not wait. */
int file_lock(int fd, short type, off_t at, bool wait);
/* Whether another descriptor than `fd` has any lock on the byte. */
bool file_locked(int fd, off_t at);

#endif
