#include "core/plan/tenants_source.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/plan/charged_arena.h"

/* ---- matchers ---- */

struct tenant_request { /* a request as one tenant's source takes it */
    struct scan_request request;
    struct matcher *matchers; /* borrowed regexes */
};

static bool tenant_is_chosen(const struct scan_request *request, struct slice tenant)
{
    for (size_t i = 0; i < request->matcher_count; i++) {
        const struct matcher *matcher = &request->matchers[i];
        if (slice_eq(matcher->name, TENANT_LABEL) && !matcher_accepts(matcher, tenant))
            return false;
    }
    return true;
}

/* Takes the matchers on the tenant out. What is left of a selector must be one. */
static bool request_strip(const struct scan_request *request, struct tenant_request *out, struct err *err)
{
    bool is_selective = false;
    out->request = *request;
    out->matchers = mem_array(request->matcher_count, sizeof(*out->matchers));
    size_t count = 0;
    for (size_t i = 0; i < request->matcher_count; i++) {
        if (slice_eq(request->matchers[i].name, TENANT_LABEL))
            continue;
        struct matcher *matcher = &out->matchers[count++];
        *matcher = request->matchers[i];
        is_selective = is_selective || !matcher->matches_empty;
        if (slice_eq(matcher->name, TENANT_LABEL_ORIGINAL))
            matcher->name = TENANT_LABEL;
    }
    out->request.matchers = out->matchers;
    out->request.matcher_count = count;
    if (count == request->matcher_count || is_selective)
        return true;
    mem_free(out->matchers);
    return err_set(err, ERR_INVALID,
                   "log selector is invalid after matcher update: parse error : queries require at least one regexp or equality matcher that does not "
                   "have an empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will");
}

/* The stream's labels with the tenant's; names and values are borrowed. */
static struct label_set labels_add(struct arena *arena, const struct label_set *labels, struct slice tenant)
{
    struct label *all = ARENA_ARRAY(arena, struct label, labels->count + 1);
    for (size_t i = 0; i < labels->count; i++) {
        all[i] = labels->labels[i];
        if (slice_eq(all[i].name, TENANT_LABEL))
            all[i].name = TENANT_LABEL_ORIGINAL;
    }
    all[labels->count] = (struct label){TENANT_LABEL, tenant};
    return (struct label_set){all, label_sort(all, labels->count + 1, true)};
}

/* ---- scans ---- */

struct tenant_part {
    struct scan *scan;
    struct slice tenant;
    uint32_t *streams; /* the part's stream -> ours */
};

struct unit_origin {
    const struct tenant_part *part;
    const struct scan_unit *unit;
};

struct tenants_scan {
    struct scan scan;
    const struct tenants_source *tenants;
    struct tenant_part *parts;
    size_t part_count;
    struct query_control *control;
    struct charged_arena memory;
};

struct placed_stream {
    struct scan_stream stream;
    struct tenant_part *part;
    uint32_t index; /* in the part */
};

static int placed_cmp(const void *a, const void *b)
{
    const struct placed_stream *x = a;
    const struct placed_stream *y = b;
    int order = label_set_cmp_text(&x->stream.labels, &y->stream.labels);
    return order != 0 ? order : hash128_cmp(x->stream.id, y->stream.id);
}

static void streams_join(struct tenants_scan *scan)
{
    struct arena *arena = &scan->memory.arena;
    size_t count = 0;
    for (size_t p = 0; p < scan->part_count; p++)
        count += scan->parts[p].scan->stream_count;
    struct placed_stream *placed = ARENA_ARRAY(arena, struct placed_stream, count);
    size_t at = 0;
    for (size_t p = 0; p < scan->part_count; p++) {
        struct tenant_part *part = &scan->parts[p];
        part->streams = ARENA_ARRAY(arena, uint32_t, part->scan->stream_count);
        for (size_t i = 0; i < part->scan->stream_count; i++) {
            const struct scan_stream *inner = &part->scan->streams[i];
            struct scan_stream stream = {.id = inner->id, .labels = labels_add(arena, &inner->labels, part->tenant)};
            stream.encoded = label_set_encode_in(arena, &stream.labels);
            placed[at++] = (struct placed_stream){stream, part, (uint32_t)i};
        }
    }
    if (count > 1)
        qsort(placed, count, sizeof(*placed), placed_cmp);
    scan->scan.streams = ARENA_ARRAY(arena, struct scan_stream, count);
    scan->scan.stream_count = count;
    for (size_t i = 0; i < count; i++) {
        scan->scan.streams[i] = placed[i].stream;
        placed[i].part->streams[placed[i].index] = (uint32_t)i;
    }
}

static void unit_join(struct tenants_scan *scan, const struct tenant_part *part, const struct scan_unit *inner, struct scan_unit *out)
{
    struct arena *arena = &scan->memory.arena;
    struct scan_run *runs = ARENA_ARRAY(arena, struct scan_run, inner->run_count);
    struct unit_origin *origin = ARENA_NEW(arena, struct unit_origin);
    *origin = (struct unit_origin){part, inner};
    for (size_t i = 0; i < inner->run_count; i++) {
        runs[i] = inner->runs[i];
        runs[i].stream = part->streams[inner->runs[i].stream];
    }
    *out = *inner;
    out->runs = runs;
    out->part = origin;
}

static void units_join(struct tenants_scan *scan)
{
    size_t count = 0;
    for (size_t p = 0; p < scan->part_count; p++)
        count += scan->parts[p].scan->unit_count;
    scan->scan.units = ARENA_ARRAY(&scan->memory.arena, struct scan_unit, count);
    for (size_t p = 0; p < scan->part_count; p++) {
        const struct scan *inner = scan->parts[p].scan;
        for (size_t i = 0; i < inner->unit_count; i++)
            unit_join(scan, &scan->parts[p], &inner->units[i], &scan->scan.units[scan->scan.unit_count++]);
        scan->scan.skipped_units += inner->skipped_units;
        scan->scan.skipped_bytes += inner->skipped_bytes;
        scan->scan.chunk_count += inner->chunk_count;
    }
}

static void scan_close(struct scan *opened)
{
    struct tenants_scan *scan = (struct tenants_scan *)opened;
    for (size_t p = 0; p < scan->part_count; p++)
        scan->tenants->inner->scan_close(scan->parts[p].scan);
    charged_arena_fini(&scan->memory, scan->control);
    mem_free(scan);
}

static bool parts_open(struct tenants_scan *scan, const struct scan_request *request, struct err *err)
{
    const struct tenants_source *tenants = scan->tenants;
    struct tenant_request stripped;
    if (!request_strip(request, &stripped, err))
        return false;
    scan->parts = ARENA_ARRAY(&scan->memory.arena, struct tenant_part, tenants->tenant_count);
    bool ok = true;
    for (size_t i = 0; ok && i < tenants->tenant_count; i++) {
        if (!tenant_is_chosen(request, tenants->tenants[i]))
            continue;
        struct tenant_part *part = &scan->parts[scan->part_count];
        part->tenant = tenants->tenants[i];
        stripped.request.tenant = part->tenant;
        ok = tenants->inner->scan_open(tenants->inner->self, &stripped.request, scan->control, &part->scan, err);
        scan->part_count += ok ? 1 : 0;
    }
    mem_free(stripped.matchers);
    return ok;
}

static bool scan_open(void *self, const struct scan_request *request, struct query_control *control, struct scan **out, struct err *err)
{
    const struct tenants_source *tenants = self;
    struct tenants_scan *scan = mem_zero(sizeof(*scan));
    scan->tenants = tenants;
    scan->scan.source = &tenants->source;
    scan->control = control;
    bool ok = parts_open(scan, request, err);
    if (ok) {
        streams_join(scan);
        units_join(scan);
        ok = charged_arena_settle(&scan->memory, control, err);
    }
    if (!ok) {
        scan_close(&scan->scan);
        return false;
    }
    *out = &scan->scan;
    return true;
}

struct renumber {
    const struct tenant_part *part;
    batch_sink sink;
    void *sink_self;
};

static bool renumber_batch(void *self, const struct entry_batch *batch)
{
    const struct renumber *renumber = self;
    struct entry_batch ours = *batch;
    ours.stream = renumber->part->streams[batch->stream];
    return renumber->sink(renumber->sink_self, &ours);
}

static bool scan_read(struct scan *opened, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink, void *sink_self, struct err *err)
{
    const struct tenants_scan *scan = (const struct tenants_scan *)opened;
    const struct unit_origin *origin = unit->part;
    struct renumber renumber = {origin->part, sink, sink_self};
    return scan->tenants->inner->scan_read(origin->part->scan, origin->unit, reader, renumber_batch, &renumber, err);
}

static bool scan_read_step(struct scan *opened, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                           void *sink_self, struct err *err)
{
    const struct tenants_scan *scan = (const struct tenants_scan *)opened;
    const struct unit_origin *origin = unit->part;
    struct renumber renumber = {origin->part, sink, sink_self};
    return scan->tenants->inner->scan_read_step(origin->part->scan, origin->unit, reader, cursor, renumber_batch, &renumber, err);
}

struct renumber_templates {
    const struct tenant_part *part;
    template_sink sink;
    void *sink_self;
};

static void renumber_template_batch(void *self, const struct template_batch *batch)
{
    const struct renumber_templates *renumber = self;
    struct template_batch ours = *batch;
    ours.stream = renumber->part->streams[batch->stream];
    renumber->sink(renumber->sink_self, &ours);
}

static bool scan_templates(struct scan *opened, const struct scan_unit *unit, struct scan_reader *reader, template_sink sink, void *sink_self, bool *out_has,
                           struct err *err)
{
    const struct tenants_scan *scan = (const struct tenants_scan *)opened;
    const struct unit_origin *origin = unit->part;
    struct renumber_templates renumber = {origin->part, sink, sink_self};
    return scan->tenants->inner->scan_templates(origin->part->scan, origin->unit, reader, renumber_template_batch, &renumber, out_has, err);
}

static struct scan_reader *reader_create(void *self)
{
    const struct tenants_source *tenants = self;
    return tenants->inner->reader_create(tenants->inner->self);
}

/* ---- names, values, streams ---- */

struct text_list { /* what the tenants' sources say, to be united */
    struct charged_arena memory;
    struct slice *items;
    size_t count, cap;
    struct slice tenant;
    bool renames; /* names: __tenant_id__ is shown as original___tenant_id__ */
};

static void list_add(struct text_list *list, struct slice text)
{
    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 64 : list->cap * 2;
        list->items = mem_grow(list->items, list->cap, sizeof(*list->items));
    }
    list->items[list->count++] = arena_copy(&list->memory.arena, text);
}

static void collect_text(void *self, struct slice text)
{
    struct text_list *list = self;
    list_add(list, list->renames && slice_eq(text, TENANT_LABEL) ? TENANT_LABEL_ORIGINAL : text);
}

static void collect_stream(void *self, struct slice encoded)
{
    struct text_list *list = self;
    struct err err;
    struct label_set labels;
    struct arena *arena = &list->memory.arena;
    if (!label_set_decode(encoded, arena, &labels, &err))
        return; // the index's own bytes: what it could not read it would not have listed
    labels = labels_add(arena, &labels, list->tenant);
    list_add(list, label_set_encode_in(arena, &labels));
}

static int text_cmp(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* Calls back for each, sorted, once. */
static void list_emit(struct text_list *list, void (*each)(void *self, struct slice text), void *each_self)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), text_cmp);
    for (size_t i = 0; i < list->count; i++) {
        if (i == 0 || !slice_eq(list->items[i], list->items[i - 1]))
            each(each_self, list->items[i]);
    }
}

static void list_fini(struct text_list *list, struct query_control *control)
{
    mem_free(list->items);
    charged_arena_fini(&list->memory, control);
}

enum listing { LIST_NAMES, LIST_VALUES, LIST_STREAMS };

static bool list_tenant(const struct source *inner, enum listing what, const struct scan_request *request, struct slice name,
                        struct query_control *control, struct text_list *list, struct err *err)
{
    if (what == LIST_NAMES)
        return inner->label_names(inner->self, request, control, collect_text, list, err);
    if (what == LIST_STREAMS)
        return inner->streams(inner->self, request, control, collect_stream, list, err);
    return inner->label_values(inner->self, request, name, control, collect_text, list, err);
}

static bool list_all(const struct tenants_source *tenants, enum listing what, const struct scan_request *request, struct slice name,
                     struct query_control *control, void (*each)(void *self, struct slice text), void *each_self, struct err *err)
{
    struct tenant_request stripped;
    struct text_list list = {.renames = what == LIST_NAMES};
    if (!request_strip(request, &stripped, err))
        return false;
    bool ok = true;
    bool of_tenant = what == LIST_VALUES && slice_eq(name, TENANT_LABEL);
    for (size_t i = 0; ok && i < tenants->tenant_count; i++) {
        list.tenant = tenants->tenants[i];
        if (!tenant_is_chosen(request, list.tenant))
            continue;
        if (of_tenant) {
            list_add(&list, list.tenant);
            continue;
        }
        stripped.request.tenant = list.tenant;
        ok = list_tenant(tenants->inner, what, &stripped.request, slice_eq(name, TENANT_LABEL_ORIGINAL) ? TENANT_LABEL : name, control, &list, err) &&
             charged_arena_settle(&list.memory, control, err);
    }
    if (what == LIST_NAMES && list.count > 0)
        list_add(&list, TENANT_LABEL);
    if (ok)
        list_emit(&list, each, each_self);
    list_fini(&list, control);
    mem_free(stripped.matchers);
    return ok;
}

static bool label_names(void *self, const struct scan_request *request, struct query_control *control, void (*each)(void *self, struct slice name),
                        void *each_self, struct err *err)
{
    return list_all(self, LIST_NAMES, request, SLICE_NONE, control, each, each_self, err);
}

static bool label_values(void *self, const struct scan_request *request, struct slice name, struct query_control *control,
                         void (*each)(void *self, struct slice value), void *each_self, struct err *err)
{
    return list_all(self, LIST_VALUES, request, name, control, each, each_self, err);
}

static bool streams(void *self, const struct scan_request *request, struct query_control *control,
                    void (*each)(void *self, struct slice encoded_labels), void *each_self, struct err *err)
{
    return list_all(self, LIST_STREAMS, request, SLICE_NONE, control, each, each_self, err);
}

void tenants_source_init(struct tenants_source *tenants, const struct source *inner, const struct slice *names, size_t count)
{
    *tenants = (struct tenants_source){
        .source = {.self = tenants,
                   .scan_open = scan_open,
                   .scan_close = scan_close,
                   .reader_create = reader_create,
                   .reader_destroy = inner->reader_destroy,
                   .scan_read = scan_read,
                   .scan_read_step = inner->scan_read_step == NULL ? NULL : scan_read_step,
        .scan_templates = scan_templates,
                   .label_names = label_names,
                   .label_values = label_values,
                   .streams = streams},
        .inner = inner,
        .tenants = names,
        .tenant_count = count,
    };
}
