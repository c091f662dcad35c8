/*
 * fault.h - makes the Nth allocation or the Nth call of LMDB fail. The calls of libstore and of the
 * tests go through the functions of fault.c (tests/fault/wrapped, ld --wrap).
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

enum fault_kind { FAULT_MEMORY, FAULT_STORAGE };

/* From now on the `nth` call (1: the next) of this thread fails, with `error` if it is one of LMDB
 * (an errno or an MDB_ code), once or from then on. */
void fault_arm(enum fault_kind kind, unsigned nth, bool for_ever, int error);
/* No more. Returns whether any call failed. */
bool fault_disarm(void);
/* The same for the storage calls of every thread but this one, from now on. */
void fault_others(int error);

#endif
