/* store_tap.c: opens the taps of live tails. */
#include "storage/store/store_parts.h"

bool store_tap_open(struct store *store, const struct tap_config *config, struct tap **out, struct err *err)
{
    if (!atomic_load(&store->is_ready))
        return err_set(err, ERR_UNAVAILABLE, "the log is being replayed");
    *out = tap_open(store->taps, config);
    // A worker loads the set of taps when it begins with a part. What it began before it saw the new set may be in no scan yet: so wait for all
    // parts that were pushed up to now. A part pushed later stores last_pushed after our load of it, so its worker's load of the set, seq_cst as these
    // are, comes after the store of tap_open.
    for (unsigned i = 0; i < store->shard_count; i++)
        shard_wait_applied(store->shards[i]);
    return true;
}

size_t store_tap_bytes(const struct store *store)
{
    return tap_board_bytes(store->taps);
}
