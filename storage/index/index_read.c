#include "storage/index/index_read.h"

#include <stdatomic.h>

#include "core/base/clock.h"

#define SLOTS 256 /* reads at once that are told of; more are not missed: they are the youngest */

/* When each read of any index began; 0: free. */
static _Atomic int64_t began_mono_ns[SLOTS];

static size_t slot_take(int64_t now)
{
    size_t slot = 0;
    for (; slot < SLOTS; slot++) {
        int64_t free = 0;
        if (atomic_load_explicit(&began_mono_ns[slot], memory_order_relaxed) == 0 && // figures alone, as all here
            atomic_compare_exchange_strong_explicit(&began_mono_ns[slot], &free, now, memory_order_relaxed, memory_order_relaxed))
            break;
    }
    return slot;
}

bool index_read_begin(struct day_index *index, struct index_read *out, struct err *err)
{
    int result = mdb_txn_begin(index->env, NULL, MDB_RDONLY, &out->txn);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, "begin");
    out->slot = slot_take(clock_mono_ns(&system_clock));
    return true;
}

void index_read_end(struct index_read *read)
{
    mdb_txn_abort(read->txn); // it only read
    if (read->slot < SLOTS)
        atomic_store_explicit(&began_mono_ns[read->slot], 0, memory_order_relaxed);
}

int64_t day_index_oldest_read_ns(void)
{
    int64_t oldest = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        int64_t began = atomic_load_explicit(&began_mono_ns[i], memory_order_relaxed);
        oldest = began != 0 && (oldest == 0 || began < oldest) ? began : oldest;
    }
    return oldest == 0 ? 0 : clock_mono_ns(&system_clock) - oldest;
}
