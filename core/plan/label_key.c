#include "core/plan/label_key.h"

#include <assert.h>
#include <stdlib.h>

#include "core/base/bytes.h"

bool label_choice_takes(const struct label_choice *choice, struct slice name, struct slice value)
{
    if (choice->drops_empty && value.len == 0)
        return false;
    if (choice->mode == CHOOSE_ALL)
        return true;
    bool is_named = false;
    for (size_t i = 0; i < choice->name_count && !is_named; i++)
        is_named = slice_eq(choice->names[i], name);
    return is_named == (choice->mode == CHOOSE_BY);
}

static int order_of_slices(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

struct slice *label_names_sorted(struct arena *arena, const struct slice *names, size_t count, size_t *out_count)
{
    struct slice *sorted = ARENA_ARRAY(arena, struct slice, count);
    if (count > 0)
        memcpy(sorted, names, count * sizeof(*names));
    if (count > 1)
        qsort(sorted, count, sizeof(*sorted), order_of_slices);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !slice_eq(sorted[kept - 1], sorted[i]))
            sorted[kept++] = sorted[i];
    *out_count = kept;
    return sorted;
}

void label_key_put(struct buf *key, struct slice name, struct slice value)
{
    char *at = buf_room(key, name.len + value.len + 2 * VARINT_MAX);
    size_t n = varint_put(at, name.len);
    if (name.len > 0)
        memcpy(at + n, name.ptr, name.len);
    n += name.len;
    n += varint_put(at + n, value.len);
    if (value.len > 0)
        memcpy(at + n, value.ptr, value.len);
    buf_took(key, n + value.len);
}

void label_key_put_set(struct buf *key, const struct label_set *set, const struct label_choice *choice)
{
    for (size_t i = 0; i < set->count; i++)
        if (label_choice_takes(choice, set->labels[i].name, set->labels[i].value))
            label_key_put(key, set->labels[i].name, set->labels[i].value);
}

struct label_set label_key_decode(struct slice key, struct arena *arena)
{
    size_t count = 0;
    struct label pair;
    for (struct slice in = key; in.len > 0; count++) {
        bool ok = varint_slice_take(&in, &pair.name) && varint_slice_take(&in, &pair.value);
        assert(ok);
    }
    struct label *labels = ARENA_ARRAY(arena, struct label, count);
    struct slice in = key;
    for (size_t i = 0; i < count; i++) {
        bool ok = varint_slice_take(&in, &labels[i].name) && varint_slice_take(&in, &labels[i].value);
        assert(ok);
    }
    return (struct label_set){labels, count};
}
