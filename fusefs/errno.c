/* errno.c - the one translation of the store's codes to errno. */
#include "fs.h"

int errno_of(int rc)
{
    return rc < 0 ? store_code_errno(rc, store_problem_last()->os_error) : 0;
}
