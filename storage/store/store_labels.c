/* Label names, values and streams: from the days' indexes alone when nothing is matched, from the parts that a scan would read otherwise. */
#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/store/scan.h"

/* Slices kept once, to be given out sorted. */
struct text_set {
    struct arena arena;
    struct slice *texts;
    size_t count, cap;
    struct query_control *control;
};

static void text_add(struct text_set *set, struct slice text)
{
    if (set->count == set->cap) {
        set->cap = set->cap == 0 ? 256 : set->cap * 2;
        set->texts = mem_grow(set->texts, set->cap, sizeof(struct slice));
    }
    set->texts[set->count++] = text;
}

static void copy_text(void *self, struct slice text)
{
    struct text_set *set = self;
    text_add(set, arena_copy(&set->arena, text));
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static void texts_give(struct text_set *set, void (*each)(void *self, struct slice text), void *each_self)
{
    if (set->count > 0)
        qsort(set->texts, set->count, sizeof(struct slice), by_bytes);
    for (size_t i = 0; i < set->count; i++)
        if (i == 0 || !slice_eq(set->texts[i], set->texts[i - 1]))
            each(each_self, set->texts[i]);
}

static void texts_fini(struct text_set *set)
{
    mem_free(set->texts);
    arena_fini(&set->arena);
}

/* Calls ask for the index of each day of the request. */
static bool each_index(struct store *store, const struct scan_request *request, struct query_control *control,
                       bool (*ask)(void *self, struct day_index *index, struct err *err), void *self, struct err *err)
{
    struct day **days = NULL;
    size_t count = 0;
    if (request->start_ns > request->end_ns)
        return true;
    if (!scan_days(store, request->start_ns, request->end_ns, &days, &count, err))
        return false;
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        struct day_index *index;
        ok = ok && query_control_check(control, err);
        if (ok && day_index_hold(days[i], &store->index_streams, clock_mono_ns(store->config.clock), &index, err)) {
            ok = ask(self, index, err);
            day_index_release(days[i], !ok && (err->code == ERR_CORRUPT || err->code == ERR_IO));
        } else {
            ok = false;
        }
        day_unref(days[i]);
    }
    mem_free(days);
    return ok;
}

struct ask_names {
    struct slice tenant, name;
    struct text_set *set;
};

static bool ask_names(void *self, struct day_index *index, struct err *err)
{
    struct ask_names *ask = self;
    return day_index_names(index, ask->tenant, copy_text, ask->set, err);
}

static bool ask_values(void *self, struct day_index *index, struct err *err)
{
    struct ask_names *ask = self;
    return day_index_values(index, ask->tenant, ask->name, copy_text, ask->set, err);
}

bool store_label_names(void *self, const struct scan_request *request, struct query_control *control,
                       void (*each)(void *self, struct slice name), void *each_self, struct err *err)
{
    struct text_set set = {.arena = ARENA_INIT, .control = control};
    struct ask_names ask = {.tenant = request->tenant, .set = &set};
    struct scan_state *scan = NULL;
    bool ok;
    if (request->matcher_count == 0) {
        int64_t start = clock_mono_ns(control->clock);
        ok = each_index(self, request, control, ask_names, &ask, err);
        figure_index_request(INDEX_NAMES, ok, clock_mono_ns(control->clock) - start);
    } else {
        ok = scan_build(self, request, true, control, &scan, err);
        for (size_t i = 0; ok && i < scan->scan.stream_count; i++) {
            const struct label_set *labels = &scan->scan.streams[i].labels;
            for (size_t k = 0; k < labels->count; k++)
                text_add(&set, labels->labels[k].name);
        }
    }
    if (ok)
        texts_give(&set, each, each_self);
    scan_end(scan);
    texts_fini(&set);
    return ok;
}

bool store_label_values(void *self, const struct scan_request *request, struct slice name, struct query_control *control,
                        void (*each)(void *self, struct slice value), void *each_self, struct err *err)
{
    struct text_set set = {.arena = ARENA_INIT, .control = control};
    struct ask_names ask = {.tenant = request->tenant, .name = name, .set = &set};
    struct scan_state *scan = NULL;
    bool ok;
    if (request->matcher_count == 0) {
        int64_t start = clock_mono_ns(control->clock);
        ok = each_index(self, request, control, ask_values, &ask, err);
        figure_index_request(INDEX_VALUES, ok, clock_mono_ns(control->clock) - start);
    } else {
        ok = scan_build(self, request, true, control, &scan, err);
        for (size_t i = 0; ok && i < scan->scan.stream_count; i++) {
            struct slice value;
            if (label_set_get(&scan->scan.streams[i].labels, name, &value))
                text_add(&set, value);
        }
    }
    if (ok)
        texts_give(&set, each, each_self);
    scan_end(scan);
    texts_fini(&set);
    return ok;
}

bool store_streams(void *self, const struct scan_request *request, struct query_control *control,
                   void (*each)(void *self, struct slice encoded_labels), void *each_self, struct err *err)
{
    struct scan_state *scan = NULL;
    if (!scan_build(self, request, true, control, &scan, err))
        return false;
    for (size_t i = 0; i < scan->scan.stream_count; i++)
        each(each_self, scan->scan.streams[i].encoded);
    scan_end(scan);
    return true;
}

static bool open_scan(void *self, const struct scan_request *request, struct query_control *control, struct scan **out,
                      struct err *err)
{
    struct scan_state *state;
    if (!scan_build(self, request, false, control, &state, err))
        return false;
    *out = &state->scan;
    return true;
}

static void close_scan(struct scan *scan)
{
    if (scan != NULL)
        scan_end(scan->state);
}

void store_source_init(struct store *store)
{
    store->source = (struct source){
        .self = store,
        .scan_open = open_scan,
        .scan_close = close_scan,
        .reader_create = scan_reader_create,
        .reader_destroy = scan_reader_destroy,
        .scan_read = scan_unit_read,
        .scan_read_step = scan_unit_read_step,
        .scan_templates = scan_unit_templates,
        .label_names = store_label_names,
        .label_values = store_label_values,
        .streams = store_streams,
    };
}
