/* query_control.h: what bounds one query: deadline, cancel, bytes of memory; and what it cost. Shared by all threads that work on it.
 * Thread: any. */
#pragma once

#include <stdatomic.h>

#include "core/base/clock.h"
#include "core/base/memory_budget.h"
#include "core/model/limits.h"

struct query_stats { /* all summed with relaxed adds */
    _Atomic uint64_t lines_scanned, bytes_scanned;          /* line bytes of entries looked at */
    _Atomic uint64_t metadata_bytes_scanned;
    _Atomic uint64_t lines_after_filters;
    _Atomic uint64_t head_lines, head_bytes, head_chunks;   /* of these, from memory */
    _Atomic uint64_t blocks_read, compressed_bytes;         /* decompressed blocks */
    _Atomic uint64_t blocks_skipped;                        /* by time, stream, needle, limit */
    _Atomic uint64_t blocks_filtered;                       /* of these, by needle */
    _Atomic uint64_t blocks_out_of_time, blocks_of_others;  /* besides: of segments outside the range, and of those without a stream that is asked for */
    _Atomic uint64_t duplicates;
    _Atomic uint64_t streams_matched, chunks_matched;
    _Atomic uint64_t entries_returned;
    _Atomic uint64_t decompress_ns;                         /* CPU */
    _Atomic uint64_t match_ns[2];                           /* in line filters: enum match_engine of pipeline.h */
};

/* Whose memory was not enough for a query that failed of it. */
enum memory_stop { MEMORY_STOP_NONE, MEMORY_STOP_OWN, MEMORY_STOP_NODE };

struct query_control {
    const struct clock *clock;
    int64_t deadline_mono_ns; /* 0: none */
    atomic_bool is_cancelled; /* the client went away */
    _Atomic int64_t memory_left; /* bytes; starts at limits.max_query_memory */
    int64_t memory_max;
    _Atomic int64_t memory_peak; /* the most that was ever taken */
    _Atomic int64_t bytes_read_left; /* limits.max_query_bytes_read; INT64_MAX: no limit */
    _Atomic int memory_stop;      /* enum memory_stop: the first that refused */
    struct memory_budget *memory; /* the node's; NULL: none */
    struct query_stats stats;
};

/* Sets all but is_cancelled and the figures: the query's time and bytes begin. Ended with query_control_end. */
void query_control_begin(struct query_control *control, const struct clock *clock, const struct limits *limits, struct memory_budget *memory);
/* Gives back to the node what is still charged. A control that was never begun, or has ended, is fine. */
void query_control_end(struct query_control *control);

/* False with ERR_CANCELLED or ERR_TIMEOUT when the query must end. Cheap: asked once a unit or some thousand lines. */
bool query_control_check(struct query_control *control, struct err *err) MUST_CHECK;

/* Takes bytes from the query's memory and the node's; ERR_LIMIT "query needs more than 256 MiB (max_query_memory): ...", ERR_UNAVAILABLE for the node's. */
bool query_control_charge(struct query_control *control, size_t bytes, struct err *err) MUST_CHECK;
void query_control_refund(struct query_control *control, size_t bytes);

struct pipeline_worker;
/* Adds the worker's time in line filters to the figures. */
void query_control_note_matching(struct query_control *control, const struct pipeline_worker *worker);
