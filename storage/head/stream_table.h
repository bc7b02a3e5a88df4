/* stream_table.h: the streams that one shard has in memory: open addressing by the 128-bit id.
 *
 *               find_or_add  forget   find
 *     find_or_add    X          X       -    both belong to the shard's worker
 *     forget         X          X       -    a reader inside rcu_enter/rcu_leave keeps what it has seen
 *     find           -          -       -
 *
 * The worker looks a stream up in 11 to 12 ns; liburcu's cds_lfht takes 103 to 136 (storage notes 5).
 */
#pragma once

#include "core/base/hash.h"
#include "core/base/rcu.h"
#include "storage/head/tenant_streams.h"

struct chunk_list;

struct stream_record {
    struct rcu_node rcu;   /* after the last reference */
    _Atomic uint32_t refs; /* the table's, one of each generation that has entries of it, the index feed's */
    uint32_t labels_len;
    struct hash128 id;
    struct store_tenant *tenant;
    _Atomic int64_t newest_ns; /* newest timestamp stored; INT64_MIN: none yet */
    _Atomic uint64_t similarity; /* segment_similarity, of who sealed it last; 0: not known yet */
    uint64_t number;         /* rises in the order of creation: neighbours often came from one place */
    /* ---- the worker's ---- */
    int64_t used_mono_ns;    /* of the last append */
    struct chunk_list *list; /* in generation list_generation */
    uint64_t list_generation;
    int32_t days[2]; /* UTC days that the index has been told of, newest first; INT32_MIN: none */
    uint32_t index_epoch; /* of the shard's group, when it was told */
    char labels[];   /* label_set encoding */
};

static inline struct slice stream_labels(const struct stream_record *stream)
{
    return slice_of(stream->labels, stream->labels_len);
}

struct stream_record *stream_ref(struct stream_record *stream);
void stream_unref(struct stream_record *stream); /* the last one frees it, after a grace period */

struct stream_table;

struct stream_table *stream_table_create(void) MUST_CHECK;
void stream_table_destroy(struct stream_table *table); /* NULL is fine. Thread: when no reader is left */

/* The stream, created when it is not there; the table keeps the reference. Thread: the worker. */
struct stream_record *stream_table_find_or_add(struct stream_table *table, struct store_tenant *tenant, struct hash128 id,
                                               struct slice labels);

/* NULL if it is not in memory. Thread: any, inside rcu_enter/rcu_leave; valid until rcu_leave. */
struct stream_record *stream_table_find(struct stream_table *table, struct hash128 id);

/* Forgets streams last used before the given time that are in no generation later than list_generation_min - 1. Returns how many.
 * Thread: the worker. */
size_t stream_table_forget(struct stream_table *table, int64_t used_before_mono_ns, uint64_t list_generation_min);

size_t stream_table_count(const struct stream_table *table); /* Thread: any */
size_t stream_table_bytes(const struct stream_table *table); /* records and slots. Thread: any */
size_t stream_table_label_bytes(const struct stream_table *table);
