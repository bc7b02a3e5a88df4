#include "storage/head/stream_table.h"

#include <assert.h>

#include "core/base/mem.h"

#define SLOTS_MIN ((size_t)256)

struct stream_slot {
    uint64_t tag;                           // id.low: spares most looks at records; written before the record
    _Atomic(struct stream_record *) record; // PUBLISH; NULL: free
};

struct stream_slots { // replaced as a whole when it grows or forgets
    struct rcu_node rcu;
    size_t cap; // a power of two
    struct stream_slot slots[];
};

struct stream_table {
    _Atomic(struct stream_slots *) slots;
    _Atomic size_t count, label_bytes;
    uint64_t next_number; // the worker's
};

struct stream_record *stream_ref(struct stream_record *stream)
{
    atomic_fetch_add_explicit(&stream->refs, 1, memory_order_relaxed); // whoever refs has a reference already
    return stream;
}

static void record_free(struct rcu_node *node)
{
    mem_free(node);
}

void stream_unref(struct stream_record *stream)
{
    if (atomic_fetch_sub(&stream->refs, 1) == 1)
        rcu_free_later(&stream->rcu, record_free);
}

static struct stream_slots *slots_create(size_t cap)
{
    struct stream_slots *slots = mem_zero(sizeof(*slots) + cap * sizeof(slots->slots[0]));
    slots->cap = cap;
    return slots;
}

static void slots_free(struct rcu_node *node)
{
    mem_free(node);
}

struct stream_table *stream_table_create(void)
{
    struct stream_table *table = mem_zero(sizeof(*table));
    atomic_store(&table->slots, slots_create(SLOTS_MIN));
    return table;
}

void stream_table_destroy(struct stream_table *table)
{
    if (table == NULL)
        return;
    struct stream_slots *slots = RELAXED(&table->slots);
    for (size_t i = 0; i < slots->cap; i++) {
        struct stream_record *record = RELAXED(&slots->slots[i].record);
        if (record != NULL) {
            tenant_streams_forgotten(record->tenant);
            stream_unref(record);
        }
    }
    mem_free(slots);
    mem_free(table);
}

/* The slot of the id, or the free one where it would go. The home is of id.high, as id.low chose the shard. */
static struct stream_slot *slot_find(struct stream_slots *slots, struct hash128 id, struct stream_record **out)
{
    size_t mask = slots->cap - 1;
    for (size_t i = (size_t)id.high & mask;; i = (i + 1) & mask) {
        struct stream_record *record = OBSERVE(&slots->slots[i].record); // pairs with slot_put
        *out = record;
        if (record == NULL || (slots->slots[i].tag == id.low && record->id.high == id.high))
            return &slots->slots[i];
    }
}

static void slot_put(struct stream_slots *slots, struct stream_record *record)
{
    struct stream_record *none;
    struct stream_slot *slot = slot_find(slots, record->id, &none);
    assert(none == NULL);
    slot->tag = record->id.low;
    PUBLISH(&slot->record, record);
}

/* New slots with what keep accepts (NULL: all); the old ones end after a grace period. */
static struct stream_slots *slots_replace(struct stream_table *table, size_t count)
{
    struct stream_slots *old = RELAXED(&table->slots);
    size_t cap = SLOTS_MIN;
    while (cap < count * 2)
        cap *= 2;
    struct stream_slots *fresh = slots_create(cap);
    for (size_t i = 0; i < old->cap; i++) {
        struct stream_record *record = RELAXED(&old->slots[i].record);
        if (record != NULL && record->used_mono_ns != INT64_MIN)
            slot_put(fresh, record);
    }
    PUBLISH(&table->slots, fresh);
    rcu_free_later(&old->rcu, slots_free);
    return fresh;
}

struct stream_record *stream_table_find_or_add(struct stream_table *table, struct store_tenant *tenant, struct hash128 id,
                                               struct slice labels)
{
    struct stream_slots *slots = RELAXED(&table->slots);
    struct stream_record *record;
    (void)slot_find(slots, id, &record);
    if (record != NULL)
        return record;
    size_t count = RELAXED(&table->count) + 1;
    if (count * 4 > slots->cap * 3)
        slots = slots_replace(table, count * 2);
    record = mem_alloc(sizeof(*record) + labels.len);
    *record = (struct stream_record){.refs = 1,
                                     .labels_len = (uint32_t)labels.len,
                                     .id = id,
                                     .tenant = tenant,
                                     .newest_ns = INT64_MIN,
                                     .number = table->next_number++,
                                     .days = {INT32_MIN, INT32_MIN}};
    if (labels.len > 0)
        memcpy(record->labels, labels.ptr, labels.len);
    slot_put(slots, record);
    tenant_streams_created(tenant, id);
    atomic_store_explicit(&table->count, count, memory_order_relaxed); // a figure; the worker alone writes it
    atomic_fetch_add_explicit(&table->label_bytes, labels.len, memory_order_relaxed);
    return record;
}

struct stream_record *stream_table_find(struct stream_table *table, struct hash128 id)
{
    assert(rcu_inside());
    struct stream_record *record;
    (void)slot_find(OBSERVE(&table->slots), id, &record);
    return record;
}

size_t stream_table_forget(struct stream_table *table, int64_t used_before_mono_ns, uint64_t list_generation_min)
{
    struct stream_slots *slots = RELAXED(&table->slots);
    size_t gone = 0;
    for (size_t i = 0; i < slots->cap; i++) {
        struct stream_record *record = RELAXED(&slots->slots[i].record);
        gone += record != NULL && record->used_mono_ns < used_before_mono_ns && record->list_generation < list_generation_min;
    }
    size_t count = RELAXED(&table->count);
    if (gone == 0 || gone < count / 8) // not worth new slots yet
        return 0;
    struct stream_record **out = mem_array(gone, sizeof(struct stream_record *));
    size_t n = 0;
    for (size_t i = 0; i < slots->cap; i++) {
        struct stream_record *record = RELAXED(&slots->slots[i].record);
        if (record == NULL || record->used_mono_ns >= used_before_mono_ns || record->list_generation >= list_generation_min)
            continue;
        record->used_mono_ns = INT64_MIN; // slots_replace leaves it out
        out[n++] = record;
    }
    (void)slots_replace(table, count - gone);
    for (size_t i = 0; i < n; i++) {
        tenant_streams_forgotten(out[i]->tenant);
        atomic_fetch_sub_explicit(&table->label_bytes, out[i]->labels_len, memory_order_relaxed);
        stream_unref(out[i]);
    }
    atomic_store_explicit(&table->count, count - gone, memory_order_relaxed); // a figure
    mem_free(out);
    return gone;
}

size_t stream_table_count(const struct stream_table *table)
{
    return RELAXED(&table->count);
}

size_t stream_table_bytes(const struct stream_table *table)
{
    size_t count = RELAXED(&table->count);
    return count * (sizeof(struct stream_record) + 16 + 2 * sizeof(struct stream_slot)) + RELAXED(&table->label_bytes);
}

size_t stream_table_label_bytes(const struct stream_table *table)
{
    return RELAXED(&table->label_bytes);
}
