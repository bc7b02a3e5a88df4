#include "net/api/push.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/base/mem.h"
#include "net/api/push_metrics.h"

/* What is decoded on the loop, so that it stays quick; the rest goes to the pool. A block of snappy tells what it unpacks to; gzip, deflate and lz4 may be a
 * thousand times as much as they look, zstd anything. */
#define INLINE_BYTES ((size_t)64 << 10)
#define INLINE_UNPACKED_BYTES ((size_t)256 << 10)
#define INLINE_PACKED_BYTES ((size_t)512)
#define CACHE_STREAMS ((size_t)65536)
#define CACHE_BYTES_A_STREAM ((size_t)4096) /* of the node's memory limit: a small one has small caches */
#define CACHE_PRESSED_BYTES ((size_t)8 << 20) /* emptied at this size when memory is short */

struct push {
    struct push_job job; /* first */
    struct http_request *http;
    const struct push_flavour *flavour;
    struct store_tenant *store_tenant;
    struct tenant_state *tenant;
    struct arena arena;
    struct push_body body;
    struct ingest_outcome outcome;
    size_t decoded_bytes;   /* of api.decoded_bytes */
    int64_t now_ns;         /* of the rules */
    int64_t asked_mono_ns;  /* when the store was asked */
};

static pthread_key_t cache_key; // for what ends a thread's cache
static pthread_once_t cache_key_once = PTHREAD_ONCE_INIT;

/* A thread's cache, and what was told of it. */
struct thread_cache {
    struct stream_cache *cache;
    struct stream_cache_counts told;
};

static _Atomic size_t cache_bytes; // of all threads

size_t push_cache_bytes(void)
{
    return atomic_load_explicit(&cache_bytes, memory_order_relaxed); // a figure
}

static void cache_tell(struct thread_cache *own)
{
    struct stream_cache_counts counts = stream_cache_counts(own->cache);
    push_metrics_cache(&own->told, &counts);
    if (counts.bytes != own->told.bytes)
        atomic_fetch_add_explicit(&cache_bytes, counts.bytes - own->told.bytes, memory_order_relaxed); // a figure; less is more, modulo 2^64
    own->told = counts;
}

static void cache_end(void *self)
{
    struct thread_cache *own = self;
    atomic_fetch_sub_explicit(&cache_bytes, own->told.bytes, memory_order_relaxed); // a figure
    stream_cache_destroy(own->cache);
    mem_free(own);
}

static void cache_key_make(void)
{
    if (pthread_key_create(&cache_key, cache_end) != 0)
        abort(); // a process has hundreds of keys, and this is the only one taken here
}

/* One cache a thread that decodes, as long as the thread. */
static struct thread_cache *thread_cache(struct api *api)
{
    static _Thread_local struct thread_cache *own;
    if (own == NULL) {
        own = mem_zero(sizeof(*own));
        size_t most = api->memory == NULL ? SIZE_MAX : memory_budget_limit(api->memory) / CACHE_BYTES_A_STREAM;
        own->cache = stream_cache_create(most < CACHE_STREAMS ? most : CACHE_STREAMS);
        (void)pthread_once(&cache_key_once, cache_key_make);
        if (pthread_setspecific(cache_key, own) != 0)
            abort(); // no memory
    }
    if (memory_budget_level(api->memory) >= PRESSURE_QUERIES && own->told.bytes > CACHE_PRESSED_BYTES) {
        stream_cache_empty(own->cache);
        memory_budget_note_shed(api->memory, SHED_EVICT);
    }
    return own;
}

/* What was unpacked and decoded, until the store has taken it over. */
static void hold(struct push *push)
{
    push->decoded_bytes = push->arena.bytes + push->body.raw.cap + push->body.unpacked.cap;
    atomic_fetch_add_explicit(&api_of(push->http)->decoded_bytes, push->decoded_bytes, memory_order_relaxed); // a figure, as the next
}

static void release(struct push *push)
{
    atomic_fetch_sub_explicit(&api_of(push->http)->decoded_bytes, push->decoded_bytes, memory_order_relaxed);
    push->decoded_bytes = 0;
}

static void push_end(struct push *push)
{
    release(push);
    push_body_fini(&push->body);
    arena_fini(&push->arena);
    mem_free(push);
}

static void answer(struct push *push, int status, struct slice text)
{
    struct http_request *http = push->http;
    text = arena_copy(&http->arena, text); // the push's memory ends first
    const struct push_flavour *flavour = push->flavour;
    push_end(push);
    flavour->reply(http, status, text);
}

static void answer_err(struct push *push, const struct err *err)
{
    push_metrics_refused(push->http, err, push->flavour->name, push->body.request.entry_count, push->http->body.len);
    answer(push, http_status_of(err->code), slice_str(err->text));
}

static bool admit_stream(void *self, struct hash128 stream)
{
    struct push *push = self;
    return store_stream_admit(api_of(push->http)->store, push->store_tenant, stream,
                              caller_of(push->http)->limits->max_global_streams_per_user);
}

static int64_t newest_ns(void *self, struct hash128 stream)
{
    struct push *push = self;
    return store_stream_newest_ns(api_of(push->http)->store, stream);
}

static bool take_rate(void *self, size_t bytes)
{
    struct push *push = self;
    return tenant_take_rate(push->tenant, caller_of(push->http)->limits, bytes);
}

static bool take_stream_rate(void *self, struct hash128 stream, size_t bytes)
{
    struct push *push = self;
    return tenant_take_stream_rate(push->tenant, caller_of(push->http)->limits, stream, bytes);
}

static void on_stored(struct push_job *job, bool ok, const struct err *err)
{
    struct push *push = (struct push *)job;
    push_metrics_stored(ok, clock_mono_ns(api_of(push->http)->clock) - push->asked_mono_ns);
    if (!ok) {
        answer_err(push, err);
        return;
    }
    push_metrics_accepted(push->http, &push->outcome, push->flavour->name, push->body.format, push->now_ns);
    answer(push, push->outcome.status, push->outcome.text);
}

static bool rules_apply(struct push *push, struct err *err)
{
    const struct caller *caller = caller_of(push->http);
    const struct limits *limits = caller->limits;
    if (push->flavour->takes_old && limits->reject_old_samples) {
        struct limits *own = ARENA_NEW(&push->arena, struct limits);
        *own = *limits;
        own->reject_old_samples = false;
        limits = own;
    }
    struct thread_cache *own = thread_cache(api_of(push->http));
    struct ingest_context context = {
        .tenant = caller->tenants[0],
        .limits = limits,
        .limits_version = limits_book_version(caller->book),
        .now_ns = push->now_ns,
        .adds_labels = push->flavour->adds_labels,
        .streams = {push, admit_stream, newest_ns},
        .cache = own->cache,
        .take_rate = caller->limits->ingestion_rate_mb > 0 ? take_rate : NULL,
        .take_stream_rate = caller->limits->per_stream_rate_limit > 0 ? take_stream_rate : NULL,
        .rate_self = push,
    };
    bool ok = ingest_apply(&context, &push->body.request, &push->arena, &push->outcome, err);
    cache_tell(own);
    return ok;
}

/* Before anything is unpacked: what has been acknowledged needs the memory more. */
static bool memory_check(const struct api *api, struct err *err)
{
    if (memory_budget_look(api->memory, clock_mono_ns(api->clock)) < PRESSURE_PUSHES)
        return true;
    memory_budget_note_shed(api->memory, SHED_REJECT_PUSH);
    return err_set(err, ERR_UNAVAILABLE, "the node's memory is nearly used up, the limit is %zu MiB (memory.limit): try again", memory_budget_limit(api->memory) >> 20);
}

static bool decode(struct push *push, struct err *err)
{
    struct api *api = api_of(push->http);
    int64_t start_ns = clock_mono_ns(api->clock);
    bool ok = push->flavour->decode(push->http, caller_of(push->http)->limits, api->decompressed_bytes_max, &push->arena, &push->body, err);
    push_metrics_decoded(push->body.format, clock_mono_ns(api->clock) - start_ns);
    hold(push);
    if (push->body.is_bad_encoding)
        api_rejected(push->http->app, "bad_encoding");
    return ok;
}

static void run(void *self)
{
    struct push *push = self;
    struct api *api = api_of(push->http);
    const struct caller *caller = caller_of(push->http);
    struct err err = {.code = ERR_NONE};
    push->now_ns = clock_wall_ns(api->clock);
    if (!memory_check(api, &err) || !tenant_state_get(api->tenants, caller->tenants[0], &push->tenant, &err)) {
        answer_err(push, &err);
        return;
    }
    push->store_tenant = store_tenant(api->store, caller->tenants[0]); // which stays: so not before the tenant may be one more
    if (!decode(push, &err) || !rules_apply(push, &err)) {
        answer_err(push, &err);
        return;
    }
    push->job = (struct push_job){
        .batch = push->outcome.batch,
        .record_body = push->outcome.needs_own_record ? SLICE_NONE : push->body.snappy,
        .refused = push->outcome.refused,
        .refused_count = push->outcome.refused_count,
        .adds_labels = push->flavour->adds_labels,
        .memory_bytes = push->arena.bytes + push->body.raw.cap + push->body.unpacked.cap + push->http->body.len,
        .done = on_stored,
    };
    push_metrics_discarded(push->http, &push->outcome, push->flavour->name);
    push->asked_mono_ns = clock_mono_ns(api->clock);
    release(push); // the store charges it as memory_bytes
    if (!store_push(api->store, &push->job, &err))
        answer_err(push, &err);
}

/* Whether it cannot take more than about a millisecond, whoever made it. */
static bool is_quick(const struct http_request *http)
{
    struct slice encoding;
    if (http->body.len > INLINE_BYTES)
        return false;
    if (http_header_get(http, SLICE("content-encoding"), &encoding) && encoding.len > 0 && !slice_eq(encoding, SLICE("snappy")))
        return http->body.len <= INLINE_PACKED_BYTES && !slice_eq(encoding, SLICE("zstd"));
    // Snappy's head; the text of JSON and the first tag of OTLP read as a few bytes.
    struct slice head = http->body;
    uint64_t unpacked = 0;
    return !varint_take(&head, &unpacked) || unpacked <= INLINE_UNPACKED_BYTES;
}

void push_handle(struct http_request *http, const struct push_flavour *flavour)
{
    struct push *push = mem_zero(sizeof(*push));
    push->http = http;
    push->flavour = flavour;
    if (is_quick(http) || !store_run(api_of(http)->store, run, push))
        run(push);
}
