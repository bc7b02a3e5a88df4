#include "storage/head/batch_builder.h"

#include <assert.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

#define TEXT_PAD ((size_t)64) /* readable bytes behind the text that entry_batch promises */
#define SLOTS_MIN ((size_t)64)

void batch_builder_init(struct batch_builder *builder)
{
    *builder = (struct batch_builder){.text = BUF_INIT, .copies = ARENA_INIT};
    builder->ts_ns = mem_array(BATCH_ROWS_MAX, sizeof(*builder->ts_ns));
    builder->offsets = mem_array(BATCH_ROWS_MAX + 1, sizeof(*builder->offsets));
    builder->metadata_index = mem_array(BATCH_ROWS_MAX, sizeof(*builder->metadata_index));
}

void batch_builder_fini(struct batch_builder *builder)
{
    mem_free(builder->ts_ns);
    mem_free(builder->offsets);
    mem_free(builder->metadata_index);
    mem_free(builder->sets);
    mem_free(builder->slots);
    mem_free(builder->remap);
    buf_fini(&builder->text);
    arena_fini(&builder->copies);
}

static uint32_t set_append(struct batch_builder *builder, struct slice set)
{
    if (builder->set_count == builder->set_cap) {
        builder->set_cap = builder->set_cap == 0 ? 64 : builder->set_cap * 2;
        builder->sets = mem_grow(builder->sets, builder->set_cap, sizeof(*builder->sets));
    }
    builder->sets[builder->set_count] = set;
    return (uint32_t)builder->set_count++;
}

void batch_builder_begin(struct batch_builder *builder, unsigned columns)
{
    builder->columns = columns;
    builder->count = 0;
    builder->taken = 0;
    builder->has_metadata = false;
    builder->offsets[0] = 0;
    buf_reset(&builder->text);
    arena_reset(&builder->copies);
    builder->set_count = 0;
    (void)set_append(builder, SLICE_NONE);
    if (builder->slot_cap > 0)
        memset(builder->slots, 0, builder->slot_cap * sizeof(*builder->slots));
    builder->remap_of = NULL;
}

static void slots_put(struct batch_builder *builder, uint32_t index)
{
    size_t at = (size_t)hash64(builder->sets[index]) & (builder->slot_cap - 1);
    while (builder->slots[at] != 0)
        at = (at + 1) & (builder->slot_cap - 1);
    builder->slots[at] = index;
}

uint32_t batch_builder_set(struct batch_builder *builder, struct slice set, bool is_borrowed)
{
    if (set.len == 0)
        return 0;
    if (builder->set_count * 2 >= builder->slot_cap) {
        builder->slot_cap = builder->slot_cap == 0 ? SLOTS_MIN : builder->slot_cap * 2;
        mem_free(builder->slots);
        builder->slots = mem_array(builder->slot_cap, sizeof(*builder->slots));
        for (size_t i = 1; i < builder->set_count; i++)
            slots_put(builder, (uint32_t)i);
    }
    size_t at = (size_t)hash64(set) & (builder->slot_cap - 1);
    for (; builder->slots[at] != 0; at = (at + 1) & (builder->slot_cap - 1))
        if (slice_eq(builder->sets[builder->slots[at]], set))
            return builder->slots[at];
    uint32_t index = set_append(builder, is_borrowed ? arena_copy(&builder->copies, set) : set);
    builder->slots[at] = index;
    return index;
}

uint32_t batch_builder_reference(struct batch_builder *builder, const struct generation *generation, uint32_t reference)
{
    if (reference == METADATA_NONE)
        return 0;
    const struct metadata_pool *pool = generation_metadata((struct generation *)generation);
    if (builder->remap_of != generation || reference >= builder->remap_cap) {
        size_t cap = (size_t)RELAXED(&pool->count) + 1;
        if (cap <= reference)
            cap = (size_t)reference + 1;
        bool is_same = builder->remap_of == generation;
        size_t old = is_same ? builder->remap_cap : 0;
        if (cap > builder->remap_cap) {
            builder->remap = mem_grow(builder->remap, cap, sizeof(*builder->remap));
            builder->remap_cap = cap;
        }
        memset(builder->remap + old, 0, (builder->remap_cap - old) * sizeof(*builder->remap));
        builder->remap_of = generation;
    }
    uint32_t index = builder->remap[reference];
    if (index == 0) {
        index = batch_builder_set(builder, metadata_pool_get(pool, reference), false);
        builder->remap[reference] = index;
    }
    return index;
}

void batch_builder_add(struct batch_builder *builder, int64_t ts_ns, struct slice line, uint32_t set)
{
    assert(!batch_builder_is_full(builder));
    size_t i = builder->count++;
    builder->ts_ns[i] = ts_ns;
    builder->metadata_index[i] = set;
    builder->has_metadata |= set != 0;
    if ((builder->columns & SCAN_LINES) == 0)
        return;
    char *at = buf_room(&builder->text, line.len + 1 + TEXT_PAD);
    if (line.len > 0)
        memcpy(at, line.ptr, line.len);
    at[line.len] = '\n';
    buf_took(&builder->text, line.len + 1);
    builder->offsets[i + 1] = (uint32_t)builder->text.len;
}

void batch_builder_take(struct batch_builder *builder, uint32_t stream, struct entry_batch *out)
{
    bool has_lines = (builder->columns & SCAN_LINES) != 0;
    if (has_lines)
        memset(buf_room(&builder->text, TEXT_PAD), 0, TEXT_PAD);
    *out = (struct entry_batch){
        .stream = stream,
        .count = (uint32_t)builder->count,
        .first_row = builder->taken,
        .ts_ns = builder->ts_ns,
        .text = has_lines ? builder->text.ptr : NULL,
        .offsets = has_lines ? builder->offsets : NULL,
        .metadata_index = builder->has_metadata ? builder->metadata_index : NULL,
        .metadata_sets = builder->sets,
        .metadata_set_count = (uint32_t)builder->set_count,
    };
    builder->taken += (uint32_t)builder->count;
    builder->count = 0;
    builder->has_metadata = false;
    buf_reset(&builder->text);
    builder->offsets[0] = 0;
}
