/* ochi_query.c: Ochi's queries: JSON and LOQL, and the ids of streams. */
#include "core/loql/loql_run.h"
#include "core/model/go_text.h"
#include "net/api/ochi.h"
#include "net/api/query_metrics.h"
#include "net/api/query_run.h"
#include "net/codec/json_writer.h"
#include "net/codec/ochi_query_json.h"

enum query_form { FORM_JSON, FORM_LOQL, FORM_UNKNOWN };

static enum query_form form_of(struct http_request *http)
{
    struct slice type = http_request_media_type(http);
    if (slice_eq(type, SLICE("application/json")))
        return FORM_JSON;
    if (slice_eq(type, SLICE("application/loql")))
        return FORM_LOQL;
    struct slice body = slice_trim(http->body);
    if (type.len > 0)
        return FORM_UNKNOWN;
    return body.len > 0 && body.ptr[0] == '{' ? FORM_JSON : FORM_LOQL;
}

/* ---- the answer ---- */

struct answer {
    struct buf body;
    size_t charged, rows;
    struct query_control *control;
};

/* What the answer has grown by is the query's too. */
static bool settle(struct answer *answer, struct err *err)
{
    if (answer->body.cap <= answer->charged)
        return true;
    if (!query_control_charge(answer->control, answer->body.cap - answer->charged, err))
        return false;
    answer->charged = answer->body.cap;
    return true;
}

static void json_pair(struct buf *out, struct slice name, struct slice value)
{
    buf_str(out, "{\"key\":");
    json_put_string(out, name);
    buf_str(out, ",\"value\":");
    json_put_string(out, value);
    buf_byte(out, '}');
}

static bool json_row(void *self, const struct loql_row *row, struct err *err)
{
    struct answer *answer = self;
    struct buf *out = &answer->body;
    struct slice metadata = row->metadata;
    struct label field;
    buf_str(out, answer->rows++ == 0 ? "{\"timestampNs\":" : ",{\"timestampNs\":");
    buf_i64(out, row->ts_ns);
    buf_str(out, ",\"fields\":[");
    for (size_t i = 0; i < row->labels->count; i++) {
        json_pair(out, row->labels->labels[i].name, row->labels->labels[i].value);
        buf_byte(out, ',');
    }
    while (label_next(&metadata, &field)) {
        json_pair(out, field.name, field.value);
        buf_byte(out, ',');
    }
    json_pair(out, SLICE(""), row->line);
    buf_str(out, "]}");
    return settle(answer, err);
}

static void member(struct buf *out, struct slice name, struct slice value)
{
    buf_byte(out, ',');
    json_put_string(out, name);
    buf_byte(out, ':');
    json_put_string(out, value);
}

static bool loql_line(void *self, const struct loql_row *row, struct err *err)
{
    struct answer *answer = self;
    struct buf *out = &answer->body;
    struct slice metadata = row->metadata;
    struct slice value;
    struct label field;
    buf_str(out, answer->rows++ == 0 ? "{\"_time\":\"" : ",{\"_time\":\"");
    rfc3339_print(out, row->ts_ns, true);
    buf_byte(out, '"');
    if (row->line.len > 0)
        member(out, SLICE("_msg"), row->line);
    for (size_t i = 0; i < row->labels->count; i++) {
        const struct label *tag = &row->labels->labels[i];
        if (!label_encoded_get(row->metadata, tag->name, &value)) // the entry's own field stands for the tag
            member(out, tag->name, tag->value);
    }
    while (label_next(&metadata, &field))
        member(out, field.name, field.value);
    buf_byte(out, '}');
    return settle(answer, err);
}

static void reply_json(struct http_request *http, int status, struct buf *body)
{
    struct http_reply reply = {.status = status, .content_type = "application/json", .body = *body};
    *body = BUF_INIT;
    http_reply(http, &reply);
}

static void reply_fault(struct http_request *http, const struct loql_fault *fault)
{
    struct buf body = BUF_INIT;
    buf_printf(&body, "{\"code\":\"QUERY_SYNTAX\",\"meta\":{\"locs\":[{\"line\":%zu,\"col\":%zu,\"msg\":", fault->line, fault->column);
    json_put_string(&body, fault->text);
    buf_str(&body, "}]}}");
    reply_json(http, 400, &body);
}

/* ---- queries ---- */

static bool run(struct query_scope *scope, const struct loql_query *query, bool is_loql, struct answer *answer, struct err *err)
{
    struct loql_request request = {
        .tenant = scope->caller->tenants[0], .query = query, .limits = scope->caller->limits, .arena = &scope->http->arena};
    buf_str(&answer->body, is_loql ? "{\"lines\":[" : "[");
    if (!loql_run(scope->source, store_executor(scope->api->store), &request, &scope->control, is_loql ? loql_line : json_row, answer, err))
        return false;
    buf_str(&answer->body, is_loql ? "]}" : "]");
    return true;
}

/* Into the query log and the metrics, as LogQL's log queries are. */
static void count(const struct query_scope *scope, const struct loql_query *query, const struct err *err)
{
    struct query_request request = {
        .tenant = scope->caller->tenants[0],
        .limits = scope->caller->limits,
        .start_ns = query->first_ns > 0 ? query->first_ns : 0, // so that the length of the range is an int64
        .end_ns = query->last_ns > 0 ? query->last_ns : 0,
        .now_ns = scope->now_ns,
    };
    query_metrics_done(scope, &request, &(struct query_result){.kind = RESULT_STREAMS}, scope->http->body, err);
}

static void query(struct http_request *http, bool is_loql)
{
    struct query_scope scope;
    struct loql_query parsed;
    struct loql_fault fault = {0, 0, SLICE_NONE};
    struct err err = {.code = ERR_NONE};
    query_scope_begin(&scope, http);
    struct answer answer = {.control = &scope.control};
    bool ok = is_loql ? loql_parse(http->body, scope.now_ns, &http->arena, &parsed, &fault, &err)
                      : ochi_query_decode(http->body, &http->arena, &parsed, &err);
    ok = ok && run(&scope, &parsed, is_loql, &answer, &err);
    count(&scope, &parsed, ok ? NULL : &err);
    loql_query_fini(&parsed);
    query_scope_end(&scope);
    if (ok) {
        reply_json(http, 200, &answer.body);
        return;
    }
    buf_fini(&answer.body);
    if (fault.line > 0)
        reply_fault(http, &fault);
    else
        ochi_reply_err(http, &err);
}

void ochi_query(struct http_request *http)
{
    enum query_form form = form_of(http);
    if (form == FORM_UNKNOWN)
        ochi_reply_text(http, 415, SLICE("content-type is not supported"));
    else if (ochi_body_check(http))
        query(http, form == FORM_LOQL);
}

/* ---- stream ids ---- */

struct id_list {
    struct slice tenant;
    struct answer answer;
    bool ok;
    struct err *err;
};

static void decimal_put(struct buf *out, struct hash128 id)
{
    char text[40];
    size_t at = sizeof(text);
    unsigned __int128 rest = (unsigned __int128)id.high << 64 | id.low;
    do {
        text[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    buf_put(out, slice_of(text + at, sizeof(text) - at));
}

static void add_id(void *self, struct slice encoded_labels)
{
    struct id_list *list = self;
    if (!list->ok)
        return;
    if (list->answer.rows++ > 0)
        buf_byte(&list->answer.body, ',');
    decimal_put(&list->answer.body, stream_id(list->tenant, encoded_labels));
    list->ok = settle(&list->answer, list->err);
}

void ochi_stream_ids(struct http_request *http)
{
    struct query_scope scope;
    struct err err = {.code = ERR_NONE};
    if (!ochi_body_check(http))
        return;
    query_scope_begin(&scope, http);
    struct id_list list = {.tenant = scope.caller->tenants[0], .answer = {.control = &scope.control}, .ok = true, .err = &err};
    struct scan_request request = {.tenant = list.tenant};
    buf_str(&list.answer.body, "{\"streamIDs\":[");
    bool ok = ochi_range_decode(http->body, scope.now_ns, &http->arena, &request.start_ns, &request.end_ns, &err) &&
              scope.source->streams(scope.source->self, &request, &scope.control, add_id, &list, &err) && list.ok;
    query_scope_end(&scope);
    if (ok) {
        buf_str(&list.answer.body, "]}");
        reply_json(http, 200, &list.answer.body);
    } else {
        buf_fini(&list.answer.body);
        ochi_reply_err(http, &err);
    }
}
