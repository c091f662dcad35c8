/* interrupt.h - SIGINT and SIGTERM as a wish to end, asked for between two steps. */
#ifndef STORECTL_INTERRUPT_H
#define STORECTL_INTERRUPT_H

#include <stdbool.h>

#include "store.h"

/* From now on the signals set a flag, and stop `feed` (may be NULL). A second one kills. */
void interrupt_watch(store_feed *feed);
bool interrupted(void);
/* The feed is about to go. */
void interrupt_forget(void);

#endif
