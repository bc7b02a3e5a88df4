#include "storage/head/chunk_list.h"

#include <assert.h>

#include "core/base/bytes.h"
#include "core/model/label_set.h"
#include "storage/head/generation.h"

#define AHEAD_BYTES ((size_t)3072) /* what lies so far ahead is fetched before it is needed; it may be behind the chunk */
#define FETCH_BYTES_MAX ((size_t)1024) /* for an entry: of long lines the processor sees itself how they go on */

enum { LIST_UNSORTED = 1, LIST_TIES = 2 };

/* A chunk with room for one entry of `need` bytes at least. */
static struct chunk *chunk_add(struct chunk_list *list, struct generation *generation, size_t need)
{
    size_t want = list->next_cap == 0 ? CHUNK_BYTES_MIN : list->next_cap;
    size_t cap = want < need ? need : want;
    // What is left of the page is better used than thrown away, if the entry fits.
    size_t room = generation_page_room(generation);
    if (room >= sizeof(struct chunk) + need && room < sizeof(struct chunk) + cap && room >= CHUNK_BYTES_MIN)
        cap = (room - sizeof(struct chunk)) & ~(size_t)7;
    if (cap < need)
        cap = need;
    struct chunk *chunk = generation_alloc(generation, sizeof(*chunk) + cap, 8);
    atomic_init(&chunk->next, NULL);
    atomic_init(&chunk->len, 0);
    chunk->cap = (uint32_t)cap;
    if (want < CHUNK_BYTES_MAX)
        list->next_cap = (uint32_t)(want * 2);
    if (list->newest == NULL)
        PUBLISH(&list->oldest, chunk);
    else
        PUBLISH(&list->newest->next, chunk);
    list->newest = chunk;
    return chunk;
}

/* Copies the entries; nothing is visible before publish_view. Yields the bytes of their metadata as segments count them. */
static uint64_t copy_entries(struct chunk_list *list, struct generation *generation, const struct push_run *run, uint32_t *flags)
{
    struct chunk *chunk = list->newest;
    size_t len = chunk == NULL ? 0 : RELAXED(&chunk->len);
    bool is_first = RELAXED(&list->entries) == 0;
    struct slice last_set = SLICE_NONE; // neighbours often share theirs
    uint32_t last_reference = METADATA_NONE;
    uint64_t last_bytes = 0, metadata_bytes = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct push_entry *entry = &run->entries[i];
        size_t need = CHUNK_ENTRY_HEAD + entry->line.len;
        bool is_last = entry->metadata.ptr == last_set.ptr && entry->metadata.len == last_set.len; // as levels, which are constants
        if (!is_last && !slice_eq(entry->metadata, last_set)) {
            last_set = entry->metadata;
            last_bytes = label_set_bytes(last_set);
            last_reference = metadata_pool_intern(generation_metadata(generation), generation, last_set);
        }
        if (chunk == NULL || chunk->cap - len < need) {
            if (chunk != NULL) // readers reach it by publish_view's release
                atomic_store_explicit(&chunk->len, (uint32_t)len, memory_order_relaxed);
            chunk = chunk_add(list, generation, need);
            len = 0;
        }
        char *at = chunk->bytes + len;
        le64_put(at, (uint64_t)entry->ts_ns);
        le32_put(at + 8, (uint32_t)entry->line.len);
        le32_put(at + 12, last_reference);
        if (entry->line.len > 0)
            memcpy(at + CHUNK_ENTRY_HEAD, entry->line.ptr, entry->line.len);
        len += need;
        metadata_bytes += last_bytes;
        if (!is_first && entry->ts_ns <= list->tail_ns)
            *flags |= entry->ts_ns < list->tail_ns ? LIST_UNSORTED : LIST_TIES;
        list->tail_ns = entry->ts_ns;
        is_first = false;
    }
    atomic_store_explicit(&chunk->len, (uint32_t)len, memory_order_relaxed); // as above
    return metadata_bytes;
}

void chunk_list_append(struct chunk_list *list, struct generation *generation, const struct push_run *run)
{
    if (run->count == 0)
        return;
    uint32_t entries = RELAXED(&list->entries);
    uint32_t flags = RELAXED(&list->flags);
    assert(run->count <= UINT32_MAX - entries);
    uint64_t metadata_bytes = RELAXED(&list->metadata_bytes) + copy_entries(list, generation, run, &flags);
    int64_t first = RELAXED(&list->first_ns), last = RELAXED(&list->last_ns);
    if (entries == 0 || run->first_ns < first)
        first = run->first_ns;
    if (entries == 0 || run->last_ns > last)
        last = run->last_ns;
    uint64_t line_bytes = RELAXED(&list->line_bytes) + run->line_bytes;
    // A seqlock without fences: each store releases the odd version before it, each load of chunk_list_see acquires it.
    uint32_t version = RELAXED(&list->version);
    atomic_store_explicit(&list->version, version + 1, memory_order_relaxed); // released by the stores that follow
    PUBLISH(&list->entries, entries + (uint32_t)run->count);
    PUBLISH(&list->flags, flags);
    PUBLISH(&list->first_ns, first);
    PUBLISH(&list->last_ns, last);
    PUBLISH(&list->line_bytes, line_bytes);
    PUBLISH(&list->metadata_bytes, metadata_bytes);
    PUBLISH(&list->version, version + 2);
}

void chunk_list_see(const struct chunk_list *list, struct chunk_list_view *out)
{
    for (;;) {
        uint32_t version = OBSERVE(&list->version);
        uint32_t flags = OBSERVE(&list->flags);
        *out = (struct chunk_list_view){.entries = OBSERVE(&list->entries),
                                        .is_sorted = (flags & LIST_UNSORTED) == 0,
                                        .has_ties = (flags & LIST_TIES) != 0,
                                        .first_ns = OBSERVE(&list->first_ns),
                                        .last_ns = OBSERVE(&list->last_ns),
                                        .line_bytes = OBSERVE(&list->line_bytes),
                                        .metadata_bytes = OBSERVE(&list->metadata_bytes)};
        if ((version & 1) == 0 && RELAXED(&list->version) == version) // ordered after the acquiring loads above
            return;
    }
}

struct chunk_cursor chunk_list_begin(const struct chunk_list *list, const struct chunk_list_view *view)
{
    return (struct chunk_cursor){.chunk = OBSERVE(&list->oldest), .at = 0, .left = view->entries};
}

bool chunk_cursor_next(struct chunk_cursor *cursor, struct chunk_entry *out)
{
    if (cursor->left == 0)
        return false;
    cursor->left--;
    // The entries of the view were written before it was seen; len may be newer, which does no harm.
    while (cursor->at >= RELAXED(&cursor->chunk->len)) {
        cursor->chunk = OBSERVE(&cursor->chunk->next);
        cursor->at = 0;
    }
    const char *at = cursor->chunk->bytes + cursor->at;
    uint32_t len = le32_get(at + 8);
    // An entry is found by the length of the one before: without this each is waited for in turn, and again when the lines are copied.
    size_t fetch = CHUNK_ENTRY_HEAD + len < FETCH_BYTES_MAX ? CHUNK_ENTRY_HEAD + len : FETCH_BYTES_MAX;
    for (size_t i = 0; i < fetch; i += 64)
        __builtin_prefetch(at + AHEAD_BYTES + i);
    out->ts_ns = (int64_t)le64_get(at);
    out->metadata = le32_get(at + 12);
    out->line = slice_of(at + CHUNK_ENTRY_HEAD, len);
    cursor->at += CHUNK_ENTRY_HEAD + len;
    return true;
}
