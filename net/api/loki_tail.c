#include "net/api/loki_tail.h"

#include "core/logql/parser.h"
#include "core/model/go_text.h"
#include "core/pipeline/expr_check.h"
#include "net/api/encoding_flags.h"
#include "net/api/query_params.h"
#include "net/tail/tails.h"

#define DELAY_S_MAX 5
#define AHEAD_S_MAX 3600 /* a negative delay_for: entries of the future are sent so long before their time, as in Loki, which knows no bound */

_Static_assert(ENCODING_FLAGS_MAX <= TAIL_FLAGS_MAX, "a tail keeps all flags of a request");

static bool delay_parse(const struct form *form, int64_t *out_ns, struct err *err)
{
    struct slice text;
    int64_t seconds = 0;
    if (param_get(form, "delay_for", &text) && !go_parse_atoi(text, &seconds, err))
        return false;
    if (seconds > DELAY_S_MAX)
        return err_set(err, ERR_INVALID, "delay_for can't be greater than %d", DELAY_S_MAX);
    *out_ns = (seconds < -AHEAD_S_MAX ? -AHEAD_S_MAX : seconds) * NS_PER_S;
    return true;
}

/* That it parses: a metric query is refused after the upgrade, where Loki does it. */
static bool query_check(struct slice text, struct arena *arena, struct err *err)
{
    struct expr *expr = NULL;
    if (!logql_parse(text, arena, &expr, err))
        return false;
    bool ok = expr_check_pipelines(expr, arena, err);
    expr_fini(expr);
    return ok;
}

static bool request_parse(struct http_request *http, const struct form *form, struct tail_request *out, struct err *err)
{
    struct range_params bounds;
    if (!param_get(form, "query", &out->query))
        out->query = SLICE("");
    if (!query_check(out->query, &http->arena, err))
        return false;
    out->query = regexp_param_append(form, out->query, &http->arena);
    if (!query_check(out->query, &http->arena, err) || !limit_param_parse(form, "limit", 100, &out->limit, err) ||
        !bounds_params_parse(form, clock_wall_ns(api_of(http)->clock), NS_PER_HOUR, &bounds, err))
        return false;
    out->start_ns = bounds.start_ns;
    return delay_parse(form, &out->delay_ns, err);
}

static void handle(struct http_request *http, bool is_legacy)
{
    struct api *api = api_of(http);
    const struct caller *caller = caller_of(http);
    struct tail_request request = {.tenant = caller->tenants[0], .book = caller->book, .limits = caller->limits, .is_legacy = is_legacy};
    struct encoding_flags flags;
    struct form form;
    struct err err = {.code = ERR_NONE};
    int status = 0;
    if (!http_request_form(http, &form, &err) || !request_parse(http, &form, &request, &err)) {
        http_reply_err(http, &err);
        return;
    }
    if (!websocket_handshake(http, api->tail_origins, &status)) {
        websocket_refuse(http, status);
        return;
    }
    encoding_flags_parse(http, &flags);
    request.categorize = flags.categorize;
    request.flag_count = flags.count;
    for (size_t i = 0; i < flags.count; i++)
        request.flags[i] = flags.flags[i];
    websocket_accept(http, &tail_handler, tail_create(api->tails, &request));
}

void loki_tail(struct http_request *http)
{
    handle(http, false);
}

void loki_tail_legacy(struct http_request *http)
{
    handle(http, true);
}
