#include "core/base/logger.h"
#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/compact/day_merge.h"

struct day_tenants { /* of one day, by what retention says of them */
    const struct day_merge_context *context;
    int64_t last_ns; /* of the day */
    int64_t now_ns;
    size_t ended, kept;
};

/* The tenant's entries of the day are all older than its retention. */
static bool has_ended(const struct day_tenants *tenants, struct slice tenant)
{
    int64_t keep = tenants->context->retention_ns(tenants->context->retention_self, tenant);
    int64_t until;
    return keep > 0 && !__builtin_add_overflow(tenants->last_ns, keep, &until) && until < tenants->now_ns;
}

static bool drops_tenant(void *self, struct slice tenant)
{
    return has_ended(self, tenant);
}

static void see_tenant(void *self, struct slice tenant)
{
    struct day_tenants *tenants = self;
    if (has_ended(tenants, tenant))
        tenants->ended++;
    else
        tenants->kept++;
}

static bool ask_tenants(const struct day_merge_context *context, struct day *day, struct day_tenants *tenants, struct err *err)
{
    struct day_index *index;
    if (!day_index_hold(day, context->index_streams, clock_mono_ns(context->clock), &index, err))
        return false;
    bool ok = day_index_tenants(index, see_tenant, tenants, err);
    day_index_release(day, !ok);
    return ok;
}

/* What the day holds, before it goes; returns how many segments. */
static size_t note_expired(const struct day_merge_context *context, const struct day *day)
{
    struct view *view = view_take(context->board);
    const struct view_day *with = view_find_day(view, day->number);
    uint64_t bytes = 0;
    for (size_t i = 0; with != NULL && i < with->segment_count; i++)
        bytes += segment_stats(with->segments[i])->file_bytes + segment_stats(with->segments[i])->signature_bytes;
    size_t count = with == NULL ? 0 : with->segment_count;
    figure_expired(count, bytes);
    view_drop(view);
    return count;
}

static void note_retained(const struct day_merge_context *context, const struct day *day, bool is_whole, bool ok, size_t segments, int64_t start_mono_ns)
{
    char name[32];
    day_name(day->number, name);
    figure_day_retained(name, is_whole, ok, segments, clock_mono_ns(context->clock) - start_mono_ns);
}

static bool drop_day(const struct day_merge_context *context, struct day *day, struct err *err)
{
    int64_t start_ns = clock_mono_ns(context->clock);
    size_t segments = 0;
    bool ok = day_set_drop(context->days, day, err);
    if (ok) {
        struct view_day_change change = {.day = day, .is_gone = true};
        segments = note_expired(context, day);
        view_publish(context->board, &(struct view_change){.days = &change, .day_count = 1});
        context->day_dropped(context->self, day->number);
        log_info("retention", "a day was dropped", "folder", day->folder);
    }
    note_retained(context, day, true, ok, segments, start_ns);
    return ok;
}

static bool has_ended_stream(struct segment *segment, const struct day_tenants *tenants)
{
    struct slice last = SLICE_NONE;
    for (size_t i = 0; i < segment_stream_count(segment); i++) {
        struct slice tenant = segment_stream_at(segment, i)->tenant;
        if (i > 0 && slice_eq(tenant, last))
            continue;
        last = tenant;
        if (has_ended(tenants, tenant))
            return true;
    }
    return false;
}

/* Writes the day's segments anew without the streams of tenants whose retention has passed. */
static bool thin_day(const struct day_merge_context *context, struct day *day, struct day_tenants *tenants, struct err *err)
{
    struct view *view = view_take(context->board);
    const struct view_day *with = view_find_day(view, day->number);
    const struct merge_omission omission = {.self = tenants, .drops = drops_tenant};
    bool ok = true;
    int64_t start_ns = clock_mono_ns(context->clock);
    size_t segments = 0;
    for (size_t i = 0; ok && with != NULL && i < with->segment_count && !context->is_stopping(context->self); i++) {
        if (!has_ended_stream(with->segments[i], tenants))
            continue;
        ok = day_merge_segments(context, with, &with->segments[i], 1, &omission, err);
        segments++;
    }
    view_drop(view);
    if (segments > 0)
        note_retained(context, day, false, ok, segments, start_ns);
    return ok;
}

/* A day that seems over must seem so for RETENTION_CONFIRM_NS: a clock that jumps ahead for a moment deletes nothing. */
static bool is_confirmed(struct day *day, int64_t now_mono_ns)
{
    if (day->expired_mono_ns == 0)
        day->expired_mono_ns = now_mono_ns;
    return now_mono_ns - day->expired_mono_ns >= RETENTION_CONFIRM_NS;
}

static bool retain_day(const struct day_merge_context *context, struct day *day, struct err *err)
{
    int64_t first;
    struct day_tenants tenants = {.context = context, .now_ns = clock_wall_ns(context->clock)};
    day_bounds(day->number, &first, &tenants.last_ns);
    if (tenants.last_ns >= tenants.now_ns)
        return true;
    int64_t mono = clock_mono_ns(context->clock);
    bool was_asked = day->retained_mono_ns != 0 && mono - day->retained_mono_ns < RETENTION_INTERVAL_NS;
    if (was_asked && day->expired_mono_ns == 0)
        return true;
    day->retained_mono_ns = mono;
    if (!ask_tenants(context, day, &tenants, err))
        return false;
    if (tenants.ended == 0) {
        day->expired_mono_ns = 0;
        return true;
    }
    if (!is_confirmed(day, mono))
        return true;
    if (tenants.kept == 0)
        return drop_day(context, day, err);
    day->expired_mono_ns = 0;
    return thin_day(context, day, &tenants, err);
}

bool day_retention_round(const struct day_merge_context *context, struct err *err)
{
    size_t count;
    struct day **days = day_set_range(context->days, INT64_MIN, INT64_MAX, &count);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        ok = ok && !context->is_stopping(context->self) ? retain_day(context, days[i], err) : ok;
        day_unref(days[i]);
    }
    mem_free(days);
    return ok;
}
