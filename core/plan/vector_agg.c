#include "core/plan/vector_agg.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"

static struct label_choice choice_of(const struct expr *agg, struct arena *arena)
{
    struct label_choice choice = {.mode = agg->grouping.without && agg->grouping.is_present ? CHOOSE_WITHOUT : CHOOSE_BY};
    choice.names = label_names_sorted(arena, agg->grouping.labels, agg->grouping.label_count, &choice.name_count);
    choice.drops_empty = choice.mode == CHOOSE_WITHOUT;
    return choice;
}

static struct slice group_key(struct eval_context *eval, const struct series *series, const struct label_choice *choice)
{
    buf_reset(&eval->key);
    label_key_put_set(&eval->key, &series->labels, choice);
    return buf_slice(&eval->key);
}

/* ---- folding: one series a group ---- */

struct moments { /* of one step of one group; Welford */
    double count, mean, m2;
};

static void moments_add(struct moments *m, double value)
{
    if (m->count == 0) { // which spreads over nothing, also when it is NaN or infinite
        *m = (struct moments){1, value, 0};
        return;
    }
    m->count++;
    double delta = value - m->mean;
    if (isinf(m->mean) && !isnan(value) && !(isinf(value) && (value > 0) != (m->mean > 0)))
        delta = 0; // an infinite mean stays
    m->mean = isinf(delta) ? m->mean + delta : m->mean + delta / m->count;
    m->m2 += delta * (value - m->mean);
}

static void fold_point(enum vector_op op, struct series *group, struct moments *moments, size_t step, double value)
{
    bool is_first = !series_has(group, step);
    double held = is_first ? 0 : group->values[step];
    double next = held;
    switch (op) {
    case VECTOR_SUM:
        next = held + value;
        break;
    case VECTOR_COUNT:
        next = held + 1;
        break;
    case VECTOR_MIN:
        next = is_first || isnan(held) || value < held ? value : held;
        break;
    case VECTOR_MAX:
        next = is_first || isnan(held) || value > held ? value : held;
        break;
    case VECTOR_AVG:
    case VECTOR_STDDEV:
    case VECTOR_STDVAR:
        moments_add(&moments[step], value);
        next = op == VECTOR_AVG ? moments[step].mean : moments[step].m2 / moments[step].count;
        if (op == VECTOR_STDDEV)
            next = sqrt(next);
        break;
    case VECTOR_TOPK:
    case VECTOR_BOTTOMK:
    case VECTOR_APPROX_TOPK:
    case VECTOR_SORT:
    case VECTOR_SORT_DESC:
        break;
    }
    series_put(group, step, next);
}

static bool fold(const struct expr *agg, const struct series_set *in, struct series_set *out, struct err *err)
{
    struct eval_context *eval = out->eval;
    struct label_choice choice = choice_of(agg, &eval->memory.arena);
    bool has_moments = agg->vector_op == VECTOR_AVG || agg->vector_op == VECTOR_STDDEV || agg->vector_op == VECTOR_STDVAR;
    struct key_table numbers = {0};
    struct moments **moments = mem_array(in->count, sizeof(struct moments *));
    bool ok = true;
    for (size_t i = 0; ok && i < in->count; i++) {
        const struct series *series = in->items[i];
        struct slice key = group_key(eval, series, &choice);
        bool is_new = false;
        size_t number = key_table_add(&numbers, key, &eval->memory.arena, &is_new);
        if (is_new && has_moments)
            moments[number] = ARENA_ARRAY(&eval->memory.arena, struct moments, eval->steps.count);
        struct series *group = series_set_get(out, key, err);
        ok = group != NULL && (i % 64 != 0 || query_control_check(eval->control, err));
        for (size_t step = 0; ok && step < eval->steps.count; step++)
            if (series_has(series, step))
                fold_point(agg->vector_op, group, moments[number], step, series->values[step]);
    }
    key_table_fini(&numbers);
    mem_free(moments);
    return ok;
}

/* ---- choosing: topk, bottomk ---- */

struct chosen {
    double value;
    size_t series; /* in label order */
};

/* Whether a comes before b: the better value, a number before NaN, then label order. */
static bool comes_before(const struct chosen *a, const struct chosen *b, bool smallest)
{
    if (isnan(a->value) != isnan(b->value))
        return isnan(b->value);
    if (!isnan(a->value) && a->value != b->value)
        return smallest ? a->value < b->value : a->value > b->value;
    return a->series < b->series;
}

/* heap[0] is the worst of the chosen. */
static void sift_down(struct chosen *heap, size_t count, bool smallest)
{
    for (size_t at = 0;;) {
        size_t worst = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (comes_before(&heap[worst], &heap[child], smallest))
                worst = child;
        if (worst == at)
            return;
        struct chosen held = heap[at];
        heap[at] = heap[worst];
        heap[worst] = held;
        at = worst;
    }
}

static void heap_offer(struct chosen *heap, size_t *count, size_t most, struct chosen item, bool smallest)
{
    if (*count == most) {
        if (comes_before(&item, &heap[0], smallest)) {
            heap[0] = item;
            sift_down(heap, *count, smallest);
        }
        return;
    }
    size_t at = (*count)++;
    heap[at] = item;
    while (at > 0 && comes_before(&heap[(at - 1) / 2], &heap[at], smallest)) {
        struct chosen held = heap[at];
        heap[at] = heap[(at - 1) / 2];
        heap[(at - 1) / 2] = held;
        at = (at - 1) / 2;
    }
}

static bool choose_in_group(const struct expr *agg, const struct series_set *in, const size_t *members, size_t count, struct series **results,
                            struct series_set *out, struct err *err)
{
    size_t most = agg->parameter >= (double)count ? count : (size_t)agg->parameter;
    bool smallest = agg->vector_op == VECTOR_BOTTOMK;
    struct chosen *heap = mem_array(most, sizeof(*heap));
    bool ok = true;
    for (size_t step = 0; ok && most > 0 && step < out->eval->steps.count; step++) {
        size_t held = 0;
        for (size_t i = 0; i < count; i++)
            if (series_has(in->items[members[i]], step))
                heap_offer(heap, &held, most, (struct chosen){in->items[members[i]]->values[step], members[i]}, smallest);
        for (size_t i = 0; ok && i < held; i++) {
            size_t series = heap[i].series;
            if (results[series] == NULL)
                results[series] = series_set_append(out, in->items[series]->key, err);
            ok = results[series] != NULL;
            if (ok)
                series_put(results[series], step, heap[i].value);
        }
        ok = ok && (step % 256 != 0 || query_control_check(out->eval->control, err));
    }
    mem_free(heap);
    return ok;
}

static bool choose(const struct expr *agg, struct series_set *in, struct series_set *out, struct err *err)
{
    struct eval_context *eval = out->eval;
    struct label_choice choice = choice_of(agg, &eval->memory.arena);
    series_set_sort(in);
    struct key_table groups = {0};
    size_t *group_of = mem_array(in->count, sizeof(*group_of));
    size_t *members = mem_array(in->count, sizeof(*members));
    struct series **results = mem_array(in->count, sizeof(struct series *));
    for (size_t i = 0; i < in->count; i++) {
        bool is_new = false;
        group_of[i] = key_table_add(&groups, group_key(eval, in->items[i], &choice), &eval->memory.arena, &is_new);
    }
    // Members of each group, group after group, by counting.
    size_t *ends = mem_array(groups.count + 1, sizeof(*ends));
    for (size_t i = 0; i < in->count; i++)
        ends[group_of[i] + 1]++;
    for (size_t g = 0; g < groups.count; g++)
        ends[g + 1] += ends[g];
    for (size_t i = 0; i < in->count; i++)
        members[ends[group_of[i]]++] = i;
    bool ok = true;
    for (size_t g = 0; ok && g < groups.count; g++) {
        size_t first = g == 0 ? 0 : ends[g - 1];
        ok = choose_in_group(agg, in, members + first, ends[g] - first, results, out, err);
    }
    mem_free(ends);
    mem_free(results);
    mem_free(members);
    mem_free(group_of);
    key_table_fini(&groups);
    return ok;
}

/* ---- sorting: the order of an instant vector ---- */

struct place {
    struct series *series;
    struct chosen by;
};

static int ascending(const void *a, const void *b)
{
    return comes_before(&((const struct place *)a)->by, &((const struct place *)b)->by, true) ? -1 : 1;
}
static int descending(const void *a, const void *b)
{
    return comes_before(&((const struct place *)a)->by, &((const struct place *)b)->by, false) ? -1 : 1;
}

static bool sort_by_value(const struct expr *agg, struct series_set *in, struct series_set *out, struct err *err)
{
    struct eval_context *eval = out->eval;
    series_set_sort(in);
    struct place *places = mem_array(in->count, sizeof(*places));
    for (size_t i = 0; i < in->count; i++)
        places[i] = (struct place){in->items[i], {eval->steps.count == 1 ? in->items[i]->values[0] : 0, i}};
    if (in->count > 1)
        qsort(places, in->count, sizeof(*places), agg->vector_op == VECTOR_SORT ? ascending : descending);
    bool ok = true;
    for (size_t i = 0; ok && i < in->count; i++) {
        struct series *series = series_set_append(out, places[i].series->key, err);
        ok = series != NULL;
        for (size_t step = 0; ok && step < eval->steps.count; step++)
            if (series_has(places[i].series, step))
                series_put(series, step, places[i].series->values[step]);
    }
    mem_free(places);
    return ok;
}

bool vector_agg(const struct expr *agg, struct series_set *in, struct series_set *out, struct err *err)
{
    switch (agg->vector_op) {
    case VECTOR_TOPK:
    case VECTOR_BOTTOMK:
    case VECTOR_APPROX_TOPK:
        return choose(agg, in, out, err);
    case VECTOR_SORT:
    case VECTOR_SORT_DESC:
        return sort_by_value(agg, in, out, err);
    case VECTOR_SUM:
    case VECTOR_AVG:
    case VECTOR_MIN:
    case VECTOR_MAX:
    case VECTOR_COUNT:
    case VECTOR_STDDEV:
    case VECTOR_STDVAR:
        break;
    }
    return fold(agg, in, out, err);
}
