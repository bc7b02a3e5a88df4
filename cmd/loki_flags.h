/* loki_flags.h: Loki's command line, as far as it means something to a single node. Thread: any; pure. */
#pragma once

#include "core/base/arena.h"

/* The key that a flag sets: of the table of Loki's flags, else the flag itself with '_' for '-' (server.http-listen-port), else as it is. May be in the arena. */
struct slice loki_flag_key(struct slice flag, struct arena *arena);

/* A flag of a part of Loki that Logi does not have (memberlist., frontend., ...): it is passed over, with a warning. */
bool loki_flag_is_foreign(struct slice flag);
