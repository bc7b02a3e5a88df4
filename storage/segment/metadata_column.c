#include "storage/segment/metadata_column.h"

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/model/label_set.h"

#define SLOTS_MIN ((size_t)256)

void metadata_column_fini(struct metadata_column *column)
{
    mem_free(column->sets);
    mem_free(column->slots);
    mem_free(column->rows);
    buf_fini(&column->bytes);
    *column = (struct metadata_column){0};
}

void metadata_column_reset(struct metadata_column *column)
{
    if (column->slots != NULL)
        memset(column->slots, 0, column->slot_count * sizeof(*column->slots));
    column->set_count = 0;
    column->row_count = 0;
    column->has_metadata = false;
    buf_reset(&column->bytes);
}

static void grow_slots(struct metadata_column *column)
{
    mem_free(column->slots);
    column->slot_count = column->slot_count == 0 ? SLOTS_MIN : column->slot_count * 2;
    column->slots = mem_array(column->slot_count, sizeof(*column->slots));
    for (size_t i = 0; i < column->set_count; i++) {
        size_t at = column->sets[i].hash & (column->slot_count - 1);
        while (column->slots[at] != 0)
            at = (at + 1) & (column->slot_count - 1);
        column->slots[at] = (uint32_t)i + 1;
    }
}

struct slice metadata_column_set(const struct metadata_column *column, size_t i)
{
    return slice_of(column->bytes.ptr + column->sets[i].offset, column->sets[i].len);
}

static uint32_t find_or_add(struct metadata_column *column, struct slice encoded)
{
    if (column->set_count * 2 >= column->slot_count)
        grow_slots(column);
    uint64_t hash = hash64(encoded);
    size_t at = hash & (column->slot_count - 1);
    for (; column->slots[at] != 0; at = (at + 1) & (column->slot_count - 1)) {
        uint32_t i = column->slots[at] - 1;
        if (column->sets[i].hash == hash && slice_eq(metadata_column_set(column, i), encoded))
            return i;
    }
    if (column->set_count == column->set_cap) {
        column->set_cap = column->set_cap == 0 ? 64 : column->set_cap * 2;
        column->sets = mem_grow(column->sets, column->set_cap, sizeof(*column->sets));
    }
    column->sets[column->set_count] = (struct metadata_set){
        .hash = hash, .offset = (uint32_t)column->bytes.len, .len = (uint32_t)encoded.len, .weight = (uint32_t)label_set_bytes(encoded)};
    buf_put(&column->bytes, encoded);
    column->slots[at] = (uint32_t)++column->set_count;
    column->has_metadata |= encoded.len > 0;
    return (uint32_t)column->set_count - 1;
}

/* The same bytes. Sets are some twenty bytes long, for which a call takes longer than comparing. */
static inline bool is_set(struct slice a, struct slice b)
{
    if (a.len != b.len || a.len < 8)
        return slice_eq(a, b);
    uint64_t differ = le64_get(a.ptr + a.len - 8) ^ le64_get(b.ptr + b.len - 8);
    for (size_t i = 0; i + 8 <= a.len && differ == 0; i += 8)
        differ = le64_get(a.ptr + i) ^ le64_get(b.ptr + i);
    return differ == 0;
}

uint32_t metadata_column_add(struct metadata_column *column, struct slice encoded)
{
    if (column->row_count == column->row_cap) {
        column->row_cap = column->row_cap == 0 ? 1024 : column->row_cap * 2;
        column->rows = mem_grow(column->rows, column->row_cap, sizeof(*column->rows));
    }
    // Most rows have what the row before has: nothing, or the same service.
    uint32_t last = column->row_count == 0 ? 0 : column->rows[column->row_count - 1];
    bool is_same = column->row_count > 0 && is_set(metadata_column_set(column, last), encoded);
    uint32_t i = is_same ? last : find_or_add(column, encoded);
    column->rows[column->row_count++] = i;
    return column->sets[i].weight;
}

static size_t width_of(size_t set_count)
{
    return set_count <= 1 ? 0 : set_count <= 256 ? 1 : set_count <= 65536 ? 2 : 4;
}

void metadata_column_encode(const struct metadata_column *column, struct buf *out)
{
    buf_varint(out, column->set_count);
    for (size_t i = 0; i < column->set_count; i++) {
        struct slice set = metadata_column_set(column, i);
        buf_varint(out, set.len);
        buf_put(out, set);
    }
    size_t width = width_of(column->set_count);
    char *p = buf_room(out, width * column->row_count + 1);
    for (size_t plane = 0; plane < width; plane++) {
        for (size_t i = 0; i < column->row_count; i++)
            *p++ = (char)(column->rows[i] >> (8 * plane));
    }
    buf_took(out, width * column->row_count);
}

bool metadata_column_decode(struct slice in, size_t rows, struct slice **sets, size_t *set_cap, uint32_t *set_count, uint32_t *index)
{
    uint64_t count = 0;
    if (!varint_take(&in, &count) || count == 0 || count > rows || count > in.len)
        return false;
    if (count > *set_cap) {
        *set_cap = (size_t)count;
        *sets = mem_grow(*sets, *set_cap, sizeof(**sets));
    }
    for (size_t i = 0; i < count; i++) {
        if (!varint_slice_take(&in, &(*sets)[i]))
            return false;
    }
    size_t width = width_of((size_t)count);
    if (in.len != width * rows)
        return false;
    memset(index, 0, rows * sizeof(*index));
    for (unsigned plane = 0; plane < width; plane++) {
        const uint8_t *bytes = (const uint8_t *)in.ptr + plane * rows;
        for (size_t i = 0; i < rows; i++)
            index[i] |= (uint32_t)bytes[i] << (8 * plane);
    }
    for (size_t i = 0; i < rows; i++) {
        if (index[i] >= count)
            return false;
    }
    *set_count = (uint32_t)count;
    return true;
}
