#include "core/base/mem.h"
#include "core/base/metric.h"
#include "core/base/rcu.h"
#include "core/logql/parser.h"
#include "core/metrics/metric_table.h"
#include "core/plan/rewrites.h"
#include "net/tail/tail_parts.h"

/* ---- life ---- */

static void request_copy(struct tail *tail, const struct tail_request *from)
{
    struct tail_request *to = &tail->request;
    *to = *from;
    to->tenant = arena_copy(&tail->arena, from->tenant);
    to->query = arena_copy(&tail->arena, from->query);
    (void)limits_book_ref(to->book);
    struct limits *limits = ARENA_NEW(&tail->arena, struct limits); // a request's own, which is tighter than the book's, ends with the request
    limits_copy(from->limits, &tail->arena, limits);
    limits->blocked_queries = from->limits->blocked_queries; // nobody's but the book's
    to->limits = limits;
    for (size_t i = 0; i < from->flag_count; i++)
        to->flags[i] = arena_copy(&tail->arena, from->flags[i]);
}

void tail_refuse(struct tail *tail, struct slice words)
{
    char *text = arena_alloc(&tail->arena, words.len + 1, 1);
    for (size_t i = 0; i < words.len; i++)
        text[i] = (unsigned char)words.ptr[i] < 0x80 ? words.ptr[i] : '?'; // a reason has to be UTF-8; an error may cut a character
    text[words.len] = '\0';
    atomic_store(&tail->refusal, text);
}

static void refuse_too_many(struct tail *tail, size_t count, int64_t limit)
{
    tail_refuse(tail, arena_printf(&tail->arena, "max concurrent tail requests limit exceeded, count > limit (%zu > %lld)", count + 1, (long long)limit));
}

/* Joins the others, and counts unless there are too many of its tenant. */
static void enlist(struct tail *tail)
{
    struct tails *tails = tail->tails;
    int64_t limit = tail->request.limits->max_concurrent_tail_requests;
    size_t count = 0;
    pthread_mutex_lock(&tails->lock);
    for (const struct tail *other = tails->first; other != NULL; other = other->next)
        count += other->is_counted && slice_eq(other->request.tenant, tail->request.tenant);
    tail->is_counted = atomic_load(&tail->refusal) == NULL && (limit <= 0 || count < (size_t)limit);
    tail->next = tails->first;
    if (tails->first != NULL)
        tails->first->previous = tail;
    tails->first = tail;
    tails->count++;
    pthread_mutex_unlock(&tails->lock);
    if (tail->is_counted)
        metric_move(metric_get0(METRIC_loki_querier_tail_active), 1);
    else if (atomic_load(&tail->refusal) == NULL)
        refuse_too_many(tail, count, limit);
}

/* Its tenant may open another. */
static void discount(struct tail *tail)
{
    pthread_mutex_lock(&tail->tails->lock);
    bool was_counted = tail->is_counted;
    tail->is_counted = false;
    pthread_mutex_unlock(&tail->tails->lock);
    if (was_counted)
        metric_move(metric_get0(METRIC_loki_querier_tail_active), -1);
}

struct tail *tail_create(struct tails *tails, const struct tail_request *request)
{
    struct tail *tail = mem_zero(sizeof(*tail));
    struct err err = {.code = ERR_NONE};
    tail->tails = tails;
    tail->refs = 1;
    tail->next_ns = INT64_MAX;
    tail->created_mono_ns = clock_mono_ns(tails->config.clock);
    request_copy(tail, request);
    tail->outbox.form = (struct tail_form){request->is_legacy, request->categorize, tail->request.flags, tail->request.flag_count};
    tail->outbox.bytes_max = tails->config.tail_bytes / 2;
    tail->outbox.total = &tails->bytes;
    tail->outbox.total_max = tails->config.bytes_max;
    tail_outbox_init(&tail->outbox);
    struct pipeline_hints hints = {.needs_all = true, .now_ns = clock_wall_ns(tails->config.clock)};
    if (!logql_parse(tail->request.query, &tail->arena, &tail->expr, &err)) {
        tail_refuse(tail, slice_str(err.text));
    } else if (tail->expr->kind != EXPR_LOG) {
        tail_refuse(tail, SLICE("only log selector is supported"));
    } else {
        tail->log = rewrite_line_filters_first(&tail->expr->log, &tail->arena);
        if (pipeline_compile(&tail->log, NULL, &hints, &tail->arena, &tail->pipeline, &err))
            tail->worker = pipeline_worker_create(tail->pipeline);
        else
            tail_refuse(tail, slice_str(err.text));
    }
    enlist(tail);
    return tail;
}

void tail_unref(struct tail *tail)
{
    if (atomic_fetch_sub(&tail->refs, 1) != 1)
        return;
    struct tails *tails = tail->tails;
    for (size_t i = 0; i < tail->pending_count; i++)
        tap_run_unref(tail->pending[i]);
    mem_free(tail->pending);
    tail_outbox_fini(&tail->outbox);
    pipeline_worker_destroy(tail->worker);
    pipeline_fini(tail->pipeline);
    if (tail->expr != NULL)
        expr_fini(tail->expr);
    seen_recent_fini(&tail->recent);
    metric_move(metric_get0(METRIC_loki_querier_tail_active_streams), -(double)tail->streams.count);
    seen_set_fini(&tail->streams);
    arena_fini(&tail->scratch);
    buf_fini(&tail->labels);
    limits_book_unref(tail->request.book);
    arena_fini(&tail->arena);

    pthread_mutex_lock(&tails->lock);
    if (tail->previous != NULL)
        tail->previous->next = tail->next;
    else
        tails->first = tail->next;
    if (tail->next != NULL)
        tail->next->previous = tail->previous;
    tails->count--;
    pthread_cond_signal(&tails->ended);
    pthread_mutex_unlock(&tails->lock);
    mem_free(tail);
}

/* ---- steps ---- */

/* The tail is over: if no step has it, it ends here, and is_busy stays. */
static void end_if_free(struct tail *tail)
{
    bool is_busy = false;
    if (!atomic_compare_exchange_strong(&tail->is_busy, &is_busy, true))
        return;
    struct tap *tap = atomic_exchange(&tail->tap, NULL);
    if (tap != NULL)
        tap_close(tap); // its reference ends when no worker looks at it any more
}

void tail_step_ended(struct tail *tail)
{
    atomic_store(&tail->is_busy, false);
    if (atomic_load(&tail->is_over)) // else whoever sets it sees that nothing is busy
        end_if_free(tail);
    tail_unref(tail);
}

static void start_step(struct tail *tail)
{
    struct tails *tails = tail->tails;
    struct err err;
    bool is_busy = false;
    if (!atomic_compare_exchange_strong(&tail->is_busy, &is_busy, true))
        return;
    atomic_fetch_add(&tail->refs, 1);
    bool ok = atomic_load(&tail->phase) == TAIL_NEW ? tails->config.run_query(tails->config.run_self, tail->request.tenant, tail_step_first, tail)
                                                    : worker_pool_submit(tails->pool, tail_step_live, tail, &err);
    if (!ok)
        tail_step_ended(tail);
}

static bool has_work(struct tail *tail)
{
    if (atomic_load(&tail->is_busy))
        return false;
    if (atomic_load(&tail->phase) == TAIL_NEW)
        return true;
    struct tap *tap = atomic_load(&tail->tap);
    int64_t due_ns = clock_wall_ns(tail->tails->config.clock) - tail->request.delay_ns;
    return tap_has_news(tap) || (atomic_load(&tail->next_ns) <= due_ns && tail_outbox_has_room(&tail->outbox));
}

/* ---- the websocket's ---- */

static void end(void *self)
{
    struct tail *tail = self;
    if (atomic_exchange(&tail->is_over, true))
        return;
    atomic_store(&tail->control.is_cancelled, true);
    discount(tail);
    end_if_free(tail);
}

static void send_next(struct tail *tail, struct websocket *socket)
{
    struct buf text;
    if (!websocket_is_idle(socket) || !tail_outbox_take(&tail->outbox, &text))
        return;
    websocket_text(socket, buf_slice(&text));
    buf_fini(&text);
}

static void go_on(void *self, struct websocket *socket)
{
    struct tail *tail = self;
    const char *refusal = atomic_load(&tail->refusal);
    if (refusal != NULL) {
        websocket_close(socket, WEBSOCKET_INTERNAL, slice_str(refusal));
        return;
    }
    send_next(tail, socket);
    if (has_work(tail))
        start_step(tail);
}

static void tick(void *self, struct websocket *socket)
{
    struct tail *tail = self;
    const struct tails_config *config = &tail->tails->config;
    int64_t age_ns = clock_mono_ns(config->clock) - tail->created_mono_ns;
    if (config->duration_ns_max > 0 && age_ns >= config->duration_ns_max)
        websocket_close(socket, WEBSOCKET_INTERNAL, SLICE("reached tail max duration limit"));
    else if (!atomic_load(&tail->is_over))
        go_on(self, socket);
}

static void closed(void *self)
{
    struct tail *tail = self;
    end(tail);
    pthread_mutex_lock(&tail->tails->lock);
    tail->is_closed = true;
    pthread_mutex_unlock(&tail->tails->lock);
    tail_unref(tail);
}

const struct websocket_handler tail_handler = {.opened = go_on, .writable = go_on, .tick = tick, .closing = end, .closed = closed};
