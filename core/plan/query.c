#include "core/plan/query.h"

#include "core/plan/log_query.h"
#include "core/plan/metric_query.h"
#include "core/plan/query_limits.h"

/* max_query_lookback: what is older is not seen. False: all of the range is older. */
static bool clip_lookback(struct query_request *request)
{
    int64_t oldest_ns = 0;
    if (request->limits->max_query_lookback <= 0 || __builtin_sub_overflow(request->now_ns, request->limits->max_query_lookback, &oldest_ns))
        return true;
    if (request->end_ns < oldest_ns)
        return false;
    if (request->start_ns < oldest_ns)
        request->start_ns = oldest_ns;
    return true;
}

bool query_run(const struct source *source, const struct executor *executor, const struct query_request *request,
               struct query_control *control, struct arena *arena, struct query_result *out, struct err *err)
{
    struct query_request clipped = *request;
    bool is_log = request->expr->kind == EXPR_LOG;
    if (request->is_instant)
        clipped.start_ns = clipped.end_ns;
    if (!clip_lookback(&clipped)) {
        *out = (struct query_result){.kind = is_log ? RESULT_STREAMS : request->is_instant ? RESULT_VECTOR : RESULT_MATRIX};
        return true;
    }
    if (!query_limits_check(&clipped, err) || !query_control_check(control, err))
        return false;
    return is_log ? log_query_run(source, executor, &clipped, control, arena, out, err)
                  : metric_query_run(source, executor, &clipped, control, arena, out, err);
}
