/* loki_detected.c: detected_labels, detected_fields and detected_field/{name}/values (spec http-api.md 8.6, 8.7). */
#include "core/logql/parser.h"
#include "core/model/go_text.h"
#include "core/patterns/field_list.h"
#include "net/api/explore.h"
#include "net/api/loki_explore.h"
#include "net/api/query_params.h"
#include "net/codec/json_writer.h"

/* ---- labels ---- */

struct label_summary {
    uint64_t values;
    bool only_ids, only_bits; /* numbers and UUIDs; 0 and 1 */
};

struct label_answer {
    struct query_scope *scope;
    struct key_table names, values; /* values: name, 0, value */
    struct label_summary *labels;   /* by name's number */
    size_t cap;
    struct buf key;
    struct charged_arena kept;      /* keys and summaries */
    size_t keys_charged;
    bool is_over; /* the query's memory was not enough: err says so */
    struct err err;
};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_uuid(struct slice text)
{
    bool ok = text.len == 36;
    for (size_t i = 0; ok && i < text.len; i++)
        ok = i == 8 || i == 13 || i == 18 || i == 23 ? text.ptr[i] == '-' : is_hex(text.ptr[i]);
    return ok;
}

static void add_label(struct label_answer *answer, const struct label *label)
{
    bool is_new;
    double number;
    struct arena *arena = &answer->kept.arena;
    size_t index = key_table_add(&answer->names, label->name, arena, &is_new);
    if (index >= answer->cap) {
        size_t cap = answer->cap == 0 ? 64 : answer->cap * 2;
        struct label_summary *labels = ARENA_ARRAY(arena, struct label_summary, cap);
        if (answer->cap > 0)
            memcpy(labels, answer->labels, answer->cap * sizeof(*labels));
        answer->labels = labels;
        answer->cap = cap;
    }
    struct label_summary *summary = &answer->labels[index];
    if (is_new)
        *summary = (struct label_summary){.only_ids = true, .only_bits = true};
    buf_reset(&answer->key);
    buf_put(&answer->key, label->name);
    buf_byte(&answer->key, 0);
    buf_put(&answer->key, label->value);
    (void)key_table_add(&answer->values, buf_slice(&answer->key), arena, &is_new);
    if (!is_new)
        return;
    summary->values++;
    summary->only_bits = summary->only_bits && (slice_eq(label->value, SLICE("0")) || slice_eq(label->value, SLICE("1")));
    summary->only_ids = summary->only_ids && (go_parse_float(label->value, &number, NULL) || is_uuid(label->value));
}

/* Charges what came since the last stream. */
static bool settle(struct label_answer *answer)
{
    struct query_control *control = &answer->scope->control;
    size_t keys = answer->names.count + answer->values.count;
    if (keys > answer->keys_charged && !query_control_charge(control, (keys - answer->keys_charged) * KEY_TABLE_BYTES_PER_KEY, &answer->err))
        return false;
    answer->keys_charged = keys;
    return charged_arena_settle(&answer->kept, control, &answer->err);
}

static void add_stream(void *self, struct slice encoded)
{
    struct label_answer *answer = self;
    struct label label;
    bool several = answer->scope->caller->tenant_count > 1;
    while (!answer->is_over && label_next(&encoded, &label)) {
        if (!several || !slice_eq(label.name, TENANT_LABEL))
            add_label(answer, &label);
    }
    answer->is_over = answer->is_over || !settle(answer);
}

static bool is_kept(struct slice name, const struct label_summary *label)
{
    return !label->only_ids || label->only_bits || slice_eq(name, SLICE("cluster")) || slice_eq(name, SLICE("namespace")) ||
           slice_eq(name, SLICE("instance")) || slice_eq(name, SLICE("pod"));
}

void loki_detected_labels(struct http_request *http)
{
    struct query_scope scope;
    struct explore explore;
    struct err err = {.code = ERR_NONE};
    struct buf body = BUF_INIT;
    query_scope_begin(&scope, http);
    struct label_answer answer = {.scope = &scope};
    bool ok = explore_parse(&explore, &scope, SELECTOR_OPTIONAL, &err) && explore_check_length(&explore, &scope, &err) &&
              (explore.request.start_ns > explore.request.end_ns ||
               scope.source->streams(scope.source->self, &explore.request, &scope.control, add_stream, &answer, &err));
    if (ok && answer.is_over) {
        err = answer.err;
        ok = false;
    }
    size_t count = 0;
    buf_byte(&body, '{');
    for (size_t i = 0; ok && i < answer.names.count; i++) {
        if (!is_kept(answer.names.keys[i], &answer.labels[i]))
            continue;
        buf_str(&body, count++ == 0 ? "\"detectedLabels\":[" : ",");
        buf_str(&body, "{\"label\":");
        json_put_string(&body, answer.names.keys[i]);
        buf_str(&body, ",\"cardinality\":");
        buf_u64(&body, answer.labels[i].values);
        buf_byte(&body, '}');
    }
    buf_str(&body, count > 0 ? "]}\n" : "}\n");
    explore_fini(&explore);
    key_table_fini(&answer.names);
    key_table_fini(&answer.values);
    query_control_refund(&scope.control, answer.keys_charged * KEY_TABLE_BYTES_PER_KEY);
    charged_arena_fini(&answer.kept, &scope.control);
    buf_fini(&answer.key);
    explore_reply(&scope, "labels", ok, &body, &err);
}

/* ---- fields ---- */

struct field_params {
    int64_t line_limit, limit, step_ns;
    struct range_params range;
};

static bool field_params_parse(const struct form *form, int64_t now_ns, struct field_params *out, struct err *err)
{
    int64_t interval_ns;
    struct slice text;
    return range_params_parse(form, now_ns, NS_PER_HOUR, &out->range, err) &&
           limit_param_parse(form, "line_limit", 100, &out->line_limit, err) &&
           limit_param_parse(form, param_get(form, "limit", &text) ? "limit" : "field_limit", 1000, &out->limit, err) &&
           steps_params_parse(form, &out->range, &out->step_ns, &interval_ns, err);
}

static bool fields_query(struct query_scope *scope, const struct form *form, const struct field_params *params, struct query_result *result,
                         struct err *err)
{
    struct expr *expr = NULL;
    struct slice text = SLICE("");
    (void)param_get(form, "query", &text);
    if (!logql_parse(text, &scope->http->arena, &expr, err))
        return false;
    struct query_request request = {
        .tenant = scope->caller->tenants[0],
        .expr = expr,
        .start_ns = params->range.start_ns,
        .end_ns = params->range.end_ns,
        .step_ns = params->step_ns,
        .limit = params->line_limit,
        .categorize = true,
        .limits = scope->caller->limits,
        .now_ns = scope->now_ns,
    };
    bool ok = expr->kind == EXPR_LOG || err_set(err, ERR_INVALID, "only log selector is supported");
    ok = ok && query_run(scope->source, store_executor(scope->api->store), &request, &scope->control, &scope->http->arena, result, err);
    expr_fini(expr);
    return ok;
}

static bool stream_has(const struct result_stream *stream, struct slice name)
{
    bool has = false;
    for (size_t i = 0; !has && i < stream->label_count; i++)
        has = slice_eq(stream->labels[i].name, name);
    return has;
}

struct taken_names {
    const struct result_stream *stream;
    const struct result_entry *entry;
};

static bool is_taken(const void *self, struct slice name)
{
    const struct taken_names *names = self;
    bool has = stream_has(names->stream, name);
    for (uint32_t i = 0; !has && i < names->entry->metadata_count; i++)
        has = slice_eq(names->entry->metadata[i].name, name);
    return has;
}

static void add_entry(struct field_list *list, const struct result_stream *stream, size_t s, const struct result_entry *entry)
{
    const struct taken_names names = {stream, entry};
    const struct field_names taken = {&names, is_taken};
    for (uint32_t i = 0; i < entry->metadata_count; i++) {
        if (!stream_has(stream, entry->metadata[i].name))
            field_list_add(list, (uint32_t)s, entry->metadata[i].name, entry->metadata[i].value);
    }
    for (uint32_t i = 0; i < entry->parsed_count; i++) {
        if (!slice_starts(entry->parsed[i].name, SLICE("__")))
            field_list_add(list, (uint32_t)s, entry->parsed[i].name, entry->parsed[i].value);
    }
    field_list_add_line(list, (uint32_t)s, &taken, entry->line);
}

static bool fields_find(struct query_scope *scope, struct field_list *list, struct field_params *params, struct err *err)
{
    struct form form;
    struct query_result result = {0};
    if (!http_request_form(scope->http, &form, err) || !field_params_parse(&form, scope->now_ns, params, err) ||
        !fields_query(scope, &form, params, &result, err))
        return false;
    bool ok = true;
    for (size_t s = 0; ok && s < result.stream_count; s++) {
        const struct result_stream *stream = &result.streams[s];
        for (size_t i = stream->entry_count; ok && i > 0; i--) { // the oldest decides the type
            add_entry(list, stream, s, &stream->entries[i - 1]);
            ok = field_list_settle(list, err) && query_control_check(&scope->control, err);
        }
    }
    return ok;
}

static void put_field(struct buf *body, const struct field *field)
{
    buf_str(body, "{\"label\":");
    json_put_string(body, field->name);
    buf_printf(body, ",\"type\":\"%s\",\"cardinality\":", field_type_text(field->type));
    buf_u64(body, field->values.count);
    buf_str(body, ",\"parsers\":");
    if (!field->by_json && !field->by_logfmt)
        buf_str(body, "null");
    else
        buf_printf(body, "[%s%s%s]", field->by_json ? "\"json\"" : "", field->by_json && field->by_logfmt ? "," : "",
                   field->by_logfmt ? "\"logfmt\"" : "");
    for (size_t i = 0; i < field->path_count; i++) {
        buf_str(body, i == 0 ? ",\"jsonPath\":[" : ",");
        json_put_string(body, field->path[i]);
    }
    buf_str(body, field->path_count > 0 ? "]}" : "}");
}

void loki_detected_fields(struct http_request *http)
{
    struct query_scope scope;
    struct err err = {.code = ERR_NONE};
    struct buf body = BUF_INIT;
    struct field_params params;
    struct field_list list;
    query_scope_begin(&scope, http);
    field_list_init(&list, &scope.control);
    bool ok = fields_find(&scope, &list, &params, &err);
    buf_byte(&body, '{');
    for (size_t i = 0; ok && i < list.count && i < (size_t)params.limit; i++) {
        buf_str(&body, i == 0 ? "\"fields\":[" : ",");
        put_field(&body, list.fields[i]);
    }
    if (ok && list.count > 0)
        buf_printf(&body, "],\"limit\":%lld", (long long)params.limit);
    buf_str(&body, "}\n");
    field_list_fini(&list);
    explore_reply(&scope, "labels", ok, &body, &err);
}

void loki_detected_field_values(struct http_request *http)
{
    struct query_scope scope;
    struct err err = {.code = ERR_NONE};
    struct buf body = BUF_INIT;
    struct field_params params;
    struct field_list list;
    query_scope_begin(&scope, http);
    field_list_init(&list, &scope.control);
    bool ok = fields_find(&scope, &list, &params, &err);
    const struct field *field = ok ? field_list_find(&list, http->path_args[0]) : NULL;
    buf_byte(&body, '{');
    for (size_t i = 0; field != NULL && i < field->values.count && i < (size_t)params.limit; i++) {
        buf_str(&body, i == 0 ? "\"values\":[" : ",");
        json_put_string(&body, field->values.keys[i]);
    }
    if (field != NULL && field->values.count > 0)
        buf_printf(&body, "],\"limit\":%lld", (long long)params.limit);
    buf_str(&body, "}\n");
    field_list_fini(&list);
    explore_reply(&scope, "labels", ok, &body, &err);
}
