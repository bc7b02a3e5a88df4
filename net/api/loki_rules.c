/* loki_rules.c: rules: what users write and read (YAML), and what Prometheus' API shows of them (JSON). Source: spec http-api.md 12. */
#include "core/model/go_text.h"
#include "net/api/api.h"
#include "net/codec/json_writer.h"
#include "net/codec/rules_yaml.h"
#include "net/ruler/ruler.h"

static void reply(struct http_request *http, int status, const char *type, struct buf *body)
{
    struct http_reply answer = {.status = status, .content_type = type, .body = *body};
    http_reply(http, &answer);
}

static void reply_text(struct http_request *http, int status, const char *text)
{
    http_reply_text(http, status, arena_printf(&http->arena, "%s\n", text));
}

static void reply_json_error(struct http_request *http, int status, const char *type, const char *text)
{
    struct buf body = BUF_INIT;
    buf_printf(&body, "{\"status\":\"error\",\"data\":null,\"errorType\":\"%s\",\"error\":", type);
    json_put_string(&body, slice_str(text));
    buf_str(&body, "}\n");
    http_reply_text(http, status, arena_copy(&http->arena, buf_slice(&body))); // text/plain, as Loki sends it
    buf_fini(&body);
}

static void reply_accepted(struct http_request *http)
{
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"status\":\"success\",\"data\":null,\"errorType\":\"\",\"error\":\"\"}");
    reply(http, 202, "application/json", &body);
}

/* Rules are one tenant's. */
static bool tenant_of(struct http_request *http, struct slice *out)
{
    const struct caller *caller = caller_of(http);
    *out = caller->tenants[0];
    if (caller->tenant_count == 1)
        return true;
    reply_json_error(http, 400, "server_error", "no org id");
    return false;
}

/* The namespace of the path. */
static bool namespace_of(struct http_request *http, struct slice *out)
{
    struct err err;
    *out = http->path_args[0];
    if (rule_namespace_check(*out, &err))
        return true;
    reply_text(http, 400, err.text);
    return false;
}

/* ---- reading ---- */

#define WANTED_LABELS_MAX 64

struct listing {
    struct slice rule_namespace, group; /* ptr NULL: all */
    struct label wanted[WANTED_LABELS_MAX]; /* of ?labels=: a rule has one of them */
    size_t wanted_count;
    struct slice current; /* namespace */
    struct buf yaml;
};

static bool rule_is_wanted(const struct listing *listing, const struct rule *rule)
{
    const struct label_set labels = {rule->labels, rule->label_count};
    struct slice value;
    for (size_t i = 0; i < listing->wanted_count; i++) {
        if (label_set_get(&labels, listing->wanted[i].name, &value) && slice_eq(value, listing->wanted[i].value))
            return true;
    }
    return listing->wanted_count == 0;
}

/* The group with the rules that are wanted; false: none. */
static bool group_filter(const struct listing *listing, const struct rule_group *group, struct arena *arena, struct rule_group *out)
{
    *out = *group;
    if (listing->wanted_count == 0)
        return true;
    out->rules = ARENA_ARRAY(arena, struct rule, group->rule_count);
    out->rule_count = 0;
    for (size_t i = 0; i < group->rule_count; i++) {
        if (rule_is_wanted(listing, &group->rules[i]))
            out->rules[out->rule_count++] = group->rules[i];
    }
    return out->rule_count > 0;
}

static void group_list(void *self, const struct ruler_group *group)
{
    struct listing *listing = self;
    struct arena arena = ARENA_INIT;
    struct rule_group wanted;
    if ((listing->rule_namespace.ptr != NULL && !slice_eq(group->rule_namespace, listing->rule_namespace)) ||
        (listing->group.ptr != NULL && !slice_eq(group->group->name, listing->group)))
        return;
    if (listing->group.ptr != NULL) {
        rules_yaml_put_group(&listing->yaml, group->group);
    } else if (group_filter(listing, group->group, &arena, &wanted)) {
        if (listing->current.ptr == NULL || !slice_eq(listing->current, group->rule_namespace))
            rules_yaml_put_namespace(&listing->yaml, group->rule_namespace);
        listing->current = group->rule_namespace; // stays while ruler_each runs
        rules_yaml_put_item(&listing->yaml, &wanted);
    }
    arena_fini(&arena);
}

/* labels=k:v,k2:v2 */
static bool wanted_parse(struct http_request *http, struct listing *listing, struct err *err)
{
    struct form form;
    struct slice text;
    if (!http_request_form(http, &form, err))
        return false;
    if (!form_get(&form, SLICE("labels"), &text))
        return true;
    while (text.len > 0) {
        size_t end = slice_find_byte(text, ',');
        struct slice pair = slice_trim(slice_of(text.ptr, end));
        size_t colon = slice_find_byte(pair, ':');
        text = slice_from(text, end < text.len ? end + 1 : end);
        if (pair.len == 0)
            continue;
        if (colon == pair.len || listing->wanted_count == WANTED_LABELS_MAX)
            return err_set(err, ERR_INVALID, "invalid labels filter: name:value pairs, %d at most, are wanted", WANTED_LABELS_MAX);
        listing->wanted[listing->wanted_count++] = (struct label){slice_of(pair.ptr, colon), slice_from(pair, colon + 1)};
    }
    return true;
}

static void reply_listing(struct http_request *http, struct listing *listing, struct slice tenant, const char *none)
{
    struct err err;
    if (!wanted_parse(http, listing, &err)) {
        reply_text(http, 400, err.text);
        return;
    }
    ruler_each(api_of(http)->ruler, tenant, group_list, listing);
    if (listing->yaml.len == 0)
        reply_text(http, 404, none);
    else
        reply(http, 200, "application/yaml", &listing->yaml);
}

static void rules_list(struct http_request *http)
{
    struct listing listing = {0};
    struct slice tenant;
    if (tenant_of(http, &tenant))
        reply_listing(http, &listing, tenant, "no rule groups found");
}

static void rules_list_namespace(struct http_request *http)
{
    struct listing listing = {0};
    struct slice tenant;
    if (tenant_of(http, &tenant) && namespace_of(http, &listing.rule_namespace))
        reply_listing(http, &listing, tenant, "no rule groups found");
}

static void rules_get(struct http_request *http)
{
    struct listing listing = {.group = http->path_args[1]};
    struct slice tenant;
    if (tenant_of(http, &tenant) && namespace_of(http, &listing.rule_namespace))
        reply_listing(http, &listing, tenant, "group does not exist");
}

/* ---- writing ---- */

static void rules_put(struct http_request *http)
{
    struct rule_group group;
    struct slice tenant;
    struct slice rule_namespace;
    struct err err;
    if (!tenant_of(http, &tenant) || !namespace_of(http, &rule_namespace))
        return;
    if (http->body.len > RULE_GROUP_BYTES_MAX) {
        reply_text(http, 413, arena_printf(&http->arena, "rule group of %zu bytes, the limit is %zu", http->body.len, RULE_GROUP_BYTES_MAX).ptr);
        return;
    }
    if (!rules_yaml_read_group(http->body, &http->arena, &group, &err)) {
        reply_text(http, 400, "unable to decoded rule group"); // Loki's words, its grammar too
        return;
    }
    if (!rule_group_check(&group, 0, &err) || !ruler_put(api_of(http)->ruler, tenant, rule_namespace, &group, caller_of(http)->limits, &err)) {
        reply_text(http, http_status_of(err.code), err.text);
        return;
    }
    reply_accepted(http);
}

/* Of a namespace all groups, which must be there; or one group, gone already or not. */
static void remove_rules(struct http_request *http, bool is_namespace)
{
    struct slice tenant;
    struct slice rule_namespace;
    struct err err;
    bool found = false;
    if (!tenant_of(http, &tenant) || !namespace_of(http, &rule_namespace))
        return;
    if (!ruler_remove(api_of(http)->ruler, tenant, rule_namespace, is_namespace ? SLICE_NONE : http->path_args[1], &found, &err))
        reply_text(http, http_status_of(err.code), err.text);
    else if (is_namespace && !found)
        reply_text(http, 404, "group namespace does not exist");
    else
        reply_accepted(http);
}

static void rules_delete_namespace(struct http_request *http)
{
    remove_rules(http, true);
}

static void rules_delete(struct http_request *http)
{
    remove_rules(http, false);
}

/* ---- Prometheus' API ---- */

struct showing {
    const struct form *form;
    bool only_alerts, only_records;
    struct buf json;
    size_t count;
};

/* No such field, or one that has the value. Both name and name[] are read. */
static bool form_allows(const struct form *form, const char *name, struct slice value)
{
    bool has_any = false;
    for (size_t i = 0; i < form->count; i++) {
        struct slice field = form->fields[i].name;
        if (slice_ends(field, SLICE("[]")))
            field.len -= 2;
        if (!slice_eq_str(field, name))
            continue;
        if (slice_eq(form->fields[i].value, value))
            return true;
        has_any = true;
    }
    return !has_any;
}

static void rules_show(const struct showing *showing, const struct ruler_group *group, struct buf *out)
{
    for (size_t i = 0; i < group->group->rule_count; i++) {
        const struct rule *rule = group->rules[i].rule;
        bool is_alert = rule->alert.len > 0;
        if ((showing->only_alerts && !is_alert) || (showing->only_records && is_alert) || !form_allows(showing->form, "rule_name", rule_name(rule)))
            continue;
        buf_str(out, out->len > 0 ? "," : "");
        rules_json_put_rule(out, &group->rules[i]);
    }
}

static void group_show(void *self, const struct ruler_group *group)
{
    struct showing *showing = self;
    struct buf rules = BUF_INIT;
    struct buf *out = &showing->json;
    if (!form_allows(showing->form, "file", group->rule_namespace) || !form_allows(showing->form, "rule_group", group->group->name))
        return;
    rules_show(showing, group, &rules);
    if (rules.len > 0) {
        buf_str(out, showing->count++ > 0 ? ",{\"name\":" : "{\"name\":");
        json_put_string(out, group->group->name);
        buf_str(out, ",\"file\":");
        json_put_string(out, group->rule_namespace);
        buf_str(out, ",\"rules\":[");
        buf_put(out, buf_slice(&rules));
        buf_str(out, "],\"interval\":");
        go_print_float_f(out, (double)group->interval_ns / (double)NS_PER_S);
        buf_printf(out, ",\"limit\":%lld,\"lastEvaluation\":", (long long)group->group->limit);
        rules_json_put_time(out, group->last_ns);
        buf_str(out, ",\"evaluationTime\":");
        go_print_float_f(out, (double)group->took_ns / (double)NS_PER_S);
        buf_byte(out, '}');
    }
    buf_fini(&rules);
}

static bool prometheus_tenant(struct http_request *http, struct slice *out)
{
    const struct caller *caller = caller_of(http);
    *out = caller->tenants[0];
    if (caller->tenant_count == 1)
        return true;
    reply_json_error(http, 400, "bad_data", "too many org ids found");
    return false;
}

static bool type_parse(struct http_request *http, const struct form *form, struct showing *showing)
{
    struct slice type;
    if (!form_get(form, SLICE("type"), &type) || type.len == 0)
        return true;
    showing->only_alerts = slice_eq(type, SLICE("alert"));
    showing->only_records = slice_eq(type, SLICE("record"));
    if (showing->only_alerts || showing->only_records)
        return true;
    struct buf text = BUF_INIT;
    buf_str(&text, "not supported value ");
    go_quote(&text, type);
    buf_byte(&text, '\0');
    reply_json_error(http, 400, "bad_data", text.ptr);
    buf_fini(&text);
    return false;
}

static void prometheus_rules(struct http_request *http)
{
    struct form form;
    struct slice tenant;
    struct showing showing = {.form = &form};
    struct err err;
    if (!prometheus_tenant(http, &tenant))
        return;
    if (!http_request_form(http, &form, &err)) {
        reply_json_error(http, 400, "bad_data", err.text);
        return;
    }
    if (!type_parse(http, &form, &showing))
        return;
    buf_str(&showing.json, "{\"status\":\"success\",\"data\":{\"groups\":[");
    ruler_each(api_of(http)->ruler, tenant, group_show, &showing);
    buf_str(&showing.json, "]},\"errorType\":\"\",\"error\":\"\"}");
    reply(http, 200, "application/json", &showing.json);
}

static void alerts_show(void *self, const struct ruler_group *group)
{
    struct showing *showing = self;
    for (size_t i = 0; i < group->group->rule_count; i++)
        rules_json_put_alerts(&showing->json, group->rules[i].alerts, &showing->count);
}

static void prometheus_alerts(struct http_request *http)
{
    struct slice tenant;
    struct showing showing = {0};
    if (!prometheus_tenant(http, &tenant))
        return;
    buf_str(&showing.json, "{\"status\":\"success\",\"data\":{\"alerts\":[");
    ruler_each(api_of(http)->ruler, tenant, alerts_show, &showing);
    buf_str(&showing.json, "]},\"errorType\":\"\",\"error\":\"\"}");
    reply(http, 200, "application/json", &showing.json);
}

#define RULES (ROUTE_ON_POOL | ROUTE_TENANTS | ROUTE_BACKEND)

struct route_table loki_rules_routes(void)
{
    static const struct http_route routes[] = {
        {HTTP_GET, "/loki/api/v1/rules", "loki_api_v1_rules", RULES, rules_list},
        {HTTP_GET, "/loki/api/v1/rules/{namespace}", "loki_api_v1_rules_namespace", RULES, rules_list_namespace},
        {HTTP_POST, "/loki/api/v1/rules/{namespace}", "loki_api_v1_rules_namespace", RULES, rules_put},
        {HTTP_DELETE, "/loki/api/v1/rules/{namespace}", "loki_api_v1_rules_namespace", RULES, rules_delete_namespace},
        {HTTP_GET, "/loki/api/v1/rules/{namespace}/{groupName}", "loki_api_v1_rules_namespace_groupname", RULES, rules_get},
        {HTTP_DELETE, "/loki/api/v1/rules/{namespace}/{groupName}", "loki_api_v1_rules_namespace_groupname", RULES, rules_delete},
        {HTTP_GET, "/api/prom/rules", "api_prom_rules", RULES, rules_list},
        {HTTP_GET, "/api/prom/rules/{namespace}", "api_prom_rules_namespace", RULES, rules_list_namespace},
        {HTTP_POST, "/api/prom/rules/{namespace}", "api_prom_rules_namespace", RULES, rules_put},
        {HTTP_DELETE, "/api/prom/rules/{namespace}", "api_prom_rules_namespace", RULES, rules_delete_namespace},
        {HTTP_GET, "/api/prom/rules/{namespace}/{groupName}", "api_prom_rules_namespace_groupname", RULES, rules_get},
        {HTTP_DELETE, "/api/prom/rules/{namespace}/{groupName}", "api_prom_rules_namespace_groupname", RULES, rules_delete},
        {HTTP_GET, "/prometheus/api/v1/rules", "prometheus_api_v1_rules", RULES, prometheus_rules},
        {HTTP_GET, "/prometheus/api/v1/alerts", "prometheus_api_v1_alerts", RULES, prometheus_alerts},
    };
    return (struct route_table){routes, LENGTH(routes)};
}
