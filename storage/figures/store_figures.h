/* store_figures.h: the events of the store that /metrics tells of. Nothing is counted before store_figures_init.
 *
 * Thread: any.
 */
#pragma once

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/metric.h"

#define FIGURE_SHARDS_MAX 64u

/* Makes the children with fixed labels. Again: does nothing. */
void store_figures_init(void);

/* ---- a tenant's: looked up once ---- */

struct tenant_figures { /* NULLs before init */
    struct metric *streams_created, *streams_removed, *memory_streams, *chunks_stored, *chunk_bytes, *duplicate_lines, *unordered_lines;
};
void tenant_figures_get(struct slice tenant, struct tenant_figures *out);
void figure_stream_created(const struct tenant_figures *tenant);
void figure_stream_removed(const struct tenant_figures *tenant);
void figure_unordered_lines(const struct tenant_figures *tenant, uint64_t lines);

/* ---- shards ---- */
void figure_shards(unsigned count); /* before the first append; at most FIGURE_SHARDS_MAX have a metric of their own */
void figure_appended(unsigned shard); /* a batch was handed to it */

/* ---- the log ---- */
void figure_log_commit(void *self, int64_t write_ns, int64_t sync_ns, size_t records, size_t bytes); /* log_files_config.observe */
void figure_replayed(uint64_t bytes, uint64_t entries, uint64_t streams, int64_t took_ns);

/* ---- damage, wherever it is met ---- */
enum damage { DAMAGE_DATA, DAMAGE_INDEX, DAMAGE_LOG };
void figure_damage(enum damage kind);

/* ---- sealing ---- */
enum seal_reason { SEAL_FORCED, SEAL_FULL, SEAL_AGE };
void figure_chunk_begun(void);
void figure_queue_wait(int64_t ns); /* of a push for its shard */
/* One stream's part of a generation, now in segments. lines: as pushed, duplicates too. */
void figure_chunk_stored(const struct tenant_figures *tenant, uint64_t lines, uint64_t duplicates, uint64_t bytes, int64_t span_ns, int64_t age_ns);
/* ... the records that lead to it, and its text in parts of a block's; 0 records: all of it was in segments before. */
void figure_chunk_indexed(uint32_t records, double utilization);
void figure_segments_written(int64_t took_ns, uint64_t raw_bytes, uint64_t file_bytes);
void figure_seal_tried(void);
void figure_seal_failed(const struct err *err);
void figure_sealed(enum seal_reason reason, size_t chunks);

/* ---- files that are to go ---- */
void figure_unlink_pending(void);                       /* a segment goes when its last reader does */
void figure_unlinked(bool ok, int64_t now_wall_ns, int64_t took_ns); /* it went */

/* ---- starts ---- */
void figure_unclean_starts(uint64_t count);

/* ---- the index ---- */
enum index_request { INDEX_WRITE, INDEX_SELECT, INDEX_NAMES, INDEX_VALUES };
void figure_index_request(enum index_request request, bool ok, int64_t took_ns);
void figure_streams_matched(size_t streams);

/* ---- templates ---- */
void figure_templates_evicted(uint64_t shapes); /* of lines, that found no room for a template of theirs */

/* ---- merging and retention ---- */
void figure_merge(int running, uint64_t bytes_read, uint64_t bytes_written); /* running: +1 at the start, -1 at the end */
void figure_merge_round(bool ok, int64_t took_ns, int64_t now_wall_ns);
void figure_retention_round(bool ok, int64_t took_ns, int64_t now_wall_ns);
void figure_expired(uint64_t segments, uint64_t bytes); /* by age */
/* Retention took something of a day: all of it, or some tenants' entries. segments: how many went. Days that stay as they are tell nothing: there may be
 * thousands, and each would be a label. */
void figure_day_retained(const char *day, bool is_whole, bool ok, uint64_t segments, int64_t took_ns);

/* ---- delete requests ---- */
void figure_deletes_loaded(bool ok); /* the list of requests was looked through for what is due */
void figure_delete_received(struct slice tenant);
void figure_delete_processed(struct slice tenant);
void figure_deleted_lines(struct slice tenant, uint64_t lines);
void figure_erased_segment(uint64_t bytes); /* written anew without what was deleted */
