/* Signals that ask a long command to end. */
#include "interrupt.h"

#include <signal.h>

static volatile sig_atomic_t asked;
static store_feed *volatile watched;

static void ask(int signal_number)
{
    (void)signal_number;
    asked = 1;
    if (watched)
        store_feed_stop(watched);
}

void interrupt_watch(store_feed *feed)
{
    struct sigaction action = {.sa_handler = ask, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    watched = feed;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void)
{
    return asked != 0;
}

void interrupt_forget(void)
{
    watched = NULL;
}
