#include "core/plan/executor.h"

static void run_serially(void *self, size_t count, void (*task)(void *task_self, size_t i, size_t worker), void *task_self)
{
    (void)self;
    for (size_t i = 0; i < count; i++)
        task(task_self, i, 0);
}

const struct executor serial_executor = {.self = NULL, .run = run_serially, .workers = 1};
