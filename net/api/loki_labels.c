#include "net/api/loki_labels.h"

#include "core/logql/parser.h"
#include "core/plan/query_limits.h"
#include "net/api/query_metrics.h"
#include "net/api/query_params.h"
#include "net/codec/json_writer.h"

#define MATCHES_MAX 64

struct label_answer {
    struct buf list; /* "a","b" */
    size_t count;
};

static void add_text(void *self, struct slice text)
{
    struct label_answer *answer = self;
    if (answer->count++ > 0)
        buf_byte(&answer->list, ',');
    json_put_string(&answer->list, text);
}

static bool range_parse(const struct query_scope *scope, const struct form *form, int64_t default_since_ns,
                        struct scan_request *out, struct err *err)
{
    struct range_params range;
    if (!range_params_parse(form, scope->now_ns, default_since_ns, &range, err)) {
        if (strcmp(err->text, "end timestamp must not be before or equal to start time") == 0) // Loki has other words here
            err_fill(err, ERR_INVALID, "this data is no longer available, it is past now - max_query_lookback (0s)");
        return false;
    }
    *out = (struct scan_request){.tenant = scope->caller->tenants[0], .start_ns = range.start_ns, .end_ns = range.end_ns};
    int64_t lookback = scope->caller->limits->max_query_lookback;
    if (lookback > 0 && out->start_ns < scope->now_ns - lookback)
        out->start_ns = scope->now_ns - lookback;
    return query_limits_check_length(scope->caller->limits, out->start_ns, out->end_ns, err);
}

/* The optional selector of `query`. */
static bool selector_parse(struct http_request *http, const struct form *form, struct matcher **matchers, size_t *count, struct err *err)
{
    struct slice text;
    *matchers = NULL;
    *count = 0;
    return !param_get(form, "query", &text) || logql_parse_matchers(text, false, &http->arena, matchers, count, err);
}

static void matchers_fini(struct matcher *matchers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        matcher_fini(&matchers[i]);
}

static bool collect(struct query_scope *scope, const struct slice *name, int64_t default_since_ns, struct label_answer *answer,
                    struct err *err)
{
    struct form form;
    struct scan_request request;
    struct matcher *matchers = NULL;
    size_t count = 0;
    if (!http_request_form(scope->http, &form, err) || !range_parse(scope, &form, default_since_ns, &request, err) ||
        !selector_parse(scope->http, &form, &matchers, &count, err))
        return false;
    request.matchers = matchers;
    request.matcher_count = count;
    const struct source *source = scope->source;
    bool ok = request.start_ns > request.end_ns ? true
              : name == NULL ? source->label_names(source->self, &request, &scope->control, add_text, answer, err)
                             : source->label_values(source->self, &request, *name, &scope->control, add_text, answer, err);
    matchers_fini(matchers, count);
    return ok;
}

static void reply_list(struct http_request *http, const struct slice *name, bool is_legacy)
{
    struct query_scope scope;
    struct err err = {.code = ERR_NONE};
    struct label_answer answer = {.list = BUF_INIT};
    query_scope_begin(&scope, http);
    bool ok = collect(&scope, name, is_legacy ? 6 * NS_PER_HOUR : NS_PER_HOUR, &answer, &err);
    metadata_metrics_done(&scope, "labels", ok ? NULL : &err);
    query_scope_end(&scope);
    if (!ok) {
        buf_fini(&answer.list);
        query_reply_err(http, &err);
        return;
    }
    struct buf body = BUF_INIT;
    buf_str(&body, is_legacy ? "{" : "{\"status\":\"success\"");
    if (answer.count > 0) {
        buf_str(&body, is_legacy ? "\"values\":[" : ",\"data\":[");
        buf_put(&body, buf_slice(&answer.list));
        buf_byte(&body, ']');
    }
    buf_str(&body, "}\n");
    buf_fini(&answer.list);
    http_reply_json(http, 200, &body);
}

void loki_labels(struct http_request *http)
{
    reply_list(http, NULL, false);
}

void loki_label_values(struct http_request *http)
{
    reply_list(http, &http->path_args[0], false);
}

void legacy_labels(struct http_request *http)
{
    reply_list(http, NULL, true);
}

void legacy_label_values(struct http_request *http)
{
    reply_list(http, &http->path_args[0], true);
}

/* ---- series ---- */

struct series_answer {
    struct buf list;
    size_t count;
    struct hash128 *seen; /* open addressing, only with several selectors; low 0 and high 0: free */
    size_t seen_count, seen_capacity;
    struct arena *arena;
};

static bool seen_add(struct series_answer *answer, struct hash128 key);

static void seen_grow(struct series_answer *answer)
{
    struct hash128 *old = answer->seen;
    size_t capacity = answer->seen_capacity;
    answer->seen_capacity = capacity == 0 ? 1024 : capacity * 2;
    answer->seen = ARENA_ARRAY(answer->arena, struct hash128, answer->seen_capacity);
    answer->seen_count = 0;
    for (size_t i = 0; i < capacity; i++) {
        if (old[i].low != 0 || old[i].high != 0)
            (void)seen_add(answer, old[i]);
    }
}

/* False: it was there. */
static bool seen_add(struct series_answer *answer, struct hash128 key)
{
    if ((answer->seen_count + 1) * 2 > answer->seen_capacity)
        seen_grow(answer);
    for (size_t i = key.low;; i++) {
        struct hash128 *slot = &answer->seen[i & (answer->seen_capacity - 1)];
        if (hash128_eq(*slot, key))
            return false;
        if (slot->low == 0 && slot->high == 0) {
            *slot = key;
            answer->seen_count++;
            return true;
        }
    }
}

static void add_series(void *self, struct slice encoded)
{
    struct series_answer *answer = self;
    struct label label;
    if (answer->arena != NULL && !seen_add(answer, hash128(encoded)))
        return;
    buf_str(&answer->list, answer->count++ > 0 ? ",{" : "{");
    for (size_t i = 0; label_next(&encoded, &label); i++) {
        if (i > 0)
            buf_byte(&answer->list, ',');
        json_put_string(&answer->list, label.name);
        buf_byte(&answer->list, ':');
        json_put_string(&answer->list, label.value);
    }
    buf_byte(&answer->list, '}');
}

/* The selectors of match and match[]; none, or {} alone, is all series: *count 0. */
static bool matches_find(const struct form *form, struct slice *out, size_t *count, struct err *err)
{
    *count = 0;
    for (size_t i = 0; i < form->count; i++) {
        const struct form_field *field = &form->fields[i];
        if (!slice_eq(field->name, SLICE("match")) && !slice_eq(field->name, SLICE("match[]")))
            continue;
        if (*count == MATCHES_MAX)
            return err_set(err, ERR_INVALID, "more than %d selectors", MATCHES_MAX);
        out[(*count)++] = field->value;
    }
    if (*count == 1) {
        struct slice inner = slice_trim(out[0]);
        bool is_all = inner.len >= 2 && inner.ptr[0] == '{' && inner.ptr[inner.len - 1] == '}' &&
                      slice_trim(slice_of(inner.ptr + 1, inner.len - 2)).len == 0;
        if (is_all || inner.len == 0)
            *count = 0;
    }
    for (size_t i = 0; i < *count; i++) {
        struct slice inner = slice_trim(out[i]);
        if (inner.len >= 2 && slice_trim(slice_of(inner.ptr + 1, inner.len - 2)).len == 0)
            return err_set(err, ERR_INVALID, "0 matchers in group: {}");
    }
    return true;
}

static bool series_collect(struct query_scope *scope, struct series_answer *answer, struct err *err)
{
    struct form form;
    struct scan_request request;
    struct slice matches[MATCHES_MAX];
    size_t count = 0;
    const struct source *source = scope->source;
    if (!http_request_form(scope->http, &form, err) || !range_parse(scope, &form, NS_PER_HOUR, &request, err) ||
        !matches_find(&form, matches, &count, err))
        return false;
    if (request.start_ns > request.end_ns)
        return true;
    if (count == 0)
        return source->streams(source->self, &request, &scope->control, add_series, answer, err);
    answer->arena = count > 1 ? &scope->http->arena : NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        struct matcher *matchers = NULL;
        size_t matcher_count = 0;
        ok = logql_parse_matchers(matches[i], false, &scope->http->arena, &matchers, &matcher_count, err);
        request.matchers = matchers;
        request.matcher_count = matcher_count;
        ok = ok && source->streams(source->self, &request, &scope->control, add_series, answer, err);
        matchers_fini(matchers, matcher_count);
    }
    return ok;
}

void loki_series(struct http_request *http)
{
    struct query_scope scope;
    struct err err = {.code = ERR_NONE};
    struct series_answer answer = {.list = BUF_INIT};
    query_scope_begin(&scope, http);
    bool ok = series_collect(&scope, &answer, &err);
    metadata_metrics_done(&scope, "series", ok ? NULL : &err);
    query_scope_end(&scope);
    if (!ok) {
        buf_fini(&answer.list);
        query_reply_err(http, &err);
        return;
    }
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"status\":\"success\",\"data\":[");
    buf_put(&body, buf_slice(&answer.list));
    buf_str(&body, "]}\n");
    buf_fini(&answer.list);
    http_reply_json(http, 200, &body);
}
