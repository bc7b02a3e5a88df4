#include "net/codec/otlp.h"

#define BUDGET_BASE ((size_t)1 << 20)
#define BUDGET_RATIO ((size_t)48) /* dense attributes decode to 12 times their bytes, short records under a rich resource map to 30 times theirs */
#define BUDGET_MAX ((size_t)128 << 20)

struct otlp_memory otlp_memory_for(struct arena *arena, size_t body_bytes)
{
    size_t budget = body_bytes > BUDGET_MAX / BUDGET_RATIO ? BUDGET_MAX : BUDGET_BASE + body_bytes * BUDGET_RATIO;
    return (struct otlp_memory){.arena = arena, .bytes_left = budget > BUDGET_MAX ? BUDGET_MAX : budget};
}

void *otlp_alloc(struct otlp_memory *memory, size_t count, size_t size, size_t align)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) || __builtin_add_overflow(bytes, align, &bytes) || bytes > memory->bytes_left) {
        memory->is_exhausted = true;
        return NULL;
    }
    memory->bytes_left -= bytes;
    return arena_array(memory->arena, count, size, align);
}

bool otlp_too_large(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE,
                   "OTLP request takes too much memory to decode (at most %zu MiB, and %zu times its size): send smaller batches",
                   BUDGET_MAX >> 20, BUDGET_RATIO);
}
