#include "cmd/signals.h"

#include <pthread.h>
#include <signal.h>

static sigset_t waited;

void signals_block(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&waited);
    (void)sigaddset(&waited, SIGTERM);
    (void)sigaddset(&waited, SIGINT);
    (void)sigaddset(&waited, SIGHUP);
    (void)sigaddset(&waited, SIGQUIT);
    (void)sigaddset(&waited, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &waited, NULL);
}

enum signal_event signals_wait(int64_t timeout_ns)
{
    struct timespec timeout = {timeout_ns / NS_PER_S, timeout_ns % NS_PER_S};
    switch (sigtimedwait(&waited, NULL, &timeout)) {
    case SIGTERM:
    case SIGINT:
        return SIGNAL_STOP;
    case SIGHUP:
        return SIGNAL_RELOAD;
    case SIGQUIT:
        return SIGNAL_DUMP;
    case SIGUSR1:
        return SIGNAL_VERBOSE;
    default:
        return SIGNAL_NONE;
    }
}

void signals_default(void)
{
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    sigset_t stop;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
}
