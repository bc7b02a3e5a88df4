#include "net/api/push.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "net/api/push_metrics.h"

#define INLINE_BYTES ((size_t)64 << 10) /* larger bodies are decoded on the pool, so that the loop stays quick */
#define CACHE_STREAMS ((size_t)65536)

struct push {
    struct push_job job; /* first */
    struct http_request *http;
    const struct push_flavour *flavour;
    struct store_tenant *store_tenant;
    struct tenant_state *tenant;
    struct arena arena;
    struct push_body body;
    struct ingest_outcome outcome;
    int64_t now_ns;         /* of the rules */
    int64_t asked_mono_ns;  /* when the store was asked */
};

static pthread_key_t cache_key; // for what ends a thread's cache
static pthread_once_t cache_key_once = PTHREAD_ONCE_INIT;

static void cache_end(void *cache)
{
    stream_cache_destroy(cache);
}

static void cache_key_make(void)
{
    if (pthread_key_create(&cache_key, cache_end) != 0)
        abort(); // a process has hundreds of keys, and this is the only one taken here
}

/* One cache a thread that decodes, as long as the thread. */
static struct stream_cache *thread_cache(void)
{
    static _Thread_local struct stream_cache *cache;
    if (cache == NULL) {
        cache = stream_cache_create(CACHE_STREAMS);
        (void)pthread_once(&cache_key_once, cache_key_make);
        if (pthread_setspecific(cache_key, cache) != 0)
            abort(); // no memory
    }
    return cache;
}

static void push_end(struct push *push)
{
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
    struct ingest_context context = {
        .tenant = caller->tenants[0],
        .limits = limits,
        .limits_version = limits_book_version(caller->book),
        .now_ns = push->now_ns,
        .adds_labels = push->flavour->adds_labels,
        .streams = {push, admit_stream, newest_ns},
        .cache = thread_cache(),
        .take_rate = caller->limits->ingestion_rate_mb > 0 ? take_rate : NULL,
        .take_stream_rate = caller->limits->per_stream_rate_limit > 0 ? take_stream_rate : NULL,
        .rate_self = push,
    };
    return ingest_apply(&context, &push->body.request, &push->arena, &push->outcome, err);
}

static bool decode(struct push *push, struct err *err)
{
    struct api *api = api_of(push->http);
    int64_t start_ns = clock_mono_ns(api->clock);
    bool ok = push->flavour->decode(push->http, caller_of(push->http)->limits, api->decompressed_bytes_max, &push->arena, &push->body, err);
    push_metrics_decoded(push->body.format, clock_mono_ns(api->clock) - start_ns);
    return ok;
}

static void run(void *self)
{
    struct push *push = self;
    struct api *api = api_of(push->http);
    const struct caller *caller = caller_of(push->http);
    struct err err = {.code = ERR_NONE};
    push->store_tenant = store_tenant(api->store, caller->tenants[0]);
    push->now_ns = clock_wall_ns(api->clock);
    if (!tenant_state_get(api->tenants, caller->tenants[0], &push->tenant, &err) || !decode(push, &err) || !rules_apply(push, &err)) {
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
    if (!store_push(api->store, &push->job, &err))
        answer_err(push, &err);
}

void push_handle(struct http_request *http, const struct push_flavour *flavour)
{
    struct push *push = mem_zero(sizeof(*push));
    push->http = http;
    push->flavour = flavour;
    if (http->body.len <= INLINE_BYTES || !store_run(api_of(http)->store, run, push))
        run(push);
}
