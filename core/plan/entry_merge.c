#include "core/plan/entry_merge.h"

#include <stdlib.h>

#include "core/base/mem.h"

static int order_of_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int inside_stream(const struct candidate *a, const struct candidate *b)
{
    int order = label_class_cmp_full(a->class, b->class);
    if (order == 0)
        order = order_of_numbers(a->stream, b->stream);
    if (order == 0)
        order = order_of_numbers(a->unit, b->unit);
    return order != 0 ? order : order_of_numbers(a->row, b->row);
}

static int forward_order(const void *x, const void *y)
{
    const struct candidate *a = x;
    const struct candidate *b = y;
    if (a->ts_ns != b->ts_ns)
        return a->ts_ns < b->ts_ns ? -1 : 1;
    int order = label_class_cmp_stream(a->class, b->class);
    return order != 0 ? order : inside_stream(a, b);
}

static int backward_order(const void *x, const void *y)
{
    const struct candidate *a = x;
    const struct candidate *b = y;
    if (a->ts_ns != b->ts_ns)
        return a->ts_ns > b->ts_ns ? -1 : 1;
    int order = label_class_cmp_stream(a->class, b->class);
    return order != 0 ? order : inside_stream(b, a);
}

bool candidates_add(struct candidates *list, const struct candidate *candidate, struct query_control *control, struct err *err)
{
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 64 : 2 * list->cap;
        size_t more = (cap - list->cap) * sizeof(*list->items);
        if (!query_control_charge(control, more, err))
            return false;
        list->charged += more;
        list->items = mem_grow(list->items, cap, sizeof(*list->items));
        list->cap = cap;
    }
    list->items[list->count++] = *candidate;
    return true;
}

void candidates_keep(struct candidates *list, size_t most)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), list->forward ? forward_order : backward_order);
    if (list->count > most)
        list->count = most;
}

void candidates_fini(struct candidates *list, struct query_control *control)
{
    mem_free(list->items);
    query_control_refund(control, list->charged);
    list->items = NULL;
    list->count = list->cap = list->charged = 0;
}
