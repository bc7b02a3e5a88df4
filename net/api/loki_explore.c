/* loki_explore.c: the routes of log exploration, and those that tell limits and the state of one node in Loki's forms (spec http-api.md 8, 13). */
#include "net/api/loki_explore.h"

#include "core/model/go_text.h"
#include "net/api/api.h"
#include "net/codec/json_writer.h"

void loki_tenant_limits(struct http_request *http)
{
    struct http_reply reply = {.status = 200, .content_type = "text/plain; charset=utf-8"};
    limits_print_yaml(caller_of(http)->limits, &reply.body, 0);
    http_reply(http, &reply);
}

static void put_list(struct buf *out, const char *name, struct slice_list list)
{
    buf_printf(out, "\"%s\":[", name);
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        json_put_string(out, list.items[i]);
    }
    buf_byte(out, ']');
}

static void put_rule(struct buf *out, bool is_first, enum otlp_action action, struct slice_list attributes, struct slice pattern)
{
    buf_printf(out, "%s{\"action\":\"%s\",", is_first ? "" : ",", otlp_action_name(action));
    if (pattern.len == 0) {
        put_list(out, "attributes", attributes);
    } else {
        buf_str(out, "\"regex\":");
        json_put_string(out, pattern);
    }
    buf_byte(out, '}');
}

static void put_rules(struct buf *out, const char *name, const struct otlp_rule_list *rules)
{
    if (rules->count == 0)
        return;
    buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < rules->count; i++)
        put_rule(out, i == 0, rules->items[i].action, rules->items[i].attributes, rules->items[i].pattern);
    buf_byte(out, ']');
}

/* The rules in force: the labels by default are the first of them. */
static void put_otlp_config(struct buf *out, const struct limits *limits)
{
    const struct otlp_config *config = &limits->otlp_config;
    bool has_defaults = !config->ignores_defaults && limits->otlp_index_attributes.count > 0;
    buf_printf(out, "\"otlp_config\":{\"resource_attributes\":{%s\"attributes_config\":[", config->ignores_defaults ? "\"ignore_defaults\":true," : "");
    if (has_defaults)
        put_rule(out, true, OTLP_AS_LABEL, limits->otlp_index_attributes, SLICE(""));
    for (size_t i = 0; i < config->resource.count; i++) {
        const struct otlp_rule *rule = &config->resource.items[i];
        put_rule(out, i == 0 && !has_defaults, rule->action, rule->attributes, rule->pattern);
    }
    buf_str(out, "]}");
    put_rules(out, "scope_attributes", &config->scope);
    put_rules(out, "log_attributes", &config->record);
    buf_printf(out, "%s}", config->severity_text_is_label ? ",\"severity_text_as_label\":true" : "");
}

static void put_duration(struct buf *out, const char *name, int64_t ns)
{
    buf_printf(out, ",\"%s\":\"", name);
    prom_print_duration(out, ns);
    buf_byte(out, '"');
}

void loki_drilldown_limits(struct http_request *http)
{
    const struct limits *limits = caller_of(http)->limits;
    struct http_reply reply = {.status = 200, .content_type = "application/json"};
    struct buf *out = &reply.body;
    buf_printf(out, "{\"limits\":{\"discover_log_levels\":%s,", limits->discover_log_levels ? "true" : "false");
    put_list(out, "discover_service_name", limits->discover_service_name);
    buf_byte(out, ',');
    put_list(out, "log_level_fields", limits->log_level_fields);
    buf_printf(out, ",\"max_entries_limit_per_query\":%lld,\"max_line_size_truncate\":%s,\"max_query_bytes_read\":\"%lldB\"",
               (long long)limits->max_entries_limit_per_query, limits->max_line_size_truncate ? "true" : "false",
               (long long)limits->max_query_bytes_read);
    put_duration(out, "max_query_length", limits->max_query_length);
    put_duration(out, "max_query_lookback", limits->max_query_lookback);
    put_duration(out, "max_query_range", limits->max_query_range);
    buf_printf(out, ",\"max_query_series\":%lld,\"metric_aggregation_enabled\":false,", (long long)limits->max_query_series);
    put_otlp_config(out, limits);
    buf_str(out, ",\"pattern_persistence_enabled\":false");
    put_duration(out, "query_timeout", limits->query_timeout);
    put_duration(out, "retention_period", limits->retention_period);
    buf_printf(out, ",\"volume_enabled\":%s,\"volume_max_series\":%lld},\"pattern_ingester_enabled\":%s,\"version\":\"unknown\"}\n",
               limits->volume_enabled ? "true" : "false", (long long)limits->volume_max_series, api_of(http)->patterns_enabled ? "true" : "false");
    http_reply(http, &reply);
}

static void memberlist(struct http_request *http)
{
    http_reply_text(http, 200, SLICE("This instance doesn't use memberlist."));
}

/* One node is its own ring. */
static void ring(struct http_request *http)
{
    struct slice accept;
    struct buf body = BUF_INIT;
    struct api *api = api_of(http);
    if (!http_header_get(http, SLICE("accept"), &accept) || memmem(accept.ptr, accept.len, "application/json", 16) == NULL) {
        struct http_reply reply = {.status = 200, .content_type = "text/html; charset=utf-8"};
        buf_str(&reply.body, "<!DOCTYPE html>\n<title>Ring</title>\n<h1>Ring</h1>\n<table><tr><th>Instance<th>State</tr><tr><td>logi<td>ACTIVE</tr></table>\n");
        http_reply(http, &reply);
        return;
    }
    buf_str(&body, "{\"shards\":[{\"id\":\"logi\",\"state\":\"ACTIVE\",\"address\":\"127.0.0.1\",\"timestamp\":\"");
    rfc3339_print(&body, clock_wall_ns(api->clock), false);
    buf_str(&body, "\",\"registered_timestamp\":\"");
    rfc3339_print(&body, api->start_wall_ns, false);
    buf_str(&body, "\",\"read_only\":false,\"read_only_updated_timestamp\":\"\",\"zone\":\"\",\"tokens\":[0]}],\"now\":\"");
    rfc3339_print(&body, clock_wall_ns(api->clock), true);
    buf_str(&body, "\"}\n");
    http_reply_json(http, 200, &body);
}

#define EXPLORE (ROUTE_ON_POOL | ROUTE_TENANTS)
#define GET_POST (HTTP_GET | HTTP_POST)

struct route_table loki_explore_routes(void)
{
    static const struct http_route routes[] = {
        {GET_POST, "/loki/api/v1/index/stats", "loki_api_v1_index_stats", EXPLORE, loki_index_stats},
        {GET_POST, "/loki/api/v1/index/volume", "loki_api_v1_index_volume", EXPLORE, loki_index_volume},
        {GET_POST, "/loki/api/v1/index/volume_range", "loki_api_v1_index_volume_range", EXPLORE, loki_index_volume_range},
        {GET_POST, "/loki/api/v1/detected_labels", "loki_api_v1_detected_labels", EXPLORE, loki_detected_labels},
        {GET_POST, "/loki/api/v1/detected_fields", "loki_api_v1_detected_fields", EXPLORE, loki_detected_fields},
        {GET_POST, "/loki/api/v1/detected_field/{name}/values", "loki_api_v1_detected_field_name_values", EXPLORE, loki_detected_field_values},
        {GET_POST, "/loki/api/v1/patterns", "loki_api_v1_patterns", EXPLORE, loki_patterns},
        {HTTP_GET, "/config/tenant/v1/limits", "config_tenant_v1_limits", ROUTE_TENANT, loki_tenant_limits},
        {HTTP_GET, "/loki/api/v1/drilldown-limits", "loki_api_v1_drilldown_limits", ROUTE_TENANT, loki_drilldown_limits},
        {GET_POST, "/ring", "ring", ROUTE_ADMIN, ring},
        {GET_POST, "/distributor/ring", "distributor_ring", ROUTE_ADMIN, ring},
        {GET_POST, "/compactor/ring", "compactor_ring", ROUTE_ADMIN, ring},
        {GET_POST, "/pattern/ring", "pattern_ring", ROUTE_ADMIN, ring},
        {GET_POST, "/ruler/ring", "ruler_ring", ROUTE_ADMIN, ring},
        {HTTP_GET, "/memberlist", "memberlist", ROUTE_ADMIN | ROUTE_ANY_METHOD, memberlist},
    };
    return (struct route_table){routes, LENGTH(routes)};
}
