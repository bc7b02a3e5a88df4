/* charged_arena.h: an arena whose blocks are paid for from a query's memory budget. Settled after each piece of work rather than at each
 * allocation, so that it may run over the budget by one piece (a batch's rows). Thread: one at a time. */
#pragma once

#include "core/base/arena.h"
#include "core/plan/query_control.h"

struct charged_arena {
    struct arena arena;
    size_t charged;
};

/* Charges what the arena grew since the last call. */
static inline bool charged_arena_settle(struct charged_arena *charged, struct query_control *control, struct err *err)
{
    if (charged->arena.bytes <= charged->charged)
        return true;
    size_t more = charged->arena.bytes - charged->charged;
    if (!query_control_charge(control, more, err))
        return false;
    charged->charged += more;
    return true;
}

/* Ends all in it and gives the bytes back; it may be used again. */
static inline void charged_arena_fini(struct charged_arena *charged, struct query_control *control)
{
    query_control_refund(control, charged->charged);
    arena_fini(&charged->arena);
    charged->charged = 0;
}
