/* functions_alert.c: what alert templates have beyond Loki's functions, and what means something else there. Source: Prometheus' template package
 * (template reference of its documentation): humanize..., match, reReplaceAll, stripPort, ... */
#include <math.h>
#include <stdio.h>

#include "core/model/go_text.h"
#include "core/template/template_tree.h"

static bool give_text(const struct call *call, struct value *out, struct slice text)
{
    *out = value_text(arena_copy(call->arena, text));
    return true;
}

static bool give_number(const struct call *call, struct value *out, const char *sign, double number, const char *prefix, const char *unit)
{
    const char *word = isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf"; // as Go spells them
    if (isfinite(number))
        *out = value_text(arena_printf(call->arena, "%s%.4g%s%s", sign, number, prefix, unit));
    else
        *out = value_text(arena_printf(call->arena, "%s%s%s%s", sign, word, prefix, unit));
    return true;
}

/* Numbers, and texts that are numbers. */
static bool number_arg(const struct call *call, double *out, struct err *err)
{
    const struct value *value = &call->args[0];
    switch (value->kind) {
    case VALUE_FLOAT:
        *out = value->real;
        return true;
    case VALUE_INT:
        *out = (double)value->number;
        return true;
    case VALUE_STRING:
        return go_parse_float(value->text, out, err);
    case VALUE_NIL:
    case VALUE_BOOL:
    case VALUE_TIME:
    case VALUE_LIST:
    case VALUE_MAP:
    case VALUE_LABELS:
        break;
    }
    return err_set(err, ERR_INVALID, "can't convert %s to float", value_type_name(value));
}

/* Multiplies until it is at least 1. */
static const char *small_prefix(double *number)
{
    static const char *const prefixes[] = {"m", "u", "n", "p", "f", "a", "z", "y"};
    const char *prefix = "";
    for (size_t i = 0; i < LENGTH(prefixes) && fabs(*number) < 1; i++) {
        prefix = prefixes[i];
        *number *= 1000;
    }
    return prefix;
}

static const char *large_prefix(double *number, double step, const char *const prefixes[8])
{
    const char *prefix = "";
    for (size_t i = 0; i < 8 && fabs(*number) >= step; i++) {
        prefix = prefixes[i];
        *number /= step;
    }
    return prefix;
}

static bool humanize(const struct call *call, struct value *out, struct err *err)
{
    static const char *const prefixes[8] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
    double number = 0;
    const char *prefix = "";
    if (!number_arg(call, &number, err))
        return false;
    if (number != 0 && isfinite(number))
        prefix = fabs(number) >= 1 ? large_prefix(&number, 1000, prefixes) : small_prefix(&number);
    return give_number(call, out, "", number, prefix, "");
}

static bool humanize1024(const struct call *call, struct value *out, struct err *err)
{
    static const char *const prefixes[8] = {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
    double number = 0;
    const char *prefix = "";
    if (!number_arg(call, &number, err))
        return false;
    if (fabs(number) > 1 && isfinite(number))
        prefix = large_prefix(&number, 1024, prefixes);
    return give_number(call, out, "", number, prefix, "");
}

static bool humanize_duration(const struct call *call, struct value *out, struct err *err)
{
    double number = 0;
    if (!number_arg(call, &number, err))
        return false;
    if (!isfinite(number))
        return give_number(call, out, "", number, "", "");
    if (fabs(number) < 1) {
        const char *prefix = number == 0 ? "" : small_prefix(&number);
        return give_number(call, out, "", number, prefix, "s");
    }
    const char *sign = number < 0 ? "-" : "";
    number = fabs(number);
    if (number >= 9.2e18)
        return err_set(err, ERR_INVALID, "%g s is no duration", number);
    long long all = (long long)number;
    long long seconds = all % 60;
    long long minutes = all / 60 % 60;
    long long hours = all / 3600 % 24;
    long long days = all / 86400;
    if (days > 0)
        *out = value_text(arena_printf(call->arena, "%s%lldd %lldh %lldm %llds", sign, days, hours, minutes, seconds));
    else if (hours > 0)
        *out = value_text(arena_printf(call->arena, "%s%lldh %lldm %llds", sign, hours, minutes, seconds));
    else if (minutes > 0)
        *out = value_text(arena_printf(call->arena, "%s%lldm %llds", sign, minutes, seconds));
    else
        return give_number(call, out, sign, number, "", "s");
    return true;
}

static bool humanize_percentage(const struct call *call, struct value *out, struct err *err)
{
    double number = 0;
    return number_arg(call, &number, err) && give_number(call, out, "", number * 100, "", "%");
}

/* Seconds since 1970, cut to milliseconds. */
static bool seconds_to_ns(double seconds, int64_t *out_ns, struct err *err)
{
    double ns = seconds * 1e9;
    if (!(ns > -9.2e18 && ns < 9.2e18))
        return err_set(err, ERR_INVALID, "%g cannot be represented as a nanoseconds timestamp since it overflows int64", seconds);
    *out_ns = (int64_t)ns / NS_PER_MS * NS_PER_MS;
    return true;
}

static bool humanize_timestamp(const struct call *call, struct value *out, struct err *err)
{
    double number = 0;
    int64_t ns = 0;
    if (!number_arg(call, &number, err))
        return false;
    if (!isfinite(number))
        return give_number(call, out, "", number, "", "");
    if (!seconds_to_ns(number, &ns, err))
        return false;
    struct buf text = BUF_INIT;
    go_print_time(&text, ns);
    bool ok = give_text(call, out, buf_slice(&text));
    buf_fini(&text);
    return ok;
}

static bool to_time(const struct call *call, struct value *out, struct err *err)
{
    double number = 0;
    int64_t ns = 0;
    if (!number_arg(call, &number, err) || !seconds_to_ns(number, &ns, err))
        return false;
    *out = value_time(ns);
    return true;
}

static bool parse_duration(const struct call *call, struct value *out, struct err *err)
{
    int64_t ns = 0;
    if (!prom_parse_duration(call->args[0].text, &ns, err))
        return false;
    *out = value_float((double)ns / (double)NS_PER_S);
    return true;
}

/* ---- texts ---- */

static bool same(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = value_text(call->args[0].text);
    return true;
}

/* The colon in front of a port; len when there is none. [::1]:80 has one, ::1 has none. */
static size_t port_colon(struct slice text)
{
    size_t colon = text.len;
    for (size_t i = text.len; i-- > 0 && colon == text.len;)
        colon = text.ptr[i] == ':' ? i : text.len;
    bool has_bracket = text.len > 0 && text.ptr[0] == '[';
    if (has_bracket)
        return colon < text.len && colon > 0 && text.ptr[colon - 1] == ']' ? colon : text.len;
    return slice_find_byte(text, ':') == colon ? colon : text.len;
}

static struct slice host_of(struct slice text)
{
    size_t colon = port_colon(text);
    if (colon == text.len)
        return text;
    struct slice host = slice_of(text.ptr, colon);
    return host.len >= 2 && host.ptr[0] == '[' ? slice_of(host.ptr + 1, host.len - 2) : host;
}

static bool strip_port(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = value_text(host_of(call->args[0].text));
    return true;
}

static bool is_address(struct slice host)
{
    if (slice_find_byte(host, ':') < host.len)
        return true;
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9'))
            return false;
    }
    return host.len > 0;
}

static bool strip_domain(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice text = call->args[0].text;
    struct slice host = host_of(text);
    struct slice port = slice_from(text, port_colon(text));
    *out = value_text(text);
    if (!is_address(host))
        *out = value_text(arena_printf(call->arena, "%.*s%.*s", (int)slice_find_byte(host, '.'), host.ptr, SLICE_ARG(port)));
    return true;
}

static bool match(const struct call *call, struct value *out, struct err *err)
{
    struct regex *owned = NULL;
    if (call->regex == NULL && !regex_compile(call->args[0].text, REGEX_SEARCH, &owned, err))
        return false;
    *out = value_bool(regex_matches(call->regex != NULL ? call->regex : owned, call->args[1].text));
    regex_free(owned);
    return true;
}

/* Loki's regexReplaceAll with its last arguments the other way round. */
static bool re_replace_all(const struct call *call, struct value *out, struct err *err)
{
    const struct value args[3] = {call->args[0], call->args[2], call->args[1]};
    struct call swapped = *call;
    swapped.args = args;
    return function_find(SLICE("regexReplaceAll"), TEMPLATE_OF_LINES)->run(&swapped, out, err);
}

static bool external_url(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = value_text(call->labels->line);
    return true;
}

static bool path_prefix(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice url = call->labels->line;
    const char *host = url.len == 0 ? NULL : memmem(url.ptr, url.len, "://", 3);
    struct slice rest = host == NULL ? url : slice_from(url, (size_t)(host - url.ptr) + 3);
    struct slice path = slice_from(rest, host == NULL ? 0 : slice_find_byte(rest, '/'));
    *out = value_text(slice_of(path.ptr, slice_find_byte(path, '?')));
    return true;
}

/* arg0, arg1, ...: how a {{template}} gets several. */
static bool args(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct slice *keys = ARENA_ARRAY(call->arena, struct slice, call->count);
    struct value *items = ARENA_ARRAY(call->arena, struct value, call->count);
    for (size_t i = 0; i < call->count; i++) {
        keys[i] = arena_printf(call->arena, "arg%zu", i);
        items[i] = call->args[i];
    }
    *out = (struct value){.kind = VALUE_MAP, .keys = keys, .items = items, .count = call->count};
    return true;
}

static bool by_name(const char *name, const struct call *call, struct value *out, struct err *err)
{
    return function_find(slice_str(name), TEMPLATE_OF_LINES)->run(call, out, err);
}

static bool upper(const struct call *call, struct value *out, struct err *err)
{
    return by_name("ToUpper", call, out, err);
}

static bool lower(const struct call *call, struct value *out, struct err *err)
{
    return by_name("ToLower", call, out, err);
}

static bool url_query_escape(const struct call *call, struct value *out, struct err *err)
{
    return by_name("urlencode", call, out, err);
}

struct function_table template_alert_functions(void)
{
    static const struct function functions[] = {
        {"humanize", 1, 1, false, false, humanize, ""},
        {"humanize1024", 1, 1, false, false, humanize1024, ""},
        {"humanizeDuration", 1, 1, false, false, humanize_duration, ""},
        {"humanizePercentage", 1, 1, false, false, humanize_percentage, ""},
        {"humanizeTimestamp", 1, 1, false, false, humanize_timestamp, ""},
        {"toTime", 1, 1, false, false, to_time, ""},
        {"parseDuration", 1, 1, false, false, parse_duration, "s"},
        {"toUpper", 1, 1, false, false, upper, "s"},
        {"toLower", 1, 1, false, false, lower, "s"},
        {"match", 2, 2, false, true, match, "ss"},
        {"reReplaceAll", 3, 3, false, true, re_replace_all, "sss"},
        {"stripPort", 1, 1, false, false, strip_port, "s"},
        {"stripDomain", 1, 1, false, false, strip_domain, "s"},
        {"safeHtml", 1, 1, false, false, same, "s"},
        {"urlQueryEscape", 1, 1, false, false, url_query_escape, "s"},
        {"externalURL", 0, 0, false, false, external_url, ""},
        {"pathPrefix", 0, 0, false, false, path_prefix, ""},
        {"args", 0, SIZE_MAX, false, false, args, ""},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
