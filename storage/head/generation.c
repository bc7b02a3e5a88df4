#include "storage/head/generation.h"

#include <assert.h>

#include "core/base/mem.h"

#define SLOTS_MIN ((size_t)64)

struct list_slot {
    uint64_t tag;                      // id.low; written before the list
    _Atomic(struct chunk_list *) list; // PUBLISH; NULL: free
};

struct list_table {
    struct list_table *smaller; // the one before it grew: readers may still walk it, so it ends with the generation
    size_t cap;
    struct list_slot slots[];
};

struct generation {
    struct page_pool *pool;
    _Atomic size_t refs;
    unsigned shard;
    bool is_frozen; // the worker's, for asserts
    uint64_t number;
    int64_t created_mono_ns;
    _Atomic size_t *bytes_counter;
    _Atomic size_t bytes;
    _Atomic uint64_t entries, first_sequence, last_sequence;
    _Atomic size_t list_count;
    _Atomic(struct list_table *) table;
    _Atomic(struct chunk_list *) first_list; // PUBLISH
    struct chunk_list *last_list;            // the worker's
    struct head_page *pages; // newest first
    char *next, *end;        // free bytes of the newest page
    size_t metadata_bytes;   // of the pool's malloc, as charged
    struct page_spill spill; // what is no more in pages
    _Atomic size_t *spilled_counter;
    struct metadata_pool metadata;
};

static void charge(struct generation *generation, size_t bytes)
{
    atomic_fetch_add_explicit(&generation->bytes, bytes, memory_order_relaxed); // a figure
    if (generation->bytes_counter != NULL)
        atomic_fetch_add_explicit(generation->bytes_counter, bytes, memory_order_relaxed); // a budget, not a guard
}

static struct list_table *table_create(struct generation *generation, size_t cap)
{
    size_t bytes = sizeof(struct list_table) + cap * sizeof(struct list_slot);
    struct list_table *table = mem_zero(bytes);
    table->cap = cap;
    charge(generation, bytes);
    return table;
}

struct generation *generation_create(struct page_pool *pool, unsigned shard, uint64_t number, int64_t now_mono_ns,
                                     _Atomic size_t *bytes_counter)
{
    struct generation *generation = mem_zero(sizeof(*generation));
    generation->pool = pool;
    generation->refs = 1;
    generation->shard = shard;
    generation->number = number;
    generation->created_mono_ns = now_mono_ns;
    generation->bytes_counter = bytes_counter;
    atomic_store(&generation->table, table_create(generation, SLOTS_MIN));
    return generation;
}

struct generation *generation_ref(struct generation *generation)
{
    atomic_fetch_add_explicit(&generation->refs, 1, memory_order_relaxed); // whoever refs has a reference already
    return generation;
}

static void unref_stream(void *self, struct chunk_list *list)
{
    (void)self;
    stream_unref(list->stream);
}

void generation_unref(struct generation *generation)
{
    if (generation == NULL || atomic_fetch_sub(&generation->refs, 1) != 1)
        return;
    generation_each(generation, unref_stream, NULL);
    metadata_pool_fini(&generation->metadata);
    struct list_table *table = RELAXED(&generation->table);
    while (table != NULL) {
        struct list_table *smaller = table->smaller;
        mem_free(table);
        table = smaller;
    }
    page_pool_give(generation->pool, generation->pages);
    if (generation->spilled_counter != NULL)
        atomic_fetch_sub_explicit(generation->spilled_counter, generation->spill.bytes, memory_order_relaxed); // a budget
    page_pool_drop(&generation->spill);
    if (generation->bytes_counter != NULL)
        atomic_fetch_sub_explicit(generation->bytes_counter, RELAXED(&generation->bytes), memory_order_relaxed); // a budget
    mem_free(generation);
}

void *generation_alloc(struct generation *generation, size_t bytes, size_t align)
{
    uintptr_t at = ((uintptr_t)generation->next + align - 1) & ~(uintptr_t)(align - 1);
    if (generation->next == NULL || at + bytes > (uintptr_t)generation->end) {
        struct head_page *page = page_pool_take(generation->pool, bytes);
        charge(generation, page->bytes);
        if (page->bytes > HEAD_PAGE_BYTES && generation->pages != NULL) {
            // A piece with a page of its own: the newest page goes on being filled.
            page->next = generation->pages->next;
            generation->pages->next = page;
            return page->data;
        }
        page->next = generation->pages;
        generation->pages = page;
        generation->end = (char *)page + page->bytes;
        at = (uintptr_t)page->data;
    }
    generation->next = (char *)at + bytes;
    return (char *)at;
}

size_t generation_page_room(const struct generation *generation)
{
    uintptr_t at = ((uintptr_t)generation->next + 7) & ~(uintptr_t)7;
    return generation->next == NULL || at >= (uintptr_t)generation->end ? 0 : (uintptr_t)generation->end - at;
}

struct metadata_pool *generation_metadata(struct generation *generation)
{
    return &generation->metadata;
}

static void table_put(struct list_table *table, struct chunk_list *list)
{
    size_t i = (size_t)list->stream->id.high & (table->cap - 1);
    while (RELAXED(&table->slots[i].list) != NULL)
        i = (i + 1) & (table->cap - 1);
    table->slots[i].tag = list->stream->id.low;
    PUBLISH(&table->slots[i].list, list);
}

static void table_grow(struct generation *generation)
{
    struct list_table *old = RELAXED(&generation->table);
    struct list_table *table = table_create(generation, old->cap * 2);
    for (size_t i = 0; i < old->cap; i++)
        if (RELAXED(&old->slots[i].list) != NULL)
            table_put(table, RELAXED(&old->slots[i].list));
    table->smaller = old;
    PUBLISH(&generation->table, table);
}

struct chunk_list *generation_list(struct generation *generation, struct stream_record *stream)
{
    assert(!generation->is_frozen);
    if (stream->list_generation == generation->number)
        return stream->list;
    struct chunk_list *list = generation_alloc(generation, sizeof(*list), 8);
    memset(list, 0, sizeof(*list));
    list->stream = stream_ref(stream);
    size_t count = RELAXED(&generation->list_count) + 1;
    if (count * 4 > RELAXED(&generation->table)->cap * 3)
        table_grow(generation);
    table_put(RELAXED(&generation->table), list);
    PUBLISH(generation->last_list == NULL ? &generation->first_list : &generation->last_list->next_list, list);
    generation->last_list = list;
    atomic_store_explicit(&generation->list_count, count, memory_order_relaxed); // a figure; the worker alone writes it
    stream->list = list;
    stream->list_generation = generation->number;
    figure_chunk_begun();
    return list;
}

void generation_append(struct generation *generation, struct chunk_list *list, const struct push_run *run)
{
    assert(!generation->is_frozen);
    chunk_list_append(list, generation, run);
    atomic_fetch_add_explicit(&generation->entries, run->count, memory_order_relaxed); // a figure
    if (generation->metadata.bytes > generation->metadata_bytes) {
        charge(generation, generation->metadata.bytes - generation->metadata_bytes);
        generation->metadata_bytes = generation->metadata.bytes;
    }
}

void generation_note_sequence(struct generation *generation, uint64_t sequence)
{
    assert(sequence >= RELAXED(&generation->last_sequence));
    if (RELAXED(&generation->first_sequence) == 0)
        atomic_store(&generation->first_sequence, sequence);
    atomic_store(&generation->last_sequence, sequence);
}

void generation_freeze(struct generation *generation)
{
    generation->is_frozen = true;
    metadata_pool_seal(&generation->metadata);
}

bool generation_spill(struct generation *generation, const struct disk *disk, const char *path, _Atomic size_t *spilled_counter, struct err *err)
{
    assert(generation->is_frozen && generation->spilled_counter == NULL);
    bool ok = page_pool_spill(generation->pool, &generation->pages, disk, path, &generation->spill, err);
    size_t bytes = generation->spill.bytes;
    generation->spilled_counter = spilled_counter;
    atomic_fetch_add_explicit(spilled_counter, bytes, memory_order_relaxed); // budgets and a figure
    atomic_fetch_sub_explicit(generation->bytes_counter, bytes, memory_order_relaxed);
    atomic_fetch_sub_explicit(&generation->bytes, bytes, memory_order_relaxed);
    return ok;
}

void generation_retire(struct generation *generation, _Atomic size_t *other_counter)
{
    size_t bytes = RELAXED(&generation->bytes);
    atomic_fetch_sub_explicit(generation->bytes_counter, bytes, memory_order_relaxed); // budgets, not guards
    atomic_fetch_add_explicit(other_counter, bytes, memory_order_relaxed);
    generation->bytes_counter = other_counter; // seen by the last unref, which comes after the caller's
}

unsigned generation_shard(const struct generation *generation)
{
    return generation->shard;
}

uint64_t generation_number(const struct generation *generation)
{
    return generation->number;
}

size_t generation_bytes(const struct generation *generation)
{
    return RELAXED(&generation->bytes);
}

uint64_t generation_entries(const struct generation *generation)
{
    return RELAXED(&generation->entries);
}

size_t generation_list_count(const struct generation *generation)
{
    return RELAXED(&generation->list_count);
}

int64_t generation_created_mono_ns(const struct generation *generation)
{
    return generation->created_mono_ns;
}

uint64_t generation_first_sequence(const struct generation *generation)
{
    return atomic_load(&generation->first_sequence);
}

uint64_t generation_last_sequence(const struct generation *generation)
{
    return atomic_load(&generation->last_sequence);
}

struct chunk_list *generation_find(const struct generation *generation, struct hash128 id)
{
    const struct list_table *table = OBSERVE(&generation->table); // pairs with table_grow
    for (size_t i = (size_t)id.high & (table->cap - 1);; i = (i + 1) & (table->cap - 1)) {
        struct chunk_list *list = OBSERVE(&table->slots[i].list); // pairs with table_put
        if (list == NULL || (table->slots[i].tag == id.low && list->stream->id.high == id.high))
            return list;
    }
}

void generation_each(const struct generation *generation, void (*each)(void *self, struct chunk_list *list), void *self)
{
    // As they lie in memory: by the table's slots each list would be a cache miss.
    struct chunk_list *next;
    for (struct chunk_list *list = OBSERVE(&generation->first_list); list != NULL; list = next) {
        next = OBSERVE(&list->next_list); // pairs with generation_list; first: `each` may be the end of the list's stream
        each(self, list);
    }
}
