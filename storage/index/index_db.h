/* index_db.h: the LMDB environment of one day, its tables, and values that carry a checksum. Inner header of storage/index.
 *
 * FORMAT, version 1; whole: docs/formats/index.md. Numbers in keys are big-endian u32, so that keys sort as they count; in values
 * little-endian. Each value ends with a crc32c of key and value.
 *
 *   table    key                                            value
 *   meta     "next"                                         u32 next stream, pair, name, tenant id
 *   tenants  tenant name                                    u32 tenant id
 *   names    tenant id, text key of the name                u32 name id, [text]
 *   pairs    tenant id, name id, text key of the value      u32 pair id, u32 postings, [text]
 *   ids      stream identity, 16 bytes, high first          u32 stream id
 *   streams  stream id                                      identity (16 bytes), encoded labels
 *   post     pair id, first stream id of the block          stream ids, u32 each, rising, INDEX_BLOCK_IDS at most
 *
 * Text key: byte 0 and the text, or, over INDEX_TEXT_MAX bytes, byte 1 and its XXH3-128; then the value has the text.
 * Name id 0 with the empty value is the pair that every stream of the tenant has.
 */
#pragma once

#include <lmdb.h>

#include "core/base/arena.h"
#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/model/label_set.h"
#include "storage/index/day_index.h"

#define INDEX_BLOCK_IDS 1000 /* with checksum and page head within one 4 KiB overflow page */
#define INDEX_TEXT_MAX 440   /* LMDB's keys end at 511 bytes */
#define INDEX_KEY_MAX 511

enum index_table { TABLE_META, TABLE_TENANTS, TABLE_NAMES, TABLE_PAIRS, TABLE_IDS, TABLE_STREAMS, TABLE_POST, TABLES };

struct index_next {
    uint32_t stream, pair, name, tenant;
};

struct index_pending {
    struct hash128 id;
    struct slice tenant, encoded; /* in the pending arena */
    uint32_t number;              /* set by commit; UINT32_MAX: it is there already */
};

struct day_index {
    const struct disk *disk;
    char *folder;
    MDB_env *env;
    MDB_dbi tables[TABLES];
    struct index_next next; /* the writer's */
    struct arena arena;     /* of pending */
    struct index_pending *pending;
    size_t pending_count, pending_cap;
    bool is_filled; /* holds all that it should: else it must not be trusted by a later opening */
};

struct index_key {
    size_t len;
    char bytes[INDEX_KEY_MAX];
};

/* An LMDB result as an error: space and memory as such, all else ERR_CORRUPT: rebuild. */
bool index_fail(struct err *err, int result, const char *what);

void index_key_u32(struct index_key *key, uint32_t v);
void index_key_bytes(struct index_key *key, struct slice bytes);
/* The text, or its hash; *is_long tells. */
void index_key_text(struct index_key *key, struct slice text, bool *is_long);

/* The value without its checksum: valid until the transaction ends or writes. *found false: not there. */
bool index_get(const struct day_index *index, MDB_txn *txn, enum index_table table, const struct index_key *key, struct slice *out, bool *found,
               struct err *err) MUST_CHECK;
/* Takes the checksum off a value that a cursor gave. */
bool index_check(enum index_table table, MDB_val key, MDB_val value, struct slice *out, struct err *err) MUST_CHECK;
/* Of the head and the tail, joined; with MDB_APPEND or 0. */
bool index_put(const struct day_index *index, MDB_cursor *cursor, enum index_table table, const struct index_key *key, struct slice head, struct slice tail,
               unsigned flags, struct err *err) MUST_CHECK;

/* Opens env and tables. The index's folder and disk are set. */
bool index_env_open(struct day_index *index, struct err *err) MUST_CHECK;
void index_env_close(struct day_index *index); /* NULL env is fine */
/* False if the file is shorter than its own head says: mapping it would end in SIGBUS. A missing file is fine. */
bool index_env_is_whole(const struct disk *disk, const char *path);

bool index_next_read(const struct day_index *index, MDB_txn *txn, struct index_next *out, struct err *err) MUST_CHECK;

/* Ids of a tenant and a name; *found false: unknown. */
bool index_tenant_id(const struct day_index *index, MDB_txn *txn, struct slice tenant, uint32_t *out, bool *found, struct err *err) MUST_CHECK;
bool index_name_id(const struct day_index *index, MDB_txn *txn, uint32_t tenant, struct slice name, uint32_t *out, bool *found, struct err *err) MUST_CHECK;

/* Calls back for each key that starts with prefix, in order; each: false stops, with *err set if it is a failure (then code is not ERR_NONE). */
bool index_walk(const struct day_index *index, MDB_txn *txn, enum index_table table, struct slice prefix,
                bool (*each)(void *self, struct slice key, struct slice value, struct err *err), void *self, struct err *err) MUST_CHECK;
