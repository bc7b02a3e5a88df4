#include "core/model/label_set.h"

#include <assert.h>

#include "core/base/bytes.h"
#include "core/base/mem.h"

// ---- encoding ----

static size_t encoded_bytes(const struct label_set *set)
{
    size_t bytes = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct label *label = &set->labels[i];
        assert(i == 0 || slice_cmp(set->labels[i - 1].name, label->name) < 0);
        bytes += varint_len(label->name.len) + label->name.len + varint_len(label->value.len) + label->value.len;
    }
    return bytes;
}

static char *put_slice(char *at, struct slice bytes)
{
    at += varint_put(at, bytes.len);
    if (bytes.len > 0)
        memcpy(at, bytes.ptr, bytes.len);
    return at + bytes.len;
}

static void encode_at(const struct label_set *set, char *at)
{
    for (size_t i = 0; i < set->count; i++)
        at = put_slice(put_slice(at, set->labels[i].name), set->labels[i].value);
}

void label_set_encode(const struct label_set *set, struct buf *out)
{
    size_t bytes = encoded_bytes(set);
    encode_at(set, buf_room(out, bytes));
    buf_took(out, bytes);
}

struct slice label_set_encode_in(struct arena *arena, const struct label_set *set)
{
    size_t bytes = encoded_bytes(set);
    char *at = arena_alloc(arena, bytes, 1);
    encode_at(set, at);
    return slice_of(at, bytes);
}

bool label_next(struct slice *in, struct label *out)
{
    struct slice rest = *in;
    if (!varint_slice_take(&rest, &out->name) || !varint_slice_take(&rest, &out->value))
        return false;
    *in = rest;
    return true;
}

size_t label_set_bytes(struct slice encoded)
{
    struct label label;
    size_t bytes = 0;
    while (label_next(&encoded, &label))
        bytes += label.name.len + label.value.len;
    return bytes;
}

bool label_set_decode(struct slice encoded, struct arena *arena, struct label_set *out, struct err *err)
{
    struct slice in = encoded;
    struct label label = {SLICE_NONE, SLICE_NONE};
    size_t count = 0;
    while (label_next(&in, &label))
        count++;
    if (in.len != 0)
        return err_set(err, ERR_CORRUPT, "label set: damaged at byte %zu of %zu", encoded.len - in.len, encoded.len);
    struct label *labels = ARENA_ARRAY(arena, struct label, count);
    in = encoded;
    for (size_t i = 0; i < count; i++) {
        (void)label_next(&in, &labels[i]); // counted above
        if (i > 0 && slice_cmp(labels[i - 1].name, labels[i].name) >= 0)
            return err_set(err, ERR_CORRUPT, "label set: names out of order at pair %zu", i);
        if (labels[i].value.len == 0)
            return err_set(err, ERR_CORRUPT, "label set: empty value at pair %zu", i);
    }
    *out = (struct label_set){labels, count};
    return true;
}

// ---- lookup ----

bool label_set_get(const struct label_set *set, struct slice name, struct slice *value)
{
    for (size_t i = 0; i < set->count; i++) {
        if (slice_eq(set->labels[i].name, name)) {
            *value = set->labels[i].value;
            return true;
        }
    }
    return false;
}

bool label_encoded_get(struct slice encoded, struct slice name, struct slice *value)
{
    struct label label;
    while (label_next(&encoded, &label)) {
        if (slice_eq(label.name, name)) {
            *value = label.value;
            return true;
        }
    }
    return false;
}

// ---- order ----

#define INSERTION_MAX 24 // more pairs than this are merged: a hostile push may bring a hundred thousand

static void sort_by_insertion(struct label *labels, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct label moved = labels[i];
        size_t at = i;
        while (at > 0 && slice_cmp(labels[at - 1].name, moved.name) > 0) {
            labels[at] = labels[at - 1];
            at--;
        }
        labels[at] = moved;
    }
}

static void merge(const struct label *from, size_t start, size_t middle, size_t end, struct label *to)
{
    size_t left = start;
    size_t right = middle;
    for (size_t at = start; at < end; at++) {
        bool take_left = left < middle && (right == end || slice_cmp(from[left].name, from[right].name) <= 0);
        to[at] = take_left ? from[left++] : from[right++];
    }
}

static void sort_by_merging(struct label *labels, size_t count)
{
    struct label *other = mem_array(count, sizeof(*other));
    struct label *from = labels;
    struct label *to = other;
    for (size_t start = 0; start < count; start += INSERTION_MAX)
        sort_by_insertion(labels + start, count - start < INSERTION_MAX ? count - start : INSERTION_MAX);
    for (size_t width = INSERTION_MAX; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = count - start < width ? count : start + width;
            size_t end = count - start < 2 * width ? count : start + 2 * width;
            merge(from, start, middle, end, to);
        }
        struct label *swap = from;
        from = to;
        to = swap;
    }
    if (from != labels)
        memcpy(labels, from, count * sizeof(*labels));
    mem_free(other);
}

size_t label_sort(struct label *labels, size_t count, bool last_wins)
{
    if (count <= INSERTION_MAX)
        sort_by_insertion(labels, count);
    else
        sort_by_merging(labels, count);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool overruled = last_wins && i + 1 < count && slice_eq(labels[i].name, labels[i + 1].name);
        if (!overruled && labels[i].value.len > 0)
            labels[kept++] = labels[i];
    }
    return kept;
}

// ---- identity ----

struct hash128 stream_id(struct slice tenant, struct slice encoded_labels)
{
    char small[1024];
    size_t bytes = tenant.len + 1 + encoded_labels.len;
    char *joined = bytes <= sizeof(small) ? small : mem_alloc(bytes);
    if (tenant.len > 0)
        memcpy(joined, tenant.ptr, tenant.len);
    joined[tenant.len] = '\0';
    if (encoded_labels.len > 0)
        memcpy(joined + tenant.len + 1, encoded_labels.ptr, encoded_labels.len);
    struct hash128 id = hash128(slice_of(joined, bytes));
    if (joined != small)
        mem_free(joined);
    return id;
}
