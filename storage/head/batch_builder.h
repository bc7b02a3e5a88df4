/* batch_builder.h: makes an entry_batch (core/plan/source.h) of rows from elsewhere: from chunk lists, or merged from several blocks.
 *
 * Thread: one at a time.
 */
#pragma once

#include "core/plan/source.h"
#include "storage/head/generation.h"
#include "storage/head/head_rows.h"

#define BATCH_ROWS_MAX ((size_t)16384)
#define BATCH_TEXT_MAX ((size_t)2 << 20) /* a batch ends with the line that passes it */

struct batch_builder {
    unsigned columns; /* enum scan_columns */
    size_t count;
    uint32_t taken;    /* rows of the unit that were taken before */
    bool has_metadata; /* some row's set is not empty */
    int64_t *ts_ns;    /* BATCH_ROWS_MAX */
    uint32_t *offsets; /* one more */
    uint32_t *metadata_index;
    struct buf text;
    /* The unit's metadata sets; 0 is the empty one. Indexes hold until the unit ends; the array may move as it grows. */
    struct slice *sets;
    size_t set_count, set_cap;
    struct arena copies; /* of sets that do not outlive the row */
    uint32_t *slots;     /* open addressing over sets by hash: index */
    size_t slot_cap;
    uint32_t *remap; /* from references of one generation to sets; 0: not yet */
    size_t remap_cap;
    const struct generation *remap_of;
};

void batch_builder_init(struct batch_builder *builder);
void batch_builder_fini(struct batch_builder *builder);

/* A new unit: forgets rows and sets. */
void batch_builder_begin(struct batch_builder *builder, unsigned columns);

/* The index of a set; copied when is_borrowed. */
uint32_t batch_builder_set(struct batch_builder *builder, struct slice set, bool is_borrowed);
/* The index of a generation's set; the caller holds the generation until the unit ends. */
uint32_t batch_builder_reference(struct batch_builder *builder, const struct generation *generation, uint32_t reference);

static inline bool batch_builder_is_full(const struct batch_builder *builder)
{
    return builder->count >= BATCH_ROWS_MAX || builder->text.len >= BATCH_TEXT_MAX;
}

/* The builder is not full. */
void batch_builder_add(struct batch_builder *builder, int64_t ts_ns, struct slice line, uint32_t set);

/* What was added since the last take, as a batch of one stream; valid until the next add or begin. */
void batch_builder_take(struct batch_builder *builder, uint32_t stream, struct entry_batch *out);
