/* source.h: stored data as a query sees it. core/plan declares it, storage implements it, cmd joins them; a cluster's peers will
 * be sources too.
 *
 * A scan is a snapshot: the streams that the matchers select and the units that hold their entries. A unit is the least that is read at once:
 * a block of a segment, the chunks of some streams in memory, or several parts of one stream over one time, merged. The source drops exact duplicates, also between
 * units, so that above this line an entry occurs once. Ties in time of one stream: that of the earlier unit arrived first, in a unit that of the lower row.
 *
 * Thread: scan_read from many threads at once, each with its own reader; all else: the query's own thread.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/model/matcher.h"
#include "core/plan/query_control.h"

/* One of these occurs in every line (or in its metadata values, if in_metadata) that the query can keep. */
struct needle {
    const struct slice *any;
    size_t count;
    bool in_metadata; /* a value of structured metadata contains it, not the line */
};

enum scan_columns { SCAN_TIMES = 0, SCAN_METADATA = 1, SCAN_LINES = 2 };

struct scan_request {
    struct slice tenant;
    int64_t start_ns; /* first instant inside */
    int64_t end_ns;   /* last instant inside: both ends inclusive, so that all of int64 can be asked for */
    const struct matcher *matchers; /* ANDed; none: all streams */
    size_t matcher_count;
    const struct needle *needles; /* ANDed: units that cannot hold them are left out */
    size_t needle_count;
    unsigned columns; /* enum scan_columns, ORed: what scan_read must fill */

    /* For queries that end early, so that no more is read than must be. */
    bool newest_first; /* a unit's newest entries are wanted first: its batches may come in falling order of time */
    int64_t (*bound_ns)(void *self); /* entries older than that (if newest_first, else newer) need not be given any more. Asked by workers; NULL: all are wanted */
    void *bound_self;
};

struct scan_stream {
    struct hash128 id;
    struct slice encoded;  /* label_set encoding */
    struct label_set labels; /* the same, decoded */
};

/* The part of a unit that belongs to one stream. Counts are of all its entries, also those outside the request's range. */
struct scan_run {
    uint32_t stream;  /* index into scan->streams */
    uint32_t entries; /* exact, duplicates within the unit gone; of a merged unit, or if another unit may have some of them: an upper bound (unit->is_exact false) */
    uint64_t line_bytes;
    uint64_t metadata_bytes;
    int64_t first_ns, last_ns;
};

struct scan_unit {
    int64_t first_ns, last_ns; /* over its runs */
    uint64_t line_bytes;       /* what reading it costs: of the whole block */
    uint32_t entries;
    bool is_exact; /* the runs' counts and times are what scan_read will give for an unbounded range */
    const struct scan_run *runs;
    size_t run_count;
    void *part; /* the source's */
};

struct scan {
    const struct source *source;
    struct scan_stream *streams; /* sorted by canonical label text */
    size_t stream_count;
    struct scan_unit *units; /* any order */
    size_t unit_count;
    /* What pruning left out, for stats and metrics. */
    uint64_t skipped_units, skipped_bytes;
    uint64_t chunk_count; /* blocks and chunk lists touched: index/stats */
    void *state; /* the source's */
};

/* Entries of one stream, in time order, ties in order of arrival; inside the request's range. Line i is
 * text[offsets[i] .. offsets[i + 1] - 1): one '\n' byte follows each line, also the last, so that one search runs over the whole text.
 * Lines may contain '\n' themselves. 64 readable bytes follow text. Valid until the reader's next read. */
struct entry_batch {
    uint32_t stream;
    uint32_t count;
    uint32_t first_row;      /* rises with arrival over all entries of the unit: row i is first_row + i */
    const int64_t *ts_ns;
    const char *text;        /* NULL unless SCAN_LINES was asked for */
    const uint32_t *offsets; /* count + 1; offsets[0] need not be 0 */
    const uint32_t *metadata_index;      /* row -> metadata_sets; NULL: no entry has any */
    const struct slice *metadata_sets;   /* label_set encodings; those of one unit, shared by its batches; a later batch may have more, and elsewhere */
    uint32_t metadata_set_count;
    bool is_ascii; /* all of text is below 0x80: known from the block's flags; false: not known */
};

static inline struct slice entry_batch_line(const struct entry_batch *batch, size_t row)
{
    return slice_of(batch->text + batch->offsets[row], batch->offsets[row + 1] - 1 - batch->offsets[row]);
}
static inline struct slice entry_batch_metadata(const struct entry_batch *batch, size_t row)
{
    return batch->metadata_index == NULL ? SLICE_NONE : batch->metadata_sets[batch->metadata_index[row]];
}

/* Gets the unit's batches one after the other, in the order of its runs, unless the request says newest_first; false stops the read. */
typedef bool (*batch_sink)(void *self, const struct entry_batch *batch);

/* What lines look like: a pattern of |> that accepts each of them, and their level (core/ingest/level.h). */
struct line_template {
    struct slice text;
    uint8_t level;
};

/* Entries of one stream inside the request's range by their templates, in any order. Valid until the sink returns; templates as long as the scan. */
struct template_batch {
    uint32_t stream;
    uint32_t count;
    const int64_t *ts_ns;
    const uint16_t *ids; /* row -> templates */
    const struct line_template *templates;
    uint32_t template_count;
};

typedef void (*template_sink)(void *self, const struct template_batch *batch);

/* How far a unit was read by scan_read_step. All zero: not begun. */
struct unit_cursor {
    uint32_t next;   /* the source's: where it goes on */
    int64_t next_ns; /* nothing that is left is better than that: newer if newest_first, else older */
    bool is_done;
};

struct scan_reader; /* scratch of one thread: decompressor, buffers */

struct source {
    void *self;
    /* The snapshot; ended with scan_close. ERR_LIMIT when the query's budget says so. */
    bool (*scan_open)(void *self, const struct scan_request *request, struct query_control *control, struct scan **out,
                      struct err *err);
    void (*scan_close)(struct scan *scan);

    struct scan_reader *(*reader_create)(void *self);
    void (*reader_destroy)(struct scan_reader *reader); /* NULL is fine */
    /* Reads a unit; sink false: stopped, which is no error. ERR_CORRUPT names the file and block. */
    bool (*scan_read)(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, batch_sink sink, void *sink_self,
                      struct err *err);
    /* The same in two steps: the unit's newest part (or its oldest) that the request still wants, and what the cursor says is left after that. So the best of
     * all units can be had before the rest of any. NULL: units are read whole. */
    bool (*scan_read_step)(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, struct unit_cursor *cursor, batch_sink sink,
                           void *sink_self, struct err *err);

    /* The unit's entries by the templates that are kept with them. *out_has false: they are not kept, or hidden lines would be counted: nothing was given to
     * the sink, and the lines tell. */
    bool (*scan_templates)(struct scan *scan, const struct scan_unit *unit, struct scan_reader *reader, template_sink sink, void *sink_self,
                           bool *out_has, struct err *err);

    /* Label names, values of one name, and streams that have an entry in [start, end] (inclusive) by the index's and heads' knowledge.
     * No matchers: all streams. Calls back once for each, sorted, unique. label_values of no matchers reads the index only. */
    bool (*label_names)(void *self, const struct scan_request *request, struct query_control *control,
                        void (*each)(void *self, struct slice name), void *each_self, struct err *err);
    bool (*label_values)(void *self, const struct scan_request *request, struct slice name, struct query_control *control,
                         void (*each)(void *self, struct slice value), void *each_self, struct err *err);
    bool (*streams)(void *self, const struct scan_request *request, struct query_control *control,
                    void (*each)(void *self, struct slice encoded_labels), void *each_self, struct err *err);
};
