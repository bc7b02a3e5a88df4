#include "storage/index/index_commit.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "storage/figures/store_figures.h"

/* A tenant, a name or a pair that the batch uses. */
enum item_kind { ITEM_TENANT, ITEM_NAME, ITEM_PAIR };

#define ITEM_NONE UINT32_MAX

struct item {
    uint64_t hash;
    struct slice text;    // tenant, name, or value
    enum item_kind kind;
    uint32_t tenant, name; // items; name ITEM_NONE: the pair that all streams of the tenant have
    uint32_t id;
    uint32_t uses; // pairs: streams of this batch that have it
    uint32_t stored; // pairs: postings that the tables have already
    size_t first;  // pairs: of its stream ids in `ids`
};

struct batch {
    struct day_index *index;
    MDB_txn *txn;
    struct item *items;
    uint32_t item_count, item_cap;
    uint32_t *slots; // open addressing: item + 1, 0 is free
    size_t slot_count;
    uint32_t *uses; // for each new stream in order of its id, the pair items, ended by ITEM_NONE
    size_t use_count, use_cap;
    uint32_t first_stream;
    uint32_t *ids;   // stream ids by pair item
    uint32_t *order; // items of a kind, sorted for the tables
    struct index_next next;
};

static void grow_slots(struct batch *batch)
{
    mem_free(batch->slots);
    batch->slot_count = batch->slot_count == 0 ? 1024 : batch->slot_count * 2;
    batch->slots = mem_array(batch->slot_count, sizeof(uint32_t));
    for (uint32_t i = 0; i < batch->item_count; i++) {
        size_t at = batch->items[i].hash & (batch->slot_count - 1);
        while (batch->slots[at] != 0)
            at = (at + 1) & (batch->slot_count - 1);
        batch->slots[at] = i + 1;
    }
}

/* The item, found or new. */
static uint32_t take_item(struct batch *batch, uint64_t hash, struct slice text, enum item_kind kind, uint32_t tenant, uint32_t name)
{
    if ((size_t)batch->item_count * 2 >= batch->slot_count)
        grow_slots(batch);
    size_t at = hash & (batch->slot_count - 1);
    for (; batch->slots[at] != 0; at = (at + 1) & (batch->slot_count - 1)) {
        const struct item *item = &batch->items[batch->slots[at] - 1];
        if (item->hash == hash && item->kind == kind && item->tenant == tenant && item->name == name && slice_eq(item->text, text))
            return batch->slots[at] - 1;
    }
    if (batch->item_count == batch->item_cap) {
        batch->item_cap = batch->item_cap == 0 ? 1024 : batch->item_cap * 2;
        batch->items = mem_grow(batch->items, batch->item_cap, sizeof(struct item));
    }
    batch->items[batch->item_count] = (struct item){.hash = hash, .text = text, .kind = kind, .tenant = tenant, .name = name};
    batch->slots[at] = ++batch->item_count;
    return batch->item_count - 1;
}

static void use_pair(struct batch *batch, uint32_t tenant, uint32_t name, struct slice value)
{
    uint64_t seed = ((uint64_t)tenant << 32 | name) * UINT64_C(0x9E3779B97F4A7C15) + ITEM_PAIR;
    uint32_t item = take_item(batch, hash64_seeded(value, seed), value, ITEM_PAIR, tenant, name);
    batch->items[item].uses++;
    if (batch->use_count + 2 > batch->use_cap) {
        batch->use_cap = batch->use_cap == 0 ? 4096 : batch->use_cap * 2;
        batch->uses = mem_grow(batch->uses, batch->use_cap, sizeof(uint32_t));
    }
    batch->uses[batch->use_count++] = item;
}

static bool use_stream(struct batch *batch, const struct index_pending *stream, struct err *err)
{
    uint32_t tenant = take_item(batch, hash64_seeded(stream->tenant, ITEM_TENANT), stream->tenant, ITEM_TENANT, ITEM_NONE, ITEM_NONE);
    use_pair(batch, tenant, ITEM_NONE, SLICE(""));
    struct slice rest = stream->encoded;
    struct label label;
    while (label_next(&rest, &label)) {
        uint32_t name = take_item(batch, hash64_seeded(label.name, (uint64_t)tenant << 2 | ITEM_NAME), label.name, ITEM_NAME, tenant, ITEM_NONE);
        use_pair(batch, tenant, name, label.value);
    }
    batch->uses[batch->use_count++] = ITEM_NONE; // use_pair keeps room for it
    return rest.len == 0 || err_set(err, ERR_INVALID, "index: labels that are no label set");
}

static int by_identity(const void *a, const void *b)
{
    const struct index_pending *const *x = a;
    const struct index_pending *const *y = b;
    int order = hash128_cmp((*x)->id, (*y)->id);
    return order != 0 ? order : (*x > *y) - (*x < *y); // of equal ones the first to come first
}

static void identity_key(struct index_key *key, struct hash128 id)
{
    char bytes[16];
    le64_put(bytes, __builtin_bswap64(id.high));
    le64_put(bytes + 8, __builtin_bswap64(id.low));
    key->len = 0;
    index_key_bytes(key, slice_of(bytes, sizeof(bytes)));
}

/* Numbers those that are new, in order of arrival; `sorted` has them by identity. */
static bool number_streams(struct batch *batch, struct index_pending **sorted, struct err *err)
{
    struct day_index *index = batch->index;
    for (size_t i = 0; i < index->pending_count; i++)
        sorted[i] = &index->pending[i];
    qsort(sorted, index->pending_count, sizeof(sorted[0]), by_identity);
    for (size_t i = 0; i < index->pending_count; i++) {
        bool found = i > 0 && hash128_eq(sorted[i]->id, sorted[i - 1]->id);
        struct index_key key;
        struct slice value;
        identity_key(&key, sorted[i]->id);
        if (!found && !index_get(index, batch->txn, TABLE_IDS, &key, &value, &found, err))
            return false;
        sorted[i]->number = found ? UINT32_MAX : 0;
    }
    batch->first_stream = batch->next.stream;
    for (size_t i = 0; i < index->pending_count; i++) {
        if (index->pending[i].number == UINT32_MAX)
            continue;
        if (batch->next.stream == UINT32_MAX - 1)
            return err_set(err, ERR_LIMIT, "index: the day has 2^32 streams");
        index->pending[i].number = batch->next.stream++;
    }
    return true;
}

static bool open_cursor(const struct batch *batch, enum index_table table, MDB_cursor **out, struct err *err)
{
    int result = mdb_cursor_open(batch->txn, batch->index->tables[table], out);
    return result == MDB_SUCCESS || index_fail(err, result, "cursor");
}

static bool put_streams(struct batch *batch, struct index_pending *const *sorted, struct err *err)
{
    struct day_index *index = batch->index;
    MDB_cursor *ids;
    MDB_cursor *streams;
    if (!open_cursor(batch, TABLE_IDS, &ids, err) || !open_cursor(batch, TABLE_STREAMS, &streams, err))
        return false; // the transaction's end frees them
    for (size_t i = 0; i < index->pending_count; i++) {
        if (sorted[i]->number == UINT32_MAX)
            continue;
        struct index_key key;
        char number[4];
        identity_key(&key, sorted[i]->id);
        le32_put(number, sorted[i]->number);
        if (!index_put(index, ids, TABLE_IDS, &key, slice_of(number, 4), SLICE_NONE, 0, err))
            return false;
    }
    for (size_t i = 0; i < index->pending_count; i++) {
        const struct index_pending *stream = &index->pending[i];
        if (stream->number == UINT32_MAX)
            continue;
        struct index_key key;
        struct index_key number = {.len = 0};
        identity_key(&key, stream->id);
        index_key_u32(&number, stream->number);
        if (!index_put(index, streams, TABLE_STREAMS, &number, slice_of(key.bytes, 16), stream->encoded, MDB_APPEND, err))
            return false;
    }
    mdb_cursor_close(ids);
    mdb_cursor_close(streams);
    return true;
}

/* The key of an item, whose tenant and name have their ids. */
static void item_key(const struct batch *batch, const struct item *item, struct index_key *key, bool *is_long)
{
    key->len = 0;
    *is_long = false;
    if (item->kind == ITEM_TENANT) {
        index_key_bytes(key, item->text);
        return;
    }
    index_key_u32(key, batch->items[item->tenant].id);
    if (item->kind == ITEM_PAIR)
        index_key_u32(key, item->name == ITEM_NONE ? 0 : batch->items[item->name].id);
    index_key_text(key, item->text, is_long);
}

static int by_item(const void *a, const void *b, void *self)
{
    const struct batch *batch = self;
    const struct item *x = &batch->items[*(const uint32_t *)a];
    const struct item *y = &batch->items[*(const uint32_t *)b];
    if (x->kind != ITEM_TENANT && x->tenant != y->tenant)
        return batch->items[x->tenant].id < batch->items[y->tenant].id ? -1 : 1;
    if (x->kind == ITEM_PAIR && x->name != y->name) {
        uint32_t p = x->name == ITEM_NONE ? 0 : batch->items[x->name].id;
        uint32_t q = y->name == ITEM_NONE ? 0 : batch->items[y->name].id;
        return p < q ? -1 : 1;
    }
    return slice_cmp(x->text, y->text);
}

/* Ids for the items of a kind: those of the tables, or the next. */
static bool put_items(struct batch *batch, enum item_kind kind, enum index_table table, uint32_t *next_id, struct err *err)
{
    size_t count = 0;
    for (uint32_t i = 0; i < batch->item_count; i++)
        if (batch->items[i].kind == kind)
            batch->order[count++] = i;
    qsort_r(batch->order, count, sizeof(uint32_t), by_item, batch);
    MDB_cursor *cursor;
    if (!open_cursor(batch, table, &cursor, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct item *item = &batch->items[batch->order[i]];
        struct index_key key;
        struct slice value;
        bool is_long;
        bool found;
        item_key(batch, item, &key, &is_long);
        if (!index_get(batch->index, batch->txn, table, &key, &value, &found, err))
            return false;
        size_t head_bytes = kind == ITEM_PAIR ? 8 : 4;
        if (found && value.len < head_bytes)
            return err_set(err, ERR_CORRUPT, "index: an id of %zu bytes", value.len);
        item->id = found ? le32_get(value.ptr) : (*next_id)++;
        item->stored = found && kind == ITEM_PAIR ? le32_get(value.ptr + 4) : 0;
        if (found && kind != ITEM_PAIR)
            continue;
        char head[8];
        le32_put(head, item->id);
        le32_put(head + 4, item->stored + item->uses);
        if (!index_put(batch->index, cursor, table, &key, slice_of(head, head_bytes), is_long ? item->text : SLICE_NONE, 0, err))
            return false;
    }
    mdb_cursor_close(cursor);
    return true;
}

/* The stream ids of each pair item, rising. */
static void sort_uses(struct batch *batch)
{
    size_t at = 0;
    for (uint32_t i = 0; i < batch->item_count; i++) {
        batch->items[i].first = at;
        at += batch->items[i].uses;
        batch->items[i].uses = 0;
    }
    batch->ids = mem_array(at == 0 ? 1 : at, sizeof(uint32_t));
    uint32_t stream = batch->first_stream;
    for (size_t i = 0; i < batch->use_count; i++) {
        if (batch->uses[i] == ITEM_NONE) {
            stream++;
            continue;
        }
        struct item *item = &batch->items[batch->uses[i]];
        batch->ids[item->first + item->uses++] = stream;
    }
}

static int by_pair_id(const void *a, const void *b, void *self)
{
    const struct batch *batch = self;
    uint32_t x = batch->items[*(const uint32_t *)a].id;
    uint32_t y = batch->items[*(const uint32_t *)b].id;
    return (x > y) - (x < y);
}

/* Ids behind the old block (a copy, may be empty) and in new ones. is_last: the pair is behind all of the table. */
static bool put_blocks(struct batch *batch, MDB_cursor *cursor, uint32_t pair, struct slice old, const uint32_t *ids, size_t count, bool is_last,
                       struct err *err)
{
    size_t take = INDEX_BLOCK_IDS - old.len / 4;
    while (count > 0) {
        size_t n = count < take ? count : take;
        struct index_key key = {.len = 0};
        index_key_u32(&key, pair);
        index_key_u32(&key, old.len > 0 ? le32_get(old.ptr) : ids[0]);
        // old is a copy: the table's own bytes move when the value is written anew
        if (!index_put(batch->index, cursor, TABLE_POST, &key, old, slice_of(ids, n * 4), is_last && old.len == 0 ? MDB_APPEND : 0, err))
            return false;
        old.len = 0;
        take = INDEX_BLOCK_IDS;
        ids += n;
        count -= n;
    }
    return true;
}

/* The newest block of a pair that the table has, if there is room in it. */
static bool last_block(const struct batch *batch, MDB_cursor *cursor, uint32_t pair, char copy[4 * INDEX_BLOCK_IDS], struct slice *out, struct err *err)
{
    (void)batch;
    struct index_key wanted = {.len = 0};
    index_key_u32(&wanted, pair);
    index_key_u32(&wanted, UINT32_MAX);
    MDB_val key = {wanted.len, wanted.bytes};
    MDB_val value;
    int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    result = mdb_cursor_get(cursor, &key, &value, result == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
    *out = slice_of(copy, 0);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, "postings");
    struct slice bytes;
    if (!index_check(TABLE_POST, key, value, &bytes, err))
        return false;
    if (key.mv_size != 8 || be32_get(key.mv_data) != pair || bytes.len % 4 != 0 || bytes.len > 4 * INDEX_BLOCK_IDS)
        return err_set(err, ERR_CORRUPT, "index: postings of pair %u", pair);
    if (bytes.len == 4 * INDEX_BLOCK_IDS)
        return true;
    memcpy(copy, bytes.ptr, bytes.len);
    *out = slice_of(copy, bytes.len);
    return true;
}

static bool put_postings(struct batch *batch, struct err *err)
{
    size_t count = 0;
    for (uint32_t i = 0; i < batch->item_count; i++)
        if (batch->items[i].kind == ITEM_PAIR)
            batch->order[count++] = i;
    qsort_r(batch->order, count, sizeof(uint32_t), by_pair_id, batch);
    MDB_cursor *cursor;
    if (!open_cursor(batch, TABLE_POST, &cursor, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct item *item = &batch->items[batch->order[i]];
        char copy[4 * INDEX_BLOCK_IDS];
        struct slice old = slice_of(copy, 0);
        bool is_new = item->stored == 0; // then its id is above all that the table has
        if (!is_new && !last_block(batch, cursor, item->id, copy, &old, err))
            return false;
        if (!put_blocks(batch, cursor, item->id, old, batch->ids + item->first, item->uses, is_new, err))
            return false;
    }
    mdb_cursor_close(cursor);
    return true;
}

static bool put_next(struct batch *batch, struct err *err)
{
    struct index_key key = {.len = 0};
    char value[16];
    MDB_cursor *cursor;
    index_key_bytes(&key, SLICE("next"));
    le32_put(value, batch->next.stream);
    le32_put(value + 4, batch->next.pair);
    le32_put(value + 8, batch->next.name);
    le32_put(value + 12, batch->next.tenant);
    if (!open_cursor(batch, TABLE_META, &cursor, err) ||
        !index_put(batch->index, cursor, TABLE_META, &key, slice_of(value, 16), SLICE_NONE, 0, err))
        return false;
    mdb_cursor_close(cursor);
    return true;
}

static bool put_all(struct batch *batch, struct index_pending **sorted, struct err *err)
{
    if (!number_streams(batch, sorted, err))
        return false;
    for (size_t i = 0; i < batch->index->pending_count; i++)
        if (batch->index->pending[i].number != UINT32_MAX && !use_stream(batch, &batch->index->pending[i], err))
            return false;
    if (batch->item_count == 0)
        return true; // all were there
    batch->order = mem_array(batch->item_count, sizeof(uint32_t));
    if (!put_streams(batch, sorted, err) || !put_items(batch, ITEM_TENANT, TABLE_TENANTS, &batch->next.tenant, err) ||
        !put_items(batch, ITEM_NAME, TABLE_NAMES, &batch->next.name, err) || !put_items(batch, ITEM_PAIR, TABLE_PAIRS, &batch->next.pair, err))
        return false;
    sort_uses(batch);
    return put_postings(batch, err) && put_next(batch, err);
}

static bool commit_pending(struct day_index *index, struct err *err)
{
    struct batch batch = {.index = index, .next = index->next};
    int result = mdb_txn_begin(index->env, NULL, 0, &batch.txn);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, "begin");
    struct index_pending **sorted = mem_array(index->pending_count, sizeof(sorted[0]));
    bool ok = put_all(&batch, sorted, err);
    mem_free(sorted);
    mem_free(batch.items);
    mem_free(batch.slots);
    mem_free(batch.uses);
    mem_free(batch.ids);
    mem_free(batch.order);
    if (!ok) {
        mdb_txn_abort(batch.txn);
        return false;
    }
    result = mdb_txn_commit(batch.txn);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, "commit");
    index->next = batch.next;
    return true;
}

bool index_commit_pending(struct day_index *index, struct err *err)
{
    int64_t start = clock_mono_ns(&system_clock);
    bool ok = commit_pending(index, err);
    figure_index_request(INDEX_WRITE, ok, clock_mono_ns(&system_clock) - start);
    return ok;
}
