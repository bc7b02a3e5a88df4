/* store_deletes.c: delete requests: taken, told of, and erased. */
#include <stdio.h>

#include "core/base/logger.h"
#include "storage/compact/day_merge.h"
#include "storage/store/store_parts.h"

static void told_damaged(void *self, const char *what)
{
    struct store *store = self;
    atomic_fetch_add(&store->damages, 1);
    figure_damage(DAMAGE_DATA);
    log_error("store", "delete requests are lost", "err", what);
}

bool store_deletes_open(struct store *store, struct err *err)
{
    char folder[4096];
    (void)snprintf(folder, sizeof(folder), "%s/deletes", store->folder);
    return delete_book_open(store->config.disk, folder, told_damaged, store, &store->deletes, err);
}

static enum deletion_mode mode_of(void *self, struct slice tenant)
{
    const struct store_config *config = &((struct store *)self)->config;
    return config->deletion_mode == NULL ? DELETION_ERASE : config->deletion_mode(config->deletion_self, tenant);
}

struct delete_set *store_deletes_take(struct store *store, struct slice tenant, int64_t start_ns, int64_t end_ns)
{
    struct delete_set *set = delete_book_take(store->deletes, tenant, start_ns, end_ns);
    if (set == NULL || mode_of(store, tenant) != DELETION_DISABLED)
        return set;
    delete_set_unref(set);
    return NULL;
}

/* ---- erasing ---- */

static bool flush_all(void *self, struct err *err)
{
    return store_flush(self, err);
}

/* A shard that thinks an index knows its stream tells it no more: first they forget that, then what they did before is waited for (see forget_days). */
static void forget_told(struct store *store)
{
    atomic_fetch_add(&store->group.index_epoch, 1);
    for (unsigned i = 0; i < store->shard_count; i++)
        shard_wait_applied(store->shards[i]);
}

void store_day_dropped(void *self, int64_t number)
{
    struct store *store = self;
    forget_told(store);
    struct day *day = day_set_find(store->days, number);
    if (day != NULL) // begun already, and perhaps without a stream that was thought to be known
        day_index_spoil(day);
    day_unref(day);
}

/* The day's index begins anew, from what the day still has. */
static void streams_lost(void *self, struct day *day)
{
    struct store *store = self;
    forget_told(store);
    day_index_spoil(day);
    struct day_index *index;
    struct err err;
    if (day_index_hold(day, &store->index_streams, clock_mono_ns(store->config.clock), &index, &err))
        day_index_release(day, false);
    else
        log_warn("store", "an index could not be filled anew; the next query tries again", "err", err.text);
}

bool store_erase(struct store *store, struct err *err)
{
    if (!atomic_load(&store->is_ready)) // the log may hold lines that are nowhere else yet
        return true;
    struct day_merge_context context;
    bool worked = false;
    store_merge_context(store, &context);
    context.deletes = store->deletes;
    context.deletion_mode = mode_of;
    context.deletion_self = store;
    context.delete_delay_ns = store->config.delete_delay_ns;
    context.flush = flush_all;
    context.streams_lost = streams_lost;
    bool ok = delete_book_settle(store->deletes, err);
    figure_deletes_loaded(ok);
    ok = ok && day_erase_round(&context, &worked, err);
    if (worked) { // the log has the lines as well
        store->log.renew(store->log.self);
        store_trim(store);
    }
    return ok || err->code == ERR_CANCELLED;
}

/* ---- requests ---- */

bool store_delete_add(struct store *store, struct slice tenant, const struct delete_request *request, uint32_t *out_id, struct err *err)
{
    struct delete_request added = *request;
    added.created_ms = clock_wall_ns(store->config.clock) / NS_PER_MS;
    if (!delete_book_add(store->deletes, tenant, &added, out_id, err))
        return false;
    char user[256], id[16], query[1024];
    (void)snprintf(user, sizeof(user), "%.*s", SLICE_ARG(tenant));
    (void)snprintf(id, sizeof(id), "%08x", *out_id);
    (void)snprintf(query, sizeof(query), "%.*s", SLICE_ARG(request->query));
    log_info("compactor", "delete request for user added", "user", user, "delete_request_id", id, "query", query);
    figure_delete_received(tenant);
    return true;
}

bool store_delete_cancel(struct store *store, struct slice tenant, uint32_t id, bool force, struct err *err)
{
    return delete_book_cancel(store->deletes, tenant, id, force, clock_wall_ns(store->config.clock) / NS_PER_MS, DELETE_CANCEL_PERIOD_NS / NS_PER_MS,
                              err);
}

size_t store_delete_list(struct store *store, struct slice tenant, struct arena *arena, struct delete_request **out)
{
    return delete_book_list(store->deletes, tenant, arena, out);
}

uint64_t store_delete_generation(struct store *store, struct slice tenant)
{
    return delete_book_generation(store->deletes, tenant);
}
