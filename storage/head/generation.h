/* generation.h: what one shard took in between two seals: chunk lists by stream, their pages, their metadata sets. Active while the
 * worker appends to it, then frozen until its segments are published, then gone with the last reader.
 *
 *               add, append, freeze   read
 *     add...            X              -     the shard's worker
 *     read              -              -     any thread that holds a reference: no lock, no read section, however long it takes
 *
 * Why references and not RCU: a scan reads lists long after it took its snapshot, and read sections must be short.
 */
#pragma once

#include "storage/head/chunk_list.h"
#include "storage/head/metadata_pool.h"
#include "storage/head/page_pool.h"
#include "storage/head/stream_table.h"

struct generation;

/* number: rises by one in a shard, from 1. bytes_counter: what it takes is added there while it lives (NULL: nowhere). One reference. */
struct generation *generation_create(struct page_pool *pool, unsigned shard, uint64_t number, int64_t now_mono_ns,
                                     _Atomic size_t *bytes_counter) MUST_CHECK;
struct generation *generation_ref(struct generation *generation);
void generation_unref(struct generation *generation); /* NULL is fine */

/* ---- the worker's ---- */

/* The stream's list, made when it has none here. */
struct chunk_list *generation_list(struct generation *generation, struct stream_record *stream);

/* Appends a run of the push with that sequence; sequences never go down. */
void generation_append(struct generation *generation, struct chunk_list *list, const struct push_run *run);
/* All pushes up to it have been applied, whether or not they had entries for this shard. */
void generation_note_sequence(struct generation *generation, uint64_t sequence);
void generation_freeze(struct generation *generation);

/* Frozen: its pages go to a file made as `path`, whose name does not stay, and are read from there by whoever reads it: they do not count in its bytes any
 * more, but in *spilled_counter, which must outlive it. False: some or none did, and all is readable as before. */
bool generation_spill(struct generation *generation, const struct disk *disk, const char *path, _Atomic size_t *spilled_counter, struct err *err) MUST_CHECK;

/* It is in force no more: what scans still hold of it counts in other_counter from now on. Thread: one that holds a reference. */
void generation_retire(struct generation *generation, _Atomic size_t *other_counter);

/* Memory of its pages. */
void *generation_alloc(struct generation *generation, size_t bytes, size_t align) MUST_CHECK;
size_t generation_page_room(const struct generation *generation); /* bytes left in the newest page, for align 8 */
struct metadata_pool *generation_metadata(struct generation *generation);

/* ---- any thread's ---- */

unsigned generation_shard(const struct generation *generation);
uint64_t generation_number(const struct generation *generation);
size_t generation_bytes(const struct generation *generation);
uint64_t generation_entries(const struct generation *generation);
size_t generation_list_count(const struct generation *generation);
int64_t generation_created_mono_ns(const struct generation *generation);
uint64_t generation_first_sequence(const struct generation *generation); /* 0: nothing applied yet */
uint64_t generation_last_sequence(const struct generation *generation);

/* NULL if the stream has nothing here. */
struct chunk_list *generation_find(const struct generation *generation, struct hash128 id);
/* All lists, in the order of creation; one added meanwhile may be left out. */
void generation_each(const struct generation *generation, void (*each)(void *self, struct chunk_list *list), void *self);
