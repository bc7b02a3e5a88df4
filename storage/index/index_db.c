#include "storage/index/index_db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "core/base/crc32c.h"

#define MAP_BYTES ((size_t)16 << 30) // address space, not memory: it cannot grow while readers read
#define READERS_MAX 510
#define CRC_BYTES 4

static const char *const table_names[TABLES] = {"meta", "tenants", "names", "pairs", "ids", "streams", "post"};

bool index_fail(struct err *err, int result, const char *what)
{
    if (result == ENOSPC || result == EDQUOT || result == ENOMEM || result == EMFILE || result == ENFILE || result == EACCES) {
        errno = result;
        return err_errno(err, "index: %s", what);
    }
    if (result == MDB_MAP_FULL)
        return err_set(err, ERR_LIMIT, "index: %s: the day's index has reached %zu bytes, the most that it can have", what, MAP_BYTES);
    if (result == MDB_READERS_FULL)
        return err_set(err, ERR_UNAVAILABLE, "index: %s: %d readers at once: try again later", what, READERS_MAX);
    return err_set(err, ERR_CORRUPT, "index: %s: %s", what, mdb_strerror(result));
}

void index_key_u32(struct index_key *key, uint32_t v)
{
    assert(key->len + 4 <= INDEX_KEY_MAX);
    be32_put(key->bytes + key->len, v);
    key->len += 4;
}

void index_key_bytes(struct index_key *key, struct slice bytes)
{
    assert(key->len + bytes.len <= INDEX_KEY_MAX);
    if (bytes.len > 0)
        memcpy(key->bytes + key->len, bytes.ptr, bytes.len);
    key->len += bytes.len;
}

void index_key_text(struct index_key *key, struct slice text, bool *is_long)
{
    *is_long = text.len > INDEX_TEXT_MAX;
    if (!*is_long) {
        index_key_bytes(key, SLICE("\0"));
        index_key_bytes(key, text);
        return;
    }
    struct hash128 hash = hash128(text);
    char bytes[17] = {1};
    le64_put(bytes + 1, hash.low);
    le64_put(bytes + 9, hash.high);
    index_key_bytes(key, slice_of(bytes, sizeof(bytes)));
}

bool index_check(enum index_table table, MDB_val key, MDB_val value, struct slice *out, struct err *err)
{
    if (value.mv_size < CRC_BYTES)
        return err_set(err, ERR_CORRUPT, "index: %s: a value of %zu bytes", table_names[table], value.mv_size);
    struct slice bytes = slice_of(value.mv_data, value.mv_size - CRC_BYTES);
    uint32_t crc = crc32c(crc32c(0, slice_of(key.mv_data, key.mv_size)), bytes);
    if (crc != le32_get(bytes.ptr + bytes.len))
        return err_set(err, ERR_CORRUPT, "index: %s: checksum", table_names[table]);
    *out = bytes;
    return true;
}

bool index_get(const struct day_index *index, MDB_txn *txn, enum index_table table, const struct index_key *key, struct slice *out, bool *found,
               struct err *err)
{
    MDB_val k = {key->len, (void *)(uintptr_t)key->bytes};
    MDB_val v;
    int result = mdb_get(txn, index->tables[table], &k, &v);
    *found = result == MDB_SUCCESS;
    if (result == MDB_NOTFOUND)
        return true;
    if (result != MDB_SUCCESS)
        return index_fail(err, result, table_names[table]);
    return index_check(table, k, v, out, err);
}

bool index_put(const struct day_index *index, MDB_cursor *cursor, enum index_table table, const struct index_key *key, struct slice head, struct slice tail,
               unsigned flags, struct err *err)
{
    (void)index;
    MDB_val k = {key->len, (void *)(uintptr_t)key->bytes};
    MDB_val v = {head.len + tail.len + CRC_BYTES, NULL};
    int result = mdb_cursor_put(cursor, &k, &v, MDB_RESERVE | flags);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, table_names[table]);
    char *to = v.mv_data;
    memcpy(to, head.ptr, head.len);
    if (tail.len > 0)
        memcpy(to + head.len, tail.ptr, tail.len);
    struct slice bytes = slice_of(to, head.len + tail.len);
    le32_put(to + bytes.len, crc32c(crc32c(0, slice_of(key->bytes, key->len)), bytes));
    return true;
}

static bool open_tables(struct day_index *index, MDB_txn *txn, struct err *err)
{
    for (size_t i = 0; i < TABLES; i++) {
        int result = mdb_dbi_open(txn, table_names[i], MDB_CREATE, &index->tables[i]);
        if (result != MDB_SUCCESS)
            return index_fail(err, result, table_names[i]);
    }
    return index_next_read(index, txn, &index->next, err);
}

bool index_env_open(struct day_index *index, struct err *err)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/index.mdb", index->folder);
    int result = mdb_env_create(&index->env);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, "create");
    (void)mdb_env_set_mapsize(index->env, MAP_BYTES); // these fail only for an open environment
    (void)mdb_env_set_maxdbs(index->env, TABLES);
    (void)mdb_env_set_maxreaders(index->env, READERS_MAX);
    result = mdb_env_open(index->env, path, MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS | MDB_NORDAHEAD, 0640);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, "open");
    MDB_txn *txn;
    result = mdb_txn_begin(index->env, NULL, 0, &txn);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, "begin");
    if (!open_tables(index, txn, err)) {
        mdb_txn_abort(txn);
        return false;
    }
    result = mdb_txn_commit(txn);
    return result == MDB_SUCCESS || index_fail(err, result, "commit");
}

void index_env_close(struct day_index *index)
{
    if (index->env != NULL)
        mdb_env_close(index->env);
    index->env = NULL;
}

bool index_env_is_whole(const struct disk *disk, const char *path)
{
    int fd = disk->open(disk, path, O_RDONLY, 0);
    if (fd < 0)
        return errno == ENOENT;
    struct stat info;
    char head[4096 + 160];
    struct err ignored;
    bool ok = disk->fstat(disk, fd, &info) == 0;
    // Both heads of LMDB's file, a page each: magic at 16, page size at 40, last page at 136. 0.9's layout on 64 bits.
    if (ok && info.st_size > 0) {
        ok = disk_read_all(disk, fd, head, sizeof(head), 0, &ignored);
        for (size_t at = 0; ok && at <= 4096; at += 4096) {
            uint32_t page_bytes = le32_get(head + 40);
            uint64_t last_page = le64_get(head + at + 136);
            ok = le32_get(head + at + 16) == 0xBEEFC0DE && page_bytes == 4096 && last_page < MAP_BYTES / 4096 &&
                 (uint64_t)info.st_size >= (last_page + 1) * 4096;
        }
    }
    (void)disk->close(disk, fd); // read only: nothing can be lost
    return ok;
}

bool index_next_read(const struct day_index *index, MDB_txn *txn, struct index_next *out, struct err *err)
{
    struct index_key key = {.len = 0};
    index_key_bytes(&key, SLICE("next"));
    struct slice value;
    bool found;
    if (!index_get(index, txn, TABLE_META, &key, &value, &found, err))
        return false;
    *out = (struct index_next){.stream = 0, .pair = 0, .name = 1, .tenant = 0}; // name 0: see the format
    if (!found)
        return true;
    if (value.len != 16)
        return err_set(err, ERR_CORRUPT, "index: meta: %zu bytes", value.len);
    *out = (struct index_next){le32_get(value.ptr), le32_get(value.ptr + 4), le32_get(value.ptr + 8), le32_get(value.ptr + 12)};
    return true;
}

static bool get_id(const struct day_index *index, MDB_txn *txn, enum index_table table, const struct index_key *key, uint32_t *out, bool *found,
                   struct err *err)
{
    struct slice value;
    if (!index_get(index, txn, table, key, &value, found, err))
        return false;
    if (*found && value.len < 4)
        return err_set(err, ERR_CORRUPT, "index: %s: an id of %zu bytes", table_names[table], value.len);
    if (*found)
        *out = le32_get(value.ptr);
    return true;
}

bool index_tenant_id(const struct day_index *index, MDB_txn *txn, struct slice tenant, uint32_t *out, bool *found, struct err *err)
{
    *found = false;
    if (tenant.len == 0 || tenant.len > INDEX_TEXT_MAX)
        return true;
    struct index_key key = {.len = 0};
    index_key_bytes(&key, tenant);
    return get_id(index, txn, TABLE_TENANTS, &key, out, found, err);
}

bool index_name_id(const struct day_index *index, MDB_txn *txn, uint32_t tenant, struct slice name, uint32_t *out, bool *found, struct err *err)
{
    struct index_key key = {.len = 0};
    bool is_long;
    index_key_u32(&key, tenant);
    index_key_text(&key, name, &is_long);
    return get_id(index, txn, TABLE_NAMES, &key, out, found, err);
}

bool index_walk(const struct day_index *index, MDB_txn *txn, enum index_table table, struct slice prefix,
                bool (*each)(void *self, struct slice key, struct slice value, struct err *err), void *self, struct err *err)
{
    MDB_cursor *cursor;
    int result = mdb_cursor_open(txn, index->tables[table], &cursor);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, table_names[table]);
    MDB_val key = {prefix.len, (void *)(uintptr_t)prefix.ptr};
    MDB_val value;
    bool ok = true;
    err->code = ERR_NONE; // so that a stop can be told from a failure
    for (result = mdb_cursor_get(cursor, &key, &value, prefix.len == 0 ? MDB_FIRST : MDB_SET_RANGE); result == MDB_SUCCESS;
         result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct slice bytes;
        struct slice k = slice_of(key.mv_data, key.mv_size);
        if (!slice_starts(k, prefix))
            break;
        ok = index_check(table, key, value, &bytes, err);
        if (!ok)
            break;
        if (!each(self, k, bytes, err)) {
            ok = err->code == ERR_NONE;
            break;
        }
    }
    mdb_cursor_close(cursor);
    if (ok && result != MDB_SUCCESS && result != MDB_NOTFOUND)
        return index_fail(err, result, table_names[table]);
    return ok;
}
