#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/index/index_read.h"

#define CHECK_EVERY 4096   // streams between two looks at the clock
#define READ_RATHER 8      // postings that many times longer than the candidates: looking at the candidates' labels costs less

struct pair_ref {
    uint32_t id, postings;
};

/* What one matcher wants: streams of these pairs (all must be in one), or of none of them. */
struct plan_item {
    const struct matcher *matcher;
    bool excludes;
    struct pair_ref *pairs; /* malloc'd */
    size_t count, cap;
    uint64_t postings;
};

struct ids {
    uint32_t *ids; /* malloc'd, rising */
    size_t count;
};

struct selection {
    const struct day_index *index;
    MDB_txn *txn;
    struct query_control *control;
    struct arena *arena;
    uint32_t tenant, streams; /* streams: ids of the day are below */
    int64_t charged;
};

static bool charge(struct selection *s, size_t bytes, struct err *err)
{
    if (s->control == NULL)
        return true;
    if (!query_control_charge(s->control, bytes, err))
        return false;
    s->charged += (int64_t)bytes;
    return true;
}

static bool add_pair(struct plan_item *item, struct slice value, struct err *err)
{
    if (value.len < 8)
        return err_set(err, ERR_CORRUPT, "index: pairs: %zu bytes", value.len);
    if (item->count == item->cap) {
        item->cap = item->cap == 0 ? 8 : item->cap * 2;
        item->pairs = mem_grow(item->pairs, item->cap, sizeof(item->pairs[0]));
    }
    item->pairs[item->count++] = (struct pair_ref){le32_get(value.ptr), le32_get(value.ptr + 4)};
    item->postings += le32_get(value.ptr + 4);
    return true;
}

static bool look_up_pair(struct selection *s, struct plan_item *item, uint32_t name, struct slice text, struct err *err)
{
    struct index_key key = {.len = 0};
    struct slice value;
    bool is_long;
    bool found;
    index_key_u32(&key, s->tenant);
    index_key_u32(&key, name);
    index_key_text(&key, text, &is_long);
    return index_get(s->index, s->txn, TABLE_PAIRS, &key, &value, &found, err) && (!found || add_pair(item, value, err));
}

struct value_walk {
    struct selection *selection;
    struct plan_item *item;
    size_t seen;
};

static bool walk_value(void *self, struct slice key, struct slice value, struct err *err)
{
    struct value_walk *walk = self;
    if (++walk->seen % CHECK_EVERY == 0 && walk->selection->control != NULL && !query_control_check(walk->selection->control, err))
        return false;
    if (key.len < 9 || value.len < 8)
        return err_set(err, ERR_CORRUPT, "index: pairs: a key of %zu bytes", key.len);
    struct slice text = key.ptr[8] == 0 ? slice_from(key, 9) : slice_from(value, 8);
    // Wanted are values that it accepts, or, where the absent label is accepted, those that it refuses.
    if (matcher_accepts(walk->item->matcher, text) == walk->item->excludes)
        return true;
    return add_pair(walk->item, value, err);
}

/* All values of the name that may be wanted: of a pattern that begins with text, those that do. */
static bool walk_values(struct selection *s, struct value_walk *walk, uint32_t name, struct err *err)
{
    struct slice text = walk->item->excludes ? SLICE_NONE : walk->item->matcher->prefix;
    struct index_key all = {.len = 0};
    index_key_u32(&all, s->tenant);
    index_key_u32(&all, name);
    if (text.len == 0 || text.len > INDEX_TEXT_MAX)
        return index_walk(s->index, s->txn, TABLE_PAIRS, slice_of(all.bytes, all.len), walk_value, walk, err);
    struct index_key first = all, hashed = all;
    bool is_long;
    index_key_text(&first, text, &is_long);
    index_key_bytes(&hashed, SLICE("\1")); // long values are in the order of their hashes
    return index_walk(s->index, s->txn, TABLE_PAIRS, slice_of(first.bytes, first.len), walk_value, walk, err) &&
           index_walk(s->index, s->txn, TABLE_PAIRS, slice_of(hashed.bytes, hashed.len), walk_value, walk, err);
}

/* It says by itself which values decide over it. */
static bool names_values(const struct matcher *matcher)
{
    return ((matcher->op == MATCH_EQ || matcher->op == MATCH_NEQ) && matcher->value.len > 0) ||
           (matcher->op == MATCH_RE && matcher->set_count > 0 && !matcher_accepts(matcher, SLICE("")));
}

static bool look_up_values(struct selection *s, const struct matcher *matcher, struct plan_item *item, uint32_t name, struct err *err)
{
    if (matcher->op != MATCH_RE)
        return look_up_pair(s, item, name, matcher->value, err);
    for (size_t i = 0; i < matcher->set_count; i++)
        if (!look_up_pair(s, item, name, matcher->set[i], err))
            return false;
    return true;
}

/* Finds the pairs that decide over the matcher. */
static bool plan_matcher(struct selection *s, const struct matcher *matcher, struct plan_item *item, struct err *err)
{
    item->matcher = matcher;
    item->excludes = matcher_accepts(matcher, SLICE(""));
    uint32_t name;
    bool found;
    if (!index_name_id(s->index, s->txn, s->tenant, matcher->name, &name, &found, err))
        return false;
    if (!found)
        return true; // no pairs: refuses all, or excludes none
    if (names_values(matcher))
        return look_up_values(s, matcher, item, name, err);
    struct value_walk walk = {s, item, 0};
    return walk_values(s, &walk, name, err);
}

struct posting_walk {
    struct ids *ids;
    size_t cap;
    uint32_t streams;
};

static bool walk_postings(void *self, struct slice key, struct slice value, struct err *err)
{
    struct posting_walk *walk = self;
    size_t n = value.len / 4;
    if (key.len != 8 || value.len % 4 != 0 || n > walk->cap - walk->ids->count)
        return err_set(err, ERR_CORRUPT, "index: postings: more than the pair says");
    memcpy(walk->ids->ids + walk->ids->count, value.ptr, value.len);
    for (size_t i = 0; i < n; i++)
        if (walk->ids->ids[walk->ids->count + i] >= walk->streams)
            return err_set(err, ERR_CORRUPT, "index: postings: a stream that is not there");
    walk->ids->count += n;
    return true;
}

static int by_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Rising and unique. Many ids go through a bitmap of all the day's streams, few are sorted. */
static void sort_ids(struct ids *ids, uint32_t streams)
{
    if (ids->count < (size_t)streams / 64) {
        qsort(ids->ids, ids->count, sizeof(uint32_t), by_u32);
        size_t kept = 0;
        for (size_t i = 0; i < ids->count; i++)
            if (kept == 0 || ids->ids[kept - 1] != ids->ids[i])
                ids->ids[kept++] = ids->ids[i];
        ids->count = kept;
        return;
    }
    size_t words = ((size_t)streams + 63) / 64;
    uint64_t *bits = mem_array(words + 1, sizeof(uint64_t));
    for (size_t i = 0; i < ids->count; i++)
        bits[ids->ids[i] / 64] |= UINT64_C(1) << (ids->ids[i] % 64);
    ids->count = 0;
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = bits[w]; left != 0; left &= left - 1)
            ids->ids[ids->count++] = (uint32_t)(w * 64 + (size_t)__builtin_ctzll(left));
    mem_free(bits);
}

/* The streams of the item's pairs. */
static bool read_postings(struct selection *s, const struct plan_item *item, struct ids *out, struct err *err)
{
    if (item->postings > UINT32_MAX)
        return err_set(err, ERR_CORRUPT, "index: pairs: %llu postings", (unsigned long long)item->postings);
    if (!charge(s, (size_t)item->postings * 4 + s->streams / 8, err))
        return false;
    *out = (struct ids){mem_array((size_t)item->postings + 1, sizeof(uint32_t)), 0};
    struct posting_walk walk = {out, (size_t)item->postings, s->streams};
    for (size_t i = 0; i < item->count; i++) {
        struct index_key prefix = {.len = 0};
        index_key_u32(&prefix, item->pairs[i].id);
        if (!index_walk(s->index, s->txn, TABLE_POST, slice_of(prefix.bytes, prefix.len), walk_postings, &walk, err))
            return false;
        if (i % 64 == 0 && s->control != NULL && !query_control_check(s->control, err))
            return false;
    }
    if (out->count != item->postings)
        return err_set(err, ERR_CORRUPT, "index: postings: fewer than the pairs say");
    if (item->count > 1)
        sort_ids(out, s->streams);
    return true;
}

/* Keeps of `ids` those that are in `other`, or that are not. */
static void merge_ids(struct ids *ids, const struct ids *other, bool keep_common)
{
    size_t kept = 0;
    size_t j = 0;
    for (size_t i = 0; i < ids->count; i++) {
        while (j < other->count && other->ids[j] < ids->ids[i])
            j++;
        bool is_common = j < other->count && other->ids[j] == ids->ids[i];
        if (is_common == keep_common)
            ids->ids[kept++] = ids->ids[i];
    }
    ids->count = kept;
}

/* Cheapest first; those that exclude last. */
static int by_cost(const void *a, const void *b)
{
    const struct plan_item *x = a;
    const struct plan_item *y = b;
    if (x->excludes != y->excludes)
        return x->excludes ? 1 : -1;
    return (x->postings > y->postings) - (x->postings < y->postings);
}

/* Candidates by postings; *deferred: the candidates' labels have to be looked at too. */
static bool find_candidates(struct selection *s, struct plan_item *items, size_t count, struct ids *out, bool *deferred, struct err *err)
{
    qsort(items, count, sizeof(items[0]), by_cost);
    *deferred = false;
    size_t next = 0;
    if (count > 0 && !items[0].excludes) {
        if (!read_postings(s, &items[next++], out, err))
            return false;
    } else {
        struct plan_item all = {.count = 0};
        bool ok = look_up_pair(s, &all, 0, SLICE(""), err) && read_postings(s, &all, out, err);
        mem_free(all.pairs);
        if (!ok)
            return false;
    }
    for (; next < count && out->count > 0; next++) {
        if (items[next].postings / READ_RATHER > out->count) {
            *deferred = true;
            continue;
        }
        struct ids other = {NULL, 0};
        bool ok = read_postings(s, &items[next], &other, err);
        if (ok)
            merge_ids(out, &other, !items[next].excludes);
        mem_free(other.ids);
        if (!ok)
            return false;
    }
    return true;
}

static int by_stream(const void *a, const void *b)
{
    return hash128_cmp(((const struct index_stream *)a)->id, ((const struct index_stream *)b)->id);
}

static bool read_streams(struct selection *s, const struct ids *ids, const struct matcher *matchers, size_t count, struct index_stream **out,
                         size_t *out_count, struct err *err)
{
    if (s->control != NULL && !query_control_charge(s->control, ids->count * sizeof(struct index_stream), err))
        return false;
    struct index_stream *streams = ARENA_ARRAY(s->arena, struct index_stream, ids->count + 1);
    size_t kept = 0;
    for (size_t i = 0; i < ids->count; i++) {
        if (i % CHECK_EVERY == 0 && s->control != NULL && !query_control_check(s->control, err))
            return false;
        struct index_key key = {.len = 0};
        struct slice value;
        bool found;
        index_key_u32(&key, ids->ids[i]);
        if (!index_get(s->index, s->txn, TABLE_STREAMS, &key, &value, &found, err))
            return false;
        if (!found || value.len < 16)
            return err_set(err, ERR_CORRUPT, "index: streams: %u is not there", ids->ids[i]);
        struct slice encoded = slice_from(value, 16);
        if (!matchers_accept(matchers, count, encoded))
            continue;
        if (s->control != NULL && !query_control_charge(s->control, encoded.len, err))
            return false;
        struct hash128 id = {.high = be64_get(value.ptr), .low = be64_get(value.ptr + 8)};
        streams[kept++] = (struct index_stream){id, arena_copy(s->arena, encoded)};
    }
    qsort(streams, kept, sizeof(streams[0]), by_stream);
    *out = streams;
    *out_count = kept;
    return true;
}

static bool select_in(struct selection *s, const struct matcher *matchers, size_t count, struct index_stream **out, size_t *out_count, struct err *err)
{
    struct index_next next;
    if (!index_next_read(s->index, s->txn, &next, err))
        return false;
    s->streams = next.stream;
    struct plan_item *items = mem_array(count + 1, sizeof(items[0]));
    struct ids ids = {NULL, 0};
    bool deferred = false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = plan_matcher(s, &matchers[i], &items[i], err);
    ok = ok && find_candidates(s, items, count, &ids, &deferred, err);
    ok = ok && read_streams(s, &ids, matchers, deferred ? count : 0, out, out_count, err);
    for (size_t i = 0; i < count; i++)
        mem_free(items[i].pairs);
    mem_free(items);
    mem_free(ids.ids);
    return ok;
}

bool day_index_select(struct day_index *index, struct slice tenant, const struct matcher *matchers, size_t count,
                      struct arena *arena, struct query_control *control, struct index_stream **out, size_t *out_count, struct err *err)
{
    struct selection s = {.index = index, .control = control, .arena = arena};
    struct index_read read;
    if (!index_read_begin(index, &read, err))
        return false;
    s.txn = read.txn;
    bool found;
    struct index_stream *streams = NULL;
    size_t stream_count = 0;
    bool ok = index_tenant_id(index, s.txn, tenant, &s.tenant, &found, err) &&
              (!found || select_in(&s, matchers, count, &streams, &stream_count, err));
    index_read_end(&read);
    if (s.control != NULL && s.charged > 0)
        query_control_refund(s.control, (size_t)s.charged);
    if (!ok)
        return false;
    *out = streams;
    *out_count = stream_count;
    return true;
}

static bool estimate_in(struct selection *s, const struct matcher *matchers, size_t count, uint64_t *out, struct err *err)
{
    struct plan_item all = {.count = 0};
    bool ok = look_up_pair(s, &all, 0, SLICE(""), err);
    uint64_t least = all.postings;
    mem_free(all.pairs);
    for (size_t i = 0; ok && i < count; i++) {
        if (!names_values(&matchers[i]) || matcher_accepts(&matchers[i], SLICE("")))
            continue;
        struct plan_item item = {.count = 0};
        uint32_t name;
        bool found;
        ok = index_name_id(s->index, s->txn, s->tenant, matchers[i].name, &name, &found, err) &&
             (!found || look_up_values(s, &matchers[i], &item, name, err));
        least = item.postings < least ? item.postings : least;
        mem_free(item.pairs);
    }
    *out = least;
    return ok;
}

bool day_index_estimate(struct day_index *index, struct slice tenant, const struct matcher *matchers, size_t count, uint64_t *out_streams,
                        struct err *err)
{
    struct selection s = {.index = index};
    int result = mdb_txn_begin(index->env, NULL, MDB_RDONLY, &s.txn);
    if (result != MDB_SUCCESS)
        return index_fail(err, result, "begin");
    bool found;
    uint64_t streams = 0;
    bool ok = index_tenant_id(index, s.txn, tenant, &s.tenant, &found, err) && (!found || estimate_in(&s, matchers, count, &streams, err));
    mdb_txn_abort(s.txn); // it only read
    if (ok)
        *out_streams = streams;
    return ok;
}
