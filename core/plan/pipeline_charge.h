/* pipeline_charge.h: what a pipeline's rows take while a batch runs, paid for from the query's memory budget; deadline and cancel are asked then too.
 * Thread: one worker's. */
#pragma once

#include "core/pipeline/pipeline.h"
#include "core/plan/query_control.h"

struct pipeline_charge {
    struct query_control *control;
    struct err *err; /* of the unit being read */
    size_t charged;  /* the most that a run took: the pipeline keeps no more than that */
    bool is_refused; /* err is set: the run has not come to its end */
};

/* A pipeline_watch of `self`, a struct pipeline_charge. */
static inline bool pipeline_charge_goes_on(void *self, size_t bytes)
{
    struct pipeline_charge *charge = self;
    size_t more = bytes > charge->charged ? bytes - charge->charged : 0;
    charge->is_refused = (more > 0 && !query_control_charge(charge->control, more, charge->err)) || !query_control_check(charge->control, charge->err);
    if (!charge->is_refused)
        charge->charged += more;
    return !charge->is_refused;
}

static inline void pipeline_charge_fini(struct pipeline_charge *charge)
{
    if (charge->charged > 0)
        query_control_refund(charge->control, charge->charged);
    charge->charged = 0;
}
