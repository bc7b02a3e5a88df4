#include "net/tail/tail_history.h"

#include "core/base/mem.h"
#include "storage/tap/tap_run.h"

struct history_scan {
    struct scan super; /* first: the inner scan's streams and units */
    struct scan *inner;
    struct tail_history *history;
};

struct filter {
    struct tail_history *history;
    const struct scan *scan;
    batch_sink sink;
    void *sink_self;
};

static bool scan_open(void *self, const struct scan_request *request, struct query_control *control, struct scan **out, struct err *err)
{
    struct tail_history *history = self;
    struct scan *inner = NULL;
    if (!history->inner->scan_open(history->inner->self, request, control, &inner, err))
        return false;
    history->opened(history);
    struct history_scan *scan = mem_zero(sizeof(*scan));
    scan->super = *inner;
    scan->inner = inner;
    scan->history = history;
    *out = &scan->super;
    return true;
}

static void scan_close(struct scan *scan)
{
    struct history_scan *own = (struct history_scan *)scan;
    own->history->inner->scan_close(own->inner);
    mem_free(own);
}

/* Rows [first, end) as a batch of their own. */
static struct entry_batch cut(const struct entry_batch *batch, uint32_t first, uint32_t end)
{
    struct entry_batch part = *batch;
    part.count = end - first;
    part.ts_ns += first;
    if (part.offsets != NULL)
        part.offsets += first;
    if (part.metadata_index != NULL)
        part.metadata_index += first;
    return part;
}

static bool is_live(const struct filter *filter, const struct entry_batch *batch, uint32_t row)
{
    const struct tail_history *history = filter->history;
    if (batch->ts_ns[row] < history->first_ns || batch->ts_ns[row] > history->last_ns)
        return false;
    uint64_t hash = tap_entry_hash(filter->scan->streams[batch->stream].id, batch->ts_ns[row], entry_batch_line(batch, row),
                                   entry_batch_metadata(batch, row));
    return seen_set_has(&history->live, hash);
}

/* Passes on the stretches between the rows that are left out. */
static bool take_batch(void *self, const struct entry_batch *batch)
{
    const struct filter *filter = self;
    uint32_t first = 0;
    for (uint32_t i = 0; i <= batch->count; i++) {
        if (i < batch->count && !is_live(filter, batch, i))
            continue;
        struct entry_batch part = cut(batch, first, i);
        if (part.count > 0 && !filter->sink(filter->sink_self, &part))
            return false;
        first = i + 1;
    }
    return true;
}

static bool scan_read(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink, void *sink_self, struct err *err)
{
    struct history_scan *own = (struct history_scan *)scan;
    const struct source *inner = own->history->inner;
    if (own->history->live.count == 0)
        return inner->scan_read(own->inner, unit, reader, sink, sink_self, err);
    struct filter filter = {own->history, scan, sink, sink_self};
    return inner->scan_read(own->inner, unit, reader, take_batch, &filter, err);
}

static struct scan_reader *reader_create(void *self)
{
    const struct tail_history *history = self;
    return history->inner->reader_create(history->inner->self);
}

void tail_history_init(struct tail_history *history, const struct source *inner, void (*opened)(struct tail_history *history), void *owner)
{
    *history = (struct tail_history){
        .source = {.self = history,
                   .scan_open = scan_open,
                   .scan_close = scan_close,
                   .reader_create = reader_create,
                   .reader_destroy = inner->reader_destroy,
                   .scan_read = scan_read},
        .inner = inner,
        .opened = opened,
        .owner = owner,
        .first_ns = INT64_MAX,
        .last_ns = INT64_MIN,
    };
}

void tail_history_fini(struct tail_history *history)
{
    seen_set_fini(&history->live);
}
