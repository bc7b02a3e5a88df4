#include "core/model/regex_texts.h"

#define CHOICES_MAX ((size_t)1024)    // literals of an alternation
#define PRODUCT_MAX ((size_t)64)      // literals that a concatenation may make of two sets
#define SET_BYTES_MAX ((size_t)65536) // in all literals of a set

struct texts texts_one(struct arena *arena, struct slice text)
{
    struct slice *items = ARENA_NEW(arena, struct slice);
    *items = arena_copy(arena, text);
    return (struct texts){items, 1};
}

static size_t texts_bytes(const struct texts *set)
{
    size_t bytes = 0;
    for (size_t i = 0; i < set->count; i++)
        bytes += set->items[i].len;
    return bytes;
}

bool texts_have_empty(const struct texts *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].len == 0)
            return true;
    }
    return false;
}

bool texts_product(struct arena *arena, const struct texts *a, const struct texts *b, struct texts *out)
{
    size_t count = a->count * b->count; // both at most CHOICES_MAX
    size_t bytes = texts_bytes(a) * b->count + texts_bytes(b) * a->count;
    if ((count > PRODUCT_MAX && a->count > 1 && b->count > 1) || count > CHOICES_MAX || bytes > SET_BYTES_MAX)
        return false;
    struct slice *items = ARENA_ARRAY(arena, struct slice, count);
    size_t at = 0;
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < b->count; j++) {
            size_t len = a->items[i].len + b->items[j].len;
            char *text = arena_alloc(arena, len, 1);
            if (a->items[i].len > 0)
                memcpy(text, a->items[i].ptr, a->items[i].len);
            if (b->items[j].len > 0)
                memcpy(text + a->items[i].len, b->items[j].ptr, b->items[j].len);
            items[at++] = slice_of(text, len);
        }
    }
    *out = (struct texts){items, count};
    return true;
}

bool texts_union(struct arena *arena, const struct texts *sets, size_t sets_count, struct texts *out)
{
    size_t count = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < sets_count; i++) {
        count += sets[i].count;
        bytes += texts_bytes(&sets[i]);
        if (count > CHOICES_MAX || bytes > SET_BYTES_MAX)
            return false;
    }
    struct slice *items = ARENA_ARRAY(arena, struct slice, count);
    size_t at = 0;
    for (size_t i = 0; i < sets_count; i++) {
        if (sets[i].count > 0)
            memcpy(items + at, sets[i].items, sets[i].count * sizeof(*items));
        at += sets[i].count;
    }
    *out = (struct texts){items, count};
    return true;
}

int texts_worth(const struct texts *set)
{
    if (set->count == 0)
        return 0;
    size_t shortest = 8;
    for (size_t i = 0; i < set->count; i++)
        shortest = set->items[i].len < shortest ? set->items[i].len : shortest;
    int worth = (int)shortest * 8 - 4 * (63 - __builtin_clzll((unsigned long long)set->count));
    return shortest == 0 ? 0 : worth < 1 ? 1 : worth;
}

void texts_keep_better(struct texts *best, const struct texts *other)
{
    int a = texts_worth(best);
    int b = texts_worth(other);
    bool longer = a == b && best->count == 1 && other->count == 1 && other->items[0].len > best->items[0].len;
    if (b > a || longer)
        *best = *other;
}
