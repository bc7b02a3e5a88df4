#include "net/tenancy/tenant_state.h"

#include <pthread.h>

#include "core/base/mem.h"

#define SHARDS 64          /* of the table by name, each with a lock of its own */
#define STREAM_BUCKETS 8192 /* of one tenant: two streams that meet in one share it; then the stricter wins */

struct bucket {
    double tokens;
    int64_t filled_mono_ns; /* 0: never used, full */
};

struct tenant_state {
    struct tenant_state *next;
    struct slice name;
    const struct clock *clock;
    pthread_mutex_t lock;
    struct bucket rate;
    struct bucket *stream_rates; /* made at first use */
};

struct tenant_shard {
    pthread_mutex_t lock;
    struct tenant_state *first;
};

struct tenant_states {
    const struct clock *clock;
    _Atomic size_t count;
    struct tenant_shard shards[SHARDS];
};

struct tenant_states *tenant_states_create(const struct clock *clock)
{
    struct tenant_states *states = mem_zero(sizeof(*states));
    states->clock = clock;
    for (size_t i = 0; i < SHARDS; i++)
        (void)pthread_mutex_init(&states->shards[i].lock, NULL);
    return states;
}

void tenant_states_destroy(struct tenant_states *states)
{
    if (states == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct tenant_state *tenant = states->shards[i].first;
        while (tenant != NULL) {
            struct tenant_state *next = tenant->next;
            (void)pthread_mutex_destroy(&tenant->lock);
            mem_free(tenant->stream_rates);
            mem_free((char *)(uintptr_t)tenant->name.ptr);
            mem_free(tenant);
            tenant = next;
        }
        (void)pthread_mutex_destroy(&states->shards[i].lock);
    }
    mem_free(states);
}

static struct tenant_state *tenant_new(struct tenant_states *states, struct slice name)
{
    struct tenant_state *tenant = mem_zero(sizeof(*tenant));
    tenant->name = slice_of(mem_strdup(name), name.len);
    tenant->clock = states->clock;
    (void)pthread_mutex_init(&tenant->lock, NULL);
    return tenant;
}

bool tenant_state_get(struct tenant_states *states, struct slice name, struct tenant_state **out, struct err *err)
{
    struct tenant_shard *shard = &states->shards[hash64(name) % SHARDS];
    (void)pthread_mutex_lock(&shard->lock);
    struct tenant_state *tenant = shard->first;
    while (tenant != NULL && !slice_eq(tenant->name, name))
        tenant = tenant->next;
    if (tenant == NULL && states->count < TENANTS_MAX) {
        tenant = tenant_new(states, name);
        tenant->next = shard->first;
        shard->first = tenant;
        states->count++;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    *out = tenant;
    return tenant != NULL || err_set(err, ERR_RATE, "this node has %d tenants already and takes no new one", TENANTS_MAX);
}

/* Tokens come at `rate` a second up to `burst`. */
static bool bucket_take(struct bucket *bucket, double rate, double burst, double tokens, int64_t now_ns)
{
    if (bucket->filled_mono_ns == 0)
        bucket->tokens = burst;
    else
        bucket->tokens += (double)(now_ns - bucket->filled_mono_ns) / (double)NS_PER_S * rate;
    bucket->filled_mono_ns = now_ns == 0 ? 1 : now_ns;
    if (bucket->tokens > burst)
        bucket->tokens = burst;
    if (tokens > bucket->tokens)
        return false;
    bucket->tokens -= tokens;
    return true;
}

#define MIB 1048576.0

bool tenant_take_rate(struct tenant_state *tenant, const struct limits *limits, size_t bytes)
{
    if (limits->ingestion_rate_mb <= 0)
        return true;
    int64_t now_ns = clock_mono_ns(tenant->clock);
    (void)pthread_mutex_lock(&tenant->lock);
    bool ok = bucket_take(&tenant->rate, limits->ingestion_rate_mb * MIB, limits->ingestion_burst_size_mb * MIB,
                          (double)bytes, now_ns);
    (void)pthread_mutex_unlock(&tenant->lock);
    return ok;
}

bool tenant_take_stream_rate(struct tenant_state *tenant, const struct limits *limits, struct hash128 stream, size_t bytes)
{
    if (limits->per_stream_rate_limit <= 0)
        return true;
    int64_t now_ns = clock_mono_ns(tenant->clock);
    (void)pthread_mutex_lock(&tenant->lock);
    if (tenant->stream_rates == NULL)
        tenant->stream_rates = mem_array(STREAM_BUCKETS, sizeof(*tenant->stream_rates));
    bool ok = bucket_take(&tenant->stream_rates[stream.high % STREAM_BUCKETS], (double)limits->per_stream_rate_limit,
                          (double)limits->per_stream_rate_limit_burst, (double)bytes, now_ns);
    (void)pthread_mutex_unlock(&tenant->lock);
    return ok;
}

struct slice tenant_state_name(const struct tenant_state *tenant)
{
    return tenant->name;
}
