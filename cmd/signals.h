/* signals.h: signals as events that the main thread waits for. */
#pragma once

#include "core/base/clock.h"

enum signal_event { SIGNAL_NONE, SIGNAL_STOP, SIGNAL_RELOAD, SIGNAL_DUMP, SIGNAL_VERBOSE };

/* Blocks TERM, INT, HUP, QUIT, USR1 and ignores PIPE: before any thread is started, so that all inherit it. */
void signals_block(void);

/* The next one, or SIGNAL_NONE after timeout_ns. */
enum signal_event signals_wait(int64_t timeout_ns);

/* From now on TERM and INT end the process at once: a second signal while stopping. */
void signals_default(void);
