#include "storage/index/day_index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "storage/index/index_commit.h"
#include "storage/index/index_read.h"
#include "storage/index/index_state.h"

#define PENDING_MAX ((size_t)200000)        // streams: then add commits by itself
#define PENDING_BYTES_MAX ((size_t)64 << 20)

static bool remove_files(const struct disk *disk, const char *folder, struct err *err)
{
    static const char *const names[] = {"index.mdb", "index.mdb-lock"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        if (disk->unlink(disk, path) != 0 && errno != ENOENT)
            return err_errno(err, "%s: unlink", path);
    }
    return true;
}

static bool is_usable(const struct disk *disk, const char *folder)
{
    char path[4096];
    struct stat info;
    (void)snprintf(path, sizeof(path), "%s/index.mdb", folder);
    return index_state_is_usable(disk, folder) && disk->stat(disk, path, &info) == 0 && info.st_size > 0 && index_env_is_whole(disk, path);
}

static bool open_env(struct day_index *index, bool *rebuild, struct err *err)
{
    *rebuild = !is_usable(index->disk, index->folder);
    // "opening" first: should LMDB crash on what it finds, the next start throws the index away.
    if (!index_state_write(index->disk, index->folder, INDEX_OPENING, err))
        return false;
    if (!*rebuild && index_env_open(index, err))
        return true;
    if (!*rebuild && err->code != ERR_CORRUPT)
        return false;
    index_env_close(index);
    *rebuild = true;
    return remove_files(index->disk, index->folder, err) && index_env_open(index, err);
}

bool day_index_open(const struct disk *disk, const char *folder, struct day_index **out, bool *out_rebuild, struct err *err)
{
    if (strlen(folder) > 4000)
        return err_set(err, ERR_INVALID, "index: a path of %zu bytes is too long", strlen(folder));
    struct day_index *index = mem_zero(sizeof(*index));
    index->disk = disk;
    index->folder = mem_strdup(slice_str(folder));
    bool rebuild = true;
    bool ok = open_env(index, &rebuild, err);
    index->is_filled = !rebuild;
    if (!ok || (!rebuild && !index_state_write(disk, folder, INDEX_OPEN, err))) {
        index_env_close(index);
        mem_free(index->folder);
        mem_free(index);
        return err_wrap(err, "%s", folder);
    }
    *out = index;
    *out_rebuild = rebuild;
    return true;
}

bool day_index_filled(struct day_index *index, struct err *err)
{
    if (!index->is_filled)
        index->is_filled = day_index_commit(index, err) && index_state_write(index->disk, index->folder, INDEX_OPEN, err);
    return index->is_filled;
}

void day_index_abandon(struct day_index *index)
{
    struct err ignored; // it stays "open" then, and this life of the store knows that it is bad
    index->is_filled = false;
    (void)!index_state_write(index->disk, index->folder, INDEX_OPENING, &ignored);
    day_index_close(index);
}

void day_index_close(struct day_index *index)
{
    if (index == NULL)
        return;
    struct err ignored;
    bool ok = index->is_filled && day_index_commit(index, &ignored);
    if (index->is_filled && !ok) // a stream is missing from it
        (void)!index_state_write(index->disk, index->folder, INDEX_OPENING, &ignored);
    ok = ok && mdb_env_sync(index->env, 1) == MDB_SUCCESS; // else it stays "open": another start of the machine rebuilds
    index_env_close(index);
    if (ok)
        (void)!index_state_write(index->disk, index->folder, INDEX_CLEAN, &ignored);
    arena_fini(&index->arena);
    mem_free(index->pending);
    mem_free(index->folder);
    mem_free(index);
}

bool day_index_add(struct day_index *index, struct slice tenant, struct hash128 id, struct slice encoded_labels, struct err *err)
{
    if (tenant.len == 0 || tenant.len > INDEX_TEXT_MAX)
        return err_set(err, ERR_INVALID, "index: a tenant name of %zu bytes", tenant.len);
    if ((index->pending_count >= PENDING_MAX || index->arena.bytes >= PENDING_BYTES_MAX) && !day_index_commit(index, err))
        return false;
    if (index->pending_count == index->pending_cap) {
        index->pending_cap = index->pending_cap == 0 ? 256 : index->pending_cap * 2;
        index->pending = mem_grow(index->pending, index->pending_cap, sizeof(index->pending[0]));
    }
    struct index_pending *pending = &index->pending[index->pending_count];
    bool is_same = index->pending_count > 0 && slice_eq(pending[-1].tenant, tenant); // mostly: one copy for a run of streams
    *pending = (struct index_pending){
        .id = id,
        .tenant = is_same ? pending[-1].tenant : arena_copy(&index->arena, tenant),
        .encoded = arena_copy(&index->arena, encoded_labels),
    };
    index->pending_count++;
    return true;
}

bool day_index_commit(struct day_index *index, struct err *err)
{
    if (index->pending_count == 0)
        return true;
    if (!index_commit_pending(index, err))
        return false; // they stay: the next commit tries again
    index->pending_count = 0;
    arena_reset(&index->arena);
    return true;
}

/* ---- names, values, tenants ---- */

struct texts {
    struct arena arena;
    struct slice *texts;
    size_t count, cap;
    size_t key_head, value_head; // bytes before the text
    bool has_kind;               // a byte before the text in the key says where it is
    bool is_sorted;
};

static bool take_text(void *self, struct slice key, struct slice value, struct err *err)
{
    struct texts *texts = self;
    if (key.len < texts->key_head + texts->has_kind || value.len < texts->value_head)
        return err_set(err, ERR_CORRUPT, "index: a key of %zu bytes", key.len);
    bool is_long = texts->has_kind && key.ptr[texts->key_head] != 0;
    struct slice text = is_long ? slice_from(value, texts->value_head) : slice_from(key, texts->key_head + texts->has_kind);
    texts->is_sorted = texts->is_sorted && !is_long;
    if (texts->count == texts->cap) {
        texts->cap = texts->cap == 0 ? 64 : texts->cap * 2;
        texts->texts = mem_grow(texts->texts, texts->cap, sizeof(texts->texts[0]));
    }
    texts->texts[texts->count++] = arena_copy(&texts->arena, text);
    return true;
}

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* Calls back outside of the transaction: what the caller does must not keep pages from being reused. */
static void give_texts(struct texts *texts, bool ok, void (*each)(void *self, struct slice text), void *self)
{
    if (ok && !texts->is_sorted)
        qsort(texts->texts, texts->count, sizeof(texts->texts[0]), by_text);
    for (size_t i = 0; ok && i < texts->count; i++)
        each(self, texts->texts[i]);
    mem_free(texts->texts);
    arena_fini(&texts->arena);
}

bool day_index_tenants(struct day_index *index, void (*each)(void *self, struct slice tenant), void *self, struct err *err)
{
    struct index_read read;
    if (!index_read_begin(index, &read, err))
        return false;
    struct texts texts = {.arena = ARENA_INIT, .is_sorted = true};
    bool ok = index_walk(index, read.txn, TABLE_TENANTS, SLICE_NONE, take_text, &texts, err);
    index_read_end(&read);
    give_texts(&texts, ok, each, self);
    return ok;
}

bool day_index_names(struct day_index *index, struct slice tenant, void (*each)(void *self, struct slice name), void *self, struct err *err)
{
    struct index_read read;
    if (!index_read_begin(index, &read, err))
        return false;
    struct texts texts = {.arena = ARENA_INIT, .is_sorted = true, .key_head = 4, .value_head = 4, .has_kind = true};
    uint32_t id;
    bool found;
    bool ok = index_tenant_id(index, read.txn, tenant, &id, &found, err);
    if (ok && found) {
        struct index_key prefix = {.len = 0};
        index_key_u32(&prefix, id);
        ok = index_walk(index, read.txn, TABLE_NAMES, slice_of(prefix.bytes, prefix.len), take_text, &texts, err);
    }
    index_read_end(&read);
    give_texts(&texts, ok, each, self);
    return ok;
}

bool day_index_values(struct day_index *index, struct slice tenant, struct slice name, void (*each)(void *self, struct slice value), void *self,
                      struct err *err)
{
    struct index_read read;
    if (!index_read_begin(index, &read, err))
        return false;
    struct texts texts = {.arena = ARENA_INIT, .is_sorted = true, .key_head = 8, .value_head = 8, .has_kind = true};
    uint32_t tenant_id;
    uint32_t name_id;
    bool found;
    bool ok = index_tenant_id(index, read.txn, tenant, &tenant_id, &found, err);
    if (ok && found)
        ok = index_name_id(index, read.txn, tenant_id, name, &name_id, &found, err);
    if (ok && found) {
        struct index_key prefix = {.len = 0};
        index_key_u32(&prefix, tenant_id);
        index_key_u32(&prefix, name_id);
        ok = index_walk(index, read.txn, TABLE_PAIRS, slice_of(prefix.bytes, prefix.len), take_text, &texts, err);
    }
    index_read_end(&read);
    give_texts(&texts, ok, each, self);
    return ok;
}

/* ---- stats, verify ---- */

void day_index_stats(struct day_index *index, struct day_index_stats *out)
{
    *out = (struct day_index_stats){.streams = 0};
    MDB_envinfo info;
    struct index_read read;
    struct err err;
    if (mdb_env_info(index->env, &info) != MDB_SUCCESS || !index_read_begin(index, &read, &err))
        return;
    MDB_stat stats[TABLES];
    for (size_t i = 0; i < TABLES; i++) {
        if (mdb_stat(read.txn, index->tables[i], &stats[i]) != MDB_SUCCESS)
            continue;
        out->used_bytes += (stats[i].ms_branch_pages + stats[i].ms_leaf_pages + stats[i].ms_overflow_pages) * stats[i].ms_psize;
        if (i == TABLE_STREAMS)
            out->streams = stats[i].ms_entries;
        else if (i == TABLE_PAIRS)
            out->pairs = stats[i].ms_entries;
        else if (i == TABLE_POST)
            out->postings = stats[i].ms_entries;
    }
    index_read_end(&read);
    out->mapped_bytes = info.me_mapsize;
    uint64_t file_pages = info.me_last_pgno + 1;
    uint64_t used_pages = out->used_bytes / 4096;
    out->free_pages = file_pages > used_pages ? file_pages - used_pages : 0;
    out->readers = info.me_numreaders;
}

struct verification {
    uint64_t seen;
};

static bool count_value(void *self, struct slice key, struct slice value, struct err *err)
{
    (void)key, (void)value, (void)err; // index_walk has held it against its checksum
    ((struct verification *)self)->seen++;
    return true;
}

void day_index_verify(struct day_index *index, void (*damaged)(void *self, const char *what), void *self)
{
    struct err err;
    struct index_read read;
    if (!index_read_begin(index, &read, &err)) {
        damaged(self, err.text);
        return;
    }
    struct verification counts[TABLES] = {{0}};
    for (enum index_table table = 0; table < TABLES; table++)
        if (!index_walk(index, read.txn, table, SLICE_NONE, count_value, &counts[table], &err))
            damaged(self, err.text);
    index_read_end(&read);
    if (counts[TABLE_IDS].seen != counts[TABLE_STREAMS].seen)
        damaged(self, "index: identities and streams differ in number");
}
