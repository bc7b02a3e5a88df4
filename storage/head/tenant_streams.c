#include "storage/head/tenant_streams.h"

#include <pthread.h>

#include "core/base/mem.h"
#include "core/base/rcu.h"

#define TENANT_BUCKETS ((size_t)1024)
#define PROMISES_MIN ((size_t)64)

struct promise {
    struct hash128 stream;
    int64_t until_mono_ns; // 0: the slot is free
};

struct store_tenant {
    struct store_tenant *next; // in its bucket; set before the tenant is published
    _Atomic uint64_t streams;
    pthread_mutex_t lock; // what follows
    struct promise *promises; // open addressing by stream.high, at most half full
    size_t promise_cap, promise_count;
    _Atomic size_t promise_hint; // promise_count, readable without the lock
    struct tenant_figures figures;
    struct slice name;
    char name_bytes[];
};

struct tenant_table {
    pthread_mutex_t lock; // of adding; readers go without
    _Atomic(struct store_tenant *) buckets[TENANT_BUCKETS];
};

struct tenant_table *tenant_table_create(void)
{
    struct tenant_table *table = mem_zero(sizeof(*table));
    pthread_mutex_init(&table->lock, NULL);
    return table;
}

void tenant_table_destroy(struct tenant_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < TENANT_BUCKETS; i++) {
        struct store_tenant *tenant = RELAXED(&table->buckets[i]);
        while (tenant != NULL) {
            struct store_tenant *next = tenant->next;
            pthread_mutex_destroy(&tenant->lock);
            mem_free(tenant->promises);
            mem_free(tenant);
            tenant = next;
        }
    }
    pthread_mutex_destroy(&table->lock);
    mem_free(table);
}

static struct store_tenant *bucket_find(_Atomic(struct store_tenant *) *bucket, struct slice name)
{
    struct store_tenant *tenant = OBSERVE(bucket); // pairs with the PUBLISH of tenant_table_get
    while (tenant != NULL && !slice_eq(tenant->name, name))
        tenant = tenant->next;
    return tenant;
}

struct store_tenant *tenant_table_get(struct tenant_table *table, struct slice name)
{
    _Atomic(struct store_tenant *) *bucket = &table->buckets[hash64(name) % TENANT_BUCKETS];
    struct store_tenant *tenant = bucket_find(bucket, name);
    if (tenant != NULL)
        return tenant;
    pthread_mutex_lock(&table->lock);
    tenant = bucket_find(bucket, name);
    if (tenant == NULL) {
        tenant = mem_zero(sizeof(*tenant) + name.len);
        pthread_mutex_init(&tenant->lock, NULL);
        if (name.len > 0)
            memcpy(tenant->name_bytes, name.ptr, name.len);
        tenant->name = slice_of(tenant->name_bytes, name.len);
        tenant_figures_get(tenant->name, &tenant->figures);
        tenant->next = RELAXED(bucket);
        PUBLISH(bucket, tenant);
    }
    pthread_mutex_unlock(&table->lock);
    return tenant;
}

struct slice tenant_streams_name(const struct store_tenant *tenant)
{
    return tenant->name;
}

const struct tenant_figures *tenant_streams_figures(const struct store_tenant *tenant)
{
    return &tenant->figures;
}

uint64_t tenant_streams_count(const struct store_tenant *tenant)
{
    return RELAXED(&tenant->streams);
}

/* The slot of the stream, or the free one where it would go. */
static struct promise *promise_find(struct promise *promises, size_t cap, struct hash128 stream)
{
    size_t i = (size_t)stream.high & (cap - 1);
    while (promises[i].until_mono_ns != 0 && !hash128_eq(promises[i].stream, stream))
        i = (i + 1) & (cap - 1);
    return &promises[i];
}

static void promises_set_count(struct store_tenant *tenant, size_t count)
{
    tenant->promise_count = count;
    atomic_store(&tenant->promise_hint, count);
}

/* Drops those whose time has passed and makes room for one more. */
static void promises_rebuild(struct store_tenant *tenant, int64_t now_mono_ns)
{
    size_t alive = 0;
    for (size_t i = 0; i < tenant->promise_cap; i++)
        alive += tenant->promises[i].until_mono_ns > now_mono_ns;
    size_t cap = PROMISES_MIN;
    while (cap < (alive + 1) * 4)
        cap *= 2;
    struct promise *fresh = mem_array(cap, sizeof(*fresh));
    for (size_t i = 0; i < tenant->promise_cap; i++)
        if (tenant->promises[i].until_mono_ns > now_mono_ns)
            *promise_find(fresh, cap, tenant->promises[i].stream) = tenant->promises[i];
    mem_free(tenant->promises);
    tenant->promises = fresh;
    tenant->promise_cap = cap;
    promises_set_count(tenant, alive);
}

bool tenant_streams_promise(struct store_tenant *tenant, struct hash128 stream, int64_t streams_max, int64_t now_mono_ns)
{
    if (streams_max <= 0)
        return true;
    pthread_mutex_lock(&tenant->lock);
    bool full = RELAXED(&tenant->streams) + tenant->promise_count >= (uint64_t)streams_max;
    if (tenant->promise_cap == 0 || (full && tenant->promise_count > 0) || tenant->promise_count * 2 >= tenant->promise_cap)
        promises_rebuild(tenant, now_mono_ns);
    struct promise *promise = promise_find(tenant->promises, tenant->promise_cap, stream);
    bool ok = promise->until_mono_ns != 0;
    if (!ok && RELAXED(&tenant->streams) + tenant->promise_count < (uint64_t)streams_max) {
        promise->stream = stream;
        promises_set_count(tenant, tenant->promise_count + 1);
        ok = true;
    }
    if (ok)
        promise->until_mono_ns = now_mono_ns + TENANT_PROMISE_NS;
    pthread_mutex_unlock(&tenant->lock);
    return ok;
}

/* Takes a slot out and closes the gap, so that later ones of the same run are still found. */
static void promise_remove(struct store_tenant *tenant, struct promise *promise)
{
    size_t mask = tenant->promise_cap - 1;
    size_t hole = (size_t)(promise - tenant->promises);
    for (size_t i = (hole + 1) & mask; tenant->promises[i].until_mono_ns != 0; i = (i + 1) & mask) {
        size_t home = (size_t)tenant->promises[i].stream.high & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            tenant->promises[hole] = tenant->promises[i];
            hole = i;
        }
    }
    tenant->promises[hole].until_mono_ns = 0;
    promises_set_count(tenant, tenant->promise_count - 1);
}

void tenant_streams_created(struct store_tenant *tenant, struct hash128 stream)
{
    atomic_fetch_add(&tenant->streams, 1);
    figure_stream_created(&tenant->figures);
    if (atomic_load(&tenant->promise_hint) == 0)
        return;
    pthread_mutex_lock(&tenant->lock);
    if (tenant->promise_count > 0) {
        struct promise *promise = promise_find(tenant->promises, tenant->promise_cap, stream);
        if (promise->until_mono_ns != 0)
            promise_remove(tenant, promise);
    }
    pthread_mutex_unlock(&tenant->lock);
}

void tenant_streams_forgotten(struct store_tenant *tenant)
{
    atomic_fetch_sub(&tenant->streams, 1);
    figure_stream_removed(&tenant->figures);
}
