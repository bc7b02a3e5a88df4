#include "core/plan/query_limits.h"

#include "core/model/go_text.h"

/* end - start, each in whole ms, rounded down; at most INT64_MAX. */
static int64_t length_of(int64_t start_ns, int64_t end_ns)
{
    int64_t start_past = (start_ns % NS_PER_MS + NS_PER_MS) % NS_PER_MS;
    int64_t end_past = (end_ns % NS_PER_MS + NS_PER_MS) % NS_PER_MS;
    int64_t length_ns = 0;
    if (__builtin_sub_overflow(end_ns, start_ns, &length_ns) || __builtin_add_overflow(length_ns, start_past - end_past, &length_ns))
        return end_ns > start_ns ? INT64_MAX : 0;
    return length_ns;
}

bool query_limits_check_length(const struct limits *limits, int64_t start_ns, int64_t end_ns, struct err *err)
{
    int64_t limit_ns = limits->max_query_length;
    int64_t length_ns = length_of(start_ns, end_ns);
    if (limit_ns <= 0 || length_ns <= limit_ns)
        return true;
    struct buf text = BUF_INIT;
    buf_str(&text, "the query time range exceeds the limit (query length: ");
    go_print_duration(&text, length_ns);
    buf_str(&text, ", limit: ");
    prom_print_duration(&text, limit_ns);
    buf_str(&text, ")");
    err_fill(err, ERR_LIMIT, "%.*s", SLICE_ARG(buf_slice(&text)));
    buf_fini(&text);
    return false;
}

static bool check_length(const struct query_request *request, struct err *err)
{
    return request->is_instant || query_limits_check_length(request->limits, request->start_ns, request->end_ns, err);
}

static bool check_range(const struct log_range *range, const struct limits *limits, struct err *err)
{
    if (limits->max_query_range <= 0 || range->range_ns <= limits->max_query_range)
        return true;
    struct buf text = BUF_INIT;
    buf_str(&text, "[interval] value exceeds limit: [");
    prom_print_duration(&text, range->range_ns);
    buf_str(&text, "] > [");
    prom_print_duration(&text, limits->max_query_range);
    buf_str(&text, "]");
    err_fill(err, ERR_LIMIT, "%.*s", SLICE_ARG(buf_slice(&text)));
    buf_fini(&text);
    return false;
}

static bool has_matcher(const struct log_expr *log, struct slice name)
{
    for (size_t i = 0; i < log->matcher_count; i++)
        if (slice_eq(log->matchers[i].name, name))
            return true;
    return false;
}

static void put_name(struct buf *list, struct slice name)
{
    if (list->len > 0)
        buf_str(list, ", ");
    buf_put(list, name);
}

static bool check_required(const struct log_expr *log, const struct limits *limits, struct err *err)
{
    struct buf missing = BUF_INIT;
    struct buf present = BUF_INIT;
    for (size_t i = 0; i < limits->required_labels.count; i++)
        if (!has_matcher(log, limits->required_labels.items[i]))
            put_name(&missing, limits->required_labels.items[i]);
    for (size_t i = 0; i < log->matcher_count; i++)
        put_name(&present, log->matchers[i].name);
    bool ok = true;
    if (missing.len > 0) {
        ok = err_set(err, ERR_LIMIT, "stream selector is missing required matchers [%.*s], labels present in the query were [%.*s]",
                     SLICE_ARG(buf_slice(&missing)), SLICE_ARG(buf_slice(&present)));
    } else if (limits->minimum_labels_number > 0 && log->matcher_count < (size_t)limits->minimum_labels_number) {
        ok = err_set(err, ERR_LIMIT,
                     "stream selector has less label matchers than required: (present: [%.*s], number_present: %zu, "
                     "required_number_label_matchers: %lld)",
                     SLICE_ARG(buf_slice(&present)), log->matcher_count, (long long)limits->minimum_labels_number);
    }
    buf_fini(&missing);
    buf_fini(&present);
    return ok;
}

/* Each selector of the expression; counts matchers. */
static bool check_tree(const struct expr *expr, const struct limits *limits, size_t *matchers, struct err *err)
{
    switch (expr->kind) {
    case EXPR_LOG:
        *matchers += expr->log.matcher_count;
        return check_required(&expr->log, limits, err);
    case EXPR_RANGE:
    case EXPR_VARIANTS:
        *matchers += expr->range.log.matcher_count;
        return check_required(&expr->range.log, limits, err) && check_range(&expr->range, limits, err);
    case EXPR_VECTOR_AGG:
    case EXPR_LABEL_REPLACE:
        return check_tree(expr->inner, limits, matchers, err);
    case EXPR_BINARY:
        return check_tree(expr->left, limits, matchers, err) && check_tree(expr->right, limits, matchers, err);
    case EXPR_LITERAL:
    case EXPR_VECTOR:
        break;
    }
    return true;
}

bool query_limits_check(const struct query_request *request, struct err *err)
{
    const struct limits *limits = request->limits;
    bool is_log = request->expr->kind == EXPR_LOG;
    if (is_log && request->is_instant)
        return err_set(err, ERR_INVALID,
                       "log queries are not supported as an instant query type, please change your query to a range query type");
    size_t matchers = 0;
    if (!check_length(request, err) || !check_tree(request->expr, limits, &matchers, err))
        return false;
    if (limits->max_streams_matchers_per_query > 0 && matchers > (size_t)limits->max_streams_matchers_per_query)
        return err_set(err, ERR_LIMIT, "max streams matchers per query exceeded, matchers-count > limit (%zu > %lld)", matchers,
                       (long long)limits->max_streams_matchers_per_query);
    if (is_log && limits->max_entries_limit_per_query > 0 && request->limit > limits->max_entries_limit_per_query)
        return err_set(err, ERR_LIMIT, "max entries limit per query exceeded, limit > max_entries_limit_per_query (%lld > %lld)",
                       (long long)request->limit, (long long)limits->max_entries_limit_per_query);
    if (request->expr->kind == EXPR_VARIANTS && !limits->enable_multi_variant_queries)
        return err_set(err, ERR_INVALID, "multi variant queries are disabled for this instance");
    return true;
}

bool query_limits_refuse_series(int64_t max_series, struct err *err)
{
    return err_set(err, ERR_LIMIT,
                   "maximum number of series (%lld) reached for a single query; consider reducing query cardinality by adding more "
                   "specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or topk()",
                   (long long)max_series);
}
