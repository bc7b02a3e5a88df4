#include "net/tail/tail_outbox.h"

#include "core/base/mem.h"
#include "core/base/metric.h"
#include "core/base/rcu.h"
#include "core/metrics/metric_table.h"

struct tail_entry {
    int64_t ts_ns;
    uint64_t arrival;
    int64_t arrived_mono_ns;
    size_t bytes; // of the whole
    size_t line_bytes;
    size_t labels_len, rest_len;
    char json[]; // labels, then the rest of the stream's object
};

struct tail_message {
    struct tail_message *next;
    struct buf text;
};

void tail_outbox_init(struct tail_outbox *outbox)
{
    pthread_mutex_init(&outbox->lock, NULL);
}

static void charge(struct tail_outbox *outbox, size_t bytes)
{
    atomic_fetch_add_explicit(outbox->total, bytes, memory_order_relaxed); // a budget, not a guard
}

static void refund(struct tail_outbox *outbox, size_t bytes)
{
    atomic_fetch_sub_explicit(outbox->total, bytes, memory_order_relaxed); // as above
}

/* ---- the heap ---- */

static bool comes_before(const struct tail_entry *a, const struct tail_entry *b)
{
    return a->ts_ns != b->ts_ns ? a->ts_ns < b->ts_ns : a->arrival < b->arrival;
}

static void sift_up(struct tail_outbox *outbox, size_t i)
{
    struct tail_entry *entry = outbox->heap[i];
    for (; i > 0 && comes_before(entry, outbox->heap[(i - 1) / 2]); i = (i - 1) / 2)
        outbox->heap[i] = outbox->heap[(i - 1) / 2];
    outbox->heap[i] = entry;
}

static struct tail_entry *heap_take(struct tail_outbox *outbox)
{
    struct tail_entry *first = outbox->heap[0], *last = outbox->heap[--outbox->count];
    size_t i = 0;
    for (size_t child = 1; child < outbox->count; child = 2 * i + 1) {
        if (child + 1 < outbox->count && comes_before(outbox->heap[child + 1], outbox->heap[child]))
            child++;
        if (!comes_before(outbox->heap[child], last))
            break;
        outbox->heap[i] = outbox->heap[child];
        i = child;
    }
    if (outbox->count > 0)
        outbox->heap[i] = last;
    outbox->bytes -= first->bytes;
    refund(outbox, first->bytes);
    return first;
}

void tail_outbox_add(struct tail_outbox *outbox, const struct result_entry *entry, struct slice labels_json, int64_t arrived_mono_ns)
{
    struct buf rest = BUF_INIT;
    tail_json_entry_put(&rest, &outbox->form, entry);
    size_t bytes = sizeof(struct tail_entry) + labels_json.len + rest.len;
    struct tail_entry *kept = mem_alloc(bytes);
    *kept = (struct tail_entry){.ts_ns = entry->ts_ns,
                                .arrival = outbox->arrivals++,
                                .arrived_mono_ns = arrived_mono_ns,
                                .bytes = bytes,
                                .line_bytes = entry->line.len,
                                .labels_len = labels_json.len,
                                .rest_len = rest.len};
    memcpy(kept->json, labels_json.ptr, labels_json.len);
    memcpy(kept->json + labels_json.len, rest.ptr, rest.len);
    buf_fini(&rest);
    if (outbox->count == outbox->cap) {
        outbox->cap = outbox->cap == 0 ? 64 : 2 * outbox->cap;
        outbox->heap = mem_grow(outbox->heap, outbox->cap, sizeof(struct tail_entry *));
    }
    outbox->heap[outbox->count] = kept;
    sift_up(outbox, outbox->count++);
    outbox->bytes += bytes;
    charge(outbox, bytes);
}

/* ---- losses ---- */

void tail_outbox_lost_unnamed(struct tail_outbox *outbox, uint64_t count)
{
    outbox->dropped_count += count;
    metric_add(metric_get0(METRIC_logi_tail_dropped_entries_total), count);
}

void tail_outbox_lost(struct tail_outbox *outbox, int64_t ts_ns, struct slice labels_json)
{
    tail_outbox_lost_unnamed(outbox, 1);
    if (outbox->dropped_named >= TAIL_DROPPED_MAX || outbox->dropped.len >= TAIL_DROPPED_BYTES_MAX)
        return;
    if (outbox->dropped.len > 0)
        buf_byte(&outbox->dropped, ',');
    tail_json_dropped_put(&outbox->dropped, &outbox->form, ts_ns, labels_json);
    outbox->dropped_named++;
}

static void drop_first(struct tail_outbox *outbox)
{
    struct tail_entry *entry = heap_take(outbox);
    tail_outbox_lost(outbox, entry->ts_ns, slice_of(entry->json, entry->labels_len));
    mem_free(entry);
}

/* ---- messages ---- */

static bool is_full(const struct tail_outbox *outbox)
{
    return outbox->bytes > outbox->bytes_max || (outbox->count > 0 && RELAXED(outbox->total) > outbox->total_max);
}

bool tail_outbox_has_room(const struct tail_outbox *outbox)
{
    return RELAXED(&outbox->message_count) < TAIL_MESSAGES_MAX && RELAXED(&outbox->message_bytes) < TAIL_MESSAGES_BYTES_MAX;
}

static void message_put(struct tail_outbox *outbox, struct buf *text)
{
    struct tail_message *message = mem_zero(sizeof(*message));
    message->text = *text;
    *text = BUF_INIT;
    charge(outbox, message->text.cap);
    atomic_fetch_add(&outbox->message_bytes, message->text.len);
    pthread_mutex_lock(&outbox->lock);
    if (outbox->last == NULL)
        outbox->first = message;
    else
        outbox->last->next = message;
    outbox->last = message;
    pthread_mutex_unlock(&outbox->lock);
    atomic_fetch_add(&outbox->message_count, 1);
}

bool tail_outbox_take(struct tail_outbox *outbox, struct buf *out)
{
    pthread_mutex_lock(&outbox->lock);
    struct tail_message *message = outbox->first;
    if (message != NULL) {
        outbox->first = message->next;
        outbox->last = message->next == NULL ? NULL : outbox->last;
    }
    pthread_mutex_unlock(&outbox->lock);
    if (message == NULL)
        return false;
    *out = message->text;
    refund(outbox, out->cap);
    atomic_fetch_sub(&outbox->message_bytes, out->len);
    atomic_fetch_sub(&outbox->message_count, 1);
    mem_free(message);
    return true;
}

/* One message of the entries that are due, and of what was dropped. */
static void message_make(struct tail_outbox *outbox, int64_t due_ns, int64_t now_mono_ns)
{
    struct buf text = BUF_INIT;
    size_t line_bytes = 0;
    tail_json_begin(&text);
    for (size_t n = 0; n < TAIL_ENTRIES_MAX && text.len < TAIL_MESSAGE_BYTES && outbox->count > 0; n++) {
        if (outbox->heap[0]->ts_ns > due_ns && !is_full(outbox)) // an entry of the future has to go when there is no room to keep it
            break;
        struct tail_entry *entry = heap_take(outbox);
        if (n > 0)
            buf_byte(&text, ',');
        tail_json_stream_begin(&text, &outbox->form);
        buf_put(&text, slice_of(entry->json, entry->labels_len + entry->rest_len));
        line_bytes += entry->line_bytes;
        if (entry->arrived_mono_ns != 0)
            metric_observe(metric_get0(METRIC_logi_tail_delay_seconds), (double)(now_mono_ns - entry->arrived_mono_ns) / 1e9);
        mem_free(entry);
    }
    tail_json_end(&text, &outbox->form, buf_slice(&outbox->dropped));
    buf_fini(&outbox->dropped);
    outbox->dropped_named = 0;
    metric_add(metric_get0(METRIC_loki_querier_tail_bytes_total), line_bytes);
    message_put(outbox, &text);
}

int64_t tail_outbox_next_ns(const struct tail_outbox *outbox)
{
    if (outbox->dropped.len > 0 || is_full(outbox))
        return INT64_MIN;
    return outbox->count == 0 ? INT64_MAX : outbox->heap[0]->ts_ns;
}

void tail_outbox_flush(struct tail_outbox *outbox, int64_t due_ns, int64_t now_mono_ns)
{
    while (tail_outbox_next_ns(outbox) <= due_ns && tail_outbox_has_room(outbox))
        message_make(outbox, due_ns, now_mono_ns);
    while (is_full(outbox))
        drop_first(outbox);
}

void tail_outbox_fini(struct tail_outbox *outbox)
{
    struct buf text;
    while (outbox->count > 0)
        mem_free(heap_take(outbox));
    while (tail_outbox_take(outbox, &text))
        buf_fini(&text);
    mem_free(outbox->heap);
    buf_fini(&outbox->dropped);
    pthread_mutex_destroy(&outbox->lock);
}
