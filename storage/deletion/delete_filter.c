#include "storage/deletion/delete_filter.h"

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/logql/parser.h"
#include "core/plan/rewrites.h"

/* ms of a request to ns; times that int64 cannot hold are all the way. */
static int64_t ns_of_ms(int64_t ms)
{
    int64_t ns;
    if (__builtin_mul_overflow(ms, NS_PER_MS, &ns))
        return ms < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

static bool compile(struct delete_filter *filter, struct slice query, int64_t now_ns, struct err *err)
{
    struct err why;
    if (!logql_parse_delete(arena_copy(&filter->arena, query), &filter->arena, &filter->expr, &why))
        return err_set(err, ERR_INVALID, "invalid query expression");
    filter->log = rewrite_line_filters_first(&filter->expr->log, &filter->arena);
    struct pipeline_hints hints = {.needs_all = true, .now_ns = now_ns};
    if (!pipeline_compile(&filter->log, NULL, &hints, &filter->arena, &filter->pipeline, &why))
        return err_set(err, ERR_INVALID, "invalid query expression");
    filter->takes_all = pipeline_is_empty(filter->pipeline);
    filter->columns = (pipeline_needs_lines(filter->pipeline) ? SCAN_LINES : 0u) | (pipeline_needs_metadata(filter->pipeline) ? SCAN_METADATA : 0u);
    filter->needle_count = pipeline_needles(filter->pipeline, &filter->arena, &filter->needles);
    return true;
}

bool delete_filter_create(const struct delete_request *request, struct delete_filter **out, struct err *err)
{
    struct delete_filter *filter = mem_zero(sizeof(*filter));
    filter->refs = 1;
    filter->id = request->id;
    filter->start_ns = ns_of_ms(request->start_ms);
    filter->end_ns = ns_of_ms(request->end_ms);
    filter->arena = ARENA_INIT;
    if (!compile(filter, request->query, ns_of_ms(request->created_ms), err)) {
        delete_filter_unref(filter);
        return false;
    }
    *out = filter;
    return true;
}

struct delete_filter *delete_filter_ref(struct delete_filter *filter)
{
    atomic_fetch_add_explicit(&filter->refs, 1, memory_order_relaxed); // whoever refs has a reference already
    return filter;
}

void delete_filter_unref(struct delete_filter *filter)
{
    if (filter == NULL || atomic_fetch_sub(&filter->refs, 1) != 1)
        return;
    pipeline_fini(filter->pipeline);
    expr_fini(filter->expr);
    arena_fini(&filter->arena);
    mem_free(filter);
}

bool delete_filter_has_line_filter(const struct delete_filter *filter)
{
    for (size_t i = 0; i < filter->log.stage_count; i++)
        if (filter->log.stages[i].kind == STAGE_LINE_FILTER)
            return true;
    return false;
}

struct delete_set *delete_set_create(struct delete_filter *const *filters, size_t count)
{
    if (count == 0)
        return NULL;
    struct delete_set *set = mem_zero(sizeof(*set) + count * sizeof(set->filters[0]));
    set->refs = 1;
    set->start_ns = INT64_MAX;
    set->end_ns = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        struct delete_filter *filter = delete_filter_ref(filters[i]);
        set->filters[set->count++] = filter;
        set->start_ns = filter->start_ns < set->start_ns ? filter->start_ns : set->start_ns;
        set->end_ns = filter->end_ns > set->end_ns ? filter->end_ns : set->end_ns;
        set->columns |= filter->columns;
    }
    return set;
}

struct delete_set *delete_set_ref(struct delete_set *set)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed); // whoever refs has a reference already
    return set;
}

void delete_set_unref(struct delete_set *set)
{
    if (set == NULL || atomic_fetch_sub(&set->refs, 1) != 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        delete_filter_unref(set->filters[i]);
    mem_free(set);
}

struct delete_choice delete_choose(struct delete_filter *const *filters, size_t count, struct slice encoded_labels, int64_t first_ns,
                                   int64_t last_ns, struct arena *arena)
{
    struct delete_choice choice = {0};
    for (size_t i = 0; i < count; i++) {
        const struct delete_filter *filter = filters[i];
        if (!delete_filter_touches(filter, first_ns, last_ns) ||
            !matchers_accept(filter->log.matchers, filter->log.matcher_count, encoded_labels))
            continue;
        if (choice.count == 0)
            choice.filters = ARENA_ARRAY(arena, const struct delete_filter *, count - i);
        choice.filters[choice.count++] = filter;
    }
    return choice;
}

bool delete_choice_touches(const struct delete_choice *choice, int64_t first_ns, int64_t last_ns)
{
    for (size_t i = 0; i < choice->count; i++)
        if (delete_filter_touches(choice->filters[i], first_ns, last_ns))
            return true;
    return false;
}

bool delete_choice_covers(const struct delete_choice *choice, int64_t first_ns, int64_t last_ns)
{
    for (size_t i = 0; i < choice->count; i++)
        if (delete_filter_covers(choice->filters[i], first_ns, last_ns))
            return true;
    return false;
}
