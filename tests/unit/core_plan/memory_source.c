#include "tests/unit/core_plan/memory_source.h"

#include <stdlib.h>

#include "core/base/mem.h"

struct memory_part { /* of a unit: entries [first, end) of the source */
    size_t first, end;
};

struct memory_scan {
    struct scan scan;
    struct scan_request request;
    struct memory_source *memory;
    struct arena arena;
};

static bool encode(const struct memory_stream *stream, struct arena *arena, struct scan_stream *out)
{
    size_t count = stream->second.name.len > 0 ? 2 : 1;
    struct label *labels = ARENA_ARRAY(arena, struct label, count);
    labels[0] = stream->label;
    if (count == 2)
        labels[1] = stream->second;
    out->labels = (struct label_set){labels, count};
    out->encoded = label_set_encode_in(arena, &out->labels);
    return true;
}

static void make_unit(struct memory_scan *scan, struct scan_unit *unit, size_t first, size_t end)
{
    const struct memory_source *memory = scan->memory;
    struct scan_run *runs = ARENA_ARRAY(&scan->arena, struct scan_run, memory->stream_count);
    size_t run_count = 0;
    *unit = (struct scan_unit){.first_ns = INT64_MAX, .last_ns = INT64_MIN, .is_exact = true, .runs = runs};
    for (uint32_t s = 0; s < memory->stream_count; s++) {
        struct scan_run run = {.stream = s, .first_ns = INT64_MAX, .last_ns = INT64_MIN};
        for (size_t i = first; i < end; i++) {
            const struct memory_entry *entry = &memory->entries[i];
            if (entry->stream != s)
                continue;
            run.entries++;
            run.line_bytes += entry->line.len;
            run.metadata_bytes += entry->metadata.name.len;
            run.first_ns = entry->ts_ns < run.first_ns ? entry->ts_ns : run.first_ns;
            run.last_ns = entry->ts_ns > run.last_ns ? entry->ts_ns : run.last_ns;
        }
        if (run.entries == 0 || !matchers_accept(scan->request.matchers, scan->request.matcher_count, scan->scan.streams[s].encoded))
            continue;
        runs[run_count++] = run;
        unit->first_ns = run.first_ns < unit->first_ns ? run.first_ns : unit->first_ns;
        unit->last_ns = run.last_ns > unit->last_ns ? run.last_ns : unit->last_ns;
        unit->entries += run.entries;
        unit->line_bytes += run.line_bytes;
    }
    unit->run_count = run_count;
    struct memory_part *part = ARENA_NEW(&scan->arena, struct memory_part);
    *part = (struct memory_part){first, end};
    unit->part = part;
}

static bool scan_open(void *self, const struct scan_request *request, struct query_control *control, struct scan **out, struct err *err)
{
    (void)control;
    (void)err;
    struct memory_source *memory = self;
    struct memory_scan *scan = mem_zero(sizeof(*scan));
    scan->memory = memory;
    scan->request = *request;
    scan->scan.source = &memory->source;
    scan->scan.streams = ARENA_ARRAY(&scan->arena, struct scan_stream, memory->stream_count);
    scan->scan.stream_count = memory->stream_count;
    for (size_t i = 0; i < memory->stream_count; i++)
        encode(&memory->streams[i], &scan->arena, &scan->scan.streams[i]);
    scan->scan.units = ARENA_ARRAY(&scan->arena, struct scan_unit, memory->entry_count / memory->unit_entries + 1);
    for (size_t first = 0; first < memory->entry_count; first += memory->unit_entries) {
        size_t end = first + memory->unit_entries < memory->entry_count ? first + memory->unit_entries : memory->entry_count;
        struct scan_unit *unit = &scan->scan.units[scan->scan.unit_count];
        make_unit(scan, unit, first, end);
        if (unit->run_count > 0 && unit->last_ns >= request->start_ns && unit->first_ns <= request->end_ns)
            scan->scan.unit_count++;
    }
    atomic_fetch_add(&memory->scans_open, 1);
    *out = &scan->scan;
    return true;
}

static void scan_close(struct scan *scan)
{
    struct memory_scan *memory = (struct memory_scan *)scan;
    atomic_fetch_sub(&memory->memory->scans_open, 1);
    arena_fini(&memory->arena);
    mem_free(memory);
}

struct scan_reader {
    struct arena arena;
};

static struct scan_reader *reader_create(void *self)
{
    (void)self;
    return mem_zero(sizeof(struct scan_reader));
}

static void reader_destroy(struct scan_reader *reader)
{
    if (reader != NULL)
        arena_fini(&reader->arena);
    mem_free(reader);
}

/* Rows [first, end) of a batch. */
static bool give(const struct entry_batch *all, uint32_t first, uint32_t end, batch_sink sink, void *sink_self)
{
    struct entry_batch cut = *all;
    cut.first_row += first;
    cut.count = end - first;
    cut.ts_ns += first;
    cut.offsets = cut.offsets == NULL ? NULL : cut.offsets + first;
    cut.metadata_index = cut.metadata_index == NULL ? NULL : cut.metadata_index + first;
    return first == end || sink(sink_self, &cut);
}

enum halves { BEST_HALF = 1, OTHER_HALF = 2, BOTH_HALVES = 3 };

static bool read_run(struct memory_scan *scan, const struct memory_part *part, uint32_t stream, enum halves halves, uint32_t *given, struct arena *arena,
                     batch_sink sink, void *sink_self)
{
    size_t room = part->end - part->first;
    int64_t *ts_ns = ARENA_ARRAY(arena, int64_t, room);
    uint32_t *offsets = ARENA_ARRAY(arena, uint32_t, room + 1);
    uint32_t *index = ARENA_ARRAY(arena, uint32_t, room);
    struct slice *sets = ARENA_ARRAY(arena, struct slice, room);
    struct buf text = BUF_INIT;
    uint32_t count = 0;
    for (size_t i = part->first; i < part->end; i++) {
        const struct memory_entry *entry = &scan->memory->entries[i];
        if (entry->stream != stream || entry->ts_ns < scan->request.start_ns || entry->ts_ns > scan->request.end_ns)
            continue;
        ts_ns[count] = entry->ts_ns;
        buf_put(&text, entry->line);
        buf_byte(&text, '\n');
        index[count] = count;
        struct label_set set = {&entry->metadata, entry->metadata.name.len > 0 ? 1 : 0};
        sets[count] = label_set_encode_in(arena, &set);
        offsets[++count] = (uint32_t)text.len;
    }
    memset(buf_room(&text, 64), 0, 64);
    bool has_lines = (scan->request.columns & SCAN_LINES) != 0;
    bool has_metadata = (scan->request.columns & SCAN_METADATA) != 0;
    struct entry_batch batch = {
        .stream = stream,
        .count = count,
        .first_row = *given,
        .ts_ns = ts_ns,
        .text = has_lines ? text.ptr : NULL,
        .offsets = has_lines ? offsets : NULL,
        .metadata_index = has_metadata ? index : NULL,
        .metadata_sets = sets,
        .metadata_set_count = has_metadata ? count : 0,
    };
    // As a block in parts: its newest rows first, if they are wanted first.
    uint32_t middle = count / 2;
    bool newest_first = scan->request.newest_first;
    bool goes_on = (halves & BEST_HALF) == 0 || give(&batch, newest_first ? middle : 0, newest_first ? count : middle, sink, sink_self);
    goes_on = goes_on && ((halves & OTHER_HALF) == 0 || give(&batch, newest_first ? 0 : middle, newest_first ? middle : count, sink, sink_self));
    *given += count;
    buf_fini(&text);
    return goes_on;
}

static void read_unit(struct memory_scan *memory, const struct scan_unit *unit, struct scan_reader *reader, enum halves halves, batch_sink sink,
                      void *sink_self)
{
    arena_reset(&reader->arena);
    uint32_t given = 0;
    for (size_t i = 0; i < unit->run_count; i++)
        if (!read_run(memory, unit->part, unit->runs[i].stream, halves, &given, &reader->arena, sink, sink_self))
            break;
}

static bool scan_read(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink, void *sink_self, struct err *err)
{
    (void)err;
    struct memory_scan *memory = (struct memory_scan *)scan;
    atomic_fetch_add(&memory->memory->units_read, 1);
    read_unit(memory, unit, reader, BOTH_HALVES, sink, sink_self);
    return true;
}

static bool scan_read_step(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                           void *sink_self, struct err *err)
{
    (void)err;
    struct memory_scan *memory = (struct memory_scan *)scan;
    bool is_first = cursor->next == 0;
    if (is_first)
        atomic_fetch_add(&memory->memory->units_read, 1);
    read_unit(memory, unit, reader, is_first ? BEST_HALF : OTHER_HALF, sink, sink_self);
    *cursor = (struct unit_cursor){.next = 1, .next_ns = memory->request.newest_first ? unit->last_ns : unit->first_ns, .is_done = !is_first};
    return true;
}

void memory_source_init(struct memory_source *memory, const struct memory_stream *streams, size_t stream_count, struct memory_entry *entries,
                        size_t entry_count, size_t unit_entries)
{
    for (size_t i = 1; i < entry_count; i++) // stable, and the arrays are small
        for (size_t k = i; k > 0 && entries[k].ts_ns < entries[k - 1].ts_ns; k--) {
            struct memory_entry held = entries[k];
            entries[k] = entries[k - 1];
            entries[k - 1] = held;
        }
    *memory = (struct memory_source){
        .source = {.self = memory, .scan_open = scan_open, .scan_close = scan_close, .reader_create = reader_create,
                   .reader_destroy = reader_destroy, .scan_read = scan_read, .scan_read_step = scan_read_step},
        .streams = streams,
        .stream_count = stream_count,
        .entries = entries,
        .entry_count = entry_count,
        .unit_entries = unit_entries,
    };
}
